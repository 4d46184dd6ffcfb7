#include "common/domain/throttle.h"

#include <stdio.h>

#define KEY_MAX 256
#define PRUNE_BATCH 500
#define PENDING_LIFE 60 /* seconds: longer than waiting for a hashing slot and a hash take */

enum scope { SCOPE_USER_SOURCE, SCOPE_SOURCE, SCOPE_USER, SCOPES };
static const char *const scope_names[SCOPES] = {"user_source", "source", "user"};

struct bucket {
    const char *scope;
    char key[KEY_MAX];
    struct ja_rate rate;
    int64_t count, window_start, blocked_until, pending, pending_until;
    bool used;  /* is booked by this try */
    bool moved; /* its window was brought back from the future */
};

static struct ja_rate rate_of(const struct ja_ctx *ctx, enum scope scope)
{
    if (scope == SCOPE_SOURCE)
        return ctx->cfg->throttle.per_source;
    return scope == SCOPE_USER ? ctx->cfg->throttle.per_user : ctx->cfg->throttle.login;
}

/* A key that does not fit would merge buckets: an error. */
static enum ja_status fill_keys(const struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                struct bucket b[SCOPES], struct ja_error *err)
{
    const char *source = who->source ? who->source : "local";

    for (int i = 0; i < SCOPES; i++) {
        int n = i == SCOPE_USER_SOURCE
                    ? snprintf(b[i].key, KEY_MAX, "%s %s", who->user_key ? who->user_key : "",
                               source)
                    : snprintf(b[i].key, KEY_MAX, "%s",
                               i == SCOPE_SOURCE ? source : (who->user_key ? who->user_key : ""));

        if (n < 0 || n >= KEY_MAX)
            return ja_fail(err, JA_ERR_INVALID, "throttle_key", "a throttle key is too long");
        b[i].scope = scope_names[i];
        b[i].rate = rate_of(ctx, (enum scope)i);
        b[i].used = i == SCOPE_SOURCE || who->user_key;
    }
    return JA_OK;
}

/* Reads a bucket and holds it: the upsert locks the row on an engine without one write lock for all. */
static enum ja_status hold(struct ja_ctx *ctx, struct bucket *b, int64_t now, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "INSERT INTO throttle (scope, key, count, window_start, updated_at) "
                    "VALUES ($1, $2, 0, $3, $3) "
                    "ON CONFLICT (scope, key) DO UPDATE SET updated_at = excluded.updated_at "
                    "RETURNING count, window_start, blocked_until, pending, pending_until",
                    JA_BINDS(JA_T(b->scope), JA_T(b->key), JA_I(now)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_INTERNAL, "throttle_row", "a throttle bucket gave no row");
    if (st == JA_OK) {
        b->count = ja_col_int(rows, "count");
        b->window_start = ja_col_int(rows, "window_start");
        b->blocked_until = ja_col_int(rows, "blocked_until");
        b->pending = ja_col_int(rows, "pending");
        b->pending_until = ja_col_int(rows, "pending_until");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    return st;
}

/* Where the window is now.  A clock that was set back shows windows and blocks that begin in the future:
 * they keep their count and begin now, so that they neither open nor last longer than configured. */
static void settle(const struct ja_ctx *ctx, struct bucket *b, int64_t now)
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

static enum ja_status save(struct ja_ctx *ctx, const struct bucket *b, int64_t now,
                           struct ja_error *err)
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

/* Seconds until this bucket lets a try through; 0: it does. The user's own bucket alone never
 * blocks (anybody could lock anybody out), but where lock_after is configured. */
static int64_t wait_of(const struct bucket *b, int64_t now)
{
    int64_t wait = b->blocked_until > now ? b->blocked_until - now : 0;
    int64_t window_wait = b->window_start + b->rate.seconds - now;

    if (b->scope != scope_names[SCOPE_USER] && b->count >= b->rate.count && window_wait > wait)
        wait = window_wait;
    return wait;
}

/* Full, but of tries that are not judged yet and may turn out right: it is worth waiting for them. */
static bool under_way(const struct bucket *b, int64_t now)
{
    return b->blocked_until <= now && b->pending > 0 && b->pending_until > now &&
           b->pending_until <= now + PENDING_LIFE && b->count - b->pending < b->rate.count;
}

static enum ja_status refuse(int64_t wait, bool soft, struct ja_error *err)
{
    enum ja_status st = ja_fail(err, JA_ERR_THROTTLED, soft ? "tries_under_way" : "too_many_attempts",
                                "too many attempts; try again in %lld seconds", (long long)wait);

    if (err)
        err->retry_after = (unsigned)wait;
    return st;
}

static void count_try(const struct ja_ctx *ctx, struct bucket *b, int64_t now)
{
    int64_t lock_after = ctx->cfg->throttle.lock_after;

    b->count++;
    b->pending++;
    b->pending_until = now + PENDING_LIFE;
    if (b->scope == scope_names[SCOPE_USER] && lock_after > 0 && b->count >= lock_after)
        b->blocked_until = now + ctx->cfg->throttle.lock_for;
}

static void look_at(const struct bucket *b, bool free, int64_t now, int64_t *longest, bool *soft)
{
    int64_t wait = free ? 0 : wait_of(b, now);

    if (wait > 0 && !under_way(b, now))
        *soft = false;
    if (wait > *longest)
        *longest = wait;
}

/* The three buckets as one decision. *ret_wait > 0: blocked, nothing counted (a window brought
 * back from the future is kept so: else it would begin anew with every look). */
static enum ja_status book_all(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                               struct bucket b[SCOPES], int64_t *ret_wait, bool *ret_soft,
                               struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), longest = 0;
    enum ja_status st = JA_OK;

    *ret_soft = true;

    for (int i = 0; st == JA_OK && i < SCOPES; i++) {
        if (!b[i].used)
            continue;
        st = hold(ctx, &b[i], now, err);
        settle(ctx, &b[i], now);
        look_at(&b[i], who->trusted, now, &longest, ret_soft);
    }
    for (int i = 0; st == JA_OK && i < SCOPES; i++) {
        if (!b[i].used || (longest && !b[i].moved))
            continue;
        if (!longest)
            count_try(ctx, &b[i], now);
        st = save(ctx, &b[i], now, err);
    }
    *ret_wait = longest;
    return st;
}

enum ja_status ja_throttle_book(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                int64_t *ret_count, struct ja_error *err)
{
    struct bucket b[SCOPES] = {0};
    int64_t wait = 0, over = 0;
    bool soft = false;
    enum ja_status st = fill_keys(ctx, who, b, err);

    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = book_all(ctx, who, b, &wait, &soft, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK) {
        ja_db_rollback(ctx->db);
        return st;
    }
    if (wait > 0)
        return refuse(wait, soft, err);
    over = b[SCOPE_USER].count - b[SCOPE_USER].rate.count;
    *ret_count = (b[SCOPE_USER_SOURCE].used ? b[SCOPE_USER_SOURCE].count : b[SCOPE_SOURCE].count) +
                 (over > 0 ? over : 0);
    return JA_OK;
}

/* A bucket without holding it; absent: nothing was counted. */
static enum ja_status peek(struct ja_ctx *ctx, struct bucket *b, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT count, window_start, blocked_until, pending, "
                                    "pending_until FROM throttle WHERE scope = $1 AND key = $2",
                                    JA_BINDS(JA_T(b->scope), JA_T(b->key)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        b->count = ja_col_int(rows, "count");
        b->window_start = ja_col_int(rows, "window_start");
        b->blocked_until = ja_col_int(rows, "blocked_until");
        b->pending = ja_col_int(rows, "pending");
        b->pending_until = ja_col_int(rows, "pending_until");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    return st;
}

/* A window that a clock set back put into the future is left to ja_throttle_book, which brings it
 * back for good: judged here it would begin anew with every look, and block until that time. */
enum ja_status ja_throttle_check(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                 struct ja_error *err)
{
    struct bucket b[SCOPES] = {0};
    int64_t now = ja_now(&ctx->clock), longest = 0;
    bool soft = true;
    enum ja_status st = fill_keys(ctx, who, b, err);

    for (int i = 0; st == JA_OK && i < SCOPES; i++) {
        if (!b[i].used)
            continue;
        st = peek(ctx, &b[i], err);
        settle(ctx, &b[i], now);
        look_at(&b[i], who->trusted || b[i].moved, now, &longest, &soft);
    }
    return st == JA_OK && longest > 0 ? refuse(longest, soft, err) : st;
}

/* One try less; a block that this try brought about goes with it. */
static enum ja_status take_back(struct ja_ctx *ctx, const struct bucket *b, struct ja_error *err)
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

enum ja_status ja_throttle_clear(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                 struct ja_error *err)
{
    struct bucket b[SCOPES] = {0};
    enum ja_status st = fill_keys(ctx, who, b, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM throttle WHERE scope = 'user_source' AND key = $1",
                        JA_BINDS(JA_T(b[SCOPE_USER_SOURCE].key)), NULL, err);
    /* not forgotten: a right password for one account must not open the source for guesses at others */
    if (st == JA_OK)
        st = take_back(ctx, &b[SCOPE_SOURCE], err);
    if (st == JA_OK)
        st = take_back(ctx, &b[SCOPE_USER], err);
    return st;
}

enum ja_status ja_throttle_judged(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                  struct ja_error *err)
{
    struct bucket b[SCOPES] = {0};
    enum ja_status st = fill_keys(ctx, who, b, err);

    for (int i = 0; st == JA_OK && i < SCOPES; i++)
        if (b[i].used)
            st = ja_db_exec(ctx->db,
                            "UPDATE throttle SET pending = pending - 1 "
                            "WHERE scope = $1 AND key = $2 AND pending > 0",
                            JA_BINDS(JA_T(b[i].scope), JA_T(b[i].key)), NULL, err);
    return st;
}

enum ja_status ja_throttle_unbook(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                  struct ja_error *err)
{
    struct bucket b[SCOPES] = {0};
    enum ja_status st = fill_keys(ctx, who, b, err);

    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    for (int i = 0; st == JA_OK && i < SCOPES; i++)
        st = take_back(ctx, &b[i], err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}

unsigned ja_throttle_delay_ms(const struct ja_ctx *ctx, int64_t count)
{
    int64_t delay = ctx->cfg->throttle.delay_base * 1000;
    int64_t max = ctx->cfg->throttle.delay_max * 1000;

    for (int64_t i = 1; i < count && delay > 0 && delay < max; i++)
        delay *= 2;
    return (unsigned)(delay < max ? delay : max);
}

static int64_t longest_window(const struct ja_ctx *ctx)
{
    const int64_t all[] = {
        ctx->cfg->throttle.login.seconds,          ctx->cfg->throttle.per_source.seconds,
        ctx->cfg->throttle.per_user.seconds,       ctx->cfg->throttle.other.seconds,
        ctx->cfg->throttle.token_failures.seconds, ctx->cfg->throttle.lock_for,
    };
    int64_t longest = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        longest = all[i] > longest ? all[i] : longest;
    return longest;
}

enum ja_status ja_throttle_prune(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);

    return ja_db_exec(ctx->db,
                      "DELETE FROM throttle WHERE (scope, key) IN (SELECT scope, key FROM throttle "
                      "WHERE updated_at < $1 AND blocked_until <= $2 ORDER BY updated_at LIMIT $3)",
                      JA_BINDS(JA_I(now - longest_window(ctx)), JA_I(now), JA_I(PRUNE_BATCH)),
                      ret_count, err);
}
