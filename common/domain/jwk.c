#include "common/domain/jwk_impl.h"

#include "common/base/text.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const struct ja_key_ops *const all_ops[] = {&ja_key_es256, &ja_key_eddsa, &ja_key_rs256,
                                                   &ja_key_hs256};

const struct ja_key_ops *ja_key_ops_of(enum ja_alg alg)
{
    for (size_t i = 0; i < sizeof all_ops / sizeof *all_ops; i++)
        if (all_ops[i]->alg == alg)
            return all_ops[i];
    return NULL;
}

void ja_openssl_init(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

enum ja_status ja_fail_openssl(struct ja_error *err, const char *what)
{
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        return ja_fail_nomem(err);
    return ja_fail(err, JA_ERR_CRYPTO, "crypto_failed", "%s failed", what);
}

enum ja_status ja_fail_signature(struct ja_error *err)
{
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        return ja_fail_nomem(err);
    return ja_fail(err, JA_ERR_DENIED, "bad_signature", "the signature does not fit");
}

enum ja_status ja_key_operation(struct ja_key *key, EVP_PKEY_CTX **ctx, int (*init)(EVP_PKEY_CTX *),
                                int (*set_up)(EVP_PKEY_CTX *, const struct ja_key *),
                                struct ja_error *err)
{
    EVP_PKEY_CTX *fresh;

    if (*ctx)
        return JA_OK;
    fresh = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (!fresh || init(fresh) != 1 || (set_up && set_up(fresh, key) != 1)) {
        EVP_PKEY_CTX_free(fresh);
        return ja_fail_openssl(err, "setting a key up");
    }
    *ctx = fresh;
    return JA_OK;
}

bool ja_kid_valid(const char *kid)
{
    size_t n = strspn(kid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    return n >= 1 && n <= 64 && kid[n] == 0;
}

enum ja_status ja_key_new(enum ja_alg alg, struct ja_key **ret, struct ja_error *err)
{
    const struct ja_key_ops *ops = ja_key_ops_of(alg);
    struct ja_key *key;

    if (!ops)
        return ja_fail(err, JA_ERR_INVALID, "unsupported_alg",
                       "the algorithm is none of ES256, EdDSA, RS256, HS256");
    ja_openssl_init();
    key = calloc(1, sizeof *key);
    if (!key)
        return ja_fail_nomem(err);
    key->ops = ops;
    *ret = key;
    return JA_OK;
}

enum ja_status ja_key_finish(struct ja_key *key, struct ja_error *err)
{
    return key->kid[0] ? JA_OK : ja_key_thumbprint(key, key->kid, err);
}

void ja_key_free(struct ja_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->sign_ctx);
    EVP_PKEY_CTX_free(key->verify_ctx);
    EVP_PKEY_free(key->pkey);
    EVP_MD_free(key->sha256);
    EVP_MAC_CTX_free(key->mac);
    ja_secret_clear(&key->secret);
    free(key);
}

static enum ja_status finish_or_free(struct ja_key *key, enum ja_status st, struct ja_key **ret,
                                     struct ja_error *err)
{
    if (st == JA_OK)
        st = ja_key_finish(key, err);
    if (st != JA_OK) {
        ja_key_free(key);
        return st;
    }
    *ret = key;
    return JA_OK;
}

enum ja_status ja_key_generate(enum ja_alg alg, struct ja_key **ret, struct ja_error *err)
{
    struct ja_key *key = NULL;
    enum ja_status st = JA_OK;

    /* A kid is an argument of commands: one with a hyphen in front, as every 64th has, would be taken for an option. */
    do {
        ja_key_free(key);
        key = NULL;
        st = ja_key_new(alg, &key, err);
        if (st == JA_OK)
            st = finish_or_free(key, key->ops->generate(key, err), &key, err);
    } while (st == JA_OK && key->kid[0] == '-');
    if (st == JA_OK)
        *ret = key;
    return st;
}

enum ja_status ja_key_from_stored(enum ja_alg alg, const void *pub_der, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_key **ret,
                                  struct ja_error *err)
{
    struct ja_key *key = NULL;
    enum ja_status st = ja_key_new(alg, &key, err);

    if (st != JA_OK)
        return st;
    st = key->ops->from_stored(key, pub_der, pub_len, priv, priv_len, err);
    return finish_or_free(key, st, ret, err);
}

enum ja_status ja_key_to_stored(const struct ja_key *key, unsigned char **ret_pub,
                                size_t *ret_pub_len, struct ja_secret *ret_priv, struct ja_error *err)
{
    if (!key->has_private)
        return ja_fail(err, JA_ERR_INVALID, "no_private_key", "the key has no private part");
    return key->ops->to_stored(key, ret_pub, ret_pub_len, ret_priv, err);
}

enum ja_alg ja_key_alg(const struct ja_key *key)
{
    return key->ops->alg;
}

bool ja_key_has_private(const struct ja_key *key)
{
    return key->has_private;
}

const char *ja_key_kid(const struct ja_key *key)
{
    return key->kid;
}

/* RFC 7638 section 3: the required members, in lexicographic order, without blanks. */
enum ja_status ja_key_thumbprint(const struct ja_key *key, char ret[JA_KID_LEN + 1],
                                 struct ja_error *err)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    json_t *jwk = NULL;
    char *text;
    enum ja_status st = key->ops->to_jwk(key, false, &jwk, err);

    if (st != JA_OK)
        return st;
    text = json_dumps(jwk, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(jwk);
    if (!text)
        return ja_fail_nomem(err);
    (void)crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    ja_wipe_free(text); /* an HMAC key's thumbprint is over its secret */
    ja_b64_encode(hash, sizeof hash, ret, JA_KID_LEN + 1);
    return JA_OK;
}

enum ja_status ja_key_sha256(struct ja_key *key, const void *data, size_t len,
                             unsigned char hash[32], struct ja_error *err)
{
    if (!key->sha256)
        key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!key->sha256 || EVP_Digest(data, len, hash, NULL, key->sha256, NULL) != 1)
        return ja_fail_openssl(err, "SHA-256");
    return JA_OK;
}

enum ja_status ja_key_sign(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err)
{
    if (!key->has_private)
        return ja_fail(err, JA_ERR_INVALID, "no_private_key", "the key cannot sign: no private part");
    return key->ops->sign(key, data, len, sig, ret_len, err);
}

enum ja_status ja_key_verify(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err)
{
    return key->ops->verify(key, data, len, sig, sig_len, err);
}

/* ---- what the algorithms share ---- */

static enum ja_status bad_member(struct ja_error *err, const char *name)
{
    return ja_fail(err, JA_ERR_INVALID, "invalid_key", "the JWK's member \"%s\" is missing or malformed",
                   name);
}

enum ja_status ja_jwk_bytes(const json_t *jwk, const char *name, struct ja_secret *ret,
                            struct ja_error *err)
{
    const json_t *member = json_object_get(jwk, name);
    const char *text = json_string_value(member);
    struct ja_secret s = {0};
    enum ja_status st;

    if (!text || json_string_length(member) == 0 || json_string_length(member) > 1024)
        return bad_member(err, name);
    st = ja_secret_init(&s, json_string_length(member), err);
    if (st == JA_OK && !ja_b64_decode(text, json_string_length(member), s.data, s.cap, &s.len))
        st = bad_member(err, name);
    if (st != JA_OK)
        ja_secret_clear(&s);
    else
        *ret = s;
    return st;
}

enum ja_status ja_jwk_set_bytes(json_t *jwk, const char *name, const void *bytes, size_t len,
                                struct ja_error *err)
{
    char text[JA_B64_SIZE(JA_SIG_MAX)];
    json_t *value;

    if (len > JA_SIG_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_key", "the key is too long");
    ja_b64_encode(bytes, len, text, sizeof text);
    value = json_string(text);
    sodium_memzero(text, sizeof text);
    return value && json_object_set_new(jwk, name, value) == 0 ? JA_OK : ja_fail_nomem(err);
}

enum ja_status ja_jwk_set_bn(json_t *jwk, const char *name, const EVP_PKEY *pkey, const char *param,
                             size_t width, struct ja_error *err)
{
    unsigned char bytes[JA_SIG_MAX];
    BIGNUM *bn = NULL;
    enum ja_status st;
    int len;

    if (EVP_PKEY_get_bn_param(pkey, param, &bn) != 1)
        return ja_fail_openssl(err, "reading a key");
    len = width ? (int)width : BN_num_bytes(bn);
    if (len > (int)sizeof bytes || BN_bn2binpad(bn, bytes, len) != len)
        st = ja_fail_openssl(err, "reading a key");
    else
        st = ja_jwk_set_bytes(jwk, name, bytes, (size_t)len, err);
    BN_clear_free(bn);
    sodium_memzero(bytes, sizeof bytes);
    return st;
}

enum ja_status ja_pkey_private_der(const EVP_PKEY *pkey, struct ja_secret *ret, struct ja_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(pkey, &der);
    enum ja_status st;

    if (len <= 0)
        return ja_fail_openssl(err, "writing a private key");
    st = ja_secret_from(ret, der, (size_t)len, err);
    OPENSSL_clear_free(der, (size_t)len);
    return st;
}

enum ja_status ja_key_damaged(struct ja_error *err)
{
    ERR_clear_error();
    return ja_fail(err, JA_ERR_CORRUPT, "corrupt_key", "a stored key is damaged");
}

bool ja_der_next(struct ja_der *der, int tag, int class, struct ja_der *ret)
{
    const unsigned char *p = der->at;
    long len = 0;
    int have_tag = 0, have_class = 0, flags, want;

    if (der->left == 0 || der->left > LONG_MAX)
        return false;
    flags = ASN1_get_object(&p, &len, &have_tag, &have_class, (long)der->left);
    /* Other bits are set for an error (0x80) and for an indefinite length (1). */
    want = tag == V_ASN1_SEQUENCE || class == V_ASN1_CONTEXT_SPECIFIC ? V_ASN1_CONSTRUCTED : 0;
    if (flags != want || len < 0 || have_tag != tag || have_class != class)
        return false;
    *ret = (struct ja_der){p, (size_t)len};
    der->left -= (size_t)(p - der->at) + (size_t)len;
    der->at = p + len;
    return true;
}

bool ja_der_enter(struct ja_der outer, int tag, int class, struct ja_der *ret)
{
    return ja_der_next(&outer, tag, class, ret) && outer.left == 0;
}
