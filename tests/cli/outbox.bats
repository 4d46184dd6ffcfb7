#!/usr/bin/env bats
# The outbox by hand, and what its templates make of values.  Delivery itself: tests/notify.

templates="verify_email verify_phone reset_email reset_sms invite_email invite_sms new_source password_changed
mfa_disabled address_changed register_taken welcome grant_ended ssh_key_added ssh_key_removed"

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    authctl -q user add alice --email alice@example.org --phone +4930123456 >/dev/null
}

# mail LINES: further lines of [email]; the provider is one that is never there.
mail() {
    printf '\n[email]\nprovider = smtp\nurl = smtps://127.0.0.1:1\nfrom = auth@example.org\n%s\n' "$1" \
        >>/etc/jwtauth/jwtauth.conf
}

@test "without a provider a message waits and says why" {
    run --separate-stderr authctl verify send alice --email --json
    [ "$status" = 0 ]
    id=$(json 'd["message"]' <<<"$output")
    [ "$(authctl outbox flush --json)" = '{"sent":0,"failed":0,"given_up":0}' ]
    [[ $stderr == *"waits in the outbox: no provider is configured for email"* ]]
    [ "$(authctl outbox list --json | json '[(m["id"], m["state"], m["last_error"]) for m in d["messages"]]')" = \
        "[('$id', 'queued', 'no provider is configured for email')]" ]
    [ "$(authctl outbox list --state sent --json | json 'd["messages"]')" = "[]" ]
    run authctl outbox list --json
    [[ $output != *v1.* ]] # the sealed values
}

@test "a command that queued never fails for the provider, and the message is tried again" {
    mail
    run --separate-stderr authctl verify send alice --email
    [ "$status" = 0 ]
    [[ $stderr == *"waits in the outbox"* ]]
    [ "$(authctl outbox list --json | json 'd["messages"][0]["attempts"], bool(d["messages"][0]["last_error"])')" = "(1, True)" ]
}

@test "retry, drop: by id, once, with an audit row" {
    authctl -q verify send alice --email >/dev/null 2>&1
    id=$(authctl outbox list --json | json 'd["messages"][0]["id"]')
    authctl -q outbox retry "$id"
    authctl -q outbox drop "$id"
    fails_with 3 authctl outbox drop "$id" --json
    [ "$(error_code)" = message_not_found ]
    fails_with 3 authctl outbox retry 0197c7a2-0000-7000-8000-000000000000 --json
    [ "$(authctl audit list --action 'outbox.*' --json | json '[r["action"] for r in d["rows"]]')" = \
        "['outbox.retry', 'outbox.drop']" ]
    fails_with 2 authctl outbox drop
    fails_with 5 authctl outbox list --state lost --json
}

@test "the list is read page by page" {
    for n in 1 2 3; do
        authctl -q user add "u$n" --email "u$n@example.org" --invite >/dev/null 2>&1
    done
    all=$(authctl outbox list --json | json '[m["id"] for m in d["messages"]]')
    first=$(authctl outbox list --limit 2 --json)
    rest=$(authctl outbox list --limit 2 --after "$(json 'd["next"]' <<<"$first")" --json)
    [ "$(json "[m['id'] for m in d['messages']] + [m['id'] for m in $(json 'd["messages"]' <<<"$rest")]" <<<"$first")" = "$all" ]
}

# ---- templates ----

@test "every template shows itself, in text and where there is one in HTML" {
    for name in $templates; do
        authctl outbox preview "$name" --json >doc
        [ "$(json 'd["template"], bool(d["text"])' <doc)" = "('$name', True)" ]
        [ "$(json '"{{" in d["text"] + (d["html"] or "")' <doc)" = False ]
        if [ "$(json 'd["channel"]' <doc)" = sms ]; then
            fails_with 3 authctl outbox preview "$name" --html
            [ "$(json 'len(d["text"]) < 300' <doc)" = True ]
        else
            [ "$(json 'bool(d["subject"]) and "\n" not in d["subject"]' <doc)" = True ]
            authctl outbox preview "$name" --html | grep -q '<html'
        fi
    done
    # help names them all
    authctl outbox preview --help >help
    for name in $templates; do grep -q "$name" help; done
}

@test "sample values are hostile, and no markup of theirs comes through" {
    for name in verify_email reset_email invite_email welcome; do
        run authctl outbox preview "$name" --html
        [[ $output != *"<script"* ]]
    done
}

@test "own templates stand in for the built-in ones; a wrong one is named with its file" {
    mkdir -m 0755 /etc/jwtauth/templates
    mail "templates = /etc/jwtauth/templates"
    printf 'Subject: Bonjour {{username}}\n\nVoici: {{token}}\n' >/etc/jwtauth/templates/verify_email.txt
    authctl outbox preview verify_email | grep -q '^Subject: Bonjour '
    authctl outbox preview reset_email | grep -q '^Subject: ' # still the built-in one
    printf 'Subject: x\n\n{{nothing}}\n' >/etc/jwtauth/templates/verify_email.txt
    fails_with 5 authctl outbox preview verify_email --json
    [[ $stderr == *verify_email.txt* ]]
    printf 'Subject: x\n\n{{token}}\n' >/etc/jwtauth/templates/verify_email.txt
    chmod 0666 /etc/jwtauth/templates/verify_email.txt
    run --separate-stderr authctl outbox preview verify_email
    [ "$status" != 0 ]
    [[ $stderr == *chmod* ]]
}

@test "an unknown template: exit 3" {
    fails_with 3 authctl outbox preview nothing --json
    [ "$(error_code)" = unknown_template ]
}
