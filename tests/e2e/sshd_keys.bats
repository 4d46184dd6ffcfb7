#!/usr/bin/env bats
# A real sshd that asks authctl for keys, with the shipped configuration.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user alice
    make_user bob
    make_local lena
    id jwtauth-keys || useradd -r -s /usr/sbin/nologin jwtauth-keys
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    ssh-keygen -q -t ecdsa -N '' -f /run/other_key
    authctl -q ssh-key add alice /run/user_key.pub >/dev/null
    authctl -q ssh-key add bob /run/other_key.pub >/dev/null
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "$port" >/run/port
    mkdir -p /etc/ssh/sshd_config.d
    install -m 0644 "$tests_dir/../packaging/sshd_config.d/jwtauth.conf" /etc/ssh/sshd_config.d/jwtauth.conf
    cat >/run/sshd_config <<CONF
Include /etc/ssh/sshd_config.d/jwtauth.conf
ListenAddress 127.0.0.1
Port $port
HostKey /run/host_key
PidFile /run/sshd.pid
PermitRootLogin yes
LogLevel VERBOSE
CONF
    /usr/sbin/sshd -t -f /run/sshd_config
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    echo $! >/run/sshd.own
    until_true 10 grep -q 'Server listening' /run/sshd.log
}

teardown_file() {
    [ ! -s /run/sshd.own ] || kill "$(cat /run/sshd.own)"
}

setup() {
    port=$(cat /run/port)
    ssh=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR
        -o StrictHostKeyChecking=no -o IdentitiesOnly=yes -o PreferredAuthentications=publickey)
}

# enters KEY USER / refused KEY USER
enters() {
    run "${ssh[@]}" -i "/run/$1" "$2@127.0.0.1" id -un </dev/null
    [ "$status" -eq 0 ] || { echo "$output"; tail -20 /run/sshd.log; return 1; }
    [ "$output" = "$2" ]
}
refused() {
    run "${ssh[@]}" -i "/run/$1" "$2@127.0.0.1" id -un </dev/null
    [ "$status" -eq 255 ] || { echo "$2 is in: $output"; return 1; }
    [[ $output == *'Permission denied'* ]]
}

@test "login by a key of the store: the session holds a token that says so" {
    forget_session alice
    "${ssh[@]}" -i /run/user_key alice@127.0.0.1 probe </dev/null 3>&- >/run/out 2>&1 &
    watch_session alice $!
    authctl --json token decode - </run/token | json 'd["payload"]["amr"]' | grep -qF "'pop'"
}

@test "another's key and a key of nobody: refused" {
    refused other_key alice
    refused user_key bob
    ssh-keygen -q -t ed25519 -N '' -f /run/stray_key
    refused stray_key alice
}

@test "a key that was removed: refused at once; added again: in" {
    print=$(ssh-keygen -lf /run/user_key.pub | cut -d' ' -f2)
    enters user_key alice
    authctl -q ssh-key remove alice "$print"
    refused user_key alice
    authctl -q ssh-key add alice /run/user_key.pub >/dev/null
    enters user_key alice
}

@test "a key past its end: refused, though nobody wrote anything" {
    ssh-keygen -q -t ed25519 -N '' -f /run/short_key
    authctl -q ssh-key add alice /run/short_key.pub --expires 1h >/dev/null
    enters short_key alice
    sqlite3 -cmd ".timeout 30000" /var/lib/jwtauth/jwtauth.db "UPDATE ssh_keys SET ends_at = unixepoch() + 2 WHERE ends_at IS NOT NULL"
    authctl -q purge >/dev/null
    before=$(stat -c %i /var/cache/jwtauth/ssh_keys)
    sleep 2.5
    refused short_key alice
    [ "$(stat -c %i /var/cache/jwtauth/ssh_keys)" = "$before" ]
    enters user_key alice
}

# R18, R6: the command has no key for them, and account would refuse them besides.
@test "locked, disabled, past the end: refused at once, back in afterwards" {
    for verb in lock disable; do
        authctl -q user $verb alice >/dev/null
        run setpriv --reuid=jwtauth-keys --clear-groups authctl ssh-key authorized alice
        [ "$status" -eq 3 ]
        refused user_key alice
        if [ $verb = lock ]; then authctl -q user unlock alice; else authctl -q user enable alice; fi >/dev/null
        enters user_key alice
    done
    authctl -q user modify alice --valid-until 1s >/dev/null
    sleep 1.1
    refused user_key alice
    authctl -q user modify alice --valid-until '' >/dev/null
    enters user_key alice
    enters other_key bob
}

@test "a missing or damaged snapshot: no key of ours, local users in with theirs" {
    install -d -m 0700 -o lena -g lena /home/lena/.ssh
    install -m 0600 -o lena -g lena /run/other_key.pub /home/lena/.ssh/authorized_keys
    for harm in 'rm /var/cache/jwtauth/ssh_keys' 'truncate -s -1 /var/cache/jwtauth/ssh_keys' \
        'chmod 0666 /var/cache/jwtauth/ssh_keys'; do
        $harm
        refused user_key alice
        enters other_key lena
        authctl -q purge >/dev/null
        enters user_key alice
    done
    # the reason is in sshd's log
    grep -q 'AuthorizedKeysCommand /usr/bin/authctl ssh-key authorized alice failed, status 8' /run/sshd.log
}

# PAM.md: a local name is never ours, whatever the store says.
@test "root and local users get no keys from the store" {
    sqlite3 -cmd ".timeout 30000" /var/lib/jwtauth/jwtauth.db "INSERT INTO ssh_keys (id, user_id, type, blob, fingerprint, created_at, created_by)
        SELECT 'x', id, 'ssh-ed25519', '$(cut -d' ' -f2 /run/user_key.pub)', 'x', 1, 'x' FROM users WHERE username = 'bob'"
    authctl -q purge >/dev/null
    enters user_key bob
    for name in root lena; do
        sqlite3 -cmd ".timeout 30000" /var/lib/jwtauth/jwtauth.db "UPDATE users SET username = '$name', adopted = 0 WHERE username = 'bob'"
        authctl -q purge >/dev/null
        refused user_key $name
        sqlite3 -cmd ".timeout 30000" /var/lib/jwtauth/jwtauth.db "UPDATE users SET username = '$name', adopted = 1 WHERE username = '$name'"
        authctl -q purge >/dev/null
        refused user_key $name
        sqlite3 -cmd ".timeout 30000" /var/lib/jwtauth/jwtauth.db "UPDATE users SET username = 'bob' WHERE username = '$name'"
    done
    authctl -q purge >/dev/null
    enters user_key bob
}
