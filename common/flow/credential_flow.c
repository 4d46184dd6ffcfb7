/* Passwords: set, changed, expired, checked. */
#include "common/domain/password_hash.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <string.h>

/* The hash was computed outside the transaction: is the password still the one that it was compared
 * with? Otherwise somebody who knew the old one could undo what an administrator set meanwhile. */
static enum ja_status still_current(struct ja_ctx *ctx, const char *id, const char *old_hash,
                                    struct ja_error *err)
{
    struct ja_user now = {0};
    enum ja_status st = ja_user_find_by_id(ctx, id, &now, err);

    if (st == JA_OK && ((old_hash && !now.password_hash) || (!old_hash && now.password_hash) ||
                        (old_hash && strcmp(old_hash, now.password_hash) != 0)))
        st = ja_fail(err, JA_ERR_CONFLICT, "password_changed",
                     "the password was changed by somebody else meanwhile: try again");
    ja_user_clear(&now);
    return st;
}

struct replacement {
    const char *action, *reason; /* audit log, revoked sessions */
    const char *keep_session;
    bool must_change;
    bool compare;                /* only when nobody changed it meanwhile */
    bool proven;                 /* by who knew the old one: that is the right to change it */
};

static enum ja_status write_password(struct ja_ctx *ctx, const struct ja_user *u,
                                     const char *old_hash, const struct replacement *r,
                                     struct ja_error *err)
{
    json_t *detail = NULL;
    struct ja_cut cut = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK && !r->proven)
        st = ja_caller_may(ctx, u, JA_MAY_CHANGE, err);
    if (st == JA_OK)
        st = r->compare ? still_current(ctx, u->id, old_hash, err) : JA_OK;
    if (st == JA_OK)
        st = ja_user_set_password(ctx, u->id, u->password_hash, r->must_change, err);
    if (st == JA_OK)
        st = ja_account_cut(ctx, u->id, r->keep_session, r->reason, &cut, err);
    if (st == JA_OK) {
        detail = json_pack("{s:I,s:b}", "sessions", (json_int_t)cut.sessions, "must_change",
                           r->must_change);
        st = detail ? ja_account_audit(ctx, r->action, u->username, detail, err)
                    : ja_fail_nomem(err);
    }
    if (st == JA_OK) /* if it was not the user, only the user can say so */
        st = ja_letter_notice(ctx, u, "password_changed", err);
    return ja_tx_end(ctx, st, err);
}

static enum ja_status replace_password(struct ja_ctx *ctx, const char *name,
                                       const struct ja_secret *pw, const struct replacement *r,
                                       struct ja_policy_report *report, struct ja_error *err)
{
    struct ja_user u = {0};
    char *old_hash = NULL;
    enum ja_status st = r->proven ? ja_user_find(ctx, name, &u, err) : ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err);

    if (st == JA_OK && u.password_hash) {
        old_hash = strdup(u.password_hash);
        if (!old_hash)
            st = ja_fail_nomem(err);
    }
    if (st == JA_OK)
        st = ja_account_hash_password(ctx, pw, &u, report, err);
    if (st == JA_OK)
        st = write_password(ctx, &u, old_hash, r, err);
    ja_wipe_free(old_hash);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_account_password_set(struct ja_ctx *ctx, const char *name,
                                       const struct ja_secret *pw, bool must_change,
                                       struct ja_policy_report *report, struct ja_error *err)
{
    const struct replacement r = {"password.set", "password_set", NULL, must_change, false, false};

    return replace_password(ctx, name, pw, &r, report, err);
}

enum ja_status ja_account_password_change(struct ja_ctx *ctx, const char *name,
                                          const struct ja_secret *pw, const char *keep_session,
                                          struct ja_policy_report *report, struct ja_error *err)
{
    const struct replacement r = {"password.change", "password_changed", keep_session, false, true, true};

    return replace_password(ctx, name, pw, &r, report, err);
}

enum ja_status ja_account_password_expire(struct ja_ctx *ctx, const char *name,
                                          struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err);
    if (st == JA_OK && !u.password_hash)
        st = ja_fail(err, JA_ERR_CONFLICT, "no_password", "%s has no password that could expire",
                     u.username);
    if (st == JA_OK)
        st = ja_user_set_must_change(ctx, u.id, true, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "password.expire", u.username, NULL, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_account_password_check(struct ja_ctx *ctx, const char *name,
                                         const struct ja_secret *pw,
                                         struct ja_policy_report *report, struct ja_error *err)
{
    struct ja_policy_subject subject = {.mfa_enforced = ctx->cfg->mfa.policy == JA_MFA_REQUIRED};
    struct ja_user u = {0};
    /* it tells whether a word is the user's password: not for who could not set another */
    enum ja_status st = name ? ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err) : JA_OK;

    if (st == JA_OK && name) {
        subject.user_id = u.id;
        subject.username = u.username;
        subject.email = u.email;
        subject.full_name = u.full_name;
        subject.current_hash = u.password_hash;
    }
    if (st == JA_OK)
        st = ja_password_policy_check(ctx, &subject, pw->data, pw->len, report, err);
    ja_user_clear(&u);
    return st;
}
