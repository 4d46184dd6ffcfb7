#!/usr/bin/env bats
# What is counted: seen, cleared, purged.

secret=Tulip-Garten-9x

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "
[throttle]
login = 3/15m
delay_base = 0"
    authctl -q user add alice --password-stdin <<<"$secret"
    authctl -q user add bob --password-stdin <<<"$secret"
}

wrong() {
    run authctl login "$1" --password-stdin <<<"wrong-$RANDOM"
    [ "$status" != 0 ]
}

# The sum of the counts of a list.
counted() {
    authctl throttle list --json "$@" | json 'sum(r["count"] for r in d["throttle"])'
}

@test "wrong passwords are listed per user and source, a right one takes them away" {
    [ "$(counted)" = 0 ]
    wrong alice
    wrong alice
    wrong bob
    authctl throttle list --user alice --json | json 'sorted((r["scope"], r["username"], r["count"]) for r in d["throttle"])' |
        grep -qx "\[('user', 'alice', 2), ('user_source', 'alice', 2)\]"
    authctl throttle list --json | json '[(r["source"], r["count"], r["limit"]) for r in d["throttle"] if r["scope"] == "source"]' |
        grep -qx "\[('local', 3, 50)\]"
    authctl -q login alice --password-stdin <<<"$secret" >/dev/null
    # what was tried over all sources stays counted: a login does not hide who else tried
    authctl throttle list --user alice --json | json '[(r["scope"], r["count"]) for r in d["throttle"]]' | grep -qx "\[('user', 2)\]"
    [ "$(counted --user bob)" = 2 ]
}

@test "who is blocked is let in again after throttle clear, and the log says who did it" {
    for _ in 1 2 3; do wrong alice; done
    fails_with 7 authctl login alice --password-stdin --json <<<"$secret"
    [ "$(error_code)" = too_many_attempts ]
    authctl throttle list --user alice --json | json 'any(r["blocked_until"] for r in d["throttle"])' | grep -qx True
    [ "$(authctl throttle clear --user alice --json)" = '{"cleared":2}' ]
    authctl -q login alice --password-stdin <<<"$secret" >/dev/null
    sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT actor, target FROM audit_log WHERE action = 'throttle.clear'" |
        grep -qx 'root|user:alice'
}

@test "wrong codes of an enrolment are counted for their user too" {
    authctl -q totp enroll alice >/dev/null
    fails_with 1 authctl totp confirm alice 000000
    authctl throttle list --user alice --json |
        json 'sorted((r["scope"], r["what"]) for r in d["throttle"])' >out
    [ "$(cat out)" = "[('code', 'totp'), ('user', 'totp-confirm'), ('user_source', 'totp-confirm')]" ]
    [ "$(authctl throttle clear --user alice --json)" = '{"cleared":3}' ]
}

@test "a source is cleared by address, network or as this host" {
    wrong alice
    [ "$(authctl throttle clear --source 192.0.2.1 --json)" = '{"cleared":0}' ]
    [ "$(authctl throttle clear --source local --json)" = '{"cleared":2}' ] # of the source, and of the user there
    [ "$(counted)" = 1 ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "INSERT INTO throttle (scope, key, count, window_start, updated_at)
        SELECT 'source', '192.0.2.0/24', 4, window_start, updated_at FROM throttle LIMIT 1"
    [ "$(counted --source 192.0.2.77)" = 4 ]
    [ "$(counted --source 192.0.0.0/16)" = 4 ]
    [ "$(counted --source 198.51.100.0/24)" = 0 ]
    [ "$(authctl throttle clear --source 192.0.2.77 --json)" = '{"cleared":1}' ]
}

@test "clearing everything asks first" {
    wrong alice
    fails_with 2 authctl throttle clear --json </dev/null
    [ "$(counted)" = 3 ]
    [ "$(authctl throttle clear --yes --json)" = '{"cleared":3}' ]
    [ "$(counted)" = 0 ]
}

@test "names that are nobody's are counted, never shown" {
    wrong tulip-secret
    authctl throttle list --json | json 'sum(r["unknown_user"] for r in d["throttle"])' | grep -qx 2
    run authctl throttle list --json
    [[ $output != *tulip* ]]
    run authctl throttle list
    [[ $output != *tulip* ]]
}

@test "the list is read page by page" {
    for name in a b c d; do wrong "name-$name"; done
    whole=$(authctl throttle list --json | json '[r["id"] for r in d["throttle"]]')
    after= pages='[]'
    while :; do
        page=$(authctl throttle list --json --limit 2 ${after:+--after "$after"})
        pages=$(json "$pages + [r['id'] for r in d['throttle']]" <<<"$page")
        after=$(json 'd["next"] or ""' <<<"$page")
        [ -n "$after" ] || break
    done
    [ "$pages" = "$whole" ]
}

@test "wrong input has its code" {
    fails_with 3 authctl throttle list --user nobody --json
    [ "$(error_code)" = user_not_found ]
    fails_with 5 authctl throttle list --source somewhere --json
    [ "$(error_code)" = invalid_network ]
    fails_with 5 authctl throttle clear --source 192.0.2.1/24 --json
}

# ---- purge ----

@test "purge drops what has ended and says how much, dry-run only says it" {
    db=/var/lib/jwtauth/jwtauth.db
    authctl -q register --username dave --email dave@example.org --password-stdin <<<"$secret" >/dev/null
    authctl -q user add erin --email erin@example.org --invite >/dev/null 2>&1
    wrong alice
    [ "$(authctl purge --dry-run --json | json 'sum(v for k, v in d.items() if k != "dry_run")')" = 0 ]
    sqlite3 $db "UPDATE users SET created_at = 1 WHERE username = 'dave'; UPDATE one_time_tokens SET ends_at = 1;
        UPDATE throttle SET updated_at = 1, window_start = 1; UPDATE outbox SET state = 'sent', next_attempt_at = 1;
        INSERT INTO revoked_tokens VALUES ('j', 1, 1); INSERT INTO used_tokens VALUES ('u', 1, 1), ('v', 99999999999, 1)"
    dry=$(authctl purge --dry-run --json)
    [ "$(json 'd["pending_users"], d["revoked_tokens"], d["used_tokens"], d["throttle"]' <<<"$dry")" = "(1, 1, 1, 5)" ]
    [ "$(sqlite3 $db "SELECT COUNT(*) FROM users WHERE username = 'dave' AND deleted_at IS NULL")" = 1 ]
    real=$(authctl purge --json)
    # of alice three, and a message each to dave and erin
    # dave's token and message go with dave: the user is the first to go
    [ "$(json 'd["pending_users"], d["revoked_tokens"], d["used_tokens"], d["throttle"]' <<<"$real")" = "(1, 1, 1, 5)" ]
    [ "$(sqlite3 $db "SELECT jti FROM used_tokens")" = v ] # its token could come again
    fails_with 3 authctl user show dave
    authctl user show erin >/dev/null
    [ "$(authctl purge --json | json 'sum(v for k, v in d.items() if k != "dry_run")')" = 0 ]
    sqlite3 $db "SELECT target FROM audit_log WHERE action = 'user.purge'" | grep -qx user:dave
}

@test "purge in bounded steps drops ten thousand rows" {
    db=/var/lib/jwtauth/jwtauth.db
    sqlite3 $db "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO revoked_tokens SELECT 'j' || i, i, 1 FROM n"
    [ "$(authctl purge --json | json 'd["revoked_tokens"]')" = 10000 ]
}
