#include "common/domain/token_memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 4096 /* a power of two; about 2 KiB each when taken */

struct place {
    unsigned char hash[JA_TOKEN_HASH_LEN];
    char kid[JA_KID_LEN + 1];
    json_t *claims; /* NULL: free */
};

struct ja_token_memory {
    unsigned char key[crypto_generichash_KEYBYTES];
    struct place places[PLACES];
};

enum ja_status ja_token_memory_new(struct ja_token_memory **ret, struct ja_error *err)
{
    struct ja_token_memory *m = calloc(1, sizeof *m);
    enum ja_status st = m ? ja_random(m->key, sizeof m->key, err) : ja_fail_nomem(err);

    if (st != JA_OK) {
        free(m);
        return st;
    }
    *ret = m;
    return JA_OK;
}

void ja_token_memory_forget(struct ja_token_memory *m)
{
    for (size_t i = 0; i < PLACES; i++) {
        json_decref(m->places[i].claims);
        m->places[i] = (struct place){.claims = NULL};
    }
}

void ja_token_memory_free(struct ja_token_memory *m)
{
    if (!m)
        return;
    ja_token_memory_forget(m);
    sodium_memzero(m->key, sizeof m->key);
    free(m);
}

enum ja_status ja_token_memory_hash(const struct ja_token_memory *m, const char *token, size_t len,
                                    unsigned char ret[JA_TOKEN_HASH_LEN], struct ja_error *err)
{
    if (len > JA_TOKEN_MAX)
        return ja_fail(err, JA_ERR_DENIED, "token_too_large", "the token is larger than 8 KiB");
    if (crypto_generichash(ret, JA_TOKEN_HASH_LEN, (const unsigned char *)token, len, m->key, sizeof m->key) != 0)
        return ja_fail(err, JA_ERR_CRYPTO, "crypto_error", "cannot hash a token");
    return JA_OK;
}

bool ja_token_hash_equal(const unsigned char a[JA_TOKEN_HASH_LEN], const unsigned char b[JA_TOKEN_HASH_LEN])
{
    return sodium_memcmp(a, b, JA_TOKEN_HASH_LEN) == 0;
}

static struct place *place_of(struct ja_token_memory *m, const unsigned char hash[JA_TOKEN_HASH_LEN])
{
    size_t at = 0;

    memcpy(&at, hash, sizeof at);
    return &m->places[at % PLACES];
}

enum ja_status ja_token_verify_remembered(struct ja_ctx *ctx, struct ja_token_memory *m, const char *token, size_t len,
                                          const unsigned char *hash, const struct ja_token_check *check,
                                          json_t **ret_claims, struct ja_error *err)
{
    unsigned char own[JA_TOKEN_HASH_LEN];
    char kid[JA_KID_LEN + 1] = "";
    struct place *p;
    json_t *claims = NULL;
    enum ja_status st = hash ? JA_OK : ja_token_memory_hash(m, token, len, own, err);

    if (st != JA_OK)
        return st;
    hash = hash ? hash : own;
    p = place_of(m, hash);
    if (p->claims && ja_token_hash_equal(p->hash, hash)) {
        st = ja_token_verify_again(ctx, p->claims, p->kid, check, err);
        if (st == JA_OK)
            *ret_claims = json_incref(p->claims);
        return st;
    }
    st = ja_token_verify_kid(ctx, token, len, check, &claims, kid, err);
    if (st != JA_OK)
        return st;
    if (kid[0]) {
        json_decref(p->claims);
        memcpy(p->hash, hash, JA_TOKEN_HASH_LEN);
        memcpy(p->kid, kid, sizeof p->kid);
        p->claims = json_incref(claims);
    }
    *ret_claims = claims;
    return JA_OK;
}

static void sooner(int64_t *until, int64_t t)
{
    if (t > 0 && t < *until)
        *until = t;
}

enum ja_status ja_token_good_until(struct ja_ctx *ctx, const json_t *claims, const struct ja_user *user, int64_t *ret,
                                   struct ja_error *err)
{
    const char *sid = json_string_value(json_object_get(claims, "sid"));
    int64_t until = (int64_t)json_number_value(json_object_get(claims, "exp"));
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
        "SELECT (SELECT MIN(ends_at) FROM user_roles WHERE user_id = $1 AND ends_at > $2) AS grant_ends, "
        "(SELECT ends_at FROM sessions WHERE id = $3) AS ends, (SELECT idle_ends_at FROM sessions WHERE id = $3) AS idle",
        JA_BINDS(JA_T(user->id), JA_I(ja_now(&ctx->clock)), JA_T(sid ? sid : "")), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && row) {
        sooner(&until, ja_col_int(rows, "grant_ends"));
        sooner(&until, ja_col_int(rows, "ends"));
        sooner(&until, ja_col_int(rows, "idle"));
        st = ja_rows_status(rows, err);
    }
    ja_rows_end(rows);
    sooner(&until, user->lock_at);
    sooner(&until, user->valid_until);
    if (st == JA_OK)
        *ret = until;
    return st;
}
