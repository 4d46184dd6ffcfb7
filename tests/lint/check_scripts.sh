#!/bin/sh
# Shell scripts parse, and are clean for shellcheck where it is installed.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
scripts=$(grep -lE '^#!/bin/sh' bootstrap .ci/run tests/*/* bench/* packaging/* 2>/dev/null || true)
for s in $scripts; do
    sh -n "$s"
done
if command -v shellcheck >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    shellcheck -s sh $scripts
fi
