#!/usr/bin/env bats
# jwtauthd under systemd: its units, the sockets it is passed, what it tells.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

units=$BATS_TEST_DIRNAME/../../packaging/systemd

setup_file() {
    make_installation
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    mkdir -p /run/units /run/jwtauth
    cp "$units"/*.timer "$units"/*.socket /run/units
    for unit in "$units"/*.in; do
        sed 's,@bindir@,/usr/bin,; s,@sbindir@,/usr/sbin,' "$unit" >"/run/units/$(basename "$unit" .in)"
    done
}

@test "systemd finds nothing wrong with the units" {
    type -p systemd-analyze >/dev/null || skip 'no systemd-analyze'
    run systemd-analyze verify --man=no /run/units/*
    echo "$output"
    [ "$status" = 0 ]
    run ! grep -F /run/units/jwtauth <<<"$output"
}

@test "the daemon's unit leaves little to attack" {
    type -p systemd-analyze >/dev/null || skip 'no systemd-analyze'
    run systemd-analyze security --offline=yes --threshold=30 /run/units/jwtauthd.service
    echo "$output" | tail -n 3
    [ "$status" = 0 ]
    for line in CapabilityBoundingSet=CAP_CHOWN NoNewPrivileges=yes ProtectSystem=strict PrivateTmp=yes \
        MemoryDenyWriteExecute=yes SystemCallFilter=@system-service Type=notify; do
        grep -qx "$line" /run/units/jwtauthd.service
    done
    # a session whose process the daemon cannot see would be taken for ended
    run ! grep -Eq '^(ProtectProc|ProcSubset|PrivateUsers|PrivatePIDs)=' /run/units/jwtauthd.service
    grep -qx SocketMode=0666 /run/units/jwtauthd.socket
    run ! grep -E '^ListenStream=[^/]' /run/units/jwtauthd.socket
}

@test "socket activation: READY=1, STOPPING=1, and no connection is lost when it starts again" {
    run python3 "$BATS_TEST_DIRNAME/activation.py" "$(free_port)"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *' 0 lost'* ]]
}

@test "systemd's own starter: the first caller wakes it" {
    type -p systemd-socket-activate >/dev/null || skip 'no systemd-socket-activate'
    rm -f $socket
    systemd-socket-activate -l $socket /usr/sbin/jwtauthd >/run/activate.log 2>&1 3>&- &
    pid=$!
    for _ in $(seq 500); do
        [ ! -S $socket ] || break
        sleep 0.02
    done
    run curl -sS --unix-socket $socket http://jwtauthd/api/v1/whoami
    kill $pid
    echo "$output"
    [[ $output == *'"username":"root"'* || $output == *'"username": "root"'* ]]
    tail --pid=$pid -s 0.05 -f /dev/null
    [ -S $socket ] # systemd's stays
}

@test "a socket that the world reaches is not taken from systemd either" {
    type -p systemd-socket-activate >/dev/null || skip 'no systemd-socket-activate'
    port=$(free_port)
    systemd-socket-activate -l "0.0.0.0:$port" /usr/sbin/jwtauthd >/run/world.log 2>&1 3>&- &
    pid=$!
    run curl -sS --retry 50 --retry-connrefused --retry-delay 1 -o /dev/null "http://127.0.0.1:$port/healthz"
    status=0
    wait $pid || status=$?
    cat /run/world.log
    [ "$status" = 8 ]
    grep -q 'TLS is a proxy' /run/world.log
}
