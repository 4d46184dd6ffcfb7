#include "common/domain/signing_key.h"

#include "common/base/text.h"
#include "common/domain/column.h"
#include "common/domain/seal.h"

#include <stdlib.h>
#include <string.h>

#define IDENTITY_MAX (sizeof "key:" + JA_KID_LEN)
#define DER_MAX 4096
/* A token may be signed in another process while its key is being replaced: so much later it is out. */
#define SIGNING_UNDER_WAY 60

struct ring_key {
    struct ja_key *key;
    bool active;
    int64_t max_ttl;
};

struct ja_keyring {
    struct ring_key *keys;
    size_t len;
};

static void identity_of(const char *kid, char out[IDENTITY_MAX])
{
    (void)snprintf(out, IDENTITY_MAX, "key:%s", kid);
}

static enum ja_status corrupt(struct ja_error *err, const char *kid)
{
    return ja_fail(err, JA_ERR_CORRUPT, "corrupt_key", "the signing key %s is damaged in the store", kid);
}

/* ---- one row ---- */

static enum ja_status key_from_texts(struct ja_ctx *ctx, const char *kid, enum ja_alg alg,
                                     const char *public_der, const char *sealed, bool with_private,
                                     struct ja_key **ret, struct ja_error *err)
{
    unsigned char pub[DER_MAX];
    size_t pub_len = 0;
    char identity[IDENTITY_MAX];
    struct ja_secret priv = {0};
    enum ja_status st = JA_OK;

    if (alg == JA_ALG_NONE || (public_der && !ja_b64_decode(public_der, strlen(public_der), pub,
                                                            sizeof pub, &pub_len)))
        return corrupt(err, kid);
    identity_of(kid, identity);
    if (with_private || alg == JA_ALG_HS256) /* a secret is both parts */
        st = sealed ? ja_unseal(ctx, identity, sealed, &priv, err) : corrupt(err, kid);
    if (st == JA_OK)
        st = ja_key_from_stored(alg, public_der ? pub : NULL, pub_len, priv.data, priv.len, ret, err);
    ja_secret_clear(&priv);
    if (st != JA_OK)
        return st;
    if (strcmp(ja_key_kid(*ret), kid) != 0) { /* the kid is the thumbprint: rows cannot be swapped */
        ja_key_free(*ret);
        *ret = NULL;
        return corrupt(err, kid);
    }
    return JA_OK;
}

static enum ja_status read_row(struct ja_ctx *ctx, struct ja_rows *rows, bool with_private,
                               struct ja_key **ret, struct ja_error *err)
{
    char kid[JA_KID_LEN + 1];
    const char *alg = ja_col_text(rows, "alg"), *pub = ja_col_text(rows, "public_der"),
               *sealed = ja_col_text(rows, "private_key");
    enum ja_status st = ja_rows_status(rows, err);

    if (st != JA_OK)
        return st;
    if (!alg || !ja_col_copy(rows, "kid", kid, sizeof kid))
        return corrupt(err, "?");
    return key_from_texts(ctx, kid, ja_alg_parse(alg), pub, sealed, with_private, ret, err);
}

/* ---- the ring ---- */

static enum ja_status ring_add(struct ja_ctx *ctx, struct ja_keyring *ring, struct ja_rows *rows,
                               struct ja_error *err)
{
    struct ring_key *grown = realloc(ring->keys, (ring->len + 1) * sizeof *grown);
    struct ja_key *key = NULL;
    const char *state;
    enum ja_status st;

    if (!grown)
        return ja_fail_nomem(err);
    ring->keys = grown;
    st = read_row(ctx, rows, false, &key, err);
    if (st != JA_OK)
        return st;
    state = ja_col_text(rows, "state");
    ring->keys[ring->len++] = (struct ring_key){
        .key = key,
        .active = state && strcmp(state, "active") == 0,
        .max_ttl = ja_col_int(rows, "max_ttl"),
    };
    return JA_OK;
}

static void ring_free(struct ja_keyring *ring)
{
    for (size_t i = 0; ring && i < ring->len; i++)
        ja_key_free(ring->keys[i].key);
    if (ring)
        free(ring->keys);
    free(ring);
}

enum ja_status ja_keyring_require(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_keyring *ring;
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st;

    if (ctx->keys)
        return JA_OK;
    ring = calloc(1, sizeof *ring);
    if (!ring)
        return ja_fail_nomem(err);
    st = ja_db_query(ctx->db,
                     "SELECT kid, alg, public_der, private_key, state, max_ttl FROM signing_keys "
                     "WHERE state <> 'retired' ORDER BY created_at, kid",
                     JA_NO_BINDS, &rows, err);
    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        st = ring_add(ctx, ring, rows, err);
    ja_rows_end(rows);
    if (st != JA_OK) {
        ring_free(ring);
        return st;
    }
    ctx->keys = ring;
    return JA_OK;
}

void ja_keyring_drop(struct ja_ctx *ctx)
{
    ring_free(ctx->keys);
    ctx->keys = NULL;
}

struct ja_key *ja_keyring_find(struct ja_ctx *ctx, const char *kid)
{
    for (size_t i = 0; ctx->keys && i < ctx->keys->len; i++)
        if (strcmp(ja_key_kid(ctx->keys->keys[i].key), kid) == 0)
            return ctx->keys->keys[i].key;
    return NULL;
}

static enum ja_status active_kid(struct ja_ctx *ctx, char kid[JA_KID_LEN + 1], struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db, "SELECT kid FROM signing_keys WHERE state = 'active'",
                                    JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "no_signing_key",
                     "there is no active signing key: authctl key rotate makes one");
    if (st == JA_OK && !ja_col_copy(rows, "kid", kid, JA_KID_LEN + 1))
        st = corrupt(err, "?");
    ja_rows_end(rows);
    return st;
}

static struct ring_key *ring_active(struct ja_ctx *ctx, const char *kid)
{
    for (size_t i = 0; ctx->keys && i < ctx->keys->len; i++)
        if (ctx->keys->keys[i].active && strcmp(ja_key_kid(ctx->keys->keys[i].key), kid) == 0)
            return &ctx->keys->keys[i];
    return NULL;
}

/* The store is asked each time: a ring read before another process rotated would go on signing with a key
 * that is soon retired. */
enum ja_status ja_keyring_signer(struct ja_ctx *ctx, struct ja_key **ret, struct ja_error *err)
{
    char kid[JA_KID_LEN + 1];
    struct ring_key *k;
    enum ja_status st = active_kid(ctx, kid, err);

    if (st != JA_OK)
        return st;
    if (!ring_active(ctx, kid)) {
        ja_keyring_drop(ctx);
        st = ja_keyring_require(ctx, err);
    }
    k = ring_active(ctx, kid);
    if (st == JA_OK && !k) /* rotated between the two reads */
        st = ja_fail(err, JA_ERR_BUSY, "busy", "the signing keys are being changed: try again");
    if (st == JA_OK && !ja_key_has_private(k->key)) {
        struct ja_key *whole = NULL;

        st = ja_signing_key_load(ctx, kid, true, &whole, err);
        if (st == JA_OK) {
            ja_key_free(k->key);
            k->key = whole;
        }
    }
    if (st == JA_OK)
        *ret = k->key;
    return st;
}

/* ---- look-ups ---- */

static enum ja_status fill_info(struct ja_rows *rows, struct ja_key_info *info, struct ja_error *err)
{
    const char *alg = ja_col_text(rows, "alg");

    *info = (struct ja_key_info){
        .alg = alg ? ja_alg_parse(alg) : JA_ALG_NONE,
        .max_ttl = ja_col_int(rows, "max_ttl"),
        .created_at = ja_col_int(rows, "created_at"),
        .active_at = ja_col_int(rows, "active_at"),
        .retiring_at = ja_col_int(rows, "retiring_at"),
        .retired_at = ja_col_int(rows, "retired_at"),
    };
    if (!ja_col_copy(rows, "kid", info->kid, sizeof info->kid) ||
        !ja_col_copy(rows, "state", info->state, sizeof info->state))
        return corrupt(err, "?");
    return ja_rows_status(rows, err);
}

enum ja_status ja_signing_key_each(struct ja_ctx *ctx, ja_key_info_fn fn, void *arg,
                                   struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT kid, alg, state, max_ttl, created_at, active_at, "
                                    "retiring_at, retired_at FROM signing_keys "
                                    "ORDER BY created_at, kid",
                                    JA_NO_BINDS, &rows, err);

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row) {
        struct ja_key_info info;

        st = fill_info(rows, &info, err);
        if (st == JA_OK)
            st = fn(arg, &info);
    }
    ja_rows_end(rows);
    return st;
}

static enum ja_status not_found(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_NOT_FOUND, "key_not_found", "no such signing key");
}

enum ja_status ja_signing_key_info(struct ja_ctx *ctx, const char *kid, struct ja_key_info *ret,
                                   struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(ctx->db,
                                    "SELECT kid, alg, state, max_ttl, created_at, active_at, "
                                    "retiring_at, retired_at FROM signing_keys WHERE kid = $1",
                                    JA_BINDS(JA_T(kid)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? fill_info(rows, ret, err) : not_found(err);
    ja_rows_end(rows);
    return st;
}

enum ja_status ja_signing_key_load(struct ja_ctx *ctx, const char *kid, bool with_private,
                                   struct ja_key **ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(
        ctx->db, "SELECT kid, alg, public_der, private_key FROM signing_keys WHERE kid = $1",
        JA_BINDS(JA_T(kid)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? read_row(ctx, rows, with_private, ret, err) : not_found(err);
    ja_rows_end(rows);
    return st;
}

/* ---- changes ---- */

static enum ja_status insert_row(struct ja_ctx *ctx, const struct ja_key *key, const char *pub,
                                 const char *sealed, const char *state, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock);
    enum ja_status st = ja_db_exec(
        ctx->db,
        "INSERT INTO signing_keys (kid, alg, public_der, private_key, state, created_at, active_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        JA_BINDS(JA_T(ja_key_kid(key)), JA_T(ja_alg_name(ja_key_alg(key))), JA_T(pub), JA_T(sealed),
                 JA_T(state), JA_I(now), JA_TIME(strcmp(state, "active") == 0 ? now : 0)),
        NULL, err);

    if (st == JA_ERR_EXISTS)
        return ja_fail(err, st, "key_exists", "the key is in the store already (%s)", ja_key_kid(key));
    return st;
}

enum ja_status ja_signing_key_insert(struct ja_ctx *ctx, struct ja_key *key, const char *state,
                                     struct ja_error *err)
{
    unsigned char *pub = NULL;
    size_t pub_len = 0;
    char pub_text[JA_B64_SIZE(DER_MAX)], identity[IDENTITY_MAX], *sealed = NULL;
    struct ja_secret priv = {0};
    enum ja_status st = ja_key_to_stored(key, &pub, &pub_len, &priv, err);

    if (st == JA_OK && pub_len > DER_MAX)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_key", "the key is too long");
    if (st == JA_OK) {
        identity_of(ja_key_kid(key), identity);
        st = ja_seal(ctx, identity, priv.data, priv.len, &sealed, err);
    }
    if (st == JA_OK) {
        if (pub)
            ja_b64_encode(pub, pub_len, pub_text, sizeof pub_text);
        st = insert_row(ctx, key, pub ? pub_text : NULL, sealed, state, err);
    }
    if (st == JA_OK)
        ja_keyring_drop(ctx);
    free(pub);
    free(sealed);
    ja_secret_clear(&priv);
    return st;
}

enum ja_status ja_signing_key_promote(struct ja_ctx *ctx, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), n = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "UPDATE signing_keys SET state = 'retiring', retiring_at = $1 "
                                   "WHERE state = 'active' AND EXISTS "
                                   "(SELECT 1 FROM signing_keys n WHERE n.state = 'next')",
                                   JA_BINDS(JA_I(now)), NULL, err);

    /* the oldest next one, should there be several */
    if (st == JA_OK)
        st = ja_db_exec(ctx->db,
                        "UPDATE signing_keys SET state = 'active', active_at = $1 WHERE kid = "
                        "(SELECT kid FROM signing_keys WHERE state = 'next' "
                        "ORDER BY created_at, kid LIMIT 1)",
                        JA_BINDS(JA_I(now)), &n, err);
    if (st == JA_OK && n != 1)
        return ja_fail(err, JA_ERR_NOT_FOUND, "no_next_key", "there is no next key to become active");
    ja_keyring_drop(ctx);
    return st;
}

enum ja_status ja_signing_key_set_retiring(struct ja_ctx *ctx, const char *kid, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "UPDATE signing_keys SET state = 'retiring', retiring_at = $2 "
                                   "WHERE kid = $1 AND state IN ('next', 'active')",
                                   JA_BINDS(JA_T(kid), JA_I(ja_now(&ctx->clock))), &n, err);

    ja_keyring_drop(ctx);
    return st == JA_OK && n == 0 ? not_found(err) : st;
}

enum ja_status ja_signing_key_set_retired(struct ja_ctx *ctx, const char *kid, struct ja_error *err)
{
    int64_t n = 0;
    enum ja_status st = ja_db_exec(ctx->db,
                                   "UPDATE signing_keys SET state = 'retired', retired_at = $2, "
                                   "private_key = NULL WHERE kid = $1 AND state <> 'retired'",
                                   JA_BINDS(JA_T(kid), JA_I(ja_now(&ctx->clock))), &n, err);

    ja_keyring_drop(ctx);
    return st == JA_OK && n == 0 ? not_found(err) : st;
}

enum ja_status ja_signing_key_expire(struct ja_ctx *ctx, int *ret_count, struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), n = 0;
    int64_t end = now - SIGNING_UNDER_WAY;
    /* max_ttl is what the key has signed, maybe under another configuration */
    enum ja_status st = ja_db_exec(ctx->db,
                                   "UPDATE signing_keys SET state = 'retired', retired_at = $1, "
                                   "private_key = NULL WHERE state = 'retiring' "
                                   "AND retiring_at + max_ttl + $3 < $2 AND retiring_at + $4 < $2",
                                   JA_BINDS(JA_I(now), JA_I(end), JA_I(ctx->cfg->tokens.leeway),
                                            JA_I(ctx->cfg->tokens.retain_keys)),
                                   &n, err);

    if (st == JA_OK && n > 0)
        ja_keyring_drop(ctx);
    if (st == JA_OK)
        *ret_count = (int)n;
    return st;
}

static enum ja_status raise_ttl(struct ja_ctx *ctx, const char *kid, int64_t ttl, struct ja_error *err)
{
    bool own = !ja_db_in_transaction(ctx->db);
    enum ja_status st = own ? ja_db_begin(ctx->db, err) : JA_OK;

    if (st != JA_OK)
        return st;
    st = ja_db_exec(ctx->db, "UPDATE signing_keys SET max_ttl = $2 WHERE kid = $1 AND max_ttl < $2",
                    JA_BINDS(JA_T(kid), JA_I(ttl)), NULL, err);
    if (own && st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (own && st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}

enum ja_status ja_signing_key_note_ttl(struct ja_ctx *ctx, const char *kid, int64_t ttl,
                                       struct ja_error *err)
{
    enum ja_status st = ja_keyring_require(ctx, err);

    for (size_t i = 0; st == JA_OK && i < ctx->keys->len; i++) {
        struct ring_key *k = &ctx->keys->keys[i];

        if (strcmp(ja_key_kid(k->key), kid) != 0 || k->max_ttl >= ttl)
            continue;
        st = raise_ttl(ctx, kid, ttl, err);
        /* In a caller's transaction that is rolled back the token is never given out; the ring must
         * not remember more than the store: it is read anew. */
        if (st == JA_OK && !ja_db_in_transaction(ctx->db))
            k->max_ttl = ttl;
    }
    return st;
}

static enum ja_status add_public(json_t *keys, const struct ja_key *key, struct ja_error *err)
{
    json_t *jwk = NULL;
    enum ja_status st;

    if (ja_key_alg(key) == JA_ALG_HS256)
        return JA_OK;
    st = ja_key_public_jwk(key, &jwk, err);
    if (st == JA_OK && json_array_append_new(keys, jwk) != 0)
        st = ja_fail_nomem(err);
    return st;
}

enum ja_status ja_signing_key_jwks(struct ja_ctx *ctx, char **ret, struct ja_error *err)
{
    json_t *keys = json_array(), *doc = keys ? json_pack("{s:O}", "keys", keys) : NULL;
    char *text = NULL;
    enum ja_status st = doc ? ja_keyring_require(ctx, err) : ja_fail_nomem(err);

    for (size_t i = 0; st == JA_OK && i < ctx->keys->len; i++)
        st = add_public(keys, ctx->keys->keys[i].key, err);
    if (st == JA_OK && !(text = json_dumps(doc, JSON_COMPACT)))
        st = ja_fail_nomem(err);
    json_decref(doc);
    json_decref(keys);
    if (st == JA_OK)
        *ret = text;
    return st;
}
