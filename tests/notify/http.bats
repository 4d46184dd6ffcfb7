#!/usr/bin/env bats
# SMS by a Twilio-compatible service and webhooks, by a real HTTPS server; and what must never leave (R26).

setup_file() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/notify.bash"
    make_ca
    export ca
    make_installation
    secret_file sms.secret 'account & token'
    secret_file hook.secret 'hook secret'
    authctl -q user add alice --email alice@example.org --phone +4930123456 --password-stdin <<<Tulip-Garten-9x
}

setup() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/notify.bash"
    configure ""
    sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox; DELETE FROM throttle"
}

teardown() {
    stop_servers
}

https_server() {
    start_provider http_server.py --cert "$ca/${cert:-localhost}.crt" --key "$ca/${cert:-localhost}.key" "$@"
}

twilio_by() {
    configure "
[sms]
provider = twilio
url = $1
account = AC0123
token_file = /etc/jwtauth/sms.secret
from = +15550100"
}

hook_by() {
    configure "
[email]
provider = webhook
url = $1
password_file = /etc/jwtauth/hook.secret
from = auth@example.org"
}

send() {
    run --separate-stderr authctl verify send alice "$1" --json
    [ "$status" = 0 ]
}

requests() { find "$box" -name '*.json' | wc -l; }
# request EXPRESSION: over r, the newest request; headers() gives them by lower-case name.
request() {
    python3 -c '
import base64, hashlib, hmac, json, sys, urllib.parse
r = json.load(open(sys.argv[2]))
headers = {k.lower(): v for k, v in r["headers"]}
print(eval(sys.argv[1]))' "$1" "$box/$(requests).json"
}

@test "an SMS goes out as Twilio's form, and its code verifies the number" {
    https_server --status 201
    twilio_by "https://localhost:$port"
    send --phone
    [ "$(outbox_state)" = sent ] || { outbox_error; false; }
    [ "$(request 'r["method"], r["path"]')" = "('POST', '/2010-04-01/Accounts/AC0123/Messages.json')" ]
    [ "$(request 'base64.b64decode(headers["authorization"].split()[1])')" = "b'AC0123:account & token'" ]
    [ "$(request 'sorted(urllib.parse.parse_qs(r["body"], strict_parsing=True))')" = "['Body', 'From', 'To']" ]
    [ "$(request 'urllib.parse.parse_qs(r["body"])["To"]')" = "['+4930123456']" ]
    id=$(authctl outbox list --json | json 'd["messages"][0]["id"]')
    [ "$(request 'headers["idempotency-key"]')" = "$id" ]
    code=$(request 'urllib.parse.parse_qs(r["body"])["Body"][0]' | grep -oE '\b[0-9]{6}\b' | head -1)
    [ "$(authctl verify confirm alice "$code" --json | json 'd["phone_verified"]')" = True ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET phone_verified_at = NULL"
}

@test "a webhook gets JSON with a signature over timestamp and body" {
    https_server
    hook_by "https://localhost:$port/hook?x=1"
    send --email
    [ "$(outbox_state)" = sent ] || { outbox_error; false; }
    [ "$(request 'r["method"], r["path"], headers["content-type"]')" = "('POST', '/hook?x=1', 'application/json')" ]
    [ "$(request 'headers["jwtauth-signature"] == "v1=" + hmac.new(b"hook secret",
        (headers["jwtauth-timestamp"] + "." + r["body"]).encode(), hashlib.sha256).hexdigest()')" = True ]
    [ "$(request 'sorted(json.loads(r["body"]))')" = \
        "['channel', 'from', 'html', 'id', 'subject', 'template', 'text', 'to']" ]
    [ "$(request 'json.loads(r["body"])["to"], json.loads(r["body"])["id"] == headers["idempotency-key"]')" = \
        "('alice@example.org', True)" ]
    # a changed body does not fit its signature
    [ "$(request 'headers["jwtauth-signature"] == "v1=" + hmac.new(b"hook secret",
        (headers["jwtauth-timestamp"] + "." + r["body"].replace("alice", "mallory")).encode(),
        hashlib.sha256).hexdigest()')" = False ]
}

@test "a refusal, an error or a server that is down: the message waits and arrives once" {
    for answer in 400 401 404 429 500 503; do
        sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox; DELETE FROM throttle"
        https_server --status $answer
        hook_by "https://localhost:$port/"
        send --email
        [ "$(outbox_state)" = queued ]
        [[ $(outbox_error) == *$answer* ]] || { outbox_error; false; }
        stop_servers
    done
    authctl outbox retry "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    [ "$(outbox_state)" = queued ] # down
    https_server
    hook_by "https://localhost:$port/"
    authctl outbox retry "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    [ "$(outbox_state)" = sent ]
    [ "$(requests)" = 1 ]
}

# R26: no secret goes to another host, no proxy or netrc of the environment counts.
# CVE-2022-27774, CVE-2024-11053, CVE-2025-0167, CVE-2023-38545; CVE-2025-64522, CVE-2024-52588, CVE-2024-41664
@test "a redirect is not followed, and proxy, netrc and key log of the environment do not rule" {
    https_server
    other=$box
    target="https://localhost:$port/stolen"
    https_server --redirect "$target"
    hook_by "https://localhost:$port/"
    printf 'machine localhost login thief password thief\n' >/root/.netrc
    chmod 600 /root/.netrc
    https_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 all_proxy=socks5://127.0.0.1:1 NETRC=/root/.netrc \
        SSLKEYLOGFILE=$BATS_TEST_TMPDIR/keys send --email
    [ "$(requests)" = 1 ] # here, not at the proxy
    [ "$(find "$other" -name '*.json' | wc -l)" = 0 ]
    [ "$(outbox_state)" = queued ]
    [[ $(outbox_error) == *302* ]] || { outbox_error; false; }
    [ "$(request '"authorization" in headers')" = False ]
    [ ! -e "$BATS_TEST_TMPDIR/keys" ]
    rm /root/.netrc
}

@test "R26 a certificate that does not fit, or no TLS at all: nothing is sent" {
    make_cert wrong other.example.org
    cert=wrong https_server
    hook_by "https://localhost:$port/"
    send --email
    [ "$(requests)" = 0 ]
    [ "$(outbox_state)" = queued ]
    start_provider http_server.py --plain
    sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox; DELETE FROM throttle"
    hook_by "https://localhost:$port/"
    send --email
    [ "$(requests)" = 0 ]
    hook_by "http://hook.example.org/"
    fails_with 8 authctl outbox list
}

@test "R26 an answer without end is cut, and does not fill memory" {
    without_sanitizers
    https_server --big 50000000
    hook_by "https://localhost:$port/"
    run /usr/bin/time -f %M authctl -q verify send alice --email
    [ "$status" = 0 ]
    [ "${lines[-1]}" -lt 40000 ] || { echo "$output"; false; }
    [ "$(outbox_state)" = queued ] || [ "$(outbox_state)" = sent ]
}

@test "a command gets the message as JSON, without a shell, environment or rights" {
    getent passwd jwtauth-notify >/dev/null || useradd --system --no-create-home jwtauth-notify
    install -d -m 0777 /run/jwtauth-test-hook
    install -d -m 0755 /usr/local/lib/jwtauth-test
    printf '#!/bin/sh\ncat >/run/jwtauth-test-hook/in; id -u >/run/jwtauth-test-hook/id; env >/run/jwtauth-test-hook/env\nls /proc/self/fd >/run/jwtauth-test-hook/fds\n' \
        >/usr/local/lib/jwtauth-test/hook
    chmod 0755 /usr/local/lib/jwtauth-test/hook
    configure "
[email]
provider = command
url = /usr/local/lib/jwtauth-test/hook
from = auth@example.org"
    SECRET_OF_ROOT=1 send --email
    [ "$(outbox_state)" = sent ] || { outbox_error; false; }
    [ "$(json 'd["to"], d["channel"]' </run/jwtauth-test-hook/in)" = "('alice@example.org', 'email')" ]
    [ "$(cat /run/jwtauth-test-hook/id)" = "$(id -u jwtauth-notify)" ]
    run grep -c SECRET_OF_ROOT /run/jwtauth-test-hook/env
    [ "$output" = 0 ]
    # others may not write it: refused, and the message waits
    chmod 0777 /usr/local/lib/jwtauth-test/hook
    sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox; DELETE FROM throttle"
    send --email
    [ "$(outbox_state)" = queued ]
    [[ $(outbox_error) == *chmod* ]] || { outbox_error; false; }
    printf '#!/bin/sh\nexit 3\n' >/usr/local/lib/jwtauth-test/hook
    chmod 0755 /usr/local/lib/jwtauth-test/hook
    authctl outbox retry "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    [ "$(outbox_state)" = queued ]
}

@test "doctor names what waits too long, and a provider that cannot work" {
    hook_by "https://localhost:1/"
    send --email
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE outbox SET next_attempt_at = 1, created_at = 1"
    run authctl doctor --json
    [ "$(json '[f["level"] for f in d["findings"] if "outbox" in f["check"] or "outbox" in f["finding"]][0] != "ok"' <<<"$output")" = True ]
    chmod 0644 /etc/jwtauth/hook.secret
    run authctl doctor --json
    [[ $output == *hook.secret* ]]
    chmod 0600 /etc/jwtauth/hook.secret
}
