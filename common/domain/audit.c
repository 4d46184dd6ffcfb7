/* Writing: one row more at the end of the chain. */
#include "common/domain/audit_internal.h"

#include "common/base/text.h"

#include <stdlib.h>

/* The row of the counter is the chain's lock, and its value tells a cut tail. */
static enum ja_status take_seq(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "INSERT INTO counters (name, value) VALUES ('audit_seq', 1) "
                    "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
                    JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_INTERNAL, "no_counter", "the audit counter gave no row");
    if (st == JA_OK) {
        *ret = ja_col_int(rows, "value");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    return st;
}

static enum ja_status last_hash(struct ja_ctx *ctx, char ret[JA_AUDIT_HASH_TEXT], struct ja_error *err)
{
    struct ja_audit_head anchor = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1",
                                    JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row && !ja_col_copy(rows, "hash", ret, JA_AUDIT_HASH_TEXT))
        st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken",
                     "the last row of the audit log is damaged; run authctl audit verify");
    ja_rows_end(rows);
    if (st == JA_OK && !row) { /* the first row follows nothing, or what was rotated out */
        st = ja_audit_anchor_read(ctx, &anchor, err);
        memcpy(ret, anchor.hash, JA_AUDIT_HASH_TEXT);
    }
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const struct ja_audit_row *r, const char *hash,
                             struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "INSERT INTO audit_log (seq, time_ms, actor, action, target, outcome, reason, "
                      "source, service, detail, prev_hash, hash) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                      JA_BINDS(JA_I(r->seq), JA_I(r->time_ms), JA_T(r->actor), JA_T(r->action),
                               JA_T(r->target), JA_T(r->outcome), JA_T(r->reason), JA_T(r->source),
                               JA_T(r->service), JA_T(r->detail), JA_T(r->prev_hash), JA_T(hash)),
                      NULL, err);
}

const char *ja_audit_clean(const char *text, char out[JA_AUDIT_TEXT_MAX + 1])
{
    if (!text || (strlen(text) <= JA_AUDIT_TEXT_MAX && ja_utf8_valid(text, strlen(text))))
        return text;
    (void)ja_text_escape(text, out, JA_AUDIT_TEXT_MAX + 1);
    return out;
}

enum ja_status ja_audit_append(struct ja_ctx *ctx, struct ja_audit_row *row, struct ja_error *err)
{
    const char **const texts[] = {&row->actor, &row->target, &row->reason, &row->source, &row->service};
    char clean[sizeof texts / sizeof *texts][JA_AUDIT_TEXT_MAX + 1];
    char prev[JA_AUDIT_HASH_TEXT], hash[JA_AUDIT_HASH_TEXT];
    struct ja_audit_row r;
    enum ja_status st;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = ja_audit_clean(*texts[i], clean[i]);
    r = *row;
    st = take_seq(ctx, &r.seq, err);
    if (st == JA_OK)
        st = last_hash(ctx, prev, err);
    r.prev_hash = prev;
    if (st == JA_OK)
        st = ja_audit_hash(&r, hash, err);
    if (st == JA_OK)
        st = insert(ctx, &r, hash, err);
    return st == JA_OK ? ja_audit_head_note(ctx, r.seq, prev, hash, err) : st;
}

struct ja_audit_row ja_audit_row_now(const struct ja_ctx *ctx, const struct ja_audit_event *ev)
{
    return (struct ja_audit_row){
        .time_ms = ja_now_ms(&ctx->clock),
        .actor = ctx->actor.name,
        .action = ev->action,
        .target = ev->target,
        .outcome = ev->outcome,
        .reason = ev->reason,
        .source = ctx->actor.source,
        .service = ctx->actor.service,
        .detail = "{}",
    };
}

enum ja_status ja_audit_write(struct ja_ctx *ctx, const struct ja_audit_event *ev,
                              struct ja_error *err)
{
    struct ja_audit_row row = ja_audit_row_now(ctx, ev);
    char *detail = NULL;
    enum ja_status st;

    if (!ja_db_in_transaction(ctx->db))
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction",
                       "an audit row outside the transaction of what it records");
    if (ev->detail) {
        detail = json_dumps(ev->detail, JSON_COMPACT | JSON_SORT_KEYS);
        if (!detail)
            return ja_fail_nomem(err);
        row.detail = detail;
    }
    st = ja_audit_settle_due(ctx, err);
    if (st == JA_OK)
        st = ja_audit_append(ctx, &row, err);
    free(detail);
    return st;
}
