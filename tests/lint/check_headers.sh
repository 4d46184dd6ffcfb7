#!/bin/sh
# Every header compiles alone, and has a guard named after its path.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
bad=0
for h in common/*/*.h pam/*.h cli/*.h; do
    ${CC:-cc} -std=gnu11 -Wall -Werror -fsyntax-only -I. -I"${top_builddir:-.}" -x c "$h" || {
        echo "check_headers: $h does not compile alone" >&2
        bad=1
    }
    grep -q '^#ifndef JA_[A-Z0-9_]*_H$' "$h" || {
        echo "check_headers: $h has no JA_..._H guard" >&2
        bad=1
    }
done
exit $bad
