# Shared by the bats files: a small installation in the private world of tests/support/in-world.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

# By hand the build folder is the one that the tests are started in.
export top_builddir="${top_builddir:-$PWD}"

# The program under test is installed as the users of the world see it.
install_authctl() {
    install -m 0755 "$top_builddir/authctl" /usr/bin/authctl
}

# make_installation [CONFIGURATION]: cheap hashes, no dictionary, then authctl init. The text may open
# further sections; lines before its first section header go into [password].
make_installation() {
    install_authctl
    rm -rf /etc/jwtauth /var/lib/jwtauth /var/cache/jwtauth /run/jwtauth
    mkdir -m 0755 /etc/jwtauth
    (
        umask 022
        cat >/etc/jwtauth/jwtauth.conf <<CONF
[tokens]
issuer = https://auth.example.org
audience = auth.example.org

[password]
dictionary = no
hash_memory = 8M
hash_ops = 1
${1:-}
CONF
    )
    authctl -q init >/dev/null
}

# as_nobody COMMAND...: an unprivileged caller.
as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# fails_with STATUS COMMAND...: runs it with stdout and stderr apart and demands the exit code; a crash is none.
fails_with() {
    local want=$1
    shift
    run --separate-stderr "$@"
    if [ "$status" != "$want" ]; then
        echo "exit $status instead of $want: $*"
        echo "stdout: $output"
        # shellcheck disable=SC2154
        echo "stderr: $stderr"
        return 1
    fi
}

# error_code: the code of a JSON error on stderr of the last fails_with.
error_code() {
    # shellcheck disable=SC2154
    python3 -c 'import json,sys; print(json.loads(sys.argv[1])["error"]["code"])' "$stderr"
}

# json EXPRESSION: evaluates a Python expression over d, the document on stdin.
json() {
    python3 -c 'import json,sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# without_sanitizers: a sanitizer's own memory hides how much the program takes.
without_sanitizers() {
    if ldd "$top_builddir/authctl" | grep -q 'lib[atu]b*san'; then
        skip "built with sanitizers"
    fi
}
