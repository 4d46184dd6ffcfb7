#!/usr/bin/env bats
# The end under load: what was answered with 2xx is in the store, whether the daemon was asked to end or killed.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

CLIENTS=50

setup_file() {
    # generous: every client comes from one address
    make_server '
[throttle]
login = 100000/15m
per_source = 100000/15m
per_user = 100000/1h'
    export tcp port
    for i in $(seq 0 $((CLIENTS - 1))); do
        add_user "load$i" --role user >/dev/null
    done
}

teardown_file() {
    stop_server || true
}

# load_then SIGNAL: the clients at work, then the signal; leaves /run/promised.
load_then() {
    rm -f /run/promised /run/load.out
    python3 "$BATS_TEST_DIRNAME/load.py" "$port" /run/promised $CLIENTS >/run/load.out 2>&1 3>&- &
    local load=$!
    for _ in $(seq 3000); do
        ! grep -q ready /run/load.out || break
        sleep 0.02
    done
    grep -q ready /run/load.out
    stop_server "$1"
    wait $load
    cat /run/load.out
}

# promises_kept: the store holds at least what was accepted, at most what was asked.
promises_kept() {
    authctl db check
    authctl audit verify
    python3 - <<'PY'
import json, sqlite3, sys
promised = json.load(open("/run/promised"))
db = sqlite3.connect("file:/var/lib/jwtauth/jwtauth.db?mode=ro", uri=True)
bad = changes = 0
for user, p in promised.items():
    got_name = db.execute("SELECT full_name FROM users WHERE username = ?", (user,)).fetchone()[0]
    got = int(got_name[1:]) if got_name else 0
    changes += p["accepted"]
    if not p["accepted"] <= got <= p["asked"] or p["odd"]:
        bad += 1
        print(user, "has", got, "promised", p["accepted"], "asked", p["asked"], p["odd"])
print(changes, "changes accepted")
sys.exit(bool(bad) or changes < len(promised))
PY
}

@test "SIGTERM under load: what was accepted is there, and the exit is clean" {
    load_then TERM
    promises_kept
    run ! test -e $socket
    grep -q 'ending: what has arrived is answered first' /run/jwtauthd.log
    run ! grep -E 'Sanitizer|status=500' /run/jwtauthd.log
    start_server
    refresh=$(python3 -c 'import json; print(next(p["refresh"] for p in json.load(open("/run/promised")).values() if p["refresh"]))')
    post /api/v1/auth/refresh "{\"refresh_token\":\"$refresh\"}"
    [ "$status" = 200 ] || [ "$status" = 401 ] # of a session that was followed by another: known all the same
}

@test "kill -9 under load: no accepted change is lost, the store is whole, the next daemon starts" {
    load_then KILL
    promises_kept
    start_server
    call GET /readyz
    wants 200
}

@test "no password, token or code is in the log, whatever its level" {
    post /api/v1/auth/login '{"username":"load0","password":"Wrong-Secret-Horse-1"}'
    login load1
    local jti
    call GET "/api/v1/auth/verify-token" -H "$(bearer "$token")"
    wants 200
    call GET "/api/v1/auth/verify-token" -H "$(bearer "${token}x")"
    call GET "/api/v1/auth/verify-token?token=$token" -H "$(bearer "$token")"
    call POST /api/v1/auth/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$refresh\""
    post /api/v1/auth/refresh "{\"refresh_token\":\"$refresh\"}"
    refreshed=$(field 'd["refresh_token"]')
    post /api/v1/auth/reset-password '{"token":"Secret-Reset-Code-12345678","password":"Other-Secret-Horse-2"}'
    kill -HUP "$(cat /run/jwtauthd.pid)"
    [ -s /run/jwtauthd.log ]
    for secret in Wrong-Secret-Horse Correct-Horse-42 "$refresh" "$refreshed" "$(cut -d. -f2 <<<"$token")" \
        "$(cut -d. -f3 <<<"$token")" Secret-Reset-Code Other-Secret-Horse; do
        [ -n "$secret" ]
        run grep -cF -- "$secret" /run/jwtauthd.log
        [ "$output" = 0 ]
    done
    # it is structured, and there is something in it
    grep -Eq 'method=POST route=[^ ]*login status=401 us=[0-9]+ caller=[^ ]+ source=127.0.0.1 code=invalid_credentials' \
        /run/jwtauthd.log
}
