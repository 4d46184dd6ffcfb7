#!/usr/bin/env bats
# token get: the credential helper, here on the store itself with a service's API key; tests/daemon has it through
# jwtauthd.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    authctl -q role add invoicing >/dev/null
    authctl -q role permit invoicing invoices:read >/dev/null
    authctl -q role permit invoicing token:get --on 'audience/*' >/dev/null
    authctl -q service add billing --role invoicing >/dev/null
    (umask 077; authctl -q api-key add billing >"$BATS_FILE_TMPDIR/key")
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir -m 0700 run
    export XDG_RUNTIME_DIR=$PWD/run
    key=$BATS_FILE_TMPDIR/key
}

teardown() {
    if [ -n "${server:-}" ]; then
        kill "$server"
        wait "$server" || true
    fi
}

get() {
    authctl token get --api-key-file "$key" "$@"
}

# issued: how many tokens were issued so far.
issued() {
    authctl audit list --action token.issue --json | json 'len(d["rows"])'
}

# payload TOKEN EXPRESSION: of its claims d.
payload() {
    authctl -q token decode "$1" --json | json "d[\"payload\"]$2"
}

# start_server: a plain HTTP server; $box has what it is sent, $port where.
start_server() {
    box=$PWD/box
    mkdir "$box"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../support/http_server.py" "$box" --plain >"$box/log" 2>&1 3>&- &
    server=$!
    for _ in $(seq 200); do
        [ -e "$box/port" ] && break
        sleep 0.05
    done
    port=$(cat "$box/port")
}

@test "200 calls at once, 50 at a time: one token, of which each is told" {
    before=$(issued)
    seq 200 | xargs -P50 -I{} authctl token get -a x --api-key-file "$key" >tokens
    [ "$(wc -l <tokens)" = 200 ]
    [ "$(sort -u tokens | wc -l)" = 1 ]
    [ "$(issued)" = $((before + 1)) ]
    authctl token verify --audience x - >/dev/null < <(head -1 tokens)
}

# Held up until all of them have seen that nothing is kept, they still get one.
@test "ten calls that all found nothing: one of them gets a token, for all" {
    local i pids=''
    get -a x >/dev/null
    file=$(echo run/jwtauth/token-*)
    : >"$file"
    before=$(issued)
    exec 9<"$file"
    flock -s 9
    for i in $(seq 10); do
        authctl token get -a x --api-key-file "$key" >"got.$i" 9<&- 3>&- &
        pids+=" $!"
    done
    for i in $pids; do
        for _ in $(seq 400); do
            [ -z "$(find "/proc/$i/fd" -lname '*/token-*')" ] || break
            sleep 0.05
        done
    done
    flock -u 9
    exec 9<&-
    # shellcheck disable=SC2086
    wait $pids
    [ "$(cat got.* | wc -l)" = 10 ]
    [ "$(sort -u got.* | wc -l)" = 1 ]
    [ "$(issued)" = $((before + 1)) ]
}

@test "another audience, scope, lifetime, key or session is another token; the same question the same one" {
    get -a x >first
    get -a y >second
    get -a x --scope invoices:read >third
    get -a x --ttl 20m >fourth
    JWTAUTH_SESSION_ID=01900000-0000-7000-8000-000000000000 get -a x >fifth
    (umask 077; authctl -q api-key add billing >key2)
    authctl token get -a x --api-key-file key2 >sixth
    [ "$(sort -u first second third fourth fifth sixth | wc -l)" = 6 ]
    cmp first <(get -a x)
    cmp second <(get -a y)
    cmp third <(get -a x --scope invoices:read)
    cmp fourth <(get -a x --ttl 20m)
    [ "$(payload "$(cat third)" '["scope"]')" = invoices:read ]
    [ $(($(payload "$(cat fourth)" '["exp"]') - $(payload "$(cat fourth)" '["iat"]'))) = 1200 ]
    [ "$(payload "$(cat second)" '["aud"]')" = y ]
}

@test "--fresh and a --min-ttl that the kept one has not left get another; the new one is kept" {
    get >first
    cmp first <(get)
    get --fresh >second
    run -1 cmp -s first second
    cmp second <(get)
    cmp second <(get --min-ttl 10m)
    get --min-ttl 16m >third 2>notice # access_ttl is 15m
    run -1 cmp -s second third
    grep -q 'less than --min-ttl' notice
    # a short one is reused for half of its life
    get --ttl 4m >short
    cmp short <(get --ttl 4m)
    fails_with 5 get --ttl 0
    fails_with 5 get --ttl 400d --json
    [ "$(error_code)" = ttl_too_long ]
}

@test "what was revoked, or whose key or service is gone, is not handed out again" {
    (umask 077; authctl -q api-key add billing >key2)
    authctl token get --api-key-file key2 >first
    authctl -q token revoke - <first >/dev/null
    authctl token get --api-key-file key2 >second
    run -1 cmp -s first second
    authctl token verify - <second >/dev/null
    authctl -q user lock billing >/dev/null
    fails_with 1 authctl token get --api-key-file key2 --json
    [ "$(json 'd["code"]' <<<"$output")" = invalid_api_key ]
    authctl -q user unlock billing >/dev/null
    authctl -q api-key remove "$(cut -c5-40 key2)" >/dev/null
    fails_with 1 authctl token get --api-key-file key2 --fresh --json
    [ "$(json 'd["code"]' <<<"$output")" = invalid_api_key ]
}

# R22: nothing that another could have put there is believed, or written to.
@test "the folder and file of kept tokens are the caller's alone" {
    get >first
    [ "$(stat -c %a run/jwtauth)" = 700 ]
    file=$(echo run/jwtauth/token-*)
    [ "$(stat -c %a "$file")" = 600 ]
    # somebody else's token in a file that is not ours alone
    for spoil in "chmod 0644 $file" "chown 65534 $file" "ln $file run/other" "chmod 0770 run/jwtauth" "chown 65534 run"; do
        $spoil
        HOME=/nonexistent get >second 2>notice || { cat notice; return 1; }
        run -1 cmp -s first second
        grep -q 'not kept' notice || { echo "kept after $spoil"; return 1; }
        rm -f run/other
        chown 0 run "$file"
        chmod 0700 run/jwtauth
        chmod 0600 "$file"
    done
    rm "$file"
    ln -s "$PWD/target" "$file"
    HOME=/nonexistent get >second 2>notice
    grep -q 'not kept' notice
    [ ! -e target ]
}

@test "kept tokens: rubbish and a token cut short are no token" {
    get >first
    file=$(echo run/jwtauth/token-*)
    for spoil in "rubbish" "$(cat first)x" "$(head -c 100 first)"; do
        echo "$spoil" >"$file"
        get >second
        authctl token verify - <second >/dev/null
        cmp second "$file"
    done
    tr -d '\n' <first >"$file" # the writer did not come to the end
    get >second
    run -1 cmp -s first second
}

@test "kept tokens that ended are taken away by the next that is got" {
    get -a old >/dev/null
    old=$(echo run/jwtauth/token-*)
    touch -d '2 hours ago' "$old"
    touch -d '2 hours ago' run/jwtauth/other
    get -a new >/dev/null
    [ ! -e "$old" ]
    [ -e run/jwtauth/other ]
    [ "$(find run/jwtauth -name 'token-*' | wc -l)" = 1 ]
}

@test "without any folder: a token each time, and a notice" {
    mkdir home
    XDG_RUNTIME_DIR='' HOME=$PWD/home get >first
    [ "$(stat -c %a home/.cache/jwtauth)" = 700 ]
    cmp first <(XDG_RUNTIME_DIR='' HOME=$PWD/home get)
    cmp first <(XDG_RUNTIME_DIR=/nonexistent XDG_CACHE_HOME=/nonexistent HOME=$PWD/home get)
    mkdir -m 0700 cache
    XDG_RUNTIME_DIR='' XDG_CACHE_HOME=$PWD/cache get >second
    [ -e cache/jwtauth ]
    XDG_RUNTIME_DIR='' HOME=/nonexistent get >third 2>notice
    grep -q 'not kept' notice
    authctl token verify - <third >/dev/null
    XDG_RUNTIME_DIR='' HOME=/nonexistent get -q 2>&1 >/dev/null | wc -c | grep -qx 0
}

@test "root is no user; nobody answers where no daemon runs; a key file that others can read is refused" {
    fails_with 1 authctl token get --json
    [ "$(json 'd["code"]' <<<"$output")" = not_a_user ]
    fails_with 7 as_nobody authctl token get --json
    [ "$(error_code)" = daemon_unavailable ]
    fails_with 7 authctl token get --socket /run/nothing.sock --json
    [ "$(error_code)" = daemon_unavailable ]
    install -m 0644 "$key" readable
    fails_with 8 authctl token get --api-key-file readable
    fails_with 3 authctl token get --api-key-file nosuch
    (umask 077; echo rubbish >rubbish)
    fails_with 5 authctl token get --api-key-file rubbish --json
    [ "$(error_code)" = not_an_api_key ]
    fails_with 1 get --scope orders:read --json
    [ "$(json 'd["code"]' <<<"$output")" = scope_not_held ]
    fails_with 2 get --format yaml
    fails_with 2 get --format netrc
    fails_with 2 get --host example.org
    fails_with 2 get --format raw --json
    fails_with 5 get --format netrc --host 'a b'
}

# ---- formats, each with what reads it ----

@test "header: curl" {
    start_server
    get --format header | curl -sf -o /dev/null -H @- "http://127.0.0.1:$port/"
    [ "$(json '[v for k, v in d["headers"] if k == "Authorization"]' <"$box/1.json")" = "['Bearer $(get)']" ]
}

@test "netrc: curl --netrc-file" {
    start_server
    (umask 077; get --format netrc --host 127.0.0.1 >netrc)
    curl -sf -o /dev/null --netrc-file netrc "http://127.0.0.1:$port/"
    want="Basic $(printf 'billing:%s' "$(get)" | base64 -w0)"
    [ "$(json '[v for k, v in d["headers"] if k == "Authorization"]' <"$box/1.json")" = "['$want']" ]
}

@test "env: sourced by sh" {
    get --format env >env
    # shellcheck disable=SC2016
    [ "$(sh -c '. ./env && echo "$JWTAUTH_TOKEN"')" = "$(get)" ]
    # shellcheck disable=SC2016
    [ "$(sh -c '. ./env && echo "$JWTAUTH_TOKEN_EXPIRES"')" = "$(payload "$(get)" '["exp"]')" ]
}

@test "json: jq and python, times also as seconds; --json is the same" {
    get --format json >doc
    [ "$(jq -r .access_token doc)" = "$(get)" ]
    [ "$(jq -r .username doc)" = billing ]
    [ "$(jq -r .exp doc)" = "$(payload "$(get)" '["exp"]')" ]
    [ "$(jq -r .iat doc)" = "$(payload "$(get)" '["iat"]')" ]
    [ "$(date -d "$(jq -r .expires_at doc)" +%s)" = "$(jq -r .exp doc)" ]
    [ "$(date -d "$(jq -r .issued_at doc)" +%s)" = "$(jq -r .iat doc)" ]
    [ "$(get --json | json 'd["access_token"], d["token_type"], 0 < d["expires_in"] <= 900')" = \
        "('$(get)', 'Bearer', True)" ]
}

# The type's fields as Kubernetes documents them: client.authentication.k8s.io/v1, ExecCredential and
# ExecCredentialStatus, unknown ones not allowed.
@test "exec-credential: client.authentication.k8s.io/v1 ExecCredential" {
    get --format exec-credential >doc
    python3 - "$(get)" <<'PY'
import datetime, json, sys
d = json.load(open("doc"))
assert set(d) == {"apiVersion", "kind", "status"}, d
assert d["apiVersion"] == "client.authentication.k8s.io/v1"
assert d["kind"] == "ExecCredential"
assert set(d["status"]) == {"token", "expirationTimestamp"}
assert d["status"]["token"] == sys.argv[1]
# metav1.Time: RFC 3339
end = datetime.datetime.strptime(d["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
assert end > datetime.datetime.utcnow()
PY
}
