#!/usr/bin/env bats
# [log] target and level: the same lines to stderr, syslog and the journal, with fields; one event is one record.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server
    export tcp port
    add_user alice >/dev/null
}

teardown_file() {
    stop_server
    [ ! -s /run/journal.pid ] || kill "$(cat /run/journal.pid)"
}

# logs_to TARGET [LEVEL]: the daemon starts again so, with an empty log.
logs_to() {
    stop_server
    sed -i "s/^target = .*/target = $1/; s/^level = .*/level = ${2:-info}/" /etc/jwtauth/jwtauth.conf
    : >/run/jwtauthd.log
    start_server
}
# start_journal: a stand-in for systemd's.
start_journal() {
    python3 "$top_srcdir/tests/http/journal.py" /run/journal 3>&- &
    echo $! >/run/journal.pid
    until_true 10 test -S /run/systemd/journal/socket
}
until_true() {
    local tries=$(($1 * 20))
    shift
    until "$@"; do
        [ $((tries--)) -gt 0 ] || return 1
        sleep 0.05
    done
}
# entry EXPRESSION: over e, those journal entries for which it is true; their number.
entries() {
    python3 -c 'import json, sys
rows = [json.loads(l) for l in open("/run/journal")]
print(sum(bool(eval("(" + sys.argv[1] + ")")) for e in rows))' "$1"
}
has_entries() {
    [ "$(entries "$1")" = "$2" ]
}
refused_login() {
    post /api/v1/auth/login '{"username":"alice","password":"Wrong-Horse-42"}'
    wants 401 invalid_credentials
}
line='method=POST route=/api/v1/auth/login status=401 us=[0-9]+ caller=[^ ]+ source=127\.0\.0\.1 code=invalid_credentials'

@test "stderr: a line with its priority in front and a field for each fact" {
    logs_to stderr
    refused_login
    grep -Eqx "<6>jwtauthd: $line" /run/jwtauthd.log
    # at this level a good look-up is not worth a line
    call GET /healthz
    wants 200
    run grep -c 'route=/healthz' /run/jwtauthd.log
    [ "$output" = 0 ]
}

@test "syslog: the same line, by the facility and name of authentication; nothing on stderr" {
    without_sanitizers
    [ -e "$top_builddir/tests/fault/.libs/syslog.so" ] || skip 'tests/fault/syslog.la is not built'
    server_env="LD_PRELOAD=$top_builddir/tests/fault/.libs/syslog.so JA_SYSLOG=/run/syslog" logs_to syslog
    refused_login
    grep -Eqx "<6> $line" /run/syslog
    grep -qx '<5> ready' /run/syslog
    run grep -v '^$' /run/jwtauthd.log
    [ -z "$output" ]
}

@test "journal: an entry with priority, identifier and each fact as a field of its own" {
    [ -n "$(find /lib /usr/lib -name 'libsystemd.so.0' 2>/dev/null | head -n 1)" ] || skip 'no libsystemd'
    start_journal
    logs_to journal
    refused_login
    until_true 10 has_entries 'e.get("JWTAUTH_STATUS") == ["401"]' 1
    [ "$(entries 'e.get("JWTAUTH_STATUS") == ["401"] and e["PRIORITY"] == ["6"] and e["SYSLOG_IDENTIFIER"] == ["jwtauthd"]
        and e["SYSLOG_FACILITY"] == ["10"] and e["JWTAUTH_METHOD"] == ["POST"]
        and e["JWTAUTH_ROUTE"] == ["/api/v1/auth/login"] and e["JWTAUTH_SOURCE"] == ["127.0.0.1"]
        and e["JWTAUTH_CODE"] == ["invalid_credentials"] and int(e["JWTAUTH_US"][0]) > 0
        and e["MESSAGE"][0].startswith("method=POST route=/api/v1/auth/login status=401 us=")')" = 1 ]
    [ "$(entries 'e["MESSAGE"] == ["ready"] and e["PRIORITY"] == ["5"]')" = 1 ]
    [ ! -s /run/jwtauthd.log ]
    # what fails inside: its cause is text, and what looks like a field in it is none
    mv /run/jwtauth/sessions /run/kept
    ln -s /tmp /run/jwtauth/sessions
    kill -HUP "$(cat /run/jwtauthd.pid)"
    until_true 20 has_entries 'e.get("JWTAUTH_CHORE") == ["ended_token_files"] and e["PRIORITY"] == ["3"]' 1
    [ "$(entries '"JWTAUTH_CAUSE" in e and " " in e["JWTAUTH_CAUSE"][0]')" -ge 1 ]
    rm /run/jwtauth/sessions
    mv /run/kept /run/jwtauth/sessions
}

# R27 CVE-2025-25184
@test "R27: control characters and forged fields of a client make neither a second record nor a field" {
    [ -s /run/journal.pid ] || skip 'no libsystemd'
    local before
    before=$(entries True)
    call GET "/api/v1/auth/verify-token%0AJWTAUTH_STATUS=200%0a" -H $'User-Agent: x\ty status=200 code=-'
    [ "$status" = 404 ]
    post /api/v1/auth/login '{"username":"alice\n<3>jwtauthd: status=200 code=-","password":"Wrong-Horse-42"}'
    [ "$status" = 401 ] || [ "$status" = 400 ]
    until_true 10 has_entries 'e.get("JWTAUTH_STATUS") == ["404"]' 1
    [ "$(entries True)" = $((before + 2)) ]
    [ "$(entries 'len(e.get("JWTAUTH_STATUS", [])) > 1 or e.get("JWTAUTH_STATUS") == ["200"]')" = 0 ]
    [ "$(entries 'any("\n" in v for f in e.values() for v in f)')" = 0 ]
}

@test "journal where there is none: stderr, so that no line is lost" {
    [ ! -s /run/journal.pid ] || kill "$(cat /run/journal.pid)"
    : >/run/journal.pid
    rm -f /run/systemd/journal/socket
    logs_to journal
    refused_login
    grep -Eqx "<6>jwtauthd: $line" /run/jwtauthd.log
}

@test "level: what is less important is left out, and a reload changes it" {
    logs_to stderr err
    refused_login
    [ ! -s /run/jwtauthd.log ]
    sed -i 's/^level = .*/level = debug/' /etc/jwtauth/jwtauth.conf
    kill -HUP "$(cat /run/jwtauthd.pid)"
    looked_up() {
        call GET /healthz
        grep -q '^<7>jwtauthd: method=GET route=/healthz status=200 ' /run/jwtauthd.log
    }
    until_true 20 looked_up
    sed -i 's/^level = .*/level = err/' /etc/jwtauth/jwtauth.conf
    kill -HUP "$(cat /run/jwtauthd.pid)"
    silent() {
        : >/run/jwtauthd.log
        for _ in 1 2 3 4; do call GET /healthz; done
        [ ! -s /run/jwtauthd.log ]
    }
    until_true 20 silent
}
