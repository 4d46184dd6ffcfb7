/* So many calls in such a time, per key: registration, resets, messages to one address ([throttle] other).
 *
 * Unlike throttle.h nothing is judged and nothing given back: every call counts.  Windows are fixed; one that starts in
 * the future (clock set back) starts now.
 */
#ifndef JA_DOMAIN_RATE_LIMIT_H
#define JA_DOMAIN_RATE_LIMIT_H

#include "common/domain/ctx.h"

struct ja_rate_key {
    const char *key; /* "reset 192.0.2.0/24"; at most 200 bytes, no name in clear */
    struct ja_rate rate;
};

/* One call of each, or of none. Opens its own transaction. JA_ERR_THROTTLED "too_many_attempts", retry_after set. */
enum ja_status ja_rate_take(struct ja_ctx *ctx, const struct ja_rate_key *keys, size_t n, struct ja_error *err);
/* The same in the caller's transaction, for one key. */
enum ja_status ja_rate_take_in_tx(struct ja_ctx *ctx, const struct ja_rate_key *key, struct ja_error *err);

#endif
