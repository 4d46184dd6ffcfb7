#include "daemon/thread.h"

#include "common/domain/signing_key.h"
#include "daemon/log.h"

static enum ja_status open_all(struct ja_ctx *ctx, struct ja_error *err)
{
    enum ja_status st = ja_ctx_open_store(ctx, err);

    if (st == JA_OK)
        st = ja_ctx_require_master(ctx, err);
    if (st == JA_OK)
        st = ja_signing_key_check_master(ctx, err);
    if (st == JA_OK)
        st = ja_keyring_require(ctx, err);
    return st;
}

enum ja_status http_thread_init(struct http_thread *t, struct ja_config *cfg, struct ja_log log, struct ja_error *err)
{
    enum ja_status st;

    ja_ctx_init(&t->ctx, cfg, log);
    t->ctx.actor = (struct ja_actor){.name = "anonymous", .service = "jwtauthd"};
    st = open_all(&t->ctx, err);
    if (st != JA_OK)
        ja_ctx_clear(&t->ctx);
    return st;
}

void http_thread_hand(struct http_thread *t, struct ja_config *cfg)
{
    ja_config_free(atomic_exchange(&t->next, cfg));
}

bool http_thread_refresh(struct http_thread *t)
{
    struct ja_config *cfg = NULL;
    struct ja_error err = {0};
    struct http_thread fresh = {0};
    struct ja_log log = t->ctx.log;

    if (!atomic_load_explicit(&t->next, memory_order_relaxed))
        return false;
    cfg = atomic_exchange(&t->next, NULL);
    if (!cfg)
        return false;
    log.level = log_level(cfg);
    if (http_thread_init(&fresh, cfg, log, &err) != JA_OK) {
        ja_log_write(&t->ctx.log, LOG_ERR, "the new configuration cannot be used, the former stays: %s", err.message);
        return false;
    }
    ja_ctx_clear(&t->ctx);
    t->ctx = fresh.ctx;
    return true;
}

void http_thread_clear(struct http_thread *t)
{
    ja_config_free(atomic_exchange(&t->next, NULL));
    ja_ctx_clear(&t->ctx);
}
