#include "common/domain/nss_export.h"
#include "common/domain/remembered_factor.h"
#include "common/domain/ssh_key_snapshot.h"
#include "common/domain/user.h"

/* The row stays for its id and uid (neither is ever given out again) and its name, which the audit log
 * names too; everything that says more about the person, or logs in, goes. */
static enum ja_status wipe_row(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(
        ctx->db,
        "UPDATE users SET email = NULL, email_key = NULL, email_verified_at = NULL, phone = NULL, "
        "phone_verified_at = NULL, email_pending = NULL, phone_pending = NULL, full_name = NULL, first_name = NULL, last_name = NULL, "
        "company_name = NULL, password_hash = NULL, password_changed_at = NULL, "
        "last_login_at = NULL, bind_uid = NULL, status = 'disabled', status_before = NULL, deleted_at = $2, "
        "updated_at = $2, updated_by = $3 WHERE id = $1 AND deleted_at IS NULL",
        JA_BINDS(JA_T(id), JA_I(ja_now(&ctx->clock)), JA_T(ctx->actor.name)), &n, err);

    if (st == JA_OK && n != 1)
        return ja_fail(err, JA_ERR_NOT_FOUND, "user_not_found", "no such user");
    return st;
}

static enum ja_status drop_credentials(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    enum ja_status st = ja_db_exec(ctx->db, "DELETE FROM totp WHERE user_id = $1",
                                   JA_BINDS(JA_T(id)), NULL, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM recovery_codes WHERE user_id = $1",
                        JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM ssh_keys WHERE user_id = $1", JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM password_history WHERE user_id = $1",
                        JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM one_time_tokens WHERE user_id = $1", JA_BINDS(JA_T(id)),
                        NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM api_keys WHERE user_id = $1", JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK) /* what waits to be sent names the person */
        st = ja_db_exec(ctx->db, "DELETE FROM outbox WHERE user_id = $1", JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM user_roles WHERE user_id = $1", JA_BINDS(JA_T(id)),
                        NULL, err);
    return st;
}

static enum ja_status drop_sessions(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    enum ja_status st = ja_db_exec(ctx->db,
                                   "DELETE FROM refresh_tokens WHERE session_id IN "
                                   "(SELECT id FROM sessions WHERE user_id = $1)",
                                   JA_BINDS(JA_T(id)), NULL, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE sessions SET revoked_at = COALESCE(revoked_at, $2), "
                        "revoke_reason = COALESCE(revoke_reason, 'user_deleted'), source = NULL, "
                        "tty = NULL, user_agent = NULL WHERE user_id = $1",
                        JA_BINDS(JA_T(id), JA_I(ja_now(&ctx->clock))), NULL, err);
    if (st == JA_OK)
        st = ja_remembered_forget(ctx, id, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM login_handles WHERE user_id = $1",
                        JA_BINDS(JA_T(id)), NULL, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM known_sources WHERE user_id = $1",
                        JA_BINDS(JA_T(id)), NULL, err);
    return st;
}

enum ja_status ja_user_delete(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!ja_db_in_transaction(ctx->db))
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction", "a write outside a transaction");
    st = ja_ssh_snapshot_note_user(ctx, id, err);
    if (st == JA_OK)
        st = ja_nss_export_note(ctx, err);
    if (st == JA_OK)
        st = wipe_row(ctx, id, err);
    if (st == JA_OK)
        st = drop_credentials(ctx, id, err);
    if (st == JA_OK)
        st = drop_sessions(ctx, id, err);
    return st;
}
