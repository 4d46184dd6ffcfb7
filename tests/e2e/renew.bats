#!/usr/bin/env bats
# The token in the file of an ssh session, while jwtauthd runs: three hours, with the daemon's clock moved.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    local lib
    install_everything
    make_user bob
    sed -i "s/-lt 300/-lt 1200/" /usr/bin/probe
    for lib in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1; do
        [ ! -e "$lib" ] || break
    done
    [ -e "$lib" ] || skip 'no libfaketime'
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    install -d -m 0700 -o bob -g bob /home/bob/.ssh
    install -m 0600 -o bob -g bob /run/user_key.pub /home/bob/.ssh/authorized_keys
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "$port" >/run/port
    cat >/run/sshd_config <<CONF
ListenAddress 127.0.0.1
Port $port
HostKey /run/host_key
PidFile /run/sshd.pid
UsePAM yes
CONF
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    echo $! >/run/sshd.own
    until_true 10 grep -q 'Server listening' /run/sshd.log
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    echo +0 >/run/clock
    LD_PRELOAD=$lib FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
        /usr/sbin/jwtauthd >/run/jwtauthd.log 2>&1 3>&- &
    echo $! >/run/jwtauthd.pid
    until_true 20 curl -s -o /dev/null --unix-socket /run/jwtauth/jwtauthd.sock http://jwtauthd/healthz
}

teardown_file() {
    local file
    for file in /run/sshd.own /run/jwtauthd.pid; do
        [ ! -s $file ] || kill "$(cat $file)"
    done
}

setup() {
    port=$(cat /run/port)
}

ssh_bob() {
    ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR -o StrictHostKeyChecking=no \
        -o IdentitiesOnly=yes -o PreferredAuthentications=publickey -i /run/user_key bob@127.0.0.1 "$@"
}

# open_session: $login, $file
open_session() {
    forget_session bob
    ssh_bob probe 3>&- >/run/out 2>&1 &
    login=$!
    until_true 20 test -e /home/bob/in
    file=$(sed -n 's/^JWTAUTH_TOKEN_FILE=//p' /home/bob/env)
    [ -s "$file" ]
}

good_at() { faketime -f "$1" authctl -q token verify - <"$file" >/dev/null; }
claim() { authctl -q token decode - --json <"$1" | json "d[\"payload\"].get(\"$2\")"; }

is_another() { [ "$(claim "$file" jti)" != "$1" ]; }

@test "a live ssh session keeps a valid token in its file for three hours and loses it at close" {
    open_session
    local minutes last
    cp "$file" /run/first
    good_at +0
    last=$(claim "$file" jti)
    for minutes in 38 76 114 150 181; do
        echo "+${minutes}m" >/run/clock
        good_at "+${minutes}m"
        # by its own schedule, nobody asks for it
        until_true 20 is_another "$last"
        last=$(claim "$file" jti)
        good_at "+$((minutes + 59))m"
        [ "$(stat -c '%a %U %F' "$file")" = '600 bob regular file' ]
        for name in aud amr auth_time sid sub; do
            [ "$(claim "$file" $name)" = "$(claim /run/first $name)" ]
        done
        [ "$(as bob cat "$file")" = "$(cat "$file")" ]
    done
    run faketime -f +181m authctl -q token verify - </run/first
    [ "$status" = 1 ] # without the daemon it would be over
    cp "$file" /run/last
    touch /home/bob/out
    wait $login
    until_true 10 test ! -e "$(dirname "$file")"
    run faketime -f +181m authctl -q token verify - </run/last
    [ "$status" = 1 ]
    echo +0 >/run/clock
}

@test "the file of a session whose sshd was killed is not renewed but removed" {
    open_session
    local session pid
    session=$(sed -n 's/^JWTAUTH_SESSION_ID=//p' /home/bob/env)
    cp "$file" /run/last
    pid=$(sqlite3 "file:/var/lib/jwtauth/jwtauth.db?mode=ro" "SELECT pid FROM sessions WHERE id = '$session'")
    kill -KILL "$pid"
    kill -HUP "$(cat /run/jwtauthd.pid)" # does its chores at once
    until_true 20 test ! -e "$(dirname "$file")"
    run authctl -q token verify - </run/last
    [ "$status" = 1 ]
    touch /home/bob/out
    wait $login || true
}
