#include "common/domain/outbox.h"

#include "common/domain/seal.h"
#include "common/domain/user.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTICE_LIFE (3 * 86400) /* a notice that comes later tells its reader nothing */

const char *ja_channel_name(enum ja_channel c)
{
    switch (c) {
    case JA_CHANNEL_EMAIL: return "email";
    case JA_CHANNEL_SMS: return "sms";
    }
    return "unknown";
}

bool ja_outbox_has_provider(const struct ja_ctx *ctx, enum ja_channel channel)
{
    int provider = channel == JA_CHANNEL_EMAIL ? ctx->cfg->email.provider : ctx->cfg->sms.provider;

    return provider != JA_PROVIDER_NONE;
}

/* Bound to its row: the variables of one message do not open in another. */
static enum ja_status seal_vars(struct ja_ctx *ctx, const char *id, const json_t *vars, char **ret,
                                struct ja_error *err)
{
    char identity[sizeof "outbox:" + JA_UUID_LEN];
    char *text = json_dumps(vars, JSON_COMPACT);
    enum ja_status st;

    if (!text)
        return ja_fail_nomem(err);
    (void)snprintf(identity, sizeof identity, "outbox:%s", id);
    st = ja_seal(ctx, identity, text, strlen(text), ret, err);
    sodium_memzero(text, strlen(text));
    free(text);
    return st;
}

enum ja_status ja_outbox_queue(struct ja_ctx *ctx, const struct ja_message *m, char *ret_id,
                               struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    char id[JA_UUID_LEN + 1], *vars = NULL;
    enum ja_status st = ja_uuid_new(ja_now_ms(&ctx->clock), id, err);

    if (st == JA_OK)
        st = seal_vars(ctx, id, m->vars, &vars, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO outbox (id, channel, destination, template, vars, user_id, state, "
                        "next_attempt_at, ends_at, created_at, updated_at) "
                        "VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $7, $7)",
                        JA_BINDS(JA_T(id), JA_T(ja_channel_name(m->channel)), JA_T(m->destination),
                                 JA_T(m->template), JA_T(vars), JA_T(m->user_id), JA_I(now),
                                 JA_I(m->ends_at)),
                        NULL, err);
    free(vars);
    if (st == JA_OK && ret_id)
        memcpy(ret_id, id, sizeof id);
    return st;
}

enum ja_status ja_outbox_decoy(struct ja_ctx *ctx, struct ja_error *err)
{
    char id[JA_UUID_LEN + 1];
    json_t *vars = json_pack("{s:s,s:s,s:s,s:s}", "username", "nobody", "issuer", ctx->cfg->tokens.issuer, "token",
                             "-------------------------------------------", "valid", "24 hours");
    const struct ja_message m = {.channel = JA_CHANNEL_EMAIL, .destination = "", .template = "decoy", .vars = vars};
    enum ja_status st = vars ? ja_outbox_queue(ctx, &m, id, err) : ja_fail_nomem(err);

    json_decref(vars);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM outbox WHERE id = $1", JA_BINDS(JA_T(id)), NULL, err);
    return st;
}

enum ja_status ja_outbox_notify(struct ja_ctx *ctx, const struct ja_user *user, const char *template,
                                const json_t *vars, struct ja_error *err)
{
    const struct ja_message m = {
        .channel = JA_CHANNEL_EMAIL,
        .destination = user->email,
        .template = template,
        .user_id = user->id,
        .vars = vars,
        .ends_at = ja_now(&ctx->clock) + NOTICE_LIFE,
    };

    if (!user->email || !user->email_verified_at || !ja_outbox_has_provider(ctx, m.channel))
        return JA_OK;
    return ja_outbox_queue(ctx, &m, NULL, err);
}

enum ja_status ja_outbox_depth(struct ja_ctx *ctx, struct ja_outbox_depth *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(
        ctx->db,
        "SELECT (SELECT COUNT(*) FROM outbox WHERE state = 'queued' AND claimed_until <= $1) AS queued, "
        "(SELECT COUNT(*) FROM outbox WHERE state = 'queued' AND claimed_until > $1) AS sending, "
        "(SELECT COUNT(*) FROM outbox WHERE state = 'given_up') AS given_up",
        JA_BINDS(JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        *ret = (struct ja_outbox_depth){ja_col_int(rows, "queued"), ja_col_int(rows, "sending"),
                                        ja_col_int(rows, "given_up")};
    ja_rows_end(rows);
    return st;
}
