#!/usr/bin/env bats
# The daemon's frame: listeners, framing, identities, headers, limits, signals.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server
    export tcp port
    add_user alice --email alice@example.org --role user >/dev/null
}

teardown_file() {
    stop_server
}

setup() {
    pid=$(cat /run/jwtauthd.pid)
}

header() {
    printf '%s\n' "$headers" | sed -n "s/^$1: //p"
}

@test "every answer has the headers that make it harmless in a browser" {
    for path in /healthz /nowhere /api/v1/auth/verify-token; do
        call GET $path
        [ "$(header x-content-type-options)" = nosniff ]
        [ "$(header content-security-policy)" = "default-src 'none'; frame-ancestors 'none'" ]
        [ "$(header x-frame-options)" = DENY ]
        [ "$(header referrer-policy)" = no-referrer ]
        [ "$(header cache-control)" = no-store ]
        [ -z "$(header server)" ]
    done
}

@test "a login gives tokens, refresh rotates them, logout ends them" {
    login alice
    [ "$(field 'd["token"] == d["access_token"]')" = True ]
    [ "$(header cache-control)" = no-store ]
    call GET /api/v1/auth/verify-token -H "$(bearer "$token")"
    wants 200
    [ "$(field 'd["user"]["username"]')" = alice ]
    local old=$refresh
    post /api/v1/auth/refresh "{\"refresh_token\":\"$refresh\"}"
    wants 200
    refresh=$(field 'd["refresh_token"]')
    [ "$refresh" != "$old" ]
    call POST /api/v1/auth/logout -H "$(bearer "$token")"
    wants 200
    call GET /api/v1/auth/verify-token -H "$(bearer "$token")"
    wants 401 session_ended
    [ "$(header www-authenticate)" = 'Bearer error="invalid_token"' ]
    post /api/v1/auth/refresh "{\"refresh_token\":\"$refresh\"}"
    wants 401 invalid_refresh_token || wants 401 session_ended
}

@test "the auth routes answer under three prefixes, with and without a final slash" {
    login alice
    for prefix in /api/v1/auth /api/auth /auth; do
        for slash in '' /; do
            call GET "$prefix/verify-token$slash" -H "$(bearer "$token")"
            wants 200
        done
    done
    call GET /v1/auth/verify-token -H "$(bearer "$token")"
    wants 404 no_such_route
}

@test "what the gate says of the user goes on to the application, and is asked again after a change" {
    add_user carol --email carol@example.org --full-name 'Carol, "C" Ünal' >/dev/null
    authctl -q role add ops >/dev/null 2>&1 || true
    login carol
    call GET /auth/verify-token -H "$(bearer "$token")" -H 'X-Auth-User: root' -H 'X-Auth-Roles: admin'
    wants 200
    [ "$(header x-auth-user)" = carol ]
    [ -z "$(header x-auth-roles)" ]
    call GET '/auth/verify-token?role=ops' -H "$(bearer "$token")"
    wants 403 forbidden
    authctl -q role grant carol ops
    call GET '/auth/verify-token?role=ops' -H "$(bearer "$token")"
    wants 200
    call GET /auth/verify-token -H "$(bearer "$token")"
    [ "$(header x-auth-roles)" = ops ]
    call GET '/auth/verify-token?permission=invoices:read&resource=tenant/42' -H "$(bearer "$token")"
    wants 403 forbidden
    [ "$(header www-authenticate)" = 'Bearer error="insufficient_scope"' ]
    authctl -q role permit ops invoices:read --on 'tenant/42'
    call GET '/auth/verify-token?permission=invoices:read&resource=tenant/42' -H "$(bearer "$token")"
    wants 200
    call GET '/auth/verify-token?permission=invoices:read&resource=tenant/43' -H "$(bearer "$token")"
    wants 403 forbidden
}

@test "R18: a lock by another process is felt by the next request, though the answer was remembered" {
    add_user dave >/dev/null
    login dave
    for _ in 1 2 3; do
        call GET /auth/verify-token -H "$(bearer "$token")"
        wants 200
    done
    authctl -q user lock dave
    call GET /auth/verify-token -H "$(bearer "$token")"
    [ "$status" = 401 ]
    post /auth/refresh "{\"refresh_token\":\"$refresh\"}"
    [ "$status" = 401 ]
}

@test "R24: a uid counts only for itself, and never through a proxy" {
    for h in 'Host: example.org' 'X-Forwarded-For: 192.0.2.1' 'Forwarded: for=192.0.2.1' 'X-Real-IP: 192.0.2.1' \
        'Via: 1.1 p' 'Origin: https://example.org' 'Referer: https://example.org/' 'Cookie: a=b'; do
        request http://jwtauthd GET /api/v1/whoami --unix-socket $socket -H "$h"
        wants 400 ambiguous_identity
    done
    ucall GET /api/v1/whoami
    wants 200
    [ "$(field 'd["username"]')" = root ]
    call GET /api/v1/whoami
    wants 401 no_credential
    [ "$(header www-authenticate)" = Bearer ]
    body=$(as_nobody curl -sS --unix-socket $socket http://jwtauthd/api/v1/whoami)
    [[ "$body" == *unknown_caller* ]]
}

@test "R24: who comes through a proxy does not pass for a local process when logging in" {
    local json='{"username":"alice","password":"Correct-Horse-42"}'
    while read -r path given; do
        for h in 'Host: example.org' 'X-Forwarded-For: 192.0.2.1' 'Origin: https://example.org'; do
            request http://jwtauthd POST "/api/v1/auth/$path" --unix-socket $socket -H "$h" \
                -H 'Content-Type: application/json' -d "$given"
            if [ "$path" = register ]; then # closed here, which is said before all else
                wants 403 registration_closed
            else
                wants 400 ambiguous_identity || { echo "$path $h"; return 1; }
            fi
        done
    done <<END
login $json
password-reset {"email":"alice@example.org"}
password-reset-confirm {"token":"x","new_password":"Correct-Horse-43"}
verify-email {"token":"x"}
resend-verification {"email":"alice@example.org"}
refresh {"refresh_token":"x"}
END
    for h in jwtauthd localhost 127.0.0.1; do
        request "http://$h" POST /api/v1/auth/login --unix-socket $socket -H 'Content-Type: application/json' -d "$json"
        wants 200
    done
    token=$(field 'd["token"]')
    request http://localhost GET /api/v1/whoami --unix-socket $socket
    wants 400 ambiguous_identity
    # with a token, who asks is known; and what a proxy asks for each request gets no 400, which nginx makes a 500 of
    request http://jwtauthd GET /api/v1/auth/verify-token --unix-socket $socket -H 'Host: a.example' -H "$(bearer "$token")"
    wants 200
    request http://jwtauthd GET /api/v1/auth/verify-token --unix-socket $socket -H 'Host: a.example'
    wants 401 no_credential
    request http://jwtauthd GET /healthz --unix-socket $socket -H 'Host: a.example'
    [ "$status" = 200 ]
}

@test "R25: a request that could be two, or is too big, is refused" {
    raw() {
        python3 - "$port" "$1" <<'PY'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
s.shutdown(socket.SHUT_WR)
data = b""
while True:
    part = s.recv(65536)
    if not part:
        break
    data += part
print(data.split(b"\r\n")[0].decode("latin-1"))
PY
    }
    local head='POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    [[ "$(raw "${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")" == *" 400 "* ]]
    [[ "$(raw "${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")" == *" 400 "* ]]
    [[ "$(raw "${head}Host: other\r\nContent-Length: 2\r\n\r\n{}")" == *" 400 "* ]]
    [[ "$(raw 'GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n')" == *" 400 "* ]]
    [[ "$(raw 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')" == *" 200 "* ]]
    head -c 70000 /dev/zero | tr '\0' ' ' >/run/big
    call POST /auth/refresh -H 'Content-Type: application/json' --data-binary @/run/big
    wants 413 body_too_large
    call GET /healthz -H "X-Long: $(head -c 8500 /dev/zero | tr '\0' a)"
    [ "$status" = 431 ] || [ "$status" = 413 ] || [ "$status" = 400 ]
}

@test "a body is JSON with known fields of the right types, each once" {
    post /auth/refresh '{"refresh_token":"x","more":1}'
    wants 400 unknown_field
    post /auth/refresh '{"refresh_token":7}'
    wants 400 invalid_type
    post /auth/refresh '{"refresh_token":null}'
    wants 400 invalid_type
    post /auth/refresh '{"refresh_token":"x","refresh_token":"y"}'
    wants 400 malformed_json
    post /auth/refresh '[]'
    wants 400 malformed_json
    post /auth/login '{"username":"alice"}'
    wants 400 missing_field
    post /auth/refresh "{\"refresh_token\":\"$(head -c 600 /dev/zero | tr '\0' a)\"}"
    wants 400 field_too_long
    call POST /auth/refresh -H 'Content-Type: text/plain' -d '{}'
    wants 415 unsupported_media_type
    call DELETE /auth/login
    wants 405 method_not_allowed
    [ "$(header allow)" = POST ]
    call GET '/auth/verify-token?role=a&role=b'
    wants 400 duplicate_field
}

@test "who does not exist, is locked or has another password gets one answer" {
    add_user erin >/dev/null
    authctl -q user lock erin
    local first=''
    for who in nobody-here erin alice; do
        post /auth/login "{\"username\":\"$who\",\"password\":\"Wrong-Horse-42\"}"
        wants 401 invalid_credentials
        [ -z "$first" ] || [ "$body" = "$first" ]
        first=$body
    done
    [[ "$body" == *"Invalid email or password"* ]]
}

@test "SIGHUP reads the configuration again without dropping anybody; a broken one changes nothing" {
    login alice
    echo 'nonsense' >>/etc/jwtauth/jwtauth.conf
    kill -HUP "$pid"
    for _ in $(seq 200); do
        ! grep -q 'was not read again' /run/jwtauthd.log || break
        sleep 0.02
    done
    grep -q 'was not read again' /run/jwtauthd.log
    call GET /auth/verify-token -H "$(bearer "$token")"
    wants 200
    sed -i '/^nonsense$/d; s/^audience = .*/audience = other.example.org/' /etc/jwtauth/jwtauth.conf
    kill -HUP "$pid"
    for _ in $(seq 200); do
        call GET /auth/verify-token -H "$(bearer "$token")"
        [ "$status" = 200 ] || break
        sleep 0.02
    done
    wants 401 wrong_audience
    sed -i 's/^audience = .*/audience = auth.example.org/' /etc/jwtauth/jwtauth.conf
    kill -HUP "$pid"
    for _ in $(seq 200); do
        call GET /auth/verify-token -H "$(bearer "$token")"
        [ "$status" != 200 ] || break
        sleep 0.02
    done
    wants 200
}

@test "health, readiness, metrics and keys are there for who asks; metrics not through a proxy" {
    call GET /healthz
    wants 200
    call GET /readyz
    wants 200
    call GET /metrics
    [[ "$body" == *'jwtauthd_logins_total{outcome="success"}'* ]]
    call GET /metrics -H 'X-Forwarded-For: 192.0.2.1'
    wants 403 forbidden
    call GET /.well-known/jwks.json
    [ "$body" = "$(authctl key jwks)" ] || [ "$(printf '%s' "$body" | json 'len(d["keys"])')" = 2 ]
    local etag
    etag=$(header etag)
    call GET /.well-known/jwks.json -H "If-None-Match: $etag"
    wants 304
    [ -z "$body" ]
}

@test "OPTIONS is answered, by a listed origin's leave only" {
    call OPTIONS /auth/login -H 'Origin: https://app.example.org'
    [ "$status" = 204 ]
    [ "$(header allow)" = POST ]
    [ -z "$(header access-control-allow-origin)" ]
    sed -i 's|^threads = 2|&\ncors_origins = https://app.example.org|' /etc/jwtauth/jwtauth.conf
    kill -HUP "$pid"
    for _ in $(seq 200); do
        call OPTIONS /auth/login -H 'Origin: https://app.example.org'
        [ -z "$(header access-control-allow-origin)" ] || break
        sleep 0.02
    done
    [ "$(header access-control-allow-origin)" = https://app.example.org ]
    [[ "$(header access-control-allow-headers)" == *Authorization* ]]
    [ "$(header vary)" = Origin ]
    call GET /healthz -H 'Origin: https://evil.example.org'
    [ -z "$(header access-control-allow-origin)" ]
    call GET /healthz -H 'Origin: https://app.example.org'
    [ "$(header access-control-allow-origin)" = https://app.example.org ]
}

@test "it runs with CAP_CHOWN alone and leaves no core" {
    [ "$(sed -n 's/^CapEff:\t//p' "/proc/$pid/status")" = 0000000000000001 ]
    [ "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")" = 1 ]
    grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits"
    for status in /proc/"$pid"/task/*/status; do
        [ "$(sed -n 's/^CapPrm:\t//p' "$status")" = 0000000000000001 ]
    done
}

@test "a loop's heap is large from the start: it never waits for a hash's memory to grow it" {
    without_sanitizers
    # writable, no file's, 32 to 64 MiB: a thread's stack has 8, and no hash of 64 is running
    heaps=0
    while read -r range mode _ _ inode _; do
        size=$((0x${range#*-} - 0x${range%-*}))
        if [ "$mode" = rw-p ] && [ "$inode" = 0 ] && [ $size -ge $((32 << 20)) ] && [ $size -lt $((64 << 20)) ]; then
            heaps=$((heaps + 1))
        fi
    done <"/proc/$pid/maps"
    [ "$heaps" -ge 1 ]
}

@test "a second daemon does not take the socket over; a killed one's socket is replaced" {
    run /usr/sbin/jwtauthd
    [ "$status" = 8 ]
    [[ "$output" == *"another jwtauthd listens"* ]]
    stop_server KILL
    start_server
    call GET /healthz
    wants 200
}
