/* ES256: ECDSA over P-256 with SHA-256 (RFC 7518 section 3.4); the signature is r || s. */
#include "common/domain/jwk_impl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define COORD 32
#define POINT (1 + 2 * COORD)

static enum ja_status not_p256(struct ja_error *err)
{
    ERR_clear_error();
    return ja_fail(err, JA_ERR_INVALID, "invalid_key", "ES256 takes a key on the curve P-256");
}

static enum ja_status generate(struct ja_key *key, struct ja_error *err)
{
    key->pkey = EVP_EC_gen("P-256");
    key->has_private = key->pkey != NULL;
    return key->pkey ? JA_OK : ja_fail_openssl(err, "making a key");
}

/* From an uncompressed point and, when there is one, the private number. */
static enum ja_status build(const unsigned char point[POINT], const void *d, size_t d_len,
                            EVP_PKEY **ret, struct ja_error *err)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    BIGNUM *priv = d ? BN_secure_new() : NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    int ok = bld && ctx && (!d || (priv && BN_bin2bn(d, (int)d_len, priv))) &&
             OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, POINT) == 1 &&
             (!priv || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, priv) == 1);

    if (ok)
        params = OSSL_PARAM_BLD_to_param(bld);
    ok = params && EVP_PKEY_fromdata_init(ctx) == 1 &&
         EVP_PKEY_fromdata(ctx, &pkey, priv ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) == 1;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(priv);
    if (!ok)
        return not_p256(err);
    *ret = pkey;
    return JA_OK;
}

/* On the curve, and the private number fits the point. */
static enum ja_status check(EVP_PKEY *pkey, bool private_too, struct ja_error *err)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int ok = ctx && EVP_PKEY_public_check(ctx) == 1 &&
             (!private_too || EVP_PKEY_pairwise_check(ctx) == 1);

    EVP_PKEY_CTX_free(ctx);
    return ok ? JA_OK : not_p256(err);
}

static enum ja_status read_point(const json_t *jwk, unsigned char point[POINT], struct ja_error *err)
{
    static const char *const names[] = {"x", "y"};
    enum ja_status st = JA_OK;

    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    for (int i = 0; st == JA_OK && i < 2; i++) {
        struct ja_secret coord = {0};

        st = ja_jwk_bytes(jwk, names[i], &coord, err);
        if (st == JA_OK && coord.len != COORD)
            st = not_p256(err);
        if (st == JA_OK)
            memcpy(point + 1 + i * COORD, coord.data, COORD);
        ja_secret_clear(&coord);
    }
    return st;
}

static enum ja_status from_jwk(struct ja_key *key, const json_t *jwk, struct ja_error *err)
{
    unsigned char point[POINT];
    struct ja_secret d = {0};
    bool private_too = json_object_get(jwk, "d") != NULL;
    enum ja_status st = read_point(jwk, point, err);

    if (st == JA_OK && private_too)
        st = ja_jwk_bytes(jwk, "d", &d, err);
    if (st == JA_OK && private_too && d.len != COORD)
        st = not_p256(err);
    if (st == JA_OK)
        st = build(point, d.data, d.len, &key->pkey, err);
    if (st == JA_OK)
        st = check(key->pkey, private_too, err);
    ja_secret_clear(&d);
    key->has_private = private_too;
    return st;
}

static bool is_p256(EVP_PKEY *pkey)
{
    char group[32] = "";
    size_t len = 0;

    return EVP_PKEY_is_a(pkey, "EC") == 1 &&
           EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                          &len) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static enum ja_status from_pkey(struct ja_key *key, EVP_PKEY *pkey, struct ja_error *err)
{
    BIGNUM *d = NULL;
    enum ja_status st;

    /* a file may hold the point compressed */
    if (!is_p256(pkey) || EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                                         "uncompressed") != 1)
        return not_p256(err);
    key->has_private = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1;
    BN_clear_free(d);
    ERR_clear_error();
    st = check(pkey, key->has_private, err);
    if (st == JA_OK && EVP_PKEY_up_ref(pkey) != 1)
        return ja_fail_openssl(err, "keeping a key");
    if (st == JA_OK)
        key->pkey = pkey;
    return st;
}

/* RFC 5915: version 1, d, [0] curve, [1] point. */
static enum ja_status from_sec1(const void *der, size_t len, EVP_PKEY **ret, struct ja_error *err)
{
    struct ja_der all = {0}, part = {0}, d = {0}, point = {0};
    bool fits = ja_der_enter((struct ja_der){der, len}, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &all) &&
                ja_der_next(&all, V_ASN1_INTEGER, V_ASN1_UNIVERSAL, &part) && part.left == 1 &&
                part.at[0] == 1 &&
                ja_der_next(&all, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, &d) && d.left == COORD &&
                ja_der_next(&all, 0, V_ASN1_CONTEXT_SPECIFIC, &part) &&
                ja_der_next(&all, 1, V_ASN1_CONTEXT_SPECIFIC, &part) && all.left == 0 &&
                ja_der_enter(part, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL, &point) &&
                point.left == 1 + POINT && point.at[0] == 0; /* no unused bits */

    if (!fits || build(point.at + 1, d.at, d.left, ret, NULL) != JA_OK)
        return ja_key_damaged(err);
    return JA_OK;
}

static enum ja_status from_stored(struct ja_key *key, const void *pub, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_error *err)
{
    key->has_private = priv != NULL;
    if (priv)
        return from_sec1(priv, priv_len, &key->pkey, err);
    if (pub_len != POINT)
        return ja_key_damaged(err);
    return build(pub, NULL, 0, &key->pkey, err);
}

static enum ja_status get_point(const struct ja_key *key, unsigned char point[POINT],
                                struct ja_error *err)
{
    size_t len = 0;

    if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, NULL, 0, &len) != 1)
        return ja_fail_openssl(err, "reading a key");
    if (len != POINT || EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, POINT,
                                                        &len) != 1 ||
        point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return ja_fail_openssl(err, "reading a key");
    return JA_OK;
}

static enum ja_status to_stored(const struct ja_key *key, unsigned char **ret_pub, size_t *ret_pub_len,
                                struct ja_secret *ret_priv, struct ja_error *err)
{
    unsigned char *pub = malloc(POINT);
    enum ja_status st = pub ? get_point(key, pub, err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = ja_pkey_private_der(key->pkey, ret_priv, err);
    if (st != JA_OK) {
        free(pub);
        return st;
    }
    *ret_pub = pub;
    *ret_pub_len = POINT;
    return JA_OK;
}

static enum ja_status to_jwk(const struct ja_key *key, bool private_too, json_t **ret,
                             struct ja_error *err)
{
    unsigned char point[POINT];
    json_t *jwk = json_pack("{s:s,s:s}", "kty", "EC", "crv", "P-256");
    enum ja_status st = jwk ? get_point(key, point, err) : ja_fail_nomem(err);

    if (st == JA_OK)
        st = ja_jwk_set_bytes(jwk, "x", point + 1, COORD, err);
    if (st == JA_OK)
        st = ja_jwk_set_bytes(jwk, "y", point + 1 + COORD, COORD, err);
    if (st == JA_OK && private_too)
        st = ja_jwk_set_bn(jwk, "d", key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, COORD, err);
    if (st == JA_OK)
        *ret = jwk;
    else
        json_decref(jwk);
    return st;
}

static enum ja_status to_raw(const unsigned char *der, size_t len, unsigned char raw[2 * COORD],
                             struct ja_error *err)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    int ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, COORD) == COORD &&
             BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + COORD, COORD) == COORD;

    ECDSA_SIG_free(sig);
    return ok ? JA_OK : ja_fail_openssl(err, "signing");
}

static enum ja_status sign(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err)
{
    unsigned char hash[32], der[80];
    size_t der_len = sizeof der;
    enum ja_status st = ja_key_sha256(key, data, len, hash, err);

    if (st == JA_OK)
        st = ja_key_operation(key, &key->sign_ctx, EVP_PKEY_sign_init, NULL, err);
    if (st != JA_OK)
        return st;
    if (EVP_PKEY_sign(key->sign_ctx, der, &der_len, hash, sizeof hash) != 1)
        return ja_fail_openssl(err, "signing");
    st = to_raw(der, der_len, sig, err);
    if (st == JA_OK)
        *ret_len = 2 * COORD;
    return st;
}

static enum ja_status to_der(const unsigned char raw[2 * COORD], unsigned char der[80], int *ret_len,
                             struct ja_error *err)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, COORD, NULL), *s = BN_bin2bn(raw + COORD, COORD, NULL);
    unsigned char *p = der;

    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return ja_fail_openssl(err, "reading a signature");
    }
    *ret_len = i2d_ECDSA_SIG(sig, &p); /* at most 72 bytes for 32-byte numbers */
    ECDSA_SIG_free(sig);
    return *ret_len > 0 ? JA_OK : ja_fail_openssl(err, "reading a signature");
}

static enum ja_status verify(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err)
{
    unsigned char hash[32], der[80];
    int der_len = 0;
    enum ja_status st;

    if (sig_len != 2 * COORD)
        return ja_fail_signature(err);
    st = ja_key_sha256(key, data, len, hash, err);
    if (st == JA_OK)
        st = to_der(sig, der, &der_len, err);
    if (st == JA_OK)
        st = ja_key_operation(key, &key->verify_ctx, EVP_PKEY_verify_init, NULL, err);
    if (st != JA_OK)
        return st;
    /* r or s of 0, or not below n, is refused by OpenSSL (CVE-2022-21449) */
    if (EVP_PKEY_verify(key->verify_ctx, der, (size_t)der_len, hash, sizeof hash) != 1)
        return ja_fail_signature(err);
    return JA_OK;
}

const struct ja_key_ops ja_key_es256 = {
    .alg = JA_ALG_ES256, .kty = "EC", .crv = "P-256",
    .generate = generate, .from_jwk = from_jwk, .from_pkey = from_pkey, .from_stored = from_stored,
    .to_stored = to_stored, .to_jwk = to_jwk, .sign = sign, .verify = verify,
};
