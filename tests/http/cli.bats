#!/usr/bin/env bats
# authctl by users without root's rights: through jwtauthd, as whoever the kernel says they are.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server '
[registration]
open = yes
verify = none
[throttle]
other = 1000/1s'
    export tcp port
    add_user alice --email alice@example.org --role user >/dev/null
    add_user mary --role manager >/dev/null
    add_user boss --role admin >/dev/null
}

teardown_file() {
    stop_server
}

# by USER COMMAND...: under the uid that the store gave it.
by() {
    local uid
    uid=$(authctl --json user show "$1" | json 'd["uid"]')
    shift
    HOME=/tmp setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
}

@test "whoami is the uid's user; nobody is nobody" {
    run by alice authctl whoami
    [ "$status" = 0 ]
    [ "$output" = alice ]
    [ "$(by alice authctl --json whoami | json 'sorted(d), d["user"]["email"]')" = "(['session', 'uid', 'user', 'username'], 'alice@example.org')" ]
    fails_with 1 as_nobody authctl --json whoami
    [ "$(json 'd["code"]' <<<"$output")" = unknown_caller ]
    # root, when it asks for the daemon
    run authctl --socket $socket whoami
    [ "$output" = root ]
}

@test "the own profile is shown and changed; another's is not" {
    run by alice authctl profile set --full-name 'Alice Example'
    [ "$status" = 0 ]
    [ "$(by alice authctl --json profile show | json 'd["name"]')" = 'Alice Example' ]
    fails_with 6 by alice authctl profile show --user mary
    fails_with 6 by alice authctl user show mary
    fails_with 6 by alice authctl user lock mary
    fails_with 6 by alice authctl key list
    [[ "$stderr" == *"by root"* ]]
}

@test "the own password: old one, policy, and the other sessions end" {
    printf 'Correct-Horse-42\n' | authctl login alice --password-stdin >/run/old.token
    fails_with 1 by alice sh -c 'printf "%s\n%s\n" Wrong-Horse-42 Battery-Staple-9 | authctl password change --password-stdin'
    fails_with 5 by alice sh -c 'printf "%s\n%s\n" Correct-Horse-42 short | authctl password change --password-stdin'
    fails_with 6 by alice sh -c 'printf "%s\n%s\n" Correct-Horse-42 Battery-Staple-9 | authctl password change mary --password-stdin'
    run by alice sh -c 'printf "%s\n%s\n" Correct-Horse-42 Battery-Staple-9 | authctl password change --password-stdin'
    [ "$status" = 0 ]
    fails_with 1 authctl token verify - </run/old.token
    run by alice sh -c 'printf "%s\n" Battery-Staple-9 | authctl login alice --password-stdin'
    [ "$status" = 0 ]
    [[ "$output" == *.*.* ]]
}

@test "the own second factor, from enrolment to its end; login asks for the code" {
    local secret codes
    secret=$(by mary sh -c 'printf "Correct-Horse-42\n" | authctl --json totp enroll mary' | json 'd["secret"]')
    fails_with 1 by mary sh -c 'printf "Correct-Horse-42\n" | authctl totp confirm mary 000000'
    codes=$(by mary sh -c "printf 'Correct-Horse-42\n' | authctl --json totp confirm mary $(oathtool --totp -b "$secret")" | json '" ".join(d["recovery_codes"])')
    [ "$(wc -w <<<"$codes")" = 10 ]
    fails_with 1 by mary sh -c 'printf "Correct-Horse-42\n" | authctl login mary --password-stdin'
    [[ "$stderr" == *"verification code is needed"* ]]
    run by mary sh -c "printf 'Correct-Horse-42\n' | authctl login mary --password-stdin --otp ${codes%% *}"
    [ "$status" = 0 ]
    run by mary sh -c "printf 'Correct-Horse-42\n%s\n' $(cut -d' ' -f2 <<<"$codes") | authctl --json totp disable mary"
    [ "$status" = 0 ]
    run by mary sh -c 'printf "Correct-Horse-42\n" | authctl login mary --password-stdin'
    [ "$status" = 0 ]
}

@test "own sessions are listed and ended, tokens logged out" {
    by boss sh -c 'printf "Correct-Horse-42\n" | authctl login boss --password-stdin' >/run/boss.token
    chmod 0644 /run/boss.token
    [ "$(by boss authctl --json session list | json 'len(d["sessions"])')" = 1 ]
    run by boss sh -c 'authctl logout --token-stdin </run/boss.token'
    [ "$status" = 0 ]
    [ "$output" = 'the session is ended' ]
    by boss sh -c 'printf "Correct-Horse-42\n" | authctl login boss --password-stdin' >/run/boss.token
    run by boss authctl session revoke "$(by boss authctl --json session list | json 'd["sessions"][0]["id"]')"
    [ "$output" = '1 session ended' ]
    fails_with 3 by boss authctl session revoke 01a1fdde-a9f7-7783-a0f6-8611eb9f0309
}

@test "who may manage, manages: the answers are those of root's own authctl" {
    local c
    for c in 'user list' 'user show alice' 'role list' 'role show manager' 'user permissions mary'; do
        diff <(authctl --json $c) <(by boss authctl --json $c)
        diff <(authctl $c) <(by boss authctl $c)
    done
    run by boss authctl user add newt --email newt@example.org --service
    [ "$status" = 0 ]
    run by boss authctl --json user lock newt
    [ "$(json 'd["status"], sorted(d)' <<<"$output")" = "('locked', $(authctl --json user lock newt | json 'sorted(d)'))" ]
    run by boss authctl user unlock newt
    [ "$status" = 0 ]
    run by boss authctl role grant newt agent --for 2h
    [ "$status" = 0 ]
    run by boss authctl can newt users:read
    [ "$status" = 0 ]
    fails_with 1 by boss authctl can newt users:write
    [ "$(by boss authctl --json role grants --user newt | json 'd["grants"][0]["role"]')" = agent ]
    fails_with 2 by boss authctl user delete newt </dev/null
    run by boss authctl -y user delete newt
    [ "$status" = 0 ]
    fails_with 3 by boss authctl user show newt
    [ "$(by boss authctl --json audit list --user newt --action user.delete | json 'd["rows"][0]["actor"]')" = user:boss ]
    fails_with 6 by mary authctl role grant mary admin
    fails_with 4 by boss authctl -y role delete user
}

@test "registering needs no account; a daemon that is down says so" {
    run as_nobody sh -c 'printf "Correct-Horse-42\n" | authctl --json register --email zoe@example.org --password-stdin'
    [ "$status" = 0 ]
    [ "$(json 'd["username"]' <<<"$output")" = zoe ]
    stop_server
    fails_with 7 by_uid_of_nobody
    start_server
}
by_uid_of_nobody() {
    as_nobody authctl --json whoami
}
