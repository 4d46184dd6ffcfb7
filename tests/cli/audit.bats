#!/usr/bin/env bats
# The audit log: audit list, verify and rotate, and what each command leaves in it.

secret=Tulip-Garten-9x

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "
[throttle]
login = 3/15m
delay_base = 0"
    for name in alice bob; do
        authctl -q user add "$name" --password-stdin <<<"$secret" >/dev/null
    done
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    db=/var/lib/jwtauth/jwtauth.db
    head=/var/lib/jwtauth/audit.head
}

# sql STATEMENT: past every check.
sql() {
    python3 -c 'import sqlite3,sys
c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.close()' "$db" "$1"
}

last_seq() {
    authctl audit verify --json | json 'd["last_seq"]'
}

# since SEQ: the rows after it as "actor action target outcome", one a line.
since() {
    authctl audit list --after "$1" --json |
        json '"\n".join(" ".join(str(r[k]) for k in ("actor", "action", "target", "outcome")) for r in d["rows"])'
}

@test "audit list: who did what to whom, in the order of the log, with the keys of the manual" {
    got=$(authctl audit list --json)
    [ "$(json '[r["action"] for r in d["rows"]][:3]' <<<"$got")" = "['init', 'user.add', 'user.add']" ]
    [ "$(json 'd["rows"][1]["actor"], d["rows"][1]["target"], d["rows"][1]["outcome"], d["rows"][1]["service"]' <<<"$got")" = \
        "('root', 'user:alice', 'success', 'authctl')" ]
    [ "$(json '" ".join(sorted(d["rows"][0]))' <<<"$got")" = "action actor count detail hash outcome prev_hash \
reason seq service source target time time_ms" ]
    [ "$(json 'd["rows"][1]["prev_hash"] == d["rows"][0]["hash"]' <<<"$got")" = True ]
    [ "$(authctl audit list | head -1 | cut -f1,3,4)" = "$(printf '1\troot\tinit')" ]
}

@test "audit list: filters, pages, and values that are none" {
    [ "$(authctl audit list --user alice --json | json '{r["target"] for r in d["rows"]}')" = "{'user:alice'}" ]
    [ "$(authctl audit list --action 'user.*' --json | json '{r["action"] for r in d["rows"]}')" = "{'user.add'}" ]
    [ "$(authctl audit list --action init --limit 1 --json | json 'len(d["rows"])')" = 1 ]
    next=$(authctl audit list --limit 1 --json | json 'd["next"]')
    [ "$(authctl audit list --limit 1 --after "$next" --json | json 'd["rows"][0]["seq"]')" = 2 ]
    [ "$(authctl audit list --until 2000-01-01T00:00:00Z --json)" = '{"rows":[],"next":null}' ]
    # a duration lies behind, not before us
    [ "$(authctl audit list --since 1h --json | json 'len(d["rows"]) > 0')" = True ]
    [ "$(authctl audit list --until 1h --json)" = '{"rows":[],"next":null}' ]
    [ "$(authctl audit list --user gone --json | json 'd["rows"]')" = '[]' ]
    fails_with 5 authctl audit list --outcome maybe
    fails_with 5 authctl audit list --source nowhere
    fails_with 5 authctl audit list --after x
    fails_with 5 authctl audit list --since never
    fails_with 3 authctl audit list --user nobody@example.org
    fails_with 6 as_nobody authctl audit list || fails_with 7 as_nobody authctl audit list
}

@test "audit list --json-lines: one object a line" {
    authctl audit list --json-lines >"$BATS_TEST_TMPDIR/lines"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/lines")" = "$(authctl audit list --json | json 'len(d["rows"])')" ]
    while read -r line; do
        json 'd["hash"]' <<<"$line" >/dev/null
    done <"$BATS_TEST_TMPDIR/lines"
}

@test "audit list --follow: what comes, a line each, ends with its limit, with SIGINT, and with its reader" {
    seq=$(last_seq)
    authctl user lock bob >/dev/null
    got=$(authctl audit list --follow --json --after "$seq" --limit 1)
    [ "$(json 'd["action"]' <<<"$got")" = user.lock ]
    set -m
    authctl audit list --follow >"$BATS_TEST_TMPDIR/follow" &
    pid=$!
    set +m
    for _ in $(seq 100); do # it begins with what comes after its start
        authctl user unlock bob >/dev/null
        authctl user lock bob >/dev/null
        [ -s "$BATS_TEST_TMPDIR/follow" ] && break
        sleep 0.2
    done
    kill -INT "$pid"
    wait "$pid"
    grep -q 'user.lock  user:bob  success' "$BATS_TEST_TMPDIR/follow"
    authctl user unlock bob >/dev/null
    timeout 60 authctl audit list --follow --after 0 | head -1
    [ "${PIPESTATUS[0]}" != 124 ]
}

@test "R28 audit verify: yes with its head, which a later one can be checked against" {
    got=$(authctl audit verify --json)
    [ "$(json 'd["ok"], d["first_seq"], d["broken_seq"], d["reason"]' <<<"$got")" = "(True, 1, None, None)" ]
    old=$(json 'd["head"]' <<<"$got")
    authctl user modify bob --full-name Bob >/dev/null
    authctl audit verify --head "$old" >/dev/null
    fails_with 1 authctl audit verify --head "${old%?????}AAAAA"
    fails_with 1 authctl audit verify --head "999999:${old#*:}"
    fails_with 5 authctl audit verify --head 12
    fails_with 3 authctl audit verify --file /nonexistent
    [ "$(stat -c '%a %U' "$head")" = "600 root" ]
    [ "$(cut -d' ' -f1 "$head" | sed 's/^0*//')" = "$(last_seq)" ]
}

@test "R28 audit verify: an edited row, a cut end and a lost head file are the answer no" {
    cp "$db" "$BATS_TEST_TMPDIR/db"
    seq=$(last_seq)
    sql "UPDATE audit_log SET actor = 'eve' WHERE seq = 2"
    fails_with 1 authctl audit verify --json
    [ "$(json 'd["ok"], d["broken_seq"], d["reason"]' <<<"$output")" = "(False, 2, 'changed')" ]
    fails_with 1 authctl audit verify
    [ "$output" = "" ]
    # shellcheck disable=SC2154
    [[ $stderr == "authctl audit verify: audit row 2 was changed" ]]
    sql "UPDATE audit_log SET actor = 'root' WHERE seq = 2"
    authctl audit verify >/dev/null
    sql "CREATE TABLE saved AS SELECT * FROM audit_log WHERE seq = $seq;
        DELETE FROM audit_log WHERE seq = $seq; UPDATE counters SET value = $seq - 1 WHERE name = 'audit_seq'"
    fails_with 1 authctl audit verify --json
    [ "$(json 'd["broken_seq"], d["reason"]' <<<"$output")" = "($seq, 'cut')" ]
    sql "INSERT INTO audit_log SELECT * FROM saved; DROP TABLE saved;
        UPDATE counters SET value = $seq WHERE name = 'audit_seq'"
    authctl audit verify >/dev/null
    chmod 0644 "$head"
    fails_with 1 authctl audit verify
    [[ $stderr == *"chmod 0600"* ]]
    mv "$head" "$head.away"
    fails_with 1 authctl audit verify
    ln -s "$head.away" "$head"
    fails_with 1 authctl audit verify
    [[ $stderr == *"symbolic link"* ]]
    rm "$head"
    chmod 0600 "$head.away"
    mv "$head.away" "$head"
    authctl audit verify >/dev/null
}

@test "R28 audit rotate: the rows move into a file, and the chain holds over both" {
    before=$(authctl audit list --json-lines | wc -l)
    fails_with 2 authctl audit rotate "$BATS_TEST_TMPDIR/x" --keep 1d --before 2026-01-01T00:00:00Z
    [ "$(authctl audit rotate "$BATS_TEST_TMPDIR/none" --json | json 'd["rows"], d["path"]')" = "(0, None)" ]
    [ ! -e "$BATS_TEST_TMPDIR/none" ]
    file=$BATS_TEST_TMPDIR/old.jsonl
    [ "$(authctl audit rotate "$file" --before 2999-01-01T00:00:00Z --json | json 'd["rows"]')" = "$before" ]
    [ "$(stat -c %a "$file")" = 600 ]
    [ "$(authctl audit list --json | json '[r["action"] for r in d["rows"]]')" = "['audit.rotate']" ]
    [ "$(authctl audit list --json | json 'd["rows"][0]["detail"]["file"]')" = old.jsonl ]
    authctl audit verify >/dev/null
    [ "$(authctl audit verify --file "$file" --json | json 'd["ok"], d["first_seq"], d["rows"]')" = "(True, 1, $((before + 1)))" ]
    sed -i 's/user:alice/user:malic/' "$file"
    fails_with 1 authctl audit verify --file "$file"
    fails_with 4 authctl audit rotate "$file" --before 2999-01-01T00:00:00Z
    sql "DELETE FROM audit_anchor"
    fails_with 1 authctl audit verify
}

@test "R28 db restore: of an older backup says so, with the head that was there before" {
    make_installation
    authctl -q user add alice --password-stdin <<<"$secret" >/dev/null
    backup=$BATS_TEST_TMPDIR/backup
    authctl -q db backup "$backup" >/dev/null
    authctl -q user lock alice >/dev/null
    was=$(authctl audit verify --json | json 'd["head"]')
    authctl -q db restore "$backup" --yes >/dev/null
    authctl audit verify >/dev/null
    got=$(authctl audit list --action db.restore --json)
    [ "$(json 'd["rows"][0]["detail"]["head_before"]' <<<"$got")" = "$was" ]
    fails_with 1 authctl audit verify --head "$was" # the truth: that row is gone
}

@test "R28 every change leaves one row with who, what, whom and the outcome" {
    make_installation "
[registration]
verify = none

[throttle]
login = 1000/1m"
    n=0
    while IFS='|' read -r words want; do
        before=$(last_seq)
        # shellcheck disable=SC2086
        run --separate-stderr authctl --yes $words <<<"$secret$n"
        [ "$status" = 0 ] || { echo "exit $status: $words: $stderr"; return 1; }
        got=$(since "$before" | sed 's/ key:[^ ]*/ key:KID/')
        [ "$got" = "$want" ] || { printf '%s\nleft   %s\nwanted %s\n' "$words" "$got" "$want"; return 1; }
        n=$((n + 1))
    done <<TABLE
user add alice --email alice@example.org --password-stdin|root user.add user:alice success
user add carol --password-stdin|root user.add user:carol success
user modify alice --full-name Alice|root user.modify user:alice success
user lock alice|root user.lock user:alice success
user unlock alice|root user.unlock user:alice success
user disable alice|root user.disable user:alice success
user enable alice|root user.enable user:alice success
password expire alice|root password.expire user:alice success
password set carol --password-stdin|root password.set user:carol success
totp enroll carol|root totp.enroll user:carol success
totp disable carol|root totp.disable user:carol success
token issue --user carol|root token.issue user:carol success
session revoke --user carol|root session.close_all user:carol success
key rotate|root key.rotate key:KID success
user delete carol|root user.delete user:carol success
db backup $BATS_TEST_TMPDIR/b|root db.backup None success
TABLE
    [ "$n" = 16 ]
}

@test "R28 every login attempt leaves a row, refused ones with the true reason" {
    before=$(last_seq)
    authctl login alice --password-stdin <<<"$secret" >/dev/null || true
    fails_with 1 authctl login alice --password-stdin <<<Wrong-Horse-1
    fails_with 1 authctl login Secret-Typed-Into-Name --password-stdin <<<"$secret"
    got=$(authctl audit list --after "$before" --json)
    [ "$(json '[(r["target"], r["outcome"], r["reason"]) for r in d["rows"] if r["action"] == "login"][-2:]' <<<"$got")" = \
        "[('user:alice', 'denied', 'wrong_password'), (None, 'denied', 'unknown_user')]" ]
    [ "$(json 'len(d["rows"][-1]["detail"]["name_hash"])' <<<"$got")" = 12 ]
}

# CVE-2021-37861, CVE-2023-1831 (mattermost): the password in the audit log; here also what was typed as a name.
@test "CVE-2021-37861 CVE-2023-1831 no password and no unknown name is in the log or the store" {
    authctl audit list --json >"$BATS_TEST_TMPDIR/all"
    for word in "$secret" Wrong-Horse-1 Secret-Typed-Into-Name; do
        run grep -aF "$word" "$BATS_TEST_TMPDIR/all" "$db" "$db-wal"
        [ "$status" != 0 ] || { echo "$word: $output"; return 1; }
    done
}

# CVE-2021-25743 (kubectl), CVE-2024-52005 (git), CVE-2024-28085 (wall), CVE-2023-29383 (chfn), CVE-2023-28101 (flatpak).
@test "R27 CVE-2021-25743 CVE-2024-52005 escapes in every field reach no terminal" {
    evil=$(printf '\033]0;x\007\033[2J\r\n12  root  login\302\233\342\200\256')
    python3 - "$db" "$evil" <<'PY'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("UPDATE audit_log SET actor=?2, action=?2, target=?2, reason=?2, source=?2, service=?2, prev_hash=?2, "
          "hash=?2, detail=?3 WHERE seq = ?1", (c.execute("SELECT MIN(seq) FROM audit_log").fetchone()[0], sys.argv[2],
          '{"x":"\\u001b[2J\\u202e"}'))
c.commit()
PY
    for words in list "list --json" "list --json-lines" "list --follow --after 0 --limit 1" verify "verify --json"; do
        # shellcheck disable=SC2086
        script -qec "authctl audit $words" /dev/null >"$BATS_TEST_TMPDIR/tty" </dev/null || true
        python3 - "$BATS_TEST_TMPDIR/tty" <<'PY'
import sys
data = open(sys.argv[1], "rb").read().replace(b"\r\n", b"\n").replace(b"\r", b"", 0)
text = data.decode()
bad = [c for c in text if (ord(c) < 32 and c not in "\n\r") or 0x7f <= ord(c) <= 0x9f or ord(c) in range(0x202a, 0x202f)]
assert not bad, (sys.argv, bad, text)
assert not any(line.startswith("12  root") for line in text.split("\n")), text
PY
    done
}
