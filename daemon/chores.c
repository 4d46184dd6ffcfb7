#include "daemon/chores.h"

#include "common/flow/key_flow.h"
#include "common/flow/purge_flow.h"
#include "common/flow/session_flow.h"
#include "common/notify/deliver.h"

#include <stdlib.h>
#include <time.h>

struct chore {
    const char *name;
    int64_t every; /* seconds */
    enum ja_status (*run)(struct ja_ctx *ctx, struct ja_error *err);
};

static enum ja_status deliver(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_delivery d = {0};

    /* A command runs as an account of its own, which this process has given up the right to become; the timer's
     * authctl outbox flush serves it. */
    if (ctx->cfg->email.provider == JA_PROVIDER_COMMAND || ctx->cfg->sms.provider == JA_PROVIDER_COMMAND)
        return JA_OK;
    return ja_deliver_due(ctx, NULL, NULL, &d, err);
}

static enum ja_status rotate(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_key_info info = {0};
    bool rotated = false;
    enum ja_status st = ja_key_rotate(ctx, JA_ALG_NONE, true, &rotated, &info, err);

    if (st == JA_OK && rotated)
        ja_log_write(&ctx->log, LOG_NOTICE, "signing key rotated: kid=%s", info.kid);
    return st;
}

static enum ja_status purge(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_purged p = {0};

    return ja_purge(ctx, false, &p, err);
}

static enum ja_status renew(struct ja_ctx *ctx, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_session_renew_files(ctx, &n, err);

    if (st == JA_OK && n > 0)
        ja_log_write(&ctx->log, LOG_DEBUG, "token files renewed: %lld", (long long)n);
    return st;
}

static enum ja_status sweep(struct ja_ctx *ctx, struct ja_error *err)
{
    return ja_session_sweep_files(ctx, NULL, err);
}

/* A token is renewed when it is half over: the shortest session_token_ttl (30 s) has a sixth of it, 5 s, to two thirds. */
static const struct chore table[] = {
    {"outbox", 30, deliver},
    {"token files", 5, renew},
    {"ended token files", 60, sweep},
    {"key rotation", 3600, rotate},
    {"purge", 3600, purge},
};
#define CHORES (sizeof table / sizeof *table)
#define OUTBOX 0 /* its place in the table */

struct chores {
    struct http_thread *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool poked, all, stopping;
    int64_t due[CHORES];
};

static int64_t mono(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Until the next chore is due, or somebody pokes. False: stop. */
static bool rest(struct chores *c)
{
    struct timespec until = {.tv_sec = c->due[0]};

    for (size_t i = 1; i < CHORES; i++)
        if (c->due[i] < until.tv_sec)
            until.tv_sec = c->due[i];
    (void)pthread_mutex_lock(&c->lock);
    while (!c->stopping && !c->poked && !c->all && mono() < until.tv_sec)
        (void)pthread_cond_timedwait(&c->wake, &c->lock, &until);
    for (size_t i = 0; i < CHORES; i++)
        if (c->all || (c->poked && i == OUTBOX))
            c->due[i] = 0;
    c->poked = c->all = false;
    (void)pthread_mutex_unlock(&c->lock);
    return !c->stopping;
}

static void *work(void *arg)
{
    struct chores *c = arg;

    while (rest(c)) {
        (void)http_thread_refresh(c->thread);
        c->thread->ctx.actor = (struct ja_actor){.name = "system", .service = "jwtauthd"};
        for (size_t i = 0; i < CHORES; i++) {
            struct ja_error err = {0};

            if (mono() < c->due[i])
                continue;
            c->due[i] = mono() + table[i].every;
            if (table[i].run(&c->thread->ctx, &err) != JA_OK)
                ja_log_write(&c->thread->ctx.log, LOG_ERR, "%s: %s", table[i].name, err.message);
        }
    }
    return NULL;
}

static void chores_free(struct chores *c)
{
    (void)pthread_cond_destroy(&c->wake);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

enum ja_status chores_start(struct http_thread *thread, struct chores **ret, struct ja_error *err)
{
    struct chores *c = calloc(1, sizeof *c);
    pthread_condattr_t attr;
    int rc;

    if (!c)
        return ja_fail_nomem(err);
    c->thread = thread;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    rc = pthread_create(&thread->id, NULL, work, c);
    if (rc != 0) {
        chores_free(c);
        return ja_fail_errno(err, rc, "cannot start a thread");
    }
    thread->started = true;
    *ret = c;
    return JA_OK;
}

void chores_poke(struct chores *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->poked = true;
    (void)pthread_cond_signal(&c->wake);
    (void)pthread_mutex_unlock(&c->lock);
}

void chores_do_all(struct chores *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->all = true;
    (void)pthread_cond_signal(&c->wake);
    (void)pthread_mutex_unlock(&c->lock);
}

void chores_stop(struct chores *c)
{
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stopping = true;
    (void)pthread_cond_signal(&c->wake);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->thread->id, NULL);
    chores_free(c);
}
