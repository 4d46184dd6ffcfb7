#!/usr/bin/env bats
# A screen locker: the module in a process of the person's own uid, proving password and code through the real jwtauthd.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    sed -i 's|^\[throttle\]|[http]\nthreads = 2\n[throttle]|' /etc/jwtauth/jwtauth.conf
    printf '%s\n' "$password" | authctl -q user add dora --password-stdin >/dev/null
    printf '%s\n' "$password" | authctl -q user add otto --password-stdin >/dev/null
    enroll otto
    make_user bob
    make_local lena
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    start_daemon
    printf 'auth required pam_jwtauth.so\naccount required pam_jwtauth.so\n' >/etc/pam.d/locker
    printf 'auth required pam_jwtauth.so mfa=required\naccount required pam_jwtauth.so\n' >/etc/pam.d/locker-mfa
    printf 'auth [success=done user_unknown=ignore default=die] pam_jwtauth.so\nauth required pam_unix.so\naccount required pam_permit.so\n' >/etc/pam.d/locker-both
}

teardown_file() { stop_daemon; }

start_daemon() {
    /usr/sbin/jwtauthd >>/run/jwtauthd.log 2>&1 3>&- &
    echo $! >/run/jwtauthd.pid
    until_true 20 curl -s -o /dev/null --unix-socket /run/jwtauth/jwtauthd.sock http://jwtauthd/healthz
}
stop_daemon() {
    [ ! -s /run/jwtauthd.pid ] || kill "$(cat /run/jwtauthd.pid)"
    until_true 20 test ! -S /run/jwtauth/jwtauthd.sock
    : >/run/jwtauthd.pid
}

uid_of() { authctl user show "$1" --json | json 'd["uid"]'; }

# unlock USER SERVICE NAME [ANSWER...]: pamtester by USER's uid for NAME.
unlock() {
    local uid service=$2 name=$3
    uid=$(uid_of "$1" 2>/dev/null || id -u "$1")
    shift 3
    printf '%s\n' "$@" | timeout 60 setpriv --reuid="$uid" --regid="$uid" --clear-groups \
        env -i PATH=/usr/bin:/bin pamtester "$service" "$name" "${what:-authenticate}" 2>&1
}
wants() {
    if [[ $output != *"$1"* ]]; then
        echo "no \"$1\": $output"
        return 1
    fi
}

@test "the right password unlocks, without a session; a wrong one does not" {
    run unlock dora locker dora "$password"
    [ "$status" = 0 ]
    run unlock dora locker dora Wrong-Horse-7
    [ "$status" != 0 ]
    wants 'Authentication failure'
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db 'SELECT COUNT(*) FROM sessions')" = 0 ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT outcome FROM audit_log WHERE action = 'password.verify'" | sort |
        diff - <(printf 'denied\nsuccess\n')
}

@test "the code is asked after a right password; with mfa=required of everybody" {
    run unlock otto locker otto "$password" "$(next_code otto)"
    [ "$status" = 0 ]
    wants 'Verification code: '
    run unlock otto locker otto "$password" 000000
    [ "$status" != 0 ]
    run unlock otto locker otto Wrong-Horse-7
    [[ $output != *'Verification code'* ]]
    run unlock otto locker-mfa otto "$password" "$(next_code otto)"
    [ "$status" = 0 ]
    run unlock dora locker-mfa dora "$password" 000000
    [ "$status" != 0 ]
    wants 'Verification code: '
}

# R6
@test "setcred decides again as account does; a locked user gets no credentials" {
    what=setcred run unlock dora locker dora
    [ "$status" = 0 ]
    authctl -q user lock dora
    what=setcred run unlock dora locker dora
    [ "$status" != 0 ]
    wants 'Failure setting user credentials'
    authctl -q user unlock dora
    what=setcred run unlock dora locker dora
    [ "$status" = 0 ]
}

@test "sessions are neither opened nor closed, and no password is changed, by who is not root: an error, never a success" {
    local before act rows='SELECT COUNT(*) FROM sessions; SELECT password_hash FROM users ORDER BY id'
    printf 'session required pam_jwtauth.so\npassword required pam_jwtauth.so\nauth required pam_jwtauth.so\naccount required pam_jwtauth.so\n' >/etc/pam.d/locker-all
    before=$(sqlite3 /var/lib/jwtauth/jwtauth.db "$rows")
    for act in open_session close_session; do
        what=$act run unlock dora locker-all dora
        [ "$status" != 0 ]
        wants 'Cannot make/remove an entry for the specified session'
    done
    for user in dora otto; do
        what=chauthtok run unlock "$user" locker-all "$user" "$password" Other-Horse-77 Other-Horse-77
        [ "$status" != 0 ]
        wants 'System error'
        [[ $output != *'assword:'* ]] # nothing is asked that would lead nowhere
    done
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "$rows")" = "$before" ]
    # an own change goes through the daemon: authctl asks the old password
    run setpriv --reuid="$(uid_of dora)" --regid="$(uid_of dora)" --clear-groups env -i PATH=/usr/bin:/bin \
        authctl -q password change --password-stdin <<<"$password"$'\n'Other-Horse-77
    [ "$status" = 0 ]
    run unlock dora locker dora "$password"
    [ "$status" != 0 ]
    run unlock dora locker dora Other-Horse-77
    [ "$status" = 0 ]
    printf '%s\n' "$password" | authctl -q password set dora --password-stdin
    # local users are the business of the modules behind
    printf 'session optional pam_jwtauth.so\nsession required pam_permit.so\n' >/etc/pam.d/locker-session
    what=open_session run unlock lena locker-session lena
    [ "$status" = 0 ]
}

# R24
@test "nobody else's name: not a store user's, not an adopted one's, not root" {
    for name in otto bob root lena; do
        run unlock dora locker "$name" "$password"
        [ "$status" != 0 ]
        wants 'User not known'
    done
    run curl -s --unix-socket /run/jwtauth/jwtauthd.sock -H 'Content-Type: application/json' \
        -d "{\"password\":\"$password\"}" http://jwtauthd/api/v1/auth/verify-password
    wants not_a_user
}

@test "account decides too: locked is refused in both" {
    what=acct_mgmt run unlock dora locker dora
    [ "$status" = 0 ]
    authctl -q user lock dora
    what=acct_mgmt run unlock dora locker dora
    [ "$status" != 0 ]
    wants 'Permission denied'
    run unlock dora locker dora "$password"
    [ "$status" != 0 ]
    wants 'Authentication failure'
    authctl -q user unlock dora
    run unlock dora locker dora "$password"
    [ "$status" = 0 ]
}

@test "an adopted user, whose mark only root can read, is known by its uid" {
    run unlock bob locker bob "$password"
    [ "$status" = 0 ]
    run unlock bob locker bob Wrong-Horse-7
    wants 'Authentication failure'
}

@test "guesses are counted like those of a login" {
    sed -i 's|^login = .*|login = 3/15m|' /etc/jwtauth/jwtauth.conf
    stop_daemon
    start_daemon
    for _ in 1 2 3; do
        run unlock dora locker dora Wrong-Horse-7
        wants 'Authentication failure'
    done
    run unlock dora locker dora "$password"
    [ "$status" != 0 ]
    wants 'maximum number of retries'
    authctl -q throttle clear --user dora
    sed -i 's|^login = .*|login = 1000/15m|' /etc/jwtauth/jwtauth.conf
    stop_daemon
    start_daemon
    run unlock dora locker dora "$password"
    [ "$status" = 0 ]
}

@test "without jwtauthd: unavailable for ours, local users and the rest of the stack as ever" {
    stop_daemon
    run unlock dora locker dora "$password"
    [ "$status" != 0 ]
    wants 'Authentication service cannot retrieve authentication info'
    run unlock lena locker-both lena "$password"
    [ "$status" = 0 ]
    run unlock bob locker-both bob "$password" # adopted: no old password works beside ours
    [ "$status" != 0 ]
    start_daemon
}
