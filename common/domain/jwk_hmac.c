/* HS256: HMAC with SHA-256 (RFC 7518 section 3.2); a secret of 32 to 128 bytes, never published. */
#include "common/domain/jwk_impl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <sodium.h>
#include <string.h>

#define MAC 32

static enum ja_status from_secret(struct ja_key *key, const void *secret, size_t len,
                                  struct ja_error *err)
{
    if (len < JA_HMAC_MIN || len > JA_HMAC_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_key", "HS256 takes a secret of 32 to 128 bytes");
    key->has_private = true;
    return ja_secret_from(&key->secret, secret, len, err);
}

static enum ja_status generate(struct ja_key *key, struct ja_error *err)
{
    unsigned char secret[JA_HMAC_MIN];
    enum ja_status st = ja_random(secret, sizeof secret, err);

    if (st == JA_OK)
        st = from_secret(key, secret, sizeof secret, err);
    sodium_memzero(secret, sizeof secret);
    return st;
}

static enum ja_status from_jwk(struct ja_key *key, const json_t *jwk, struct ja_error *err)
{
    struct ja_secret k = {0};
    enum ja_status st = ja_jwk_bytes(jwk, "k", &k, err);

    if (st == JA_OK)
        st = from_secret(key, k.data, k.len, err);
    ja_secret_clear(&k);
    return st;
}

static enum ja_status from_stored(struct ja_key *key, const void *pub, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_error *err)
{
    (void)pub, (void)pub_len;
    if (!priv)
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_key", "a stored secret is missing");
    return from_secret(key, priv, priv_len, err);
}

static enum ja_status to_stored(const struct ja_key *key, unsigned char **ret_pub, size_t *ret_pub_len,
                                struct ja_secret *ret_priv, struct ja_error *err)
{
    enum ja_status st = ja_secret_from(ret_priv, key->secret.data, key->secret.len, err);

    if (st == JA_OK) {
        *ret_pub = NULL;
        *ret_pub_len = 0;
    }
    return st;
}

/* RFC 7638 section 3.2: for a symmetric key the members are k and kty; never given out as public
 * (jwk_export.c). The thumbprint of 256 random bits tells nothing of them. */
static enum ja_status to_jwk(const struct ja_key *key, bool private_too, json_t **ret,
                             struct ja_error *err)
{
    json_t *jwk = json_pack("{s:s}", "kty", "oct");
    enum ja_status st = jwk ? ja_jwk_set_bytes(jwk, "k", key->secret.data, key->secret.len, err)
                            : ja_fail_nomem(err);

    (void)private_too;
    if (st == JA_OK)
        *ret = jwk;
    else
        json_decref(jwk);
    return st;
}

static enum ja_status key_mac(struct ja_key *key, struct ja_error *err)
{
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac);
    /* kept only when it is keyed: a MAC without its key would be anybody's */
    if (!ctx || EVP_MAC_init(ctx, key->secret.data, key->secret.len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return ja_fail_openssl(err, "HMAC");
    }
    key->mac = ctx;
    return JA_OK;
}

static enum ja_status compute(struct ja_key *key, const void *data, size_t len,
                              unsigned char out[MAC], struct ja_error *err)
{
    size_t out_len = 0;
    enum ja_status st = key->mac ? JA_OK : key_mac(key, err);

    if (st != JA_OK)
        return st;
    if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(key->mac, data, len) != 1 ||
        EVP_MAC_final(key->mac, out, &out_len, MAC) != 1 || out_len != MAC)
        return ja_fail_openssl(err, "HMAC");
    return JA_OK;
}

static enum ja_status sign(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err)
{
    enum ja_status st = compute(key, data, len, sig, err);

    if (st == JA_OK)
        *ret_len = MAC;
    return st;
}

static enum ja_status verify(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err)
{
    unsigned char mac[MAC];
    enum ja_status st = compute(key, data, len, mac, err);

    if (st == JA_OK && (sig_len != MAC || sodium_memcmp(mac, sig, MAC) != 0))
        st = ja_fail(err, JA_ERR_DENIED, "bad_signature", "the signature does not fit");
    sodium_memzero(mac, sizeof mac); /* the right signature of a forged token */
    return st;
}

const struct ja_key_ops ja_key_hs256 = {
    .alg = JA_ALG_HS256, .kty = "oct", .crv = NULL,
    .generate = generate, .from_jwk = from_jwk, .from_pkey = NULL, .from_stored = from_stored,
    .to_stored = to_stored, .to_jwk = to_jwk, .sign = sign, .verify = verify,
};
