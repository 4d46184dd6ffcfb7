#!/usr/bin/env bats
# [registration] conceal: who registers what is taken learns nothing, and the owner is told.
# shellcheck disable=SC2154 # body: http.bash
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

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
other = 100000/1s'
    export tcp port
    add_user alice --email alice@example.org --phone +4930123456 --role user >/dev/null
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET email_verified_at = 1, phone_verified_at = 1"
}

teardown_file() {
    stop_server
}

# shape: the answer without what differs between any two accounts.
shape() {
    field '[sorted(d), sorted(d["user"]), {k: v for k, v in d["user"].items() if k not in
        ("id", "username", "email", "phone", "created_at", "updated_at")}]'
}
count() {
    sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM $1"
}
# as_new JSON: 201, in the shape of a new account.
as_new() {
    post /auth/register "$1"
    wants 201 || return
    [ "$(shape)" = "$fresh" ] || { echo "$(shape) instead of $fresh"; return 1; }
    [ "$(field 'd["user_id"] == d["user"]["id"] and len(d["user_id"])')" = 36 ]
}

@test "an address, a number and a name that are taken answer as new ones do; nothing is added" {
    local users first
    post /auth/register '{"email":"bob@example.org","password":"Correct-Horse-42"}'
    wants 201
    fresh=$(shape)
    [[ "$(field 'd["user"]["username"]')" =~ ^bob[1-9][0-9]{3}$ ]]
    users=$(count users)
    as_new '{"email":"Alice@Example.org","password":"Correct-Horse-42"}'
    [[ "$(field 'd["user"]["username"]')" =~ ^alice[1-9][0-9]{3}$ ]]
    [ "$(field 'd["user"]["email"].lower()')" = alice@example.org ]
    first=$(field 'd["user_id"]')
    [ "$(authctl user show alice --json | json 'd["id"]')" != "$first" ]
    as_new '{"email":"alice@example.org","password":"Correct-Horse-42"}'
    [ "$(field 'd["user_id"]')" != "$first" ]
    as_new '{"email":"new1@example.org","username":"alice","password":"Correct-Horse-42"}'
    [ "$(field 'd["user"]["username"], d["user"]["email"]')" = "('alice', 'new1@example.org')" ]
    as_new '{"email":"new2@example.org","phone":"+4930123456","password":"Correct-Horse-42"}'
    as_new '{"email":"new3@example.org","username":"daemon","password":"Correct-Horse-42"}'
    # pending ones as well
    as_new '{"email":"bob@example.org","password":"Correct-Horse-42"}'
    [ "$(count users)" = "$users" ]
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM outbox WHERE destination LIKE '%invalid%'")" = 0 ]
}

@test "what is refused of a new account is refused of a taken one" {
    for who in alice@example.org nobody@example.org; do
        post /auth/register "{\"email\":\"$who\",\"password\":\"short\"}"
        wants 400 weak_password
    done
}

@test "the owner is told, once a day; a login with the other's password is none" {
    [ "$(authctl outbox list --json | json '[m["destination"] for m in d["messages"] if m["template"] == "register_taken"]')" = "['alice@example.org']" ]
    post /auth/login '{"email":"alice@example.org","password":"Correct-Horse-43"}'
    wants 401 invalid_credentials
    login alice
}

@test "authctl register by root tells what is taken" {
    run --separate-stderr authctl register --email alice@example.org --password-stdin --json <<<Correct-Horse-42
    [ "$status" != 0 ]
    [ "$(error_code)" = email_taken ]
}
