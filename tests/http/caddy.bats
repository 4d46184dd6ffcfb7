#!/usr/bin/env bats
# A real Caddy in front of a location, with forward_auth asking the daemon: by token, by role, by permission on a resource.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server
    export tcp port
    command -v caddy >/dev/null || return 0
    front=$(free_port)
    export front
    add_user alice --email alice@example.org >/dev/null
    add_user root2 --role admin >/dev/null # an administrator stays, whatever happens to alice
    authctl -q role add reporter >/dev/null
    authctl -q role permit reporter reports:read --on reports/2026 >/dev/null
    start_caddy
}

# As the README has it: what the client calls itself goes before the daemon is asked, and what this Caddy writes in place
# of a header that the daemon did not send goes after it. The admin interface and TLS are off.
start_caddy() {
    local gate="127.0.0.1:$port"
    mkdir -p -m 0700 /run/caddy
    cat >/run/caddy/Caddyfile <<CONF
{
    admin off
    auto_https off
}
(gate) {
    request_header -X-Auth-*
    forward_auth $gate {
        uri /api/v1/auth/verify-token{args.0}
        copy_headers X-Auth-Id X-Auth-User X-Auth-Email X-Auth-Roles X-Auth-Scope X-Auth-Session X-Auth-Amr
    }
    @noemail header_regexp X-Auth-Email ^{http[.]
    request_header @noemail -X-Auth-Email
    @noroles header_regexp X-Auth-Roles ^{http[.]
    request_header @noroles -X-Auth-Roles
    @noscope header_regexp X-Auth-Scope ^{http[.]
    request_header @noscope -X-Auth-Scope
    respond "user={http.request.header.X-Auth-User} email={http.request.header.X-Auth-Email} roles={http.request.header.X-Auth-Roles} made-up={http.request.header.X-Auth-Made-Up}"
}
http://127.0.0.1:$front {
    bind 127.0.0.1
    route /open/* {
        import gate "?"
    }
    route /admin/* {
        import gate "?role=admin"
    }
    route /reports/* {
        import gate "?permission=reports:read&resource=reports/2026"
    }
    respond /free/* "free"
    respond 404
}
CONF
    env HOME=/run/caddy XDG_DATA_HOME=/run/caddy XDG_CONFIG_HOME=/run/caddy \
        caddy run --config /run/caddy/Caddyfile --adapter caddyfile >/run/caddy/log 2>&1 3>&- &
    echo $! >/run/caddy/pid
    for _ in $(seq 500); do
        ! curl -s -o /dev/null "http://127.0.0.1:$front/free/" || return 0
        sleep 0.02
    done
    cat /run/caddy/log
    return 1
}

teardown_file() {
    stop_server
    [ ! -s /run/caddy/pid ] || kill "$(cat /run/caddy/pid)"
}

setup() {
    command -v caddy >/dev/null || skip 'caddy is not installed'
}

# ask PATH [CURL ARGUMENTS]: through Caddy. $status, $body.
ask() {
    body=$(curl -sS -w '\n%{http_code}' "http://127.0.0.1:$front$1" "${@:2}")
    status=${body##*$'\n'}
    body=${body%$'\n'*}
}

@test "by token: without one, with a bad one, with a good one, which names its user to the application" {
    ask /free/
    [ "$status $body" = '200 free' ]
    ask /open/
    [ "$status" = 401 ]
    [[ "$body" == *no_credential* ]]
    ask /open/ -H "$(bearer bad)"
    [ "$status" = 401 ]
    login alice
    ask /open/ -H "$(bearer "$token")"
    [ "$status $body" = '200 user=alice email=alice@example.org roles= made-up=' ]
    add_user carol >/dev/null
    authctl -q role grant carol reporter
    login carol
    ask /open/ -H "$(bearer "$token")"
    [ "$status $body" = '200 user=carol email= roles=reporter made-up=' ]
    # the client's own query is not the daemon's
    ask '/open/x?role=admin&made=up' -H "$(bearer "$token")"
    [ "$status" = 200 ]
    authctl -q token issue --user carol --audience other.example.org >/run/other
    ask '/open/x?audience=other.example.org' -H "$(bearer "$(cat /run/other)")"
    [ "$status" = 401 ]
    call GET '/auth/verify-token?audience=other.example.org' -H "$(bearer "$(cat /run/other)")"
    wants 200
}

@test "what the client says of itself reaches neither the daemon nor the application" {
    login alice
    ask /open/ -H "$(bearer "$token")" -H 'X-Auth-User: root' -H 'X-Auth-Roles: admin' -H 'X-Auth-Made-Up: x'
    [ "$status $body" = '200 user=alice email=alice@example.org roles= made-up=' ]
    ask /admin/ -H "$(bearer "$token")" -H 'X-Auth-Roles: admin' -H 'X-Forwarded-Uri: /?role=none' -H 'X-Forwarded-Method: POST'
    [ "$status" = 403 ]
    ask /open/ -H 'X-Auth-User: root'
    [ "$status" = 401 ]
}

@test "by role and by permission on a resource; each change counts with the next request" {
    login alice
    for path in /admin/ /reports/; do
        ask $path -H "$(bearer "$token")"
        [ "$status" = 403 ]
        [[ "$body" == *forbidden* ]]
    done
    authctl -q role grant alice reporter
    ask /reports/ -H "$(bearer "$token")"
    [ "$status $body" = '200 user=alice email=alice@example.org roles=reporter made-up=' ]
    ask /admin/ -H "$(bearer "$token")"
    [ "$status" = 403 ]
    authctl -q role forbid reporter reports:read --on reports/2026
    authctl -q role permit reporter reports:read --on reports/2025
    ask /reports/ -H "$(bearer "$token")"
    [ "$status" = 403 ]
    authctl -q role grant alice admin
    ask /admin/ -H "$(bearer "$token")"
    [ "$status" = 200 ]
    authctl -q role revoke alice admin
    ask /admin/ -H "$(bearer "$token")"
    [ "$status" = 403 ]
}

@test "any method and body is let through or not by the token alone; wrong ones never become 429 or 5xx" {
    login alice
    ask /open/ -X POST -d '{"a":1}' -H 'Content-Type: application/json' -H "$(bearer "$token")"
    [ "$status" = 200 ]
    ask /open/ -X DELETE -H "$(bearer "$token")"
    [ "$status" = 200 ]
    for _ in $(seq 100); do
        ask /open/ -H "$(bearer wrong)"
        [ "$status" = 401 ]
    done
    ask /open/ -H "$(bearer "$token")"
    [ "$status" = 200 ]
    authctl -q user lock alice
    ask /open/ -H "$(bearer "$token")"
    [ "$status" = 401 ]
}

@test "without the daemon nobody is let in" {
    stop_server
    ask /open/ -H "$(bearer "$token")"
    [ "$status" = 502 ]
    ask /free/
    [ "$status" = 200 ]
    start_server
    ask /open/
    [ "$status" = 401 ]
}
