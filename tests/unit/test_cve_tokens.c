/* Known failures of token libraries and services (SECURITY section 3 C) that need more than one module to show,
 * or a witness outside: a listener, a count of what was allocated, every entrance at once.
 */
#include "common/domain/session.h"
#include "common/domain/signing_key.h"
#include "common/flow/session_flow.h"
#include "tests/support/forge.h"
#include "tests/support/temp_store.h"
#include "tests/unit/jose_vectors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW JA_TEST_EPOCH
#define SIZE(a) (sizeof(a) / sizeof *(a))

struct world {
    struct ja_test_store *t;
    struct ja_ctx *ctx;
    char alice[JA_UUID_LEN + 1];
    char session[JA_UUID_LEN + 1];
    char *token; /* of that session */
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct ja_session s = {.auth_time = NOW, .ends_at = NOW + 86400, .service = "test", .amr = "pwd"};
    struct ja_user user = {0};
    struct ja_mint mint = {.user = &user, .amr = "pwd"};
    struct ja_minted m = {0};

    assert_non_null(w);
    w->t = ja_test_store_new(NULL);
    w->ctx = &w->t->ctx;
    ja_test_user(w->t, "alice", NULL, w->alice);
    (void)snprintf(s.user_id, sizeof s.user_id, "%s", w->alice);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(w->ctx, &s, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    memcpy(w->session, s.id, sizeof s.id);
    ja_session_clear(&s);
    assert_int_equal(ja_user_find_by_id(w->ctx, w->alice, &user, NULL), JA_OK);
    mint.session_id = w->session;
    assert_int_equal(ja_token_mint(w->ctx, &mint, &m, NULL), JA_OK);
    w->token = m.token;
    ja_user_clear(&user);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;

    ja_wipe_free(w->token);
    ja_test_store_free(w->t);
    free(w);
    return 0;
}

static const char *verdict(struct world *w, const char *token, size_t len)
{
    static struct ja_error err;
    struct ja_token_check check = ja_token_check_default(w->ctx);
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(w->ctx, token, len, &check, false, &claims, &err);

    if (st == JA_OK) {
        json_decref(claims);
        return "";
    }
    assert_int_equal(st, JA_ERR_DENIED);
    assert_null(claims);
    return err.code;
}

static bool session_lives(struct world *w)
{
    struct ja_session s = {0};
    bool live;

    assert_int_equal(ja_session_find(w->ctx, w->session, &s, NULL), JA_OK);
    live = ja_session_live(&s, ja_now(&w->ctx->clock));
    ja_session_clear(&s);
    return live;
}

static struct ja_key *signer(struct world *w)
{
    struct ja_key *key = NULL;

    assert_int_equal(ja_keyring_signer(w->ctx, &key, NULL), JA_OK);
    return key;
}

/* The payload of alice's good token. */
static char *good_payload(struct world *w)
{
    const char *first = strchr(w->token, '.'), *second = strrchr(w->token, '.');
    unsigned char text[4096];
    size_t len = 0;

    assert_true(ja_b64_decode(first + 1, (size_t)(second - first - 1), text, sizeof text - 1, &len));
    text[len] = 0;
    return strdup((char *)text);
}

/* ---- no signature ---- */

/* CVE-2015-2951, CVE-2022-23540, CVE-2025-61152, CVE-2026-28802: a token without a signature opens no entrance: not
 * verification, with or without the store, and it neither logs out nor revokes. */
static void cve_2022_23540_a_token_without_signature_does_nothing_anywhere(void **state)
{
    static const char *const algs[] = {"\"none\"", "\"None\"", "\"NONE\"", "\"nOnE\"", "\"\"", "null", "false",
                                       "0", "[]", "{}", "[\"none\"]", "\"none\\u0000\"", "\"n\\u006fne\""};
    struct world *w = *state;
    char *payload = good_payload(w), *jwks = NULL;
    struct ja_keyset set = {0};

    assert_int_equal(ja_signing_key_jwks(w->ctx, &jwks, NULL), JA_OK);
    assert_int_equal(ja_keyset_parse(jwks, strlen(jwks), &set, NULL), JA_OK);
    for (size_t i = 0; i < SIZE(algs); i++)
        for (size_t sig = 0; sig < 2; sig++) {
            struct ja_token_check check = ja_token_check_default(w->ctx), any = {.signature_only = true};
            char *header = NULL, *token;
            json_t *claims = NULL;
            bool ended = false;
            size_t len;

            assert_true(asprintf(&header, "{\"alg\":%s,\"kid\":\"%s\",\"typ\":\"at+jwt\"}", algs[i],
                                 ja_key_kid(signer(w))) > 0);
            token = forge_finish(forge_input(header, payload), "x", sig);
            len = strlen(token);
            assert_string_not_equal(verdict(w, token, len), "");
            assert_int_equal(ja_token_verify_keyset(&set, token, len, &check, NOW, &claims, NULL), JA_ERR_DENIED);
            check.single_key = true;
            assert_int_equal(ja_token_verify_keyset(&set, token, len, &any, NOW, &claims, NULL), JA_ERR_DENIED);
            assert_null(claims);
            assert_int_equal(ja_session_logout(w->ctx, token, len, &ended, NULL), JA_ERR_DENIED);
            assert_int_equal(ja_token_revoke(w->ctx, token, len, NULL), JA_OK); /* RFC 7009: and does nothing */
            free(token);
            free(header);
        }
    assert_true(session_lives(w));
    assert_string_equal(verdict(w, w->token, strlen(w->token)), "");
    ja_keyset_clear(&set);
    free(jwks);
    free(payload);
}

/* ---- what everybody has is no secret ---- */

static void set_refuses(const char *jwks, const char *header, const void *secret, size_t len)
{
    struct ja_keyset set = {0};
    char *token = forge_hmac(header, "{\"exp\":1780000100}", secret, len, "SHA256");

    assert_int_equal(ja_keyset_parse(jwks, strlen(jwks), &set, NULL), JA_OK);
    assert_int_equal(set.len, 1);
    for (int single = 0; single < 2; single++) {
        struct ja_token_check check = {.single_key = single};
        struct ja_error err = {0};
        json_t *claims = NULL;

        assert_int_equal(ja_token_verify_keyset(&set, token, strlen(token), &check, NOW, &claims, &err),
                         JA_ERR_DENIED);
        assert_string_equal(err.code, "alg_mismatch");
        assert_null(claims);
    }
    ja_keyset_clear(&set);
    free(token);
}

/* CVE-2026-44699 (F1): an RSA key of a set, without "alg", gave another verifier an HMAC key of no bytes; and
 * CVE-2015-9235 and its family with the numbers of the key themselves: modulus, coordinates, as bytes and text. */
static void cve_2026_44699_a_public_jwk_without_alg_is_no_hmac_secret(void **state)
{
    static const struct { const char *jwk, *member; } keys[] = {
        {RFC7515_A2_JWK, "n"}, {RFC7515_A3_PUBLIC_JWK, "x"}, {RFC7515_A3_PUBLIC_JWK, "y"}, {RFC8037_JWK, "x"}};
    static const unsigned char zeros[64];

    (void)state;
    for (size_t i = 0; i < SIZE(keys); i++) {
        struct ja_key *key = forge_key(keys[i].jwk);
        json_t *jwk = NULL;
        char *text, *jwks = NULL;
        const char *member;
        unsigned char raw[512];
        size_t raw_len = 0;

        assert_int_equal(ja_key_public_jwk(key, &jwk, NULL), JA_OK);
        (void)json_object_del(jwk, "alg");
        (void)json_object_del(jwk, "kid");
        (void)json_object_del(jwk, "use");
        text = json_dumps(jwk, JSON_COMPACT);
        assert_true(asprintf(&jwks, "{\"keys\":[%s]}", text) > 0);
        member = json_string_value(json_object_get(jwk, keys[i].member));
        assert_true(ja_b64_decode(member, strlen(member), raw, sizeof raw, &raw_len));
        set_refuses(jwks, "{\"alg\":\"HS256\"}", "", 0);
        set_refuses(jwks, "{\"alg\":\"HS256\"}", zeros, 32);
        set_refuses(jwks, "{\"alg\":\"HS256\"}", raw, raw_len);
        set_refuses(jwks, "{\"alg\":\"HS256\"}", member, strlen(member));
        set_refuses(jwks, "{\"alg\":\"HS256\"}", text, strlen(text));
        set_refuses(jwks, "{\"alg\":\"HS256\"}", jwks, strlen(jwks));
        free(text);
        free(jwks);
        json_decref(jwk);
        ja_key_free(key);
    }
}

/* CVE-2019-20933, CVE-2024-36111, CVE-2026-44351 (F1): no bytes are no key, in whatever form they come. */
static void cve_2019_20933_nothing_is_no_key(void **state)
{
    static const char *const files[] = {"", "\n", " ", "\n\n\n", "{}", "{\"kty\":\"oct\"}", "{\"kty\":\"oct\",\"k\":\"\"}",
                                        "{\"kty\":\"oct\",\"k\":null}", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"};
    static const enum ja_alg algs[] = {JA_ALG_NONE, JA_ALG_HS256, JA_ALG_RS256, JA_ALG_ES256, JA_ALG_EDDSA};
    struct world *w = *state;
    char *payload = good_payload(w), *token;

    for (size_t i = 0; i < SIZE(files); i++)
        for (size_t a = 0; a < SIZE(algs); a++) {
            struct ja_secret text = {0};
            struct ja_key *key = NULL;

            if (ja_secret_from(&text, files[i], strlen(files[i]), NULL) == JA_OK)
                assert_int_not_equal(ja_key_from_file_text(&text, algs[a], &key, NULL), JA_OK);
            assert_null(key);
            ja_secret_clear(&text);
        }
    token = forge_hmac("{\"alg\":\"HS256\",\"kid\":\"nobodys\",\"typ\":\"at+jwt\"}", payload, "", 0, "SHA256");
    assert_string_equal(verdict(w, token, strlen(token)), "unknown_key");
    free(token);
    token = forge_hmac("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", payload, "", 0, "SHA256");
    assert_string_equal(verdict(w, token, strlen(token)), "unknown_key");
    free(token);
    free(payload);
}

/* ---- nothing is fetched ---- */

static int listener(int *ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

static int connections(int fd)
{
    int n = 0, c;

    while ((c = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        (void)close(c);
        n++;
    }
    assert_int_equal(errno, EAGAIN);
    return n;
}

/* The listener hears: else its silence would show nothing. */
static void connect_once(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    (void)close(fd);
}

/* CVE-2024-1233, CVE-2026-54885: an address in a token, wherever it stands, is connected to by nobody. */
static void cve_2024_1233_no_address_in_a_token_is_connected_to(void **state)
{
    static const struct { const char *before, *after; } headers[] = {
        {"\"jku\":\"", "jwks\""}, {"\"x5u\":\"", "x\""}, {"\"jwk\":{\"jku\":\"", "\"}"},
        {"\"kid\":\"", "\""}, {"\"iss\":\"", "\""}, {"\"x5c\":[\"", "\"]"}};
    struct world *w = *state;
    struct ja_key *own = forge_key(RFC7515_A3_JWK);
    char *payload = NULL;
    int port = 0, fd = listener(&port);

    connect_once(port);
    assert_int_equal(connections(fd), 1);
    assert_true(asprintf(&payload, "{\"iss\":\"http://127.0.0.1:%d\",\"jku\":\"http://127.0.0.1:%d/\",\"exp\":1780000100}",
                         port, port) > 0);
    for (size_t i = 0; i < SIZE(headers); i++) {
        char header[256], *token;

        (void)snprintf(header, sizeof header, "{\"alg\":\"ES256\",%shttp://127.0.0.1:%d/%s}", headers[i].before, port,
                       headers[i].after);
        token = forge_token(own, header, payload);
        assert_string_not_equal(verdict(w, token, strlen(token)), "");
        free(token);
    }
    assert_int_equal(connections(fd), 0);
    (void)close(fd);
    free(payload);
    ja_key_free(own);
}

/* ---- bounded work ---- */

static size_t allocations, allocated;

static void *counting_malloc(size_t n)
{
    allocations++;
    allocated += n;
    return malloc(n);
}

/* What the JSON parser allocates for this token; it is refused. */
static size_t work_for(struct world *w, const char *token, size_t len, const char *code)
{
    allocations = allocated = 0;
    assert_string_equal(verdict(w, token, len), code);
    return allocations;
}

/* CVE-2025-30204, CVE-2025-27144, CVE-2025-61920, CVE-2025-53864: counted, not timed: a token too long or nested too
 * deep is refused before the parser sees a byte, and no accepted size makes it allocate a megabyte. */
static void cve_2025_30204_hostile_tokens_cost_nothing(void **state)
{
    struct world *w = *state;
    size_t big = 1 << 20;
    char *text = malloc(big), deep[5800], *token, *header = forge_header(signer(w));

    assert_non_null(text);
    assert_string_equal(verdict(w, w->token, strlen(w->token)), ""); /* the key ring is loaded */
    json_set_alloc_funcs(counting_malloc, free);
    memset(text, '.', big);
    assert_int_equal(work_for(w, text, 100000, "token_too_large"), 0);
    assert_int_equal(work_for(w, text, 8192, "malformed"), 0);
    memset(text, 'e', big);
    assert_int_equal(work_for(w, text, big, "token_too_large"), 0);
    memset(text, 'e', big);
    text[big / 3] = text[2 * big / 3] = '.';
    assert_int_equal(work_for(w, text, big, "token_too_large"), 0);
    /* 5,800 brackets in the header */
    memset(deep, '[', sizeof deep);
    token = forge_finish(forge_input_n(deep, sizeof deep, "{}", 2), "sig", 3);
    assert_int_equal(work_for(w, token, strlen(token), "malformed"), 0);
    free(token);
    /* and in a payload that is rightly signed: what is allocated is the header's */
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof deep - 1] = 0;
    token = forge_token(signer(w), header, deep);
    assert_in_range(work_for(w, token, strlen(token), "malformed"), 1, 64);
    free(token);
    /* the widest header that is read: 2,900 empty arrays */
    for (size_t i = 0; i < 2900; i++)
        memcpy(text + 2 * i, "1,", 2);
    memcpy(text, "{\"alg\":\"ES256\",\"a\":[", 20);
    memcpy(text + 5798, "1]}", 4);
    token = forge_finish(forge_input(text, "{}"), "sig", 3);
    assert_in_range(work_for(w, token, strlen(token), "unknown_key"), 2000, 20000);
    assert_in_range(allocated, 1, 1 << 20);
    free(token);
    json_set_alloc_funcs(malloc, free);
    free(header);
    free(text);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(cve_2022_23540_a_token_without_signature_does_nothing_anywhere),
        cmocka_unit_test(cve_2026_44699_a_public_jwk_without_alg_is_no_hmac_secret),
        WITH(cve_2019_20933_nothing_is_no_key),
        WITH(cve_2024_1233_no_address_in_a_token_is_connected_to),
        WITH(cve_2025_30204_hostile_tokens_cost_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
