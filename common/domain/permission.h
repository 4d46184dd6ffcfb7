/* Permissions "resource:action", where they hold ("tenant/42/..."), and who has them.
 *
 * Either part of a permission may be "*".  A pattern is a path of segments; "*" as a whole segment stands
 * for one segment, as the last one for one or more.  There is nothing else: no part of a segment, no
 * regular expression.  A permission with a pattern holds only where a resource is named and matches.
 */
#ifndef JA_DOMAIN_PERMISSION_H
#define JA_DOMAIN_PERMISSION_H

#include "common/domain/ctx.h"

#define JA_PERMISSION_MAX 65
#define JA_ROLE_NAME_MAX 32
#define JA_RESOURCE_MAX 255

bool ja_permission_valid(const char *permission);
/* A resource, or with `pattern` one that may have "*" segments. No empty, "." or ".." segment. */
bool ja_resource_valid(const char *path, bool pattern);
/* pattern "": everywhere. resource NULL: none was named. */
bool ja_pattern_matches(const char *pattern, const char *resource);
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
/* The caller's right: JA_OK for root and for what the host itself does ("pam", ...), else the user behind
 * ctx->actor ("user:NAME") must hold it: JA_ERR_FORBIDDEN "forbidden". */
enum ja_status ja_permit(struct ja_ctx *ctx, const char *permission, const char *resource, struct ja_error *err);

#endif
