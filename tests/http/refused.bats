#!/usr/bin/env bats
# [throttle] token_failures: refused tokens of a source are counted; good ones are never throttled.
# shellcheck disable=SC2154 # token, refresh: http.bash
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup() {
    make_server '
[throttle]
token_failures = 3/10m'
    add_user alice --email alice@example.org --role user >/dev/null
    login alice
}

teardown() {
    stop_server
}

# refuse N: so many refusals are used up.
refuse() {
    for _ in $(seq "$1"); do
        call GET /auth/profile -H "$(bearer "$token-x")"
        wants 401 bad_signature || wants 401 malformed_token
    done
}

throttled() {
    wants 429 too_many_attempts || return
    local wait
    wait=$(printf '%s\n' "$headers" | sed -n 's/^retry-after: //p')
    [ "$wait" -gt 500 ] && [ "$wait" -le 600 ]
}

@test "R9: refusals beyond the rate answer 429, on every route that takes a token, counted together" {
    refuse 1
    post /auth/refresh '{"refresh_token":"x"}'
    wants 401 invalid_refresh_token
    post /auth/logout '{"token":"x"}'
    [ "$status" = 401 ]
    post /auth/refresh '{"refresh_token":"x"}'
    throttled
    post /auth/logout '{"token":"x"}'
    throttled
    call GET /auth/profile -H "$(bearer x)"
    throttled
    call POST /api/v1/token -H "$(bearer x)" -H 'Content-Type: application/json' -d '{"audience":"a"}'
    throttled
    call POST /oauth/introspect -H "$(bearer x)" -d token=y
    [ "$status" = 429 ]
}

@test "R10: a good token passes meanwhile, and who sends none is told so" {
    refuse 3
    call GET /auth/profile -H "$(bearer x)"
    throttled
    call GET /auth/profile -H "$(bearer "$token")"
    wants 200
    post /auth/refresh "{\"refresh_token\":\"$refresh\"}"
    wants 200
    call GET /auth/profile
    wants 401 no_credential
    login alice
    call POST /auth/logout -H "$(bearer "$token")"
    wants 200
}

@test "verify-token never answers 429 and is not counted; root on the socket neither" {
    for _ in $(seq 8); do
        call GET /auth/verify-token -H "$(bearer x)"
        [ "$status" = 401 ]
        ucall POST /auth/refresh -H 'Content-Type: application/json' -d '{"refresh_token":"x"}'
        wants 401 invalid_refresh_token
    done
    refuse 3
    call GET /auth/profile -H "$(bearer x)"
    throttled
    call GET /auth/verify-token -H "$(bearer x)"
    [ "$status" = 401 ]
}
