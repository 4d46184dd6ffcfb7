/* Any bytes as a token, against fixed keys of all four algorithms: only what the keys' owner signed verifies
 * (SECURITY R13, R14, R16; section 3 C). */
#include "common/domain/token.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_keys.h"

#include "common/base/text.h"
#include "tests/unit/jose_vectors.h"

#define PAYLOAD \
    "{\"iss\":\"" FUZZ_ISSUER "\",\"aud\":\"" FUZZ_AUDIENCE "\",\"sub\":\"018f0000-0000-7000-8000-000000000001\"," \
    "\"jti\":\"018f0000-0000-7000-8000-000000000002\",\"token_use\":\"access\",\"iat\":1780000000," \
    "\"exp\":1780000600}"

static const char *const headers[FUZZ_KEYS] = {
    "{\"alg\":\"ES256\",\"kid\":\"es\",\"typ\":\"at+jwt\"}", "{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"typ\":\"at+jwt\"}",
    "{\"alg\":\"RS256\",\"kid\":\"rs\",\"typ\":\"at+jwt\"}", "{\"alg\":\"HS256\",\"kid\":\"hs\",\"typ\":\"at+jwt\"}"};
/* Also what RFC 7515 appendix A and RFC 8037 appendix A signed with these keys. */
static const char *const published[] = {RFC7515_A1_TOKEN, RFC7515_A2_TOKEN, RFC7515_A3_TOKEN, RFC8037_TOKEN};
static char *genuine[FUZZ_KEYS];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    for (size_t i = 0; i < FUZZ_KEYS; i++)
        genuine[i] = fuzz_sign(fuzz_key(i), headers[i], PAYLOAD, strlen(PAYLOAD));
    return 0;
}

static bool same_token(const char *token, size_t len, const char *good, bool one_signature)
{
    size_t input = (size_t)(strrchr(good, '.') + 1 - good), whole = strlen(good);

    return len == whole && memcmp(token, good, one_signature ? whole : input) == 0;
}

/* Every bit of the signing input; of the signature too where there is only one (an ECDSA signature has several
 * encodings: nonce, and s or n - s). */
static bool is_genuine(const char *token, size_t len)
{
    for (size_t i = 0; i < FUZZ_KEYS; i++)
        if (same_token(token, len, genuine[i], ja_key_alg(fuzz_key(i)) != JA_ALG_ES256))
            return true;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (same_token(token, len, published[i], published[i] != published[2]))
            return true;
    return false;
}

static void verify(const char *token, size_t len, const struct ja_keyset *set,
                   const struct ja_token_check *check)
{
    json_t *claims = NULL;
    struct ja_error err = {0};
    enum ja_status st = ja_token_verify_keyset(set, token, len, check, FUZZ_NOW, &claims, &err);

    FUZZ_DEMAND(st == JA_OK || st == JA_ERR_DENIED);
    FUZZ_DEMAND(st == JA_OK || (!claims && err.code[0] && err.message[0]));
    FUZZ_DEMAND(st == JA_OK || ja_utf8_valid(err.message, strlen(err.message)));
    FUZZ_DEMAND(st != JA_OK || is_genuine(token, len));
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ja_token_check ours = {.issuer = FUZZ_ISSUER, .audience = FUZZ_AUDIENCE, .leeway = 60,
                                               .max_ttl = 86400, .ours = true};
    static const struct ja_token_check lax = {.signature_only = true, .single_key = true};
    const char *token = (const char *)data;

    verify(token, size, fuzz_keyset(), &ours);
    for (size_t i = 0; i < FUZZ_KEYS; i++) {
        struct ja_keyset one = {fuzz_keyset()->keys + i, 1};

        verify(token, size, &one, &lax);
    }
    return 0;
}

#ifdef JA_FUZZ_ENGINE
/* Half of the time the bytes behind one part's base64url are mutated, else the text. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    uint8_t raw[JA_TOKEN_MAX], *end = data + size, *first, *second;
    char text[JA_TOKEN_MAX * 2];
    size_t raw_len = 0, text_len, part = seed >> 1 & 1;
    uint8_t *from, *to;

    first = size ? memchr(data, '.', size) : NULL;
    second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if ((seed & 1) || !second)
        return LLVMFuzzerMutate(data, size, max);
    if (seed >> 2 & 1 && part)
        part = 2;
    from = part == 0 ? data : part == 1 ? first + 1 : second + 1;
    to = part == 0 ? first : part == 1 ? second : end;
    if (!ja_b64_decode((char *)from, (size_t)(to - from), raw, sizeof raw / 2, &raw_len))
        return LLVMFuzzerMutate(data, size, max);
    raw_len = LLVMFuzzerMutate(raw, raw_len, sizeof raw / 2);
    ja_b64_encode(raw, raw_len, text, sizeof text);
    text_len = strlen(text);
    if (size - (size_t)(to - from) + text_len > max)
        return size;
    memmove(from + text_len, to, (size_t)(end - to));
    memcpy(from, text, text_len);
    return size - (size_t)(to - from) + text_len;
}
#endif
