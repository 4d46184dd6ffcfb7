#include "tests/hygiene/secrets.h"

#include "common/base/text.h"
#include "common/domain/seal.h"
#include "common/domain/signing_key.h"
#include "common/domain/totp.h"
#include "common/domain/user.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(enum ja_status st, const struct ja_error *err, const char *what)
{
    if (st == JA_OK)
        return;
    (void)fprintf(stderr, "secrets: %s: %s (%s)\n", what, err->message, err->code);
    exit(99);
}

static void add_master(struct core_search *s, struct ja_ctx *ctx)
{
    static const char *const purposes[] = {"ja-seal1", "ja-keyid"};
    unsigned char derived[32];
    struct ja_error err = {0};

    must(ja_ctx_require_master(ctx, &err), &err, "master key");
    core_add_bytes(s, "the master key", ctx->master.data, ctx->master.len);
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        (void)crypto_kdf_derive_from_key(derived, sizeof derived, 1, purposes[i], ctx->master.data);
        core_add_bytes(s, "a key derived from the master key", derived, sizeof derived);
    }
}

/* RFC 7518: d for EC and OKP, six of them for RSA, k for a secret. */
static enum ja_status add_private(void *arg, const struct ja_key_info *info)
{
    static const struct { const char *member, *name; } parts[] = {
        {"d", "the d of a private signing key"}, {"p", "the p of a private signing key"},
        {"q", "the q of a private signing key"}, {"dp", "the dp of a private signing key"},
        {"dq", "the dq of a private signing key"}, {"qi", "the qi of a private signing key"},
        {"k", "the k of a private signing key"},
    };
    struct core_search *s = ((void **)arg)[0];
    struct ja_ctx *ctx = ((void **)arg)[1];
    struct ja_key *key = NULL;
    struct ja_secret text = {0};
    struct ja_error err = {0};
    json_t *jwk = NULL;

    if (strcmp(info->state, "retired") == 0)
        return JA_OK;
    must(ja_signing_key_load(ctx, info->kid, true, &key, &err), &err, "private key");
    must(ja_key_private_jwk(key, &text, &err), &err, "private JWK");
    jwk = json_loadb((const char *)text.data, text.len, 0, NULL);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *value = json_string_value(json_object_get(jwk, parts[i].member));
        unsigned char bytes[512];
        size_t len = 0;

        if (value && ja_b64_decode(value, strlen(value), bytes, sizeof bytes, &len))
            core_add_bytes(s, parts[i].name, bytes, len);
    }
    json_decref(jwk);
    ja_secret_clear(&text);
    ja_key_free(key);
    return JA_OK;
}

static void add_factor(struct core_search *s, struct ja_ctx *ctx, const char *user_id)
{
    struct ja_totp t = {0};
    struct ja_secret base32 = {0};
    struct ja_error err = {0};

    must(ja_totp_find(ctx, user_id, true, &t, &err), &err, "factor");
    must(ja_totp_base32(&t, &base32, &err), &err, "base32");
    core_add_bytes(s, "a TOTP secret", t.secret.data, t.secret.len);
    core_add_text(s, "a TOTP secret in base32", (const char *)base32.data);
    ja_secret_clear(&base32);
    ja_totp_clear(&t);
}

void secrets_of_store(struct core_search *s, struct ja_ctx *ctx)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    char ids[16][JA_UUID_LEN + 1];
    size_t n = 0;
    bool row = false;

    must(ja_ctx_open_store(ctx, &err), &err, "store");
    add_master(s, ctx);
    must(ja_signing_key_each(ctx, add_private, (void *[]){s, ctx}, &err), &err, "keys");
    must(ja_db_query(ctx->db, "SELECT user_id FROM totp", JA_NO_BINDS, &rows, &err), &err, "factors");
    while (n < 16 && ja_rows_next(rows, &row, &err) == JA_OK && row)
        (void)snprintf(ids[n++], sizeof ids[0], "%s", ja_col_text(rows, "user_id"));
    ja_rows_end(rows);
    for (size_t i = 0; i < n; i++)
        add_factor(s, ctx, ids[i]);
}

void secrets_of_token(struct core_search *s, const char *token)
{
    const char *dot = strrchr(token, '.');

    if (!dot) {
        (void)fprintf(stderr, "secrets: no token: %s\n", token);
        exit(99);
    }
    core_add_text(s, "a token's signature", dot + 1);
}
