/* Services bound to a uid: a process under that uid is that account, so one uid is never two accounts. */
#include "common/domain/user.h"

#define UID_LAST INT64_C(4294967294) /* (uid_t)-1 is nobody: chown(2) and SO_PEERCRED use it as "none" */

/* Statements in one, so that each is answered by an index of its own.  Deleted accounts and former uids
 * count: a process of theirs may still run. */
static enum ja_status owned(struct ja_ctx *ctx, const struct ja_user *u, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT id FROM users WHERE uid = $1 AND deleted_at IS NULL AND id <> $2 "
                                    "UNION ALL SELECT id FROM users WHERE uid = $1 AND deleted_at IS NOT NULL "
                                    "UNION ALL SELECT was FROM retired_ids WHERE id = $1 AND was <> $2 LIMIT 1",
                                    JA_BINDS(JA_I(u->bind_uid), JA_T(u->id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, ret, err);
    ja_rows_end(rows);
    return st;
}

static enum ja_status bound(struct ja_ctx *ctx, int64_t uid, const char *except, bool *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT id FROM users WHERE bind_uid = $1 AND deleted_at IS NULL AND id <> $2",
                                    JA_BINDS(JA_I(uid), JA_T(except)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, ret, err);
    ja_rows_end(rows);
    return st;
}

static enum ja_status check_bind_uid(struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err)
{
    bool taken = true;
    enum ja_status st = JA_OK;

    if (u->kind != JA_USER_SERVICE)
        return ja_fail(err, JA_ERR_CONFLICT, "not_a_service", "%s is a person; only a service is bound to a uid",
                       u->username);
    if (u->bind_uid < 1 || u->bind_uid > UID_LAST)
        return ja_fail(err, JA_ERR_INVALID, "invalid_uid",
                       "a service is bound to a uid of 1 to %lld; what runs as root is not told apart from root",
                       (long long)UID_LAST);
    if (u->bind_uid == JA_UID_OVERFLOW)
        return ja_fail(err, JA_ERR_INVALID, "invalid_uid",
                       "uid %d is what the kernel shows for processes of other user namespaces: no service can be told "
                       "by it", JA_UID_OVERFLOW);
    st = owned(ctx, u, &taken, err);
    if (st == JA_OK && taken)
        return ja_fail(err, JA_ERR_EXISTS, "uid_taken", "uid %lld is that of another account of the store",
                       (long long)u->bind_uid);
    if (st == JA_OK)
        st = bound(ctx, u->bind_uid, u->id, &taken, err);
    if (st == JA_OK && taken)
        return ja_fail(err, JA_ERR_EXISTS, "uid_bound", "another service is bound to uid %lld", (long long)u->bind_uid);
    return st;
}

enum ja_status ja_user_check_binding(struct ja_ctx *ctx, const struct ja_user *user, struct ja_error *err)
{
    bool taken = true;
    enum ja_status st = bound(ctx, user->uid, user->id, &taken, err);

    if (st == JA_OK && taken)
        return ja_fail(err, JA_ERR_EXISTS, "uid_bound", "a service is bound to uid %lld: authctl service unbind it first",
                       (long long)user->uid);
    return st == JA_OK && user->bind_uid ? check_bind_uid(ctx, user, err) : st;
}
