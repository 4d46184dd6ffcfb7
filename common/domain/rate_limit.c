#include "common/domain/rate_limit.h"

#include "common/domain/throttle_bucket.h"

#include <stdio.h>

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
    struct ja_bucket b = {.scope = "other", .rate = k->rate, .used = true};
    int64_t now = ja_now(&ctx->clock), rows = 0;
    int n = snprintf(b.key, sizeof b.key, "%s", k->key);
    enum ja_status st;

    if (n < 0 || (size_t)n >= sizeof b.key)
        return ja_fail(err, JA_ERR_INVALID, "throttle_key", "a throttle key is too long");
    st = ja_bucket_hold(ctx, &b, now, err);
    if (st != JA_OK)
        return st;
    ja_bucket_settle(ctx, &b, now);
    if (b.count >= k->rate.count)
        return refuse(b.window_start + k->rate.seconds - now, err);
    b.count++;
    st = ja_bucket_save(ctx, &b, now, err);
    if (st == JA_OK && b.created)
        st = ja_bucket_count_rows(ctx, 1, &rows, err);
    if (st == JA_OK && b.created)
        st = ja_bucket_make_room(ctx, rows, JA_THROTTLE_ROWS_MAX, err);
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
