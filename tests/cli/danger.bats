#!/usr/bin/env bats
# What nobody does by accident: the last administrator, the only signing key, the live store.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 077
}

# kept COMMAND...: refused to root, with --yes, with the way on; the store is as it was.
kept() {
    local before
    before=$(authctl user list --json)
    fails_with 4 "$@" --json
    [ "$(error_code)" = last_administrator ]
    fails_with 4 "$@"
    [[ $stderr == *"is the last administrator: make another one first"*"authctl user modify NAME --role admin"* ]]
    [ "$before" = "$(authctl user list --json)" ]
}

shadow_field() {
    awk -F: -v n="$1" '$1 == n { print $2 }' /etc/shadow
}

@test "the last administrator: not deleted, disabled, locked or given an end; the way on works" {
    authctl -q user add alice --role admin >/dev/null
    authctl -q user add bob >/dev/null
    kept authctl user delete alice --yes
    kept authctl user disable alice
    kept authctl user lock alice
    kept authctl user lock alice --at 1h
    kept authctl user modify alice --valid-until 90d
    authctl -q user modify alice --full-name 'Alice Example' >/dev/null
    authctl -q user modify bob --role admin >/dev/null
    authctl -q user disable alice >/dev/null
    kept authctl user delete bob --yes
    authctl -q user delete alice --yes >/dev/null
}

@test "the last administrator: an adopted one is not released, and the mark stays" {
    userdel -r chief 2>/dev/null || true
    useradd -M -u 1791 chief
    authctl -q user add chief --adopt --role admin >/dev/null
    before=$(shadow_field chief)
    [[ $before == '!jwtauth!'* ]]
    kept authctl user release chief
    [ "$(shadow_field chief)" = "$before" ]
    authctl -q user add alice --role admin >/dev/null
    authctl -q user release chief >/dev/null
    [ "!jwtauth!$(shadow_field chief)" = "$before" ]
}

@test "the last administrator: of two processes that delete the last two one is refused" {
    for round in 1 2 3 4; do
        authctl -q user add "a$round" --role admin >/dev/null
        authctl -q user add "b$round" --role admin >/dev/null
        [ "$round" = 1 ] || authctl -q user delete "$left" --yes >/dev/null
        authctl -q user delete "a$round" --yes >/dev/null 2>&1 &
        authctl -q user delete "b$round" --yes >/dev/null 2>&1 &
        wait
        left=$(authctl user list --role admin --json | json '" ".join(u["username"] for u in d["users"])')
        [ "$left" = "a$round" ] || [ "$left" = "b$round" ]
    done
}

@test "the last administrator: of two released at once one stays, with its mark" {
    for name in twin1 twin2; do
        userdel -r "$name" 2>/dev/null || true
        useradd -M "$name"
    done
    for round in 1 2 3 4; do
        for name in twin1 twin2; do
            authctl -q user add "$name" --adopt --role admin >/dev/null 2>&1 || [ "$round" != 1 ]
        done
        authctl -q user release twin1 >/dev/null 2>&1 &
        authctl -q user release twin2 >/dev/null 2>&1 &
        wait
        left=$(authctl user list --json | json '" ".join(u["username"] for u in d["users"])')
        [ "$left" = twin1 ] || [ "$left" = twin2 ]
        [[ $(shadow_field "$left") == '!jwtauth!'* ]]
    done
}

@test "the only signing key: not retired, also with --yes; rotating is the way on" {
    kid=$(authctl key list --json | json "[k['kid'] for k in d['keys'] if k['state'] == 'active'][0]")
    fails_with 4 authctl key retire "$kid" --yes --json
    [ "$(error_code)" = last_key ]
    fails_with 4 authctl key retire "$kid" --yes
    [[ $stderr == *"authctl key rotate"* ]]
    # without the next key it is the only one at all
    for other in $(authctl key list --json | json "' '.join(k['kid'] for k in d['keys'] if k['state'] == 'next')"); do
        authctl -q key retire "$other" --yes >/dev/null
    done
    fails_with 4 authctl key retire "$kid" --yes
    [ "$(authctl key list --json | json "[k['kid'] for k in d['keys'] if k['state'] == 'active']")" = "['$kid']" ]
    authctl -q key rotate >/dev/null
    authctl -q key retire "$kid" --yes >/dev/null
}

@test "restore over a live store: asks, and without an answer nothing happens" {
    mkdir -m 0700 b
    authctl -q user add alice >/dev/null
    authctl -q db backup b/one
    authctl -q user add bob >/dev/null
    fails_with 2 setsid authctl db restore b/one </dev/null
    [[ $stderr == *"--yes"* ]]
    fails_with 2 setsid authctl --json db restore b/one </dev/null
    # an answer in a pipe is none: nobody read the question
    fails_with 2 setsid authctl db restore b/one <<<yes
    authctl user show bob >/dev/null
    authctl -q -y db restore b/one
    fails_with 3 authctl user show bob
    authctl user show alice >/dev/null
}
