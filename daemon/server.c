#include "daemon/server.h"

#include "daemon/listen.h"
#include "daemon/loop.h"
#include "daemon/privileges.h"

#include <stdlib.h>
#include <unistd.h>

#define WORKERS 2
#define WORK_QUEUE 256
#define ASKERS 2
#define ASK_QUEUE 16 /* past it: 503 at once; a service that is silent holds up nobody else */
#define HASH_QUEUE 64 /* past it: 503 at once (R21) */

struct source {
    const char *path;
    bool allow_own;
};

static enum ja_status init_threads(struct server *s, struct http_thread *threads, size_t n, const struct source *from,
                                   struct ja_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct ja_config *cfg = NULL;
        enum ja_status st = ja_config_load(from->path, from->allow_own, &cfg, err);

        if (st == JA_OK)
            st = http_thread_init(&threads[i], cfg, s->log, err);
        if (st != JA_OK)
            return st;
    }
    return JA_OK;
}

static size_t hashers(const struct ja_config *cfg)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = cores > 0 ? (size_t)cores : 1;

    return n < (size_t)cfg->password.parallel_hashes ? n : (size_t)cfg->password.parallel_hashes;
}

static enum ja_status start_pools(struct server *s, const struct source *from, const struct ja_config *cfg,
                                  struct ja_error *err)
{
    enum ja_status st = JA_OK;

    s->nhashers = hashers(cfg);
    s->nworkers = WORKERS;
    s->naskers = ASKERS;
    s->hashers = calloc(s->nhashers, sizeof *s->hashers);
    s->workers = calloc(s->nworkers, sizeof *s->workers);
    s->askers = calloc(s->naskers, sizeof *s->askers);
    if (!s->hashers || !s->workers || !s->askers)
        return ja_fail_nomem(err);
    st = init_threads(s, s->hashers, s->nhashers, from, err);
    if (st == JA_OK)
        st = init_threads(s, s->workers, s->nworkers, from, err);
    if (st == JA_OK)
        st = init_threads(s, s->askers, s->naskers, from, err);
    if (st == JA_OK)
        st = init_threads(s, s->chorists, CHORE_THREADS, from, err);
    if (st == JA_OK)
        st = pool_start(s->hashers, s->nhashers, HASH_QUEUE, &s->hash, err);
    if (st == JA_OK)
        st = pool_start(s->workers, s->nworkers, WORK_QUEUE, &s->work, err);
    if (st == JA_OK)
        st = pool_start(s->askers, s->naskers, ASK_QUEUE, &s->outside, err);
    return st == JA_OK ? chores_start(s->chorists, s->metrics, &s->chores, err) : st;
}

static enum ja_status start_loops(struct server *s, const struct source *from, const struct ja_config *cfg,
                                  struct ja_error *err)
{
    enum ja_status st = JA_OK;

    s->loops = calloc((size_t)cfg->http.threads, sizeof *s->loops);
    if (!s->loops)
        return ja_fail_nomem(err);
    for (int64_t i = 0; st == JA_OK && i < cfg->http.threads; i++) {
        struct ja_config *own = NULL;

        st = ja_config_load(from->path, from->allow_own, &own, err);
        if (st != JA_OK)
            break;
        s->nloops++;
        st = loop_init(&s->loops[i], s, own, err);
    }
    for (size_t i = 0; st == JA_OK && i < s->nloops; i++)
        st = loop_start(&s->loops[i], err);
    return st;
}

enum ja_status server_start(struct server *server, const char *path, bool allow_own, const struct ja_config *cfg,
                            struct ja_error *err)
{
    const struct source from = {path, allow_own};
    enum ja_status st = metrics_new(&server->metrics, err);

    if (st == JA_OK)
        st = failures_new(&server->failures, err);
    if (st == JA_OK)
        st = failures_new(&server->captchas, err);

    conn_counts_init(&server->counts);
    if (st == JA_OK)
        st = listen_open(server, cfg, err);
    if (st == JA_OK)
        st = privileges_drop(err); /* each thread inherits what is left */
    if (st == JA_OK)
        st = start_pools(server, &from, cfg, err);
    return st == JA_OK ? start_loops(server, &from, cfg, err) : st;
}

/* ---- reload ---- */

struct handing {
    struct ja_config **list;
    size_t n;
};

static void hand(struct handing *h, struct http_thread *threads, size_t n)
{
    for (size_t i = 0; i < n; i++)
        http_thread_hand(&threads[i], h->list[--h->n]);
}

enum ja_status server_reload(struct server *server, const char *path, bool allow_own, struct ja_error *err)
{
    struct handing h = {.n = 0};
    size_t want = server->nhashers + server->nworkers + server->naskers + CHORE_THREADS + server->nloops;
    enum ja_status st = JA_OK;

    h.list = calloc(want, sizeof *h.list);
    if (!h.list)
        return ja_fail_nomem(err);
    while (st == JA_OK && h.n < want)
        if ((st = ja_config_load(path, allow_own, &h.list[h.n], err)) == JA_OK)
            h.n++;
    if (st == JA_OK) {
        hand(&h, server->hashers, server->nhashers);
        hand(&h, server->workers, server->nworkers);
        hand(&h, server->askers, server->naskers);
        hand(&h, server->chorists, CHORE_THREADS);
        for (size_t i = 0; i < server->nloops; i++) {
            hand(&h, &server->loops[i].thread, 1);
            loop_wake(&server->loops[i]);
        }
        chores_do_all(server->chores);
    }
    while (h.n > 0)
        ja_config_free(h.list[--h.n]);
    free(h.list);
    return st;
}

/* ---- the end ---- */

static void clear_threads(struct http_thread *threads, size_t n)
{
    for (size_t i = 0; threads && i < n; i++)
        http_thread_clear(&threads[i]);
    free(threads);
}

/* Loops first: they wait for the calls that the workers run. */
void server_stop(struct server *server, const struct ja_config *cfg)
{
    atomic_store(&server->draining, true);
    chores_end(server->chores);
    for (size_t i = 0; i < server->nloops; i++)
        loop_wake(&server->loops[i]);
    for (size_t i = 0; i < server->nloops; i++)
        loop_join(&server->loops[i]);
    pool_stop(server->outside);
    pool_stop(server->hash);
    pool_stop(server->work);
    chores_stop(server->chores);
    for (size_t i = 0; i < server->nloops; i++)
        loop_clear(&server->loops[i]);
    free(server->loops);
    clear_threads(server->hashers, server->nhashers);
    clear_threads(server->workers, server->nworkers);
    clear_threads(server->askers, server->naskers);
    for (size_t i = 0; i < CHORE_THREADS; i++)
        http_thread_clear(&server->chorists[i]);
    listen_close(server, cfg);
    failures_free(server->captchas);
    failures_free(server->failures);
    metrics_free(server->metrics);
}
