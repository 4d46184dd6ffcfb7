#!/usr/bin/env bats
# The command-line contract as tables: what each command answers as JSON, which exit code and stable error
# code each "no" has, and what each configuration option is when nobody sets it.

secret=Tulip-Garten-9x

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "
[registration]
verify = none

[throttle]
login = 1000/1m
per_source = 1000/1m
per_user = 1000/1m
delay_base = 0

[policy quiet]
service = nosuch
[policy unreached]
service = nosuch
mfa = off"
    authctl -q user add alice --email alice@example.org --password-stdin <<<"$secret"
    authctl -q user add carol --email carol@example.org --phone +4930123456 --role user \
        --password-stdin <<<"$secret"
    authctl -q user add robot --service
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

# keys_of NAME: what help --keys lists for a row type or command, sorted, on one line.
keys_of() {
    authctl help --keys | awk -F'\t' -v name="$1" '$1 == name {n = split($2, k, " "); for (i = 1; i <= n; i++) print k[i]}' |
        sort -u | tr '\n' ' '
}

# document_keys [LIST]: the keys of the document on stdin, or of each row of its list.
document_keys() {
    python3 -c '
import json, sys
d = json.load(sys.stdin)
rows = [d] if len(sys.argv) == 1 else d[sys.argv[1]]
assert rows, "no row"
if len(sys.argv) > 1:
    assert set(d) == {sys.argv[1], "next"}, sorted(d)
for row in rows:
    assert row.keys() == rows[0].keys()
print(*sorted(rows[0]), end=" ")' "$@"
}

# A session and its tokens: session, access, refresh.
login() {
    local doc
    doc=$(authctl login "$1" --password-stdin --json <<<"$secret")
    session=$(json 'd["session_id"]' <<<"$doc")
    access=$(json 'd["access_token"]' <<<"$doc")
    refresh=$(json 'd["refresh_token"]' <<<"$doc")
}

# ---- JSON ----

@test "a user has the keys of the HTTP interface" {
    want="company_name created_at email email_verified first_name id is_active last_login last_name mfa name \
phone phone_verified roles status updated_at username"
    have=" $(authctl user show carol --json | document_keys) "
    for key in $want; do
        [[ $have == *" $key "* ]] || { echo "no $key"; return 1; }
    done
}

@test "every document has the keys that help --keys and the manual name, and no other" {
    login alice
    run authctl login alice --password-stdin <<<wrong # something to be counted
    install -m 0600 /dev/stdin "$BATS_TEST_TMPDIR/ga" <<<$'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n" TOTP_AUTH'
    install -m 0600 /dev/stdin "$BATS_TEST_TMPDIR/oath" <<<'HOTP/T30 alice - 3132333435363738393031323334353637383930'
    ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/key"
    print=$(ssh-keygen -lf "$BATS_TEST_TMPDIR/key.pub" | cut -d' ' -f2)
    api_key=$(authctl api-key add robot --json | json 'd["id"]')
    n=0
    # Columns: the row type or command of the keys, the list that holds the rows (-: none), what to run.
    while read -r name list words; do
        want=$(keys_of "${name//_/ }")
        [ -n "$want" ] || { echo "no keys are listed for $name"; return 1; }
        # shellcheck disable=SC2086
        run --separate-stderr authctl $words --json <<<"$secret"
        [ "$status" = 0 ] || { echo "exit $status: $words: $stderr"; return 1; }
        [ "$list" = - ] && list=
        have=$(document_keys ${list:+"$list"} <<<"$output")
        [ "$have" = "$want" ] || { printf '%s\nhas    %s\nwanted %s\n' "$words" "$have" "$want"; return 1; }
        n=$((n + 1))
    done <<TABLE
authctl_init                      -        init
finding                           findings doctor
finding                           findings pam status
authctl_pam_enable                -        pam enable --service su --dry-run
authctl_pam_disable               -        pam disable --service su --dry-run
authctl_pam_rollback              -        pam rollback
authctl_config_check              -        config check
option                            options  config show
store                             -        db status
authctl_db_migrate                -        db migrate
authctl_db_check                  -        db check
authctl_db_backup                 -        db backup $BATS_TEST_TMPDIR/backup
user                              -        user add dave --password-stdin
user                              -        user show alice
user                              users    user list
user                              -        user modify dave --full-name Dave
user                              -        profile show --user dave
user                              -        profile set --user dave --full-name David
user                              -        register --username erin --email erin@example.org --password-stdin
authctl_user_lock                 -        user lock dave
authctl_user_unlock               -        user unlock dave
authctl_user_disable              -        user disable dave
authctl_user_enable               -        user enable dave
authctl_user_delete               -        user delete dave --yes
authctl_password_expire           -        password expire erin
authctl_password_check            -        password check --password-stdin
authctl_totp_enroll               -        totp enroll erin
totp                              -        totp status erin
authctl_totp_disable              -        totp disable erin
recovery_codes                    -        recovery-codes status alice
authctl_import_google-authenticator -      import google-authenticator erin $BATS_TEST_TMPDIR/ga --dry-run
imported_row                      rows     import oath-users $BATS_TEST_TMPDIR/oath --dry-run
authctl_login                     -        login alice --password-stdin
authctl_whoami                    -        whoami
session                           sessions session list
session                           -        session show $session
authctl_token_issue               -        token issue --user alice
authctl_token_decode              -        token decode $access
authctl_token_revoke              -        token revoke $access
authctl_session_revoke            -        session revoke $session
authctl_session_revoke            -        session revoke --user alice
role                              -        role add helpdesk --inherits agent
role                              -        role show helpdesk
role                              roles    role list
role                              -        role permit helpdesk tickets:read --on tenant/42/*
role                              -        role forbid helpdesk tickets:read --on tenant/42/*
role                              -        role inherit helpdesk manager
role                              -        role disinherit helpdesk manager
authctl_role_grant                -        role grant alice helpdesk --for 2h
grant                             grants   role grants
permission                        permissions user permissions alice
authctl_can                       -        can alice users:read
policy                            policies policy list
policy_finding                    findings policy check
authctl_policy_explain            -        policy explain --user alice --service sshd
authctl_role_revoke               -        role revoke alice helpdesk
authctl_role_delete               -        role delete helpdesk --yes
service                           -        service add billing --bind-uid 991
service                           services service list
service                           -        service bind billing 992
service                           -        service unbind billing
authctl_api-key_add               -        api-key add robot --expires 1h
api_key                           api_keys api-key list robot
authctl_api-key_remove            -        api-key remove $api_key
throttle                          throttle throttle list
authctl_throttle_clear            -        throttle clear --yes
authctl_purge                     -        purge --dry-run
authctl_password_request-reset    -        password request-reset nobody
authctl_verify_send               -        verify send erin --email
audit_row                         rows     audit list
authctl_audit_verify              -        audit verify
authctl_audit_rotate              -        audit rotate $BATS_TEST_TMPDIR/rows
message                           messages outbox list
authctl_outbox_flush              -        outbox flush
authctl_outbox_preview            -        outbox preview welcome
key                               keys     key list
key                               -        key rotate --if-due
authctl_key_jwks                  -        key jwks
ssh_key                           ssh_keys ssh-key add alice $BATS_TEST_TMPDIR/key.pub
ssh_key                           ssh_keys ssh-key list alice
authctl_ssh-key_authorized        -        ssh-key authorized alice
authctl_ssh-key_remove            -        ssh-key remove alice $print
passwd_entry                      passwd   getent passwd
group_entry                       group    getent group
exported_user                     users    user export
passwd_entry                      passwd   export passwd
shadow_entry                      shadow   export shadow --yes
authctl_getent_initgroups         -        getent initgroups alice
TABLE
    [ "$n" -ge 40 ]
}

@test "passwords and refreshed pairs too" {
    authctl -q user add frank --password-stdin <<<"$secret"
    [ "$(authctl -q password set frank --password-stdin --json <<<"$secret-2" | document_keys)" = "user " ]
    [ "$(authctl -q password set frank --generate-password --json | document_keys)" = "password user " ]
    login carol
    [ "$(authctl token refresh --refresh-token-stdin --json <<<"$refresh" | document_keys)" = \
        "$(keys_of 'authctl token refresh')" ]
    login carol
    [ "$(authctl logout --token-stdin --json <<<"$access" | document_keys)" = "ended " ]
    authctl -q user delete frank --yes
}

@test "times are RFC 3339 in UTC, in JSON as in text" {
    authctl -q user modify carol --valid-until 2030-01-02T03:04:05+02:00
    [ "$(authctl user show carol --json | json 'd["valid_until"]')" = 2030-01-02T01:04:05Z ]
    login carol
    for words in "user show carol" "session show $session" "key list" "db status" "token issue --user carol"; do
        # shellcheck disable=SC2086
        authctl $words --json | python3 -c '
import json, re, sys
stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
names = re.compile(r".*_at|auth_time|valid_until|last_login|newest_audit")
seen = 0
def look(d):
    global seen
    for k, v in d.items() if isinstance(d, dict) else enumerate(d) if isinstance(d, list) else ():
        if isinstance(k, str) and names.fullmatch(k) and v is not None:
            assert isinstance(v, str) and stamp.fullmatch(v), (k, v)
            seen += 1
        look(v)
look(json.load(sys.stdin))
assert seen' || { echo "$words"; return 1; }
    done
    authctl user show carol | grep -qE '^created_at: +[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}Z$'
    authctl -q user modify carol --valid-until ''
}

# ---- exit codes ----

@test "every no has its exit code and a stable code, and the store stays as it is" {
    login alice
    before=$(authctl user list --json; authctl key list --json; authctl session list --json)
    n=0
    while read -r want code words; do
        # shellcheck disable=SC2086
        fails_with "$want" authctl $words --json </dev/null || return 1
        if [ "$want" = 1 ]; then
            have=$(json 'd["code"]' <<<"$output")
        else
            [ -z "$output" ] || { echo "an answer: $words: $output"; return 1; }
            have=$(error_code)
        fi
        [ "$have" = "$code" ] || { echo "$have instead of $code: $words"; return 1; }
        n=$((n + 1))
    done <<TABLE
2 usage                user add
2 usage                role add
2 usage                pam test
2 usage                pam enable
2 usage                pam disable
3 service_not_found    pam enable --service nosuch
3 service_not_found    pam disable --service ../passwd
5 invalid_duration     pam enable --service su --confirm-within 0
3 nothing_to_confirm   pam confirm
3 service_not_found    pam status --service nosuch
3 service_not_found    pam test --service nosuch --user alice
3 service_not_found    pam test --service ../passwd --user alice
2 usage                role grant alice user --for 2h --until 2030-01-01T00:00:00Z
3 role_not_found       role show nosuch
3 role_not_found       role grant alice nosuch
3 user_not_found       role grant nosuch user
3 user_not_found       can nosuch users:read
3 not_granted          role revoke alice admin
3 not_inherited        role disinherit agent admin
3 not_permitted        role forbid agent users:write
4 role_exists          role add admin
4 role_cycle           role inherit user admin
4 role_in_use          role delete user --yes
5 invalid_role         role add Admin
5 invalid_permission   role permit user users
5 invalid_resource     role permit user users:read --on a//b
5 invalid_resource     can alice users:read --on a/*
5 invalid_time         role grant alice user --for 0
1 not_permitted        can alice users:write
1 not_a_user           token get
2 usage                token get --format yaml
5 invalid_ttl          token get --ttl 0
2 usage                service add
2 usage                service bind robot
3 user_not_found       service bind nobody 991
3 user_not_found       service unbind nobody
3 user_not_found       api-key add nobody
3 user_not_found       api-key list nobody
3 api_key_not_found    api-key remove 01900000-0000-7000-8000-000000000000
3 role_not_found       service add zoe --role nothing
4 not_a_service        service bind alice 991
4 not_a_service        service unbind alice
4 not_a_service        api-key add alice
4 not_a_service        api-key list alice
4 username_taken       service add alice
5 invalid_uid          service add zoe --bind-uid 0
5 invalid_uid          service bind robot 4294967295
5 invalid_time         api-key add robot --expires 0
1 scope_not_held       api-key add robot --scope invoices:read
2 usage                login
2 usage                logout
2 usage                profile show
2 usage                session revoke
2 usage                token issue
2 unknown_option       token issue --user alice --nothing
2 usage                user delete alice
3 user_not_found       user show nobody
3 user_not_found       user modify nobody --full-name N
3 user_not_found       user lock nobody
3 user_not_found       user unlock nobody
3 user_not_found       user disable nobody
3 user_not_found       user enable nobody
3 user_not_found       user delete nobody --yes
3 user_not_found       user release nobody
3 user_not_found       password expire nobody
3 user_not_found       totp enroll nobody
3 user_not_found       totp confirm nobody 123456
3 user_not_found       totp status nobody
3 user_not_found       totp disable nobody
2 usage                export shadow
2 usage                import shadow --passwd /etc/passwd
5 invalid_format       user export --format xml
3 user_not_found       import google-authenticator nobody /dev/null
5 file_unreadable      import google-authenticator alice /dev/null
5 unsafe_file          import oath-users /etc/passwd
2 usage                import google-authenticator alice
3 user_not_found       recovery-codes status nobody
3 user_not_found       recovery-codes regenerate nobody --yes
3 user_not_found       profile show --user nobody
3 user_not_found       profile set --user nobody --full-name N
3 user_not_found       session list --user nobody
3 user_not_found       session revoke --user nobody
3 user_not_found       token issue --user nobody
3 role_not_found       user add zoe --role nothing
3 role_not_found       user list --role nothing
3 session_not_found    session show 01900000-0000-7000-8000-000000000000
3 session_not_found    session revoke 01900000-0000-7000-8000-000000000000
3 session_not_found    logout --session 01900000-0000-7000-8000-000000000000
3 key_not_found        key retire nothing
5 invalid_ssh_key      ssh-key add nobody /etc/hostname
3 user_not_found       ssh-key list nobody
3 user_not_found       ssh-key remove nobody SHA256:x
3 ssh_key_not_found    ssh-key remove alice SHA256:x
3 no_ssh_keys          ssh-key authorized alice
3 no_ssh_keys          ssh-key authorized root
8 snapshot_missing     ssh-key authorized alice --snapshot /nonexistent
3 file_unreadable      ssh-key add alice /nonexistent
5 invalid_ssh_key      ssh-key add alice /etc/passwd
5 invalid_option       ssh-key add alice /etc/passwd --expires yesterday
5 invalid_time         ssh-key add alice /etc/passwd --expires 2020-01-01T00:00:00Z
3 key_not_found        key export nothing
4 username_taken       user add alice
4 email_taken          user add zoe --email carol@example.org
4 phone_taken          user add zoe --phone +4930123456
4 username_taken       user modify alice --username carol
5 invalid_username     user add Zoe
5 invalid_email        user add zoe --email zoe
5 invalid_phone        user add zoe --phone 030
5 invalid_status       user list --status nothing
5 invalid_kind         user list --kind nothing
1 malformed            token verify nothing
5 malformed            token decode nothing
TABLE
    [ "$n" -ge 45 ]
    [ "$before" = "$(authctl user list --json; authctl key list --json; authctl session list --json)" ]
}

@test "a no that stdin asks for is a document on stdout" {
    for words in "login alice --password-stdin" "token refresh --refresh-token-stdin" "password change alice --password-stdin"; do
        # shellcheck disable=SC2086
        fails_with 1 authctl $words --json <<<$'Wrong-Wrong-1x\nTulip-Garten-8y'
        [ "$(json 'd["ok"]' <<<"$output")" = False ]
        [ -z "$stderr" ]
    done
}

@test "-q keeps notices off stderr, never an error" {
    access=$(authctl token issue --user alice)
    fails_with 0 authctl token decode "$access"
    [ -n "$stderr" ]
    fails_with 0 authctl -q token decode "$access"
    [ -z "$stderr" ]
    fails_with 3 authctl -q user show nobody
    [ "$stderr" = "authctl user show: no such user (nobody)" ]
}

# ---- options of user add and user modify ----

@test "every option of user add and modify shows in the row" {
    n=0
    while read -r option value key want; do
        authctl -q user add gina "$option" "$value" </dev/null >/dev/null
        have=$(authctl user show gina --json | json "d['$key']")
        [ "$have" = "$want" ] || { echo "add $option $value: $key is $have"; return 1; }
        authctl -q user delete gina --yes >/dev/null
        # The uid of a deleted account is not given out again.
        [ "$option" = --uid ] && value=$((value + 10)) want=$value
        authctl -q user add gina >/dev/null </dev/null
        authctl -q user modify gina "$option" "$value" >/dev/null
        have=$(authctl user show gina --json | json "d['$key']")
        [ "$have" = "$want" ] || { echo "modify $option $value: $key is $have"; return 1; }
        authctl -q user delete gina --yes >/dev/null
        n=$((n + 1))
    done <<'TABLE'
--email       Gina@Example.org     email         Gina@Example.org
--phone       +4930987654          phone         +4930987654
--full-name   Gina                 name          Gina
--first-name  Gina                 first_name    Gina
--last-name   Lollo                last_name     Lollo
--company     Cinema               company_name  Cinema
--role        user                 roles         ['user']
--uid         300001               uid           300001
--gid         300002               gid           300002
--home        /srv/gina            home          /srv/gina
--shell       /bin/sh              shell         /bin/sh
--valid-until 2031-01-01T00:00:00Z valid_until   2031-01-01T00:00:00Z
TABLE
    [ "$n" = 12 ]
}

@test "times as durations: --at, --valid-until, --ttl" {
    for t in 90s 15m 2h 7d; do
        authctl -q user modify carol --valid-until "$t" >/dev/null
        [ "$(authctl user show carol --json | json 'd["is_active"]')" = True ]
    done
    authctl -q user modify carol --valid-until '' >/dev/null
    [ "$(authctl token issue --user carol --ttl 90s --json | json 'd["expires_in"]')" = 90 ]
    [ "$(authctl token issue --user carol --ttl 2h --json | json 'd["expires_in"]')" = 7200 ]
    for t in 15 1.5h -1h 2030-01-01 2030-13-01T00:00:00Z 99999999999d; do
        fails_with 5 authctl user lock carol --at="$t"
        fails_with 5 authctl user modify carol --valid-until="$t"
        fails_with 5 authctl token issue --user carol --ttl="$t"
    done
    [ "$(authctl user show carol --json | json 'd["status"], d["lock_at"], d["valid_until"]')" = "('active', None, None)" ]
}

# ---- bad input on standard input ----

@test "R27 what stdin gives: NUL, escapes, invalid UTF-8, nothing, a megabyte: one clean line, no crash" {
    authctl -q totp enroll alice >/dev/null
    before=$(authctl user list --json; authctl session list --json; authctl totp status alice --json)
    while read -r words; do
        for bytes in 'a\0b\n' '\033]0;title\007\n' '\377\376\n' '' '\n' big; do
            if [ "$bytes" = big ]; then
                head -c 1048576 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/in"
            else
                # shellcheck disable=SC2059
                printf "$bytes" >"$BATS_TEST_TMPDIR/in"
            fi
            # shellcheck disable=SC2086
            run --separate-stderr authctl -q $words <"$BATS_TEST_TMPDIR/in"
            case $status in
            1 | 5) [ "$(wc -l <<<"$stderr")" = 1 ] && [ -n "$stderr" ] ;;
            0) [ "$words" = "token revoke -" ] ;;
            *) false ;;
            esac || { echo "exit $status: $words with $bytes: $stderr"; return 1; }
            [ -z "$(printf '%s%s' "$output" "$stderr" | LC_ALL=C tr -d '\n\040-\176')" ]
        done
    done <<'TABLE'
login alice --password-stdin
login alice --password-stdin --otp-stdin
logout --token-stdin
password set alice --password-stdin
password change alice --password-stdin
password check --password-stdin
totp confirm alice -
token verify -
token decode -
token introspect -
token revoke -
token refresh --refresh-token-stdin
user add henry --password-stdin
register --username henry --email henry@example.org --password-stdin
TABLE
    [ "$before" = "$(authctl user list --json; authctl session list --json; authctl totp status alice --json)" ]
    authctl -q totp disable alice --yes >/dev/null
}

# ---- configuration ----

@test "every configuration option has the documented default" {
    cat >"$BATS_TEST_TMPDIR/want" <<'TABLE'
paths.state=/var/lib/jwtauth
paths.run=/run/jwtauth
paths.cache=/var/cache/jwtauth
store.url=sqlite:/var/lib/jwtauth/jwtauth.db
store.busy_timeout=5s
store.master_key_file=/etc/jwtauth/master.key
tokens.issuer=
tokens.audience=
tokens.max_ttl=1d
tokens.algorithm=ES256
tokens.typ=at+jwt
tokens.access_ttl=15m
tokens.session_token_ttl=1h
tokens.refresh_idle=7d
tokens.session_max=30d
tokens.permissions=yes
tokens.identity_claims=yes
tokens.leeway=30s
tokens.reuse_grace=10s
tokens.rotate_every=90d
tokens.retain_keys=86430s
password.preset=classic
password.min_length=0
password.require=preset
password.dictionary=yes
password.blocklist=
password.history=5
password.max_age=0
password.hash_memory=64M
password.hash_ops=2
password.parallel_hashes=4
password.hash_wait=20s
password.warn_days=14
mfa.policy=optional
mfa.totp_window=1
mfa.issuer_label=
mfa.recovery_codes=10
mfa.exempt_networks=
registration.open=no
registration.verify=email
registration.conceal=no
registration.link_base=
registration.purge_pending=30d
registration.verify_ttl=1d
registration.reset_ttl=1d
registration.code_ttl=10m
registration.code_attempts=5
registration.default_roles=user
throttle.login=5/15m
throttle.other=5/1m
throttle.token_failures=60/1m
throttle.captcha_url=
throttle.captcha_secret_file=
throttle.captcha_site_key=
throttle.captcha_after=3
throttle.per_source=50/15m
throttle.per_user=100/1h
throttle.delay_base=1s
throttle.delay_max=30s
throttle.lock_after=0
throttle.lock_for=15m
throttle.trusted_networks=
suspicious.new_source=notify
suspicious.ipv4_prefix=24
suspicious.ipv6_prefix=56
accounts.uid_min=100000
accounts.uid_max=499999
accounts.home=/home/%u
accounts.shell=/bin/bash
accounts.role_group_prefix=jwtauth-
email.provider=none
email.url=
email.username=
email.password_file=
email.from=
email.starttls=required
email.templates=
sms.provider=none
sms.url=
sms.account=
sms.token_file=
sms.from=
http.socket=/run/jwtauth/jwtauthd.sock
http.listen=off
http.cors_origins=
http.cookies=no
http.admin=no
http.hosts=localhost, 127.0.0.1, [::1]
http.trusted_proxies=
http.threads=4
verify.issuer=
verify.jwks=
verify.max_stale=1d
log.target=syslog
log.level=info
log.audit_fail=deny
TABLE
    : >"$BATS_TEST_TMPDIR/empty.conf"
    chmod 0644 "$BATS_TEST_TMPDIR/empty.conf"
    chmod 0755 "$BATS_TEST_TMPDIR"
    authctl -c "$BATS_TEST_TMPDIR/empty.conf" config show --limit 200 |
        awk -F'\t' '{print $1 "=" $2}' >"$BATS_TEST_TMPDIR/have"
    diff -u "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/have"
}

@test "a wrong value is refused with its file and line, for every option that is not free text" {
    n=0
    while read -r section key value; do
        printf '# a comment\n[%s]\n%s = %s\n' "$section" "$key" "$value" >"$BATS_TEST_TMPDIR/wrong.conf"
        chmod 0644 "$BATS_TEST_TMPDIR/wrong.conf"
        fails_with 8 authctl -c "$BATS_TEST_TMPDIR/wrong.conf" config check || return 1
        [[ $stderr == *"wrong.conf:3: [$section] $key "* ]] || { echo "$stderr"; return 1; }
        [ "$(wc -l <<<"$stderr")" = 1 ]
        n=$((n + 1))
    done <<'TABLE'
paths state relative
paths run relative
paths cache relative
store url mysql:/x
store busy_timeout soon
store master_key_file relative
tokens issuer two words
tokens max_ttl soon
tokens algorithm none
tokens typ x
tokens access_ttl 29s
tokens access_ttl 8d
tokens session_token_ttl soon
tokens refresh_idle 91d
tokens session_max soon
tokens permissions perhaps
tokens identity_claims perhaps
tokens leeway soon
tokens reuse_grace soon
tokens rotate_every soon
tokens retain_keys 1m
password preset x
password min_length x
password require upper, x
password dictionary perhaps
password blocklist relative
password history -1
password max_age soon
password hash_memory 1M
password hash_ops 0
password parallel_hashes 0
password hash_wait soon
password warn_days x
mfa policy never
mfa totp_window 6
mfa recovery_codes 0
mfa exempt_networks 10.0.0.1/8
registration open perhaps
registration verify pigeon
registration conceal perhaps
registration link_base ftp://x
registration purge_pending soon
registration verify_ttl soon
registration reset_ttl soon
registration code_ttl soon
registration code_attempts 0
throttle login 5
throttle other 5/
throttle token_failures x/1m
throttle per_source 0/1m
throttle per_user 1/soon
throttle captcha_after x
throttle delay_base soon
throttle delay_max soon
throttle lock_after -1
throttle lock_for soon
throttle trusted_networks x
suspicious new_source x
suspicious ipv4_prefix 33
suspicious ipv6_prefix 129
accounts uid_min 10
accounts uid_max x
accounts home relative
accounts shell bash
email provider x
email url http://x
email starttls perhaps
sms provider fax
http listen 0.0.0.0:80
http cookies perhaps
http admin perhaps
http trusted_proxies x
http threads 0
verify max_stale soon
log target paper
log level loud
log audit_fail perhaps
TABLE
    [ "$n" -ge 75 ]
}
