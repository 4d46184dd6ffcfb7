#!/usr/bin/env bats
# token verify with keys from a real HTTPS server: the cache, rotation, outages, and what is never believed (R26).
# shellcheck disable=SC2154

setup_file() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/../notify/notify.bash"
    make_ca
    make_cert other other.example.org
    export ca
    make_installation
    authctl -q user add alice --password-stdin <<<Tulip-Garten-9x
    useradd -m -s /bin/sh carol
}

setup() {
    # shellcheck source=tests/notify/notify.bash
    . "$BATS_TEST_DIRNAME/../notify/notify.bash"
    cd "$BATS_TEST_TMPDIR" || return
    authctl -q token issue --user alice >token
    rm -rf /var/cache/jwtauth
}

teardown() { stop_servers; }

# keys_server [options]: serves ./jwks.json; $url, $box.
keys_server() {
    authctl key jwks >jwks.json
    start_provider http_server.py --cert "$ca/${cert:-localhost}.crt" --key "$ca/${cert:-localhost}.key" --file "$PWD/jwks.json" "$@"
    url=https://localhost:$port/jwks.json
}
asked() { find "$box" -name '[0-9]*.json' | wc -l; }
verify() { authctl token verify --json --jwks "$url" "$@" - <token; }
reason() { json 'd["reason"]' <<<"$output"; }
cached() { echo /var/cache/jwtauth/jwks-*.json; }
# older SECONDS: what is kept was fetched so long ago.
older() {
    python3 - "$(cached)" "$1" <<'PY'
import json, sys
name, by = sys.argv[1], int(sys.argv[2])
d = json.load(open(name))
d["fetched_at"] -= by
d["fresh_until"] -= by
json.dump(d, open(name, "w"))
PY
}

@test "fetched once, kept as long as the answer says, then asked for by its ETag" {
    keys_server --etag '"one"' --cache 'public, max-age=600'
    [ "$(verify | json 'd["preferred_username"]')" = alice ]
    [ "$(verify | json 'd["preferred_username"]')" = alice ]
    [ "$(asked)" = 1 ]
    older 500
    verify >/dev/null
    [ "$(asked)" = 1 ]
    older 200
    verify >/dev/null
    [ "$(asked)" = 2 ]
    json '[v for k, v in d["headers"] if k.lower() == "if-none-match"]' <"$box/2.json" | grep -qxF "['\"one\"']"
    verify >/dev/null # 304 is an answer
    [ "$(asked)" = 2 ]
    [ "$(stat -c '%a %U' "$(cached)")" = "644 root" ]
}

@test "without max-age five minutes, with no-store not at all" {
    keys_server
    verify >/dev/null
    older 200
    verify >/dev/null
    [ "$(asked)" = 1 ]
    older 200
    verify >/dev/null
    [ "$(asked)" = 2 ]
    stop_servers
    rm -rf /var/cache/jwtauth
    keys_server --cache no-store
    verify >/dev/null
    verify >/dev/null
    [ "$(asked)" = 2 ]
    [ -z "$(find /var/cache/jwtauth -type f)" ]
}

@test "a rotation: an unknown key is asked for once, and not more often than every ten seconds" {
    keys_server --cache max-age=3600
    verify >/dev/null
    authctl -q key rotate
    authctl -q key rotate
    authctl -q token issue --user alice >token
    authctl key jwks >jwks.json
    fails_with 1 verify
    [ "$(reason)" = unknown_key ] # just asked
    [ "$(asked)" = 1 ]
    older 11
    [ "$(verify | json 'd["preferred_username"]')" = alice ]
    [ "$(asked)" = 2 ]
    printf '%s' 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vbmUtc3VjaCJ9.e30.AAAA' >token
    fails_with 1 verify
    older 11
    fails_with 1 verify
    fails_with 1 verify
    [ "$(asked)" = 3 ]
}

@test "the server is down: within max_stale what is kept counts, with a notice; past it nothing does" {
    keys_server --cache max-age=60
    verify >/dev/null
    stop_servers
    older 61
    fails_with 0 verify
    [[ $stderr == *'no key set'*'fetched'* || $stderr == *'does not answer'* ]]
    older 86400
    fails_with 7 verify
    [ "$(error_code)" = jwks_unavailable ]
    rm -rf /var/cache/jwtauth
    fails_with 7 verify
    [ "$(error_code)" = jwks_unavailable ]
}

# R26
@test "no other certificate, no redirect, no proxy, no http, no big answer, nothing that is no key set" {
    cert=other keys_server
    fails_with 7 verify
    [ "$(asked)" = 0 ]
    stop_servers
    keys_server
    target=$url
    start_provider http_server.py --cert "$ca/localhost.crt" --key "$ca/localhost.key" --redirect "$target"
    url=https://localhost:$port/jwks.json
    fails_with 7 verify
    stop_servers
    for options in "--big 70000" "--status 500" "--big 10"; do
        # shellcheck disable=SC2086
        start_provider http_server.py --cert "$ca/localhost.crt" --key "$ca/localhost.key" $options
        url=https://localhost:$port/jwks.json
        fails_with 7 verify
        [ "$(error_code)" = jwks_unavailable ]
        stop_servers
    done
    for url in http://localhost/jwks.json https://user:pw@localhost/ https:// HTTPS://localhost/; do
        fails_with 5 verify
        [ "$(error_code)" = invalid_jwks ]
    done
    keys_server
    https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9 verify >/dev/null
    [ "$(asked)" = 1 ]
}

@test "a bad answer leaves what was kept; a damaged or foreign file is not believed" {
    keys_server --cache max-age=60
    verify >/dev/null
    before=$(json 'd["jwks"]' <"$(cached)")
    echo rubbish >jwks.json
    older 61
    fails_with 0 verify
    [ "$(json 'd["jwks"]' <"$(cached)")" = "$before" ]
    authctl key jwks >jwks.json
    n=$(asked)
    echo '{' >"$(cached)"
    verify >/dev/null
    [ "$(asked)" = $((n + 1)) ]
    chmod 0666 "$(cached)"
    verify >/dev/null
    [ "$(asked)" = $((n + 2)) ]
    chown carol "$(cached)"
    verify >/dev/null
    [ "$(asked)" = $((n + 3)) ]
}

@test "anybody: kept in the own cache folder" {
    keys_server --cache max-age=60
    cp token /home/carol/token
    chmod 0644 /home/carol/token
    as_carol() { setpriv --reuid=carol --regid=carol --init-groups env -i HOME=/home/carol PATH=/usr/bin:/bin "$@"; }
    for _ in 1 2; do
        as_carol authctl token verify --json --jwks "$url" - </home/carol/token | json 'd["sub"]'
    done
    [ "$(asked)" = 1 ]
    [ "$(stat -c '%a %U' /home/carol/.cache/jwtauth)" = "700 carol" ]
    [ "$(stat -c '%a %U' /home/carol/.cache/jwtauth/jwks-*.json)" = "600 carol" ]
}

@test "[verify] of a host without a store: by file and by URL, its issuer demanded" {
    keys_server --cache max-age=60
    cp jwks.json /etc/jwks.json
    chmod 0644 /etc/jwks.json
    mkdir -p "$BATS_TEST_TMPDIR/conf"
    host() {
        (umask 022 && printf '[store]\nurl = none\n[verify]\nissuer = %s\njwks = %s\nmax_stale = 10m\n' "$1" "$2" >/etc/verify.conf)
    }
    on_host() { authctl -c /etc/verify.conf token verify --json "$@" - <token; }
    host https://auth.example.org /etc/jwks.json
    [ "$(on_host | json 'd["preferred_username"]')" = alice ]
    host https://auth.example.org "$url"
    [ "$(on_host | json 'd["preferred_username"]')" = alice ]
    [ "$(asked)" = 1 ]
    host https://other.example.org "$url"
    fails_with 1 on_host
    [ "$(reason)" = wrong_issuer ]
    [ "$(on_host --issuer https://auth.example.org | json 'd["preferred_username"]')" = alice ]
    host https://auth.example.org "$url"
    stop_servers
    older 500
    fails_with 0 on_host
    older 200
    fails_with 7 on_host
    [ "$(error_code)" = jwks_unavailable ]
    (umask 022 && printf '[store]\nurl = none\n' >/etc/verify.conf)
    fails_with 8 on_host
}
