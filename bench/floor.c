#include "bench/floor.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define B64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const char *const names[] = {"ES256", "EdDSA", "RS256", "HS256"};

static size_t bytes_of(const json_t *jwk, const char *name, unsigned char *out, size_t size)
{
    const json_t *member = json_object_get(jwk, name);
    size_t len = 0;

    if (!member || sodium_base642bin(out, size, json_string_value(member), json_string_length(member),
                                     NULL, &len, NULL, B64) != 0)
        return 0;
    return len;
}

static void push(OSSL_PARAM_BLD *bld, const json_t *jwk, const char *name, const char *param, BIGNUM **bn)
{
    unsigned char bytes[512];
    size_t len = bytes_of(jwk, name, bytes, sizeof bytes);

    *bn = len ? BN_bin2bn(bytes, (int)len, NULL) : NULL;
    if (*bn)
        (void)OSSL_PARAM_BLD_push_BN(bld, param, *bn);
}

static EVP_PKEY *from_params(OSSL_PARAM_BLD *bld, const char *type, int selection)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static EVP_PKEY *rsa_of(const json_t *jwk)
{
    static const char *const members[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
    static const char *const params[] = {
        OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    BIGNUM *bns[8];
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey;

    for (int i = 0; i < 8; i++)
        push(bld, jwk, members[i], params[i], &bns[i]);
    pkey = from_params(bld, "RSA", bns[2] ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
    for (int i = 0; i < 8; i++)
        BN_clear_free(bns[i]);
    return pkey;
}

static EVP_PKEY *ec_of(const json_t *jwk)
{
    unsigned char point[65] = {POINT_CONVERSION_UNCOMPRESSED};
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *d = NULL;
    EVP_PKEY *pkey;

    if (bytes_of(jwk, "x", point + 1, 32) != 32 || bytes_of(jwk, "y", point + 33, 32) != 32)
        return NULL;
    (void)OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    (void)OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
    push(bld, jwk, "d", OSSL_PKEY_PARAM_PRIV_KEY, &d);
    pkey = from_params(bld, "EC", d ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
    BN_clear_free(d);
    return pkey;
}

static bool load_hmac(struct floor_key *key, const json_t *jwk)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    key->secret_len = bytes_of(jwk, "k", key->secret, sizeof key->secret);
    key->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    return key->secret_len && key->mac &&
           EVP_MAC_init(key->mac, key->secret, key->secret_len, params) == 1;
}

static EVP_PKEY_CTX *ready(struct floor_key *key, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

    if (!ctx || init(ctx) != 1)
        return NULL;
    if (key->alg == FLOOR_RS256 && (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
                                    EVP_PKEY_CTX_set_signature_md(ctx, key->sha256) != 1))
        return NULL;
    return ctx;
}

bool floor_load(struct floor_key *key, const json_t *jwk)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    unsigned char seed[32];

    *key = (struct floor_key){.alg = FLOOR_ES256};
    if (!kty)
        return false;
    if (strcmp(kty, "oct") == 0) {
        key->alg = FLOOR_HS256;
        return load_hmac(key, jwk);
    }
    if (strcmp(kty, "OKP") == 0) {
        key->alg = FLOOR_EDDSA;
        if (bytes_of(jwk, "d", seed, sizeof seed) == sizeof seed)
            return crypto_sign_seed_keypair(key->ed_public, key->ed_secret, seed) == 0;
        return bytes_of(jwk, "x", key->ed_public, 32) == 32;
    }
    key->alg = strcmp(kty, "RSA") == 0 ? FLOOR_RS256 : FLOOR_ES256;
    key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    key->pkey = key->alg == FLOOR_RS256 ? rsa_of(jwk) : ec_of(jwk);
    if (!key->pkey || !(key->verify = ready(key, EVP_PKEY_verify_init)))
        return false;
    return !json_object_get(jwk, "d") || (key->sign = ready(key, EVP_PKEY_sign_init));
}

static bool es256_fits(struct floor_key *key, const unsigned char *sig, const unsigned char *hash)
{
    ECDSA_SIG *s = ECDSA_SIG_new();
    unsigned char der[80], *p = der;
    int len;

    (void)ECDSA_SIG_set0(s, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
    len = i2d_ECDSA_SIG(s, &p);
    ECDSA_SIG_free(s);
    return len > 0 && EVP_PKEY_verify(key->verify, der, (size_t)len, hash, 32) == 1;
}

static bool signature_fits(struct floor_key *key, const char *text, size_t len, const unsigned char *sig,
                           size_t sig_len)
{
    unsigned char hash[32];
    size_t n = 0;

    switch (key->alg) {
    case FLOOR_HS256:
        return EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 &&
               EVP_MAC_update(key->mac, (const unsigned char *)text, len) == 1 &&
               EVP_MAC_final(key->mac, hash, &n, sizeof hash) == 1 && sig_len == n &&
               sodium_memcmp(hash, sig, n) == 0;
    case FLOOR_EDDSA:
        return sig_len == 64 && crypto_sign_verify_detached(sig, (const unsigned char *)text, len,
                                                            key->ed_public) == 0;
    case FLOOR_ES256:
    case FLOOR_RS256:
        break;
    }
    if (EVP_Digest(text, len, hash, NULL, key->sha256, NULL) != 1)
        return false;
    if (key->alg == FLOOR_ES256)
        return sig_len == 64 && es256_fits(key, sig, hash);
    return EVP_PKEY_verify(key->verify, sig, sig_len, hash, sizeof hash) == 1;
}

static json_t *part(const char *text, size_t len)
{
    char json[8192];
    size_t json_len = 0;

    if (sodium_base642bin((unsigned char *)json, sizeof json, text, len, NULL, &json_len, NULL, B64) != 0)
        return NULL;
    return json_loadb(json, json_len, JSON_REJECT_DUPLICATES, NULL);
}

static bool text_is(const json_t *claims, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(claims, name));

    return text && strcmp(text, wanted) == 0;
}

bool floor_verify(struct floor_key *key, const char *token, size_t len, const char *iss, const char *aud,
                  time_t now, json_t **ret)
{
    const char *end = token + len, *first = memchr(token, '.', len),
               *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    unsigned char sig[512];
    size_t sig_len = 0;
    json_t *header, *claims = NULL;
    bool good;

    if (!second || sodium_base642bin(sig, sizeof sig, second + 1, (size_t)(end - second - 1), NULL,
                                     &sig_len, NULL, B64) != 0)
        return false;
    header = part(token, (size_t)(first - token));
    good = text_is(header, "alg", names[key->alg]) &&
           signature_fits(key, token, (size_t)(second - token), sig, sig_len);
    json_decref(header);
    if (good)
        claims = part(first + 1, (size_t)(second - first - 1));
    good = claims && text_is(claims, "iss", iss) && text_is(claims, "aud", aud) &&
           json_integer_value(json_object_get(claims, "exp")) > now;
    if (good)
        *ret = claims;
    else
        json_decref(claims);
    return good;
}

static size_t es256_sign(struct floor_key *key, const unsigned char *hash, unsigned char *sig)
{
    unsigned char der[80];
    const unsigned char *p = der;
    size_t len = sizeof der;
    ECDSA_SIG *s;

    if (EVP_PKEY_sign(key->sign, der, &len, hash, 32) != 1)
        return 0;
    s = d2i_ECDSA_SIG(NULL, &p, (long)len);
    (void)BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32);
    (void)BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32);
    ECDSA_SIG_free(s);
    return 64;
}

static size_t signature(struct floor_key *key, const char *text, size_t len, unsigned char sig[512])
{
    unsigned char hash[32];
    size_t n = 512;

    switch (key->alg) {
    case FLOOR_HS256:
        (void)EVP_MAC_init(key->mac, NULL, 0, NULL);
        (void)EVP_MAC_update(key->mac, (const unsigned char *)text, len);
        return EVP_MAC_final(key->mac, sig, &n, 512) == 1 ? n : 0;
    case FLOOR_EDDSA:
        return crypto_sign_detached(sig, NULL, (const unsigned char *)text, len, key->ed_secret) == 0 ? 64 : 0;
    case FLOOR_ES256:
    case FLOOR_RS256:
        break;
    }
    (void)EVP_Digest(text, len, hash, NULL, key->sha256, NULL);
    if (key->alg == FLOOR_ES256)
        return es256_sign(key, hash, sig);
    return EVP_PKEY_sign(key->sign, sig, &n, hash, sizeof hash) == 1 ? n : 0;
}

char *floor_sign(struct floor_key *key, const char *kid, const json_t *claims)
{
    json_t *header = json_pack("{s:s,s:s,s:s}", "alg", names[key->alg], "kid", kid, "typ", "at+jwt");
    char *h = json_dumps(header, JSON_COMPACT), *c = json_dumps(claims, JSON_COMPACT);
    size_t size = sodium_base64_encoded_len(strlen(h), B64) + sodium_base64_encoded_len(strlen(c), B64) + 700;
    char *token = malloc(size), *p = token;
    unsigned char sig[512];
    size_t sig_len;

    (void)sodium_bin2base64(p, size, (const unsigned char *)h, strlen(h), B64);
    p += strlen(p);
    *p++ = '.';
    (void)sodium_bin2base64(p, size - (size_t)(p - token), (const unsigned char *)c, strlen(c), B64);
    p += strlen(p);
    sig_len = signature(key, token, (size_t)(p - token), sig);
    *p++ = '.';
    (void)sodium_bin2base64(p, size - (size_t)(p - token), sig, sig_len, B64);
    free(h);
    free(c);
    json_decref(header);
    if (sig_len)
        return token;
    free(token);
    return NULL;
}
