#!/bin/sh
# The strict warning set is clean: every source once more with -Werror, by gcc and (where installed) clang.
set -eu
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}" "${top_builddir:=.}"
cd "$top_srcdir"
common='-std=gnu11 -fsyntax-only -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes
-Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough
-Walloca -Wno-unused-parameter -Werror'
# shellcheck disable=SC2089 # the quotes belong to the C string
flags="-I. -I$top_builddir -include config.h -DJA_VERSION=\"0\" $(pkg-config --cflags libsodium jansson libcrypto sqlite3 ini_config)"
bad=0
for cc in gcc clang; do
    command -v $cc >/dev/null 2>&1 || continue
    # shellcheck disable=SC2046,SC2086,SC2090
    printf '%s\n' $(find common pam cli -name '*.c') | xargs -P 2 -n 12 $cc $common $flags || bad=1
done
exit $bad
