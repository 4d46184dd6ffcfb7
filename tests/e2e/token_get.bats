#!/usr/bin/env bats
# Scripts in a session that PAM opened get tokens of their own through jwtauthd, as long as it lasts.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user bob
    : >/run/utmp
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    /usr/sbin/jwtauthd >/run/jwtauthd.log 2>&1 3>&- &
    echo $! >/run/jwtauthd.pid
    until_true 20 curl -s -o /dev/null --unix-socket /run/jwtauth/jwtauthd.sock http://jwtauthd/healthz
}

teardown_file() {
    kill "$(cat /run/jwtauthd.pid)"
}

claim() {
    authctl -q token decode - --json <"$1" | json "d[\"payload\"].get(\"$2\")"
}

@test "in a login session: its token, none before and none after" {
    fails_with 1 as bob authctl token get --json
    [ "$(json 'd["code"]' <<<"$output")" = login_required ]
    forget_session bob
    dialogue "expect Password: 
send $password
expect \$
send authctl token get -a billing >got; exec probe" login bob 3>&- >/run/out 2>&1 &
    login=$!
    until_true 20 test -e /home/bob/in
    authctl token verify --audience billing - </home/bob/got >/dev/null
    [ "$(claim /home/bob/got preferred_username)" = bob ]
    session=$(sed -n 's/^JWTAUTH_SESSION_ID=//p' /home/bob/env)
    [ "$(claim /home/bob/got sid)" = "$session" ]
    # a job of the same person outside, while the session lasts
    as bob authctl token get -a billing >/run/job
    [ "$(claim /run/job sid)" = "$session" ]
    touch /home/bob/out
    wait $login
    until_true 10 no_token_any_more /home/bob/got
    fails_with 1 as bob authctl token get -a billing --json
    [ "$(json 'd["code"]' <<<"$output")" = login_required ]
}
