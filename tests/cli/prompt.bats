#!/usr/bin/env bats
# Secrets and questions: terminal, standard input, files.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation "history = 0"
    authctl -q user add alice
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    tty="$BATS_TEST_DIRNAME/../support/on-tty.exp"
}

good=Correct-Horse-42

# on_tty COMMAND...: the dialogue comes on standard input.
on_tty() {
    cat >"$BATS_TEST_TMPDIR/steps"
    run "$tty" "$BATS_TEST_TMPDIR/steps" "$@"
}

# What login says about a password of alice.
accepts() {
    printf '%s\n' "$1" | authctl -q login alice --password-stdin >/dev/null
}

@test "a password is asked twice, without echo, and is not shown" {
    on_tty authctl password set alice <<STEPS
expect : 
echo off
send $good
expect Again: 
send $good
STEPS
    [ "$status" = 0 ]
    [[ $output != *"$good"* ]]
    accepts "$good"
}

@test "two different passwords: exit 5, nothing changes" {
    on_tty authctl password set alice <<STEPS
expect : 
send Other-Horse-42
expect Again: 
send Other-Horse-43
STEPS
    [ "$status" = 5 ]
    accepts "$good"
}

@test "echo is back after SIGTERM, SIGINT and SIGHUP at the prompt, and the signal takes effect" {
    for sig in TERM:143 INT:130 HUP:129; do
        on_tty authctl password set alice <<STEPS
expect : 
echo off
signal ${sig%:*}
echo on
STEPS
        [ "$status" = "${sig#*:}" ] || { echo "$sig: $status: $output"; return 1; }
    done
}

@test "CVE-2025-64170 what was typed before the prompt ended does not reach the shell" {
    on_tty bash --norc --noprofile -c '
        timeout --foreground -s TERM 2 authctl password set alice
        stty -a | grep -q " -echo " && echo silent || echo audible
        IFS= read -r -t 20 rest
        echo "left: <$rest>"' <<'STEPS'
expect : 
echo off
type half-a-secret
expect audible
send 
expect left: <
STEPS
    [[ $output == *"left: <>"* ]]
    [[ $output != *half-a-secret* ]]
}

@test "R20 512 bytes are refused with the limit in the message, 511 are not: terminal, stdin, file" {
    fits=Aa1$(printf 'x%.0s' {1..508}) long=${fits}y
    [ "${#fits}" = 511 ]
    on_tty authctl password set alice <<STEPS
expect : 
send $long
STEPS
    [ "$status" = 5 ]
    [[ $output == *"511 bytes"* ]]
    fails_with 5 authctl password set alice --password-stdin <<<"$long"
    [[ $stderr == *"511 bytes"* ]]
    install -m 0600 /dev/null /run/pw
    printf '%s\n' "$long" >/run/pw
    fails_with 5 authctl password set alice --password-file /run/pw
    [[ $stderr == *"511 bytes"* ]]
    accepts "$good"
    authctl -q password set alice --password-stdin <<<"$fits"
    accepts "$fits"
    authctl -q password set alice --password-stdin <<<"$good"
}

@test "a NUL byte, nothing at all, and a megabyte on standard input: exit 5" {
    fails_with 5 authctl password set alice --password-stdin < <(printf 'Correct-\0Horse-42\n')
    [[ $stderr == *"NUL"* ]]
    fails_with 5 authctl password set alice --password-stdin </dev/null
    fails_with 5 authctl password set alice --password-stdin < <(head -c 1048576 /dev/zero | tr '\0' a)
    [[ $stderr == *"511 bytes"* ]]
    accepts "$good"
}

@test "several secrets come one a line: old password, then password; the last newline may be missing" {
    printf '%s\n%s' "$good" Other-Horse-42 | authctl -q password change alice --password-stdin
    accepts Other-Horse-42
    authctl -q password set alice --password-stdin <<<"$good"
}

@test "a password file is refused when others can read it, when it is a link, when it is no file" {
    install -m 0600 /dev/null /run/pw
    echo File-Horse-42 >/run/pw
    authctl -q password set alice --password-file /run/pw
    accepts File-Horse-42
    echo "$good" >/run/pw
    for mode in 0644 0640 0604 0666; do
        chmod $mode /run/pw
        fails_with 8 authctl password set alice --password-file /run/pw
        [[ $stderr == *chmod* ]]
    done
    chmod 0600 /run/pw
    ln -sf /run/pw /run/pw-link
    fails_with 8 authctl password set alice --password-file /run/pw-link
    mkfifo -m 0600 /run/pw-fifo
    fails_with 8 timeout 10 authctl password set alice --password-file /run/pw-fifo
    fails_with 3 authctl password set alice --password-file /run/pw-none
    fails_with 2 authctl password set alice --password-file /run/pw --password-stdin </run/pw
}

@test "a question without a terminal: exit 2 and nothing is done; --yes answers it" {
    authctl -q user add doomed
    fails_with 2 setsid -w authctl user delete doomed </dev/null
    [[ $stderr == *--yes* ]]
    authctl user show doomed >/dev/null
    fails_with 2 setsid -w authctl password set alice </dev/null
    on_tty authctl user delete doomed <<'STEPS'
expect [y/N]
send n
STEPS
    [ "$status" = 1 ]
    on_tty authctl user delete doomed <<'STEPS'
expect [y/N]
send 
STEPS
    [ "$status" = 1 ]
    authctl user show doomed >/dev/null
    on_tty authctl user delete doomed <<'STEPS'
expect [y/N]
send y
STEPS
    [ "$status" = 0 ]
    fails_with 3 authctl user show doomed
    authctl -q user add doomed
    setsid -w authctl user delete doomed --yes </dev/null
    fails_with 3 authctl user show doomed
}
