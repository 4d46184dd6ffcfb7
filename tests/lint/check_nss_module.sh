#!/bin/sh
# The NSS module as it is built: what it exports, what it is linked to, what it can call.
set -eu
module=${top_builddir:-.}/.libs/libnss_jwtauth.so.2
bad=0
complain() { echo "check_nss_module: $*" >&2; bad=1; }

[ -f "$module" ] || { echo "check_nss_module: $module is not there" >&2; exit 1; }
if readelf -d "$module" | grep -q 'libasan\|libubsan'; then
    echo 'check_nss_module: built with sanitizers' >&2
    exit 77
fi

# R23: the calls of nsswitch and nothing else.
want=$(for call in endgrent endpwent getgrent_r getgrgid_r getgrnam_r getpwent_r getpwnam_r getpwuid_r initgroups_dyn \
    setgrent setpwent; do echo "_nss_jwtauth_$call"; done)
have=$(nm -D --defined-only "$module" | awk '{ print $3 }' | LC_ALL=C sort)
[ "$have" = "$want" ] || complain "exports $have"
readelf -d "$module" | grep -q 'SONAME.*\[libnss_jwtauth\.so\.2\]' || complain 'is not called libnss_jwtauth.so.2'

# It sits in every process: libc and nothing else.
for lib in $(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    case $lib in
    libc.so.* | ld-linux*) ;;
    *) complain "is linked to $lib" ;;
    esac
done

# CVE-2010-0826, CVE-2019-14271, CVE-2025-32463: whatever it may call, by name: no environment, no memory of its own (initgroups_dyn makes libc's array grow), no
# other file than the two it opens.
for name in $(nm -D -u "$module" | awk '$1 != "w" { print $2 }' | sed 's/@.*//'); do
    case $name in
    open | open64 | close | read | pread | pread64 | fstat | fstat64 | time | reallocarray | __errno_location | \
        memcpy | memmove | memset | strcmp | strncmp | strlen | __memcpy_chk | __memmove_chk | __stack_chk_fail | \
        __read_chk | __pread_chk | __pread64_chk | __open_2 | __open64_2) ;;
    *) complain "can call $name" ;;
    esac
done
exit $bad
