#!/usr/bin/env bats
# Clients that mean no good: forged identities, floods, slowness, size, depth.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server '
[throttle]
other = 1000/1s'
    export tcp port
    add_user alice >/dev/null
    mkdir -m 0777 /run/world
}

teardown_file() {
    stop_server
}

setup() {
    pid=$(cat /run/jwtauthd.pid)
}

hostile() {
    python3 "$top_srcdir/tests/http/hostile.py" "$@"
}
memory() {
    awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}

# CVE-2019-7304
@test "CVE-2019-7304: what a client calls its own socket is not who it is" {
    run hostile names $socket
    [ "$status" = 0 ]
    [[ "$output" != *'"username"'* ]]
    [ "$(grep -c unknown_caller <<<"$output")" = 2 ]
}

# CVE-2021-3560 CVE-2013-4288 CVE-2019-6133 CVE-2020-15702: whoever holds the descriptor later, and whoever has the pid.
@test "CVE-2021-3560: the uid is that of the connect, though its process is gone" {
    run hostile dead_peer $socket
    [ "$status" = 0 ]
    [[ "$output" == *unknown_caller* ]]
    run grep -rn '"/proc/%' "$top_srcdir/daemon"
    [ "$status" = 1 ]
}

# CVE-2021-41617
@test "CVE-2021-41617: the daemon has no children that could keep its groups" {
    run grep -nE '\b(fork|vfork|clone|posix_spawn|execve?[lvpe]*)\(' -r "$top_srcdir/daemon"
    [ "$status" = 1 ]
    [ -z "$(cat /proc/"$pid"/task/"$pid"/children)" ]
}

# CVE-2026-46689
@test "CVE-2026-46689: depth is refused before it costs a stack" {
    python3 -c 'print("[" * 30000 + "]" * 30000, end="")' >/run/deep
    call POST /auth/refresh -H 'Content-Type: application/json' --data-binary @/run/deep
    wants 400 malformed_json
    python3 -c 'print("{\"a\":" * 20 + "1" + "}" * 20, end="")' >/run/deep
    call POST /auth/refresh -H 'Content-Type: application/json' --data-binary @/run/deep
    wants 400 malformed_json
    call GET "/$(python3 -c 'print("a/" * 3000, end="")')"
    wants 404 no_such_route
    call GET /healthz
    wants 200
}

# CVE-2023-6337
@test "CVE-2023-6337: large bodies and slow clients take neither memory nor service" {
    local before
    without_sanitizers
    head -c 1000000 /dev/zero >/run/large
    for _ in 1 2 3; do
        call POST /auth/refresh -H 'Content-Type: application/json' --data-binary @/run/large
    done
    before=$(memory)
    for _ in $(seq 20); do
        call POST /auth/refresh -H 'Content-Type: application/json' --data-binary @/run/large -H 'Transfer-Encoding: chunked'
    done
    [ $(($(memory) - before)) -lt 1024 ]
    run hostile slow "$port" 500
    [ "$status" = 0 ]
    [[ "${lines[0]}" == "500 HTTP/1.1 200 OK" ]]
    [ "${lines[1]}" = 8 ]
}

# CVE-2021-3466 CVE-2023-27371 CVE-2025-62689
@test "CVE-2023-27371: no POST parser of the library is linked; multipart is refused" {
    run grep -c MHD_create_post_processor <(nm -D "$top_builddir/jwtauthd")
    [ "$output" = 0 ]
    call POST /auth/login -F username=alice -F password=x
    wants 415 unsupported_media_type
}

# CVE-2023-36456 CVE-2025-66204 CVE-2026-72816
@test "CVE-2023-36456: a thousand forged addresses are one source" {
    add_user victim >/dev/null
    for i in $(seq 5); do
        post /auth/login '{"username":"victim","password":"Wrong-Horse-42"}' -H "X-Forwarded-For: 192.0.2.$i" \
            -H "X-Real-IP: 198.51.100.$i" -H "Forwarded: for=203.0.113.$i"
        wants 401 invalid_credentials
    done
    post /auth/login '{"username":"victim","password":"Wrong-Horse-42"}' -H 'X-Forwarded-For: 192.0.2.77'
    wants 429 too_many_attempts
    [ -n "$(printf '%s\n' "$headers" | sed -n 's/^retry-after: //p')" ]
    sed -i 's|^threads = 2|&\ntrusted_proxies = 127.0.0.1|' /etc/jwtauth/jwtauth.conf
    kill -HUP "$pid"
    for _ in $(seq 200); do
        post /auth/login '{"username":"victim","password":"Wrong-Horse-42"}' -H 'X-Forwarded-For: 192.0.2.9, 203.0.113.7'
        [ "$status" = 429 ] || break
        sleep 0.02
    done
    wants 401 invalid_credentials
    # What the client itself put there stands further left than what the proxy saw.
    for i in $(seq 4); do
        post /auth/login '{"username":"victim","password":"Wrong-Horse-42"}' -H "X-Forwarded-For: 192.0.2.$i, 203.0.113.7"
        wants 401 invalid_credentials
    done
    post /auth/login '{"username":"victim","password":"Wrong-Horse-42"}' -H "X-Forwarded-For: 192.0.2.99, 203.0.113.7"
    wants 429 too_many_attempts
}

@test "R25: one uid may hold 256 connections; others are served beside them" {
    run hostile many_of_uid $socket
    [ "$status" = 0 ]
    [ "$output" = "256 HTTP/1.1 200 OK" ]
}

@test "R25: pipelined rubbish, half-open and reset connections end where they began" {
    run hostile garbage "$port"
    [ "$status" = 0 ]
    [ "$output" = "HTTP/1.1 200 OK" ]
    [[ "$(cat /run/jwtauthd.log)" != *'<3>'* ]]
}

# number WORD: what follows it in the last output.
number() {
    sed -n "s/.*\b$1 \([0-9]*\).*/\1/p" <<<"$output"
}
connections() {
    curl -s "$tcp/metrics" | sed -n 's/^jwtauthd_connections //p'
}

# IDLE_CONNECTIONS=10000: by hand; it lasts, as the server has 1,024 at a time, each for ten seconds.
@test "R25: thousands of connections that say nothing, half of it, or vanish: bounded, ended, and others are served" {
    local before first count=${IDLE_CONNECTIONS:-3000}
    without_sanitizers
    call GET /healthz
    before=$(memory)
    run hostile idle "$port" "$pid" "$count"
    echo "$before KiB, then $output"
    [ "$status" = 0 ]
    # the kernel may drop a handshake until its client gives up
    [ "$(number met)" -gt $((count * 9 / 10)) ]
    [ "$(number vanished)" -gt $((count / 60)) ]
    [ "$(number left)" = 0 ]
    [ "$(number served)" -ge 1 ]
    [ "$(number refused)" = 0 ]
    # 1,024 at a time, each with a pool of 16 KiB
    [ "$(number fds)" -lt 1200 ]
    [ $(($(number rss) - before)) -lt 40960 ]
    first=$(number rss)
    # a second time takes no more: nothing is left of the first
    run hostile idle "$port" "$pid" 1500
    echo "$output"
    [ "$(number met)" -gt 1350 ]
    [ "$(number left)" = 0 ]
    [ $(($(number rss) - first)) -lt 4096 ]
    for _ in $(seq 600); do
        [ "$(connections)" -gt 1 ] || break
        sleep 0.05
    done
    [ "$(connections)" = 1 ] # that of who asks
}

@test "R25: heads without end and pipelined requests whose answers nobody reads take neither memory nor service" {
    local before
    without_sanitizers
    before=$(memory)
    run hostile flood "$port" "$pid" 40
    echo "$before KiB, then $output"
    [ "$status" = 0 ]
    [ "$(number refused-heads)" = 20 ]
    [ "$(number stuck)" = 20 ] # the server has stopped to read
    [ "$(number refused)" = 0 ]
    [ $(($(number rss) - before)) -lt 8192 ]
}

@test "R25: a keep-alive connection that is half closed is not kept as long as one that idles" {
    run hostile half_closed "$port"
    [ "$status" = 0 ]
    [ "$output" = half-closed ]
}
