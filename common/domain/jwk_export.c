/* Keys to the outside: JWK and PEM. */
#include "common/domain/jwk_impl.h"

#include <openssl/pem.h>
#include <string.h>

static enum ja_status label(const struct ja_key *key, json_t *jwk, struct ja_error *err)
{
    if (json_object_set_new(jwk, "kid", json_string(key->kid)) != 0 ||
        json_object_set_new(jwk, "alg", json_string(ja_alg_name(key->ops->alg))) != 0 ||
        json_object_set_new(jwk, "use", json_string("sig")) != 0)
        return ja_fail_nomem(err);
    return JA_OK;
}

enum ja_status ja_key_public_jwk(const struct ja_key *key, json_t **ret, struct ja_error *err)
{
    json_t *jwk = NULL;
    enum ja_status st;

    if (key->ops->alg == JA_ALG_HS256)
        return ja_fail(err, JA_ERR_UNSUPPORTED, "symmetric_key",
                       "an HS256 key has no public part: who can verify with it can sign with it");
    st = key->ops->to_jwk(key, false, &jwk, err);
    if (st == JA_OK)
        st = label(key, jwk, err);
    if (st == JA_OK)
        *ret = jwk;
    else
        json_decref(jwk);
    return st;
}

enum ja_status ja_key_private_jwk(const struct ja_key *key, struct ja_secret *ret,
                                  struct ja_error *err)
{
    json_t *jwk = NULL;
    char *text = NULL;
    enum ja_status st = key->has_private ? key->ops->to_jwk(key, true, &jwk, err)
                                         : ja_fail(err, JA_ERR_INVALID, "no_private_key",
                                                   "the key has no private part");

    if (st == JA_OK)
        st = label(key, jwk, err);
    if (st == JA_OK && !(text = json_dumps(jwk, JSON_COMPACT)))
        st = ja_fail_nomem(err);
    if (st == JA_OK)
        st = ja_secret_from(ret, text, strlen(text), err);
    ja_wipe_free(text);
    json_decref(jwk);
    return st;
}

static enum ja_status no_pem(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_UNSUPPORTED, "symmetric_key", "an HS256 secret has no PEM form");
}

/* The caller frees. Ed25519 keys live in libsodium: made anew for the occasion. */
static enum ja_status pkey_of(const struct ja_key *key, bool private_too, EVP_PKEY **ret,
                              struct ja_error *err)
{
    EVP_PKEY *pkey = key->pkey;

    if (key->ops->alg == JA_ALG_HS256)
        return no_pem(err);
    if (key->ops->alg == JA_ALG_EDDSA)
        pkey = private_too
                   ? EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, key->secret.data, 32)
                   : EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key->ed_public,
                                                    JA_ED_PUBLIC);
    else if (EVP_PKEY_up_ref(pkey) != 1)
        pkey = NULL;
    if (!pkey)
        return ja_fail_openssl(err, "writing a key");
    *ret = pkey;
    return JA_OK;
}

static enum ja_status write_pem(const struct ja_key *key, bool private_too, BIO **ret,
                                struct ja_error *err)
{
    EVP_PKEY *pkey = NULL;
    BIO *bio = NULL;
    enum ja_status st = pkey_of(key, private_too, &pkey, err);
    int ok;

    if (st != JA_OK)
        return st;
    bio = BIO_new(private_too ? BIO_s_secmem() : BIO_s_mem());
    ok = bio &&
         (private_too ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1
                      : PEM_write_bio_PUBKEY(bio, pkey) == 1);
    EVP_PKEY_free(pkey);
    if (!ok) {
        BIO_free(bio);
        return ja_fail_openssl(err, "writing a key");
    }
    *ret = bio;
    return JA_OK;
}

enum ja_status ja_key_public_pem(const struct ja_key *key, char **ret, struct ja_error *err)
{
    BIO *bio = NULL;
    char *data = NULL, *text;
    long len;
    enum ja_status st = write_pem(key, false, &bio, err);

    if (st != JA_OK)
        return st;
    len = BIO_get_mem_data(bio, &data);
    text = len > 0 ? strndup(data, (size_t)len) : NULL;
    BIO_free(bio);
    if (!text)
        return ja_fail_nomem(err);
    *ret = text;
    return JA_OK;
}

enum ja_status ja_key_private_pem(const struct ja_key *key, struct ja_secret *ret,
                                  struct ja_error *err)
{
    BIO *bio = NULL;
    char *data = NULL;
    long len;
    enum ja_status st = key->has_private ? write_pem(key, true, &bio, err)
                                         : ja_fail(err, JA_ERR_INVALID, "no_private_key",
                                                   "the key has no private part");

    if (st != JA_OK)
        return st;
    len = BIO_get_mem_data(bio, &data);
    st = len > 0 ? ja_secret_from(ret, data, (size_t)len, err) : ja_fail_openssl(err, "writing a key");
    BIO_free(bio);
    return st;
}
