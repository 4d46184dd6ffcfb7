#!/bin/sh
# check_valgrind.sh [PROGRAM...]: runs test programs under valgrind's memcheck; a wrong access, a use of memory that was
# never set (CVE-2025-24031, CVE-2016-20014) or a leak fails. Without arguments the few quick ones that make check has time
# for; make check-valgrind names them all. What is possibly lost is not counted: SQLite keeps pointers into the middle of
# its blocks. Plain exit codes; the words of the programs go to stderr.
set -u
top=${top_srcdir:-.}
build=${top_builddir:-.}

if ! command -v valgrind >/dev/null 2>&1; then
    echo 'check_valgrind: valgrind is not installed' >&2
    exit 77
fi
if readelf -d "$build/.libs/pam_jwtauth.so" | grep -q 'lib[at]san'; then
    echo 'check_valgrind: built with sanitizers' >&2
    exit 77
fi
[ $# -gt 0 ] || set -- tests/unit/test_seal tests/unit/test_jws tests/unit/test_recovery_code
bad=0
for program; do
    rc=0
    started=$(date +%s)
    CMOCKA_MESSAGE_OUTPUT=STDOUT valgrind -q --error-exitcode=99 --leak-check=full --keep-debuginfo=yes \
        --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect \
        --suppressions="$top/tests/hygiene/valgrind.supp" "$build/$program" >"$build/$program.valgrind" 2>&1 || rc=$?
    echo "check_valgrind: $program: $rc, $(($(date +%s) - started)) s" >&2
    case $rc in
    0 | 77) ;;
    *)
        bad=1
        tail -n 60 "$build/$program.valgrind" >&2
        ;;
    esac
done
exit $bad
