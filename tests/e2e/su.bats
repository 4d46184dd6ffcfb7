#!/usr/bin/env bats
# su(1) with the shipped stanza: token=none.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user alice
    enroll alice
    make_user bob
    make_local lena
}

su_to() { # STEPS TARGET [INVOKER]
    run dialogue "$1" setpriv --reuid="$(id -u "${3:-lena}")" --regid="$(id -g "${3:-lena}")" --init-groups \
        env -i PATH=/usr/bin:/bin TERM=dumb /bin/su "$2" -c 'echo "in-as-$(id -un) [$JWTAUTH_TOKEN_FILE$JWTAUTH_SESSION_ID$JWTAUTH_LOGIN]"'
    echo "$output"
}
steps_of() { printf 'expect Password: \nsend %s\n' "$1"; }
stays_out() {
    su_to "$@"
    [ "$status" -ne 0 ]
    [[ $output != *in-as* ]]
}

@test "allowed, without a token in the environment" {
    su_to "$(steps_of "$password")" bob
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-bob []'* ]]
    su_to "$(steps_of "$password")
expect Verification code: 
send $(next_code alice)" alice
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-alice []'* ]]
    [ -z "$(ls /run/jwtauth/sessions 2>/dev/null)" ]
}

@test "denied: wrong, locked, disabled" {
    stays_out "$(steps_of wrong)" bob
    stays_out "$(steps_of "$password")
expect Verification code: 
send 000000" alice
    authctl -q user lock bob >/dev/null
    stays_out "$(steps_of "$password")" bob
    # R6: root by su is refused as well, and asked nothing
    run su bob -c 'echo in-as' </dev/null
    [ "$status" -ne 0 ]
    [[ $output != *in-as* ]]
    authctl -q user unlock bob >/dev/null
    authctl -q user disable bob >/dev/null
    stays_out "$(steps_of "$password")" bob
    authctl -q user enable bob >/dev/null
    run su bob -c 'echo "in-as [$JWTAUTH_TOKEN_FILE$JWTAUTH_SESSION_ID]"' </dev/null
    [ "$status" -eq 0 ]
    [[ $output == *'in-as []'* ]]
}

@test "must change: forced" {
    authctl -q password expire bob
    su_to "$(steps_of "$password")
expect Current password: 
send $password
expect New password: 
send $fresh
expect Retype new password: 
send $fresh" bob
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-bob []'* ]]
    su_to "$(steps_of "$fresh")" bob
    [ "$status" -eq 0 ]
    reset_password bob
}

@test "local users through pam_unix, whatever is broken here" {
    for how in none mode key config; do
        break_store $how
        su_to "$(steps_of "$password")" lena bob
        [ "$status" -eq 0 ]
        [ $how = none ] || stays_out '' bob # nothing is asked
        mend_store $how
    done
}

@test "R23, CVE-2009-0360, CVE-2009-0361, CVE-2008-3825: the environment of whoever calls su decides nothing" {
    run dialogue "$(steps_of "$password")" setpriv --reuid="$(id -u lena)" --regid="$(id -g lena)" --init-groups \
        env JWTAUTH_CONFIG=/nonexistent SQLITE_TMPDIR=/nonexistent TMPDIR=/nonexistent HOME=/nonexistent \
        OPENSSL_CONF=/nonexistent OPENSSL_MODULES=/nonexistent SSLKEYLOGFILE=/tmp/keys http_proxy=http://127.0.0.1:1 \
        LD_LIBRARY_PATH=/nonexistent GCONV_PATH=/nonexistent TZ=../../etc/shadow LC_ALL=xx /bin/su bob -c 'id -un'
    [ "$status" -eq 0 ]
    [[ $output == *bob* ]]
    [ ! -e /tmp/keys ]
}

# CVE-2024-47191, CVE-2019-12209, CVE-2010-3435, CVE-2026-44711: no file in a folder of the user's.
# CVE-2024-10963, CVE-2022-28321: no name is looked up on the net.
@test "R23: a login opens fixed places only" {
    run dialogue "$(steps_of "$password")" env SQLITE_TMPDIR=/nonexistent/a TMPDIR=/nonexistent/b HOME=/nonexistent/c \
        OPENSSL_CONF=/nonexistent/d JWTAUTH_CONFIG=/nonexistent/e OPENSSL_MODULES=/nonexistent/f \
        strace -f -o /run/trace -e trace=file,socket,connect setpriv --ruid="$(id -u lena)" --clear-groups /bin/su bob -c 'id -un'
    [ "$status" -eq 0 ]
    grep -q '"/var/lib/jwtauth/jwtauth.db"' /run/trace
    run ! grep -E '"/nonexistent' /run/trace
    run ! grep -E 'open(at)?\(.*"/(home|tmp|var/tmp)/' /run/trace
    run ! grep -E 'AF_INET' /run/trace
}
