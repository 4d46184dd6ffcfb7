#include "daemon/pool.h"

#include <stdlib.h>
#include <time.h>

struct worker {
    struct pool *pool;
    struct http_thread *thread;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pool_job *first, **end;
    size_t queued, running, max;
    bool stopping;
    struct worker *workers;
    size_t n;
};

static struct pool_job *take(struct pool *pool)
{
    struct pool_job *job;

    while (!pool->first && !pool->stopping)
        (void)pthread_cond_wait(&pool->wake, &pool->lock);
    job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->end = &pool->first;
        pool->queued--;
        pool->running++;
    }
    return job;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *pool = w->pool;
    struct pool_job *job;

    (void)pthread_mutex_lock(&pool->lock);
    while ((job = take(pool))) {
        (void)pthread_mutex_unlock(&pool->lock);
        (void)http_thread_refresh(w->thread);
        job->run(job, w->thread);
        (void)pthread_mutex_lock(&pool->lock);
        pool->running--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void pool_free(struct pool *pool)
{
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

static enum ja_status start_workers(struct pool *pool, struct http_thread *threads, size_t n, struct ja_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int rc;

        pool->workers[i] = (struct worker){pool, &threads[i]};
        rc = pthread_create(&threads[i].id, NULL, work, &pool->workers[i]);
        if (rc != 0)
            return ja_fail_errno(err, rc, "cannot start a worker");
        threads[i].started = true;
        pool->n++;
    }
    return JA_OK;
}

enum ja_status pool_start(struct http_thread *workers, size_t n, size_t queue_max, struct pool **ret,
                          struct ja_error *err)
{
    struct pool *pool = calloc(1, sizeof *pool);
    enum ja_status st = JA_OK;

    if (!pool)
        return ja_fail_nomem(err);
    pool->workers = calloc(n, sizeof *pool->workers);
    pool->max = queue_max;
    pool->end = &pool->first;
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, NULL);
    st = pool->workers ? start_workers(pool, workers, n, err) : ja_fail_nomem(err);
    if (st != JA_OK) {
        pool_stop(pool);
        return st;
    }
    *ret = pool;
    return JA_OK;
}

static int64_t now_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool pool_job_late(const struct pool_job *job, int64_t seconds)
{
    return now_ms() - job->pushed_ms > seconds * 1000;
}

bool pool_push(struct pool *pool, struct pool_job *job)
{
    bool taken;

    (void)pthread_mutex_lock(&pool->lock);
    taken = !pool->stopping && pool->queued < pool->max;
    if (taken) {
        job->next = NULL;
        job->pushed_ms = now_ms();
        *pool->end = job;
        pool->end = &job->next;
        pool->queued++;
        (void)pthread_cond_signal(&pool->wake);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return taken;
}

struct pool_load pool_load(struct pool *pool)
{
    struct pool_load load;

    (void)pthread_mutex_lock(&pool->lock);
    load = (struct pool_load){pool->queued, pool->max, pool->running, pool->n};
    (void)pthread_mutex_unlock(&pool->lock);
    return load;
}

void pool_stop(struct pool *pool)
{
    if (!pool)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n; i++)
        (void)pthread_join(pool->workers[i].thread->id, NULL);
    pool_free(pool);
}
