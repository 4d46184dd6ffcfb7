#!/usr/bin/env bats
# People who were moved in by import shadow log in as before, through real su and sshd.
# shellcheck disable=SC2154

load e2e.bash

# hash SETTING: of $password, as crypt(3) of an older system made it.
hash() { python3 -W ignore -c 'import crypt, sys; print(crypt.crypt(*sys.argv[1:]))' "$password" "$1"; }

setup_file() {
    install_everything
    make_local lena
    useradd -m -s /bin/sh -u 4001 six
    useradd -m -s /bin/sh -u 4002 yes
    useradd -m -s /bin/sh -u 4003 shut
    # shellcheck disable=SC2016
    printf '%s\n' "six:$(hash '$6$abcdefgh$')" "yes:$(hash '$y$j9T$abcdefgh$')" "shut:$(hash '$6$abcdefgh$')" | chpasswd -e
    usermod -L shut
    grep -E '^(six|yes|shut):' /etc/shadow >"$BATS_FILE_TMPDIR/before"
}

stored() { sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT password_hash FROM users WHERE username = '$1'"; }

su_to() { # PASSWORD TARGET
    run dialogue "expect Password: 
send $1" setpriv --reuid="$(id -u lena)" --regid="$(id -g lena)" --init-groups \
        env -i PATH=/usr/bin:/bin TERM=dumb /bin/su "$2" -c 'echo "in-as-$(id -un) $(id -u) $HOME"'
    echo "$output"
}

@test "before: pam_unix lets them in" {
    su_to "$password" six
    [[ $output == *'in-as-six 4001 /home/six'* ]]
}

@test "taken over: the same password by su, once more, and nothing else; the hash becomes argon2id (R21)" {
    grep -E '^(six|yes|shut):' /etc/passwd >passwd
    authctl -q import shadow --adopt >/dev/null
    grep -E '^(six|yes|shut):' /etc/passwd | diff passwd -
    [ "$(grep -cE '^(six|yes|shut|lena):!jwtauth!' /etc/shadow)" = 4 ]
    for name in six yes; do
        uid=$(id -u $name)
        run ! grep -q argon2id <<<"$(stored $name)"
        su_to wrong $name
        [ "$status" -ne 0 ]
        run ! grep -q argon2id <<<"$(stored $name)"
        su_to "$password" $name
        [ "$status" -eq 0 ]
        [[ $output == *"in-as-$name $uid /home/$name"* ]]
        [[ $(stored $name) == '$argon2id$'* ]]
        su_to "$password" $name
        [[ $output == *"in-as-$name"* ]]
    done
}

@test "a locked one stays locked, and unlock lets in with the old password" {
    su_to "$password" shut
    [ "$status" -ne 0 ]
    [[ $output != *in-as* ]]
    authctl -q user unlock shut >/dev/null
    su_to "$password" shut
    [[ $output == *in-as-shut* ]]
}

@test "user release: the old fields are back, and pam_unix lets in as before" {
    for name in six yes shut; do
        authctl -q user release $name >/dev/null
    done
    grep -E '^(six|yes|shut):' /etc/shadow | cut -d: -f1,2 | diff <(cut -d: -f1,2 "$BATS_FILE_TMPDIR/before") -
    su_to "$password" six
    [ "$status" -eq 0 ]
    [[ $output == *'in-as-six 4001 /home/six'* ]]
    su_to "$password" shut
    [ "$status" -ne 0 ]
}
