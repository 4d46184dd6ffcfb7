#!/usr/bin/env bats
# authctl init: from nothing to an installation, safe to repeat, nothing weakened on the way.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    install_authctl
    rm -rf /etc/jwtauth /var/lib/jwtauth /var/cache/jwtauth /run/jwtauth
}

mode() {
    stat -c '%a %U' "$1"
}

# Everything that init may not touch the second time.
fingerprint() {
    sha256sum /etc/jwtauth/jwtauth.conf /etc/jwtauth/master.key
    authctl key list
    authctl getent passwd
}

@test "init makes everything with safe owners and modes, whatever the umask" {
    for mask in 000 077; do
        rm -rf /etc/jwtauth /var/lib/jwtauth /var/cache/jwtauth /run/jwtauth
        (umask $mask && authctl init --issuer https://auth.example.org)
        [ "$(mode /etc/jwtauth)" = "755 root" ]
        [ "$(mode /etc/jwtauth/jwtauth.conf)" = "644 root" ]
        [ "$(mode /etc/jwtauth/master.key)" = "600 root" ]
        [ "$(mode /var/lib/jwtauth)" = "700 root" ]
        [ "$(mode /var/lib/jwtauth/jwtauth.db)" = "600 root" ]
        [ "$(mode /var/cache/jwtauth)" = "755 root" ]
        [ "$(mode /run/jwtauth)" = "755 root" ]
        [ "$(mode /run/jwtauth/sessions)" = "711 root" ]
        [ -z "$(find /var/lib/jwtauth -type f ! -perm 600)" ]
    done
}

@test "init chooses the cost of password hashes within bounds" {
    authctl init --issuer https://auth.example.org --json >"$BATS_TEST_TMPDIR/report"
    [ "$(json 'd["issuer"], d["config"], d["state_dir"], d["master_key"], d["database"], d["signing_key"]' \
        <"$BATS_TEST_TMPDIR/report")" = "('https://auth.example.org', True, True, True, True, True)" ]
    [ "$(json '19 << 20 <= d["hash_memory"] <= 64 << 20 and d["hash_ops"] == 2' <"$BATS_TEST_TMPDIR/report")" = True ]
    [ "$(authctl config show --json | json '[o["source"] for o in d["options"] if o["option"] == "password.hash_memory"][0]')" = file ]
}

@test "the configuration it writes is valid and has every option" {
    authctl -q init --issuer https://auth.example.org
    authctl config check
    [ "$(grep -cE '^#?[a-z0-9_]+ = ' /etc/jwtauth/jwtauth.conf)" = "$(authctl config show --json | json 'len(d["options"])')" ]
    # taking the comment marks away changes no value
    authctl config show | awk -F'\t' '{ print $1, $2 }' >"$BATS_TEST_TMPDIR/before"
    sed -i -E 's/^#([a-z0-9_]+ = )/\1/' /etc/jwtauth/jwtauth.conf
    authctl config check
    authctl config show | awk -F'\t' '{ print $1, $2 }' | diff "$BATS_TEST_TMPDIR/before" -
}

@test "init is safe to repeat: nothing that is there changes" {
    authctl -q init --issuer https://auth.example.org
    before=$(fingerprint)
    run --separate-stderr authctl init
    [ "$status" = 0 ]
    [[ "$output" == *"everything is there already"* ]]
    [ "$before" = "$(fingerprint)" ]
    rm -rf /run/jwtauth /var/cache/jwtauth
    authctl -q init --issuer https://auth.example.org
    [ -d /run/jwtauth/sessions ]
    [ "$before" = "$(fingerprint)" ]
}

@test "options that contradict an existing configuration are a conflict" {
    authctl -q init --issuer https://auth.example.org
    before=$(fingerprint)
    fails_with 4 authctl init --issuer https://other.example.org --json
    [ "$(error_code)" = config_exists ]
    fails_with 4 authctl init --alg RS256
    fails_with 4 authctl init --open-registration
    [ "$before" = "$(fingerprint)" ]
}

@test "bad options leave nothing behind" {
    fails_with 5 authctl init --issuer 'https://a b'
    fails_with 5 authctl init --issuer 'ftp://auth.example.org'
    fails_with 5 authctl init --issuer ''
    fails_with 5 authctl init --issuer "$(printf 'https://a\033[31m')"
    fails_with 5 authctl init --issuer "https://$(head -c 300 /dev/zero | tr '\0' a)"
    fails_with 5 authctl init --alg none
    fails_with 5 authctl init --alg es256
    fails_with 2 authctl init --nonsense
    fails_with 2 authctl init extra
    [ ! -e /etc/jwtauth ]
    [ ! -e /var/lib/jwtauth ]
}

@test "every algorithm gives a working first key" {
    for alg in ES256 EdDSA RS256 HS256; do
        rm -rf /etc/jwtauth /var/lib/jwtauth
        authctl -q init --issuer https://auth.example.org --alg $alg
        [ "$(authctl key list --json | json 'sorted((k["alg"], k["state"]) for k in d["keys"])')" = "[('$alg', 'active'), ('$alg', 'next')]" ]
    done
}

@test "--open-registration is written" {
    authctl -q init --issuer https://auth.example.org --open-registration
    grep -qx 'open = yes' /etc/jwtauth/jwtauth.conf
}

@test "without --issuer it is https:// and the host's name" {
    authctl -q init
    issuer=$(authctl config show --json | json '[o["value"] for o in d["options"] if o["option"] == "tokens.issuer"][0]')
    audience=$(authctl config show --json | json '[o["value"] for o in d["options"] if o["option"] == "tokens.audience"][0]')
    [ "$issuer" = "https://$audience" ]
}

@test "a lost master key is never replaced beside a store sealed with it" {
    authctl -q init --issuer https://auth.example.org
    mv /etc/jwtauth/master.key "$BATS_TEST_TMPDIR/kept"
    fails_with 8 authctl init --json
    [ "$(error_code)" = master_key_lost ]
    [ ! -e /etc/jwtauth/master.key ]
    mv "$BATS_TEST_TMPDIR/kept" /etc/jwtauth/master.key
    authctl -q init
}

@test "unsafe folders and files are refused with the mend, not repaired" {
    authctl -q init --issuer https://auth.example.org
    chmod 0755 /var/lib/jwtauth
    fails_with 8 authctl init
    [[ "$stderr" == *"chmod 0700 '/var/lib/jwtauth'"* ]]
    chmod 0700 /var/lib/jwtauth
    chmod 0640 /etc/jwtauth/master.key
    fails_with 8 authctl init
    [[ "$stderr" == *"chmod 0600 '/etc/jwtauth/master.key'"* ]]
    chmod 0600 /etc/jwtauth/master.key
    chmod 0666 /etc/jwtauth/jwtauth.conf
    fails_with 8 authctl init
    [[ "$stderr" == *"chmod 0644 '/etc/jwtauth/jwtauth.conf'"* ]]
}

@test "only root may init" {
    fails_with 6 as_nobody authctl init
    [ ! -e /etc/jwtauth ]
}

@test "another configuration file and other folders" {
    dir=/run/srv-init
    mkdir -m 0755 "$dir"
    (umask 022 && cat >"$dir/j.conf" <<CONF
[paths]
state = $dir/state
run = $dir/run
cache = $dir/cache
[store]
master_key_file = $dir/master.key
[tokens]
issuer = https://auth.example.org
audience = a
[password]
hash_memory = 8M
hash_ops = 1
CONF
    )
    authctl -q -c "$dir/j.conf" init
    [ "$(mode "$dir/state/jwtauth.db")" = "600 root" ]
    [ ! -e /var/lib/jwtauth ]
    [ ! -e /etc/jwtauth ]
    rm -rf "$dir"
}

@test "twenty at once make one installation with one key" {
    for _ in $(seq 20); do
        authctl -q init --issuer https://auth.example.org >/dev/null 2>>"$BATS_TEST_TMPDIR/errors" &
    done
    wait
    authctl -q init --issuer https://auth.example.org
    [ "$(authctl key list --json | json 'sorted(k["state"] for k in d["keys"])')" = "['active', 'next']" ]
    [ "$(find /etc/jwtauth /var/lib/jwtauth -name '.*' -type f | wc -l)" = 0 ]
}

@test "a store is not needed on a verifying host" {
    mkdir -m 0755 /etc/jwtauth
    (umask 022 && printf '[store]\nurl = none\n[verify]\nissuer = https://a.example.org\njwks = /etc/jwks.json\n' >/etc/jwtauth/jwtauth.conf)
    fails_with 8 authctl init --json
    [ "$(error_code)" = no_store ]
}
