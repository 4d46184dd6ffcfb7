#!/bin/sh
# Every requirement and every known failure in tests/requirements.txt is named by one of its tests, every requirement is
# listed, and nothing waits for a part that is there by now.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
list=tests/requirements.txt
bad=0
complain() { echo "check_requirements: $*" >&2; bad=1; }

# is_there PART: what a line marked "later PART" waits for: the part, or (providers) the tests of its bounds.
is_there() {
    case $1 in
    nss | daemon) ls "$1"/*.c >/dev/null 2>&1 ;;
    providers) grep -rqE 'R26|CVE-|hostile' tests/notify --include='*.bats' --include='*.c' ;;
    exports) grep -q 'common/flow/.*export' common/local.mk ;;
    *) complain "no such part: $1" ;;
    esac
}

# names NUMBER FILE: in a comment, in the name of a test, in the name of a function.
names() {
    case $1 in
    R*) pattern="(^|[^A-Za-z0-9])[Rr]${1#R}([^0-9A-Za-z]|$)" ;;
    *) pattern=$(echo "$1" | sed 's/CVE-\(.*\)-\(.*\)/(^|[^0-9])\1[-_]\2([^0-9]|$)/') ;; # "CVE-2018-0114, 2026-27962"
    esac
    grep -E "$pattern" "$2" | grep -qE '/\*|^ \*|^ +\* |^[ ]*#|@test|static (void|int) |//'
}

seen=' '
lines=0
while IFS= read -r line; do
    case $line in '' | '#'*) continue ;; esac
    lines=$((lines + 1))
    numbers=${line%% : *}
    rest=${line#* : }
    tests=${rest%% : *}
    if [ "$numbers" = "$line" ] || [ "$tests" = "$rest" ] || [ -z "${rest#* : }" ]; then
        complain "not 'numbers : tests : what it is about': $line"
        continue
    fi
    for number in $numbers; do
        case $seen in *" $number "*) complain "$number is listed twice" ;; esac
        seen="$seen$number "
    done
    case $tests in
    later\ *)
        ! is_there "${tests#later }" || complain "$numbers: ${tests#later } is there now: name the test"
        continue
        ;;
    esac
    for file in $tests; do
        [ -f "$file" ] || complain "$numbers: there is no $file"
    done
    for number in $numbers; do
        found=
        for file in $tests; do
            [ -f "$file" ] && names "$number" "$file" && found=1
        done
        [ -n "$found" ] || complain "$number is named in none of its tests: $tests"
    done
    # and no file stands there for nothing
    for file in $tests; do
        found=
        for number in $numbers; do
            [ -f "$file" ] && names "$number" "$file" && found=1
        done
        [ -n "$found" ] || complain "$file names none of $numbers"
    done
done <$list

for n in $(seq 30); do
    case $seen in *" R$n "*) ;; *) complain "R$n is not listed" ;; esac
done
[ "$lines" -ge 100 ] || complain "only $lines lines in $list"
exit $bad
