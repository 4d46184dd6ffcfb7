/* Access tokens: SECURITY R13, R15, R18, section 3.C; DESIGN section 5. */
#include "common/domain/session.h"
#include "common/domain/signing_key.h"
#include "common/domain/token.h"
#include "common/flow/account_flow.h"
#include "common/flow/key_flow.h"
#include "common/flow/session_flow.h"
#include "tests/support/forge.h"
#include "tests/support/temp_store.h"
#include "tests/unit/jose_vectors.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JTI "0197c7a2-0000-7000-8000-000000000001"
#define NOW JA_TEST_EPOCH
#define LEEWAY 30

struct world {
    struct ja_test_store *t;
    struct ja_ctx *ctx;
    char alice[JA_UUID_LEN + 1], bob[JA_UUID_LEN + 1];
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->t = ja_test_store_new(NULL);
    w->ctx = &w->t->ctx;
    ja_test_user(w->t, "alice", NULL, w->alice);
    ja_test_user(w->t, "bob", NULL, w->bob);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;

    ja_test_store_free(w->t);
    free(w);
    return 0;
}

/* One statement, committed; `one` is bound to $1. */
#define SQL(w, text, one)                                                                               \
    do {                                                                                                \
        assert_int_equal(ja_db_begin((w)->ctx->db, NULL), JA_OK);                                       \
        assert_int_equal(ja_db_exec((w)->ctx->db, text, JA_BINDS(JA_T(one)), NULL, NULL), JA_OK);       \
        assert_int_equal(ja_db_commit((w)->ctx->db, NULL), JA_OK);                                      \
    } while (0)

/* "" for yes, else the reason. */
static const char *verdict_of(struct ja_ctx *ctx, const char *token, bool offline)
{
    static struct ja_error err;
    struct ja_token_check check = ja_token_check_default(ctx);
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(ctx, token, strlen(token), &check, offline, &claims, &err);

    if (st == JA_OK) {
        assert_non_null(claims);
        json_decref(claims);
        return "";
    }
    assert_int_equal(st, JA_ERR_DENIED);
    assert_null(claims);
    return err.code;
}

static const char *verdict(struct world *w, const char *token)
{
    return verdict_of(w->ctx, token, false);
}

static void judged(struct world *w, const char *token, const char *code)
{
    assert_string_equal(verdict(w, token), code);
}

static struct ja_key *signer(struct world *w)
{
    struct ja_key *key = NULL;

    assert_int_equal(ja_keyring_signer(w->ctx, &key, NULL), JA_OK);
    return key;
}

/* What a good token of alice says. */
static json_t *good_claims(struct world *w)
{
    json_t *claims = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s}", "iss", "https://auth.example.org",
                               "sub", w->alice, "aud", "host.example.org", "exp", (json_int_t)(NOW + 900),
                               "nbf", (json_int_t)NOW, "iat", (json_int_t)NOW, "jti", JTI,
                               "token_use", "access");

    assert_non_null(claims);
    return claims;
}

/* Signed with the store's own key: only the claims are in question. */
static char *sign_claims(struct world *w, json_t *claims, const char *typ)
{
    char *token = NULL;

    assert_int_equal(ja_jws_sign(signer(w), typ, claims, &token, NULL), JA_OK);
    json_decref(claims);
    return token;
}

static void claims_judged(struct world *w, json_t *claims, const char *code)
{
    char *token = sign_claims(w, claims, "at+jwt");

    if (strcmp(verdict(w, token), code) != 0)
        print_error("token %s\n", token);
    judged(w, token, code);
    free(token);
}

static json_t *with(struct world *w, const char *name, json_t *value)
{
    json_t *claims = good_claims(w);

    if (value)
        assert_int_equal(json_object_set_new(claims, name, value), 0);
    else
        assert_int_equal(json_object_del(claims, name), 0);
    return claims;
}

static char *mint_for(struct world *w, const char *id, const char *session, int64_t ttl)
{
    struct ja_user user = {0};
    struct ja_mint mint = {.user = &user, .session_id = session, .amr = "pwd otp", .auth_time = NOW,
                           .ttl = ttl, .scope = NULL};
    struct ja_minted m = {0};

    assert_int_equal(ja_user_find_by_id(w->ctx, id, &user, NULL), JA_OK);
    assert_int_equal(ja_token_mint(w->ctx, &mint, &m, NULL), JA_OK);
    ja_user_clear(&user);
    return m.token;
}

static json_t *claims_of(struct world *w, const char *token)
{
    struct ja_token_check check = ja_token_check_default(w->ctx);
    json_t *claims = NULL;

    assert_int_equal(ja_token_verify(w->ctx, token, strlen(token), &check, false, &claims, NULL), JA_OK);
    return claims;
}

static const char *text_of(const json_t *claims, const char *name)
{
    return json_string_value(json_object_get(claims, name));
}

/* ---- what is minted ---- */

static void a_minted_token_says_what_design_says(void **state)
{
    struct world *w = *state;
    char *token;
    json_t *claims;

    SQL(w, "UPDATE users SET email = 'a@example.org', email_key = 'a@example.org', full_name = 'Al Ice' "
           "WHERE id = $1", w->alice);
    token = mint_for(w, w->alice, NULL, 0);
    claims = claims_of(w, token);
    assert_string_equal(text_of(claims, "iss"), "https://auth.example.org");
    assert_string_equal(text_of(claims, "aud"), "host.example.org");
    assert_string_equal(text_of(claims, "sub"), w->alice);
    assert_string_equal(text_of(claims, "token_use"), "access");
    assert_string_equal(text_of(claims, "preferred_username"), "alice");
    assert_string_equal(text_of(claims, "name"), "Al Ice");
    assert_string_equal(text_of(claims, "email"), "a@example.org");
    assert_true(json_is_false(json_object_get(claims, "email_verified")));
    assert_int_equal(json_integer_value(json_object_get(claims, "iat")), NOW);
    assert_int_equal(json_integer_value(json_object_get(claims, "nbf")), NOW);
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), NOW + 900);
    assert_int_equal(json_integer_value(json_object_get(claims, "auth_time")), NOW);
    assert_int_equal(json_array_size(json_object_get(claims, "amr")), 2);
    assert_true(json_is_array(json_object_get(claims, "roles")));
    assert_true(ja_uuid_valid(text_of(claims, "jti")));
    assert_null(json_object_get(claims, "sid"));
    assert_null(json_object_get(claims, "scope"));
    json_decref(claims);
    free(token);
}

static void services_have_no_identity_claims(void **state)
{
    struct world *w = *state;
    char *token;
    json_t *claims;

    SQL(w, "UPDATE users SET kind = 'service', email = 'a@example.org', email_key = 'a@example.org', "
           "full_name = 'Al Ice' WHERE id = $1", w->alice);
    token = mint_for(w, w->alice, NULL, 0);
    claims = claims_of(w, token);
    assert_null(json_object_get(claims, "name"));
    assert_null(json_object_get(claims, "email"));
    assert_null(json_object_get(claims, "email_verified"));
    json_decref(claims);
    free(token);
}

static void every_token_has_its_own_jti(void **state)
{
    struct world *w = *state;
    char *a = mint_for(w, w->alice, NULL, 0), *b = mint_for(w, w->alice, NULL, 0);
    json_t *ca = claims_of(w, a), *cb = claims_of(w, b);

    assert_string_not_equal(text_of(ca, "jti"), text_of(cb, "jti"));
    json_decref(ca);
    json_decref(cb);
    free(a);
    free(b);
}

static enum ja_status try_mint(struct world *w, const struct ja_mint *request, struct ja_error *err)
{
    struct ja_user user = {0};
    struct ja_mint mint = *request;
    struct ja_minted m = {0};
    enum ja_status st;

    assert_int_equal(ja_user_find_by_id(w->ctx, w->alice, &user, NULL), JA_OK);
    mint.user = &user;
    mint.amr = "";
    st = ja_token_mint(w->ctx, &mint, &m, err);
    assert_true((st == JA_OK) == (m.token != NULL));
    ja_minted_clear(&m);
    ja_user_clear(&user);
    return st;
}

static void minting_keeps_to_max_ttl_and_8_kib(void **state)
{
    struct world *w = *state;
    struct ja_error err = {0};
    char scope[8000];

    assert_int_equal(try_mint(w, &(struct ja_mint){.ttl = 86400}, &err), JA_OK);
    assert_int_equal(try_mint(w, &(struct ja_mint){.ttl = 86401}, &err), JA_ERR_POLICY);
    assert_string_equal(err.code, "ttl_too_long");
    assert_int_equal(try_mint(w, &(struct ja_mint){.ttl = -1}, &err), JA_ERR_INVALID);
    memset(scope, 'x', sizeof scope - 1);
    scope[sizeof scope - 1] = 0;
    assert_int_equal(try_mint(w, &(struct ja_mint){.scope = scope}, &err), JA_ERR_POLICY);
    assert_string_equal(err.code, "token_too_large");
}

/* `n` permissions of about 100 bytes for alice. */
static void grant_permissions(struct world *w, int n)
{
    char text[128];

    SQL(w, "INSERT INTO roles (id, name, created_at, updated_at, updated_by) VALUES ($1, $1, 1, 1, 'test')",
        "big");
    SQL(w, "INSERT INTO user_roles (user_id, role_id, granted_by, created_at) VALUES ($1, 'big', 'test', 1)",
        w->alice);
    for (int i = 0; i < n; i++) {
        (void)snprintf(text, sizeof text, "resource%03d"
                       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:read", i);
        SQL(w, "INSERT INTO role_permissions (role_id, permission, created_at) VALUES ('big', $1, 1)", text);
    }
}

static void permissions_are_left_out_past_4_kib_and_logged(void **state)
{
    struct world *w = *state;
    char *token;
    json_t *claims;

    grant_permissions(w, 38);
    token = mint_for(w, w->alice, NULL, 0);
    claims = claims_of(w, token);
    assert_int_equal(json_array_size(json_object_get(claims, "permissions")), 38);
    json_decref(claims);
    free(token);
    SQL(w, "INSERT INTO role_permissions (role_id, permission, created_at) SELECT 'big', permission || '2', 1 "
           "FROM role_permissions WHERE role_id = $1", "big");
    w->t->last_log[0] = 0;
    token = mint_for(w, w->alice, NULL, 0);
    claims = claims_of(w, token);
    assert_null(json_object_get(claims, "permissions"));
    assert_int_equal(json_array_size(json_object_get(claims, "roles")), 1);
    assert_non_null(strstr(w->t->last_log, "permissions claim of alice"));
    json_decref(claims);
    free(token);
}

/* ---- lifetimes ---- */

/* Good to the last second and the leeway, refused after. */
static void lives_exactly(struct world *w, int64_t asked, int64_t ttl)
{
    char *token = mint_for(w, w->alice, NULL, asked);

    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, ttl - 1);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, LEEWAY);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 1);
    judged(w, token, "expired");
    ja_fake_clock_advance(&w->t->clock, 100 * 86400);
    judged(w, token, "expired");
    free(token);
}

static void r15_a_token_of_15_minutes(void **state)
{
    lives_exactly(*state, 0, 900); /* the default */
}

static void r15_a_token_of_60_minutes(void **state)
{
    lives_exactly(*state, 3600, 3600);
}

static void r15_a_token_of_7_days(void **state)
{
    struct world *w = *state;
    struct ja_config *cfg = (struct ja_config *)(uintptr_t)w->ctx->cfg;

    cfg->tokens.max_ttl = 7 * 86400; /* as access_ttl = 7d derives it */
    lives_exactly(w, 7 * 86400, 7 * 86400);
}

static void r15_a_clock_set_back_makes_a_token_not_yet_valid(void **state)
{
    struct world *w = *state;
    char *token = mint_for(w, w->alice, NULL, 0);

    ja_fake_clock_advance(&w->t->clock, -LEEWAY);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, -1);
    judged(w, token, "not_yet_valid");
    free(token);
}

/* ---- claims ---- */

/* CVE-2026-25537, 2020-26160, 2025-30144, 2024-53861, 2019-17195 */
static void r15_each_registered_claim_is_demanded(void **state)
{
    static const char *const names[] = {"iss", "sub", "aud", "exp", "iat", "jti", "token_use"};
    struct world *w = *state;

    claims_judged(w, good_claims(w), "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        claims_judged(w, with(w, names[i], NULL), "missing_claim");
    claims_judged(w, with(w, "nbf", NULL), ""); /* RFC 9068 does not demand it */
}

static void r15_each_registered_claim_has_its_type(void **state)
{
    static const char *const texts[] = {"iss", "sub", "aud", "jti", "token_use", "sid"};
    static const char *const times[] = {"exp", "nbf", "iat"};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *same = good_claims(w), *value = json_object_get(same, texts[i]);

        claims_judged(w, with(w, texts[i], json_null()), "invalid_claim");
        claims_judged(w, with(w, texts[i], json_true()), "invalid_claim");
        claims_judged(w, with(w, texts[i], json_integer(1)), "invalid_claim");
        claims_judged(w, with(w, texts[i], json_object()), "invalid_claim");
        claims_judged(w, with(w, texts[i], json_array()), "invalid_claim");
        if (value)
            claims_judged(w, with(w, texts[i], json_pack("[O]", value)), "invalid_claim");
        json_decref(same);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        claims_judged(w, with(w, times[i], json_null()), "invalid_claim");
        claims_judged(w, with(w, times[i], json_true()), "invalid_claim");
        claims_judged(w, with(w, times[i], json_string("1780000100")), "invalid_claim");
        claims_judged(w, with(w, times[i], json_string("")), "invalid_claim");
        claims_judged(w, with(w, times[i], json_array()), "invalid_claim");
        claims_judged(w, with(w, times[i], json_pack("[i]", 1780000100)), "invalid_claim");
        claims_judged(w, with(w, times[i], json_object()), "invalid_claim");
        claims_judged(w, with(w, times[i], json_integer(-1)), "invalid_claim");
        claims_judged(w, with(w, times[i], json_real(1e300)), "invalid_claim");
        claims_judged(w, with(w, times[i], json_integer(INT64_MAX)), "invalid_claim");
    }
    claims_judged(w, with(w, "sub", json_string("")), "invalid_claim");
    claims_judged(w, with(w, "jti", json_string("")), "invalid_claim");
    claims_judged(w, with(w, "jti", json_string("' OR 1=1")), "invalid_claim");
    claims_judged(w, with(w, "sub", json_string("alice")), "invalid_claim");
    claims_judged(w, with(w, "sid", json_string("")), "session_ended");
}

/* SECURITY F4: 0 never means "for ever". */
static void r15_exp_lies_between_now_and_max_ttl(void **state)
{
    struct world *w = *state;

    claims_judged(w, with(w, "exp", json_integer(0)), "expired");
    claims_judged(w, with(w, "exp", json_real(0.0)), "expired");
    claims_judged(w, with(w, "exp", json_integer(NOW - LEEWAY)), "expired");
    claims_judged(w, with(w, "exp", json_integer(NOW - LEEWAY + 1)), "");
    claims_judged(w, with(w, "exp", json_real((double)NOW + 10.5)), "");
    claims_judged(w, with(w, "exp", json_integer(NOW + 86400 + LEEWAY)), "");
    claims_judged(w, with(w, "exp", json_integer(NOW + 86400 + LEEWAY + 1)), "lifetime_too_long");
    claims_judged(w, with(w, "exp", json_integer(INT64_C(9007199254740991))), "lifetime_too_long");
}

static void r15_nbf_and_iat_are_not_in_the_future(void **state)
{
    struct world *w = *state;

    claims_judged(w, with(w, "nbf", json_integer(NOW + LEEWAY)), "");
    claims_judged(w, with(w, "nbf", json_integer(NOW + LEEWAY + 1)), "not_yet_valid");
    claims_judged(w, with(w, "iat", json_integer(NOW + LEEWAY)), "");
    claims_judged(w, with(w, "iat", json_integer(NOW + LEEWAY + 1)), "not_yet_valid");
}

static void r15_a_leeway_beyond_60_seconds_counts_as_60(void **state)
{
    struct world *w = *state;
    struct ja_token_check check = ja_token_check_default(w->ctx);
    char *token = sign_claims(w, with(w, "exp", json_integer(NOW - 60)), "at+jwt");
    json_t *claims = NULL;
    struct ja_error err = {0};

    check.leeway = 3600;
    assert_int_equal(ja_token_verify(w->ctx, token, strlen(token), &check, false, &claims, &err),
                     JA_ERR_DENIED);
    assert_string_equal(err.code, "expired");
    free(token);
}

static void r15_iss_and_aud_are_compared_whole(void **state)
{
    static const char *const issuers[] = {"https://auth.example.org/", "https://auth.example.or",
                                          "HTTPS://auth.example.org", "auth.example.org",
                                          " https://auth.example.org", "https://auth.example.org.evil.net"};
    static const char *const audiences[] = {"host.example.or", "host.example.org.", "Host.example.org",
                                            "example.org", "host.example.org,other", "*",
                                            "other host.example.org", "host.example.org "};
    struct world *w = *state;
    json_t *claims;
    char *text, *token;

    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
        claims_judged(w, with(w, "iss", json_string(issuers[i])), "wrong_issuer");
    for (size_t i = 0; i < sizeof audiences / sizeof *audiences; i++)
        claims_judged(w, with(w, "aud", json_string(audiences[i])), "wrong_audience");
    /* text behind a NUL: refused as JSON already */
    claims = with(w, "iss", json_stringn("https://auth.example.org\0x", 26));
    text = json_dumps(claims, JSON_COMPACT);
    json_decref(claims);
    assert_non_null(strstr(text, "\\u0000"));
    {
        char *header = forge_header(signer(w));

        token = forge_token(signer(w), header, text);
        judged(w, token, "malformed");
        free(header);
    }
    free(token);
    free(text);
}

static void r15_other_kinds_of_tokens_are_refused(void **state)
{
    static const char *const uses[] = {"id", "refresh", "Access", "access ", "session"};
    static const char *const types[] = {"jwt", "id+jwt", "AT+JWT", "at+jwt ", "application/at+jwt", ""};
    struct world *w = *state;
    char *token = sign_claims(w, good_claims(w), "JWT");

    judged(w, token, ""); /* for verifiers built on old libjwt (F7) */
    free(token);
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        claims_judged(w, with(w, "token_use", json_string(uses[i])), "wrong_type");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        token = sign_claims(w, good_claims(w), types[i]);
        judged(w, token, "wrong_type");
        free(token);
    }
}

/* Header without typ. */
static void r15_a_missing_typ_is_refused(void **state)
{
    struct world *w = *state;
    struct ja_key *key = signer(w);
    json_t *claims = good_claims(w);
    char *text = json_dumps(claims, JSON_COMPACT), *header = NULL, *token;

    assert_true(asprintf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", ja_key_kid(key)) > 0);
    token = forge_token(key, header, text);
    judged(w, token, "wrong_type");
    free(token);
    free(header);
    free(text);
    json_decref(claims);
}

/* CVE-2024-51744: who looks at one reason must see this one. */
static void cve_2024_51744_a_bad_signature_wins_over_expired(void **state)
{
    struct world *w = *state;
    char *token = sign_claims(w, with(w, "exp", json_integer(1)), "at+jwt");

    judged(w, token, "expired");
    token[strlen(token) - 20] = token[strlen(token) - 20] == 'A' ? 'B' : 'A';
    judged(w, token, "bad_signature");
    free(token);
}

static void a_change_anywhere_is_refused(void **state)
{
    struct world *w = *state;
    char *token = mint_for(w, w->alice, NULL, 0);
    size_t len = strlen(token);

    for (size_t i = 0; i < len; i++) {
        char was = token[i];

        token[i] = was == 'x' ? 'y' : 'x';
        assert_string_not_equal(verdict(w, token), "");
        token[i] = was;
    }
    for (size_t n = 0; n < len; n += 7) {
        char *cut = strndup(token, n);

        assert_string_not_equal(verdict(w, cut), "");
        free(cut);
    }
    judged(w, token, "");
    free(token);
}

/* ---- keys ---- */

static char *claims_text(struct world *w)
{
    json_t *claims = good_claims(w);
    char *text = json_dumps(claims, JSON_COMPACT);

    json_decref(claims);
    return text;
}

static void hmac_refused(struct world *w, const char *kid, const void *secret, size_t len)
{
    static const struct { const char *alg, *digest, *code; } kinds[] = {
        {"HS256", "SHA256", "alg_mismatch"},
        {"HS384", "SHA384", "unsupported_alg"},
        {"HS512", "SHA512", "unsupported_alg"},
    };
    char *text = claims_text(w);

    for (size_t i = 0; i < 3; i++) {
        char *header = NULL, *token;

        assert_true(asprintf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kinds[i].alg, kid) > 0);
        token = forge_hmac(header, text, secret, len, kinds[i].digest);
        judged(w, token, kinds[i].code);
        free(token);
        free(header);
    }
    free(text);
}

static EVP_PKEY *public_pkey(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(pkey);
    return pkey;
}

/* CVE-2015-9235, 2016-10555, 2016-5431, 2017-11424, 2022-29217, 2023-48238, 2023-48223, 2024-33663,
 * 2024-37568, 2024-54150, 2026-34950, 2026-48526: what everybody has is no secret. */
static void cve_2016_10555_hs256_with_the_public_key_as_secret(void **state)
{
    struct world *w = *state;
    enum ja_alg algs[] = {JA_ALG_RS256, JA_ALG_ES256, JA_ALG_EDDSA};

    for (size_t i = 0; i < 3; i++) {
        struct ja_key_info info;
        bool rotated = false;
        struct ja_key *key;
        char *pem = NULL, *text, *trimmed;
        unsigned char *der = NULL;
        json_t *jwk = NULL, *member;
        EVP_PKEY *pkey;
        int len;

        assert_int_equal(ja_key_rotate(w->ctx, algs[i], false, &rotated, &info, NULL), JA_OK);
        assert_int_equal(ja_signing_key_load(w->ctx, info.kid, false, &key, NULL), JA_OK);
        assert_int_equal(ja_key_public_pem(key, &pem, NULL), JA_OK);
        hmac_refused(w, info.kid, pem, strlen(pem));
        trimmed = strndup(pem, strlen(pem) - 1);
        hmac_refused(w, info.kid, trimmed, strlen(trimmed));
        hmac_refused(w, info.kid, "", 0);
        pkey = public_pkey(pem);
        len = i2d_PUBKEY(pkey, &der);
        hmac_refused(w, info.kid, der, (size_t)len);
        OPENSSL_free(der);
        der = NULL;
        if (algs[i] != JA_ALG_EDDSA) {
            len = i2d_PublicKey(pkey, &der);
            hmac_refused(w, info.kid, der, (size_t)len);
            OPENSSL_free(der);
        }
        assert_int_equal(ja_key_public_jwk(key, &jwk, NULL), JA_OK);
        text = json_dumps(jwk, JSON_COMPACT);
        hmac_refused(w, info.kid, text, strlen(text));
        member = json_object_get(jwk, algs[i] == JA_ALG_RS256 ? "n" : "x");
        hmac_refused(w, info.kid, json_string_value(member), json_string_length(member));
        free(text);
        json_decref(jwk);
        EVP_PKEY_free(pkey);
        free(trimmed);
        free(pem);
        ja_key_free(key);
    }
}

/* Another key than the one that the kid names: unknown, foreign, of another algorithm. */
static void r13_the_kid_says_which_key(void **state)
{
    struct world *w = *state;
    struct ja_key *stranger = forge_key(RFC7515_A3_JWK);
    char *text = claims_text(w), *header, *token;

    header = forge_header(stranger);
    token = forge_token(stranger, header, text);
    judged(w, token, "unknown_key");
    free(token);
    token = forge_token(signer(w), header, text); /* our signature under a strange kid */
    judged(w, token, "unknown_key");
    free(token);
    free(header);
    header = forge_header(signer(w));
    token = forge_token(stranger, header, text);
    judged(w, token, "bad_signature");
    free(token);
    token = forge_token(signer(w), header, text);
    judged(w, token, "");
    free(token);
    free(header);
    token = forge_token(signer(w), "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", text);
    judged(w, token, "unknown_key");
    free(token);
    free(text);
    ja_key_free(stranger);
}

/* CVE-2018-0114: signed by a key that the token brings along. */
static void cve_2018_0114_an_embedded_key_is_not_used(void **state)
{
    struct world *w = *state;
    struct ja_key *own = forge_key(RFC7515_A3_JWK);
    char *text = claims_text(w), *header = NULL, *token;

    assert_true(asprintf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"jwk\":%s}",
                         ja_key_kid(signer(w)), RFC7515_A3_PUBLIC_JWK) > 0);
    token = forge_token(own, header, text);
    judged(w, token, "unsupported_header");
    free(token);
    free(header);
    free(text);
    ja_key_free(own);
}

/* CVE-2022-21449, 2020-28042: no signature, zeros, too short, too long. */
static void cve_2022_21449_empty_and_zero_signatures(void **state)
{
    struct world *w = *state;
    unsigned char zeros[200] = {0};
    char *text = claims_text(w), *header = forge_header(signer(w));
    static const size_t lengths[] = {1, 32, 63, 64, 65, 72, 128, 200};
    char *token = forge_finish(forge_input(header, text), "", 0);

    judged(w, token, "malformed");
    free(token);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        token = forge_finish(forge_input(header, text), zeros, lengths[i]);
        judged(w, token, "bad_signature");
        free(token);
    }
    free(header);
    free(text);
}

/* Anything but yes. */
static void never_verifies(struct world *w, char *token)
{
    struct ja_token_check check = ja_token_check_default(w->ctx);
    json_t *claims = NULL;

    ja_keyring_drop(w->ctx);
    assert_int_not_equal(ja_token_verify(w->ctx, token, strlen(token), &check, false, &claims, NULL), JA_OK);
    assert_int_not_equal(ja_token_verify(w->ctx, token, strlen(token), &check, true, &claims, NULL), JA_OK);
    assert_null(claims);
    free(token);
}

/* CVE-2026-44351, 2019-20933, 2024-36111, 2026-44699: a key without bytes. */
static void r13_a_key_row_without_key_is_an_error(void **state)
{
    struct world *w = *state;
    char *token = mint_for(w, w->alice, NULL, 0);

    SQL(w, "UPDATE signing_keys SET public_der = $1", "");
    never_verifies(w, token);
}

static void r13_a_key_row_of_another_key_is_an_error(void **state)
{
    struct world *w = *state;
    struct ja_key *stranger = forge_key(RFC7515_A3_JWK), *loaded = NULL;
    char *header = forge_header(signer(w)), *claims = claims_text(w);
    unsigned char *pub = NULL;
    size_t len = 0;
    struct ja_secret priv = {0};
    char text[JA_B64_SIZE(128)];

    assert_int_equal(ja_key_to_stored(stranger, &pub, &len, &priv, NULL), JA_OK);
    ja_b64_encode(pub, len, text, sizeof text);
    SQL(w, "UPDATE signing_keys SET public_der = $1", text);
    assert_int_equal(ja_signing_key_load(w->ctx, ja_key_kid(signer(w)), false, &loaded, NULL), JA_ERR_CORRUPT);
    assert_null(loaded);
    never_verifies(w, forge_token(stranger, header, claims));
    free(header);
    free(claims);
    free(pub);
    ja_secret_clear(&priv);
    ja_key_free(stranger);
}

static void r13_an_hs256_row_without_secret_is_an_error(void **state)
{
    struct world *w = *state;
    struct ja_key_info info;
    bool rotated = false;
    char *token;

    assert_int_equal(ja_key_rotate(w->ctx, JA_ALG_HS256, false, &rotated, &info, NULL), JA_OK);
    token = mint_for(w, w->alice, NULL, 0);
    judged(w, token, "");
    SQL(w, "UPDATE signing_keys SET private_key = $1 WHERE alg = 'HS256'", "");
    never_verifies(w, token);
}

static void a_key_of_another_process_is_found_once(void **state)
{
    struct world *w = *state;
    struct ja_ctx other = {0};
    struct ja_key_info info;
    bool rotated = false;
    char *before = mint_for(w, w->alice, NULL, 0), *after;

    ja_test_store_second(w->t, &other);
    assert_string_equal(verdict_of(&other, before, false), ""); /* its ring is loaded */
    assert_int_equal(ja_key_rotate(w->ctx, JA_ALG_NONE, false, &rotated, &info, NULL), JA_OK);
    assert_int_equal(ja_key_rotate(w->ctx, JA_ALG_NONE, false, &rotated, &info, NULL), JA_OK);
    after = mint_for(w, w->alice, NULL, 0);
    assert_string_equal(verdict_of(&other, after, false), "");
    assert_string_equal(verdict_of(&other, before, false), "");
    free(before);
    free(after);
    ja_ctx_clear(&other);
}

/* The ring of a long-lived process may be old: it must not sign with a key that is on its way out. */
static void who_signs_is_asked_of_the_store(void **state)
{
    struct world *w = *state;
    struct ja_ctx other = {0};
    struct ja_key *key = NULL;
    struct ja_key_info info;
    bool rotated = false;

    ja_test_store_second(w->t, &other);
    assert_int_equal(ja_keyring_signer(&other, &key, NULL), JA_OK);
    assert_int_equal(ja_key_rotate(w->ctx, JA_ALG_NONE, false, &rotated, &info, NULL), JA_OK);
    assert_string_not_equal(ja_key_kid(key), info.kid);
    assert_int_equal(ja_keyring_signer(&other, &key, NULL), JA_OK);
    assert_string_equal(ja_key_kid(key), info.kid);
    ja_ctx_clear(&other);
}

static void a_key_retired_by_another_process_counts_no_more(void **state)
{
    struct world *w = *state;
    struct ja_ctx other = {0};
    struct ja_key_info info;
    bool rotated = false;
    char *token = mint_for(w, w->alice, NULL, 0), old[JA_KID_LEN + 1];

    ja_test_store_second(w->t, &other);
    assert_string_equal(verdict_of(&other, token, false), "");
    (void)snprintf(old, sizeof old, "%s", ja_key_kid(signer(w)));
    assert_int_equal(ja_key_rotate(w->ctx, JA_ALG_NONE, false, &rotated, &info, NULL), JA_OK);
    assert_int_equal(ja_key_retire(w->ctx, old, NULL), JA_OK);
    assert_string_equal(verdict_of(&other, token, false), "unknown_key"); /* though its ring still has it */
    judged(w, token, "unknown_key");
    free(token);
    ja_ctx_clear(&other);
}

/* ---- revocation (R18) ---- */

static void r18_revoked_by_jti(void **state)
{
    struct world *w = *state;
    char *token = mint_for(w, w->alice, NULL, 0), *other = mint_for(w, w->alice, NULL, 0);

    assert_int_equal(ja_token_revoke(w->ctx, token, strlen(token), NULL), JA_OK);
    judged(w, token, "revoked");
    assert_int_equal(ja_token_revoke(w->ctx, token, strlen(token), NULL), JA_OK);
    judged(w, token, "revoked");
    judged(w, other, "");
    assert_string_equal(verdict_of(w->ctx, token, true), ""); /* offline nobody asks */
    free(token);
    free(other);
}

/* RFC 7009: a token of others is revoked already, and writes nothing. */
static void a_foreign_token_fills_no_table(void **state)
{
    struct world *w = *state;
    struct ja_key *stranger = forge_key(RFC7515_A3_JWK);
    char *text = claims_text(w), *header = forge_header(stranger);
    char *token = forge_token(stranger, header, text);
    struct ja_rows *rows = NULL;
    bool row = false;

    assert_int_equal(ja_token_revoke(w->ctx, token, strlen(token), NULL), JA_OK);
    assert_int_equal(ja_token_revoke(w->ctx, "nonsense", 8, NULL), JA_OK);
    assert_int_equal(ja_token_revoke(w->ctx, "", 0, NULL), JA_OK);
    assert_int_equal(ja_db_query(w->ctx->db, "SELECT jti FROM revoked_tokens", JA_NO_BINDS, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_false(row);
    ja_rows_end(rows);
    free(token);
    free(header);
    free(text);
    ja_key_free(stranger);
}

static void open_session(struct world *w, const char *user_id, char id[JA_UUID_LEN + 1])
{
    struct ja_session s = {.auth_time = NOW, .ends_at = NOW + 5000, .idle_ends_at = NOW + 600,
                           .last_used_at = NOW, .service = "test", .amr = "pwd"};

    s.audience = strdup("host.example.org");
    (void)snprintf(s.user_id, sizeof s.user_id, "%s", user_id);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(w->ctx, &s, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    memcpy(id, s.id, sizeof s.id);
    ja_session_clear(&s);
}

static void r18_revoked_with_its_session(void **state)
{
    struct world *w = *state;
    char sid[JA_UUID_LEN + 1], *token;
    bool ended = false;

    open_session(w, w->alice, sid);
    token = mint_for(w, w->alice, sid, 0);
    judged(w, token, "");
    assert_int_equal(ja_session_close(w->ctx, sid, "logout", &ended, NULL), JA_OK);
    judged(w, token, "session_ended");
    free(token);
}

static void a_session_ends_by_idling_and_at_its_end(void **state)
{
    struct world *w = *state;
    char sid[JA_UUID_LEN + 1], *token;

    open_session(w, w->alice, sid);
    token = mint_for(w, w->alice, sid, 86400);
    ja_fake_clock_advance(&w->t->clock, 599);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 1);
    judged(w, token, "session_ended");
    SQL(w, "UPDATE sessions SET idle_ends_at = NULL WHERE id = $1", sid);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 4399);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 1);
    judged(w, token, "session_ended");
    free(token);
}

static void a_session_of_another_user_or_none_does_not_count(void **state)
{
    struct world *w = *state;
    char sid[JA_UUID_LEN + 1], *token;

    open_session(w, w->bob, sid);
    token = mint_for(w, w->alice, sid, 0);
    judged(w, token, "session_ended");
    free(token);
    token = mint_for(w, w->alice, "0197c7a2-0000-7000-8000-000000000009", 0);
    judged(w, token, "session_ended");
    free(token);
}

static void r18_revoked_by_the_users_cut(void **state)
{
    struct world *w = *state;
    char *before = mint_for(w, w->alice, NULL, 0), *after;

    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_user_cut_tokens(w->ctx, w->alice, NOW + 1, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    judged(w, before, "revoked");
    after = mint_for(w, w->alice, NULL, 0);
    judged(w, after, "");
    free(before);
    free(after);
}

static void r18_refused_while_the_user_is_not_active(void **state)
{
    struct world *w = *state;
    struct ja_cut cut;
    char *token = mint_for(w, w->alice, NULL, 0);

    SQL(w, "UPDATE users SET status = 'disabled' WHERE id = $1", w->alice);
    judged(w, token, "user_inactive");
    SQL(w, "UPDATE users SET status = 'locked' WHERE id = $1", w->alice);
    judged(w, token, "user_inactive");
    SQL(w, "UPDATE users SET status = 'pending' WHERE id = $1", w->alice);
    judged(w, token, "user_inactive");
    SQL(w, "UPDATE users SET status = 'active', lock_at = 1780000010 WHERE id = $1", w->alice);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 10);
    judged(w, token, "user_inactive");
    SQL(w, "UPDATE users SET lock_at = NULL, valid_until = 1780000020 WHERE id = $1", w->alice);
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 10);
    judged(w, token, "user_inactive");
    SQL(w, "UPDATE users SET valid_until = NULL WHERE id = $1", w->alice);
    judged(w, token, "");
    assert_int_equal(ja_account_disable(w->ctx, "alice", &cut, NULL), JA_OK);
    judged(w, token, "user_inactive");
    assert_int_equal(ja_account_enable(w->ctx, "alice", NULL), JA_OK);
    judged(w, token, "revoked"); /* what was cut stays cut */
    SQL(w, "UPDATE users SET tokens_not_before = 0, deleted_at = 1 WHERE id = $1", w->alice);
    judged(w, token, "user_inactive");
    SQL(w, "UPDATE users SET deleted_at = NULL WHERE id = $1", w->alice);
    assert_int_equal(ja_account_delete(w->ctx, "alice", NULL), JA_OK);
    judged(w, token, "user_inactive");
    free(token);
}

static void r15_sub_is_a_user_of_ours(void **state)
{
    struct world *w = *state;

    claims_judged(w, with(w, "sub", json_string("0197c7a2-0000-7000-8000-00000000000a")), "user_inactive");
}

/* ---- without a store ---- */

static const char *set_verdict(const struct ja_keyset *set, const char *token, struct ja_token_check check,
                               int64_t now)
{
    static struct ja_error err;
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify_keyset(set, token, strlen(token), &check, now, &claims, &err);

    json_decref(claims);
    if (st == JA_OK)
        return "";
    assert_int_equal(st, JA_ERR_DENIED);
    return err.code;
}

static struct ja_keyset set_of(const char *text)
{
    struct ja_keyset set = {0};

    assert_int_equal(ja_keyset_parse(text, strlen(text), &set, NULL), JA_OK);
    return set;
}

static void the_published_set_verifies_without_the_store(void **state)
{
    struct world *w = *state;
    struct ja_token_check check = {.issuer = "https://auth.example.org", .audience = "host.example.org",
                                   .leeway = LEEWAY};
    char *token = mint_for(w, w->alice, NULL, 0), *jwks = NULL;
    struct ja_keyset set;

    assert_int_equal(ja_signing_key_jwks(w->ctx, &jwks, NULL), JA_OK);
    set = set_of(jwks);
    assert_string_equal(set_verdict(&set, token, check, NOW), "");
    check.alg = JA_ALG_RS256;
    assert_string_equal(set_verdict(&set, token, check, NOW), "alg_mismatch");
    check.alg = JA_ALG_ES256;
    assert_string_equal(set_verdict(&set, token, check, NOW + 900 + LEEWAY), "expired");
    check.audience = "other.example.org";
    assert_string_equal(set_verdict(&set, token, check, NOW), "wrong_audience");
    check.audience = NULL;
    check.issuer = "https://other.example.org";
    assert_string_equal(set_verdict(&set, token, check, NOW), "wrong_issuer");
    ja_keyset_clear(&set);
    free(jwks);
    free(token);
}

static char *other_token(const char *jwk, const char *header, const char *payload)
{
    struct ja_key *key = forge_key(jwk);
    char *token = forge_token(key, header, payload);

    ja_key_free(key);
    return token;
}

static void tokens_of_others_need_an_end_and_right_types(void **state)
{
    static const struct { const char *payload, *code; } cases[] = {
        {"{\"exp\":1780000100}", ""},
        {"{}", "missing_claim"},
        {"{\"exp\":\"1780000100\"}", "invalid_claim"},
        {"{\"exp\":1780000100,\"iss\":7}", "invalid_claim"},
        {"{\"exp\":1780000100,\"sub\":null}", "invalid_claim"},
        {"{\"exp\":1780000100,\"aud\":{}}", "invalid_claim"},
        {"{\"exp\":1780000100,\"aud\":[\"a\",1]}", "invalid_claim"},
        {"{\"exp\":1780000100,\"nbf\":\"0\"}", "invalid_claim"},
        {"{\"exp\":1780000100,\"nbf\":1780000100}", "not_yet_valid"},
        {"[1780000100]", "malformed"},
        {"text", "malformed"},
    };
    struct ja_keyset set = set_of("{\"keys\":[" RFC7515_A3_PUBLIC_JWK "]}");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *token = other_token(RFC7515_A3_JWK, "{\"alg\":\"ES256\"}", cases[i].payload);

        assert_string_equal(set_verdict(&set, token, (struct ja_token_check){0}, NOW), cases[i].code);
        free(token);
    }
    ja_keyset_clear(&set);
}

static void an_array_of_audiences_is_fine_for_others(void **state)
{
    static const struct { const char *payload, *code; } cases[] = {
        {"{\"exp\":1780000100,\"aud\":[\"x\",\"me\"]}", ""},
        {"{\"exp\":1780000100,\"aud\":\"me\"}", ""},
        {"{\"exp\":1780000100,\"aud\":[\"x\",\"me2\"]}", "wrong_audience"},
        {"{\"exp\":1780000100,\"aud\":[]}", "wrong_audience"},
        {"{\"exp\":1780000100}", "missing_claim"},
    };
    struct ja_keyset set = set_of("{\"keys\":[" RFC7515_A3_PUBLIC_JWK "]}");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *token = other_token(RFC7515_A3_JWK, "{\"alg\":\"ES256\"}", cases[i].payload);

        assert_string_equal(set_verdict(&set, token, (struct ja_token_check){.audience = "me"}, NOW),
                            cases[i].code);
        free(token);
    }
    ja_keyset_clear(&set);
}

static void which_key_of_a_set(void **state)
{
    static const char payload[] = "{\"exp\":1780000100}";
    struct ja_keyset one = set_of("{\"keys\":[" RFC7515_A3_PUBLIC_JWK "]}"),
                     two = set_of("{\"keys\":[" RFC7515_A3_PUBLIC_JWK "," RFC8037_JWK "]}"), none = {0};
    char *no_kid = other_token(RFC7515_A3_JWK, "{\"alg\":\"ES256\"}", payload),
         *strange = other_token(RFC7515_A3_JWK, "{\"alg\":\"ES256\",\"kid\":\"other\"}", payload);

    (void)state;
    assert_string_equal(set_verdict(&one, no_kid, (struct ja_token_check){0}, NOW), "");
    assert_string_equal(set_verdict(&two, no_kid, (struct ja_token_check){0}, NOW), "unknown_key");
    assert_string_equal(set_verdict(&none, no_kid, (struct ja_token_check){0}, NOW), "unknown_key");
    assert_string_equal(set_verdict(&one, strange, (struct ja_token_check){0}, NOW), "unknown_key");
    assert_string_equal(set_verdict(&one, strange, (struct ja_token_check){.single_key = true}, NOW), "");
    assert_string_equal(set_verdict(&two, strange, (struct ja_token_check){.single_key = true}, NOW),
                        "unknown_key");
    free(no_kid);
    free(strange);
    ja_keyset_clear(&one);
    ja_keyset_clear(&two);
}

/* CVE-2026-49998: two issuers that use the same kid; the issuer decides, and the key of its set. */
static void cve_2026_49998_the_same_kid_under_two_issuers(void **state)
{
    static const char header[] = "{\"alg\":\"HS256\",\"kid\":\"k1\"}";
    static const char a_jwk[] = "{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}";
    static const char b_jwk[] = "{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHhA\"}";
    char *token = other_token(a_jwk, header, "{\"iss\":\"a\",\"exp\":1780000100}"), *text = NULL;
    struct ja_keyset a, b;

    (void)state;
    assert_true(asprintf(&text, "{\"keys\":[%s]}", a_jwk) > 0);
    a = set_of(text);
    free(text);
    assert_true(asprintf(&text, "{\"keys\":[%s]}", b_jwk) > 0);
    b = set_of(text);
    free(text);
    assert_string_equal(set_verdict(&a, token, (struct ja_token_check){.issuer = "a"}, NOW), "");
    assert_string_equal(set_verdict(&a, token, (struct ja_token_check){.issuer = "b"}, NOW), "wrong_issuer");
    assert_string_equal(set_verdict(&b, token, (struct ja_token_check){.issuer = "a"}, NOW), "bad_signature");
    free(token);
    ja_keyset_clear(&a);
    ja_keyset_clear(&b);
}

static void signature_only_looks_at_no_claim(void **state)
{
    struct ja_keyset set = set_of("{\"keys\":[" RFC8037_JWK "]}");
    struct ja_token_check check = {.signature_only = true};
    char *token = other_token(RFC8037_JWK, "{\"alg\":\"EdDSA\"}", "{\"exp\":1}");
    json_t *claims = NULL;

    (void)state;
    /* RFC 8037's payload is no JSON */
    assert_int_equal(ja_token_verify_keyset(&set, RFC8037_TOKEN, strlen(RFC8037_TOKEN), &check, NOW, &claims,
                                            NULL), JA_OK);
    assert_null(claims);
    assert_string_equal(set_verdict(&set, token, check, NOW), "");
    token[strlen(token) - 9] ^= 1;
    assert_string_equal(set_verdict(&set, token, check, NOW), "bad_signature");
    free(token);
    ja_keyset_clear(&set);
}

/* ---- issuing ---- */

static void issue_checks_user_scope_and_audience(void **state)
{
    struct world *w = *state;
    struct ja_minted m = {0};
    struct ja_error err = {0};
    json_t *claims;

    assert_int_equal(ja_token_issue(w->ctx, "nosuch", NULL, NULL, 0, &m, &err), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_token_issue(w->ctx, "alice", "a\nb", NULL, 0, &m, &err), JA_ERR_INVALID);
    assert_int_equal(ja_token_issue(w->ctx, "alice", "", NULL, 0, &m, &err), JA_ERR_INVALID);
    assert_int_equal(ja_token_issue(w->ctx, "alice", NULL, "a  b", 0, &m, &err), JA_ERR_INVALID);
    assert_int_equal(ja_token_issue(w->ctx, "alice", NULL, "a\"b", 0, &m, &err), JA_ERR_INVALID);
    assert_int_equal(ja_token_issue(w->ctx, "alice", NULL, "invoices:read", 0, &m, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "scope_not_held");
    grant_permissions(w, 0);
    SQL(w, "INSERT INTO role_permissions (role_id, permission, created_at) VALUES ('big', $1, 1)", "invoices:*");
    assert_int_equal(ja_token_issue(w->ctx, "alice", "api", "invoices:read", 60, &m, &err), JA_OK);
    claims = NULL;
    {
        struct ja_token_check check = ja_token_check_default(w->ctx);

        check.audience = "api";
        assert_int_equal(ja_token_verify(w->ctx, m.token, strlen(m.token), &check, false, &claims, NULL), JA_OK);
    }
    assert_string_equal(text_of(claims, "scope"), "invoices:read");
    assert_int_equal(m.exp - m.iat, 60);
    json_decref(claims);
    ja_minted_clear(&m);
    assert_int_equal(ja_token_issue(w->ctx, "alice", NULL, "invoice:read", 0, &m, &err), JA_ERR_DENIED);
    assert_int_equal(ja_token_issue(w->ctx, "alice", NULL, "invoices:read orders:read", 0, &m, &err),
                     JA_ERR_DENIED);
    SQL(w, "UPDATE users SET status = 'disabled' WHERE id = $1", w->alice);
    assert_int_equal(ja_token_issue(w->ctx, "alice", NULL, NULL, 0, &m, &err), JA_ERR_CONFLICT);
    assert_null(m.token);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_minted_token_says_what_design_says),
        WITH(services_have_no_identity_claims),
        WITH(every_token_has_its_own_jti),
        WITH(minting_keeps_to_max_ttl_and_8_kib),
        WITH(permissions_are_left_out_past_4_kib_and_logged),
        WITH(r15_a_token_of_15_minutes),
        WITH(r15_a_token_of_60_minutes),
        WITH(r15_a_token_of_7_days),
        WITH(r15_a_clock_set_back_makes_a_token_not_yet_valid),
        WITH(r15_each_registered_claim_is_demanded),
        WITH(r15_each_registered_claim_has_its_type),
        WITH(r15_exp_lies_between_now_and_max_ttl),
        WITH(r15_nbf_and_iat_are_not_in_the_future),
        WITH(r15_a_leeway_beyond_60_seconds_counts_as_60),
        WITH(r15_iss_and_aud_are_compared_whole),
        WITH(r15_other_kinds_of_tokens_are_refused),
        WITH(r15_a_missing_typ_is_refused),
        WITH(cve_2024_51744_a_bad_signature_wins_over_expired),
        WITH(a_change_anywhere_is_refused),
        WITH(cve_2016_10555_hs256_with_the_public_key_as_secret),
        WITH(r13_the_kid_says_which_key),
        WITH(cve_2018_0114_an_embedded_key_is_not_used),
        WITH(cve_2022_21449_empty_and_zero_signatures),
        WITH(r13_a_key_row_without_key_is_an_error),
        WITH(r13_a_key_row_of_another_key_is_an_error),
        WITH(r13_an_hs256_row_without_secret_is_an_error),
        WITH(a_key_of_another_process_is_found_once),
        WITH(who_signs_is_asked_of_the_store),
        WITH(a_key_retired_by_another_process_counts_no_more),
        WITH(r18_revoked_by_jti),
        WITH(a_foreign_token_fills_no_table),
        WITH(r18_revoked_with_its_session),
        WITH(a_session_ends_by_idling_and_at_its_end),
        WITH(a_session_of_another_user_or_none_does_not_count),
        WITH(r18_revoked_by_the_users_cut),
        WITH(r18_refused_while_the_user_is_not_active),
        WITH(r15_sub_is_a_user_of_ours),
        WITH(the_published_set_verifies_without_the_store),
        WITH(issue_checks_user_scope_and_audience),
        cmocka_unit_test(tokens_of_others_need_an_end_and_right_types),
        cmocka_unit_test(an_array_of_audiences_is_fine_for_others),
        cmocka_unit_test(which_key_of_a_set),
        cmocka_unit_test(cve_2026_49998_the_same_kid_under_two_issuers),
        cmocka_unit_test(signature_only_looks_at_no_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
