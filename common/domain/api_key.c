#include "common/domain/api_key.h"

#include "common/domain/column.h"
#include "common/domain/seal.h"

#include <sodium.h>

#define SECRET_BYTES 32
#define SECRET_LEN 43
#define HASH_BYTES 32
#define HASH_TEXT JA_B64_SIZE(HASH_BYTES)
#define ID_AT (sizeof JA_API_KEY_PREFIX - 1)
#define SECRET_AT (ID_AT + JA_UUID_LEN + 1)
#define USE_STEP 60 /* seconds between two notes of use: reading a key must not write a row each time */

#define KEY_COLUMNS \
    "k.id AS id, k.user_id AS user_id, u.username AS username, k.scopes AS scopes, k.created_by AS created_by, " \
    "k.ends_at AS ends_at, k.last_used_at AS last_used_at, k.created_at AS created_at, k.hash AS hash " \
    "FROM api_keys k JOIN users u ON u.id = k.user_id "

bool ja_api_key_form(const char *text, size_t len)
{
    unsigned char raw[SECRET_BYTES];
    char id[JA_UUID_LEN + 1];
    size_t n = 0;
    bool form = len == JA_API_KEY_LEN && strncmp(text, JA_API_KEY_PREFIX, ID_AT) == 0 && text[SECRET_AT - 1] == '_';

    if (!form)
        return false;
    memcpy(id, text + ID_AT, JA_UUID_LEN);
    id[JA_UUID_LEN] = 0;
    form = ja_uuid_valid(id) && ja_b64_decode(text + SECRET_AT, SECRET_LEN, raw, sizeof raw, &n) && n == sizeof raw;
    sodium_memzero(raw, sizeof raw);
    return form;
}

/* The whole text, so that a hash belongs to one id. */
static enum ja_status hash_key(struct ja_ctx *ctx, const char *text, char ret[HASH_TEXT], struct ja_error *err)
{
    unsigned char digest[HASH_BYTES];
    enum ja_status st = ja_keyed_hash(ctx, "jaapikey", text, JA_API_KEY_LEN, digest, err);

    if (st == JA_OK)
        ja_b64_encode(digest, sizeof digest, ret, HASH_TEXT);
    sodium_memzero(digest, sizeof digest);
    return st;
}

static enum ja_status make_text(const char *id, char ret[JA_API_KEY_LEN + 1], struct ja_error *err)
{
    unsigned char raw[SECRET_BYTES];
    enum ja_status st = ja_random(raw, sizeof raw, err);

    if (st == JA_OK) {
        (void)snprintf(ret, JA_API_KEY_LEN + 1, "%s%s_", JA_API_KEY_PREFIX, id);
        ja_b64_encode(raw, sizeof raw, ret + SECRET_AT, SECRET_LEN + 1);
    }
    sodium_memzero(raw, sizeof raw);
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const struct ja_api_key *k, const char *hash, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "INSERT INTO api_keys (id, user_id, hash, scopes, ends_at, created_at, created_by) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                      JA_BINDS(JA_T(k->id), JA_T(k->user_id), JA_T(hash), JA_T(k->scopes), JA_TIME(k->ends_at),
                               JA_I(k->created_at), JA_T(k->created_by)),
                      NULL, err);
}

enum ja_status ja_api_key_create(struct ja_ctx *ctx, struct ja_api_key *key, struct ja_secret *ret_text,
                                 struct ja_error *err)
{
    char text[JA_API_KEY_LEN + 1] = "", hash[HASH_TEXT] = "";
    struct ja_secret secret = {0};
    enum ja_status st = ja_uuid_new(ja_now_ms(&ctx->clock), key->id, err);

    key->created_at = ja_now(&ctx->clock);
    key->last_used_at = 0;
    (void)snprintf(key->created_by, sizeof key->created_by, "%s", ctx->actor.name);
    if (st == JA_OK)
        st = make_text(key->id, text, err);
    if (st == JA_OK)
        st = hash_key(ctx, text, hash, err);
    if (st == JA_OK)
        st = ja_secret_from(&secret, text, JA_API_KEY_LEN, err);
    if (st == JA_OK)
        st = insert(ctx, key, hash, err);
    sodium_memzero(text, sizeof text);
    if (st == JA_OK)
        *ret_text = secret;
    else
        ja_secret_clear(&secret);
    return st;
}

static enum ja_status read_key(struct ja_rows *rows, struct ja_api_key *ret, char ret_hash[HASH_TEXT],
                               struct ja_error *err)
{
    struct ja_api_key k = {0};
    char hash[HASH_TEXT];
    enum ja_status st = JA_OK;

    if (!ja_col_copy(rows, "id", k.id, sizeof k.id) || !ja_col_copy(rows, "user_id", k.user_id, sizeof k.user_id) ||
        !ja_col_copy(rows, "username", k.username, sizeof k.username) ||
        !ja_col_copy(rows, "scopes", k.scopes, sizeof k.scopes) ||
        !ja_col_copy(rows, "created_by", k.created_by, sizeof k.created_by) ||
        !ja_col_copy(rows, "hash", hash, sizeof hash) || strlen(hash) != HASH_TEXT - 1)
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_api_key",
                       "an API key's row of the store is damaged; run authctl db check");
    k.ends_at = ja_col_int(rows, "ends_at");
    k.last_used_at = ja_col_int(rows, "last_used_at");
    k.created_at = ja_col_int(rows, "created_at");
    st = ja_rows_status(rows, err);
    if (st == JA_OK) {
        *ret = k;
        memcpy(ret_hash, hash, HASH_TEXT);
    }
    return st;
}

static enum ja_status load(struct ja_ctx *ctx, const char *id, struct ja_api_key *ret, char ret_hash[HASH_TEXT],
                           struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = JA_OK;

    if (!ja_uuid_valid(id))
        return ja_fail(err, JA_ERR_NOT_FOUND, "api_key_not_found", "no such API key");
    st = ja_db_query(ctx->db, "SELECT " KEY_COLUMNS "WHERE k.id = $1 AND u.deleted_at IS NULL", JA_BINDS(JA_T(id)),
                     &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? read_key(rows, ret, ret_hash, err)
                 : ja_fail(err, JA_ERR_NOT_FOUND, "api_key_not_found", "no such API key");
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_api_key_find(struct ja_ctx *ctx, const char *id, struct ja_api_key *ret, struct ja_error *err)
{
    char hash[HASH_TEXT];

    return load(ctx, id, ret, hash, err);
}

enum ja_status ja_api_key_delete(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db, "DELETE FROM api_keys WHERE id = $1", JA_BINDS(JA_T(id)), &n, err);

    return st == JA_OK && n != 1 ? ja_fail(err, JA_ERR_NOT_FOUND, "api_key_not_found", "no such API key") : st;
}

/* Two statements, as one with a condition "or NULL" would be answered by no index of the user. */
static enum ja_status query_page(struct ja_ctx *ctx, const struct ja_api_key_filter *f, struct ja_rows **ret,
                                 struct ja_error *err)
{
    const char *after = f->after ? f->after : "";
    int64_t limit = f->limit > 0 ? f->limit : INT64_MAX;

    if (!f->user_id)
        return ja_db_query(ctx->db, "SELECT " KEY_COLUMNS "WHERE k.id > $1 ORDER BY k.id LIMIT $2",
                           JA_BINDS(JA_T(after), JA_I(limit)), ret, err);
    return ja_db_query(ctx->db, "SELECT " KEY_COLUMNS "WHERE k.user_id = $3 AND k.id > $1 ORDER BY k.id LIMIT $2",
                       JA_BINDS(JA_T(after), JA_I(limit), JA_T(f->user_id)), ret, err);
}

enum ja_status ja_api_key_each(struct ja_ctx *ctx, const struct ja_api_key_filter *filter, ja_api_key_fn fn, void *arg,
                               struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = query_page(ctx, filter, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_api_key key = {0};
        char hash[HASH_TEXT];

        st = read_key(rows, &key, hash, err);
        if (st == JA_OK)
            st = fn(arg, &key);
    }
    ja_rows_end(rows);
    return st;
}

/* ---- use ---- */

static enum ja_status denied(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, "invalid_api_key",
                   "the API key is wrong, was removed, has ended, or its service is not active");
}

static bool good_owner(const struct ja_user *u, int64_t now)
{
    return u->kind == JA_USER_SERVICE && ja_user_live(u, now);
}

/* The row of the id in the text; the hash is compared whether there is one or not. */
static enum ja_status match(struct ja_ctx *ctx, const char *text, struct ja_api_key *ret, struct ja_error *err)
{
    char id[JA_UUID_LEN + 1] = "", stored[HASH_TEXT] = "", given[HASH_TEXT] = "";
    struct ja_api_key k = {0};
    bool equal = false;
    enum ja_status st = hash_key(ctx, text, given, err), found = JA_ERR_INTERNAL;

    memcpy(id, text + ID_AT, JA_UUID_LEN);
    if (st == JA_OK) {
        found = load(ctx, id, &k, stored, err);
        st = found == JA_ERR_NOT_FOUND ? JA_OK : found;
    }
    if (st == JA_OK) {
        equal = sodium_memcmp(stored, given, HASH_TEXT) == 0;
        if (found == JA_OK && equal && (!k.ends_at || k.ends_at > ja_now(&ctx->clock)))
            *ret = k;
        else
            st = denied(err);
    }
    sodium_memzero(given, sizeof given);
    return st;
}

enum ja_status ja_api_key_verify(struct ja_ctx *ctx, const char *text, size_t len, struct ja_api_key *ret,
                                 struct ja_user *ret_user, struct ja_error *err)
{
    struct ja_api_key k = {0};
    struct ja_user u = {0};
    enum ja_status st = JA_ERR_DENIED;

    if (!ja_api_key_form(text, len))
        return denied(err);
    st = match(ctx, text, &k, err);
    if (st == JA_OK)
        st = ja_user_find_by_id(ctx, k.user_id, &u, err);
    if (st == JA_ERR_NOT_FOUND || (st == JA_OK && !good_owner(&u, ja_now(&ctx->clock))))
        st = denied(err);
    if (st == JA_OK) {
        *ret = k;
        *ret_user = u;
    } else {
        ja_user_clear(&u);
    }
    return st;
}

enum ja_status ja_api_key_note_use(struct ja_ctx *ctx, const struct ja_api_key *key, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st = JA_OK;

    /* a time ahead of now: the clock was set back, and what it says now counts */
    if (key->last_used_at > now - USE_STEP && key->last_used_at <= now)
        return JA_OK;
    st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = ja_db_exec(ctx->db, "UPDATE api_keys SET last_used_at = $2 WHERE id = $1", JA_BINDS(JA_T(key->id), JA_I(now)),
                    NULL, err);
    if (st == JA_OK)
        return ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    return st;
}
