#include "common/domain/session.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <stdio.h>

enum ja_status ja_tx_end(struct ja_ctx *ctx, enum ja_status st, struct ja_error *err)
{
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}

enum ja_status ja_account_audit(struct ja_ctx *ctx, const char *action, const char *username,
                                json_t *detail, struct ja_error *err)
{
    char target[sizeof "user:" + JA_USERNAME_MAX];
    struct ja_audit_event ev = {.action = action, .outcome = "success", .detail = detail};
    enum ja_status st = JA_OK;

    (void)snprintf(target, sizeof target, "user:%s", username);
    ev.target = target;
    st = ja_audit_write(ctx, &ev, err);
    json_decref(detail);
    return st;
}

enum ja_status ja_account_cut(struct ja_ctx *ctx, const char *user_id, const char *keep,
                              const char *reason, struct ja_cut *ret, struct ja_error *err)
{
    int64_t sessions = 0;
    enum ja_status st = ja_session_revoke_user(ctx, user_id, keep, reason, &sessions, err);

    if (st == JA_OK)
        st = ja_handle_delete_user(ctx, user_id, keep, err);
    /* iat has whole seconds: one second on, so that tokens of this very second are cut too */
    if (st == JA_OK)
        st = ja_user_cut_tokens(ctx, user_id, ja_now(&ctx->clock) + 1, err);
    if (st == JA_OK && ret) {
        ret->sessions = sessions;
        ret->access_tokens = true;
    }
    return st;
}

static enum ja_status note(json_t *detail, const char *key, int64_t n, struct ja_error *err)
{
    return json_object_set_new(detail, key, json_integer(n)) == 0 ? JA_OK : ja_fail_nomem(err);
}

enum ja_status ja_account_close(struct ja_ctx *ctx, const char *user_id, const char *reason, json_t *detail,
                                struct ja_cut *ret, struct ja_error *err)
{
    enum ja_status st = ja_lock_reach(ctx, user_id, &ret->reach, err);

    if (st == JA_OK)
        st = ja_account_cut(ctx, user_id, NULL, reason, ret, err);
    if (st == JA_OK)
        st = note(detail, "sessions", ret->sessions, err);
    if (st == JA_OK)
        st = note(detail, "refresh_tokens", ret->reach.refresh_tokens, err);
    if (st == JA_OK)
        st = note(detail, "ssh_keys", ret->reach.ssh_keys, err);
    return st == JA_OK ? note(detail, "api_keys", ret->reach.api_keys, err) : st;
}

/* One change of state with its audit row; `change` gets the user as it is inside the transaction. */
typedef enum ja_status (*change_fn)(struct ja_ctx *ctx, const struct ja_user *u, void *arg,
                                    json_t *detail, struct ja_error *err);

static enum ja_status change_state(struct ja_ctx *ctx, const char *name, const char *action,
                                   change_fn change, void *arg, int64_t *ret_uid,
                                   struct ja_error *err)
{
    struct ja_user u = {0};
    json_t *detail = NULL;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    detail = json_object();
    st = detail ? ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err) : ja_fail_nomem(err);
    if (st == JA_OK)
        st = change(ctx, &u, arg, detail, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, action, u.username, json_incref(detail), err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK)
        *ret_uid = u.uid;
    json_decref(detail);
    ja_user_clear(&u);
    return st;
}

struct lock_args {
    int64_t at;
    struct ja_cut cut;
};

static enum ja_status do_lock(struct ja_ctx *ctx, const struct ja_user *u, void *arg,
                              json_t *detail, struct ja_error *err)
{
    struct lock_args *args = arg;
    enum ja_status st = ja_admin_may_end(ctx, u->id, args->at, err);

    if (st == JA_OK && args->at > ja_now(&ctx->clock)) {
        st = ja_user_set_lock_at(ctx, u->id, args->at, err);
        return st == JA_OK ? note(detail, "at", args->at, err) : st;
    }
    if (st == JA_OK)
        st = ja_user_set_status(ctx, u->id, JA_USER_LOCKED, err);
    return st == JA_OK ? ja_account_close(ctx, u->id, "user_locked", detail, &args->cut, err) : st;
}

enum ja_status ja_account_lock(struct ja_ctx *ctx, const char *name, int64_t at, struct ja_cut *ret,
                               struct ja_error *err)
{
    struct lock_args args = {.at = at};
    bool later = at > ja_now(&ctx->clock);
    int64_t uid = 0;
    enum ja_status st = change_state(ctx, name, "user.lock", do_lock, &args, &uid, err);

    if (st != JA_OK)
        return st;
    if (!later)
        ja_logind_end(ctx, uid, &args.cut);
    if (ret)
        *ret = args.cut;
    return JA_OK;
}

static enum ja_status do_unlock(struct ja_ctx *ctx, const struct ja_user *u, void *arg,
                                json_t *detail, struct ja_error *err)
{
    enum ja_user_status after = JA_USER_LOCKED;
    enum ja_status st = JA_OK;

    (void)arg;
    (void)detail;
    if (u->status != JA_USER_LOCKED && !u->lock_at)
        return ja_fail(err, JA_ERR_CONFLICT, "not_locked", "%s is not locked", u->username);
    if (u->status == JA_USER_DISABLED) /* the lock goes, the disabling stays */
        return ja_user_set_lock_at(ctx, u->id, 0, err);
    st = ja_user_restore_status(ctx, u->id, &after, err);
    /* what lived when a planned lock set in must not come back with the unlock */
    if (st == JA_OK && u->status == JA_USER_LOCKED)
        st = ja_account_cut(ctx, u->id, NULL, "user_locked", NULL, err);
    return st;
}

enum ja_status ja_account_unlock(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    int64_t uid = 0;

    return change_state(ctx, name, "user.unlock", do_unlock, NULL, &uid, err);
}

static enum ja_status do_disable(struct ja_ctx *ctx, const struct ja_user *u, void *arg,
                                 json_t *detail, struct ja_error *err)
{
    struct ja_cut *cut = arg;
    enum ja_status st = ja_admin_may_end(ctx, u->id, 0, err);

    if (st == JA_OK)
        st = ja_user_set_status(ctx, u->id, JA_USER_DISABLED, err);
    return st == JA_OK ? ja_account_close(ctx, u->id, "user_disabled", detail, cut, err) : st;
}

enum ja_status ja_account_disable(struct ja_ctx *ctx, const char *name, struct ja_cut *ret,
                                  struct ja_error *err)
{
    struct ja_cut cut = {0};
    int64_t uid = 0;
    enum ja_status st = change_state(ctx, name, "user.disable", do_disable, &cut, &uid, err);

    if (st != JA_OK)
        return st;
    ja_logind_end(ctx, uid, &cut);
    if (ret)
        *ret = cut;
    return JA_OK;
}

static enum ja_status do_enable(struct ja_ctx *ctx, const struct ja_user *u, void *arg,
                                json_t *detail, struct ja_error *err)
{
    enum ja_user_status after = JA_USER_DISABLED;

    (void)arg;
    (void)detail;
    if (u->status != JA_USER_DISABLED)
        return ja_fail(err, JA_ERR_CONFLICT, "not_disabled", "%s is not disabled", u->username);
    return ja_user_restore_status(ctx, u->id, &after, err);
}

enum ja_status ja_account_enable(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    int64_t uid = 0;

    return change_state(ctx, name, "user.enable", do_enable, NULL, &uid, err);
}
