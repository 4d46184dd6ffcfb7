#!/usr/bin/env bats
# What the daemon does without being asked: messages delivered, keys rotated, what has ended dropped. Its clock is
# moved through a file; SIGHUP has it look at once.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"
. "${BATS_TEST_DIRNAME:-tests/http}/../notify/notify.bash"

setup_file() {
    local lib
    for lib in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1; do
        [ ! -e "$lib" ] || break
    done
    [ -e "$lib" ] || skip 'no libfaketime'
    export server_env="LD_PRELOAD=$lib FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
        ASAN_OPTIONS=verify_asan_link_order=0"
    echo +0 >/run/clock
    start_provider smtp_server.py --tls none
    echo "$servers" >/run/smtp.pid
    echo "$box" >/run/box
    smtp=$port
    make_server "
[registration]
open = yes
verify = email
[throttle]
other = 1000/1s
[email]
provider = smtp
url = smtp://127.0.0.1:$smtp
from = auth@example.org
starttls = off"
    export tcp smtp
    cp /etc/jwtauth/jwtauth.conf /run/first.conf
}

teardown_file() {
    stop_server
    # shellcheck disable=SC2046
    kill $(cat /run/smtp.pid)
}

setup() {
    box=$(cat /run/box)
    servers=''
    # the key is a new one again, whatever an earlier test's clock said
    store "UPDATE signing_keys SET active_at = $(date +%s) WHERE state = 'active'"
}

# Whatever a test did to clock, configuration and provider is over.
teardown() {
    stop_servers
    echo +0 >/run/clock
    cat /run/first.conf >/etc/jwtauth/jwtauth.conf
    rm -f /run/second.conf
    if [ -d /run/kept ]; then
        rm -f /run/jwtauth/sessions
        mv /run/kept /run/jwtauth/sessions
    fi
    store "DELETE FROM outbox"
    chores_now
}

store() {
    sqlite3 -cmd '.timeout 5000' /var/lib/jwtauth/jwtauth.db "$1"
}
until_true() {
    local tries=$(($1 * 20))
    shift
    until "$@"; do
        [ $((tries--)) -gt 0 ] || return 1
        sleep 0.05
    done
}

# rounds CHORE OUTCOME: how often.
rounds() {
    curl -s "$tcp/metrics" | sed -n "s/^jwtauthd_chores_total{chore=\"$1\",outcome=\"$2\"} //p"
}
more_rounds() {
    [ "$(rounds "$1" "$2")" -gt "$3" ]
}
# poke CHORE OUTCOME: SIGHUP, and that chore has been done since.
poke() {
    local before
    before=$(rounds "$1" "$2")
    kill -HUP "$(cat /run/jwtauthd.pid)"
    until_true 60 more_rounds "$1" "$2" "$before"
}
# chores_now: all of them, to their end; purge is the last.
chores_now() {
    poke purge success
}

register() {
    post /api/v1/auth/register "{\"username\":\"$1\",\"email\":\"$1@example.org\",\"password\":\"Correct-Horse-42\"}"
    wants 201
}
arrived() {
    [ "$(mails)" -ge "$1" ]
}
outbox_empty() {
    [ "$(store "SELECT COUNT(*) FROM outbox WHERE state = 'queued'")" = 0 ]
}
active_kid() {
    store "SELECT kid FROM signing_keys WHERE state = 'active'"
}
rotations() {
    store "SELECT COUNT(*) FROM audit_log WHERE action = 'key.rotate'"
}

@test "a message leaves at once after the request that wrote it, and nobody ran authctl" {
    local before
    before=$(mails)
    register erna
    until_true 20 arrived $((before + 1))
    [ "$(mail 'str(m["To"])' $((before + 1)))" = erna@example.org ]
    token=$(mail 'text()' $((before + 1)) | grep -oE '^[A-Za-z0-9_-]{43}' | head -1)
    post /api/v1/auth/verify-email "{\"token\":\"$token\"}"
    wants 200
    login erna
    until_true 20 outbox_empty
    [ "$(store "SELECT state, attempts FROM outbox WHERE template = 'verify_email'")" = 'sent|1' ]
    before=$(mails)
    chores_now
    [ "$(mails)" = "$before" ]
}

@test "the signing key is rotated when it is due, not before; what the former signed stays good" {
    local first before
    add_user alice --role user >/dev/null
    first=$(active_kid)
    before=$(rotations)
    echo +89d >/run/clock
    chores_now
    [ "$(active_kid) $(rotations)" = "$first $before" ]
    echo +7775700s >/run/clock # 90 days but five minutes
    login alice
    echo +7776100s >/run/clock
    chores_now
    [ "$(rotations)" = $((before + 1)) ]
    [ "$(active_kid)" != "$first" ]
    [ "$(store "SELECT actor || ' ' || service FROM audit_log WHERE action = 'key.rotate' ORDER BY seq DESC LIMIT 1")" = 'system jwtauthd' ]
    call GET /api/v1/auth/verify-token -H "$(bearer "$token")"
    wants 200
    [ "$(cut -d. -f1 <<<"$token" | tr '_-' '/+' | base64 -d 2>/dev/null | json 'd["kid"]')" = "$first" ]
    login alice
    [ "$(cut -d. -f1 <<<"$token" | tr '_-' '/+' | base64 -d 2>/dev/null | json 'd["kid"]')" = "$(active_kid)" ]
    call GET /.well-known/jwks.json
    [[ "$body" == *"$first"* && "$body" == *"$(active_kid)"* ]]
    # once: the next round has nothing to do
    chores_now
    [ "$(rotations)" = $((before + 1)) ]
}

@test "what has ended is dropped: grants with their groups, codes, users who never verified, sessions" {
    add_user gerda >/dev/null
    authctl -q role add ops >/dev/null
    authctl -q role grant gerda ops --for 1h
    login gerda
    register never
    authctl getent group jwtauth-ops | grep -q gerda
    chores_now
    [ "$(store "SELECT (SELECT COUNT(*) FROM user_roles WHERE ends_at > 0), (SELECT COUNT(*) FROM users WHERE username = 'never')")" = '1|1' ]
    echo +2h >/run/clock
    chores_now
    [ "$(store "SELECT COUNT(*) FROM user_roles WHERE ends_at > 0")" = 0 ]
    run authctl getent group jwtauth-ops
    [[ "$output" != *gerda* ]]
    [ "$(store "SELECT COUNT(*) FROM users WHERE username = 'never'")" = 1 ]
    echo +200d >/run/clock
    chores_now
    [ "$(store "SELECT COUNT(*) FROM users WHERE username = 'never' AND deleted_at IS NULL")" = 0 ]
    [ "$(store "SELECT COUNT(*) FROM sessions")" = 0 ]
    [ "$(store "SELECT COUNT(*) FROM one_time_tokens")" = 0 ]
    [ "$(store "SELECT COUNT(*) FROM audit_log WHERE action = 'user.purge' AND target = 'user:never'")" = 1 ]
    authctl audit verify
}

@test "a chore that fails is told and counted, keeps no other one back, and is done when it can be" {
    local first failed
    first=$(active_kid)
    failed=$(rounds ended_token_files failure)
    add_user hanna >/dev/null
    authctl -q role add night >/dev/null
    authctl -q role grant hanna night --for 1h
    mv /run/jwtauth/sessions /run/kept
    ln -s /tmp /run/jwtauth/sessions
    echo +91d >/run/clock
    chores_now
    [ "$(rounds ended_token_files failure)" -gt "$failed" ]
    grep -q '<3>jwtauthd: chore=ended_token_files code=[a-z_]* cause=[^ ]' /run/jwtauthd.log
    [ "$(active_kid)" != "$first" ]
    [ "$(store "SELECT COUNT(*) FROM user_roles WHERE ends_at > 0")" = 0 ]
    register heidi
    until_true 20 outbox_empty
    rm /run/jwtauth/sessions
    mv /run/kept /run/jwtauth/sessions
    poke ended_token_files success
}

@test "a provider that is down keeps nothing back but its messages, which arrive once it is up" {
    local own=$box before
    before=$(mails)
    add_user ida >/dev/null
    authctl -q role add day >/dev/null
    authctl -q role grant ida day --for 1h
    start_provider smtp_server.py --tls none
    stop_servers
    sed -i "s|^url = smtp://.*|url = smtp://127.0.0.1:$port|" /etc/jwtauth/jwtauth.conf
    chores_now
    register inge
    until_true 20 grep -q 'not delivered: channel email' /run/jwtauthd.log
    echo +2h >/run/clock
    chores_now
    [ "$(store "SELECT COUNT(*) FROM user_roles WHERE ends_at > 0")" = 0 ]
    [ "$(store "SELECT COUNT(*) FROM outbox WHERE state = 'queued' AND template = 'verify_email'")" = 1 ]
    cat /run/first.conf >/etc/jwtauth/jwtauth.conf
    echo +4h >/run/clock # past the back-off
    chores_now
    until_true 20 outbox_empty
    box=$own
    [ "$(mails)" = $((before + 1)) ]
}

# Each attempt takes ten seconds; done one after the other, keys would wait for all of them.
@test "a provider that never answers keeps neither keys nor the end of the daemon waiting" {
    local first
    first=$(active_kid)
    start_provider smtp_server.py --silent
    sed -i "s|^url = smtp://.*|url = smtp://127.0.0.1:$port|" /etc/jwtauth/jwtauth.conf
    chores_now
    : >/run/jwtauthd.log
    for i in 1 2 3 4 5; do register "slow$i"; done
    until_true 20 test -s "$box/dialogue"
    echo +91d >/run/clock
    poke key_rotation success
    [ "$(active_kid)" != "$first" ]
    [ "$(grep -c 'not delivered' /run/jwtauthd.log)" -lt 3 ]
    stop_server
    # at most the one that was at it has gone on
    [ "$(grep -c 'not delivered' /run/jwtauthd.log)" -lt 4 ]
    [ "$(grep -c '^CONNECT' "$box/dialogue")" -lt 5 ]
    start_server
}

@test "two daemons, ten timers and ten flushes at the same time do each thing once" {
    local before sent pids='' second
    add_user karla >/dev/null
    authctl -q role add shift >/dev/null
    authctl -q role grant karla shift --for 1h
    # messages that wait: no provider can be reached while they are written
    sed -i "s|^url = smtp://.*|url = smtp://127.0.0.1:1|" /etc/jwtauth/jwtauth.conf
    chores_now
    for i in $(seq 12); do register "many$i"; done
    store "UPDATE users SET status = 'active' WHERE username LIKE 'many%'" # they are not purged
    cat /run/first.conf >/etc/jwtauth/jwtauth.conf
    sed "s|^\[http\]|&\nsocket = /run/jwtauth/second.sock|; s|^listen = .*||" /run/first.conf >/run/second.conf
    before=$(rotations)
    sent=$(mails)
    store "UPDATE outbox SET next_attempt_at = 1, claimed_until = 0, ends_at = 9000000000 WHERE state = 'queued'"
    echo +91d >/run/clock
    # shellcheck disable=SC2086
    env $server_env /usr/sbin/jwtauthd -c /run/second.conf >/run/second.log 2>&1 3>&- &
    second=$!
    kill -HUP "$(cat /run/jwtauthd.pid)"
    for _ in $(seq 10); do
        # shellcheck disable=SC2086
        env $server_env authctl -q key rotate --if-due >/dev/null 2>>/run/timers.err 3>&- &
        pids="$pids $!"
        # shellcheck disable=SC2086
        env $server_env authctl -q outbox flush >/dev/null 2>>/run/timers.err 3>&- &
        pids="$pids $!"
        # shellcheck disable=SC2086
        env $server_env authctl -q purge >/dev/null 2>>/run/timers.err 3>&- &
        pids="$pids $!"
    done
    for p in $pids; do wait "$p"; done
    [ ! -s /run/timers.err ]
    until_true 20 outbox_empty
    chores_now
    kill $second
    wait $second
    [ "$(rotations)" = $((before + 1)) ]
    [ "$(store "SELECT state, COUNT(*) FROM signing_keys WHERE state IN ('active', 'next') GROUP BY state ORDER BY state")" = $'active|1\nnext|1' ]
    [ "$(($(mails) - sent))" = 12 ]
    [ "$(store "SELECT COUNT(*) FROM audit_log WHERE action = 'role.grant_end' AND target = 'role:shift'")" = 1 ]
    [ "$(store "SELECT COUNT(DISTINCT destination) FROM outbox WHERE state = 'sent' AND destination LIKE 'many%'")" = 12 ]
    run grep -E 'chore=|<3>' /run/second.log
    [ -z "$output" ]
    authctl audit verify
}
