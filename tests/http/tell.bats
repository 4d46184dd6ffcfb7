#!/usr/bin/env bats
# R8: no answer tells whether somebody has an account, nor in which state it is: login, password-reset,
# resend-verification, and register with conceal. By the clock: tests/pentest/tell.bats.
# shellcheck disable=SC2154 # body, status, headers: http.bash
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

states='verified unverified pending locked disabled expired deleted'

setup_file() {
    make_server '
[email]
provider = smtp
url = smtp://localhost:9
from = auth@example.org
[registration]
open = yes
conceal = yes
[throttle]
other = 100000/1s
login = 100000/1s
per_source = 100000/1s
per_user = 100000/1s
delay_base = 0s'
    export tcp port
    local n=0
    for who in $states; do
        n=$((n + 1))
        add_user "$who" --email "$who@example.org" --phone "+493012345$n" --role user >/dev/null
    done
    sqlite3 /var/lib/jwtauth/jwtauth.db "
        UPDATE users SET email_verified_at = 1, phone_verified_at = 1 WHERE username <> 'unverified';
        UPDATE users SET status = 'pending', email_verified_at = NULL, phone_verified_at = NULL WHERE username = 'pending';
        UPDATE users SET valid_until = 1 WHERE username = 'expired'"
    authctl -q user lock locked >/dev/null
    authctl -q user disable disabled >/dev/null
    authctl -q -y user delete deleted >/dev/null
}

teardown_file() {
    stop_server
}

# said: status, headers and body of the last answer, without what differs between any two.
said() {
    printf '%s\n%s\n%s\n' "$status" "$(printf '%s\n' "$headers" | sed '/^date:/d; s/^\(content-length:\).*/\1/' | sort)" "$body"
}

# alike ROUTE JSON-WITH-@: the answer for every state is that for a name of nobody's.
alike() {
    local nobodys
    post "/auth/$1" "${2//@@/nobody}"
    nobodys=$(said)
    for who in $states; do
        post "/auth/$1" "${2//@@/$who}"
        [ "$(said)" = "$nobodys" ] || { printf '%s %s:\n%s\ninstead of\n%s\n' "$1" "$who" "$(said)" "$nobodys"; return 1; }
    done
}

@test "login: a wrong password is answered as that of nobody, by name, address and number" {
    alike login '{"username":"@@","password":"Wrong-Horse-42"}'
    alike login '{"email":"@@@example.org","password":"Wrong-Horse-42"}'
    alike login '{"username":"@@","password":"Wrong-Horse-42","otp":"000000"}'
    alike login '{"username":"@@","password":""}'
    [ "$status" = 401 ]
    post /auth/login '{"email":"+49301234599","password":"Wrong-Horse-42"}'
    nobodys=$(said)
    for n in 1 2 3 4 5 6 7; do
        post /auth/login "{\"email\":\"+493012345$n\",\"password\":\"Wrong-Horse-42\"}"
        [ "$(said)" = "$nobodys" ]
    done
}

@test "login: the right password of who may not log in is answered like a wrong one" {
    for who in pending locked disabled expired deleted nobody; do
        post /auth/login "{\"username\":\"$who\",\"password\":\"Correct-Horse-42\"}"
        wants 401 invalid_credentials || { echo "$who"; return 1; }
        [ "$(field d)" = None ]
        [ "$body" = '{"success":false,"message":"Invalid email or password","error":{"code":"invalid_credentials"}}' ]
    done
}

# letters TEMPLATE: the addresses that it is queued for, once WANTED of them are there; what is asked for is written after
# the answer.
letters() {
    local found=
    for _ in $(seq 250); do
        found=$(authctl outbox list --json | json "' '.join(sorted(m['destination'] for m in d['messages'] if m['template'] == '$1'))")
        [ "$found" != "$2" ] || return 0
        sleep 0.02
    done
    echo "$1 for '$found' instead of '$2'"
    return 1
}

@test "password-reset: 202 for everybody, and a letter for who has an account with a verified address alone" {
    alike password-reset '{"email":"@@@example.org"}'
    [ "$status" = 202 ]
    alike password-reset '{"phone":"+4930123450"}'
    letters reset_email 'expired@example.org verified@example.org'
    # over and over: the fifth letter of an hour is the last one, and nobody hears so
    for _ in 1 2 3 4 5 6; do
        alike password-reset '{"email":"@@@example.org"}'
    done
    [ "$status" = 202 ]
}

@test "resend-verification: 202 for everybody, and a letter for who has something to verify alone" {
    alike resend-verification '{"email":"@@@example.org"}'
    [ "$status" = 202 ]
    letters verify_email 'pending@example.org unverified@example.org'
    for _ in 1 2 3 4 5 6; do
        alike resend-verification '{"email":"@@@example.org"}'
    done
    [ "$status" = 202 ]
}

# shape: a registration's answer, with what differs between any two accounts named only.
shape() {
    printf '%s\n' "$status" "$(printf '%s\n' "$headers" | sed '/^date:/d; /^content-length:/d' | sort)"
    printf '%s' "$body" | json '(d["success"], d["message"], sorted(d["data"]), {k: v if k not in
        ("id", "username", "email", "phone", "created_at", "updated_at") else type(v) for k, v in d["data"]["user"].items()})'
}

@test "register with conceal: a taken address, number or name is answered as a new one, in every state" {
    local fresh users
    post /auth/register '{"email":"fresh@example.org","password":"Correct-Horse-42"}'
    wants 201
    fresh=$(shape)
    users=$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM users")
    for _ in 1 2; do
        for who in verified unverified pending locked disabled expired fresh; do
            post /auth/register "{\"email\":\"$who@example.org\",\"password\":\"Correct-Horse-43\"}"
            [ "$(shape)" = "$fresh" ] || { echo "$who: $(shape)"; return 1; }
        done
    done
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM users")" = "$users" ]
    letters register_taken 'disabled@example.org expired@example.org locked@example.org verified@example.org'
}

@test "what was refused or held back is no failure of jwtauthd" {
    run grep -c 'cause=' /run/jwtauthd.log
    [ "$output" = 0 ]
}
