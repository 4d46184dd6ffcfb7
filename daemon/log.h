/* Where the daemon's log lines go: [log] target and level.
 *
 * syslog: one line, facility authpriv. stderr: one line with sd-daemon(3)'s level in front. journal: one entry of
 * systemd's journal in which each key=value of the line is a field as well (JWTAUTH_STATUS=401); where there is no
 * journal, as stderr.
 * Threads: what the sinks use is set once, by the main thread before there are others.
 */
#ifndef JA_DAEMON_LOG_H
#define JA_DAEMON_LOG_H

#include "common/base/config.h"
#include "common/base/log.h"

/* To be called once. */
struct ja_log log_open(const struct ja_config *cfg);
/* The priority up to which `cfg` wants lines; may change with a reload, the target does not. */
int log_level(const struct ja_config *cfg);

#endif
