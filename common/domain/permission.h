/* Permissions "resource:action", where they hold ("tenant/42/..."), and who has them.
 *
 * Either part of a permission may be "*".  A pattern is a path of segments; "*" as a whole segment stands
 * for one segment, as the last one for one or more.  There is nothing else: no part of a segment, no
 * regular expression.  A permission with a pattern holds only where a resource is named and matches.
 */
#ifndef JA_DOMAIN_PERMISSION_H
#define JA_DOMAIN_PERMISSION_H

#include "common/base/text.h"
#include "common/domain/ctx.h"

#define JA_PERMISSION_MAX 65
#define JA_ROLE_NAME_MAX 32
#define JA_RESOURCE_MAX 255

bool ja_permission_valid(const char *permission);
/* A resource, or with `pattern` one that may have "*" segments. No empty, "." or ".." segment. */
bool ja_resource_valid(const char *path, bool pattern);
/* pattern "": everywhere. resource NULL: none was named. */
bool ja_pattern_matches(const char *pattern, const char *resource);
/* Whether `have` matches whatever `pattern` matches. */
bool ja_pattern_covers(const char *have, const char *pattern);
/* "invoices:read", of `len` bytes, by "invoices:read", "invoices:*", "*:read" or "*:*". */
bool ja_permission_implies(const char *have, const char *permission, size_t len);
/* JA_ERR_INVALID "invalid_permission", "invalid_resource". path may be NULL. */
enum ja_status ja_permission_check(const char *permission, const char *path, bool pattern, struct ja_error *err);

struct ja_held_permission {
    char permission[JA_PERMISSION_MAX + 1];
    char pattern[JA_RESOURCE_MAX + 1];
    char role[JA_ROLE_NAME_MAX + 1]; /* the role that carries it */
};
/* What the user holds now, every role and pattern, in one statement. */
enum ja_status ja_permission_each(struct ja_ctx *ctx, const char *user_id,
                                  enum ja_status (*fn)(void *arg, const struct ja_held_permission *p),
                                  void *arg, struct ja_error *err);
/* Whether the user holds it now; *ret is the one that gives it. One statement. */
enum ja_status ja_permission_held(struct ja_ctx *ctx, const char *user_id, const char *permission,
                                  const char *resource, bool *ret_held, struct ja_held_permission *ret,
                                  struct ja_error *err);
/* The same for a user by name; who is not active, locked by now or past the end may nothing. */
enum ja_status ja_permission_can(struct ja_ctx *ctx, const char *name, const char *permission, const char *resource,
                                 bool *ret_held, struct ja_held_permission *ret, struct ja_error *err);
/* Who asks: the user behind ctx->actor ("user:NAME"), active and within its times; "": root, or what the host
 * itself does ("pam", "system"). JA_ERR_FORBIDDEN "forbidden": nobody, or one who may nothing now. */
enum ja_status ja_actor_find(struct ja_ctx *ctx, char ret_id[JA_UUID_LEN + 1], struct ja_error *err);
/* Whether a token's scope ("users:read sessions:*") covers a permission. */
bool ja_scope_covers(const char *scope, const char *permission);
/* The caller's right: JA_OK for root and for what the host itself does ("pam", ...), else the user behind
 * ctx->actor ("user:NAME") must hold it: JA_ERR_FORBIDDEN "forbidden". */
enum ja_status ja_permit(struct ja_ctx *ctx, const char *permission, const char *resource, struct ja_error *err);
enum ja_status ja_forbidden(struct ja_error *err, const char *permission);

/* ---- nobody gives more than it has (permission_cover.c) ---- */

/* Whether `holder` (the caller: its token's scope narrows it) has, until `until` at least (0: now), everything that the user has now, or that the role gives.
 * What only several of the holder's permissions together would make up counts as missing. */
enum ja_status ja_permission_covers_user(struct ja_ctx *ctx, const char *holder_id, const char *user_id,
                                         bool *ret, struct ja_error *err);
enum ja_status ja_permission_covers(struct ja_ctx *ctx, const char *holder_id, int64_t until, const char *permission,
                                    bool *ret, struct ja_error *err); /* everywhere */
enum ja_status ja_permission_covers_role(struct ja_ctx *ctx, const char *holder_id, int64_t until, const char *role,
                                         bool *ret, struct ja_error *err);

#endif
