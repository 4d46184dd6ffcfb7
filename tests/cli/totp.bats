#!/usr/bin/env bats
# Second factors: totp enroll, confirm, status, disable; recovery-codes (SECURITY R9, R11, R12).

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    tty="$BATS_TEST_DIRNAME/../support/on-tty.exp"
    authctl -q user delete alice -y >/dev/null 2>&1 || true
    authctl -q user add alice --password-stdin <<<"$good" >/dev/null
}

good=Correct-Horse-42

# code SECRET [STEPS [ALGORITHM [DIGITS]]]: by RFC 6238 and not by liboath.
code() {
    python3 - "$1" "${2:-0}" "${3:-sha1}" "${4:-6}" <<'PY'
import base64, hmac, struct, sys, time
key = base64.b32decode(sys.argv[1])
step = int(time.time()) // 30 + int(sys.argv[2])
mac = hmac.new(key, struct.pack(">Q", step), sys.argv[3]).digest()
at = mac[-1] & 15
value = struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff
print(str(value % 10 ** int(sys.argv[4])).zfill(int(sys.argv[4])))
PY
}

# Away from the end of a step, so that what is computed now still holds a moment later.
settled() {
    while [ $(($(date +%s) % 30)) -gt 25 ]; do
        sleep 1
    done
}

enroll() {
    authctl totp enroll alice --json "$@" 2>/dev/null | json 'd["secret"]'
}

# enrolled: enrols and confirms alice; leaves the secret in $secret, the recovery codes in $codes.
enrolled() {
    settled
    secret=$(enroll)
    codes=$(code "$secret" -1 | authctl -q totp confirm alice -)
}

state() {
    authctl totp status alice --json | json 'd["state"]'
}

@test "enroll, confirm, login with a code: each code once (R11, R12)" {
    settled
    run --separate-stderr authctl totp enroll alice --json
    [ "$status" = 0 ]
    secret=$(json 'd["secret"]' <<<"$output")
    [ "${#secret}" = 32 ]
    [ "$(json 'd["uri"]' <<<"$output")" = \
        "otpauth://totp/auth.example.org:alice?secret=$secret&issuer=auth.example.org&algorithm=SHA1&digits=6&period=30" ]
    [ "$(state)" = unconfirmed ]
    authctl -q login alice --password-stdin <<<"$good" >/dev/null

    run --separate-stderr authctl totp confirm alice "$(code "$secret" -1)"
    [ "$status" = 0 ]
    [ "$(wc -l <<<"$output")" = 10 ]
    [[ $output =~ ^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4} ]]
    [ "$(state)" = confirmed ]
    [ "$(authctl user show alice --json | json 'd["mfa"]')" = True ]

    fails_with 1 authctl login alice --password-stdin --otp "$(code "$secret" -1)" <<<"$good"
    authctl -q login alice --password-stdin --otp "$(code "$secret")" <<<"$good" >/dev/null
    fails_with 1 authctl login alice --password-stdin --otp "$(code "$secret")" <<<"$good"
}

@test "enroll: every algorithm and length" {
    for algorithm in SHA1 SHA256 SHA512; do
        for digits in 6 8; do
            settled
            secret=$(enroll --algorithm "$algorithm" --digits "$digits")
            fails_with 1 authctl totp confirm alice "$(code "$secret" -3 "${algorithm,,}" "$digits")"
            authctl -q totp confirm alice "$(code "$secret" 0 "${algorithm,,}" "$digits")" >/dev/null
            [ "$(authctl totp status alice --json | json 'd["algorithm"], d["digits"], d["period"]')" = \
                "('$algorithm', $digits, 30)" ]
            authctl -q totp disable alice
        done
    done
    fails_with 5 authctl totp enroll alice --algorithm MD5
    fails_with 5 authctl totp enroll alice --algorithm sha1
    fails_with 5 authctl totp enroll alice --digits 7
    fails_with 5 authctl totp enroll alice --digits 9
    fails_with 5 authctl totp enroll alice --digits x
}

@test "enroll again: replaces what is not confirmed, never what is in force" {
    settled
    first=$(enroll)
    second=$(enroll)
    [ "$first" != "$second" ]
    fails_with 1 authctl totp confirm alice "$(code "$first")"
    authctl -q totp confirm alice "$(code "$second")" >/dev/null
    fails_with 4 authctl totp enroll alice --json
    [ "$(error_code)" = totp_exists ]
    fails_with 4 authctl totp confirm alice "$(code "$second" 1)"
    [ "$(state)" = confirmed ]
}

@test "confirm: malformed and wrong codes: exit 1, then exit 7, nothing is in force (R9)" {
    settled
    secret=$(enroll)
    for bad in "" 12345 1234567 abcdef "１２３４５６"; do
        fails_with 1 authctl totp confirm alice -- "$bad"
    done
    fails_with 7 authctl totp confirm alice "$(code "$secret")" --json
    [ "$(error_code)" = too_many_attempts ]
    [ "$(state)" = unconfirmed ]
    fails_with 3 authctl totp confirm nosuch 123456
    fails_with 2 authctl totp confirm
}

@test "confirm: the code from standard input, by - or by leaving it out" {
    settled
    secret=$(enroll)
    code "$secret" | authctl -q totp confirm alice >/dev/null
    [ "$(state)" = confirmed ]
    fails_with 5 authctl totp confirm alice - < <(head -c 100000 /dev/zero | tr '\0' 1)
}

@test "confirm --json: the recovery codes as an array" {
    settled
    secret=$(enroll)
    [ "$(authctl -q totp confirm alice "$(code "$secret")" --json | json 'len(d["recovery_codes"]), len(set(d["recovery_codes"]))')" = "(10, 10)" ]
}

@test "status: keys, and no secret in it" {
    [ "$(authctl totp status alice --json | json '" ".join(sorted(d))')" = \
        "algorithm confirmed_at created_at digits period recovery_codes_left state user" ]
    [ "$(state)" = none ]
    enrolled
    run authctl totp status alice
    [[ $output != *"$secret"* ]]
    [[ $output == *confirmed* ]]
    [ "$(authctl totp status alice --json | json 'd["recovery_codes_left"]')" = 10 ]
    fails_with 3 authctl totp status nosuch
}

@test "disable: the second factor and the recovery codes are gone" {
    fails_with 3 authctl totp disable alice
    enrolled
    authctl -q totp disable alice
    [ "$(state)" = none ]
    [ "$(authctl recovery-codes status alice --json | json 'd["total"]')" = 0 ]
    authctl -q login alice --password-stdin <<<"$good" >/dev/null
    fails_with 3 authctl totp disable nosuch
}

@test "a recovery code in place of a code, once, in any letter case" {
    enrolled
    one=$(head -1 <<<"$codes")
    lower=$(sed -n 2p <<<"$codes" | tr -d - | tr '[:upper:]' '[:lower:]')
    authctl -q login alice --password-stdin --otp "$one" <<<"$good" >/dev/null
    fails_with 1 authctl login alice --password-stdin --otp "$one" <<<"$good"
    authctl -q login alice --password-stdin --otp "$lower" <<<"$good" >/dev/null
    [ "$(authctl recovery-codes status alice --json)" = '{"user":"alice","left":8,"total":10}' ]
}

@test "recovery-codes regenerate: the former ones are void" {
    fails_with 3 authctl recovery-codes regenerate alice
    enroll >/dev/null
    fails_with 4 authctl recovery-codes regenerate alice
    enrolled
    new=$(authctl -q recovery-codes regenerate alice)
    fails_with 1 authctl login alice --password-stdin --otp "$(head -1 <<<"$codes")" <<<"$good"
    authctl -q login alice --password-stdin --otp "$(head -1 <<<"$new")" <<<"$good" >/dev/null
    fails_with 3 authctl recovery-codes regenerate nosuch
    fails_with 3 authctl recovery-codes status nosuch
}

@test "parallel logins with one code: exactly one wins (R11)" {
    enrolled
    now=$(code "$secret")
    for i in 1 2 3 4 5 6; do
        (printf '%s\n' "$good" | authctl -q login alice --password-stdin --otp "$now" >/dev/null 2>&1 &&
            touch "$BATS_TEST_TMPDIR/won.$i" || true) &
    done
    wait
    [ "$(find "$BATS_TEST_TMPDIR" -name 'won.*' | wc -l)" = 1 ]
}

@test "the QR code: on a UTF-8 terminal only; colour unless NO_COLOR" {
    run --separate-stderr env LC_ALL=C.UTF-8 authctl totp enroll alice
    [ "$(wc -l <<<"$output")" = 1 ]
    cat >"$BATS_TEST_TMPDIR/steps" </dev/null
    LC_ALL=C.UTF-8 NO_COLOR=1 run "$tty" "$BATS_TEST_TMPDIR/steps" authctl -q totp enroll alice
    [[ $output == *█* ]]
    [[ $output == *otpauth://totp/* ]]
    [[ $output != *$'\033['* ]]
    LC_ALL=C.UTF-8 run "$tty" "$BATS_TEST_TMPDIR/steps" authctl -q totp enroll alice
    [[ $output == *$'\033[40;97m'* ]]
    LC_ALL=C run "$tty" "$BATS_TEST_TMPDIR/steps" authctl -q totp enroll alice
    [[ $output != *█* ]]
    [[ $output == *otpauth://totp/* ]]
}

@test "no secret is in the store as it is shown (R29)" {
    enrolled
    python3 - "$secret" "$codes" <<'PY'
import base64, pathlib, sys
data = b"".join(p.read_bytes() for p in pathlib.Path("/var/lib/jwtauth").rglob("*") if p.is_file())
secret, codes = sys.argv[1], sys.argv[2].split()
assert secret.encode() not in data and base64.b32decode(secret) not in data
for c in codes:
    assert c.encode() not in data and c.replace("-", "").encode() not in data
PY
}
