#!/bin/sh
# authctl(1) and the command tables say the same: commands, options, JSON keys, both ways;
# and mandoc finds nothing wrong with the page.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
authctl=${top_builddir:-.}/authctl
page=man/authctl.1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# .It Cm user add Ar NAME        a command
# .It Fl -email Ar E             an option of the command above it
awk '
/^\.It Cm / {
    sub(/ (Ar|Op|Oo) .*/, "")
    current = "authctl " substr($0, 8)
    print "command\t" current
}
/^\.It Fl / && current != "" {
    for (i = 3; i <= NF; i++)
        if ($i ~ /^-[a-z]/) option = $i
    print "option\t" current "\t-" option
}
/^\.Sh / { current = "" }
' $page | sort >"$tmp/page"
{
    "$authctl" help --commands | awk -F'\t' '{ print "command\t" $1 }'
    "$authctl" help --options | awk -F'\t' '{ print "option\t" $1 "\t" $2 }'
} | sort >"$tmp/tables"

# .It Sy user                    a row type, or a command with a document of its own
# id, username, email            its keys
awk '
/^\.Sh / { json = $0 == ".Sh JSON" }
json && /^\.It Sy / { name = substr($0, 8); gsub(/"/, "", name); next }
json && /^\./ { name = "" }
json && name != "" { gsub(/[,.]/, " "); n = split($0, key, " "); for (i = 1; i <= n; i++) print name "\t" key[i] }
' $page | sort -u >"$tmp/page.keys"
"$authctl" help --keys | awk -F'\t' '{ n = split($2, key, " "); for (i = 1; i <= n; i++) print $1 "\t" key[i] }' |
    sort -u >"$tmp/tables.keys"

rc=0
diff -u "$tmp/tables" "$tmp/page" || { echo "authctl(1) (+) and the command tables (-) differ" >&2; rc=1; }
diff -u "$tmp/tables.keys" "$tmp/page.keys" || { echo "authctl(1) (+) and the JSON keys (-) differ" >&2; rc=1; }
if command -v mandoc >/dev/null 2>&1; then
    mandoc -T lint -W warning $page || rc=1
fi
exit $rc
