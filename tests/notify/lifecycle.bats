#!/usr/bin/env bats
# From registration to recovery, by the messages that people receive: a real SMTP server, and SMS by a local command.
# shellcheck disable=SC2034 # box, port: notify.bash

secret=Tulip-Garten-9x
other=Neue-Tulpen-77

setup_file() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/notify.bash"
    make_ca
    export ca
}

setup() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/notify.bash"
    make_installation
    secret_file smtp.secret 'pass word!'
    start_provider smtp_server.py --tls starttls --cert "$ca/localhost.crt" --key "$ca/localhost.key" \
        --auth 'mailer:pass word!'
    # the command runs as an account without rights
    getent passwd jwtauth-notify >/dev/null || useradd --system --no-create-home jwtauth-notify
    sms=/run/jwtauth-test-sms
    rm -rf $sms
    install -d -m 0777 $sms
    install -d -m 0755 /usr/local/lib/jwtauth-test
    printf '#!/bin/sh\nn=$(ls %s | wc -l); cat >%s/$((n + 1)).new; mv %s/$((n + 1)).new %s/$((n + 1)).txt\n' \
        $sms $sms $sms $sms >/usr/local/lib/jwtauth-test/sms
    chmod 0755 /usr/local/lib/jwtauth-test/sms
    policy email
}

teardown() {
    stop_servers
}

# policy VERIFY: what a registered user must verify; mail and SMS go out.
policy() {
    mail_by "smtp://localhost:$port" "
[sms]
provider = command
url = /usr/local/lib/jwtauth-test/sms

[registration]
open = yes
link_base = https://www.example.org/account
verify = $1"
}

# newest FOLDER SUFFIX: the newest message there, waiting for one that is sent in the background.
newest() {
    local n=0
    authctl -q outbox flush >/dev/null # whatever a process in the background did not get to
    for _ in $(seq 200); do
        n=$(find "$1" -name "*.$2" | wc -l)
        [ "$n" -ge "${want:-1}" ] && break
        sleep 0.05
    done
    [ "$n" -ge "${want:-1}" ] && echo "$n"
}

# The token in the newest mail, the code in the newest SMS.
token() { mail 'next(w for w in text().split() if len(w) == 43)' "$(newest "$box" eml)"; }
code() { grep -oE '\b[0-9]{6}\b' "$sms/$(newest "$sms" txt).txt" | head -1; }

status_of() { authctl user show "$1" --json | json 'd["status"]'; }
can_log_in() { authctl -q login "$1" --password-stdin <<<"$2" >/dev/null 2>&1; }

@test "register, verify by the mailed token, log in" {
    authctl -q register --username dave --email dave@example.org --password-stdin <<<"$secret" >/dev/null
    [ "$(status_of dave)" = pending ]
    run can_log_in dave "$secret"
    [ "$status" != 0 ]
    t=$(token)
    [ "$(mail 'm["To"], m["Auto-Submitted"]')" = "('dave@example.org', 'auto-generated')" ]
    [ "$(mail "'https://www.example.org/account/verify-email?token=$t' in text()")" = True ]
    authctl -q verify confirm - <<<"$t" >/dev/null
    [ "$(status_of dave)" = active ]
    can_log_in dave "$secret"
    fails_with 1 authctl verify confirm - --json <<<"$t"
    want=2 newest "$box" eml >/dev/null
    [ "$(mail 'm["Subject"]' 2)" != "$(mail 'm["Subject"]' 1)" ] # the welcome
}

@test "register by phone alone: code by SMS, active, logs in" {
    policy phone
    authctl -q register --username dave --phone '+49 30 123456' --password-stdin <<<"$secret" >/dev/null
    c=$(code)
    fails_with 1 authctl verify confirm dave - --json <<<"$([ "$c" = 000000 ] && echo 111111 || echo 000000)"
    [ "$(json 'd["code"]' <<<"$output")" = invalid_code ]
    authctl -q verify confirm dave - <<<"$c" >/dev/null
    [ "$(status_of dave)" = active ]
    can_log_in dave "$secret"
}

@test "sending again voids the former token" {
    authctl -q register --username dave --email dave@example.org --password-stdin <<<"$secret" >/dev/null
    first=$(token)
    authctl -q verify send dave --email >/dev/null
    second=$(want=2 token)
    [ "$first" != "$second" ]
    fails_with 1 authctl verify confirm - <<<"$first"
    authctl -q verify confirm - <<<"$second" >/dev/null
    [ "$(status_of dave)" = active ]
}

# An account whose address is verified.
verified() {
    authctl -q user add "$1" --email "$1@example.org" --phone "$2" --password-stdin <<<"$secret" >/dev/null
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET email_verified_at = 1, phone_verified_at = 1
        WHERE username = '$1'"
}

@test "a forgotten password is reset by mail: sessions end, the owner is told" {
    verified alice +4930111111
    session=$(authctl -q login alice --password-stdin --json <<<"$secret" | json 'd["access_token"]')
    run --separate-stderr authctl password request-reset alice@example.org --json
    [ "$status" = 0 ]
    known=$output
    run --separate-stderr authctl password request-reset nobody@example.org --json
    [ "$status" = 0 ]
    [ "$output" = "$known" ]
    t=$(token)
    fails_with 5 authctl password reset --token-stdin --password-stdin --json <<<"$t"$'\n'short
    authctl -q password reset --token-stdin --password-stdin <<<"$t"$'\n'"$other"
    can_log_in alice "$other"
    run can_log_in alice "$secret"
    [ "$status" != 0 ]
    fails_with 1 authctl token verify - <<<"$session"
    fails_with 1 authctl password reset --token-stdin --password-stdin <<<"$t"$'\n'"$secret-2"
    want=2 newest "$box" eml >/dev/null
    [ "$(mail 'm["To"]' 2)" = alice@example.org ]
}

@test "a forgotten password is reset by SMS" {
    verified alice +4930111111
    authctl -q password request-reset +4930111111 --by sms
    c=$(code)
    fails_with 1 authctl password reset nobody --code-stdin --password-stdin <<<"$other"$'\n'"$c"
    authctl -q password reset alice --code-stdin --password-stdin <<<"$other"$'\n'"$c"
    can_log_in alice "$other"
}

# CVE-2017-8295, CVE-2019-19844: neither the environment nor what was typed says where a link or a message goes.
@test "a reset goes to the stored address alone, with the configured link" {
    verified alice +4930111111
    HTTP_HOST=evil.example.com HOSTNAME=evil.example.com \
        authctl -q password request-reset ' ALICE@EXAMPLE.ORG'
    t=$(token)
    [ "$(mail 'm["To"]')" = alice@example.org ]
    [ "$(json 'd["to"]' <"$box/1.json")" = "['alice@example.org']" ]
    [ "$(mail "'https://www.example.org/account/reset-password?token=$t' in text() and 'evil' not in text() + html()")" = True ]
}

@test "an invited person sets the first password with what was mailed" {
    authctl -q user add erin --email erin@example.org --invite >/dev/null
    [ "$(status_of erin)" = pending ]
    authctl -q password reset --token-stdin --password-stdin <<<"$(token)"$'\n'"$other"
    [ "$(status_of erin)" = active ]
    [ "$(authctl user show erin --json | json 'd["email_verified"]')" = True ]
    can_log_in erin "$other"
}

@test "an invitation to a phone is a code" {
    authctl -q user add erin --phone +4930222222 --invite >/dev/null
    authctl -q password reset erin --code-stdin --password-stdin <<<"$other"$'\n'"$(code)"
    can_log_in erin "$other"
}

@test "a changed address counts once it is verified, and the old one is told" {
    verified alice +4930111111
    authctl -q profile set --user alice --email new@example.org >/dev/null
    [ "$(authctl user show alice --json | json 'd["email"]')" = alice@example.org ]
    t=$(token)
    [ "$(mail 'm["To"]')" = new@example.org ]
    authctl -q verify confirm - <<<"$t" >/dev/null
    [ "$(authctl user show alice --json | json 'd["email"], d["email_verified"]')" = "('new@example.org', True)" ]
    want=2 newest "$box" eml >/dev/null
    [ "$(mail 'm["To"]' 2)" = alice@example.org ]
}

@test "a second factor that an administrator takes away is told to its owner" {
    verified alice +4930111111
    totp=$(authctl -q totp enroll alice --json | json 'd["secret"]')
    authctl -q totp confirm alice "$(oathtool --totp -b "$totp")" >/dev/null
    authctl -q totp disable alice
    authctl -q outbox flush
    n=$(newest "$box" eml)
    [ "$(mail 'm["To"]' "$n")" = alice@example.org ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT actor FROM audit_log WHERE action = 'totp.disable'" | grep -qx root
}

@test "a login from a new network is told" {
    verified alice +4930111111
    can_log_in alice "$secret"
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE known_sources SET network = '192.0.2.0/24'"
    can_log_in alice "$secret"
    authctl -q outbox flush
    newest "$box" eml >/dev/null
    [ "$(mail 'm["To"], "authctl" in text()')" = "('alice@example.org', True)" ]
}

@test "no token or code is in the log, the audit log, or the store in clear" {
    verified alice +4930111111
    authctl -q password request-reset alice
    t=$(token)
    authctl -q password request-reset alice --by sms
    c=$(code)
    authctl audit list --json >dump
    sqlite3 /var/lib/jwtauth/jwtauth.db .dump >>dump
    run grep -cF "$t" dump
    [ "$output" = 0 ]
    run grep -cE "(^|[^0-9])$c([^0-9]|\$)" dump
    [ "$output" = 0 ]
}
