/* RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3). */
#include "common/domain/jwk_impl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* RFC 7518 section 6.3: JWK member and OpenSSL's name, public ones first. */
static const struct {
    const char *member, *param;
} numbers[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};
#define PUBLIC_NUMBERS 2
#define ALL_NUMBERS (sizeof numbers / sizeof *numbers)

static enum ja_status unfit(struct ja_error *err, const char *why)
{
    ERR_clear_error();
    return ja_fail(err, JA_ERR_INVALID, "invalid_key", "RS256 takes an RSA key %s", why);
}

/* SECURITY R13: 2048 to 4096 bits, e odd and at least 65537. */
static enum ja_status check_size(const EVP_PKEY *pkey, struct ja_error *err)
{
    int bits = EVP_PKEY_get_bits(pkey);
    BIGNUM *e = NULL;
    int fit;

    if (EVP_PKEY_is_a(pkey, "RSA") != 1 || bits < JA_RSA_BITS_MIN || bits > JA_RSA_BITS_MAX)
        return unfit(err, "of 2048 to 4096 bits");
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return ja_fail_openssl(err, "reading a key");
    fit = BN_is_odd(e) && BN_num_bits(e) >= 17 && BN_num_bits(e) <= 64;
    BN_free(e);
    return fit ? JA_OK : unfit(err, "with an odd public exponent of at least 65537");
}

static enum ja_status check_pair(EVP_PKEY *pkey, struct ja_error *err)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int ok = ctx && EVP_PKEY_pairwise_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok ? JA_OK : unfit(err, "whose private and public parts belong together");
}

static enum ja_status generate(struct ja_key *key, struct ja_error *err)
{
    key->pkey = EVP_RSA_gen(JA_RSA_BITS_NEW);
    key->has_private = key->pkey != NULL;
    return key->pkey ? JA_OK : ja_fail_openssl(err, "making a key");
}

/* Big-endian bytes, borrowed. */
struct number { const unsigned char *bytes; size_t len; };

static enum ja_status push_number(OSSL_PARAM_BLD *bld, size_t i, const struct number *number,
                                  BIGNUM **ret, struct ja_error *err)
{
    if (!(*ret = BN_secure_new())) /* wiped where it is copied to as well */
        return ja_fail_nomem(err);
    if (!BN_bin2bn(number->bytes, (int)number->len, *ret) ||
        OSSL_PARAM_BLD_push_BN(bld, numbers[i].param, *ret) != 1)
        return ja_fail_openssl(err, "reading a key");
    return JA_OK;
}

static enum ja_status build(const struct number *parts, size_t count, EVP_PKEY **ret,
                            struct ja_error *err)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *bns[ALL_NUMBERS] = {0};
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    enum ja_status st = bld && ctx ? JA_OK : ja_fail_openssl(err, "reading a key");

    for (size_t i = 0; st == JA_OK && i < count; i++)
        st = push_number(bld, i, &parts[i], &bns[i], err);
    if (st == JA_OK && !(params = OSSL_PARAM_BLD_to_param(bld)))
        st = ja_fail_openssl(err, "reading a key");
    if (st == JA_OK && (EVP_PKEY_fromdata_init(ctx) != 1 ||
                        EVP_PKEY_fromdata(ctx, &pkey, count == ALL_NUMBERS ? EVP_PKEY_KEYPAIR
                                                                           : EVP_PKEY_PUBLIC_KEY,
                                          params) != 1))
        st = unfit(err, "whose numbers fit together");
    for (size_t i = 0; i < count; i++)
        BN_clear_free(bns[i]);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    if (st == JA_OK)
        *ret = pkey;
    return st;
}

static enum ja_status from_members(const json_t *jwk, bool private_too, EVP_PKEY **ret,
                                   struct ja_error *err)
{
    size_t count = private_too ? ALL_NUMBERS : PUBLIC_NUMBERS;
    struct ja_secret secrets[ALL_NUMBERS] = {{0}};
    struct number parts[ALL_NUMBERS];
    enum ja_status st = JA_OK;

    for (size_t i = 0; st == JA_OK && i < count; i++) {
        st = ja_jwk_bytes(jwk, numbers[i].member, &secrets[i], err);
        parts[i] = (struct number){secrets[i].data, secrets[i].len};
    }
    if (st == JA_OK)
        st = build(parts, count, ret, err);
    for (size_t i = 0; i < count; i++)
        ja_secret_clear(&secrets[i]);
    return st;
}

static enum ja_status from_jwk(struct ja_key *key, const json_t *jwk, struct ja_error *err)
{
    bool private_too = json_object_get(jwk, "d") != NULL;
    enum ja_status st = JA_OK;

    if (json_object_get(jwk, "oth"))
        return unfit(err, "of two primes");
    st = from_members(jwk, private_too, &key->pkey, err);
    if (st == JA_OK)
        st = check_size(key->pkey, err);
    if (st == JA_OK && private_too)
        st = check_pair(key->pkey, err);
    key->has_private = private_too;
    return st;
}

static enum ja_status from_pkey(struct ja_key *key, EVP_PKEY *pkey, struct ja_error *err)
{
    BIGNUM *d = NULL;
    enum ja_status st = check_size(pkey, err);

    if (st != JA_OK)
        return st;
    key->has_private = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &d) == 1;
    BN_clear_free(d);
    ERR_clear_error();
    if (key->has_private)
        st = check_pair(pkey, err);
    if (st == JA_OK && EVP_PKEY_up_ref(pkey) != 1)
        return ja_fail_openssl(err, "keeping a key");
    if (st == JA_OK)
        key->pkey = pkey;
    return st;
}

/* RFC 8017 A.1.2: version 0, then the numbers in the order above. A.1.1: n and e alone. */
static enum ja_status from_pkcs1(const void *der, size_t len, bool private_too, EVP_PKEY **ret,
                                 struct ja_error *err)
{
    size_t count = private_too ? ALL_NUMBERS : PUBLIC_NUMBERS;
    struct ja_der all = {0}, part = {0};
    struct number parts[ALL_NUMBERS];
    bool fits = ja_der_enter((struct ja_der){der, len}, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &all);

    if (fits && private_too)
        fits = ja_der_next(&all, V_ASN1_INTEGER, V_ASN1_UNIVERSAL, &part) && part.left == 1 &&
               part.at[0] == 0;
    for (size_t i = 0; fits && i < count; i++) {
        fits = ja_der_next(&all, V_ASN1_INTEGER, V_ASN1_UNIVERSAL, &part) && part.left <= JA_SIG_MAX + 1;
        parts[i] = (struct number){part.at, part.left};
    }
    if (!fits || all.left != 0 || build(parts, count, ret, NULL) != JA_OK)
        return ja_key_damaged(err);
    return JA_OK;
}

static enum ja_status from_stored(struct ja_key *key, const void *pub, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_error *err)
{
    enum ja_status st = from_pkcs1(priv ? priv : pub, priv ? priv_len : pub_len, priv != NULL,
                                   &key->pkey, err);

    key->has_private = priv != NULL;
    return st == JA_OK ? check_size(key->pkey, err) : st;
}

static enum ja_status to_stored(const struct ja_key *key, unsigned char **ret_pub, size_t *ret_pub_len,
                                struct ja_secret *ret_priv, struct ja_error *err)
{
    unsigned char *der = NULL, *pub;
    int len = i2d_PublicKey(key->pkey, &der);
    enum ja_status st;

    if (len <= 0)
        return ja_fail_openssl(err, "writing a key");
    pub = malloc((size_t)len); /* the caller frees with free() */
    if (pub)
        memcpy(pub, der, (size_t)len);
    OPENSSL_free(der);
    st = pub ? ja_pkey_private_der(key->pkey, ret_priv, err) : ja_fail_nomem(err);
    if (st != JA_OK) {
        free(pub);
        return st;
    }
    *ret_pub = pub;
    *ret_pub_len = (size_t)len;
    return JA_OK;
}

static enum ja_status to_jwk(const struct ja_key *key, bool private_too, json_t **ret,
                             struct ja_error *err)
{
    size_t count = private_too ? ALL_NUMBERS : PUBLIC_NUMBERS;
    json_t *jwk = json_pack("{s:s}", "kty", "RSA");
    enum ja_status st = jwk ? JA_OK : ja_fail_nomem(err);

    for (size_t i = 0; st == JA_OK && i < count; i++)
        st = ja_jwk_set_bn(jwk, numbers[i].member, key->pkey, numbers[i].param, 0, err);
    if (st == JA_OK)
        *ret = jwk;
    else
        json_decref(jwk);
    return st;
}

/* 1: done. */
static int set_up(EVP_PKEY_CTX *ctx, const struct ja_key *key)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, key->sha256) == 1;
}

static enum ja_status sign(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err)
{
    unsigned char hash[32];
    size_t sig_len = JA_SIG_MAX;
    enum ja_status st = ja_key_sha256(key, data, len, hash, err);

    if (st == JA_OK)
        st = ja_key_operation(key, &key->sign_ctx, EVP_PKEY_sign_init, set_up, err);
    if (st != JA_OK)
        return st;
    if (EVP_PKEY_sign(key->sign_ctx, sig, &sig_len, hash, sizeof hash) != 1)
        return ja_fail_openssl(err, "signing");
    *ret_len = sig_len;
    return JA_OK;
}

static enum ja_status verify(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err)
{
    unsigned char hash[32];
    enum ja_status st = ja_key_sha256(key, data, len, hash, err);

    if (st == JA_OK)
        st = ja_key_operation(key, &key->verify_ctx, EVP_PKEY_verify_init, set_up, err);
    if (st != JA_OK)
        return st;
    if (EVP_PKEY_verify(key->verify_ctx, sig, sig_len, hash, sizeof hash) != 1)
        return ja_fail_signature(err);
    return JA_OK;
}

const struct ja_key_ops ja_key_rs256 = {
    .alg = JA_ALG_RS256, .kty = "RSA", .crv = NULL,
    .generate = generate, .from_jwk = from_jwk, .from_pkey = from_pkey, .from_stored = from_stored,
    .to_stored = to_stored, .to_jwk = to_jwk, .sign = sign, .verify = verify,
};
