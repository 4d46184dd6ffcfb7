#include "tests/fuzz/fuzz_keys.h"

#include "common/base/text.h"
#include "common/domain/jws.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/jose_vectors.h"

static struct ja_key *keys[FUZZ_KEYS];

static struct ja_key *load(const char *jwk, const char *kid)
{
    json_t *j = NULL;
    struct ja_key *key = NULL;

    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    FUZZ_DEMAND(ja_json_parse_strict(jwk, strlen(jwk), &j, NULL) == JA_OK);
    FUZZ_DEMAND(!kid || json_object_set_new(j, "kid", json_string(kid)) == 0);
    FUZZ_DEMAND(ja_key_from_jwk(j, JA_ALG_NONE, &key, NULL) == JA_OK);
    json_decref(j);
    return key;
}

static const char *const jwks[FUZZ_KEYS][2] = {{RFC7515_A3_JWK, "es"}, {RFC8037_JWK, "ed"},
                                               {RFC7515_A2_JWK, "rs"}, {RFC7515_A1_JWK, "hs"}};

struct ja_key *fuzz_key(size_t i)
{
    if (!keys[i])
        keys[i] = load(jwks[i][0], jwks[i][1]);
    return keys[i];
}

struct ja_key *fuzz_key_for_store(size_t i)
{
    return load(jwks[i][0], NULL);
}

const struct ja_keyset *fuzz_keyset(void)
{
    static struct ja_keyset set = {keys, FUZZ_KEYS};

    for (size_t i = 0; i < FUZZ_KEYS; i++)
        (void)fuzz_key(i);
    return &set;
}

char *fuzz_sign(struct ja_key *key, const char *header, const void *payload, size_t payload_len)
{
    size_t size = JA_B64_SIZE(strlen(header)) + JA_B64_SIZE(payload_len) + JA_B64_SIZE(JA_SIG_MAX);
    char *token = malloc(size), *p = token;
    unsigned char sig[JA_SIG_MAX];
    size_t sig_len = 0;

    FUZZ_DEMAND(token != NULL);
    ja_b64_encode(header, strlen(header), p, size);
    p += strlen(p);
    *p++ = '.';
    ja_b64_encode(payload, payload_len, p, size - (size_t)(p - token));
    p += strlen(p);
    FUZZ_DEMAND(ja_key_sign(key, token, (size_t)(p - token), sig, &sig_len, NULL) == JA_OK);
    *p++ = '.';
    ja_b64_encode(sig, sig_len, p, size - (size_t)(p - token));
    return token;
}
