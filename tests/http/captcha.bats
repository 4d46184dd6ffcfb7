#!/usr/bin/env bats
# [throttle] captcha_url: after failures a captcha is asked, and only a service that says so lets anybody through.
# shellcheck disable=SC2154 # body, status: http.bash
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

box=/run/siteverify
site_key='site_key&<1>'

# start_service [CERTIFICATE KEY]: a siteverify service, what it was asked in $box.
start_service() {
    rm -rf $box
    mkdir $box
    python3 "$top_srcdir/tests/http/siteverify.py" $box "$@" >/run/siteverify.log 2>&1 3>&- &
    echo $! >/run/siteverify.pid
    for _ in $(seq 500); do
        [ ! -e $box/port ] || return 0
        sleep 0.02
    done
    cat /run/siteverify.log >&2
    return 1
}

stop_service() {
    kill "$(cat /run/siteverify.pid)"
    tail --pid="$(cat /run/siteverify.pid)" -s 0.02 -f /dev/null
}

setup_file() {
    start_service
    make_server "
[email]
provider = smtp
url = smtp://localhost:9
from = auth@example.org
[registration]
open = yes
conceal = yes
[throttle]
login = 1000/15m
other = 1000/1m
per_source = 1000/15m
delay_base = 0s
captcha_url = http://127.0.0.1:$(cat $box/port)/siteverify
captcha_secret_file = /etc/jwtauth/captcha.secret
captcha_site_key = $site_key" "trusted_proxies = 127.0.0.1"
    export tcp port
    new_secret 'it & is = 100% secret'
    for who in alice bob carol dave; do
        add_user $who --email $who@example.org >/dev/null
    done
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE users SET email_verified_at = 1"
}

teardown_file() {
    stop_server
    stop_service
}

setup() {
    rm -f $box/mode
    n=$BATS_TEST_NUMBER
    from 1
    sqlite3 /var/lib/jwtauth/jwtauth.db "DELETE FROM throttle"
}

new_secret() {
    printf '%s\n' "$1" >/etc/jwtauth/captcha.secret
    chmod 0600 /etc/jwtauth/captcha.secret
}

# from N: the next calls come from another network, one of this test's own.
from() {
    source=(-H "X-Forwarded-For: 203.$n.$1.7")
}

# try USER PASSWORD [CAPTCHA]
try() {
    local captcha=
    [ -z "${3:-}" ] || captcha=",\"captcha\":\"$3\""
    post /auth/login "{\"username\":\"$1\",\"password\":\"$2\"$captcha}" "${source[@]}"
}

# fails N USER: as many wrong passwords.
fails() {
    for _ in $(seq "$1"); do
        try "$2" Wrong-Horse-42
        wants 401 invalid_credentials || return
    done
}

# change SED-COMMAND: of the configuration, from now on.
change() {
    sed -i "$1" /etc/jwtauth/jwtauth.conf
    stop_server
    start_server
}

asked() {
    find $box -name '*.json' | wc -l
}
# question EXPRESSION: over q, the newest question to the service.
question() {
    python3 -c 'import json,sys; q = json.load(open(sys.argv[2])); print(eval(sys.argv[1]))' "$1" "$box/$(asked).json"
}
told_key() {
    printf '%s' "$body" | json 'd["error"]["site_key"]'
}

@test "a captcha is asked after captcha_after failures, not before, and what it gave is taken to the service" {
    fails 3 alice
    try alice Correct-Horse-42
    wants 403 captcha_required
    [ "$(told_key)" = "$site_key" ]
    [ "$(asked)" = 0 ]
    try alice Correct-Horse-42 'good & = % + 1'
    wants 403 captcha_required # a blank: no service gives that
    [ "$(asked)" = 0 ]
    try alice Correct-Horse-42 'good1&secret=x%26+;#'
    wants 200
    [ "$(asked)" = 1 ]
    [ "$(question 'q["form"]')" = "[['secret', 'it & is = 100% secret'], ['response', 'good1&secret=x%26+;#'], ['remoteip', '203.1.1.7']]" ]
    [ "$(question 'q["path"], q["type"]')" = "('/siteverify', 'application/x-www-form-urlencoded')" ]
    # with it a wrong password is one, and the next login is asked again
    try alice Wrong-Horse-42 good2
    wants 401 invalid_credentials
    try alice Correct-Horse-42
    wants 403 captcha_required
}

@test "who is not asked is not taken to the service; failures of the account and of the source both ask" {
    local before
    before=$(asked)
    try bob Correct-Horse-42 good-unneeded
    wants 200
    fails 3 bob
    [ "$(asked)" = "$before" ]
    try carol Correct-Horse-42 # the source
    wants 403 captcha_required
    from 2
    try bob Correct-Horse-42 # the account
    wants 403 captcha_required
    try carol Correct-Horse-42
    wants 200
}

@test "R8 R10: a name that is nobody's is asked in the same words, at the same failure" {
    local known
    for who in dave nobody dave@example.org nobody@example.org; do
        from ${#who}
        for i in 1 2 3 4 5; do
            try $who Wrong-Horse-42
            printf '%s %s\n%s\n' "$i" "$status" "$body"
            printf '%s\n' "$headers" | sed '/^date:/d'
        done >/run/said."$who"
        cmp /run/said.dave /run/said."$who"
    done
    [ "$(grep -c captcha_required /run/said.dave)" = 2 ]
    # a name of somebody's is asked by what was tried under it, not by its owner's other names
    add_user erna --email erna@example.org >/dev/null
    from 50
    fails 3 erna
    from 51
    try erna@example.org Correct-Horse-42
    wants 200
    try erna Correct-Horse-42
    wants 403 captcha_required
}

@test "what was answered with false, before or for whatever reason, lets nobody in" {
    fails 3 alice
    try alice Correct-Horse-42 good-once
    wants 200
    try alice Correct-Horse-42 good-once
    wants 403 captcha_required
    try alice Correct-Horse-42 bad
    wants 403 captcha_required
    for text in '{"success": false}' '{"success": "true"}' '{"success": 1}' '{"success": null}' '{}' '[true]' 'true' '' \
        '{"success": true' '{"success": true, "success": true}' '{"success": false, "success": true}' '{"Success": true}' \
        '{"success": true} {"success": true}' '{"success": [true]}' '<success>true</success>' \
        '{"success": false, "error-codes": ["invalid-input-secret"]}'; do
        printf '200 %s' "$text" >$box/mode
        try alice Correct-Horse-42 good-strange
        wants 403 captcha_required || { echo "for $text"; return 1; }
    done
    grep -q 'does not take the secret in \[throttle\] captcha_secret_file' /run/jwtauthd.log
    for code in 201 204 400 404 500 503; do
        printf '%s {"success": true}' $code >$box/mode
        try alice Correct-Horse-42 good-strange
        wants 403 captcha_required || { echo "for $code"; return 1; }
    done
}

@test "R26: no redirect is followed, no endless answer is read" {
    local before
    fails 3 alice
    before=$(asked)
    printf 'redirect http://127.0.0.1:%s/elsewhere' "$(cat $box/port)" >$box/mode
    try alice Correct-Horse-42 good-redirected
    wants 403 captcha_required
    [ "$(asked)" = $((before + 1)) ]
    printf endless >$box/mode
    try alice Correct-Horse-42 good-endless
    wants 403 captcha_required
    rm $box/mode
    try alice Correct-Horse-42 good-after-all
    wants 200
}

@test "while the service is silent everything else is answered, and nobody is let through unasked" {
    fails 3 alice
    printf silent >$box/mode
    curl -s -o /run/silent.out -w '%{http_code}' "${source[@]}" -H 'Content-Type: application/json' \
        -d '{"username":"alice","password":"Correct-Horse-42","captcha":"good-silent"}' "$tcp/auth/login" >/run/silent.code 3>&- &
    waiting=$!
    while ! grep -lq good-silent $box/*.json; do sleep 0.02; done
    from 2
    try carol Correct-Horse-42
    wants 200
    post /auth/password-reset '{"email":"carol@example.org"}' "${source[@]}"
    wants 202
    kill -0 $waiting
    wait $waiting
    [ "$(cat /run/silent.code)" = 403 ]
    grep -q '"captcha_required"' /run/silent.out
    grep -q 'a captcha could not be checked: the captcha service does not answer' /run/jwtauthd.log
}

@test "registration and password reset are asked alike, after failed logins; a closed registration says so first" {
    fails 3 nobody-$n@example.org
    from 2
    post /auth/register "{\"email\":\"nobody-$n@example.org\",\"password\":\"Correct-Horse-42\"}" "${source[@]}"
    wants 403 captcha_required
    post /auth/password-reset "{\"email\":\"nobody-$n@example.org\"}" "${source[@]}"
    wants 403 captcha_required
    [ "$(told_key)" = "$site_key" ]
    post /auth/password-reset "{\"email\":\"nobody-$n@example.org\",\"captcha\":\"bad\"}" "${source[@]}"
    wants 403 captcha_required
    post /auth/password-reset "{\"email\":\"nobody-$n@example.org\",\"captcha\":\"good-reset\"}" "${source[@]}"
    wants 202
    post /auth/register "{\"email\":\"nobody-$n@example.org\",\"password\":\"Correct-Horse-42\",\"captcha\":\"good-register\"}" "${source[@]}"
    wants 201
    # resending is not asked: [throttle] other bounds it
    post /auth/resend-verification "{\"email\":\"nobody-$n@example.org\"}" "${source[@]}"
    wants 202
    change 's/^open = yes/open = no/'
    post /auth/register "{\"email\":\"nobody-$n@example.org\",\"password\":\"Correct-Horse-42\"}" "${source[@]}"
    wants 403 registration_closed
    change 's/^open = no/open = yes/'
}

@test "a captcha that is text in a header's or a form's clothes is refused unasked, or is no more than a value" {
    local before
    fails 3 alice
    before=$(asked)
    for token in 'good\r\nX-Evil: 1' 'good\u0000' 'good\n' 'g\u00f6\u00f6d' ' good' '' "$(printf 'g%.0s' $(seq 8193))"; do
        try alice Correct-Horse-42 "$token"
        [ "$status" = 403 ] || wants 400 field_too_long || wants 400 malformed_json
    done
    for token in true 1 '["good"]' '{"a":"good"}' null; do
        post /auth/login "{\"username\":\"alice\",\"password\":\"Correct-Horse-42\",\"captcha\":$token}" "${source[@]}"
        wants 400 invalid_type
    done
    [ "$(asked)" = "$before" ]
    try alice Correct-Horse-42 "good-$(printf 'g%.0s' $(seq 8187))"
    wants 200
}

@test "who has many refused is not taken to the service any more" {
    local before
    change 's/^delay_base/token_failures = 2\/1h\n&/'
    fails 3 alice
    for _ in 1 2; do
        try alice Correct-Horse-42 bad
        wants 403 captcha_required
    done
    before=$(asked)
    try alice Correct-Horse-42 good-late
    wants 429 too_many_attempts
    [ "$(asked)" = "$before" ]
    from 2
    try alice Correct-Horse-42 good-late
    wants 200
    change '/^token_failures/d'
}

@test "a service that is down, has a certificate of nobody's, or a secret file that is not safe lets nobody in" {
    ca=$BATS_TEST_TMPDIR
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$ca/key" -out "$ca/crt" 2>/dev/null
    fails 3 alice
    stop_service
    try alice Correct-Horse-42 good-down
    wants 403 captcha_required
    start_service "$ca/crt" "$ca/key"
    change "s|^captcha_url = .*|captcha_url = https://localhost:$(cat $box/port)/siteverify|"
    try alice Correct-Horse-42 good-tls
    wants 403 captcha_required
    [ "$(asked)" = 0 ]
    cat "$ca/crt" >>/etc/ssl/certs/ca-certificates.crt # of this world
    change 's/^$//'
    try alice Correct-Horse-42 good-tls
    wants 200
    chmod 0640 /etc/jwtauth/captcha.secret
    try alice Correct-Horse-42 good-mode
    wants 403 captcha_required
    [ "$(asked)" = 1 ]
    new_secret 'another one' # without a restart
    try alice Correct-Horse-42 good-secret
    wants 403 captcha_required
    [ "$(question 'q["form"][0]')" = "['secret', 'another one']" ]
    new_secret 'it & is = 100% secret'
}

@test "root is never asked: not on the Unix socket, not by authctl; nor is anybody by PAM" {
    change 's/^captcha_after = .*//;s/^captcha_url = .*/&\ncaptcha_after = 0/'
    try alice Correct-Horse-42
    wants 403 captcha_required
    ucall POST /auth/login -H 'Content-Type: application/json' -d '{"username":"alice","password":"Correct-Horse-42"}'
    wants 200
    printf 'Wrong-Horse-42\n' | fails_with 1 authctl login alice --password-stdin
    printf 'Correct-Horse-42\n' | authctl -q login alice --password-stdin >/dev/null
    unix=$(find /lib /usr/lib -name pam_unix.so | head -n 1)
    install -m 0644 "$top_builddir/.libs/pam_jwtauth.so" "$(dirname "$unix")/pam_jwtauth.so"
    printf 'auth required pam_jwtauth.so\naccount required pam_jwtauth.so\n' >/etc/pam.d/captcha-test
    for _ in 1 2 3 4; do
        run pamtester captcha-test alice authenticate <<<Wrong-Horse-42
        [ "$status" != 0 ]
    done
    run pamtester captcha-test alice authenticate <<<Correct-Horse-42
    echo "$output"
    [ "$status" = 0 ]
    change '/^captcha_after/d'
    # nor did any of that count
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM throttle WHERE key = 'captcha local'")" = 0 ]
}

@test "without captcha_url nobody is asked and nothing is counted; the field is taken" {
    change 's/^captcha_url/#&/'
    fails 5 alice
    try alice Correct-Horse-42 good-for-nothing
    wants 200
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT count(*) FROM throttle WHERE key LIKE 'captcha 203.$n.%'")" = 0 ]
    change 's/^#captcha_url/captcha_url/'
}

@test "no captcha, no secret and no password is in a log" {
    run grep -cE 'good[-0-9]|100% secret|another one|Correct-Horse|Wrong-Horse' /run/jwtauthd.log
    [ "$output" = 0 ]
    call GET /metrics
    [[ "$body" == *'jwtauthd_captchas_total{outcome="unavailable"} '* ]]
}
