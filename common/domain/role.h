/* Roles as far as users and tokens need them now: find, grant, the effective names.
 * Writing functions run in the caller's transaction.
 */
#ifndef JA_DOMAIN_ROLE_H
#define JA_DOMAIN_ROLE_H

#include "common/base/config.h"
#include "common/domain/ctx.h"

/* The five of init (user, agent, manager, admin, compliance) with parents and permissions; existing
 * ones are left as they are. */
enum ja_status ja_role_create_defaults(struct ja_ctx *ctx, struct ja_error *err);
/* JA_ERR_NOT_FOUND "role_not_found". */
enum ja_status ja_role_require(struct ja_ctx *ctx, const char *name, struct ja_error *err);
enum ja_status ja_role_grant(struct ja_ctx *ctx, const char *user_id, const char *role,
                             int64_t ends_at, struct ja_error *err);
enum ja_status ja_role_revoke(struct ja_ctx *ctx, const char *user_id, const char *role,
                              bool *ret_revoked, struct ja_error *err);
/* When the first of the user's grants ends that is still to come; 0: none ends. */
enum ja_status ja_role_first_end(struct ja_ctx *ctx, const char *user_id, int64_t *ret, struct ja_error *err);
/* Direct and inherited names, sorted, in one recursive query. ja_strlist_clear when done. */
enum ja_status ja_role_effective(struct ja_ctx *ctx, const char *user_id, struct ja_strlist *ret,
                                 struct ja_error *err);
/* The same with `as_role` (NULL: none) as if it were held too; user_id may be NULL then. JA_ERR_NOT_FOUND
 * "role_not_found". */
enum ja_status ja_role_effective_as(struct ja_ctx *ctx, const char *user_id, const char *as_role,
                                    struct ja_strlist *ret, struct ja_error *err);
/* Pattern-free permissions, sorted, without doubles. */
enum ja_status ja_role_permissions(struct ja_ctx *ctx, const char *user_id, struct ja_strlist *ret,
                                   struct ja_error *err);
/* Whether an active person other than `user_id` has `role`, directly or through another one, and keeps it
 * until `until` as far as is planned by now (INT64_MAX: for good): no lock, end of the account or of
 * the grant before. */
enum ja_status ja_role_held_by_other(struct ja_ctx *ctx, const char *role, const char *user_id,
                                     int64_t until, bool *ret, struct ja_error *err);
bool ja_strlist_has(const struct ja_strlist *l, const char *name);
void ja_strlist_clear(struct ja_strlist *l);
/* The column `name` of every row, sorted; ends `rows`. */
enum ja_status ja_strlist_collect(struct ja_rows *rows, const char *name, struct ja_strlist *ret,
                                  struct ja_error *err);

#endif
