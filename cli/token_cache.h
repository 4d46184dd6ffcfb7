/* The caller's own tokens between two calls of `token get`: a file each, in a folder that only the caller may enter.
 *
 * The folder is jwtauth/ in $XDG_RUNTIME_DIR, /run/user/UID, $XDG_CACHE_HOME or ~/.cache, the first that is the caller's
 * own and that nobody else may write; the environment counts for nothing with AT_SECURE.  A file is named by a hash of
 * what was asked, and is its own lock: many readers, or one who gets a new token while the others wait.
 */
#ifndef JA_CLI_TOKEN_CACHE_H
#define JA_CLI_TOKEN_CACHE_H

#include "common/base/secret.h"

struct token_cache {
    int folder, file; /* -1: none */
    char name[64];
};
#define TOKEN_CACHE_NONE {-1, -1, ""}

/* `id`: everything that tells one question from another. JA_ERR_UNAVAILABLE "no_cache": there is no safe folder. */
enum ja_status token_cache_open(const void *id, size_t len, struct token_cache *ret, struct ja_error *err);
/* Waits a minute at most. JA_ERR_BUSY "cache_busy": somebody holds it and does not come to an end. */
enum ja_status token_cache_lock(struct token_cache *c, bool exclusive, struct ja_error *err);
/* What is there, nothing when it is not whole; under any lock. */
enum ja_status token_cache_read(const struct token_cache *c, size_t max, struct ja_secret *ret, struct ja_error *err);
/* Under the exclusive lock; `end` (the token's exp) says when the file may go. */
enum ja_status token_cache_write(const struct token_cache *c, const struct ja_secret *token, int64_t end,
                                 struct ja_error *err);
/* Drops files whose token ended a while ago. */
void token_cache_prune(const struct token_cache *c, int64_t now);
void token_cache_close(struct token_cache *c);

#endif
