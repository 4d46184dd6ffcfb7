#include "common/domain/recovery_code.h"

#include "common/base/text.h"
#include "common/domain/seal.h"

#include <sodium.h>
#include <string.h>

/* Crockford's base32: no I, L, O, U. */
#define ALPHABET "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#define SYMBOLS 16 /* 5 bits each */
#define GROUP 4
#define HASH_BYTES 32

/* The value's own letter for what people type: any letter case, O for 0, I and L for 1; 0: none. */
static char symbol(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    return c && strchr(ALPHABET, c) ? c : 0;
}

/* 8 digits, filled up with what is no symbol: never the same as a code of ours. */
static bool scratch(const char *code, size_t len, char out[SYMBOLS])
{
    if (!code || len != JA_RECOVERY_SCRATCH_LEN)
        return false;
    memset(out, 0, SYMBOLS);
    for (size_t i = 0; i < len; i++) {
        if (code[i] < '0' || code[i] > '9')
            return false;
        out[i] = code[i];
    }
    return true;
}

/* Without hyphens, in one spelling; false when it is no code. */
static bool normalize(const char *code, size_t len, char out[SYMBOLS])
{
    size_t n = 0;

    if (scratch(code, len, out))
        return true;

    for (size_t i = 0; code && i < len; i++) {
        char c = symbol(code[i]);

        if (code[i] == '-')
            continue;
        if (!c || n == SYMBOLS)
            return false;
        out[n++] = c;
    }
    return n == SYMBOLS;
}

bool ja_recovery_form(const char *code, size_t len)
{
    char text[SYMBOLS];
    bool ok = normalize(code, len, text);

    sodium_memzero(text, sizeof text);
    return ok;
}

/* Keyed, and over the user's id too: a row moved to another user is worth nothing. */
static enum ja_status hash_code(struct ja_ctx *ctx, const char *user_id, const char text[SYMBOLS],
                                char ret[JA_B64_SIZE(HASH_BYTES)], struct ja_error *err)
{
    unsigned char input[JA_UUID_LEN + SYMBOLS], digest[HASH_BYTES];
    enum ja_status st;

    if (strlen(user_id) != JA_UUID_LEN)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "a user id has another length");
    memcpy(input, user_id, JA_UUID_LEN);
    memcpy(input + JA_UUID_LEN, text, SYMBOLS);
    st = ja_keyed_hash(ctx, "jarecovr", input, sizeof input, digest, err);
    if (st == JA_OK)
        ja_b64_encode(digest, sizeof digest, ret, JA_B64_SIZE(HASH_BYTES));
    sodium_memzero(input, sizeof input);
    sodium_memzero(digest, sizeof digest);
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const char *user_id, const char text[SYMBOLS],
                             struct ja_error *err)
{
    char hash[JA_B64_SIZE(HASH_BYTES)], id[JA_UUID_LEN + 1];
    enum ja_status st = hash_code(ctx, user_id, text, hash, err);

    if (st == JA_OK)
        st = ja_uuid_new(ja_now_ms(&ctx->clock), id, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "INSERT INTO recovery_codes (id, user_id, hash, created_at) "
                        "VALUES ($1, $2, $3, $4)",
                        JA_BINDS(JA_T(id), JA_T(user_id), JA_T(hash), JA_I(ja_now(&ctx->clock))),
                        NULL, err);
    return st;
}

enum ja_status ja_recovery_import(struct ja_ctx *ctx, const char *user_id, const char *code, size_t len,
                                  struct ja_error *err)
{
    char text[SYMBOLS];
    enum ja_status st = scratch(code, len, text)
                            ? JA_OK
                            : ja_fail(err, JA_ERR_INVALID, "invalid_code", "a recovery code that is brought along has %d digits",
                                      JA_RECOVERY_SCRATCH_LEN);

    if (st == JA_OK)
        st = insert(ctx, user_id, text, err);
    sodium_memzero(text, sizeof text);
    return st;
}

static enum ja_status make_one(struct ja_secret *codes, struct ja_error *err)
{
    unsigned char random[SYMBOLS];
    char text[SYMBOLS];
    enum ja_status st = ja_random(random, sizeof random, err);

    for (size_t i = 0; st == JA_OK && i < SYMBOLS; i++)
        text[i] = ALPHABET[random[i] & 31];
    for (size_t i = 0; st == JA_OK && i < SYMBOLS; i += GROUP) {
        st = ja_secret_append(codes, text + i, GROUP, err);
        if (st == JA_OK)
            st = ja_secret_append(codes, i + GROUP < SYMBOLS ? "-" : "\n", 1, err);
    }
    sodium_memzero(random, sizeof random);
    sodium_memzero(text, sizeof text);
    return st;
}

enum ja_status ja_recovery_new(int64_t count, struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret codes = {0};
    enum ja_status st = ja_secret_init(&codes, (size_t)count * (JA_RECOVERY_CODE_LEN + 1), err);

    for (int64_t i = 0; st == JA_OK && i < count; i++)
        st = make_one(&codes, err);
    if (st == JA_OK)
        *ret = codes;
    else
        ja_secret_clear(&codes);
    return st;
}

enum ja_status ja_recovery_replace(struct ja_ctx *ctx, const char *user_id, const struct ja_secret *codes,
                                   struct ja_error *err)
{
    char text[SYMBOLS];
    enum ja_status st = ja_recovery_delete(ctx, user_id, err);

    for (size_t at = 0; st == JA_OK && at < codes->len; at += JA_RECOVERY_CODE_LEN + 1) {
        if (!normalize((const char *)codes->data + at, JA_RECOVERY_CODE_LEN, text))
            st = ja_fail(err, JA_ERR_INTERNAL, "internal", "recovery codes of another form");
        if (st == JA_OK)
            st = insert(ctx, user_id, text, err);
    }
    sodium_memzero(text, sizeof text);
    return st;
}

enum ja_status ja_recovery_regenerate(struct ja_ctx *ctx, const char *user_id,
                                      struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret codes = {0};
    enum ja_status st = ja_recovery_new(ctx->cfg->mfa.recovery_codes, &codes, err);

    if (st == JA_OK)
        st = ja_recovery_replace(ctx, user_id, &codes, err);
    if (st == JA_OK)
        *ret = codes;
    else
        ja_secret_clear(&codes);
    return st;
}

enum ja_status ja_recovery_count(struct ja_ctx *ctx, const char *user_id, int64_t *ret_left,
                                 int64_t *ret_total, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t total = 0, used = 0;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT COUNT(*) AS total, COUNT(used_at) AS used "
                                    "FROM recovery_codes WHERE user_id = $1",
                                    JA_BINDS(JA_T(user_id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        total = ja_col_int(rows, "total");
        used = ja_col_int(rows, "used");
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    if (st == JA_OK) {
        *ret_left = total - used;
        *ret_total = total;
    }
    return st;
}

enum ja_status ja_recovery_consume(struct ja_ctx *ctx, const char *user_id, const char *code,
                                   size_t len, struct ja_error *err)
{
    char text[SYMBOLS], hash[JA_B64_SIZE(HASH_BYTES)];
    int64_t changes = 0;
    enum ja_status st = JA_OK;

    if (!normalize(code, len, text))
        st = ja_fail(err, JA_ERR_DENIED, "wrong_code", "wrong code");
    if (st == JA_OK)
        st = hash_code(ctx, user_id, text, hash, err);
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE recovery_codes SET used_at = $3 "
                        "WHERE user_id = $1 AND hash = $2 AND used_at IS NULL",
                        JA_BINDS(JA_T(user_id), JA_T(hash), JA_I(ja_now(&ctx->clock))), &changes,
                        err);
    if (st == JA_OK && changes != 1)
        st = ja_fail(err, JA_ERR_DENIED, "wrong_code", "wrong code");
    sodium_memzero(text, sizeof text);
    return st;
}

enum ja_status ja_recovery_delete(struct ja_ctx *ctx, const char *user_id, struct ja_error *err)
{
    return ja_db_exec(ctx->db, "DELETE FROM recovery_codes WHERE user_id = $1",
                      JA_BINDS(JA_T(user_id)), NULL, err);
}
