/* Key sets by https (SECURITY R26), kept between calls: `token verify --jwks https://...` and [verify] jwks.
 *
 * What was fetched is used as long as the answer's Cache-Control says (max-age; five minutes without it, a day at most),
 * then asked for again with its ETag. When nobody answers, it serves until max_stale after it was last fetched.
 * The cache is a file per address, replaced atomically, in [paths] cache for root and in jwtauth/ of the caller's cache
 * folder else; a file or folder that somebody else could write is not read. Without a safe folder nothing is kept.
 */
#ifndef JA_CLI_JWKS_CACHE_H
#define JA_CLI_JWKS_CACHE_H

#include "common/domain/jwk.h"

struct jwks_query {
    const char *url;
    const char *folder; /* NULL: by the caller's environment */
    int64_t max_stale;  /* seconds */
    int64_t now;
};

struct jwks_found {
    struct ja_keyset set;
    int64_t fetched_at;
    bool stale;         /* past its time, and nobody answers */
    bool kept;          /* taken from the cache without asking */
};
void jwks_found_clear(struct jwks_found *f);

bool jwks_is_url(const char *text); /* by its scheme, whether taken or not */
/* `again`: a kid was not found; asks even though what is kept is fresh, but not more often than every ten seconds.
 * JA_ERR_INVALID "invalid_jwks": no https URL; JA_ERR_UNAVAILABLE "jwks_unavailable": nobody answers, or no key set, and
 * nothing recent enough is kept. */
enum ja_status jwks_find(const struct jwks_query *q, bool again, struct jwks_found *ret, struct ja_error *err);

#endif
