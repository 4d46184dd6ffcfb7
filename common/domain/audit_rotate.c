/* Old rows out of the store into a file; the anchor is where the store's chain goes on.
 *
 * 1. the rows are written to the file, each checked, and synced: killed here, there is a file too many
 * 2. the row audit.rotate says which they are, in the transaction that takes the first of them out
 * 3. the others follow, a few a transaction: killed here, the next rotation finishes by that row */
#include "common/domain/audit_internal.h"
#include "common/domain/permission.h"

#include "common/base/text.h"
#include "common/domain/audit_file.h"

#define BATCH 500

/* Up to the row before the first one that is to stay. */
static enum ja_status find_last(struct ja_ctx *ctx, int64_t before, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t keep = 0, counted = 0;
    enum ja_status st = ja_audit_counter(ctx, &counted, err);

    if (st == JA_OK)
        st = ja_db_query(ctx->db, "SELECT COALESCE(MIN(seq), 0) AS keep FROM audit_log WHERE time_ms >= $1",
                         JA_BINDS(JA_I(before * 1000)), &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        keep = ja_col_int(rows, "keep");
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = keep > 0 ? keep - 1 : counted;
    return st;
}

/* ---- the file ---- */

static enum ja_status copy_rows(struct ja_ctx *ctx, struct ja_audit_walk *w, int64_t last,
                                struct ja_audit_file *f, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT seq, time_ms, actor, action, target, outcome, reason, "
                                    "source, service, detail, prev_hash, hash FROM audit_log "
                                    "WHERE seq <= $1 ORDER BY seq",
                                    JA_BINDS(JA_I(last)), &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_audit_row r = ja_audit_row_of(rows);

        st = ja_rows_status(rows, err);
        if (st == JA_OK)
            st = ja_audit_step(w, &r, err);
        if (st == JA_OK && w->report->reason[0])
            st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken", "%s: nothing was rotated", w->report->message);
        if (st == JA_OK)
            st = ja_audit_file_add(f, &r, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK && w->seq != last)
        st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken", "audit row %lld is missing: nothing was rotated",
                     (long long)w->seq + 1);
    return st;
}

static enum ja_status write_file(struct ja_ctx *ctx, const char *path, const struct ja_audit_head *anchor,
                                 int64_t last, struct ja_audit_report *report, struct ja_audit_head *ret,
                                 struct ja_error *err)
{
    struct ja_audit_walk w = {.report = report, .seq = anchor->seq};
    struct ja_audit_file *f = NULL;
    struct ja_audit_head head = {.seq = last};
    enum ja_status st = ja_audit_file_new(path, anchor, &f, err);

    if (st != JA_OK)
        return st;
    memcpy(w.hash, anchor->hash, sizeof w.hash);
    st = ja_db_begin_read(ctx->db, err);
    if (st == JA_OK)
        st = copy_rows(ctx, &w, last, f, err);
    ja_db_rollback(ctx->db);
    if (st != JA_OK) {
        ja_audit_file_drop(f);
        return st;
    }
    memcpy(head.hash, w.hash, sizeof head.hash);
    st = ja_audit_file_end(f, report->rows, &head, err);
    if (st == JA_OK)
        *ret = head;
    return st;
}

/* ---- the store ---- */

static enum ja_status hash_at(struct ja_ctx *ctx, int64_t seq, char ret[JA_AUDIT_HASH_TEXT], struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT hash FROM audit_log WHERE seq = $1", JA_BINDS(JA_I(seq)),
                                    &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && (!row || !ja_col_copy(rows, "hash", ret, JA_AUDIT_HASH_TEXT)))
        st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken", "audit row %lld is missing", (long long)seq);
    ja_rows_end(rows);
    return st;
}

/* In the open transaction: at most BATCH rows go, the anchor moves on. */
static enum ja_status take_out(struct ja_ctx *ctx, int64_t last, bool *ret_more, struct ja_error *err)
{
    struct ja_audit_head anchor = {0};
    int64_t to;
    enum ja_status st = ja_audit_anchor_read(ctx, &anchor, err);

    *ret_more = false;
    if (st != JA_OK || anchor.seq >= last)
        return st;
    to = last - anchor.seq > BATCH ? anchor.seq + BATCH : last;
    st = hash_at(ctx, to, anchor.hash, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO audit_anchor (id, seq, hash, updated_at) VALUES (1, $1, $2, $3) "
                        "ON CONFLICT (id) DO UPDATE SET seq = $1, hash = $2, updated_at = $3",
                        JA_BINDS(JA_I(to), JA_T(anchor.hash), JA_I(ja_now(&ctx->clock))), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM audit_log WHERE seq <= $1", JA_BINDS(JA_I(to)), NULL, err);
    *ret_more = to < last;
    return st;
}

static enum ja_status take_out_all(struct ja_ctx *ctx, int64_t last, struct ja_error *err)
{
    bool more = true;
    enum ja_status st = JA_OK;

    while (st == JA_OK && more) {
        st = ja_db_begin(ctx->db, err);
        if (st == JA_OK)
            st = take_out(ctx, last, &more, err);
        if (st == JA_OK)
            st = ja_db_commit(ctx->db, err);
        ja_db_rollback(ctx->db);
    }
    return st;
}

static enum ja_status write_row(struct ja_ctx *ctx, const char *path, const struct ja_audit_rotation *r,
                                struct ja_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct ja_audit_event ev = {.action = JA_AUDIT_ROTATE, .target = "store", .outcome = "success"};
    enum ja_status st;

    ev.detail = json_pack("{s:I, s:I, s:s, s:I, s:s?}", "first", (json_int_t)r->first_seq, "last",
                          (json_int_t)r->last_seq, "hash", r->hash, "rows", (json_int_t)r->rows, "file",
                          ja_text_valid(name, JA_AUDIT_TEXT_MAX) ? name : NULL);
    st = ev.detail ? ja_audit_write(ctx, &ev, err) : ja_fail_nomem(err);
    json_decref(ev.detail);
    return st;
}

/* The row and the first of the deletions, as one: unless another rotation was faster. */
static enum ja_status begin_deletion(struct ja_ctx *ctx, const char *path, const struct ja_audit_rotation *r,
                                     struct ja_error *err)
{
    struct ja_audit_head anchor = {0};
    bool more = false;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_audit_anchor_read(ctx, &anchor, err);
    if (st == JA_OK && anchor.seq != r->first_seq - 1)
        st = ja_fail(err, JA_ERR_CONFLICT, "rotated_meanwhile", "another rotation took these rows out");
    if (st == JA_OK)
        st = write_row(ctx, path, r, err);
    if (st == JA_OK)
        st = take_out(ctx, r->last_seq, &more, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    return st;
}

/* What an interrupted rotation left: its file is on disk, its row in the log. */
static enum ja_status resume(struct ja_ctx *ctx, struct ja_audit_head *anchor, bool *ret_resumed,
                             struct ja_error *err)
{
    struct ja_audit_head last = {0};
    int64_t first = 0;
    struct ja_rows *rows = NULL;
    bool row = false, known = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT detail FROM audit_log WHERE action = 'audit.rotate' "
                                    "ORDER BY seq DESC LIMIT 1",
                                    JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        known = ja_audit_rotation_of(ja_col_text(rows, "detail"), &first, &last);
    ja_rows_end(rows);
    if (st != JA_OK || !known || last.seq <= anchor->seq)
        return st;
    st = take_out_all(ctx, last.seq, err);
    if (st == JA_OK)
        st = ja_audit_anchor_read(ctx, anchor, err);
    if (st == JA_OK)
        *ret_resumed = true;
    return st;
}

enum ja_status ja_audit_rotate(struct ja_ctx *ctx, const char *path, int64_t before,
                               struct ja_audit_rotation *ret, struct ja_error *err)
{
    struct ja_audit_rotation r = {0};
    struct ja_audit_report report = {0};
    struct ja_audit_head anchor = {0}, last = {0};
    int64_t last_seq = 0;
    enum ja_status st = ja_permit(ctx, "*:*", NULL, err); /* it writes a file of the host */

    if (st == JA_OK)
        st = ja_audit_settle(ctx, false, err);
    if (st == JA_OK)
        st = ja_audit_anchor_read(ctx, &anchor, err);
    if (st == JA_OK)
        st = resume(ctx, &anchor, &r.resumed, err);
    if (st == JA_OK)
        st = find_last(ctx, before, &last_seq, err);
    if (st == JA_OK && last_seq > anchor.seq) {
        st = write_file(ctx, path, &anchor, last_seq, &report, &last, err);
        r.rows = report.rows;
        r.first_seq = anchor.seq + 1;
        r.last_seq = last.seq;
        memcpy(r.hash, last.hash, sizeof r.hash);
        if (st == JA_OK)
            st = begin_deletion(ctx, path, &r, err);
        if (st == JA_OK)
            st = take_out_all(ctx, r.last_seq, err);
    }
    if (st != JA_OK)
        return st;
    if (r.rows > 0)
        ja_audit_head_tell(ctx, ctx->tip.seq, ctx->tip.hash);
    *ret = r;
    return JA_OK;
}
