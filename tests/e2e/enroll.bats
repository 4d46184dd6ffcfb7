#!/usr/bin/env bats
# Enrolment at the first login, over a real OpenSSH and on the host's own terminals.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    for user in alice bob carol erin frank; do make_user $user; done
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
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
CONF
    cp /etc/pam.d/sshd /run/sshd.pam
    cp /etc/pam.d/sudo /run/sudo.pam
    echo 'alice, bob, carol, erin, frank ALL = (ALL) ALL' >/etc/sudoers.d/e2e
    echo 'Defaults timestamp_timeout=0, passwd_tries=1' >>/etc/sudoers.d/e2e
    chmod 0440 /etc/sudoers.d/e2e
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    echo $! >/run/sshd.own
    until_true 10 grep -q 'Server listening' /run/sshd.log
}

teardown_file() {
    [ ! -s /run/sshd.own ] || kill "$(cat /run/sshd.own)"
}

setup() {
    port=$(cat /run/port)
    ssh=(env LC_ALL=C.UTF-8 ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR
        -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1)
    kbd=("${ssh[@]}" -o PreferredAuthentications=keyboard-interactive)
    plain=("${ssh[@]}" -o PreferredAuthentications=password)
}

# with SERVICE OPTIONS: the auth line's.
with() { sed "s/^\(auth .*pam_jwtauth.so\)\$/\1 $2/" "/run/$1.pam" >"/etc/pam.d/$1"; }
factors() { sqlite3 -cmd '.timeout 20000' /var/lib/jwtauth/jwtauth.db \
    "SELECT COUNT(*) FROM totp t JOIN users u ON u.id = t.user_id WHERE u.username = '$1' AND confirmed_at IS NOT NULL"; }
codes() { sqlite3 -cmd '.timeout 20000' /var/lib/jwtauth/jwtauth.db \
    "SELECT COUNT(*) FROM recovery_codes c JOIN users u ON u.id = c.user_id WHERE u.username = '$1'"; }
password_then() { printf 'expect %s\nsend %s\nexpect Code that the app shows: \n' "$1" "$password"; }

@test "ssh: the key is seen in the prompt, a right code and yes enrol, the next login asks for a code" {
    with sshd enroll=require
    run dialogue "$(password_then Password:)
totp
expect Type yes when you have kept them: 
send yes" "${kbd[@]}" alice@127.0.0.1 echo 'I am $(id -un)'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'I am alice'* ]]
    [[ $output == *'otpauth://totp/'* ]]
    [[ $output != *$'\u2588'* ]] # nothing is known of the terminal: no QR code unless asked for
    [ "$(factors alice)" = 1 ]
    [ "$(codes alice)" = 10 ]
    recovery=$(grep -Eo '[0-9A-Z]{4}(-[0-9A-Z]{4}){3}' <<<"$output" | head -n 1)
    run dialogue "expect Password: 
send $password
expect Verification code: 
send 000000" "${kbd[@]}" alice@127.0.0.1 id -un
    [ "$status" -eq 255 ]
    run dialogue "expect Password: 
send $password
expect Verification code: 
send $recovery" "${kbd[@]}" alice@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    [[ $output == *alice* ]]
}

@test "ssh: qr draws the code that holds the link" {
    with sshd enroll=offer
    run dialogue "$(password_then Password:)
send qr
expect Code that the app shows: 
send " "${kbd[@]}" bob@127.0.0.1 id -un
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *bob* ]]
    [ "$(grep -c $'\u2588\u2588\u2588\u2588' <<<"$output")" -ge 20 ] # rows, whole and as such
    [ "$(factors bob)" = 0 ]
}

@test "ssh: an offer that is skipped, a wrong code and then none" {
    with sshd enroll=offer
    run dialogue "$(password_then Password:)
send " "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    [[ $output == *bob* ]]
    run dialogue "$(password_then Password:)
send 000000
expect That code is not right.
expect Code that the app shows: 
send " "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    [ "$(factors bob)" = 0 ]
}

@test "ssh: require refuses who does not enrol; a client that goes away has enrolled nothing" {
    with sshd enroll=require
    run dialogue "$(password_then Password:)
send 000000
expect Code that the app shows: 
send 
expect Code that the app shows: 
send 000000" "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 255 ]
    [[ $output == *'Permission denied'* ]]
    run dialogue "$(password_then Password:)
totp
expect Type yes when you have kept them: 
signal TERM" "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -ne 0 ]
    [ "$(factors bob)" = 0 ]
    [ "$(codes bob)" = 0 ]
}

@test "ssh: a deadline that has not come is an offer, one that has is none" {
    with sshd 'enroll=require enroll_until=2999-01-01T00:00:00Z'
    run dialogue "$(password_then Password:)
send " "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    with sshd 'enroll=require enroll_until=2001-01-01T00:00:00Z'
    run dialogue "$(password_then Password:)
send 
expect Code that the app shows: 
send 
expect Code that the app shows: 
send " "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 255 ]
}

@test "R7: sshd's password method cannot enrol: it gets in nowhere" {
    with sshd enroll=offer
    run dialogue "expect password: 
send $password" "${plain[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 255 ]
    [ "$(factors bob)" = 0 ]
}

# By a local command: the mail's text goes to a file.
mail_to_file() {
    getent passwd jwtauth-notify >/dev/null || useradd --system --no-create-home jwtauth-notify
    install -d -m 0777 /run/mail
    install -d -m 0755 /usr/local/lib/jwtauth-test
    printf '#!/bin/sh\ncat >/run/mail/in\n' >/usr/local/lib/jwtauth-test/mail
    chmod 0755 /usr/local/lib/jwtauth-test/mail
    cat >>/etc/jwtauth/jwtauth.conf <<'CONF'
[email]
provider = command
url = /usr/local/lib/jwtauth-test/mail
from = auth@example.org
CONF
}

@test "ssh: an invited user chooses a password and enrols in one login" {
    with sshd 'enroll=require enroll_with=invite'
    mail_to_file
    authctl -q user add dave --invite --email dave@example.org >/dev/null
    uid=$(authctl user show dave --json | json 'd["uid"]')
    until_true 10 test -s /run/mail/in
    token=$(json '[w for w in d["text"].split() if len(w) == 43][0]' </run/mail/in)
    # sshd wants to know the name before it asks anybody: a local row with the mark of an adopted user
    useradd -m -s /bin/sh -u "$uid" dave
    usermod -p '!jwtauth!*' dave
    run dialogue "$(password_then Password: | head -n 1)
send $password" "${kbd[@]}" dave@127.0.0.1 id -un # no password of anybody's
    [ "$status" -eq 255 ]
    run dialogue "expect Password: 
echo off
send $token
expect New password: 
echo off
send short
expect Retype new password: 
send short
expect BAD PASSWORD: 
expect New password: 
send $fresh
expect Retype new password: 
send $fresh
expect Code that the app shows: 
totp
expect Type yes when you have kept them: 
send yes" "${kbd[@]}" dave@127.0.0.1 id -un
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"$token"* ]]
    [ "$(factors dave)" = 1 ]
    [ "$(authctl user show dave --json | json 'd["status"], d["email_verified"]')" = "('active', True)" ]
    recovery=$(grep -Eo '[0-9A-Z]{4}(-[0-9A-Z]{4}){3}' <<<"$output" | head -n 1)
    run dialogue "expect Password: 
send $fresh
expect Verification code: 
send $recovery" "${kbd[@]}" dave@127.0.0.1 id -un
    [ "$status" -eq 0 ]
}

# A command on a terminal of its own, as that user. A program of sudo's reads its locale from the environment.
sudo_on() { # COLUMNS USER LOCALE STEPS
    run dialogue "expect password for
columns $1
send $password
$4" setpriv --reuid="$(id -u "$2")" --regid="$(id -g "$2")" --init-groups \
        env -i PATH=/usr/bin:/bin TERM=dumb LC_ALL="$3" sudo id -u
    echo "$output"
}

@test "a wide terminal with UTF-8 gets the QR code at once, a narrow one the key alone" {
    with sudo enroll=offer
    sudo_on 200 carol C.UTF-8 'expect Code that the app shows: 
send '
    [ "$status" -eq 0 ]
    [ "$(grep -c $'\u2588\u2588\u2588\u2588' <<<"$output")" -ge 20 ]
    [[ $output != *'Type qr'* ]]
    sudo_on 40 carol C.UTF-8 'expect Code that the app shows: 
send '
    [ "$status" -eq 0 ]
    [[ $output == *'Key:  '* ]]
    [[ $output != *$'\u2588'* ]]
    [[ $output != *'Type qr'* ]]
}

@test "a wide terminal without UTF-8 gets the QR code only when asked for" {
    with sudo enroll=offer
    sudo_on 200 carol C 'expect Code that the app shows: 
send '
    [ "$status" -eq 0 ]
    [[ $output != *$'\u2588'* ]]
    [[ $output == *'Type qr'* ]]
}

@test "sudo: enrolled there, asked there" {
    with sudo enroll=require
    sudo_on 80 erin C 'expect Code that the app shows: 
totp
expect Type yes when you have kept them: 
send yes'
    [ "$status" -eq 0 ]
    [ "$(factors erin)" = 1 ]
    sudo_on 80 erin C 'expect Verification code: 
send 000000'
    [ "$status" -ne 0 ]
}
