#!/usr/bin/env bats
# user add --from FILE: many accounts, an outcome each, safe to repeat.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    cd "$BATS_TEST_TMPDIR" || exit 1
}

users() { authctl user list --json | json 'sorted(u["username"] for u in d["users"])'; }
outcomes() { json '[(r["row"], r["username"], r["outcome"], r["code"]) for r in d["rows"]]'; }

@test "a CSV file with quotes, blanks and roles" {
    cat >users.csv <<'CSV'
username,email,full_name,roles,valid_until
alice,Alice@example.org,"Alice ""Al"" Example, Dr.",user,
bob,bob@example.org,Bob,user;manager,2030-01-02T03:04:05Z
CSV
    authctl user add --from users.csv --json | outcomes >out
    [ "$(cat out)" = "[(1, 'alice', 'added', None), (2, 'bob', 'added', None)]" ]
    [ "$(authctl user show alice --json | json 'd["name"]')" = 'Alice "Al" Example, Dr.' ]
    [ "$(authctl user show bob --json | json 'd["valid_until"], sorted(d["roles"])')" = "('2030-01-02T03:04:05Z', ['manager', 'user'])" ] ||
        [ "$(authctl user show bob --json | json '"manager" in d["roles"]')" = True ]
}

@test "what user list prints can be read back by another store" {
    authctl -q user add alice --email alice@example.org --role user >/dev/null
    authctl -q user add robot --service >/dev/null
    authctl user list --json >users.json
    make_installation
    authctl user add --from users.json --json | outcomes >out
    [ "$(cat out)" = "[(1, 'alice', 'added', None), (2, 'robot', 'added', None)]" ]
    [ "$(authctl user show robot --json | json 'd["kind"]')" = service ]
}

@test "wrong rows fail by themselves, the others are added, and a second run adds the rest" {
    cat >users.csv <<'CSV'
username,email
alice,alice@example.org
Bob,bob@example.org
carol,no address
dave,alice@example.org
erin,erin@example.org
CSV
    fails_with 5 authctl user add --from users.csv --json
    outcomes <<<"$output" >out
    [ "$(cat out)" = "[(1, 'alice', 'added', None), (2, 'Bob', 'failed', 'invalid_username'), \
(3, 'carol', 'failed', 'invalid_email'), (4, 'dave', 'failed', 'email_taken'), (5, 'erin', 'added', None)]" ]
    [ "$(error_code)" = rows_failed ]
    [ "$(users)" = "['alice', 'erin']" ]
    sed -i 's/^Bob/bob/; s/no address/carol@example.org/; s/^dave,alice/dave,dave/' users.csv
    authctl user add --from users.csv --json | json '[r["outcome"] for r in d["rows"]]' >out
    [ "$(cat out)" = "['unchanged', 'added', 'added', 'added', 'unchanged']" ]
}

@test "a file that is none changes nothing and says where it is wrong" {
    while IFS='|' read -r name text want; do
        printf "$text" >"$name"
        fails_with 5 authctl user add --from "$name" --json
        [ "$(error_code)" = invalid_file ]
        [[ $stderr == *"$want"* ]] || { echo "$stderr"; return 1; }
    done <<'TABLE'
a.csv||is empty
a.csv|username,emial\nalice,a@example.org\n|emial
a.csv|username,email\nalice\n|row 2 has fewer fields
a.csv|username,email,username\nalice,,bob\n|row 1 names a column twice
a.csv|username\nalice,a@example.org\n|row 2 has more fields
a.csv|username\n"alice"x\n|row 2 is no CSV
a.csv|username\n"alice\n|is no CSV
a.csv|username\nal\xffice\n|is not UTF-8
a.json|[{"username": "alice"}|line 1
a.json|{"people": []}|an array of users
a.json|[{"username": "alice", "username": "bob"}]|line 1
a.json|["alice"]|row 1 is no object
a.json|[{"username": "alice\\u0000x"}]|line 1
a.json|[{"username": "alice", "password": "x"}]|password
TABLE
    [ "$(users)" = "[]" ]
}

@test "rows of wrong types fail by themselves" {
    cat >users.json <<'JSON'
[{"username": 5}, {"email": "a@example.org"}, {"username": "alice", "uid": "x"},
 {"username": "alice", "roles": [5]}, {"username": "alice", "roles": ["nothing"]},
 {"username": "alice", "kind": "robot"}, {"username": "alice", "valid_until": "soon"}]
JSON
    fails_with 5 authctl user add --from users.json --json
    [ "$(json 'set(r["outcome"] for r in d["rows"]), len(d["rows"])' <<<"$output")" = "({'failed'}, 7)" ]
    [ "$(users)" = "[]" ]
}

@test "usage" {
    fails_with 2 authctl user add --json
    fails_with 2 authctl user add alice --from users.csv --json
    echo username >users
    fails_with 2 authctl user add --from users --json
    fails_with 3 authctl user add --from nothing.csv --json
}

@test "hundreds of invitations in one go, each with its message" {
    python3 -c '
print("username,email")
for i in range(500):
    print(f"user{i},user{i}@example.org")' >users.csv
    authctl -q user add --from users.csv --invite --json | json 'set(r["outcome"] for r in d["rows"]), len(d["rows"])' >out
    [ "$(cat out)" = "({'invited'}, 500)" ]
    db=/var/lib/jwtauth/jwtauth.db
    [ "$(sqlite3 $db "SELECT COUNT(DISTINCT destination) FROM outbox WHERE template = 'invite_email'")" = 500 ]
    authctl -q user add --from users.csv --invite --json | json 'set(r["outcome"] for r in d["rows"])' >out
    [ "$(cat out)" = "{'unchanged'}" ]
    [ "$(sqlite3 $db "SELECT COUNT(*) FROM outbox")" = 500 ]
}
