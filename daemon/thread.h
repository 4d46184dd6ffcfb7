/* What each thread of jwtauthd has for itself: a context with its own store connection, under the current
 * configuration.
 *
 * SIGHUP replaces the configuration: the main thread loads it once for each thread and hands them over; a thread
 * takes its own between two calls, so that none is dropped and none sees half of a change.
 */
#ifndef JA_DAEMON_THREAD_H
#define JA_DAEMON_THREAD_H

#include "common/domain/ctx.h"

#include <pthread.h>
#include <stdatomic.h>

struct http_thread {
    pthread_t id;
    struct ja_ctx ctx;
    _Atomic(struct ja_config *) next; /* waits to be taken; owned */
    bool started;
};

/* Opens store and master key, reads the key ring. Takes cfg over. */
enum ja_status http_thread_init(struct http_thread *t, struct ja_config *cfg, struct ja_log log, struct ja_error *err);
/* For the main thread: cfg is taken over; an earlier one that was not taken yet is freed. */
void http_thread_hand(struct http_thread *t, struct ja_config *cfg);
/* For the thread itself, between two calls. True: the context is a new one. When the new one cannot be opened, the
 * former stays, and the log says why. */
bool http_thread_refresh(struct http_thread *t);
void http_thread_clear(struct http_thread *t);

#endif
