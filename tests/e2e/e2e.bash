# Shared by the tests with real programs, in the private world of tests/support/in-world.
# shellcheck shell=bash disable=SC2034,SC2154

load ../support/cli.bash

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
password='Right-Horse-7-Battery'
fresh='Fresh-Horse-7-Battery'

# Module, stanzas, store; generous limits, since every test comes from the same address.
install_everything() {
    local unix
    for unix in /usr/lib/*/security/pam_unix.so /lib/*/security/pam_unix.so /usr/lib/security/pam_unix.so; do
        [ ! -e "$unix" ] || break
    done
    install -m 0644 "$top_builddir/.libs/pam_jwtauth.so" "$(dirname "$unix")/pam_jwtauth.so"
    install -m 0644 "$tests_dir"/../packaging/pam/* /etc/pam.d/
    make_installation "history = 0
[throttle]
login = 1000/15m
per_source = 1000/15m
per_user = 1000/1h
delay_base = 1s
delay_max = 1s"
    cat >/usr/bin/probe <<'PROBE'
#!/bin/sh
# What a session of ours looks like from inside; stays until ~/out appears.
rm -f "$HOME/out"
env | grep -a JWTAUTH >"$HOME/env"
[ -z "$JWTAUTH_TOKEN_FILE" ] || { cp "$JWTAUTH_TOKEN_FILE" "$HOME/token"; stat -c '%a %U' "$JWTAUTH_TOKEN_FILE" >"$HOME/mode"; }
ls -l /proc/self/fd >"$HOME/fds"
echo "probe of $(id -un)"
touch "$HOME/in"
n=0
while [ ! -e "$HOME/out" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
PROBE
    chmod 0755 /usr/bin/probe
}

# make_user NAME: a local account, adopted.
make_user() {
    useradd -m -s /bin/sh "$1"
    printf '%s\n' "$password" | authctl -q user add "$1" --adopt --password-stdin >/dev/null
}

# A local account that stays pam_unix's.
make_local() {
    useradd -m -s /bin/sh "$1"
    printf '%s:%s\n' "$1" "$password" | chpasswd
}

# reset_password NAME: back to $password, not to be changed; policy refuses the one in force.
reset_password() {
    printf 'Other-Horse-%s-Battery\n' $RANDOM | authctl -q password set "$1" --password-stdin
    printf '%s\n' "$password" | authctl -q password set "$1" --password-stdin
}

# enroll NAME: a second factor in force; the secret goes to /run/NAME.secret.
enroll() {
    authctl --json totp enroll "$1" | json 'd["secret"]' >"/run/$1.secret"
    authctl -q totp confirm "$1" "$(oathtool --totp -b - <"/run/$1.secret")" >/dev/null
    echo 1 >"/run/$1.steps"
}

# next_code NAME: a code that has not been used; of the step after the last one, waited for where it is
# not yet within the window.
next_code() {
    local last now
    last=$(cat "/run/$1.last" 2>/dev/null || echo 0)
    now=$(($(date +%s) / 30))
    [ "$last" -ge "$now" ] || last=$now
    last=$((last + 1))
    while [ $((last - $(date +%s) / 30)) -gt 1 ]; do sleep 0.5; done
    echo "$last" >"/run/$1.last"
    oathtool --totp -b --now "@$((last * 30))" - <"/run/$1.secret"
}

# dialogue STEPS COMMAND...: see tests/support/on-tty.exp.
dialogue() {
    printf '%s\n' "$1" >/run/steps
    shift
    expect "$tests_dir/support/on-tty.exp" /run/steps "$@"
}

# as USER COMMAND...
as() {
    local user=$1
    shift
    setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups \
        env -i HOME="/home/$user" USER="$user" LOGNAME="$user" TERM=dumb PATH=/usr/bin:/bin:/usr/sbin:/sbin "$@"
}

# until_true SECONDS COMMAND...
until_true() {
    local left=$(($1 * 10))
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

no_token_any_more() { ! authctl -q token verify - <"$1" >/dev/null 2>&1; }

# watch_session NAME PID: the session that probe sits in: its token verifies against the store and with the key
# set alone, then the session ends, and with it token and file.
watch_session() {
    local home=/home/$1 file
    until_true 20 test -e "$home/in"
    cp "$home/token" /run/token
    file=$(sed -n 's/^JWTAUTH_TOKEN_FILE=//p' "$home/env")
    [[ $file == /run/jwtauth/sessions/*/token ]]
    [ "$(cat "$home/mode")" = "600 $1" ]
    run ! grep -q JWTAUTH_LOGIN "$home/env"
    grep -q '^JWTAUTH_SESSION_ID=' "$home/env"
    [ "$(grep -c . "$home/env")" = 2 ]
    run ! grep -Eq 'jwtauth|master' "$home/fds" # CVE-2019-12210
    authctl --json token verify - </run/token | json 'd["preferred_username"]' | grep -qx "$1"
    authctl key jwks >/run/jwks.json
    chmod 0644 /run/jwks.json
    # a service elsewhere: no rights, no store
    as_nobody authctl token verify --jwks /run/jwks.json --issuer https://auth.example.org - \
        </run/token >/dev/null
    authctl --json session list --user "$1" | grep -q "$(sed -n 's/^JWTAUTH_SESSION_ID=//p' "$home/env")"
    touch "$home/out"
    wait "$2"
    until_true 10 no_token_any_more /run/token
    until_true 10 test ! -e "$file"
    [ ! -e "$(dirname "$file")" ]
    fails_with 1 authctl token verify - </run/token
}

forget_session() { rm -f /home/"$1"/{in,out,env,token,mode,fds}; }

# break_store HOW / mend_store HOW: the installation as an accident leaves it.
break_store() {
    case $1 in
    mode) chmod 0644 /var/lib/jwtauth/jwtauth.db ;;
    key) mv /etc/jwtauth/master.key /etc/jwtauth/away ;;
    config) sed -i '1i [nonsense' /etc/jwtauth/jwtauth.conf ;;
    esac
}
mend_store() {
    case $1 in
    mode) chmod 0600 /var/lib/jwtauth/jwtauth.db ;;
    key) mv /etc/jwtauth/away /etc/jwtauth/master.key ;;
    config) sed -i 1d /etc/jwtauth/jwtauth.conf ;;
    esac
}
