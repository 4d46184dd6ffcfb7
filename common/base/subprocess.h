/* Another program, run to its end: no shell, nothing inherited but the three standard descriptors.
 *
 * The program gets `input` on its standard input; what it writes goes nowhere (/dev/null).  Its environment is
 * PATH and LANG=C.UTF-8 alone, its folder /, its umask 077, its signals the defaults; it gains no rights by
 * set-user-id programs (PR_SET_NO_NEW_PRIVS) and leads a session of its own.  Like `subprocess` of OpenSSH's misc.c.
 * Threads: forks; the child calls async-signal-safe functions only.
 */
#ifndef JA_BASE_SUBPROCESS_H
#define JA_BASE_SUBPROCESS_H

#include "common/base/status.h"

#include <sys/types.h>

struct ja_subprocess {
    const char *path;      /* absolute; root's, writable by nobody else, checked here */
    const char *const *args; /* behind the path, ends with NULL; NULL: none */
    const void *input;
    size_t input_len;
    unsigned seconds;      /* then it is killed, with its process group */
    uid_t uid;             /* whom it runs as when we are root */
    gid_t gid;
};

/* JA_ERR_UNSAFE, JA_ERR_NOT_FOUND: the file. JA_ERR_UNAVAILABLE: "command_failed" (exit status), "command_killed"
 * (signal), "command_timeout", "command_not_run". JA_OK: it exited with 0. */
enum ja_status ja_subprocess_run(const struct ja_subprocess *p, struct ja_error *err);

#endif
