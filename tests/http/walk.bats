#!/usr/bin/env bats
# A person's whole way over both listeners, with the tokens that a real SMTP server receives.
# shellcheck disable=SC2034,SC2154 # port, servers, ca, body: notify.bash, http.bash
. "${BATS_TEST_DIRNAME:-tests/http}/../notify/notify.bash"
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

first=Correct-Horse-42
second=Battery-Staple-9

setup_file() {
    make_ca
    start_provider smtp_server.py --tls starttls --cert "$ca/localhost.crt" --key "$ca/localhost.key"
    make_server "
[email]
provider = smtp
url = smtp://localhost:$port
from = auth@example.org
[registration]
open = yes
verify = email
link_base = https://www.example.org/account
[throttle]
other = 1000/1s
login = 1000/1s
per_source = 1000/1s"
    export tcp port box servers
}

teardown_file() {
    stop_server
    stop_servers
}

# go METHOD PATH [JSON]: over the listener of this walk, with $token where there is one.
go() {
    local method=$1 path=$2
    shift 2
    [ $# = 0 ] || set -- -H 'Content-Type: application/json' -d "$1"
    [ -z "$token" ] || set -- "$@" -H "$(bearer "$token")"
    "$over" "$method" "/api/v1/auth/$path" "$@"
}

# mailed ADDRESS PAGE: the token of the link to that page in the newest message to the address, which the daemon
# sends on its own.
mailed() {
    for _ in $(seq 400); do
        ! python3 - "$box" "$1" "$2" <<'PY' || return 0
import email, email.policy, glob, os, re, sys
box, to, page = sys.argv[1:]
for name in sorted(glob.glob(box + "/*.eml"), key=os.path.getmtime, reverse=True):
    with open(name, "rb") as f:
        m = email.message_from_bytes(f.read(), policy=email.policy.SMTP)
    link = re.search(r"https://www\.example\.org/account/" + page + r"\?token=([\w-]{43})\b",
                     m.get_body(("plain",)).get_content())
    if m["To"] == to and link:
        print(link[1])
        sys.exit(0)
sys.exit(1)
PY
        sleep 0.05
    done
    echo "no message to $1 for $2" >&2
    return 1
}

# told ADDRESS: that it is no longer the account's.
told() {
    for _ in $(seq 400); do
        ! grep -l "^To: <$1>" "$box"/*.eml | xargs grep -q '^Subject: Your address .* was changed' || return 0
        sleep 0.05
    done
    echo "no message to $1 about the change" >&2
    return 1
}

# refused [CODE]: the token of now opens nothing.
refused() {
    go GET profile
    wants 401 "$1" || return
    go GET verify-token
    wants 401 "$1" || return
    go GET sessions
    wants 401 "$1"
}

# give JSON: logs in and keeps what came.
give() {
    token='' go POST login "$1"
    wants 200 || return
    token=$(field 'd["token"]')
    refresh=$(field 'd["refresh_token"]')
}

# walk LISTENER NAME
walk() {
    over=$1
    local name=$2 token='' refresh='' address=$2@example.org
    local verify reset secret used recovery old_token old_refresh

    # register; nothing opens before the address is proven
    go POST register "{\"email\":\"$address\",\"password\":\"$first\",\"name\":\"Walker\"}"
    wants 201
    [ "$(field 'd["user"]["username"], d["user"]["status"], d["user"]["email_verified"]')" = "('$name', 'pending', False)" ]
    go POST login "{\"email\":\"$address\",\"password\":\"$first\"}"
    wants 401 invalid_credentials
    verify=$(mailed "$address" verify-email)
    go POST verify-email "{\"token\":\"${verify%?}$([ "${verify: -1}" = A ] && echo B || echo A)\"}"
    [ "$status" = 401 ]
    go POST verify-email "{\"token\":\"$verify\"}"
    wants 200
    [ "$(field 'd["user"]["status"], d["user"]["email_verified"]')" = "('active', True)" ]

    # log in, and put a second factor in force
    give "{\"email\":\"$address\",\"password\":\"$first\"}"
    old_token=$token old_refresh=$refresh
    go POST totp/enroll "{\"password\":\"$first\"}"
    wants 200
    secret=$(field 'd["secret"]')
    used=$(date +%s)
    go POST totp/confirm "{\"password\":\"$first\",\"code\":\"$(oathtool --totp -b --now "@$used" "$secret")\"}"
    wants 200
    mapfile -t recovery < <(field '"\n".join(d["recovery_codes"])')
    token='' go POST login "{\"email\":\"$address\",\"password\":\"$first\"}"
    wants 401 otp_required
    local otp
    otp=$(oathtool --totp -b --now "@$((used + 30))" "$secret")
    give "{\"email\":\"$address\",\"password\":\"$first\",\"otp\":\"$otp\"}"

    # the profile is read and changed
    go GET profile
    wants 200
    [ "$(field 'd["user"]["email"], d["user"]["name"], d["user"]["mfa"]')" = "('$address', 'Walker', True)" ]
    go PUT profile '{"name":"Walker of both ways","last_name":"Walker"}'
    wants 200
    go GET profile
    [ "$(field 'd["user"]["name"], d["user"]["last_name"]')" = "('Walker of both ways', 'Walker')" ]

    # refresh, then log out: of this session nothing is good any more
    local before=$token before_refresh=$refresh
    token='' go POST refresh "{\"refresh_token\":\"$refresh\"}"
    wants 200
    token=$(field 'd["token"]')
    refresh=$(field 'd["refresh_token"]')
    [ "$token" != "$before" ] && [ "$refresh" != "$before_refresh" ]
    go GET profile
    wants 200
    go POST logout
    wants 200
    [ "$(field 'd["ended"]')" = True ]
    refused session_ended
    token=$before refused session_ended
    for used in "$before_refresh" "$refresh"; do
        token='' go POST refresh "{\"refresh_token\":\"$used\"}"
        [ "$status" = 401 ] || { echo "$body"; return 1; }
    done
    # what was used up before stays used up
    token='' go POST verify-email "{\"token\":\"$verify\"}"
    [ "$status" = 401 ]
    token='' go POST login "{\"email\":\"$address\",\"password\":\"$first\",\"otp\":\"$otp\"}"
    wants 401 invalid_credentials

    # the first login's session is another one, and still good: until the password is reset by mail
    token=$old_token
    go GET profile
    wants 200
    token='' go POST password-reset "{\"email\":\"$address\"}"
    wants 202
    reset=$(mailed "$address" reset-password)
    token='' go POST password-reset-confirm "{\"token\":\"$reset\",\"new_password\":\"short\"}"
    wants 400 weak_password
    token='' go POST password-reset-confirm "{\"token\":\"$reset\",\"new_password\":\"$second\"}"
    wants 200
    refused session_ended
    token='' go POST refresh "{\"refresh_token\":\"$old_refresh\"}"
    [ "$status" = 401 ]
    token='' go POST password-reset-confirm "{\"token\":\"$reset\",\"new_password\":\"$first\"}"
    [ "$status" = 401 ]
    token='' go POST login "{\"email\":\"$address\",\"password\":\"$first\",\"otp\":\"${recovery[0]}\"}"
    wants 401 invalid_credentials
    # R12: a reset leaves the second factor in force
    token='' go POST login "{\"email\":\"$address\",\"password\":\"$second\"}"
    wants 401 otp_required
    give "{\"email\":\"$address\",\"password\":\"$second\",\"otp\":\"${recovery[1]}\"}"

    # the address is changed by what is mailed to the new one; the former is told
    go PUT profile "{\"email\":\"new-$address\",\"password\":\"$second\",\"otp\":\"${recovery[2]}\"}"
    wants 200
    [ "$(field 'd["user"]["email"]')" = "$address" ]
    verify=$(mailed "new-$address" verify-email)
    token='' go POST verify-email "{\"token\":\"$verify\"}"
    wants 200
    [ "$(field 'd["user"]["email"], d["user"]["email_verified"]')" = "('new-$address', True)" ]
    told "$address"
    token='' go POST verify-email "{\"token\":\"$verify\"}"
    [ "$status" = 401 ]
    token='' go POST login "{\"email\":\"$address\",\"password\":\"$second\",\"otp\":\"${recovery[3]}\"}"
    wants 401 invalid_credentials
    give "{\"email\":\"new-$address\",\"password\":\"$second\",\"otp\":\"${recovery[4]}\"}"
    go GET profile
    wants 200
}

@test "over TCP: register, verify, log in, TOTP, profile, refresh, log out, reset, change of address" {
    walk call tina
}

@test "over the Unix socket: the same" {
    walk ucall ursula
}

@test "no token that was mailed and no password is in the daemon's log" {
    run grep -cE "$first|$second|token=[A-Za-z0-9_-]{43}" /run/jwtauthd.log
    [ "$output" = 0 ]
}
