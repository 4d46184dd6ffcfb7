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
    start_provider smtp_server.py --tls starttls --cert "$ca/${cert:-localhost}.crt" --key "$ca/${cert:-localhost}.key" \
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
    start_provider smtp_server.py --tls implicit --cert "$ca/localhost.crt" --key "$ca/localhost.key" \
        --auth 'mailer:pass word!'
    mail_by "smtps://localhost:$port"
    send
    [ "$(outbox_state)" = sent ] || { outbox_error; false; }
    [ "$(json 'd["tls"], d["user"]' <"$box/1.json")" = "(True, 'mailer')" ]
}

# ---- what fails: the message is neither lost nor doubled ----

@test "a server that is down: the message waits and arrives once" {
    tls_server
    stop_servers
    send
    waits "Couldn't connect"
}

@test "a server that never answers costs the command ten seconds, not the message" {
    start_provider smtp_server.py --silent
    mail_by "smtp://localhost:$port"
    start=$(date +%s)
    send
    [ $(($(date +%s) - start)) -lt 20 ]
    waits "imeout"
}

@test "a temporary refusal (4xx) and a final one (5xx) at MAIL, RCPT and DATA: the message waits" {
    for refusal in mail:451 rcpt:450 rcpt:550 data:452 data:554; do
        sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox"
        tls_server --refuse $refusal
        send
        waits ""
        sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM throttle"
        stop_servers
    done
}

@test "a wrong certificate is refused before the password: other name, self-signed, expired" {
    make_cert other mail.example.net
    make_cert expired localhost -not_before 20200101000000Z -not_after 20200201000000Z ||
        faketime '2020-01-01' openssl x509 -req -in "$ca/expired.csr" -CA "$ca/ca.crt" -CAkey "$ca/ca.key" \
            -CAcreateserial -days 2 -extfile <(echo "subjectAltName=DNS:localhost") -out "$ca/expired.crt"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=localhost" \
        -addext "subjectAltName=DNS:localhost" -keyout "$ca/self.key" -out "$ca/self.crt" 2>/dev/null
    for cert in other expired self; do
        sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM outbox; DELETE FROM throttle"
        cert=$cert tls_server
        send
        [ "$(dialogue STARTTLS)" = 1 ]
        [ "$(dialogue AUTH)" = 0 ]
        [ "$(dialogue MAIL)" = 0 ]
        waits SSL
        stop_servers
    done
}

@test "a server without STARTTLS gets neither password nor message" {
    start_provider smtp_server.py --tls none --auth 'mailer:pass word!'
    mail_by "smtp://localhost:$port"
    send
    [ "$(dialogue AUTH)" = 0 ]
    [ "$(dialogue MAIL)" = 0 ]
    waits SSL
}

@test "starttls = off works to loopback and nowhere else" {
    start_provider smtp_server.py --tls none
    configure "
[email]
provider = smtp
url = smtp://127.0.0.1:$port
from = auth@example.org
starttls = off"
    send
    [ "$(outbox_state)" = sent ] || { outbox_error; false; }
    sed -i 's/127.0.0.1/192.0.2.1/' /etc/jwtauth/jwtauth.conf
    fails_with 8 authctl outbox list
    [[ $stderr == *starttls* ]]
}

@test "a wrong password: the message waits and nobody reads the password in a log" {
    secret_file smtp.secret 'another word'
    tls_server
    send
    [ "$(dialogue MAIL)" = 0 ]
    [[ $stderr != *"another word"* ]]
    secret_file smtp.secret 'pass word!'
    waits "denied"
}

@test "a connection that breaks in the middle of DATA: once more, one message" {
    tls_server --drop
    send
    [ "$(dialogue DROPPED)" = 1 ]
    [ "$(mails)" = 0 ]
    [ "$(outbox_state)" = queued ]
    authctl outbox retry "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    [ "$(mails)" = 1 ]
    [ "$(outbox_state)" = sent ]
    authctl outbox flush
    [ "$(mails)" = 1 ]
}

@test "twenty flushes at the same time send each message once" {
    tls_server --refuse rcpt:450
    for n in $(seq 5); do
        authctl -q user add "user$n" --email "user$n@example.org" --password-stdin <<<Tulip-Garten-9x
        authctl -q verify send "user$n" --email
    done
    stop_servers
    tls_server
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE outbox SET next_attempt_at = 1"
    pids=
    for _ in $(seq 20); do
        authctl -q outbox flush >/dev/null 3>&- &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid"; done
    [ "$(mails)" = 5 ]
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT COUNT(*) FROM outbox WHERE state = 'sent'")" = 5 ]
}

@test "a flush that is killed leaves its message: due again when the lease ends" {
    start_provider smtp_server.py --silent
    mail_by "smtp://localhost:$port"
    authctl -q verify send alice --email 3>&- &
    pid=$!
    for _ in $(seq 200); do
        [ "$(dialogue CONNECT)" = 1 ] && break
        sleep 0.05
    done
    kill -9 $pid
    wait $pid || true
    # taken: nobody else sends it now
    [ "$(authctl outbox flush --json | json 'sum(d.values())')" = 0 ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE outbox SET next_attempt_at = 1, claimed_until = 1"
    stop_servers
    tls_server
    authctl outbox flush
    [ "$(mails)" = 1 ]
    [ "$(outbox_state)" = sent ]
}

@test "each failure is one log line with a masked address, and giving up is an audit event" {
    tls_server --refuse rcpt:550
    send
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE outbox SET next_attempt_at = 1, attempts = 19"
    run --separate-stderr authctl outbox flush --json
    [ "$(json 'd["given_up"]' <<<"$output")" = 1 ]
    [ "$(grep -c 'not delivered' <<<"$stderr")" = 1 ]
    [[ $stderr == *"channel email, provider smtp, template verify_email, to a***@example.org, attempt 20, given up: "* ]]
    [[ $stderr != *alice@* ]]
    [ "$(outbox_state)" = given_up ]
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db \
        "SELECT COUNT(*) FROM audit_log WHERE action = 'outbox.given_up' AND outcome = 'failure'")" = 1 ]
    stop_servers
    tls_server
    authctl outbox retry "$(authctl outbox list --state given_up --json | json 'd["messages"][0]["id"]')"
    [ "$(mails)" = 1 ]
    fails_with 4 authctl outbox retry "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    authctl outbox drop "$(authctl outbox list --json | json 'd["messages"][0]["id"]')"
    [ "$(authctl outbox list --json | json 'd["messages"]')" = "[]" ]
}

# CVE-2024-6923, CVE-2021-23400, CVE-2025-41250, CVE-2026-23829, CVE-2025-59419, CVE-2026-30227, CVE-2023-51764
@test "no value adds a header, a recipient, a line or markup: 1 MAIL, 1 RCPT, 1 DATA, the header count fixed" {
    tls_server
    mkdir -p -m 0755 /etc/jwtauth/templates
    printf 'Subject: {{full_name}}\n\n{{full_name}}\n.\n{{hint}}\n' >/etc/jwtauth/templates/welcome.txt
    printf '<p>{{full_name}}</p>\n' >/etc/jwtauth/templates/welcome.html
    printf 'Subject: {{full_name}}\n.\n{{token}} {{full_name}}\n' >/etc/jwtauth/templates/verify_email.txt
    printf '<p title="{{full_name}}">{{full_name}}</p>\n' >/etc/jwtauth/templates/verify_email.html
    mail_by "smtp://localhost:$port" "templates = /etc/jwtauth/templates"
    n=0
    for value in 'Bcc: x@example.net' $'a\r\nBcc: x@example.net\r\n\r\nbody' $'a\nRCPT TO:<x@example.net>' \
        $'.\r\nMAIL FROM:<x@example.net>\r\n.' '=?utf-8?q?=0D=0ABcc:_x@example.net?=' 'x@example.net,y@example.net' \
        $'a\xe2\x80\xa8Bcc: x' $'a\xe2\x80\xaetxt' '"><script>alert(1)</script>' "'&<b>" 'Żółć Ångström 漢字 ünïcödé'; do
        # past every check of our own
        sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM throttle; UPDATE users SET full_name = CAST(x'$(
            printf %s "$value" | od -An -v -tx1 | tr -d ' \n')' AS TEXT) WHERE username = 'alice'"
        send
        n=$((n + 1))
        [ "$(mails)" = $n ] || { outbox_error; false; }
        [ "$(dialogue MAIL) $(dialogue RCPT) $(dialogue DATA)" = "$n $n $n" ]
        [ "$(mail '" ".join(sorted(m.keys()))' $n)" = \
            "Auto-Submitted Content-Type Date From Message-ID Mime-Version Subject To" ] || { mail 'sorted(m.keys())' $n; false; }
        [ "$(mail 'str(m["To"])' $n)" = alice@example.org ]
        # a dot alone is a line like any other, and no value made one more
        [ "$(mail 'len(text().splitlines()), text().splitlines()[0]' $n)" = "(2, '.')" ] || { mail 'text()' $n; false; }
        [ "$(mail 'html().count("<")' $n)" = 2 ]
        [ "$(mail 'html().count(chr(34))' $n)" = 2 ]
        [ "$(mail 'any(ord(c) < 32 for c in m["Subject"])' $n)" = False ]
    done
    # the last one came as it was written
    [ "$(mail 'm["Subject"]' $n)" = "Żółć Ångström 漢字 ünïcödé" ]
    [ "$(awk '{ if (length($0) > 998) exit 1 }' "$box/$n.eml" && echo short)" = short ] # RFC 5322, section 2.1.1
    rm -r /etc/jwtauth/templates
}
