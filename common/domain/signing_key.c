#include "common/domain/signing_key.h"

#include "common/base/text.h"
#include "common/domain/column.h"
#include "common/domain/seal.h"
#include "common/domain/signing_key_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY_MAX (sizeof "key:" + JA_KID_LEN)
#define DER_MAX 4096
/* A token may be signed in another process while its key is being replaced: so much later it is out. */
#define SIGNING_UNDER_WAY 60

static void identity_of(const char *kid, char out[IDENTITY_MAX])
{
    (void)snprintf(out, IDENTITY_MAX, "key:%s", kid);
}

enum ja_status ja_signing_key_corrupt(struct ja_error *err, const char *kid)
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
        return ja_signing_key_corrupt(err, kid);
    identity_of(kid, identity);
    if (with_private || alg == JA_ALG_HS256) /* a secret is both parts */
        st = sealed ? ja_unseal(ctx, identity, sealed, &priv, err) : ja_signing_key_corrupt(err, kid);
    if (st == JA_OK)
        st = ja_key_from_stored(alg, public_der ? pub : NULL, pub_len, priv.data, priv.len, ret, err);
    ja_secret_clear(&priv);
    if (st != JA_OK)
        return st;
    if (strcmp(ja_key_kid(*ret), kid) != 0) { /* the kid is the thumbprint: rows cannot be swapped */
        ja_key_free(*ret);
        *ret = NULL;
        return ja_signing_key_corrupt(err, kid);
    }
    return JA_OK;
}

enum ja_status ja_signing_key_from_row(struct ja_ctx *ctx, struct ja_rows *rows, bool with_private,
                                       struct ja_key **ret, struct ja_error *err)
{
    char kid[JA_KID_LEN + 1];
    const char *alg = ja_col_text(rows, "alg"), *pub = ja_col_text(rows, "public_der"),
               *sealed = ja_col_text(rows, "private_key");
    enum ja_status st = ja_rows_status(rows, err);

    if (st != JA_OK)
        return st;
    if (!alg || !ja_col_copy(rows, "kid", kid, sizeof kid))
        return ja_signing_key_corrupt(err, "?");
    return key_from_texts(ctx, kid, ja_alg_parse(alg), pub, sealed, with_private, ret, err);
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
        return ja_signing_key_corrupt(err, "?");
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

/* Gone on purpose, not damaged. */
static enum ja_status check_not_retired(struct ja_rows *rows, bool with_private, struct ja_error *err)
{
    const char *state = ja_col_text(rows, "state"), *alg = ja_col_text(rows, "alg");
    bool secret = alg && ja_alg_parse(alg) == JA_ALG_HS256;

    if (state && strcmp(state, "retired") == 0 && (with_private || secret))
        return ja_fail(err, JA_ERR_CONFLICT, "key_retired",
                       "the key is retired: its private part has been deleted");
    return JA_OK;
}

enum ja_status ja_signing_key_load(struct ja_ctx *ctx, const char *kid, bool with_private,
                                   struct ja_key **ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    enum ja_status st = ja_db_query(
        ctx->db, "SELECT kid, alg, public_der, private_key, state FROM signing_keys WHERE kid = $1",
        JA_BINDS(JA_T(kid)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK)
        st = row ? check_not_retired(rows, with_private, err) : not_found(err);
    if (st == JA_OK)
        st = ja_signing_key_from_row(ctx, rows, with_private, ret, err);
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

enum ja_status ja_signing_key_check_master(struct ja_ctx *ctx, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    const char *sealed;
    char identity[JA_KID_LEN + 8];
    enum ja_status st = ja_db_query(ctx->db, "SELECT kid, private_key FROM signing_keys WHERE state = 'active'",
                                    JA_NO_BINDS, &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    sealed = st == JA_OK && row ? ja_col_text(rows, "private_key") : NULL;
    if (sealed) {
        (void)snprintf(identity, sizeof identity, "key:%.43s", ja_col_text(rows, "kid"));
        st = ja_seal_check_key(ctx, identity, sealed, err);
    }
    ja_rows_end(rows);
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
