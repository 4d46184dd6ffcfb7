#!/usr/bin/env bats
# Known failures of other systems, brought about on the installed program (SECURITY.md section 3).

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

good=Correct-Horse-42
store=/var/lib/jwtauth/jwtauth.db

users() {
    sqlite3 "$store" "SELECT count(*) FROM users WHERE deleted_at IS NULL"
}

@test "CVE-2018-19788, CVE-2019-14287: numbers beyond INT_MAX, -1, 0 and what wraps are no uid" {
    authctl -q user add alice >/dev/null
    for n in 2147483647 2147483648 4294967294 4294967295 4294967296 4295067297 18446744073709651616 -1 -2 0 00 0x186A1 \
        1e5 '100001 ' ' 100001' 100001x '' +100001 100001.0; do
        for option in uid gid; do
            fails_with 5 authctl user add "bob" "--$option=$n"
            fails_with 5 authctl user modify alice "--$option=$n"
        done
        fails_with 3 authctl user show bob
    done
    [ "$(authctl user show alice --json | json 'd["uid"]')" = 100000 ]
    for n in 0 -1 4294967295 4294967296 2147483648; do
        fails_with 3 authctl getent passwd -- "$n"
    done
}

@test "CVE-2022-31267: a line break or a colon in a stored field makes no other field and no other line" {
    # as whoever has the file in hands would write it
    python3 - <<'PY'
import sqlite3
db = sqlite3.connect("/var/lib/jwtauth/jwtauth.db")
evil = "x\nroot2::0:0:root:/root:/bin/sh\n:0:0:"
db.execute("UPDATE users SET full_name = ?, first_name = ?, last_name = ?, company_name = ?, home = ?, shell = ?, "
           "email = ?, phone = ? WHERE username = 'alice'", ("name" + evil, evil, evil, evil, "/home/x" + evil,
           "/bin/sh" + evil, evil, evil))
db.commit()
PY
    for command in 'getent passwd' 'getent passwd alice' 'getent passwd 100000' 'getent group' 'getent initgroups alice'; do
        # shellcheck disable=SC2086
        run authctl $command
        [ "$(grep -c '^root2' <<<"$output")" = 0 ]
        [ "$(awk -F: '$3 == 0 || $4 == 0' <<<"$output")" = '' ]
        case $command in
        'getent passwd'*) [ -z "$output" ] || [ "$(awk -F: 'NF != 7' <<<"$output")" = '' ] ;;
        esac
    done
    for command in 'user list' 'user show alice' 'user list --json' 'profile show alice'; do
        # shellcheck disable=SC2086
        run authctl $command
        [ "$(grep -c '^root2' <<<"$output")" = 0 ]
        [ "$(grep -c '^:0:0' <<<"$output")" = 0 ]
    done
    [ "$(authctl user list | wc -l)" = 1 ]
    # and nobody gets one in by the front door
    for field in full-name first-name last-name company home shell email phone; do
        fails_with 5 authctl user modify alice "--$field" "/x
root2::0:0::/:/bin/sh"
    done
    fails_with 5 authctl user modify alice --home /home/a:0:0
    fails_with 5 authctl user modify alice --shell /bin/sh:x
    authctl -q user delete alice --yes
}

@test "CVE-2021-3621: no field reaches a shell" {
    mkdir -p "$BATS_TEST_TMPDIR/w"
    cd "$BATS_TEST_TMPDIR/w"
    # shellcheck disable=SC2016 # the shell that must not read it is another one
    for evil in '$(touch hit)' '`touch hit`' ';touch hit;' '|touch hit' '&& touch hit' "'; touch hit; '" '-rf' '--help' \
        '$IFS' '> hit' '%n%s' '../../x'; do
        for field in full-name first-name last-name company email phone home shell; do
            run authctl user add evil "--$field=$evil"
            run authctl user delete evil --yes
        done
        for verb in 'user show' 'user lock' 'user disable' 'user release' 'user delete --yes' 'totp disable' \
            'password expire' 'session revoke' 'session revoke --user' 'getent passwd' 'key retire --yes' 'token revoke'; do
            # shellcheck disable=SC2086
            run timeout 20 authctl $verb -- "$evil" </dev/null
            [ "$status" -ne 124 ]
        done
        run authctl user add "$evil" --adopt
        run authctl register --username "$evil" --password-stdin <<<"$good"
    done
    [ -z "$(ls -A)" ]
}

@test "CVE-2022-4254, CVE-2026-44840: what looks like SQL is a name that nobody has" {
    authctl -q user add alice --email alice@example.org >/dev/null
    before=$(authctl user list --json)
    for evil in "' OR '1'='1" "alice' --" "x'; DROP TABLE users; --" '%' '*' "alice@example.org' OR 'a'='a" '$1' 'a"b'; do
        for verb in 'user show' 'user lock' 'user disable' 'user delete --yes' 'password expire' 'session show' \
            'key export' 'totp status' 'session list --user' 'profile show --user'; do
            # shellcheck disable=SC2086
            run authctl $verb "$evil"
            [ "$status" -eq 3 ] || [ "$status" -eq 5 ] || {
                echo "$verb $evil: exit $status"
                return 1
            }
        done
        run authctl user list --role "$evil" --json
        [ "$status" -ne 0 ] || [ "$(json 'd["users"]' <<<"$output")" = '[]' ]
    done
    [ "$before" = "$(authctl user list --json)" ]
    authctl db check >/dev/null
    authctl -q user delete alice --yes
}

@test "CVE-2016-6153, CVE-2011-3901, F12: under umask 000 nothing secret is readable, and no temporary file is elsewhere" {
    rm -rf /etc/jwtauth /var/lib/jwtauth /var/cache/jwtauth /run/jwtauth
    planted=$BATS_TEST_TMPDIR/planted
    mkdir -m 0777 "$planted"
    (
        umask 000
        export SQLITE_TMPDIR=$planted TMPDIR=$planted TMP=$planted TEMP=$planted ASAN_OPTIONS=detect_leaks=0
        strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=openat,open,creat,unlink authctl init --issuer https://auth.example.org >/dev/null
        authctl -q user add alice --password-stdin <<<"$good" >/dev/null
        for i in $(seq 60); do authctl -q user add "user$i" --full-name "$(head -c 200 /dev/zero | tr '\0' x)" >/dev/null; done
        strace -f -o "$BATS_TEST_TMPDIR/trace2" -e trace=openat,open,creat authctl login alice --password-stdin <<<"$good" >/dev/null
        strace -f -o "$BATS_TEST_TMPDIR/trace3" -e trace=openat,open,creat authctl user list >/dev/null
        authctl -q db backup /var/lib/jwtauth/copy
    )
    [ -z "$(ls -A "$planted")" ]
    run grep -h -e planted -e '"/var/tmp' -e '"/tmp' "$BATS_TEST_TMPDIR"/trace*
    [ -z "$(grep -v ENOENT <<<"$output")" ]
    grep -q jwtauth.db "$BATS_TEST_TMPDIR/trace2" # the trace shows what was opened
    [ "$(stat -c %a /etc/jwtauth/master.key /var/lib/jwtauth/* | sort -u)" = 600 ]
    [ "$(stat -c %a /var/lib/jwtauth)" = 700 ]
    # what anybody may read holds no secret and may be written by root alone
    [ -z "$(find /etc/jwtauth /var/lib/jwtauth /var/cache/jwtauth /run/jwtauth -perm /022)" ]
}
