/* Keys from outside: a JWK, a PEM file, a raw secret. */
#include "common/domain/jws.h"
#include "common/domain/jwk_impl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

static enum ja_status bad_key(struct ja_error *err, const char *why)
{
    return ja_fail(err, JA_ERR_INVALID, "invalid_key", "%s", why);
}

static bool fits(const struct ja_key_ops *ops, const json_t *jwk)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *crv = json_string_value(json_object_get(jwk, "crv"));

    return kty && strcmp(kty, ops->kty) == 0 && (!ops->crv || (crv && strcmp(crv, ops->crv) == 0));
}

/* The algorithm that the JWK is for; one that it does not say must fit kty and crv. */
static enum ja_status alg_of(const json_t *jwk, enum ja_alg wanted, enum ja_alg *ret,
                             struct ja_error *err)
{
    const json_t *member = json_object_get(jwk, "alg");
    enum ja_alg said = json_is_string(member) ? ja_alg_parse(json_string_value(member)) : JA_ALG_NONE;
    static const enum ja_alg all[] = {JA_ALG_ES256, JA_ALG_EDDSA, JA_ALG_RS256, JA_ALG_HS256};
    enum ja_alg alg = wanted != JA_ALG_NONE ? wanted : said;

    if (member && said == JA_ALG_NONE)
        return ja_fail(err, JA_ERR_INVALID, "unsupported_alg",
                       "the JWK's alg is none of ES256, EdDSA, RS256, HS256");
    if (member && wanted != JA_ALG_NONE && said != wanted)
        return ja_fail(err, JA_ERR_INVALID, "alg_mismatch", "the JWK is for another algorithm");
    for (size_t i = 0; alg == JA_ALG_NONE && i < sizeof all / sizeof *all; i++)
        if (fits(ja_key_ops_of(all[i]), jwk))
            alg = all[i];
    if (alg == JA_ALG_NONE || !fits(ja_key_ops_of(alg), jwk))
        return ja_fail(err, JA_ERR_INVALID, "alg_mismatch",
                       "the JWK's kty and crv do not fit its algorithm");
    *ret = alg;
    return JA_OK;
}

static enum ja_status check_members(const json_t *jwk, struct ja_error *err)
{
    const json_t *use = json_object_get(jwk, "use"), *kid = json_object_get(jwk, "kid");

    if (!json_is_object(jwk))
        return bad_key(err, "a JWK is a JSON object");
    if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
        return bad_key(err, "the JWK's use is not \"sig\"");
    if (kid && (!json_is_string(kid) || !ja_kid_valid(json_string_value(kid))))
        return bad_key(err, "the JWK's kid is not 1 to 64 of [A-Za-z0-9_-]");
    return JA_OK;
}

enum ja_status ja_key_from_jwk(const json_t *jwk, enum ja_alg alg, struct ja_key **ret,
                               struct ja_error *err)
{
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    struct ja_key *key = NULL;
    enum ja_status st = check_members(jwk, err);

    if (st == JA_OK)
        st = alg_of(jwk, alg, &alg, err);
    if (st == JA_OK)
        st = ja_key_new(alg, &key, err);
    if (st == JA_OK)
        st = key->ops->from_jwk(key, jwk, err);
    if (st == JA_OK && kid)
        (void)snprintf(key->kid, sizeof key->kid, "%s", kid);
    if (st == JA_OK)
        st = ja_key_finish(key, err);
    if (st != JA_OK)
        ja_key_free(key);
    else
        *ret = key;
    return st;
}

/* Never asks: an encrypted key is refused. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return -1;
}

static enum ja_alg alg_of_pkey(const EVP_PKEY *pkey)
{
    if (EVP_PKEY_is_a(pkey, "RSA") == 1)
        return JA_ALG_RS256;
    if (EVP_PKEY_is_a(pkey, "EC") == 1)
        return JA_ALG_ES256;
    return EVP_PKEY_is_a(pkey, "ED25519") == 1 ? JA_ALG_EDDSA : JA_ALG_NONE;
}

static EVP_PKEY *read_pem(const struct ja_secret *text)
{
    EVP_PKEY *pkey = NULL;

    ja_openssl_init();
    for (int private_part = 1; !pkey && private_part >= 0; private_part--) {
        BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);

        if (!bio)
            return NULL;
        pkey = private_part ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                            : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
        BIO_free(bio);
    }
    ERR_clear_error();
    return pkey;
}

/* The same numbers in our own form: what a file says beside them (another version, missing or further parts, a
 * compressed point) would go into the store with the key, which nobody could read again. */
static enum ja_status make_plain(struct ja_key **key, struct ja_error *err)
{
    struct ja_key *plain = NULL;
    json_t *jwk = NULL;
    enum ja_status st = (*key)->ops->to_jwk(*key, (*key)->has_private, &jwk, err);

    if (st == JA_ERR_CRYPTO)
        st = bad_key(err, "the PEM text holds a key without some of its usual parts");
    if (st == JA_OK)
        st = ja_key_from_jwk(jwk, (*key)->ops->alg, &plain, err);
    json_decref(jwk);
    if (st != JA_OK)
        return st;
    ja_key_free(*key);
    *key = plain;
    return JA_OK;
}

static enum ja_status from_pem(const struct ja_secret *text, enum ja_alg alg, struct ja_key **ret,
                               struct ja_error *err)
{
    EVP_PKEY *pkey = read_pem(text);
    struct ja_key *key = NULL;
    enum ja_status st = JA_OK;

    if (!pkey)
        return bad_key(err, "the PEM text holds no key that can be read (encrypted ones cannot)");
    if (alg == JA_ALG_NONE)
        alg = alg_of_pkey(pkey);
    if (alg == JA_ALG_NONE || alg != alg_of_pkey(pkey))
        st = ja_fail(err, JA_ERR_INVALID, "alg_mismatch", "the key in the PEM text does not fit the algorithm");
    if (st == JA_OK)
        st = ja_key_new(alg, &key, err);
    if (st == JA_OK)
        st = key->ops->from_pkey(key, pkey, err);
    if (st == JA_OK)
        st = make_plain(&key, err);
    EVP_PKEY_free(pkey);
    if (st != JA_OK)
        ja_key_free(key);
    else
        *ret = key;
    return st;
}

static enum ja_status from_json(const struct ja_secret *text, enum ja_alg alg, struct ja_key **ret,
                                struct ja_error *err)
{
    json_t *jwk = NULL;
    enum ja_status st = ja_json_parse_strict(text->data, text->len, &jwk, err);

    if (st != JA_OK)
        return ja_fail(err, JA_ERR_INVALID, "invalid_key", "the file is no JWK: malformed JSON");
    st = json_object_get(jwk, "keys") ? bad_key(err, "the file holds a key set, where one key is wanted")
                                      : ja_key_from_jwk(jwk, alg, ret, err);
    json_decref(jwk);
    return st;
}

static enum ja_status from_raw(const struct ja_secret *text, struct ja_key **ret, struct ja_error *err)
{
    size_t len = text->len;

    if (len > 0 && text->data[len - 1] == '\n')
        len--;
    if (len < JA_HMAC_MIN || len > JA_HMAC_MAX)
        return bad_key(err, "neither PEM nor JWK, and no HS256 secret of 32 to 128 bytes");
    return ja_key_from_stored(JA_ALG_HS256, NULL, 0, text->data, len, ret, err);
}

static size_t skip_blanks(const struct ja_secret *text)
{
    size_t i = 0;

    while (i < text->len && strchr(" \t\r\n", text->data[i]) && text->data[i])
        i++;
    return i;
}

enum ja_status ja_key_from_file_text(const struct ja_secret *text, enum ja_alg alg,
                                     struct ja_key **ret, struct ja_error *err)
{
    size_t start = skip_blanks(text);
    bool pem = text->len && memmem(text->data, text->len, "-----BEGIN ", 11) != NULL;
    bool json = start < text->len && text->data[start] == '{';

    /* A PEM text is never a secret (SECURITY F2), whatever --alg says. */
    if (pem)
        return alg == JA_ALG_HS256
                   ? ja_fail(err, JA_ERR_INVALID, "alg_mismatch", "a PEM key is no HS256 secret")
                   : from_pem(text, alg, ret, err);
    if (json)
        return from_json(text, alg, ret, err);
    if (alg != JA_ALG_NONE && alg != JA_ALG_HS256)
        return bad_key(err, "the file is neither PEM nor JWK");
    return from_raw(text, ret, err);
}
