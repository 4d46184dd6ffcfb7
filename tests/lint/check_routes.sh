#!/bin/sh
# README's table of routes is what jwtauthd's own tables say; `check_routes.sh --write` brings it up to date.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
jwtauthd=${top_builddir:-.}/jwtauthd
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$jwtauthd" --routes >"$tmp/routes"
awk -v table="$tmp/routes" '
/^<!-- routes -->$/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
/^<!-- end of routes -->$/ { skip = 0 }
!skip
' README.md >"$tmp/README.md"
if [ "${1:-}" = --write ]; then
    cat "$tmp/README.md" >README.md
    exit 0
fi
grep -q '^<!-- routes -->$' README.md || { echo "check_routes: README.md has no table of routes" >&2; exit 1; }
diff -u README.md "$tmp/README.md" || {
    echo "check_routes: README.md and the route tables differ: tests/lint/check_routes.sh --write" >&2
    exit 1
}
