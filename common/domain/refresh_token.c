#include "common/domain/column.h"
#include "common/domain/seal.h"
#include "common/domain/session.h"

#include <sodium.h>

#define TOKEN_BYTES 32

static enum ja_status invalid(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, "invalid_refresh_token",
                   "refresh token is unknown or has ended");
}

static enum ja_status decode(const char *token, size_t len, unsigned char out[TOKEN_BYTES],
                             struct ja_error *err)
{
    size_t n = 0;

    if (!token || len != JA_REFRESH_LEN || !ja_b64_decode(token, len, out, TOKEN_BYTES, &n) ||
        n != TOKEN_BYTES)
        return invalid(err);
    return JA_OK;
}

static enum ja_status encode(const unsigned char raw[TOKEN_BYTES], struct ja_secret *ret,
                             struct ja_error *err)
{
    char text[JA_B64_SIZE(TOKEN_BYTES)];
    enum ja_status st = JA_OK;

    ja_b64_encode(raw, TOKEN_BYTES, text, sizeof text);
    st = ja_secret_from(ret, text, JA_REFRESH_LEN, err);
    sodium_memzero(text, sizeof text);
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const unsigned char raw[TOKEN_BYTES],
                             const char *session_id, const char *parent_hash, int64_t ends_at,
                             struct ja_error *err)
{
    char hash[JA_HASH_TEXT];

    ja_token_hash(raw, TOKEN_BYTES, hash);
    return ja_db_exec(ctx->db,
                      "INSERT INTO refresh_tokens (hash, session_id, parent_hash, created_at, "
                      "ends_at) VALUES ($1, $2, $3, $4, $5)",
                      JA_BINDS(JA_T(hash), JA_T(session_id), JA_T(parent_hash),
                               JA_I(ja_now(&ctx->clock)), JA_I(ends_at)),
                      NULL, err);
}

enum ja_status ja_refresh_create(struct ja_ctx *ctx, const char *session_id, int64_t ends_at,
                                 struct ja_secret *ret, struct ja_error *err)
{
    unsigned char raw[TOKEN_BYTES] = {0};
    enum ja_status st = ja_random(raw, sizeof raw, err);

    if (st == JA_OK)
        st = insert(ctx, raw, session_id, NULL, ends_at, err);
    if (st == JA_OK)
        st = encode(raw, ret, err);
    sodium_memzero(raw, sizeof raw);
    return st;
}

/* What the store knows of a presented token. */
struct presented {
    char hash[JA_HASH_TEXT], session_id[JA_UUID_LEN + 1];
    unsigned char child[TOKEN_BYTES];
    char child_hash[JA_HASH_TEXT];
    int64_t used_at_ms, ends_at;
    bool used, session_revoked, child_live;
};

static enum ja_status derive(struct ja_ctx *ctx, const char *token, size_t len,
                             struct presented *p, struct ja_error *err)
{
    unsigned char raw[TOKEN_BYTES] = {0};
    enum ja_status st = decode(token, len, raw, err);

    if (st == JA_OK) {
        ja_token_hash(raw, sizeof raw, p->hash);
        st = ja_keyed_hash(ctx, "jarefrsh", raw, sizeof raw, p->child, err);
    }
    if (st == JA_OK)
        ja_token_hash(p->child, sizeof p->child, p->child_hash);
    sodium_memzero(raw, sizeof raw);
    return st;
}

/* The one statement that decides who of many users of a token was first. */
static enum ja_status take(struct ja_ctx *ctx, struct presented *p, bool *ret_first,
                           struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(
        ctx->db,
        "UPDATE refresh_tokens SET used_at_ms = $2 WHERE hash = $1 AND used_at_ms IS NULL "
        "AND ends_at > $3 AND EXISTS (SELECT 1 FROM sessions s "
        "WHERE s.id = refresh_tokens.session_id AND s.revoked_at IS NULL) RETURNING session_id",
        JA_BINDS(JA_T(p->hash), JA_I(ja_now_ms(&ctx->clock)), JA_I(ja_now(&ctx->clock))), &rows,
        err);

    if (st == JA_OK)
        st = ja_rows_next(rows, ret_first, err);
    if (st == JA_OK && *ret_first &&
        !ja_col_copy(rows, "session_id", p->session_id, sizeof p->session_id))
        st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_refresh_token", "a refresh token row is damaged");
    ja_rows_end(rows);
    return st;
}

static enum ja_status look(struct ja_ctx *ctx, struct presented *p, bool *ret_known,
                           struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(
        ctx->db,
        "SELECT t.session_id AS session_id, t.used_at_ms AS used_at_ms, t.ends_at AS ends_at, "
        "s.revoked_at AS revoked_at, CASE WHEN c.hash IS NOT NULL AND c.used_at_ms IS NULL "
        "AND c.ends_at > $3 THEN 1 ELSE 0 END AS child_live FROM refresh_tokens t "
        "JOIN sessions s ON s.id = t.session_id "
        "LEFT JOIN refresh_tokens c ON c.hash = $2 AND c.session_id = t.session_id "
        "WHERE t.hash = $1",
        JA_BINDS(JA_T(p->hash), JA_T(p->child_hash), JA_I(ja_now(&ctx->clock))), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, ret_known, err);
    if (st == JA_OK && *ret_known) {
        p->used = !ja_col_null(rows, "used_at_ms");
        p->used_at_ms = ja_col_int(rows, "used_at_ms");
        p->ends_at = ja_col_int(rows, "ends_at");
        p->session_revoked = !ja_col_null(rows, "revoked_at");
        p->child_live = ja_col_int(rows, "child_live") == 1;
        if (!ja_col_copy(rows, "session_id", p->session_id, sizeof p->session_id))
            st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_refresh_token",
                         "a refresh token row is damaged");
        else
            st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    return st;
}

/* Small steps of the clock in either direction are no theft; a clock that was set back by more than
 * the grace gives none. */
static bool in_grace(const struct ja_ctx *ctx, const struct presented *p)
{
    int64_t age = ja_now_ms(&ctx->clock) - p->used_at_ms;

    return (age < 0 ? -age : age) < ctx->cfg->tokens.reuse_grace * 1000;
}

static enum ja_status judge_used(struct ja_ctx *ctx, struct presented *p, enum ja_refresh_use *ret,
                                 struct ja_error *err)
{
    bool known = false;
    enum ja_status st = look(ctx, p, &known, err);

    if (st != JA_OK)
        return st;
    if (!known || !p->used || p->ends_at <= ja_now(&ctx->clock))
        return known && p->session_revoked
                   ? ja_fail(err, JA_ERR_DENIED, "session_ended", "the session has ended")
                   : invalid(err);
    if (p->session_revoked)
        return ja_fail(err, JA_ERR_DENIED, "session_ended", "the session has ended");
    *ret = p->child_live && in_grace(ctx, p) ? JA_REFRESH_REPEATED : JA_REFRESH_REUSED;
    return JA_OK;
}

enum ja_status ja_refresh_use(struct ja_ctx *ctx, const char *token, size_t len, int64_t ends_at,
                              enum ja_refresh_use *ret_use, char ret_session_id[JA_UUID_LEN + 1],
                              struct ja_secret *ret_child, struct ja_error *err)
{
    struct presented p = {0};
    enum ja_refresh_use use = JA_REFRESH_REUSED;
    bool first = false;
    enum ja_status st = derive(ctx, token, len, &p, err);

    if (st == JA_OK)
        st = take(ctx, &p, &first, err);
    if (st == JA_OK && first) {
        use = JA_REFRESH_ROTATED;
        st = insert(ctx, p.child, p.session_id, p.hash, ends_at, err);
    } else if (st == JA_OK) {
        st = judge_used(ctx, &p, &use, err);
    }
    if (st == JA_OK && use != JA_REFRESH_REUSED)
        st = encode(p.child, ret_child, err);
    if (st == JA_OK) {
        *ret_use = use;
        memcpy(ret_session_id, p.session_id, sizeof p.session_id);
    }
    sodium_memzero(&p, sizeof p);
    return st;
}

enum ja_status ja_refresh_session(struct ja_ctx *ctx, const char *token, size_t len,
                                  char ret_session_id[JA_UUID_LEN + 1], struct ja_error *err)
{
    unsigned char raw[TOKEN_BYTES] = {0};
    char hash[JA_HASH_TEXT], id[JA_UUID_LEN + 1];
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = decode(token, len, raw, err);

    if (st != JA_OK)
        return st;
    ja_token_hash(raw, sizeof raw, hash);
    sodium_memzero(raw, sizeof raw);
    st = ja_db_query(ctx->db, "SELECT session_id FROM refresh_tokens WHERE hash = $1",
                     JA_BINDS(JA_T(hash)), &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && (!row || !ja_col_copy(rows, "session_id", id, sizeof id)))
        st = invalid(err);
    ja_rows_end(rows);
    if (st == JA_OK)
        memcpy(ret_session_id, id, sizeof id);
    return st;
}
