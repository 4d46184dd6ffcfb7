#!/usr/bin/env bats
# Help, suggestions, version, completion: all from the command tables.

setup_file() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    install_authctl
}

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
}

# each_command FUNCTION: calls it with the words of every command (noun, verb).
each_command() {
    local words
    while IFS=$'\t' read -r words _; do
        # shellcheck disable=SC2086
        "$1" ${words#authctl } || { echo "failed for: $words"; return 1; }
    done < <(authctl help --commands)
}

@test "help lists every command with its summary and exits 0" {
    run authctl help
    [ "$status" = 0 ]
    all=$output
    check() { grep -qE "^  $*  +[a-z]" <<<"$all"; }
    each_command check
}

@test "the help forms are the same: help, --help, NOUN, help NOUN, help NOUN VERB" {
    [ "$(authctl help)" = "$(authctl --help)" ]
    [ "$(authctl getent)" = "$(authctl help getent)" ]
    [ "$(authctl getent --help)" = "$(authctl help getent)" ]
    [ "$(authctl getent passwd --help)" = "$(authctl help getent passwd)" ]
}

@test "every command explains itself with usage, summary and an example that starts with it" {
    check() {
        local text
        text=$(authctl "$@" --help) || return 1
        grep -q "^usage: authctl $*" <<<"$text" || return 1
        grep -qE "^Example: .*authctl ([^|]* )?$*( |$)" <<<"$text"
    }
    each_command check
}

@test "every noun explains itself with an example" {
    for noun in $(authctl help --commands | awk -F'\t' '{split($1, w, " "); if (w[3] != "") print w[2]}' | sort -u); do
        run authctl "$noun"
        [ "$status" = 0 ]
        grep -q "^usage: authctl $noun VERB" <<<"$output"
        grep -q "^Example: " <<<"$output"
    done
}

@test "every option of a command stands in its help" {
    while IFS=$'\t' read -r words option _; do
        # shellcheck disable=SC2086
        authctl ${words#authctl } --help | grep -qE "^  (-[a-z], |    )$option( |$)" ||
            { echo "$words: $option"; return 1; }
    done < <(authctl help --options)
}

@test "help needs no installation, no root, and no writable anything" {
    rm -rf /etc/jwtauth
    run as_nobody authctl help
    [ "$status" = 0 ]
    run as_nobody authctl getent passwd --help
    [ "$status" = 0 ]
}

@test "no command at all: exit 2, and stdout stays empty" {
    fails_with 2 authctl
    [ -z "$output" ]
    [[ $stderr == *"authctl help"* ]]
}

@test "a mistyped noun, verb or option gets the nearest match, exit 2" {
    fails_with 2 authctl getnet passwd
    [[ $stderr == *"did you mean 'getent'?"* ]]
    fails_with 2 authctl getent paswd
    [[ $stderr == *"did you mean 'getent passwd'?"* ]]
    fails_with 2 authctl getent passwd --jsno
    [[ $stderr == *"did you mean '--json'?"* ]]
    fails_with 2 authctl help getent gruop
    [[ $stderr == *"did you mean 'getent group'?"* ]]
}

@test "a word that is near nothing gets no suggestion but the way to the list" {
    fails_with 2 authctl zzzzzz
    [[ $stderr != *"did you mean"* ]]
    [[ $stderr == *"authctl help"* ]]
}

@test "--version prints one line" {
    run authctl --version
    [ "$status" = 0 ]
    [ "${#lines[@]}" = 1 ]
    [[ $output =~ ^authctl\ \(jwtauth\)\ [0-9]+\.[0-9]+ ]]
}

# complete WORDS...: what the completion offers for the last word.
complete_for() {
    bash --norc -c '
        . <(authctl help --completion bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _authctl
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "the completion that the build made is the one of the tables" {
    diff "$top_builddir/cli/completion/authctl" <(authctl help --completion bash)
}

@test "the completion offers every noun, verb and option" {
    [ "$(complete_for authctl '' | sort)" = "$(authctl help --commands | awk -F'\t' '{split($1, w, " "); print w[2]}' | sort -u)" ]
    check() {
        [ $# = 1 ] || complete_for authctl "$1" "$2" | grep -qxF -- "$2"
    }
    each_command check
    while IFS=$'\t' read -r words option _; do
        # shellcheck disable=SC2086
        complete_for $words -- | grep -qxF -- "$option" || { echo "$words $option"; return 1; }
    done < <(authctl help --options)
    complete_for authctl --config /x getent pas | grep -qx passwd
}

@test "a completion for another shell is refused" {
    fails_with 2 authctl help --completion fish
}
