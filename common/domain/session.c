#include "common/domain/session.h"

#include "common/base/proc.h"
#include "common/domain/column.h"

#include <stdlib.h>

#define SESSION_COLUMNS \
    "s.id AS id, s.user_id AS user_id, u.username AS username, s.service AS service, " \
    "s.amr AS amr, s.auth_time AS auth_time, s.audience AS audience, s.source AS source, " \
    "s.tty AS tty, s.user_agent AS user_agent, s.boot_id AS boot_id, s.pid AS pid, " \
    "s.pid_start AS pid_start, s.audit_session AS audit_session, s.idle_ends_at AS idle_ends_at, s.ends_at AS ends_at, " \
    "s.last_used_at AS last_used_at, s.revoked_at AS revoked_at, " \
    "s.revoke_reason AS revoke_reason, s.created_at AS created_at " \
    "FROM sessions s JOIN users u ON u.id = s.user_id "

void ja_session_clear(struct ja_session *s)
{
    if (!s)
        return;
    free(s->audience);
    free(s->source);
    free(s->tty);
    free(s->user_agent);
    free(s->boot_id);
    *s = (struct ja_session){0};
}

enum ja_status ja_session_insert(struct ja_ctx *ctx, struct ja_session *s, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    char id[JA_UUID_LEN + 1];
    enum ja_status st = ja_uuid_new(ja_now_ms(&ctx->clock), id, err);

    if (st == JA_OK)
        st = ja_db_exec(
            ctx->db,
            "INSERT INTO sessions (id, user_id, service, amr, auth_time, audience, source, tty, "
            "user_agent, boot_id, pid, pid_start, idle_ends_at, ends_at, last_used_at, created_at, "
            "audit_session) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16)",
            JA_BINDS(JA_T(id), JA_T(s->user_id), JA_T(s->service), JA_T(s->amr),
                     JA_I(s->auth_time), JA_T(s->audience ? s->audience : ""), JA_T(s->source),
                     JA_T(s->tty), JA_T(s->user_agent), JA_T(s->boot_id), JA_TIME(s->pid),
                     JA_TIME(s->pid_start), JA_TIME(s->idle_ends_at), JA_I(s->ends_at), JA_I(now),
                     JA_TIME(s->audit_session)),
            NULL, err);
    if (st == JA_OK) {
        memcpy(s->id, id, sizeof s->id);
        s->created_at = s->last_used_at = now;
    }
    return st;
}

static bool copy_texts(struct ja_rows *rows, struct ja_session *s)
{
    return ja_col_dup(rows, "audience", &s->audience) && ja_col_dup(rows, "source", &s->source) &&
           ja_col_dup(rows, "tty", &s->tty) && ja_col_dup(rows, "user_agent", &s->user_agent) &&
           ja_col_dup(rows, "boot_id", &s->boot_id);
}

static bool copy_fixed(struct ja_rows *rows, struct ja_session *s)
{
    s->auth_time = ja_col_int(rows, "auth_time");
    s->pid = ja_col_int(rows, "pid");
    s->pid_start = ja_col_int(rows, "pid_start");
    s->audit_session = ja_col_int(rows, "audit_session");
    s->idle_ends_at = ja_col_int(rows, "idle_ends_at");
    s->ends_at = ja_col_int(rows, "ends_at");
    s->last_used_at = ja_col_int(rows, "last_used_at");
    s->revoked_at = ja_col_int(rows, "revoked_at");
    s->created_at = ja_col_int(rows, "created_at");
    return ja_col_copy(rows, "id", s->id, sizeof s->id) &&
           ja_col_copy(rows, "user_id", s->user_id, sizeof s->user_id) &&
           ja_col_copy(rows, "username", s->username, sizeof s->username) &&
           ja_col_copy(rows, "service", s->service, sizeof s->service) &&
           ja_col_copy(rows, "amr", s->amr, sizeof s->amr) &&
           ja_col_copy(rows, "revoke_reason", s->revoke_reason, sizeof s->revoke_reason);
}

static enum ja_status read_session(struct ja_rows *rows, struct ja_session *ret,
                                   struct ja_error *err)
{
    struct ja_session s = {0};
    enum ja_status st = JA_OK;

    if (!copy_texts(rows, &s))
        st = ja_fail_nomem(err);
    else if (!copy_fixed(rows, &s))
        st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_session",
                     "a session row of the store is damaged; run authctl db check");
    else
        st = ja_rows_status(rows, err);
    if (st != JA_OK)
        ja_session_clear(&s);
    else
        *ret = s;
    return st;
}

enum ja_status ja_session_find(struct ja_ctx *ctx, const char *id, struct ja_session *ret,
                               struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = JA_OK;

    if (!ja_uuid_valid(id))
        return ja_fail(err, JA_ERR_NOT_FOUND, "session_not_found", "no such session");
    st = ja_db_query(ctx->db, "SELECT " SESSION_COLUMNS "WHERE s.id = $1", JA_BINDS(JA_T(id)),
                     &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? read_session(rows, ret, err)
                 : ja_fail(err, JA_ERR_NOT_FOUND, "session_not_found", "no such session");
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_session_find_live(struct ja_ctx *ctx, const char *user_id, const char *hint, const char *boot_id,
                                    struct ja_session *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT " SESSION_COLUMNS "WHERE s.user_id = $1 AND s.revoked_at IS NULL "
                                    "AND s.ends_at > $2 AND (s.idle_ends_at IS NULL OR s.idle_ends_at > $2) "
                                    "AND (s.boot_id IS NULL OR s.boot_id = $3) "
                                    "ORDER BY CASE WHEN s.id = $4 THEN 0 ELSE 1 END, s.id DESC LIMIT 1",
                                    JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock)), JA_T(boot_id),
                                             JA_T(hint ? hint : "")),
                                    &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? read_session(rows, ret, err)
                 : ja_fail(err, JA_ERR_NOT_FOUND, "session_not_found", "no live session");
    ja_rows_end(rows);
    return st;
}

bool ja_session_live(const struct ja_session *s, int64_t now)
{
    return s->revoked_at == 0 && s->ends_at > now && (!s->idle_ends_at || s->idle_ends_at > now);
}

enum ja_status ja_session_revoke(struct ja_ctx *ctx, const char *id, const char *reason,
                                 bool *ret_ended, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "UPDATE sessions SET revoked_at = $2, revoke_reason = $3 "
                                   "WHERE id = $1 AND revoked_at IS NULL",
                                   JA_BINDS(JA_T(id), JA_I(ja_now(&ctx->clock)), JA_T(reason)), &n,
                                   err);

    /* refresh tokens look at the session row when used: it is the one fact that ends them */
    if (st == JA_OK && ret_ended)
        *ret_ended = n == 1;
    return st;
}

static enum ja_status count_live(struct ja_ctx *ctx, const char *user_id, const char *except,
                                 int64_t *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT COUNT(*) AS live FROM sessions WHERE user_id = $1 AND id <> $2 "
                    "AND revoked_at IS NULL AND ends_at > $3 "
                    "AND (idle_ends_at IS NULL OR idle_ends_at > $3)",
                    JA_BINDS(JA_T(user_id), JA_T(except), JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        *ret = ja_col_int(rows, "live");
    if (st == JA_OK)
        st = ja_rows_status(rows, err);
    ja_rows_end(rows);
    return st;
}

/* Those past their end are revoked too (only not counted): a clock set back must not revive them. */
enum ja_status ja_session_revoke_user(struct ja_ctx *ctx, const char *user_id, const char *except,
                                      const char *reason, int64_t *ret_count, struct ja_error *err)
{
    int64_t live = 0;
    enum ja_status st = count_live(ctx, user_id, except ? except : "", &live, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE sessions SET revoked_at = $2, revoke_reason = $3 "
                        "WHERE user_id = $1 AND id <> $4 AND revoked_at IS NULL",
                        JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock)), JA_T(reason),
                                 JA_T(except ? except : "")),
                        NULL, err);
    if (st == JA_OK && ret_count)
        *ret_count = live;
    return st;
}

enum ja_status ja_session_touch(struct ja_ctx *ctx, const char *id, int64_t idle_ends_at,
                                struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "UPDATE sessions SET last_used_at = $2, idle_ends_at = $3 "
                      "WHERE id = $1 AND revoked_at IS NULL",
                      JA_BINDS(JA_T(id), JA_I(ja_now(&ctx->clock)), JA_TIME(idle_ends_at)), NULL,
                      err);
}

enum ja_status ja_session_each(struct ja_ctx *ctx, const struct ja_session_filter *filter,
                               ja_session_fn fn, void *arg, struct ja_error *err)
{
    const char *after = filter->after ? filter->after : "";
    struct ja_value live = JA_I(filter->live_only ? 1 : 0);
    struct ja_value limit = JA_I(filter->limit > 0 ? filter->limit : INT64_MAX);
    struct ja_value now = JA_I(ja_now(&ctx->clock));
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = JA_OK;

    /* two texts, so that the one for a user runs on sessions_user (user_id, id) */
    if (filter->user_id)
        st = ja_db_query(ctx->db,
                         "SELECT " SESSION_COLUMNS "WHERE s.user_id = $1 AND s.id > $2 "
                         "AND ($3 = 0 OR (s.revoked_at IS NULL AND s.ends_at > $4 "
                         "AND (s.idle_ends_at IS NULL OR s.idle_ends_at > $4))) "
                         "ORDER BY s.id LIMIT $5",
                         JA_BINDS(JA_T(filter->user_id), JA_T(after), live, now, limit), &rows,
                         err);
    else
        st = ja_db_query(ctx->db,
                         "SELECT " SESSION_COLUMNS "WHERE s.id > $1 "
                         "AND ($2 = 0 OR (s.revoked_at IS NULL AND s.ends_at > $3 "
                         "AND (s.idle_ends_at IS NULL OR s.idle_ends_at > $3))) "
                         "ORDER BY s.id LIMIT $4",
                         JA_BINDS(JA_T(after), live, now, limit), &rows, err);
    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_session s = {0};

        st = read_session(rows, &s, err);
        if (st == JA_OK)
            st = fn(arg, &s);
        ja_session_clear(&s);
    }
    ja_rows_end(rows);
    return st;
}
