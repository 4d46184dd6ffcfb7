#!/usr/bin/env bats
# config check, config show, and every program's refusal of a bad configuration.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    install_authctl
    rm -rf /etc/jwtauth
    mkdir -m 0755 /etc/jwtauth
}

# conf TEXT: the configuration (printf's escapes)
conf() {
    # shellcheck disable=SC2059
    (umask 022 && printf "$1" >/etc/jwtauth/jwtauth.conf)
}

# broken TEXT WORDS: refused with exit 8 and WORDS in one line
broken() {
    conf "$1"
    fails_with 8 authctl config check
    [[ "$stderr" == *"$2"* ]] || {
        echo "'$stderr' lacks '$2'"
        return 1
    }
    [ "${#stderr_lines[@]}" = 1 ]
    [ -z "$output" ]
}

@test "check: a valid file, and none" {
    conf '[tokens]\nissuer = https://a.example.org\n'
    [ "$(authctl config check)" = "/etc/jwtauth/jwtauth.conf is valid" ]
    [ "$(authctl config check --json | json 'd["ok"], d["path"]')" = "(True, '/etc/jwtauth/jwtauth.conf')" ]
    rm /etc/jwtauth/jwtauth.conf
    fails_with 8 authctl config check
    [[ $stderr == *"/etc/jwtauth/jwtauth.conf does not exist"*"authctl init"* ]]
    fails_with 8 authctl user list
    [[ $stderr == *"/etc/jwtauth/jwtauth.conf does not exist"*"authctl init"* ]]
}

@test "check: one line with file, line, option and what to do" {
    broken '# c\n[tokens]\naccess_ttl = 3w\n' "/etc/jwtauth/jwtauth.conf:3: [tokens] access_ttl '3w' is no duration"
    broken '[tokens]\nacces_ttl = 3m\n' 'jwtauth.conf:2: [tokens] acces_ttl is no option, did you mean access_ttl?'
    broken '[tokn]\n' 'jwtauth.conf:1: [tokn] is no section'
    broken '[tokens]\nissuer = a\nissuer = b\n' 'jwtauth.conf:3: duplicate key'
    broken '[tokens]\n[log]\n[tokens]\n' 'jwtauth.conf:3: duplicate section is not allowed: put its lines under the first'
    broken '[tokens]\nissuer\n' 'jwtauth.conf:2: '
    broken '[tokens]\nissuer = a\000b\n' 'jwtauth.conf:2: a NUL byte'
    broken '[tokens]\nissuer = a\033[31m\n' 'jwtauth.conf:2: control characters'
    broken '[tokens]\nretain_keys = 1h\n' 'jwtauth.conf:2: [tokens] retain_keys '
    broken '[policy]\ndeny = yes\n' 'jwtauth.conf:1: [policy] needs a name'
    broken '[policy a]\ndeny = yess\n' "jwtauth.conf:2: [policy a] deny 'yess' is unknown"
    broken '[policy a]\nmfa = off\n[policy b]\nnetworks = 10.0.0.0/8\n' \
        'jwtauth.conf:4: [policy b] networks is no option, did you mean network?'
}

@test "a broken configuration stops every command that needs one, also as JSON" {
    conf '[tokens]\nleeway = 2m\n'
    for command in 'user list' 'config show' 'key list' 'getent passwd' 'session list' 'init'; do
        # shellcheck disable=SC2086
        fails_with 8 authctl $command --json
        [ "$(error_code)" = invalid_config ]
    done
}

@test "an unsafe file is refused with the command that mends it" {
    conf '[tokens]\nissuer = https://a.example.org\n'
    chmod 0666 /etc/jwtauth/jwtauth.conf
    fails_with 8 authctl config check
    [[ "$stderr" == *"chmod 0644 '/etc/jwtauth/jwtauth.conf'"* ]]
    chmod 0644 /etc/jwtauth/jwtauth.conf
    chown 12345 /etc/jwtauth/jwtauth.conf
    fails_with 8 authctl config check
    [[ "$stderr" == *"chown root '/etc/jwtauth/jwtauth.conf'"* ]]
    chown root /etc/jwtauth/jwtauth.conf
    chmod 0777 /etc/jwtauth
    fails_with 8 authctl config check
    [[ "$stderr" == *"chmod go-w '/etc/jwtauth'"* ]]
    chmod 0755 /etc/jwtauth
    mv /etc/jwtauth/jwtauth.conf /etc/jwtauth/real.conf
    ln -s real.conf /etc/jwtauth/jwtauth.conf
    fails_with 8 authctl config check
    [[ "$stderr" == *"symbolic link"* ]]
    rm /etc/jwtauth/jwtauth.conf
    mkfifo -m 0644 /etc/jwtauth/jwtauth.conf
    fails_with 8 timeout 20 authctl config check
    [[ "$stderr" == *"named pipe"* ]]
}

@test "show: value and source of every option, passwords in URLs masked" {
    conf '[store]\nurl = postgresql://u:geheim@db.example.org/jwtauth\n[tokens]\naccess_ttl = 60m\n'
    run --separate-stderr authctl config show
    [ "$status" = 0 ]
    [[ "$output" == *"store.url"$'\t'"postgresql://u:***@db.example.org/jwtauth"$'\t'"file"* ]]
    [[ "$output" == *"tokens.access_ttl"$'\t'"1h"$'\t'"file"* ]]
    [[ "$output" == *"tokens.leeway"$'\t'"30s"$'\t'"default"* ]]
    [[ "$output" != *geheim* ]]
    ! authctl config show --json | grep geheim
    ! authctl user list --json 2>&1 | grep geheim
}

@test "show: pages" {
    conf ''
    all=$(authctl config show --json | json '[o["option"] for o in d["options"]]')
    [ "$(authctl config show --limit 2 --json | json '[o["option"] for o in d["options"]], d["next"]')" = \
        "(['paths.state', 'paths.run'], 'paths.run')" ]
    paged=$(after=; for _ in $(seq 30); do
        page=$(authctl config show --limit 7 ${after:+--after "$after"} --json)
        json '"\n".join(o["option"] for o in d["options"])' <<<"$page"
        after=$(json 'd["next"] or ""' <<<"$page")
        [ -n "$after" ] || break
    done | python3 -c 'import sys; print(sys.stdin.read().split())')
    [ "$paged" = "$all" ]
}

@test "users may check and show the configuration" {
    conf '[tokens]\nissuer = https://a.example.org\n'
    as_nobody authctl config check
    as_nobody authctl config show >/dev/null
    chmod 0600 /etc/jwtauth/jwtauth.conf
    fails_with 6 as_nobody authctl config check
}

@test "-c takes the caller's own file, JWTAUTH_CONFIG too, but never another user's" {
    dir=$(mktemp -d /tmp/ja-conf.XXXXXX)
    chmod 0755 "$dir"
    (umask 022 && printf '[tokens]\nissuer = https://own.example.org\n' >"$dir/own.conf")
    chown -R 65534 "$dir"
    as_nobody authctl -c "$dir/own.conf" config show | grep -q own.example.org
    as_nobody env JWTAUTH_CONFIG="$dir/own.conf" authctl config show | grep -q own.example.org
    fails_with 8 authctl -c "$dir/own.conf" config check
    [[ "$stderr" == *"chown root"* ]]
    rm -rf "$dir"
}
