/* The uid (and gid of the same number) of a new account: from one counter, never reused.
 * Those that write run in the caller's transaction.
 */
#ifndef JA_DOMAIN_POSIX_ID_H
#define JA_DOMAIN_POSIX_ID_H

#include "common/domain/ctx.h"

/* The next of [accounts] uid_min..uid_max that neither the store (deleted accounts included) nor
 * /etc/passwd or /etc/group has. JA_ERR_CONFLICT "no_free_uid" at the end of the range. */
enum ja_status ja_posix_id_next(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);
/* From now on nobody but `was`, the id of the user who had it, gets this one. Roles do so when they are dropped. */
enum ja_status ja_posix_id_retire(struct ja_ctx *ctx, int64_t id, const char *was, struct ja_error *err);
/* A uid that an administrator names for user_id ("": a new one): JA_ERR_EXISTS "uid_taken" when another account or a
 * role had it once (files may still bear it) or the group of a role has it. Live accounts are told by the unique index. */
enum ja_status ja_posix_id_check(struct ja_ctx *ctx, int64_t uid, const char *user_id, struct ja_error *err);
/* A gid that an administrator names, which may well be that of another's or a role's group: JA_ERR_EXISTS "gid_taken"
 * when those who had it are gone. */
enum ja_status ja_posix_gid_unused(struct ja_ctx *ctx, int64_t gid, const char *user_id, struct ja_error *err);
/* A primary group's number that comes along with an account: JA_ERR_EXISTS "gid_taken" when it is the number of another
 * account (deleted ones included), the group of a role, or was. Reads only. */
enum ja_status ja_posix_gid_check(struct ja_ctx *ctx, int64_t gid, struct ja_error *err);

#endif
