/* Tokens whose signature was found good before, so that a gate that sees the same token a thousand times checks it once.
 *
 * A token is kept as its keyed hash, never as its text.  The memory is bounded; the older of two that want one place
 * goes.  What can change meanwhile (time, audience, revocation, session, user, key) is checked at each use
 * (ja_token_verify_again), so a rotation or a revocation needs no word to it.
 * Ownership: the caller's; claims come as new references. Threads: one at a time.
 */
#ifndef JA_DOMAIN_TOKEN_MEMORY_H
#define JA_DOMAIN_TOKEN_MEMORY_H

#include "common/domain/token.h"

#define JA_TOKEN_HASH_LEN 16

struct ja_token_memory;

enum ja_status ja_token_memory_new(struct ja_token_memory **ret, struct ja_error *err);
void ja_token_memory_free(struct ja_token_memory *m);
void ja_token_memory_forget(struct ja_token_memory *m); /* everything, and the hash key */
/* The name of a token in memories like this one. */
enum ja_status ja_token_memory_hash(const struct ja_token_memory *m, const char *token, size_t len,
                                    unsigned char ret[JA_TOKEN_HASH_LEN], struct ja_error *err);
bool ja_token_hash_equal(const unsigned char a[JA_TOKEN_HASH_LEN], const unsigned char b[JA_TOKEN_HASH_LEN]);
/* ja_token_verify against the store, by way of the memory. `hash` is this memory's of the token; NULL: not known yet. */
enum ja_status ja_token_verify_remembered(struct ja_ctx *ctx, struct ja_token_memory *m, const char *token, size_t len,
                                          const unsigned char *hash, const struct ja_token_check *check,
                                          json_t **ret_claims, struct ja_error *err);
/* Until when an answer about this user's token stays the same as far as time alone changes it: the ends of token,
 * session, account and grants. */
enum ja_status ja_token_good_until(struct ja_ctx *ctx, const json_t *claims, const struct ja_user *user, int64_t *ret,
                                   struct ja_error *err);

#endif
