#include "common/domain/posix_id.h"

#include "common/domain/local_user.h"

/* So many taken ids in a row mean that the range is laid over local accounts, or that /etc/passwd
 * cannot be read (every id counts as taken then). */
#define SKIP_MAX 10000

static enum ja_status any_row(struct ja_rows *rows, bool *ret, struct ja_error *err)
{
    enum ja_status st = ja_rows_next(rows, ret, err);

    ja_rows_end(rows);
    return st;
}

/* The conditions are apart so that each is answered by an index of its own. */
static enum ja_status in_store(struct ja_ctx *ctx, int64_t id, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT uid FROM users WHERE uid = $1 AND deleted_at IS NULL UNION ALL "
                    "SELECT uid FROM users WHERE uid = $1 AND deleted_at IS NOT NULL UNION ALL "
                    "SELECT uid FROM users WHERE bind_uid = $1 AND deleted_at IS NULL UNION ALL "
                    "SELECT uid FROM users WHERE gid = $1 UNION ALL "
                    "SELECT gid FROM roles WHERE gid = $1 UNION ALL "
                    "SELECT id FROM retired_ids WHERE id = $1 LIMIT 1",
                    JA_BINDS(JA_I(id)), &rows, err);

    return st == JA_OK ? any_row(rows, ret, err) : st;
}

/* One step of the counter; the row lock it takes keeps two writers apart. */
static enum ja_status step(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "INSERT INTO counters (name, value) VALUES ('posix_id', $1) "
                    "ON CONFLICT (name) DO UPDATE SET value = CASE WHEN counters.value + 1 < $1 "
                    "THEN $1 ELSE counters.value + 1 END RETURNING value",
                    JA_BINDS(JA_I(ctx->cfg->accounts.uid_min)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        *ret = ja_col_int(rows, "value");
    if (st == JA_OK)
        st = row ? ja_rows_status(rows, err)
                 : ja_fail(err, JA_ERR_INTERNAL, "no_counter", "the uid counter gave no row");
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_posix_id_next(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    int64_t id = 0, end = ctx->cfg->accounts.uid_max;

    for (int skipped = 0; skipped <= SKIP_MAX; skipped++) {
        bool taken = true;
        enum ja_status st = step(ctx, &id, err);

        if (st == JA_OK && id > end)
            break;
        if (st == JA_OK && !ja_local_uid_taken(id) && !ja_local_gid_taken(id))
            st = in_store(ctx, id, &taken, err);
        if (st != JA_OK)
            return st;
        if (!taken) {
            *ret = id;
            return JA_OK;
        }
    }
    return ja_fail(err, JA_ERR_CONFLICT, "no_free_uid",
                   "no free uid found up to %lld (of %lld to %lld); set uid_min and uid_max in "
                   "[accounts] to a range that no local account uses",
                   (long long)(id < end ? id : end), (long long)ctx->cfg->accounts.uid_min,
                   (long long)end);
}

enum ja_status ja_posix_id_retire(struct ja_ctx *ctx, int64_t id, const char *was, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "INSERT INTO retired_ids (id, was, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
                      JA_BINDS(JA_I(id), JA_T(was), JA_I(ja_now(&ctx->clock))), NULL, err);
}

enum ja_status ja_posix_id_check(struct ja_ctx *ctx, int64_t uid, const char *user_id, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool gone = true;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT uid FROM users WHERE uid = $1 "
                                    "AND deleted_at IS NOT NULL UNION ALL "
                                    "SELECT gid FROM roles WHERE gid = $1 UNION ALL "
                                    "SELECT id FROM retired_ids WHERE id = $1 AND was <> $2 LIMIT 1",
                                    JA_BINDS(JA_I(uid), JA_T(user_id)), &rows, err);

    if (st == JA_OK)
        st = any_row(rows, &gone, err);
    if (st == JA_OK && gone)
        st = ja_fail(err, JA_ERR_EXISTS, "uid_taken",
                     "uid %lld belonged to another account or role, or is the group of a role: it is not given out "
                     "again", (long long)uid);
    return st;
}

enum ja_status ja_posix_gid_unused(struct ja_ctx *ctx, int64_t gid, const char *user_id, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool gone = true;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT uid FROM users WHERE uid = $1 AND deleted_at IS NOT NULL UNION ALL "
                                    "SELECT id FROM retired_ids WHERE id = $1 AND was <> $2 LIMIT 1",
                                    JA_BINDS(JA_I(gid), JA_T(user_id)), &rows, err);

    if (st == JA_OK)
        st = any_row(rows, &gone, err);
    if (st == JA_OK && gone)
        st = ja_fail(err, JA_ERR_EXISTS, "gid_taken",
                     "gid %lld belonged to an account or a role that is gone: it is not given out again",
                     (long long)gid);
    return st;
}

enum ja_status ja_posix_gid_check(struct ja_ctx *ctx, int64_t gid, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool taken = true;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT uid FROM users WHERE uid = $1 AND deleted_at IS NULL UNION ALL "
                                    "SELECT uid FROM users WHERE uid = $1 AND deleted_at IS NOT NULL UNION ALL "
                                    "SELECT gid FROM roles WHERE gid = $1 UNION ALL "
                                    "SELECT id FROM retired_ids WHERE id = $1 LIMIT 1",
                                    JA_BINDS(JA_I(gid)), &rows, err);

    if (st == JA_OK)
        st = any_row(rows, &taken, err);
    if (st == JA_OK && taken)
        st = ja_fail(err, JA_ERR_EXISTS, "gid_taken",
                     "gid %lld is, or was, the group of another account or of a role", (long long)gid);
    return st;
}
