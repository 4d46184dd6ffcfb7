#include "common/domain/throttle_bucket.h"

#define PRUNE_WITH_NEW 4 /* more than one try makes: what is over goes faster than it comes */
#define EVICT_BATCH 1000

static enum ja_status read_bucket(struct ja_rows *rows, struct ja_bucket *b, struct ja_error *err)
{
    b->count = ja_col_int(rows, "count");
    b->window_start = ja_col_int(rows, "window_start");
    b->blocked_until = ja_col_int(rows, "blocked_until");
    b->pending = ja_col_int(rows, "pending");
    b->pending_until = ja_col_int(rows, "pending_until");
    return ja_rows_status(rows, err);
}

enum ja_status ja_bucket_count_rows(struct ja_ctx *ctx, int64_t change, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n = 0;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "INSERT INTO counters (name, value) VALUES ('throttle_rows', $1) "
                    "ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value",
                    JA_BINDS(JA_I(change)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        n = ja_col_int(rows, "value");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK && ret)
        *ret = n;
    return st;
}

/* Counted rows of one kind less. */
static enum ja_status gone(struct ja_ctx *ctx, enum ja_status st, int64_t n, struct ja_error *err)
{
    return st == JA_OK && n > 0 ? ja_bucket_count_rows(ctx, -n, NULL, err) : st;
}

/* -1 marks a row that this statement made: an older one was saved with what it counted. */
enum ja_status ja_bucket_hold(struct ja_ctx *ctx, struct ja_bucket *b, int64_t now, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "INSERT INTO throttle (scope, key, count, window_start, updated_at) "
                    "VALUES ($1, $2, -1, $3, $3) "
                    "ON CONFLICT (scope, key) DO UPDATE SET updated_at = excluded.updated_at "
                    "RETURNING count, window_start, blocked_until, pending, pending_until",
                    JA_BINDS(JA_T(b->scope), JA_T(b->key), JA_I(now)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_INTERNAL, "throttle_row", "a throttle bucket gave no row");
    if (st == JA_OK)
        st = read_bucket(rows, b, err);
    ja_rows_end(rows);
    if (st == JA_OK && b->count < 0) {
        b->count = 0;
        b->created = true;
    }
    return st;
}

enum ja_status ja_bucket_peek(struct ja_ctx *ctx, struct ja_bucket *b, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT count, window_start, blocked_until, pending, "
                                    "pending_until FROM throttle WHERE scope = $1 AND key = $2",
                                    JA_BINDS(JA_T(b->scope), JA_T(b->key)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        st = read_bucket(rows, b, err);
    ja_rows_end(rows);
    return st;
}

/* A clock that was set back shows windows and blocks that begin in the future: they keep their count and begin now, so
 * that they neither open nor last longer than configured. */
void ja_bucket_settle(const struct ja_ctx *ctx, struct ja_bucket *b, int64_t now)
{
    int64_t lock_for = ctx->cfg->throttle.lock_for;

    if (b->blocked_until > now + lock_for) {
        b->blocked_until = now + lock_for;
        b->moved = true;
    }
    if (b->window_start > now) {
        b->window_start = now;
        b->moved = true;
    }
    if (now - b->window_start >= b->rate.seconds || (b->blocked_until && b->blocked_until <= now)) {
        b->count = 0;
        b->pending = 0;
        b->window_start = now;
        if (b->blocked_until <= now)
            b->blocked_until = 0;
    }
}

enum ja_status ja_bucket_save(struct ja_ctx *ctx, const struct ja_bucket *b, int64_t now, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "UPDATE throttle SET count = $3, window_start = $4, blocked_until = $5, "
                      "updated_at = $6, pending = $7, pending_until = $8 "
                      "WHERE scope = $1 AND key = $2",
                      JA_BINDS(JA_T(b->scope), JA_T(b->key), JA_I(b->count), JA_I(b->window_start),
                               JA_I(b->blocked_until), JA_I(now), JA_I(b->pending),
                               JA_I(b->pending_until)),
                      NULL, err);
}

enum ja_status ja_bucket_drop(struct ja_ctx *ctx, const struct ja_bucket *b, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db, "DELETE FROM throttle WHERE scope = $1 AND key = $2",
                                   JA_BINDS(JA_T(b->scope), JA_T(b->key)), &n, err);

    return gone(ctx, st, n, err);
}

enum ja_status ja_bucket_take_back(struct ja_ctx *ctx, const struct ja_bucket *b, struct ja_error *err)
{
    if (!b->used)
        return JA_OK;
    return ja_db_exec(ctx->db,
                      "UPDATE throttle SET blocked_until = CASE WHEN count <= $3 THEN 0 "
                      "ELSE blocked_until END, count = count - 1, updated_at = $4, "
                      "pending = CASE WHEN pending > 0 THEN pending - 1 ELSE 0 END "
                      "WHERE scope = $1 AND key = $2 AND count > 0",
                      JA_BINDS(JA_T(b->scope), JA_T(b->key), JA_I(ctx->cfg->throttle.lock_after),
                               JA_I(ja_now(&ctx->clock))),
                      NULL, err);
}

/* No bucket matters longer than this after it was touched last. */
static int64_t longest_window(const struct ja_ctx *ctx)
{
    const int64_t all[] = {
        ctx->cfg->throttle.login.seconds,          ctx->cfg->throttle.per_source.seconds,
        ctx->cfg->throttle.per_user.seconds,       ctx->cfg->throttle.other.seconds,
        ctx->cfg->throttle.token_failures.seconds, ctx->cfg->throttle.lock_for,
        3600, /* messages to one user (letter.c) */
    };
    int64_t longest = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        longest = all[i] > longest ? all[i] : longest;
    return longest;
}

#define DAY JA_THROTTLE_OTHER_LONGEST

enum ja_status ja_bucket_prune(struct ja_ctx *ctx, int64_t batch, int64_t *ret_count, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), n = 0;
    enum ja_status st =
        ja_db_exec(ctx->db,
                   "DELETE FROM throttle WHERE (scope, key) IN (SELECT scope, key FROM throttle "
                   "WHERE updated_at < $1 AND blocked_until <= $2 AND (scope NOT IN ('code', 'other') "
                   "OR updated_at < $3) ORDER BY updated_at LIMIT $4)",
                   JA_BINDS(JA_I(now - longest_window(ctx)), JA_I(now), JA_I(now - DAY), JA_I(batch)), &n, err);

    st = gone(ctx, st, n, err);
    if (st == JA_OK && ret_count)
        *ret_count = n;
    return st;
}

enum ja_status ja_bucket_count_ended(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), n = 0;
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT COUNT(*) AS n FROM throttle WHERE updated_at < $1 AND blocked_until <= $2 "
                    "AND (scope NOT IN ('code', 'other') OR updated_at < $3)",
                    JA_BINDS(JA_I(now - longest_window(ctx)), JA_I(now), JA_I(now - DAY)), &rows, err);

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

enum ja_status ja_bucket_make_room(struct ja_ctx *ctx, int64_t rows, int64_t max, struct ja_error *err)
{
    int64_t n = 0, batch = max / 10 < EVICT_BATCH ? max / 10 + 1 : EVICT_BATCH;
    enum ja_status st = ja_bucket_prune(ctx, PRUNE_WITH_NEW, NULL, err);

    if (st != JA_OK || rows <= max)
        return st;
    /* not what was touched this second: among it is what this try made */
    st = ja_db_exec(ctx->db,
                    "DELETE FROM throttle WHERE (scope, key) IN (SELECT scope, key FROM throttle few_least "
                    "WHERE (scope <> 'code' OR key LIKE '% ?%') AND blocked_until <= $1 "
                    "AND updated_at <> $1 ORDER BY count, updated_at LIMIT $2)",
                    JA_BINDS(JA_I(ja_now(&ctx->clock)), JA_I(batch)), &n, err);
    return gone(ctx, st, n, err);
}
