#include "common/flow/key_flow.h"

#include "common/domain/audit.h"
#include "common/domain/permission.h"
#include "common/flow/account_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ja_status audit_key(struct ja_ctx *ctx, const char *action, const char *kid,
                                enum ja_alg alg, struct ja_error *err)
{
    char target[sizeof "key:" + JA_KID_LEN];
    json_t *detail = json_pack("{s:s}", "alg", ja_alg_name(alg));
    struct ja_audit_event ev = {
        .action = action, .target = target, .outcome = "success", .detail = detail};
    enum ja_status st;

    if (!detail)
        return ja_fail_nomem(err);
    (void)snprintf(target, sizeof target, "key:%s", kid);
    st = ja_audit_write(ctx, &ev, err);
    json_decref(detail);
    return st;
}

static enum ja_status may_write(struct ja_ctx *ctx, struct ja_error *err)
{
    return ja_permit(ctx, "keys:write", NULL, err);
}

/* What is there, seen in one pass. */
struct overview {
    struct ja_key_info active, next; /* kid "" when there is none; next: the oldest */
};

static enum ja_status look(void *arg, const struct ja_key_info *info)
{
    struct overview *o = arg;

    if (strcmp(info->state, "active") == 0)
        o->active = *info;
    else if (strcmp(info->state, "next") == 0 && !o->next.kid[0])
        o->next = *info;
    return JA_OK;
}

/* A new key that the independent library accepts. Slow (RSA): never in a transaction. */
static enum ja_status make_key(enum ja_alg alg, struct ja_key **ret, struct ja_error *err)
{
    struct ja_key *key = NULL;
    enum ja_status st = ja_key_generate(alg, &key, err);

    if (st == JA_OK)
        st = ja_libjwt_cross_check(key, err);
    if (st != JA_OK)
        ja_key_free(key);
    else
        *ret = key;
    return st;
}

/* The next key is of another algorithm, or missing: one that becomes active at once takes its place. */
static enum ja_status replace_next(struct ja_ctx *ctx, const struct overview *o, struct ja_key *key,
                                   struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (o->next.kid[0])
        st = ja_signing_key_set_retired(ctx, o->next.kid, err);
    return st == JA_OK ? ja_signing_key_insert(ctx, key, "next", err) : st;
}

/* Under the lock: what was planned still fits what is there. */
static enum ja_status check_unchanged(struct ja_ctx *ctx, const struct overview *o, struct ja_error *err)
{
    struct overview seen = {0};
    enum ja_status st = ja_signing_key_each(ctx, look, &seen, err);

    if (st == JA_OK && (strcmp(seen.active.kid, o->active.kid) != 0 ||
                        strcmp(seen.next.kid, o->next.kid) != 0))
        st = ja_fail(err, JA_ERR_CONFLICT, "keys_changed",
                     "somebody else changed the signing keys meanwhile: look at authctl key list");
    return st;
}

static enum ja_status write_rotation(struct ja_ctx *ctx, const struct overview *o, struct ja_key *now,
                                     struct ja_key *next, struct ja_key_info *ret,
                                     struct ja_error *err)
{
    struct overview after = {0};
    int expired = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = check_unchanged(ctx, o, err);
    if (st == JA_OK)
        st = now ? replace_next(ctx, o, now, err) : JA_OK;
    if (st == JA_OK)
        st = ja_signing_key_promote(ctx, err);
    if (st == JA_OK)
        st = ja_signing_key_insert(ctx, next, "next", err);
    if (st == JA_OK)
        st = ja_signing_key_expire(ctx, &expired, err);
    if (st == JA_OK)
        st = ja_signing_key_each(ctx, look, &after, err);
    if (st == JA_OK)
        st = audit_key(ctx, "key.rotate", after.active.kid, after.active.alg, err);
    st = ja_tx_end(ctx, st, err);
    ja_keyring_drop(ctx);
    if (st == JA_OK)
        *ret = after.active;
    return st;
}

static bool is_due(const struct ja_ctx *ctx, const struct overview *o)
{
    return !o->active.kid[0] ||
           o->active.active_at + ctx->cfg->tokens.rotate_every <= ja_now(&ctx->clock);
}

/* Even when no rotation is due, what has ended is retired. */
static enum ja_status only_expire(struct ja_ctx *ctx, struct ja_error *err)
{
    int n = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_signing_key_expire(ctx, &n, err);
    return ja_tx_end(ctx, st, err);
}

static enum ja_status rotated_by_other(struct ja_ctx *ctx, bool *ret_rotated,
                                       struct ja_key_info *ret_active, struct ja_error *err)
{
    struct overview o = {0};
    enum ja_status st = ja_signing_key_each(ctx, look, &o, err);

    if (st == JA_OK) {
        *ret_rotated = false;
        *ret_active = o.active;
    }
    return st;
}

enum ja_status ja_key_rotate(struct ja_ctx *ctx, enum ja_alg alg, bool if_due, bool *ret_rotated,
                             struct ja_key_info *ret_active, struct ja_error *err)
{
    enum ja_alg wanted = alg != JA_ALG_NONE ? alg : (enum ja_alg)ctx->cfg->tokens.algorithm;
    struct overview o = {0};
    struct ja_key *now = NULL, *next = NULL;
    enum ja_status st = may_write(ctx, err);

    if (st == JA_OK)
        st = ja_signing_key_each(ctx, look, &o, err);
    if (st != JA_OK)
        return st;
    if (if_due && !is_due(ctx, &o)) {
        st = only_expire(ctx, err);
        if (st == JA_OK) {
            *ret_rotated = false;
            *ret_active = o.active;
        }
        return st;
    }
    if (!o.next.kid[0] || o.next.alg != wanted)
        st = make_key(wanted, &now, err);
    if (st == JA_OK)
        st = make_key(wanted, &next, err);
    if (st == JA_OK)
        st = write_rotation(ctx, &o, now, next, ret_active, err);
    ja_key_free(now);
    ja_key_free(next);
    if (st == JA_ERR_CONFLICT && if_due) /* two timers at once: one rotation is enough */
        return rotated_by_other(ctx, ret_rotated, ret_active, err);
    if (st == JA_OK)
        *ret_rotated = true;
    return st;
}

enum ja_status ja_key_retire(struct ja_ctx *ctx, const char *kid, struct ja_error *err)
{
    struct ja_key_info info;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = may_write(ctx, err);
    if (st == JA_OK)
        st = ja_signing_key_info(ctx, kid, &info, err);
    if (st == JA_OK && strcmp(info.state, "active") == 0)
        st = ja_fail(err, JA_ERR_CONFLICT, "last_key",
                     "this is the active key: authctl key rotate first puts another in its place");
    if (st == JA_OK && strcmp(info.state, "retired") == 0)
        st = ja_fail(err, JA_ERR_CONFLICT, "already_retired", "the key is retired already");
    if (st == JA_OK)
        st = ja_signing_key_set_retired(ctx, kid, err);
    if (st == JA_OK)
        st = audit_key(ctx, "key.retire", kid, info.alg, err);
    return ja_tx_end(ctx, st, err);
}

/* It takes the place of a next key that has signed nothing yet. */
static enum ja_status write_import(struct ja_ctx *ctx, struct ja_key *key, struct ja_key_info *ret,
                                   struct ja_error *err)
{
    const char *kid = ja_key_kid(key);
    struct overview o = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_signing_key_each(ctx, look, &o, err);
    if (st == JA_OK && o.next.kid[0] && strcmp(o.next.kid, kid) != 0)
        st = ja_signing_key_set_retired(ctx, o.next.kid, err);
    if (st == JA_OK)
        st = ja_signing_key_insert(ctx, key, "next", err);
    if (st == JA_OK)
        st = ja_signing_key_info(ctx, kid, ret, err);
    if (st == JA_OK)
        st = audit_key(ctx, "key.import", kid, ja_key_alg(key), err);
    return ja_tx_end(ctx, st, err);
}

/* Under its thumbprint, whatever kid the file gave it: ours are thumbprints. */
static enum ja_status as_stored(struct ja_key *given, struct ja_key **ret, struct ja_error *err)
{
    unsigned char *pub = NULL;
    size_t pub_len = 0;
    struct ja_secret priv = {0};
    enum ja_status st = ja_key_to_stored(given, &pub, &pub_len, &priv, err);

    if (st == JA_OK)
        st = ja_key_from_stored(ja_key_alg(given), pub, pub_len, priv.data, priv.len, ret, err);
    free(pub);
    ja_secret_clear(&priv);
    return st;
}

enum ja_status ja_key_import(struct ja_ctx *ctx, const struct ja_secret *text, enum ja_alg alg,
                             struct ja_key_info *ret, struct ja_error *err)
{
    struct ja_key *given = NULL, *key = NULL;
    enum ja_status st = may_write(ctx, err);

    if (st == JA_OK)
        st = ja_key_from_file_text(text, alg, &given, err);
    if (st == JA_OK && !ja_key_has_private(given))
        st = ja_fail(err, JA_ERR_INVALID, "no_private_key",
                     "the file holds a public key only: a signing key needs its private part");
    if (st == JA_OK)
        st = as_stored(given, &key, err);
    if (st == JA_OK)
        st = ja_libjwt_cross_check(key, err);
    if (st == JA_OK)
        st = write_import(ctx, key, ret, err);
    ja_key_free(given);
    ja_key_free(key);
    return st;
}
