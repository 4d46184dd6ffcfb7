#!/usr/bin/env bats
# Sessions: session list, show and revoke, and what they end.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    for name in alice bob; do
        authctl -q user add "$name" --password-stdin <<<Correct-Horse-42 >/dev/null
    done
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

login() {
    authctl login "$1" --password-stdin --json <<<Correct-Horse-42
}

@test "session list: live ones, of all or of one user, with their keys" {
    a=$(login alice | json 'd["session_id"]')
    b=$(login bob | json 'd["session_id"]')
    [ "$(authctl session list --json | json '[s["id"] for s in d["sessions"]]')" = "['$a', '$b']" ]
    got=$(authctl session list --user bob --json)
    [ "$(json '[s["username"] for s in d["sessions"]]' <<<"$got")" = "['bob']" ]
    [ "$(json '" ".join(sorted(d["sessions"][0]))' <<<"$got")" = "amr audience auth_time created_at \
ends_at id idle_ends_at last_used_at live revoke_reason revoked_at service source tty user_agent user_id username" ]
    [ "$(authctl session list | head -1 | cut -f1,2)" = "$(printf '%s\talice' "$a")" ]
    fails_with 3 authctl session list --user nosuch
}

@test "session list: paged" {
    first=$(authctl session list --limit 1 --json)
    next=$(json 'd["next"]' <<<"$first")
    [ "$(authctl session list --limit 1 --after "$next" --json | json 'd["sessions"][0]["username"]')" = bob ]
}

@test "session show: one, by its id alone" {
    id=$(authctl session list --user alice --json | json 'd["sessions"][0]["id"]')
    [ "$(authctl session show "$id" --json | json 'd["username"], d["live"], d["service"], d["amr"]')" = \
        "('alice', True, 'authctl', 'pwd')" ]
    fails_with 3 authctl session show "${id%?}"
    fails_with 3 authctl session show "' OR 1=1 --"
}

@test "R18 session revoke: its access and refresh tokens are refused at once; twice ends nothing" {
    doc=$(login alice)
    id=$(json 'd["session_id"]' <<<"$doc")
    authctl token verify - < <(json 'd["access_token"]' <<<"$doc") >/dev/null
    [ "$(authctl session revoke "$id")" = "1 session ended" ]
    fails_with 1 authctl token verify - < <(json 'd["access_token"]' <<<"$doc")
    fails_with 1 authctl token refresh --refresh-token-stdin < <(json 'd["refresh_token"]' <<<"$doc")
    [ "$(authctl session revoke "$id" --json)" = '{"ended":0}' ]
    [ "$(authctl session show "$id" --json | json 'd["live"], d["revoke_reason"]')" = "(False, 'revoked')" ]
    fails_with 3 authctl session revoke 0197c7a2-0000-7000-8000-000000000000
}

@test "R18 session revoke --user: every session of that user and of nobody else" {
    login alice >/dev/null
    doc=$(login alice)
    other=$(login bob)
    [ "$(authctl session revoke --user alice --json | json 'd["ended"] >= 2')" = True ]
    fails_with 1 authctl token verify - < <(json 'd["access_token"]' <<<"$doc")
    authctl token verify - < <(json 'd["access_token"]' <<<"$other") >/dev/null
    [ "$(authctl session list --user alice --json | json 'd["sessions"]')" = "[]" ]
    [ "$(authctl session list --user alice --all --json | json 'len(d["sessions"]) >= 3')" = True ]
    # and the next login is good, in the same second too
    authctl token verify - < <(login alice | json 'd["access_token"]') >/dev/null
}

@test "session revoke: one id or one user, not both, not neither" {
    fails_with 2 authctl session revoke
    fails_with 2 authctl session revoke 0197c7a2-0000-7000-8000-000000000000 --user alice
}

@test "profile show and set: as root for a named user" {
    fails_with 2 authctl profile show
    fails_with 2 authctl profile set --user alice
    authctl -q profile set --user alice --full-name 'Alice Example' --email a@example.org >/dev/null
    [ "$(authctl profile show --user alice --json | json 'd["name"], d["email"], d["email_verified"]')" = \
        "('Alice Example', 'a@example.org', False)" ]
    fails_with 5 authctl profile set --user alice --shell nologin
    fails_with 3 authctl profile show --user nosuch
    fails_with 7 as_nobody authctl profile show
}
