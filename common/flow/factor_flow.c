/* The second factor: one-time codes and recovery codes. */
#include "common/domain/remembered_factor.h"
#include "common/domain/throttle.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <stdio.h>

static enum ja_status find_person(struct ja_ctx *ctx, const char *name, struct ja_user *ret,
                                  struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_FURNISH, &u, err);

    if (st == JA_OK && u.kind != JA_USER_PERSON)
        st = ja_fail(err, JA_ERR_INVALID, "service_account",
                     "a service account has no second factor");
    if (st == JA_OK)
        *ret = u;
    else
        ja_user_clear(&u);
    return st;
}

enum ja_status ja_account_totp_enroll(struct ja_ctx *ctx, const char *name,
                                      enum ja_totp_algorithm a, int digits, struct ja_totp *ret,
                                      struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_totp t = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = find_person(ctx, name, &u, err);
    if (st == JA_OK)
        st = ja_totp_create(ctx, u.id, a, digits, &t, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "totp.enroll", u.username, NULL, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    if (st == JA_OK)
        *ret = t;
    else
        ja_totp_clear(&t);
    return st;
}

/* The code against the secret as it is inside the transaction, so that no enrolment slips between.
 */
static enum ja_status confirm_code(struct ja_ctx *ctx, const struct ja_user *u, const char *code,
                                   size_t len, struct ja_error *err)
{
    struct ja_totp t = {0};
    int64_t step = 0;
    enum ja_status st = ja_totp_find(ctx, u->id, true, &t, err);

    if (st == JA_OK && t.confirmed_at)
        st = ja_fail(err, JA_ERR_EXISTS, "totp_exists", "the second factor is in force already");
    if (st == JA_OK)
        st = ja_totp_match(&t, ja_totp_window(ctx, &t), ja_now(&ctx->clock), code, len,
                           &step, err);
    /* The step counts as used: the same code is no login (R11). */
    if (st == JA_OK)
        st = ja_totp_set_confirmed(ctx, u->id, step, err);
    ja_totp_clear(&t);
    return st;
}

/* What was refused stays in the log; the refusal itself is `err`. */
static enum ja_status log_refusal(struct ja_ctx *ctx, const struct ja_user *u,
                                  const struct ja_throttle_who *who, struct ja_error *err)
{
    char target[sizeof "user:" + JA_USERNAME_MAX];
    struct ja_error refusal = *err;
    struct ja_audit_event ev = {.action = "totp.confirm", .target = target, .outcome = "failure",
                                .reason = refusal.code};
    enum ja_status st = JA_OK;

    (void)snprintf(target, sizeof target, "user:%s", u->username);
    st = ja_audit_write(ctx, &ev, err);
    if (st == JA_OK)
        st = ja_throttle_judged(ctx, who, err);
    if (st == JA_OK)
        st = ja_throttle_judged_code(ctx, "totp", u->id, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK) {
        *err = refusal;
        st = JA_ERR_DENIED;
    }
    return st;
}

static enum ja_status confirm(struct ja_ctx *ctx, const struct ja_user *u,
                              const struct ja_throttle_who *who, const char *code, size_t len,
                              struct ja_secret *ret_codes, struct ja_error *err)
{
    struct ja_secret codes = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = confirm_code(ctx, u, code, len, err);
    if (st == JA_ERR_DENIED)
        return log_refusal(ctx, u, who, err);
    if (st == JA_OK)
        st = ja_throttle_clear(ctx, who, err);
    if (st == JA_OK)
        st = ja_throttle_clear_code(ctx, "totp", u->id, err);
    if (st == JA_OK)
        st = ja_recovery_regenerate(ctx, u->id, &codes, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "totp.confirm", u->username, NULL, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK)
        *ret_codes = codes;
    else
        ja_secret_clear(&codes);
    return st;
}

/* Counted against the secret too, as at a login. */
static enum ja_status confirm_booked(struct ja_ctx *ctx, const struct ja_user *u,
                                     const struct ja_throttle_who *who, const char *code, size_t len,
                                     struct ja_secret *ret_codes, struct ja_error *err)
{
    enum ja_status st = ja_throttle_book_code(ctx, "totp", u->id, 0, err);

    if (st != JA_OK)
        return st;
    st = confirm(ctx, u, who, code, len, ret_codes, err);
    if (st != JA_OK && st != JA_ERR_DENIED)
        (void)ja_throttle_unbook_code(ctx, "totp", u->id, NULL);
    return st;
}

enum ja_status ja_account_totp_confirm(struct ja_ctx *ctx, const char *name, const char *code,
                                       size_t len, struct ja_secret *ret_codes,
                                       struct ja_error *err)
{
    struct ja_error own = {0};
    struct ja_user u = {0};
    char key[sizeof "totp-confirm:" + JA_UUID_LEN];
    /* A bucket of its own: a confirmed code does not forgive failed logins. */
    struct ja_throttle_who who = {.user_key = key, .source = ctx->actor.source};
    int64_t count = 0;
    enum ja_status st = JA_OK;

    if (!err)
        err = &own;
    st = find_person(ctx, name, &u, err);
    if (st != JA_OK)
        return st;
    (void)snprintf(key, sizeof key, "totp-confirm:%s", u.id);
    st = ja_throttle_book(ctx, &who, &count, err);
    if (st == JA_OK) {
        st = confirm_booked(ctx, &u, &who, code, len, ret_codes, err);
        if (st != JA_OK && st != JA_ERR_DENIED)
            (void)ja_throttle_unbook(ctx, &who, NULL); /* nothing was guessed */
    }
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_account_totp_disable(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    struct ja_user u = {0};
    bool deleted = false;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_caller_find(ctx, name, JA_MAY_FURNISH, &u, err);
    if (st == JA_OK)
        st = ja_totp_delete(ctx, u.id, &deleted, err);
    if (st == JA_OK && !deleted)
        st =
            ja_fail(err, JA_ERR_NOT_FOUND, "totp_not_found", "%s has no second factor", u.username);
    if (st == JA_OK)
        st = ja_recovery_delete(ctx, u.id, err);
    if (st == JA_OK)
        st = ja_remembered_forget(ctx, u.id, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "totp.disable", u.username, NULL, err);
    if (st == JA_OK)
        st = ja_letter_notice(ctx, &u, "mfa_disabled", err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    return st;
}

/* Recovery codes stand in for a second factor: without one there is nothing to stand in for. */
static enum ja_status require_in_force(struct ja_ctx *ctx, const struct ja_user *u,
                                       struct ja_error *err)
{
    struct ja_totp t = {0};
    enum ja_status st = ja_totp_find(ctx, u->id, false, &t, err);

    if (st == JA_OK && !t.confirmed_at)
        st = ja_fail(err, JA_ERR_CONFLICT, "totp_not_confirmed",
                     "the second factor of %s is not in force: confirm it first", u->username);
    ja_totp_clear(&t);
    return st;
}

enum ja_status ja_account_recovery_regenerate(struct ja_ctx *ctx, const char *name,
                                              struct ja_secret *ret_codes, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_secret codes = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = find_person(ctx, name, &u, err);
    if (st == JA_OK)
        st = require_in_force(ctx, &u, err);
    if (st == JA_OK)
        st = ja_recovery_regenerate(ctx, u.id, &codes, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "recovery_codes.regenerate", u.username, NULL, err);
    st = ja_tx_end(ctx, st, err);
    ja_user_clear(&u);
    if (st == JA_OK)
        *ret_codes = codes;
    else
        ja_secret_clear(&codes);
    return st;
}
