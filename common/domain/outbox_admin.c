/* The outbox as an administrator sees it. */
#include "common/domain/audit.h"
#include "common/domain/column.h"
#include "common/domain/outbox_impl.h"
#include "common/domain/permission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ja_outbox_row_clear(struct ja_outbox_row *row)
{
    free(row->destination);
    free(row->template);
    free(row->user_id);
    free(row->last_error);
    free(row->vars);
    memset(row, 0, sizeof *row);
}

enum ja_status ja_outbox_row_read(struct ja_rows *rows, struct ja_outbox_row *ret, struct ja_error *err)
{
    const char *channel = ja_col_text(rows, "channel");

    ret->channel = channel && strcmp(channel, "sms") == 0 ? JA_CHANNEL_SMS : JA_CHANNEL_EMAIL;
    ret->attempts = ja_col_int(rows, "attempts");
    ret->next_attempt_at = ja_col_int(rows, "next_attempt_at");
    ret->claimed_until = ja_col_int(rows, "claimed_until");
    ret->ends_at = ja_col_int(rows, "ends_at");
    ret->sent_at = ja_col_int(rows, "sent_at");
    ret->created_at = ja_col_int(rows, "created_at");
    if (!ja_col_copy(rows, "id", ret->id, sizeof ret->id) ||
        !ja_col_copy(rows, "state", ret->state, sizeof ret->state))
        return ja_fail(err, JA_ERR_CORRUPT, "outbox_row", "a message in the store is damaged");
    if (!ja_col_dup(rows, "destination", &ret->destination) || !ja_col_dup(rows, "template", &ret->template) ||
        !ja_col_dup(rows, "user_id", &ret->user_id) || !ja_col_dup(rows, "last_error", &ret->last_error))
        return ja_fail_nomem(err);
    return ja_rows_status(rows, err);
}

enum ja_status ja_outbox_each(struct ja_ctx *ctx, const struct ja_outbox_filter *filter, ja_outbox_fn fn, void *arg,
                              struct ja_error *err)
{
    struct ja_value limit = JA_I(filter->limit > 0 ? filter->limit : INT64_MAX);
    struct ja_value state = JA_T(filter->state ? filter->state : "");
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT " JA_OUTBOX_COLUMNS "FROM outbox WHERE id > $1 "
                                    "AND ($2 = '' OR state = $2) ORDER BY id LIMIT $3",
                                    JA_BINDS(JA_T(filter->after ? filter->after : ""), state, limit), &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_outbox_row r = {0};

        st = ja_outbox_row_read(rows, &r, err);
        if (st == JA_OK)
            st = fn(arg, &r);
        ja_outbox_row_clear(&r);
    }
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_outbox_find(struct ja_ctx *ctx, const char *id, struct ja_outbox_row *ret, struct ja_error *err)
{
    struct ja_outbox_row r = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT " JA_OUTBOX_COLUMNS "FROM outbox WHERE id = $1",
                                    JA_BINDS(JA_T(id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "message_not_found", "there is no such message: see authctl outbox list");
    if (st == JA_OK)
        st = ja_outbox_row_read(rows, &r, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = r;
    else
        ja_outbox_row_clear(&r);
    return st;
}

static enum ja_status may_retry(const struct ja_outbox_row *r, int64_t now, struct ja_error *err)
{
    if (strcmp(r->state, "sent") == 0)
        return ja_fail(err, JA_ERR_CONFLICT, "message_sent", "the message was sent already");
    if (r->ends_at <= now)
        return ja_fail(err, JA_ERR_CONFLICT, "message_ended", "what the message holds has expired: drop it");
    if (r->claimed_until > now)
        return ja_fail(err, JA_ERR_CONFLICT, "message_in_delivery", "the message is being delivered right now");
    return JA_OK;
}

static enum ja_status record(struct ja_ctx *ctx, const char *action, const struct ja_outbox_row *r,
                             struct ja_error *err)
{
    char target[sizeof "message:" + JA_UUID_LEN];
    json_t *detail = json_pack("{s:s,s:s,s:s}", "channel", ja_channel_name(r->channel), "template", r->template,
                               "state", r->state);
    const struct ja_audit_event ev = {.action = action, .target = target, .outcome = "success", .detail = detail};
    enum ja_status st;

    (void)snprintf(target, sizeof target, "message:%s", r->id);
    st = detail ? ja_audit_write(ctx, &ev, err) : ja_fail_nomem(err);
    json_decref(detail);
    return st;
}

enum ja_status ja_outbox_retry(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    struct ja_outbox_row r = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_permit(ctx, "outbox:write", NULL, err);
    if (st == JA_OK)
        st = ja_outbox_find(ctx, id, &r, err);
    if (st == JA_OK)
        st = may_retry(&r, now, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE outbox SET state = 'queued', attempts = 0, next_attempt_at = $2, claimed_until = 0, "
                        "updated_at = $2 WHERE id = $1",
                        JA_BINDS(JA_T(id), JA_I(now)), NULL, err);
    if (st == JA_OK)
        st = record(ctx, "outbox.retry", &r, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    ja_outbox_row_clear(&r);
    return st;
}

enum ja_status ja_outbox_drop(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    struct ja_outbox_row r = {0};
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_permit(ctx, "outbox:write", NULL, err);
    if (st == JA_OK)
        st = ja_outbox_find(ctx, id, &r, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM outbox WHERE id = $1", JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK)
        st = record(ctx, "outbox.drop", &r, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    ja_outbox_row_clear(&r);
    return st;
}

enum ja_status ja_outbox_count_due(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT COUNT(*) AS n FROM outbox WHERE state = 'queued' AND next_attempt_at <= $1",
                                    JA_BINDS(JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        *ret = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_outbox_health(struct ja_ctx *ctx, struct ja_outbox_health *ret, struct ja_error *err)
{
    struct ja_outbox_health h = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(
        ctx->db,
        "SELECT (SELECT COUNT(*) FROM outbox WHERE state = 'queued') AS queued, "
        "(SELECT COUNT(*) FROM outbox WHERE state = 'queued' AND next_attempt_at <= $1) AS overdue, "
        "(SELECT COUNT(*) FROM outbox WHERE state = 'given_up') AS given_up",
        JA_BINDS(JA_I(ja_now(&ctx->clock) - JA_OUTBOX_OVERDUE)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        h.queued = ja_col_int(rows, "queued");
        h.overdue = ja_col_int(rows, "overdue");
        h.given_up = ja_col_int(rows, "given_up");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = h;
    return st;
}
