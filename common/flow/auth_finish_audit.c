/* The audit rows of logins: who, from where, how, and the true reason of a denial (SECURITY R28). */
#include "common/flow/auth_finish_impl.h"

#include <stdio.h>
#include <string.h>

const char *ja_finish_amr(const struct ja_auth *a)
{
    if (a->token.good && !a->code_ok)
        return a->token.mfa ? "ext mfa" : "ext";
    if (a->token.good)
        return a->recovery ? "ext rc mfa" : "ext otp mfa";
    if (!a->code_ok)
        return a->enrol.confirmed ? "pwd otp mfa" : "pwd";
    return a->recovery ? "pwd rc mfa" : "pwd otp mfa";
}

void ja_finish_source(const struct ja_auth *a, char out[INET6_ADDRSTRLEN])
{
    out[0] = 0;
    if (a->addr.family && !inet_ntop(a->addr.family, a->addr.bytes, out, INET6_ADDRSTRLEN))
        out[0] = 0;
}

#define NAME_HASH_LEN 12 /* enough to tell names apart, and too short to be of use elsewhere */

/* An unknown name may be a password: its keyed hash shows how many there were, not which. */
static json_t *detail_of(const struct ja_auth *a)
{
    const struct login_token *t = &a->token;
    json_t *detail = json_pack("{s:s,s:s*,s:s*}", "amr", a->password_ok ? ja_finish_amr(a) : "", "token_refused",
                               t->refused[0] ? t->refused : NULL, "jti",
                               json_string_value(json_object_get(t->claims, "jti")));

    if (detail && a->spared && json_object_set_new(detail, "code_remembered", json_true()) != 0) {
        json_decref(detail);
        return NULL;
    }
    if (detail && !a->known && a->user_key[0] == '?' &&
        json_object_set_new(detail, "name_hash",
                            json_stringn(a->user_key + 1, strnlen(a->user_key + 1, NAME_HASH_LEN))) != 0) {
        json_decref(detail);
        return NULL;
    }
    return detail;
}

/* Tries that no limit bounds are counted: a row each would let a guesser fill the disk (SECURITY R28). These are
 * the blocked ones, and names that may be another module's. */
static bool unbounded(const struct finish *f)
{
    bool blocked = f->result.reason == JA_REASON_THROTTLED || f->result.reason == JA_REASON_CAPTCHA;

    return (blocked && !f->a->booked) || (!f->a->known && f->a->req.unknown_ignore);
}

static enum ja_status write_audit(struct finish *f, const char *action, const char *outcome,
                                  enum ja_auth_reason reason, struct ja_error *err)
{
    const struct ja_auth *a = f->a;
    char target[JA_AUDIT_TARGET_MAX], source[INET6_ADDRSTRLEN];
    struct ja_ctx *ctx = a->ctx;
    const struct ja_actor actor = ctx->actor;
    json_t *detail = detail_of(a);
    struct ja_audit_event ev = {.action = action, .outcome = outcome, .detail = detail};
    enum ja_status st;

    if (!detail)
        return ja_fail_nomem(err);
    (void)snprintf(target, sizeof target, "user:%s", a->user.username);
    ev.target = a->known ? target : NULL; /* an unknown name may be a password */
    ev.reason = reason == JA_REASON_NONE ? NULL : ja_auth_reason_name(reason);
    ja_finish_source(a, source);
    ctx->actor.source = source[0] ? source : NULL;
    if (a->req.service)
        ctx->actor.service = a->req.service;
    st = unbounded(f) && strcmp(outcome, "success") != 0 ? ja_audit_fold(ctx, &ev, a->bucket, err)
                                                         : ja_audit_write(ctx, &ev, err);
    ctx->actor = actor;
    json_decref(detail);
    return st;
}

enum ja_status ja_finish_audit_login(struct finish *f, const char *action, struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_status st = write_audit(f, action, "success", JA_REASON_NONE, &local);

    if (st == JA_OK)
        return JA_OK;
    if (f->a->ctx->cfg->log.audit_fail_deny) {
        if (err)
            *err = local;
        return st;
    }
    ja_log_write(&f->a->ctx->log, LOG_ERR, "a login goes on without its audit row: %s", local.message);
    return JA_OK;
}

const char *ja_finish_action(enum fruit fruit)
{
    return fruit == FRUIT_PROOF ? "password.verify" : "login";
}

void ja_finish_record_denial(struct finish *f)
{
    struct ja_ctx *ctx = f->a->ctx;
    struct ja_error err = {0};
    enum ja_status st;

    if (unbounded(f))
        ja_log_write(&ctx->log, LOG_INFO, "a login was denied: %s",
                     ja_auth_reason_name(f->result.reason));
    st = ja_db_begin(ctx->db, &err);
    if (st == JA_OK)
        st = write_audit(f, ja_finish_action(f->fruit), "denied", f->result.reason, &err);
    if (st == JA_OK && f->a->booked)
        st = ja_throttle_judged(ctx, &f->a->who, &err);
    if (st == JA_OK && f->a->code_booked)
        st = ja_throttle_judged_code(ctx, ja_auth_code_kind(f->a), f->a->user_key, &err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, &err);
    if (st != JA_OK) {
        ja_db_rollback(ctx->db);
        ja_log_write(&ctx->log, LOG_ERR, "a denied login left no audit row: %s", err.message);
    }
}
