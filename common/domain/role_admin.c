#include "common/domain/role_admin.h"

#include "common/domain/column.h"
#include "common/domain/nss_export.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS "SELECT id, name, description, created_at FROM roles "

static enum ja_status fill(struct ja_rows *rows, struct ja_role *r, struct ja_error *err)
{
    r->created_at = ja_col_int(rows, "created_at");
    if (ja_col_copy(rows, "id", r->id, sizeof r->id) && ja_col_copy(rows, "name", r->name, sizeof r->name) &&
        ja_col_copy(rows, "description", r->description, sizeof r->description))
        return ja_rows_status(rows, err);
    return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a role in the store is too long");
}

enum ja_status ja_role_find(struct ja_ctx *ctx, const char *name, struct ja_role *ret, struct ja_error *err)
{
    struct ja_role r = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, COLUMNS "WHERE name = $1", JA_BINDS(JA_T(name)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        st = fill(rows, &r, err);
    ja_rows_end(rows);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "role_not_found", "no such role (%.64s)", name);
    if (st == JA_OK)
        *ret = r;
    return st;
}

enum ja_status ja_role_each(struct ja_ctx *ctx, const char *after, int64_t limit, ja_role_fn fn, void *arg,
                            struct ja_error *err)
{
    struct ja_role r = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t most = limit ? limit : INT64_MAX;
    /* by name: the ids of roles that were made together, as init does, are in no order */
    enum ja_status st =
        after ? ja_db_query(ctx->db,
                            COLUMNS "WHERE name > (SELECT name FROM roles WHERE id = $1) ORDER BY name LIMIT $2",
                            JA_BINDS(JA_T(after), JA_I(most)), &rows, err)
              : ja_db_query(ctx->db, COLUMNS "WHERE name > '' ORDER BY name LIMIT $1", JA_BINDS(JA_I(most)), &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        st = fill(rows, &r, err);
        if (st == JA_OK)
            st = fn(arg, &r);
    }
    ja_rows_end(rows);
    return st;
}

static enum ja_status check_description(const char *description, struct ja_error *err)
{
    if (!description || ja_text_valid(description, JA_TEXT_MAX))
        return JA_OK;
    return ja_fail(err, JA_ERR_INVALID, "invalid_description", "a description has at most %d bytes, no control characters",
                   JA_TEXT_MAX);
}

enum ja_status ja_role_describe(struct ja_ctx *ctx, const struct ja_role *role, const char *description,
                                struct ja_error *err)
{
    enum ja_status st = check_description(description, err);

    if (st != JA_OK)
        return st;
    return ja_db_exec(ctx->db, "UPDATE roles SET description = $2, updated_at = $3, updated_by = $4 WHERE id = $1",
                      JA_BINDS(JA_T(role->id), JA_T(*description ? description : NULL), JA_I(ja_now(&ctx->clock)),
                               JA_T(ctx->actor.name)), NULL, err);
}

enum ja_status ja_role_add(struct ja_ctx *ctx, const char *name, const char *description, struct ja_error *err)
{
    char id[JA_UUID_LEN + 1];
    int64_t n = 0, now = ja_now(&ctx->clock);
    enum ja_status st = JA_OK;

    /* one alphabet for all names: no second role looks like the first (CVE-2025-49012) */
    if (!ja_username_valid(name))
        return ja_fail(err, JA_ERR_INVALID, "invalid_role",
                       "a role's name has 1 to 32 of a-z, 0-9, _ and -, and starts with a letter or _");
    st = check_description(description, err);
    if (st != JA_OK)
        return st;
    st = ja_uuid_new(ja_now_ms(&ctx->clock), id, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO roles (id, name, description, created_at, updated_at, updated_by) "
                        "VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (name) DO NOTHING",
                        JA_BINDS(JA_T(id), JA_T(name), JA_T(description), JA_I(now), JA_T(ctx->actor.name)), &n, err);
    if (st == JA_OK && n != 1)
        return ja_fail(err, JA_ERR_EXISTS, "role_exists", "the role %s is there already", name);
    return st == JA_OK ? ja_nss_export_note(ctx, err) : st;
}

enum ja_status ja_role_drop(struct ja_ctx *ctx, const struct ja_role *role, struct ja_error *err)
{
    enum ja_status st = ja_db_exec(ctx->db, "DELETE FROM user_roles WHERE role_id = $1 AND ends_at <= $2",
                                   JA_BINDS(JA_T(role->id), JA_I(ja_now(&ctx->clock))), NULL, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM role_permissions WHERE role_id = $1", JA_BINDS(JA_T(role->id)),
                        NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM role_parents WHERE role_id = $1", JA_BINDS(JA_T(role->id)), NULL, err);
    if (st == JA_OK) /* files may still bear its group */
        st = ja_db_exec(ctx->db,
                        "INSERT INTO retired_ids (id, was, created_at) SELECT gid, id, $2 FROM roles "
                        "WHERE id = $1 AND gid IS NOT NULL ON CONFLICT (id) DO NOTHING",
                        JA_BINDS(JA_T(role->id), JA_I(ja_now(&ctx->clock))), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM roles WHERE id = $1", JA_BINDS(JA_T(role->id)), NULL, err);
    return st == JA_OK ? ja_nss_export_note(ctx, err) : st;
}

enum ja_status ja_role_parents(struct ja_ctx *ctx, const char *role_id, struct ja_strlist *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT r.name AS name FROM role_parents p JOIN roles r ON r.id = p.parent_id "
                                    "WHERE p.role_id = $1",
                                    JA_BINDS(JA_T(role_id)), &rows, err);

    return st == JA_OK ? ja_strlist_collect(rows, "name", ret, err) : st;
}

enum ja_status ja_role_used_by(struct ja_ctx *ctx, const char *role_id, struct ja_strlist *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT name FROM (SELECT 'role ' || r.name AS name FROM role_parents p JOIN roles r "
                    "ON r.id = p.role_id WHERE p.parent_id = $1 UNION ALL "
                    "SELECT 'user ' || u.username AS name FROM user_roles g JOIN users u ON u.id = g.user_id "
                    "WHERE g.role_id = $1 AND (g.ends_at IS NULL OR g.ends_at > $2)) AS few_users LIMIT 10",
                    JA_BINDS(JA_T(role_id), JA_I(ja_now(&ctx->clock))), &rows, err);

    return st == JA_OK ? ja_strlist_collect(rows, "name", ret, err) : st;
}

enum ja_status ja_role_own_permissions(struct ja_ctx *ctx, const char *role_id, struct ja_strlist *ret,
                                       struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT permission || CASE pattern WHEN '' THEN '' ELSE ' on ' || pattern END "
                                    "AS text FROM role_permissions WHERE role_id = $1",
                                    JA_BINDS(JA_T(role_id)), &rows, err);

    return st == JA_OK ? ja_strlist_collect(rows, "text", ret, err) : st;
}

/* ---- inheritance ---- */

/* Whether `from` is `to` or inherits it. */
static enum ja_status reaches(struct ja_ctx *ctx, const char *from_id, const char *to_id, bool *ret,
                              struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "WITH RECURSIVE above (id) AS (SELECT id FROM roles WHERE id = $1 UNION "
                                    "SELECT p.parent_id FROM role_parents p JOIN above a ON p.role_id = a.id) "
                                    "SELECT id FROM above WHERE id = $2",
                                    JA_BINDS(JA_T(from_id), JA_T(to_id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = row;
    return st;
}

/* The parent of `r` from which the way to `to` goes on; r becomes it. */
static enum ja_status step_towards(struct ja_ctx *ctx, struct ja_role *r, const char *to_id, struct ja_error *err)
{
    struct ja_strlist parents = {0};
    struct ja_role next = {0};
    bool found = false;
    enum ja_status st = ja_role_parents(ctx, r->id, &parents, err);

    for (size_t i = 0; st == JA_OK && !found && i < parents.len; i++) {
        st = ja_role_find(ctx, parents.items[i], &next, err);
        if (st == JA_OK)
            st = reaches(ctx, next.id, to_id, &found, err);
    }
    ja_strlist_clear(&parents);
    if (st == JA_OK && !found)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "no way from role to role");
    if (st == JA_OK)
        *r = next;
    return st;
}

static enum ja_status refuse_cycle(struct ja_ctx *ctx, const struct ja_role *role, const struct ja_role *parent,
                                   struct ja_error *err)
{
    char text[400];
    struct ja_role at = *parent;
    enum ja_status st = JA_OK;
    int len = snprintf(text, sizeof text, "%s -> %s", role->name, parent->name);

    while (st == JA_OK && strcmp(at.id, role->id) != 0 && len < 300) {
        st = step_towards(ctx, &at, role->id, err);
        if (st == JA_OK)
            len += snprintf(text + len, sizeof text - (size_t)len, " -> %s", at.name);
    }
    if (st == JA_OK && strcmp(at.id, role->id) != 0)
        (void)snprintf(text + len, sizeof text - (size_t)len, " -> ... -> %s", role->name);
    return st == JA_OK ? ja_fail(err, JA_ERR_CONFLICT, "role_cycle", "roles would inherit in a circle: %s", text) : st;
}

enum ja_status ja_role_inherit(struct ja_ctx *ctx, const struct ja_role *role, const struct ja_role *parent,
                               bool *ret_changed, struct ja_error *err)
{
    bool cycle = true;
    int64_t n = 0;
    enum ja_status st = reaches(ctx, parent->id, role->id, &cycle, err);

    if (st == JA_OK && cycle)
        return refuse_cycle(ctx, role, parent, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO role_parents (role_id, parent_id, created_at) VALUES ($1, $2, $3) "
                        "ON CONFLICT (role_id, parent_id) DO NOTHING",
                        JA_BINDS(JA_T(role->id), JA_T(parent->id), JA_I(ja_now(&ctx->clock))), &n, err);
    if (st == JA_OK && n == 1)
        st = ja_nss_export_note(ctx, err);
    if (st == JA_OK)
        *ret_changed = n == 1;
    return st;
}

enum ja_status ja_role_disinherit(struct ja_ctx *ctx, const struct ja_role *role, const struct ja_role *parent,
                                  bool *ret_changed, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db, "DELETE FROM role_parents WHERE role_id = $1 AND parent_id = $2",
                                   JA_BINDS(JA_T(role->id), JA_T(parent->id)), &n, err);

    if (st == JA_OK && n == 1)
        st = ja_nss_export_note(ctx, err);
    if (st == JA_OK)
        *ret_changed = n == 1;
    return st;
}

/* ---- permissions ---- */

enum ja_status ja_role_permit(struct ja_ctx *ctx, const struct ja_role *role, const char *permission,
                              const char *pattern, bool *ret_changed, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_permission_check(permission, pattern, true, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO role_permissions (role_id, permission, pattern, created_at) "
                        "VALUES ($1, $2, $3, $4) ON CONFLICT (role_id, permission, pattern) DO NOTHING",
                        JA_BINDS(JA_T(role->id), JA_T(permission), JA_T(pattern ? pattern : ""),
                                 JA_I(ja_now(&ctx->clock))),
                        &n, err);
    if (st == JA_OK)
        *ret_changed = n == 1;
    return st;
}

enum ja_status ja_role_forbid(struct ja_ctx *ctx, const struct ja_role *role, const char *permission,
                              const char *pattern, bool *ret_changed, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_permission_check(permission, pattern, true, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "DELETE FROM role_permissions WHERE role_id = $1 AND permission = $2 AND pattern = $3",
                        JA_BINDS(JA_T(role->id), JA_T(permission), JA_T(pattern ? pattern : "")), &n, err);
    if (st == JA_OK)
        *ret_changed = n == 1;
    return st;
}

enum ja_status ja_role_carries(struct ja_ctx *ctx, const char *role, const char *permission, bool *ret,
                               struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "WITH RECURSIVE above (id) AS (SELECT id FROM roles WHERE name = $1 UNION "
                                    "SELECT p.parent_id FROM role_parents p JOIN above a ON p.role_id = a.id) "
                                    "SELECT a.id AS id FROM above a JOIN role_permissions p ON p.role_id = a.id "
                                    "WHERE p.permission = $2 AND p.pattern = '' LIMIT 1",
                                    JA_BINDS(JA_T(role), JA_T(permission)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = row;
    return st;
}
