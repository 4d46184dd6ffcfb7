/* The store's signing keys: next, active, retiring, retired (DESIGN section 5).
 *
 * Exactly one is active.  `next` is published before it signs; `retiring` stays published until the
 * last token it signed has ended (max_ttl + leeway after retiring_at; at least [tokens] retain_keys), then
 * it is retired and its private part dropped.  Private keys are sealed under identity "key:<kid>".
 * A new key may become active only after libjwt (loaded late) accepted a token signed with it
 * (ja_libjwt_cross_check; EdDSA, which libjwt 1.10 does not know, is checked by OpenSSL's EVP instead).
 */
#ifndef JA_DOMAIN_SIGNING_KEY_H
#define JA_DOMAIN_SIGNING_KEY_H

#include "common/domain/ctx.h"
#include "common/domain/jwk.h"

struct ja_key_info {
    char kid[JA_KID_LEN + 1];
    enum ja_alg alg;
    char state[12];
    int64_t max_ttl, created_at, active_at, retiring_at, retired_at; /* 0: not yet */
};
typedef enum ja_status (*ja_key_info_fn)(void *arg, const struct ja_key_info *info);

/* The ring: every published key (next, active, retiring), parsed once and kept in ctx->keys. The private
 * part is opened only for the active key, when first signing. Idempotent; ja_keyring_drop reloads. */
enum ja_status ja_keyring_require(struct ja_ctx *ctx, struct ja_error *err);
void ja_keyring_drop(struct ja_ctx *ctx);
struct ja_key *ja_keyring_find(struct ja_ctx *ctx, const char *kid); /* borrowed, NULL: unknown */
/* The store's active key with its private part, though the ring may be older. JA_ERR_NOT_FOUND
 * "no_signing_key". */
enum ja_status ja_keyring_signer(struct ja_ctx *ctx, struct ja_key **ret, struct ja_error *err);

enum ja_status ja_signing_key_each(struct ja_ctx *ctx, ja_key_info_fn fn, void *arg,
                                   struct ja_error *err);
enum ja_status ja_signing_key_info(struct ja_ctx *ctx, const char *kid, struct ja_key_info *ret,
                                   struct ja_error *err);
/* Loads one key, with its private part when asked for. JA_ERR_CONFLICT "key_retired": that part is gone. */
enum ja_status ja_signing_key_load(struct ja_ctx *ctx, const char *kid, bool with_private,
                                   struct ja_key **ret, struct ja_error *err);
/* The master key is the one that the active signing key is sealed with, JA_ERR_CRYPTO "wrong_master_key" otherwise;
 * JA_OK where no key is active. Asked before anything is sealed or a login is judged: values under two
 * master keys in one store could never all be opened again. */
enum ja_status ja_signing_key_check_master(struct ja_ctx *ctx, struct ja_error *err);
/* In the caller's transaction: insert in `state` ("active" or "next"). JA_ERR_EXISTS for a known kid. */
enum ja_status ja_signing_key_insert(struct ja_ctx *ctx, struct ja_key *key, const char *state,
                                     struct ja_error *err);
/* In the caller's transaction: next becomes active, active becomes retiring. JA_ERR_NOT_FOUND without next. */
enum ja_status ja_signing_key_promote(struct ja_ctx *ctx, struct ja_error *err);
enum ja_status ja_signing_key_set_retiring(struct ja_ctx *ctx, const char *kid, struct ja_error *err);
enum ja_status ja_signing_key_set_retired(struct ja_ctx *ctx, const char *kid, struct ja_error *err);
/* In the caller's transaction: retires every `retiring` key whose tokens have all ended. */
enum ja_status ja_signing_key_expire(struct ja_ctx *ctx, int *ret_count, struct ja_error *err);
/* Remembers the longest lifetime that the active key signed; called by token minting, a write only
 * when it grows beyond what the row has. */
enum ja_status ja_signing_key_note_ttl(struct ja_ctx *ctx, const char *kid, int64_t ttl,
                                       struct ja_error *err);
/* RFC 7517 document of the published public keys: malloc'd JSON text. HS256 is omitted. */
enum ja_status ja_signing_key_jwks(struct ja_ctx *ctx, char **ret, struct ja_error *err);
/* JA_OK: the independent library accepts a token signed by this key and refuses a changed one. */
enum ja_status ja_libjwt_cross_check(struct ja_key *key, struct ja_error *err);

#endif
