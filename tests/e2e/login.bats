#!/usr/bin/env bats
# login(1) on a terminal, with the shipped stanza.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user alice
    enroll alice
    make_user bob
    make_local lena
    printf 'root:%s\n' "$password" | chpasswd
    : >/run/utmp
}

log_in() { # NAME, further steps after the password's prompt
    printf 'expect Password: \nsend %s\n' "$2"
}
gets_in() { # NAME PASSWORD [STEPS]
    run dialogue "$(log_in "$1" "$2")
${3:-}
expect \$
send echo in-as-\$(id -un) [\$JWTAUTH_LOGIN]; exit
expect in-as-$1 []" login "$1"
    echo "$output"
    [ "$status" -eq 0 ]
}
stays_out() {
    # login asks for another name; that is the end of the test.
    run dialogue "$(log_in "$1" "$2")
${3:-}
expect Login incorrect
signal KILL" login "$1"
    echo "$output"
    [[ $output == *'Login incorrect'* ]]
}

@test "password and code: the session holds a token until logout" {
    forget_session alice
    dialogue "$(log_in alice "$password")
expect Verification code: 
send $(next_code alice)
expect \$
send exec probe" login alice 3>&- >/run/out 2>&1 &
    watch_session alice $!
}

@test "password alone, for a user without a second factor" {
    forget_session bob
    dialogue "$(log_in bob "$password")
expect \$
send exec probe" login bob 3>&- >/run/out 2>&1 &
    watch_session bob $!
}

@test "wrong password, wrong code, locked, disabled, unknown: one same answer" {
    stays_out bob wrong
    stays_out alice "$password" 'expect Verification code: 
send 000000'
    authctl -q user lock bob >/dev/null
    stays_out bob "$password"
    authctl -q user unlock bob >/dev/null
    authctl -q user disable bob >/dev/null
    stays_out bob "$password"
    authctl -q user enable bob >/dev/null
    stays_out nobody-knows "$password"
    gets_in bob "$password"
}

@test "must change: forced at login, then in with the new one" {
    authctl -q password expire bob
    gets_in bob "$password" "expect Current password: 
send $password
expect New password: 
send $fresh
expect Retype new password: 
send $fresh"
    stays_out bob "$password"
    gets_in bob "$fresh"
    reset_password bob
}

@test "must change: a new password against policy is told why and does not get in" {
    authctl -q password expire bob
    run dialogue "$(log_in bob "$password")
expect Current password: 
send $password
expect New password: 
send short
expect Retype new password: 
send short
expect BAD PASSWORD" login bob
    [[ $output != *'in-as'* ]]
    [ "$status" -ne 0 ]
    reset_password bob
}

@test "local user and root through pam_unix, whatever is broken here" {
    for how in none mode key config; do
        break_store $how
        gets_in lena "$password"
        if [ $how != none ]; then
            # Nothing is asked.
            run dialogue "$(printf 'expect Login incorrect\nsignal KILL')" login bob
            [[ $output == *'Login incorrect'* && $output != *Password* ]]
        fi
        mend_store $how
    done
    run dialogue "$(log_in root "$password")
expect #
send exit" login root
    [ "$status" -eq 0 ]
    gets_in bob "$password"
}
