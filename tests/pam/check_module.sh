#!/bin/sh
# The module as it is built: what it exports, what it is linked to, what it can call.
set -eu
module=${top_builddir:-.}/.libs/pam_jwtauth.so
bad=0
complain() { echo "check_module: $*" >&2; bad=1; }

[ -f "$module" ] || { echo "check_module: $module is not there" >&2; exit 1; }
if readelf -d "$module" | grep -q 'libasan'; then
    echo 'check_module: built with sanitizers' >&2
    exit 77
fi

# R23: the six entry points and nothing else.
want='pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session pam_sm_open_session pam_sm_setcred '
have=$(nm -D --defined-only "$module" | awk '{ print $3 }' | sort | tr '\n' ' ')
[ "$have" = "$want" ] || complain "exports $have"

# Libraries are the cost of a module; no HTTP, no libjwt, no liboath in sshd (F13, LIMITS.md).
for lib in $(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    case $lib in
    libc.so.* | libpam.so.* | libsodium.so.* | libsqlite3.so.* | libjansson.so.* | libcrypto.so.* | \
        libini_config.so.* | ld-linux*) ;;
    *) complain "is linked to $lib" ;;
    esac
done

# CVE-2021-3621: runs no program; changes nothing of the process; reads no environment.
for name in $(nm -D -u "$module" | awk '{ print $2 }' | sed 's/@.*//'); do
    case $name in
    exec* | posix_spawn* | fork | vfork | system | popen | wordexp | getenv | secure_getenv | setenv | putenv | \
        unsetenv | environ | setlocale | umask | signal | sigaction | sigprocmask | pthread_sigmask | \
        pthread_create | exit | _exit | abort | chdir | chroot | setuid | seteuid | setresuid | alarm | setitimer | \
        getaddrinfo | gethostbyname* | getlogin* | strcpy | strcat | sprintf | gets | strtok | printf | puts | perror)
        complain "can call $name" ;;
    esac
done

# No set-id bit on anything that is built (CVE-2021-4034).
set_id=$(find "${top_builddir:-.}" -type f -perm /6000 2>/dev/null | head -n 3)
[ -z "$set_id" ] || complain "set-id files: $set_id"
exit $bad
