#include "common/domain/permission.h"

#include "common/domain/column.h"
#include "common/domain/user.h"

#include <stdio.h>
#include <string.h>

/* "*", or [a-z][a-z0-9_-]{0,31}: no letter that looks like another one (SECURITY R5). */
static bool part_valid(const char *s, size_t len)
{
    if (len == 1 && s[0] == '*')
        return true;
    if (len == 0 || len > 32 || s[0] < 'a' || s[0] > 'z')
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") >= len;
}

bool ja_permission_valid(const char *permission)
{
    const char *colon = strchr(permission, ':');

    return colon && part_valid(permission, (size_t)(colon - permission)) && part_valid(colon + 1, strlen(colon + 1));
}

static bool segment_valid(const char *s, size_t len, bool pattern)
{
    if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
        return false;
    if (pattern && len == 1 && s[0] == '*')
        return true;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f || s[i] == '*')
            return false;
    return true;
}

bool ja_resource_valid(const char *path, bool pattern)
{
    if (strlen(path) > JA_RESOURCE_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(path, "/");

        if (!segment_valid(path, len, pattern))
            return false;
        if (!path[len])
            return true;
        path += len + 1;
    }
}

/* In `resource` a "*" is a segment as others are: only another "*" matches it. */
static bool walk(const char *pattern, const char *resource)
{
    for (;;) {
        size_t p = strcspn(pattern, "/"), r = strcspn(resource, "/");
        bool any = p == 1 && pattern[0] == '*';

        if (any && !pattern[p])
            return true; /* the rest, which has a segment at least */
        if (!any && (p != r || strncmp(pattern, resource, p) != 0))
            return false;
        if (!pattern[p] || !resource[r])
            return !pattern[p] && !resource[r];
        pattern += p + 1;
        resource += r + 1;
    }
}

bool ja_pattern_matches(const char *pattern, const char *resource)
{
    if (!pattern[0])
        return true;
    return resource && ja_resource_valid(resource, false) && ja_resource_valid(pattern, true) &&
           walk(pattern, resource);
}

/* A last "*" of `pattern`, which stands for many segments, meets a last "*" of `have` or nothing that fits. */
bool ja_pattern_covers(const char *have, const char *pattern)
{
    if (!have[0])
        return true;
    return pattern[0] && ja_resource_valid(have, true) && ja_resource_valid(pattern, true) && walk(have, pattern);
}

bool ja_permission_implies(const char *have, const char *permission, size_t len)
{
    const char *p = strchr(have, ':'), *w = memchr(permission, ':', len);
    size_t p_res = p ? (size_t)(p - have) : 0, w_res = w ? (size_t)(w - permission) : 0;
    size_t w_act = w ? len - w_res - 1 : 0;

    if (!p || !w)
        return false;
    return ((p_res == 1 && have[0] == '*') || (p_res == w_res && strncmp(have, permission, w_res) == 0)) &&
           (strcmp(p + 1, "*") == 0 || (strlen(p + 1) == w_act && strncmp(p + 1, w + 1, w_act) == 0));
}

bool ja_scope_covers(const char *scope, const char *permission)
{
    char one[JA_PERMISSION_MAX + 1];

    for (size_t len; *scope; scope += len + (scope[len] == ' ')) {
        len = strcspn(scope, " ");
        if (len >= sizeof one)
            continue;
        memcpy(one, scope, len);
        one[len] = 0;
        if (ja_permission_implies(one, permission, strlen(permission)))
            return true;
    }
    return false;
}

enum ja_status ja_permission_check(const char *permission, const char *path, bool pattern, struct ja_error *err)
{
    if (!ja_permission_valid(permission))
        return ja_fail(err, JA_ERR_INVALID, "invalid_permission",
                       "a permission is resource:action in lower case letters, as users:read; * for either part");
    if (path && !ja_resource_valid(path, pattern))
        return ja_fail(err, JA_ERR_INVALID, "invalid_resource", "%s",
                       pattern ? "a pattern is a path as tenant/42/*: no empty segment, * only as a whole one"
                               : "a resource is a path as tenant/42/report: no empty segment, no *");
    return JA_OK;
}

/* One statement for any number of roles; UNION (not UNION ALL) visits each role once. */
#define HELD \
    "WITH RECURSIVE held (id) AS (SELECT role_id FROM user_roles WHERE user_id = $1 " \
    "AND (ends_at IS NULL OR ends_at > $2) UNION " \
    "SELECT p.parent_id FROM role_parents p JOIN held h ON p.role_id = h.id) " \
    "SELECT p.permission AS permission, p.pattern AS pattern, r.name AS role FROM held h " \
    "JOIN role_permissions p ON p.role_id = h.id JOIN roles r ON r.id = h.id "
#define IN_ORDER "ORDER BY p.permission, p.pattern, r.name"

static enum ja_status fill(struct ja_rows *rows, struct ja_held_permission *p, struct ja_error *err)
{
    if (ja_col_copy(rows, "permission", p->permission, sizeof p->permission) &&
        ja_col_copy(rows, "pattern", p->pattern, sizeof p->pattern) &&
        ja_col_copy(rows, "role", p->role, sizeof p->role))
        return ja_rows_status(rows, err);
    return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a permission in the store is too long");
}

enum ja_status ja_permission_each(struct ja_ctx *ctx, const char *user_id,
                                  enum ja_status (*fn)(void *arg, const struct ja_held_permission *p),
                                  void *arg, struct ja_error *err)
{
    struct ja_held_permission p = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db, HELD IN_ORDER, JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock))), &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        st = fill(rows, &p, err);
        if (st == JA_OK)
            st = fn(arg, &p);
    }
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_permission_held(struct ja_ctx *ctx, const char *user_id, const char *permission,
                                  const char *resource, bool *ret_held, struct ja_held_permission *ret,
                                  struct ja_error *err)
{
    char any_action[JA_PERMISSION_MAX + 3], any_resource[JA_PERMISSION_MAX + 3];
    struct ja_held_permission p = {0};
    struct ja_rows *rows = NULL;
    bool row = false, held = false;
    enum ja_status st = ja_permission_check(permission, resource, false, err);

    if (st != JA_OK)
        return st;
    (void)snprintf(any_action, sizeof any_action, "%.*s:*", (int)strcspn(permission, ":"), permission);
    (void)snprintf(any_resource, sizeof any_resource, "*%s", strchr(permission, ':'));
    st = ja_db_query(ctx->db, HELD "WHERE p.permission IN ($3, $4, $5, '*:*') " IN_ORDER,
                     JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock)), JA_T(permission), JA_T(any_action),
                              JA_T(any_resource)),
                     &rows, err);
    while (st == JA_OK && !held && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        st = fill(rows, &p, err);
        held = st == JA_OK && ja_pattern_matches(p.pattern, resource);
    }
    ja_rows_end(rows);
    if (st != JA_OK)
        return st;
    *ret_held = held;
    if (held && ret)
        *ret = p;
    return JA_OK;
}

enum ja_status ja_permission_can(struct ja_ctx *ctx, const char *name, const char *permission, const char *resource,
                                 bool *ret_held, struct ja_held_permission *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    bool held = false;
    enum ja_status st = ja_user_find(ctx, name, &u, err);

    if (st == JA_OK)
        st = ja_permission_held(ctx, u.id, permission, resource, &held, ret, err);
    if (st == JA_OK)
        *ret_held = held && ja_user_live(&u, ja_now(&ctx->clock));
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_forbidden(struct ja_error *err, const char *permission)
{
    return ja_fail(err, JA_ERR_FORBIDDEN, "forbidden", "this takes the permission %s", permission);
}

enum ja_status ja_actor_find(struct ja_ctx *ctx, char ret_id[JA_UUID_LEN + 1], struct ja_error *err)
{
    const char *actor = ctx->actor.name;
    struct ja_user u = {0};
    enum ja_status st = JA_ERR_NOT_FOUND;

    if (strcmp(actor, "root") == 0 || strcmp(actor, "pam") == 0 || strcmp(actor, "system") == 0) {
        ret_id[0] = 0;
        return JA_OK;
    }
    if (strncmp(actor, "user:", 5) == 0)
        st = ja_user_find_by_name(ctx, actor + 5, &u, err);
    if (st == JA_OK && ja_user_live(&u, ja_now(&ctx->clock)))
        (void)snprintf(ret_id, JA_UUID_LEN + 1, "%s", u.id);
    else if (st == JA_OK || st == JA_ERR_NOT_FOUND)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "forbidden", "the caller is not an active user");
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_permit(struct ja_ctx *ctx, const char *permission, const char *resource, struct ja_error *err)
{
    char id[JA_UUID_LEN + 1] = "";
    bool held = false;
    enum ja_status st = ja_actor_find(ctx, id, err);

    if (st != JA_OK || !id[0])
        return st;
    st = ja_permission_held(ctx, id, permission, resource, &held, NULL, err);
    if (st == JA_OK && held && ctx->actor.scope)
        held = ja_scope_covers(ctx->actor.scope, permission);
    return st == JA_OK && !held ? ja_forbidden(err, permission) : st;
}
