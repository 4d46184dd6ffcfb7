/* Tokens by an administrator: issue and revoke. */
#include "common/domain/permission.h"
#include "common/domain/role.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"
#include "common/flow/session_flow.h"

#include <string.h>

static enum ja_status write_issue(struct ja_ctx *ctx, const struct ja_user *user,
                                  const struct ja_mint *mint, const struct ja_minted *m,
                                  struct ja_error *err)
{
    json_t *detail = json_pack("{s:s,s:s,s:s,s:I}", "jti", m->jti, "aud",
                               mint->audience ? mint->audience : ctx->cfg->tokens.audience, "scope",
                               mint->scope ? mint->scope : "", "exp", (json_int_t)m->exp);
    enum ja_status st = detail ? ja_db_begin(ctx->db, err) : ja_fail_nomem(err);

    if (st != JA_OK) {
        json_decref(detail);
        return st;
    }
    st = ja_account_audit(ctx, "token.issue", user->username, detail, err);
    return ja_tx_end(ctx, st, err);
}

/* RFC 6749 section 3.3: printable ASCII without quote and backslash, words with one blank between. */
static bool scope_valid(const char *scope)
{
    size_t len = strlen(scope);

    if (len == 0 || len > 1024 || scope[0] == ' ' || scope[len - 1] == ' ' || strstr(scope, "  "))
        return false;
    for (; *scope; scope++)
        if (*scope < 0x20 || *scope > 0x7e || *scope == '"' || *scope == '\\')
            return false;
    return true;
}

static enum ja_status check_texts(const char *audience, const char *scope, struct ja_error *err)
{
    if (audience && (!*audience || !ja_text_valid(audience, JA_TEXT_MAX)))
        return ja_fail(err, JA_ERR_INVALID, "invalid_audience",
                       "an audience is 1 to %d bytes of text without control characters", JA_TEXT_MAX);
    if (scope && !scope_valid(scope))
        return ja_fail(err, JA_ERR_INVALID, "invalid_scope",
                       "a scope is printable words like invoices:read with one blank between");
    return JA_OK;
}

/* Never more than held (DESIGN section 5). */
static enum ja_status check_held(struct ja_ctx *ctx, const struct ja_user *user, const char *scope,
                                 struct ja_error *err)
{
    struct ja_strlist held = {0};
    enum ja_status st = scope ? ja_role_permissions(ctx, user->id, &held, err) : JA_OK;

    while (st == JA_OK && scope && *scope) {
        size_t len = strcspn(scope, " ");
        bool ok = false;

        for (size_t i = 0; !ok && i < held.len; i++)
            ok = ja_permission_implies(held.items[i], scope, len);
        if (!ok)
            st = ja_fail(err, JA_ERR_DENIED, "scope_not_held", "no role of %s permits %.*s",
                         user->username, (int)(len < 128 ? len : 128), scope);
        scope += len + (scope[len] == ' ');
    }
    ja_strlist_clear(&held);
    return st;
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
    enum ja_status st = check_texts(audience, scope, err);

    if (st == JA_OK)
        st = ja_caller_find(ctx, username, JA_MAY_ISSUE, &user, err);
    if (st == JA_OK)
        st = check_active(ctx, &user, err);
    if (st == JA_OK)
        st = check_held(ctx, &user, scope, err);
    if (st == JA_OK)
        st = ja_token_mint(ctx, &mint, &m, err);
    if (st == JA_OK)
        st = write_issue(ctx, &user, &mint, &m, err);
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
