#!/usr/bin/env bats
# ssh-key: what ssh-keygen makes is taken, listed, handed to sshd, and ends.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    authctl -q user add alice >/dev/null
    dir=$BATS_TEST_TMPDIR
}

# new_key NAME TYPE...: a key pair of ssh-keygen's
new_key() {
    local name=$1
    shift
    ssh-keygen -q -t "$@" -N '' -C "$name" -f "$dir/$name"
}
print_of() { ssh-keygen -lf "$dir/$1.pub" | cut -d' ' -f2; }

@test "every type that ssh-keygen makes without a device, with ssh-keygen's fingerprint" {
    new_key a ed25519
    new_key b ecdsa -b 256
    new_key c ecdsa -b 384
    new_key d ecdsa -b 521
    new_key e rsa -b 2048
    for key in a b c d e; do
        authctl --json ssh-key add alice "$dir/$key.pub" >doc
        [ "$(json 'd["ssh_keys"][0]["fingerprint"]' <doc)" = "$(print_of $key)" ]
        [ "$(json 'd["ssh_keys"][0]["comment"]' <doc)" = $key ]
        [ "$(json 'd["ssh_keys"][0]["type"] + " " + d["ssh_keys"][0]["key"]' <doc)" = "$(cut -d' ' -f1,2 "$dir/$key.pub")" ]
    done
    [ "$(authctl ssh-key list alice | wc -l)" = 5 ]
    [ "$(authctl --json ssh-key list alice --limit 2 | json 'len(d["ssh_keys"]), bool(d["next"])')" = '(2, True)' ]
    fails_with 4 authctl ssh-key add alice "$dir/a.pub"
    new_key small rsa -b 1024
    fails_with 5 authctl ssh-key add alice "$dir/small.pub"
    [[ $stderr == *'1024 bits: 2048 to 8192'* ]]
}

@test "from standard input; several at once are added all or none" {
    new_key a ed25519
    new_key b ed25519
    fails_with 5 authctl ssh-key add alice - < <(cat "$dir/a.pub" "$dir/b"; echo)
    [ -z "$(authctl ssh-key list alice)" ]
    run grep -qF "$(sed -n 2p "$dir/b")" <<<"$stderr" # a private key that went astray is not repeated
    [ "$status" = 1 ]
    cat "$dir/a.pub" "$dir/b.pub" | authctl -q ssh-key add alice
    [ "$(authctl ssh-key list alice | wc -l)" = 2 ]
    fails_with 5 authctl ssh-key add alice </dev/null
}

# SECURITY R27
@test "a hostile comment reaches no terminal raw" {
    new_key a ed25519
    printf '%s \033]0;pwned\007\n' "$(cut -d' ' -f1,2 "$dir/a.pub")" | authctl ssh-key add alice >added
    authctl ssh-key list alice >listed
    run grep -q $'\033' added listed
    [ "$status" = 1 ]
    grep -qF '\x1b]0;pwned\x07' listed
}

@test "options of the file are not taken" {
    new_key a ed25519
    for option in restrict 'command="/bin/sh"' cert-authority 'from="*"'; do
        fails_with 5 authctl ssh-key add alice - < <(echo "$option $(cat "$dir/a.pub")")
        [[ $stderr == *'line 1: '*'options'* ]]
    done
}

@test "removed by id and by fingerprint; the audit log knows" {
    new_key a ed25519
    new_key b ed25519
    cat "$dir/a.pub" "$dir/b.pub" | authctl -q ssh-key add alice >/dev/null
    authctl ssh-key remove alice "$(print_of a)" | grep -qF "$(print_of a)"
    authctl ssh-key remove alice "$(authctl ssh-key list alice | cut -f1)"
    [ -z "$(authctl ssh-key list alice)" ]
    [ "$(authctl --json audit list --action ssh_key.\* | json '[r["action"] for r in d["rows"]]')" = \
        "['ssh_key.add', 'ssh_key.add', 'ssh_key.remove', 'ssh_key.remove']" ]
    authctl --json audit list --action ssh_key.add | grep -qF "$(print_of a)"
}

# ---- authorized ----

keys() { as_nobody authctl ssh-key authorized "$1"; }

@test "authorized prints for anybody what sshd needs, and reads neither store nor configuration" {
    new_key a ed25519
    new_key b ecdsa
    cat "$dir/a.pub" "$dir/b.pub" | authctl -q ssh-key add alice >/dev/null
    [ "$(keys alice | sort)" = "$(cut -d' ' -f1,2 "$dir/a.pub" "$dir/b.pub" | sort)" ]
    keys alice | ssh-keygen -lf - # as sshd would
    chmod 0600 /etc/jwtauth/jwtauth.conf
    echo '[nonsense' >>/etc/jwtauth/jwtauth.conf
    as_nobody strace -f -e trace=openat,open,connect -o "$dir/trace" authctl ssh-key authorized alice >/dev/null || true
    keys alice
    if [ -s "$dir/trace" ]; then
        run grep -E 'jwtauth\.conf|jwtauth\.db|master\.key|sqlite|libcurl|connect\(' "$dir/trace"
        [ "$status" = 1 ]
        grep -q /var/cache/jwtauth/ssh_keys "$dir/trace"
    fi
}

# R18
@test "locked, disabled, deleted, at an end: no key, at once" {
    new_key a ed25519
    authctl -q ssh-key add alice "$dir/a.pub" >/dev/null
    keys alice
    authctl -q user lock alice >/dev/null
    fails_with 3 keys alice
    [ -z "$output" ]
    authctl -q user unlock alice >/dev/null
    keys alice
    authctl -q user disable alice >/dev/null
    fails_with 3 keys alice
    authctl -q user enable alice >/dev/null
    keys alice
    authctl -q user modify alice --valid-until 1s >/dev/null
    sleep 1.1
    fails_with 3 keys alice
    authctl -q user modify alice --valid-until '' >/dev/null
    keys alice
    authctl -q ssh-key remove alice "$(print_of a)" >/dev/null
    fails_with 3 keys alice
    authctl -q ssh-key add alice "$dir/a.pub" --expires 1s >/dev/null
    sleep 1.1
    fails_with 3 keys alice
    authctl -q user delete alice --yes >/dev/null
    fails_with 3 keys alice
}

@test "nobody else's keys: unknown, local and odd names" {
    new_key a ed25519
    authctl -q ssh-key add alice "$dir/a.pub" >/dev/null
    for name in nobody-knows root lice alic alice_ 'alice ' ../alice '*' ''; do
        fails_with 3 keys "$name"
        [ -z "$output" ]
    done
    # somebody made a local account of that name: it is local now
    echo 'alice:x:1234:1234::/:/bin/sh' >>/etc/passwd
    fails_with 3 keys alice
    fails_with 3 authctl ssh-key authorized alice
    sed -i '/^alice:/d' /etc/passwd
    keys alice
}

@test "an adopted user has keys, until somebody sets a password by hand" {
    useradd -m bob
    authctl -q user add bob --adopt >/dev/null
    new_key a ed25519
    authctl -q ssh-key add bob "$dir/a.pub" >/dev/null
    keys bob
    authctl ssh-key authorized bob
    echo 'bob:Local-Horse-7' | chpasswd
    fails_with 3 authctl ssh-key authorized bob
    authctl -q purge >/dev/null
    fails_with 3 keys bob
}

@test "a missing, damaged or unsafe snapshot: no key and exit 8; purge writes it anew" {
    new_key a ed25519
    authctl -q ssh-key add alice "$dir/a.pub" >/dev/null
    snapshot=/var/cache/jwtauth/ssh_keys
    for harm in "rm $snapshot" "truncate -s -3 $snapshot" "truncate -s 0 $snapshot" "sed -i s/AAAA/AAAB/ $snapshot" \
        "chmod 0666 $snapshot" "chown 65534 $snapshot" "chmod 0777 /var/cache/jwtauth"; do
        $harm
        fails_with 8 keys alice
        [ -z "$output" ]
        [[ $stderr == 'authctl ssh-key authorized: '* ]]
        chmod 0755 /var/cache/jwtauth
        authctl -q purge >/dev/null
        keys alice
    done
}

@test "restored from a backup: the keys of then" {
    new_key a ed25519
    new_key b ed25519
    authctl -q ssh-key add alice "$dir/a.pub" >/dev/null
    authctl -q db backup "$dir/backup" >/dev/null
    authctl -q ssh-key remove alice "$(print_of a)" >/dev/null
    authctl -q ssh-key add alice "$dir/b.pub" >/dev/null
    authctl -q db restore "$dir/backup" --yes >/dev/null
    [ "$(keys alice)" = "$(cut -d' ' -f1,2 "$dir/a.pub")" ]
}

@test "another folder for the cache" {
    mkdir -m 0755 /var/cache/other
    sed -i '1i [paths]\ncache = /var/cache/other\n' /etc/jwtauth/jwtauth.conf
    new_key a ed25519
    authctl -q ssh-key add alice "$dir/a.pub" >/dev/null
    as_nobody authctl ssh-key authorized alice --snapshot /var/cache/other/ssh_keys
    fails_with 3 keys alice
}
