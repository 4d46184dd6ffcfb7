#!/usr/bin/env bats
# Moving in: second factors and accounts of other systems, with what people have.

good=Tulip-Garten-9x

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "
[throttle]
delay_base = 0
login = 1000/1m
per_source = 1000/1m
per_user = 1000/1m"
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
