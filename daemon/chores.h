/* What has to be done from time to time: messages delivered, token files renewed, keys rotated, ended rows
 * purged.
 *
 * One thread with a context of its own; each chore is a flow that the timers' authctl commands run as well, so it does
 * no harm when both do.
 */
#ifndef JA_DAEMON_CHORES_H
#define JA_DAEMON_CHORES_H

#include "daemon/thread.h"

struct chores;

/* `thread` is initialised and borrowed. */
enum ja_status chores_start(struct http_thread *thread, struct chores **ret, struct ja_error *err);
/* Messages wait: delivers without waiting for its time. From any thread. */
void chores_poke(struct chores *c);
/* Everything, at once: after a reload. From any thread. */
void chores_do_all(struct chores *c);
void chores_stop(struct chores *c); /* NULL accepted */

#endif
