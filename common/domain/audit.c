#include "common/domain/audit.h"

#include "common/domain/column.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#define HASH_BYTES 32
#define HASH_TEXT JA_B64_SIZE(HASH_BYTES)

struct record {
    int64_t seq, time_ms;
    const char *actor, *action, *target, *outcome, *reason, *source, *service, *detail;
    const char *prev_hash;
};

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
static enum ja_status hash_record(const struct record *r, char ret[HASH_TEXT], struct ja_error *err)
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
    ja_b64_encode(hash, sizeof hash, ret, HASH_TEXT);
    return JA_OK;
}

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

static enum ja_status last_hash(struct ja_ctx *ctx, char ret[HASH_TEXT], struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1",
                                    JA_NO_BINDS, &rows, err);

    ret[0] = 0; /* the first row follows nothing */
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row && !ja_col_copy(rows, "hash", ret, HASH_TEXT))
        st = ja_fail(err, JA_ERR_CORRUPT, "audit_broken",
                     "the last row of the audit log is damaged; run authctl audit verify");
    ja_rows_end(rows);
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const struct record *r, const char *hash,
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

static enum ja_status write_record(struct ja_ctx *ctx, struct record *r, struct ja_error *err)
{
    char prev[HASH_TEXT], hash[HASH_TEXT];
    enum ja_status st = take_seq(ctx, &r->seq, err);

    if (st == JA_OK)
        st = last_hash(ctx, prev, err);
    if (st != JA_OK)
        return st;
    r->prev_hash = prev;
    st = hash_record(r, hash, err);
    return st == JA_OK ? insert(ctx, r, hash, err) : st;
}

enum ja_status ja_audit_write(struct ja_ctx *ctx, const struct ja_audit_event *ev,
                              struct ja_error *err)
{
    char *detail = NULL;
    struct record r = {
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
    enum ja_status st = JA_OK;

    if (!ja_db_in_transaction(ctx->db))
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction",
                       "an audit row outside the transaction of what it records");
    if (ev->detail) {
        detail = json_dumps(ev->detail, JSON_COMPACT | JSON_SORT_KEYS);
        if (!detail)
            return ja_fail_nomem(err);
        r.detail = detail;
    }
    st = write_record(ctx, &r, err);
    free(detail);
    return st;
}

static enum ja_status broken(int64_t seq, const char *why, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "audit_broken", "audit row %" PRId64 " %s", seq, why);
}

/* The row at hand against what must follow `prev`. */
static enum ja_status verify_row(struct ja_rows *rows, int64_t want_seq, const char *prev,
                                 char ret_hash[HASH_TEXT], struct ja_error *err)
{
    struct record r = {
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
    };
    const char *hash = ja_col_text(rows, "hash");
    enum ja_status st = ja_rows_status(rows, err);

    if (st != JA_OK)
        return st;
    if (r.seq != want_seq)
        return broken(want_seq, "is missing", err);
    if (!r.prev_hash || strcmp(r.prev_hash, prev) != 0)
        return broken(r.seq, "does not follow the one before it", err);
    st = hash_record(&r, ret_hash, err);
    if (st == JA_OK && (!hash || strcmp(hash, ret_hash) != 0))
        st = broken(r.seq, "was changed", err);
    return st;
}

static enum ja_status verify_rows(struct ja_ctx *ctx, int64_t *ret_rows, struct ja_error *err)
{
    char prev[HASH_TEXT] = "", hash[HASH_TEXT] = "";
    struct ja_rows *rows = NULL;
    int64_t seq = 0;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT seq, time_ms, actor, action, target, outcome, reason, "
                                    "source, service, detail, prev_hash, hash FROM audit_log "
                                    "ORDER BY seq",
                                    JA_NO_BINDS, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        st = verify_row(rows, seq + 1, prev, hash, err);
        memcpy(prev, hash, sizeof prev);
        seq++;
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_rows = seq;
    return st;
}

static enum ja_status verify_tail(struct ja_ctx *ctx, int64_t last, struct ja_error *err)
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
    if (st == JA_OK && counted != last)
        st = broken(last + 1, "is missing: the end of the log was cut", err);
    return st;
}

enum ja_status ja_audit_verify(struct ja_ctx *ctx, int64_t *ret_rows, struct ja_error *err)
{
    int64_t rows = 0;
    bool own = !ja_db_in_transaction(ctx->db);
    enum ja_status st = own ? ja_db_begin_read(ctx->db, err) : JA_OK;

    if (st == JA_OK)
        st = verify_rows(ctx, &rows, err);
    if (st == JA_OK)
        st = verify_tail(ctx, rows, err);
    if (own)
        ja_db_rollback(ctx->db);
    if (st == JA_OK)
        *ret_rows = rows;
    return st;
}
