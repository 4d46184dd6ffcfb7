#!/usr/bin/env bats
# doctor: each thing that can be wrong is found, named and given its mend.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    sed -i 's/^hash_memory = .*/hash_memory = 19M/; s/^hash_ops = .*/hash_ops = 2/' /etc/jwtauth/jwtauth.conf
    for service in sshd login su sudo sudo-i; do
        install -m 0644 "$BATS_TEST_DIRNAME/../../packaging/pam/$service" "/etc/pam.d/$service"
    done
    if [ -e /etc/ssh/sshd_config ]; then
        printf 'UsePAM yes\nKbdInteractiveAuthentication yes\n' >/etc/ssh/sshd_config
    fi
}

# finds LEVEL CHECK WORDS [MEND]: a line of that level and check with the words in it, and the exit code of it
finds() {
    local code=0
    [ "$1" = fail ] && code=8
    run --separate-stderr authctl doctor
    [ "$status" = $code ] || {
        echo "exit $status instead of $code: $output"
        return 1
    }
    grep -F -- "$2"$'\t'"$1"$'\t' <<<"$output" | grep -F -- "$3" | grep -qF -- "${4:-}" || {
        echo "no '$1 $2 $3 ${4:-}' in:"
        echo "$output"
        return 1
    }
}

@test "a sound installation has neither warning nor failure" {
    run --separate-stderr authctl doctor
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -cE $'\t(warn|fail)\t' <<<"$output")" = 0 ]
    for check in config modes database 'master key' keys clock pam nsswitch socket; do
        grep -q "^$check"$'\tok\t' <<<"$output"
    done
    [ "$(authctl doctor --json | json '{f["level"] for f in d["findings"]}, {f["mend"] for f in d["findings"]}')" = "({'ok'}, {None})" ]
}

@test "configuration: broken, absent, without issuer" {
    sed -i 's/^issuer = .*/issuer = a b/' /etc/jwtauth/jwtauth.conf
    finds fail config 'jwtauth.conf:2: [tokens] issuer' 'authctl config check'
    sed -i 's/^issuer = .*//' /etc/jwtauth/jwtauth.conf
    finds fail config 'no issuer or audience'
    rm /etc/jwtauth/jwtauth.conf
    finds fail config 'does not exist' 'authctl init'
}

@test "captcha: a service without its secret or its key lets nobody pass" {
    sed -i '$a [throttle]\ncaptcha_url = https://captcha.example.org/siteverify' /etc/jwtauth/jwtauth.conf
    finds fail captcha 'without captcha_secret_file' 'set [throttle] captcha_secret_file'
    sed -i '$a captcha_secret_file = /etc/jwtauth/captcha.secret' /etc/jwtauth/jwtauth.conf
    finds fail captcha 'without captcha_site_key' 'set [throttle] captcha_site_key'
    sed -i '$a captcha_site_key = k' /etc/jwtauth/jwtauth.conf
    finds fail modes captcha.secret 'make the file'
    install -m 0640 /dev/null /etc/jwtauth/captcha.secret
    finds fail modes captcha.secret "chmod 0600 '/etc/jwtauth/captcha.secret'"
    chmod 0600 /etc/jwtauth/captcha.secret
    finds ok captcha 'after 3 failures'
}

@test "modes: each folder and secret, with the very command" {
    chmod 0755 /var/lib/jwtauth
    finds fail modes /var/lib/jwtauth "chmod 0700 '/var/lib/jwtauth'"
    chmod 0700 /var/lib/jwtauth
    chmod 0755 /run/jwtauth/sessions
    finds fail modes sessions "chmod 0711 '/run/jwtauth/sessions'"
    chmod 0711 /run/jwtauth/sessions
    chmod 0644 /etc/jwtauth/master.key
    finds fail modes master.key "chmod 0600 '/etc/jwtauth/master.key'"
    chmod 0600 /etc/jwtauth/master.key
    chown 12345 /var/cache/jwtauth
    finds fail modes /var/cache/jwtauth "chown root '/var/cache/jwtauth'"
    chown 0 /var/cache/jwtauth
    rm -rf /run/jwtauth/sessions
    finds fail modes 'does not exist' 'authctl init'
}

@test "database: gone, of a wrong mode, damaged" {
    chmod 0644 /var/lib/jwtauth/jwtauth.db
    finds fail database jwtauth.db "chmod 0600 '/var/lib/jwtauth/jwtauth.db'"
    chmod 0600 /var/lib/jwtauth/jwtauth.db
    mv /var/lib/jwtauth/jwtauth.db /var/lib/jwtauth/kept
    finds fail database '' 'authctl init'
    printf 'not a database, but long enough to be read as a header of one, or so it seems to be ..' >/var/lib/jwtauth/jwtauth.db
    chmod 0600 /var/lib/jwtauth/jwtauth.db
    finds fail database ''
}

@test "master key: gone, another one" {
    mv /etc/jwtauth/master.key /etc/jwtauth/kept
    finds fail 'master key' '' 'put the file back'
    (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >/etc/jwtauth/master.key && echo >>/etc/jwtauth/master.key)
    finds fail 'master key' '' 'put back the master key'
}

@test "keys: none active, too old" {
    sqlite() { python3 -c 'import sqlite3,sys; c = sqlite3.connect("/var/lib/jwtauth/jwtauth.db"); c.execute(sys.argv[1]); c.commit()' "$1"; }
    sqlite 'UPDATE signing_keys SET active_at = active_at - 91 * 86400'
    finds warn keys 'the active key is 91 days old' 'authctl key rotate'
    sqlite "UPDATE signing_keys SET state = 'retired'"
    finds fail keys 'no signing key is active' 'authctl key rotate'
}

@test "clock: behind the newest audit row" {
    python3 -c 'import sqlite3; c = sqlite3.connect("/var/lib/jwtauth/jwtauth.db"); c.execute("UPDATE audit_log SET time_ms = time_ms + 7200000"); c.commit()'
    finds fail clock 'behind the newest audit row' 'timedatectl'
}

@test "passwords: cheap parameters, other schemes" {
    sed -i 's/^hash_memory = .*/hash_memory = 8M/' /etc/jwtauth/jwtauth.conf
    finds warn passwords '8 MiB and 2 passes' 'hash_memory = 19M'
    sed -i 's/^hash_memory = .*/hash_memory = 19M/' /etc/jwtauth/jwtauth.conf
    authctl -q user add alice --password-stdin <<<'Correct-Horse-42' >/dev/null
    python3 -c 'import sqlite3; c = sqlite3.connect("/var/lib/jwtauth/jwtauth.db"); c.execute("UPDATE users SET password_hash = ?", ("$6$saltsalt$x",)); c.commit()'
    finds warn passwords '1 of 1 users have a password hash weaker than argon2id'
}

@test "nss: a snapshot that is missing, damaged, stale, or elsewhere" {
    snapshot=/var/cache/jwtauth/nss.snapshot
    authctl -q purge
    finds ok nss 'shows what the store has'
    truncate -s +1 $snapshot
    finds warn nss "$snapshot is missing, damaged" 'authctl purge'
    rm $snapshot
    finds warn nss "$snapshot is missing" 'authctl purge'
    authctl -q purge
    finds ok nss
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE roles SET gid = gid + 1000"
    finds warn nss 'says something else than the store' 'authctl purge'
    authctl -q purge
    finds ok nss
}

@test "nsswitch: users whom the system does not know" {
    authctl -q user add alice --password-stdin <<<'Correct-Horse-42' >/dev/null
    finds warn nsswitch '1 users are not adopted' '--adopt'
}

@test "nsswitch: order, what ends the search, the group line" {
    nss() { printf '%s\n' "$@" >/etc/nsswitch.conf; }
    nss 'passwd: files jwtauth' 'group: files jwtauth'
    finds ok nsswitch 'passwd has jwtauth'
    nss 'passwd: jwtauth files' 'group: files jwtauth'
    finds warn nsswitch 'passwd asks jwtauth before the local files' 'files jwtauth'
    nss 'passwd: files jwtauth' 'group: jwtauth'
    finds warn nsswitch 'group asks jwtauth before the local files'
    nss 'passwd: files [NOTFOUND=return] jwtauth' 'group: files jwtauth'
    finds warn nsswitch 'passwd never asks jwtauth: [NOTFOUND=return] stands before it'
    nss 'passwd: files jwtauth' 'group: files [!SUCCESS=return] jwtauth'
    finds warn nsswitch 'group never asks jwtauth'
    nss 'passwd: files [SUCCESS=merge] jwtauth [NOTFOUND=return] sss' 'group: files [SUCCESS=merge] jwtauth'
    finds ok nsswitch ''
    nss 'passwd: files jwtauth' 'group: files systemd'
    finds warn nsswitch 'the group line has no jwtauth' 'add jwtauth'
    nss 'passwd: files jwtauth' 'group: files jwtauth' 'initgroups: files'
    finds warn nsswitch 'the initgroups line has no jwtauth'
    nss 'group: files'
    finds warn nsswitch 'no passwd line'
}

@test "a password in the store's URL that others can read" {
    sed -i '1i [store]\nurl = postgresql://u:geheim@h/d\n' /etc/jwtauth/jwtauth.conf
    run --separate-stderr authctl doctor
    [ "$status" = 8 ]
    grep -F "chmod 0600 '/etc/jwtauth/jwtauth.conf'" <<<"$output"
    [[ "$output$stderr" != *geheim* ]]
}

# stanza CONTROL GROUP: puts this control in front of pam_jwtauth in sshd's group
stanza() {
    sed -i -E "s/^$2( +)(\[[^]]*\]|[a-z]+)( +)pam_jwtauth.so/$2 $1 pam_jwtauth.so/" /etc/pam.d/sshd
    grep -qF "$2 $1 pam_jwtauth.so" /etc/pam.d/sshd
}

# PEERS.md F2: a packaged default=ignore gave every denied user a shell in another product.
@test "pam: denials that are not final" {
    for control in sufficient optional '[success=done user_unknown=ignore default=ignore]' \
        '[success=done user_unknown=ignore auth_err=ignore default=die]' \
        '[success=done user_unknown=ignore authinfo_unavail=ignore default=die]' \
        '[success=done user_unknown=ignore maxtries=ok default=die]' \
        '[success=1 user_unknown=ignore perm_denied=done default=die]' \
        '[success=done user_unknown=ignore default=1]'; do
        for group in auth account; do
            install -m 0644 "$BATS_TEST_DIRNAME/../../packaging/pam/sshd" /etc/pam.d/sshd
            stanza "$control" $group
            finds fail pam "sshd $group: a denial" 'pam_jwtauth(8)'
        done
    done
}

# pam.conf(5): without a default, what is not named is bad.
@test "pam: a control without a default denies" {
    stanza '[success=done user_unknown=ignore]' auth
    finds ok pam 'sshd: denials are final'
}

@test "pam: controls that keep root out, or let strangers in" {
    stanza required auth
    finds fail pam 'sshd auth: local users, root too, cannot get in with required'
    install -m 0644 "$BATS_TEST_DIRNAME/../../packaging/pam/sshd" /etc/pam.d/sshd
    stanza '[success=done user_unknown=ok default=die]' auth
    finds fail pam "sshd auth: users who are not jwtauth's get in"
}

@test "pam: groups that lack the module" {
    for row in 'auth fail' 'account fail' 'session warn' 'password warn'; do
        # shellcheck disable=SC2086
        set -- $row
        install -m 0644 "$BATS_TEST_DIRNAME/../../packaging/pam/sshd" /etc/pam.d/sshd
        sed -i -E "/^$1 .*pam_jwtauth/d" /etc/pam.d/sshd
        finds "$2" pam "sshd has no pam_jwtauth in $1"
    done
}

@test "pam: not there at all, behind pam_unix, in an included file, commented out" {
    sed -i 's/^/#/' /etc/pam.d/sshd
    finds warn pam 'sshd does not use pam_jwtauth'
    install -m 0644 "$BATS_TEST_DIRNAME/../../packaging/pam/sshd" /etc/pam.d/sshd
    line=$(grep '^account.*pam_jwtauth' /etc/pam.d/sshd)
    sed -i '/^account.*pam_jwtauth/d' /etc/pam.d/sshd
    printf 'account required pam_unix.so\n%s\n' "$line" >>/etc/pam.d/sshd
    finds warn pam 'sshd account: pam_jwtauth comes after pam_unix'
    install -m 0644 "$BATS_TEST_DIRNAME/../../packaging/pam/sshd" /etc/pam.d/sshd
    printf '%s\n' "$line" >/etc/pam.d/zz-account
    sed -i 's/^account.*pam_jwtauth.*/account include zz-account/' /etc/pam.d/sshd
    finds ok pam 'sshd: denials are final'
    # a file that includes itself ends
    echo 'account include zz-account' >>/etc/pam.d/zz-account
    finds ok pam 'su: denials are final'
}

@test "sshd: no PAM, no keyboard-interactive; the first value counts" {
    [ -e /etc/ssh/sshd_config ] || skip "no sshd here"
    printf 'UsePAM no\nUsePAM yes\n' >/etc/ssh/sshd_config
    finds warn sshd 'does not use PAM' 'UsePAM yes'
    printf 'UsePAM yes\nMatch User x\n  PasswordAuthentication no\n' >/etc/ssh/sshd_config
    finds ok sshd ''
    printf 'UsePAM yes\nMatch User x Address 10.0.0.0/8\n  KbdInteractiveAuthentication no\n' >/etc/ssh/sshd_config
    finds warn sshd 'where this matches: User x Address 10.0.0.0/8' 'Match block'
    # a Match in an included file ends with it
    printf 'Include /etc/ssh/zz-*.conf\nUsePAM yes\n' >/etc/ssh/sshd_config
    printf 'Match User x\n  PasswordAuthentication no\n' >/etc/ssh/zz-test.conf
    finds ok sshd ''
    printf 'Include /etc/ssh/zz-*.conf\nKbdInteractiveAuthentication yes\nusepam=yes\n' >/etc/ssh/sshd_config
    echo 'kbdinteractiveauthentication no # off' >/etc/ssh/zz-test.conf
    finds warn sshd 'cannot ask for a verification code' 'KbdInteractiveAuthentication yes'
}

# account FILE...: sshd's account part is these lines
account_is() {
    sed -i '/^account/d' /etc/pam.d/sshd
    printf 'account %s\n' "$@" >>/etc/pam.d/sshd
}
ours='[success=1 new_authtok_reqd=done user_unknown=ignore default=die] pam_jwtauth.so'

# Each line is as it should be; what comes of them is not.
@test "pam: jumps that land in the wrong place, a deny that is missing" {
    account_is "$ours" 'required pam_nologin.so' 'required pam_unix.so'
    finds warn pam 'sshd account: whom pam_jwtauth lets in is refused behind it'
    account_is "$ours" 'required pam_unix.so'
    finds warn pam 'sshd account: whom pam_jwtauth lets in is refused behind it' # it jumps beyond the end
    account_is "$ours" '[success=ok default=ignore] pam_unix.so' 'required pam_permit.so'
    finds fail pam 'sshd account: whom nobody knows gets in'
    account_is "$ours" 'required pam_deny.so' 'required pam_permit.so'
    finds fail pam 'sshd account: local users, root too, cannot get in'
    # beyond the end, though something was well before
    account_is 'required pam_permit.so' "${ours/success=1/success=5}" '[success=1 default=ignore] pam_unix.so' 'requisite pam_deny.so' 'required pam_permit.so'
    finds warn pam 'sshd account: whom pam_jwtauth lets in is refused behind it'
    account_is "${ours/success=1/success=2}" '[success=1 default=ignore] pam_unix.so' 'requisite pam_deny.so' 'required pam_permit.so'
    finds ok pam 'sshd: denials are final'
    account_is "${ours/success=1/success=1}" '[success=1 default=ignore] pam_unix.so' 'requisite pam_deny.so' 'required pam_permit.so'
    finds warn pam 'sshd account: whom pam_jwtauth lets in is refused behind it'
}

@test "pam: sufficient ends a stack too early, in a substack only the substack" {
    account_is "$ours" 'sufficient pam_permit.so' 'required pam_unix.so'
    finds fail pam 'sshd account: whom nobody knows gets in'
    printf 'account %s\n' 'sufficient pam_permit.so' >/etc/pam.d/zz-account
    account_is "$ours" 'substack zz-account' 'required pam_unix.so'
    finds warn pam 'sshd account: whom pam_jwtauth lets in is refused behind it'
    printf 'account %s\n' "${ours/success=1/success=done}" >/etc/pam.d/zz-account
    account_is 'substack zz-account' 'required pam_unix.so'
    finds warn pam 'sshd account: whom pam_jwtauth lets in is refused behind it'
    account_is '[default=reset] pam_permit.so' "$ours" 'substack common-account' 'required pam_permit.so'
    finds ok pam 'sshd: denials are final'
}

@test "pam: pam-auth-update's files are sound, and a default=ignore in them is found" {
    cat >/etc/pam.d/common-account <<'FILE'
account [success=2 new_authtok_reqd=done user_unknown=ignore default=die] pam_jwtauth.so
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
FILE
    sed -i '/^account/d' /etc/pam.d/sshd
    echo '@include common-account' >>/etc/pam.d/sshd
    finds ok pam 'sshd: denials are final'
    sed -i 's/default=die/default=ignore/' /etc/pam.d/common-account
    finds fail pam 'sshd account: a denial'
}

@test "pam status: one service, or all that a login passes" {
    [ "$(authctl pam status --service su | cut -f1 | sort -u)" = pam ]
    authctl pam status --service su | grep -q '^pam.ok.su: denials are final'
    [ "$(authctl pam status --service su | wc -l)" = 1 ] # sudo is another one
    authctl pam status | cut -f1 | sort -u >checks
    grep -qx nsswitch checks
    run grep -qE 'config|database|keys$|clock' <(grep -vx 'ssh keys' checks)
    [ "$status" = 1 ]
    fails_with 3 authctl pam status --service cron
    stanza sufficient auth
    fails_with 8 authctl pam status --service sshd
    [[ $output == *'sshd auth: a denial'* ]]
    authctl pam status --service su # the failure is not its own
    rm /etc/jwtauth/master.key
    authctl pam status --service su
}

# ---- sshd and keys ----

command='AuthorizedKeysCommand /usr/bin/authctl ssh-key authorized %u'
user='AuthorizedKeysCommandUser jwtauth-keys'
# sshd_is LINE...
sshd_is() { printf '%s\n' 'UsePAM yes' "$@" >/etc/ssh/sshd_config; }
with_keys() {
    [ -e /etc/ssh/sshd_config ] || skip "no sshd here"
    authctl -q user add alice >/dev/null
    ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/key"
    authctl -q ssh-key add alice "$BATS_TEST_TMPDIR/key.pub" >/dev/null
}

@test "sshd: keys that nobody asks for" {
    with_keys
    id jwtauth-keys || useradd -r jwtauth-keys
    sshd_is
    finds warn sshd 'does not ask for the 1 ssh keys' "$command"
    sshd_is 'AuthorizedKeysCommand none' "$command"
    finds warn sshd 'does not ask for the 1 ssh keys' "$user"
    sshd_is 'AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys %u' "$user"
    finds warn sshd 'asks another command' "$command"
    sshd_is "$command" "$user"
    finds ok sshd ''
    sshd_is "$command" "$user" 'Match Group x' 'AuthorizedKeysCommand none'
    finds warn sshd 'asks another command where this matches: Group x'
    authctl -q ssh-key remove alice "$(authctl ssh-key list alice | cut -f1)"
    sshd_is
    finds ok sshd ''
}

@test "sshd: a keys command that sshd would not run, or not for the user" {
    with_keys
    sed -i '/^jwtauth-keys:/d' /etc/passwd
    sshd_is "$command"
    finds warn sshd 'without AuthorizedKeysCommandUser' "$user"
    sshd_is "$command" 'AuthorizedKeysCommandUser root'
    finds warn sshd 'as root' "$user"
    sshd_is "$command" "$user"
    finds warn sshd 'there is no user jwtauth-keys' systemd-sysusers
    echo 'jwtauth-keys:x:999:999::/:/usr/sbin/nologin' >>/etc/passwd
    finds ok sshd ''
    sshd_is "${command% %u}" "$user"
    finds warn sshd '%u is missing' "$command"
    sshd_is "${command/bin/sbin}" "$user"
    finds warn sshd '/usr/sbin/authctl' "$command"
    sshd_is "${command/\/usr\/bin\//}" "$user"
    finds warn sshd 'no absolute path' "$command"
    sshd_is "$command" "$user"
    chmod 0775 /usr/bin/authctl
    finds warn sshd /usr/bin/authctl "chmod"
    chmod 0755 /usr/bin/authctl
    finds ok sshd ''
}

@test "ssh keys: a snapshot that is gone, damaged, not safe" {
    snapshot=/var/cache/jwtauth/ssh_keys
    finds ok 'ssh keys' $snapshot
    rm $snapshot
    finds fail 'ssh keys' 'does not exist' 'authctl purge'
    authctl -q purge >/dev/null
    truncate -s -1 $snapshot
    finds fail 'ssh keys' 'damaged' 'authctl purge'
    authctl -q purge >/dev/null
    chmod 0666 $snapshot
    finds fail 'ssh keys' $snapshot "chmod 0644 '$snapshot'"
}

@test "a file in place of the daemon's socket" {
    touch /run/jwtauth/jwtauthd.sock
    finds fail socket 'no socket of root'
}

@test "a socket on which nobody listens any more, and one of a daemon" {
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/jwtauth/jwtauthd.sock")'
    finds warn socket 'nobody listens' 'systemctl start jwtauthd'
    rm /run/jwtauth/jwtauthd.sock
    "$top_builddir/jwtauthd" >/dev/null 2>&1 3>&- &
    for _ in $(seq 500); do
        [ ! -S /run/jwtauth/jwtauthd.sock ] || break
        sleep 0.02
    done
    finds ok socket 'jwtauthd listens'
    kill $!
    wait $! || true
}

@test "a daemon of another version, one that does not answer, one of our own" {
    local socket=/run/jwtauth/jwtauthd.sock pid
    # serve BODY: what /openapi.json answers; nothing at all without one
    serve() {
        python3 - "$socket" "$@" 3>&- <<'PY' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
s.listen(8)
while True:
    c, _ = s.accept()
    data = c.recv(4096)
    if data:
        assert data.startswith(b"GET /openapi.json HTTP/1.1\r\nHost: jwtauthd\r\n"), data
        body = sys.argv[2].encode()
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    c.close()
PY
        pid=$!
        for _ in $(seq 200); do
            [ ! -S $socket ] || break
            sleep 0.02
        done
    }
    unserve() {
        kill $pid
        wait $pid || true
        rm -f $socket
    }
    serve '{"info":{"version":"0.0.1"}}'
    finds warn daemon 'version 0.0.1, authctl is ' 'systemctl restart jwtauthd'
    unserve
    serve '{"info":{}}'
    finds warn daemon 'does not tell its version'
    unserve
    serve 'no JSON'
    finds warn daemon 'not jwtauthd'
    unserve
    serve "{\"info\":{\"version\":\"$(authctl --version | awk '{ print $NF }')\"}}"
    finds ok daemon "authctl's version"
    unserve
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    /usr/sbin/jwtauthd >/run/jwtauthd.log 2>&1 3>&- &
    pid=$!
    for _ in $(seq 500); do
        ! curl -s -o /dev/null --unix-socket $socket http://jwtauthd/healthz || break
        sleep 0.02
    done
    finds ok daemon "authctl's version"
    kill $pid
    wait $pid
}

@test "systemd's unit: not enabled, enabled and stopped or listening elsewhere" {
    finds ok socket 'no jwtauthd: root'
    mkdir -p /etc/systemd/system/sockets.target.wants
    touch /etc/systemd/system/jwtauthd.socket
    finds ok socket 'jwtauthd.socket is not enabled'
    ln -s ../jwtauthd.socket /etc/systemd/system/sockets.target.wants/jwtauthd.socket
    finds warn socket '/run/jwtauth/jwtauthd.sock is not there' 'systemctl start jwtauthd.socket'
    printf '[http]\nsocket = /run/jwtauth/other.sock\n' >>/etc/jwtauth/jwtauth.conf
    finds warn socket '/run/jwtauth/other.sock is not there' 'ListenStream has to be [http] socket'
    rm -r /etc/systemd/system/sockets.target.wants/jwtauthd.socket /etc/systemd/system/jwtauthd.socket
}

@test "only root may look; nothing is changed by looking" {
    fails_with 6 as_nobody authctl doctor
    before=$(sha256sum /etc/jwtauth/* /var/lib/jwtauth/jwtauth.db)
    authctl doctor >/dev/null
    [ "$before" = "$(sha256sum /etc/jwtauth/* /var/lib/jwtauth/jwtauth.db)" ]
}

@test "policy rules: errors with file and line, and rules that nothing reaches" {
    printf '[policy a]\nservice = sshd\nmfa = auto\n' >>/etc/jwtauth/jwtauth.conf
    run authctl doctor
    [ "$status" = 0 ]
    [[ $output != *policy$'\t'* ]]
    printf '[policy b]\nservice = sshd\nuser = bob\ndeny = yes\n' >>/etc/jwtauth/jwtauth.conf
    finds warn policy '[policy a] before it matches all that it does' 'authctl policy check'
    printf '[policy c]\nservice = su\nrole = nosuch\nmfa = off\n' >>/etc/jwtauth/jwtauth.conf
    finds fail policy "there is no role 'nosuch'" 'authctl policy check'
    sed -i 's/^role = nosuch/netwrok = 10.0.0.0\/8/' /etc/jwtauth/jwtauth.conf
    finds fail policy 'netwrok is no option, did you mean network?' 'authctl policy check'
}
