#!/usr/bin/env bats
# Mail through a real SMTP server (aiosmtpd) with TLS and AUTH: what arrives, and what happens when it does not.

setup_file() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/notify.bash"
    make_ca
    export ca
    make_installation "
[registration]
verify = none"
    secret_file smtp.secret 'pass word!'
    authctl -q user add alice --email alice@example.org --password-stdin <<<Tulip-Garten-9x
}

setup() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/notify.bash"
    sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox; DELETE FROM throttle; UPDATE users SET email_verified_at = NULL"
}

teardown() {
    stop_servers
}

tls_server() {
    start_server smtp_server.py --tls starttls --cert "$ca/${cert:-localhost}.crt" --key "$ca/${cert:-localhost}.key" \
        --auth 'mailer:pass word!' "$@"
    mail_by "smtp://localhost:$port"
}

# The command that queues never fails for the provider's sake.
send() {
    run --separate-stderr authctl verify send alice --email --json
    [ "$status" = 0 ]
}

# waits: nothing was delivered, the message is there and has a cause; later it arrives once.
waits() {
    [ "$(mails)" = 0 ]
    [ "$(outbox_state)" = queued ]
    [[ $stderr == *"waits in the outbox"* ]]
    [[ $(outbox_error) == *"$1"* ]] || { outbox_error; return 1; }
    [ "$(authctl outbox list --json | json 'd["messages"][0]["attempts"]')" = 1 ]
    # not before its time
    [ "$(authctl outbox flush --json | json 'd["sent"] + d["failed"]')" = 0 ]
    stop_servers
    cert=localhost tls_server
    authctl outbox retry "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    [ "$(mails)" = 1 ]
    [ "$(outbox_state)" = sent ]
}

@test "a mail arrives over STARTTLS and AUTH, and its token verifies the address" {
    tls_server
    send
    [[ $stderr == *"was sent"* ]]
    [ "$(mails)" = 1 ]
    [ "$(outbox_state)" = sent ]
    [ "$(json 'd["tls"], d["user"], d["from"], d["to"]' <"$box/1.json")" = \
        "(True, 'mailer', 'auth@example.org', ['alice@example.org'])" ]
    [ "$(mail 'str(m["To"])') $(mail 'str(m["From"])')" = "alice@example.org auth@example.org" ]
    [ "$(mail 'm["Subject"]')" = "Confirm your address for https://auth.example.org" ]
    [ "$(mail 'm["Auto-Submitted"]')" = auto-generated ]
    id=$(authctl outbox list --json | json 'd["messages"][0]["id"]')
    [ "$(mail 'm["Message-ID"]')" = "<$id@example.org>" ]
    mail 'm["Date"].datetime.timestamp()' | awk -v now="$(date +%s)" '{exit !($1 <= now && $1 > now - 60)}'
    [ "$(mail 'm.get_content_type()')" = multipart/alternative ]
    token=$(mail 'text()' | grep -oE '^[A-Za-z0-9_-]{43}' | head -1)
    [ "$(mail 'html()' | grep -c "$token")" -ge 1 ]
    # what was sent holds its secret no more
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT vars FROM outbox")" = "" ]
    [ "$(authctl verify confirm "$token" --json | json 'd["email_verified"]')" = True ]
}

@test "implicit TLS delivers too" {
    start_server smtp_server.py --tls implicit --cert "$ca/localhost.crt" --key "$ca/localhost.key" \
        --auth 'mailer:pass word!'
    mail_by "smtps://localhost:$port"
    send
    [ "$(outbox_state)" = sent ] || { outbox_error; false; }
    [ "$(json 'd["tls"], d["user"]' <"$box/1.json")" = "(True, 'mailer')" ]
}
