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
