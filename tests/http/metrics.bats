#!/usr/bin/env bats
# /metrics: by the strict rules of its format, with numbers that are those of what happened, for who is on this host.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    # deliveries fail; five tries are far away
    make_server "parallel_hashes = 3
[registration]
open = yes
verify = none
[throttle]
other = 1000/1s
[email]
provider = smtp
url = smtp://127.0.0.1:1
from = auth@example.org
starttls = off"
    export tcp port
    add_user alice --role user >/dev/null
}

teardown_file() {
    stop_server
}

scrape() {
    curl -s -D /run/metrics.headers "$tcp/metrics" >"$1"
}
# value FILE SAMPLE: of one line.
value() {
    awk -v s="$2" '$1 == s { print $2 }' "$1"
}
# grew SAMPLE: by how much between the two scrapes.
grew() {
    local before
    before=$(value /run/before "$1") # a series begins with its first event
    echo $(($(value /run/after "$1") - ${before:-0}))
}
until_true() {
    local tries=$(($1 * 20))
    shift
    until "$@"; do
        [ $((tries--)) -gt 0 ] || return 1
        sleep 0.05
    done
}
outbox_is() {
    scrape /run/outbox
    [ "$(value /run/outbox "jwtauthd_outbox_depth{state=\"$1\"}")" = "$2" ]
}

@test "every family has HELP and TYPE, counters only grow, histograms add up" {
    login alice
    scrape /run/before
    for path in /healthz /nowhere '/api/v1/auth/verify-token' /openapi.json; do call GET "$path"; done
    call DELETE /healthz
    login alice
    post /api/v1/auth/login '{"username":"alice","password":"Wrong-Horse-42"}'
    scrape /run/after
    grep -qi '^content-type: text/plain; version=0.0.4' /run/metrics.headers
    /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || skip 'python3-prometheus-client is not installed'
    run /usr/bin/python3 "$top_srcdir/tests/http/metrics_check.py" /run/before /run/after
    echo "$output"
    [ "$status" = 0 ]
    for family in 'counter jwtauthd_logins_total' 'counter jwtauthd_tokens_total' 'histogram jwtauthd_request_seconds' \
        'gauge jwtauthd_hash_slots_in_use' 'gauge jwtauthd_hash_slots_limit' 'gauge jwtauthd_queue_depth' \
        'gauge jwtauthd_queue_limit' 'gauge jwtauthd_outbox_depth' 'counter jwtauthd_chores_total'; do
        grep -qx "$family" <<<"$output"
    done
    [[ "$(value /run/after "jwtauthd_build_info{version=\"$(/usr/sbin/jwtauthd --version | cut -d' ' -f2)\"}")" = 1 ]]
}

@test "logins by outcome, tokens and latencies are those of what happened" {
    scrape /run/before
    login alice
    login alice
    post /api/v1/auth/refresh "{\"refresh_token\":\"$refresh\"}"
    wants 200
    for _ in 1 2 3; do
        post /api/v1/auth/login '{"username":"nobody-here","password":"Wrong-Horse-42"}'
        wants 401 invalid_credentials
    done
    uri=$(authctl totp enroll alice --json | json 'd["secret"]')
    authctl -q totp confirm alice "$(oathtool --totp -b "$uri")" >/dev/null
    post /api/v1/auth/login '{"username":"alice","password":"Correct-Horse-42"}'
    wants 401 otp_required
    printf 'Correct-Horse-43\n' | authctl -q password set alice --password-stdin --must-change
    authctl -q --yes totp disable alice
    post /api/v1/auth/login '{"username":"alice","password":"Correct-Horse-43"}'
    wants 401 password_change_required || wants 403 password_change_required
    scrape /run/after
    [ "$(grew 'jwtauthd_logins_total{outcome="success"}')" = 2 ]
    [ "$(grew 'jwtauthd_logins_total{outcome="invalid_credentials"}')" = 3 ]
    [ "$(grew 'jwtauthd_logins_total{outcome="otp_required"}')" = 1 ]
    [ "$(grew 'jwtauthd_logins_total{outcome="password_change_required"}')" = 1 ]
    [ "$(grew 'jwtauthd_logins_total{outcome="other"}')" = 0 ]
    [ "$(grew 'jwtauthd_tokens_total')" = 3 ]
    [ "$(grew 'jwtauthd_request_seconds_count{method="POST",route="/api/v1/auth/login"}')" = 7 ]
    [ "$(grew 'jwtauthd_requests_total{method="POST",route="/api/v1/auth/login",class="2xx"}')" = 2 ]
    [ "$(grew 'jwtauthd_requests_total{method="POST",route="/api/v1/auth/refresh",class="2xx"}')" = 1 ]
}

# R21
@test "R21: hash slots are those of the host, whatever process holds them" {
    scrape /run/before
    [ "$(value /run/before jwtauthd_hash_slots_limit)" = 3 ]
    [ "$(value /run/before jwtauthd_hash_slots_in_use)" = 0 ]
    # another process holds two of them, as PAM would
    python3 - <<'PY' &
import fcntl, os, struct
fd = os.open("/run/jwtauth/hash-slots", os.O_RDWR)
for slot in (0, 2):
    fcntl.fcntl(fd, 37, struct.pack("hhlli", fcntl.F_WRLCK, 0, slot, 1, 0))  # F_OFD_SETLK
open("/run/holding", "w").close()
while not os.path.exists("/run/enough"):
    os.sched_yield()
PY
    local holder=$!
    until_true 10 test -e /run/holding
    scrape /run/after
    touch /run/enough
    wait $holder
    [ "$(value /run/after jwtauthd_hash_slots_in_use)" = 2 ]
    scrape /run/after
    [ "$(value /run/after jwtauthd_hash_slots_in_use)" = 0 ]
    [ "$(value /run/after 'jwtauthd_queue_limit{pool="hash"}')" = 64 ]
    [ "$(value /run/after 'jwtauthd_queue_depth{pool="hash"}')" = 0 ]
    [ "$(value /run/after 'jwtauthd_workers_busy{pool="hash"}')" = 0 ]
}

@test "the outbox by state: waiting, being sent, given up" {
    add_user bert --email bert@example.org >/dev/null
    authctl -q verify send bert --email >/dev/null
    until_true 20 outbox_is queued 1
    outbox_is sending 0
    outbox_is given_up 0
    sqlite3 -cmd '.timeout 5000' /var/lib/jwtauth/jwtauth.db \
        "UPDATE outbox SET claimed_until = 4000000000, next_attempt_at = 4000000000"
    outbox_is queued 0
    outbox_is sending 1
    sqlite3 -cmd '.timeout 5000' /var/lib/jwtauth/jwtauth.db "UPDATE outbox SET claimed_until = 0, state = 'given_up'"
    outbox_is sending 0
    outbox_is given_up 1
}

@test "who is on this host may read them, on either listener; nobody through a proxy; nobody else's name is in them" {
    request http://jwtauthd GET /metrics --unix-socket $socket
    wants 200
    body=$(as_nobody curl -s --unix-socket $socket http://jwtauthd/metrics)
    [[ "$body" == *jwtauthd_logins_total* ]]
    for h in 'X-Forwarded-For: 192.0.2.1' 'Forwarded: for=192.0.2.1' 'Via: 1.1 p' 'X-Real-IP: 192.0.2.1'; do
        call GET /metrics -H "$h"
        wants 403 forbidden
        [[ "$body" != *jwtauthd_* ]]
    done
    call GET /metrics
    wants 200
    run grep -E 'alice|bert|example\.org|127\.0\.0\.1' <<<"$body"
    [ "$status" = 1 ]
    # a path that a client made up is no label
    call GET /made-up-by-a-client
    call GET /metrics
    [[ "$body" != *made-up* ]]
    [[ "$body" == *'route="none",class="4xx"'* ]]
}
