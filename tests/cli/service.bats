#!/usr/bin/env bats
# Service accounts and API keys, by an administrator.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    authctl -q user add alice --password-stdin <<<Correct-Horse-42 >/dev/null
    authctl -q role add invoicing >/dev/null
    authctl -q role permit invoicing invoices:read >/dev/null
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    cd "$BATS_TEST_TMPDIR" || return 1
}

@test "service add, bind, unbind, list: a service and the uid it runs under" {
    doc=$(authctl service add billing --bind-uid 991 --role invoicing --json)
    [ "$(json 'd["username"], d["bind_uid"], d["roles"], d["status"]' <<<"$doc")" = \
        "('billing', 991, ['invoicing'], 'active')" ]
    [ "$(authctl user show billing --json | json 'd["kind"]')" = service ]
    [ "$(authctl service bind billing 992 --json | json 'd["bind_uid"]')" = 992 ]
    [ "$(authctl service unbind billing --json | json 'd["bind_uid"]')" = None ]
    authctl service bind billing 991 >/dev/null
    [ "$(authctl service list --json | json '[(s["username"], s["bind_uid"]) for s in d["services"]]')" = \
        "[('billing', 991)]" ]
    [ "$(authctl audit list --json | json '[r["detail"]["fields"] for r in d["rows"] if r["action"] == "user.modify"]')" = \
        "[['bind_uid'], ['bind_uid'], ['bind_uid']]" ]
}

# R24: one uid is one account.
@test "service: not root's uid, nor another account's, nor a bound one, nor a person" {
    uid=$(authctl user show alice --json | json 'd["uid"]')
    while read -r want code words; do
        # shellcheck disable=SC2086
        fails_with "$want" authctl $words --json
        [ "$(error_code)" = "$code" ] || { echo "$(error_code) instead of $code: $words"; return 1; }
    done <<TABLE
5 invalid_uid   service add other --bind-uid 0
5 invalid_uid   service add other --bind-uid 4294967295
5 invalid_uid   service add other --bind-uid 65534
5 invalid_uid   service bind billing 65534
5 invalid_uid   service add other --bind-uid www-data
4 uid_taken     service add other --bind-uid $uid
4 uid_bound     service add other --bind-uid 991
4 not_a_service service bind alice 993
2 usage         service bind billing
TABLE
    fails_with 3 authctl user show other
    authctl service bind billing 200001 >/dev/null
    fails_with 4 authctl user add mallory --uid 200001 --json
    [ "$(error_code)" = uid_bound ]
    authctl service bind billing 991 >/dev/null
}

@test "api-key add: the key alone on stdout, once; the store has no trace of it" {
    authctl api-key add billing --scope invoices:read --expires 90d >key 2>notice
    grep -qxE 'jak_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}' key
    [ "$(wc -l <key)" = 1 ]
    grep -q 'shown once' notice
    id=$(cut -c5-40 key)
    secret=$(cut -c42- key)
    [ "$(authctl api-key list billing --json | json 'd["api_keys"][0]["id"], d["api_keys"][0]["scopes"]')" = \
        "('$id', 'invoices:read')" ]
    [ "$(authctl api-key list --json | json 'd["api_keys"][0]["last_used_at"]')" = None ]
    # -a: the store is one of the files that are searched as text
    run grep -raF -- "$secret" /var/lib/jwtauth
    [ "$status" = 1 ]
    run grep -raF -- "$id" /var/lib/jwtauth
    [ "$status" = 0 ]
    fails_with 1 authctl api-key add billing --scope orders:read
    fails_with 4 authctl api-key add alice
}

@test "api-key remove: gone at once, and only that one" {
    one=$(authctl api-key add billing --json | json 'd["id"]')
    two=$(authctl api-key add billing --json | json 'd["id"]')
    [ "$(authctl api-key remove "$one" --json | json 'd["removed"]')" = True ]
    fails_with 3 authctl api-key remove "$one" --json
    [ "$(error_code)" = api_key_not_found ]
    authctl api-key list billing | grep -q "$two"
    run -1 grep -q "$one" <(authctl api-key list billing)
    [ "$(authctl audit list --json | json '[r["detail"]["id"] for r in d["rows"] if r["action"] == "api_key.remove"]')" = \
        "['$one']" ]
}

@test "a service that is deleted takes its keys and its binding along" {
    authctl service add temp --bind-uid 995 >/dev/null
    authctl -q api-key add temp >/dev/null
    authctl -q user delete temp --yes >/dev/null
    run -1 grep -q temp <(authctl api-key list)
    authctl service add temp2 --bind-uid 995 >/dev/null
}
