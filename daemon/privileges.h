/* What the daemon may do to the host, once its sockets are open: uid 0 owns the store's files, so nothing beyond
 * CAP_CHOWN (for the token files of users) is needed. capabilities(7) */
#ifndef JA_DAEMON_PRIVILEGES_H
#define JA_DAEMON_PRIVILEGES_H

#include "common/base/status.h"

/* No core file and no ptrace: keys and passwords are in this memory (R29). Before anything is read. */
void privileges_forbid_dumps(void);
/* As many descriptors as connections can need, where the hard limit allows it; the usual soft limit of 1024 is spent by
 * connections alone, and then the store's files cannot be opened. */
void privileges_take_descriptors(void);
/* Every capability but CAP_CHOWN is given up for good, in every thread started later too; no new ones by exec. */
enum ja_status privileges_drop(struct ja_error *err);

#endif
