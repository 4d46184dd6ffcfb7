#!/usr/bin/env bats
# Users who exist in jwtauth only, through the real nsswitch: getent, id, ls, sshd, sudo (R30).
# shellcheck disable=SC2154

load e2e.bash

setup_file() {
    local libs
    install_everything
    libs=$(dirname "$(ldconfig -p | sed -n 's/.*=> \(.*libc\.so\.6\)$/\1/p' | head -n 1)")
    cp "$top_builddir/.libs/libnss_jwtauth.so.2" "$libs/libnss_jwtauth.so.2"
    chmod 0644 "$libs/libnss_jwtauth.so.2"
    printf 'passwd: files jwtauth\ngroup: files jwtauth\nshadow: files\nhosts: files\n' >/etc/nsswitch.conf
    authctl -q role add ops --description 'runs the machines'
    authctl -q role add lead --description 'leads those'
    authctl -q role inherit lead ops
    authctl -q role permit ops sudo:run
    only_ours nora
    only_ours olaf
    only_ours lea
    authctl -q role grant olaf ops
    authctl -q role grant lea lead
    make_local lena
    sed -i 's/^session *required *pam_loginuid.so/session required pam_mkhomedir.so umask=0077\n&/' /etc/pam.d/sshd
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    echo "$port" >/run/port
    id jwtauth-keys || useradd -r -s /usr/sbin/nologin jwtauth-keys
    ssh-keygen -q -t ed25519 -N '' -f /run/user_key
    cat "$tests_dir/../packaging/sshd_config.d/jwtauth.conf" - >/run/sshd_config <<CONF
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

only_ours() { printf '%s\n' "$password" | authctl -q user add "$1" --full-name "$1 Only" --shell /bin/sh --password-stdin >/dev/null; }

setup() {
    port=$(cat /run/port)
    kbd=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR
        -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 -o PreferredAuthentications=keyboard-interactive)
}

steps_of() { printf 'expect assword\nsend %s\n' "$1"; }
groups_of() { id -nG "$1" | tr ' ' '\n' | sort | tr '\n' ' '; }

@test "getent and id: by name, by number, all of them; the local files go first" {
    [[ $(getent passwd nora) =~ ^nora:\*:([0-9]+):([0-9]+):nora\ Only:/home/nora:/bin/sh$ ]]
    uid=$(id -u nora)
    [ "$uid" -ge 100000 ]
    [ "$(getent passwd "$uid")" = "$(getent passwd nora)" ]
    [ "$(getent group "$uid")" = "nora:*:$uid:" ]
    [ "$(getent passwd | grep -c ' Only:')" = 3 ]
    [ "$(getent passwd root | cut -d: -f3)" = 0 ]
    [ "$(getent group jwtauth-ops | cut -d: -f4 | tr ',' '\n' | sort | tr '\n' ' ')" = 'lea olaf ' ]
    [ "$(groups_of olaf)" = 'jwtauth-ops olaf ' ]
    [ "$(groups_of lea)" = 'jwtauth-lead jwtauth-ops lea ' ]
    [ "$(groups_of nora)" = 'nora ' ]
    run getent passwd nobody-here
    [ "$status" -eq 2 ]
    run getent group jwtauth-nothing
    [ "$status" -eq 2 ]
}

@test "authctl getent says what getent says, to everybody" {
    [ "$(getent -s jwtauth passwd | sort)" = "$(as_nobody authctl getent passwd | sort)" ]
    [ "$(getent -s jwtauth group | sort)" = "$(as_nobody authctl getent group | sort)" ]
    for key in nora "$(id -u nora)"; do
        [ "$(getent -s jwtauth passwd "$key")" = "$(authctl getent passwd "$key")" ]
    done
    [ "$(getent initgroups olaf | xargs)" = "$(authctl getent initgroups olaf | xargs)" ]
}

@test "ls shows the name, of who is disabled too, and no other name after a deletion" {
    touch /run/file
    chown "$(id -u nora):$(getent group jwtauth-ops | cut -d: -f3)" /run/file
    [[ $(ls -l /run/file) == *' nora jwtauth-ops '* ]]
    authctl -q user disable nora
    [[ $(ls -l /run/file) == *' nora jwtauth-ops '* ]]
    authctl -q user enable nora
    only_ours gone
    uid=$(id -u gone)
    chown "$uid:$uid" /run/file
    authctl -q user delete gone --yes
    [[ $(ls -l /run/file) == *" $uid $uid "* ]]
    only_ours next
    [ "$(id -u next)" != "$uid" ]
    authctl -q user delete next --yes
}

@test "a local account of a name wins, and gets no groups of the other one" {
    cp /etc/passwd /run/passwd.before
    echo 'olaf:x:4711:4711::/home/olaf:/bin/sh' >>/etc/passwd
    [ "$(id -u olaf)" = 4711 ]
    [ "$(id -G olaf)" = 4711 ]
    cat /run/passwd.before >/etc/passwd
    [ "$(groups_of olaf)" = 'jwtauth-ops olaf ' ]
}

@test "an adopted user gets the groups of the roles" {
    make_user adele
    [ "$(groups_of adele)" = 'adele ' ]
    authctl -q role grant adele ops
    [ "$(groups_of adele)" = 'adele jwtauth-ops ' ]
    [ -z "$(getent -s jwtauth passwd adele)" ]
    authctl -q role revoke adele ops
    [ "$(groups_of adele)" = 'adele ' ]
}

@test "ssh: who is in jwtauth only logs in and has a home" {
    [ ! -e /home/nora ]
    run dialogue "$(steps_of "$password")" "${kbd[@]}" nora@127.0.0.1 'echo "in as $(id -un) in $PWD, $(stat -c "%U %a" .)"'
    [ "$status" -eq 0 ]
    [[ $output == *'in as nora in /home/nora, nora 700'* ]]
    run dialogue "$(steps_of wrong)" "${kbd[@]}" nora@127.0.0.1 id
    [ "$status" -eq 255 ]
    authctl -q user lock nora >/dev/null
    run dialogue "$(steps_of "$password")" "${kbd[@]}" nora@127.0.0.1 id
    [ "$status" -eq 255 ]
    authctl -q user unlock nora >/dev/null
}

# key_in USER, key_out USER
key=(-o PreferredAuthentications=publickey -o IdentitiesOnly=yes -i /run/user_key)
key_in() {
    run ssh -F /dev/null -p "$(cat /run/port)" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR \
        -o StrictHostKeyChecking=no "${key[@]}" "$1@127.0.0.1" 'echo "in as $(id -un) in $PWD, $(stat -c "%U %a" .)"' </dev/null
    [ "$status" -eq 0 ] || { echo "$output"; tail -20 /run/sshd.log; return 1; }
    [[ $output == *"in as $1 in /home/$1, $1 700"* ]]
}
key_out() {
    run ssh -F /dev/null -p "$(cat /run/port)" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR \
        -o StrictHostKeyChecking=no "${key[@]}" "$1@127.0.0.1" id -un </dev/null
    [ "$status" -eq 255 ] || { echo "$1 is in: $output"; return 1; }
    [[ $output == *"${2-Permission denied}"* ]] || { echo "$output"; tail -20 /run/sshd.log; return 1; }
}

# R18, R6
@test "ssh by key: who is in jwtauth only, without a password; not when disabled, locked, deleted" {
    authctl -q user add kay --full-name 'Kay Keys' --shell /bin/sh >/dev/null </dev/null
    run grep -q '^kay:' /etc/passwd
    [ "$status" -ne 0 ]
    key_out kay
    authctl -q ssh-key add kay /run/user_key.pub >/dev/null
    [ ! -e /home/kay ]
    key_in kay
    key_out olaf
    for verb in disable lock; do
        authctl -q user $verb kay >/dev/null
        key_out kay
        if [ $verb = lock ]; then authctl -q user unlock kay; else authctl -q user enable kay; fi >/dev/null
        key_in kay
    done
    # the command that sshd asks has no key then; where there is one all the same, account refuses
    authctl -q user disable kay >/dev/null
    run setpriv --reuid=jwtauth-keys --clear-groups authctl ssh-key authorized kay
    [ "$status" -eq 3 ]
    mkdir -p /home/kay/.ssh
    cp /run/user_key.pub /home/kay/.ssh/authorized_keys
    chown -R "$(id -u kay)" /home/kay/.ssh
    lines=$(wc -l </run/sshd.log)
    key_out kay "" # sshd just hangs up
    tail -n "+$((lines + 1))" /run/sshd.log | grep -q 'Access denied for user kay by PAM account configuration'
    authctl -q user enable kay >/dev/null
    rm -r /home/kay/.ssh
    authctl -q user delete kay --yes
    key_out kay
}

@test "ssh: the groups of the session are those of the roles" {
    run dialogue "$(steps_of "$password")" "${kbd[@]}" lea@127.0.0.1 'echo "groups: $(id -nG) ."'
    [ "$status" -eq 0 ]
    [[ $output == *'groups: '*jwtauth-lead* ]]
    [[ $output == *'groups: '*jwtauth-ops* ]]
}

sudo_by() { # INVOKER STEPS COMMAND...
    local user=$1 steps=$2
    shift 2
    mkdir -p "/home/$user"
    run dialogue "$steps" setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups \
        env -i PATH=/usr/bin:/bin TERM=dumb sudo "$@"
    echo "$output"
}

@test "sudo: a role's group may, until the grant ends" {
    printf '%%jwtauth-ops ALL = (ALL) ALL\nDefaults timestamp_timeout=0\n' >/etc/sudoers.d/ops
    chmod 0440 /etc/sudoers.d/ops
    sudo_by olaf "$(steps_of "$password")" id -u
    [ "$status" -eq 0 ]
    [[ $output == *0* ]]
    sudo_by lea "$(steps_of "$password")" id -u # by inheritance
    [ "$status" -eq 0 ]
    sudo_by nora "$(steps_of "$password")" id -u
    [ "$status" -ne 0 ]
    # for five seconds: nothing is written when they are over
    authctl -q role grant nora ops --until 5s
    sudo_by nora "$(steps_of "$password")" id -u
    [ "$status" -eq 0 ]
    before=$(stat -c %i /var/cache/jwtauth/nss.snapshot)
    until_true 20 eval '! id -nG nora | grep -q jwtauth-ops'
    [ "$(stat -c %i /var/cache/jwtauth/nss.snapshot)" = "$before" ]
    sudo_by nora "$(steps_of "$password")" id -u
    [ "$status" -ne 0 ]
    authctl -q role revoke olaf ops
    sudo_by olaf "$(steps_of "$password")" id -u
    [ "$status" -ne 0 ]
    authctl -q role grant olaf ops
    rm /etc/sudoers.d/ops
}

@test "sudo: everybody in sudoers, require_permission=sudo:run in the stack decides" {
    printf 'ALL ALL = (ALL) ALL\nDefaults timestamp_timeout=0\n' >/etc/sudoers.d/all
    chmod 0440 /etc/sudoers.d/all
    cp /etc/pam.d/sudo /run/sudo.before
    sed -i '/^a.*pam_jwtauth.so/s/pam_jwtauth.so/& require_permission=sudo:run/' /etc/pam.d/sudo
    sudo_by olaf "$(steps_of "$password")" id -u
    [ "$status" -eq 0 ]
    sudo_by nora "$(steps_of "$password")" id -u
    [ "$status" -ne 0 ]
    authctl -q role grant nora ops --until 5s
    sudo_by nora "$(steps_of "$password")" id -u
    [ "$status" -eq 0 ]
    until_true 20 eval '! id -nG nora | grep -q jwtauth-ops'
    sudo_by nora "$(steps_of "$password")" id -u
    [ "$status" -ne 0 ]
    cp /run/sudo.before /etc/pam.d/sudo
    rm /etc/sudoers.d/all
}

@test "no snapshot, a damaged one, one of others: local users go on, and it comes back (R30)" {
    snapshot=/var/cache/jwtauth/nss.snapshot
    cp -p $snapshot /run/snapshot
    for accident in 'rm -f' 'truncate -s 100' 'chmod 0666' 'chown nobody' 'truncate -s +1'; do
        $accident $snapshot
        run getent passwd nora
        [ "$status" -eq 2 ]
        [ "$(id -u lena)" -ge 1000 ]
        [ "$(getent passwd root | cut -d: -f3)" = 0 ]
        rm -f $snapshot
        authctl -q purge
        getent passwd nora
        [ "$(stat -c '%a %U' $snapshot)" = '644 root' ]
    done
}

@test "an environment full of traps changes nothing (R23, CVE-2010-0826)" {
    cd "$BATS_TEST_TMPDIR"
    run as lena env JWTAUTH_CONFIG=/nonexistent LD_LIBRARY_PATH=. TMPDIR=. HOME=. getent passwd nora
    [ "$status" -eq 0 ]
    run env JWTAUTH_CONFIG=/nonexistent strace -f -e trace=%file,%network -o trace getent passwd nora
    [ "$status" -eq 0 ]
    [ "$(grep -c '/var/cache/jwtauth/nss.snapshot' trace)" = 1 ]
    run grep -E 'nonexistent|jwtauth.conf|jwtauth.db|master.key|jwtauthd' trace
    [ "$status" -ne 0 ]
}
