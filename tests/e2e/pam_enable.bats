#!/usr/bin/env bats
# pam enable, disable, confirm and rollback on Debian's own files, and real logins through what they leave.
# shellcheck disable=SC2154

load e2e.bash

kept=/var/lib/jwtauth/pam

setup_file() {
    cp -a /etc/pam.d /run/pam.d.debian
    install_everything
    make_user bob
    make_local lena
    printf 'root:%s\n' "$password" | chpasswd
    cp -a /run/pam.d.debian/su /run/su.before
}

setup() {
    rm -rf /etc/pam.d "$kept"
    cp -a /run/pam.d.debian /etc/pam.d
}

# What a test left waiting would end by itself some time after the record is gone; the next test may count who waits.
teardown() {
    rm -rf "$kept"
    kill_watchers
}

untouched() {
    cmp "/etc/pam.d/$1" "/run/pam.d.debian/$1"
    [ -z "$(ls -A /etc/pam.d | grep '^\.')" ]
}
enabled() { grep -q pam_jwtauth.so "/etc/pam.d/$1"; }
is_back() { cmp -s "/etc/pam.d/$1" "/run/pam.d.debian/$1" && [ ! -e "$kept/$1.json" ]; }

# The processes of this world that wait for a deadline.
watchers() {
    local p
    for p in /proc/[0-9]*; do
        if [ "$(cat "$p/comm" 2>/dev/null)" = authctl-pam ] &&
            [ "$(readlink "$p/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ]; then
            echo "${p#/proc/}"
        fi
    done
}
nobody_waits() { [ -z "$(watchers)" ]; }
kill_watchers() {
    local pid
    for pid in $(watchers); do kill -KILL "$pid"; done
    until_true 10 nobody_waits
}
# past SERVICE: the deadline is over.
past() { sed -i 's/"deadline_ms":[0-9]*/"deadline_ms":0/' "$kept/$1.json"; }
# enable SERVICE [OPTION...]: nothing of bats' own stays open in who waits.
enable() {
    local service=$1
    shift
    authctl -q pam enable --service "$service" "$@" >/dev/null 3>&-
}

becomes() {
    run dialogue "expect Password: 
send $2" setpriv --reuid=65534 --regid=65534 --clear-groups su "$1" -c 'id -un'
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == *$1* ]]
}
becomes_not() {
    run dialogue "expect Password: 
send $2" setpriv --reuid=65534 --regid=65534 --clear-groups su "$1" -c 'id -un'
    [ "$status" -ne 0 ] || { echo "is $1: $output"; return 1; }
}

@test "a dry run shows the diff that is made, and changes nothing" {
    run --separate-stderr authctl pam enable --service su --dry-run
    [ "$status" -eq 0 ]
    printf '%s\n' "$output" >/run/patch
    untouched su
    [ -z "$(ls "$kept" | grep -v '^lock$')" ]
    fails_with 0 authctl --json pam enable --service su --dry-run
    [ "$(json 'd["ok"], d["changed"], d["backup"], d["confirm_by"], d["tries"]' <<<"$output")" = "(True, False, None, None, [])" ]
    for service in su sshd login sudo; do
        authctl pam enable --service $service --dry-run >/run/patch
        cp /etc/pam.d/$service /run/patched
        patch -s /run/patched /run/patch
        enable $service
        cmp /run/patched /etc/pam.d/$service
    done
    cp /etc/pam.d/su /run/patched
    authctl -q pam confirm >/dev/null
    authctl pam disable --service su --dry-run >/run/patch
    cmp /run/patched /etc/pam.d/su
    patch -s /run/patched /run/patch
    cmp /run/patched /run/pam.d.debian/su
}

# R6, R22
@test "enabled: ours are let in, denied and locked, local users and root come through pam_unix; disabled: Debian's file" {
    becomes_not bob "$password"
    chmod 0640 /etc/pam.d/su
    chgrp adm /etc/pam.d/su
    run --separate-stderr authctl --json pam enable --service su 3>&-
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    [ "$(json 'd["ok"], d["changed"], d["backup"], [t["try"] for t in d["tries"] if t["ok"]]' <<<"$output")" = \
        "(True, True, '$kept/su.original', ['allow', 'allow_key', 'deny', 'locked', 'locked_key', 'unknown', 'unknown_key', 'root', 'root_deny', 'root_broken'])" ]
    [ "$(stat -c '%a %U:%G' /etc/pam.d/su)" = '640 root:adm' ]
    [ "$(stat -c '%a %U' "$kept" "$kept"/su.*)" = $'700 root\n600 root\n600 root\n600 root' ]
    cmp "$kept/su.original" /run/su.before
    run --separate-stderr authctl pam status --service su
    [[ $output == *"su: the change is not confirmed: taken back at 20"* ]]
    run --separate-stderr authctl pam confirm
    [ "$output" = 'confirmed: /etc/pam.d/su stays as it is now' ]
    until_true 10 nobody_waits
    fails_with 0 authctl pam status --service su
    [[ $output == *'su: denials are final, local users pass'* && $output != *confirmed* ]]
    becomes bob "$password"
    becomes_not bob wrong
    becomes lena "$password"
    becomes_not lena wrong
    becomes root "$password"
    authctl -q user lock bob >/dev/null
    becomes_not bob "$password"
    authctl -q user unlock bob >/dev/null
    break_store config
    becomes lena "$password"
    becomes root "$password"
    # however broken jwtauth is, its lines come out
    fails_with 0 authctl --json pam disable --service su 3>&-
    [[ $stderr == *'not in the audit log'* ]]
    mend_store config
    [ "$(json 'd["changed"], d["backup"], [t["try"] for t in d["tries"] if t["ok"]]' <<<"$output")" = \
        "(True, '$kept/su.enabled', ['gone', 'unknown', 'unknown_key', 'root', 'root_deny'])" ]
    untouched su
    [ "$(stat -c '%a %U:%G' /etc/pam.d/su)" = '640 root:adm' ]
    authctl -q pam confirm --service su >/dev/null
    becomes_not bob "$password"
    becomes lena "$password"
    fails_with 0 authctl --json pam disable --service su
    [ "$(json 'd["changed"]' <<<"$output")" = False ]
}

# R28
@test "who changed a stack is in the audit log" {
    seq=$(authctl audit list --json | json 'd["rows"][-1]["seq"]')
    enable su
    authctl -q pam rollback >/dev/null
    enable su
    authctl -q pam confirm >/dev/null
    authctl -q pam disable --service su >/dev/null 3>&-
    authctl -q pam confirm >/dev/null
    [ "$(authctl audit list --after "$seq" --json | json '[(r["action"], r["target"], r["actor"]) for r in d["rows"]]')" = \
        "[('pam.enable', 'pam:su', 'root'), ('pam.rollback', 'pam:su', 'root'), ('pam.enable', 'pam:su', 'root'), ('pam.confirm', 'pam:su', 'root'), ('pam.disable', 'pam:su', 'root'), ('pam.confirm', 'pam:su', 'root')]" ]
}

@test "sshd, login, sudo and sudo-i: what is made of Debian's files is sound to doctor and to libpam" {
    for service in sshd login sudo sudo-i; do
        enable $service
        run --separate-stderr authctl pam status --service $service
        [[ $output == *"$service: denials are final, local users pass"* ]]
        printf '%s\n' "$password" | authctl -q pam test --service $service --user bob --answers-stdin >/dev/null
        fails_with 1 authctl -q pam test --service $service --user bob --answers-stdin <<<wrong
        run dialogue "expect Password: 
send $password" pamtester $service bob authenticate acct_mgmt
        [ "$status" -eq 0 ]
        run dialogue "expect Password: 
send $password" pamtester $service lena authenticate acct_mgmt
        [ "$status" -eq 0 ]
    done
    [ "$(authctl --json pam confirm | json 'sorted(d["confirmed"])')" = "['login', 'sshd', 'sudo', 'sudo-i']" ]
    for service in sshd login sudo sudo-i; do
        authctl -q pam disable --service $service >/dev/null 3>&-
        untouched $service
    done
    authctl -q pam confirm >/dev/null
}

@test "a real sshd asks the new stack at once, and the old one as soon as it is back" {
    ssh-keygen -q -t ed25519 -N '' -f /run/host_key <<<y
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf '%s\n' 'ListenAddress 127.0.0.1' "Port $port" 'HostKey /run/host_key' 'PidFile /run/sshd.pid' 'UsePAM yes' \
        'KbdInteractiveAuthentication yes' 'PasswordAuthentication no' 'MaxAuthTries 20' >/run/sshd_config
    /usr/sbin/sshd -e -f /run/sshd_config -D 2>/run/sshd.log 3>&- &
    sshd=$!
    until_true 10 grep -q 'Server listening' /run/sshd.log
    ssh=(ssh -F /dev/null -p "$port" -o UserKnownHostsFile=/run/known_hosts -o LogLevel=ERROR -o StrictHostKeyChecking=no
        -o NumberOfPasswordPrompts=1 -o PreferredAuthentications=keyboard-interactive)
    said=
    for user in bob lena; do
        for pass in "$password" wrong; do
            for stack in debian ours debian; do
                if [ $stack = ours ]; then enable sshd; else authctl -q pam rollback >/dev/null; fi
                run dialogue "expect Password: 
send $pass" "${ssh[@]}" "$user@127.0.0.1" id -un
                said+="$user $status "
            done
        done
    done
    kill $sshd
    [ "$said" = 'bob 255 bob 0 bob 255 bob 255 bob 255 bob 255 lena 0 lena 0 lena 0 lena 255 lena 255 lena 255 ' ] || { echo "$said"; tail /run/sshd.log; return 1; }
}

@test "what is not confirmed in time goes back by itself, both ways" {
    enable su --confirm-within 1s
    until_true 20 is_back su
    untouched su
    fails_with 3 authctl --json pam confirm
    [ "$(error_code)" = nothing_to_confirm ]
    enable su
    authctl -q pam confirm >/dev/null
    cp /etc/pam.d/su /run/su.enabled
    authctl -q pam disable --service su --confirm-within 1s >/dev/null 3>&-
    until_true 20 cmp -s /etc/pam.d/su /run/su.enabled
    until_true 10 nobody_waits
    [ "$(json 'd["state"]' <"$kept/su.json")" = enabled ]
    becomes bob "$password"
    # and taken out for good all the same
    authctl -q pam disable --service su >/dev/null 3>&-
    authctl -q pam confirm >/dev/null
    untouched su
    # put back by hand: there is nothing to take out
    enable su
    authctl -q pam confirm >/dev/null
    cp /run/su.before /etc/pam.d/su
    fails_with 0 authctl --json pam disable --service su
    [ "$(json 'd["changed"]' <<<"$output")" = False ]
    enable su
    authctl -q pam rollback >/dev/null
    untouched su
}

@test "who waits has let go of the caller: no terminal, no files, a session of its own; its caller's end changes nothing" {
    setsid --wait sh -c 'authctl -q pam enable --service su >/dev/null; echo $$ >/run/leader; sleep 60' 3>&- &
    until_true 20 test -s /run/leader
    pid=$(watchers)
    [ -n "$pid" ]
    [ "$(ls /proc/"$pid"/fd | sort | tr '\n' ' ')" = '0 1 2 ' ]
    [ "$(readlink /proc/"$pid"/fd/0 /proc/"$pid"/fd/1 /proc/"$pid"/fd/2 | sort -u)" = /dev/null ]
    [ "$(readlink /proc/"$pid"/cwd)" = / ]
    # fields 5 to 7: group, session, terminal
    read -r group session tty < <(sed 's/.*) . //' /proc/"$pid"/stat | cut -d' ' -f2-4)
    [ "$tty" = 0 ]
    [ "$session" != "$(cat /run/leader)" ]
    [ "$group" != "$(cat /run/leader)" ]
    kill -HUP -- "-$(cat /run/leader)"
    past su
    until_true 20 is_back su
}

@test "who waits is gone: whatever looks next takes it back" {
    for how in 'pam rollback --due' 'pam status' doctor 'pam disable --service su'; do
        enable su
        kill_watchers
        authctl -q pam rollback --due >/dev/null # not yet
        enabled su
        past su
        # shellcheck disable=SC2086
        run authctl -q $how 3>&-
        is_back su || { echo "not by $how: $output"; return 1; }
    done
    # too late for a yes
    enable su
    kill_watchers
    past su
    fails_with 1 authctl --json pam confirm
    [ "$(json 'd["code"]' <<<"$output")" = too_late ]
    is_back su
    # enable puts it in anew
    enable su
    first=$(json 'd["id"]' <"$kept/su.json")
    kill_watchers
    past su
    enable su
    [ "$(json 'd["id"]' <"$kept/su.json")" != "$first" ]
    authctl -q pam rollback >/dev/null
    is_back su
}

@test "a start of the machine in between ends the time" {
    enable su --confirm-within 1d
    kill_watchers
    sed -i 's/"boot_id":"[^"]*"/"boot_id":"00000000-0000-4000-8000-000000000000"/' "$kept/su.json"
    run grep -x 'ExecStart=.*authctl --quiet pam rollback --due' "$tests_dir/../packaging/systemd/jwtauth-pam-rollback.service.in"
    [ "$status" -eq 0 ]
    authctl --quiet pam rollback --due >/dev/null
    is_back su
}

@test "pam rollback: at once; --wait: at its time" {
    enable su
    fails_with 4 authctl --json pam enable --service su
    [ "$(error_code)" = pam_unconfirmed ]
    fails_with 4 authctl --json pam disable --service su
    [ "$(error_code)" = pam_unconfirmed ]
    [ "$(authctl --json pam rollback --service sshd | json 'd["taken_back"]')" = '[]' ]
    enabled su
    [ "$(authctl --json pam rollback | json 'd["taken_back"]')" = "['su']" ]
    is_back su
    until_true 10 nobody_waits
    enable su
    kill_watchers
    authctl -q pam rollback --wait --service su 3>&- &
    past su
    wait $!
    is_back su
    enable su
    kill_watchers
    authctl -q pam rollback --wait 3>&- &
    authctl -q pam confirm >/dev/null
    wait $!
    enabled su
}

@test "systemd, where it runs, does the waiting; where it cannot, a process does" {
    mkdir -p /run/systemd/system
    mv /usr/bin/systemd-run /usr/bin/systemd-run.away 2>/dev/null || true
    cat >/usr/bin/systemd-run <<'RUN'
#!/bin/sh
echo "$*" >/run/unit
while [ "$1" != -- ]; do shift; done
shift
setsid "$@" &
RUN
    chmod 0755 /usr/bin/systemd-run
    enable su
    grep -Eq -- '^--quiet --collect --service-type=exec --unit=jwtauth-pam-[0-9a-f-]{36} -- /usr/bin/authctl --quiet pam rollback --wait --service su$' /run/unit
    nobody_waits
    enabled su
    past su
    until_true 20 is_back su
    printf '#!/bin/sh\nexit 1\n' >/usr/bin/systemd-run
    enable su --confirm-within 1s
    until_true 20 is_back su
    rm -r /run/systemd/system /usr/bin/systemd-run
}

@test "killed at any moment: the file is whole, and goes back" {
    n=0
    for call in fsync rename,renameat,renameat2 unlink,unlinkat; do
        for ((k = 1; k <= 40; k++)); do
            rm -rf "$kept"
            rc=0
            # this process alone: its children, who try and who wait, are not traced
            strace -o /dev/null -e trace="$call" -e inject="$call:signal=SIGKILL:when=$k" \
                authctl -q pam enable --service su >/dev/null 2>&1 3>&- || rc=$?
            if [ $rc -eq 0 ]; then
                enabled su
            else
                [ $rc -eq 137 ] || { echo "$call $k: exit $rc"; return 1; }
                n=$((n + 1))
                cmp -s /etc/pam.d/su /run/su.before || cmp -s /etc/pam.d/su "$kept/su.enabled"
            fi
            authctl -q pam rollback >/dev/null
            cmp /etc/pam.d/su /run/su.before
            [ ! -e "$kept/su.json" ]
            if [ $rc -eq 0 ]; then break; fi
        done
        [ "$k" -gt 1 ] && [ "$k" -le 40 ]
    done
    [ "$n" -ge 6 ]
    # what a killed write left goes with the next change
    : >/etc/pam.d/.su.0123456789abcdef
    enable su
    authctl -q pam rollback >/dev/null
    untouched su
}

@test "killed when the file was in place just now: it goes back at its time" {
    for ((k = 1; k <= 40; k++)); do
        rc=0
        strace -o /dev/null -e trace=fsync -e inject="fsync:signal=SIGKILL:when=$k" \
            authctl -q pam enable --service su --confirm-within 1s >/dev/null 2>&1 3>&- || rc=$?
        until_true 20 cmp -s /etc/pam.d/su /run/su.before
        [ $rc -eq 137 ] || break
        authctl -q pam rollback >/dev/null # a record whose watcher was not there yet
        n=$k
    done
    [ "$k" -le 40 ]
    [ "$n" -ge 9 ] # the texts, the record, the file, each with its folder: the ninth is after the rename
}

@test "a file that somebody else changed meanwhile is not overwritten" {
    enable su
    echo '# mine' >>/etc/pam.d/su
    cp /etc/pam.d/su /run/su.mine
    fails_with 4 authctl --json pam rollback
    [ "$(error_code)" = pam_file_changed ]
    cmp /etc/pam.d/su /run/su.mine
    # neither by who waits
    kill_watchers
    past su
    fails_with 8 authctl pam status
    [[ $output == *'/etc/pam.d/su was changed by somebody else'* ]]
    fails_with 4 authctl pam enable --service su
    cmp /etc/pam.d/su /run/su.mine
    # put back by hand: done
    cp /run/su.before /etc/pam.d/su
    authctl -q pam rollback >/dev/null
    is_back su
    # or accepted as it is; then it is not taken out either
    enable su
    kill_watchers
    past su
    echo '# mine' >>/etc/pam.d/su
    authctl -q pam confirm >/dev/null
    cmp /etc/pam.d/su /run/su.mine
    fails_with 4 authctl --json pam disable --service su
    [ "$(error_code)" = pam_file_changed ]
    cmp /etc/pam.d/su /run/su.mine
    # gone altogether
    rm -r "$kept"
    cp /run/su.before /etc/pam.d/su
    enable su
    rm /etc/pam.d/su
    fails_with 4 authctl pam rollback
    [ ! -e /etc/pam.d/su ]
}

# R22
@test "links, files that others may write, names that are none, missing files" {
    mv /etc/pam.d/su /etc/pam.d/su.real
    ln -s su.real /etc/pam.d/su
    for verb in enable disable; do
        fails_with 8 authctl --json pam $verb --service su
        [ "$(error_code)" = unsafe_file ]
    done
    [ -L /etc/pam.d/su ]
    cmp /etc/pam.d/su.real /run/su.before
    rm /etc/pam.d/su
    fails_with 3 authctl --json pam enable --service su
    [ "$(error_code)" = service_not_found ]
    [ ! -e /etc/pam.d/su ]
    cp /run/su.before /etc/pam.d/su
    chmod 0666 /etc/pam.d/su
    fails_with 8 authctl --json pam enable --service su
    [ "$(error_code)" = unsafe_file ]
    cmp /etc/pam.d/su /run/su.before
    for name in ../passwd /etc/passwd '' . su.real; do
        fails_with 3 authctl --json pam enable --service "$name"
        fails_with 3 authctl --json pam disable --service "$name"
    done
    fails_with 2 authctl pam enable
    fails_with 5 authctl pam enable --service su --confirm-within 0
    fails_with 5 authctl pam enable --service su --confirm-within 25h
    for words in 'enable --service su' 'disable --service su' confirm rollback; do
        # shellcheck disable=SC2086
        fails_with 6 as_nobody authctl pam $words
    done
}

@test "there already: by pam-auth-update, by hand, in one part only" {
    install -m 0644 "$tests_dir"/../packaging/pam-configs/* /usr/share/pam-configs/
    DEBIAN_FRONTEND=noninteractive pam-auth-update --enable jwtauth jwtauth-session --force
    fails_with 0 authctl --json pam enable --service su
    [ "$(json 'd["ok"], d["changed"], d["diff"]' <<<"$output")" = "(True, False, None)" ]
    run --separate-stderr authctl pam enable --service su
    [ "$output" = 'nothing to change: pam_jwtauth is there already, by a file that it includes' ]
    fails_with 4 authctl --json pam disable --service su
    [ "$(error_code)" = pam_included ]
    cmp /etc/pam.d/su /run/su.before
    DEBIAN_FRONTEND=noninteractive pam-auth-update --remove jwtauth jwtauth-session
    install -m 0644 "$tests_dir/../packaging/pam/su" /etc/pam.d/su
    fails_with 0 authctl pam enable --service su
    [ "$output" = 'nothing to change: the file has pam_jwtauth already' ]
    fails_with 4 authctl --json pam disable --service su
    [ "$(error_code)" = pam_not_ours ]
    cmp /etc/pam.d/su "$tests_dir/../packaging/pam/su"
    sed -i '/^account.*pam_jwtauth/d' /etc/pam.d/su
    fails_with 4 authctl --json pam enable --service su
    [ "$(error_code)" = pam_not_understood ]
}

# stack LINE...: /etc/pam.d/zz
stack() { printf '%s\n' "$@" >/etc/pam.d/zz; }

@test "files that are not understood are left alone; others than Debian's are" {
    n=0
    while IFS='|' read -r why a b c; do
        stack "$a" "$b" "$c"
        cp /etc/pam.d/zz /run/zz
        fails_with 4 authctl --json pam enable --service zz
        [ "$(error_code)" = pam_not_understood ]
        [[ $stderr == *"$why"* ]] || { echo "not '$why': $stderr"; return 1; }
        cmp /etc/pam.d/zz /run/zz
        n=$((n + 1))
    done <<'TABLE'
a second line for pam_unix|@include common-auth|auth required pam_unix.so|@include common-account
a jump|auth [success=2 default=ignore] pam_permit.so|@include common-auth|@include common-account
a jump|@include common-auth|account [success=1 default=ignore] pam_permit.so|@include common-account
a jump|auth [success=1 default=ignore] pam_unix.so|auth requisite pam_deny.so|@include common-account
no line brings|@include common-auth|account required pam_permit.so|session required pam_permit.so
no line brings|auth required pam_permit.so|@include common-account|
goes on in the next|auth required \|pam_unix.so|@include common-account
not simply required|@include common-auth|account sufficient pam_unix.so|
TABLE
    [ "$n" -eq 8 ]
    printf 'auth required pam_unix.so\naccount required pam_unix.so\n' >/etc/pam.d/zz-all
    stack '@include zz-all'
    fails_with 4 authctl pam enable --service zz
    [[ $stderr == *'several parts'* ]]
    # pam.conf(5): include and substack, as Fedora's files have them, and pam_unix itself
    printf '%s required pam_unix.so\n' auth account password session >/etc/pam.d/zz-all
    stack 'auth substack zz-all' 'account include zz-all' 'password include zz-all' 'session include zz-all'
    enable zz
    authctl -q pam rollback >/dev/null
    # as su-l: what lets root in unasked is in the included file
    stack 'auth include su' 'account include su' 'session include su'
    enable zz
    authctl -q pam rollback >/dev/null
    stack 'auth required pam_unix.so' 'account required pam_unix.so' 'session required pam_unix.so'
    printf %s "$(cat /etc/pam.d/zz)" >/etc/pam.d/zz # without its last newline
    cp /etc/pam.d/zz /run/zz
    enable zz
    printf '%s\n' "$password" | authctl -q pam test --service zz --user bob --answers-stdin >/dev/null
    printf '%s\n' "$password" | authctl -q pam test --service zz --user lena --answers-stdin >/dev/null
    authctl -q pam rollback >/dev/null
    cmp /etc/pam.d/zz /run/zz
}

# refused NAME: by this try, and nothing is changed
refused() {
    fails_with 1 authctl --json pam enable --service zz
    [ "$(json 'd["ok"], d["code"], d["changed"]' <<<"$output")" = "(False, 'pam_tries_failed', False)" ]
    [ "$(json '" ".join(t["try"] for t in d["tries"] if not t["ok"])' <<<"$output")" = "$1" ] || { echo "$output"; return 1; }
    cmp /etc/pam.d/zz /run/zz
    [ ! -e "$kept/zz.json" ]
    nobody_waits
}

@test "a stack that fails its tries is not put in place" {
    # strangers get in
    stack 'auth sufficient pam_permit.so' '@include common-auth' '@include common-account'
    cp /etc/pam.d/zz /run/zz
    fails_with 1 authctl --json pam enable --service zz
    [[ $(json '[t["try"] for t in d["tries"] if not t["ok"]]' <<<"$output") == *"'deny'"*"'root_deny'"* ]]
    cmp /etc/pam.d/zz /run/zz
    # somebody else's module has the last word about ours
    stack '@include common-auth' 'account required pam_deny.so' '@include common-account'
    cp /etc/pam.d/zz /run/zz
    refused 'stack allow allow_key'
    # the module is not there
    module=$(find /usr/lib /lib -name pam_jwtauth.so -path '*security*' | head -1)
    mv "$module" /run/away
    stack '@include common-auth' '@include common-account'
    cp /etc/pam.d/zz /run/zz
    fails_with 1 authctl --json pam enable --service zz
    [[ $(json '[t["try"] for t in d["tries"] if not t["ok"]]' <<<"$output") == *"'allow'"*"'root'"* ]]
    cmp /etc/pam.d/zz /run/zz
    mv /run/away "$module"
    enable zz
    authctl -q pam rollback >/dev/null
    # whom the file kept out before, it may keep out
    stack 'auth required pam_succeed_if.so uid != 0' '@include common-auth' 'account required pam_succeed_if.so uid != 0' \
        '@include common-account'
    cp /etc/pam.d/zz /run/zz
    fails_with 1 authctl --json pam enable --service zz # pam_succeed_if refuses names without an account
    [[ $(json '[t["try"] for t in d["tries"] if not t["ok"]]' <<<"$output") == "['allow', 'allow_key']" ]]
}

@test "a store that logins could not open is no store to enable a login for" {
    for how in mode key config; do
        break_store $how
        fails_with 8 authctl pam enable --service su
        untouched su
        mend_store $how
    done
    enable su
    authctl -q pam rollback >/dev/null
}

of_store() {
    authctl user list --json
    authctl throttle list --json
    authctl session list --json
    authctl audit list --json | json '[r for r in d["rows"] if not r["action"].startswith("pam.")]'
}

@test "the tries leave no trace: no user, no failure, no row, nobody's password" {
    before=$(of_store)
    cksum /etc/shadow /etc/passwd /etc/jwtauth/* >/run/sums
    mount --make-rshared / # as systemd has it: what is mounted elsewhere arrives here
    mounts=$(cat /proc/self/mountinfo)
    enable su
    authctl -q pam rollback >/dev/null
    [ "$before" = "$(of_store)" ]
    [ "$(cksum /etc/shadow /etc/passwd /etc/jwtauth/*)" = "$(cat /run/sums)" ]
    [ "$mounts" = "$(cat /proc/self/mountinfo)" ]
    mount --make-rprivate /
    becomes root "$password"
}

@test "pam_faillock counts nothing that was tried" {
    mkdir -p /run/faillock
    stack 'auth required pam_faillock.so preauth even_deny_root' 'auth sufficient pam_unix.so' \
        'auth [default=die] pam_faillock.so authfail even_deny_root' 'auth required pam_deny.so' 'account required pam_unix.so'
    enable zz
    authctl -q pam rollback >/dev/null
    [ -z "$(ls /run/faillock)" ]
    # it does count otherwise
    fails_with 1 authctl -q pam test --service zz --user root --answers-stdin <<<wrong
    [ -s /run/faillock/root ]
    rm -r /run/faillock
}
