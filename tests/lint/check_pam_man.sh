#!/bin/sh
# pam_jwtauth(8) against the sources: every option of the table and no other, and the table of codes.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

# Rows: {"name", KIND, ...
sed -n 's/^    {"\([a-z_]*\)", [A-Z]*, .*/\1/p' pam/pam_options.c | sort >"$tmp/table"
sed -n '/^\.Sh OPTIONS/,/^\.Sh MODULE/s/^\.It Cm \([a-z_]*\).*/\1/p' man/pam_jwtauth.8 | sort >"$tmp/man"
[ "$(wc -l <"$tmp/table")" -ge 15 ] || { echo 'check_pam_man: the option table was not found' >&2; bad=1; }
diff -u "$tmp/table" "$tmp/man" >&2 || { echo 'check_pam_man: options differ' >&2; bad=1; }

# Words a CHOICE takes are in the option's heading.
sed -n 's/^    {"\([a-z_]*\)", \(CHOICE\|LATER\), [^{]*{\(.*\)}},$/\1 \3/p' pam/pam_options.c >"$tmp/choices"
while read -r name rest; do
    heading=$(grep "^\.It Cm $name " man/pam_jwtauth.8)
    for word in $(printf '%s\n' "$rest" | grep -o '"[^"]*"' | tr -d '"'); do
        case " $heading " in
        *" $word "*) ;;
        *) echo "check_pam_man: $name=$word is not in the manual" >&2; bad=1 ;;
        esac
    done
done <"$tmp/choices"
[ -s "$tmp/choices" ] || { echo 'check_pam_man: no choices were found' >&2; bad=1; }

# One row of codes, the line below the situation: check_row NAME 'manual situation'.
# A dash in the manual is a situation that does not arise there.
check_row() {
    source=$(sed -n "s/^    \[$1\] *= {\(.*\)},$/\1/p" pam/pam_result.c | sed 's/PAM_//g; s/ //g; s/,/ /g')
    # shellcheck disable=SC2086
    set -- "$2" $source
    manual=$(sed -n "/^\.It $1\$/{n;s/,//g;s/\\\\%//g;p;}" man/pam_jwtauth.8)
    situation=$1
    shift
    [ $# -eq 5 ] || { echo "check_pam_man: no row for $situation in pam_result.c" >&2; bad=1; return; }
    [ -n "$manual" ] || { echo "check_pam_man: no row \"$situation\" in the manual" >&2; bad=1; return; }
    for word in $manual; do
        [ "$word" = '\(en' ] || [ "$word" = "$1" ] || {
            echo "check_pam_man: $situation: the manual says $word, the source $1" >&2
            bad=1
        }
        shift
    done
}
check_row JA_PAM_DONE 'all well'
check_row JA_PAM_LOCAL 'local name'
check_row JA_PAM_UNKNOWN_IGNORE 'not in the store'
check_row JA_PAM_UNKNOWN_FAIL 'the same, unknown_user=fail'
check_row JA_PAM_REFUSED 'wrong, locked, disabled, pending'
check_row JA_PAM_THROTTLED 'too many tries'
check_row JA_PAM_EXPIRED 'account has ended'
check_row JA_PAM_MUST_CHANGE 'must change, or too old'
check_row JA_PAM_WEAK 'new password refused'
check_row JA_PAM_BROKEN 'broken, or not root'
check_row JA_PAM_NO_ANSWER 'no answer'

if command -v mandoc >/dev/null 2>&1; then
    mandoc -T lint -W error man/pam_jwtauth.8 || bad=1
fi
exit $bad
