#include "tests/support/forge.h"

#include "common/base/text.h"
#include "common/domain/jws.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *forge_input_n(const void *header, size_t header_len, const void *payload, size_t payload_len)
{
    size_t size = JA_B64_SIZE(header_len) + JA_B64_SIZE(payload_len) + 1;
    char *token = malloc(size), *p = token;

    assert_non_null(token);
    ja_b64_encode(header, header_len, p, size);
    p += strlen(p);
    *p++ = '.';
    ja_b64_encode(payload, payload_len, p, size - (size_t)(p - token));
    return token;
}

char *forge_input(const char *header, const char *payload)
{
    return forge_input_n(header, strlen(header), payload, strlen(payload));
}

char *forge_finish(char *input, const void *sig, size_t sig_len)
{
    size_t len = strlen(input), size = len + 1 + JA_B64_SIZE(sig_len);
    char *token = realloc(input, size);

    assert_non_null(token);
    token[len] = '.';
    token[len + 1] = 0;
    if (sig_len > 0)
        ja_b64_encode(sig, sig_len, token + len + 1, size - len - 1);
    return token;
}

char *forge_token(struct ja_key *key, const char *header, const char *payload)
{
    char *input = forge_input(header, payload);
    unsigned char sig[JA_SIG_MAX];
    size_t len = 0;

    assert_int_equal(ja_key_sign(key, input, strlen(input), sig, &len, NULL), JA_OK);
    return forge_finish(input, sig, len);
}

char *forge_hmac(const char *header, const char *payload, const void *secret, size_t len,
                 const char *digest)
{
    char *input = forge_input(header, payload);
    unsigned char sig[EVP_MAX_MD_SIZE];
    unsigned sig_len = 0;

    assert_non_null(HMAC(EVP_get_digestbyname(digest), secret, (int)len, (unsigned char *)input,
                         strlen(input), sig, &sig_len));
    return forge_finish(input, sig, sig_len);
}

char *forge_header(const struct ja_key *key)
{
    char *text = NULL;

    assert_true(asprintf(&text, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                         ja_alg_name(ja_key_alg(key)), ja_key_kid(key)) > 0);
    return text;
}

struct ja_key *forge_key(const char *jwk)
{
    struct ja_key *key = NULL;
    json_t *doc = NULL;

    assert_int_equal(ja_json_parse_strict(jwk, strlen(jwk), &doc, NULL), JA_OK);
    assert_int_equal(ja_key_from_jwk(doc, JA_ALG_NONE, &key, NULL), JA_OK);
    json_decref(doc);
    return key;
}
