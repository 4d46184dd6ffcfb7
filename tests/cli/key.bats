#!/usr/bin/env bats
# Signing keys: key list, rotate, retire, import, export and jwks.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 077
}

# kid_of STATE: the key in that state.
kid_of() {
    authctl key list --json | json "[k['kid'] for k in d['keys'] if k['state'] == '$1'][0]"
}

states() {
    authctl key list --json | json '" ".join(sorted(k["state"] for k in d["keys"]))'
}

@test "key rotate: next becomes active, a new next, the former retires" {
    authctl -q key rotate >/dev/null
    active=$(kid_of active)
    next=$(kid_of next)
    [ "$(authctl key rotate --json | json 'd["kid"], d["state"]')" = "('$next', 'active')" ]
    [ "$(authctl key list --json | json "[k['state'] for k in d['keys'] if k['kid'] == '$active']")" = "['retiring']" ]
    [ "$(kid_of next)" != "$next" ]
}

@test "key rotate: another algorithm at once; an unknown one is refused; --if-due leaves a young key" {
    authctl -q key rotate --alg EdDSA >/dev/null
    active=$(kid_of active)
    [ "$(authctl key list --json | json "[k['alg'] for k in d['keys'] if k['state'] == 'active']")" = "['EdDSA']" ]
    fails_with 0 authctl key rotate --if-due --json
    [ "$(kid_of active)" = "$active" ]
    fails_with 5 authctl key rotate --alg none
    [ "$(kid_of active)" = "$active" ]
}

@test "key retire: not the active one; a retiring one at once, and its tokens are refused" {
    authctl -q user add alice --password-stdin <<<Correct-Horse-42 >/dev/null
    authctl token issue --user alice >token
    old=$(kid_of active)
    fails_with 4 authctl key retire "$old" --yes --json
    [ "$(error_code)" = last_key ]
    authctl -q key rotate >/dev/null
    authctl token verify - <token >/dev/null
    [ "$(authctl key retire "$old" --yes --json | json 'd["state"]')" = retired ]
    fails_with 1 authctl token verify - --json <token
    [ "$(json 'd["ok"], d["code"]' <<<"$output")" = "(False, 'unknown_key')" ]
    fails_with 4 authctl key retire "$old" --yes
    fails_with 3 authctl key retire nosuch --yes
}

@test "key import: every private form becomes next; a public key, a weak one and a second time do not" {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec8.pem
    openssl ecparam -name prime256v1 -genkey -noout -out sec1.pem
    openssl genrsa -traditional -out rsa1.pem 2048
    openssl genpkey -algorithm ED25519 -out ed.pem
    openssl rand -hex 32 >secret
    for pair in ec8.pem:ES256 sec1.pem:ES256 rsa1.pem:RS256 ed.pem:EdDSA; do
        [ "$(authctl key import "${pair%:*}" --json | json 'd["state"], d["alg"]')" = "('next', '${pair#*:}')" ]
    done
    [ "$(authctl key import secret --alg HS256 --json | json 'd["alg"]')" = HS256 ]
    fails_with 4 authctl key import secret --alg HS256 --json
    [ "$(error_code)" = key_exists ]
    openssl pkey -in ec8.pem -pubout -out public.pem
    chmod 600 public.pem
    fails_with 5 authctl key import public.pem --json
    [ "$(error_code)" = no_private_key ]
    openssl genrsa -out weak.pem 1024
    fails_with 5 authctl key import weak.pem
    chmod 644 ec8.pem
    fails_with 5 authctl key import ec8.pem
}

@test "key import, F2: a PEM is never taken as an HS256 secret" {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
    fails_with 5 authctl key import ec.pem --alg HS256
}

@test "key export: public as PEM and JWK; the private part only when asked and confirmed" {
    kid=$(kid_of active)
    authctl key export "$kid" >public.pem
    openssl pkey -pubin -in public.pem -noout
    [ "$(authctl key export "$kid" --json | json 'd["kid"], "d" in d')" = "('$kid', False)" ]
    authctl key export "$kid" --private --yes >private.pem
    openssl pkey -in private.pem -pubout | cmp - public.pem
    fails_with 2 authctl key export "$kid" --private </dev/null
    [ -z "$output" ]
    fails_with 3 authctl key export nosuch
    fails_with 6 as_nobody authctl key export "$kid" --private --yes
    [ -z "$output" ]
}

@test "key jwks: next, active and retiring, nothing private, never HS256" {
    authctl -q key rotate >/dev/null
    authctl -q key rotate >/dev/null
    authctl key jwks >jwks.json
    [ "$(states)" = "active next retiring retiring" ]
    [ "$(json 'len(d["keys"]), any("d" in k for k in d["keys"])' <jwks.json)" = "(4, False)" ]
    authctl -q key rotate --alg HS256 >/dev/null
    [ "$(authctl key jwks | json 'any(k["kty"] == "oct" for k in d["keys"])')" = False ]
    fails_with 5 authctl key export "$(kid_of active)" --json
    [ "$(error_code)" = symmetric_key ]
}
