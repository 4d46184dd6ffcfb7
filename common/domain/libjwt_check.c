/* The independent cross-check of a new key: libjwt (loaded late) must accept what we sign and refuse a
 * changed text.  libjwt decides nothing about logins or tokens (SECURITY F1-F8). EdDSA, which libjwt
 * 1.10 does not know, is checked by OpenSSL instead of libsodium. */
#include "common/base/dynload.h"
#include "common/base/text.h"
#include "common/domain/jwk_impl.h"
#include "common/domain/jws.h"
#include "common/domain/signing_key.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

static struct {
    __typeof__(jwt_decode) *decode;
    __typeof__(jwt_free) *free;
    __typeof__(jwt_get_alg) *get_alg;
    __typeof__(jwt_get_grant) *get_grant;
} libjwt;

static enum ja_status load(struct ja_error *err)
{
    static const struct ja_dl_symbol symbols[] = {
        {"jwt_decode", (void **)&libjwt.decode},
        {"jwt_free", (void **)&libjwt.free},
        {"jwt_get_alg", (void **)&libjwt.get_alg},
        {"jwt_get_grant", (void **)&libjwt.get_grant},
    };

    return ja_dl_load("libjwt.so.0", symbols, sizeof symbols / sizeof *symbols, err);
}

static jwt_alg_t libjwt_alg(enum ja_alg alg)
{
    switch (alg) {
    case JA_ALG_ES256: return JWT_ALG_ES256;
    case JA_ALG_RS256: return JWT_ALG_RS256;
    case JA_ALG_HS256: return JWT_ALG_HS256;
    case JA_ALG_EDDSA:
    case JA_ALG_NONE: break;
    }
    return JWT_ALG_NONE;
}

/* What libjwt verifies with: the public PEM, or the secret. Never of length 0 (F1). */
static enum ja_status verification_key(const struct ja_key *key, struct ja_secret *ret,
                                       struct ja_error *err)
{
    char *pem = NULL;
    enum ja_status st;

    if (ja_key_alg(key) == JA_ALG_HS256)
        return ja_secret_from(ret, key->secret.data, key->secret.len, err);
    st = ja_key_public_pem(key, &pem, err);
    if (st == JA_OK)
        st = ja_secret_from(ret, pem, strlen(pem), err);
    free(pem);
    return st;
}

static bool libjwt_accepts(const char *token, const struct ja_secret *vk, enum ja_alg alg)
{
    jwt_t *jwt = NULL;
    const char *probe;
    bool ok;

    if (vk->len < JA_HMAC_MIN || libjwt.decode(&jwt, token, vk->data, (int)vk->len) != 0 || !jwt)
        return false;
    probe = libjwt.get_grant(jwt, "probe");
    ok = libjwt.get_alg(jwt) == libjwt_alg(alg) && probe && strcmp(probe, "jwtauth") == 0;
    libjwt.free(jwt);
    return ok;
}

static bool openssl_accepts(const struct ja_key *key, const char *token)
{
    const char *dot = strrchr(token, '.');
    unsigned char sig[64];
    size_t sig_len = 0;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key->ed_public, JA_ED_PUBLIC);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = dot && pkey && ctx && ja_b64_decode(dot + 1, strlen(dot + 1), sig, sizeof sig, &sig_len) &&
              EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, sig, sig_len, (const unsigned char *)token,
                               (size_t)(dot - token)) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

static bool accepts(const struct ja_key *key, const char *token, const struct ja_secret *vk)
{
    if (ja_key_alg(key) == JA_ALG_EDDSA)
        return openssl_accepts(key, token);
    return libjwt_accepts(token, vk, ja_key_alg(key));
}

/* Another letter in the payload: still base64url, no longer what was signed. */
static void change(char *token)
{
    char *p = strchr(token, '.') + 3;

    *p = *p == 'A' ? 'B' : 'A';
}

static enum ja_status compare(struct ja_key *key, char *token, const struct ja_secret *vk,
                              struct ja_error *err)
{
    bool good = accepts(key, token, vk);

    change(token);
    if (!good || accepts(key, token, vk))
        return ja_fail(err, JA_ERR_CRYPTO, "cross_check_failed",
                       "an independent library %s a token signed with the key %s",
                       good ? "does not refuse a changed" : "does not accept", ja_key_kid(key));
    return JA_OK;
}

enum ja_status ja_libjwt_cross_check(struct ja_key *key, struct ja_error *err)
{
    json_t *claims = json_pack("{s:s}", "probe", "jwtauth");
    struct ja_secret vk = {0};
    char *token = NULL;
    enum ja_status st = claims ? JA_OK : ja_fail_nomem(err);

    if (st == JA_OK && ja_key_alg(key) != JA_ALG_EDDSA) {
        st = load(err);
        if (st == JA_OK)
            st = verification_key(key, &vk, err);
    }
    if (st == JA_OK)
        st = ja_jws_sign(key, "JWT", claims, &token, err); /* F7: libjwt takes no other typ */
    if (st == JA_OK)
        st = compare(key, token, &vk, err);
    ja_wipe_free(token);
    ja_secret_clear(&vk);
    json_decref(claims);
    return st;
}
