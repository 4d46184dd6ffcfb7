#include "common/flow/purge_flow.h"

#include "common/domain/nss_export.h"
#include "common/domain/permission.h"
#include "common/domain/purge.h"
#include "common/domain/role_admin.h"
#include "common/domain/ssh_key_snapshot.h"
#include "common/domain/throttle.h"
#include "common/flow/account_internal.h"
#include "common/flow/purge_planned.h"

#define USERS_BATCH 50

/* Refresh tokens before the sessions that they point to. */
static const struct {
    enum ja_purge_kind kind;
    size_t offset;
} plain[] = {
    {JA_PURGE_ONE_TIME_TOKENS, offsetof(struct ja_purged, one_time_tokens)},
    {JA_PURGE_REFRESH_TOKENS, offsetof(struct ja_purged, refresh_tokens)},
    {JA_PURGE_SESSIONS, offsetof(struct ja_purged, sessions)},
    {JA_PURGE_REVOKED_TOKENS, offsetof(struct ja_purged, revoked_tokens)},
    {JA_PURGE_USED_TOKENS, offsetof(struct ja_purged, used_tokens)},
    {JA_PURGE_LOGIN_HANDLES, offsetof(struct ja_purged, login_handles)},
    {JA_PURGE_MESSAGES, offsetof(struct ja_purged, messages)},
};

static int64_t *slot(struct ja_purged *p, size_t i)
{
    return (int64_t *)(void *)((char *)p + plain[i].offset);
}

static enum ja_status one_batch(struct ja_ctx *ctx, enum ja_purge_kind kind, int64_t *ret, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_tx_end(ctx, ja_purge_batch(ctx, kind, ret, err), err);
    return st;
}

static enum ja_status all_of(struct ja_ctx *ctx, enum ja_purge_kind kind, int64_t *total, struct ja_error *err)
{
    int64_t n = JA_PURGE_BATCH;
    enum ja_status st = JA_OK;

    while (st == JA_OK && n >= JA_PURGE_BATCH) {
        n = 0;
        st = one_batch(ctx, kind, &n, err);
        *total += n;
    }
    return st;
}

static enum ja_status throttle(struct ja_ctx *ctx, int64_t *total, struct ja_error *err)
{
    int64_t n = 1;
    enum ja_status st = JA_OK;

    while (st == JA_OK && n > 0) {
        n = 0;
        st = ja_db_begin(ctx->db, err);
        if (st == JA_OK)
            st = ja_tx_end(ctx, ja_throttle_prune(ctx, &n, err), err);
        *total += n;
    }
    return st;
}

/* In one transaction with the audit rows; who verified since the list was read is left alone. */
static enum ja_status users_batch(struct ja_ctx *ctx, int64_t before, int64_t *ret, struct ja_error *err)
{
    struct ja_stale_user users[USERS_BATCH];
    size_t n = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_purge_stale_users(ctx, before, users, USERS_BATCH, &n, err);
    for (size_t i = 0; st == JA_OK && i < n; i++) {
        st = ja_user_delete(ctx, users[i].id, err);
        if (st == JA_OK)
            st = ja_account_audit(ctx, "user.purge", users[i].username, NULL, err);
    }
    st = ja_tx_end(ctx, st, err);
    *ret = st == JA_OK ? (int64_t)n : 0;
    return st;
}

static enum ja_status users(struct ja_ctx *ctx, int64_t before, int64_t *total, struct ja_error *err)
{
    int64_t n = USERS_BATCH;
    enum ja_status st = JA_OK;

    while (st == JA_OK && n == USERS_BATCH) {
        st = users_batch(ctx, before, &n, err);
        *total += n;
    }
    return st;
}

static enum ja_status count(struct ja_ctx *ctx, int64_t before, struct ja_purged *p, struct ja_error *err)
{
    enum ja_status st = ja_purge_count_stale(ctx, before, &p->pending_users, err);

    if (st == JA_OK)
        st = ja_purge_count_locks(ctx, &p->locks, err);
    if (st == JA_OK)
        st = ja_grant_count_ended(ctx, &p->grants, err);
    for (size_t i = 0; st == JA_OK && i < sizeof plain / sizeof *plain; i++)
        st = ja_purge_count(ctx, plain[i].kind, slot(p, i), err);
    return st == JA_OK ? ja_throttle_count_ended(ctx, &p->throttle, err) : st;
}

enum ja_status ja_purge(struct ja_ctx *ctx, bool dry_run, struct ja_purged *ret, struct ja_error *err)
{
    int64_t before = ja_now(&ctx->clock) - ctx->cfg->registration.purge_pending;
    struct ja_purged p = {0};
    bool written = false;
    enum ja_status st = ja_permit(ctx, "store:write", NULL, err);

    if (st != JA_OK)
        return st;
    if (dry_run) {
        st = count(ctx, before, &p, err);
    } else {
        ja_nss_export_hold(ctx);
        st = ja_purge_locks(ctx, &p.locks, err);
        if (st == JA_OK)
            st = ja_purge_grants(ctx, &p.grants, err);
        if (st == JA_OK)
            st = users(ctx, before, &p.pending_users, err);
        ja_nss_export_release(ctx);
        for (size_t i = 0; st == JA_OK && i < sizeof plain / sizeof *plain; i++)
            st = all_of(ctx, plain[i].kind, slot(&p, i), err);
        if (st == JA_OK)
            st = throttle(ctx, &p.throttle, err);
        if (st == JA_OK) /* mends one that was lost */
            st = ja_ssh_snapshot_write(ctx, false, err);
        if (st == JA_OK)
            st = ja_nss_export_refresh(ctx, &written, err);
    }
    if (st == JA_OK)
        *ret = p;
    return st;
}
