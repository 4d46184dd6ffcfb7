#include "common/domain/lock_reach.h"

enum ja_status ja_lock_reach(struct ja_ctx *ctx, const char *user_id, struct ja_reach *ret, struct ja_error *err)
{
    struct ja_reach r = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(
        ctx->db,
        "SELECT (SELECT COUNT(*) FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE s.user_id = $1 "
        "AND s.revoked_at IS NULL AND s.ends_at > $2 AND t.used_at_ms IS NULL AND t.ends_at > $2) AS refresh, "
        "(SELECT COUNT(*) FROM ssh_keys WHERE user_id = $1 AND (ends_at IS NULL OR ends_at > $2)) AS ssh, "
        "(SELECT COUNT(*) FROM api_keys WHERE user_id = $1 AND (ends_at IS NULL OR ends_at > $2)) AS api",
        JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        r.refresh_tokens = ja_col_int(rows, "refresh");
        r.ssh_keys = ja_col_int(rows, "ssh");
        r.api_keys = ja_col_int(rows, "api");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = r;
    return st;
}
