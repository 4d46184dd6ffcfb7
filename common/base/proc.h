/* Which process, over reuse of its number: boot id, pid and start time together name one.
 * Threads: no shared state.
 */
#ifndef JA_BASE_PROC_H
#define JA_BASE_PROC_H

#include "common/base/status.h"

#define JA_BOOT_ID_LEN 36

/* /proc/sys/kernel/random/boot_id */
enum ja_status ja_proc_boot_id(char ret[JA_BOOT_ID_LEN + 1], struct ja_error *err);
/* starttime of /proc/PID/stat (proc_pid_stat(5), field 22), in clock ticks since boot.
 * JA_ERR_NOT_FOUND: no such process. */
enum ja_status ja_proc_start(int64_t pid, int64_t *ret, struct ja_error *err);
/* The uid that this process's person logged in with (proc_pid_loginuid(5)), which no su or sudo changes; where
 * the kernel does not say, the real uid. */
int64_t ja_proc_login_uid(void);

/* The login session that this process belongs to. The kernel gives each login a number of its own, which nobody
 * but root can change (pam_loginuid(8)); it is unique until the machine starts again. */
#define JA_AUDIT_UNSET INT64_C(4294967295)
struct ja_proc_login {
    int64_t audit_session; /* /proc/self/sessionid; JA_AUDIT_UNSET: no login (a service, or a kernel without audit) */
    int64_t login_uid;     /* /proc/self/loginuid; JA_AUDIT_UNSET: the same */
    char boot_id[JA_BOOT_ID_LEN + 1];
};
/* Read fresh. Without /proc both are JA_AUDIT_UNSET and the boot id is "". */
void ja_proc_login(struct ja_proc_login *ret);

#endif
