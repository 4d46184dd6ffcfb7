#include "common/domain/role.h"

#include "common/base/text.h"
#include "common/domain/nss_export.h"

#include <stdlib.h>
#include <string.h>

/* What init gives: each role has what its parent has and more. `admin` may do everything;
 * `compliance` reads everything and changes nothing. */
struct default_role {
    const char *name, *description, *parent;
    const char *permissions[6];
};
static const struct default_role default_roles[] = {
    {"user", "every person: the own profile and sessions", NULL, {"profile:*", "sessions:own"}},
    {"agent", "looks accounts up", "user", {"users:read"}},
    {"manager",
     "manages accounts and their sessions",
     "agent",
     {"users:read", "users:write", "sessions:*", "roles:read"}},
    {"admin", "may do everything", "manager", {"*:*"}},
    {"compliance",
     "reads accounts, roles and the audit log",
     "user",
     {"users:read", "roles:read", "sessions:read", "audit:read"}},
};

bool ja_strlist_has(const struct ja_strlist *l, const char *name)
{
    for (size_t i = 0; i < l->len; i++)
        if (strcmp(l->items[i], name) == 0)
            return true;
    return false;
}

void ja_strlist_clear(struct ja_strlist *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->len; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct ja_strlist){0};
}

static enum ja_status append(struct ja_strlist *l, const char *text, struct ja_error *err)
{
    char **more = realloc(l->items, (l->len + 1) * sizeof *more);

    if (!more)
        return ja_fail_nomem(err);
    l->items = more;
    more[l->len] = strdup(text);
    if (!more[l->len])
        return ja_fail_nomem(err);
    l->len++;
    return JA_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The column `name` of every row, in the order of its bytes whatever the engine's collation is. */
enum ja_status ja_strlist_collect(struct ja_rows *rows, const char *name, struct ja_strlist *ret,
                                  struct ja_error *err)
{
    struct ja_strlist list = {0};
    bool row = false;
    enum ja_status st = JA_OK;

    while ((st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        const char *text = ja_col_text(rows, name);

        st = text ? append(&list, text, err) : ja_rows_status(rows, err);
        if (st != JA_OK)
            break;
    }
    ja_rows_end(rows);
    if (st != JA_OK) {
        ja_strlist_clear(&list);
        return st;
    }
    if (list.len > 1)
        qsort(list.items, list.len, sizeof *list.items, by_text);
    *ret = list;
    return JA_OK;
}

/* Roles held now, directly or through another: UNION (not UNION ALL) ends at a cycle too. */
#define HELD_ROLES \
    "WITH RECURSIVE held (id) AS (SELECT role_id FROM user_roles WHERE user_id = $1 " \
    "AND (ends_at IS NULL OR ends_at > $2) UNION " \
    "SELECT p.parent_id FROM role_parents p JOIN held h ON p.role_id = h.id) "

/* The roles that a user was given, where none of them has a parent: nearly everybody's, found without the temporary
 * tables of a recursion.  A role with a parent answers "", which is no role's name and comes first. */
static enum ja_status plain_roles(struct ja_ctx *ctx, const char *user_id, struct ja_strlist *ret, bool *ret_plain,
                                  struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    struct ja_strlist list = {0};
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT CASE WHEN EXISTS (SELECT 1 FROM role_parents p WHERE p.role_id = r.id) THEN '' "
                    "ELSE r.name END AS name FROM user_roles h JOIN roles r ON r.id = h.role_id "
                    "WHERE h.user_id = $1 AND (h.ends_at IS NULL OR h.ends_at > $2)",
                    JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_strlist_collect(rows, "name", &list, err);
    if (st != JA_OK)
        return st;
    *ret_plain = list.len == 0 || list.items[0][0] != 0;
    if (*ret_plain)
        *ret = list;
    else
        ja_strlist_clear(&list);
    return JA_OK;
}

enum ja_status ja_role_effective(struct ja_ctx *ctx, const char *user_id, struct ja_strlist *ret,
                                 struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool plain = false;
    enum ja_status st = plain_roles(ctx, user_id, ret, &plain, err);

    if (st != JA_OK || plain)
        return st;
    st = ja_db_query(ctx->db, HELD_ROLES "SELECT r.name AS name FROM held h JOIN roles r ON r.id = h.id",
                     JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock))), &rows, err);
    return st == JA_OK ? ja_strlist_collect(rows, "name", ret, err) : st;
}

enum ja_status ja_role_effective_as(struct ja_ctx *ctx, const char *user_id, const char *as_role,
                                    struct ja_strlist *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st;

    if (!as_role)
        return ja_role_effective(ctx, user_id, ret, err);
    st = ja_role_require(ctx, as_role, err);
    if (st == JA_OK)
        st = ja_db_query(ctx->db,
                         "WITH RECURSIVE held (id) AS (SELECT role_id FROM user_roles WHERE user_id = $1 "
                         "AND (ends_at IS NULL OR ends_at > $2) UNION SELECT id FROM roles WHERE name = $3 UNION "
                         "SELECT p.parent_id FROM role_parents p JOIN held h ON p.role_id = h.id) "
                         "SELECT r.name AS name FROM held h JOIN roles r ON r.id = h.id",
                         JA_BINDS(JA_T(user_id ? user_id : ""), JA_I(ja_now(&ctx->clock)), JA_T(as_role)), &rows,
                         err);
    return st == JA_OK ? ja_strlist_collect(rows, "name", ret, err) : st;
}

enum ja_status ja_role_permissions(struct ja_ctx *ctx, const char *user_id, struct ja_strlist *ret,
                                   struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    HELD_ROLES "SELECT DISTINCT p.permission AS permission FROM "
                                               "held h JOIN role_permissions p ON p.role_id = h.id "
                                               "WHERE p.pattern = ''",
                                    JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock))), &rows, err);

    return st == JA_OK ? ja_strlist_collect(rows, "permission", ret, err) : st;
}

static enum ja_status create_role(struct ja_ctx *ctx, const struct default_role *def, bool *ret_new,
                                  struct ja_error *err)
{
    char id[JA_UUID_LEN + 1];
    int64_t n = 0, now = ja_now(&ctx->clock);
    enum ja_status st = ja_uuid_new(ja_now_ms(&ctx->clock), id, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO roles (id, name, description, created_at, updated_at, "
                        "updated_by) VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (name) DO NOTHING",
                        JA_BINDS(JA_T(id), JA_T(def->name), JA_T(def->description), JA_I(now),
                                 JA_T(ctx->actor.name)),
                        &n, err);
    if (st == JA_OK)
        *ret_new = n == 1;
    return st;
}

static enum ja_status furnish_role(struct ja_ctx *ctx, const struct default_role *def,
                                   struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st = JA_OK;
    size_t max = sizeof def->permissions / sizeof *def->permissions;

    if (def->parent)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO role_parents (role_id, parent_id, created_at) "
                        "SELECT c.id, p.id, $3 FROM roles c, roles p "
                        "WHERE c.name = $1 AND p.name = $2",
                        JA_BINDS(JA_T(def->name), JA_T(def->parent), JA_I(now)), NULL, err);
    for (size_t i = 0; st == JA_OK && i < max && def->permissions[i]; i++)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO role_permissions (role_id, permission, pattern, created_at) "
                        "SELECT id, $2, '', $3 FROM roles WHERE name = $1",
                        JA_BINDS(JA_T(def->name), JA_T(def->permissions[i]), JA_I(now)), NULL,
                        err);
    return st;
}

enum ja_status ja_role_create_defaults(struct ja_ctx *ctx, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < sizeof default_roles / sizeof *default_roles; i++) {
        bool is_new = false;

        st = create_role(ctx, &default_roles[i], &is_new, err);
        if (st == JA_OK && is_new) /* one that is there is the administrator's by now */
            st = furnish_role(ctx, &default_roles[i], err);
    }
    return st;
}

static enum ja_status role_not_found(const char *name, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_NOT_FOUND, "role_not_found", "no such role (%.64s)", name);
}

enum ja_status ja_role_require(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT id FROM roles WHERE name = $1",
                                    JA_BINDS(JA_T(name)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    ja_rows_end(rows);
    return st == JA_OK && !row ? role_not_found(name, err) : st;
}

enum ja_status ja_role_grant(struct ja_ctx *ctx, const char *user_id, const char *role,
                             int64_t ends_at, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(
        ctx->db,
        "INSERT INTO user_roles (user_id, role_id, granted_by, created_at, ends_at) "
        "SELECT $1, id, $3, $4, $5 FROM roles WHERE name = $2 "
        "ON CONFLICT (user_id, role_id) DO UPDATE SET granted_by = excluded.granted_by, "
        "created_at = excluded.created_at, ends_at = excluded.ends_at",
        JA_BINDS(JA_T(user_id), JA_T(role), JA_T(ctx->actor.name), JA_I(ja_now(&ctx->clock)),
                 JA_TIME(ends_at)),
        &n, err);

    if (st == JA_OK && n != 1)
        return role_not_found(role, err);
    return st == JA_OK ? ja_nss_export_note(ctx, err) : st;
}

enum ja_status ja_role_revoke(struct ja_ctx *ctx, const char *user_id, const char *role,
                              bool *ret_revoked, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_role_require(ctx, role, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "DELETE FROM user_roles WHERE user_id = $1 "
                        "AND role_id = (SELECT id FROM roles WHERE name = $2)",
                        JA_BINDS(JA_T(user_id), JA_T(role)), &n, err);
    if (st == JA_OK && n == 1)
        st = ja_nss_export_note(ctx, err);
    if (st == JA_OK)
        *ret_revoked = n == 1;
    return st;
}

enum ja_status ja_role_held_by_other(struct ja_ctx *ctx, const char *role, const char *user_id,
                                     int64_t until, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    /* CROSS JOIN keeps SQLite to this order: the few who hold the role, not every user */
    enum ja_status st = ja_db_query(
        ctx->db,
        "WITH RECURSIVE giving (id) AS (SELECT id FROM roles WHERE name = $1 UNION "
        "SELECT p.role_id FROM role_parents p JOIN giving g ON p.parent_id = g.id) "
        "SELECT u.id AS id FROM giving g CROSS JOIN user_roles r CROSS JOIN users u "
        "WHERE r.role_id = g.id AND u.id = r.user_id AND u.id <> $2 AND u.deleted_at IS NULL "
        "AND u.kind = 'person' AND u.status = 'active' AND (r.ends_at IS NULL OR r.ends_at >= $3) "
        "AND (u.lock_at IS NULL OR u.lock_at >= $3) "
        "AND (u.valid_until IS NULL OR u.valid_until >= $3) LIMIT 1",
        JA_BINDS(JA_T(role), JA_T(user_id), JA_I(until)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = row;
    return st;
}
