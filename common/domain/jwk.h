/* Keys for JWS: ES256, EdDSA (Ed25519), RS256, HS256 (RFC 7517, 7518, 8037).
 *
 * An algorithm table has generate, import, sign and verify per algorithm.  A key's algorithm is fixed
 * when it is made and is never taken from a token.  RSA 2048 to 4096, e >= 65537 (new keys 3072); P-256
 * only; HMAC secrets 32 to 128 bytes.  EVP contexts are made once per key; Ed25519 goes through libsodium.
 * Ownership: ja_key_free; NULL accepted. Private parts live in guarded memory or inside OpenSSL.
 * Threads: a key may be used by one thread at a time.
 */
#ifndef JA_DOMAIN_JWK_H
#define JA_DOMAIN_JWK_H

#include "common/base/config.h"
#include "common/base/secret.h"
#include "common/base/status.h"

#include <jansson.h>

#define JA_KID_LEN 43      /* RFC 7638 SHA-256 thumbprint in base64url */
#define JA_SIG_MAX 512     /* RSA 4096 */

struct ja_key;

enum ja_status ja_key_generate(enum ja_alg alg, struct ja_key **ret, struct ja_error *err);
/* A JWK object, public or private. `alg` JA_ALG_NONE: from the JWK's alg member, or by kty and crv
 * when there is none; a contradiction is an error. `use` other than sig is refused. */
enum ja_status ja_key_from_jwk(const json_t *jwk, enum ja_alg alg, struct ja_key **ret,
                               struct ja_error *err);
/* PEM: SubjectPublicKeyInfo, PKCS#8, PKCS#1, SEC1 (unencrypted); or a JWK in JSON; or (alg HS256, or
 * when it is neither and alg is NONE) a raw secret of 32 to 128 bytes, one trailing newline
 * dropped. What `key import` and `token verify --key` take. */
enum ja_status ja_key_from_file_text(const struct ja_secret *text, enum ja_alg alg,
                                     struct ja_key **ret, struct ja_error *err);
/* From what signing_keys stores: typed DER (fast). priv may be NULL for a verify-only key. */
enum ja_status ja_key_from_stored(enum ja_alg alg, const void *pub_der, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_key **ret,
                                  struct ja_error *err);
void ja_key_free(struct ja_key *key);

enum ja_alg ja_key_alg(const struct ja_key *key);
bool ja_key_has_private(const struct ja_key *key);
/* The kid: given in the JWK, else the thumbprint. Borrowed. */
const char *ja_key_kid(const struct ja_key *key);
/* RFC 7638 over the required members. */
enum ja_status ja_key_thumbprint(const struct ja_key *key, char ret[JA_KID_LEN + 1],
                                 struct ja_error *err);
/* Public JWK with kid, alg, use; JA_ERR_UNSUPPORTED for HS256. */
enum ja_status ja_key_public_jwk(const struct ja_key *key, json_t **ret, struct ja_error *err);
/* Private JWK text (key export --private). */
enum ja_status ja_key_private_jwk(const struct ja_key *key, struct ja_secret *ret,
                                  struct ja_error *err);
enum ja_status ja_key_public_pem(const struct ja_key *key, char **ret, struct ja_error *err);
enum ja_status ja_key_private_pem(const struct ja_key *key, struct ja_secret *ret,
                                  struct ja_error *err);
/* For the store: *ret_pub malloc'd DER (NULL for HS256). */
enum ja_status ja_key_to_stored(const struct ja_key *key, unsigned char **ret_pub, size_t *ret_pub_len,
                                struct ja_secret *ret_priv, struct ja_error *err);

/* Raw JWS signatures: ES256 is r||s (64 bytes). */
enum ja_status ja_key_sign(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err);
/* JA_OK: good. JA_ERR_DENIED "bad_signature". Anything else: the check failed. */
enum ja_status ja_key_verify(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err);

/* ---- a set of keys ---- */
struct ja_keyset { struct ja_key **keys; size_t len; };
/* RFC 7517 section 5 document; keys of unknown kty or alg are skipped as the RFC says, malformed
 * ones refuse the set; duplicate kids refuse it. */
enum ja_status ja_keyset_parse(const void *text, size_t len, struct ja_keyset *ret,
                               struct ja_error *err);
void ja_keyset_clear(struct ja_keyset *set);
struct ja_key *ja_keyset_find(const struct ja_keyset *set, const char *kid); /* borrowed */

#endif
