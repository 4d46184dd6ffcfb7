/* Adoption of local users (PAM.md, first section).
 *
 * Two places cannot change in one step, so the order decides what a crash leaves.  Adopting: the row
 * first, the mark last; without the mark the name is still local and pam_unix lets the person in as
 * before.  The other way round would leave a marked field, which no old password fits, and no row
 * to log in with.  Releasing: the mark goes first for the same reason.
 */
#include "common/domain/local_user.h"
#include "common/domain/password_hash.h"
#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <string.h>

#define ADOPT_UID_MIN 1000

/* A locked field ('!', '*') or an empty one is no password. */
static bool has_password(const struct ja_local_user *local)
{
    return local->hash.len > 0 && local->hash.data[0] != '!' && local->hash.data[0] != '*';
}

static enum ja_status take_over(const struct ja_local_user *local, bool password_given,
                                struct ja_user *u, struct ja_error *err)
{
    const char *hash = has_password(local) ? (const char *)local->hash.data : NULL;
    /* chfn(1) lets people write their own: what is no valid name is not taken over */
    bool named = local->full_name[0] && ja_text_valid(local->full_name, JA_TEXT_MAX);

    if (hash && !password_given) {
        enum ja_status st = ja_password_hash_check(hash, err);

        if (st != JA_OK)
            return st;
        u->password_hash = strdup(hash);
        if (!u->password_hash)
            return ja_fail_nomem(err);
    }
    u->uid = local->uid;
    u->gid = local->gid;
    u->adopted = true;
    u->home = strdup(local->home);
    u->shell = strdup(local->shell[0] ? local->shell : "/bin/sh"); /* passwd(5): empty means it */
    u->full_name = named ? strdup(local->full_name) : NULL;
    if (!u->home || !u->shell || (named && !u->full_name))
        return ja_fail_nomem(err);
    return JA_OK;
}

enum ja_status ja_adopt_load(const char *name, bool password_given, struct ja_user *u,
                             struct ja_error *err)
{
    struct ja_local_user local = {0};
    enum ja_status st = ja_local_find(name, &local, err);

    if (st == JA_ERR_NOT_FOUND)
        return ja_fail(err, st, "user_not_found", "no such local user to adopt (%.32s)", name);
    if (st == JA_OK && local.uid < ADOPT_UID_MIN)
        st = ja_fail(err, JA_ERR_INVALID, "uid_out_of_range",
                     "%.32s is a system account (uid below %d): these stay local", name,
                     ADOPT_UID_MIN);
    if (st == JA_OK)
        st = take_over(&local, password_given, u, err);
    ja_local_clear(&local);
    return st;
}

static enum ja_status take_row_back(struct ja_ctx *ctx, const struct ja_user *u,
                                    struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_user_delete(ctx, u->id, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, "user.adopt_undone", u->username, NULL, err);
    return ja_tx_end(ctx, st, err);
}

static enum ja_status write_mark(const char *name, struct ja_error *err)
{
    struct ja_local_user local = {0};
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = ja_local_whose(name, &whose, err);

    if (st != JA_OK || whose == JA_WHOSE_ADOPTED)
        return st;
    st = ja_local_find(name, &local, err);
    if (st == JA_OK)
        st = ja_local_mark(name, &local.hash, err);
    ja_local_clear(&local);
    return st;
}

enum ja_status ja_adopt_mark(struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = write_mark(u->username, err);

    if (st != JA_OK && take_row_back(ctx, u, NULL) != JA_OK)
        ja_log_write(&ctx->log, LOG_WARNING,
                     "%s is in the store but not marked in /etc/shadow: it stays a local user; run "
                     "authctl user release %s",
                     u->username, u->username);
    return st;
}

static enum ja_status remove_row(struct ja_ctx *ctx, const struct ja_user *u, const char *action,
                                 struct ja_cut *cut, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_caller_may(ctx, u, JA_MAY_CHANGE, err);
    if (st == JA_OK)
        st = ja_admin_may_end(ctx, u->id, 0, err);
    if (st == JA_OK)
        st = ja_account_cut(ctx, u->id, NULL, "user_deleted", cut, err);
    if (st == JA_OK)
        st = ja_user_delete(ctx, u->id, err);
    if (st == JA_OK)
        st = ja_account_audit(ctx, action, u->username, json_pack("{s:s}", "id", u->id), err);
    return ja_tx_end(ctx, st, err);
}

/* The mark goes first: a crash after it leaves a local user who gets in by pam_unix, and a row
 * that nobody asks for; the same command again removes it. */
static enum ja_status unmark(const struct ja_user *u, struct ja_error *err)
{
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = JA_OK;

    if (!u->adopted)
        return JA_OK;
    st = ja_local_whose(u->username, &whose, err);
    return st == JA_OK && whose == JA_WHOSE_ADOPTED ? ja_local_unmark(u->username, err) : st;
}

/* The mark stays: whoever is deleted does not get in again by pam_unix with the old password. */
enum ja_status ja_account_delete(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_cut cut = {0};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_CHANGE, &u, err);

    if (st == JA_OK)
        st = remove_row(ctx, &u, "user.delete", &cut, err);
    if (st == JA_OK)
        ja_logind_end(ctx, u.uid, &cut);
    ja_user_clear(&u);
    return st;
}

/* The mark that a deletion left.  The row of the audit log comes first: no release without one. */
static enum ja_status release_deleted(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = ja_local_whose(name, &whose, err);

    if (st == JA_OK && whose != JA_WHOSE_ADOPTED)
        return ja_fail(err, JA_ERR_NOT_FOUND, "user_not_found", "no such user (%.32s)", name);
    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = ja_tx_end(ctx, ja_account_audit(ctx, "user.release", name, NULL, err), err);
    return st == JA_OK ? ja_local_unmark(name, err) : st;
}

/* Asked before the mark goes; remove_row asks again under the lock that removes. */
static enum ja_status may_release(struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = ja_admin_may_end(ctx, u->id, 0, err);
    ja_db_rollback(ctx->db);
    return st;
}

enum ja_status ja_account_release(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_cut cut = {0};
    enum ja_status st = ja_caller_may_all(ctx, err);

    if (st == JA_OK)
        st = ja_user_find(ctx, name, &u, err);
    if (st == JA_ERR_NOT_FOUND && ja_username_valid(name))
        return release_deleted(ctx, name, err);
    if (st == JA_OK && !u.adopted)
        st = ja_fail(err, JA_ERR_CONFLICT, "not_adopted",
                     "%s was not adopted from /etc/passwd; authctl user delete removes it",
                     u.username);
    if (st == JA_OK)
        st = may_release(ctx, &u, err);
    if (st == JA_OK)
        st = unmark(&u, err);
    if (st == JA_OK)
        st = remove_row(ctx, &u, "user.release", &cut, err);
    if (st == JA_ERR_CONFLICT && u.adopted) /* the other administrator went meanwhile: ours stays ours */
        (void)write_mark(u.username, NULL);
    ja_user_clear(&u);
    return st;
}
