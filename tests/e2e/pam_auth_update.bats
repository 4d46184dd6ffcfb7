#!/usr/bin/env bats
# The profiles for pam-auth-update, put in by the real one, and real logins through the common-* files that it writes.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    cp -a /etc/pam.d /run/pam.d.debian
    install_everything
    cp -a /run/pam.d.debian/. /etc/pam.d/
    install -m 0644 "$tests_dir"/../packaging/pam-configs/* /usr/share/pam-configs/
    DEBIAN_FRONTEND=noninteractive pam-auth-update --enable jwtauth jwtauth-session --force
    make_user alice
    enroll alice
    make_user bob
    make_local lena
    printf 'root:%s\n' "$password" | chpasswd
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    authctl -q ssh-key add bob /run/user_key.pub >/dev/null
    id jwtauth-keys || useradd -r -s /usr/sbin/nologin jwtauth-keys
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "$port" >/run/port
    cat "$tests_dir/../packaging/sshd_config.d/jwtauth.conf" - >/etc/ssh/sshd_config <<CONF
ListenAddress 127.0.0.1
Port $port
HostKey /run/host_key
PidFile /run/sshd.pid
PermitRootLogin yes
MaxAuthTries 20
CONF
    /usr/sbin/sshd -e -f /etc/ssh/sshd_config -D 2>/run/sshd.log 3>&- &
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
    key=("${ssh[@]}" -o PreferredAuthentications=publickey -i /run/user_key)
}

steps_of() { printf 'expect Password: \nsend %s\n' "$1"; }
# enters USER PASSWORD, refused USER PASSWORD: by sshd
enters() {
    run dialogue "$(steps_of "$2")" "${kbd[@]}" "$1@127.0.0.1" id -un
    [ "$status" -eq 0 ] || { echo "$output"; tail -5 /run/sshd.log; return 1; }
    [[ $output == *$1* ]]
}
refused() {
    run dialogue "$(steps_of "$2")" "${kbd[@]}" "$1@127.0.0.1" id -un
    [ "$status" -eq 255 ] || { echo "$1 is in: $output"; return 1; }
}
# becomes USER PASSWORD, becomes_not: by su, from an account without rights
becomes() {
    run dialogue "$(steps_of "$2")" setpriv --reuid=65534 --regid=65534 --clear-groups su "$1" -c 'id -un'
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == *$1* ]]
}
becomes_not() {
    run dialogue "$(steps_of "$2")" setpriv --reuid=65534 --regid=65534 --clear-groups su "$1" -c 'id -un'
    [ "$status" -ne 0 ] || { echo "is $1: $output"; return 1; }
}

@test "the files that pam-auth-update wrote are sound to doctor" {
    for group in auth account password session session-noninteractive; do
        grep -q pam_jwtauth.so /etc/pam.d/common-$group
    done
    run --separate-stderr authctl doctor
    echo "$output"
    # Debian's su and sudo have no password part at all
    [ "$(grep -E $'^pam\t(warn|fail)\t' <<<"$output" | grep -cvE '^pam.warn.(su|sudo|sudo-i) has no pam_jwtauth in password')" = 0 ]
    for service in sshd login; do
        grep -qE "^pam.ok.$service: " <<<"$output"
    done
}

@test "allowed by sshd and su: ours with password, with code, by key" {
    enters bob "$password"
    becomes bob "$password"
    run dialogue "$(steps_of "$password")
expect Verification code: 
send $(next_code alice)" "${kbd[@]}" alice@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    run "${key[@]}" bob@127.0.0.1 id -un </dev/null
    [ "$output" = bob ]
}

@test "a login holds a token until logout" {
    forget_session bob
    dialogue "$(steps_of "$password")" "${kbd[@]}" bob@127.0.0.1 probe 3>&- >/run/out 2>&1 &
    watch_session bob $!
}

@test "denied: wrong password, unknown, locked, disabled, also by key" {
    refused bob wrong
    becomes_not bob wrong
    refused nobody-knows "$password"
    for verb in lock disable; do
        authctl -q user $verb bob >/dev/null
        refused bob "$password"
        becomes_not bob "$password"
        run "${key[@]}" bob@127.0.0.1 id -un </dev/null
        [ "$status" -eq 255 ]
        if [ $verb = lock ]; then authctl -q user unlock bob; else authctl -q user enable bob; fi >/dev/null
    done
    enters bob "$password"
}

@test "local root and local users get in through pam_unix, whatever is broken" {
    for how in none mode key config; do
        [ $how = none ] || break_store $how
        enters root "$password"
        enters lena "$password"
        becomes root "$password"
        becomes lena "$password"
        refused root wrong
        becomes_not lena wrong
        if [ $how != none ]; then
            run dialogue '' "${kbd[@]}" bob@127.0.0.1 true
            [ "$status" -eq 255 ]
            mend_store $how
        fi
    done
    # root needs no password for su, to ours neither
    [ "$(su bob -c 'id -un')" = bob ]
    [ "$(su lena -c 'id -un')" = lena ]
}

@test "passwd changes ours in the store and a local user's in /etc/shadow" {
    run dialogue "expect Current password: 
send $password
expect New password: 
send $fresh
expect Retype new password: 
send $fresh" setpriv --reuid=bob --regid=bob --clear-groups passwd
    [ "$status" -eq 0 ]
    enters bob "$fresh"
    refused bob "$password"
    reset_password bob
    run dialogue "expect Current password: 
send $password
expect New password: 
send Local-Horse-9-Garten
expect Retype new password: 
send Local-Horse-9-Garten" setpriv --reuid=lena --regid=lena --clear-groups passwd
    [ "$status" -eq 0 ]
    enters lena Local-Horse-9-Garten
    refused lena "$password"
    printf 'lena:%s\n' "$password" | chpasswd
}

@test "must change: forced at login, then in" {
    authctl -q password expire bob
    run dialogue "$(steps_of "$password")
expect Current password: 
send $password
expect New password: 
send $fresh
expect Retype new password: 
send $fresh" "${kbd[@]}" bob@127.0.0.1 id -un
    [ "$status" -eq 0 ]
    refused bob "$password"
    enters bob "$fresh"
    reset_password bob
}

# R6
@test "pam test says what each part of a stack answers" {
    run --separate-stderr authctl pam test --service sshd --user bob --answers-stdin <<<"$password"
    [ "$status" -eq 0 ]
    [ "$output" = $'auth: Success\naccount: Success' ]
    fails_with 1 authctl pam test --service sshd --user bob --answers-stdin <<<wrong
    [[ $output == 'auth: Authentication failure' ]]
    fails_with 1 authctl --json pam test --service sshd --user bob --answers-stdin <<<wrong
    [ "$(json 'd["ok"], d["code"], d["account"]' <<<"$output")" = "(False, 'pam_denied', None)" ]
    run --separate-stderr authctl pam test --service sshd --user lena --answers-stdin <<<"$password"
    [ "$status" -eq 0 ]
    run --separate-stderr authctl --json pam test --service sshd --user alice --answers-stdin \
        <<<"$password"$'\n'"$(next_code alice)"
    [ "$(json 'd["ok"], d["service"], d["user"]' <<<"$output")" = "(True, 'sshd', 'alice')" ]
    authctl -q user lock bob >/dev/null
    fails_with 1 authctl pam test --service sshd --user bob --answers-stdin <<<"$password"
    authctl -q user unlock bob
    # a question too many is no login
    run --separate-stderr authctl pam test --service sshd --user alice --answers-stdin <<<"$password"
    [ "$status" -ne 0 ]
    fails_with 6 as_nobody authctl pam test --service su --user bob
    authctl -q password expire bob
    fails_with 1 authctl pam test --service sshd --user bob --answers-stdin <<<"$password"
    [[ $output == *'account: Authentication token is no longer valid'* ]]
    reset_password bob
}

@test "taken out again: the files are Debian's, local users are in, ours out" {
    DEBIAN_FRONTEND=noninteractive pam-auth-update --remove jwtauth jwtauth-session
    run grep -rl pam_jwtauth /etc/pam.d
    [ -z "$output" ]
    enters lena "$password"
    refused bob "$password"
    DEBIAN_FRONTEND=noninteractive pam-auth-update --enable jwtauth jwtauth-session
    enters bob "$password"
}
