/* Access tokens: minting (RFC 7519, RFC 9068; DESIGN section 5). */
#include "common/domain/role.h"
#include "common/domain/signing_key.h"
#include "common/domain/token.h"

#include <string.h>

#define PERMISSIONS_MAX 4096 /* bytes of the claim; longer is left out and logged */

static enum ja_status set(json_t *claims, const char *name, json_t *value, struct ja_error *err)
{
    return value && json_object_set_new(claims, name, value) == 0 ? JA_OK : ja_fail_nomem(err);
}

static enum ja_status set_text(json_t *claims, const char *name, const char *text,
                               struct ja_error *err)
{
    return text && *text ? set(claims, name, json_string(text), err) : JA_OK;
}

static enum ja_status set_list(json_t *claims, const char *name, const struct ja_strlist *list,
                               struct ja_error *err)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < list->len; i++)
        if (json_array_append_new(array, json_string(list->items[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return set(claims, name, array, err);
}

/* amr is an array of strings (RFC 8176). */
static enum ja_status set_amr(json_t *claims, const char *amr, struct ja_error *err)
{
    json_t *array = json_array();

    while (array && *amr) {
        size_t n = strcspn(amr, " ");

        if (n > 0 && json_array_append_new(array, json_stringn(amr, n)) != 0) {
            json_decref(array);
            array = NULL;
            break;
        }
        amr += n + (amr[n] == ' ');
    }
    return set(claims, "amr", array, err);
}

static size_t list_bytes(const struct ja_strlist *list)
{
    size_t n = 2;

    for (size_t i = 0; i < list->len; i++)
        n += strlen(list->items[i]) + 3;
    return n;
}

static enum ja_status set_roles(struct ja_ctx *ctx, const struct ja_user *user, json_t *claims,
                                struct ja_error *err)
{
    struct ja_strlist roles = {0}, permissions = {0};
    enum ja_status st = ja_role_effective(ctx, user->id, &roles, err);

    if (st == JA_OK)
        st = set_list(claims, "roles", &roles, err);
    if (st == JA_OK && ctx->cfg->tokens.permissions && roles.len > 0) {
        st = ja_role_permissions(ctx, user->id, &permissions, err);
        if (st == JA_OK && list_bytes(&permissions) > PERMISSIONS_MAX)
            ja_log_write(&ctx->log, LOG_WARNING, "the permissions claim of %s is over %d bytes: left out",
                         user->username, PERMISSIONS_MAX);
        else if (st == JA_OK)
            st = set_list(claims, "permissions", &permissions, err);
    }
    ja_strlist_clear(&roles);
    ja_strlist_clear(&permissions);
    return st;
}

/* For persons only, never for services. */
static enum ja_status set_identity(const struct ja_ctx *ctx, const struct ja_user *user,
                                   json_t *claims, struct ja_error *err)
{
    enum ja_status st;

    if (!ctx->cfg->tokens.identity_claims || user->kind != JA_USER_PERSON)
        return JA_OK;
    st = set_text(claims, "name", user->full_name, err);
    if (st == JA_OK && user->email) {
        st = set_text(claims, "email", user->email, err);
        if (st == JA_OK)
            st = set(claims, "email_verified", json_boolean(user->email_verified_at != 0), err);
    }
    return st;
}

static enum ja_status base_claims(const struct ja_ctx *ctx, const struct ja_mint *mint,
                                  const struct ja_minted *m, json_t **ret, struct ja_error *err)
{
    json_t *claims = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s}", "iss", ctx->cfg->tokens.issuer,
                               "sub", mint->user->id, "aud",
                               mint->audience ? mint->audience : ctx->cfg->tokens.audience, "exp",
                               (json_int_t)m->exp, "nbf", (json_int_t)m->iat, "iat",
                               (json_int_t)m->iat, "jti", m->jti, "token_use", "access",
                               "preferred_username", mint->user->username);
    enum ja_status st = claims ? JA_OK : ja_fail_nomem(err);

    if (st == JA_OK)
        st = set_text(claims, "sid", mint->session_id, err);
    if (st == JA_OK)
        st = set_text(claims, "scope", mint->scope, err);
    if (st == JA_OK && mint->amr)
        st = set_amr(claims, mint->amr, err);
    if (st == JA_OK && mint->auth_time)
        st = set(claims, "auth_time", json_integer(mint->auth_time), err);
    if (st == JA_OK)
        *ret = claims;
    else
        json_decref(claims);
    return st;
}

static enum ja_status check_request(const struct ja_ctx *ctx, const struct ja_mint *mint, int64_t ttl,
                                    struct ja_error *err)
{
    const char *audience = mint->audience ? mint->audience : ctx->cfg->tokens.audience;

    if (!ctx->cfg->tokens.issuer || !*ctx->cfg->tokens.issuer)
        return ja_fail(err, JA_ERR_CONFIG, "no_issuer",
                       "[tokens] issuer is not configured: authctl init writes it");
    if (!audience || !*audience)
        return ja_fail(err, JA_ERR_CONFIG, "no_audience",
                       "[tokens] audience is not configured: authctl init writes it");
    if (ttl <= 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_ttl", "a token's lifetime is more than 0 seconds");
    if (ttl > ctx->cfg->tokens.max_ttl)
        return ja_fail(err, JA_ERR_POLICY, "ttl_too_long",
                       "no token may live longer than [tokens] max_ttl (%lld seconds)",
                       (long long)ctx->cfg->tokens.max_ttl);
    return JA_OK;
}

enum ja_status ja_token_mint(struct ja_ctx *ctx, const struct ja_mint *mint, struct ja_minted *ret,
                             struct ja_error *err)
{
    int64_t ttl = mint->ttl ? mint->ttl : ctx->cfg->tokens.access_ttl;
    int64_t now = ja_now(&ctx->clock);
    struct ja_minted m = {0};
    struct ja_key *key = NULL;
    json_t *claims = NULL;
    enum ja_status st = check_request(ctx, mint, ttl, err);

    /* Without a session: dated after every cut (user.h), which is a second or so ahead, so that a token issued right
     * after a lock's end counts.  A session's tokens end with it and are never dated ahead: verifiers without
     * leeway would refuse them. */
    m.iat = now;
    if (!mint->session_id && mint->user->tokens_not_before > now)
        m.iat = mint->user->tokens_not_before;
    m.exp = now + ttl;
    if (st == JA_OK)
        st = ja_keyring_signer(ctx, &key, err);
    if (st == JA_OK)
        st = ja_signing_key_note_ttl(ctx, ja_key_kid(key), ttl, err);
    if (st == JA_OK)
        st = ja_uuid_new(ja_now_ms(&ctx->clock), m.jti, err);
    if (st == JA_OK)
        st = base_claims(ctx, mint, &m, &claims, err);
    if (st == JA_OK)
        st = set_identity(ctx, mint->user, claims, err);
    if (st == JA_OK && !mint->scope_only)
        st = set_roles(ctx, mint->user, claims, err);
    if (st == JA_OK)
        st = ja_jws_sign(key, ctx->cfg->tokens.typ, claims, &m.token, err);
    json_decref(claims);
    if (st == JA_OK)
        *ret = m;
    return st;
}

void ja_minted_clear(struct ja_minted *m)
{
    if (!m)
        return;
    ja_wipe_free(m->token);
    *m = (struct ja_minted){0};
}
