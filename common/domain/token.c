/* Access tokens: verification, each check in its order (token.h). */
#include "common/domain/token.h"

#include "common/domain/signing_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEEWAY_MAX 60 /* SECURITY R15 */

static enum ja_status refuse(struct ja_error *err, const char *code, const char *why)
{
    return ja_fail(err, JA_ERR_DENIED, code, "%s", why);
}

/* ---- claims ---- */

/* A NumericDate (RFC 7519 section 2): integer or real, in a range where both are exact. */
static enum ja_status get_time(const json_t *claims, const char *name, bool demanded, bool *ret_there,
                               double *ret, struct ja_error *err)
{
    const json_t *claim = json_object_get(claims, name);
    double t;

    *ret_there = claim != NULL;
    if (!claim && demanded)
        return ja_fail(err, JA_ERR_DENIED, "missing_claim", "the token has no %s", name);
    if (!claim)
        return JA_OK;
    if (!json_is_number(claim))
        return ja_fail(err, JA_ERR_DENIED, "invalid_claim", "the token's %s is no number", name);
    t = json_number_value(claim);
    if (!(t >= 0 && t < 9007199254740992.0))
        return ja_fail(err, JA_ERR_DENIED, "invalid_claim", "the token's %s is out of range", name);
    *ret = t;
    return JA_OK;
}

static enum ja_status check_times(const json_t *claims, const struct ja_token_check *check, int64_t now,
                                  struct ja_error *err)
{
    double leeway = (double)(check->leeway < 0            ? 0
                             : check->leeway > LEEWAY_MAX ? LEEWAY_MAX
                                                          : check->leeway);
    double exp = 0, nbf = 0, iat = 0, at = (double)now;
    bool has_exp, has_nbf, has_iat;
    enum ja_status st = get_time(claims, "exp", true, &has_exp, &exp, err);

    if (st == JA_OK)
        st = get_time(claims, "nbf", false, &has_nbf, &nbf, err);
    if (st == JA_OK)
        st = get_time(claims, "iat", check->ours, &has_iat, &iat, err);
    if (st != JA_OK)
        return st;
    if (exp + leeway <= at)
        return refuse(err, "expired", "the token has expired");
    if (check->max_ttl > 0 && exp > at + (double)check->max_ttl + leeway)
        return refuse(err, "lifetime_too_long", "the token would live longer than any may");
    if ((has_nbf && nbf > at + leeway) || (has_iat && iat > at + leeway))
        return refuse(err, "not_yet_valid", "the token is not valid yet");
    return JA_OK;
}

static const char *text_claim(const json_t *claims, const char *name)
{
    return json_string_value(json_object_get(claims, name));
}

/* Exact and whole; an array (tokens of others, check_kind) has it among its items (RFC 7519 section 4.1.3). */
static bool audience_fits(const json_t *aud, const char *wanted)
{
    const json_t *item;
    size_t i;

    if (json_is_string(aud))
        return strcmp(json_string_value(aud), wanted) == 0;
    json_array_foreach(aud, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
            return true;
    }
    return false;
}

/* A claim that RFC 7519 registers has its type, looked at or not: a wrong one is never "absent". */
static enum ja_status check_types(const json_t *claims, struct ja_error *err)
{
    static const char *const texts[] = {"iss", "sub", "jti", "sid"};
    const json_t *aud = json_object_get(claims, "aud"), *item;
    bool aud_ok = !aud || json_is_string(aud) || json_is_array(aud);
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *claim = json_object_get(claims, texts[i]);

        if (claim && !json_is_string(claim))
            return ja_fail(err, JA_ERR_DENIED, "invalid_claim", "the token's %s is no text", texts[i]);
    }
    json_array_foreach(aud, i, item) {
        aud_ok = aud_ok && json_is_string(item);
    }
    return aud_ok ? JA_OK : refuse(err, "invalid_claim", "the token's aud is of the wrong type");
}

static enum ja_status check_parties(const json_t *claims, const struct ja_token_check *check,
                                    struct ja_error *err)
{
    const json_t *iss = json_object_get(claims, "iss"), *aud = json_object_get(claims, "aud");

    if (check->issuer) {
        if (!iss)
            return refuse(err, "missing_claim", "the token has no iss");
        if (strcmp(json_string_value(iss), check->issuer) != 0)
            return refuse(err, "wrong_issuer", "the token is of another issuer");
    }
    if (check->audience) {
        if (!aud)
            return refuse(err, "missing_claim", "the token has no aud");
        if (!audience_fits(aud, check->audience))
            return refuse(err, "wrong_audience", "the token is for another audience");
    }
    return JA_OK;
}

static enum ja_status demand_text(const json_t *claims, const char *name, struct ja_error *err)
{
    const json_t *claim = json_object_get(claims, name);

    if (!claim)
        return ja_fail(err, JA_ERR_DENIED, "missing_claim", "the token has no %s", name);
    if (!json_is_string(claim) || json_string_length(claim) == 0)
        return ja_fail(err, JA_ERR_DENIED, "invalid_claim", "the token's %s is no text", name);
    return JA_OK;
}

/* What every access token of ours has. */
static enum ja_status check_kind(const json_t *claims, const struct ja_jws *jws, struct ja_error *err)
{
    static const char *const texts[] = {"iss", "aud", "sub", "jti", "token_use"};
    enum ja_status st = JA_OK;

    if (strcmp(jws->typ, "at+jwt") != 0 && strcmp(jws->typ, "JWT") != 0)
        return refuse(err, "wrong_type", "the token's typ is neither at+jwt nor JWT");
    for (size_t i = 0; st == JA_OK && i < sizeof texts / sizeof *texts; i++)
        st = demand_text(claims, texts[i], err);
    if (st == JA_OK && strcmp(text_claim(claims, "token_use"), "access") != 0)
        st = refuse(err, "wrong_type", "the token is no access token");
    if (st == JA_OK && (!ja_uuid_valid(text_claim(claims, "sub")) || !ja_uuid_valid(text_claim(claims, "jti"))))
        st = refuse(err, "invalid_claim", "the token's sub or jti is no UUID");
    return st;
}

static enum ja_status check_claims(const json_t *claims, const struct ja_jws *jws,
                                   const struct ja_token_check *check, int64_t now,
                                   struct ja_error *err)
{
    enum ja_status st = check_types(claims, err);

    if (st == JA_OK && check->ours)
        st = check_kind(claims, jws, err);
    if (st == JA_OK)
        st = check_parties(claims, check, err);
    return st == JA_OK ? check_times(claims, check, now, err) : st;
}

/* Key, signature, claims. *ret is NULL for a payload that is no object, with signature_only. */
static enum ja_status verify(const struct ja_jws *jws, struct ja_key *key,
                             const struct ja_token_check *check, int64_t now, json_t **ret,
                             struct ja_error *err)
{
    json_t *claims = NULL;
    enum ja_status st;

    if (!key)
        return refuse(err, "unknown_key", "the token's key is not known");
    if (check->alg != JA_ALG_NONE && ja_key_alg(key) != check->alg)
        return refuse(err, "alg_mismatch", "the token's key is of another algorithm than demanded");
    st = ja_jws_check_signature(jws, key, err);
    if (st != JA_OK)
        return st;
    st = ja_jws_claims_unverified(jws, &claims, err);
    if (st == JA_ERR_DENIED && check->signature_only) {
        *ret = NULL;
        return JA_OK;
    }
    if (st == JA_OK && !check->signature_only)
        st = check_claims(claims, jws, check, now, err);
    if (st != JA_OK) {
        json_decref(claims);
        return st;
    }
    *ret = claims;
    return JA_OK;
}

static struct ja_key *pick(const struct ja_keyset *set, const struct ja_jws *jws, bool single_key)
{
    if (set->len == 1 && (single_key || !jws->kid[0]))
        return set->keys[0];
    return jws->kid[0] ? ja_keyset_find(set, jws->kid) : NULL;
}

enum ja_status ja_token_verify_keyset(const struct ja_keyset *set, const char *token, size_t len,
                                      const struct ja_token_check *check, int64_t now,
                                      json_t **ret_claims, struct ja_error *err)
{
    struct ja_jws jws = {0};
    enum ja_status st = ja_jws_parse_unverified(token, len, &jws, err);

    if (st != JA_OK)
        return st;
    st = verify(&jws, pick(set, &jws, check->single_key), check, now, ret_claims, err);
    ja_jws_clear(&jws);
    return st;
}

struct ja_token_check ja_token_check_default(const struct ja_ctx *ctx)
{
    return (struct ja_token_check){
        .issuer = ctx->cfg->tokens.issuer,
        .audience = ctx->cfg->tokens.audience,
        .leeway = ctx->cfg->tokens.leeway,
        .max_ttl = ctx->cfg->tokens.max_ttl,
        .ours = true,
    };
}

/* ---- revocation ---- */

static enum ja_status judge_session(struct ja_rows *rows, const char *sub, int64_t now,
                                    struct ja_error *err)
{
    const char *owner = ja_col_text(rows, "session_user");
    bool idle = !ja_col_null(rows, "idle_ends_at") && ja_col_int(rows, "idle_ends_at") <= now;

    if (!owner || strcmp(owner, sub) != 0 || !ja_col_null(rows, "session_revoked") || idle ||
        ja_col_int(rows, "session_ends") <= now)
        return refuse(err, "session_ended", "the token's session has ended");
    return JA_OK;
}

static enum ja_status judge(struct ja_rows *rows, const json_t *claims, int64_t now,
                            struct ja_error *err)
{
    const char *status = ja_col_text(rows, "status"), *key_state = ja_col_text(rows, "key_state");
    int64_t lock_at = ja_col_int(rows, "lock_at"), until = ja_col_int(rows, "valid_until");
    enum ja_status st = ja_rows_status(rows, err);

    if (st != JA_OK)
        return st;
    if (!key_state || strcmp(key_state, "retired") == 0)
        return refuse(err, "unknown_key", "the token's key has been retired");
    if (!status || strcmp(status, "active") != 0 || (lock_at && lock_at <= now) || (until && until <= now))
        return refuse(err, "user_inactive", "the token's user is not active");
    if (!ja_col_null(rows, "revoked_jti"))
        return refuse(err, "revoked", "the token has been revoked");
    if (json_object_get(claims, "sid"))
        return judge_session(rows, text_claim(claims, "sub"), now, err);
    /* tokens of a session end with it; the others at the cut (user.h) */
    if (json_number_value(json_object_get(claims, "iat")) < (double)ja_col_int(rows, "tokens_not_before"))
        return refuse(err, "revoked", "the token has been revoked");
    return JA_OK;
}

static enum ja_status check_revocation(struct ja_ctx *ctx, const json_t *claims, const char *kid,
                                       struct ja_error *err)
{
    const json_t *sid = json_object_get(claims, "sid");
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                     "SELECT u.status AS status, u.lock_at AS lock_at, u.valid_until AS valid_until, "
                     "u.tokens_not_before AS tokens_not_before, s.user_id AS session_user, "
                     "s.revoked_at AS session_revoked, s.ends_at AS session_ends, "
                     "s.idle_ends_at AS idle_ends_at, r.jti AS revoked_jti, k.state AS key_state "
                     "FROM users u LEFT JOIN sessions s ON s.id = $2 "
                     "LEFT JOIN revoked_tokens r ON r.jti = $3 "
                     "LEFT JOIN signing_keys k ON k.kid = $4 "
                     "WHERE u.id = $1 AND u.deleted_at IS NULL",
                     JA_BINDS(JA_T(text_claim(claims, "sub")), JA_T(sid ? json_string_value(sid) : ""),
                              JA_T(text_claim(claims, "jti")), JA_T(kid)),
                     &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? judge(rows, claims, ja_now(&ctx->clock), err)
                 : refuse(err, "user_inactive", "the token's user is not active");
    ja_rows_end(rows);
    return st;
}

/* A key that another process rotated in since the ring was read is looked for once. */
static enum ja_status find_key(struct ja_ctx *ctx, const char *kid, struct ja_key **ret,
                               struct ja_error *err)
{
    bool fresh = ctx->keys == NULL;
    enum ja_status st = ja_keyring_require(ctx, err);

    *ret = NULL;
    if (st != JA_OK || !kid[0])
        return st;
    *ret = ja_keyring_find(ctx, kid);
    if (*ret || fresh)
        return JA_OK;
    ja_keyring_drop(ctx);
    st = ja_keyring_require(ctx, err);
    if (st == JA_OK)
        *ret = ja_keyring_find(ctx, kid);
    return st;
}

static enum ja_status verify_stored(struct ja_ctx *ctx, const char *token, size_t len,
                                    const struct ja_token_check *check, bool offline, json_t **ret_claims,
                                    char ret_kid[JA_KID_LEN + 1], struct ja_error *err)
{
    struct ja_jws jws = {0};
    struct ja_key *key = NULL;
    json_t *claims = NULL;
    enum ja_status st = ja_jws_parse_unverified(token, len, &jws, err);

    if (st != JA_OK)
        return st;
    st = find_key(ctx, jws.kid, &key, err);
    if (st == JA_OK)
        st = verify(&jws, key, check, ja_now(&ctx->clock), &claims, err);
    if (st == JA_OK && !offline && !check->signature_only)
        st = check->ours ? check_revocation(ctx, claims, jws.kid, err)
                         : ja_fail(err, JA_ERR_INTERNAL, "internal",
                                   "revocation is only known of tokens of ours");
    if (st == JA_OK && ret_kid)
        memcpy(ret_kid, jws.kid, strlen(jws.kid) <= JA_KID_LEN ? strlen(jws.kid) + 1 : 0);
    ja_jws_clear(&jws);
    if (st != JA_OK) {
        json_decref(claims);
        return st;
    }
    *ret_claims = claims;
    return JA_OK;
}

enum ja_status ja_token_verify(struct ja_ctx *ctx, const char *token, size_t len,
                               const struct ja_token_check *check, bool offline, json_t **ret_claims,
                               struct ja_error *err)
{
    return verify_stored(ctx, token, len, check, offline, ret_claims, NULL, err);
}

enum ja_status ja_token_verify_kid(struct ja_ctx *ctx, const char *token, size_t len,
                                   const struct ja_token_check *check, json_t **ret_claims,
                                   char ret_kid[JA_KID_LEN + 1], struct ja_error *err)
{
    return verify_stored(ctx, token, len, check, false, ret_claims, ret_kid, err);
}

/* ---- remembered tokens ---- */

/* Checked once, good until exp: what the signature covers cannot change. Everything else is asked again. */
enum ja_status ja_token_verify_again(struct ja_ctx *ctx, const json_t *claims, const char *kid,
                                     const struct ja_token_check *check, struct ja_error *err)
{
    enum ja_status st = check_parties(claims, check, err);

    if (st == JA_OK)
        st = check_times(claims, check, ja_now(&ctx->clock), err);
    return st == JA_OK ? check_revocation(ctx, claims, kid, err) : st;
}

enum ja_status ja_token_revoke_jti(struct ja_ctx *ctx, const char *jti, int64_t exp,
                                   struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "INSERT INTO revoked_tokens (jti, exp, created_at) VALUES ($1, $2, $3) "
                      "ON CONFLICT (jti) DO NOTHING",
                      JA_BINDS(JA_T(jti), JA_I(exp), JA_I(ja_now(&ctx->clock))), NULL, err);
}

enum ja_status ja_token_use_once(struct ja_ctx *ctx, const char *jti, int64_t exp, bool *ret_first,
                                 struct ja_error *err)
{
    int64_t changed = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "INSERT INTO used_tokens (jti, exp, created_at) VALUES ($1, $2, $3) "
                                   "ON CONFLICT (jti) DO NOTHING",
                                   JA_BINDS(JA_T(jti), JA_I(exp), JA_I(ja_now(&ctx->clock))), &changed, err);

    if (st == JA_OK)
        *ret_first = changed == 1;
    return st;
}
