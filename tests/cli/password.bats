#!/usr/bin/env bats
# Passwords: password set, change, check and expire (SECURITY R4, R18, R20).

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    sed -i "s,^dictionary = no,dictionary = yes," /etc/jwtauth/jwtauth.conf
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    authctl -q user delete alice -y >/dev/null 2>&1 || true
    authctl -q user add alice --email quentin.k@example.net --password-stdin <<<"$good" >/dev/null
}

good=Correct-Horse-42
better=Other-vK7xwpZt

accepts() {
    printf '%s\n' "$1" | authctl -q login alice --password-stdin >/dev/null 2>&1
}

# rules PASSWORD [NAME]: the codes of the broken rules, comma-separated.
rules() {
    printf '%s\n' "$1" | authctl password check ${2:+"$2"} --json 2>/dev/null |
        json '",".join(r["code"] for r in d["broken"])'
}

# ---- set ----

@test "password set: the new one works, the old one does not, sessions end (R18)" {
    id=$(authctl login alice --password-stdin --json <<<"$good" | json 'd["session_id"]')
    run --separate-stderr authctl password set alice --password-stdin <<<"$better"
    [ "$status" = 0 ]
    [ -z "$output" ]
    [[ $stderr == *"session"* ]]
    accepts "$better"
    run ! accepts "$good"
    [ "$(authctl session show "$id" --json | json 'd["revoke_reason"]')" = password_set ]
    [ "$(authctl password set alice --password-stdin --json <<<Third-vK7xwpZt)" = '{"user":"alice"}' ]
}

@test "password set --must-change: no session until it is changed" {
    authctl -q password set alice --must-change --password-stdin <<<"$better"
    [ "$(authctl user show alice --json | json 'd["must_change_password"]')" = True ]
    fails_with 1 authctl login alice --password-stdin <<<"$better"
    printf '%s\n%s\n' "$better" "Third-vK7xwpZt" | authctl -q password change alice --password-stdin
    accepts Third-vK7xwpZt
}

@test "password set --generate-password: printed alone, meets policy, has to be changed" {
    pw=$(authctl -q password set alice --generate-password)
    [ "${#pw}" = 23 ]
    [ -z "$(rules "$pw")" ]
    [ "$(authctl user show alice --json | json 'd["must_change_password"]')" = True ]
    other=$(authctl -q password set alice --generate-password --json | json 'd["password"]')
    [ "$pw" != "$other" ]
    printf '%s\n%s\n' "$other" "$better" | authctl -q password change alice --password-stdin
    accepts "$better"
    fails_with 2 authctl password set alice --generate-password --password-stdin <<<"$good"
}

@test "password set --password-file: the first line; refused when others can read it" {
    printf '%s\nrest\n' "$better" >"$BATS_TEST_TMPDIR/pw"
    chmod 0600 "$BATS_TEST_TMPDIR/pw"
    authctl -q password set alice --password-file "$BATS_TEST_TMPDIR/pw"
    accepts "$better"
    chmod 0644 "$BATS_TEST_TMPDIR/pw"
    fails_with 8 authctl password set alice --password-file "$BATS_TEST_TMPDIR/pw"
    [[ $stderr == *chmod* ]]
    accepts "$better"
}

@test "password set: refused ones change nothing and every broken rule is named" {
    fails_with 5 authctl password set alice --json --password-stdin <<<abc
    [ "$(error_code)" = weak_password ]
    for word in shorter upper-case digit; do
        [[ $stderr == *"$word"* ]]
    done
    [[ $stderr != *'"abc'* ]]
    fails_with 5 authctl password set alice --json --password-stdin <<<""
    fails_with 5 authctl password set alice --password-stdin < <(head -c 512 /dev/zero | tr '\0' a)
    [[ $stderr == *511* ]]
    fails_with 5 authctl password set alice --password-stdin < <(printf 'Correct\0Horse-43\n')
    fails_with 3 authctl password set nosuch --password-stdin <<<"$better"
    fails_with 2 authctl password set alice </dev/null
    fails_with 2 authctl password set alice "$better"
    accepts "$good"
}

@test "password set: no password for a service account" {
    authctl -q user add deploy-bot --service >/dev/null
    fails_with 5 authctl password set deploy-bot --password-stdin <<<"$better"
}

# ---- change ----

@test "password change: old, new, one a line; the old one has to be right" {
    printf '%s\n%s\n' "$good" "$better" | authctl -q password change alice --password-stdin
    accepts "$better"
    fails_with 1 authctl password change alice --password-stdin < <(printf '%s\n%s\n' "$good" Third-vK7xwpZt)
    accepts "$better"
    fails_with 5 authctl password change alice --password-stdin < <(printf '%s\n%s\n' "$better" "$better")
    fails_with 5 authctl password change alice --password-stdin < <(printf '%s\n%s\n' "$better" weak)
    accepts "$better"
}

@test "password change: an unknown user reads like a wrong password (R8)" {
    fails_with 1 authctl password change alice --password-stdin < <(printf '%s\n%s\n' wrong "$better")
    known=$stderr
    fails_with 1 authctl password change nosuch --password-stdin < <(printf '%s\n%s\n' wrong "$better")
    [ "$stderr" = "$known" ]
}

@test "password change: wrong old ones are throttled" {
    for _ in 1 2 3 4 5; do
        fails_with 1 authctl password change alice --password-stdin < <(printf '%s\n%s\n' wrong "$better")
    done
    fails_with 7 authctl password change alice --json --password-stdin < <(printf '%s\n%s\n' "$good" "$better")
    [ "$(error_code)" = too_many_attempts ]
}

@test "password change: by former passwords (R20)" {
    printf '%s\n%s\n' "$good" "$better" | authctl -q password change alice --password-stdin
    fails_with 5 authctl password change alice --password-stdin < <(printf '%s\n%s\n' "$better" "$good")
    [[ $stderr == *"used before"* ]]
}

@test "password change without NAME: the caller's own; root is no user of ours" {
    fails_with 2 authctl password change --password-stdin < <(printf '%s\n%s\n' "$good" "$better")
}

# ---- expire ----

@test "password expire: has to be changed, then it is good again" {
    authctl -q password expire alice
    fails_with 1 authctl login alice --password-stdin <<<"$good"
    printf '%s\n%s\n' "$good" "$better" | authctl -q password change alice --password-stdin
    accepts "$better"
    authctl -q user add nopw >/dev/null
    fails_with 4 authctl password expire nopw
    fails_with 3 authctl password expire nosuch
    authctl -q user delete nopw -y
}

# ---- check ----

@test "password check: every broken rule with its code" {
    run --separate-stderr authctl password check <<<"$better"
    [ "$status" = 0 ]
    [ -z "$output" ]
    [ "$(authctl password check --json <<<"$better")" = '{"ok":true,"broken":[]}' ]
    fails_with 5 authctl password check <<<abcdef
    [ "$(cut -d: -f1 <<<"$output" | tr '\n' ' ')" = "too_short no_upper no_digit in_dictionary on_blocklist " ]
    fails_with 5 authctl password check --json <<<abcdef
    [ "$(json 'd["ok"]' <<<"$output")" = False ]
    [ "$(error_code)" = weak_password ]
    [ "$(rules Password1)" = in_dictionary,on_blocklist ]
    [ "$(rules PASSWORD2024!)" = no_lower,on_blocklist ]
    [ "$(rules x7-example-ZqpW)" = has_issuer ]
}

@test "password check NAME: the user's names and former passwords too" {
    [ -z "$(rules x7-ALICE-ZqpW)" ]
    [ "$(rules x7-ALICE-ZqpW alice)" = has_username ]
    [ "$(rules 9Quentin.K-zzpQ alice)" = has_email ]
    [ -z "$(rules "$good")" ]
    [ "$(rules "$good" alice)" = reused ]
    fails_with 3 authctl password check nosuch <<<"$better"
}

@test "password check: without a dictionary nothing passes (R20)" {
    mv /var/cache/cracklib /var/cache/cracklib.away
    run --separate-stderr authctl password check --json <<<"$better"
    mv /var/cache/cracklib.away /var/cache/cracklib
    [ "$status" = 7 ]
    [ "$(error_code)" = dictionary_missing ]
}

@test "password check: pwquality.conf neither adds nor weakens rules" {
    mkdir -p /etc/security
    printf 'minlen = 40\nminclass = 4\ndictcheck = 0\nusercheck = 1\n' >/etc/security/pwquality.conf
    [ -z "$(rules "$better")" ]
    [ "$(rules Xylophone8)" = in_dictionary ]
}

@test "password check: several lines, blanks and letter case are the password's own" {
    [ "$(rules ' vK7xwpZt ')" = "" ]
    authctl -q password set alice --password-stdin <<<" vK7xwpZt "
    accepts " vK7xwpZt "
    run ! accepts "vK7xwpZt"
    run ! accepts " VK7XWPZT "
}

# ---- hash schemes ----

@test "crypt(3) hashes that an adopted user brings are taken, and replaced at the next login" {
    for scheme in 2b:bcrypt 6:sha512crypt y:yescrypt; do
        hash=$(perl -e 'print crypt($ARGV[0], $ARGV[1])' "$good" "$(perl -e '
            print {"2b" => "\$2b\$05\$abcdefghijklmnopqrstuu", 6 => "\$6\$saltsalt\$",
                   y => "\$y\$j9T\$saltsaltsalt\$"}->{$ARGV[0]}' "${scheme%%:*}")")
        python3 - "$hash" <<'PY'
import sqlite3, sys
with sqlite3.connect("/var/lib/jwtauth/jwtauth.db") as db:
    db.execute("UPDATE users SET password_hash = ? WHERE username = 'alice' AND deleted_at IS NULL", (sys.argv[1],))
PY
        run ! accepts wrong
        accepts "$good"
        stored=$(python3 -c 'import sqlite3
print(sqlite3.connect("/var/lib/jwtauth/jwtauth.db").execute(
    "SELECT password_hash FROM users WHERE username = \"alice\" AND deleted_at IS NULL").fetchone()[0])')
        [[ $stored == '$argon2id$v=19$m=8192,t=1,p=1$'* ]]
        accepts "$good"
    done
}

# ---- who ----

@test "others than root are sent to jwtauthd" {
    for verb in "set alice" "change alice" "check" "expire alice"; do
        # shellcheck disable=SC2086
        run --separate-stderr as_nobody authctl password ${verb} --password-stdin <<<"$better"
        [ "$status" != 0 ]
    done
    accepts "$good"
}
