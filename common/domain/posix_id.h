/* The uid (and gid of the same number) of a new account: from one counter, never reused.
 * Those that write run in the caller's transaction.
 */
#ifndef JA_DOMAIN_POSIX_ID_H
#define JA_DOMAIN_POSIX_ID_H

#include "common/domain/ctx.h"

/* The next of [accounts] uid_min..uid_max that neither the store (deleted accounts included) nor
 * /etc/passwd or /etc/group has. JA_ERR_CONFLICT "no_free_uid" at the end of the range. */
enum ja_status ja_posix_id_next(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);
/* A uid that an administrator names: JA_ERR_EXISTS "uid_taken" when a deleted account had it (files of
 * that account may still be about) or the group of a role has it. Live accounts are told by the unique index. */
enum ja_status ja_posix_id_check(struct ja_ctx *ctx, int64_t uid, struct ja_error *err);
/* A primary group's number that comes along with an account: JA_ERR_EXISTS "gid_taken" when it is the number of another
 * account (deleted ones included) or the group of a role. Reads only. */
enum ja_status ja_posix_gid_check(struct ja_ctx *ctx, int64_t gid, struct ja_error *err);

#endif
