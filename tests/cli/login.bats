# login, logout, whoami.

load ../support/cli.bash

password='Right-Horse-7-Battery'

setup() {
    make_installation '[throttle]
login = 3/15m'
    printf '%s\n' "$password" | authctl -q user add alice --email alice@example.org --password-stdin >/dev/null
}

# login_as NAME PASSWORD OPTION...: with the password on standard input.
login_as() {
    local name=$1 pw=$2
    shift 2
    printf '%s\n' "$pw" | authctl login "$name" --password-stdin "$@"
}

@test "login prints the access token alone; --json has exactly the documented keys" {
    login_as alice "$password" >"$BATS_TEST_TMPDIR/token"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/token")" = 1 ]
    authctl -q token verify - <"$BATS_TEST_TMPDIR/token" >/dev/null
    login_as alice "$password" --json >"$BATS_TEST_TMPDIR/doc"
    [ "$(json 'sorted(d)' <"$BATS_TEST_TMPDIR/doc")" = \
        "['access_token', 'expires_in', 'refresh_token', 'session_id', 'token_type', 'user']" ]
    [ "$(json '(d["token_type"], d["expires_in"], d["user"]["username"])' <"$BATS_TEST_TMPDIR/doc")" = "('Bearer', 900, 'alice')" ]
}

@test "an email address is a name; --audience goes into the token" {
    login_as ' Alice@Example.org' "$password" --audience billing >"$BATS_TEST_TMPDIR/token"
    [ "$(authctl -q token verify --audience billing --json - <"$BATS_TEST_TMPDIR/token" | json 'd["aud"]')" = billing ]
    fails_with 1 authctl token verify - <"$BATS_TEST_TMPDIR/token"
}

@test "wrong, unknown, locked: one same text, exit 1" {
    authctl -q user add bob >/dev/null # no password
    printf '%s\n' "$password" | authctl -q user add lena --password-stdin >/dev/null
    authctl -q user lock lena >/dev/null
    texts=
    for who in alice:wrong nobody:wrong bob:wrong "lena:$password" 'x y:wrong'; do
        fails_with 1 login_as "${who%%:*}" "${who#*:}"
        [ -z "$output" ]
        # shellcheck disable=SC2154
        texts=$texts$stderr$'\n'
    done
    [ "$(printf '%s' "$texts" | sort -u | wc -l)" = 1 ]
    fails_with 1 login_as alice wrong --json
    [ "$(printf '%s' "$output" | json 'd["code"]')" = invalid_credentials ]
}

@test "past the limit: exit 7 with retry_after, for the right password too" {
    for _ in 1 2 3; do
        fails_with 1 login_as alice wrong
    done
    fails_with 7 login_as alice "$password" --json
    [ "$(error_code)" = too_many_attempts ]
    [ "$(printf '%s' "$stderr" | json '0 < d["error"]["retry_after"] <= 900')" = True ]
}

@test "second factor: --otp, --otp-stdin, a code counts once, none is a no" {
    secret=$(authctl --json totp enroll alice | json 'd["secret"]')
    # an earlier step confirms, so that the present one is left for the login
    authctl -q totp confirm alice "$(oathtool --totp -b "$secret" --now '-30 seconds')" >"$BATS_TEST_TMPDIR/codes"
    fails_with 1 login_as alice "$password" --json
    [ "$(printf '%s' "$output" | json 'd["code"]')" = otp_required ]
    code=$(oathtool --totp -b "$secret")
    login_as alice "$password" --otp "$code" >/dev/null
    fails_with 1 login_as alice "$password" --otp "$code"
    recovery=$(head -n 1 "$BATS_TEST_TMPDIR/codes")
    printf '%s\n%s\n' "$password" "$recovery" | authctl login alice --password-stdin --otp-stdin >/dev/null
    again() { printf '%s\n%s\n' "$password" "$recovery" | authctl login alice --password-stdin --otp-stdin; }
    fails_with 1 again
}

@test "a password that has to be changed gives no token" {
    authctl -q password expire alice >/dev/null
    fails_with 1 login_as alice "$password" --json
    [ "$(printf '%s' "$output" | json 'd["code"]')" = password_change_required ]
    printf '%s\nFresh-Horse-8-Battery\n' "$password" | authctl -q password change alice --password-stdin >/dev/null
    login_as alice Fresh-Horse-8-Battery >/dev/null
}

@test "logout by access token, refresh token and session id ends the session" {
    for by in access_token refresh_token session_id; do
        login_as alice "$password" --json >"$BATS_TEST_TMPDIR/doc"
        value=$(json "d[\"$by\"]" <"$BATS_TEST_TMPDIR/doc")
        if [ $by = session_id ]; then
            authctl logout --session "$value"
        else
            printf '%s\n' "$value" | authctl logout --token-stdin
        fi
        json 'd["access_token"]' <"$BATS_TEST_TMPDIR/doc" >"$BATS_TEST_TMPDIR/token"
        fails_with 1 authctl token verify - <"$BATS_TEST_TMPDIR/token"
        [[ $stderr == *session_ended* ]]
        refresh() { json 'd["refresh_token"]' <"$BATS_TEST_TMPDIR/doc" | authctl token refresh --refresh-token-stdin; }
        fails_with 1 refresh
    done
    fails_with 2 authctl logout
    fails_with 3 authctl logout --session 018f0000-0000-7000-8000-000000000000
}

@test "whoami says who the caller is" {
    [ "$(authctl whoami --json | json '(d["uid"], d["username"], d["user"])')" = "(0, 'root', None)" ]
    fails_with 7 as_nobody authctl whoami
}

@test "no secret is an argument" {
    fails_with 2 authctl login alice --password "$password"
    fails_with 2 authctl login alice "$password"
}
