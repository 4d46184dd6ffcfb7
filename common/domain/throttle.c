#include "common/domain/throttle.h"

#include "common/domain/throttle_bucket.h"

#include <stdio.h>

#define PRUNE_BATCH 500
#define PENDING_LIFE 60 /* seconds: longer than waiting for a hashing slot and a hash take */

/* The last two never block: they ask for a captcha. */
enum scope { SCOPE_USER_SOURCE, SCOPE_SOURCE, SCOPE_USER, SCOPE_CAPTCHA_NAME, SCOPE_CAPTCHA_SOURCE, SCOPES };
static const char *const scope_names[SCOPES] = {"user_source", "source", "user", "other", "other"};

static struct ja_rate rate_of(const struct ja_ctx *ctx, enum scope scope)
{
    const int64_t after = ctx->cfg->throttle.captcha_after;

    switch (scope) {
    case SCOPE_SOURCE: return ctx->cfg->throttle.per_source;
    case SCOPE_USER: return ctx->cfg->throttle.per_user;
    case SCOPE_CAPTCHA_NAME: return (struct ja_rate){after, ctx->cfg->throttle.per_user.seconds};
    case SCOPE_CAPTCHA_SOURCE: return (struct ja_rate){after, ctx->cfg->throttle.per_source.seconds};
    default: return ctx->cfg->throttle.login;
    }
}

static bool of_captcha(enum scope scope)
{
    return scope >= SCOPE_CAPTCHA_NAME;
}

static int write_key(const struct ja_throttle_who *who, enum scope scope, char out[JA_THROTTLE_KEY_MAX])
{
    const char *source = who->source ? who->source : "local", *user = who->user_key ? who->user_key : "";

    switch (scope) {
    case SCOPE_USER_SOURCE: return snprintf(out, JA_THROTTLE_KEY_MAX, "%s %s", user, source);
    case SCOPE_SOURCE: return snprintf(out, JA_THROTTLE_KEY_MAX, "%s", source);
    case SCOPE_CAPTCHA_NAME:
        return snprintf(out, JA_THROTTLE_KEY_MAX, "captcha %s", who->captcha_name ? who->captcha_name : "");
    case SCOPE_CAPTCHA_SOURCE: return snprintf(out, JA_THROTTLE_KEY_MAX, "captcha %s", source);
    default: return snprintf(out, JA_THROTTLE_KEY_MAX, "%s", user);
    }
}

static bool is_used(const struct ja_throttle_who *who, enum scope scope)
{
    if (of_captcha(scope))
        return who->captcha_name != NULL;
    return scope == SCOPE_SOURCE || who->user_key;
}

/* A key that does not fit would merge buckets: an error. */
static enum ja_status fill_keys(const struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                struct ja_bucket b[SCOPES], struct ja_error *err)
{
    for (enum scope i = 0; i < SCOPES; i++) {
        int n = write_key(who, i, b[i].key);

        if (n < 0 || n >= JA_THROTTLE_KEY_MAX)
            return ja_fail(err, JA_ERR_INVALID, "throttle_key", "a throttle key is too long");
        b[i].scope = scope_names[i];
        b[i].rate = rate_of(ctx, i);
        b[i].used = is_used(who, i);
        b[i].free = who->trusted || of_captcha(i) || (i == SCOPE_USER && who->known);
    }
    return JA_OK;
}

/* Seconds until this bucket lets a try through; 0: it does. */
static int64_t wait_of(const struct ja_bucket *b, int64_t now)
{
    int64_t wait = b->blocked_until > now ? b->blocked_until - now : 0;
    int64_t window_wait = b->window_start + b->rate.seconds - now;

    if (b->count >= b->rate.count && window_wait > wait)
        wait = window_wait;
    return b->free ? 0 : wait;
}

/* How many of its tries have a verdict: the others may turn out right. */
static int64_t failures_in(const struct ja_bucket *b, int64_t now)
{
    bool live = b->pending > 0 && b->pending_until > now && b->pending_until <= now + PENDING_LIFE;

    return live ? b->count - b->pending : b->count;
}

/* Full, but of tries that are not judged yet and may turn out right: it is worth waiting for them. */
static bool under_way(const struct ja_bucket *b, int64_t now)
{
    return b->blocked_until <= now && failures_in(b, now) < b->rate.count;
}

static enum ja_status refuse(int64_t wait, bool soft, struct ja_error *err)
{
    enum ja_status st = ja_fail(err, JA_ERR_THROTTLED, soft ? "tries_under_way" : "too_many_attempts",
                                "too many attempts; try again in %lld seconds", (long long)wait);

    if (err)
        err->retry_after = (unsigned)wait;
    return st;
}

static void count_try(const struct ja_ctx *ctx, struct ja_bucket *b, int64_t now)
{
    int64_t lock_after = ctx->cfg->throttle.lock_after;

    b->count++;
    b->pending++;
    b->pending_until = now + PENDING_LIFE;
    if (b->scope == scope_names[SCOPE_USER] && lock_after > 0 && b->count >= lock_after)
        b->blocked_until = now + ctx->cfg->throttle.lock_for;
}

static void look_at(const struct ja_bucket *b, int64_t now, int64_t *longest, bool *soft)
{
    int64_t wait = wait_of(b, now);

    if (wait > 0 && !under_way(b, now))
        *soft = false;
    if (wait > *longest)
        *longest = wait;
}

struct booking {
    struct ja_bucket b[SCOPES];
    size_t n;
    int64_t wait; /* > 0: blocked */
    bool ask;     /* for a captcha, when it is due */
    bool due;     /* by failures; with due_soft: or by tries under way alone */
    bool due_soft;
    bool soft;    /* by tries under way alone */
    bool moved;   /* windows that a clock set back put into the future: kept as they were brought back */
    int64_t created;
};

/* No more tries than captcha_after go unasked, whatever runs in parallel: one that may be the last waits for the others'
 * verdicts. */
static void look_for_captcha(struct booking *k, const struct ja_bucket *b, int64_t now)
{
    if (!k->ask || b->count < b->rate.count)
        return;
    if (failures_in(b, now) >= b->rate.count)
        k->due = true;
    else
        k->due_soft = true;
}

/* The buckets as one decision. Blocked: nothing is counted and no row is made. */
static enum ja_status decide(struct ja_ctx *ctx, struct booking *k, int64_t now, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    k->soft = true;
    for (size_t i = 0; st == JA_OK && i < k->n; i++) {
        if (!k->b[i].used)
            continue;
        st = ja_bucket_hold(ctx, &k->b[i], now, err);
        ja_bucket_settle(ctx, &k->b[i], now);
        look_at(&k->b[i], now, &k->wait, &k->soft);
        if (k->n == SCOPES && of_captcha((enum scope)i))
            look_for_captcha(k, &k->b[i], now);
        k->moved = k->moved || k->b[i].moved;
        k->created += k->b[i].created ? 1 : 0;
    }
    return st;
}

static enum ja_status write_down(struct ja_ctx *ctx, struct booking *k, int64_t now, int64_t rows_max,
                                 struct ja_error *err)
{
    int64_t rows = 0;
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < k->n; i++) {
        if (!k->b[i].used)
            continue;
        if (!k->wait && !k->due && !k->due_soft)
            count_try(ctx, &k->b[i], now);
        st = ja_bucket_save(ctx, &k->b[i], now, err);
    }
    if (st == JA_OK && k->created > 0)
        st = ja_bucket_count_rows(ctx, k->created, &rows, err);
    if (st == JA_OK && k->created > 0)
        st = ja_bucket_make_room(ctx, rows, rows_max > 0 ? rows_max : JA_THROTTLE_ROWS_MAX, err);
    return st;
}

/* Its own transaction. */
static enum ja_status book(struct ja_ctx *ctx, struct booking *k, int64_t rows_max, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    bool write = false, asked = false;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = decide(ctx, k, now, err);
    asked = !k->wait && (k->due || k->due_soft);
    write = st == JA_OK && ((!k->wait && !asked) || k->moved);
    if (write)
        st = write_down(ctx, k, now, rows_max, err);
    if (write && st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (!write || st != JA_OK)
        ja_db_rollback(ctx->db);
    if (st == JA_OK && asked)
        return k->due ? ja_fail(err, JA_ERR_FORBIDDEN, "captcha_required", "a captcha has to be solved first")
                      : refuse(1, true, err);
    return st == JA_OK && k->wait > 0 ? refuse(k->wait, k->soft, err) : st;
}

enum ja_status ja_throttle_book(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                int64_t *ret_count, struct ja_error *err)
{
    struct booking k = {.n = SCOPES, .ask = who->captcha_name && !who->captcha_passed && !who->trusted};
    const struct ja_bucket *b = k.b;
    int64_t over = 0;
    enum ja_status st = fill_keys(ctx, who, k.b, err);

    if (st == JA_OK)
        st = book(ctx, &k, who->rows_max, err);
    if (st != JA_OK)
        return st;
    over = b[SCOPE_USER].count - b[SCOPE_USER].rate.count;
    *ret_count = (b[SCOPE_USER_SOURCE].used ? b[SCOPE_USER_SOURCE].count : b[SCOPE_SOURCE].count) +
                 (over > 0 ? over : 0);
    return JA_OK;
}

/* A window that a clock set back put into the future is left to ja_throttle_book, which brings it
 * back for good: judged here it would begin anew with every look, and block until that time. */
enum ja_status ja_throttle_check(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                 struct ja_error *err)
{
    struct ja_bucket b[SCOPES] = {0};
    int64_t now = ja_now(&ctx->clock), longest = 0;
    bool soft = true;
    enum ja_status st = fill_keys(ctx, who, b, err);

    for (enum scope i = 0; st == JA_OK && !of_captcha(i); i++) {
        if (!b[i].used)
            continue;
        st = ja_bucket_peek(ctx, &b[i], err);
        ja_bucket_settle(ctx, &b[i], now);
        b[i].free = b[i].free || b[i].moved;
        look_at(&b[i], now, &longest, &soft);
    }
    return st == JA_OK && longest > 0 ? refuse(longest, soft, err) : st;
}

enum ja_status ja_throttle_captcha_due(struct ja_ctx *ctx, const struct ja_throttle_who *who, bool *ret,
                                       struct ja_error *err)
{
    struct ja_bucket b[SCOPES] = {0};
    int64_t now = ja_now(&ctx->clock);
    bool due = false;
    enum ja_status st = fill_keys(ctx, who, b, err);

    b[SCOPE_CAPTCHA_SOURCE].used = true;
    for (enum scope i = SCOPE_CAPTCHA_NAME; st == JA_OK && i < SCOPES; i++) {
        if (!b[i].used)
            continue;
        st = ja_bucket_peek(ctx, &b[i], err);
        ja_bucket_settle(ctx, &b[i], now);
        due = due || failures_in(&b[i], now) >= b[i].rate.count;
    }
    if (st == JA_OK)
        *ret = due && !who->trusted;
    return st;
}

enum ja_status ja_throttle_clear(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                 struct ja_error *err)
{
    struct ja_bucket b[SCOPES] = {0};
    enum ja_status st = fill_keys(ctx, who, b, err);

    if (st == JA_OK)
        st = ja_bucket_drop(ctx, &b[SCOPE_USER_SOURCE], err);
    /* not forgotten: a right password for one account must not open the source for guesses at others */
    for (enum scope i = SCOPE_SOURCE; st == JA_OK && i < SCOPES; i++)
        st = ja_bucket_take_back(ctx, &b[i], err);
    return st;
}

static enum ja_status judged(struct ja_ctx *ctx, const struct ja_bucket *b, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "UPDATE throttle SET pending = pending - 1 "
                      "WHERE scope = $1 AND key = $2 AND pending > 0",
                      JA_BINDS(JA_T(b->scope), JA_T(b->key)), NULL, err);
}

enum ja_status ja_throttle_judged(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                  struct ja_error *err)
{
    struct ja_bucket b[SCOPES] = {0};
    enum ja_status st = fill_keys(ctx, who, b, err);

    for (int i = 0; st == JA_OK && i < SCOPES; i++)
        if (b[i].used)
            st = judged(ctx, &b[i], err);
    return st;
}

static enum ja_status unbook(struct ja_ctx *ctx, const struct ja_bucket *b, size_t n, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    for (size_t i = 0; st == JA_OK && i < n; i++)
        st = ja_bucket_take_back(ctx, &b[i], err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}

enum ja_status ja_throttle_unbook(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                  struct ja_error *err)
{
    struct ja_bucket b[SCOPES] = {0};
    enum ja_status st = fill_keys(ctx, who, b, err);

    return st == JA_OK ? unbook(ctx, b, SCOPES, err) : st;
}

/* ---- codes ---- */

static enum ja_status fill_code(const char *kind, const char *user_key, struct ja_bucket *b, struct ja_error *err)
{
    int n = snprintf(b->key, sizeof b->key, "%s %s", kind, user_key);

    if (n < 0 || (size_t)n >= sizeof b->key)
        return ja_fail(err, JA_ERR_INVALID, "throttle_key", "a throttle key is too long");
    b->scope = "code";
    b->rate = JA_THROTTLE_PER_CODE;
    b->used = true;
    return JA_OK;
}

enum ja_status ja_throttle_book_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                     int64_t rows_max, struct ja_error *err)
{
    struct booking k = {.n = 1};
    enum ja_status st = fill_code(kind, user_key, k.b, err);

    return st == JA_OK ? book(ctx, &k, rows_max, err) : st;
}

enum ja_status ja_throttle_judged_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                       struct ja_error *err)
{
    struct ja_bucket b = {0};
    enum ja_status st = fill_code(kind, user_key, &b, err);

    return st == JA_OK ? judged(ctx, &b, err) : st;
}

enum ja_status ja_throttle_clear_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                      struct ja_error *err)
{
    struct ja_bucket b = {0};
    enum ja_status st = fill_code(kind, user_key, &b, err);

    return st == JA_OK ? ja_bucket_drop(ctx, &b, err) : st;
}

enum ja_status ja_throttle_unbook_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                       struct ja_error *err)
{
    struct ja_bucket b = {0};
    enum ja_status st = fill_code(kind, user_key, &b, err);

    return st == JA_OK ? unbook(ctx, &b, 1, err) : st;
}

/* ---- delay, pruning ---- */

unsigned ja_throttle_delay_ms(const struct ja_ctx *ctx, int64_t count)
{
    int64_t delay = ctx->cfg->throttle.delay_base * 1000;
    int64_t max = ctx->cfg->throttle.delay_max * 1000;

    for (int64_t i = 1; i < count && delay > 0 && delay < max; i++)
        delay *= 2;
    return (unsigned)(delay < max ? delay : max);
}

enum ja_status ja_throttle_prune(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err)
{
    return ja_bucket_prune(ctx, PRUNE_BATCH, ret_count, err);
}

enum ja_status ja_throttle_count_ended(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    return ja_bucket_count_ended(ctx, ret, err);
}
