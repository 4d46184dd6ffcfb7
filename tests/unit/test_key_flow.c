/* Signing keys: next, active, retiring, retired (DESIGN section 5); the cross-check with libjwt. */
#include "common/domain/audit.h"
#include "common/domain/jws.h"
#include "common/domain/token.h"
#include "common/flow/key_flow.h"
#include "tests/support/forge.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_store.h"
#include "tests/unit/jose_vectors.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400

struct world {
    struct ja_test_store *t;
    struct ja_ctx *ctx;
    char alice[JA_UUID_LEN + 1];
};

static int up_with(void **state, const char *conf)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->t = ja_test_store_new(conf);
    w->ctx = &w->t->ctx;
    ja_test_user(w->t, "alice", NULL, w->alice);
    *state = w;
    return 0;
}

static int up(void **state)
{
    return up_with(state, NULL);
}

static int down(void **state)
{
    struct world *w = *state;

    ja_test_store_free(w->t);
    free(w);
    return 0;
}

static const char *const state_names[] = {"next", "active", "retiring", "retired"};

static enum ja_status count_state(void *arg, const struct ja_key_info *info)
{
    int *counts = arg;

    for (int i = 0; i < 4; i++)
        counts[i] += strcmp(info->state, state_names[i]) == 0;
    return JA_OK;
}

static void states_are(struct world *w, int next, int active, int retiring, int retired)
{
    int seen[4] = {0}, wanted[] = {next, active, retiring, retired};

    assert_int_equal(ja_signing_key_each(w->ctx, count_state, seen, NULL), JA_OK);
    assert_memory_equal(seen, wanted, sizeof seen);
}

static enum ja_status rotate(struct world *w, enum ja_alg alg, bool if_due, struct ja_key_info *active)
{
    bool rotated = false;
    struct ja_key_info info = {0};
    enum ja_status st;

    st = ja_key_rotate(w->ctx, alg, if_due, &rotated, &info, NULL);
    if (active)
        *active = info;
    return st == JA_OK && !rotated ? JA_ERR_CONFLICT : st;
}

static char *mint(struct world *w, int64_t ttl)
{
    struct ja_user user = {0};
    struct ja_minted m = {0};
    struct ja_mint request = {.user = &user, .amr = "", .ttl = ttl};

    assert_int_equal(ja_user_find_by_id(w->ctx, w->alice, &user, NULL), JA_OK);
    assert_int_equal(ja_token_mint(w->ctx, &request, &m, NULL), JA_OK);
    ja_user_clear(&user);
    return m.token;
}

static void judged(struct world *w, const char *token, const char *code)
{
    struct ja_token_check check = ja_token_check_default(w->ctx);
    struct ja_error err = {0};
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(w->ctx, token, strlen(token), &check, false, &claims, &err);

    json_decref(claims);
    assert_string_equal(st == JA_OK ? "" : err.code, code);
}

static void kid_of(const char *token, char kid[65])
{
    struct ja_jws jws = {0};

    assert_int_equal(ja_jws_parse_unverified(token, strlen(token), &jws, NULL), JA_OK);
    memcpy(kid, jws.kid, sizeof jws.kid);
    ja_jws_clear(&jws);
}

static bool published(struct world *w, const char *kid)
{
    char *jwks = NULL;
    struct ja_keyset set = {0};
    bool there;

    assert_int_equal(ja_signing_key_jwks(w->ctx, &jwks, NULL), JA_OK);
    assert_null(strstr(jwks, "\"d\""));
    assert_null(strstr(jwks, "\"k\""));
    assert_int_equal(ja_keyset_parse(jwks, strlen(jwks), &set, NULL), JA_OK);
    there = ja_keyset_find(&set, kid) != NULL;
    ja_keyset_clear(&set);
    free(jwks);
    return there;
}

static enum ja_status find_next(void *arg, const struct ja_key_info *info)
{
    if (strcmp(info->state, "next") == 0)
        *(struct ja_key_info *)arg = *info;
    return JA_OK;
}

static void next_of(struct world *w, struct ja_key_info *info)
{
    *info = (struct ja_key_info){0};
    assert_int_equal(ja_signing_key_each(w->ctx, find_next, info, NULL), JA_OK);
    assert_true(info->kid[0]);
}

static bool private_part_gone(struct world *w, const char *kid)
{
    struct ja_rows *rows = NULL;
    bool row = false, gone;

    assert_int_equal(ja_db_query(w->ctx->db, "SELECT private_key FROM signing_keys WHERE kid = $1",
                                 JA_BINDS(JA_T(kid)), &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    gone = ja_col_null(rows, "private_key");
    ja_rows_end(rows);
    return gone;
}

/* ---- rotation ---- */

static void next_is_published_before_it_signs(void **state)
{
    struct world *w = *state;
    struct ja_key_info next, active;
    char *token, kid[65];

    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK);
    states_are(w, 1, 1, 1, 0);
    next_of(w, &next);
    assert_true(published(w, next.kid));
    token = mint(w, 0);
    kid_of(token, kid);
    assert_string_not_equal(kid, next.kid);
    free(token);
    assert_int_equal(rotate(w, JA_ALG_NONE, false, &active), JA_OK);
    assert_string_equal(active.kid, next.kid);
    assert_string_equal(active.state, "active");
    token = mint(w, 0);
    kid_of(token, kid);
    assert_string_equal(kid, next.kid);
    free(token);
}

/* A token of the last moment lives as long as it says; so does its key, and not for ever. */
static void a_token_minted_just_before_rotation_verifies_to_its_end(void **state)
{
    struct world *w = *state;
    struct ja_config *cfg = (struct ja_config *)(uintptr_t)w->ctx->cfg;
    char *token, kid[65];
    int64_t ttl = 7 * DAY;

    cfg->tokens.max_ttl = ttl;
    cfg->tokens.retain_keys = 600; /* the row's own longest lifetime counts */
    token = mint(w, ttl);
    kid_of(token, kid);
    cfg->tokens.max_ttl = DAY; /* configured down meanwhile: what is out is out */
    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK);
    cfg->tokens.max_ttl = ttl;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(rotate(w, JA_ALG_NONE, true, NULL), JA_ERR_CONFLICT); /* not due; expires */
        judged(w, token, "");
        assert_true(published(w, kid));
        ja_fake_clock_advance(&w->t->clock, DAY - 2);
    }
    judged(w, token, "");
    ja_fake_clock_advance(&w->t->clock, 120);
    judged(w, token, "expired");
    ja_fake_clock_advance(&w->t->clock, 60);
    assert_int_equal(rotate(w, JA_ALG_NONE, true, NULL), JA_ERR_CONFLICT);
    judged(w, token, "unknown_key");
    assert_false(published(w, kid));
    assert_true(private_part_gone(w, kid));
    states_are(w, 1, 1, 0, 1);
    free(token);
}

static void retain_keys_keeps_a_replaced_key_longer(void **state)
{
    struct world *w = *state;
    char *token = mint(w, 60), kid[65];

    kid_of(token, kid);
    free(token);
    assert_int_equal(w->ctx->cfg->tokens.retain_keys, DAY + 30); /* the default */
    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK);
    /* a minute more for a token that was being signed meanwhile */
    ja_fake_clock_advance(&w->t->clock, DAY + 30 + 60);
    assert_int_equal(rotate(w, JA_ALG_NONE, true, NULL), JA_ERR_CONFLICT);
    assert_true(published(w, kid));
    ja_fake_clock_advance(&w->t->clock, 1);
    assert_int_equal(rotate(w, JA_ALG_NONE, true, NULL), JA_ERR_CONFLICT);
    assert_false(published(w, kid));
}

static void a_retired_key_has_no_private_part_left(void **state)
{
    struct world *w = *state;
    char *token = mint(w, 60), kid[65];
    struct ja_key *key = NULL;
    struct ja_key_info info;

    kid_of(token, kid);
    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK);
    assert_int_equal(ja_key_retire(w->ctx, kid, NULL), JA_OK);
    assert_int_equal(ja_signing_key_info(w->ctx, kid, &info, NULL), JA_OK);
    assert_string_equal(info.state, "retired");
    assert_int_equal(info.retired_at, ja_now(&w->ctx->clock));
    assert_true(private_part_gone(w, kid));
    assert_int_equal(ja_signing_key_load(w->ctx, kid, true, &key, NULL), JA_ERR_CONFLICT);
    assert_null(key);
    assert_int_equal(ja_signing_key_load(w->ctx, kid, false, &key, NULL), JA_OK);
    ja_key_free(key);
    judged(w, token, "unknown_key");
    assert_false(published(w, kid));
    free(token);
}

static void if_due_waits_for_rotate_every(void **state)
{
    struct world *w = *state;
    struct ja_key_info active, first;

    assert_int_equal(rotate(w, JA_ALG_NONE, true, &first), JA_ERR_CONFLICT);
    assert_string_equal(first.state, "active");
    ja_fake_clock_advance(&w->t->clock, w->ctx->cfg->tokens.rotate_every - 1);
    assert_int_equal(rotate(w, JA_ALG_NONE, true, &active), JA_ERR_CONFLICT);
    assert_string_equal(active.kid, first.kid);
    ja_fake_clock_advance(&w->t->clock, 1);
    assert_int_equal(rotate(w, JA_ALG_NONE, true, &active), JA_OK);
    assert_string_not_equal(active.kid, first.kid);
}

static void another_algorithm_signs_at_once(void **state)
{
    static const enum ja_alg algs[] = {JA_ALG_EDDSA, JA_ALG_HS256, JA_ALG_RS256, JA_ALG_ES256};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct ja_key_info active, next;
        char *token;

        assert_int_equal(rotate(w, algs[i], false, &active), JA_OK);
        assert_int_equal(active.alg, algs[i]);
        next_of(w, &next);
        assert_int_equal(next.alg, algs[i]);
        assert_int_equal(published(w, active.kid), algs[i] != JA_ALG_HS256);
        token = mint(w, 0);
        judged(w, token, "");
        free(token);
    }
    states_are(w, 1, 1, 4, 3);
}

static int rotate_if_due(void *arg, int number)
{
    struct world *w = arg;
    struct ja_ctx ctx = {0};
    struct ja_key_info active;
    bool rotated = false;
    enum ja_status st;

    (void)number;
    ja_test_store_second(w->t, &ctx);
    st = ja_key_rotate(&ctx, JA_ALG_NONE, true, &rotated, &active, NULL);
    ja_ctx_clear(&ctx);
    return st != JA_OK ? 2 : rotated ? 1 : 0;
}

static void timers_at_once_rotate_once(void **state)
{
    struct world *w = *state;
    int results[8], sum = 0;

    ja_fake_clock_advance(&w->t->clock, w->ctx->cfg->tokens.rotate_every);
    ja_parallel(8, rotate_if_due, w, results);
    for (int i = 0; i < 8; i++) {
        assert_in_range(results[i], 0, 1);
        sum += results[i];
    }
    assert_int_equal(sum, 1);
    ja_keyring_drop(w->ctx);
    states_are(w, 1, 1, 1, 0);
}

static int64_t audit_rows(struct world *w, const char *action, const char *kid)
{
    char target[64];
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n;

    (void)snprintf(target, sizeof target, "key:%s", kid);
    assert_int_equal(ja_db_query(w->ctx->db,
                                 "SELECT count(*) AS n FROM audit_log WHERE action = $1 AND target = $2",
                                 JA_BINDS(JA_T(action), JA_T(target)), &rows, NULL),
                     JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

static void each_change_has_its_audit_row(void **state)
{
    struct world *w = *state;
    struct ja_key_info active, next, info;
    struct ja_secret text = {0};

    assert_int_equal(rotate(w, JA_ALG_NONE, false, &active), JA_OK);
    assert_int_equal(audit_rows(w, "key.rotate", active.kid), 1);
    next_of(w, &next);
    assert_int_equal(ja_key_retire(w->ctx, next.kid, NULL), JA_OK);
    assert_int_equal(audit_rows(w, "key.retire", next.kid), 1);
    assert_int_equal(ja_secret_from(&text, RFC8037_JWK, strlen(RFC8037_JWK), NULL), JA_OK);
    assert_int_equal(ja_key_import(w->ctx, &text, JA_ALG_NONE, &info, NULL), JA_OK);
    assert_int_equal(audit_rows(w, "key.import", info.kid), 1);
    ja_secret_clear(&text);
}

/* ---- retire ---- */

static void the_active_key_is_not_retired(void **state)
{
    struct world *w = *state;
    char *token = mint(w, 0), kid[65];
    struct ja_error err = {0};

    kid_of(token, kid);
    assert_int_equal(ja_key_retire(w->ctx, kid, &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "last_key");
    judged(w, token, "");
    assert_int_equal(ja_key_retire(w->ctx, "nosuch", &err), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_key_retire(w->ctx, "' OR 1=1 --", &err), JA_ERR_NOT_FOUND);
    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK);
    assert_int_equal(ja_key_retire(w->ctx, kid, &err), JA_OK);
    assert_int_equal(ja_key_retire(w->ctx, kid, &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "already_retired");
    free(token);
}

struct retire_race {
    struct world *w;
    char kid[65];
};

/* Even numbers rotate, odd ones retire the key that was active at the start and the one after it. */
static int rotate_or_retire(void *arg, int number)
{
    struct retire_race *r = arg;
    struct ja_ctx ctx = {0};
    struct ja_key_info active;
    bool rotated = false;
    enum ja_status st;

    ja_test_store_second(r->w->t, &ctx);
    st = number % 2 == 0 ? ja_key_rotate(&ctx, JA_ALG_NONE, false, &rotated, &active, NULL)
                         : ja_key_retire(&ctx, r->kid, NULL);
    ja_ctx_clear(&ctx);
    return st == JA_OK || st == JA_ERR_CONFLICT ? 0 : 1;
}

/* Whatever comes between: one key signs. */
static void retiring_while_others_rotate_leaves_one_active(void **state)
{
    struct retire_race r = {.w = *state};

    for (int round = 0; round < 4; round++) {
        char *token = mint(r.w, 0);
        int results[6];

        kid_of(token, r.kid);
        ja_parallel(6, rotate_or_retire, &r, results);
        for (int i = 0; i < 6; i++)
            assert_int_equal(results[i], 0);
        ja_keyring_drop(r.w->ctx);
        free(token);
        token = mint(r.w, 0); /* there is a signer, and what it signs is good */
        judged(r.w, token, "");
        free(token);
    }
}

static void without_a_next_key_rotation_makes_one(void **state)
{
    struct world *w = *state;
    struct ja_key_info next, active;

    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK);
    next_of(w, &next);
    assert_int_equal(ja_key_retire(w->ctx, next.kid, NULL), JA_OK);
    assert_int_equal(rotate(w, JA_ALG_NONE, false, &active), JA_OK);
    assert_string_not_equal(active.kid, next.kid);
    states_are(w, 1, 1, 2, 1);
}

/* ---- import ---- */

static enum ja_status import(struct world *w, const void *data, size_t len, enum ja_alg alg,
                             struct ja_key_info *info, struct ja_error *err)
{
    struct ja_secret text = {0};
    enum ja_status st;

    assert_int_equal(ja_secret_from(&text, data, len, NULL), JA_OK);
    st = ja_key_import(w->ctx, &text, alg, info, err);
    ja_secret_clear(&text);
    return st;
}

static void an_imported_key_becomes_next_and_then_signs(void **state)
{
    static const struct { const char *text; enum ja_alg alg; } keys[] = {
        {RFC7515_A2_JWK, JA_ALG_RS256}, {RFC7515_A3_JWK, JA_ALG_ES256}, {RFC8037_JWK, JA_ALG_EDDSA},
        {RFC7515_A1_JWK, JA_ALG_HS256}, {"a raw secret of more than 32 bytes, as it stands\n", JA_ALG_HS256},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct ja_key_info info, next, active;
        char *token;

        assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK); /* there is a next one already */
        assert_int_equal(import(w, keys[i].text, strlen(keys[i].text), JA_ALG_NONE, &info, NULL), JA_OK);
        assert_int_equal(info.alg, keys[i].alg);
        assert_string_equal(info.state, "next");
        next_of(w, &next);
        assert_string_equal(next.kid, info.kid);
        assert_int_equal(rotate(w, keys[i].alg, false, &active), JA_OK);
        assert_string_equal(active.kid, info.kid);
        token = mint(w, 0);
        judged(w, token, "");
        free(token);
    }
}

static void an_imported_key_gets_its_thumbprint_as_kid(void **state)
{
    struct world *w = *state;
    json_t *jwk = json_loads(RFC8037_JWK, 0, NULL);
    struct ja_key_info info;
    struct ja_error err = {0};
    char *text;

    assert_int_equal(json_object_set_new(jwk, "kid", json_string("a-kid-of-others")), 0);
    text = json_dumps(jwk, 0);
    json_decref(jwk);
    assert_int_equal(import(w, text, strlen(text), JA_ALG_NONE, &info, NULL), JA_OK);
    assert_string_equal(info.kid, RFC8037_THUMBPRINT);
    assert_int_equal(import(w, text, strlen(text), JA_ALG_NONE, &info, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "key_exists");
    states_are(w, 1, 1, 0, 0);
    free(text);
}

static void r13_weak_public_and_malformed_keys_are_not_imported(void **state)
{
    static const char *const texts[] = {
        RFC7515_A3_PUBLIC_JWK, RFC7515_A2_PUBLIC_JWK, RSA_1024_JWK, RSA_E3_JWK, P384_JWK, "short secret", "", "{}",
        "{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ja_key_info info;
        struct ja_error err = {0};

        assert_int_equal(import(w, texts[i], strlen(texts[i]), JA_ALG_NONE, &info, &err), JA_ERR_INVALID);
        assert_true(err.message[0]);
    }
    states_are(w, 0, 1, 0, 0);
}

/* ---- the store ---- */

static void r29_private_keys_are_sealed(void **state)
{
    struct world *w = *state;
    struct ja_rows *rows = NULL;
    struct ja_key_info info;
    bool row = false;

    assert_int_equal(import(w, RFC8037_JWK, strlen(RFC8037_JWK), JA_ALG_NONE, &info, NULL), JA_OK);
    assert_int_equal(ja_db_query(w->ctx->db, "SELECT private_key FROM signing_keys WHERE kid = $1",
                                 JA_BINDS(JA_T(info.kid)), &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    assert_null(strstr(ja_col_text(rows, "private_key"), "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
    ja_rows_end(rows);
}

/* A sealed key put into another row does not open. */
static void r29_a_sealed_key_belongs_to_its_row(void **state)
{
    struct world *w = *state;
    struct ja_key_info active;
    struct ja_key *key = NULL;
    struct ja_error err = {0};

    assert_int_equal(rotate(w, JA_ALG_NONE, false, &active), JA_OK);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(w->ctx->db,
                                "UPDATE signing_keys SET private_key = (SELECT private_key FROM signing_keys "
                                "WHERE state = 'next') WHERE kid = $1",
                                JA_BINDS(JA_T(active.kid)), NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    ja_keyring_drop(w->ctx);
    assert_int_not_equal(ja_keyring_signer(w->ctx, &key, &err), JA_OK);
    assert_null(key);
}

static void without_an_active_key_minting_says_so(void **state)
{
    struct world *w = *state;
    struct ja_key *key = NULL;
    struct ja_error err = {0};

    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(w->ctx->db, "DELETE FROM signing_keys", JA_NO_BINDS, NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_keyring_signer(w->ctx, &key, &err), JA_ERR_NOT_FOUND);
    assert_string_equal(err.code, "no_signing_key");
    assert_int_equal(rotate(w, JA_ALG_NONE, false, NULL), JA_OK); /* mends it */
    states_are(w, 1, 1, 0, 0);
}

static void the_longest_lifetime_is_remembered(void **state)
{
    struct world *w = *state;
    char *token = mint(w, 3600), kid[65];
    struct ja_key_info info;

    kid_of(token, kid);
    free(token);
    free(mint(w, 60));
    assert_int_equal(ja_signing_key_info(w->ctx, kid, &info, NULL), JA_OK);
    assert_int_equal(info.max_ttl, 3600);
    free(mint(w, 7200));
    assert_int_equal(ja_signing_key_info(w->ctx, kid, &info, NULL), JA_OK);
    assert_int_equal(info.max_ttl, 7200);
    /* in a transaction that is rolled back, no token went out: and the next mint notes it again */
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    free(mint(w, 9000));
    ja_db_rollback(w->ctx->db);
    free(mint(w, 9000));
    assert_int_equal(ja_signing_key_info(w->ctx, kid, &info, NULL), JA_OK);
    assert_int_equal(info.max_ttl, 9000);
}

/* ---- the cross-check ---- */

static void libjwt_accepts_what_each_algorithm_signs(void **state)
{
    static const enum ja_alg algs[] = {JA_ALG_ES256, JA_ALG_EDDSA, JA_ALG_RS256, JA_ALG_HS256};

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct ja_key *key = NULL;

        assert_int_equal(ja_key_generate(algs[i], &key, NULL), JA_OK);
        assert_int_equal(ja_libjwt_cross_check(key, NULL), JA_OK);
        ja_key_free(key);
    }
}

static void a_key_that_cannot_sign_fails_the_cross_check(void **state)
{
    struct ja_key *pub = forge_key(RFC7515_A3_PUBLIC_JWK);

    (void)state;
    assert_int_not_equal(ja_libjwt_cross_check(pub, NULL), JA_OK);
    ja_key_free(pub);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(next_is_published_before_it_signs),
        WITH(a_token_minted_just_before_rotation_verifies_to_its_end),
        WITH(retain_keys_keeps_a_replaced_key_longer),
        WITH(a_retired_key_has_no_private_part_left),
        WITH(if_due_waits_for_rotate_every),
        WITH(another_algorithm_signs_at_once),
        WITH(timers_at_once_rotate_once),
        WITH(each_change_has_its_audit_row),
        WITH(the_active_key_is_not_retired),
        WITH(retiring_while_others_rotate_leaves_one_active),
        WITH(without_a_next_key_rotation_makes_one),
        WITH(an_imported_key_becomes_next_and_then_signs),
        WITH(an_imported_key_gets_its_thumbprint_as_kid),
        WITH(r13_weak_public_and_malformed_keys_are_not_imported),
        WITH(r29_private_keys_are_sealed),
        WITH(r29_a_sealed_key_belongs_to_its_row),
        WITH(without_an_active_key_minting_says_so),
        WITH(the_longest_lifetime_is_remembered),
        WITH(libjwt_accepts_what_each_algorithm_signs),
        WITH(a_key_that_cannot_sign_fails_the_cross_check),
    };

    assert_int_equal(ja_crypto_init(NULL), JA_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
