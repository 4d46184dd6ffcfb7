#!/usr/bin/env bats
# Lists and records: one row model, rendered for a terminal, a pipe and JSON.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    for name in ann bob christopher dora; do
        authctl -q user add "$name" --full-name "Full $name" --email "$name@example.org" >/dev/null
    done
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    tty="$BATS_TEST_DIRNAME/../support/on-tty.exp"
}

# What a command shows on a terminal, without its carriage returns.
on_terminal() {
    "$tty" /dev/null "$@" | tr -d '\r'
}

@test "in a pipe: a line a row, tabs, no heading, no padding" {
    run authctl user list
    [ "${#lines[@]}" = 4 ]
    awk -F'\t' 'NF != 8 || /  / { exit 1 }' <<<"$output"
    [[ ${lines[0]} == ann$'\t'ann@example.org$'\t'* ]]
}

@test "on a terminal: a heading, and columns that stand under it" {
    on_terminal authctl user list >"$BATS_TEST_TMPDIR/out"
    sed -i '/^$/d' "$BATS_TEST_TMPDIR/out"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 5 ]
    # Every column starts where its heading does: behind two blanks in every line.
    python3 - "$BATS_TEST_TMPDIR/out" <<'PY'
import re, sys
lines = open(sys.argv[1]).read().splitlines()
starts = [m.start() for m in re.finditer(r'(?<!\S)\S', lines[0].replace('LAST LOGIN', 'LAST_LOGIN'))]
assert len(starts) == 8, starts
for line in lines:
    for at in starts[1:]:
        assert line[at] != ' ' and line[at - 2:at] == '  ', (at, line)
PY
}

@test "no heading where there is no row" {
    [ -z "$(authctl user list --status locked)" ]
    [ -z "$(on_terminal authctl user list --status locked | tr -d '\n')" ]
}

@test "as JSON: the list under its plural, next is null, every row has the keys of the table" {
    authctl user list --json >"$BATS_TEST_TMPDIR/doc"
    [ "$(json 'len(d["users"]), d["next"], sorted(d)' <"$BATS_TEST_TMPDIR/doc")" = "(4, None, ['next', 'users'])" ]
    want=$(authctl help --keys | awk -F'\t' '$1 == "user" { print $2 }' | sort -u)
    for row in 0 3; do
        [ "$(json "'\n'.join(sorted(d['users'][$row]))" <"$BATS_TEST_TMPDIR/doc")" = "$want" ]
    done
}

@test "every row type and document is listed in authctl(1)" {
    "$BATS_TEST_DIRNAME/../lint/check_man.sh"
}

@test "paging: every row once, in order, next says where to go on" {
    all=$(authctl user list --json | json '[u["username"] for u in d["users"]]')
    got=$(python3 - <<'PY'
import json, subprocess
names, after = [], []
while True:
    d = json.loads(subprocess.run(['authctl', 'user', 'list', '--json', '--limit', '3', *after],
                                  check=True, capture_output=True).stdout)
    assert 1 <= len(d['users']) <= 3
    names += [u['username'] for u in d['users']]
    if d['next'] is None:
        break
    assert d['next'] == d['users'][-1]['id']
    after = ['--after', d['next']]
print(names)
PY
    )
    [ "$all" = "$got" ]
}

@test "paging: exactly as many rows as asked for have no next" {
    [ "$(authctl user list --json --limit 4 | json 'd["next"]')" = None ]
    [ "$(authctl user list --json --limit 3 | json 'd["next"] is None')" = False ]
    run --separate-stderr authctl user list --limit 3
    [[ $stderr == *--after* ]]
    run --separate-stderr authctl -q user list --limit 3
    [ -z "$stderr" ]
}

@test "a limit of nothing, of minus one or of words: exit 5" {
    for limit in 0 -1 ten 3x '' ' 3' 99999999999999999999; do
        fails_with 5 authctl user list "--limit=$limit"
        [ -z "$output" ]
    done
}

@test "R27 stored control characters never reach the terminal, the pipe or JSON raw" {
    sqlite3 /var/lib/jwtauth/jwtauth.db \
        "UPDATE users SET full_name = 'a' || char(27) || ']0;x' || char(7) || char(9) || char(10) || char(155) || char(127) || '\\z' WHERE username = 'ann'"
    authctl user list >"$BATS_TEST_TMPDIR/pipe"
    on_terminal authctl user list >"$BATS_TEST_TMPDIR/terminal"
    authctl user list --json >"$BATS_TEST_TMPDIR/json"
    authctl user show ann >"$BATS_TEST_TMPDIR/record"
    authctl getent passwd ann >"$BATS_TEST_TMPDIR/getent"
    for f in pipe terminal json record getent; do
        [ -z "$(LC_ALL=C tr -d '\n\t\040-\176' <"$BATS_TEST_TMPDIR/$f")" ] || { echo "$f"; return 1; }
    done
    [ "$(wc -l <"$BATS_TEST_TMPDIR/pipe")" = 4 ]
    [ "$(wc -l <"$BATS_TEST_TMPDIR/getent")" = 1 ]
    grep -qF 'a\x1b]0;x\x07\x09\x0a\xc2\x9b\x7f\\z' "$BATS_TEST_TMPDIR/pipe"
    [ "$(json 'ascii(d["users"][0]["name"])' <"$BATS_TEST_TMPDIR/json")" = "'a\\x1b]0;x\\x07\\t\\n\\x9b\\x7f\\\\z'" ]
}

@test "R27 stored bytes that are not UTF-8 come out escaped, and the JSON stays JSON" {
    sqlite3 /var/lib/jwtauth/jwtauth.db \
        "UPDATE users SET full_name = CAST(x'61ff62' AS TEXT) WHERE username = 'bob'"
    authctl user list | grep -qF 'a\xffb'
    [ "$(authctl user show bob --json | json 'd["name"]')" = 'a\xffb' ]
}

@test "names with letters beyond ASCII keep the columns in line" {
    authctl -q user modify dora --full-name 'Žofie Ångström' >/dev/null
    on_terminal authctl user list >"$BATS_TEST_TMPDIR/out"
    python3 - "$BATS_TEST_TMPDIR/out" <<'PY'
import sys
lines = [l for l in open(sys.argv[1], encoding='utf-8').read().splitlines() if l]
at = lines[0].index('STATUS')
assert all(l[at - 1] == ' ' and l[at] != ' ' for l in lines), lines
PY
    [ "$(authctl user show dora --json | json 'd["name"]')" = 'Žofie Ångström' ]
}

@test "getent: seven fields, a private group, the star that pam_unix needs to see, by name and number" {
    run authctl getent passwd dora
    [ "$(awk -F: '{ print NF }' <<<"$output")" = 7 ]
    [[ $output == dora:\*:* ]]
    uid=$(cut -d: -f3 <<<"$output")
    [ "$(authctl getent passwd "$uid")" = "$output" ]
    [ "$(authctl getent group dora)" = "dora:*:$uid:" ]
    [ "$(authctl getent group "$uid")" = "dora:*:$uid:" ]
    [[ $(authctl getent initgroups dora) =~ ^dora\ *$ ]]
    [ "$(authctl getent passwd | wc -l)" = 4 ]
    fails_with 3 authctl getent passwd nobody-here
    fails_with 3 authctl getent group 1
    fails_with 3 authctl getent passwd 0
}

@test "getent: a full name with a colon cannot make another field" {
    authctl -q user modify dora --full-name 'x:0:0:root' >/dev/null
    [ "$(authctl getent passwd dora | awk -F: '{ print NF }')" = 7 ]
}

@test "getent: an adopted user is answered by the local files" {
    useradd -m -s /bin/bash local1
    authctl -q user add local1 --adopt >/dev/null
    fails_with 3 authctl getent passwd local1
    ! authctl getent passwd | grep -q '^local1:'
}
