/* One attempt at a message: taken, and reported on. */
#include "common/domain/audit.h"
#include "common/domain/column.h"
#include "common/domain/outbox_impl.h"
#include "common/domain/seal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ja_status run_take(struct ja_ctx *ctx, struct ja_rows *rows, enum ja_status st,
                               struct ja_outbox_row *ret, struct ja_error *err)
{
    bool row = false;

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "nothing_due", "no message is due");
    if (st == JA_OK)
        st = ja_outbox_row_read(rows, ret, err);
    if (st == JA_OK && !ja_col_dup(rows, "vars", &ret->vars))
        st = ja_fail_nomem(err);
    ja_rows_end(rows);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK) {
        ja_db_rollback(ctx->db);
        ja_outbox_row_clear(ret);
    }
    return st;
}

/* Both statements check again what they chose by: of two takers one gets no row. */
enum ja_status ja_outbox_take(struct ja_ctx *ctx, enum ja_channel channel, int64_t lease, struct ja_outbox_row *ret,
                              struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    struct ja_outbox_row row = {0};
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_db_query(ctx->db,
                     "UPDATE outbox SET attempts = attempts + 1, claimed_until = $3, next_attempt_at = $3, "
                     "updated_at = $2 WHERE id = (SELECT id FROM outbox WHERE state = 'queued' "
                     "AND next_attempt_at <= $2 AND channel = $1 ORDER BY next_attempt_at LIMIT 1) "
                     "AND state = 'queued' AND next_attempt_at <= $2 RETURNING vars, " JA_OUTBOX_COLUMNS,
                     JA_BINDS(JA_T(ja_channel_name(channel)), JA_I(now), JA_I(now + lease)), &rows, err);
    st = run_take(ctx, rows, st, &row, err);
    if (st == JA_OK)
        *ret = row;
    return st;
}

enum ja_status ja_outbox_take_one(struct ja_ctx *ctx, const char *id, int64_t lease, struct ja_outbox_row *ret,
                                  struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    struct ja_outbox_row row = {0};
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_db_query(ctx->db,
                     "UPDATE outbox SET attempts = attempts + 1, claimed_until = $3, next_attempt_at = $3, "
                     "updated_at = $2 WHERE id = $1 AND state = 'queued' AND next_attempt_at <= $2 "
                     "RETURNING vars, " JA_OUTBOX_COLUMNS,
                     JA_BINDS(JA_T(id), JA_I(now), JA_I(now + lease)), &rows, err);
    st = run_take(ctx, rows, st, &row, err);
    if (st == JA_OK)
        *ret = row;
    return st;
}

enum ja_status ja_outbox_vars(struct ja_ctx *ctx, const struct ja_outbox_row *row, json_t **ret,
                              struct ja_error *err)
{
    char identity[sizeof "outbox:" + JA_UUID_LEN];
    struct ja_secret text = {0};
    json_t *vars = NULL;
    enum ja_status st;

    (void)snprintf(identity, sizeof identity, "outbox:%s", row->id);
    st = ja_unseal(ctx, identity, row->vars ? row->vars : "", &text, err);
    if (st == JA_OK) {
        vars = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(vars))
            st = ja_fail(err, JA_ERR_CORRUPT, "outbox_vars", "the variables of message %s are damaged", row->id);
    }
    ja_secret_clear(&text);
    if (st == JA_OK)
        *ret = vars;
    else
        json_decref(vars);
    return st;
}

/* jansson keeps texts in ordinary memory. */
void ja_outbox_vars_free(json_t *vars)
{
    const char *key;
    json_t *value;

    if (!vars)
        return;
    json_object_foreach(vars, key, value) {
        const char *text = json_string_value(value);

        if (text)
            sodium_memzero((char *)(uintptr_t)text, json_string_length(value));
    }
    json_decref(vars);
}

static enum ja_status finish(struct ja_ctx *ctx, enum ja_status st, int64_t changes, struct ja_error *err)
{
    if (st == JA_OK && changes != 1)
        st = ja_fail(err, JA_ERR_CONFLICT, "lease_ended", "the message was taken over by another process or dropped");
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}

/* The variables have served; next_attempt_at is the time from which purge counts. */
enum ja_status ja_outbox_sent(struct ja_ctx *ctx, const struct ja_outbox_row *row, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), changes = 0;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_db_exec(ctx->db,
                    "UPDATE outbox SET state = 'sent', sent_at = $3, next_attempt_at = $3, updated_at = $3, "
                    "claimed_until = 0, vars = '', last_error = NULL "
                    "WHERE id = $1 AND state = 'queued' AND claimed_until = $2",
                    JA_BINDS(JA_T(row->id), JA_I(row->claimed_until), JA_I(now)), &changes, err);
    return finish(ctx, st, changes, err);
}

static int64_t back_off(int64_t attempts)
{
    static const int64_t minutes[] = {1, 5, 15, 60, 240};
    const int64_t last = sizeof minutes / sizeof *minutes;

    return 60 * minutes[(attempts > last ? last : attempts > 0 ? attempts : 1) - 1];
}

static enum ja_status record_given_up(struct ja_ctx *ctx, const struct ja_outbox_row *row, const char *cause,
                                      struct ja_error *err)
{
    char target[sizeof "message:" + JA_UUID_LEN];
    json_t *detail = json_pack("{s:s,s:s,s:I,s:s}", "channel", ja_channel_name(row->channel), "template",
                               row->template, "attempts", (json_int_t)row->attempts, "cause", cause);
    const struct ja_audit_event ev = {.action = "outbox.given_up", .target = target, .outcome = "failure",
                                      .detail = detail};
    enum ja_status st;

    (void)snprintf(target, sizeof target, "message:%s", row->id);
    st = detail ? ja_audit_write(ctx, &ev, err) : ja_fail_nomem(err);
    json_decref(detail);
    return st;
}

enum ja_status ja_outbox_failed(struct ja_ctx *ctx, const struct ja_outbox_row *row, const char *cause,
                                bool *ret_given_up, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), next = now + back_off(row->attempts), changes = 0;
    bool over = row->attempts >= JA_OUTBOX_ATTEMPTS || next >= row->ends_at;
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_db_exec(ctx->db,
                    "UPDATE outbox SET state = $3, next_attempt_at = $4, updated_at = $5, claimed_until = 0, "
                    "last_error = $6 WHERE id = $1 AND state = 'queued' AND claimed_until = $2",
                    JA_BINDS(JA_T(row->id), JA_I(row->claimed_until), JA_T(over ? "given_up" : "queued"),
                             JA_I(over ? now : next), JA_I(now), JA_T(cause)),
                    &changes, err);
    if (st == JA_OK && changes == 1 && over)
        st = record_given_up(ctx, row, cause, err);
    st = finish(ctx, st, changes, err);
    if (st == JA_OK)
        *ret_given_up = over;
    return st;
}
