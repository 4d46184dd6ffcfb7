/* Password hashes: argon2id through crypto_pwhash, and crypt(3) schemes that people bring along.
 *
 * Schemes sit in a table (prefix, verify, cost check).  Stored costs are capped before hashing
 * (F10): argon2id m <= 256 MiB, t <= 10, p = 1; bcrypt ($2b$ $2y$) cost 4 to 14 and passwords up to
 * 72 bytes; $5$/$6$ rounds up to 1,000,000; $y$ (yescrypt) with bounded N.  crypt_r only.
 * crypto_pwhash_str_verify is not used: out of memory must not look like a mismatch (F9).
 * Each call that hashes takes a slot (hash_slots.h) itself.
 *
 * Errors: JA_ERR_DENIED mismatch; JA_ERR_NOMEM; JA_ERR_BUSY; JA_ERR_CORRUPT the stored string is
 * malformed or over the caps; JA_ERR_INVALID password empty, with NUL, or over JA_PASSWORD_MAX.
 */
#ifndef JA_DOMAIN_PASSWORD_HASH_H
#define JA_DOMAIN_PASSWORD_HASH_H

#include "common/domain/ctx.h"

#define JA_HASH_STRING_MAX 256

/* New argon2id string with the configuration's parameters. */
enum ja_status ja_password_hash(struct ja_ctx *ctx, const void *pw, size_t len,
                                char ret[JA_HASH_STRING_MAX], struct ja_error *err);
/* JA_OK: matches. `stored` NULL (unknown user, or one without a password): the same work against
 * a dummy with the current parameters, then JA_ERR_DENIED.  *ret_rehash (may be NULL): the stored
 * string is of another scheme or of other parameters than configured. */
enum ja_status ja_password_verify(struct ja_ctx *ctx, const char *stored, const void *pw,
                                  size_t len, bool *ret_rehash, struct ja_error *err);
/* Is it a hash that ja_password_verify would take (import, adopt, doctor)?  A leading '!' or '*' is
 * not. JA_ERR_INVALID with the reason when not. */
enum ja_status ja_password_hash_check(const char *stored, struct ja_error *err);
/* "argon2id", "bcrypt", "sha512crypt", "sha256crypt", "yescrypt"; NULL when unknown. */
const char *ja_password_scheme(const char *stored);
/* Milliseconds one hash takes with these parameters (init's measurement). */
enum ja_status ja_password_hash_measure(int64_t mem_bytes, int64_t ops,
                                        const struct ja_clock *clock, int64_t *ret_ms,
                                        struct ja_error *err);
/* A crypt(3) hash ($6$) for pam_unix of a random password that lives for a moment; nothing else is hashed so. */
enum ja_status ja_password_crypt_passing(const char *pw, char ret[JA_HASH_STRING_MAX], struct ja_error *err);

#endif
