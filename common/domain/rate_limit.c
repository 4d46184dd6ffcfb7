#include "common/domain/rate_limit.h"

#include <string.h>

#define KEY_MAX 200

static enum ja_status refuse(int64_t wait, struct ja_error *err)
{
    enum ja_status st;

    if (wait < 1)
        wait = 1;
    st = ja_fail(err, JA_ERR_THROTTLED, "too_many_attempts", "too many attempts; try again in %lld seconds",
                 (long long)wait);
    if (err)
        err->retry_after = (unsigned)wait;
    return st;
}

enum ja_status ja_rate_take_in_tx(struct ja_ctx *ctx, const struct ja_rate_key *k, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    int64_t now = ja_now(&ctx->clock), count = 0, start = 0;
    bool row = false;
    enum ja_status st;

    if (strlen(k->key) > KEY_MAX)
        return ja_fail(err, JA_ERR_INVALID, "throttle_key", "a throttle key is too long");
    st = ja_db_query(ctx->db,
                     "INSERT INTO throttle (scope, key, count, window_start, updated_at) "
                     "VALUES ('other', $1, 1, $2, $2) ON CONFLICT (scope, key) DO UPDATE SET "
                     "count = CASE WHEN throttle.window_start > $2 OR throttle.window_start + $3 <= $2 "
                     "THEN 1 ELSE throttle.count + 1 END, "
                     "window_start = CASE WHEN throttle.window_start > $2 "
                     "OR throttle.window_start + $3 <= $2 THEN $2 ELSE throttle.window_start END, "
                     "updated_at = $2 RETURNING count, window_start",
                     JA_BINDS(JA_T(k->key), JA_I(now), JA_I(k->rate.seconds)), &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_INTERNAL, "throttle_row", "a throttle bucket gave no row");
    if (st == JA_OK) {
        count = ja_col_int(rows, "count");
        start = ja_col_int(rows, "window_start");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK && count > k->rate.count)
        return refuse(start + k->rate.seconds - now, err);
    return st;
}

enum ja_status ja_rate_take(struct ja_ctx *ctx, const struct ja_rate_key *keys, size_t n, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; st == JA_OK && i < n; i++)
        st = ja_rate_take_in_tx(ctx, &keys[i], err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}
