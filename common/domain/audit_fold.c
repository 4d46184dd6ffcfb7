/* Repeated failures: the first is a row, those that follow are counted and become one row (SECURITY R28).
 *
 * A series ends with its window, and lies in the store until then: a killed process loses no count.  The next
 * one begins with a row of its own, so that each key makes at most two rows a window. */
#include "common/domain/audit_internal.h"

#include "common/base/text.h"

#include <stdlib.h>

#define FOLDS_MAX 256    /* series at a time; more of them share one a kind, without target and source */
#define SETTLE_AT_ONCE 8 /* so that a login never has to write many */

struct fold {
    char key[JA_AUDIT_HASH_TEXT];
    char actor[JA_AUDIT_TEXT_MAX + 1], action[JA_AUDIT_TEXT_MAX + 1], target[JA_AUDIT_TEXT_MAX + 1],
        outcome[16], reason[JA_AUDIT_TEXT_MAX + 1], source[JA_AUDIT_TEXT_MAX + 1],
        service[JA_AUDIT_TEXT_MAX + 1];
    int64_t count, first_ms, last_ms;
};

static const char *or_null(const char *s)
{
    return s[0] ? s : NULL;
}

static int64_t window_ms(const struct ja_ctx *ctx)
{
    return ctx->cfg->throttle.login.seconds * 1000;
}

/* One whose first_ms is at most `until` or after `from`: a clock that was set back makes none wait for years. */
static enum ja_status find_due(struct ja_ctx *ctx, int64_t until, int64_t from, struct fold *ret,
                               bool *ret_found, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT key, actor, action, target, outcome, reason, source, service, count, "
                    "first_ms, last_ms FROM audit_folds WHERE first_ms <= $1 OR first_ms > $2 "
                    "ORDER BY first_ms LIMIT 1",
                    JA_BINDS(JA_I(until), JA_I(from)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, ret_found, err);
    if (st == JA_OK && *ret_found) {
        bool whole = ja_col_copy(rows, "key", ret->key, sizeof ret->key) &&
                     ja_col_copy(rows, "actor", ret->actor, sizeof ret->actor) &&
                     ja_col_copy(rows, "action", ret->action, sizeof ret->action) &&
                     ja_col_copy(rows, "target", ret->target, sizeof ret->target) &&
                     ja_col_copy(rows, "outcome", ret->outcome, sizeof ret->outcome) &&
                     ja_col_copy(rows, "reason", ret->reason, sizeof ret->reason) &&
                     ja_col_copy(rows, "source", ret->source, sizeof ret->source) &&
                     ja_col_copy(rows, "service", ret->service, sizeof ret->service);

        ret->count = ja_col_int(rows, "count");
        ret->first_ms = ja_col_int(rows, "first_ms");
        ret->last_ms = ja_col_int(rows, "last_ms");
        st = whole ? ja_rows_status(rows, err)
                   : ja_fail(err, JA_ERR_CORRUPT, "audit_fold_damaged", "a counted audit event is damaged");
    }
    ja_rows_end(rows);
    return st;
}

static enum ja_status write_counted(struct ja_ctx *ctx, const struct fold *f, struct ja_error *err)
{
    char first[JA_TIME_LEN + 1], last[JA_TIME_LEN + 1];
    struct ja_audit_row row = {.time_ms = ja_now_ms(&ctx->clock), .actor = f->actor, .action = f->action,
                               .target = or_null(f->target), .outcome = f->outcome,
                               .reason = or_null(f->reason), .source = or_null(f->source),
                               .service = or_null(f->service)};
    char *detail = NULL;
    enum ja_status st;

    ja_time_format(f->first_ms / 1000, first);
    ja_time_format(f->last_ms / 1000, last);
    /* nothing in these texts needs an escape; the keys are in the order of ja_audit_write */
    if (asprintf(&detail, "{\"count\":%lld,\"first\":\"%s\",\"last\":\"%s\"}", (long long)f->count, first, last) < 0)
        return ja_fail_nomem(err);
    row.detail = detail;
    st = ja_audit_append(ctx, &row, err);
    free(detail);
    return st;
}

static enum ja_status settle(struct ja_ctx *ctx, int64_t until, int64_t from, int max, bool *ret_more,
                             struct ja_error *err)
{
    enum ja_status st = JA_OK;
    bool found = true;

    for (int i = 0; st == JA_OK && found && i < max; i++) {
        struct fold f;

        st = find_due(ctx, until, from, &f, &found, err);
        if (st != JA_OK || !found)
            break;
        st = ja_db_exec(ctx->db, "DELETE FROM audit_folds WHERE key = $1", JA_BINDS(JA_T(f.key)), NULL, err);
        if (st == JA_OK && f.count > 0)
            st = write_counted(ctx, &f, err);
    }
    *ret_more = found;
    return st;
}

enum ja_status ja_audit_settle_due(struct ja_ctx *ctx, struct ja_error *err)
{
    int64_t now = ja_now_ms(&ctx->clock);
    bool more;

    return settle(ctx, now - window_ms(ctx), now, SETTLE_AT_ONCE, &more, err);
}

static enum ja_status settle_batch(struct ja_ctx *ctx, bool all, bool *ret_more, struct ja_error *err)
{
    int64_t now = ja_now_ms(&ctx->clock);
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = settle(ctx, all ? INT64_MAX : now - window_ms(ctx), now, SETTLE_AT_ONCE, ret_more, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    return st;
}

/* Looks before it takes the write lock. */
enum ja_status ja_audit_settle(struct ja_ctx *ctx, bool all, struct ja_error *err)
{
    int64_t now = ja_now_ms(&ctx->clock);
    struct fold f;
    bool more = false;
    enum ja_status st = find_due(ctx, all ? INT64_MAX : now - window_ms(ctx), now, &f, &more, err);

    while (st == JA_OK && more)
        st = settle_batch(ctx, all, &more, err);
    return st;
}

/* What makes two events the same. */
static enum ja_status fold_key(const struct ja_audit_row *row, char ret[JA_AUDIT_HASH_TEXT], struct ja_error *err)
{
    struct ja_audit_row same = *row;

    same.seq = same.time_ms = 0;
    same.detail = same.prev_hash = NULL;
    return ja_audit_hash(&same, ret, err);
}

static enum ja_status count_one(struct ja_ctx *ctx, const char *key, int64_t now, bool *ret_counted,
                                struct ja_error *err)
{
    int64_t changes = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "UPDATE audit_folds SET count = count + 1, last_ms = $2 WHERE key = $1",
                                   JA_BINDS(JA_T(key), JA_I(now)), &changes, err);

    *ret_counted = changes > 0;
    return st;
}

static enum ja_status is_full(struct ja_ctx *ctx, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM audit_folds", JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    *ret = st != JA_OK || !row || ja_col_int(rows, "n") >= FOLDS_MAX;
    ja_rows_end(rows);
    return st;
}

static enum ja_status begin_series(struct ja_ctx *ctx, const char *key, const struct ja_audit_row *row,
                                   struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "INSERT INTO audit_folds (key, actor, action, target, outcome, reason, source, service, "
                      "count, first_ms, last_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $9)",
                      JA_BINDS(JA_T(key), JA_T(row->actor), JA_T(row->action), JA_T(row->target),
                               JA_T(row->outcome), JA_T(row->reason), JA_T(row->source), JA_T(row->service),
                               JA_I(row->time_ms)),
                      NULL, err);
}

/* The series that an event belongs to: its own, or the one that all share once the table is full. */
static enum ja_status join_series(struct ja_ctx *ctx, struct ja_audit_row *same, bool *ret_counted,
                                  struct ja_error *err)
{
    char key[JA_AUDIT_HASH_TEXT];
    bool full = false;
    enum ja_status st = fold_key(same, key, err);

    if (st == JA_OK)
        st = count_one(ctx, key, same->time_ms, ret_counted, err);
    if (st != JA_OK || *ret_counted)
        return st;
    st = is_full(ctx, &full, err);
    if (st == JA_OK && full) {
        same->target = same->source = same->service = NULL;
        same->actor = "many";
        st = fold_key(same, key, err);
        if (st == JA_OK)
            st = count_one(ctx, key, same->time_ms, ret_counted, err);
    }
    return st == JA_OK && !*ret_counted ? begin_series(ctx, key, same, err) : st;
}

enum ja_status ja_audit_fold(struct ja_ctx *ctx, const struct ja_audit_event *ev, const char *network,
                             struct ja_error *err)
{
    struct ja_audit_row same = ja_audit_row_now(ctx, ev);
    char clean[4][JA_AUDIT_TEXT_MAX + 1];
    bool counted = false;
    enum ja_status st;

    if (!ja_db_in_transaction(ctx->db))
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction", "an audit event outside of a transaction");
    same.source = ja_audit_clean(network, clean[0]);
    same.actor = ja_audit_clean(same.actor, clean[1]);
    same.target = ja_audit_clean(same.target, clean[2]);
    same.service = ja_audit_clean(same.service, clean[3]);
    st = ja_audit_settle_due(ctx, err); /* the window of this very series may be over */
    if (st == JA_OK)
        st = join_series(ctx, &same, &counted, err);
    return st == JA_OK && !counted ? ja_audit_write(ctx, ev, err) : st;
}
