#include "common/domain/seal.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define AEAD_KEY crypto_aead_xchacha20poly1305_ietf_KEYBYTES

/* "v1." + 8 hex digits + "." */
#define KEY_ID_BYTES 4
#define PREFIX_LEN (3 + KEY_ID_BYTES * 2 + 1)

/* crypto_kdf contexts: each use has a key of its own. */
#define PURPOSE_SEAL "ja-seal1"
#define PURPOSE_KEY_ID "ja-keyid"

_Static_assert(crypto_kdf_KEYBYTES == JA_MASTER_KEY_BYTES, "the master key is a KDF key");
_Static_assert(crypto_kdf_CONTEXTBYTES == 8, "purposes have 8 characters");

static enum ja_status derive(struct ja_ctx *ctx, const char purpose[8], unsigned char *ret,
                             size_t len, struct ja_error *err)
{
    enum ja_status st = ja_ctx_require_master(ctx, err);

    if (st == JA_OK && crypto_kdf_derive_from_key(ret, len, 1, purpose, ctx->master.data) != 0)
        st = ja_fail(err, JA_ERR_CRYPTO, "kdf_failed", "deriving a key failed");
    return st;
}

/* The part before the data: "v1.0badcafe." */
static enum ja_status prefix(struct ja_ctx *ctx, char out[PREFIX_LEN + 1], struct ja_error *err)
{
    unsigned char id[crypto_kdf_BYTES_MIN];
    char hex[KEY_ID_BYTES * 2 + 1];
    enum ja_status st = derive(ctx, PURPOSE_KEY_ID, id, sizeof id, err);

    if (st != JA_OK)
        return st;
    (void)sodium_bin2hex(hex, sizeof hex, id, KEY_ID_BYTES);
    (void)snprintf(out, PREFIX_LEN + 1, "v1.%s.", hex);
    return JA_OK;
}

enum ja_status ja_seal(struct ja_ctx *ctx, const char *identity, const void *data, size_t len,
                       char **ret, struct ja_error *err)
{
    unsigned char key[AEAD_KEY], *box = NULL;
    char start[PREFIX_LEN + 1], *out = NULL;
    size_t size = NONCE + len + TAG;
    enum ja_status st;

    if (len > SIZE_MAX / 4)
        return ja_fail(err, JA_ERR_INVALID, "too_long", "too long to be sealed");
    box = malloc(size);
    out = malloc(PREFIX_LEN + JA_B64_SIZE(size));
    st = box && out ? JA_OK : ja_fail_nomem(err);
    if (st == JA_OK)
        st = prefix(ctx, start, err);
    if (st == JA_OK)
        st = derive(ctx, PURPOSE_SEAL, key, sizeof key, err);
    if (st == JA_OK)
        st = ja_random(box, NONCE, err);
    if (st == JA_OK &&
        crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE, NULL, data, len,
                                                   (const unsigned char *)identity,
                                                   strlen(identity), NULL, box, key) != 0)
        st = ja_fail(err, JA_ERR_CRYPTO, "seal_failed", "sealing failed");
    if (st == JA_OK) {
        memcpy(out, start, PREFIX_LEN);
        ja_b64_encode(box, size, out + PREFIX_LEN, JA_B64_SIZE(size));
        *ret = out;
        out = NULL;
    }
    sodium_memzero(key, sizeof key);
    free(box);
    free(out);
    return st;
}

static enum ja_status damaged(const char *identity, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "seal_damaged",
                   "the sealed value of %s is damaged: restore a backup, or set it anew", identity);
}

/* Another key's value is told apart from a damaged one, so that a swapped master key is found. */
enum ja_status ja_seal_check_key(struct ja_ctx *ctx, const char *identity, const char *sealed, struct ja_error *err)
{
    char want[PREFIX_LEN + 1];
    enum ja_status st = prefix(ctx, want, err);

    if (st != JA_OK)
        return st;
    if (strncmp(sealed, want, PREFIX_LEN) == 0)
        return JA_OK;
    if (strncmp(sealed, "v1.", 3) != 0 || strspn(sealed + 3, "0123456789abcdef") != KEY_ID_BYTES * 2 ||
        sealed[PREFIX_LEN - 1] != '.')
        return damaged(identity, err);
    return ja_fail(err, JA_ERR_CRYPTO, "wrong_master_key",
                   "the value of %s was sealed with another master key (%.8s, not %.8s): put that "
                   "key file back", identity, sealed + 3, want + 3);
}

static enum ja_status open_box(struct ja_ctx *ctx, const char *identity, const unsigned char *box,
                               size_t size, struct ja_secret *ret, struct ja_error *err)
{
    unsigned char key[AEAD_KEY];
    struct ja_secret plain = {0};
    unsigned long long len = 0;
    enum ja_status st = ja_secret_init(&plain, size - NONCE - TAG, err);

    if (st == JA_OK)
        st = derive(ctx, PURPOSE_SEAL, key, sizeof key, err);
    if (st == JA_OK &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data, &len, NULL, box + NONCE, size - NONCE,
                                                   (const unsigned char *)identity,
                                                   strlen(identity), box, key) != 0)
        st = damaged(identity, err);
    sodium_memzero(key, sizeof key);
    if (st != JA_OK) {
        ja_secret_clear(&plain);
        return st;
    }
    plain.len = (size_t)len;
    plain.data[plain.len] = 0;
    *ret = plain;
    return JA_OK;
}

enum ja_status ja_unseal(struct ja_ctx *ctx, const char *identity, const char *sealed,
                         struct ja_secret *ret, struct ja_error *err)
{
    size_t len = strlen(sealed), size = 0;
    unsigned char *box = NULL;
    enum ja_status st = ja_seal_check_key(ctx, identity, sealed, err);

    if (st != JA_OK)
        return st;
    box = malloc(len);
    if (!box)
        return ja_fail_nomem(err);
    if (ja_b64_decode(sealed + PREFIX_LEN, len - PREFIX_LEN, box, len, &size) && size >= NONCE + TAG)
        st = open_box(ctx, identity, box, size, ret, err);
    else
        st = damaged(identity, err);
    free(box);
    return st;
}

enum ja_status ja_keyed_hash(struct ja_ctx *ctx, const char purpose[8], const void *data, size_t len,
                             unsigned char ret[32], struct ja_error *err)
{
    unsigned char key[crypto_generichash_KEYBYTES];
    enum ja_status st = derive(ctx, purpose, key, sizeof key, err);

    if (st == JA_OK && crypto_generichash(ret, 32, data, len, key, sizeof key) != 0)
        st = ja_fail(err, JA_ERR_CRYPTO, "hash_failed", "BLAKE2b failed");
    sodium_memzero(key, sizeof key);
    return st;
}

void ja_token_hash(const void *data, size_t len, char ret[JA_HASH_TEXT])
{
    unsigned char hash[32];

    /* Fails only for lengths out of bounds, which these constants are not. */
    (void)crypto_generichash(hash, sizeof hash, data, len, NULL, 0);
    ja_b64_encode(hash, sizeof hash, ret, JA_HASH_TEXT);
    sodium_memzero(hash, sizeof hash);
}

enum ja_status ja_master_create(const char *path, struct ja_error *err)
{
    unsigned char key[JA_MASTER_KEY_BYTES];
    char text[JA_MASTER_KEY_BYTES * 2 + 1];
    enum ja_status st = ja_random(key, sizeof key, err);

    if (st == JA_OK) {
        (void)sodium_bin2hex(text, sizeof text, key, sizeof key);
        text[sizeof text - 1] = '\n'; /* where the final 0 was */
        st = ja_file_write(path, 0600, true, text, sizeof text, err);
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return st;
}
