#!/usr/bin/env bats
# The routes for the own account: their inputs, their refusals, and what they tell of accounts (nothing).
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server '
[registration]
open = yes
[throttle]
other = 100000/1s
login = 10000/1s
per_source = 10000/1s'
    export tcp port
    add_user alice --email alice@example.org --role user >/dev/null
}

teardown_file() {
    stop_server
}

# The routes that take a body, with one that is right in form: method, path, body.
routes() {
    cat <<'END'
POST login {"username":"alice","password":"Correct-Horse-42"}
POST refresh {"refresh_token":"x"}
POST register {"email":"new@example.org","password":"Correct-Horse-42"}
POST verify-email {"token":"x"}
POST verify-phone {"username":"alice","code":"123456"}
POST resend-verification {"email":"alice@example.org"}
POST password-reset {"email":"nobody@example.org"}
POST password-reset-confirm {"token":"x","new_password":"Correct-Horse-43"}
POST password-change {"old_password":"x","new_password":"Correct-Horse-43"}
PUT profile {"name":"Alice"}
POST totp/enroll {"password":"x"}
POST totp/confirm {"password":"x","code":"123456"}
POST totp/disable {"password":"x"}
POST recovery-codes {"password":"x"}
END
}

# send METHOD ROUTE BODY
send() {
    call "$1" "/api/v1/auth/$2" -H 'Content-Type: application/json' -d "$3" -H "$(bearer "$token")"
}

@test "every body: an unknown field is refused by name" {
    login alice
    local method route json
    while read -r method route json; do
        send "$method" "$route" "${json%\}},\"surprise\":1}"
        wants 400 unknown_field
        [[ "$body" == *'"details":["surprise"]'* && "$body" != *Correct* ]]
    done < <(routes)
}

@test "every field of every body refuses what is not of its type, and a second one of its name" {
    login alice
    local method route json key variant
    while read -r method route json; do
        for key in $(json 'list(d)' <<<"$json" | tr -d "[]',"); do
            for variant in null 7 true '[]' '{}'; do
                send "$method" "$route" "$(python3 -c '
import json, sys
d = json.loads(sys.argv[1]); d[sys.argv[2]] = json.loads(sys.argv[3]); print(json.dumps(d))' "$json" "$key" "$variant")"
                wants 400 invalid_type || { echo "$route $key $variant"; return 1; }
            done
            send "$method" "$route" "{\"$key\":\"a\",${json#\{}"
            wants 400 malformed_json || { echo "$route $key twice"; return 1; }
            send "$method" "$route" "$(python3 -c '
import json, sys
d = json.loads(sys.argv[1]); d[sys.argv[2]] = "a" * 9000; print(json.dumps(d))' "$json" "$key")"
            wants 400 field_too_long || { echo "$route $key long"; return 1; }
        done
    done < <(routes)
}

@test "what is needed and not given is missed" {
    login alice
    local method route json
    while read -r method route json; do
        send "$method" "$route" '{}'
        [ "$status" = 400 ] || { echo "$route: $status $body"; return 1; }
        [[ "$body" == *missing_field* || "$body" == *invalid_name* ]]
    done < <(routes)
}

@test "the routes for the own account want a token; another method is 405" {
    local method route
    while read -r method route; do
        call "$method" "/api/v1/auth/$route" -H 'Content-Type: application/json' -d '{"password":"x","code":"1","old_password":"x","new_password":"y","name":"A"}'
        [ "$status" = 401 ] || [ "$status" = 400 ] || { echo "$route $status"; return 1; }
        call PATCH "/api/v1/auth/$route"
        wants 405 method_not_allowed
    done <<'END'
GET profile
PUT profile
GET sessions
DELETE sessions
POST password-change
POST totp/enroll
POST totp/confirm
POST totp/disable
POST recovery-codes
END
    call GET /api/v1/auth/profile
    wants 401 no_credential
}

@test "the user object has its keys and no more" {
    login alice
    call GET /auth/profile -H "$(bearer "$token")"
    wants 200
    [ "$(field 'sorted(d["user"])')" = "['company_name', 'created_at', 'email', 'email_verified', 'first_name', 'id', 'is_active', 'last_login', 'last_name', 'mfa', 'name', 'phone', 'phone_verified', 'roles', 'status', 'updated_at', 'username']" ]
    [ "$(field 'd["user"]["company_name"]')" = None ]
    [[ "$body" != *argon2* ]]
}

@test "a profile is changed; blank names and nothing at all are refused; a new email takes the password" {
    login alice
    call PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d '{"name":"Alice Example","first_name":"Alice"}'
    wants 200
    [ "$(field 'd["user"]["name"]')" = 'Alice Example' ]
    for bad in '{}' '{"name":"  "}' '{"first_name":""}'; do
        call PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d "$bad"
        wants 400 invalid_name
    done
    call PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d '{"email":"other@example.org"}'
    wants 400 missing_field
    call PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d '{"email":"other@example.org","password":"Wrong-Horse-42"}'
    wants 401 invalid_credentials
    call GET /auth/profile -H "$(bearer "$token")"
    [ "$(field 'd["user"]["email"]')" = alice@example.org ]
    call PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d '{"email":"other@example.org","password":"Correct-Horse-42"}'
    wants 200
}

@test "whom an administrator added without a role has its own account: profile, code, sessions" {
    printf 'Correct-Horse-42\n' | authctl -q user add plain --email plain@example.org --password-stdin
    login plain
    call GET /auth/profile -H "$(bearer "$token")"
    wants 200
    call PUT /auth/profile -H "$(bearer "$token")" -H 'Content-Type: application/json' -d '{"name":"Plain Person"}'
    wants 200
    post /auth/totp/enroll '{"password":"Correct-Horse-42"}' -H "$(bearer "$token")"
    wants 200
    call GET /api/v1/users -H "$(bearer "$token")"
    wants 403 admin_over_tcp
}

@test "logging out with what is no token" {
    call POST /auth/logout -H "$(bearer garbage)"
    wants 401 malformed
    [[ "$body" == *'"Invalid token"'* ]]
    post /auth/logout '{"token":"garbage"}'
    wants 401 invalid_refresh_token
    call POST /auth/logout
    wants 401 no_credential
}

@test "registering, where it is closed: that is said before anything else is looked at" {
    sed -i 's/^open = yes/open = no/' /etc/jwtauth/jwtauth.conf
    stop_server
    start_server
    for given in '{"email":"new@example.org","password":"Correct-Horse-42"}' '{}' '{"x":1}' 'no json' '{"email":"alice@example.org","password":"x"}'; do
        post /auth/register "$given"
        wants 403 registration_closed
    done
    call POST /auth/register -d 'email=x'
    wants 403 registration_closed
    sed -i 's/^open = no/open = yes/' /etc/jwtauth/jwtauth.conf
    stop_server
    start_server
}

@test "registering: taken names are told; local names are never given out" {
    post /auth/register '{"email":"Bob.Builder@Example.org","password":"Correct-Horse-42","name":"Bob"}'
    wants 201
    [[ "$headers" == *$'\nlocation: /api/v1/auth/profile\n'* ]]
    [ "$(field 'd["user"]["username"]')" = bob-builder ]
    [ "$(field 'd["user_id"] == d["user"]["id"]')" = True ]
    [ "$(field '"token" in d')" = False ]
    post /auth/register '{"email":"bob.builder@example.org","password":"Correct-Horse-42"}'
    wants 409 email_taken
    post /auth/register '{"email":"root@example.org","password":"Correct-Horse-42"}'
    wants 201
    [ "$(field 'd["user"]["username"]')" = root1 ]
    post /auth/register '{"email":"x@example.org","username":"daemon","password":"Correct-Horse-42"}'
    wants 409 username_taken
    post /auth/register '{"email":"y@example.org","password":"short"}'
    wants 400 weak_password
    [[ "$body" == *'"details":['*too_short* ]]
    post /auth/register '{"password":"Correct-Horse-42"}'
    wants 400 email_required
    # pending: the password is right and nothing is told
    post /auth/login '{"email":"bob.builder@example.org","password":"Correct-Horse-42"}'
    wants 401 invalid_credentials
}

@test "a message is on its way, or not: nobody learns which" {
    local first='' who
    for who in alice@example.org nobody@example.org bob.builder@example.org; do
        for route in password-reset resend-verification; do
            post "/auth/$route" "{\"email\":\"$who\"}"
            wants 202
        done
        [ -z "$first" ] || [ "$body" = "$first" ]
        first=$body
    done
}

@test "the own password is changed with the old one; other sessions end, this one goes on" {
    add_user frank --role user >/dev/null
    login frank
    local other=$token
    login frank
    post /auth/password-change '{"old_password":"Wrong-Horse-42","new_password":"Battery-Staple-9"}' -H "$(bearer "$token")"
    wants 401 invalid_credentials
    post /auth/password-change '{"old_password":"Correct-Horse-42","new_password":"abc"}' -H "$(bearer "$token")"
    wants 400 weak_password
    post /auth/password-change '{"old_password":"Correct-Horse-42","new_password":"Battery-Staple-9"}' -H "$(bearer "$token")"
    wants 200
    call GET /auth/verify-token -H "$(bearer "$token")"
    wants 200
    call GET /auth/verify-token -H "$(bearer "$other")"
    wants 401 session_ended
    post /auth/login '{"username":"frank","password":"Correct-Horse-42"}'
    wants 401 invalid_credentials
    login frank Battery-Staple-9
}

@test "R12: a second factor is enrolled with the password, asked at login, and taken away with a code" {
    add_user grace --role user >/dev/null
    login grace
    post /auth/totp/enroll '{"password":"Wrong-Horse-42"}' -H "$(bearer "$token")"
    wants 401 invalid_credentials
    post /auth/totp/enroll '{"password":"Correct-Horse-42"}' -H "$(bearer "$token")"
    wants 200
    local secret code used
    secret=$(field 'd["secret"]')
    [[ "$(field 'd["uri"]')" == otpauth://totp/*grace* ]]
    # not in force yet
    login grace
    post /auth/totp/confirm '{"password":"Correct-Horse-42","code":"000000"}' -H "$(bearer "$token")"
    [ "$status" = 401 ]
    code=$(oathtool --totp -b "$secret")
    post /auth/totp/confirm "{\"password\":\"Correct-Horse-42\",\"code\":\"$code\"}" -H "$(bearer "$token")"
    wants 200
    local recovery
    recovery=$(field 'd["recovery_codes"][0]')
    [ "$(field 'len(d["recovery_codes"])')" = 10 ]
    post /auth/login '{"username":"grace","password":"Correct-Horse-42"}'
    wants 401 otp_required
    [[ "$body" != *token\"* ]]
    # the code that confirmed is used up (R11)
    post /auth/login "{\"username\":\"grace\",\"password\":\"Correct-Horse-42\",\"otp\":\"$code\"}"
    wants 401 invalid_credentials
    post /auth/login "{\"username\":\"grace\",\"password\":\"Correct-Horse-42\",\"otp\":\"$recovery\"}"
    wants 200
    token=$(field 'd["token"]')
    for route in totp/disable recovery-codes totp/enroll; do
        post "/auth/$route" '{"password":"Correct-Horse-42"}' -H "$(bearer "$token")"
        wants 401 otp_required
    done
    post /auth/recovery-codes "{\"password\":\"Correct-Horse-42\",\"otp\":\"$recovery\"}" -H "$(bearer "$token")"
    wants 401 invalid_credentials
    used=$(date +%s)
    code=$(oathtool --totp -b --now "@$((used + 30))" "$secret")
    post /auth/totp/disable "{\"password\":\"Correct-Horse-42\",\"otp\":\"$code\"}" -H "$(bearer "$token")"
    wants 200
    login grace
}

@test "own sessions are listed and ended; somebody else's are not there" {
    add_user heidi --role user >/dev/null
    login heidi
    local hers=$token id
    login heidi
    call GET /auth/sessions -H "$(bearer "$token")"
    wants 200
    [ "$(field 'len(d["sessions"])')" = 2 ]
    id=$(call GET /auth/verify-token -H "$(bearer "$hers")"; field 'd["claims"]["sid"]')
    login alice
    call DELETE "/auth/sessions/$id" -H "$(bearer "$token")"
    wants 404 session_not_found
    login heidi
    call DELETE "/auth/sessions/$id" -H "$(bearer "$token")"
    wants 200
    call GET /auth/verify-token -H "$(bearer "$hers")"
    wants 401 session_ended
    call DELETE /auth/sessions -H "$(bearer "$token")"
    wants 200
    [ "$(field 'd["ended"]')" = 2 ]
    call GET /auth/profile -H "$(bearer "$token")"
    wants 401 session_ended
}

@test "root on the socket is no user: routes for the own account say so" {
    ucall GET /auth/profile
    wants 403 not_a_user
}
