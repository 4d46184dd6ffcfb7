#!/usr/bin/env bats
# Other implementations accept our tokens and refuse changed ones; we accept theirs: PyJWT, jose, libjwt.

python=/usr/bin/python3

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    sed -i 's/^\[tokens\]$/[tokens]\ntyp = JWT/' /etc/jwtauth/jwtauth.conf
    authctl -q user add alice --password-stdin <<<Correct-Horse-42 >/dev/null
    export JOSE_FOLDER="$top_builddir/tests/interop/node"
    mkdir -p "$JOSE_FOLDER"
    cp "$BATS_TEST_DIRNAME"/package.json "$BATS_TEST_DIRNAME"/package-lock.json "$BATS_TEST_DIRNAME"/.npmrc \
        "$JOSE_FOLDER"
    [ -d "$JOSE_FOLDER/node_modules/jose" ] || (cd "$JOSE_FOLDER" && npm ci >/dev/null 2>&1) || true
    ${CC:-cc} -o "$JOSE_FOLDER/libjwt_verify" "$BATS_TEST_DIRNAME/libjwt_verify.c" -ljwt || true
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 077
}

# prepare ALG: private.json, public.json (HS256: the private one), libjwt.key, token, bad.
prepare() {
    authctl -q key rotate --alg "$1" >/dev/null
    kid=$(authctl key list --json | json '[k["kid"] for k in d["keys"] if k["state"] == "active"][0]')
    authctl key export "$kid" --private --yes --json >private.json
    if [ "$1" = HS256 ]; then
        cp private.json public.json
        $python -c 'import base64,json,sys; k = json.load(sys.stdin)["k"]
sys.stdout.buffer.write(base64.urlsafe_b64decode(k + "=" * (-len(k) % 4)))' <private.json >libjwt.key
    else
        authctl key export "$kid" --json >public.json
        authctl key export "$kid" >libjwt.key
    fi
    authctl token issue --user alice >token
    $python -c 'h, p, s = open("token").read().strip().split(".")
print(h, p, ("B" if s[0] == "A" else "A") + s[1:], sep=".")' >bad
}

# exchange ALG PROGRAM...: their verdict on ours, ours on theirs.
exchange() {
    local alg=$1
    shift
    prepare "$alg"
    [ "$("$@" verify "$alg" public.json auth.example.org <token)" = alice ]
    fails_with 1 "$@" verify "$alg" public.json auth.example.org <bad
    fails_with 1 "$@" verify "$alg" public.json elsewhere <token
    "$@" sign "$alg" private.json "$kid" somebody >theirs
    ours=(authctl token verify --issuer https://other.example.org --audience them)
    [ "$("${ours[@]}" --key public.json --json - <theirs | json 'd["sub"]')" = somebody ]
    if [ "$alg" != HS256 ]; then
        authctl key jwks >jwks.json
        "${ours[@]}" --jwks jwks.json - <theirs >/dev/null
        "${ours[@]}" --key libjwt.key - <theirs >/dev/null
    fi
    fails_with 1 "${ours[@]}" --key public.json - <token
}

with_pyjwt() {
    $python -c 'import jwt, cryptography' 2>/dev/null || skip "python3-jwt is not installed"
    exchange "$1" $python "$BATS_TEST_DIRNAME/pyjwt.py"
}

with_jose() {
    [ -d "$JOSE_FOLDER/node_modules/jose" ] || skip "jose could not be installed"
    exchange "$1" node "$BATS_TEST_DIRNAME/jose.mjs"
}

with_libjwt() {
    [ -x "$JOSE_FOLDER/libjwt_verify" ] || skip "no libjwt to compile with"
    prepare "$1"
    [ "$("$JOSE_FOLDER/libjwt_verify" "$1" libjwt.key <token)" = alice ]
    fails_with 1 "$JOSE_FOLDER/libjwt_verify" "$1" libjwt.key <bad
}

@test "PyJWT and ES256" { with_pyjwt ES256; }
@test "PyJWT and EdDSA" { with_pyjwt EdDSA; }
@test "PyJWT and RS256" { with_pyjwt RS256; }
@test "PyJWT and HS256" { with_pyjwt HS256; }
@test "jose and ES256" { with_jose ES256; }
@test "jose and EdDSA" { with_jose EdDSA; }
@test "jose and RS256" { with_jose RS256; }
@test "jose and HS256" { with_jose HS256; }
@test "libjwt and ES256" { with_libjwt ES256; }
@test "libjwt and RS256" { with_libjwt RS256; }
@test "libjwt and HS256" { with_libjwt HS256; }
