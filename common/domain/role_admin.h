/* The graph of roles and who has which: what `authctl role` changes and shows.
 * Writing functions run in the caller's transaction; the rules above single rows are role_flow.c's.
 */
#ifndef JA_DOMAIN_ROLE_ADMIN_H
#define JA_DOMAIN_ROLE_ADMIN_H

#include "common/base/text.h"
#include "common/domain/permission.h"
#include "common/domain/role.h"

struct ja_role {
    char id[JA_UUID_LEN + 1];
    char name[JA_ROLE_NAME_MAX + 1];
    char description[JA_TEXT_MAX + 1];
    int64_t created_at;
};

/* JA_ERR_NOT_FOUND "role_not_found". */
enum ja_status ja_role_find(struct ja_ctx *ctx, const char *name, struct ja_role *ret, struct ja_error *err);
typedef enum ja_status (*ja_role_fn)(void *arg, const struct ja_role *role);
/* By name; `after` is the id of the last one seen, NULL: from the first one. */
enum ja_status ja_role_each(struct ja_ctx *ctx, const char *after, int64_t limit, ja_role_fn fn, void *arg,
                            struct ja_error *err); /* limit 0: all */
/* JA_ERR_INVALID "invalid_role", "invalid_description"; JA_ERR_EXISTS "role_exists". */
enum ja_status ja_role_add(struct ja_ctx *ctx, const char *name, const char *description, struct ja_error *err);
/* "": none. */
enum ja_status ja_role_describe(struct ja_ctx *ctx, const struct ja_role *role, const char *description,
                                struct ja_error *err);
/* The row with its parents and permissions; nobody may have or inherit it. */
enum ja_status ja_role_drop(struct ja_ctx *ctx, const struct ja_role *role, struct ja_error *err);

/* Names, sorted. */
enum ja_status ja_role_parents(struct ja_ctx *ctx, const char *role_id, struct ja_strlist *ret, struct ja_error *err);
/* Up to ten that inherit it ("role NAME") or have it ("user NAME"), ended grants not. */
enum ja_status ja_role_used_by(struct ja_ctx *ctx, const char *role_id, struct ja_strlist *ret, struct ja_error *err);
/* What it permits itself: "users:read", "users:read on tenant/42/...". */
enum ja_status ja_role_own_permissions(struct ja_ctx *ctx, const char *role_id, struct ja_strlist *ret,
                                       struct ja_error *err);

/* JA_ERR_CONFLICT "role_cycle" names the cycle. *ret_changed: it was not so before. */
enum ja_status ja_role_inherit(struct ja_ctx *ctx, const struct ja_role *role, const struct ja_role *parent,
                               bool *ret_changed, struct ja_error *err);
enum ja_status ja_role_disinherit(struct ja_ctx *ctx, const struct ja_role *role, const struct ja_role *parent,
                                  bool *ret_changed, struct ja_error *err);
enum ja_status ja_role_permit(struct ja_ctx *ctx, const struct ja_role *role, const char *permission,
                              const char *pattern, bool *ret_changed, struct ja_error *err);
enum ja_status ja_role_forbid(struct ja_ctx *ctx, const struct ja_role *role, const char *permission,
                              const char *pattern, bool *ret_changed, struct ja_error *err);

/* When the last active person with `role` (directly or not) loses it as planned by now; INT64_MAX: never,
 * 0: nobody has it. */
enum ja_status ja_role_last_end(struct ja_ctx *ctx, const char *role, int64_t *ret, struct ja_error *err);
/* Whether the role or one it inherits permits exactly `permission` everywhere. */
enum ja_status ja_role_carries(struct ja_ctx *ctx, const char *role, const char *permission, bool *ret,
                               struct ja_error *err);

struct ja_grant {
    char id[2 * JA_UUID_LEN + 2]; /* "USER/ROLE": for paging */
    char user_id[JA_UUID_LEN + 1], username[JA_USERNAME_MAX + 1], role[JA_ROLE_NAME_MAX + 1], granted_by[128];
    int64_t granted_at, ends_at;
};
struct ja_grant_filter {
    const char *user_id; /* NULL: everybody's */
    int64_t ends_before; /* 0: any; else only those that end after now and until then */
    const char *after;
    int64_t limit; /* 0: all */
};
enum ja_status ja_grant_each(struct ja_ctx *ctx, const struct ja_grant_filter *f,
                             enum ja_status (*fn)(void *arg, const struct ja_grant *g), void *arg,
                             struct ja_error *err);

/* Grants whose end has come, the first that ended first; they give nothing since then. */
enum ja_status ja_grant_ended(struct ja_ctx *ctx, struct ja_grant *ret, size_t max, size_t *ret_len,
                              struct ja_error *err);
enum ja_status ja_grant_count_ended(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);
/* The row of that grant, not of one that was given anew. *ret_dropped false: it is no more. */
enum ja_status ja_grant_drop(struct ja_ctx *ctx, const struct ja_grant *g, bool *ret_dropped, struct ja_error *err);

#endif
