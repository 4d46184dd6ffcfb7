/* EdDSA: Ed25519 through libsodium (RFC 8037); OpenSSL only carries it in and out of PEM. */
#include "common/domain/jwk_impl.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SEED 32

static enum ja_status unfit(struct ja_error *err)
{
    ERR_clear_error();
    return ja_fail(err, JA_ERR_INVALID, "invalid_key", "EdDSA takes an Ed25519 key");
}

static enum ja_status from_seed(struct ja_key *key, const unsigned char *seed, struct ja_error *err)
{
    enum ja_status st = ja_secret_init(&key->secret, JA_ED_SECRET, err);

    if (st != JA_OK)
        return st;
    if (crypto_sign_seed_keypair(key->ed_public, key->secret.data, seed) != 0)
        return ja_fail(err, JA_ERR_CRYPTO, "crypto_failed", "making a key failed");
    key->secret.len = JA_ED_SECRET;
    key->has_private = true;
    return JA_OK;
}

static enum ja_status generate(struct ja_key *key, struct ja_error *err)
{
    unsigned char seed[SEED];
    enum ja_status st = ja_random(seed, sizeof seed, err);

    if (st == JA_OK)
        st = from_seed(key, seed, err);
    sodium_memzero(seed, sizeof seed);
    return st;
}

static enum ja_status from_jwk(struct ja_key *key, const json_t *jwk, struct ja_error *err)
{
    struct ja_secret x = {0}, d = {0};
    enum ja_status st = ja_jwk_bytes(jwk, "x", &x, err);

    if (st == JA_OK && x.len != JA_ED_PUBLIC)
        st = unfit(err);
    if (st == JA_OK)
        memcpy(key->ed_public, x.data, JA_ED_PUBLIC);
    if (st == JA_OK && json_object_get(jwk, "d")) {
        st = ja_jwk_bytes(jwk, "d", &d, err);
        if (st == JA_OK)
            st = d.len == SEED ? from_seed(key, d.data, err) : unfit(err);
        /* the public part that the JWK says must be the seed's own */
        if (st == JA_OK && sodium_memcmp(key->ed_public, x.data, JA_ED_PUBLIC) != 0)
            st = unfit(err);
    }
    ja_secret_clear(&x);
    ja_secret_clear(&d);
    return st;
}

static enum ja_status from_pkey(struct ja_key *key, EVP_PKEY *pkey, struct ja_error *err)
{
    unsigned char seed[SEED];
    size_t seed_len = sizeof seed, pub_len = JA_ED_PUBLIC;
    enum ja_status st = JA_OK;

    if (EVP_PKEY_is_a(pkey, "ED25519") != 1 ||
        EVP_PKEY_get_raw_public_key(pkey, key->ed_public, &pub_len) != 1 || pub_len != JA_ED_PUBLIC)
        return unfit(err);
    if (EVP_PKEY_get_raw_private_key(pkey, seed, &seed_len) == 1 && seed_len == SEED)
        st = from_seed(key, seed, err);
    ERR_clear_error();
    sodium_memzero(seed, sizeof seed);
    return st;
}

static enum ja_status from_stored(struct ja_key *key, const void *pub, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_error *err)
{
    if (priv)
        return priv_len == SEED
                   ? from_seed(key, priv, err)
                   : ja_fail(err, JA_ERR_CORRUPT, "corrupt_key", "a stored private key is damaged");
    if (pub_len != JA_ED_PUBLIC)
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_key", "a stored public key is damaged");
    memcpy(key->ed_public, pub, JA_ED_PUBLIC);
    return JA_OK;
}

static enum ja_status to_stored(const struct ja_key *key, unsigned char **ret_pub, size_t *ret_pub_len,
                                struct ja_secret *ret_priv, struct ja_error *err)
{
    unsigned char *pub = malloc(JA_ED_PUBLIC);
    enum ja_status st = pub ? ja_secret_from(ret_priv, key->secret.data, SEED, err)
                            : ja_fail_nomem(err);

    if (st != JA_OK) {
        free(pub);
        return st;
    }
    memcpy(pub, key->ed_public, JA_ED_PUBLIC);
    *ret_pub = pub;
    *ret_pub_len = JA_ED_PUBLIC;
    return JA_OK;
}

static enum ja_status to_jwk(const struct ja_key *key, bool private_too, json_t **ret,
                             struct ja_error *err)
{
    json_t *jwk = json_pack("{s:s,s:s}", "kty", "OKP", "crv", "Ed25519");
    enum ja_status st = jwk ? ja_jwk_set_bytes(jwk, "x", key->ed_public, JA_ED_PUBLIC, err)
                            : ja_fail_nomem(err);

    if (st == JA_OK && private_too)
        st = ja_jwk_set_bytes(jwk, "d", key->secret.data, SEED, err);
    if (st == JA_OK)
        *ret = jwk;
    else
        json_decref(jwk);
    return st;
}

static enum ja_status sign(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err)
{
    if (crypto_sign_detached(sig, NULL, data, len, key->secret.data) != 0)
        return ja_fail(err, JA_ERR_CRYPTO, "crypto_failed", "signing failed");
    *ret_len = crypto_sign_BYTES;
    return JA_OK;
}

static enum ja_status verify(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err)
{
    /* libsodium refuses S >= L, small-order and non-canonical points */
    if (sig_len != crypto_sign_BYTES ||
        crypto_sign_verify_detached(sig, data, len, key->ed_public) != 0)
        return ja_fail(err, JA_ERR_DENIED, "bad_signature", "the signature does not fit");
    return JA_OK;
}

const struct ja_key_ops ja_key_eddsa = {
    .alg = JA_ALG_EDDSA, .kty = "OKP", .crv = "Ed25519",
    .generate = generate, .from_jwk = from_jwk, .from_pkey = from_pkey, .from_stored = from_stored,
    .to_stored = to_stored, .to_jwk = to_jwk, .sign = sign, .verify = verify,
};
