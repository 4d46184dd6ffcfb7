/* Who has which role until when. */
#include "common/domain/column.h"
#include "common/domain/role_admin.h"

#include <stdio.h>
#include <string.h>

static int64_t sooner(struct ja_rows *rows, const char *column, int64_t end)
{
    int64_t t = ja_col_int(rows, column);

    return !ja_col_null(rows, column) && t < end ? t : end;
}

enum ja_status ja_role_first_end(struct ja_ctx *ctx, const char *user_id, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    int64_t end = 0;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT MIN(ends_at) AS ends_at FROM user_roles WHERE user_id = $1 AND ends_at > $2",
                                    JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        end = ja_col_int(rows, "ends_at"); /* 0 for NULL */
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = end;
    return st;
}

enum ja_status ja_role_last_end(struct ja_ctx *ctx, const char *role, int64_t *ret, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), last = 0;
    struct ja_rows *rows = NULL;
    bool row = false;
    /* CROSS JOIN keeps SQLite to this order: the few who hold the role, not every user */
    enum ja_status st = ja_db_query(
        ctx->db,
        "WITH RECURSIVE giving (id) AS (SELECT id FROM roles WHERE name = $1 UNION "
        "SELECT p.role_id FROM role_parents p JOIN giving g ON p.parent_id = g.id) "
        "SELECT r.ends_at AS ends_at, u.lock_at AS lock_at, u.valid_until AS valid_until "
        "FROM giving g CROSS JOIN user_roles r CROSS JOIN users u "
        "WHERE r.role_id = g.id AND u.id = r.user_id AND u.deleted_at IS NULL "
        "AND u.kind = 'person' AND u.status = 'active'",
        JA_BINDS(JA_T(role)), &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        int64_t end = sooner(rows, "valid_until", sooner(rows, "lock_at", sooner(rows, "ends_at", INT64_MAX)));

        if (end > now && end > last)
            last = end;
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = last;
    return st;
}

#define GRANTS \
    "SELECT g.user_id AS user_id, g.role_id AS role_id, u.username AS username, r.name AS role, " \
    "g.granted_by AS granted_by, g.created_at AS created_at, g.ends_at AS ends_at " \
    "FROM user_roles g CROSS JOIN users u CROSS JOIN roles r " \
    "WHERE u.id = g.user_id AND r.id = g.role_id "
#define PART "AND ($1 = 0 OR (g.ends_at > $2 AND g.ends_at <= $1)) "

static enum ja_status fill(struct ja_rows *rows, struct ja_grant *g, struct ja_error *err)
{
    const char *role_id = ja_col_text(rows, "role_id");
    bool fits = ja_col_copy(rows, "user_id", g->user_id, sizeof g->user_id) &&
                ja_col_copy(rows, "username", g->username, sizeof g->username) &&
                ja_col_copy(rows, "role", g->role, sizeof g->role) &&
                ja_col_copy(rows, "granted_by", g->granted_by, sizeof g->granted_by);

    g->granted_at = ja_col_int(rows, "created_at");
    g->ends_at = ja_col_int(rows, "ends_at");
    (void)snprintf(g->id, sizeof g->id, "%s/%s", g->user_id, role_id ? role_id : "");
    return fits ? ja_rows_status(rows, err)
                : ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a grant in the store is too long");
}

enum ja_status ja_grant_each(struct ja_ctx *ctx, const struct ja_grant_filter *f,
                             enum ja_status (*fn)(void *arg, const struct ja_grant *g), void *arg,
                             struct ja_error *err)
{
    const char *after = f->after ? f->after : "", *slash = strchr(after, '/');
    char user[JA_UUID_LEN + 1] = "";
    struct ja_grant g = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t now = ja_now(&ctx->clock), limit = f->limit ? f->limit : INT64_MAX;
    enum ja_status st = JA_OK;

    (void)snprintf(user, sizeof user, "%.*s", slash ? (int)(slash - after) : 0, after);
    if (f->user_id)
        st = ja_db_query(ctx->db, GRANTS PART "AND g.user_id = $3 AND g.role_id > $4 ORDER BY g.role_id LIMIT $5",
                         JA_BINDS(JA_I(f->ends_before), JA_I(now), JA_T(f->user_id), JA_T(slash ? slash + 1 : ""),
                                  JA_I(limit)),
                         &rows, err);
    else
        st = ja_db_query(ctx->db,
                         GRANTS PART "AND (g.user_id, g.role_id) > ($3, $4) ORDER BY g.user_id, g.role_id LIMIT $5",
                         JA_BINDS(JA_I(f->ends_before), JA_I(now), JA_T(user), JA_T(slash ? slash + 1 : ""), JA_I(limit)),
                         &rows, err);
    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        st = fill(rows, &g, err);
        if (st == JA_OK)
            st = fn(arg, &g);
    }
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_grant_ended(struct ja_ctx *ctx, struct ja_grant *ret, size_t max, size_t *ret_len,
                              struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    size_t n = 0;
    enum ja_status st = ja_db_query(ctx->db, GRANTS "AND g.ends_at <= $1 ORDER BY g.ends_at LIMIT $2",
                                    JA_BINDS(JA_I(ja_now(&ctx->clock)), JA_I(max)), &rows, err);

    while (st == JA_OK && n < max && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        st = fill(rows, &ret[n++], err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_len = n;
    return st;
}

enum ja_status ja_grant_count_ended(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n = 0;
    enum ja_status st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM user_roles WHERE ends_at <= $1",
                                    JA_BINDS(JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        n = ja_col_int(rows, "n");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = n;
    return st;
}

enum ja_status ja_grant_drop(struct ja_ctx *ctx, const struct ja_grant *g, bool *ret_dropped, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "DELETE FROM user_roles WHERE user_id = $1 AND ends_at = $3 "
                                   "AND role_id = (SELECT id FROM roles WHERE name = $2)",
                                   JA_BINDS(JA_T(g->user_id), JA_T(g->role), JA_I(g->ends_at)), &n, err);

    if (st == JA_OK)
        *ret_dropped = n == 1;
    return st;
}
