/* Rows of the throttle table: held, settled, saved, and kept few.  Inside of throttle.c and its neighbours.
 *
 * The number of rows is kept in counters ('throttle_rows') with every insert and delete.  Each new row takes a few whose
 * time is over with it; at JA_THROTTLE_ROWS_MAX those with the lowest count go first, the oldest among them.  A flood
 * of names and addresses cannot push a counter near its limit out by that: each row costs its maker a password hash,
 * and a row of count 1 goes before one of count 4.  Blocked rows and those of users' codes never go early
 * (there are two a user); behind the code of a name that is nobody's is no secret.
 */
#ifndef JA_DOMAIN_THROTTLE_BUCKET_H
#define JA_DOMAIN_THROTTLE_BUCKET_H

#include "common/domain/ctx.h"

#define JA_THROTTLE_KEY_MAX 256
#define JA_THROTTLE_ROWS_MAX 200000
/* With a window of three steps 300 tries within a day hit a 6-digit code with 0.09 % (SECURITY, AuthQuake: n <= 330); a
 * day may take its half of two windows.  A person who mistypes comes nowhere near. */
#define JA_THROTTLE_PER_CODE ((struct ja_rate){150, 86400})
#define JA_THROTTLE_OTHER_LONGEST 86400 /* the longest window of scope 'other' */

struct ja_bucket {
    const char *scope;
    char key[JA_THROTTLE_KEY_MAX];
    struct ja_rate rate;
    int64_t count, window_start, blocked_until, pending, pending_until;
    bool used;    /* is booked by this try */
    bool free;    /* counts and delays, but never blocks this try */
    bool moved;   /* its window was brought back from the future */
    bool created; /* by this transaction */
};

/* In the caller's transaction: the row is locked on an engine without one write lock for all. */
enum ja_status ja_bucket_hold(struct ja_ctx *ctx, struct ja_bucket *b, int64_t now, struct ja_error *err);
/* Without holding; an absent row is all zero. */
enum ja_status ja_bucket_peek(struct ja_ctx *ctx, struct ja_bucket *b, struct ja_error *err);
/* Where the window is now. */
void ja_bucket_settle(const struct ja_ctx *ctx, struct ja_bucket *b, int64_t now);
enum ja_status ja_bucket_save(struct ja_ctx *ctx, const struct ja_bucket *b, int64_t now, struct ja_error *err);
enum ja_status ja_bucket_drop(struct ja_ctx *ctx, const struct ja_bucket *b, struct ja_error *err);
/* One try less; a block that this try brought about goes with it. */
enum ja_status ja_bucket_take_back(struct ja_ctx *ctx, const struct ja_bucket *b, struct ja_error *err);
/* `change` rows more or less. */
enum ja_status ja_bucket_count_rows(struct ja_ctx *ctx, int64_t change, int64_t *ret, struct ja_error *err);
/* Makes room for new rows: what is over, a little at a time; at `max` rows a batch of the least worth. */
enum ja_status ja_bucket_make_room(struct ja_ctx *ctx, int64_t rows, int64_t max, struct ja_error *err);
/* Bounded; *ret_count rows whose window and block are over went. */
enum ja_status ja_bucket_prune(struct ja_ctx *ctx, int64_t batch, int64_t *ret_count, struct ja_error *err);
enum ja_status ja_bucket_count_ended(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);

#endif
