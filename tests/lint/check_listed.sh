#!/bin/sh
# A test that no list names is never run, and is in no release.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
bad=0
lists="tests/local.mk tests/*/local.mk"
for f in tests/*/*.bats tests/unit/test_*.c tests/pam/test_*.c tests/fault/test_*.c tests/hygiene/test_*.c \
    tests/fuzz/fuzz_*.c tests/lint/check_*.sh; do
    [ -f "$f" ] || continue
    case $f in tests/fuzz/*) grep -q '^int LLVMFuzzerTestOneInput' "$f" || continue ;; esac
    name=${f%.c}
    # shellcheck disable=SC2086 # several files
    if ! grep -qE "(^|[[:space:]])($name|$(basename "$name"))([[:space:]]|\$)" $lists; then
        echo "check_listed: $f is in no local.mk: nobody runs it" >&2
        bad=1
    fi
done
exit $bad
