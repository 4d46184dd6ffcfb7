#!/bin/sh
# docs/security-audit.md: every number that it has to answer has one row, with a verdict of the known ones; every
# test that a row names exists; and what is met, or met in part, names one.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
page=docs/security-audit.md
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

complain() {
    echo "check_security_audit: $1" >&2
    bad=1
}

# OWASP ASVS 5.0, as far as it applies to authentication of a host.
cat >"$tmp/wanted" <<'LIST'
2.2.1 2.3.1 2.3.2 2.3.3 2.3.4 2.4.1
4.1.1 4.1.3 4.1.4 4.2.1
6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12
6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.6 6.3.7 6.3.8 6.4.1 6.4.2 6.4.3 6.4.4 6.4.6
6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.5.6 6.5.8 6.6.1 6.6.2 6.6.3 6.8.2
7.1.1 7.1.2 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.5 7.5.1 7.5.2 7.5.3
8.2.1 8.2.2 8.2.3 8.3.1 8.3.2
9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4
11.1.1 11.1.2 11.2.1 11.2.2 11.2.3 11.2.4 11.2.5 11.3.1 11.3.2 11.3.3 11.3.4 11.4.1 11.4.2 11.5.1 11.6.1
13.2.1 13.2.2 13.2.3 13.2.4 14.2.1
15.2.2 15.3.1 15.3.2 15.3.3 15.3.4 15.3.5 15.3.7 15.4.1 15.4.2 15.4.3
16.2.1 16.2.2 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.5.1 16.5.2 16.5.3
LIST
tr ' ' '\n' <"$tmp/wanted" | sort >"$tmp/numbers"
grep -oE '^\| [0-9]+\.[0-9]+\.[0-9]+ \|' $page | tr -d '| ' | sort >"$tmp/answered"
diff -u "$tmp/numbers" "$tmp/answered" >&2 || complain "the numbers asked (-) and answered (+) differ"

# A row: number, what it asks, verdict, how, tests
grep -E '^\| [0-9]+\.' $page | awk -F' *[|] *' '{
    if (NF != 7) print "row " $2 " has " NF - 2 " columns, not 5"
    else if ($4 !~ /^(met|part|not met|later|n\/a)$/) print "row " $2 ": no verdict \"" $4 "\""
    else if ($4 ~ /^(met|part)$/ && $6 !~ /`tests\//) print "row " $2 " is " $4 " and names no test"
    else if (length($3) < 10 || length($5) < 10) print "row " $2 " says too little"
}' >"$tmp/wrong"
[ ! -s "$tmp/wrong" ] || complain "$(cat "$tmp/wrong")"

# `file::name`, or `file` for a program that is one test
# shellcheck disable=SC2016 # backticks of Markdown
grep -E '^\| [0-9]+\.' $page | grep -oE '`tests/[^`]*`' | tr -d '`' | sort -u >"$tmp/named"
[ "$(wc -l <"$tmp/named")" -ge 50 ] || complain "hardly any test was found"
while read -r named; do
    file=${named%%::*} name=${named#*::}
    [ -f "$file" ] || { complain "no such file: $file"; continue; }
    case $named in
    *.c::*) # defined, and called by its main
        grep -q "^static void $name(void \*\*" "$file" || complain "no such test: $named"
        [ "$(grep -cw -- "$name" "$file")" -ge 2 ] || complain "a test that is not run: $named" ;;
    *.bats::*) grep -qF "@test \"$name\" {" "$file" || complain "no such test: $named" ;;
    *::*) complain "tests of such a file have no names: $named" ;;
    *.sh | */test_*.c) ;;
    *) complain "no test: $named" ;;
    esac
done <"$tmp/named"

# The page says how many rows have which verdict.
for verdict in met part 'not met' later n/a; do
    n=$(grep -E '^\| [0-9]+\.' $page | awk -F' *[|] *' -v v="$verdict" '$4 == v { n++ } END { print n + 0 }')
    grep -q "^| $verdict | $n |" $page || complain "the summary does not say that $n rows are \"$verdict\""
done
exit $bad
