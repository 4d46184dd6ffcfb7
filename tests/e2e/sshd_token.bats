#!/usr/bin/env bats
# A token as the password of a real sshd, typed by sshpass: accept=password,jwt and jwt_once.
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    install_everything
    make_user alice
    make_user bob
    enroll bob
    sed -i 's|^auth .*pam_jwtauth.so|& accept=password,jwt|' /etc/pam.d/sshd
    grep -q 'accept=password,jwt' /etc/pam.d/sshd
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "$port" >/run/port
    cat >/run/sshd_config <<CONF
ListenAddress 127.0.0.1
Port $port
HostKey /run/host_key
PidFile /run/sshd.pid
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
MaxStartups 100
CONF
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    echo $! >/run/sshd.own
    until_true 10 grep -q 'Server listening' /run/sshd.log
}

teardown_file() {
    [ ! -s /run/sshd.own ] || kill "$(cat /run/sshd.own)"
}

setup() { port=$(cat /run/port); }

# log_in USER FILE [COMMAND]: with what is in the file at the password prompt.
log_in() {
    sshpass -f "$2" ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR \
        -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 -o PubkeyAuthentication=no \
        -o PreferredAuthentications=keyboard-interactive "$1@127.0.0.1" "${3:-id -un}" </dev/null 3>&-
}
refused() {
    run log_in alice "$1"
    [ "$status" != 0 ]
    [[ $output == *'Permission denied'* ]]
}
token() { authctl -q token issue --user alice "$@"; }
last_refusal() {
    sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT detail FROM audit_log WHERE action = 'login' ORDER BY seq DESC LIMIT 1" |
        json 'd["token_refused"]'
}

@test "a good token logs in, and the session has a token of its own with amr ext" {
    token >/run/t
    [ "$(log_in alice /run/t)" = alice ]
    # shellcheck disable=SC2016
    log_in alice /run/t 'cat "$JWTAUTH_TOKEN_FILE"' >/run/session
    authctl -q token decode - --json </run/session | json 'd["payload"]["amr"]' | grep -qxF "['ext']"
    printf '%s\n' "$password" >/run/pw
    [ "$(log_in alice /run/pw)" = alice ]
}

@test "forged and foreign ones are refused, each for its reason, and none is in a log" {
    token >/run/good
    head=$(cut -d. -f1 /run/good) body=$(cut -d. -f2 /run/good) sig=$(cut -d. -f3 /run/good)
    token --audience billing >/run/aud
    authctl -q token issue --user bob >/run/user
    printf 'eyJhbGciOiJub25lIn0.%s.' "$body" >/run/none
    printf '%s.%s.%s' "$head" "$body" "$(tr 'A-Z' 'B-ZA' <<<"${sig:0:40}")${sig:40}" >/run/forged
    token >/run/revoked
    authctl -q token revoke - </run/revoked >/dev/null 2>&1
    for case in aud:wrong_audience user:wrong_user none:unsupported_alg forged:bad_signature revoked:revoked; do
        refused "/run/${case%:*}"
        [ "$(last_refusal)" = "${case#*:}" ]
    done
    # a refresh token is no token here but a wrong password
    printf '%s\n' "$password" >/run/pw
    authctl login alice --password-stdin --json </run/pw | json 'd["refresh_token"]' >/run/refresh
    refused /run/refresh
    run ! grep -q eyJ /run/sshd.log
    [ "$(sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT COUNT(*) FROM audit_log WHERE detail GLOB '*eyJ*'")" = 0 ]
    authctl -q user lock alice
    refused /run/good
    authctl -q user unlock alice
}

@test "jwt_once: of ten at once one gets in, and nobody afterwards" {
    sed -i 's|accept=password,jwt|& jwt_once|' /etc/pam.d/sshd
    token >/run/once
    for i in $(seq 10); do log_in alice /run/once >"/run/out.$i" 2>/dev/null & done
    wait
    [ "$(cat /run/out.* | grep -c '^alice$')" = 1 ]
    refused /run/once
    [ "$(last_refusal)" = token_used ]
    token >/run/once
    [ "$(log_in alice /run/once)" = alice ]
}
