#include "common/domain/column.h"
#include "common/domain/seal.h"
#include "common/domain/session.h"

#include <sodium.h>

#define HANDLE_BYTES 32
#define HANDLE_LIFE 120 /* seconds between PAM's auth and its open_session */

static bool hash_of(const char *handle, char ret[JA_HASH_TEXT])
{
    unsigned char raw[HANDLE_BYTES] = {0};
    size_t n = 0;
    bool good = handle && strnlen(handle, JA_HANDLE_LEN + 1) == JA_HANDLE_LEN &&
                ja_b64_decode(handle, JA_HANDLE_LEN, raw, sizeof raw, &n) && n == sizeof raw;

    if (good)
        ja_token_hash(raw, sizeof raw, ret);
    sodium_memzero(raw, sizeof raw);
    return good;
}

static enum ja_status drop_ended(struct ja_ctx *ctx, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "DELETE FROM login_handles WHERE hash IN "
                      "(SELECT hash FROM login_handles WHERE ends_at <= $1 LIMIT 50)",
                      JA_BINDS(JA_I(ja_now(&ctx->clock))), NULL, err);
}

enum ja_status ja_handle_create(struct ja_ctx *ctx, const struct ja_login_handle *h,
                                char ret[JA_HANDLE_LEN + 1], struct ja_error *err)
{
    unsigned char raw[HANDLE_BYTES] = {0};
    char hash[JA_HASH_TEXT];
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st = drop_ended(ctx, err);

    if (st == JA_OK)
        st = ja_random(raw, sizeof raw, err);
    if (st == JA_OK) {
        ja_token_hash(raw, sizeof raw, hash);
        st = ja_db_exec(ctx->db,
                        "INSERT INTO login_handles (hash, user_id, service, pid, amr, source, "
                        "created_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                        JA_BINDS(JA_T(hash), JA_T(h->user_id), JA_T(h->service), JA_I(h->pid),
                                 JA_T(h->amr), JA_T(h->source[0] ? h->source : NULL), JA_I(now),
                                 JA_I(now + HANDLE_LIFE)),
                        NULL, err);
    }
    if (st == JA_OK)
        ja_b64_encode(raw, sizeof raw, ret, JA_HANDLE_LEN + 1);
    sodium_memzero(raw, sizeof raw);
    return st;
}

static enum ja_status no_handle(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_NOT_FOUND, "no_login", "no login of this user and service is open");
}

/* The row of a query by hash, user and service; ends `rows`. */
static enum ja_status read_handle(struct ja_rows *rows, struct ja_login_handle *ret,
                                  struct ja_error *err)
{
    struct ja_login_handle h = {0};
    bool row = false;
    enum ja_status st = ja_rows_next(rows, &row, err);

    if (st == JA_OK && !row)
        st = no_handle(err);
    if (st == JA_OK && row) {
        h.pid = ja_col_int(rows, "pid");
        h.created_at = ja_col_int(rows, "created_at");
        if (!ja_col_copy(rows, "user_id", h.user_id, sizeof h.user_id) ||
            !ja_col_copy(rows, "service", h.service, sizeof h.service) ||
            !ja_col_copy(rows, "amr", h.amr, sizeof h.amr) ||
            !ja_col_copy(rows, "source", h.source, sizeof h.source))
            st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_login_handle",
                         "a login handle row is damaged");
        else
            st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = h;
    return st;
}

/* created_at bounds the life from the other side: a clock set back must not prolong it. */
enum ja_status ja_handle_peek(struct ja_ctx *ctx, const char *handle, const char *user_id,
                              const char *service, struct ja_login_handle *ret, struct ja_error *err)
{
    char hash[JA_HASH_TEXT];
    struct ja_rows *rows = NULL;
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st = JA_OK;

    if (!hash_of(handle, hash))
        return no_handle(err);
    st = ja_db_query(ctx->db,
                     "SELECT user_id, service, pid, amr, source, created_at FROM login_handles "
                     "WHERE hash = $1 AND user_id = $2 AND service = $3 AND ends_at > $4 "
                     "AND created_at <= $5",
                     JA_BINDS(JA_T(hash), JA_T(user_id), JA_T(service), JA_I(now),
                              JA_I(now + HANDLE_LIFE)),
                     &rows, err);
    return st == JA_OK ? read_handle(rows, ret, err) : st;
}

enum ja_status ja_handle_consume(struct ja_ctx *ctx, const char *handle, const char *user_id,
                                 const char *service, struct ja_login_handle *ret,
                                 struct ja_error *err)
{
    char hash[JA_HASH_TEXT];
    struct ja_rows *rows = NULL;
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st = JA_OK;

    if (!hash_of(handle, hash))
        return no_handle(err);
    st = ja_db_query(ctx->db,
                     "DELETE FROM login_handles WHERE hash = $1 AND user_id = $2 AND service = $3 "
                     "AND ends_at > $4 AND created_at <= $5 "
                     "RETURNING user_id, service, pid, amr, source, created_at",
                     JA_BINDS(JA_T(hash), JA_T(user_id), JA_T(service), JA_I(now),
                              JA_I(now + HANDLE_LIFE)),
                     &rows, err);
    return st == JA_OK ? read_handle(rows, ret, err) : st;
}

enum ja_status ja_handle_delete_user(struct ja_ctx *ctx, const char *user_id, const char *keep,
                                     struct ja_error *err)
{
    char hash[JA_HASH_TEXT] = "";

    (void)hash_of(keep, hash); /* what is no handle keeps none */
    return ja_db_exec(ctx->db, "DELETE FROM login_handles WHERE user_id = $1 AND hash <> $2",
                      JA_BINDS(JA_T(user_id), JA_T(hash)), NULL, err);
}
