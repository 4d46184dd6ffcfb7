/* Reading the chain: what a row hashes to, and whether each follows the one before. */
#include "common/domain/audit_internal.h"

#include "common/base/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>

#define HASH_BYTES 32
#define PROGRESS_EVERY 1024

/* Length before content, and a length of its own for an absent text: no two rows hash the same bytes. */
static void add_text(crypto_generichash_state *state, const char *text)
{
    uint64_t len = text ? strlen(text) : UINT64_MAX;
    unsigned char prefix[8];

    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)(len >> (8 * i));
    (void)crypto_generichash_update(state, prefix, sizeof prefix);
    if (text)
        (void)crypto_generichash_update(state, (const unsigned char *)text, len);
}

static void add_int(crypto_generichash_state *state, int64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, n);
    add_text(state, text);
}

/* libsodium's generichash calls fail only for wrong sizes (its documentation), which are fixed here;
 * init and final are compared all the same. */
enum ja_status ja_audit_hash(const struct ja_audit_row *r, char ret[JA_AUDIT_HASH_TEXT],
                             struct ja_error *err)
{
    const char *const texts[] = {r->prev_hash, r->actor,  r->action,  r->target, r->outcome,
                                 r->reason,    r->source, r->service, r->detail};
    crypto_generichash_state state;
    unsigned char hash[HASH_BYTES] = {0};

    if (crypto_generichash_init(&state, NULL, 0, sizeof hash) != 0)
        return ja_fail(err, JA_ERR_CRYPTO, "hash_failed", "the audit hash could not be computed");
    add_int(&state, r->seq);
    add_int(&state, r->time_ms);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_text(&state, texts[i]);
    if (crypto_generichash_final(&state, hash, sizeof hash) != 0)
        return ja_fail(err, JA_ERR_CRYPTO, "hash_failed", "the audit hash could not be computed");
    ja_b64_encode(hash, sizeof hash, ret, JA_AUDIT_HASH_TEXT);
    return JA_OK;
}

struct ja_audit_row ja_audit_row_of(struct ja_rows *rows)
{
    return (struct ja_audit_row){
        .seq = ja_col_int(rows, "seq"),
        .time_ms = ja_col_int(rows, "time_ms"),
        .actor = ja_col_text(rows, "actor"),
        .action = ja_col_text(rows, "action"),
        .target = ja_col_text(rows, "target"),
        .outcome = ja_col_text(rows, "outcome"),
        .reason = ja_col_text(rows, "reason"),
        .source = ja_col_text(rows, "source"),
        .service = ja_col_text(rows, "service"),
        .detail = ja_col_text(rows, "detail"),
        .prev_hash = ja_col_text(rows, "prev_hash"),
        .hash = ja_col_text(rows, "hash"),
    };
}

void ja_audit_broken(struct ja_audit_report *report, int64_t seq, const char *reason, const char *fmt, ...)
{
    va_list ap;

    report->ok = false;
    report->broken_seq = seq;
    (void)snprintf(report->reason, sizeof report->reason, "%s", reason);
    va_start(ap, fmt);
    (void)vsnprintf(report->message, sizeof report->message, fmt, ap);
    va_end(ap);
}

enum ja_status ja_audit_step(struct ja_audit_walk *w, const struct ja_audit_row *row, struct ja_error *err)
{
    struct ja_audit_report *report = w->report;
    char hash[JA_AUDIT_HASH_TEXT];
    enum ja_status st = ja_audit_hash(row, hash, err);

    if (st != JA_OK)
        return st;
    if (row->seq != w->seq + 1)
        ja_audit_broken(report, w->seq + 1, "missing", "audit row %" PRId64 " is missing", w->seq + 1);
    else if (!row->prev_hash || strcmp(row->prev_hash, w->hash) != 0)
        ja_audit_broken(report, row->seq, "unlinked", "audit row %" PRId64 " does not follow the one before it",
                        row->seq);
    else if (!row->hash || strcmp(row->hash, hash) != 0)
        ja_audit_broken(report, row->seq, "changed", "audit row %" PRId64 " was changed", row->seq);
    if (report->reason[0])
        return JA_OK;
    if (report->rows == 0)
        report->first_seq = row->seq;
    report->rows++;
    w->seq = row->seq;
    memcpy(w->hash, hash, sizeof w->hash);
    return JA_OK;
}

enum ja_status ja_audit_anchor_read(struct ja_ctx *ctx, struct ja_audit_head *ret, struct ja_error *err)
{
    struct ja_audit_head anchor = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT seq, hash FROM audit_anchor WHERE id = 1",
                                    JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        anchor.seq = ja_col_int(rows, "seq");
        if (!ja_col_copy(rows, "hash", anchor.hash, sizeof anchor.hash) || anchor.seq <= 0)
            st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken", "the anchor of the audit log is damaged");
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = anchor;
    return st;
}

enum ja_status ja_audit_counter(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t counted = 0;
    enum ja_status st =
        ja_db_query(ctx->db, "SELECT value FROM counters WHERE name = 'audit_seq'", JA_NO_BINDS,
                    &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        counted = ja_col_int(rows, "value");
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = counted;
    return st;
}

bool ja_audit_rotation_of(const char *detail, int64_t *ret_first, struct ja_audit_head *ret_last)
{
    json_t *doc = json_loads(detail, JSON_REJECT_DUPLICATES, NULL);
    json_int_t first = 0, last = 0;
    const char *hash = NULL;
    bool ok = doc && json_unpack(doc, "{s:I, s:I, s:s}", "first", &first, "last", &last, "hash", &hash) == 0 &&
              strlen(hash) == JA_AUDIT_HASH_TEXT - 1;

    if (ok) {
        *ret_first = first;
        ret_last->seq = last;
        memcpy(ret_last->hash, hash, JA_AUDIT_HASH_TEXT);
    }
    json_decref(doc);
    return ok;
}

/* ---- verify ---- */

struct named_head {
    struct ja_audit_head head;
    const char *name;
};

struct inspection {
    const struct ja_audit_check *check;
    struct ja_audit_report report;
    struct ja_audit_walk walk;
    struct ja_audit_head anchor;
    bool witnessed; /* a row of the chain says that what is before the anchor was rotated out */
    int64_t counted;
    struct named_head heads[2];
};

static void compare_heads(struct inspection *in)
{
    for (size_t i = 0; i < 2; i++) {
        const struct named_head *h = &in->heads[i];

        if (h->head.seq != 0 && h->head.seq == in->walk.seq && strcmp(h->head.hash, in->walk.hash) != 0)
            ja_audit_broken(&in->report, h->head.seq, "head",
                            "audit row %" PRId64 " is not the one that %s has: the log was written anew",
                            h->head.seq, h->name);
    }
}

/* An anchor that was moved by hand would hide the rows before it. */
static void look_for_witness(struct inspection *in, const struct ja_audit_row *row)
{
    struct ja_audit_head last;
    int64_t first = 0;

    if (in->witnessed || strcmp(row->action, JA_AUDIT_ROTATE) != 0 || strcmp(row->outcome, "success") != 0 ||
        !ja_audit_rotation_of(row->detail, &first, &last))
        return;
    in->witnessed = in->anchor.seq >= first - 1 && in->anchor.seq <= last.seq &&
                    (in->anchor.seq < last.seq || strcmp(in->anchor.hash, last.hash) == 0);
}

static void tell_progress(const struct inspection *in, bool end)
{
    if (in->check->progress && (end || in->report.rows % PROGRESS_EVERY == 0))
        in->check->progress(in->check->arg, in->walk.seq - in->anchor.seq, in->counted - in->anchor.seq);
}

static enum ja_status inspect_rows(struct ja_ctx *ctx, struct inspection *in, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT seq, time_ms, actor, action, target, outcome, reason, "
                                    "source, service, detail, prev_hash, hash FROM audit_log "
                                    "ORDER BY seq",
                                    JA_NO_BINDS, &rows, err);

    while (st == JA_OK && !in->report.reason[0] && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_audit_row r = ja_audit_row_of(rows);

        st = ja_rows_status(rows, err);
        if (st == JA_OK)
            st = ja_audit_step(&in->walk, &r, err);
        if (st != JA_OK || in->report.reason[0])
            continue;
        compare_heads(in);
        look_for_witness(in, &r);
        tell_progress(in, false);
    }
    ja_rows_end(rows);
    return st;
}

static void inspect_end(struct inspection *in)
{
    struct ja_audit_report *report = &in->report;
    int64_t last = in->walk.seq;

    if (in->counted > last)
        ja_audit_broken(report, last + 1, "cut", "audit row %" PRId64 " is missing: the end of the log was cut",
                        last + 1);
    else if (in->counted < last)
        ja_audit_broken(report, 0, "counter", "the counter of the audit log was set back to %" PRId64 ", the last row "
                        "has %" PRId64, in->counted, last);
    for (size_t i = 0; i < 2 && !report->reason[0]; i++)
        if (in->heads[i].head.seq > last)
            ja_audit_broken(report, last + 1, "cut",
                            "audit row %" PRId64 " is missing: %s has row %" PRId64 ", the end of the log was cut",
                            last + 1, in->heads[i].name, in->heads[i].head.seq);
    if (!report->reason[0] && in->anchor.seq > 0 && !in->witnessed)
        ja_audit_broken(report, in->anchor.seq, "anchor",
                        "the rows up to %" PRId64 " are gone, but no rotation took them out", in->anchor.seq);
}

/* Rotated files lead up to the anchor; without them the walk begins there. */
static enum ja_status inspect_files(struct inspection *in, struct ja_error *err)
{
    struct ja_audit_walk *w = &in->walk;
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < in->check->nfiles && !in->report.reason[0]; i++)
        st = ja_audit_file_walk(w, in->check->files[i], i == 0, err);
    if (st != JA_OK || in->report.reason[0])
        return st;
    compare_heads(in);
    if (in->check->nfiles > 0 && (w->seq != in->anchor.seq || strcmp(w->hash, in->anchor.hash) != 0))
        ja_audit_broken(&in->report, w->seq + 1, "file",
                        "%s ends with row %" PRId64 ", the store begins after row %" PRId64 "%s",
                        in->check->files[in->check->nfiles - 1], w->seq, in->anchor.seq,
                        w->seq == in->anchor.seq ? " with another hash" : "");
    w->seq = in->anchor.seq;
    memcpy(w->hash, in->anchor.hash, sizeof w->hash);
    return JA_OK;
}

static enum ja_status inspect_all(struct ja_ctx *ctx, struct inspection *in, struct ja_error *err)
{
    enum ja_status st = ja_audit_anchor_read(ctx, &in->anchor, err);

    if (st == JA_OK)
        st = ja_audit_counter(ctx, &in->counted, err);
    if (st == JA_OK)
        st = inspect_files(in, err);
    if (st == JA_OK && !in->report.reason[0]) {
        compare_heads(in); /* the anchor itself */
        st = inspect_rows(ctx, in, err);
    }
    if (st == JA_OK && !in->report.reason[0])
        inspect_end(in);
    if (st == JA_OK)
        tell_progress(in, true);
    return st;
}

/* What the file says is a finding, not a failure; it is told when the rows themselves are in order. */
static enum ja_status judge_head(struct inspection *in, enum ja_status head, const struct ja_error *why,
                                 struct ja_error *err)
{
    if (head == JA_OK || in->report.reason[0])
        return JA_OK;
    if (head == JA_ERR_NOT_FOUND) {
        if (in->counted > 0)
            ja_audit_broken(&in->report, 0, "head_missing", "%s: whether the end of the log was cut cannot be told",
                            why->message);
        return JA_OK;
    }
    if (head != JA_ERR_UNSAFE && head != JA_ERR_CORRUPT)
        return ja_fail(err, head, why->code, "%s", why->message);
    ja_audit_broken(&in->report, 0, "head_unsafe", "%s", why->message);
    return JA_OK;
}

enum ja_status ja_audit_inspect(struct ja_ctx *ctx, const struct ja_audit_check *check,
                                struct ja_audit_report *ret, struct ja_error *err)
{
    struct inspection in = {.check = check, .heads = {{{0}, "audit.head"}, {check->head, "the given head"}}};
    bool own = !ja_db_in_transaction(ctx->db);
    struct ja_error why = {0};
    /* first the file, then the snapshot: what is committed between is in the store and not in the file */
    enum ja_status head = ja_audit_head_read(ctx, &in.heads[0].head, &why);
    enum ja_status st = own ? ja_db_begin_read(ctx->db, err) : JA_OK;

    in.walk.report = &in.report;
    if (st == JA_OK)
        st = inspect_all(ctx, &in, err);
    if (own)
        ja_db_rollback(ctx->db);
    if (st == JA_OK)
        st = judge_head(&in, head, &why, err);
    if (st != JA_OK)
        return st;
    in.report.last_seq = in.walk.seq;
    memcpy(in.report.hash, in.walk.hash, sizeof in.report.hash);
    in.report.ok = !in.report.reason[0];
    if (in.report.ok && in.report.last_seq > 0)
        ja_audit_head_tell(ctx, in.report.last_seq, in.report.hash);
    *ret = in.report;
    return JA_OK;
}

enum ja_status ja_audit_verify(struct ja_ctx *ctx, int64_t *ret_rows, struct ja_error *err)
{
    struct ja_audit_report report = {0};
    enum ja_status st = ja_audit_inspect(ctx, &(struct ja_audit_check){0}, &report, err);

    if (st == JA_OK && !report.ok)
        st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken", "%s", report.message);
    if (st == JA_OK)
        *ret_rows = report.rows;
    return st;
}
