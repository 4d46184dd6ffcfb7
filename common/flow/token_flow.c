/* Tokens by an administrator: issue and revoke. */
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"
#include "common/flow/session_flow.h"
#include "common/flow/token_scope.h"

#include <string.h>

enum ja_status ja_token_note_issue(struct ja_ctx *ctx, const struct ja_mint *mint, const struct ja_minted *m,
                                   const char *by, const char *by_id, struct ja_error *err)
{
    json_t *detail = json_pack("{s:s,s:s,s:s,s:I,s:s*}", "jti", m->jti, "aud",
                               mint->audience ? mint->audience : ctx->cfg->tokens.audience, "scope",
                               mint->scope ? mint->scope : "", "exp", (json_int_t)m->exp, "by", by);
    enum ja_status st = JA_OK;

    if (detail && by_id && json_object_set_new(detail, by, json_string(by_id)) != 0) {
        json_decref(detail);
        detail = NULL;
    }
    st = detail ? ja_db_begin(ctx->db, err) : ja_fail_nomem(err);
    if (st != JA_OK) {
        json_decref(detail);
        return st;
    }
    st = ja_account_audit(ctx, "token.issue", mint->user->username, detail, err);
    return ja_tx_end(ctx, st, err);
}

static enum ja_status check_active(const struct ja_ctx *ctx, const struct ja_user *user,
                                   struct ja_error *err)
{
    bool over = user->valid_until && user->valid_until <= ja_now(&ctx->clock);

    if (user->status == JA_USER_ACTIVE && !over)
        return JA_OK;
    return ja_fail(err, JA_ERR_CONFLICT, "user_inactive", "%s is %s: no token is issued",
                   user->username, over ? "past its end" : ja_user_status_name(user->status));
}

enum ja_status ja_token_issue(struct ja_ctx *ctx, const char *username, const char *audience,
                              const char *scope, int64_t ttl, struct ja_minted *ret,
                              struct ja_error *err)
{
    struct ja_user user = {0};
    struct ja_minted m = {0};
    struct ja_mint mint = {.user = &user, .audience = audience, .scope = scope, .ttl = ttl};
    enum ja_status st = ja_token_check_texts(audience, scope, err);

    if (st == JA_OK)
        st = ja_caller_find(ctx, username, JA_MAY_ISSUE, &user, err);
    if (st == JA_OK)
        st = check_active(ctx, &user, err);
    if (st == JA_OK)
        st = ja_scope_check_held(ctx, &user, scope, err);
    if (st == JA_OK)
        st = ja_token_mint(ctx, &mint, &m, err);
    if (st == JA_OK)
        st = ja_token_note_issue(ctx, &mint, &m, NULL, NULL, err);
    ja_user_clear(&user);
    if (st != JA_OK)
        ja_minted_clear(&m);
    else
        *ret = m;
    return st;
}

/* ---- revoke (RFC 7009) ---- */

static enum ja_status revoke_claims(struct ja_ctx *ctx, const json_t *claims, struct ja_error *err)
{
    const char *jti = json_string_value(json_object_get(claims, "jti"));
    const char *name = json_string_value(json_object_get(claims, "preferred_username"));
    const json_t *exp = json_object_get(claims, "exp");
    enum ja_status st;

    if (!jti || !ja_uuid_valid(jti) || !json_is_number(exp) || !name || !ja_username_valid(name))
        return ja_fail(err, JA_ERR_INVALID, "invalid_claim", "the token is no access token of this store");
    st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = ja_token_revoke_jti(ctx, jti, (int64_t)json_number_value(exp), err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "token.revoke", name, json_pack("{s:s}", "jti", jti), err);
    return ja_tx_end(ctx, st, err);
}

/* Only what this store has signed is written down: else anybody's text would fill the table. */
static enum ja_status revoke_access(struct ja_ctx *ctx, const char *token, size_t len,
                                    struct ja_error *err)
{
    struct ja_token_check check = {.signature_only = true};
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(ctx, token, len, &check, true, &claims, err);

    if (st == JA_ERR_DENIED)
        return JA_OK; /* RFC 7009 section 2.2: an invalid token is revoked already */
    if (st == JA_OK && claims)
        st = revoke_claims(ctx, claims, err);
    json_decref(claims);
    return st;
}

enum ja_status ja_token_revoke(struct ja_ctx *ctx, const char *token, size_t len, struct ja_error *err)
{
    char session_id[JA_UUID_LEN + 1] = "";
    enum ja_status st;

    if (len > 0 && memchr(token, '.', len))
        return revoke_access(ctx, token, len, err);
    st = ja_refresh_session(ctx, token, len, session_id, err);
    if (st == JA_ERR_DENIED)
        return JA_OK;
    return st == JA_OK ? ja_session_close_held(ctx, session_id, "token_revoked", NULL, err) : st;
}
