#!/usr/bin/env bats
# make soak: see README.md. SOAK_TIME: seconds.
# shellcheck disable=SC2154
. "${BATS_TEST_DIRNAME:-tests/soak}/../http/http.bash"

@test "everything at once, for a long time" {
    local unix
    for unix in /usr/lib/*/security/pam_unix.so /lib/*/security/pam_unix.so /usr/lib/security/pam_unix.so; do
        [ ! -e "$unix" ] || break
    done
    install -m 0644 "$top_builddir/.libs/pam_jwtauth.so" "$(dirname "$unix")/pam_jwtauth.so"
    for kind in auth account session; do
        echo "$kind required pam_jwtauth.so"
    done >/etc/pam.d/soak
    make_installation '
[throttle]
login = 1000000/15m
per_source = 1000000/15m
per_user = 1000000/1h
[log]
target = stderr
level = warning'
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    mkdir -p /run/jwtauth
    for i in 0 1 2 3 4 5 6 7; do
        add_user "soak$i" --role user >/dev/null
    done
    useradd -m -s /bin/sh pam
    printf 'Correct-Horse-42\n' | authctl -q user add pam --adopt --password-stdin >/dev/null
    run python3 "$BATS_TEST_DIRNAME/soak.py" "$(free_port)" "${SOAK_TIME:-1800}"
    printf '%s\n' "$output" | sed 's/^/# /' >&3
    [ "$status" = 0 ]
    authctl db check
    authctl audit verify
    run ! grep -E 'Sanitizer|status=500' /run/activated.log
}
