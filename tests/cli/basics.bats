#!/usr/bin/env bats
# What holds for every command: exit codes, streams, options, bad input, hostile surroundings.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

# Every command with as many harmless arguments as it needs at least, one command a line.
commands() {
    authctl help --commands | awk -F'\t' '{sub(/^authctl /, "", $1); print $1}'
}

# ---- options ----

@test "options stand anywhere after the verb, and global ones before the noun too" {
    want=$(authctl getent passwd --json)
    [ "$want" = "$(authctl --json getent passwd)" ]
    [ "$want" = "$(authctl getent --json passwd)" ]
    [ "$(authctl help --json getent passwd)" = "$(authctl help getent passwd --json)" ]
}

@test "-- ends the options: what follows is an argument" {
    fails_with 3 authctl getent passwd -- --json
    fails_with 3 authctl getent passwd -- -x
    fails_with 2 authctl getent passwd -x
}

@test "--option=value, a missing value, a value for a flag, an option given twice" {
    fails_with 8 authctl --config=/nonexistent/jwtauth.conf getent passwd
    fails_with 8 authctl -c /nonexistent/jwtauth.conf getent passwd
    fails_with 8 authctl -qc/nonexistent/jwtauth.conf getent passwd
    fails_with 2 authctl getent passwd --config
    fails_with 2 authctl getent passwd -c
    fails_with 2 authctl getent passwd --config --json
    fails_with 2 authctl getent passwd --json=yes
    fails_with 2 authctl getent passwd -c /a -c /b
}

@test "long options are not guessed from their first letters" {
    fails_with 2 authctl getent passwd --jso
}

@test "an option of a command is not taken before its verb" {
    fails_with 2 authctl --completion bash help
}

# ---- exit codes and streams ----

@test "arguments missing or too many: exit 2 with the usage, for every command" {
    while IFS=$'\t' read -r words least most _; do
        if [ "$least" -gt 0 ]; then
            # shellcheck disable=SC2086
            fails_with 2 ${words} </dev/null
            [[ $stderr == *"usage: $words"* ]]
        fi
        args=()
        for ((i = 0; i <= most; i++)); do args+=(x); done
        # shellcheck disable=SC2086
        fails_with 2 ${words} "${args[@]}" </dev/null
        [ -z "$output" ]
    done < <(authctl help --commands)
}

@test "errors are one line on stderr that starts with the command" {
    fails_with 3 authctl getent passwd nobody-here
    [ -z "$output" ]
    [ "$(wc -l <<<"$stderr")" = 1 ]
    [[ $stderr == "authctl getent passwd: "* ]]
}

@test "--json: errors are one document with code and message on stderr, also when parsing fails" {
    fails_with 3 authctl getent passwd nobody-here --json
    [ -z "$output" ]
    [ "$(error_code)" = user_not_found ]
    fails_with 2 authctl --json getent paswd
    [ "$(error_code)" = unknown_command ]
    fails_with 2 authctl getent paswd --json
    [ "$(error_code)" = unknown_command ]
    fails_with 2 authctl getent passwd --frob --json
    [ "$(error_code)" = unknown_option ]
    fails_with 2 authctl --json
    [ "$(error_code)" = usage ]
}

@test "a list in a pipe and as JSON" {
    [ "$(authctl getent passwd --json | json 'd')" = "{'passwd': [], 'next': None}" ]
}

@test "no configuration, no store, no master key: exit 8, and it says what to do" {
    fails_with 8 authctl -c /nonexistent/jwtauth.conf getent passwd
    mv /var/lib/jwtauth /var/lib/jwtauth.away
    fails_with 8 authctl user list
    [[ $stderr == *"authctl init"* ]]
    mv /var/lib/jwtauth.away /var/lib/jwtauth
    authctl user list
}

@test "others than root: the store is jwtauthd's to open (exit 7), and help works" {
    fails_with 7 as_nobody authctl user list --json
    [ "$(error_code)" = daemon_unavailable ]
    fails_with 6 as_nobody authctl key list --json
    [ "$(error_code)" = not_root ]
    fails_with 7 authctl --socket /run/nobody.sock user list --json
    [ "$(error_code)" = daemon_unavailable ]
    as_nobody authctl help >/dev/null
}

@test "JWTAUTH_CONFIG names the configuration, -c goes before it, empty counts as unset" {
    JWTAUTH_CONFIG=/nonexistent/jwtauth.conf fails_with 8 authctl getent passwd
    JWTAUTH_CONFIG=/nonexistent/jwtauth.conf authctl -c /etc/jwtauth/jwtauth.conf getent passwd
    JWTAUTH_CONFIG='' authctl getent passwd
}

# ---- bad input, every command ----

# refused COMMAND ARGUMENT...: exit 5, one line, nothing on stdout, no raw bytes on the way out. Tokens are looked at
# as tokens: not valid (1); revoking one that is none is done (RFC 7009 section 2.2).
refused() {
    local words=$1
    shift
    # shellcheck disable=SC2086
    run --separate-stderr authctl $words "$@" </dev/null
    case $status:$words in
    5:*) [ -z "$output" ] || return 1 ;;
    1:token\ verify | 1:token\ introspect | 0:token\ revoke) ;;
    *) echo "exit $status: $words $*"; return 1 ;;
    esac
    [ "$(wc -l <<<"$stderr")" = 1 ] || { echo "$words: $stderr"; return 1; }
    [ -z "$(printf '%s\n%s' "$output" "$stderr" | LC_ALL=C tr -d '\n\t\040-\176')" ]
}

@test "R27 control characters, escapes, invalid UTF-8, C1 and 64 KiB are refused as argument of every command" {
    big=$(head -c 65536 /dev/zero | tr '\0' a)
    while read -r words; do
        refused "$words" $'a\x01b'
        refused "$words" $'\x1b]0;title\x07'
        refused "$words" $'a\nb'
        refused "$words" $'\xff\xfe'
        refused "$words" $'\xc0\xaf'
        refused "$words" $'\xc2\x9b31m'
        refused "$words" $'a\x7f'
        refused "$words" "$big"
    done < <(commands)
}

@test "R27 the same as the value of every option" {
    big=$(head -c 65536 /dev/zero | tr '\0' a)
    n=0
    while IFS=$'\t' read -r words option value; do
        [ -n "$value" ] || continue
        refused "${words#authctl }" "$option" $'a\x1b[2Jb'
        refused "${words#authctl }" "$option=$big"
        refused "${words#authctl }" "$option" $'\xff'
        n=$((n + 1))
    done < <(authctl help --options)
    [ "$n" -gt 0 ]
    refused "getent passwd" --config $'/etc/\x1b[2J'
}

@test "R27 a hostile command word is escaped in the message" {
    fails_with 2 authctl $'us\x1b[31mer'
    [[ $stderr == *'us\x1b[31mer'* ]]
    fails_with 2 authctl getent $'pass\nwd'
    [ "$(wc -l <<<"$stderr")" = 1 ]
    fails_with 2 authctl getent passwd $'--x\x07'
    [[ $stderr == *'\x07'* ]]
    fails_with 2 authctl --json $'\xff\x7f'
    python3 -c 'import json,sys; json.loads(sys.argv[1])' "$stderr"
    ! LC_ALL=C grep -q $'[\x7f\xff]' <<<"$stderr" || return 1
    # DEL and C1 are valid UTF-8 and valid JSON, and some terminals obey them.
    fails_with 2 authctl --json $'a\x7fb\xc2\x9bc'
    python3 -c 'import json,sys; assert "a\x7fb\x9bc" in json.loads(sys.argv[1])["error"]["message"]' "$stderr"
    [ -z "$(LC_ALL=C tr -d '\n\040-\176' <<<"$stderr")" ]
}

@test "the store is as it was after all that" {
    before=$(authctl --json getent passwd)
    refused "getent passwd" $'\x01'
    [ "$before" = "$(authctl --json getent passwd)" ]
}

@test "no option takes a secret as its value" {
    ! authctl help --options | awk -F'\t' '$3 != ""' |
        grep -iE -- $'\t--(old-|new-)?(password|secret|passphrase|master-key|refresh-token|token|api-key)\t'
}

# ---- surroundings ----

@test "a full disk under stdout is exit 8, also for help" {
    for words in "help" "getent passwd --json" "--version" "help --completion bash"; do
        # shellcheck disable=SC2086
        run bash -c "authctl $words >/dev/full"
        [ "$status" = 8 ] || { echo "$words: $status"; return 1; }
        [[ $output == *"could not be written"* ]]
    done
}

@test "a closed stdout is exit 8, and no file of ours becomes descriptor 0, 1 or 2" {
    run bash -c 'authctl getent passwd --json >&-'
    [ "$status" = 8 ]
    run bash -c 'authctl getent passwd --json <&- 2>&-'
    [ "$status" = 0 ]
    run bash -c 'authctl getent passwd --json <&- >&- 2>&-'
    [ "$status" = 8 ]
    authctl getent passwd
}

@test "a reader that goes away ends it without a message" {
    run bash -c 'set -o pipefail; authctl help | true'
    [[ $output != *"could not be written"* ]]
}

@test "R23 hostile environment: nothing but JWTAUTH_CONFIG is read" {
    want=$(authctl getent passwd --json)
    got=$(env -i PATH="$PATH" LD_BIND_NOW=1 LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 HOME=/nonexistent \
        TMPDIR=/nonexistent SQLITE_TMPDIR=/nonexistent OPENSSL_CONF=/nonexistent \
        XDG_CONFIG_HOME=/nonexistent TZ=Asia/Kathmandu IFS=x authctl getent passwd --json)
    [ "$want" = "$got" ]
}

@test "R23 hostile signals and limits: ignored SIGCHLD and SIGPIPE, umask 0, a deleted folder as cwd" {
    mkdir -p /run/gone
    run bash -c 'trap "" CHLD PIPE; umask 0; cd /run/gone && rmdir /run/gone && authctl getent passwd --json'
    [ "$status" = 0 ]
}

@test "R29 no core file and no ptrace by the same user" {
    ! grep -q __asan_init /usr/bin/authctl || skip "the sanitizer has to attach"
    strace -f -o /run/trace authctl getent passwd >/dev/null
    grep -q 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE' /run/trace
    grep -qE 'prlimit64\(0, RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}' /run/trace
    # before any file of ours is opened
    [ "$(grep -nE 'PR_SET_DUMPABLE' /run/trace | head -1 | cut -d: -f1)" -lt "$(grep -n jwtauth.conf /run/trace | head -1 | cut -d: -f1)" ]
}

@test "libraries that a command does not use are not loaded at its start" {
    ! grep -q __asan_init /usr/bin/authctl || skip "the sanitizer cannot be traced"
    ! ldd /usr/bin/authctl | grep -E 'sqlite|ini_config|curl|oath|jwt|qrencode|pwquality' || return 1
    strace -f -e trace=openat -o /run/trace authctl help >/dev/null
    ! grep -E 'sqlite|ini_config' /run/trace || return 1
    strace -f -e trace=openat -o /run/trace authctl user list >/dev/null
    grep -q 'libsqlite3.so.0' /run/trace
}

@test "a library that cannot be loaded: exit 8, not a crash" {
    mkdir -p /run/lib
    for lib in libsqlite3.so.0 libini_config.so.5; do
        : >"/run/lib/$lib"
        LD_LIBRARY_PATH=/run/lib fails_with 8 authctl user list
        LD_LIBRARY_PATH=/run/lib authctl help >/dev/null
        rm "/run/lib/$lib"
    done
    authctl user list
}
