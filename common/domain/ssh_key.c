#include "common/domain/ssh_key.h"

#include "common/domain/column.h"
#include "common/domain/ssh_key_snapshot.h"

#define COLUMNS "SELECT id, type, blob, fingerprint, comment, ends_at, created_at, created_by FROM ssh_keys "

static enum ja_status require_tx(struct ja_ctx *ctx, struct ja_error *err)
{
    if (ja_db_in_transaction(ctx->db))
        return JA_OK;
    return ja_fail(err, JA_ERR_INTERNAL, "no_transaction", "a write outside a transaction");
}

static enum ja_status fill(struct ja_rows *rows, struct ja_ssh_key *k, struct ja_error *err)
{
    struct ja_ssh_line *l = &k->line;

    k->ends_at = ja_col_int(rows, "ends_at");
    k->created_at = ja_col_int(rows, "created_at");
    if (ja_col_copy(rows, "id", k->id, sizeof k->id) && ja_col_copy(rows, "type", l->type, sizeof l->type) &&
        ja_col_copy(rows, "blob", l->blob, sizeof l->blob) &&
        ja_col_copy(rows, "fingerprint", l->fingerprint, sizeof l->fingerprint) &&
        ja_col_copy(rows, "comment", l->comment, sizeof l->comment) &&
        ja_col_copy(rows, "created_by", k->created_by, sizeof k->created_by))
        return ja_rows_status(rows, err);
    return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "an ssh key in the store is too long");
}

static enum ja_status has_room(struct ja_ctx *ctx, const char *user_id, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n = 0;
    enum ja_status st = ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM ssh_keys WHERE user_id = $1",
                                    JA_BINDS(JA_T(user_id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    if (st == JA_OK && n >= JA_SSH_KEYS_MAX)
        st = ja_fail(err, JA_ERR_CONFLICT, "too_many_ssh_keys", "a user has %d ssh keys at most: remove one first",
                     JA_SSH_KEYS_MAX);
    return st;
}

enum ja_status ja_ssh_key_insert(struct ja_ctx *ctx, const char *user_id, struct ja_ssh_key *key,
                                 struct ja_error *err)
{
    const struct ja_ssh_line *l = &key->line;
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = has_room(ctx, user_id, err);
    if (st == JA_OK)
        st = ja_uuid_new(ja_now_ms(&ctx->clock), key->id, err);
    if (st != JA_OK)
        return st;
    key->created_at = ja_now(&ctx->clock);
    (void)snprintf(key->created_by, sizeof key->created_by, "%s", ctx->actor.name);
    st = ja_db_exec(ctx->db,
                    "INSERT INTO ssh_keys (id, user_id, type, blob, fingerprint, comment, ends_at, created_at, "
                    "created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                    "ON CONFLICT (user_id, fingerprint) DO NOTHING",
                    JA_BINDS(JA_T(key->id), JA_T(user_id), JA_T(l->type), JA_T(l->blob), JA_T(l->fingerprint),
                             JA_T(l->comment), JA_TIME(key->ends_at), JA_I(key->created_at), JA_T(key->created_by)),
                    &n, err);
    if (st == JA_OK && n != 1)
        st = ja_fail(err, JA_ERR_EXISTS, "ssh_key_exists", "the user has this ssh key already (%s)", l->fingerprint);
    return st == JA_OK ? ja_ssh_snapshot_note(ctx, err) : st;
}

enum ja_status ja_ssh_key_find(struct ja_ctx *ctx, const char *user_id, const char *key, struct ja_ssh_key *ret,
                               struct ja_error *err)
{
    struct ja_ssh_key k = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, COLUMNS "WHERE user_id = $1 AND (fingerprint = $2 OR id = $2)",
                                    JA_BINDS(JA_T(user_id), JA_T(key)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        st = fill(rows, &k, err);
    ja_rows_end(rows);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "ssh_key_not_found",
                     "the user has no ssh key with this id or fingerprint (authctl ssh-key list)");
    if (st == JA_OK)
        *ret = k;
    return st;
}

enum ja_status ja_ssh_key_delete(struct ja_ctx *ctx, const char *user_id, const char *id, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = require_tx(ctx, err);

    if (st == JA_OK)
        st = ja_db_exec(ctx->db, "DELETE FROM ssh_keys WHERE user_id = $1 AND id = $2",
                        JA_BINDS(JA_T(user_id), JA_T(id)), &n, err);
    if (st == JA_OK && n != 1)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "ssh_key_not_found", "the user has no ssh key with this id");
    return st == JA_OK ? ja_ssh_snapshot_note(ctx, err) : st;
}

enum ja_status ja_ssh_key_each(struct ja_ctx *ctx, const char *user_id, const char *after, int64_t limit,
                               ja_ssh_key_fn fn, void *arg, struct ja_error *err)
{
    struct ja_ssh_key k = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db, COLUMNS "WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",
                    JA_BINDS(JA_T(user_id), JA_T(after ? after : ""), JA_I(limit ? limit : INT64_MAX)), &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        st = fill(rows, &k, err);
        if (st == JA_OK)
            st = fn(arg, &k);
    }
    ja_rows_end(rows);
    return st;
}
