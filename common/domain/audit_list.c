/* Filtered rows in the order of seq, a batch at a time: no long transaction, constant memory. */
#include "common/domain/audit_internal.h"

#include "common/base/net.h"
#include "common/base/text.h"

#define BATCH 256

struct selection {
    const struct ja_audit_filter *f;
    struct ja_net net;
    size_t action_len; /* of the part before '*'; 0 with prefix: any */
    bool prefix;
    int64_t from, to;  /* seq: after, and up to */
    int64_t left;
    ja_audit_fn fn;
    void *arg;
};

static bool same_or_any(const char *want, const char *is)
{
    return !want || (is && strcmp(want, is) == 0);
}

static bool source_fits(const struct selection *s, const char *source)
{
    struct ja_net net;

    if (!s->f->source)
        return true;
    /* a counted row has a network */
    return source && ja_net_parse(source, &net) && net.prefix >= s->net.prefix &&
           ja_net_contains(&s->net, &net.addr);
}

static bool user_fits(const char *user, const struct ja_audit_row *row)
{
    return !user || same_or_any(user, row->actor) || (row->target && strcmp(user, row->target) == 0);
}

static bool fits(const struct selection *s, const struct ja_audit_row *row)
{
    const struct ja_audit_filter *f = s->f;

    return (s->prefix ? strncmp(row->action, f->action, s->action_len) == 0
                      : same_or_any(f->action, row->action)) &&
           user_fits(f->user, row) && same_or_any(f->actor, row->actor) &&
           same_or_any(f->outcome, row->outcome) && source_fits(s, row->source) &&
           (f->since == 0 || row->time_ms >= f->since * 1000) &&
           (f->until == 0 || row->time_ms < f->until * 1000);
}

#define COLUMNS \
    "SELECT seq, time_ms, actor, action, target, outcome, reason, source, service, detail, prev_hash, hash " \
    "FROM audit_log "

/* The next batch by the index of the narrowest filter; the others are looked at row by row. */
static enum ja_status query(struct ja_ctx *ctx, const struct selection *s, struct ja_rows **ret,
                            struct ja_error *err)
{
    const struct ja_audit_filter *f = s->f;

    if (f->user)
        return ja_db_query(ctx->db,
                           COLUMNS "WHERE seq IN (SELECT seq FROM (SELECT seq FROM audit_log WHERE target = $1 "
                           "AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) AS few_t UNION "
                           "SELECT seq FROM (SELECT seq FROM audit_log WHERE actor = $1 "
                           "AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) AS few_a) ORDER BY seq LIMIT $4",
                           JA_BINDS(JA_T(f->user), JA_I(s->from), JA_I(s->to), JA_I(BATCH)), ret, err);
    if (f->actor)
        return ja_db_query(ctx->db,
                           COLUMNS "WHERE actor = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
                           JA_BINDS(JA_T(f->actor), JA_I(s->from), JA_I(s->to), JA_I(BATCH)), ret, err);
    if (f->action && !s->prefix)
        return ja_db_query(ctx->db,
                           COLUMNS "WHERE action = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
                           JA_BINDS(JA_T(f->action), JA_I(s->from), JA_I(s->to), JA_I(BATCH)), ret, err);
    return ja_db_query(ctx->db, COLUMNS "WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
                       JA_BINDS(JA_I(s->from), JA_I(s->to), JA_I(BATCH)), ret, err);
}

static enum ja_status one_batch(struct ja_ctx *ctx, struct selection *s, int *ret_rows, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int n = 0;
    enum ja_status st = query(ctx, s, &rows, err);

    while (st == JA_OK && s->left != 0 && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_audit_row r = ja_audit_row_of(rows);

        st = ja_rows_status(rows, err);
        n++;
        s->from = r.seq;
        if (st != JA_OK || !fits(s, &r))
            continue;
        st = s->fn(s->arg, &r);
        s->left -= s->left > 0 ? 1 : 0;
    }
    ja_rows_end(rows);
    *ret_rows = n;
    return st;
}

/* The part of the log that a span of time can lie in. Exact also after a clock that was set back, as it asks for
 * the least and the greatest number of all rows of the span, not for that of its first and last one. */
static enum ja_status bounds(struct ja_ctx *ctx, struct selection *s, struct ja_error *err)
{
    const struct ja_audit_filter *f = s->f;
    int64_t since = f->since ? f->since * 1000 : INT64_MIN, until = f->until ? f->until * 1000 : INT64_MAX;
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st;

    if (!f->since && !f->until)
        return JA_OK;
    st = ja_db_query(ctx->db,
                     "SELECT COALESCE(MIN(seq), 0) AS least, COALESCE(MAX(seq), 0) AS most FROM audit_log "
                     "WHERE time_ms >= $1 AND time_ms < $2",
                     JA_BINDS(JA_I(since), JA_I(until)), &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        int64_t least = ja_col_int(rows, "least");

        s->to = ja_col_int(rows, "most");
        s->from = least - 1 > s->from ? least - 1 : s->from;
    }
    ja_rows_end(rows);
    return st;
}

static enum ja_status prepare(struct selection *s, struct ja_error *err)
{
    const struct ja_audit_filter *f = s->f;

    if (f->action) {
        size_t len = strlen(f->action);

        s->prefix = len > 0 && f->action[len - 1] == '*';
        s->action_len = len - (s->prefix ? 1 : 0);
    }
    if (f->source && !ja_net_parse(f->source, &s->net))
        return ja_fail(err, JA_ERR_INVALID, "invalid_source",
                       "'%s' is neither an address nor a network (192.0.2.0/24)", f->source);
    return JA_OK;
}

enum ja_status ja_audit_each(struct ja_ctx *ctx, const struct ja_audit_filter *filter, ja_audit_fn fn,
                             void *arg, struct ja_error *err)
{
    struct selection s = {.f = filter, .from = filter->after, .to = INT64_MAX, .fn = fn, .arg = arg,
                          .left = filter->limit > 0 ? filter->limit : -1};
    int rows = BATCH;
    enum ja_status st = prepare(&s, err);

    if (st == JA_OK)
        st = bounds(ctx, &s, err);
    while (st == JA_OK && s.left != 0 && rows == BATCH)
        st = one_batch(ctx, &s, &rows, err);
    return st;
}

enum ja_status ja_audit_last_seq(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    return ja_audit_counter(ctx, ret, err);
}
