/* Keys: RFC 7515, 7517, 7518, 7638, 8037; SECURITY R13, F1-F3. */
#include "common/base/text.h"
#include "common/domain/jwk.h"
#include "common/domain/jws.h"
#include "tests/support/forge.h"
#include "tests/unit/jose_vectors.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum ja_alg algs[] = {JA_ALG_ES256, JA_ALG_EDDSA, JA_ALG_RS256, JA_ALG_HS256};
#define ALGS (sizeof algs / sizeof *algs)

static struct ja_key *generated[ALGS];

static int make_keys(void **state)
{
    (void)state;
    assert_int_equal(ja_crypto_init(NULL), JA_OK);
    for (size_t i = 0; i < ALGS; i++)
        assert_int_equal(ja_key_generate(algs[i], &generated[i], NULL), JA_OK);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++)
        ja_key_free(generated[i]);
    return 0;
}

static enum ja_status from_jwk(const char *text, enum ja_alg alg, struct ja_key **ret,
                               struct ja_error *err)
{
    json_t *jwk = json_loads(text, 0, NULL);
    enum ja_status st;

    assert_non_null(jwk);
    st = ja_key_from_jwk(jwk, alg, ret, err);
    json_decref(jwk);
    return st;
}

static void refused_jwk(const char *text, enum ja_alg alg, const char *code)
{
    struct ja_key *key = NULL;
    struct ja_error err = {0};

    assert_int_equal(from_jwk(text, alg, &key, &err), JA_ERR_INVALID);
    assert_string_equal(err.code, code);
    assert_null(key);
}

static enum ja_status from_text(const void *text, size_t len, enum ja_alg alg, struct ja_key **ret,
                                struct ja_error *err)
{
    struct ja_secret s = {0};
    enum ja_status st;

    assert_int_equal(ja_secret_from(&s, text, len, NULL), JA_OK);
    st = ja_key_from_file_text(&s, alg, ret, err);
    ja_secret_clear(&s);
    return st;
}

static void refused_text(const void *text, size_t len, enum ja_alg alg, const char *code)
{
    struct ja_key *key = NULL;
    struct ja_error err = {0};

    assert_int_equal(from_text(text, len, alg, &key, &err), JA_ERR_INVALID);
    assert_string_equal(err.code, code);
    assert_null(key);
}

/* Checks the vector's signature, and that the same one is made where the algorithm has no chance in it. */
static void vector(const char *jwk, const char *public_jwk, const char *token, bool deterministic)
{
    struct ja_key *key = forge_key(jwk), *pub = forge_key(public_jwk);
    struct ja_jws jws = {0};
    unsigned char sig[JA_SIG_MAX];
    size_t len = 0;

    assert_int_equal(ja_jws_parse_unverified(token, strlen(token), &jws, NULL), JA_OK);
    assert_int_equal(ja_jws_check_signature(&jws, key, NULL), JA_OK);
    assert_int_equal(ja_jws_check_signature(&jws, pub, NULL), JA_OK);
    assert_string_equal(ja_key_kid(key), ja_key_kid(pub)); /* the thumbprint is over public members */
    assert_int_equal(ja_key_sign(key, jws.signing_input, jws.signing_len, sig, &len, NULL), JA_OK);
    assert_int_equal(len, jws.sig_len);
    if (deterministic)
        assert_memory_equal(sig, jws.sig, len);
    assert_int_equal(ja_key_verify(pub, jws.signing_input, jws.signing_len, sig, len, NULL), JA_OK);
    jws.sig[len / 2] ^= 1;
    assert_int_equal(ja_jws_check_signature(&jws, pub, NULL), JA_ERR_DENIED);
    ja_jws_clear(&jws);
    ja_key_free(key);
    ja_key_free(pub);
}

static void rfc7515_a1_hs256(void **state)
{
    (void)state;
    vector(RFC7515_A1_JWK, RFC7515_A1_JWK, RFC7515_A1_TOKEN, true);
}

static void rfc7515_a2_rs256(void **state)
{
    (void)state;
    vector(RFC7515_A2_JWK, RFC7515_A2_PUBLIC_JWK, RFC7515_A2_TOKEN, true);
}

static void rfc7515_a3_es256(void **state)
{
    (void)state;
    vector(RFC7515_A3_JWK, RFC7515_A3_PUBLIC_JWK, RFC7515_A3_TOKEN, false);
}

static void rfc8037_a_ed25519(void **state)
{
    struct ja_key *key = forge_key(RFC8037_JWK);

    (void)state;
    vector(RFC8037_JWK, RFC8037_JWK, RFC8037_TOKEN, true);
    assert_string_equal(ja_key_kid(key), RFC8037_THUMBPRINT);
    ja_key_free(key);
}

static void rfc7638_thumbprint_and_a_given_kid(void **state)
{
    struct ja_key *key = forge_key(RFC7638_JWK);
    char thumb[JA_KID_LEN + 1];

    (void)state;
    assert_string_equal(ja_key_kid(key), "2011-04-29");
    assert_int_equal(ja_key_thumbprint(key, thumb, NULL), JA_OK);
    assert_string_equal(thumb, RFC7638_THUMBPRINT);
    assert_false(ja_key_has_private(key));
    ja_key_free(key);
}

static void signs_and_verifies(struct ja_key *signer, struct ja_key *verifier)
{
    unsigned char sig[JA_SIG_MAX];
    size_t len = 0;

    assert_int_equal(ja_key_sign(signer, "text", 4, sig, &len, NULL), JA_OK);
    assert_int_equal(ja_key_verify(verifier, "text", 4, sig, len, NULL), JA_OK);
    assert_int_equal(ja_key_verify(verifier, "texT", 4, sig, len, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_key_verify(verifier, "text", 4, sig, len - 1, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_key_verify(verifier, "text", 4, sig, 0, NULL), JA_ERR_DENIED);
    for (size_t i = 0; i < len; i++) {
        sig[i] ^= 1;
        assert_int_equal(ja_key_verify(verifier, "text", 4, sig, len, NULL), JA_ERR_DENIED);
        sig[i] ^= 1;
    }
    assert_int_equal(ja_key_verify(verifier, "text", 4, sig, len, NULL), JA_OK);
}

static void every_algorithm_signs_and_verifies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        assert_int_equal(ja_key_alg(generated[i]), algs[i]);
        assert_true(ja_key_has_private(generated[i]));
        assert_int_equal(strlen(ja_key_kid(generated[i])), JA_KID_LEN);
        signs_and_verifies(generated[i], generated[i]);
    }
}

/* 128 bits of strength: NIST SP 800-57 part 1, table 2. */
static void new_rsa_keys_have_3072_bits(void **state)
{
    json_t *jwk = NULL;
    const char *n;
    unsigned char bytes[1024];
    size_t len = 0;

    (void)state;
    assert_int_equal(ja_key_public_jwk(generated[2], &jwk, NULL), JA_OK);
    n = json_string_value(json_object_get(jwk, "n"));
    assert_true(ja_b64_decode(n, strlen(n), bytes, sizeof bytes, &len));
    assert_int_equal(len, 3072 / 8);
    assert_int_equal(bytes[0] & 0x80, 0x80);
    json_decref(jwk);
}

static void no_two_generated_keys_are_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        struct ja_key *other = NULL;

        if (algs[i] == JA_ALG_RS256)
            continue; /* slow */
        assert_int_equal(ja_key_generate(algs[i], &other, NULL), JA_OK);
        assert_string_not_equal(ja_key_kid(other), ja_key_kid(generated[i]));
        ja_key_free(other);
    }
}

static void the_stored_form_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        unsigned char *pub = NULL;
        size_t pub_len = 0;
        struct ja_secret priv = {0};
        struct ja_key *both = NULL, *only_public = NULL;
        struct ja_error err = {0};

        assert_int_equal(ja_key_to_stored(generated[i], &pub, &pub_len, &priv, NULL), JA_OK);
        assert_int_equal(ja_key_from_stored(algs[i], pub, pub_len, priv.data, priv.len, &both, NULL), JA_OK);
        assert_string_equal(ja_key_kid(both), ja_key_kid(generated[i]));
        signs_and_verifies(both, generated[i]);
        if (algs[i] == JA_ALG_HS256) {
            assert_null(pub);
            assert_int_equal(ja_key_from_stored(algs[i], NULL, 0, NULL, 0, &only_public, &err),
                             JA_ERR_CORRUPT);
        } else {
            assert_int_equal(ja_key_from_stored(algs[i], pub, pub_len, NULL, 0, &only_public, NULL),
                             JA_OK);
            assert_string_equal(ja_key_kid(only_public), ja_key_kid(generated[i]));
            signs_and_verifies(generated[i], only_public);
            assert_false(ja_key_has_private(only_public));
            ja_key_free(only_public);
            only_public = NULL;
            assert_int_equal(ja_key_from_stored(algs[i], pub, pub_len - 1, NULL, 0, &only_public, &err),
                             JA_ERR_CORRUPT);
        }
        assert_int_not_equal(ja_key_from_stored(algs[i], pub, pub_len, priv.data,
                                                algs[i] == JA_ALG_HS256 ? 31 : priv.len - 1,
                                                &only_public, &err),
                             JA_OK);
        assert_null(only_public);
        free(pub);
        ja_secret_clear(&priv);
        ja_key_free(both);
    }
}

static void a_public_key_cannot_sign_nor_be_exported_as_private(void **state)
{
    struct ja_key *pub = forge_key(RFC7515_A3_PUBLIC_JWK);
    unsigned char sig[JA_SIG_MAX], *der = NULL;
    size_t len = 0;
    struct ja_secret s = {0};
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(ja_key_sign(pub, "text", 4, sig, &len, &err), JA_ERR_INVALID);
    assert_string_equal(err.code, "no_private_key");
    assert_int_equal(ja_key_private_jwk(pub, &s, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_key_private_pem(pub, &s, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_key_to_stored(pub, &der, &len, &s, NULL), JA_ERR_INVALID);
    assert_null(s.data);
    ja_key_free(pub);
}

static void jwk_and_pem_go_out_and_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        struct ja_secret text = {0};
        struct ja_key *back = NULL;

        assert_int_equal(ja_key_private_jwk(generated[i], &text, NULL), JA_OK);
        assert_int_equal(from_text(text.data, text.len, JA_ALG_NONE, &back, NULL), JA_OK);
        assert_string_equal(ja_key_kid(back), ja_key_kid(generated[i]));
        signs_and_verifies(back, generated[i]);
        ja_key_free(back);
        ja_secret_clear(&text);
        if (algs[i] == JA_ALG_HS256)
            continue;
        assert_int_equal(ja_key_private_pem(generated[i], &text, NULL), JA_OK);
        assert_int_equal(from_text(text.data, text.len, JA_ALG_NONE, &back, NULL), JA_OK);
        assert_string_equal(ja_key_kid(back), ja_key_kid(generated[i]));
        signs_and_verifies(back, generated[i]);
        ja_key_free(back);
        ja_secret_clear(&text);
    }
}

static bool has_member(const json_t *jwk, const char *name)
{
    return json_object_get(jwk, name) != NULL;
}

static void public_forms_hold_nothing_private(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        json_t *jwk = NULL;
        char *pem = NULL;
        struct ja_key *back = NULL;
        struct ja_error err = {0};

        if (algs[i] == JA_ALG_HS256) {
            assert_int_equal(ja_key_public_jwk(generated[i], &jwk, &err), JA_ERR_UNSUPPORTED);
            assert_int_equal(ja_key_public_pem(generated[i], &pem, &err), JA_ERR_UNSUPPORTED);
            assert_null(jwk);
            assert_null(pem);
            continue;
        }
        assert_int_equal(ja_key_public_jwk(generated[i], &jwk, NULL), JA_OK);
        assert_false(has_member(jwk, "d") || has_member(jwk, "p") || has_member(jwk, "q") ||
                     has_member(jwk, "dp") || has_member(jwk, "dq") || has_member(jwk, "qi") ||
                     has_member(jwk, "k"));
        assert_string_equal(json_string_value(json_object_get(jwk, "use")), "sig");
        assert_string_equal(json_string_value(json_object_get(jwk, "alg")), ja_alg_name(algs[i]));
        assert_string_equal(json_string_value(json_object_get(jwk, "kid")), ja_key_kid(generated[i]));
        json_decref(jwk);
        assert_int_equal(ja_key_public_pem(generated[i], &pem, NULL), JA_OK);
        assert_null(strstr(pem, "PRIVATE"));
        assert_int_equal(from_text(pem, strlen(pem), JA_ALG_NONE, &back, NULL), JA_OK);
        assert_false(ja_key_has_private(back));
        assert_string_equal(ja_key_kid(back), ja_key_kid(generated[i]));
        signs_and_verifies(generated[i], back);
        ja_key_free(back);
        free(pem);
    }
}

/* The old containers: PKCS#1 for RSA, SEC1 for EC. */
static void traditional_pem_is_read(void **state)
{
    EVP_PKEY *pkeys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256")};
    static const enum ja_alg wanted[] = {JA_ALG_RS256, JA_ALG_ES256};

    (void)state;
    for (int i = 0; i < 2; i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        struct ja_key *key = NULL;
        char *text;
        long len;

        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkeys[i], NULL, NULL, 0, NULL, NULL), 1);
        len = BIO_get_mem_data(bio, &text);
        assert_int_equal(from_text(text, (size_t)len, JA_ALG_NONE, &key, NULL), JA_OK);
        assert_int_equal(ja_key_alg(key), wanted[i]);
        signs_and_verifies(key, key);
        refused_text(text, (size_t)len, i == 0 ? JA_ALG_ES256 : JA_ALG_RS256, "alg_mismatch");
        refused_text(text, (size_t)len, JA_ALG_HS256, "alg_mismatch"); /* SECURITY F2 */
        ja_key_free(key);
        BIO_free(bio);
        EVP_PKEY_free(pkeys[i]);
    }
}

/* What a file says beside the numbers is not stored: nobody could read it again. Found by fuzzing. */
static void a_pem_of_an_odd_form_is_stored_plain(void **state)
{
    static const char *const texts[] = {
        /* RFC 5915 has version 1, this says 0x81 */
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAYEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
        "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
        "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END EC PRIVATE KEY-----\n",
        /* the point compressed */
        "-----BEGIN EC PRIVATE KEY-----\nMFcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
        "AwEHoSQDIgADf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\n-----END EC PRIVATE KEY-----\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ja_key *key = NULL, *back = NULL;
        unsigned char *pub = NULL;
        size_t pub_len = 0;
        struct ja_secret priv = {0};

        assert_int_equal(from_text(texts[i], strlen(texts[i]), JA_ALG_NONE, &key, NULL), JA_OK);
        assert_int_equal(ja_key_to_stored(key, &pub, &pub_len, &priv, NULL), JA_OK);
        assert_int_equal(ja_key_from_stored(JA_ALG_ES256, pub, pub_len, priv.data, priv.len, &back, NULL), JA_OK);
        signs_and_verifies(back, key);
        ja_key_free(back);
        ja_key_free(key);
        ja_secret_clear(&priv);
        free(pub);
    }
}

static void refused_pkey(EVP_PKEY *pkey, const char *code)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &text);
    refused_text(text, (size_t)len, JA_ALG_NONE, code);
    BIO_free(bio);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    len = BIO_get_mem_data(bio, &text);
    refused_text(text, (size_t)len, JA_ALG_NONE, code);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

/* CVE-2022-23539, CVE-2022-23541, CVE-2021-46743, libjwt c948840: the family alone does not make a key fit. */
static void r13_pem_of_other_kinds_is_refused(void **state)
{
    (void)state;
    refused_pkey(EVP_EC_gen("P-384"), "invalid_key");
    refused_pkey(EVP_EC_gen("secp256k1"), "invalid_key");
    refused_pkey(EVP_RSA_gen(1024), "invalid_key");
    refused_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), "alg_mismatch");
    refused_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "alg_mismatch");
}

static void an_encrypted_pem_is_refused_without_asking(void **state)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    (void)state;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &text);
    refused_text(text, (size_t)len, JA_ALG_NONE, "invalid_key");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void r13_weak_and_foreign_jwks_are_refused(void **state)
{
    (void)state;
    refused_jwk(RSA_1024_JWK, JA_ALG_NONE, "invalid_key");
    refused_jwk(RSA_E3_JWK, JA_ALG_NONE, "invalid_key");
    refused_jwk(P384_JWK, JA_ALG_NONE, "alg_mismatch");
    refused_jwk(P384_JWK, JA_ALG_ES256, "alg_mismatch");
    refused_jwk("{\"kty\":\"oct\",\"k\":\"\"}", JA_ALG_NONE, "invalid_key");
    refused_jwk("{\"kty\":\"oct\"}", JA_ALG_NONE, "invalid_key");
    refused_jwk("{\"kty\":\"oct\",\"k\":5}", JA_ALG_NONE, "invalid_key");
    /* 31 bytes */
    refused_jwk("{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg\"}", JA_ALG_NONE,
                "invalid_key");
    /* not canonical: the last character has bits that no byte gets */
    refused_jwk("{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\"}", JA_ALG_NONE,
                "invalid_key");
}

static void jwk_members_that_contradict_are_refused(void **state)
{
    (void)state;
    refused_jwk("{\"kty\":\"oct\",\"alg\":\"HS512\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "unsupported_alg");
    refused_jwk("{\"kty\":\"oct\",\"alg\":\"none\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "unsupported_alg");
    refused_jwk("{\"kty\":\"oct\",\"alg\":7,\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "unsupported_alg");
    refused_jwk("{\"kty\":\"oct\",\"alg\":\"ES256\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "alg_mismatch");
    refused_jwk("{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_RS256, "alg_mismatch");
    refused_jwk("{\"kty\":\"oct\",\"use\":\"enc\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "invalid_key");
    refused_jwk("{\"kty\":\"oct\",\"kid\":\"../x\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "invalid_key");
    refused_jwk("{\"kty\":\"oct\",\"kid\":1,\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
                JA_ALG_NONE, "invalid_key");
    refused_jwk("{}", JA_ALG_NONE, "alg_mismatch");
    refused_jwk("[]", JA_ALG_NONE, "invalid_key");
}

static json_t *changed(const char *jwk, const char *name, const char *value)
{
    json_t *doc = json_loads(jwk, 0, NULL);

    assert_non_null(doc);
    assert_int_equal(json_object_set_new(doc, name, json_string(value)), 0);
    return doc;
}

static void refused_changed(const char *jwk, const char *name, const char *value)
{
    json_t *doc = changed(jwk, name, value);
    struct ja_key *key = NULL;
    struct ja_error err = {0};

    assert_int_equal(ja_key_from_jwk(doc, JA_ALG_NONE, &key, &err), JA_ERR_INVALID);
    assert_string_equal(err.code, "invalid_key");
    assert_null(key);
    json_decref(doc);
}

/* Points off the curve, private numbers of another key, short coordinates. */
static void numbers_that_do_not_fit_together_are_refused(void **state)
{
    static const char one[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE";

    (void)state;
    refused_changed(RFC7515_A3_PUBLIC_JWK, "x", one);
    refused_changed(RFC7515_A3_PUBLIC_JWK, "y", one);
    refused_changed(RFC7515_A3_PUBLIC_JWK, "x", "AAAA");
    refused_changed(RFC7515_A3_JWK, "d", one);
    refused_changed(RFC7515_A3_JWK, "d", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    refused_changed(RFC7515_A3_JWK, "d", "AQ");
    refused_changed(RFC8037_JWK, "d", one);
    refused_changed(RFC8037_JWK, "d", "AQ");
    refused_changed(RFC8037_JWK, "x", "AQ");
    refused_changed(RFC7515_A2_JWK, "d", "AQAB");
    refused_changed(RFC7515_A2_JWK, "e", "Aw");
    refused_changed(RFC7515_A2_PUBLIC_JWK, "e", "AQAA"); /* even */
    refused_changed(RFC7515_A2_JWK, "oth", "x");
    refused_changed(RFC7515_A2_PUBLIC_JWK, "n", "AQAB");
}

static void raw_secrets_of_32_to_128_bytes(void **state)
{
    char text[131];
    struct ja_key *key = NULL, *same = NULL;

    (void)state;
    memset(text, 'x', sizeof text);
    text[32] = '\n';
    assert_int_equal(from_text(text, 33, JA_ALG_NONE, &key, NULL), JA_OK);
    assert_int_equal(ja_key_alg(key), JA_ALG_HS256);
    assert_int_equal(from_text(text, 32, JA_ALG_HS256, &same, NULL), JA_OK);
    assert_string_equal(ja_key_kid(key), ja_key_kid(same)); /* one newline dropped */
    ja_key_free(key);
    ja_key_free(same);
    text[31] = '\n';
    refused_text(text, 32, JA_ALG_NONE, "invalid_key"); /* 31 bytes */
    refused_text(text, 31, JA_ALG_HS256, "invalid_key");
    refused_text(text, 0, JA_ALG_NONE, "invalid_key"); /* SECURITY F1 */
    refused_text(text, 0, JA_ALG_HS256, "invalid_key");
    refused_text("\n", 1, JA_ALG_HS256, "invalid_key");
    memset(text, 'x', sizeof text);
    assert_int_equal(from_text(text, 128, JA_ALG_NONE, &key, NULL), JA_OK);
    ja_key_free(key);
    refused_text(text, 129, JA_ALG_NONE, "invalid_key");
    refused_text(text, 64, JA_ALG_ES256, "invalid_key");
    refused_text(text, 64, JA_ALG_RS256, "invalid_key");
}

/* SECURITY F2: a file that looks like a key of another kind is never a secret. */
static void a_broken_pem_or_jwk_is_no_secret(void **state)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\nnonsense nonsense nonsense\n-----END PUBLIC KEY-----\n";
    static const char cert[] = "x\n-----BEGIN CERTIFICATE-----\nnonsense nonsense nonsense\n";
    static const char json[] = "{\"kty\":\"oct\",\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}";

    (void)state;
    refused_text(pem, sizeof pem - 1, JA_ALG_NONE, "invalid_key");
    refused_text(pem, sizeof pem - 1, JA_ALG_HS256, "alg_mismatch");
    refused_text(cert, sizeof cert - 1, JA_ALG_NONE, "invalid_key");
    refused_text(json, sizeof json - 1, JA_ALG_NONE, "invalid_key");
    refused_text(json, sizeof json - 1, JA_ALG_HS256, "invalid_key");
}

/* CVE-2022-21449: 0 and numbers not below n; ES256 over P-256. */
static void es256_refuses_numbers_out_of_range(void **state)
{
    static const unsigned char n[32] = {
        0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    unsigned char good[JA_SIG_MAX], values[3][32] = {{0}};
    size_t len = 0;

    (void)state;
    memcpy(values[1], n, 32);
    memcpy(values[2], n, 32);
    values[2][31]++;
    assert_int_equal(ja_key_sign(generated[0], "text", 4, good, &len, NULL), JA_OK);
    for (int r = -1; r < 3; r++)
        for (int s = -1; s < 3; s++) {
            unsigned char sig[64];
            struct ja_error err = {0};

            memcpy(sig, good, 64);
            if (r >= 0)
                memcpy(sig, values[r], 32);
            if (s >= 0)
                memcpy(sig + 32, values[s], 32);
            assert_int_equal(ja_key_verify(generated[0], "text", 4, sig, 64, &err),
                             r < 0 && s < 0 ? JA_OK : JA_ERR_DENIED);
            if (r >= 0 || s >= 0)
                assert_string_equal(err.code, "bad_signature");
        }
    assert_int_equal(ja_key_verify(generated[0], "text", 4, good, 65, NULL), JA_ERR_DENIED);
}

/* Ed25519: S + L is another number for the same signature (RFC 8032 section 5.1.7). */
static void eddsa_refuses_a_second_form_of_a_signature(void **state)
{
    static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                            0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                            0,    0,    0,    0,    0,    0,    0,    0,
                                            0,    0,    0,    0,    0,    0,    0,    0x10};
    unsigned char sig[JA_SIG_MAX];
    size_t len = 0;
    unsigned carry = 0;

    (void)state;
    assert_int_equal(ja_key_sign(generated[1], "text", 4, sig, &len, NULL), JA_OK);
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)sig[32 + i] + order[i];
        sig[32 + i] = (unsigned char)carry;
        carry >>= 8;
    }
    assert_int_equal(ja_key_verify(generated[1], "text", 4, sig, len, NULL), JA_ERR_DENIED);
}

/* RS512 or another padding under the same RSA key (SECURITY F3). */
static void rs256_takes_sha256_with_pkcs1_padding_alone(void **state)
{
    static const struct { const char *digest; int padding; int ok; } kinds[] = {
        {"SHA256", RSA_PKCS1_PADDING, 1},     {"SHA512", RSA_PKCS1_PADDING, 0},
        {"SHA384", RSA_PKCS1_PADDING, 0},     {"SHA1", RSA_PKCS1_PADDING, 0},
        {"SHA256", RSA_PKCS1_PSS_PADDING, 0},
    };
    struct ja_secret pem = {0};
    BIO *bio;
    EVP_PKEY *pkey;

    (void)state;
    assert_int_equal(ja_key_private_pem(generated[2], &pem, NULL), JA_OK);
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(pkey);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        EVP_PKEY_CTX *pctx;
        unsigned char sig[JA_SIG_MAX];
        size_t len = sizeof sig;

        assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_get_digestbyname(kinds[i].digest), NULL, pkey), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, kinds[i].padding), 1);
        assert_int_equal(EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"text", 4), 1);
        assert_int_equal(ja_key_verify(generated[2], "text", 4, sig, len, NULL),
                         kinds[i].ok ? JA_OK : JA_ERR_DENIED);
        EVP_MD_CTX_free(ctx);
    }
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    ja_secret_clear(&pem);
}

/* ---- sets ---- */

static enum ja_status parse_set(const char *text, struct ja_keyset *set, struct ja_error *err)
{
    return ja_keyset_parse(text, strlen(text), set, err);
}

static void a_set_skips_what_it_does_not_know(void **state)
{
    static const char text[] =
        "{\"keys\":[{\"kty\":\"future\",\"x\":1}," P384_JWK ",{\"kty\":\"RSA\",\"alg\":\"RS512\"},"
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\"},"
        "{\"kty\":\"oct\",\"kid\":\"no good kid\"}," RFC7515_A3_PUBLIC_JWK "," RFC8037_JWK "]}";
    struct ja_keyset set = {0};

    (void)state;
    assert_int_equal(parse_set(text, &set, NULL), JA_OK);
    assert_int_equal(set.len, 2);
    assert_ptr_equal(ja_keyset_find(&set, RFC8037_THUMBPRINT), set.keys[1]);
    assert_null(ja_keyset_find(&set, "nosuch"));
    assert_null(ja_keyset_find(&set, ""));
    ja_keyset_clear(&set);
    ja_keyset_clear(&set);
    assert_int_equal(parse_set("{\"keys\":[]}", &set, NULL), JA_OK);
    assert_int_equal(set.len, 0);
    ja_keyset_clear(&set);
}

static void malformed_sets_are_refused(void **state)
{
    static const char *const texts[] = {
        "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}", "{\"keys\":[{}]}", "{\"keys\":[[]]}",
        "{\"keys\":[],\"keys\":[]}", "{\"keys\":[]} x", "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}", "{\"keys\":[" RSA_1024_JWK "]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":7}]}", "{\"keys\":[{\"kty\":1}]}",
        /* twice the same key, and two keys under one kid: which one would count? */
        "{\"keys\":[" RFC8037_JWK "," RFC8037_JWK "]}",
        ("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"},"
         "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHhA\"}]}"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ja_keyset set = {0};
        struct ja_error err = {0};

        assert_int_equal(parse_set(texts[i], &set, &err), JA_ERR_INVALID);
        assert_true(err.message[0]);
        assert_null(set.keys);
    }
}

static void a_set_of_too_many_keys_is_refused(void **state)
{
    json_t *keys = json_array(), *doc = json_pack("{s:o}", "keys", keys);
    struct ja_keyset set = {0};
    char *text;

    (void)state;
    for (int i = 0; i < 257; i++)
        assert_int_equal(json_array_append_new(keys, json_pack("{s:s}", "kty", "future")), 0);
    text = json_dumps(doc, 0);
    json_decref(doc);
    assert_non_null(text);
    assert_int_equal(parse_set(text, &set, NULL), JA_ERR_INVALID);
    free(text);
}

/* `key export KID`: every 64th thumbprint begins with a hyphen; none of a key that we make does. */
static void a_kid_is_never_taken_for_an_option(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        struct ja_error err = {0};
        struct ja_key *key = NULL;

        assert_int_equal(ja_key_generate(JA_ALG_EDDSA, &key, &err), JA_OK);
        assert_true(ja_key_kid(key)[0] != '-');
        ja_key_free(key);
    }
}

/* The stored private part is read in place: every header and length of it counts. */
static void stored_der_is_read_strictly(void **state)
{
    static const size_t der[] = {0, 2}; /* ES256, RS256 */

    (void)state;
    for (size_t i = 0; i < sizeof der / sizeof *der; i++) {
        enum ja_alg alg = algs[der[i]];
        unsigned char *pub = NULL, *copy;
        struct ja_secret priv = {0};
        size_t pub_len = 0;

        assert_int_equal(ja_key_to_stored(generated[der[i]], &pub, &pub_len, &priv, NULL), JA_OK);
        copy = malloc(priv.len + 1);
        assert_non_null(copy);
        for (size_t len = 0; len < priv.len; len += len < 64 ? 1 : 37) { /* nothing is read behind the end */
            unsigned char *cut = malloc(len ? len : 1);
            struct ja_key *key = NULL;
            struct ja_error err = {0};

            assert_non_null(cut);
            memcpy(cut, priv.data, len);
            assert_int_equal(ja_key_from_stored(alg, pub, pub_len, cut, len, &key, &err), JA_ERR_CORRUPT);
            assert_string_equal(err.code, "corrupt_key");
            assert_null(key);
            free(cut);
        }
        for (size_t at = 0; at < 7; at++) { /* the outer header, the version: each bit */
            for (int bit = 0; bit < 8; bit++) {
                struct ja_key *key = NULL;

                memcpy(copy, priv.data, priv.len);
                copy[at] ^= (unsigned char)(1 << bit);
                if (ja_key_from_stored(alg, pub, pub_len, copy, priv.len, &key, NULL) == JA_OK)
                    fail_msg("%s: byte %zu, bit %d may be anything", ja_alg_name(alg), at, bit);
            }
        }
        memcpy(copy, priv.data, priv.len);
        copy[priv.len] = 0;
        {
            struct ja_key *key = NULL;

            assert_int_equal(ja_key_from_stored(alg, pub, pub_len, copy, priv.len + 1, &key, NULL), JA_ERR_CORRUPT);
        }
        free(copy);
        free(pub);
        ja_secret_clear(&priv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc7515_a1_hs256),
        cmocka_unit_test(rfc7515_a2_rs256),
        cmocka_unit_test(rfc7515_a3_es256),
        cmocka_unit_test(rfc8037_a_ed25519),
        cmocka_unit_test(rfc7638_thumbprint_and_a_given_kid),
        cmocka_unit_test(every_algorithm_signs_and_verifies),
        cmocka_unit_test(new_rsa_keys_have_3072_bits),
        cmocka_unit_test(no_two_generated_keys_are_the_same),
        cmocka_unit_test(the_stored_form_comes_back),
        cmocka_unit_test(a_public_key_cannot_sign_nor_be_exported_as_private),
        cmocka_unit_test(jwk_and_pem_go_out_and_in),
        cmocka_unit_test(public_forms_hold_nothing_private),
        cmocka_unit_test(traditional_pem_is_read),
        cmocka_unit_test(a_pem_of_an_odd_form_is_stored_plain),
        cmocka_unit_test(r13_pem_of_other_kinds_is_refused),
        cmocka_unit_test(an_encrypted_pem_is_refused_without_asking),
        cmocka_unit_test(r13_weak_and_foreign_jwks_are_refused),
        cmocka_unit_test(jwk_members_that_contradict_are_refused),
        cmocka_unit_test(numbers_that_do_not_fit_together_are_refused),
        cmocka_unit_test(raw_secrets_of_32_to_128_bytes),
        cmocka_unit_test(a_broken_pem_or_jwk_is_no_secret),
        cmocka_unit_test(es256_refuses_numbers_out_of_range),
        cmocka_unit_test(eddsa_refuses_a_second_form_of_a_signature),
        cmocka_unit_test(rs256_takes_sha256_with_pkcs1_padding_alone),
        cmocka_unit_test(a_set_skips_what_it_does_not_know),
        cmocka_unit_test(malformed_sets_are_refused),
        cmocka_unit_test(a_set_of_too_many_keys_is_refused),
        cmocka_unit_test(a_kid_is_never_taken_for_an_option),
        cmocka_unit_test(stored_der_is_read_strictly),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
