#!/bin/sh
# Shell scripts parse, and are clean for shellcheck where it is installed.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
scripts=
for s in bootstrap .ci/run tests/*/* bench/* packaging/*; do
    [ -f "$s" ] || continue
    read -r first <"$s" || true
    [ "$first" = '#!/bin/sh' ] || continue
    sh -n "$s"
    scripts="$scripts $s"
done
if command -v shellcheck >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    shellcheck -s sh $scripts
fi
