/* What has to be done from time to time: messages delivered, token files renewed, keys rotated, ended rows
 * purged.
 *
 * Two threads with contexts of their own, one of them for messages, whose providers may be slow; each chore is a flow
 * that the timers' authctl commands run as well, so it does no harm when both do.
 */
#ifndef JA_DAEMON_CHORES_H
#define JA_DAEMON_CHORES_H

#include "daemon/thread.h"

#define CHORE_THREADS 2

enum chore_kind { CHORE_OUTBOX, CHORE_TOKEN_FILES, CHORE_ENDED_FILES, CHORE_ROTATION, CHORE_PURGE, CHORE_KINDS };

struct chores;
struct metrics;

/* As /metrics and the log have it. */
const char *chore_name(enum chore_kind kind);

/* `threads` are initialised and borrowed, as metrics is. */
enum ja_status chores_start(struct http_thread threads[CHORE_THREADS], struct metrics *metrics, struct chores **ret,
                            struct ja_error *err);
/* Messages wait: delivers without waiting for its time. From any thread. */
void chores_poke(struct chores *c);
/* Everything, at once: after a reload. From any thread. */
void chores_do_all(struct chores *c);
/* Nothing new is begun; what is being done goes on. NULL accepted. */
void chores_end(struct chores *c);
/* Ends, and waits for what is being done. NULL accepted. */
void chores_stop(struct chores *c);

#endif
