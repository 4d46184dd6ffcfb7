#!/bin/sh
# Dependencies point one way: base <- db <- domain <- flow <- pam, cli, daemon.  Reads the #include lines.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
bad=0

# forbid WHERE PATTERN WHY
forbid() {
    if grep -rnE "#include \"($2)" "$1" --include='*.c' --include='*.h'; then
        echo "check_layers: $1 must not include $2: $3" >&2
        bad=1
    fi
}

forbid common/base 'common/(db|domain|flow|notify|view)|pam/|cli/|nss/|daemon/' 'base knows nothing above itself'
forbid common/db 'common/(domain|flow|notify|view)|pam/|cli/|nss/|daemon/' 'db knows base only'
forbid common/domain 'common/(flow|notify|view)|pam/|cli/|nss/|daemon/' 'domain knows db and base'
forbid common/notify 'common/(flow|import)|pam/|cli/|nss/|daemon/' 'delivery knows the outbox, not what filled it'
forbid common/view 'common/(db|flow|import|notify)/|pam/|cli/|nss/|daemon/' 'rows know the domain'
forbid common/client 'common/(db|domain|flow|import|view)/|pam/|cli/|nss/|daemon/' 'a client has no store'
forbid common/import 'common/notify|pam/|cli/|nss/|daemon/' 'import knows flows'
forbid common/flow 'common/(import|notify|view)|pam/|cli/|nss/|daemon/' 'flow knows no front end'
forbid pam 'cli/|daemon/|common/(db|import|notify|view)' 'the PAM adapter calls flows'
forbid cli 'pam/|daemon/' 'the command line calls flows'
forbid nss 'common/(db|domain|flow|import|notify|view|client)|pam/|cli/|daemon/' 'every process of the host loads it: the reader alone'
forbid daemon 'pam/|cli/|common/db/' 'the daemon calls flows'

# Nothing above the drivers sees an engine; no front end sees a crypto library's primitives or PAM's types.
forbid_system() {
    files=$(grep -rlE "#include <($2)" "$1" --include='*.c' --include='*.h' | grep -vE "${4:-^$}" || true)
    if [ -n "$files" ]; then
        echo "check_layers: $files: must not include <$2>: $3" >&2
        bad=1
    fi
}
forbid_system common 'sqlite3.h|libpq' 'only the drivers know an engine' '^common/db/db_(sqlite|postgres)'
forbid_system pam 'sqlite3|openssl/|jwt.h|curl/' 'adapters have no SQL and no crypto'
forbid_system cli 'sqlite3|openssl/|jwt.h' 'adapters have no SQL and no crypto'
forbid_system daemon 'sqlite3|openssl/|jwt.h|curl/' 'adapters have no SQL and no crypto'
forbid_system common 'security/' 'only pam/ knows PAM'
exit $bad
