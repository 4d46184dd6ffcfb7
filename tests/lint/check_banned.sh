#!/bin/sh
# Calls that have no place here: unbounded copies, shells, locale parsing, plain compares of secrets.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
bad=0

# ban PATTERN WHERE WHY [EXCEPT]
ban() {
    # shellcheck disable=SC2086
    if grep -rnE "(^|[^_a-zA-Z0-9.>])($1) *\(" $2 --include='*.c' --include='*.h' | grep -v "${4:-^$}"; then
        echo "check_banned: $1: $3" >&2
        bad=1
    fi
}

ban 'strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca' 'common pam cli' 'unbounded or stateful'
ban 'atoi|atol|atoll|atof|sscanf' 'common pam cli' 'use ja_parse_*: they refuse what is left over'
ban 'system|popen|wordexp' 'common pam cli' 'no shell, ever (CVE-2021-3621)'
ban 'getenv' 'common pam' 'the environment decides nothing in common/ and pam/ (SECURITY R23)'
ban 'setlocale|umask|signal|sigaction|chdir|setenv|putenv|unsetenv' 'common pam' 'the module leaves the process as it found it' \
    '^common/base/subprocess.c:' # the child of a fork; not linked into the module
ban 'exit|_exit|abort|printf|puts|perror' 'pam' 'a module never exits or prints'
ban 'bcmp|memcmp' 'pam cli' 'secrets are compared by sodium in common/'
ban 'crypto_pwhash_str_verify|crypto_pwhash_str' 'common pam cli' 'out of memory must not look like a wrong password (F9)'
ban 'jwt_decode' 'pam cli common/base common/db common/flow' 'jwt_decode decides nothing (F1-F8)'

# exit and stdio may be spelled in the domain only by the child of a fork.
if grep -rnE '(^|[^_a-zA-Z])(exit|abort|printf|puts|perror) *\(' common --include='*.c' |
    grep -v 'local_user.c'; then
    echo 'check_banned: common/ never exits, aborts or prints' >&2
    bad=1
fi
if grep -rnE 'TODO|FIXME|XXX|HACK' common pam cli schema man packaging bootstrap; then
    echo 'check_banned: unfinished work' >&2
    bad=1
fi
exit $bad
