#!/usr/bin/env bats
# Moving out: accounts for another jwtauth, lines for passwd and shadow. Nobody gets locked in.

good=Tulip-Garten-9x

setup_file() {
    cp -p /etc/passwd /etc/shadow /etc/group /etc/gshadow "$BATS_FILE_TMPDIR"
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    for file in passwd shadow group gshadow; do
        cp -p "$BATS_FILE_TMPDIR/$file" /etc/
    done
    cd "$BATS_TEST_TMPDIR" || exit 1
    umask 077
}

# A hash of crypt(3) as an older system has it.
hash() { python3 -W ignore -c 'import crypt, sys; print(crypt.crypt(*sys.argv[1:]))' "$good" "$1"; }

everybody() {
    authctl -q user add ann --email Ann@example.org --phone +491701234567 --full-name 'Ann "A", Example; Söhne' \
        --first-name Ann --last-name "O'Example" --company 'a\b=1' --role user --role manager \
        --valid-until 2030-01-02T03:04:05Z --shell /bin/zsh --home /srv/ann --password-stdin <<<"$good" >/dev/null
    authctl -q user add ben --uid 200001 --gid 200005 >/dev/null
    authctl -q user add robot --service --role agent >/dev/null
    authctl -q role grant ben agent --for 2h >/dev/null
}

# What is the same after a round trip.
accounts() {
    authctl user list --json | json '"\n".join(sorted(str([u[k] for k in ("username", "email", "phone", "name",
        "first_name", "last_name", "company_name", "roles", "kind", "uid", "gid", "home", "shell", "valid_until", "status")])
        for u in d["users"]))'
}

@test "user export and user add --from give the same accounts, by CSV and by JSON" {
    for format in csv json; do
        make_installation
        everybody
        fails_with 0 authctl user export --format $format
        [[ $stderr == *"1 grants of roles that end"* ]]
        printf '%s\n' "$output" >users.$format
        authctl -q role revoke ben agent
        accounts >before
        [ "$(wc -l <before)" = 3 ]
        make_installation
        authctl -q user add --from users.$format >/dev/null
        accounts >after
        diff before after
    done
    # No secrets, and no state of one login.
    if grep -qE 'argon2|\$|password|Garten' users.csv users.json; then return 1; fi
    [ "$(head -1 users.csv | tr -d '"\r')" = \
        username,email,phone,full_name,first_name,last_name,company_name,roles,kind,uid,gid,home,shell,valid_until ]
    authctl user export --json | json '[u["roles"] for u in d["users"] if u["username"] == "ann"][0]' >roles
    [ "$(cat roles)" = "['manager', 'user']" ] || { cat roles; return 1; }
    authctl -q user lock ben >/dev/null
    fails_with 0 authctl user export
    [[ $stderr == *"1 of them are pending, locked or disabled"* ]]
    fails_with 5 authctl user export --format xml --json
    [ "$(error_code)" = invalid_format ]
    fails_with 2 authctl user export --format csv --json
}

@test "cells of an export are no formulas for a spreadsheet, and come back as they were (CVE-2024-34448)" {
    n=0
    while read -r text; do
        authctl -q user add u$((n += 1)) --full-name "$text" --phone "+4917012345$n$n" </dev/null >/dev/null
    done <<'TEXTS'
=cmd|'/C calc'!A0
+1+1
@SUM(A1)
'=1
''=1
'quoted
plain = text
TEXTS
    authctl -q user add u8 --full-name=-2 >/dev/null
    authctl -q user export >users.csv
    if grep -E '(^|,)"[-=+@]' users.csv; then return 1; fi
    [ "$(grep -cF ",\"'+49170" users.csv)" = 7 ]
    [ "$(grep -cF ",\"'quoted\"," users.csv)" = 1 ]
    grep -qF ",\"'''=1\"," users.csv
    authctl -q user export --json | json 'sorted(u["full_name"] for u in d["users"])[5]' >name
    [ "$(cat name)" = "=cmd|'/C calc'!A0" ]
    accounts >before
    make_installation
    authctl -q user add --from users.csv >/dev/null
    accounts >after
    diff before after
}

@test "no field of an account makes a field or line of passwd or shadow (CVE-2022-31267, R27)" {
    authctl -q user add evil --full-name 'Evil::0:0:root:/root:/bin/bash' --home '/home/evil' >/dev/null
    # Past every check, as a damaged store would have it.
    authctl -q user add worse >/dev/null
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET full_name = 'x' || char(10) || 'toor:x:0:0::/root:/bin/sh',
        home = '/a:b', shell = '/bin/' || char(27) || '[1m' WHERE username = 'worse'"
    authctl export passwd >out
    [ "$(wc -l <out)" = 2 ]
    [ "$(awk -F: 'NF != 7' out)" = "" ]
    [ "$(awk -F: '$3 < 1000' out)" = "" ]
    if grep -q $'\e' out; then return 1; fi
    grep -q '^evil:x:[0-9]*:[0-9]*:Evil  0 0 root /root /bin/bash:/home/evil:/bin/bash$' out
    authctl getent passwd worse | awk -F: 'NF != 7 {exit 1}'
    fails_with 8 authctl user export
    if grep -q toor <<<"$output"; then return 1; fi
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET password_hash = '\$6\$x:0:0' || char(10) || 'toor::1' WHERE username = 'worse'"
    fails_with 8 authctl export shadow --yes
    if grep -q toor <<<"$output"; then return 1; fi
}

@test "export shadow: asks, is root's, keeps what crypt(3) reads, and says who needs a new password" {
    now=$(($(date +%s) / 86400))
    {
        echo "old:x:3001:3001:Old,,:/home/old:/bin/bash"
        echo "yes:x:3002:3002::/home/yes:/bin/bash"
        echo "shut:x:3003:3003::/home/shut:/bin/bash"
        echo "ends:x:3004:3004::/home/ends:/bin/bash"
        echo "must:x:3005:3005::/home/must:/bin/bash"
    } >passwd
    {
        echo "old:$(hash '$6$abcdefgh$'):19000:0:99999:7:::"
        echo "yes:$(hash '$y$j9T$abcdefgh$'):19001:0:99999:7:::"
        echo "shut:!$(hash '$5$abcdefgh$'):19002:0:99999:7:::"
        echo "ends:$(hash '$2b$05$abcdefghijklmnopqrstuu'):19003:0:99999:7::30000:"
        echo "must:$(hash '$6$abcdefgh$'):0:0:99999:7:::"
    } >shadow
    chmod 0644 passwd
    authctl -q import shadow --passwd passwd --shadow shadow >/dev/null
    authctl -q user add new --password-stdin <<<"$good" >/dev/null
    authctl -q user add none >/dev/null
    authctl -q user add robot --service >/dev/null
    authctl -q user lock ends --at 2040-01-01T12:00:00Z >/dev/null
    fails_with 2 authctl export shadow --json </dev/null
    [ "$(error_code)" = usage ]
    [ "$(authctl audit list --action export.shadow --json | json 'len(d["rows"])')" = 0 ]
    fails_with 0 authctl export shadow --yes
    printf '%s\n' "$output" >out
    # The planned lock of ends comes first, on the day it falls on.
    for name in old yes shut; do
        grep "^$name:" shadow >one
        grep "^$name:" out | cmp - one
    done
    [ "$(grep ^ends: out | cut -d: -f3,8)" = 19003:25567 ]
    [ "$(grep ^must: out | cut -d: -f3)" = 0 ]
    [ "$(grep ^new: out)" = "new:!:$now:0:99999:7:::" ]
    [ "$(grep ^none: out)" = "none:!:$now:0:99999:7:::" ]
    [ "$(grep ^robot: out)" = "robot:!:$now:0:99999:7:::" ]
    [[ $stderr == *"new needs a new password there: crypt(3) does not read argon2id"* ]]
    [[ $stderr == *"none needs a new password there: there is none"* ]]
    [[ $stderr != *robot* && $stderr != *"old needs"* ]]
    [ "$(authctl audit list --action export.shadow --json | json 'len(d["rows"])')" = 1 ]
    authctl export shadow --yes --json | json '[r["password"] for r in d["shadow"] if r["name"] == "new"]' >json
    [ "$(cat json)" = "['!']" ]
    authctl -q user disable old >/dev/null
    [ "$(authctl -q export shadow --yes | grep ^old: | cut -d: -f2)" = "!$(hash '$6$abcdefgh$')" ]
}

@test "what is exported is a passwd and a shadow file, and another store takes it as it was" {
    echo "old:x:3001:3001:Old:/home/old:/bin/bash" >passwd
    echo "old:$(hash '$6$abcdefgh$'):19000:0:99999:7:::" >shadow
    chmod 0644 passwd
    authctl -q import shadow --passwd passwd --shadow shadow >/dev/null
    authctl -q user add new --password-stdin <<<"$good" >/dev/null
    authctl -q export passwd >p
    authctl -q export shadow --yes >s
    diff passwd <(grep ^old: p)
    diff shadow <(grep ^old: s)
    # The tool of the system that looks for mistakes in them finds none but missing groups and folders.
    run pwck -r p s
    if grep -qiE 'invalid|no matching|duplicate' <<<"$output"; then echo "$output"; return 1; fi
    make_installation
    chmod 0644 p
    authctl import shadow --passwd p --shadow s --json | json '[(r["username"], r["outcome"], r["status"]) for r in d["rows"]]' >out
    [ "$(cat out)" = "[('old', 'added', 'active'), ('new', 'added', 'locked')]" ]
    authctl -q login old --password-stdin <<<"$good" >/dev/null
}

@test "the lines of an export let people in without us: su asks pam_unix" {
    echo "old:x:3001:3001:Old:/tmp:/bin/sh" >passwd
    echo "old:$(hash '$y$j9T$abcdefgh$'):19000:0:99999:7:::" >shadow
    chmod 0644 passwd
    authctl -q import shadow --passwd passwd --shadow shadow >/dev/null
    authctl -q export passwd >>/etc/passwd
    authctl -q export shadow --yes >>/etc/shadow
    printf 'auth required pam_unix.so\naccount required pam_unix.so\n' >/etc/pam.d/jwtauth-out
    pamtester jwtauth-out old authenticate acct_mgmt <<<"$good"
    run pamtester jwtauth-out old authenticate <<<wrong
    [ "$status" != 0 ]
}

@test "adopted users are left out, with a notice how they go" {
    useradd -u 4001 -M -s /bin/bash local1
    authctl -q user add local1 --adopt >/dev/null
    authctl -q user add ann >/dev/null
    for words in "export passwd" "export shadow --yes"; do
        # shellcheck disable=SC2086
        fails_with 0 authctl $words
        [ "$(grep -c ^local1: <<<"$output")" = 0 ]
        [ "$(grep -c ^ann: <<<"$output")" = 1 ]
        [[ $stderr == *"1 adopted users were left out"* ]]
    done
}

@test "an export of many streams" {
    without_sanitizers
    { echo username; seq -f 'u%.0f' 1 3000; } >users.csv
    authctl -q user add --from users.csv >/dev/null
    for words in "user export" "user export --json" "export passwd" "export shadow --yes"; do
        # shellcheck disable=SC2086
        few=$(python3 -c 'import resource, subprocess, sys
subprocess.run(["authctl", "-q"] + sys.argv[1:], stdout=open("out", "w"), check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' $words)
        [ "$(grep -o 'u[0-9]*' out | sort -u | wc -l)" -ge 3000 ]
        [ "$few" -lt 60000 ] || { echo "$words: $few KiB"; return 1; }
    done
}
