#!/usr/bin/env bats
# Moving in: second factors and accounts of other systems, with what people have.

good=Tulip-Garten-9x

setup_file() {
    cp -p /etc/passwd /etc/shadow /etc/group /etc/gshadow "$BATS_FILE_TMPDIR"
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "
[throttle]
delay_base = 0
login = 1000/1m
per_source = 1000/1m
per_user = 1000/1m"
    for file in passwd shadow group gshadow; do
        cp -p "$BATS_FILE_TMPDIR/$file" /etc/
    done
    # Whoever else lives on the machine of the test is not in it.
    awk -F: '$3 < 1000 || $3 == 65534' "$BATS_FILE_TMPDIR/passwd" >/etc/passwd
    awk -F: 'NR == FNR {there[$1] = 1; next} $1 in there' /etc/passwd "$BATS_FILE_TMPDIR/shadow" >/etc/shadow
    cd "$BATS_TEST_TMPDIR" || exit 1
    umask 077
    step=$(($(date +%s) / 30))
}

outcomes() { json '[(r["username"], r["outcome"], r["code"]) for r in d["rows"]]'; }
# code SECRET [STEPS]: of now or some steps away.
code() { oathtool --totp --base32 --now "@$((($(date +%s) / 30 + ${2:-0}) * 30))" "$1"; }
login() { authctl -q login alice --password-stdin --otp "$1" <<<"$good" >/dev/null; }

# Away from the end of a step, so that what is computed now still holds a moment later.
settled() {
    while [ $(($(date +%s) % 30)) -gt 25 ]; do
        sleep 1
    done
    step=$(($(date +%s) / 30))
}

# ---- google-authenticator ----

@test "a file of google-authenticator itself: its codes log in, once each (R11)" {
    authctl -q user add alice --password-stdin <<<"$good" >/dev/null
    settled
    google-authenticator -t -d -f -r 3 -R 30 -w 3 -e 5 -q -s ./ga
    secret=$(head -1 ga)
    authctl import google-authenticator alice ga --json --dry-run | json 'd["outcome"]' >out
    [ "$(cat out)" = would_add ]
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = False ]
    authctl import google-authenticator alice ga --json >out
    [ "$(json 'd["user"], d["outcome"], d["recovery_codes"], d["window"], d["period"]' <out)" = "('alice', 'added', 5, 1, 30)" ]
    [[ $(json 'd["message"]' <out) == *RATE_LIMIT* ]]
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = True ]
    fails_with 1 login 000000
    login "$(code "$secret" -1)"
    fails_with 1 login "$(code "$secret" -1)"
    login "$(code "$secret")"
    [ "$(authctl recovery-codes status alice --json | json 'd["left"]')" = 5 ]
    scratch=$(grep -m1 -xE '[0-9]{8}' ga)
    login "$scratch"
    fails_with 1 login "$scratch"
    [ "$(authctl recovery-codes status alice --json | json 'd["left"]')" = 4 ]
    fails_with 4 authctl import google-authenticator alice ga --json
    [ "$(error_code)" = totp_exists ]
    authctl audit list --action totp.import --json | json 'd["rows"][0]["target"], d["rows"][0]["detail"]' >out
    grep -q "user:alice" out
    if grep -qF -e "$secret" -e "$scratch" out; then return 1; fi
    [ "$(authctl audit list --action import.google-authenticator --json | json 'len(d["rows"])')" = 1 ]
}

@test "window and used steps of the file are kept (R11)" {
    authctl -q user add alice --password-stdin <<<"$good" >/dev/null
    settled
    google-authenticator -t -D -f -u -w 3 -e 0 -q -s ./ga
    secret=$(head -1 ga)
    # Six steps either way, all up to the one of three steps ago used.
    sed -i "s/WINDOW_SIZE .*/WINDOW_SIZE 13/" ga
    printf '" DISALLOW_REUSE %d %d\n' "$((step - 3))" "$((step - 9))" >>ga
    authctl -q import google-authenticator alice ga
    fails_with 1 login "$(code "$secret" -7)"
    fails_with 1 login "$(code "$secret" -4)"
    fails_with 1 login "$(code "$secret" -3)"
    login "$(code "$secret" -2)"
    fails_with 1 login "$(code "$secret" 8)"
    login "$(code "$secret" 6)"
}

@test "what a file of google-authenticator says that cannot be kept is refused, and nothing is written" {
    authctl -q user add alice --password-stdin <<<"$good" >/dev/null
    authctl -q user add robot --service >/dev/null
    secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
    n=0
    while IFS='|' read -r want error text; do
        # shellcheck disable=SC2059
        printf "$text" >ga
        fails_with "$want" authctl import google-authenticator alice ga --json
        [ "$(error_code)" = "$error" ] || { echo "$(error_code) instead of $error: $text"; return 1; }
        if [[ $stderr == *$secret* || $stderr == *12345678* ]]; then return 1; fi
        n=$((n + 1))
    done <<TABLE
5|counter_based|$secret\n" HOTP_COUNTER 1\n
5|invalid_file|$secret\n12345678\n
5|invalid_file|
5|invalid_secret|\n" TOTP_AUTH\n
5|invalid_secret|$secret!\n" TOTP_AUTH\n
5|invalid_secret|JBSWY3DP\n" TOTP_AUTH\n
5|invalid_file|$secret\n" TOTP_AUTH\n" NO_SUCH_OPTION 1\n
5|invalid_file|$secret\n" TOTP_AUTH\n123456789\n
5|invalid_file|$secret\n" TOTP_AUTH\n1234567a\n
5|invalid_file|$secret\n" TOTP_AUTH\n" WINDOW_SIZE many\n
5|invalid_file|$secret\n" TOTP_AUTH\n" WINDOW_SIZE 101\n
5|invalid_window|$secret\n" TOTP_AUTH\n" WINDOW_SIZE 22\n
5|invalid_period|$secret\n" TOTP_AUTH\n" STEP_SIZE 5\n
5|invalid_step|$secret\n" TOTP_AUTH\n" DISALLOW_REUSE 999999999\n
5|invalid_file|$secret\n" TOTP_AUTH\n" DISALLOW_REUSE 1x\n
5|time_skew|$secret\n" TOTP_AUTH\n" WINDOW_SIZE 3\n" TIME_SKEW -2\n
5|invalid_file|$secret\n" TOTP_AUTH\n\0\n
5|invalid_file|$secret\n" TOTP_AUTH\r\n
TABLE
    [ "$n" = 18 ]
    printf '%s\n" TOTP_AUTH\n' "$secret" >ga
    fails_with 3 authctl import google-authenticator nobody ga --json
    fails_with 3 authctl import google-authenticator alice nofile --json
    fails_with 5 authctl import google-authenticator robot ga --json
    [ "$(error_code)" = service_account ]
    chmod 0644 ga
    fails_with 5 authctl import google-authenticator alice ga --json
    [ "$(error_code)" = unsafe_file ]
    chmod 0400 ga
    ln -s ga link
    fails_with 5 authctl import google-authenticator alice link --json
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = False ]
    # Options that the window covers, and a file that another user owns, are no reason to refuse.
    printf '" WINDOW_SIZE 5\n" TIME_SKEW -2\n" LAST0 host 12\n" RESETTING_TIME_SKEW 1+1\n' | cat ga - >ga2
    chown 65534 ga2
    authctl -q import google-authenticator alice ga2
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = True ]
}

# ---- oath-users ----

@test "a users file of pam_oath: its codes log in, the last used one does not (R11)" {
    for name in alice bob carol; do
        authctl -q user add $name --password-stdin <<<"$good" >/dev/null
    done
    settled
    hex=3132333435363738393031323334353637383930
    b32=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
    used=$(code "$b32" -1)
    cat >users.oath <<FILE
# a comment

HOTP/T30/6 alice - $hex 0 $used 2026-01-02T03:04:05L
HOTP/T30/8	bob	geheim	$hex
HOTP/T60 carol + ${hex}aa
FILE
    authctl import oath-users users.oath --json --dry-run | outcomes >out
    [ "$(cat out)" = "[('alice', 'would_add', None), ('bob', 'would_add', None), ('carol', 'would_add', None)]" ]
    authctl import oath-users users.oath --json >out
    [ "$(outcomes <out)" = "[('alice', 'added', None), ('bob', 'added', None), ('carol', 'added', None)]" ]
    [[ $(json 'd["rows"][1]["message"]' <out) == *password* && $(json 'd["rows"][2]["message"]' <out) == *"'+'"* ]]
    if grep -qF -e geheim -e "$hex" out; then return 1; fi
    fails_with 1 login "$used"
    login "$(code "$b32")"
    [ "$(authctl totp status bob --json | json 'd["digits"], d["period"]')" = "(8, 30)" ]
    authctl -q login bob --password-stdin --otp "$(oathtool --totp -d 8 $hex)" <<<"$good" >/dev/null
    [ "$(authctl totp status carol --json | json 'd["digits"], d["period"]')" = "(6, 60)" ]
    authctl -q login carol --password-stdin --otp "$(oathtool --totp -s 60 "${hex}aa")" <<<"$good" >/dev/null
}

@test "rows of pam_oath's file that cannot be taken: all or nothing, unless they are left out" {
    for name in alice bob erin; do
        authctl -q user add $name --password-stdin <<<"$good" >/dev/null
    done
    authctl -q user add robot --service >/dev/null
    hex=3132333435363738393031323334353637383930
    cat >users.oath <<FILE
HOTP/T30 alice - $hex
HOTP bob - $hex
HOTP/E/6 bob - $hex 7
HOTP/T30/7 erin - $hex
HOTP/T30 nobody - $hex
HOTP/T30 robot - $hex
HOTP/T30 Erin - $hex
HOTP/T30 erin -
HOTP/T30 erin - 3132g
TOTP erin - $hex
HOTP/T30 alice - $hex
HOTP/T30 erin - 3132
FILE
    fails_with 5 authctl import oath-users users.oath --json
    [ "$(error_code)" = rows_failed ]
    outcomes <<<"$output" >out
    want="[('alice', 'not_imported', None), ('bob', 'failed', 'counter_based'), ('bob', 'failed', 'counter_based'), \
('erin', 'failed', 'invalid_digits'), ('nobody', 'failed', 'user_not_found'), ('robot', 'failed', 'service_account'), \
(None, 'failed', 'invalid_username'), ('erin', 'failed', 'invalid_row'), ('erin', 'failed', 'invalid_secret'), \
('erin', 'failed', 'unknown_type'), ('alice', 'failed', 'duplicate_row'), ('erin', 'failed', 'duplicate_row')]"
    [ "$(cat out)" = "$want" ] || { cat out; return 1; }
    [ "$(json '[r["row"] for r in d["rows"]]' <<<"$output")" = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]" ]
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = False ]
    authctl import oath-users users.oath --json --skip-bad | outcomes >out
    [ "$(cat out)" = "${want/not_imported/added}" ]
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = True ]
    chmod 0644 users.oath
    fails_with 5 authctl import oath-users users.oath --json
    : >empty
    fails_with 5 authctl import oath-users empty --json
    [ "$(error_code)" = invalid_file ]
}

# ---- shadow ----

# The password "Tulip-Garten-9x" by every scheme of crypt(3) that is taken.
hash() {
    local -A setting=([sha512crypt]='$6$abcdefgh$' [sha256crypt]='$5$rounds=10000$abcdefgh$'
        [yescrypt]='$y$j9T$abcdefgh$' [bcrypt]='$2b$05$abcdefghijklmnopqrstuu')
    python3 -W ignore -c 'import crypt, sys; print(crypt.crypt(*sys.argv[1:]))' "${2:-$good}" "${setting[$1]}"
}

# two_files: passwd and shadow of "another host" in the working folder, from lines NAME|UID|GID|GECOS|SHELL|FIELDS on
# stdin, FIELDS being shadow's from the password on.
two_files() {
    : >passwd
    : >shadow
    while IFS='|' read -r name uid gid gecos shell rest; do
        printf '%s:x:%s:%s:%s:/home/%s:%s\n' "$name" "$uid" "$gid" "$gecos" "$name" "$shell" >>passwd
        printf '%s:%s\n' "$name" "$rest" >>shadow
    done
    chmod 0644 passwd
    chmod 0640 shadow
}
import() { authctl import shadow --passwd passwd --shadow shadow --json "$@"; }
user() { authctl user show "$1" --json | json "$2"; }

@test "accounts of another host come with name, ids and a password that still works (R21)" {
    two_files <<FILES
root|0|0|root|/bin/bash|$(hash sha512crypt):19000:0:99999:7:::
daemon|1|1|daemon|/usr/sbin/nologin|*:19000:0:99999:7:::
nobody|65534|65534|nobody|/usr/sbin/nologin|*:19000:0:99999:7:::
backup|1500|1500||/usr/sbin/nologin|*:19000:0:99999:7:::
ann|1001|1001|Ann Example,Room 1,,|/bin/bash|$(hash sha512crypt):19000:0:99999:7:::
ben|1002|1002|Ben Söhne|/bin/zsh|$(hash sha256crypt):19000:0:99999:7:::
cat|1003|100|Cat|/bin/bash|$(hash yescrypt):19000:0:99999:7:::
dan|1004|1003|Dan||$(hash bcrypt):19000:0:99999:7:::
eve|1005|1005|Eve|/bin/bash|!$(hash sha512crypt):19000:0:99999:7:::
fay|1006|1006|Fay|/bin/bash|!:19000:0:99999:7:::
gus|1007|1007|Gus|/bin/bash|*:19000:0:99999:7:::
hal|1008|1008|Hal|/bin/bash|$(hash sha512crypt):0:0:99999:7:::
ida|1009|1009|Ida|/bin/bash|$(hash sha512crypt):19000:0:90:7:::
jon|1010|1010|Jon|/bin/bash|$(hash sha512crypt):19000:0:90:7:30::
kim|1011|1011|Kim|/bin/bash|$(hash sha512crypt):19000:0:99999:7::19100:
leo|1012|1012|Leo|/bin/bash|$(hash sha512crypt):19000:0:99999:7::0:
mia|1013|1013|Mia|/bin/bash|:19000:0:99999:7:::
FILES
    import --dry-run >dry
    [ "$(outcomes <dry | tr -cd '{' | wc -c)" = 0 ]
    [ "$(json 'len([r for r in d["rows"] if r["outcome"] == "would_add"])' <dry)" = 13 ]
    [ "$(authctl user list --json | json 'len(d["users"])')" = 0 ]

    import >out
    [ "$(json '[r["code"] for r in d["rows"] if r["outcome"] == "skipped"]' <out)" = \
        "['system_account', 'system_account', 'system_account', 'no_login_shell']" ]
    [ "$(json '[r["username"] for r in d["rows"] if r["outcome"] == "added"]' <out | tr -cd ,)" = ",,,,,,,,,,,," ]
    [ "$(json '[r["username"] for r in d["rows"] if r["status"] == "locked"]' <out)" = "['eve', 'fay', 'jon']" ]
    if grep -q '\$' out; then return 1; fi # no hash

    [ "$(user ann 'd["uid"], d["gid"], d["home"], d["shell"], d["name"], d["status"], d["adopted"], d["roles"]')" = \
        "(1001, 1001, '/home/ann', '/bin/bash', 'Ann Example', 'active', False, [])" ]
    [ "$(user ben 'd["name"], d["shell"]')" = "('Ben Söhne', '/bin/zsh')" ]
    # users (gid 100) is a group of the system: a group of her own; dan's group is the one with cat's number, as it was.
    [ "$(user cat 'd["uid"], d["gid"]')" = "(1003, 1003)" ]
    [ "$(user dan 'd["gid"], d["shell"]')" = "(1003, '/bin/sh')" ]
    [ "$(user kim 'd["valid_until"], d["is_active"]')" = "('2022-04-18T00:00:00Z', False)" ]
    [ "$(user leo 'd["valid_until"], d["is_active"]')" = "('1970-01-01T00:00:01Z', False)" ]
    [ "$(user hal 'd["must_change_password"]')$(user ida 'd["must_change_password"]')$(user ann 'd["must_change_password"]')" = TrueTrueFalse ]

    for name in ann ben cat dan; do
        authctl -q login $name --password-stdin <<<"$good" >/dev/null
        fails_with 1 authctl login $name --password-stdin <<<"$good-"
        # The first login made argon2id of it.
        [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT substr(password_hash, 1, 10) FROM users WHERE username = '$name'")" = '$argon2id$' ]
        authctl -q login $name --password-stdin <<<"$good" >/dev/null
    done
    for name in eve fay gus jon kim leo mia; do
        fails_with 1 authctl login $name --password-stdin <<<"$good"
        fails_with 1 authctl login $name --password-stdin <<<""  || fails_with 5 authctl login $name --password-stdin <<<""
    done
    authctl -q user unlock eve >/dev/null
    authctl -q login eve --password-stdin <<<"$good" >/dev/null

    [ "$(authctl audit list --action user.import --json | json 'len(d["rows"])')" = 13 ]
    [ "$(authctl audit list --action import.shadow --json | json 'd["rows"][0]["detail"]["users"]')" = 13 ]
    if authctl audit list --json | grep -qF '$6$'; then return 1; fi
    authctl -q audit verify >/dev/null
    # Again: everything is there.
    import | json '{r["outcome"] for r in d["rows"]}' >again
    [ "$(cat again)" = "{'skipped', 'unchanged'}" ] || [ "$(cat again)" = "{'unchanged', 'skipped'}" ]
}

@test "hashes that cost too much, and what else is no row, name themselves; all or nothing (F10)" {
    useradd -u 4001 -M localguy
    useradd -u 4005 -M otherguy
    salt=abcdefghijklmnop
    long=$(head -c 86 /dev/zero | tr '\0' a)
    b64=$(head -c 43 /dev/zero | tr '\0' A)
    authctl -q user add taken >/dev/null
    authctl -q user add gone --uid 200001 >/dev/null
    authctl -q user delete gone --yes >/dev/null
    two_files <<FILES
good|2001|2001|Good|/bin/bash|$(hash sha512crypt):19000:0:99999:7:::
rounds|2002|2002||/bin/bash|\$6\$rounds=999999999\$$salt\$$long:19000:0:99999:7:::
argon|2003|2003||/bin/bash|\$argon2id\$v=19\$m=4194304,t=1,p=1\$AAAAAAAAAAAAAAAAAAAAAA\$$b64:19000:0:99999:7:::
ops|2004|2004||/bin/bash|\$argon2id\$v=19\$m=8192,t=11,p=1\$AAAAAAAAAAAAAAAAAAAAAA\$$b64:19000:0:99999:7:::
bcrypt|2005|2005||/bin/bash|\$2b\$15\$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdefg:19000:0:99999:7:::
yes|2006|2006||/bin/bash|\$y\$jzT\$$salt\$$b64:19000:0:99999:7:::
md5|2007|2007||/bin/bash|\$1\$abcdefgh\$abcdefghijklmnopqrstuv:19000:0:99999:7:::
des|2008|2008||/bin/bash|abJnggxhB/yWI:19000:0:99999:7:::
locked|2009|2009||/bin/bash|!\$6\$rounds=999999999\$$salt\$$long:19000:0:99999:7:::
Upper|2010|2010||/bin/bash|*:19000:0:99999:7:::
localguy|4001|4001||/bin/bash|*:19000:0:99999:7:::
uidtwin|4001|2012||/bin/bash|*:19000:0:99999:7:::
gidtwin|2013|4001||/bin/bash|*:19000:0:99999:7:::
uidlocal|4005|2022||/bin/bash|*:19000:0:99999:7:::
twin|2014|2014||/bin/bash|*:19000:0:99999:7:::
twin2|2014|2014||/bin/bash|*:19000:0:99999:7:::
taken|2015|2015||/bin/bash|*:19000:0:99999:7:::
gone|200001|2016||/bin/bash|*:19000:0:99999:7:::
high|500000|2017||/bin/bash|*:19000:0:99999:7:::
home|2018|2018||/bin/bash|*:19000:0:99999:7:::
days|2019|2019||/bin/bash|*:many:0:99999:7:::
neg|-1|2020||/bin/bash|*:19000:0:99999:7:::
FILES
    sed -i 's|:/home/home:|:/home/../etc:|' passwd
    printf 'noshadow:x:2021:2021::/home/n:/bin/bash\nshort:x:2022\nnul:x:2023:2023:a\0b:/home/nul:/bin/bash\n' >>passwd
    printf 'good:x:2024:2024::/home/good:/bin/bash\n' >>passwd
    printf 'orphan:*:19000:0:99999:7:::\nbroken:*\n' >>shadow
    { printf 'long:x:2025:2025:'; head -c 5000 /dev/zero | tr '\0' a; printf ':/home/long:/bin/bash\n'; } >>passwd
    fails_with 5 import
    [ "$(error_code)" = rows_failed ]
    outcomes <<<"$output" | sed "s/), (/)\n(/g" >out
    cat >want <<'WANT'
[('good', 'not_imported', None)
('rounds', 'failed', 'invalid_hash')
('argon', 'failed', 'invalid_hash')
('ops', 'failed', 'invalid_hash')
('bcrypt', 'failed', 'invalid_hash')
('yes', 'failed', 'invalid_hash')
('md5', 'failed', 'invalid_hash')
('des', 'failed', 'invalid_hash')
('locked', 'failed', 'invalid_hash')
('Upper', 'failed', 'invalid_username')
('localguy', 'failed', 'local_user')
('uidtwin', 'failed', 'duplicate_uid')
('gidtwin', 'failed', 'gid_taken')
('uidlocal', 'failed', 'local_user')
('twin', 'not_imported', None)
('twin2', 'failed', 'duplicate_uid')
('taken', 'failed', 'username_taken')
('gone', 'failed', 'uid_taken')
('high', 'failed', 'uid_out_of_range')
('home', 'failed', 'invalid_home')
('days', 'failed', 'invalid_row')
(None, 'failed', 'invalid_row')
('noshadow', 'failed', 'no_shadow_entry')
(None, 'failed', 'invalid_row')
(None, 'failed', 'invalid_row')
('good', 'failed', 'duplicate_row')
(None, 'failed', 'invalid_row')
(None, 'failed', 'invalid_row')
('neg', 'skipped', 'no_passwd_entry')
('orphan', 'skipped', 'no_passwd_entry')]
WANT
    diff want out
    [[ $(json 'd["rows"][1]["message"]' <<<"$output") == *"1,000,000 rounds"* ]]
    [[ $(json 'd["rows"][2]["message"]' <<<"$output") == *"256 MiB"* ]]
    [ "$(authctl user list --json | json '[u["username"] for u in d["users"]]')" = "['taken']" ]
    [ "$(authctl audit list --action import.shadow --json | json 'len(d["rows"])')" = 0 ]
    import --skip-bad | outcomes | sed "s/), (/)\n(/g" >out
    diff <(sed 's/not_imported/added/' want) out
    [ "$(authctl user list --json | json 'sorted(u["username"] for u in d["users"])')" = "['good', 'taken', 'twin']" ]
}

@test "files of hashes that others can read, and halves of two hosts, are refused" {
    two_files <<FILES
ann|1001|1001|Ann|/bin/bash|$(hash sha512crypt):19000:0:99999:7:::
FILES
    fails_with 2 authctl import shadow --passwd passwd --json
    fails_with 2 authctl import shadow --shadow shadow --json
    chmod 0644 shadow
    fails_with 5 import
    [ "$(error_code)" = unsafe_file ]
    chmod 0640 shadow
    chmod 0666 passwd
    fails_with 5 import
    [ "$(error_code)" = unsafe_file ]
    chmod 0644 passwd
    chown 65534 shadow
    fails_with 5 import
    chown 0 shadow
    mv shadow s
    fails_with 3 import
    ln -s s shadow
    fails_with 5 import
    rm shadow
    mkfifo -m 0600 shadow
    fails_with 5 import
    rm shadow
    : >shadow
    : >passwd
    fails_with 5 import
    [ "$(error_code)" = invalid_file ]
    [ "$(authctl user list --json | json 'len(d["users"])')" = 0 ]
}

@test "this host's own users: local without --adopt, taken over with it, and given back by release" {
    for n in 1 2 3; do
        useradd -u 400$n -c "Local $n,x" -M -s /bin/bash local$n
    done
    printf 'local1:%s\nlocal2:%s\n' "$(hash sha512crypt)" "$(hash yescrypt)" | chpasswd -e
    usermod -L local2
    cp /etc/shadow before
    fails_with 5 authctl import shadow --json
    [ "$(json '[(r["username"], r["code"]) for r in d["rows"] if r["outcome"] == "failed"]' <<<"$output")" = \
        "[('local1', 'local_user'), ('local2', 'local_user'), ('local3', 'local_user')]" ]
    authctl import shadow --adopt --dry-run --json >dry
    [ "$(json '[r["username"] for r in d["rows"] if r["outcome"] == "would_adopt"]' <dry)" = "['local1', 'local2', 'local3']" ]
    cmp before /etc/shadow

    fails_with 0 authctl import shadow --adopt --json
    [[ $stderr == *"stay local"* ]]
    [ "$(json '[(r["username"], r["status"], r["uid"]) for r in d["rows"] if r["outcome"] == "adopted"]' <<<"$output")" = \
        "[('local1', 'active', 4001), ('local2', 'locked', 4002), ('local3', 'locked', 4003)]" ]
    [ "$(json '{r["code"] for r in d["rows"] if r["outcome"] == "skipped"} <= {"system_account", "no_login_shell"}' <<<"$output")" = True ]
    [ "$(grep -c '^local[123]:!jwtauth!' /etc/shadow)" = 3 ]
    # Nothing else changed.
    diff <(grep -v '^local' before) <(grep -v '^local' /etc/shadow)
    [ "$(user local1 'd["uid"], d["gid"], d["home"], d["shell"], d["name"], d["adopted"]')" = \
        "(4001, 4001, '/home/local1', '/bin/bash', 'Local 1', True)" ]
    authctl -q login local1 --password-stdin <<<"$good" >/dev/null
    fails_with 1 authctl login local2 --password-stdin <<<"$good"
    authctl import shadow --adopt --json | json '{r["outcome"] for r in d["rows"] if r["username"].startswith("local")}' >again
    [ "$(cat again)" = "{'unchanged'}" ]
    for n in 1 2 3; do
        authctl -q user release local$n >/dev/null
    done
    diff before /etc/shadow
}

@test "a foreign file cannot change what a local user's password is" {
    useradd -u 4001 -M -s /bin/bash local1
    printf 'local1:%s\n' "$(hash sha512crypt)" | chpasswd -e
    two_files <<FILES
local1|4001|4001|Evil|/bin/evil|$(hash sha512crypt evil):19000:0:99999:7:::
FILES
    import --adopt >/dev/null
    fails_with 1 authctl login local1 --password-stdin <<<evil
    authctl -q login local1 --password-stdin <<<"$good" >/dev/null
    [ "$(user local1 'd["shell"]')" = /bin/bash ]
    authctl -q user release local1 >/dev/null
    sed -i 's/:4001:4001:/:4002:4002:/' passwd
    fails_with 5 import --adopt
    [ "$(json 'd["rows"][0]["code"]' <<<"$output")" = uid_differs ]
}

@test "when the marks cannot be written nobody is taken over" {
    useradd -u 4001 -M -s /bin/bash local1
    mv /usr/sbin/chpasswd chpasswd || skip "chpasswd cannot be moved here"
    fails_with 8 authctl import shadow --adopt --json
    mv chpasswd /usr/sbin/chpasswd
    [ "$(authctl user list --json | json 'len(d["users"])')" = 0 ]
    [ "$(authctl audit list --action user.adopt_undone --json | json 'len(d["rows"])')" = 1 ]
    if grep -q '!jwtauth!' /etc/shadow; then return 1; fi
    authctl import shadow --adopt --json | json '[r["outcome"] for r in d["rows"] if r["username"] == "local1"]' >out
    [ "$(cat out)" = "['adopted']" ]
}

@test "ten thousand accounts at once, new ones and local ones" {
    field=$(hash sha512crypt):19000:0:99999:7:::
    awk 'BEGIN {for (i = 0; i < 10000; i++) printf "m%d:x:%d:%d:M %d:/home/m%d:/bin/bash\n", i, 10000 + i, 10000 + i, i, i}' >passwd
    awk -v f="$field" 'BEGIN {for (i = 0; i < 10000; i++) printf "m%d:%s\n", i, f}' >shadow
    chmod 0644 passwd
    import >out
    [ "$(json 'len([r for r in d["rows"] if r["outcome"] == "added"])' <out)" = 10000 ]
    authctl -q login m9999 --password-stdin <<<"$good" >/dev/null
    sed 's/^m/n/; s/\/m/\/n/; s/:x:\([0-9]*\):\([0-9]*\)/:x:3\1:3\1/' passwd >>/etc/passwd
    sed 's/^m/n/' shadow >>/etc/shadow
    authctl import shadow --adopt --json >out
    [ "$(json 'len([r for r in d["rows"] if r["outcome"] == "adopted"])' <out)" = 10000 ]
    [ "$(grep -c '^n[0-9]*:!jwtauth!\$6\$' /etc/shadow)" = 10000 ]
    authctl -q login n9999 --password-stdin <<<"$good" >/dev/null
}
