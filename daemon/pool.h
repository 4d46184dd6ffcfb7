/* Workers with a bounded queue: hashing and writing happen here, so that the loops stay free for what is quick (R21).
 *
 * Threads: pool_push from any; `run` is called on a worker with that worker's context.
 */
#ifndef JA_DAEMON_POOL_H
#define JA_DAEMON_POOL_H

#include "daemon/thread.h"

struct pool;

struct pool_job {
    void (*run)(struct pool_job *job, struct http_thread *worker);
    struct pool_job *next; /* the pool's while queued */
    int64_t pushed_ms;     /* monotonic */
};

/* `workers` are initialised threads (http_thread_init); borrowed. */
enum ja_status pool_start(struct http_thread *workers, size_t n, size_t queue_max, struct pool **ret,
                          struct ja_error *err);
/* False: the queue is full; the job stays the caller's. */
bool pool_push(struct pool *pool, struct pool_job *job);
/* On a worker, at the begin of `run`: the job has waited longer than `seconds`. Who asked may be gone, and others wait
 * behind it. */
bool pool_job_late(const struct pool_job *job, int64_t seconds);
struct pool_load { size_t waiting, queue_max, running, workers; };
struct pool_load pool_load(struct pool *pool);
/* Runs what is queued, then ends the workers. NULL accepted. */
void pool_stop(struct pool *pool);

#endif
