#!/usr/bin/env bats
# sudo(8) with the shipped stanza: the invoker is authenticated, the target gets the session; token=none.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user alice
    enroll alice
    make_user bob
    make_local lena
    echo 'alice, bob, lena ALL = (ALL) ALL' >/etc/sudoers.d/e2e
    echo 'Defaults timestamp_timeout=0' >>/etc/sudoers.d/e2e
    echo 'lena ALL = (ALL) NOPASSWD: /usr/bin/env' >>/etc/sudoers.d/e2e
    chmod 0440 /etc/sudoers.d/e2e
}

sudo_by() { # INVOKER STEPS COMMAND...
    local user=$1 steps=$2
    shift 2
    run dialogue "$steps" setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups \
        env -i PATH=/usr/bin:/bin TERM=dumb sudo "$@"
    echo "$output"
}
steps_of() { printf 'expect password for\nsend %s\n' "$1"; }
# shellcheck disable=SC2016
show='echo "in-as-$(id -un) [$JWTAUTH_TOKEN_FILE$JWTAUTH_SESSION_ID$JWTAUTH_LOGIN]"'

@test "allowed, target root: nothing of ours in the command's environment" {
    sudo_by bob "$(steps_of "$password")" sh -c "$show"
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-root []'* ]]
    sudo_by alice "$(steps_of "$password")
expect Verification code: 
send $(next_code alice)" sh -c "$show"
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-root []'* ]]
}

@test "target one of ours: its session, not the invoker's, and no token" {
    sudo_by bob "$(steps_of "$password")" -u alice sh -c "$show"
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-alice []'* ]]
    [ -z "$(ls /run/jwtauth/sessions 2>/dev/null)" ]
}

@test "sudo -i" {
    sudo_by bob "$(steps_of "$password")" -i -u alice id -un
    [ "$status" -eq 0 ]
    [[ $output == *alice* ]]
}

@test "denied: wrong password, wrong code, locked, disabled" {
    sudo_by bob "$(steps_of wrong)
expect password for
send wrong
expect password for
send wrong" id -u
    [ "$status" -ne 0 ]
    sudo_by alice "$(steps_of "$password")
expect Verification code: 
send 000000
signal INT" id -u
    [ "$status" -ne 0 ]
    authctl -q user lock bob >/dev/null
    sudo_by bob "$(steps_of "$password")
expect password for
signal INT" id -u
    [ "$status" -ne 0 ]
    authctl -q user unlock bob >/dev/null
    authctl -q user disable bob >/dev/null
    sudo_by bob "$(steps_of "$password")
expect password for
signal INT" id -u
    [ "$status" -ne 0 ]
    authctl -q user enable bob >/dev/null
}

@test "a locked user's NOPASSWD and a locked target are refused by account and setcred" {
    authctl -q user lock alice >/dev/null
    sudo_by bob "$(steps_of "$password")" -u alice id -u
    [ "$status" -eq 0 ] || [[ $output != *"$(id -u alice)"* ]]
    authctl -q user unlock alice >/dev/null
    sudo_by lena '' env
    [ "$status" -eq 0 ]
}

@test "must change: forced, then the command runs" {
    authctl -q password expire bob
    sudo_by bob "$(steps_of "$password")
expect Current password: 
send $password
expect New password: 
send $fresh
expect Retype new password: 
send $fresh" id -u
    [ "$status" -eq 0 ]
    sudo_by bob "$(steps_of "$fresh")" id -u
    [ "$status" -eq 0 ]
    reset_password bob
}

@test "local users through pam_unix, whatever is broken here" {
    for how in none mode key config; do
        break_store $how
        sudo_by lena "$(steps_of "$password")" id -u
        [ "$status" -eq 0 ]
        if [ $how != none ]; then
            sudo_by bob '' id -u # nothing is asked
            [ "$status" -ne 0 ]
        fi
        mend_store $how
    done
}
