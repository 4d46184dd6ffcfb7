/* Log lines through a sink that the front end binds (PAM: pam_syslog, authctl: stderr or syslog).
 *
 * Every line is escaped here (control characters, invalid UTF-8), so that input cannot forge a
 * record (SECURITY R27).  Secrets are never passed in.
 * Threads: as the sink.
 */
#ifndef JA_BASE_LOG_H
#define JA_BASE_LOG_H

#include <syslog.h> /* LOG_ERR ... as priorities */

struct ja_log {
    void (*emit)(void *arg, int priority, const char *line); /* NULL: dropped */
    void *arg;
    int level; /* lines with a priority above this (less urgent) are dropped */
};

void ja_log_write(const struct ja_log *log, int priority, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
