/* Rows that have ended, a batch at a time. Deleting functions run in the caller's transaction. */
#ifndef JA_DOMAIN_PURGE_H
#define JA_DOMAIN_PURGE_H

#include "common/base/text.h"
#include "common/domain/ctx.h"

#define JA_PURGE_BATCH 500

enum ja_purge_kind {
    JA_PURGE_ONE_TIME_TOKENS,
    JA_PURGE_SESSIONS,       /* ended 30 days ago; refresh tokens go before them */
    JA_PURGE_REFRESH_TOKENS, /* past their end, or of sessions that ended 30 days ago */
    JA_PURGE_REVOKED_TOKENS,
    JA_PURGE_USED_TOKENS,    /* jwt_once; as long as their tokens could come again */
    JA_PURGE_LOGIN_HANDLES,
    JA_PURGE_MESSAGES,       /* sent or given up 30 days ago */
    JA_PURGE_KINDS
};

enum ja_status ja_purge_count(struct ja_ctx *ctx, enum ja_purge_kind kind, int64_t *ret, struct ja_error *err);
enum ja_status ja_purge_batch(struct ja_ctx *ctx, enum ja_purge_kind kind, int64_t *ret, struct ja_error *err);

/* Users who never verified or accepted, made before `before`; at most one batch of ids. */
struct ja_stale_user { char id[JA_UUID_LEN + 1]; char username[JA_USERNAME_MAX + 1]; };
enum ja_status ja_purge_stale_users(struct ja_ctx *ctx, int64_t before, struct ja_stale_user *ret, size_t max,
                                    size_t *ret_len, struct ja_error *err);
/* The user whose planned lock came first of those that have come and were not carried out; *ret_found false: none. */
enum ja_status ja_purge_lock_due(struct ja_ctx *ctx, char ret_id[JA_UUID_LEN + 1], bool *ret_found,
                                 struct ja_error *err);
enum ja_status ja_purge_count_locks(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);
enum ja_status ja_purge_count_stale(struct ja_ctx *ctx, int64_t before, int64_t *ret, struct ja_error *err);

#endif
