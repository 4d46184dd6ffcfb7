#!/usr/bin/env bats
# POST /api/v1/token and authctl token get through the daemon: a service by its uid, a service by its API key, a person
# by its session; each of them for itself alone.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server
    export tcp port
    authctl -q role add invoicing >/dev/null
    authctl -q role permit invoicing invoices:read >/dev/null
    authctl -q role permit invoicing token:get --on audience/x >/dev/null
    authctl -q service add billing --bind-uid 991 --role invoicing >/dev/null
    add_user alice >/dev/null
    add_user bob --role invoicing >/dev/null
}

teardown_file() {
    stop_server
}

setup() {
    pid=$(cat /run/jwtauthd.pid)
    cd "$BATS_TEST_TMPDIR" || return 1
    chmod 0755 "$BATS_TEST_TMPDIR"
}

# as UID COMMAND...: a process of that uid with a home of its own and no environment of ours.
as() {
    local uid=$1
    shift
    [ -d "/home/$uid" ] || install -d -m 0700 -o "$uid" "/home/$uid"
    setpriv --reuid="$uid" --regid="$uid" --clear-groups \
        env -i PATH=/usr/bin:/bin HOME="/home/$uid" ${hint:+JWTAUTH_SESSION_ID=$hint} "$@"
}

uid_of() {
    authctl user show "$1" --json | json 'd["uid"]'
}

issued() {
    authctl audit list --action token.issue --limit 1000 --json | json 'len(d["rows"])'
}

claim() {
    authctl -q token decode - --json <<<"$1" | json "d[\"payload\"].get(\"$2\")"
}

# no_code: of the JSON "no" on stdout of the last fails_with.
no_code() {
    # shellcheck disable=SC2154
    json 'd["code"]' <<<"$output"
}

# upost UID JSON: POST /api/v1/token on the socket by a process of that uid.
upost() {
    local uid=$1 json=$2
    shift 2
    body=$(as "$uid" curl -sS -w '\n%{http_code}' --unix-socket $socket -H 'Content-Type: application/json' -d "$json" "$@" \
        http://jwtauthd/api/v1/token)
    status=${body##*$'\n'}
    body=${body%$'\n'*}
}

@test "200 calls of an unprivileged service at once, 50 at a time: one token for all" {
    before=$(issued)
    as 991 sh -c 'seq 200 | xargs -P50 -I{} authctl token get -a x' >tokens
    [ "$(wc -l <tokens)" = 200 ]
    [ "$(sort -u tokens | wc -l)" = 1 ]
    [ "$(issued)" = $((before + 1)) ]
    token=$(head -1 tokens)
    [ "$(claim "$token" preferred_username)" = billing ]
    call GET '/api/v1/auth/verify-token?audience=x' -H "$(bearer "$token")"
    wants 200
    [ "$(field 'd["user"]["username"]')" = billing ]
    [ "$(stat -c '%a %u' /home/991/.cache/jwtauth)" = '700 991' ]
}

@test "R24: a service is who runs under its uid or the one it is bound to, and nobody else is" {
    [ "$(claim "$(as 991 authctl token get)" preferred_username)" = billing ]
    [ "$(claim "$(as "$(uid_of billing)" authctl token get)" preferred_username)" = billing ]
    fails_with 1 as 992 authctl token get --json
    [ "$(no_code)" = unknown_caller ]
    authctl service unbind billing >/dev/null
    fails_with 1 as 991 authctl token get --fresh --json
    [ "$(no_code)" = unknown_caller ]
    authctl service bind billing 991 >/dev/null
    as 991 authctl token get --fresh >/dev/null
    fails_with 1 authctl token get --socket $socket --json
    [ "$(no_code)" = not_a_user ]
}

@test "a person needs a session; its end ends what was kept" {
    uid=$(uid_of alice)
    fails_with 1 as "$uid" authctl token get --json
    [ "$(no_code)" = login_required ]
    login alice
    session=$(field 'd["session_id"]')
    first=$(as "$uid" authctl token get)
    [ "$(claim "$first" sid)" = "$session" ]
    [ "$(claim "$first" preferred_username)" = alice ]
    [ "$(as "$uid" authctl token get)" = "$first" ]
    call POST /api/v1/auth/logout -H "$(bearer "$token")"
    wants 200
    fails_with 1 as "$uid" authctl token get --json
    [ "$(no_code)" = login_required ]
    login alice
    second=$(as "$uid" authctl token get)
    [ "$second" != "$first" ]
    [ "$(claim "$second" sid)" = "$(field 'd["session_id"]')" ]
    # for any audience: the session's end is seen there too
    third=$(as "$uid" authctl token get -a 'https://shop.example/?a=b c')
    [ "$(claim "$third" aud)" = 'https://shop.example/?a=b c' ]
    [ "$(as "$uid" authctl token get -a 'https://shop.example/?a=b c')" = "$third" ]
    call POST /api/v1/auth/logout -H "$(bearer "$token")"
    fails_with 1 as "$uid" authctl token get -a 'https://shop.example/?a=b c'
}

@test "of several sessions JWTAUTH_SESSION_ID names one, but only one of the caller" {
    uid=$(uid_of alice)
    login alice
    one=$(field 'd["session_id"]')
    login alice
    two=$(field 'd["session_id"]')
    login bob
    bobs=$(field 'd["session_id"]')
    [ "$(claim "$(hint=$one as "$uid" authctl token get)" sid)" = "$one" ]
    [ "$(claim "$(hint=$two as "$uid" authctl token get)" sid)" = "$two" ]
    [ "$(claim "$(hint=$bobs as "$uid" authctl token get)" sid)" = "$two" ]
    [ "$(claim "$(hint=$bobs as "$uid" authctl token get)" preferred_username)" = alice ]
    authctl -q session revoke --user alice >/dev/null
    hint=$bobs fails_with 1 as "$uid" authctl token get --json
    [ "$(no_code)" = login_required ]
}

# R24: no field names somebody else, and no header of a proxy lends a uid.
@test "nobody gets a token for another, nor scopes it does not hold" {
    uid=$(uid_of alice)
    login alice
    for name in user username sub uid; do
        upost "$uid" "{\"$name\":\"bob\"}"
        wants 400 unknown_field
    done
    upost "$uid" '{"scope":"invoices:read"}'
    wants 401 scope_not_held
    fails_with 1 as "$uid" authctl token get --scope invoices:read --json
    [ "$(no_code)" = scope_not_held ]
    login bob
    [ "$(claim "$(as "$(uid_of bob)" authctl token get --scope invoices:read)" scope)" = invoices:read ]
    fails_with 1 as "$(uid_of bob)" authctl token get --scope invoices:read --scope users:read --json
    [ "$(no_code)" = scope_not_held ]
    # a service's audiences are its roles'
    fails_with 1 as 991 authctl token get -a y --json
    [ "$(no_code)" = audience_not_held ]
    for h in 'X-Forwarded-For: 192.0.2.1' 'Origin: https://example.org' 'Host: example.org'; do
        upost 991 '{}' -H "$h"
        wants 400 ambiguous_identity
    done
    # R12, R24: over TCP no uid counts
    post /api/v1/token '{}'
    wants 401 no_credential
}

@test "an API key: over TCP and the socket, whatever the uid is" {
    authctl -q api-key add billing >key
    post /api/v1/token '{"audience":"x","scope":"invoices:read","ttl":60}' -H "$(bearer "$(cat key)")"
    wants 200
    [ "$(field 'd["token"] == d["access_token"], d["expires_in"], d["token_type"]')" = "(True, 60, 'Bearer')" ]
    token=$(field 'd["token"]')
    [ "$(claim "$token" preferred_username)" = billing ]
    [ "$(claim "$token" aud)" = x ]
    [[ "$headers" == *"cache-control: no-store"* ]]
    call GET '/api/v1/auth/verify-token?audience=x' -H "$(bearer "$token")"
    wants 200
    # a person's uid with a service's key is the service
    login alice
    uid=$(uid_of alice)
    install -m 0600 -o "$uid" key "/home/$uid/key"
    [ "$(claim "$(as "$uid" authctl token get --api-key-file "/home/$uid/key")" preferred_username)" = billing ]
    call GET /api/v1/whoami -H "$(bearer "$(cat key)")"
    wants 200
    [ "$(field 'd["username"]')" = billing ]
    [ "$(authctl api-key list billing --json | json 'd["api_keys"][0]["last_used_at"] is not None')" = True ]
}

@test "a wrong, removed, ended or locked API key is no identity, not even that of its uid" {
    authctl -q api-key add billing >key
    for bad in "$(sed 's/.$/!/' key)" "jak_01900000-0000-7000-8000-000000000000_$(cut -c42- key)" "jak_x" \
        "$(cut -c1-41 key)AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; do
        post /api/v1/token '{}' -H "$(bearer "$bad")"
        [ "$status" = 401 ]
        upost 991 '{}' -H "$(bearer "$bad")"
        [ "$status" = 401 ]
    done
    wants 401 invalid_api_key
    authctl -q user lock billing >/dev/null
    post /api/v1/token '{}' -H "$(bearer "$(cat key)")"
    wants 401 invalid_api_key
    upost 991 '{}'
    wants 401 user_inactive
    authctl -q user unlock billing >/dev/null
    authctl -q api-key remove "$(cut -c5-40 key)" >/dev/null
    post /api/v1/token '{}' -H "$(bearer "$(cat key)")"
    wants 401 invalid_api_key
    authctl -q api-key add billing --expires 1s >key
    for _ in $(seq 40); do
        post /api/v1/token '{}' -H "$(bearer "$(cat key)")"
        [ "$status" = 200 ] || break
        sleep 0.1
    done
    wants 401 invalid_api_key
}

@test "a key limited to scopes gives these, names no roles, and loses them with the role" {
    authctl -q api-key add billing --scope invoices:read >key
    post /api/v1/token '{}' -H "$(bearer "$(cat key)")"
    wants 200
    token=$(field 'd["token"]')
    [ "$(claim "$token" scope)" = invoices:read ]
    [ "$(claim "$token" roles)" = None ]
    post /api/v1/token '{"scope":"token:get"}' -H "$(bearer "$(cat key)")"
    wants 401 scope_not_held
    call GET '/api/v1/auth/verify-token?permission=invoices:read' -H "$(bearer "$token")"
    wants 200
    authctl -q role permit invoicing orders:read >/dev/null
    call GET '/api/v1/auth/verify-token?permission=orders:read' -H "$(bearer "$token")"
    wants 403 forbidden
    authctl -q role revoke billing invoicing >/dev/null
    post /api/v1/token '{}' -H "$(bearer "$(cat key)")"
    wants 401 scope_not_held
    authctl -q role grant billing invoicing >/dev/null
}

@test "a token gives no other token" {
    login alice
    post /api/v1/token '{}' -H "$(bearer "$token")"
    wants 403 not_by_token
    upost 991 '{}' -H "$(bearer "$token")"
    wants 403 not_by_token
}

@test "every field: wrong type, too long, twice, unknown, no JSON" {
    authctl -q api-key add billing >key
    n=0
    while read -r want code json; do
        post /api/v1/token "$json" -H "$(bearer "$(cat key)")"
        wants "$want" "$code" || { echo "$json"; return 1; }
        n=$((n + 1))
    done <<TABLE
400 invalid_type     {"audience":7}
400 invalid_type     {"scope":["invoices:read"]}
400 invalid_type     {"ttl":"60"}
400 invalid_type     {"ttl":1.5}
400 invalid_type     {"session_id":null}
400 field_too_long   {"audience":"$(printf 'a%.0s' {1..300})"}
400 field_too_long   {"scope":"$(printf 'a%.0s' {1..1100})"}
400 field_too_long   {"session_id":"01900000-0000-7000-8000-0000000000001"}
400 malformed_json   {"ttl":60,"ttl":60}
400 malformed_json   {"ttl":60
400 malformed_json   [60]
400 unknown_field    {"ttll":60}
400 invalid_ttl      {"ttl":0}
400 invalid_ttl      {"ttl":-1}
400 ttl_too_long     {"ttl":99999999}
400 invalid_audience {"audience":""}
400 invalid_audience {"audience":"a\u0007"}
400 invalid_scope    {"scope":""}
400 invalid_scope    {"scope":"a  b"}
TABLE
    [ "$n" = 19 ]
    call POST /api/v1/token -H "$(bearer "$(cat key)")" -d 'audience=x'
    [ "$status" = 415 ]
    call GET /api/v1/token -H "$(bearer "$(cat key)")"
    [ "$status" = 405 ]
}

@test "exit codes and error codes are those of a call on the store itself" {
    (umask 077; authctl -q api-key add billing >key)
    while read -r want words; do
        # shellcheck disable=SC2086
        fails_with "$want" authctl token get --api-key-file key --fresh $words --json
        direct=$output$stderr
        # shellcheck disable=SC2086
        fails_with "$want" authctl token get --api-key-file key --fresh $words --json --socket $socket
        [ "$output$stderr" = "$direct" ] || { printf '%s\n' "$words" "$direct" "$output$stderr"; return 1; }
    done <<'TABLE'
1 --scope orders:write
1 -a y
5 --ttl 400d
5 --scope two__words --scope "
TABLE
    # the same token is kept for neither: they may be of different stores
    direct=$(authctl token get --api-key-file key)
    run -0 authctl -q token get --api-key-file key --socket $socket
    [ "$output" != "$direct" ]
}

@test "without the daemon a kept token is handed out, and no other one" {
    first=$(as 991 authctl token get)
    stop_server
    [ "$(as 991 authctl token get)" = "$first" ]
    fails_with 7 as 991 authctl token get --fresh --json
    [ "$(error_code)" = daemon_unavailable ]
    fails_with 7 as 991 authctl token get --ttl 3m --json
    start_server
    [ "$(as 991 authctl token get)" = "$first" ]
    kill -STOP "$(cat /run/jwtauthd.pid)" # it is there, and hangs
    run as 991 timeout 40 authctl -q token get
    kill -CONT "$(cat /run/jwtauthd.pid)"
    [ "$status" = 0 ]
    [ "$output" = "$first" ]
}
