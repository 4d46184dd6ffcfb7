#!/usr/bin/env bats
# Tokens: issue, verify, decode, introspect, revoke, refresh.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    authctl -q user add alice --password-stdin <<<Correct-Horse-42 >/dev/null
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    cd "$BATS_TEST_TMPDIR" || return 1
}

# no_code: the code of the JSON "no" on stdout of the last fails_with.
no_code() {
    # shellcheck disable=SC2154
    json '"" if d["ok"] else d["code"]' <<<"$output"
}

issue() {
    authctl token issue --user alice "$@"
}

# changed FILE: the token with another first letter of the signature.
changed() {
    python3 -c 'import sys; h, p, s = open(sys.argv[1]).read().split(".")
print(h, p, ("B" if s[0] == "A" else "A") + s[1:].strip(), sep=".")' "$1"
}

@test "token issue: a token that counts, as long as asked" {
    [ "$(issue --ttl 10m --json | json '" ".join(sorted(d)), d["expires_in"]')" = \
        "('access_token expires_at expires_in jti token_type', 600)" ]
    issue --audience invoices >token
    authctl token verify --audience invoices - <token >/dev/null
    fails_with 1 authctl token verify --json - <token
    [ "$(no_code)" = wrong_audience ]
    fails_with 2 authctl token issue
    fails_with 3 authctl token issue --user nosuch
    fails_with 5 issue --ttl 0
    fails_with 5 issue --ttl 400d --json
    [ "$(error_code)" = ttl_too_long ]
    fails_with 6 as_nobody authctl token issue --user alice
}

@test "token verify: the claims; a changed one, rubbish and 1 MB are refused with the reason" {
    issue >token
    [ "$(authctl token verify --json - <token | json 'd["preferred_username"]')" = alice ]
    changed token >bad
    fails_with 1 authctl token verify --json - <bad
    [ "$(no_code)" = bad_signature ]
    fails_with 1 authctl token verify --json rubbish
    [ "$(no_code)" = malformed ]
    head -c 1048576 /dev/zero | tr '\0' A >big
    fails_with 1 authctl token verify --json - <big
    [ "$(no_code)" = token_too_large ]
}

@test "token verify --jwks and --key: without store and configuration, by anybody" {
    issue >token
    authctl key jwks >jwks.json
    kid=$(authctl key list --json | json '[k["kid"] for k in d["keys"] if k["state"] == "active"][0]')
    authctl key export "$kid" >key.pem
    authctl key export "$kid" --json >key.json
    changed token >bad
    chmod 644 ./*
    dir=$(mktemp -d /tmp/offline.XXXXXX)
    cp token bad jwks.json key.pem key.json "$dir"
    chmod 755 "$dir"
    mv /etc/jwtauth /etc/jwtauth.away
    result=0
    offline "$dir" || result=1
    mv /etc/jwtauth.away /etc/jwtauth
    rm -r "$dir"
    [ "$result" = 0 ]
}

offline() {
    local way
    for way in "--jwks $1/jwks.json" "--key $1/key.pem" "--key $1/key.json"; do
        # shellcheck disable=SC2086
        fails_with 0 as_nobody authctl token verify $way - <"$1/token" || return 1
        # shellcheck disable=SC2086
        fails_with 1 as_nobody authctl token verify --json $way - <"$1/bad" || return 1
        [ "$(no_code)" = bad_signature ] || return 1
        # shellcheck disable=SC2086
        fails_with 1 as_nobody authctl token verify --json --issuer https://other $way - <"$1/token" || return 1
        [ "$(no_code)" = wrong_issuer ] || return 1
    done
}

@test "token verify --key with a secret; --signature-only prints any payload" {
    # RFC 7515 shape with a payload that is no JSON, by the openssl tool
    printf '%s' 0123456789abcdef0123456789abcdef >secret
    b64() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
    input="$(printf '{"alg":"HS256"}' | b64).$(printf 'plain words' | b64)"
    sig=$(printf '%s' "$input" | openssl dgst -sha256 -hmac "$(cat secret)" -binary | b64)
    fails_with 0 authctl token verify --key secret --alg HS256 --signature-only "$input.$sig"
    [ "$output" = "plain words" ]
    [[ $stderr == *"only the signature"* ]]
    fails_with 1 authctl token verify --key secret --alg HS256 "$input.$sig"
    printf '%s' 1123456789abcdef0123456789abcdef >secret
    fails_with 1 authctl token verify --key secret --alg HS256 --signature-only "$input.$sig"
    [ -z "$output" ]
}

@test "token decode: says what it says, checks nothing" {
    issue >token
    changed token >bad
    fails_with 0 authctl token decode --json - <bad
    [ "$(json 'd["header"]["alg"], d["payload"]["preferred_username"]' <<<"$output")" = "('ES256', 'alice')" ]
    fails_with 5 authctl token decode rubbish
}

@test "token introspect: active, and nothing but that of one that is not" {
    issue >token
    [ "$(authctl token introspect --json - <token | json 'd["active"], d["username"]')" = "(True, 'alice')" ]
    changed token >bad
    fails_with 1 authctl token introspect --json - <bad
    [ "$output" = '{"active":false}' ]
}

@test "R18 token revoke: refused from then on; an unknown token is no error" {
    issue >token
    authctl -q token revoke - <token >/dev/null
    fails_with 1 authctl token verify --json - <token
    [ "$(no_code)" = revoked ]
    authctl token verify --offline - <token >/dev/null
    fails_with 1 authctl token introspect --json - <token
    [ "$output" = '{"active":false}' ]
    [ "$(authctl token revoke --json - <token)" = '{"revoked":true}' ]
}

@test "R17 token refresh: a new pair; the used one again ends the session" {
    authctl login alice --password-stdin --json <<<Correct-Horse-42 >one
    json 'd["refresh_token"]' <one >r1
    authctl token refresh --refresh-token-stdin --json <r1 >two
    json 'd["refresh_token"]' <two >r2
    authctl token refresh --refresh-token-stdin --json <r2 >three
    json 'd["access_token"]' <three >access
    authctl token verify - <access >/dev/null
    fails_with 1 authctl token refresh --refresh-token-stdin --json <r1
    fails_with 1 authctl token verify --json - <access
    [ "$(no_code)" = session_ended ]
    json 'd["refresh_token"]' <three >r3
    fails_with 1 authctl token refresh --refresh-token-stdin <r3
}
