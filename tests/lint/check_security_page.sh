#!/bin/sh
# jwtauth(7) against the sources: the reasons in its diagrams are those of the code, the checks of a token
# and of a refresh in their very order; and mandoc finds nothing wrong with the page.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
page=man/jwtauth.7
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

# reasons WHICH: the reasons in the display behind the comment "check: WHICH", in order
reasons() {
    awk -v mark="check: $1" '
        index($0, mark) { found = 1 }
        found && /^\.Bd/ { inside = 1; next }
        /^\.Ed/ { if (inside) exit }
        inside && /[.>?] [a-z_]+$|^  +[a-z][a-z][a-z][a-z]+$/ { print $NF }' $page
}

# walk START FILE...: the codes of refusal in the order in which a call of START comes to them: callees in
# place, in the order of the text.
walk() {
    start=$1
    shift
    awk -v start="$start" '
    function expand(fn, body, name, last) {
        if (open[fn]) return
        open[fn] = 1
        body = bodies[fn]
        while (match(body, /JA_ERR_DENIED, *"[a-z_]+"|refuse\(err, *"[a-z_]+"|denied\("[a-z_]+"|ops->verify\(|[a-z_][a-z_0-9]*\(/)) {
            name = substr(body, RSTART, RLENGTH)
            body = substr(body, RSTART + RLENGTH)
            if (name ~ /"$/) {
                gsub(/^[^"]*"|"$/, "", name)
                print name
                last = ""
            } else if (name ~ /^ops/) {
                print "bad_signature" # of four algorithms: looked at below
            } else {
                sub(/\($/, "", name)
                if ((name in bodies) && name != last) { # three times the same call: the same three times
                    expand(name)
                    last = name
                }
            }
        }
        open[fn] = 0
    }
    FNR == 1 { head = ""; fn = "" }
    fn == "" && /^{/ {
        if (match(head, /[a-z_][a-z_0-9]*\(/)) fn = substr(head, RSTART, RLENGTH - 1)
        next
    }
    fn != "" && /^}/ { fn = ""; head = ""; next }
    fn != "" { bodies[fn] = bodies[fn] " " $0; next }
    /^ / { head = head $0; next }
    { head = $0 }
    END { expand(start) }' "$@"
}

# compare WHICH: the page (-) and the code (+)
compare() {
    [ "$(wc -l <"$tmp/code")" -ge 2 ] || { echo "check_security_page: $1: no reasons found in the code" >&2; bad=1; }
    diff -u "$tmp/page" "$tmp/code" >&2 || {
        echo "check_security_page: the diagram \"$1\" (-) and the code (+) differ" >&2
        bad=1
    }
}

reasons token | uniq >"$tmp/page"
walk ja_token_verify common/domain/token.c common/domain/jws.c common/domain/keyring.c common/domain/jwk.c |
    uniq >"$tmp/code"
compare token
for file in common/domain/jwk_ec.c common/domain/jwk_ed.c common/domain/jwk_hmac.c common/domain/jwk_rsa.c; do
    grep -qE 'ja_fail_signature|"bad_signature"' $file ||
        { echo "check_security_page: $file has no bad_signature" >&2; bad=1; }
done

reasons refresh | uniq >"$tmp/page"
walk ja_session_refresh common/flow/session_flow.c common/domain/refresh_token.c common/domain/session.c |
    uniq >"$tmp/code"
compare refresh

# The two flows that bring a proof back: their own codes and those of the proofs, in order.
reasons reset | uniq >"$tmp/page"
walk ja_reset_confirm common/flow/reset_flow.c common/domain/one_time_token.c | uniq >"$tmp/code"
compare reset
reasons verify | uniq >"$tmp/page"
for start in ja_contact_confirm_token ja_contact_confirm_code; do
    walk $start common/flow/contact_flow.c common/domain/one_time_token.c
done | uniq >"$tmp/code"
compare verify

# Of a login every reason stands there, and no other; uid_mismatch is PAM's and is in the text.
{
    reasons login
    grep -o "Ql uid_mismatch" $page | sed 's/Ql //'
} | sort -u >"$tmp/page"
sed -n '/ja_auth_reason_name/,/^}/s/.*case JA_REASON_[A-Z_]*: return "\([a-z_]*\)".*/\1/p' common/flow/auth_account.c |
    grep -v '^none$' | sort -u >"$tmp/code"
compare login

# Every permission that the sources ask for is said to be for something, and nothing else is.
grep -rohE '"[a-z]+:(read|write|own|issue|get)"' common daemon cli --include='*.c' | tr -d '"' | sort -u >"$tmp/code"
awk '/^\.Sh /{ inside = /ROLES AND PERMISSIONS/ } inside' $page | grep -oE '[a-z]+:(read|write|own|issue|get)' |
    sort -u >"$tmp/page"
compare permissions

if command -v mandoc >/dev/null 2>&1; then
    mandoc -T lint -W warning $page >&2 || bad=1
fi
exit $bad
