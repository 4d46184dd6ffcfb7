#!/usr/bin/env bats
# db status, migrate, check, backup, restore.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    cp -a /var/lib/jwtauth /var/lib/jwtauth.first
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    store=/var/lib/jwtauth/jwtauth.db
    rm -rf /var/lib/jwtauth
    cp -a /var/lib/jwtauth.first /var/lib/jwtauth
    b=$BATS_TEST_TMPDIR/b
    mkdir -m 0700 "$b"
}

add_user() {
    authctl -q user add "$1" >/dev/null
}

users() {
    authctl db status --json | json 'd["users"]'
}

@test "status says engine, file, versions, size and users" {
    [ "$(authctl db status --json | json 'd["engine"], d["path"], d["state"], d["users"]')" = "('sqlite', '$store', 'current', 0)" ]
    [ "$(authctl db status --json | json 'd["schema_version"] == d["program_version"] >= 1')" = True ]
    [ "$(authctl db status --json | json 'd["size"]')" = "$(stat -c %s "$store")" ]
    add_user alice
    [ "$(users)" = 1 ]
    [[ "$(authctl db status)" == *"$store"* ]]
}

@test "a store that is gone, damaged or not private: exit 8, saying what to do" {
    for verb in status migrate check "backup $b/x"; do
        mv "$store" "$store.away"
        # shellcheck disable=SC2086
        fails_with 8 authctl db $verb
        [[ "$stderr" == *"authctl init"* ]]
        mv "$store.away" "$store"
        chmod 0644 "$store"
        # shellcheck disable=SC2086
        fails_with 8 authctl db $verb
        [[ "$stderr" == *"chmod 0600 '$store'"* ]]
        chmod 0600 "$store"
        cp "$store" "$b/keep"
        dd if=/dev/zero of="$store" bs=100 count=1 conv=notrunc status=none
        # shellcheck disable=SC2086
        fails_with 8 authctl db $verb --json
        [ "$(error_code)" = store_corrupt ]
        [[ "$stderr" == *"authctl db restore"* ]]
        cat "$b/keep" >"$store"
    done
    [ ! -e "$b/x" ]
}

@test "only root may" {
    for verb in status migrate check 'backup /tmp/x' 'restore /tmp/x'; do
        # shellcheck disable=SC2086
        fails_with 6 as_nobody authctl db $verb
    done
}

@test "an older schema: every command but db's refuses and names db migrate, which mends it" {
    rm "$store"
    install -m 0600 /dev/null "$store"
    fails_with 8 authctl user list
    [[ "$stderr" == *"authctl db migrate"* ]]
    [ "$(authctl db status --json | json 'd["state"], d["schema_version"], d["users"]')" = "('older', 0, None)" ]
    fails_with 8 authctl db check
    run authctl db migrate
    [ "$status" = 0 ]
    [[ "$output" == "applied "* ]]
    [ "$(authctl db migrate --json | json 'd["applied"]')" = 0 ]
    [[ "$(authctl db migrate)" == *"already"* ]]
    [ "$(authctl db status --json | json 'd["state"]')" = current ]
    authctl db check
    [ "$(sqlite3 "$store" "SELECT count(*) FROM audit_log WHERE action = 'db.migrate'")" = 1 ]
}

@test "a newer schema is refused with both versions" {
    sqlite3 "$store" "INSERT INTO schema_migrations VALUES (900, '0900_later', 'x', 1)"
    have=$(authctl db status --json | json 'd["program_version"]')
    [ "$(authctl db status --json | json 'd["state"], d["schema_version"]')" = "('newer', 900)" ]
    for command in 'user list' 'db migrate' 'db check' "db backup $b/x"; do
        # shellcheck disable=SC2086
        fails_with 8 authctl $command
        [[ "$stderr" == *"version 900"*"knows $have"* ]]
    done
}

@test "a trigger of a stranger, a changed migration, a lost index: different" {
    sqlite3 "$store" "CREATE TRIGGER t AFTER INSERT ON counters BEGIN SELECT 1; END"
    fails_with 8 authctl user list
    [[ "$stderr" == *"trigger"*"'t'"* ]]
    [ "$(authctl db status --json | json 'd["state"]')" = different ]
    sqlite3 "$store" "DROP TRIGGER t; UPDATE schema_migrations SET checksum = 'x'"
    fails_with 8 authctl user list --json
    [ "$(error_code)" = schema_differs ]
}

@test "check finds a damaged store" {
    [ "$(authctl db check)" = "the database is sound" ]
    [ "$(authctl db check --json)" = '{"ok":true}' ]
    sqlite3 "$store" 'DROP INDEX users_username'
    fails_with 8 authctl db check
    [[ "$stderr" == *users_username* ]]
}

@test "backup and restore bring everything back" {
    add_user alice
    run --separate-stderr authctl db backup "$b/one"
    [ "$status" = 0 ]
    [ "$output" = "made $b/one" ]
    [[ "$stderr" == *"master key"* ]]
    [ "$(stat -c '%a %U %F' "$b/one")" = '600 root regular file' ]
    [ "$(ls -A "$b")" = one ]
    add_user bob
    [ "$(users)" = 2 ]
    run --separate-stderr authctl -y db restore "$b/one"
    [ "$status" = 0 ]
    [[ "$output" == *"restored $b/one"* ]]
    [[ "$stderr" == *revoked* ]]
    [ "$(users)" = 1 ]
    authctl user show alice >/dev/null
    fails_with 3 authctl user show bob
    authctl db check
    [ "$(stat -c %a "$store")" = 600 ]
    [ "$(sqlite3 "$store" "SELECT count(*) FROM audit_log WHERE action = 'db.restore'")" = 1 ]
    [ "$(authctl -q db backup two --json | json 'd["path"]')" = two ]
    rm two
}

@test "backup takes a relative name and replaces nothing" {
    cd "$b"
    authctl -q db backup copy
    sum=$(cksum <copy)
    fails_with 4 authctl db backup copy --json
    [ "$(error_code)" = backup_exists ]
    [ "$(cksum <copy)" = "$sum" ]
    ln -s "$b/target" link
    fails_with 4 authctl db backup link
    [ ! -e target ]
    fails_with 3 authctl db backup /nonexistent/folder/copy
    mkdir -m 0777 open
    chmod 0777 open
    fails_with 8 authctl db backup open/copy
    [ ! -e open/copy ]
    authctl -q -y db restore copy
}

@test "restore asks: no terminal and no --yes is exit 2, nothing happens" {
    authctl -q db backup "$b/one"
    add_user alice
    fails_with 2 setsid authctl db restore "$b/one" </dev/null
    [ "$(users)" = 1 ]
}

@test "a bad backup leaves the store as it is" {
    authctl -q db backup "$b/good"
    add_user alice
    fails_with 3 authctl -y db restore "$b/none"
    head -c 20000 "$b/good" >"$b/short"
    cp "$b/good" "$b/readable"
    printf 'not a database, but long enough to be looked at %0200d' 0 >"$b/text"
    cp "$b/good" "$b/newer"
    chmod 0600 "$b"/*
    sqlite3 "$b/newer" "INSERT INTO schema_migrations VALUES (900, '0900_later', 'x', 1)"
    for name in short text newer; do
        fails_with 8 authctl -y db restore "$b/$name" --json
        [ "$(error_code)" = backup_refused ] || [ "$(error_code)" = store_corrupt ]
        [ "$(users)" = 1 ]
    done
    chmod 0644 "$b/readable"
    fails_with 8 authctl -y db restore "$b/readable"
    [[ "$stderr" == *"chmod 0600"* ]]
    ln -s good "$b/link"
    fails_with 8 authctl -y db restore "$b/link"
    [ "$(users)" = 1 ]
    authctl db check
}

@test "restore mends what its advice is given for: a damaged store, and one that is gone" {
    add_user alice
    authctl -q db backup "$b/good"
    dd if=/dev/urandom of="$store" bs=4096 count=5 conv=notrunc status=none
    fails_with 8 authctl user list
    authctl -q -y db restore "$b/good"
    authctl db check
    [ "$(users)" = 1 ]
    truncate -s 5000 "$store"
    fails_with 8 authctl user list
    authctl -q -y db restore "$b/good"
    [ "$(users)" = 1 ]
    rm -r /var/lib/jwtauth
    authctl -q -y db restore "$b/good"
    [ "$(users)" = 1 ]
    [ "$(stat -c %a /var/lib/jwtauth "$store" | xargs)" = '700 600' ]
}

@test "umask 000 makes nothing readable (F12), and SQLITE_TMPDIR is not used (F13)" {
    mkdir -m 0777 "$b/planted"
    (
        umask 000
        export SQLITE_TMPDIR=$b/planted TMPDIR=$b/planted
        authctl -q db backup "$b/one"
        export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer does not run under strace
        strace -f -o "$b/trace" -e trace=openat,open,creat authctl db check
        authctl -q -y db restore "$b/one"
    )
    [ "$(stat -c %a "$b/one" "$store" | sort -u)" = 600 ]
    touch "$b/trace"
    run grep -c planted "$b/trace"
    [ "$output" = 0 ]
    [ -z "$(ls -A "$b/planted")" ]
}
