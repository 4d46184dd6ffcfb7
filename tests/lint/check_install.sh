#!/bin/sh
# CVE-2021-3156, CVE-2021-4034, CVE-2023-4911, CVE-2023-22809: nothing that is installed gives rights to who starts it:
# no set-id bit, no capability, nothing that others may write, no search path of the build's.
set -eu
build=${top_builddir:-.}
bad=0
complain() { echo "check_install: $*" >&2; bad=1; }

dest=$(mktemp -d "${TMPDIR:-/tmp}/ja-install.XXXXXX")
trap 'rm -rf "$dest"' EXIT
# Under umask 000, as a careless packager would: modes are the rules', not the shell's.
(umask 000 && ${MAKE:-make} -s -C "$build" install DESTDIR="$dest") >"$dest.log" 2>&1 || {
    cat "$dest.log" >&2
    rm -f "$dest.log"
    complain 'make install failed'
    exit 1
}
rm -f "$dest.log"

[ "$(find "$dest" -type f \( -name pam_jwtauth.so -o -path '*/bin/authctl' \) | wc -l)" = 2 ] ||
    complain 'the module or authctl is not there: nothing was looked at'
found=$(find "$dest" -perm /6000)
[ -z "$found" ] || complain "set-id: $found"
found=$(find "$dest" -type f -perm /022)
[ -z "$found" ] || complain "writable by others: $found"
if command -v getcap >/dev/null; then
    found=$(getcap -r "$dest")
    [ -z "$found" ] || complain "capabilities: $found"
else
    found=$(find "$dest" -type f -exec getfattr -m '^security\.' {} + 2>/dev/null || :)
    [ -z "$found" ] || complain "capabilities: $found"
fi
found=$(find "$dest" -type f -exec sh -c 'readelf -d "$1" 2>/dev/null | grep -q "R.*PATH" && echo "$1"' sh {} \;)
[ -z "$found" ] || complain "search path in $found"
# and no key of the build's in it
found=$(find "$dest" \( -name '*.key' -o -name '*.db' -o -name '*.pem' \))
[ -z "$found" ] || complain "secrets in the package: $found"
exit $bad
