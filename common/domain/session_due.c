#include "common/domain/column.h"
#include "common/domain/session.h"

enum ja_status ja_session_due(struct ja_ctx *ctx, const char *boot_id, int64_t before, const struct ja_session_due *at,
                              struct ja_session_due ret[JA_SESSION_DUE_BATCH], size_t *ret_len, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    size_t len = 0;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT id, pid FROM sessions WHERE revoked_at IS NULL AND boot_id = $1 AND pid >= $2 "
                    "AND (pid > $2 OR id > $3) AND last_used_at <= $4 AND ends_at > $5 ORDER BY pid, id LIMIT $6",
                    JA_BINDS(JA_T(boot_id), JA_I(at->pid), JA_T(at->id), JA_I(before), JA_I(ja_now(&ctx->clock)),
                             JA_I(JA_SESSION_DUE_BATCH)),
                    &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row && len < JA_SESSION_DUE_BATCH) {
        if (!ja_col_copy(rows, "id", ret[len].id, sizeof ret[len].id))
            continue;
        ret[len++].pid = ja_col_int(rows, "pid");
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_len = len;
    return st;
}
