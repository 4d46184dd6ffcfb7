#!/usr/bin/env bats
# Policy rules by authctl: list, check, explain, and a login that obeys them.

secret=Tulip-Garten-9x
rules='
[policy backup-by-key]
service = sshd
user = svc-*
methods = publickey

[policy ssh-outside]
service = sshd
not_network = 10.0.0.0/8
mfa = required
methods = password, publickey

[policy sudo-ops]
service = sudo
role = ops
hours = mon-fri 07:00-20:00
mfa_remember = 15m

[policy sudo-others]
service = sudo
deny = yes

[policy ops-by-day]
service = cron
role = ops
mfa = off

[policy authctl-admins]
service = authctl
require_role = admin
token_audience = https://admin.example.org'

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "$rules"
    authctl -q role add ops
    authctl -q role add night --inherits ops
    authctl -q user add alice --password-stdin <<<"$secret"
    authctl -q user add bob --password-stdin <<<"$secret"
    authctl -q user add svc-backup
}

conf() {
    printf '%b' "$1" >>/etc/jwtauth/jwtauth.conf
}

# explain EXPRESSION OPTION...: of the document.
explain() {
    local expression=$1
    shift
    authctl policy explain --json "$@" | json "$expression"
}

@test "list: rules in the order of the file, with what they say" {
    [ "$(authctl policy list --json | json '[p["name"] for p in d["policies"]]')" = \
        "['backup-by-key', 'ssh-outside', 'sudo-ops', 'sudo-others', 'ops-by-day', 'authctl-admins']" ]
    [ "$(authctl policy list --json | json 'd["policies"][2]["conditions"], d["policies"][2]["effects"], d["policies"][2]["error"]')" = \
        "(['service = sudo', 'role = ops', 'hours = mon-fri 07:00-20:00'], ['mfa_remember = 15m'], None)" ]
    line=$(grep -n 'policy ssh-outside' /etc/jwtauth/jwtauth.conf)
    [ "$(authctl policy list --json | json 'd["policies"][1]["line"]')" = "${line%%:*}" ]
    [ "$(authctl policy list --limit 2 --json | json '[p["name"] for p in d["policies"]], d["next"]')" = \
        "(['backup-by-key', 'ssh-outside'], 'ssh-outside')" ]
    [ "$(authctl policy list --after sudo-ops --json | json '[p["name"] for p in d["policies"]], d["next"]')" = \
        "(['sudo-others', 'ops-by-day', 'authctl-admins'], None)" ]
    authctl config show | grep -q '^policy ssh-outside.mfa	required	file$'
}

@test "check: nothing, warnings, errors" {
    run --separate-stderr authctl policy check
    [ "$status" = 0 ]
    [ -z "$output" ]
    [[ $stderr =~ ^authctl\ policy\ check:\ [0-9]+\ rules,\ nothing\ is\ wrong$ ]]
    run --separate-stderr authctl policy check alice
    [ "$status" = 2 ]
    [ "$stderr" = "authctl policy check: unexpected argument 'alice'; usage: authctl policy check" ]
    run --separate-stderr authctl policy explain alice
    [ "$status" = 2 ]
    [ "$stderr" = "authctl policy explain: unexpected argument 'alice'; usage: authctl policy explain [options]" ]
    [ "$(authctl policy check --json)" = '{"findings":[],"next":null}' ]
    conf '\n[policy late]\nservice = sshd\nuser = svc-x\ndeny = yes\n'
    [ "$(authctl policy check --json | json '[(f["name"], f["level"], f["code"]) for f in d["findings"]]')" = \
        "[('late', 'warning', 'shadowed')]" ]
    authctl policy check | grep -qF '[policy backup-by-key] before it matches all that it does'
    conf '[policy typo]\nservice = ftp\nrole = nosuch\n[policy bad]\nservice = smtp\nnetwork = office\n'
    fails_with 8 authctl policy check --json
    [ "$(error_code)" = policy_broken ]
    [ "$(json '[(f["name"], f["level"], f["code"]) for f in d["findings"]]' <<<"$output")" = \
        "[('late', 'warning', 'shadowed'), ('typo', 'error', 'broken'), ('typo', 'warning', 'no_effect'), ('bad', 'error', 'broken'), ('bad', 'warning', 'no_effect')]" ]
    # file and line, and the whole configuration is not valid either
    fails_with 8 authctl config check
    # shellcheck disable=SC2154
    [[ $stderr == *"/etc/jwtauth/jwtauth.conf:"*"[policy bad] network 'office' is no network"* ]]
    authctl user list >/dev/null # everything else goes on
}

@test "explain: the rule, each condition, the prompts" {
    [ "$(explain 'd["rule"], d["prompts"], d["by_password"], d["by_key"]' --user bob --service sshd --rhost 192.0.2.7)" = \
        "('ssh-outside', ['Password: ', 'Verification code: '], 'no_second_factor', 'allowed')" ]
    [ "$(explain 'd["rule"], d["prompts"], d["by_password"], d["by_key"]' --user bob --service sshd --rhost 10.1.2.3)" = \
        "(None, ['Password: '], 'allowed', 'allowed')" ]
    [ "$(explain 'd["rule"], d["by_password"], d["by_key"]' --user svc-backup --service sshd --rhost 10.1.2.3)" = \
        "('backup-by-key', 'no_password', 'allowed')" ]
    # an address that is none matches every not_network
    [ "$(explain 'd["rule"]' --user bob --service sshd --rhost office.example.org)" = ssh-outside ]
    [ "$(explain 'd["rules"]' --user bob --service sshd --rhost 10.1.2.3 | tr "'" '"' | sed 's/False/false/g' | json '[(r["name"], r["conditions"], r["decides"]) for r in d][:2]')" = \
        "[('backup-by-key', {'service': 'met', 'user': 'not_met'}, False), ('ssh-outside', {'service': 'met', 'not_network': 'not_met'}, False)]" ]
    run authctl policy explain --user bob --service sshd --rhost 192.0.2.7
    [ "$status" = 0 ]
    grep -qF 'rule: ssh-outside' <<<"$output"
    grep -qE '^  \[policy backup-by-key\] line [0-9]+: service met, user not met$' <<<"$output"
    grep -qE '^  \[policy ssh-outside\] line [0-9]+: service met, not_network met - decides$' <<<"$output"
    grep -qF 'prompts: "Password: ", "Verification code: "' <<<"$output"
    grep -qF 'by password: refused (no_second_factor)' <<<"$output"
    grep -qF 'by key: allowed' <<<"$output"
}

@test "explain: roles and hours, as they are and as they would be" {
    at=$(date -d '2026-06-03 12:00' +%Y-%m-%dT%H:%M:%S%:z) # a Wednesday, local time
    night=$(date -d '2026-06-03 22:00' +%Y-%m-%dT%H:%M:%S%:z)
    [ "$(explain 'd["rule"], d["by_password"]' --user bob --service sudo --at "$at")" = "('sudo-others', 'policy')" ]
    [ "$(explain 'd["rule"], d["by_password"], d["terms"]["mfa_remember"]' --user bob --service sudo --role night --at "$at")" = \
        "('sudo-ops', 'allowed', 900)" ]
    [ "$(explain 'd["rule"], d["by_password"]' --user bob --service sudo --role night --at "$night")" = "('sudo-others', 'policy')" ]
    authctl -q role grant bob night
    [ "$(explain 'd["rule"]' --user bob --service sudo --at "$at")" = sudo-ops ]
    # a grant that has ended by then
    authctl -q role grant alice ops --for 1h
    [ "$(explain 'd["rule"]' --user alice --service cron --at 30m)" = ops-by-day ]
    [ "$(explain 'd["rule"]' --user alice --service cron --at 2h)" = None ]
    [ "$(explain 'd["by_password"]' --user bob --service authctl)" = no_role ]
    [ "$(explain 'd["by_password"], d["terms"]["token_audience"]' --user bob --service authctl --role admin)" = \
        "('allowed', 'https://admin.example.org')" ]
}

@test "explain: the module's mfa, a second factor that is there, who is locked" {
    [ "$(explain 'd["prompts"], d["by_password"], d["by_key"]' --user bob --service login --mfa required)" = \
        "(['Password: ', 'Verification code: '], 'no_second_factor', 'no_second_factor')" ]
    key=$(authctl totp enroll bob --json | json 'd["secret"]')
    authctl -q totp confirm bob "$(oathtool --totp -b "$key")" >/dev/null
    [ "$(explain 'd["prompts"], d["by_password"], d["by_key"]' --user bob --service login --mfa required)" = \
        "(['Password: ', 'Verification code: '], 'allowed', 'code_required')" ]
    [ "$(explain 'd["prompts"], d["by_password"], d["by_key"]' --user bob --service login --mfa off)" = \
        "(['Password: '], 'allowed', 'allowed')" ]
    [ "$(explain 'd["by_password"], d["by_key"]' --user bob --service sshd --rhost 192.0.2.7)" = "('allowed', 'allowed')" ]
    authctl -q user lock bob
    [ "$(explain 'd["by_password"], d["by_key"]' --user bob --service sshd --rhost 192.0.2.7)" = "('locked', 'locked')" ]
}

@test "explain: a broken rule and why" {
    conf '\n[policy typo]\nservice = login\nrole = nosuch\nmfa = off\n'
    [ "$(explain 'd["rule"], d["error"], d["by_password"], d["by_key"]' --user bob --service login)" = \
        "('typo', \"[policy typo] there is no role 'nosuch'\", 'policy', 'policy')" ]
    authctl policy explain --user bob --service login | grep -qF "broken: [policy typo] there is no role 'nosuch'"
    authctl policy explain --user bob --service login | grep -qF 'service met, role broken - decides'
}

@test "explain: what it refuses" {
    fails_with 2 authctl policy explain --user bob
    fails_with 2 authctl policy explain --service sshd
    fails_with 2 authctl policy explain --user bob --service sshd --mfa perhaps
    fails_with 5 authctl policy explain --user bob --service sshd --at yesterday
    fails_with 3 authctl policy explain --user nosuch --service sshd
    fails_with 3 authctl policy explain --user bob --service sshd --role nosuch
}

@test "authctl login obeys the rules" {
    fails_with 1 authctl login bob --password-stdin --json <<<"$secret"
    [ "$(json 'd["code"]' <<<"$output")" = login_refused ]
    # a wrong password does not learn of rules
    fails_with 1 authctl login bob --password-stdin --json <<<wrong
    [ "$(json 'd["code"]' <<<"$output")" = invalid_credentials ]
    [ "$(authctl session list --json | json 'd["sessions"]')" = '[]' ]
    authctl -q role grant bob admin
    token=$(authctl login bob --password-stdin --json <<<"$secret" | json 'd["access_token"]')
    authctl token decode "$token" --json 2>/dev/null | grep -qF '"aud":"https://admin.example.org"'
}
