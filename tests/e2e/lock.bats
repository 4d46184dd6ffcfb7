#!/usr/bin/env bats
# Lock means lock (R18): a live ssh session by key, a login with its refresh token, access tokens, sudo; at once, and at a
# time that was set before.
# shellcheck disable=SC2154

load e2e.bash

db=/var/lib/jwtauth/jwtauth.db

setup_file() {
    install_everything
    make_user bob
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    install -d -m 0700 -o bob -g bob /home/bob/.ssh
    install -m 0600 -o bob -g bob /run/user_key.pub /home/bob/.ssh/authorized_keys
    authctl -q ssh-key add bob </run/user_key.pub >/dev/null
    echo 'bob ALL = (ALL) ALL' >/etc/sudoers.d/e2e
    echo 'Defaults timestamp_timeout=0' >>/etc/sudoers.d/e2e
    chmod 0440 /etc/sudoers.d/e2e
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
}

teardown_file() {
    [ ! -s /run/sshd.own ] || kill "$(cat /run/sshd.own)"
}

setup() {
    port=$(cat /run/port)
    key=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR -o StrictHostKeyChecking=no
        -o IdentitiesOnly=yes -o PreferredAuthentications=publickey -i /run/user_key)
}

sudo_by_bob() {
    run dialogue "expect password for
send $password
${1:-}" setpriv --reuid="$(id -u bob)" --regid="$(id -g bob)" --init-groups \
        env -i PATH=/usr/bin:/bin TERM=dumb sudo id -un
}

# Whatever bob could use: a session by key that is live (its token in /home/bob/token), a login's tokens, one of root's.
let_bob_in() {
    forget_session bob
    "${key[@]}" bob@127.0.0.1 probe </dev/null 3>&- >/run/out 2>&1 &
    echo $! >/run/bob.pid
    until_true 20 test -e /home/bob/in
    authctl --json login bob --password-stdin <<<"$password" >/run/login.json
    json 'd["access_token"]' </run/login.json >/run/access
    json 'd["refresh_token"]' </run/login.json >/run/refresh
    authctl token issue --user bob --ttl 1h >/run/issued
    for token in /home/bob/token /run/access /run/issued; do authctl -q token verify - <$token >/dev/null; done
}

let_bob_go() {
    touch /home/bob/out
    wait "$(cat /run/bob.pid)" 2>/dev/null || until_true 20 bash -c '! kill -0 "$(cat /run/bob.pid)" 2>/dev/null'
}

everything_refused() {
    local token
    for token in /home/bob/token /run/access /run/issued; do fails_with 1 authctl token verify - <$token; done
    fails_with 1 authctl --json token refresh --refresh-token-stdin </run/refresh
    [ "$(json 'd["code"]' <<<"$output")" = "$1" ]
    fails_with 1 authctl login bob --password-stdin <<<"$password"
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 255 ]
    sudo_by_bob 'expect password for
signal INT'
    [ "$status" -ne 0 ]
    [[ $output != *root* ]]
}

live_sessions() {
    sqlite3 $db "SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE username = 'bob' AND revoked_at IS NULL"
}

@test "R18 everything works before" {
    let_bob_in
    authctl --json token refresh --refresh-token-stdin </run/refresh | json 'd["refresh_token"]' >/run/next
    sudo_by_bob
    [ "$status" -eq 0 ]
    [[ $output == *root* ]]
    let_bob_go
    authctl session revoke --user bob >/dev/null
}

@test "R18 lock means lock, and says what it cut" {
    let_bob_in
    [ "$(live_sessions)" = 2 ]
    authctl --json user lock bob >/run/cut
    [ "$(json 'd["status"], d["sessions"], d["refresh_tokens"], d["access_tokens"], d["ssh_keys"], d["api_keys"]' </run/cut)" = \
        "('locked', 2, 1, True, 1, 0)" ]
    everything_refused session_ended
    [ "$(live_sessions)" = 0 ]
    [ "$(sqlite3 $db "SELECT COUNT(*) FROM sessions WHERE revoke_reason = 'user_locked'")" = 2 ]
    let_bob_go
    # what was cut stays cut, bob himself is back
    authctl -q user unlock bob >/dev/null
    for token in /home/bob/token /run/access /run/issued; do fails_with 1 authctl token verify - <$token; done
    fails_with 1 authctl token refresh --refresh-token-stdin </run/refresh
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 0 ]
}

@test "R18 for a person: sessions, refresh and access tokens, keys" {
    authctl --json login bob --password-stdin <<<"$password" >/dev/null
    run authctl user lock bob
    [ "$status" -eq 0 ]
    [[ $output == 'locked bob: 1 session ended, refresh (1) and access tokens revoked'*'its 1 ssh and 0 API keys'* ]]
    authctl -q user unlock bob >/dev/null
}

@test "R18 user lock --at for a leaver: nothing changes until then" {
    let_bob_in
    authctl user lock bob --at 1h >/dev/null
    [ "$(authctl --json user show bob | json 'd["status"]')" = active ]
    for token in /home/bob/token /run/access /run/issued; do authctl -q token verify - <$token >/dev/null; done
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 0 ]
    sudo_by_bob
    [ "$status" -eq 0 ]
    [ "$(authctl --json purge | json 'd["locks"]')" = 0 ]
    let_bob_go
    authctl -q user unlock bob >/dev/null
    authctl session revoke --user bob >/dev/null
}

# Set two hours ago for an hour ago: every program of the system sees the time that has come, by its own clock.
@test "R18 user lock --at for a leaver: when the time comes everything is refused, though nobody has done a thing" {
    let_bob_in
    faketime -f -2h authctl user lock bob --at 1h >/dev/null
    before=$(sqlite3 $db "SELECT COUNT(*) FROM audit_log WHERE action = 'user.lock'")
    everything_refused user_inactive
    [ "$(sqlite3 $db "SELECT status FROM users WHERE username = 'bob'")" = active ]
    [ "$(live_sessions)" = 2 ]
    [ "$(authctl --json user show bob | json 'd["status"]')" = locked ]
    # the purge makes it visible
    [ "$(authctl --json purge --dry-run | json 'd["locks"]')" = 1 ]
    [ "$(live_sessions)" = 2 ]
    [ "$(authctl --json purge | json 'd["locks"]')" = 1 ]
    [ "$(live_sessions)" = 0 ]
    [ "$(sqlite3 $db "SELECT status FROM users WHERE username = 'bob'")" = locked ]
    [ "$(sqlite3 $db "SELECT COUNT(*) FROM audit_log WHERE action = 'user.lock'")" = $((before + 1)) ]
    authctl --json audit list --user bob --action user.lock | json 'd["rows"][-1]["detail"]["sessions"]' | grep -qx 2
    [ "$(authctl --json purge | json 'd["locks"]')" = 0 ]
    everything_refused session_ended
    let_bob_go
    authctl -q user unlock bob >/dev/null
}
