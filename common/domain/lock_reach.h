/* What a user has that a lock or a disabling takes the worth of. */
#ifndef JA_DOMAIN_LOCK_REACH_H
#define JA_DOMAIN_LOCK_REACH_H

#include "common/domain/ctx.h"

struct ja_reach {
    int64_t refresh_tokens; /* unused ones of live sessions */
    int64_t ssh_keys, api_keys; /* not ended: kept, and of no use while the account is closed */
};
enum ja_status ja_lock_reach(struct ja_ctx *ctx, const char *user_id, struct ja_reach *ret, struct ja_error *err);

#endif
