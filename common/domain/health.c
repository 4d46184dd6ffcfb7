#include "common/domain/health.h"

enum ja_status ja_health_read(struct ja_ctx *ctx, struct ja_health *ret, struct ja_error *err)
{
    struct ja_health h = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT COUNT(*) AS users, "
                    "COALESCE(SUM(CASE WHEN adopted = 0 AND status = 'active' THEN 1 ELSE 0 END), 0) "
                    "AS not_adopted, "
                    "COALESCE(SUM(CASE WHEN password_hash IS NOT NULL "
                    "AND password_hash NOT LIKE '$argon2id$%' THEN 1 ELSE 0 END), 0) AS other_hashes, "
                    "(SELECT COUNT(*) FROM ssh_keys) AS ssh_keys, "
                    "COALESCE((SELECT time_ms FROM audit_log ORDER BY seq DESC LIMIT 1), 0) "
                    "AS newest FROM users WHERE deleted_at IS NULL",
                    JA_NO_BINDS, &rows, err);

    if (st != JA_OK)
        return st;
    st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        h.users = ja_col_int(rows, "users");
        h.not_adopted = ja_col_int(rows, "not_adopted");
        h.other_hashes = ja_col_int(rows, "other_hashes");
        h.ssh_keys = ja_col_int(rows, "ssh_keys");
        h.newest_audit = ja_col_int(rows, "newest") / 1000;
    }
    if (st == JA_OK)
        st = ja_rows_status(rows, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = h;
    return st;
}
