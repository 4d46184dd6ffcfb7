#include "daemon/chores.h"

#include "common/flow/key_flow.h"
#include "common/flow/purge_flow.h"
#include "common/flow/session_flow.h"
#include "common/notify/deliver.h"
#include "daemon/metrics.h"

#include <stdlib.h>
#include <time.h>

#define RETRY 60 /* seconds: what failed is tried again after so long, or its own time if that is shorter */

struct line;

struct chore {
    enum chore_kind kind;
    int64_t every; /* seconds */
    enum ja_status (*run)(struct line *line, struct ja_error *err);
};

/* One thread and what it does. Providers may be slow: what they keep waiting are messages alone. */
struct line {
    struct chores *all;
    struct http_thread *thread;
    const struct chore *table;
    size_t n;
    bool poked;
    int64_t due[CHORE_KINDS];
};

struct chores {
    struct metrics *metrics;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    struct line lines[CHORE_THREADS];
};

static bool stopping(void *arg)
{
    struct chores *c = arg;
    bool is;

    (void)pthread_mutex_lock(&c->lock);
    is = c->stopping;
    (void)pthread_mutex_unlock(&c->lock);
    return is;
}

static enum ja_status deliver(struct line *line, struct ja_error *err)
{
    struct ja_ctx *ctx = &line->thread->ctx;
    const struct ja_delivery_watch watch = {.ending = stopping, .arg = line->all};
    struct ja_delivery d = {0};

    /* A command runs as an account of its own, which this process has given up the right to become; the timer's
     * authctl outbox flush serves it. */
    if (ctx->cfg->email.provider == JA_PROVIDER_COMMAND || ctx->cfg->sms.provider == JA_PROVIDER_COMMAND)
        return JA_OK;
    return ja_deliver_due(ctx, &watch, &d, err);
}

static enum ja_status rotate(struct line *line, struct ja_error *err)
{
    struct ja_ctx *ctx = &line->thread->ctx;
    struct ja_key_info info = {0};
    bool rotated = false;
    enum ja_status st = ja_key_rotate(ctx, JA_ALG_NONE, true, &rotated, &info, err);

    if (st == JA_OK && rotated)
        ja_log_write(&ctx->log, LOG_NOTICE, "signing key rotated: kid=%s", info.kid);
    return st;
}

static enum ja_status purge(struct line *line, struct ja_error *err)
{
    struct ja_purged p = {0};

    return ja_purge(&line->thread->ctx, false, &p, err);
}

static enum ja_status renew(struct line *line, struct ja_error *err)
{
    struct ja_ctx *ctx = &line->thread->ctx;
    int64_t n = 0;
    enum ja_status st = ja_session_renew_files(ctx, &n, err);

    if (st == JA_OK && n > 0)
        ja_log_write(&ctx->log, LOG_DEBUG, "token files renewed: %lld", (long long)n);
    return st;
}

static enum ja_status sweep(struct line *line, struct ja_error *err)
{
    return ja_session_sweep_files(&line->thread->ctx, NULL, err);
}

static const struct chore post[] = {{CHORE_OUTBOX, 30, deliver}};
/* A token is renewed when it is half over: the shortest session_token_ttl (30 s) has a sixth of it, 5 s, to two thirds. */
static const struct chore upkeep[] = {
    {CHORE_TOKEN_FILES, 5, renew},
    {CHORE_ENDED_FILES, 60, sweep},
    {CHORE_ROTATION, 3600, rotate},
    {CHORE_PURGE, 3600, purge},
};

const char *chore_name(enum chore_kind kind)
{
    switch (kind) {
    case CHORE_OUTBOX: return "outbox";
    case CHORE_TOKEN_FILES: return "token_files";
    case CHORE_ENDED_FILES: return "ended_token_files";
    case CHORE_ROTATION: return "key_rotation";
    case CHORE_PURGE: return "purge";
    case CHORE_KINDS: break;
    }
    return "none";
}

static int64_t mono(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Until the next chore is due, or somebody pokes. False: stop. */
static bool rest(struct line *line)
{
    struct chores *c = line->all;
    struct timespec until = {.tv_sec = line->due[0]};
    bool go_on;

    for (size_t i = 1; i < line->n; i++)
        if (line->due[i] < until.tv_sec)
            until.tv_sec = line->due[i];
    (void)pthread_mutex_lock(&c->lock);
    while (!c->stopping && !line->poked && mono() < until.tv_sec)
        (void)pthread_cond_timedwait(&c->wake, &c->lock, &until);
    for (size_t i = 0; line->poked && i < line->n; i++)
        line->due[i] = 0;
    line->poked = false;
    go_on = !c->stopping;
    (void)pthread_mutex_unlock(&c->lock);
    return go_on;
}

/* One that fails is tried again soon, and keeps no other one back. */
static void run_one(struct line *line, size_t i)
{
    const struct chore *chore = &line->table[i];
    struct ja_error err = {0};
    bool ok = chore->run(line, &err) == JA_OK;

    line->due[i] = mono() + (ok || chore->every < RETRY ? chore->every : RETRY);
    metrics_chore(line->all->metrics, chore->kind, ok);
    if (!ok)
        ja_log_write(&line->thread->ctx.log, LOG_ERR, "chore=%s code=%s cause=%s", chore_name(chore->kind), err.code,
                     err.message);
}

static void *work(void *arg)
{
    struct line *line = arg;

    while (rest(line)) {
        (void)http_thread_refresh(line->thread);
        line->thread->ctx.actor = (struct ja_actor){.name = "system", .service = "jwtauthd"};
        for (size_t i = 0; i < line->n && !stopping(line->all); i++)
            if (mono() >= line->due[i])
                run_one(line, i);
    }
    return NULL;
}

static enum ja_status start_line(struct line *line, struct ja_error *err)
{
    int rc = pthread_create(&line->thread->id, NULL, work, line);

    if (rc != 0)
        return ja_fail_errno(err, rc, "cannot start a thread");
    line->thread->started = true;
    return JA_OK;
}

enum ja_status chores_start(struct http_thread threads[CHORE_THREADS], struct metrics *metrics, struct chores **ret,
                            struct ja_error *err)
{
    struct chores *c = calloc(1, sizeof *c);
    pthread_condattr_t attr;
    enum ja_status st = JA_OK;

    if (!c)
        return ja_fail_nomem(err);
    c->metrics = metrics;
    c->lines[0] = (struct line){.all = c, .thread = &threads[0], .table = post, .n = sizeof post / sizeof *post};
    c->lines[1] = (struct line){.all = c, .thread = &threads[1], .table = upkeep, .n = sizeof upkeep / sizeof *upkeep};
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    for (size_t i = 0; st == JA_OK && i < CHORE_THREADS; i++)
        st = start_line(&c->lines[i], err);
    if (st == JA_OK)
        *ret = c;
    else
        chores_stop(c);
    return st;
}

static void poke(struct chores *c, size_t lines)
{
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < lines; i++)
        c->lines[i].poked = true;
    (void)pthread_cond_broadcast(&c->wake);
    (void)pthread_mutex_unlock(&c->lock);
}

void chores_poke(struct chores *c)
{
    poke(c, 1);
}

void chores_do_all(struct chores *c)
{
    poke(c, CHORE_THREADS);
}

void chores_end(struct chores *c)
{
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stopping = true;
    (void)pthread_cond_broadcast(&c->wake);
    (void)pthread_mutex_unlock(&c->lock);
}

void chores_stop(struct chores *c)
{
    if (!c)
        return;
    chores_end(c);
    for (size_t i = 0; i < CHORE_THREADS; i++)
        if (c->lines[i].thread->started)
            (void)pthread_join(c->lines[i].thread->id, NULL);
    (void)pthread_cond_destroy(&c->wake);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}
