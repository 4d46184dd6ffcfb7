#!/usr/bin/env bats
# Policy rules with a real sshd and sudo: strong from outside, lighter from the office, a service account by key only,
# sudo by role. The office is 127.0.1.0/24, outside is every other loopback address.
# shellcheck disable=SC2154,SC2016

load e2e.bash

rules='
[policy backup-by-key]
service = sshd
user = svc-backup
methods = publickey

[policy no-such-way]
service = sshd
user = dora
methods = hostbased

[policy ssh-outside]
service = sshd
not_network = 127.0.1.0/24
mfa = required
methods = password, publickey

[policy ssh-office]
service = sshd
mfa = auto

[policy sudo-ops]
service = sudo
role = ops

[policy sudo-others]
service = sudo
deny = yes'

setup_file() {
    install_everything
    printf '%s\n' "$rules" >>/etc/jwtauth/jwtauth.conf
    for user in alice bob dora svc-backup; do make_user $user; done
    enroll alice
    authctl -q role add ops
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    for user in alice bob dora svc-backup; do
        install -d -m 0700 -o "$user" -g "$user" "/home/$user/.ssh"
        install -m 0600 -o "$user" -g "$user" /run/user_key.pub "/home/$user/.ssh/authorized_keys"
    done
    echo 'alice, bob ALL = (ALL) ALL' >/etc/sudoers.d/e2e
    echo 'Defaults timestamp_timeout=0' >>/etc/sudoers.d/e2e
    chmod 0440 /etc/sudoers.d/e2e
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
MaxAuthTries 20
CONF
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    echo $! >/run/sshd.own
    until_true 10 grep -q 'Server listening' /run/sshd.log
}

teardown_file() {
    [ ! -s /run/sshd.own ] || kill "$(cat /run/sshd.own)"
}

setup() {
    port=$(cat /run/port)
    outside=(-b 127.0.2.9)
    office=(-b 127.0.1.9)
}

# by KIND PLACE...: the command that logs in by a key, or by what the module asks.
by() {
    local kind=$1
    shift
    ssh=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR -o StrictHostKeyChecking=no
        -o NumberOfPasswordPrompts=1 -o IdentitiesOnly=yes -o "PreferredAuthentications=$kind" -i /run/user_key "$@")
}

# typed USER ANSWERS: by the module's prompts; key USER: by key. What it prints is $output.
typed() { run dialogue "$2" "${ssh[@]}" "$1@127.0.0.1" echo 'let-in-as-$USER'; }
key() { run "${ssh[@]}" "$1@127.0.0.1" echo 'let-in-as-$USER' </dev/null; }
let_in() { [ "$status" -eq 0 ] && [[ $output == *"let-in-as-$1"* ]]; }
kept_out() { [ "$status" -ne 0 ] && [[ $output != *let-in-as* ]]; }

password_only() { printf 'expect Password: \nsend %s\n' "$password"; }
with_code() { printf 'expect Password: \nsend %s\nexpect Verification code: \nsend %s\n' "$password" "$1"; }

# explained PLACE USER KIND: what policy explain says of it.
explained() {
    authctl --json policy explain --user "$2" --service sshd --rhost "$1" | json "d['rule'], d['by_$3']"
}

@test "from outside: password and code, or a key; a password alone lets nobody in" {
    by keyboard-interactive "${outside[@]}"
    typed alice "$(with_code "$(next_code alice)")"
    let_in alice
    typed alice "$(with_code 000000)"
    kept_out
    typed bob "$(with_code 000000)" # who has no second factor is asked both all the same
    kept_out
    by publickey "${outside[@]}"
    key bob
    let_in bob
    key alice
    let_in alice
    [ "$(explained 127.0.2.9 alice password)" = "('ssh-outside', 'allowed')" ]
    [ "$(explained 127.0.2.9 bob password)" = "('ssh-outside', 'no_second_factor')" ]
    [ "$(explained 127.0.2.9 bob key)" = "('ssh-outside', 'allowed')" ]
}

@test "from the office: who has no second factor needs none, who has one is asked for it" {
    by keyboard-interactive "${office[@]}"
    typed bob "$(password_only)"
    let_in bob
    typed alice "$(with_code "$(next_code alice)")"
    let_in alice
    typed alice "$(with_code 000000)"
    kept_out
    by publickey "${office[@]}"
    key bob
    let_in bob
    [ "$(explained 127.0.1.9 bob password)" = "('ssh-office', 'allowed')" ]
}

@test "the service account: by key from everywhere, by a right password from nowhere" {
    for place in outside office; do
        declare -n where=$place
        by keyboard-interactive "${where[@]}"
        typed svc-backup "$(password_only)
expect \$"
        kept_out
        by publickey "${where[@]}"
        key svc-backup
        let_in svc-backup
    done
    [ "$(explained 127.0.1.9 svc-backup password)" = "('backup-by-key', 'method')" ]
    [ "$(explained 127.0.1.9 svc-backup key)" = "('backup-by-key', 'allowed')" ]
}

@test "a key where the rule allows another way: refused when the session is opened and its line is required" {
    sed -i 's/^session    optional     pam_jwtauth.so/session    required     pam_jwtauth.so/' /etc/pam.d/sshd
    grep -q '^session    required     pam_jwtauth.so' /etc/pam.d/sshd
    by publickey "${office[@]}"
    key dora
    kept_out
    key bob
    let_in bob
    [ "$(explained 127.0.1.9 dora key)" = "('no-such-way', 'method')" ]
    sed -i 's/^session    required     pam_jwtauth.so/session    optional     pam_jwtauth.so/' /etc/pam.d/sshd
}

sudo_by_bob() {
    run dialogue "$(printf 'expect password for\nsend %s\n' "$password")" setpriv --reuid="$(id -u bob)" \
        --regid="$(id -g bob)" --init-groups env -i PATH=/usr/bin:/bin TERM=dumb sudo sh -c 'echo in-as-$(id -un)'
}

@test "sudo by role, for as long as it is held" {
    sudo_by_bob
    [ "$status" -ne 0 ]
    [[ $output != *in-as-root* ]]
    authctl -q role grant bob ops >/dev/null
    sudo_by_bob
    [ "$status" -eq 0 ]
    [[ $output == *in-as-root* ]]
    authctl -q role revoke bob ops >/dev/null
    sudo_by_bob
    [ "$status" -ne 0 ]
    [[ $output != *in-as-root* ]]
}

@test "a rule with an error keeps out whom it may be meant for, and nobody else" {
    authctl -q role grant bob ops >/dev/null
    sed -i 's/^role = ops$/role = opps/' /etc/jwtauth/jwtauth.conf
    sudo_by_bob
    [ "$status" -ne 0 ]
    [[ $output != *in-as-root* ]]
    by publickey "${office[@]}"
    key bob
    let_in bob
    sed -i 's/^role = opps$/role = ops/; s/^mfa = auto$/mfa = autp/' /etc/jwtauth/jwtauth.conf
    sudo_by_bob
    [ "$status" -eq 0 ]
    key bob
    kept_out
    by publickey "${outside[@]}"
    key bob
    let_in bob
    sed -i 's/^mfa = autp$/mfa = auto/' /etc/jwtauth/jwtauth.conf
    authctl policy check
}
