#include "common/domain/one_time_token.h"

#include "common/domain/column.h"
#include "common/domain/seal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES 32
#define HASH_BYTES 32
#define HASH_TEXT JA_B64_SIZE(HASH_BYTES)
#define PRUNE_BATCH 500
#define KEPT 86400 /* seconds that a used one stays, so that a late click is told from a wrong one in the log */

static const char *const purpose_names[] = {
    [JA_PURPOSE_VERIFY_EMAIL] = "verify_email",
    [JA_PURPOSE_VERIFY_PHONE] = "verify_phone",
    [JA_PURPOSE_RESET] = "reset",
    [JA_PURPOSE_INVITE] = "invite",
};
#define PURPOSES (sizeof purpose_names / sizeof *purpose_names)

static bool all_of(const char *s, size_t len, size_t want, const char *allowed)
{
    if (!s || len != want)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!s[i] || !strchr(allowed, s[i]))
            return false;
    return true;
}

bool ja_ott_token_form(const char *s, size_t len)
{
    return all_of(s, len, JA_OTT_TOKEN_LEN,
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

bool ja_ott_code_form(const char *s, size_t len)
{
    return all_of(s, len, JA_OTT_CODE_LEN, "0123456789");
}

/* A token is found by its hash, so the purpose alone goes into it; a code is short, so the id of its row makes
 * every hash another one. */
static enum ja_status hash_secret(struct ja_ctx *ctx, enum ja_purpose purpose, const char *id,
                                  const char *text, size_t len, char ret[HASH_TEXT], struct ja_error *err)
{
    unsigned char input[160], digest[HASH_BYTES];
    int n = snprintf((char *)input, sizeof input, "%s|%s|%.*s", purpose_names[purpose], id, (int)len, text);
    enum ja_status st;

    if (n < 0 || (size_t)n >= sizeof input)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "a one-time token is too long");
    st = ja_keyed_hash(ctx, "jaonetim", input, (size_t)n, digest, err);
    if (st == JA_OK)
        ja_b64_encode(digest, sizeof digest, ret, HASH_TEXT);
    sodium_memzero(input, sizeof input);
    sodium_memzero(digest, sizeof digest);
    return st;
}

/* Without bias: what does not fit a multiple of 10^6 is thrown again. */
static enum ja_status random_code(char out[JA_OTT_CODE_LEN + 1], struct ja_error *err)
{
    const uint32_t range = 1000000, limit = UINT32_MAX - UINT32_MAX % range;
    uint32_t n = UINT32_MAX;
    enum ja_status st = JA_OK;

    while (st == JA_OK && n >= limit)
        st = ja_random(&n, sizeof n, err);
    if (st == JA_OK)
        (void)snprintf(out, JA_OTT_CODE_LEN + 1, "%06u", (unsigned)(n % range));
    sodium_memzero(&n, sizeof n);
    return st;
}

static enum ja_status random_token(char out[JA_OTT_TOKEN_LEN + 1], struct ja_error *err)
{
    unsigned char bytes[TOKEN_BYTES];
    enum ja_status st = ja_random(bytes, sizeof bytes, err);

    if (st == JA_OK)
        ja_b64_encode(bytes, sizeof bytes, out, JA_OTT_TOKEN_LEN + 1);
    sodium_memzero(bytes, sizeof bytes);
    return st;
}

enum ja_status ja_ott_void(struct ja_ctx *ctx, const char *user_id, unsigned mask, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < PURPOSES; i++)
        if (mask & (1U << i))
            st = ja_db_exec(ctx->db,
                            "UPDATE one_time_tokens SET ends_at = 0 "
                            "WHERE user_id = $1 AND purpose = $2 AND ends_at > 0",
                            JA_BINDS(JA_T(user_id), JA_T(purpose_names[i])), NULL, err);
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const struct ja_ott_spec *spec, const char *id,
                             const char *hash, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);

    return ja_db_exec(ctx->db,
                      "INSERT INTO one_time_tokens (id, user_id, purpose, kind, hash, destination, "
                      "attempts_left, ends_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                      JA_BINDS(JA_T(id), JA_T(spec->user_id), JA_T(purpose_names[spec->purpose]),
                               JA_T(spec->code ? "code" : "token"), JA_T(hash), JA_T(spec->destination),
                               JA_I(ctx->cfg->registration.code_attempts), JA_I(now + spec->ttl), JA_I(now)),
                      NULL, err);
}

enum ja_status ja_ott_create(struct ja_ctx *ctx, const struct ja_ott_spec *spec, struct ja_secret *ret,
                             struct ja_error *err)
{
    char id[JA_UUID_LEN + 1] = "", text[JA_OTT_TOKEN_LEN + 1] = "", hash[HASH_TEXT] = "";
    struct ja_secret secret = {0};
    enum ja_status st = ja_uuid_new(ja_now_ms(&ctx->clock), id, err);

    if (st == JA_OK)
        st = spec->code ? random_code(text, err) : random_token(text, err);
    if (st == JA_OK)
        st = ja_secret_from(&secret, text, strlen(text), err);
    if (st == JA_OK)
        st = hash_secret(ctx, spec->purpose, spec->code ? id : "", text, strlen(text), hash, err);
    if (st == JA_OK)
        st = ja_ott_void(ctx, spec->user_id, 1U << spec->purpose, err);
    if (st == JA_OK)
        st = insert(ctx, spec, id, hash, err);
    sodium_memzero(text, sizeof text);
    if (st == JA_OK)
        *ret = secret;
    else
        ja_secret_clear(&secret);
    return st;
}

static enum ja_status denied(const char *code, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, code, "%s is wrong, was used, or has ended; ask for a new one",
                   strcmp(code, "invalid_code") == 0 ? "the code" : "the token");
}

static enum ja_status read_row(struct ja_rows *rows, enum ja_purpose purpose, struct ja_ott *ret,
                               struct ja_error *err)
{
    struct ja_ott o = {.purpose = purpose};
    bool whole = ja_col_copy(rows, "id", o.id, sizeof o.id) &&
                 ja_col_copy(rows, "user_id", o.user_id, sizeof o.user_id) &&
                 ja_col_copy(rows, "destination", o.destination, sizeof o.destination);
    enum ja_status st = ja_rows_status(rows, err);

    if (st == JA_OK && !whole)
        st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_token",
                     "a one-time token of the store is damaged; run authctl db check");
    if (st == JA_OK)
        *ret = o;
    return st;
}

static enum ja_status find_one(struct ja_ctx *ctx, enum ja_purpose purpose, const char *token, size_t len,
                               struct ja_ott *ret, bool *ret_found, struct ja_error *err)
{
    char hash[HASH_TEXT];
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = hash_secret(ctx, purpose, "", token, len, hash, err);

    /* the keyed hash is compared by the index: its time tells nothing of a token that one does not have */
    if (st == JA_OK)
        st = ja_db_query(ctx->db,
                         "SELECT id, user_id, destination FROM one_time_tokens WHERE hash = $1 "
                         "AND purpose = $2 AND kind = 'token' AND used_at IS NULL AND ends_at > $3",
                         JA_BINDS(JA_T(hash), JA_T(purpose_names[purpose]), JA_I(ja_now(&ctx->clock))),
                         &rows, err);
    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row)
        st = read_row(rows, purpose, ret, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_found = row;
    return st;
}

enum ja_status ja_ott_find(struct ja_ctx *ctx, unsigned mask, const char *token, size_t len,
                           struct ja_ott *ret, struct ja_error *err)
{
    bool found = false;
    enum ja_status st = JA_OK;

    if (!ja_ott_token_form(token, len))
        return denied("invalid_token", err);
    for (size_t i = 0; st == JA_OK && !found && i < PURPOSES; i++)
        if (mask & (1U << i))
            st = find_one(ctx, (enum ja_purpose)i, token, len, ret, &found, err);
    return st == JA_OK && !found ? denied("invalid_token", err) : st;
}

/* The try is taken off before anything is compared; `row` false: there is no live code. */
static enum ja_status take_try(struct ja_ctx *ctx, const char *user_id, enum ja_purpose purpose,
                               struct ja_ott *ret, char ret_hash[HASH_TEXT], bool *ret_row,
                               struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "UPDATE one_time_tokens SET attempts_left = attempts_left - 1 WHERE user_id = $1 "
                    "AND purpose = $2 AND kind = 'code' AND used_at IS NULL AND ends_at > $3 "
                    "AND attempts_left > 0 RETURNING id, user_id, destination, hash",
                    JA_BINDS(JA_T(user_id), JA_T(purpose_names[purpose]), JA_I(ja_now(&ctx->clock))),
                    &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row && !ja_col_copy(rows, "hash", ret_hash, HASH_TEXT))
        st = ja_fail(err, JA_ERR_CORRUPT, "corrupt_token",
                     "a one-time token of the store is damaged; run authctl db check");
    if (st == JA_OK && row)
        st = read_row(rows, purpose, ret, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_row = row;
    return st;
}

enum ja_status ja_ott_try_code(struct ja_ctx *ctx, const char *user_id, enum ja_purpose purpose,
                               const char *code, size_t len, struct ja_ott *ret, struct ja_error *err)
{
    char stored[HASH_TEXT] = "", given[HASH_TEXT] = "";
    struct ja_ott o = {0};
    bool row = false, equal = false, form = ja_ott_code_form(code, len);
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st != JA_OK)
        return st;
    st = take_try(ctx, user_id, purpose, &o, stored, &row, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK) {
        ja_db_rollback(ctx->db);
        return st;
    }
    st = hash_secret(ctx, purpose, o.id, form ? code : "000000", JA_OTT_CODE_LEN, given, err);
    if (st != JA_OK)
        return st;
    equal = sodium_memcmp(stored, given, HASH_TEXT) == 0;
    if (!row || !form || !equal)
        return denied("invalid_code", err);
    *ret = o;
    return JA_OK;
}

enum ja_status ja_ott_consume(struct ja_ctx *ctx, const struct ja_ott *ott, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st =
        ja_db_exec(ctx->db,
                   "UPDATE one_time_tokens SET used_at = $2 "
                   "WHERE id = $1 AND used_at IS NULL AND ends_at > $2",
                   JA_BINDS(JA_T(ott->id), JA_I(ja_now(&ctx->clock))), &n, err);

    return st == JA_OK && n != 1 ? denied("invalid_token", err) : st;
}

enum ja_status ja_ott_prune(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err)
{
    return ja_db_exec(ctx->db,
                      "DELETE FROM one_time_tokens WHERE id IN (SELECT id FROM one_time_tokens "
                      "WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
                      JA_BINDS(JA_I(ja_now(&ctx->clock) - KEPT), JA_I(PRUNE_BATCH)), ret_count, err);
}
