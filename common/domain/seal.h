/* Sealing of secrets at rest: XChaCha20-Poly1305 (libsodium) under a subkey of the master key.
 *
 * The row's identity is the associated data ("totp:<user id>"), so that a sealed value moved to another
 * row does not open.  Format: "v1.<key id, 8 hex>.<base64url(nonce || ciphertext)>"; the key
 * id is a hash of the master key: a wrong master key is told apart from a damaged value.
 * Errors: JA_ERR_CRYPTO wrong master key ("wrong_master_key"); JA_ERR_CORRUPT damaged value.
 */
#ifndef JA_DOMAIN_SEAL_H
#define JA_DOMAIN_SEAL_H

#include "common/domain/ctx.h"

/* *ret is malloc'd text, safe to store. */
enum ja_status ja_seal(struct ja_ctx *ctx, const char *identity, const void *data, size_t len,
                       char **ret, struct ja_error *err);
enum ja_status ja_unseal(struct ja_ctx *ctx, const char *identity, const char *sealed,
                         struct ja_secret *ret, struct ja_error *err);

/* Looks at the key id alone: JA_ERR_CRYPTO "wrong_master_key" as ja_unseal has it. */
enum ja_status ja_seal_check_key(struct ja_ctx *ctx, const char *identity, const char *sealed, struct ja_error *err);

/* Keyed BLAKE2b-256 under a subkey for `purpose` (exactly 8 characters, crypto_kdf's context):
 * the child of a refresh token, throttle keys of unknown names, hashes of short codes. */
enum ja_status ja_keyed_hash(struct ja_ctx *ctx, const char purpose[8], const void *data, size_t len,
                             unsigned char ret[32], struct ja_error *err);

/* Unkeyed BLAKE2b-256 as base64url, for 256-bit random tokens. */
#define JA_HASH_TEXT 44
void ja_token_hash(const void *data, size_t len, char ret[JA_HASH_TEXT]);

#define JA_MASTER_KEY_BYTES 32
/* Makes the key file (init): exclusive, 0600. */
enum ja_status ja_master_create(const char *path, struct ja_error *err);

#endif
