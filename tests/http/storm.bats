#!/usr/bin/env bats
# A storm of logins: hashing is bounded, its queue too, and what needs no hash is answered as ever.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

LOGINS=120
QUEUE=64

setup_file() {
    # every client comes from one address
    make_server "hash_wait = 60s
parallel_hashes = 1
[throttle]
login = 100000/15m
per_source = 100000/15m
per_user = 100000/1h
other = 1000/1s"
    export tcp port
    add_user storm0 --role user >/dev/null
    python3 - $LOGINS >/run/users.json <<'PY'
import json, sys
print(json.dumps([{"username": f"storm{i}"} for i in range(1, int(sys.argv[1]))]))
PY
    authctl -q user add --from /run/users.json >/dev/null
    sqlite3 -cmd '.timeout 5000' /var/lib/jwtauth/jwtauth.db \
        "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username = 'storm0')"
}

teardown_file() {
    stop_server
}

storm() {
    python3 "$top_srcdir/tests/http/storm.py" "$port" "$@" >/run/storm.json
    cat /run/storm.json
}
of() {
    json "$1" </run/storm.json
}
# configure_and_reload SED
configure_and_reload() {
    local before
    before=$(grep -c 'was read again' /run/jwtauthd.log || true)
    sed -i "$1" /etc/jwtauth/jwtauth.conf
    kill -HUP "$(cat /run/jwtauthd.pid)"
    for _ in $(seq 500); do
        [ "$(grep -c 'was read again' /run/jwtauthd.log)" = "$before" ] || return 0
        sleep 0.02
    done
    return 1
}
# works: nothing of the storm is left.
works() {
    login storm1
    call GET /api/v1/auth/verify-token -H "$(bearer "$token")"
    wants 200
    call GET /metrics
    [[ "$body" == *'jwtauthd_queue_depth{pool="hash"} 0'* ]]
    [[ "$body" == *'jwtauthd_workers_busy{pool="hash"} 0'* ]]
    [[ "$body" == *'jwtauthd_hash_slots_in_use 0'* ]]
    [ "$(authctl throttle list --json | json 'sum(r["count"] for r in d["throttle"] if r["scope"] in ("user", "source", "user_source"))')" = 0 ]
}

# The slots are held by another process, so that the worker and the queue are full for as long as it takes to look.
@test "R21: with the worker busy and the queue full: 503 with Retry-After at once, verify-token as ever, then all is well" {
    storm $LOGINS --hold 1 --release-after $QUEUE
    [ "$(of 'd["statuses"]["200"]')" = $((QUEUE + 1)) ]
    [ "$(of 'd["statuses"]["503"]')" = $((LOGINS - QUEUE - 1)) ]
    [ "$(of 'd["without_retry"]')" = 0 ]
    [ "$(of 'd["beside"][1]')" = 0 ]
    [ "$(of 'd["beside_while_full"]')" -ge 60 ]
    works
}

@test "R21: nobody waits for ever: after hash_wait in the queue the answer is 503, for all of them together" {
    configure_and_reload 's/^hash_wait = .*/hash_wait = 2s/'
    storm $QUEUE --hold 1
    [ "$(of 'd["statuses"]')" = "{'503': $QUEUE}" ]
    [ "$(of 'd["without_retry"]')" = 0 ]
    [ "$(of 'd["beside"][1]')" = 0 ]
    # one after the other it would be two minutes
    [ "$(of 'd["seconds"] < 60')" = True ]
    works
    configure_and_reload 's/^hash_wait = .*/hash_wait = 60s/'
}

@test "R21: passwords that are dear to check: each login is answered, and verify-token beside them" {
    configure_and_reload 's/^hash_memory = .*/hash_memory = 64M/; s/^hash_ops = .*/hash_ops = 4/; s/^hash_wait = .*/hash_wait = 5m/'
    # each login makes its user's hash anew, with these
    storm $LOGINS
    [ "$(of 'sum(d["statuses"].values())')" = $LOGINS ]
    [ "$(of 'set(d["statuses"]) <= {"200", "503"}')" = True ]
    [ "$(of 'd["statuses"]["200"] >= 65')" = True ]
    [ "$(of 'd["without_retry"]')" = 0 ]
    [ "$(of 'd["beside"][1]')" = 0 ]
    [ "$(of 'd["beside"][0] >= 20')" = True ]
    works
}
