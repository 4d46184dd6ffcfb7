/* Changes to roles and grants: right, rule, write and audit row in one transaction each.
 *
 * Callers other than root need roles:write on "role/NAME", for inheritance on both roles; what they permit, let
 * inherit or grant they must hold themselves, everywhere and for as long, and everything that the user holds to whom
 * they give a role or from whom they take one: "forbidden". Whatever takes the last administrator away, lets it end
 * sooner, or takes *:* from the role admin is JA_ERR_CONFLICT "last_administrator".
 */
#ifndef JA_FLOW_ROLE_FLOW_H
#define JA_FLOW_ROLE_FLOW_H

#include "common/domain/role_admin.h"

enum ja_status ja_role_add_flow(struct ja_ctx *ctx, const char *name, const char *description,
                                const char *const *parents, size_t nparents, struct ja_error *err);
/* description "": none. */
enum ja_status ja_role_describe_flow(struct ja_ctx *ctx, const char *name, const char *description,
                                     struct ja_error *err);
/* JA_ERR_CONFLICT "role_in_use" says by whom. */
enum ja_status ja_role_delete_flow(struct ja_ctx *ctx, const char *name, struct ja_error *err);
enum ja_status ja_role_inherit_flow(struct ja_ctx *ctx, const char *name, const char *parent, struct ja_error *err);
/* JA_ERR_NOT_FOUND "not_inherited". */
enum ja_status ja_role_disinherit_flow(struct ja_ctx *ctx, const char *name, const char *parent, struct ja_error *err);
enum ja_status ja_role_permit_flow(struct ja_ctx *ctx, const char *name, const char *permission, const char *pattern,
                                   struct ja_error *err);
/* JA_ERR_NOT_FOUND "not_permitted". */
enum ja_status ja_role_forbid_flow(struct ja_ctx *ctx, const char *name, const char *permission, const char *pattern,
                                   struct ja_error *err);
/* ends_at 0: for good; replaces an earlier grant. */
enum ja_status ja_role_grant_flow(struct ja_ctx *ctx, const char *user, const char *role, int64_t ends_at,
                                  struct ja_error *err);
/* JA_ERR_NOT_FOUND "not_granted": not directly. */
enum ja_status ja_role_revoke_flow(struct ja_ctx *ctx, const char *user, const char *role, struct ja_error *err);

#endif
