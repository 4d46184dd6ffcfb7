/* Any bytes as a key file (PEM, JWK, raw secret): what is taken is a whole key of its algorithm, that signs,
 * verifies and survives every form we write it in.
 *
 * Input: a byte for --alg, the file.
 */
#include "common/domain/jwk.h"
#include "common/domain/jws.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static void demand_same(struct ja_key *a, struct ja_key *b)
{
    char one[JA_KID_LEN + 1] = "", two[JA_KID_LEN + 1] = "";

    FUZZ_DEMAND(ja_key_thumbprint(a, one, NULL) == JA_OK && ja_key_thumbprint(b, two, NULL) == JA_OK);
    FUZZ_DEMAND(strcmp(one, two) == 0 && strlen(one) == JA_KID_LEN);
    FUZZ_DEMAND(ja_key_alg(a) == ja_key_alg(b));
}

static struct ja_key *reread(const struct ja_secret *text, enum ja_alg alg)
{
    struct ja_key *key = NULL;

    FUZZ_DEMAND(ja_key_from_file_text(text, alg, &key, NULL) == JA_OK);
    return key;
}

static void check_private(struct ja_key *key)
{
    static const char words[] = "some words to sign";
    unsigned char sig[JA_SIG_MAX];
    size_t len = 0;
    struct ja_secret text = {0};
    struct ja_key *again;

    FUZZ_DEMAND(ja_key_sign(key, words, sizeof words, sig, &len, NULL) == JA_OK);
    FUZZ_DEMAND(ja_key_verify(key, words, sizeof words, sig, len, NULL) == JA_OK);
    FUZZ_DEMAND(ja_key_verify(key, words, sizeof words - 1, sig, len, NULL) == JA_ERR_DENIED);
    FUZZ_DEMAND(ja_key_private_jwk(key, &text, NULL) == JA_OK);
    again = reread(&text, ja_key_alg(key));
    ja_secret_clear(&text);
    demand_same(key, again);
    FUZZ_DEMAND(strcmp(ja_key_kid(key), ja_key_kid(again)) == 0);
    /* the public part that goes with it, not one that was merely written beside it */
    FUZZ_DEMAND(ja_key_verify(again, words, sizeof words, sig, len, NULL) == JA_OK);
    ja_key_free(again);
}

static void check_stored(struct ja_key *key)
{
    unsigned char *pub = NULL;
    size_t pub_len = 0;
    struct ja_secret priv = {0};
    struct ja_key *again = NULL;

    FUZZ_DEMAND(ja_key_to_stored(key, &pub, &pub_len, &priv, NULL) == JA_OK);
    FUZZ_DEMAND(ja_key_from_stored(ja_key_alg(key), pub, pub_len, priv.data, priv.len, &again, NULL) == JA_OK);
    demand_same(key, again);
    ja_key_free(again);
    ja_secret_clear(&priv);
    free(pub);
}

static void check_public(struct ja_key *key)
{
    json_t *jwk = NULL;
    struct ja_key *again = NULL;
    char *pem = NULL;
    struct ja_secret text = {0};

    if (ja_key_alg(key) == JA_ALG_HS256) {
        FUZZ_DEMAND(ja_key_public_jwk(key, &jwk, NULL) == JA_ERR_UNSUPPORTED && !jwk);
        return;
    }
    FUZZ_DEMAND(ja_key_public_jwk(key, &jwk, NULL) == JA_OK);
    FUZZ_DEMAND(!json_object_get(jwk, "d") && !json_object_get(jwk, "k") && !json_object_get(jwk, "p"));
    FUZZ_DEMAND(ja_key_from_jwk(jwk, JA_ALG_NONE, &again, NULL) == JA_OK && !ja_key_has_private(again));
    demand_same(key, again);
    ja_key_free(again);
    json_decref(jwk);
    FUZZ_DEMAND(ja_key_public_pem(key, &pem, NULL) == JA_OK);
    FUZZ_DEMAND(ja_secret_from(&text, pem, strlen(pem), NULL) == JA_OK);
    again = reread(&text, JA_ALG_NONE);
    demand_same(key, again);
    ja_key_free(again);
    ja_secret_clear(&text);
    free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    enum ja_alg alg = (enum ja_alg)(fuzz_byte(&in) % 5);
    struct ja_secret text = {0};
    struct ja_key *key = NULL;
    struct ja_error err = {0};
    enum ja_status st;

    FUZZ_DEMAND(ja_secret_from(&text, in.p, in.left, NULL) == JA_OK);
    st = ja_key_from_file_text(&text, alg, &key, &err);
    ja_secret_clear(&text);
    if (st != JA_OK) {
        FUZZ_DEMAND(!key && err.code[0] && (st == JA_ERR_INVALID || st == JA_ERR_UNSUPPORTED));
        return 0;
    }
    FUZZ_DEMAND(alg == JA_ALG_NONE || ja_key_alg(key) == alg);
    /* F2: a public key is never a secret */
    FUZZ_DEMAND(ja_key_alg(key) != JA_ALG_HS256 || !memmem(in.p, in.left, "-----BEGIN ", 11));
    FUZZ_DEMAND(strlen(ja_key_kid(key)) >= 1 && strlen(ja_key_kid(key)) <= 64);
    check_public(key);
    if (ja_key_has_private(key)) {
        check_private(key);
        check_stored(key);
    }
    ja_key_free(key);
    return 0;
}
