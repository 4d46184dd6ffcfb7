#include "common/flow/session_flow.h"

#include "common/domain/signing_key.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"
#include "common/flow/session_internal.h"

#include <stdio.h>
#include <string.h>

static enum ja_status ended(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, "session_ended", "the session has ended");
}

static enum ja_status audit_session(struct ja_ctx *ctx, const char *action, const char *outcome,
                                    const char *reason, const struct ja_session *s,
                                    struct ja_error *err)
{
    char target[sizeof "user:" + JA_USERNAME_MAX];
    json_t *detail = json_pack("{s:s, s:s, s:s}", "session", s->id, "service", s->service, "amr",
                               s->amr);
    struct ja_audit_event ev = {
        .action = action, .target = target, .outcome = outcome, .reason = reason, .detail = detail};
    enum ja_status st = JA_OK;

    if (!detail)
        return ja_fail_nomem(err);
    (void)snprintf(target, sizeof target, "user:%s", s->username);
    st = ja_audit_write(ctx, &ev, err);
    json_decref(detail);
    return st;
}

/* Whose it is has to be the caller's own account, or one whose sessions it may end. */
static enum ja_status may_end(struct ja_ctx *ctx, const struct ja_session *s, struct ja_error *err)
{
    struct ja_user u = {0};

    (void)snprintf(u.id, sizeof u.id, "%s", s->user_id);
    (void)snprintf(u.username, sizeof u.username, "%s", s->username);
    return ja_caller_may(ctx, &u, JA_MAY_END_SESSIONS, err);
}

static enum ja_status close_session(struct ja_ctx *ctx, const char *session_id, const char *reason, bool held,
                                    bool *ret_ended, struct ja_error *err)
{
    struct ja_session s = {0};
    bool now_ended = false;
    enum ja_status st = ja_db_begin(ctx->db, err), may;

    if (st != JA_OK)
        return st;
    st = ja_session_find(ctx, session_id, &s, err);
    if (!held) {
        may = st == JA_OK ? may_end(ctx, &s, err) : ja_permit(ctx, "sessions:write", NULL, err);
        st = may == JA_OK ? st : may;
    }
    if (st == JA_OK)
        st = ja_session_revoke(ctx, session_id, reason, &now_ended, err);
    if (st == JA_OK && now_ended)
        st = audit_session(ctx, "session.close", "success", reason, &s, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK && ret_ended)
        *ret_ended = now_ended;
    ja_session_clear(&s);
    return st;
}

enum ja_status ja_session_close(struct ja_ctx *ctx, const char *session_id, const char *reason,
                                bool *ret_ended, struct ja_error *err)
{
    return close_session(ctx, session_id, reason, false, ret_ended, err);
}

enum ja_status ja_session_close_held(struct ja_ctx *ctx, const char *session_id, const char *reason,
                                     bool *ret_ended, struct ja_error *err)
{
    return close_session(ctx, session_id, reason, true, ret_ended, err);
}

enum ja_status ja_session_close_user(struct ja_ctx *ctx, const char *user_id, const char *reason,
                                     int64_t *ret_count, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_cut cut = {0};
    enum ja_status st = ja_db_begin(ctx->db, err), may;

    if (st != JA_OK)
        return st;
    st = ja_user_find_by_id(ctx, user_id, &u, err);
    may = st == JA_OK ? ja_caller_may(ctx, &u, JA_MAY_END_SESSIONS, err) : ja_permit(ctx, "sessions:write", NULL, err);
    st = may == JA_OK ? st : may;
    if (st == JA_OK)
        st = ja_account_cut(ctx, user_id, NULL, reason, &cut, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "session.close_all", u.username,
                              json_pack("{s:I}", "sessions", (json_int_t)cut.sessions), err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK && ret_count)
        *ret_count = cut.sessions;
    ja_user_clear(&u);
    return st;
}

/* ---- refresh ---- */

/* Who may go on: active, in time, and with a password that counts (an administrator's `password
 * expire` ends refreshing until it is changed). */
static enum ja_status check_user(struct ja_ctx *ctx, const char *user_id, struct ja_user *ret,
                                 struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find_by_id(ctx, user_id, &u, err);

    if (st != JA_OK && st != JA_ERR_NOT_FOUND)
        return st;
    if (st == JA_OK && ja_user_live(&u, ja_now(&ctx->clock)) && !(u.must_change && u.password_hash)) {
        *ret = u;
        return JA_OK;
    }
    ja_user_clear(&u);
    return ja_fail(err, JA_ERR_DENIED, "user_inactive",
                   "the account is not active, or its password has to be changed");
}

static int64_t idle_end(const struct ja_ctx *ctx, const struct ja_session *s)
{
    int64_t end = ja_now(&ctx->clock) + ctx->cfg->tokens.refresh_idle;

    return end < s->ends_at ? end : s->ends_at;
}

/* No access token outlives its session. */
static int64_t capped_ttl(const struct ja_ctx *ctx, const struct ja_session *s, int64_t ttl)
{
    int64_t left = s->ends_at - ja_now(&ctx->clock);

    return left < ttl ? left : ttl;
}

enum ja_status ja_session_mint(struct ja_ctx *ctx, const struct ja_user *u, const struct ja_session *s, int64_t ttl,
                               struct ja_minted *ret, struct ja_error *err)
{
    struct ja_mint mint = {
        .user = u,
        .session_id = s->id,
        .audience = s->audience && s->audience[0] ? s->audience : NULL,
        .amr = s->amr,
        .auth_time = s->auth_time,
        .ttl = capped_ttl(ctx, s, ttl),
    };

    return ja_token_mint(ctx, &mint, ret, err);
}

enum ja_status ja_session_look_again(struct ja_ctx *ctx, const char *session_id, struct ja_session *ret_session,
                                     struct ja_user *ret_user, struct ja_error *err)
{
    struct ja_session s = {0};
    enum ja_status st = ja_session_find(ctx, session_id, &s, err);

    if (st == JA_OK && !ja_session_live(&s, ja_now(&ctx->clock)))
        st = ended(err);
    if (st == JA_OK)
        st = check_user(ctx, s.user_id, ret_user, err);
    if (st == JA_OK)
        *ret_session = s;
    else
        ja_session_clear(&s);
    return st;
}

static enum ja_status go_on(struct ja_ctx *ctx, const char *session_id, struct ja_auth_tokens *t,
                            struct ja_error *err)
{
    enum ja_status st = ja_session_look_again(ctx, session_id, &t->session, &t->user, err);

    if (st == JA_OK)
        st = ja_session_touch(ctx, session_id, idle_end(ctx, &t->session), err);
    if (st == JA_OK)
        st = ja_session_mint(ctx, &t->user, &t->session, ctx->cfg->tokens.access_ttl, &t->access, err);
    return st == JA_OK ? audit_session(ctx, "session.refresh", "success", NULL, &t->session, err)
                       : st;
}

/* A used token again: thief or owner, nobody can tell, so the whole family ends (RFC 9700 section
 * 4.14.2). In the transaction that is committed before the refusal. */
static enum ja_status end_reused(struct ja_ctx *ctx, const char *session_id, struct ja_error *err)
{
    struct ja_session s = {0};
    enum ja_status st = ja_session_find(ctx, session_id, &s, err);

    if (st == JA_OK)
        st = ja_session_revoke(ctx, session_id, "refresh_token_reused", NULL, err);
    if (st == JA_OK)
        st = audit_session(ctx, "session.refresh", "denied", "refresh_token_reused", &s, err);
    ja_session_clear(&s);
    return st;
}

enum ja_status ja_session_refresh(struct ja_ctx *ctx, const char *refresh, size_t len,
                                  struct ja_auth_tokens *ret, struct ja_error *err)
{
    struct ja_auth_tokens t = {0};
    enum ja_refresh_use use = JA_REFRESH_REUSED;
    char session_id[JA_UUID_LEN + 1] = "";
    enum ja_status st = ja_keyring_require(ctx, err); /* reads: before the transaction */

    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = ja_refresh_use(ctx, refresh, len, ja_now(&ctx->clock) + ctx->cfg->tokens.refresh_idle,
                        &use, session_id, &t.refresh, err);
    if (st == JA_OK)
        st = use == JA_REFRESH_REUSED ? end_reused(ctx, session_id, err)
                                      : go_on(ctx, session_id, &t, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK && use == JA_REFRESH_REUSED)
        st = ja_fail(err, JA_ERR_DENIED, "refresh_token_reused",
                     "refresh token was used before: the session has been ended");
    if (st != JA_OK)
        ja_auth_tokens_clear(&t);
    else
        *ret = t;
    return st;
}

/* ---- logout ---- */

static const char *text_claim(const json_t *claims, const char *name)
{
    const char *s = json_string_value(json_object_get(claims, name));

    return s ? s : "";
}

static enum ja_status revoke_alone(struct ja_ctx *ctx, const json_t *claims, bool *ret_ended,
                                   struct ja_error *err)
{
    struct ja_audit_event ev = {.action = "token.revoke", .outcome = "success"};
    const json_t *exp = json_object_get(claims, "exp");
    const char *jti = text_claim(claims, "jti");
    enum ja_status st = JA_OK;

    if (!ja_uuid_valid(jti) || !json_is_number(exp))
        return ja_fail(err, JA_ERR_DENIED, "invalid_claim", "the token has no jti or exp");
    st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = ja_token_revoke_jti(ctx, jti, (int64_t)json_number_value(exp), err);
    if (st == JA_OK)
        st = ja_audit_write(ctx, &ev, err);
    st = ja_tx_end(ctx, st, err);
    if (st == JA_OK && ret_ended)
        *ret_ended = true;
    return st;
}

/* The signature alone is checked by ja_token_verify, so that a token past its end still ends its
 * session; that it is an access token of this issuer is checked here. */
static enum ja_status logout_access(struct ja_ctx *ctx, const char *token, size_t len,
                                    bool *ret_ended, struct ja_error *err)
{
    struct ja_token_check check = {.signature_only = true};
    json_t *claims = NULL;
    const char *sid = NULL;
    enum ja_status st = ja_token_verify(ctx, token, len, &check, true, &claims, err);

    if (st != JA_OK)
        return st;
    sid = text_claim(claims, "sid");
    if (strcmp(text_claim(claims, "token_use"), "access") != 0)
        st = ja_fail(err, JA_ERR_DENIED, "wrong_type", "the token is no access token");
    else if (strcmp(text_claim(claims, "iss"), ctx->cfg->tokens.issuer) != 0)
        st = ja_fail(err, JA_ERR_DENIED, "wrong_issuer", "the token is of another issuer");
    else if (sid[0])
        st = ja_session_close_held(ctx, sid, "logout", ret_ended, err);
    else
        st = revoke_alone(ctx, claims, ret_ended, err);
    json_decref(claims);
    return st;
}

enum ja_status ja_session_logout(struct ja_ctx *ctx, const char *token, size_t len, bool *ret_ended,
                                 struct ja_error *err)
{
    char session_id[JA_UUID_LEN + 1] = "";
    enum ja_status st = JA_OK;

    if (token && memchr(token, '.', len)) /* a JWS has dots, base64url has none */
        return logout_access(ctx, token, len, ret_ended, err);
    st = ja_refresh_session(ctx, token, len, session_id, err);
    return st == JA_OK ? ja_session_close_held(ctx, session_id, "logout", ret_ended, err) : st;
}
