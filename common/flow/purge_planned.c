#include "common/flow/purge_planned.h"

#include "common/domain/audit.h"
#include "common/domain/purge.h"
#include "common/domain/role_admin.h"
#include "common/flow/account_internal.h"

#include <stdio.h>

#define GRANTS_BATCH 50

/* ---- locks ---- */

static enum ja_status lock_now(struct ja_ctx *ctx, const struct ja_user *u, struct ja_cut *cut, struct ja_error *err)
{
    json_t *detail = json_pack("{s:I}", "planned_for", (json_int_t)u->lock_at);
    enum ja_status st = detail ? ja_user_set_status(ctx, u->id, JA_USER_LOCKED, err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = ja_account_close(ctx, u->id, "user_locked", detail, cut, err);
    if (st == JA_OK)
        return ja_account_audit(ctx, "user.lock", u->username, detail, err);
    json_decref(detail);
    return st;
}

static enum ja_status one_lock(struct ja_ctx *ctx, bool *ret_found, struct ja_error *err)
{
    char id[JA_UUID_LEN + 1] = "";
    struct ja_user u = {0};
    struct ja_cut cut = {0};
    bool found = false;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_purge_lock_due(ctx, id, &found, err);
    if (st == JA_OK && found)
        st = ja_user_find_by_id(ctx, id, &u, err);
    if (st == JA_OK && found)
        st = lock_now(ctx, &u, &cut, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK && found)
        ja_logind_end(ctx, u.uid, &cut);
    ja_user_clear(&u);
    if (st == JA_OK)
        *ret_found = found;
    return st;
}

enum ja_status ja_purge_locks(struct ja_ctx *ctx, int64_t *total, struct ja_error *err)
{
    bool found = true;
    enum ja_status st = JA_OK;

    while (st == JA_OK && found) {
        st = one_lock(ctx, &found, err);
        *total += st == JA_OK && found;
    }
    return st;
}

/* ---- grants ---- */

static enum ja_status audit_end(struct ja_ctx *ctx, const struct ja_grant *g, struct ja_error *err)
{
    char target[sizeof "role:" + JA_ROLE_NAME_MAX];
    json_t *detail = json_pack("{s:s,s:s,s:I,s:I}", "user", g->username, "granted_by", g->granted_by, "granted_at",
                               (json_int_t)g->granted_at, "until", (json_int_t)g->ends_at);
    struct ja_audit_event ev = {
        .action = "role.grant_end", .target = target, .outcome = "success", .detail = detail};
    enum ja_status st;

    (void)snprintf(target, sizeof target, "role:%s", g->role);
    st = detail ? ja_audit_write(ctx, &ev, err) : ja_fail_nomem(err);
    json_decref(detail);
    return st;
}

static enum ja_status end_grant(struct ja_ctx *ctx, const struct ja_grant *g, struct ja_error *err)
{
    struct ja_user u = {0};
    bool dropped = false;
    enum ja_status st = ja_grant_drop(ctx, g, &dropped, err);

    if (st != JA_OK || !dropped)
        return st;
    st = audit_end(ctx, g, err);
    if (st == JA_OK)
        st = ja_user_find_by_id(ctx, g->user_id, &u, err);
    if (st == JA_OK)
        st = ja_letter_notice_of(ctx, &u, "grant_ended", "role", g->role, err);
    ja_user_clear(&u);
    return st == JA_ERR_NOT_FOUND ? JA_OK : st; /* a deleted user: nobody to write to */
}

static enum ja_status grants_batch(struct ja_ctx *ctx, size_t *ret, struct ja_error *err)
{
    struct ja_grant grants[GRANTS_BATCH];
    size_t n = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_grant_ended(ctx, grants, GRANTS_BATCH, &n, err);
    for (size_t i = 0; st == JA_OK && i < n; i++)
        st = end_grant(ctx, &grants[i], err);
    st = ja_tx_end(ctx, st, err);
    *ret = st == JA_OK ? n : 0;
    return st;
}

enum ja_status ja_purge_grants(struct ja_ctx *ctx, int64_t *total, struct ja_error *err)
{
    size_t n = GRANTS_BATCH;
    enum ja_status st = JA_OK;

    while (st == JA_OK && n == GRANTS_BATCH) {
        st = grants_batch(ctx, &n, err);
        *total += (int64_t)n;
    }
    return st;
}
