#include "common/domain/purge.h"

#include "common/domain/column.h"

#define DAY 86400
#define KEPT (30 * DAY) /* `session list --all` and `outbox list` look back so far */

static enum ja_status one_number(struct ja_rows *rows, enum ja_status st, int64_t *ret, struct ja_error *err)
{
    bool row = false;
    int64_t n = 0;

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

/* Each pair says the same condition twice; a test compares what was counted with what went. */
enum ja_status ja_purge_count(struct ja_ctx *ctx, enum ja_purge_kind kind, int64_t *ret, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    struct ja_rows *rows = NULL;
    enum ja_status st = JA_ERR_INTERNAL;

    switch (kind) {
    case JA_PURGE_ONE_TIME_TOKENS:
        st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM one_time_tokens WHERE ends_at <= $1",
                         JA_BINDS(JA_I(now - DAY)), &rows, err);
        break;
    case JA_PURGE_REFRESH_TOKENS:
        st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM refresh_tokens WHERE ends_at <= $1",
                         JA_BINDS(JA_I(now - KEPT)), &rows, err);
        break;
    case JA_PURGE_SESSIONS:
        st = ja_db_query(ctx->db,
                         "SELECT COUNT(*) AS n FROM sessions WHERE ends_at <= $1 AND NOT EXISTS "
                         "(SELECT 1 FROM refresh_tokens r WHERE r.session_id = sessions.id)",
                         JA_BINDS(JA_I(now - KEPT)), &rows, err);
        break;
    case JA_PURGE_REVOKED_TOKENS:
        st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM revoked_tokens WHERE exp <= $1",
                         JA_BINDS(JA_I(now - DAY)), &rows, err);
        break;
    case JA_PURGE_USED_TOKENS:
        st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM used_tokens WHERE exp <= $1",
                         JA_BINDS(JA_I(now - DAY)), &rows, err);
        break;
    case JA_PURGE_LOGIN_HANDLES:
        st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM login_handles WHERE ends_at <= $1",
                         JA_BINDS(JA_I(now)), &rows, err);
        break;
    case JA_PURGE_MESSAGES:
        st = ja_db_query(ctx->db,
                         "SELECT COUNT(*) AS n FROM outbox WHERE state IN ('sent', 'given_up') "
                         "AND next_attempt_at <= $1",
                         JA_BINDS(JA_I(now - KEPT)), &rows, err);
        break;
    case JA_PURGE_KINDS: return ja_fail(err, st, "internal", "no such rows to purge");
    }
    return one_number(rows, st, ret, err);
}

/* What was remembered for the sessions that go. */
static enum ja_status forget_factors(struct ja_ctx *ctx, int64_t before, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "DELETE FROM remembered_factors WHERE session_id IN "
                      "(SELECT id FROM sessions WHERE ends_at <= $1)",
                      JA_BINDS(JA_I(before)), NULL, err);
}

enum ja_status ja_purge_batch(struct ja_ctx *ctx, enum ja_purge_kind kind, int64_t *ret, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    struct ja_db *db = ctx->db;
    enum ja_status st;

    switch (kind) {
    case JA_PURGE_ONE_TIME_TOKENS:
        return ja_db_exec(db,
                          "DELETE FROM one_time_tokens WHERE id IN (SELECT id FROM one_time_tokens "
                          "WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
                          JA_BINDS(JA_I(now - DAY), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_REFRESH_TOKENS:
        return ja_db_exec(db,
                          "DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens "
                          "WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
                          JA_BINDS(JA_I(now - KEPT), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_SESSIONS:
        st = forget_factors(ctx, now - KEPT, err);
        if (st != JA_OK)
            return st;
        return ja_db_exec(db,
                          "DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s "
                          "WHERE s.ends_at <= $1 AND NOT EXISTS (SELECT 1 FROM refresh_tokens r "
                          "WHERE r.session_id = s.id) ORDER BY s.ends_at LIMIT $2)",
                          JA_BINDS(JA_I(now - KEPT), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_REVOKED_TOKENS:
        return ja_db_exec(db,
                          "DELETE FROM revoked_tokens WHERE jti IN (SELECT jti FROM revoked_tokens "
                          "WHERE exp <= $1 ORDER BY exp LIMIT $2)",
                          JA_BINDS(JA_I(now - DAY), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_USED_TOKENS:
        return ja_db_exec(db,
                          "DELETE FROM used_tokens WHERE jti IN (SELECT jti FROM used_tokens "
                          "WHERE exp <= $1 ORDER BY exp LIMIT $2)",
                          JA_BINDS(JA_I(now - DAY), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_LOGIN_HANDLES:
        return ja_db_exec(db,
                          "DELETE FROM login_handles WHERE hash IN (SELECT hash FROM login_handles "
                          "WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
                          JA_BINDS(JA_I(now), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_MESSAGES:
        return ja_db_exec(db,
                          "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state IN "
                          "('sent', 'given_up') AND next_attempt_at <= $1 LIMIT $2)",
                          JA_BINDS(JA_I(now - KEPT), JA_I(JA_PURGE_BATCH)), ret, err);
    case JA_PURGE_KINDS: break;
    }
    return ja_fail(err, JA_ERR_INTERNAL, "internal", "no such rows to purge");
}

/* A registered user has a password and no verification; an invited one has neither. Whom an administrator locked or
 * disabled is not touched. */
enum ja_status ja_purge_count_stale(struct ja_ctx *ctx, int64_t before, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT COUNT(*) AS n FROM users WHERE status = 'pending' "
                                    "AND deleted_at IS NULL AND created_at <= $1",
                                    JA_BINDS(JA_I(before)), &rows, err);

    return one_number(rows, st, ret, err);
}

enum ja_status ja_purge_stale_users(struct ja_ctx *ctx, int64_t before, struct ja_stale_user *ret, size_t max,
                                    size_t *ret_len, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    size_t n = 0;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT id, username FROM users WHERE status = 'pending' "
                                    "AND deleted_at IS NULL AND created_at <= $1 ORDER BY created_at LIMIT $2",
                                    JA_BINDS(JA_I(before), JA_I(max)), &rows, err);

    while (st == JA_OK && n < max && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        if (!ja_col_copy(rows, "id", ret[n].id, sizeof ret[n].id) ||
            !ja_col_copy(rows, "username", ret[n].username, sizeof ret[n].username))
            st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_user",
                         "a user row of the store is damaged; run authctl db check");
        n++;
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_len = n;
    return st;
}

/* In the words of the index users_lock_due. */
#define LOCK_DUE "lock_at <= $1 AND lock_at IS NOT NULL AND status IN ('pending', 'active') AND deleted_at IS NULL"

enum ja_status ja_purge_count_locks(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM users WHERE " LOCK_DUE,
                                    JA_BINDS(JA_I(ja_now(&ctx->clock))), &rows, err);

    return one_number(rows, st, ret, err);
}

enum ja_status ja_purge_lock_due(struct ja_ctx *ctx, char ret_id[JA_UUID_LEN + 1], bool *ret_found,
                                 struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db, "SELECT id FROM users WHERE " LOCK_DUE " ORDER BY lock_at LIMIT 1",
                    JA_BINDS(JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row && !ja_col_copy(rows, "id", ret_id, JA_UUID_LEN + 1))
        st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_user", "a user row of the store is damaged; run authctl db check");
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_found = row;
    return st;
}
