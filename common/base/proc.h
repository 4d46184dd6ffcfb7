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

#endif
