/* Access tokens: mint and verify (RFC 7519, RFC 9068; DESIGN section 5, SECURITY R13-R16).
 *
 * Verification order: parse (jws.h) -> key by kid -> alg of the key -> signature -> typ, token_use, iss, aud,
 * exp, nbf, iat with leeway, sub, jti -> revocation (jti, session, user cut-off, user active).
 * A refusal is JA_ERR_DENIED with err->code one of: malformed, token_too_large, unsupported_header,
 * unsupported_alg, alg_mismatch, unknown_key, bad_signature, missing_claim, invalid_claim, wrong_type,
 * wrong_issuer, wrong_audience, expired, not_yet_valid, lifetime_too_long, revoked, session_ended,
 * user_inactive.
 */
#ifndef JA_DOMAIN_TOKEN_H
#define JA_DOMAIN_TOKEN_H

#include "common/domain/ctx.h"
#include "common/domain/jws.h"
#include "common/domain/user.h"

struct ja_mint {
    const struct ja_user *user;
    const char *session_id;  /* NULL: none (token issue) */
    const char *audience;    /* NULL: configured */
    const char *scope;       /* space-separated, NULL: none */
    const char *amr;         /* space-separated, "" for none */
    int64_t auth_time;       /* 0: left out */
    bool scope_only;         /* a limited credential asks: what the token may do is its scope, no roles or permissions */
    int64_t ttl;             /* 0: access_ttl; above max_ttl: JA_ERR_POLICY "ttl_too_long" */
};

struct ja_minted {
    char *token;             /* ja_minted_clear wipes */
    char jti[JA_UUID_LEN + 1];
    int64_t iat, exp;
};

/* Reads only, but for ja_signing_key_note_ttl when the lifetime grows. Good inside a transaction too: a
 * signature takes microseconds (RS256: a quarter of a millisecond). */
enum ja_status ja_token_mint(struct ja_ctx *ctx, const struct ja_mint *mint, struct ja_minted *ret,
                             struct ja_error *err);
void ja_minted_clear(struct ja_minted *m);

struct ja_token_check {
    const char *issuer;    /* NULL: not compared (the caller says so in a notice) */
    const char *audience;  /* NULL: not compared */
    enum ja_alg alg;       /* JA_ALG_NONE: whatever the key is of */
    int64_t leeway;        /* seconds, <= 60 */
    int64_t max_ttl;       /* 0: not limited */
    bool ours;             /* demand token_use, jti, sub, typ of our own tokens */
    bool signature_only;   /* no claim is looked at */
    bool single_key;       /* the one key of the set, whatever kid the token names (--key) */
};

/* Against a key set, no store: `--jwks` and `--key`. A set of one key without kid in the token takes
 * that key. *ret_claims is a new reference; NULL for a payload that is no JSON object, with
 * signature_only. */
enum ja_status ja_token_verify_keyset(const struct ja_keyset *set, const char *token, size_t len,
                                      const struct ja_token_check *check, int64_t now,
                                      json_t **ret_claims, struct ja_error *err);
/* Against the store: key ring, then revocation unless `offline`. */
enum ja_status ja_token_verify(struct ja_ctx *ctx, const char *token, size_t len,
                               const struct ja_token_check *check, bool offline, json_t **ret_claims,
                               struct ja_error *err);
/* The same, never offline; and which of the keys it was. ret_kid is left alone where the kid is longer (no key of the
 * ring has such a one). */
enum ja_status ja_token_verify_kid(struct ja_ctx *ctx, const char *token, size_t len,
                                   const struct ja_token_check *check, json_t **ret_claims,
                                   char ret_kid[JA_KID_LEN + 1], struct ja_error *err);
/* Once more for a token that ja_token_verify has taken in this process: parties, times and revocation as they are now;
 * the signature is not looked at again. `kid`: of its header. */
enum ja_status ja_token_verify_again(struct ja_ctx *ctx, const json_t *claims, const char *kid,
                                     const struct ja_token_check *check, struct ja_error *err);
/* The check that the configuration asks for: issuer, audience, leeway, max_ttl, ours. */
struct ja_token_check ja_token_check_default(const struct ja_ctx *ctx);

/* Revocation by jti, in the caller's transaction; exp says when the row may be pruned. */
enum ja_status ja_token_revoke_jti(struct ja_ctx *ctx, const char *jti, int64_t exp,
                                   struct ja_error *err);
/* A login by a token that is good once only (jwt_once), in the caller's transaction: of those that come at once one
 * finds *ret_first true. exp as above. */
enum ja_status ja_token_use_once(struct ja_ctx *ctx, const char *jti, int64_t exp, bool *ret_first,
                                 struct ja_error *err);

#endif
