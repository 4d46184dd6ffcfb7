#include "common/domain/known_source.h"

enum ja_status ja_known_source_find(struct ja_ctx *ctx, const char *user_id, const char *network,
                                    bool *ret_known, bool *ret_any, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false, known = false, any = false;
    enum ja_status st = ja_db_query(
        ctx->db,
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM known_sources WHERE user_id = $1 AND network = $2) "
        "THEN 1 ELSE 0 END AS known, CASE WHEN EXISTS (SELECT 1 FROM known_sources "
        "WHERE user_id = $1) THEN 1 ELSE 0 END AS seen_anywhere",
        JA_BINDS(JA_T(user_id), JA_T(network)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_INTERNAL, "no_row", "a query of one row gave none");
    if (st == JA_OK) {
        known = ja_col_int(rows, "known") != 0;
        any = ja_col_int(rows, "seen_anywhere") != 0;
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK) {
        *ret_known = known;
        *ret_any = any;
    }
    return st;
}

enum ja_status ja_known_source_note(struct ja_ctx *ctx, const char *user_id, const char *network,
                                    struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "INSERT INTO known_sources (user_id, network, first_seen_at, last_seen_at) "
                      "VALUES ($1, $2, $3, $3) ON CONFLICT (user_id, network) "
                      "DO UPDATE SET last_seen_at = excluded.last_seen_at",
                      JA_BINDS(JA_T(user_id), JA_T(network), JA_I(ja_now(&ctx->clock))), NULL, err);
}
