#!/usr/bin/env bats
# Tokens in cookies for browsers, and the CSRF token that goes with them.
# shellcheck disable=SC2154 # body, headers, token: http.bash
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server '' 'cookies = yes
cors_origins = https://app.example.org'
    export tcp port
    add_user alice --email alice@example.org --role user >/dev/null
    add_user bob --email bob@example.org --role user >/dev/null
}

teardown_file() {
    stop_server
}

# set_cookie NAME: the last answer's line for the cookie of this short name.
set_cookie() {
    printf '%s\n' "$headers" | sed -n "s/^set-cookie: \(__Host-jwtauth-$1=.*\)/\1/p"
}
# pair NAME: what a browser sends back of it.
pair() {
    set_cookie "$1" | cut -d';' -f1
}
# browse METHOD PATH [CURL ARGUMENTS]: as a page would; curl's own jar keeps no __Host- cookie of plain HTTP.
browse() {
    call "$@" -H "Cookie: $jar" -H 'Origin: https://app.example.org'
}
# enter USER: $jar, $csrf, $refresh_pair
enter() {
    login "$1"
    keep
}
keep() {
    csrf=$(field 'd["csrf_token"]')
    refresh_pair=$(pair refresh)
    jar="theme=dark; $(pair access); $refresh_pair; $(pair csrf)"
}

@test "login sets cookies that no script reads, no other site sends and no other host sets" {
    login alice
    [ "$(printf '%s\n' "$headers" | grep -c '^set-cookie: ')" = 3 ]
    for name in access refresh; do
        [[ "$(set_cookie $name)" =~ ^__Host-jwtauth-$name=[^\;]{43,}\;\ Path=/\;\ Secure\;\ SameSite=Strict\;\ Max-Age=[1-9][0-9]*\;\ HttpOnly$ ]]
    done
    [[ "$(set_cookie csrf)" =~ ^__Host-jwtauth-csrf=[A-Za-z0-9_-]{43}\;\ Path=/\;\ Secure\;\ SameSite=Strict\;\ Max-Age=[1-9][0-9]*$ ]]
    [ "$(pair csrf)" = "__Host-jwtauth-csrf=$(field 'd["csrf_token"]')" ]
    [ "$(pair access)" = "__Host-jwtauth-access=$token" ]
    [ "$(pair refresh)" = "__Host-jwtauth-refresh=$refresh" ]
}

@test "reading takes the cookie; each unsafe method takes the session's CSRF token beside it" {
    enter bob
    local foreign=$csrf
    enter alice
    local other=$csrf
    enter alice
    [ "$other" != "$csrf" ]
    browse GET /auth/profile
    wants 200
    [ "$(field 'd["user"]["username"]')" = alice ]
    for bad in '' "$foreign" "$other" "${csrf%?}" "${csrf}A" "$(tr 'A-Za-z' 'B-ZAb-za' <<<"$csrf")"; do
        browse PUT /auth/profile -H 'Content-Type: application/json' -d '{"name":"Mallory"}' -H "X-CSRF-Token: $bad"
        wants 403 csrf_failed
        browse DELETE /auth/sessions -H "X-CSRF-Token: $bad"
        wants 403 csrf_failed
        browse POST /auth/password-change -H 'Content-Type: application/json' -H "X-CSRF-Token: $bad" \
            -d '{"old_password":"Correct-Horse-42","new_password":"Battery-Staple-9"}'
        wants 403 csrf_failed
        browse POST /auth/refresh -H "X-CSRF-Token: $bad"
        wants 403 csrf_failed
        browse POST /auth/logout -H "X-CSRF-Token: $bad"
        wants 403 csrf_failed
    done
    # nothing of all that happened
    browse GET /auth/profile
    [ "$(field 'd["user"]["name"]')" = None ]
    browse PUT /auth/profile -H 'Content-Type: application/json' -d '{"name":"Alice"}' -H "X-CSRF-Token: $csrf"
    wants 200
    [ "$(field 'd["user"]["name"]')" = Alice ]
}

@test "refresh takes the cookie and gives cookies alone; the former is used up" {
    enter alice
    local old=$jar before=$refresh_pair
    browse POST /auth/refresh -H "X-CSRF-Token: $csrf"
    wants 200
    [ "$(field 'sorted(d)')" = "['csrf_token', 'expires_in', 'session_id', 'user']" ]
    [[ "$body" != *"$(pair refresh | cut -d= -f2)"* ]]
    [ "$(field 'd["csrf_token"]')" = "$csrf" ]
    keep
    [ "$refresh_pair" != "$before" ]
    browse GET /auth/profile
    wants 200
    browse POST /auth/refresh -H "X-CSRF-Token: $csrf"
    wants 200
    keep
    jar=$old browse POST /auth/refresh -H "X-CSRF-Token: $csrf"
    wants 401 refresh_token_reused
    browse GET /auth/profile
    wants 401 session_ended
}

@test "logout ends the session and takes the cookies away" {
    enter alice
    browse POST /auth/logout -H "X-CSRF-Token: $csrf"
    wants 200
    for name in access refresh csrf; do
        [[ "$(set_cookie $name)" == "__Host-jwtauth-$name=; Path=/; Secure; SameSite=Strict; Max-Age=0"* ]]
    done
    browse GET /auth/profile
    wants 401 session_ended
    browse POST /auth/refresh -H "X-CSRF-Token: $csrf"
    [ "$status" = 401 ]
}

@test "a bearer token needs no CSRF token and wins over cookies; body tokens as well" {
    enter alice
    local hers=$jar
    enter bob
    jar=$hers browse GET /auth/profile -H "$(bearer "$token")"
    wants 200
    [ "$(field 'd["user"]["username"]')" = bob ]
    jar=$hers browse PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d '{"name":"Bob"}'
    wants 200
    call POST /auth/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$refresh\"}"
    wants 200
    [ "$(field 'd["token"] == d["access_token"] and len(d["refresh_token"])')" = 43 ]
}

@test "other cookies are none; two of one name are refused; verify-token takes the header alone" {
    enter alice
    jar='theme=dark; x__Host-jwtauth-access=y' browse GET /auth/profile
    wants 401 no_credential
    jar="$jar; __Host-jwtauth-access=$token" browse GET /auth/profile
    wants 400 ambiguous_request
    browse GET /auth/verify-token
    wants 401 no_credential
    # the refresh cookie is no access token, nor the other way round
    jar="__Host-jwtauth-access=$refresh" browse GET /auth/profile
    [ "$status" = 401 ]
    jar="__Host-jwtauth-refresh=$token" browse POST /auth/refresh -H "X-CSRF-Token: $csrf"
    [ "$status" = 401 ]
}

@test "R24: on the Unix socket a cookie is nobody's identity, and none is set" {
    enter alice
    ucall GET /auth/profile -H "Cookie: $jar"
    wants 400 ambiguous_identity
    ucall POST /auth/refresh -H "Cookie: $jar" -H "X-CSRF-Token: $csrf"
    wants 400 ambiguous_identity
    ucall POST /auth/login -H 'Content-Type: application/json' -d '{"username":"alice","password":"Correct-Horse-42"}'
    wants 200
    [[ "$headers" != *set-cookie* && "$body" != *csrf_token* ]]
}

@test "switched off there are no cookies: none is set, none is looked at" {
    enter alice
    sed -i 's/^cookies = yes/cookies = no/' /etc/jwtauth/jwtauth.conf
    stop_server
    start_server
    browse GET /auth/profile
    wants 401 no_credential
    browse POST /auth/refresh -H "X-CSRF-Token: $csrf"
    wants 400 missing_field
    login alice
    [[ "$headers" != *set-cookie* && "$body" != *csrf_token* ]]
}
