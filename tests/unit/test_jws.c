/* The strict parser of compact JWS: SECURITY R13, R14, R16, F3, F5, F6. */
#include "common/base/text.h"
#include "common/domain/jws.h"
#include "tests/support/forge.h"
#include "tests/unit/jose_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int up(void **state)
{
    (void)state;
    return ja_crypto_init(NULL) == JA_OK ? 0 : -1;
}

static enum ja_status parse(const char *token, size_t len, struct ja_error *err)
{
    struct ja_jws jws = {0};
    enum ja_status st = ja_jws_parse_unverified(token, len, &jws, err);

    if (st == JA_OK)
        ja_jws_clear(&jws);
    else
        assert_null(jws.payload); /* nothing is handed out on failure */
    return st;
}

static void refused_n(const char *token, size_t len, const char *code)
{
    struct ja_error err = {0};

    assert_int_equal(parse(token, len, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, code);
}

static void refused(const char *token, const char *code)
{
    refused_n(token, strlen(token), code);
}

static void header_refused_n(const void *header, size_t len, const char *code)
{
    char *token = forge_finish(forge_input_n(header, len, "{}", 2), "sig", 3);

    refused(token, code);
    free(token);
}

static void header_refused(const char *header, const char *code)
{
    header_refused_n(header, strlen(header), code);
}

static void header_accepted(const char *header)
{
    char *token = forge_finish(forge_input(header, "{}"), "sig", 3);
    struct ja_error err = {0};

    assert_int_equal(parse(token, strlen(token), &err), JA_OK);
    free(token);
}

static void a_plain_token_is_taken_apart(void **state)
{
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"a-B_9\",\"typ\":\"at+jwt\"}";
    char *token = forge_finish(forge_input(header, "{\"sub\":\"x\"}"), "signature", 9);
    struct ja_jws jws = {0};
    json_t *claims = NULL;

    (void)state;
    assert_int_equal(ja_jws_parse_unverified(token, strlen(token), &jws, NULL), JA_OK);
    assert_int_equal(jws.alg, JA_ALG_ES256);
    assert_string_equal(jws.kid, "a-B_9");
    assert_string_equal(jws.typ, "at+jwt");
    assert_int_equal(jws.sig_len, 9);
    assert_memory_equal(jws.sig, "signature", 9);
    assert_string_equal((char *)jws.payload, "{\"sub\":\"x\"}");
    assert_int_equal(jws.signing_len, strrchr(token, '.') - token);
    assert_int_equal(ja_jws_claims_unverified(&jws, &claims, NULL), JA_OK);
    assert_string_equal(json_string_value(json_object_get(claims, "sub")), "x");
    json_decref(claims);
    ja_jws_clear(&jws);
    free(token);
    header_accepted("{\"alg\":\"EdDSA\"}");
    header_accepted("{\"alg\":\"RS256\",\"kid\":\"2011-04-29\",\"x5t\":\"abc\"}");
    header_accepted("{\"typ\":\"JWT\",\"alg\":\"HS256\"}");
}

/* CVE-2015-2951, 2022-23540, 2025-61152, 2026-28802: none, in every spelling and type. */
static void cve_2015_2951_alg_none_in_every_spelling(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        char header[] = "{\"alg\":\"none\"}";

        for (unsigned i = 0; i < 4; i++)
            if (bits & (1u << i))
                header[8 + i] = (char)(header[8 + i] - 'a' + 'A');
        header_refused(header, "unsupported_alg");
    }
    refused(RFC7515_A5_TOKEN, "unsupported_alg");
    header_refused("{\"alg\":\"\"}", "unsupported_alg");
    header_refused("{\"alg\":\" none\"}", "unsupported_alg");
    header_refused("{\"alg\":\"none \"}", "unsupported_alg");
    header_refused("{\"alg\":null}", "malformed");
    header_refused("{\"alg\":false}", "malformed");
    header_refused("{\"alg\":0}", "malformed");
    header_refused("{\"alg\":[]}", "malformed");
    header_refused("{\"alg\":[\"ES256\"]}", "malformed");
    header_refused("{\"alg\":{\"ES256\":1}}", "malformed");
    header_refused("{}", "malformed");
    header_refused("{\"Alg\":\"ES256\"}", "malformed");
}

/* SECURITY F3: libjwt compared without case; others pinned the family alone. */
static void f3_alg_is_one_of_four_in_exact_case(void **state)
{
    static const char *const algs[] = {"hs256", "Hs256", "es256",  "eddsa",  "EDDSA", "rs256", "HS384",
                                       "HS512", "ES384", "ES512",  "ES256K", "RS384", "RS512", "PS256",
                                       "PS384", "PS512", "Ed25519", "Ed448", "dir",   "RSA-OAEP", "ES256 "};

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        char *header = NULL;

        assert_true(asprintf(&header, "{\"alg\":\"%s\"}", algs[i]) > 0);
        header_refused(header, "unsupported_alg");
        free(header);
    }
    refused(RFC7515_A4_TOKEN, "unsupported_alg");
}

/* R14; CVE-2018-0114, 2026-27962 (jwk), 2024-1233, 2026-54885 (jku, x5u), 2025-59420 (crit),
 * 2024-28180, 2024-33664, 2025-62706 (zip): whatever the value, empty or not. */
static void r14_members_that_change_the_rules_are_refused(void **state)
{
    static const char *const names[] = {"crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", "cty", "enc"};
    static const char *const values[] = {"null", "true", "\"\"", "[]", "[\"exp\"]", "{}", "0",
                                         "\"http://127.0.0.1/keys\""};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            char *header = NULL;

            assert_true(asprintf(&header, "{\"alg\":\"ES256\",\"%s\":%s}", names[i], values[j]) > 0);
            header_refused(header, "unsupported_header");
            free(header);
        }
}

/* jwt_tool -X: the kid as a path, SQL, a URL; too long, of another type. */
static void r13_kid_is_1_to_64_plain_characters(void **state)
{
    static const char *const kids[] = {
        "\"\"", "\"../../dev/null\"", "\"/etc/passwd\"", "\"x' OR '1'='1\"", "\"x;DROP TABLE users\"",
        "\"http://127.0.0.1/k\"", "\"a b\"", "\"a.b\"", "\"a%00\"", "\"a\\u0000b\"", "\"a\\nb\"", "\"k\xc3\xb6\"",
        "\"=\"", "\"a+b\"", "1", "null", "true", "[\"a\"]", "{}",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", /* 65 */
    };
    char huge[6000];

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++) {
        char *header = NULL;

        assert_true(asprintf(&header, "{\"alg\":\"ES256\",\"kid\":%s}", kids[i]) > 0);
        header_refused(header, "malformed");
        free(header);
    }
    header_accepted("{\"alg\":\"ES256\",\"kid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
    memset(huge, 'a', sizeof huge);
    memcpy(huge, "{\"alg\":\"ES256\",\"kid\":\"", 22);
    memcpy(huge + sizeof huge - 2, "\"}", 2);
    header_refused_n(huge, sizeof huge, "malformed");
}

static void typ_is_a_short_text(void **state)
{
    (void)state;
    header_refused("{\"alg\":\"ES256\",\"typ\":1}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"typ\":[\"JWT\"]}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"typ\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "malformed");
}

static void r14_header_json_is_strict(void **state)
{
    static const char nul[] = "{\"alg\":\"ES256\"}\0{\"alg\":\"none\"}";
    static const char nul_inside[] = "{\"alg\":\"ES256\0\"}";

    (void)state;
    header_refused("{\"alg\":\"HS256\",\"alg\":\"ES256\"}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"kid\":\"a\",\"kid\":\"b\"}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"\\u0061lg\":\"HS256\"}", "malformed"); /* the same name, escaped */
    header_refused("{\"alg\":\"ES256\",\"x\":{\"a\":1,\"a\":2}}", "malformed");
    header_refused("{\"alg\":\"ES256\"}x", "malformed");
    header_refused("{\"alg\":\"ES256\"}{}", "malformed");
    header_refused("{\"alg\":\"ES256\",}", "malformed");
    header_refused("{'alg':'ES256'}", "malformed");
    header_refused("\"ES256\"", "malformed");
    header_refused("[]", "malformed");
    header_refused("null", "malformed");
    header_refused("\xef\xbb\xbf{\"alg\":\"ES256\"}", "malformed"); /* byte order mark */
    header_refused("{\"alg\":\"ES256\",\"x\":\"\xff\"}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"x\":\"\xc0\xaf\"}", "malformed");     /* overlong */
    header_refused("{\"alg\":\"ES256\",\"x\":\"\xed\xa0\x80\"}", "malformed"); /* surrogate */
    header_refused("{\"alg\":\"ES256\",\"x\":\"\\ud800\"}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"x\":\"\\u0000\"}", "malformed");
    header_refused("{\"alg\":\"ES256\",\"x\":\"\x01\"}", "malformed");
    header_refused_n(nul, sizeof nul - 1, "malformed");
    header_refused_n(nul_inside, sizeof nul_inside - 1, "malformed");
}

/* `depth` nested arrays inside the header object: depth + 1 levels. */
static char *nested(int depth, bool closed)
{
    char *text = malloc(64 + 2 * (size_t)depth), *p = text;

    assert_non_null(text);
    p += snprintf(p, 64, "{\"alg\":\"ES256\",\"x\":");
    memset(p, '[', (size_t)depth);
    p += depth;
    if (closed) {
        memset(p, ']', (size_t)depth);
        p += depth;
        *p++ = '}';
    }
    *p = 0;
    return text;
}

static void r16_json_is_at_most_16_deep(void **state)
{
    char *text = nested(15, true);

    (void)state;
    header_accepted(text);
    free(text);
    text = nested(16, true);
    header_refused(text, "malformed");
    free(text);
    text = nested(3000, false);
    header_refused(text, "malformed");
    free(text);
    /* brackets in strings are no depth */
    header_accepted("{\"alg\":\"ES256\",\"x\":\"[[[[[[[[[[[[[[[[[[[[{{{{{{\\\"[[[[[[[[[[[[[[[[[[[[[[\"}");
}

static void r16_payload_json_is_strict_too(void **state)
{
    static const char *const payloads[] = {
        "{\"exp\":1,\"exp\":2}", "{\"a\":1}x", "[]", "1", "\"x\"", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}",
        "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "{\"a\":1e999}", "{\"a\":99999999999999999999}", "{a:1}", "x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        char *token = forge_finish(forge_input("{\"alg\":\"ES256\"}", payloads[i]), "sig", 3);
        struct ja_jws jws = {0};
        json_t *claims = NULL;
        struct ja_error err = {0};

        assert_int_equal(ja_jws_parse_unverified(token, strlen(token), &jws, NULL), JA_OK);
        assert_int_equal(ja_jws_claims_unverified(&jws, &claims, &err), JA_ERR_DENIED);
        assert_string_equal(err.code, "malformed");
        assert_null(claims);
        ja_jws_clear(&jws);
        free(token);
    }
}

static void r16_exactly_three_parts(void **state)
{
    static const char *const tokens[] = {
        "", ".", "..", "...", "a", "a.b", "eyJhbGciOiJFUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9.e30",
        "eyJhbGciOiJFUzI1NiJ9.e30.", "eyJhbGciOiJFUzI1NiJ9..c2ln", ".e30.c2ln", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln.",
        "eyJhbGciOiJFUzI1NiJ9.e30.c2ln.c2ln", ".eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
        /* JWE has five (CVE-2023-51775, 2023-50967, 2023-52428, 2026-27932) */
        "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjIxNDc0ODM2NDd9.a2V5.aXY.Y3Q.dGFn",
        /* JSON serialisation */
        "{\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"payload\":\"e30\",\"signature\":\"c2ln\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        refused(tokens[i], "malformed");
    assert_int_equal(parse("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", 29, NULL), JA_OK);
}

/* SECURITY F5: libjwt took all sixteen last characters and much behind them. */
static void f5_base64url_is_canonical(void **state)
{
    static const char *const behind[] = {"=", "==", "!", " ", "\n", "\r\n", "+", "/", "A", "%3D", ".", "\t", "#"};
    struct ja_key *key = forge_key(RFC7515_A3_PUBLIC_JWK);
    char token[] = RFC7515_A3_TOKEN, *last = token + sizeof token - 2;
    int good = 0;

    (void)state;
    for (int c = 0; c <= 0xff; c++) { /* libsodium 1.0.18 has 129 spellings of '_' */
        struct ja_jws jws = {0};

        *last = (char)c;
        if (ja_jws_parse_unverified(token, sizeof token - 1, &jws, NULL) == JA_OK &&
            ja_jws_check_signature(&jws, key, NULL) == JA_OK)
            good++;
        ja_jws_clear(&jws);
    }
    assert_int_equal(good, 1);
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        char longer[sizeof token + 8];
        int len = snprintf(longer, sizeof longer, "%s%s", RFC7515_A3_TOKEN, behind[i]);
        struct ja_jws jws = {0};

        /* a further character may be base64url of one more byte: never a good signature */
        assert_false(ja_jws_parse_unverified(longer, (size_t)len, &jws, NULL) == JA_OK &&
                     ja_jws_check_signature(&jws, key, NULL) == JA_OK);
        ja_jws_clear(&jws);
        (void)snprintf(longer, sizeof longer, "%s%s", behind[i], RFC7515_A3_TOKEN);
        assert_int_not_equal(parse(longer, strlen(longer), NULL), JA_OK);
    }
    ja_key_free(key);
    refused("eyJhbGciOiJFUzI1NiJ9=.e30.c2ln", "malformed");
    refused("eyJhbGciOiJFUzI1NiJ9.e30=.c2ln", "malformed");
    refused("eyJhbGciOiJFUzI1NiJ9.e31.c2ln", "malformed"); /* not canonical: e30 */
    refused("eyJhbGciOiJFUzI1NiJ9.e 30.c2ln", "malformed");
    refused("eyJhbGciOiJFUzI1NiJ9.e30.c2l", "malformed");
    refused("eyJhbGciOiJFUzI1NiJ9.e30.c", "malformed");
    refused("eyJhbGciOiJFUzI1NiJ9.e30.ab+/", "malformed");
}

static void r16_text_behind_a_nul_is_part_of_the_token(void **state)
{
    static const char token[] = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln\0anything";

    (void)state;
    refused_n(token, sizeof token - 1, "malformed");
}

/* CVE-2025-30204, 2025-27144, 2025-61920, 2025-53864, F6: size before anything else. */
static void r16_more_than_8_kib_is_refused_unread(void **state)
{
    size_t big = 1 << 20;
    char *text = malloc(big);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', big);
    refused_n(text, big, "token_too_large");
    refused_n(text, JA_TOKEN_MAX + 1, "token_too_large");
    refused_n(text, JA_TOKEN_MAX, "malformed");
    memset(text, '.', big);
    refused_n(text, 100000, "token_too_large");
    refused_n(text, JA_TOKEN_MAX, "malformed");
    free(text);
}

static void the_largest_token_is_read(void **state)
{
    char payload[6200], *token;
    size_t len;

    (void)state;
    memset(payload, ' ', sizeof payload);
    memcpy(payload, "{}", 2);
    for (size_t n = sizeof payload; ; n--) {
        token = forge_finish(forge_input_n("{\"alg\":\"ES256\"}", 15, payload, n), "sig", 3);
        len = strlen(token);
        if (len > JA_TOKEN_MAX) {
            refused(token, "token_too_large");
            free(token);
            continue;
        }
        assert_int_equal(parse(token, len, NULL), JA_OK);
        assert_true(len > JA_TOKEN_MAX - 4);
        free(token);
        return;
    }
}

static void a_signature_longer_than_any_is_refused(void **state)
{
    unsigned char sig[JA_SIG_MAX + 1] = {1};
    char *token = forge_finish(forge_input("{\"alg\":\"RS256\"}", "{}"), sig, sizeof sig);

    (void)state;
    refused(token, "malformed");
    free(token);
}

static void r13_the_keys_algorithm_is_compared_before_crypto(void **state)
{
    struct ja_key *rsa = forge_key(RFC7515_A2_JWK), *ec = forge_key(RFC7515_A3_JWK);
    struct ja_jws jws = {0};
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(ja_jws_parse_unverified(RFC7515_A2_TOKEN, strlen(RFC7515_A2_TOKEN), &jws, NULL), JA_OK);
    assert_int_equal(ja_jws_check_signature(&jws, ec, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "alg_mismatch");
    assert_int_equal(ja_jws_check_signature(&jws, rsa, NULL), JA_OK);
    /* the right signature under a header that says another algorithm */
    jws.alg = JA_ALG_HS256;
    assert_int_equal(ja_jws_check_signature(&jws, rsa, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "alg_mismatch");
    ja_jws_clear(&jws);
    ja_key_free(rsa);
    ja_key_free(ec);
}

static void what_is_signed_is_read_again(void **state)
{
    struct ja_key *key = forge_key(RFC7515_A3_JWK);
    json_t *claims = json_pack("{s:s,s:i}", "sub", "x\xc3\xa9", "exp", 7), *back = NULL;
    char *token = NULL;
    struct ja_jws jws = {0};

    (void)state;
    assert_int_equal(ja_jws_sign(key, "at+jwt", claims, &token, NULL), JA_OK);
    assert_null(strchr(token, '='));
    assert_int_equal(ja_jws_parse_unverified(token, strlen(token), &jws, NULL), JA_OK);
    assert_int_equal(ja_jws_check_signature(&jws, key, NULL), JA_OK);
    assert_string_equal(jws.kid, ja_key_kid(key));
    assert_string_equal(jws.typ, "at+jwt");
    assert_int_equal(json_object_size(jws.header), 3);
    assert_int_equal(ja_jws_claims_unverified(&jws, &back, NULL), JA_OK);
    assert_true(json_equal(claims, back));
    json_decref(back);
    json_decref(claims);
    ja_jws_clear(&jws);
    ja_wipe_free(token);
    ja_key_free(key);
}

static void a_token_over_8_kib_is_not_signed(void **state)
{
    struct ja_key *key = forge_key(RFC7515_A3_JWK);
    char text[8000];
    json_t *claims;
    char *token = NULL;
    struct ja_error err = {0};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    claims = json_pack("{s:s}", "x", text);
    assert_int_equal(ja_jws_sign(key, "at+jwt", claims, &token, &err), JA_ERR_POLICY);
    assert_string_equal(err.code, "token_too_large");
    assert_null(token);
    json_decref(claims);
    ja_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_token_is_taken_apart),
        cmocka_unit_test(cve_2015_2951_alg_none_in_every_spelling),
        cmocka_unit_test(f3_alg_is_one_of_four_in_exact_case),
        cmocka_unit_test(r14_members_that_change_the_rules_are_refused),
        cmocka_unit_test(r13_kid_is_1_to_64_plain_characters),
        cmocka_unit_test(typ_is_a_short_text),
        cmocka_unit_test(r14_header_json_is_strict),
        cmocka_unit_test(r16_json_is_at_most_16_deep),
        cmocka_unit_test(r16_payload_json_is_strict_too),
        cmocka_unit_test(r16_exactly_three_parts),
        cmocka_unit_test(f5_base64url_is_canonical),
        cmocka_unit_test(r16_text_behind_a_nul_is_part_of_the_token),
        cmocka_unit_test(r16_more_than_8_kib_is_refused_unread),
        cmocka_unit_test(the_largest_token_is_read),
        cmocka_unit_test(a_signature_longer_than_any_is_refused),
        cmocka_unit_test(r13_the_keys_algorithm_is_compared_before_crypto),
        cmocka_unit_test(what_is_signed_is_read_again),
        cmocka_unit_test(a_token_over_8_kib_is_not_signed),
    };

    return cmocka_run_group_tests(tests, up, NULL);
}
