#!/usr/bin/env bats
# Accounts by an administrator: user add, show, list, modify, lock, disable, delete, adopt and release.

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

# refused STATUS CODE COMMAND...: fails so, with that code in JSON, and leaves the list as it was.
refused() {
    local status_wanted=$1 code_wanted=$2 before
    shift 2
    before=$(authctl user list --json)
    fails_with "$status_wanted" "$@" --json
    [ "$(error_code)" = "$code_wanted" ] || {
        echo "code $(error_code) instead of $code_wanted"
        return 1
    }
    [ "$before" = "$(authctl user list --json)" ]
}

@test "user add: the account is active at once and shown with all its keys" {
    got=$(authctl user add alice --email Alice@Example.org --phone '+49 170 1234567' \
        --first-name Alice --last-name Example --company Example --role agent --json)
    [ "$(json '" ".join(sorted(d))' <<<"$got")" = "adopted company_name created_at email email_verified \
first_name gid home id is_active kind last_login last_name lock_at mfa must_change_password name phone \
phone_verified roles shell status uid updated_at username valid_until" ]
    [ "$(json 'd["name"], d["email"], d["phone"], d["status"], d["is_active"], d["mfa"]' <<<"$got")" = \
        "('Alice Example', 'Alice@Example.org', '+491701234567', 'active', True, False)" ]
    [ "$(json 'd["roles"], d["email_verified"], d["last_login"], d["uid"]' <<<"$got")" = \
        "(['agent', 'user'], False, None, 100000)" ]
    [ "$got" = "$(authctl user show alice --json)" ]
    [ "$got" = "$(authctl user show alice@example.ORG --json)" ]
    [ "$got" = "$(authctl user show +491701234567 --json)" ]
}

@test "user show: no hash, secret or code in any form" {
    authctl -q user add hidden --password-stdin <<<"$good" >/dev/null
    for json in "" --json; do
        # shellcheck disable=SC2086
        got=$(authctl user show hidden $json)
        [[ $got == *hidden* ]]
        [[ $got != *argon2* ]]
        [[ $got != *hash* ]]
    done
    authctl -q user delete hidden --yes
}

@test "user list: tab-separated in a pipe, filtered, paged to the end" {
    authctl -q user add bob >/dev/null
    authctl -q user add robot --service >/dev/null
    [ "$(authctl user list | head -1 | cut -f1,2)" = "$(printf 'alice\tAlice@Example.org')" ]
    [ "$(authctl user list --json | json '[u["username"] for u in d["users"]], d["next"]')" = \
        "(['alice', 'bob', 'robot'], None)" ]
    [ "$(authctl user list --kind service --json | json '[u["username"] for u in d["users"]]')" = "['robot']" ]
    [ "$(authctl user list --role agent --json | json '[u["username"] for u in d["users"]]')" = "['alice']" ]
    next='' seen=''
    while :; do
        page=$(authctl user list --limit 1 ${next:+--after "$next"} --json)
        seen+=$(json '"".join(u["username"] + " " for u in d["users"])' <<<"$page")" "
        next=$(json 'd["next"] or ""' <<<"$page")
        [ -n "$next" ] || break
    done
    [ "$(xargs <<<"$seen")" = "alice bob robot" ]
    refused 5 invalid_status authctl user list --status gone
    refused 5 invalid_kind authctl user list --kind gone
    refused 3 role_not_found authctl user list --role nosuch
}

@test "user add: what is taken, local or out of range has its own code, and nothing is added" {
    refused 4 username_taken authctl user add alice
    refused 4 email_taken authctl user add carol --email ALICE@example.org
    refused 4 phone_taken authctl user add carol --phone +491701234567
    refused 4 uid_taken authctl user add carol --uid 100000
    refused 4 local_user authctl user add root
    refused 5 invalid_option authctl user add carol --uid 0
    refused 5 invalid_option authctl user add carol --gid -1
    refused 5 uid_out_of_range authctl user add carol --uid 1000
    refused 3 role_not_found authctl user add carol --role nosuch
    refused 5 invalid_username authctl user add Carol
    refused 5 invalid_email authctl user add carol --email nobody
    refused 5 invalid_phone authctl user add carol --phone 0170
    refused 5 invalid_home authctl user add carol --home home
    refused 5 invalid_shell authctl user add carol --shell '/bin/sh:x'
}

@test "user add: 64 KiB, control characters, invalid UTF-8 and escapes are refused in every field" {
    huge=$(head -c 65536 /dev/zero | tr '\0' a)
    for bad in "$huge" $'a\e[31mb' $'a\nb' $'a\x7fb' $'a\xff\xfeb'; do
        fails_with 5 authctl user add "$bad"
        for option in email phone full-name first-name last-name company home shell; do
            fails_with 5 authctl user add carol "--$option" "$bad"
            [ "$(wc -l <<<"$stderr")" = 1 ]
            [[ $stderr != *$'\e'* ]]
        done
    done
    fails_with 3 authctl user show carol
}

@test "user add: a weak password is refused with every rule, and nothing is added" {
    fails_with 5 authctl user add carol --password-stdin <<<abc
    [ "$(wc -l <<<"$stderr")" -ge 3 ]
    fails_with 3 authctl user show carol
    fails_with 2 authctl user add carol --password-stdin --generate-password <<<"$good"
    fails_with 5 authctl user add carol --service --password-stdin <<<"$good"
}

@test "user add --generate-password: the password alone on stdout, once, to be changed" {
    pw=$(authctl -q user add dora --generate-password)
    [ "$(wc -l <<<"$pw")" = 1 ]
    [ ${#pw} -ge 16 ]
    [ "$(authctl user show dora --json | json 'd["must_change_password"]')" = True ]
    pw=$(authctl user add emil --generate-password --json | json 'd["password"], d["username"]')
    [[ $pw == *"'emil')" ]]
    authctl -q user delete dora --yes
    authctl -q user delete emil --yes
}

@test "user modify: changes what is given, an empty text removes" {
    authctl -q user modify alice --full-name 'Alicia Example' --phone '' >/dev/null
    [ "$(authctl user show alice --json | json 'd["name"], d["phone"], d["email"], d["first_name"]')" = \
        "('Alicia Example', None, 'Alice@Example.org', 'Alice')" ]
    authctl -q user modify alice --username alicia --role manager >/dev/null
    [ "$(authctl user show alicia --json | json 'd["roles"]')" = "['agent', 'manager', 'user']" ]
    authctl -q user modify alicia --username alice >/dev/null
    fails_with 3 authctl user show alicia
    fails_with 2 authctl user modify alice
    fails_with 3 authctl user modify nosuch --full-name X
    refused 4 username_taken authctl user modify alice --username bob
    refused 4 local_user authctl user modify alice --username root
}

@test "user modify --valid-until: an account past its end is not active" {
    authctl -q user modify bob --valid-until 2020-01-01T00:00:00Z >/dev/null
    [ "$(authctl user show bob --json | json 'd["is_active"], d["valid_until"]')" = \
        "(False, '2020-01-01T00:00:00Z')" ]
    authctl -q user modify bob --valid-until never >/dev/null
    [ "$(authctl user show bob --json | json 'd["is_active"], d["valid_until"]')" = "(True, None)" ]
}

@test "R18 user lock: says what it cut; tokens of before are dead, also after unlock" {
    authctl -q password set bob --password-stdin <<<"$good"
    login=$(authctl login bob --password-stdin --json <<<"$good")
    token=$(json 'd["access_token"]' <<<"$login")
    alone=$(authctl token issue --user bob)
    authctl token verify - <<<"$token" >/dev/null
    authctl token verify - <<<"$alone" >/dev/null
    got=$(authctl user lock bob --json)
    [ "$(json 'd["username"], d["status"], d["sessions"], d["access_tokens"], d["logind_sessions"]' <<<"$got")" = \
        "('bob', 'locked', 1, True, 0)" ]
    for when in locked unlocked; do
        fails_with 1 authctl token verify - <<<"$token"
        fails_with 1 authctl token verify - <<<"$alone"
        fails_with 1 authctl token refresh --refresh-token-stdin < <(json 'd["refresh_token"]' <<<"$login")
        [ "$when" = locked ] || break
        fails_with 1 authctl login bob --password-stdin <<<"$good"
        authctl -q user unlock bob >/dev/null
    done
    authctl -q login bob --password-stdin <<<"$good" >/dev/null
    fails_with 4 authctl user unlock bob
    fails_with 3 authctl user lock nosuch
}

@test "user lock --at: the account goes on until then, and unlock takes the plan back" {
    got=$(authctl user lock bob --at 2h --json)
    [ "$(json 'd["status"], d["sessions"]' <<<"$got")" = "('active', 0)" ]
    authctl -q login bob --password-stdin <<<"$good" >/dev/null
    [ "$(authctl user show bob --json | json 'd["lock_at"] is None')" = False ]
    [ "$(authctl user unlock bob --json | json 'd["status"]')" = active ]
    [ "$(authctl user show bob --json | json 'd["lock_at"] is None')" = True ]
    [[ $(authctl user lock bob --at 2h) =~ ^'lock planned for bob: active until '20[0-9-]+T[0-9:]+Z$ ]]
    fails_with 5 authctl user lock bob --at soon
}

@test "user disable, enable: and a lock below them stays" {
    [ "$(authctl user disable bob --json | json 'd["status"]')" = disabled ]
    fails_with 1 authctl login bob --password-stdin <<<"$good"
    [ "$(authctl user list --status disabled --json | json '[u["username"] for u in d["users"]]')" = "['bob']" ]
    authctl -q user lock bob >/dev/null
    [ "$(authctl user enable bob --json | json 'd["status"]')" = locked ]
    [ "$(authctl user unlock bob --json | json 'd["status"]')" = active ]
    fails_with 4 authctl user enable bob
}

@test "user delete: asks first; then the names are free and the uid is not" {
    uid=$(authctl user show bob --json | json 'd["uid"]')
    fails_with 2 authctl user delete bob </dev/null
    authctl user show bob >/dev/null
    [ "$(authctl user delete bob --yes)" = "deleted bob" ]
    fails_with 3 authctl user show bob
    fails_with 3 authctl user delete bob --yes
    refused 4 uid_taken authctl user add bob --uid "$uid"
    authctl -q user add bob >/dev/null
    [ "$(authctl user show bob --json | json 'd["uid"]')" != "$uid" ]
}

@test "stored control characters never reach the terminal raw" {
    # as somebody with the database in hands would write them
    python3 - <<'PY'
import sqlite3
db = sqlite3.connect("/var/lib/jwtauth/jwtauth.db")
db.execute("UPDATE users SET full_name = ?, email = ? WHERE username = 'alice'",
           ("a\x1b]0;owned\x07\nroot\t0", "=cmd|x"))
db.commit()
PY
    for how in "user show alice" "user list" "user list --json" "user show alice --json"; do
        # shellcheck disable=SC2086
        authctl $how >"$BATS_TEST_TMPDIR/out"
        grep -q owned "$BATS_TEST_TMPDIR/out"
        [ "$(LC_ALL=C grep -c -P '[\x00-\x08\x0b-\x1f\x7f]' "$BATS_TEST_TMPDIR/out")" = 0 ]
        [ "$(grep -c '^root' "$BATS_TEST_TMPDIR/out")" = 0 ]
    done
    authctl -q user modify alice --full-name Alice --email alice@example.org >/dev/null
}

# ---- adoption ----

shadow_field() {
    awk -F: -v n="$1" '$1 == n { print $2 }' /etc/shadow
}

@test "user add --adopt: takes uid, home, shell and password over and marks the local field" {
    useradd -m -u 1777 -c 'Local Person,Room 1' -s /bin/sh lokal
    echo "lokal:$good" | chpasswd -c SHA512
    before=$(shadow_field lokal)
    refused 4 local_user authctl user add lokal
    refused 5 adopt_options authctl user add lokal --adopt --uid 100100
    authctl -q user add lokal --adopt --email lokal@example.org >/dev/null
    [ "$(authctl user show lokal --json | json 'd["uid"], d["gid"], d["home"], d["shell"], d["adopted"]')" = \
        "(1777, $(id -g lokal), '/home/lokal', '/bin/sh', True)" ]
    [ "$(shadow_field lokal)" = "!jwtauth!$before" ]
    authctl -q login lokal --password-stdin <<<"$good" >/dev/null
    refused 4 adopted authctl user modify lokal --shell /bin/bash
}

@test "user release: puts the old field back; twice is told" {
    before=$(shadow_field lokal)
    authctl -q user release lokal >/dev/null
    [ "!jwtauth!$(shadow_field lokal)" = "$before" ]
    fails_with 3 authctl user show lokal
    refused 4 not_adopted authctl user release alice
}

@test "user add --adopt again; delete keeps the login closed until release" {
    authctl -q user add lokal --adopt >/dev/null
    [[ $(shadow_field lokal) == '!jwtauth!'* ]]
    before=$(shadow_field lokal)
    authctl -q user delete lokal --yes >/dev/null
    fails_with 3 authctl user show lokal
    [ "$(shadow_field lokal)" = "$before" ]
    authctl -q user release lokal >/dev/null
    [ "!jwtauth!$(shadow_field lokal)" = "$before" ]
    refused 3 user_not_found authctl user release lokal
}

@test "user add --adopt: a locked local user comes without a password, a system account never" {
    useradd -u 1778 nopass
    authctl -q user add nopass --adopt >/dev/null
    fails_with 1 authctl login nopass --password-stdin <<<"$good"
    [ "$(shadow_field nopass)" = '!jwtauth!!' ]
    authctl -q user release nopass >/dev/null
    [ "$(shadow_field nopass)" = '!' ]
    refused 5 uid_out_of_range authctl user add daemon --adopt
    refused 5 uid_out_of_range authctl user add root --adopt
    refused 3 user_not_found authctl user add nosuch --adopt
}

@test "user add --adopt: when the mark cannot be written, the row is taken back" {
    mv /usr/sbin/chpasswd /usr/sbin/chpasswd.real
    ln -s /bin/false /usr/sbin/chpasswd
    before=$(shadow_field lokal)
    run --separate-stderr authctl user add lokal --adopt
    rm /usr/sbin/chpasswd
    mv /usr/sbin/chpasswd.real /usr/sbin/chpasswd
    [ "$status" -ge 4 ]
    fails_with 3 authctl user show lokal
    [ "$(shadow_field lokal)" = "$before" ]
    authctl -q user add lokal --adopt >/dev/null
}

@test "user add --adopt: a crash before the mark is mended by the same command" {
    field=$(shadow_field lokal)
    echo "lokal:${field#!jwtauth!}" | chpasswd -e # row there, mark not
    [ "$(shadow_field lokal)" = "${field#!jwtauth!}" ]
    authctl -q user add lokal --adopt >/dev/null
    [ "$(shadow_field lokal)" = "$field" ]
    # and a release that got no further than the unmarking
    echo "lokal:${field#!jwtauth!}" | chpasswd -e
    authctl -q user release lokal >/dev/null
    fails_with 3 authctl user show lokal
}

@test "the audit log has every change, by name, with its chain whole" {
    python3 - <<'PY'
import sqlite3
db = sqlite3.connect("/var/lib/jwtauth/jwtauth.db")
got = {a for a, in db.execute("SELECT action FROM audit_log WHERE actor = 'root'")}
want = {"user.add", "user.modify", "user.lock", "user.unlock", "user.disable", "user.enable", "user.delete", "user.release"}
assert want <= got, want - got
assert not db.execute("SELECT * FROM audit_log WHERE detail LIKE '%Correct-Horse%'").fetchall()
PY
}
