/* The published signing keys, parsed once and kept (signing_key.h). */
#include "common/domain/column.h"
#include "common/domain/signing_key.h"
#include "common/domain/signing_key_row.h"

#include <stdlib.h>
#include <string.h>

struct ring_key {
    struct ja_key *key;
    bool active;
    int64_t max_ttl;
};

struct ja_keyring {
    struct ring_key *keys;
    size_t len;
};

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
    st = ja_signing_key_from_row(ctx, rows, false, &key, err);
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
        st = ja_signing_key_corrupt(err, "?");
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

/* The store is asked each time: the ring of a daemon is as old as the daemon, and what another process withdrew since
 * must not be published any more, nor what it added be missing. */
enum ja_status ja_signing_key_jwks(struct ja_ctx *ctx, char **ret, struct ja_error *err)
{
    json_t *keys = json_array(), *doc = keys ? json_pack("{s:O}", "keys", keys) : NULL;
    char *text = NULL;
    enum ja_status st;

    ja_keyring_drop(ctx);
    st = doc ? ja_keyring_require(ctx, err) : ja_fail_nomem(err);
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
