#include "common/domain/remembered_factor.h"

#include "common/domain/column.h"
#include "common/domain/session.h"

/* The person who logged in must be the one who is asked: su to somebody else is no login of theirs. */
static bool rests_on_login(const struct ja_remember_key *key)
{
    return key->login && key->login->audit_session > 0 && key->login->audit_session < JA_AUDIT_UNSET &&
           key->login->login_uid == key->user->uid && key->login->boot_id[0];
}

/* The first row whose process runs; a session that was never closed is over all the same. */
static enum ja_status first_running(struct ja_rows *rows, char ret_id[JA_UUID_LEN + 1], bool *ret,
                                    struct ja_error *err)
{
    bool row = false, found = false;
    char id[JA_UUID_LEN + 1] = "";
    enum ja_status st = JA_OK;

    while (!found && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        found = ja_col_copy(rows, "id", id, sizeof id) &&
                !ja_session_process_gone(ja_col_int(rows, "pid"), ja_col_int(rows, "pid_start"));
    if (st == JA_OK)
        st = ja_rows_status(rows, err);
    if (st == JA_OK && found)
        memcpy(ret_id, id, sizeof id);
    if (st == JA_OK)
        *ret = found;
    return st;
}

enum ja_status ja_remembered_find(struct ja_ctx *ctx, const struct ja_remember_key *key, int64_t seconds,
                                  int64_t at, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    char id[JA_UUID_LEN + 1];
    bool found = false;
    enum ja_status st;

    if (seconds <= 0 || !rests_on_login(key)) {
        *ret = false;
        return JA_OK;
    }
    /* one that was given later than now is not worth more: the clock was set back */
    st = ja_db_query(ctx->db,
                     "SELECT s.id AS id, s.pid AS pid, s.pid_start AS pid_start "
                     "FROM sessions s JOIN remembered_factors r ON r.session_id = s.id "
                     "WHERE s.boot_id = $1 AND s.audit_session = $2 AND s.revoked_at IS NULL "
                     "AND s.user_id = $3 AND s.ends_at > $4 AND (s.idle_ends_at IS NULL OR s.idle_ends_at > $4) "
                     "AND r.user_id = $3 AND r.service = $5 AND r.target = $6 "
                     "AND r.given_at > $7 AND r.given_at <= $8 ORDER BY s.id",
                     JA_BINDS(JA_T(key->login->boot_id), JA_I(key->login->audit_session),
                              JA_T(key->user->id), JA_I(ja_now(&ctx->clock)), JA_T(key->service),
                              JA_T(key->target), JA_I(at - seconds), JA_I(at)),
                     &rows, err);
    if (st == JA_OK)
        st = first_running(rows, id, &found, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = found;
    return st;
}

enum ja_status ja_remembered_note(struct ja_ctx *ctx, const struct ja_remember_key *key, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    struct ja_rows *rows = NULL;
    char id[JA_UUID_LEN + 1] = "";
    bool found = false;
    enum ja_status st;

    if (!rests_on_login(key))
        return JA_OK;
    /* the oldest: the login itself, not a session within it */
    st = ja_db_query(ctx->db,
                     "SELECT s.id AS id, s.pid AS pid, s.pid_start AS pid_start FROM sessions s "
                     "WHERE s.boot_id = $1 AND s.audit_session = $2 AND s.revoked_at IS NULL "
                     "AND s.user_id = $3 AND s.ends_at > $4 AND (s.idle_ends_at IS NULL OR s.idle_ends_at > $4) "
                     "ORDER BY s.id",
                     JA_BINDS(JA_T(key->login->boot_id), JA_I(key->login->audit_session),
                              JA_T(key->user->id), JA_I(now)),
                     &rows, err);
    if (st == JA_OK)
        st = first_running(rows, id, &found, err);
    ja_rows_end(rows);
    if (st != JA_OK || !found)
        return st;
    return ja_db_exec(ctx->db,
                      "INSERT INTO remembered_factors (session_id, user_id, service, target, given_at) "
                      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (session_id, user_id, service, target) "
                      "DO UPDATE SET given_at = excluded.given_at",
                      JA_BINDS(JA_T(id), JA_T(key->user->id), JA_T(key->service), JA_T(key->target),
                               JA_I(now)),
                      NULL, err);
}

enum ja_status ja_remembered_forget(struct ja_ctx *ctx, const char *user_id, struct ja_error *err)
{
    return ja_db_exec(ctx->db, "DELETE FROM remembered_factors WHERE user_id = $1", JA_BINDS(JA_T(user_id)),
                      NULL, err);
}
