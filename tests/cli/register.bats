#!/usr/bin/env bats
# Registration by a person for itself.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

good=Correct-Horse-42

@test "register: closed registration still takes root's; verify = none activates at once" {
    make_installation $'[registration]\nverify = none'
    got=$(authctl register --username alice --password-stdin --json <<<"$good")
    [ "$(json 'd["username"], d["status"], d["is_active"]' <<<"$got")" = "('alice', 'active', True)" ]
    authctl -q login alice --password-stdin <<<"$good" >/dev/null
    fails_with 7 as_nobody authctl register --username mallory --password-stdin <<<"$good"
}

@test "register: pending until verified where policy says so, and no login until then" {
    make_installation $'[registration]\nopen = yes\nverify = email\ndefault_roles = user'
    got=$(authctl -q register --email Jane.Doe@example.org --password-stdin --json <<<"$good")
    [ "$(json 'd["username"], d["status"], d["roles"]' <<<"$got")" = "('jane-doe', 'pending', ['user'])" ]
    fails_with 1 authctl login jane-doe --password-stdin <<<"$good"
    fails_with 2 authctl register --username bob --password-stdin <<<"$good" # asks for the address
    fails_with 3 authctl user show bob
}

@test "register: what is taken, local, malformed or weak is told, and nothing is added" {
    make_installation $'[registration]\nverify = none'
    authctl -q register --username alice --email a@example.org --password-stdin <<<"$good" >/dev/null
    before=$(authctl user list --json)
    fails_with 4 authctl register --username alice --password-stdin --json <<<"$good"
    [ "$(error_code)" = username_taken ]
    fails_with 4 authctl register --username bob --email A@EXAMPLE.org --password-stdin --json <<<"$good"
    [ "$(error_code)" = email_taken ]
    fails_with 4 authctl register --username root --password-stdin --json <<<"$good"
    [ "$(error_code)" = username_taken ]
    fails_with 5 authctl register --username Bob --password-stdin <<<"$good"
    fails_with 5 authctl register --username bob --password-stdin <<<weak
    fails_with 5 authctl register --username bob --password-stdin </dev/null
    [ "$before" = "$(authctl user list --json)" ]
}

@test "register: the user name is made from the address, never one that is taken or local" {
    make_installation $'[registration]\nverify = none'
    for want in root1 root2; do
        got=$(authctl -q register --email "root@$want.example.org" --password-stdin --json <<<"$good")
        [ "$(json 'd["username"]' <<<"$got")" = "$want" ]
    done
}
