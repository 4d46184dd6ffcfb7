#include "common/domain/user.h"

#include "common/domain/nss_export.h"
#include "common/domain/posix_id.h"
#include "common/domain/ssh_key_snapshot.h"

#include <stdio.h>
#include <string.h>

static enum ja_status require_tx(struct ja_ctx *ctx, struct ja_error *err)
{
    if (ja_db_in_transaction(ctx->db))
        return JA_OK;
    return ja_fail(err, JA_ERR_INTERNAL, "no_transaction", "a write outside a transaction");
}

/* Which unique index refused? The driver's message names table.column. */
static enum ja_status name_conflict(enum ja_status st, const struct ja_error *from,
                                    struct ja_error *err)
{
    if (st == JA_ERR_EXISTS && strstr(from->message, "users.username"))
        return ja_fail(err, st, "username_taken", "user name is already in use");
    if (st == JA_ERR_EXISTS && strstr(from->message, "users.email_key"))
        return ja_fail(err, st, "email_taken", "email address is already in use");
    if (st == JA_ERR_EXISTS && strstr(from->message, "users.phone"))
        return ja_fail(err, st, "phone_taken", "phone number is already in use");
    if (st == JA_ERR_EXISTS && strstr(from->message, "users.uid"))
        return ja_fail(err, st, "uid_taken", "uid is already in use");
    if (st == JA_ERR_EXISTS && strstr(from->message, "users.bind_uid"))
        return ja_fail(err, st, "uid_bound", "another service is bound to this uid");
    if (st != JA_OK && err)
        *err = *from;
    return st;
}

/* "" for an absent address; the unique key of a present one. */
static enum ja_status email_key(const char *email, char key[JA_EMAIL_MAX + 1], struct ja_error *err)
{
    key[0] = 0;
    if (email && !ja_email_normalize(email, key))
        return ja_fail(err, JA_ERR_INVALID, "invalid_email", "not an email address");
    return JA_OK;
}

static enum ja_status fill_posix_ids(struct ja_ctx *ctx, struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!u->uid)
        st = ja_posix_id_next(ctx, &u->uid, err);
    else if (!u->adopted) /* an adopted uid is /etc/passwd's, which has its own rules */
        st = ja_posix_id_check(ctx, u->uid, "", err);
    if (st == JA_OK && !u->gid)
        u->gid = u->uid;
    else if (st == JA_OK && !u->adopted)
        st = ja_posix_gid_unused(ctx, u->gid, "", err);
    return st;
}

static enum ja_status keep_history(struct ja_ctx *ctx, const char *id, const char *hash,
                                   struct ja_error *err)
{
    char row[JA_UUID_LEN + 1];
    int64_t keep = ctx->cfg->password.history;
    enum ja_status st = JA_OK;

    if (keep > 0)
        st = ja_uuid_new(ja_now_ms(&ctx->clock), row, err);
    if (st == JA_OK && keep > 0)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO password_history (id, user_id, hash, created_at) "
                        "VALUES ($1, $2, $3, $4)",
                        JA_BINDS(JA_T(row), JA_T(id), JA_T(hash), JA_I(ja_now(&ctx->clock))), NULL,
                        err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "DELETE FROM password_history WHERE user_id = $1 AND id NOT IN "
                        "(SELECT id FROM password_history WHERE user_id = $1 "
                        "ORDER BY created_at DESC, id DESC LIMIT $2)",
                        JA_BINDS(JA_T(id), JA_I(keep > 0 ? keep : 0)), NULL, err);
    return st;
}

static enum ja_status insert_row(struct ja_ctx *ctx, const struct ja_user *u, const char *key,
                                 struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_status st = ja_db_exec(
        ctx->db,
        "INSERT INTO users (id, username, email, email_key, email_verified_at, phone, "
        "phone_verified_at, full_name, first_name, last_name, company_name, kind, status, "
        "password_hash, password_changed_at, must_change, valid_until, lock_at, uid, gid, home, "
        "shell, adopted, created_at, updated_at, updated_by, bind_uid) VALUES ($1, $2, $3, $4, $5, $6, $7, "
        "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, "
        "$26, $27)",
        JA_BINDS(JA_T(u->id), JA_T(u->username), JA_T(u->email), JA_T(key[0] ? key : NULL),
                 JA_TIME(u->email_verified_at), JA_T(u->phone), JA_TIME(u->phone_verified_at),
                 JA_T(u->full_name), JA_T(u->first_name), JA_T(u->last_name),
                 JA_T(u->company_name), JA_T(u->kind == JA_USER_SERVICE ? "service" : "person"),
                 JA_T(ja_user_status_name(u->status)), JA_T(u->password_hash),
                 JA_TIME(u->password_changed_at), JA_I(u->must_change ? 1 : 0),
                 JA_TIME(u->valid_until), JA_TIME(u->lock_at), JA_I(u->uid), JA_I(u->gid),
                 JA_T(u->home), JA_T(u->shell), JA_I(u->adopted ? 1 : 0), JA_I(u->created_at),
                 JA_I(u->updated_at), JA_T(ctx->actor.name), JA_TIME(u->bind_uid)),
        NULL, &local);

    return name_conflict(st, &local, err);
}

enum ja_status ja_user_insert(struct ja_ctx *ctx, struct ja_user *user, struct ja_error *err)
{
    char key[JA_EMAIL_MAX + 1];
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = email_key(user->email, key, err);
    if (st == JA_OK)
        st = ja_uuid_new(ja_now_ms(&ctx->clock), user->id, err);
    if (st == JA_OK)
        st = fill_posix_ids(ctx, user, err);
    if (st == JA_OK)
        st = ja_user_check_binding(ctx, user, err);
    if (st != JA_OK)
        return st;
    user->created_at = user->updated_at = ja_now(&ctx->clock);
    if (user->password_hash && !user->password_changed_at)
        user->password_changed_at = user->created_at;
    st = insert_row(ctx, user, key, err);
    if (st == JA_OK && user->password_hash)
        st = keep_history(ctx, user->id, user->password_hash, err);
    return st == JA_OK ? ja_nss_export_note(ctx, err) : st;
}

/* A change that hit no row hit no live user. */
static enum ja_status changed(enum ja_status st, int64_t changes, struct ja_error *err)
{
    if (st == JA_OK && changes != 1)
        return ja_fail(err, JA_ERR_NOT_FOUND, "user_not_found", "no such user");
    return st;
}

static enum ja_status note(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    enum ja_status st = ja_ssh_snapshot_note_user(ctx, id, err);

    return st == JA_OK ? ja_nss_export_note(ctx, err) : st;
}

/* The same for what decides about logins: what others read of it is written after the commit. */
static enum ja_status changed_login(struct ja_ctx *ctx, const char *id, enum ja_status st, int64_t changes,
                                    struct ja_error *err)
{
    st = changed(st, changes, err);
    return st == JA_OK ? note(ctx, id, err) : st;
}

enum ja_status ja_user_update(struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err)
{
    char key[JA_EMAIL_MAX + 1];
    struct ja_error local = {0};
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = email_key(u->email, key, err);
    if (st == JA_OK)
        st = ja_user_check_binding(ctx, u, err);
    if (st != JA_OK)
        return st;
    st = ja_db_exec(
        ctx->db,
        "UPDATE users SET username = $2, email = $3, email_key = $4, email_verified_at = $5, "
        "phone = $6, phone_verified_at = $7, full_name = $8, first_name = $9, last_name = $10, "
        "company_name = $11, kind = $12, valid_until = $13, uid = $14, gid = $15, home = $16, "
        "shell = $17, adopted = $18, updated_at = $19, updated_by = $20, "
        "email_pending = $21, phone_pending = $22, bind_uid = $23 "
        "WHERE id = $1 AND deleted_at IS NULL",
        JA_BINDS(JA_T(u->id), JA_T(u->username), JA_T(u->email), JA_T(key[0] ? key : NULL),
                 JA_TIME(u->email_verified_at), JA_T(u->phone), JA_TIME(u->phone_verified_at),
                 JA_T(u->full_name), JA_T(u->first_name), JA_T(u->last_name),
                 JA_T(u->company_name), JA_T(u->kind == JA_USER_SERVICE ? "service" : "person"),
                 JA_TIME(u->valid_until), JA_I(u->uid), JA_I(u->gid), JA_T(u->home),
                 JA_T(u->shell), JA_I(u->adopted ? 1 : 0), JA_I(ja_now(&ctx->clock)),
                 JA_T(ctx->actor.name), JA_T(u->email_pending), JA_T(u->phone_pending), JA_TIME(u->bind_uid)),
        &n, &local);
    return changed_login(ctx, u->id, name_conflict(st, &local, err), n, err);
}

/* `lock_at` is the lock, `status_before` the state below lock and disable: so that a user who is
 * both locked and disabled needs both taken back, and a pending one never becomes active by them. */
enum ja_status ja_user_set_status(struct ja_ctx *ctx, const char *id, enum ja_user_status status,
                                  struct ja_error *err)
{
    int64_t n = 0, now = ja_now(&ctx->clock);
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = ja_db_exec(
            ctx->db,
            "UPDATE users SET status_before = CASE WHEN CAST($2 AS TEXT) IN ('pending', 'active') "
            "THEN NULL WHEN status IN ('pending', 'active') THEN status ELSE status_before END, "
            "lock_at = CASE WHEN CAST($2 AS TEXT) = 'locked' THEN $3 ELSE lock_at END, "
            "status = CASE WHEN CAST($2 AS TEXT) = 'locked' AND status = 'disabled' THEN status "
            "ELSE CAST($2 AS TEXT) END, updated_at = $3, updated_by = $4 "
            "WHERE id = $1 AND deleted_at IS NULL",
            JA_BINDS(JA_T(id), JA_T(ja_user_status_name(status)), JA_I(now),
                     JA_T(ctx->actor.name)),
            &n, err);
    return changed_login(ctx, id, st, n, err);
}

enum ja_status ja_user_restore_status(struct ja_ctx *ctx, const char *id, enum ja_user_status *ret,
                                      struct ja_error *err)
{
    int64_t n = 0, now = ja_now(&ctx->clock);
    struct ja_user after = {0};
    enum ja_status st = require_tx(ctx, err);

    /* enable of one who is locked too: back to locked, with what is below it kept */
    if (st == JA_OK)
        st = ja_db_exec(
            ctx->db,
            "UPDATE users SET status = CASE WHEN status = 'disabled' AND lock_at IS NOT NULL "
            "AND lock_at <= $2 THEN 'locked' ELSE COALESCE(status_before, status) END, "
            "status_before = CASE WHEN status = 'disabled' AND lock_at IS NOT NULL "
            "AND lock_at <= $2 THEN status_before ELSE NULL END, "
            "lock_at = CASE WHEN status = 'disabled' THEN lock_at ELSE NULL END, "
            "updated_at = $2, updated_by = $3 WHERE id = $1 AND deleted_at IS NULL",
            JA_BINDS(JA_T(id), JA_I(now), JA_T(ctx->actor.name)), &n, err);
    st = changed_login(ctx, id, st, n, err);
    if (st == JA_OK)
        st = ja_user_find_by_id(ctx, id, &after, err);
    if (st == JA_OK)
        *ret = after.status;
    ja_user_clear(&after);
    return st;
}

enum ja_status ja_user_activate(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    enum ja_status st = require_tx(ctx, err);

    /* no row: it was active already, or is locked or disabled over something else than pending */
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET status = CASE WHEN status = 'pending' THEN 'active' ELSE status END, "
                        "status_before = CASE WHEN status_before = 'pending' THEN 'active' ELSE status_before END, "
                        "updated_at = $2, updated_by = $3 WHERE id = $1 AND deleted_at IS NULL "
                        "AND (status = 'pending' OR status_before = 'pending')",
                        JA_BINDS(JA_T(id), JA_I(ja_now(&ctx->clock)), JA_T(ctx->actor.name)), NULL, err);
    return st == JA_OK ? note(ctx, id, err) : st;
}

enum ja_status ja_user_set_lock_at(struct ja_ctx *ctx, const char *id, int64_t when,
                                   struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET lock_at = $2, updated_at = $3, updated_by = $4 "
                        "WHERE id = $1 AND deleted_at IS NULL",
                        JA_BINDS(JA_T(id), JA_TIME(when), JA_I(ja_now(&ctx->clock)),
                                 JA_T(ctx->actor.name)),
                        &n, err);
    return changed_login(ctx, id, st, n, err);
}

enum ja_status ja_user_set_password(struct ja_ctx *ctx, const char *id, const char *hash,
                                    bool must_change, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET password_hash = $2, password_changed_at = $3, "
                        "must_change = $4, updated_at = $3, updated_by = $5 "
                        "WHERE id = $1 AND deleted_at IS NULL",
                        JA_BINDS(JA_T(id), JA_T(hash), JA_I(ja_now(&ctx->clock)),
                                 JA_I(must_change ? 1 : 0), JA_T(ctx->actor.name)),
                        &n, err);
    st = changed(st, n, err);
    return st == JA_OK ? keep_history(ctx, id, hash, err) : st;
}

enum ja_status ja_user_rehash(struct ja_ctx *ctx, const char *id, const char *old_hash,
                              const char *new_hash, struct ja_error *err)
{
    enum ja_status st = require_tx(ctx, err);

    /* no row: the password was changed meanwhile, and that one stays */
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET password_hash = $3 "
                        "WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL",
                        JA_BINDS(JA_T(id), JA_T(old_hash), JA_T(new_hash)), NULL, err);
    return st;
}

enum ja_status ja_user_set_must_change(struct ja_ctx *ctx, const char *id, bool on,
                                       struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET must_change = $2, updated_at = $3, updated_by = $4 "
                        "WHERE id = $1 AND deleted_at IS NULL",
                        JA_BINDS(JA_T(id), JA_I(on ? 1 : 0), JA_I(ja_now(&ctx->clock)),
                                 JA_T(ctx->actor.name)),
                        &n, err);
    return changed(st, n, err);
}

enum ja_status ja_user_set_last_login(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET last_login_at = $2 WHERE id = $1 AND deleted_at IS NULL",
                        JA_BINDS(JA_T(id), JA_I(ja_now(&ctx->clock))), &n, err);
    return changed(st, n, err);
}

enum ja_status ja_user_cut_tokens(struct ja_ctx *ctx, const char *id, int64_t when,
                                  struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    /* Never moved back: a clock that was set back must not revive what was cut.  And always moved: a
     * token minted after a cut in the same second is dated at that cut, and must fall to the next. */
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE users SET tokens_not_before = CASE WHEN tokens_not_before < $2 "
                        "THEN $2 ELSE tokens_not_before + 1 END "
                        "WHERE id = $1 AND deleted_at IS NULL",
                        JA_BINDS(JA_T(id), JA_I(when)), &n, err);
    return changed(st, n, err);
}
