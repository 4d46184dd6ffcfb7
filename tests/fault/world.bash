# Shared by the fault tests: one installation, the faults, and what every program answers to one.
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154

load ../e2e/e2e.bash

state=/var/lib/jwtauth
db=$state/jwtauth.db
key=/etc/jwtauth/master.key
conf=/etc/jwtauth/jwtauth.conf
run=/run/jwtauth
kept=/run/kept # the installation as it was
t=/run/t       # the tests' own files

# lena is pam_unix's; alice is adopted and has a second factor; the others are only ours. carol has a session, a
# refresh token and two failures against her.
make_fault_world() {
    local user uid=100100
    install_everything
    printf '\n[store]\nbusy_timeout = 1s\n' >>$conf
    make_local lena
    printf 'root:%s\n' "$password" | chpasswd
    make_user alice
    enroll alice
    for user in carol dora erin frank gina; do
        uid=$((uid + 1))
        printf '%s\n' "$password" | authctl -q user add $user --uid $uid --password-stdin >/dev/null
    done
    echo ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfin7 |
        authctl -q ssh-key add gina >/dev/null
    mkdir -m 0700 $kept $t
    printf '%s\n' "$password" | authctl -q --json login carol --password-stdin >$t/login.json
    authctl -q token issue --user carol >$t/token
    printf '%s required pam_jwtauth.so nodelay\n' auth account session password |
        sed 's/.*/&\n&/; s/\n\([a-z]*\).*/\n\1 optional pam_permit.so/' >/etc/pam.d/bare
    sed 's/pam_jwtauth.so.*/pam_jwtauth.so nodelay token=none/' "$tests_dir/../packaging/pam/sudo" >/etc/pam.d/shipped
    printf 'wrong\n' | pam carol authenticate >/dev/null
    printf 'wrong\n' | pam carol authenticate >/dev/null
    dump >$kept/dump # the backup's own audit row is not in it
    authctl -q db backup $kept/backup >/dev/null
    [ -d $run ] || mkdir -m 0755 $run
    cp -a $state $kept/state
    cp -a /var/cache/jwtauth $kept/cache
    cp -a /etc/jwtauth $kept/etc
    cp -a $run $kept/run
}

# The installation as make_fault_world left it.
as_before() {
    release
    if mountpoint -q $state; then umount $state; fi
    rm -rf $state /etc/jwtauth $run $t/aside
    cp -a $kept/state $state
    cp -a $kept/etc /etc/jwtauth
    cp -a $kept/run $run
    chmod 0755 /var/lib
    : >$t/syslog
}

# Everything that was committed and that no probe changes.
dump() {
    sqlite3 -readonly $db "SELECT 'user', id, username, status FROM users;
SELECT 'hash', password_hash FROM users WHERE username IN ('alice', 'carol', 'erin');
SELECT 'session', id, user_id, revoked_at FROM sessions;
SELECT 'factor', user_id, secret, confirmed_at FROM totp WHERE confirmed_at IS NOT NULL;
SELECT 'failures', scope, key, count FROM throttle WHERE scope LIKE 'user%';
SELECT 'key', kid, state FROM signing_keys;
SELECT 'audit', seq, action FROM audit_log;" | sort
}

# ---- faults ----

garble() { head -c 64 /dev/zero | tr '\0' '\377' | dd of="$1" bs=4096 seek="$(($2 - 1))" conv=notrunc status=none; } # FILE PAGE
root_page() { sqlite3 $kept/state/jwtauth.db "SELECT rootpage FROM sqlite_master WHERE name = '$1'"; }               # TABLE|INDEX
swap() { # FILE KIND: something else stands in its place
    rm -rf "$1"
    case $2 in
    nothing) ;;
    empty) install -m 0600 /dev/null "$1" ;;
    text) echo 'This is no database, no key and no configuration.' | install -m 0600 /dev/stdin "$1" ;;
    folder) mkdir -m 0700 "$1" ;;
    fifo) mkfifo -m 0600 "$1" ;;
    socket) python3 -c 'import os,socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1]); os.chmod(sys.argv[1], 0o600)' "$1" ;;
    device) mknod -m 0600 "$1" c 1 5 ;; # zero: whoever reads it never ends
    symlink) ln -s "${3:-/nowhere}" "$1" ;;
    esac
}
link_to() { # FILE: the right thing, by a symbolic link
    mv "$1" $t/aside
    ln -s $t/aside "$1"
}
other_key() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >$key && echo >>$key; }
on_small_disk() { # the state folder on a file system of its own, filled to the last byte
    mount -t tmpfs -o size=2m,mode=0700 tmpfs $state
    cp -a $kept/state/. $state/
    ! cat /dev/zero >$state/filler 2>/dev/null
}
read_only() {
    mount --bind $state $state
    mount -o remount,ro,bind $state
}
# Another process has the write lock for longer than busy_timeout: until release.
hold() {
    python3 -c 'import sqlite3, sys, time
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").close()
time.sleep(600)' $db $t/held >/dev/null 2>&1 3>&- &
    echo $! >$t/holder
    until_true 20 test -e $t/held
}
release() {
    [ ! -e $t/holder ] || kill "$(cat $t/holder)"
    rm -f $t/holder $t/held
}
clock() { faketime=$1; } # for pamtester and authctl
sql() { sqlite3 $db "$1"; }

# ---- answers ----

# pam USER GROUP: the letter of what the bare module answers; what is typed comes on stdin.
pam() {
    local said
    said=$(LD_PRELOAD="$top_builddir/tests/fault/.libs/syslog.so" JA_SYSLOG=$t/syslog timeout 60 \
        ${faketime:+faketime -f "$faketime"} pamtester "${service:-bare}" "$1" "$2" 2>&1 | tail -1)
    case $said in
    *successfully* | *'account management done.') printf . ;;
    *'cannot retrieve authentication info') printf U ;;
    *'cannot retrieve user credentials') printf C ;;
    *'System error') printf Y ;;
    *'an entry for the specified session') printf E ;;
    *'Authentication failure') printf F ;;
    *'User not known to the underlying authentication module') printf N ;;
    *) printf '[%s]' "$said" ;;
    esac
}

# authenticate, acct_mgmt, setcred, open_session of erin, chauthtok of dora by root
pam_answers() {
    printf '%s\n' "$password" | pam erin authenticate
    pam erin acct_mgmt </dev/null
    pam erin 'setcred(PAM_ESTABLISH_CRED)' </dev/null
    pam erin open_session </dev/null
    printf '%s\n%s\n' "$fresh" "$fresh" | pam dora chauthtok
}

# The shipped stanza: local users get in whatever is broken, an adopted one never without the second factor.
others_wrong() {
    local service=shipped
    printf '%s\n' "$password" | pam root authenticate | grep -qx '\.' || echo "root was kept out (auth)"
    pam root acct_mgmt </dev/null | grep -qx '\.' || echo "root was kept out (account)"
    printf '%s\n' "$password" | pam lena authenticate | grep -qx '\.' || echo "a local user was kept out"
    pam lena open_session </dev/null | grep -qx '\.' || echo "a local user has no session"
    printf '%s\n%s\n000000\n' "$password" "$password" | pam alice authenticate | grep -q '^[FU]$' ||
        echo "an adopted user got in, or the wrong code came back"
}

# ctl COMMAND...: the digit of its exit code; what fails says so in one line.
ctl() {
    local status=0
    timeout 60 ${faketime:+faketime -f "$faketime"} authctl "$@" >>$t/stdout 2>$t/stderr.one || status=$?
    [ $status -lt 7 ] || [ "$(wc -l <$t/stderr.one)" = 1 ] || echo "authctl $1 $2 says more than one line" >>$t/complaints
    cat $t/stderr.one >>$t/stderr
    printf '%s' $status
}

# login, user add, user list, password set, token issue, token verify, session list, db check, doctor
ctl_answers() {
    : >$t/stderr
    : >$t/stdout
    : >$t/complaints
    printf '%s\n' "$password" | ctl login frank --password-stdin
    ctl -q user add newcomer --generate-password
    ctl user list
    printf '%s\n' "$fresh" | ctl -q password set gina --password-stdin
    ctl token issue --user carol
    ctl token verify - <$t/token
    ctl session list
    ctl db check
    ctl doctor
}

# Files of ours that others can read or that lie where none belongs.
stray_files() {
    find $state /etc/jwtauth $run -newer $t/stamp -type f -perm /077 ! -path $conf ! -path $state/filler 2>/dev/null
    find "$JA_WORLD"/*/up /run /home -newer $t/stamp -type f \( -name '*jwtauth*' -o -name '*etilqs*' -o -name 'jwt*' \) \
        ! -path '*/lib/jwtauth/*' ! -path '*/jwtauth/jwtauth.conf' ! -path '/run/kept/*' ! -path '*/jwtauth' 2>/dev/null
}

# What is wrong after the fault is gone: the store's folder and the settings are put right, its contents are kept,
# or restored from the backup where the fault was to them.
wrong_after_mending() {
    local faketime=
    release
    mkdir -m 0700 $t/live
    case $1 in
    *mount* | on_small* | read_only*) umount $state ;;
    esac
    case $1 in
    'garble $db'* | 'truncate'* | 'swap $db'* | 'swap $state'* | 'link_to'* | sql*) ;;
    *) cp $db* $t/live/ ;;
    esac
    as_before
    if [ -e $t/live/jwtauth.db ]; then
        rm $db*
        cp $t/live/* $state/
        chmod 0600 $db*
    else
        authctl -q -y db restore $kept/backup >$t/restored || echo "db restore failed"
        sql "UPDATE sessions SET revoked_at = NULL" # restore ends them, as it says
    fi
    rm -rf $t/live
    authctl db check >/dev/null || echo "the store is not sound after mending"
    dump >$t/dump

    # a year ahead every window is over
    comm -23 $kept/dump $t/dump | { if [[ $1 == 'clock +'* ]]; then grep -v '^failures'; else cat; fi; } | sed 's/^/lost: /'
    printf '%s\n' "$password" | pam erin authenticate | grep -qx '\.' || echo "no login after mending"
}

# check_row PAM CTL FAULT WORDS: prints what is wrong, nothing otherwise.
check_row() {
    local pam ctl faketime=
    as_before
    touch $t/stamp
    eval "$3" || echo "the fault could not be brought about"
    pam=$(pam_answers)
    ctl=$(ctl_answers)
    [ "$pam" = "$1" ] || echo "PAM answers $pam"
    [ "$ctl" = "$2" ] || { echo "authctl answers $ctl" && sort -u $t/stderr && grep -a 'fail' $t/stdout; }
    cat $t/complaints
    if [[ $1 != ..... ]]; then
        grep -aF -- "$4" $t/syslog | grep -q '^<[0-3]>' || { echo "syslog does not say: $4" && sort -u $t/syslog | head -3; }
        # one line for each entry point that failed
        [ "$(grep -ac '^<[0-3]>' $t/syslog)" -le "$(tr -d . <<<"$1" | tr -d '\n' | wc -c)" ] || echo "syslog has more lines than failures"
    fi
    if [[ $2 == *[78]* ]]; then
        grep -qF -- "$4" $t/stderr $t/stdout || { echo "authctl does not say: $4" && sort -u $t/stderr | head -3; }
    fi
    others_wrong
    stray_files | sed 's/^/stray: /'
    wrong_after_mending "$3"
}

# check_rows: rows on stdin, "PAM CTL | FAULT | WORDS"; every row is tried, then the test fails if one did.
check_rows() {
    local codes fault words wrong failed=0
    while IFS='|' read -r codes fault words; do
        [[ $codes == *[0-9.]* && $codes != '#'* ]] || continue
        read -r fault <<<"$fault"
        read -r words <<<"$words"
        # shellcheck disable=SC2086 # two words
        wrong=$(check_row $codes "$fault" "$(eval "printf '%s' \"$words\"")" 2>&1)
        [ -z "$wrong" ] || { failed=1 && printf '%s\n' "--- $fault" "$wrong"; }
    done
    return $failed
}
