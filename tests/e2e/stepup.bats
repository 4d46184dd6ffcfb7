#!/usr/bin/env bats
# mfa_remember with a real sshd, pam_loginuid and sudo: the kernel's audit session decides.
# shellcheck disable=SC2154

load e2e.bash

# Kernels without audit sessions have no login session to remember for: nothing is spared there.
audit_sessions() { [ -e /proc/self/sessionid ]; }

setup_file() {
    audit_sessions || return 0
    install_everything
    make_user alice
    enroll alice
    sed -i 's/^\(auth.*pam_jwtauth.so\)$/\1 mfa_remember=15m/; s/^\(account.*pam_jwtauth.so\)$/\1 mfa_remember=15m/' \
        /etc/pam.d/sudo
    grep -c 'mfa_remember=15m' /etc/pam.d/sudo | grep -qx 2
    printf 'alice ALL = (ALL) ALL\nDefaults timestamp_timeout=0, passwd_tries=1\n' >/etc/sudoers.d/e2e
    chmod 0440 /etc/sudoers.d/e2e
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    install -d -m 0700 -o alice -g alice /home/alice/.ssh
    install -m 0600 -o alice -g alice /run/user_key.pub /home/alice/.ssh/authorized_keys
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
CONF
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    echo $! >/run/sshd.own
    until_true 10 grep -q 'Server listening' /run/sshd.log
}

teardown_file() {
    [ ! -s /run/sshd.own ] || kill "$(cat /run/sshd.own)"
}

setup() {
    audit_sessions || skip 'this kernel has no audit sessions'
    port=$(cat /run/port)
    key=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR
        -o StrictHostKeyChecking=no -o IdentitiesOnly=yes -o PreferredAuthentications=publickey -i /run/user_key)
}

remembered() { sqlite3 -cmd '.timeout 20000' /var/lib/jwtauth/jwtauth.db 'SELECT COUNT(*) FROM remembered_factors'; }
# A code of now, as if none had been used: nothing here is about replay, and nobody waits half a minute.
code_now() {
    sqlite3 -cmd '.timeout 20000' /var/lib/jwtauth/jwtauth.db 'UPDATE totp SET last_step = 1'
    oathtool --totp -b - </run/alice.secret
}
asked_password() { printf 'send sudo echo $((40+%s))\nexpect password for alice: \nsend %s\n' "$1" "$password"; }
# What sudo's command says cannot come before a code that is asked for; the shell's prompt shows that sudo has ended.
asked_both() { printf '%s\nexpect Verification code: \nsend %s\nexpect 4%s\nexpect $ \n' "$(asked_password "$1")" "$2" "$1"; }
asked_password_only() { printf '%s\nexpect 4%s\nexpect $ \n' "$(asked_password "$1")" "$1"; }

@test "one code for sudo in a login session, however often; another session is asked for its own" {
    run dialogue "expect \$ 
$(asked_both 1 "$(code_now)")
$(asked_password_only 2)
$(asked_password_only 3)
send exit" "${key[@]}" -tt alice@127.0.0.1
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'Verification code' <<<"$output")" = 1 ]
    [ "$(grep -c 'password for alice' <<<"$output")" = 3 ]
    [ "$(remembered)" = 1 ]
    run dialogue "expect \$ 
$(asked_password 4)
expect Verification code: 
send 000000
expect \$ 
send exit" "${key[@]}" -tt alice@127.0.0.1
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output != *$'\n'44* ]]
}

@test "a session that is revoked is asked again, though its shell lives on" {
    run dialogue "expect \$ 
$(asked_both 1 "$(code_now)")
$(asked_password_only 2)
send sudo authctl -q session revoke --user alice
expect password for alice: 
send $password
expect \$ 
$(asked_password 3)
expect Verification code: 
send 000000
expect \$ 
send exit" "${key[@]}" -tt alice@127.0.0.1
    echo "$output"
    [ "$status" -eq 1 ]
}

@test "without a login session sudo asks every time" {
    without=(setpriv --reuid="$(id -u alice)" --regid="$(id -g alice)" --init-groups
        env -i PATH=/usr/bin:/bin TERM=dumb sudo id -u)
    run dialogue "expect password for
send $password
expect Verification code: 
send $(code_now)" "${without[@]}"
    [ "$status" -eq 0 ]
    run dialogue "expect password for
send $password
expect Verification code: 
send 000000" "${without[@]}"
    echo "$output"
    [ "$status" -eq 1 ]
}
