#!/usr/bin/env bats
# A real sshd on a loopback port, with the shipped stanza.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user alice
    enroll alice
    make_user bob
    make_local lena
    printf 'root:%s\n' "$password" | chpasswd
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    for user in bob lena; do
        install -d -m 0700 -o "$user" -g "$user" "/home/$user/.ssh"
        install -m 0600 -o "$user" -g "$user" /run/user_key.pub "/home/$user/.ssh/authorized_keys"
    done
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "$port" >/run/port
    cat >/run/sshd_config <<CONF
ListenAddress 127.0.0.1
Port $port
HostKey /run/host_key
PidFile /run/sshd.pid
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication yes
PermitRootLogin yes
MaxAuthTries 20
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
    ssh=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR
        -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 -o IdentitiesOnly=yes)
    kbd=("${ssh[@]}" -o PreferredAuthentications=keyboard-interactive)
    plain=("${ssh[@]}" -o PreferredAuthentications=password)
    key=("${ssh[@]}" -o PreferredAuthentications=publickey -i /run/user_key)
}

steps_of() { printf 'expect Password: \nsend %s\n' "$1"; }
refused() {
    run dialogue "$@"
    [ "$status" -eq 255 ]
    [[ $output == *'Permission denied'* || $output == *'Too many authentication failures'* ]]
}

@test "password and code by keyboard-interactive: the session holds a token until logout" {
    forget_session alice
    dialogue "$(steps_of "$password")
expect Verification code: 
send $(next_code alice)" "${kbd[@]}" alice@127.0.0.1 probe 3>&- >/run/out 2>&1 &
    watch_session alice $!
}

@test "password alone, for a user without a second factor" {
    forget_session bob
    dialogue "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 probe 3>&- >/run/out 2>&1 &
    watch_session bob $!
}

@test "a key login holds a token as well" {
    forget_session bob
    "${key[@]}" bob@127.0.0.1 probe </dev/null 3>&- >/run/out 2>&1 &
    watch_session bob $!
    authctl --json token decode - </run/token | grep -q '"pop"'
}

@test "a shell on a terminal" {
    forget_session bob
    dialogue "$(steps_of "$password")
expect \$
send exec probe" "${kbd[@]}" -tt bob@127.0.0.1 3>&- >/run/out 2>&1 &
    watch_session bob $!
}

@test "wrong password, wrong code, a code used before: refused" {
    refused "$(steps_of wrong)" "${kbd[@]}" alice@127.0.0.1 true
    refused "$(steps_of "$password")
expect Verification code: 
send 000000" "${kbd[@]}" alice@127.0.0.1 true
    code=$(next_code alice)
    run dialogue "$(steps_of "$password")
expect Verification code: 
send $code" "${kbd[@]}" alice@127.0.0.1 true
    [ "$status" -eq 0 ]
    refused "$(steps_of "$password")
expect Verification code: 
send $code" "${kbd[@]}" alice@127.0.0.1 true
}

@test "R7: sshd's password method lets no second factor be skipped" {
    run dialogue "$(printf 'expect password: \nsend %s' "$password")" "${plain[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    [[ $output == *bob* ]]
    refused "$(printf 'expect password: \nsend %s' "$password")" "${plain[@]}" alice@127.0.0.1 id -un
}

@test "an empty password is refused (CVE-2020-27780), unknown users too, also while root has none" {
    refused "$(steps_of '')" "${kbd[@]}" bob@127.0.0.1 true
    refused "$(steps_of '')" "${kbd[@]}" nobody-knows@127.0.0.1 true
    passwd -q -d root
    refused "$(steps_of '')" "${kbd[@]}" bob@127.0.0.1 true
    refused "$(steps_of '')" "${kbd[@]}" nobody-knows@127.0.0.1 true
    refused "$(printf 'expect password: \nsend \n')" "${plain[@]}" nobody-knows@127.0.0.1 true
    printf 'root:%s\n' "$password" | chpasswd
    refused "$(steps_of "$password")" "${kbd[@]}" nobody-knows@127.0.0.1 true
}

@test "locked and disabled: refused by password and by key, and back in afterwards" {
    for verb in lock disable; do
        authctl -q user $verb bob >/dev/null
        refused "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 true
        run "${key[@]}" bob@127.0.0.1 true </dev/null
        [ "$status" -eq 255 ]
        [ $verb = lock ] && authctl -q user unlock bob >/dev/null || authctl -q user enable bob >/dev/null
    done
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 0 ]
}

@test "must change: the change is forced by keyboard-interactive, then the session has its token" {
    authctl -q password expire bob
    forget_session bob
    dialogue "$(steps_of "$password")
expect Current password: 
send $password
expect New password: 
send $fresh
expect Retype new password: 
send $fresh" "${kbd[@]}" bob@127.0.0.1 probe 3>&- >/run/out 2>&1 &
    watch_session bob $!
    refused "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 true
    run dialogue "$(steps_of "$fresh")" "${kbd[@]}" bob@127.0.0.1 true
    [ "$status" -eq 0 ]
}

@test "must change: a new password against policy does not get in" {
    authctl -q password expire bob
    run dialogue "$(steps_of "$fresh")
expect Current password: 
send $fresh
expect New password: 
send short
expect Retype new password: 
send short" "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 255 ]
    reset_password bob
}

@test "local user and root get in through pam_unix; a wrong password does not" {
    run dialogue "$(steps_of "$password")" "${kbd[@]}" lena@127.0.0.1 'echo "of [$JWTAUTH_TOKEN_FILE]"'
    [ "$status" -eq 0 ]
    [[ $output == *'of []'* ]]
    run dialogue "$(steps_of "$password")" "${kbd[@]}" root@127.0.0.1 id -u
    [ "$status" -eq 0 ]
    refused "$(steps_of wrong)" "${kbd[@]}" lena@127.0.0.1 true
}

@test "a local account that pam_unix refuses stays refused" {
    chage -E 1 lena
    refused "$(steps_of "$password")" "${kbd[@]}" lena@127.0.0.1 true
    run "${key[@]}" lena@127.0.0.1 true </dev/null
    [ "$status" -eq 255 ]
    chage -E -1 lena
}

@test "a broken installation keeps ours out and lets local users in" {
    for how in mode key config; do
        break_store $how
        refused '' "${kbd[@]}" bob@127.0.0.1 true # nothing is asked
        run "${key[@]}" bob@127.0.0.1 true </dev/null
        [ "$status" -eq 255 ]
        run dialogue "$(steps_of "$password")" "${kbd[@]}" lena@127.0.0.1 true
        [ "$status" -eq 0 ]
        run "${key[@]}" lena@127.0.0.1 true </dev/null
        [ "$status" -eq 0 ]
        run dialogue "$(steps_of "$password")" "${kbd[@]}" root@127.0.0.1 true
        [ "$status" -eq 0 ]
        mend_store $how
    done
    run dialogue "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 true
    [ "$status" -eq 0 ]
}

@test "a uid that is not the store's is refused" {
    uid=$(id -u bob)
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET uid = 4242 WHERE username = 'bob'"
    refused "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 true
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 255 ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET uid = $uid WHERE username = 'bob'"
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 0 ]
}

@test "a lock ends the session's token while the user is in" {
    forget_session bob
    "${key[@]}" bob@127.0.0.1 probe </dev/null 3>&- >/run/out 2>&1 &
    pid=$!
    until_true 20 test -e /home/bob/in
    authctl token verify - </home/bob/token
    authctl -q user lock bob >/dev/null
    fails_with 1 authctl token verify - </home/bob/token
    file=$(sed -n 's/^JWTAUTH_TOKEN_FILE=//p' /home/bob/env)
    touch /home/bob/out
    wait $pid || true
    until_true 10 test ! -e "$file"
    authctl -q user unlock bob >/dev/null
}

@test "CVE-2015-5600, CVE-2003-0786: many devices give no more tries than the limit" {
    make_user carol
    sed -i 's,^login = .*,login = 5/15m,' /etc/jwtauth/jwtauth.conf
    devices=$(printf 'pam,%.0s' $(seq 1000))
    steps=$(for _ in 1 2 3 4 5; do steps_of wrong; done)
    run dialogue "$steps" ssh -o NumberOfPasswordPrompts=10 -o KbdInteractiveDevices="${devices%,}" \
        "${kbd[@]:1}" carol@127.0.0.1 true
    echo "$output"
    [ "$status" -eq 255 ]
    # The right one is not even asked for now; nobody else is kept out.
    refused '' "${kbd[@]}" carol@127.0.0.1 true
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM audit_log
        WHERE target = 'user:carol' AND reason = 'wrong_password'")" = 5 ]
    run dialogue "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 true
    [ "$status" -eq 0 ]
    sed -i 's,^login = .*,login = 1000/15m,' /etc/jwtauth/jwtauth.conf
}

# The last one: bob is gone after it.
@test "a deleted adopted user gets in by neither old password nor key, a released one by pam_unix again" {
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 0 ]
    authctl -q -y user delete bob
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 255 ]
    refused "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 true
    authctl -q user release bob
    run "${key[@]}" bob@127.0.0.1 true </dev/null
    [ "$status" -eq 0 ]
}
