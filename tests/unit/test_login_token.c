/* A token in place of the password: whose, for whom, how often, and that it is nothing like a password otherwise. */
#include "common/domain/signing_key.h"
#include "common/flow/account_flow.h"
#include "tests/support/parallel.h"
#include "tests/unit/auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOTH (JA_ACCEPT_PASSWORD | JA_ACCEPT_JWT)
#define JTI "0d6b8d60-6d1f-4d1c-8a5a-0f4a1e1b2c3d"

/* What a good token of this user says; a member more or another value in place, NULL: none of it. */
static char *token_with(struct world *w, const char *name, const char *member, json_t *value)
{
    int64_t now = ja_now(&w->ctx->clock);
    const char *id = strcmp(name, "bob") == 0 ? w->bob : w->alice;
    json_t *claims = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:[],s:[s]}", "iss", "https://auth.example.org", "sub",
                               id, "aud", "host.example.org", "exp", (json_int_t)(now + 900), "nbf", (json_int_t)now,
                               "iat", (json_int_t)now, "jti", JTI, "token_use", "access", "preferred_username", name,
                               "roles", "amr", "pwd");
    struct ja_key *key = NULL;
    char *token = NULL;

    assert_non_null(claims);
    if (member && value)
        assert_int_equal(json_object_set_new(claims, member, value), 0);
    else if (member)
        assert_int_equal(json_object_del(claims, member), 0);
    assert_int_equal(ja_keyring_signer(w->ctx, &key, NULL), JA_OK);
    assert_int_equal(ja_jws_sign(key, "at+jwt", claims, &token, NULL), JA_OK);
    json_decref(claims);
    return token;
}

static char *token_of(struct world *w, const char *name)
{
    return token_with(w, name, NULL, NULL);
}

static char *mfa_token(struct world *w, const char *name)
{
    return token_with(w, name, "amr", json_pack("[s,s,s]", "pwd", "otp", "mfa"));
}

static struct outcome by(struct world *w, const char *user, const char *token)
{
    return LOGIN(w, .user = user, .password = token, .source = HOME, .accept = BOTH, .tokens = true);
}

/* Rows of the audit log with this text in them; a literal, for statements are kept by their text's address. */
#define SEEN(w, needle) number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE detail GLOB '*" needle "*'")

/* What a wrong password costs. */
static int one_hash(struct world *w)
{
    int before = w->work;
    struct outcome o = LOGIN(w, .user = "nobody-at-all", .password = WRONG, .ignore = true);

    assert_true(denied(&o, JA_REASON_UNKNOWN_USER));
    return w->work - before;
}

static void logs_its_user_in(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    int before = w->work;
    struct outcome o = by(w, "alice", token);

    assert_true(allowed(&o));
    assert_string_equal(o.r.amr, "ext");
    assert_string_equal(o.prompts, "P");
    assert_int_equal(w->work, before); /* never hashed */
    assert_true(one_hash(w) > 0);
    assert_string_equal(text(w, "SELECT amr AS t FROM login_handles"), "ext");
    assert_int_equal(SEEN(w, JTI), 1);
    assert_int_equal(SEEN(w, "eyJ"), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM throttle WHERE scope = 'user_source'"), 0);
    o = by(w, "alice", token); /* again: only jwt_once keeps it from that */
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT, .accept = BOTH, .tokens = true);
    assert_true(allowed(&o));
    assert_string_equal(o.r.amr, "pwd");
    free(token);
}

/* What the claims must not be, and what the audit log says of it. */
static const struct forged {
    const char *member, *text, *code;
} forged[] = {
    {"iss", "https://other.example.org", "wrong_issuer"},
    {"iss", NULL, "missing_claim"},
    {"aud", "billing", "wrong_audience"},
    {"aud", NULL, "missing_claim"},
    {"sub", "11111111-2222-4333-8444-555555555555", "user_inactive"},
    {"sub", NULL, "missing_claim"},
    {"preferred_username", "bob", "wrong_user"},
    {"preferred_username", "Alice", "wrong_user"},
    {"preferred_username", NULL, "wrong_user"},
    {"token_use", "refresh", "wrong_type"},
    {"scope", "invoices:read", "limited_token"},
    {"scope", "", "limited_token"},
    {"roles", NULL, "limited_token"},
    {"roles", "admin", "limited_token"},
    {"exp", NULL, "missing_claim"},
    {"jti", NULL, "missing_claim"},
};

/* One token is judged for alice: refused, counted and worked for like a wrong password. */
static void refused_as(struct world *w, const char *token, const char *code)
{
    int64_t had = granted(w), failures = number(w, "SELECT COALESCE(SUM(count), 0) AS n FROM throttle");
    int hash = one_hash(w), work = w->work;
    struct outcome o = by(w, "alice", token);
    char like[128];

    if (!denied(&o, JA_REASON_WRONG_TOKEN))
        fail_msg("%s is let in", code);
    assert_int_equal(granted(w), had);
    assert_true(number(w, "SELECT COALESCE(SUM(count), 0) AS n FROM throttle") > failures);
    assert_int_equal(w->work, work + hash); /* R8 */
    (void)snprintf(like, sizeof like, "\"token_refused\":\"%s\"", code);
    if (!strstr(text(w, "SELECT detail AS t FROM audit_log ORDER BY seq DESC LIMIT 1"), like))
        fail_msg("no %s: %s", like, text(w, "SELECT detail AS t FROM audit_log ORDER BY seq DESC LIMIT 1"));
    assert_int_equal(SEEN(w, "eyJ"), 0);
    sql(w, "DELETE FROM throttle");
}

/* R15, F7 */
static void other_claims_are_refused(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        const struct forged *f = &forged[i];
        char *token = token_with(w, "alice", f->member, f->text ? json_string(f->text) : NULL);

        refused_as(w, token, f->code);
        free(token);
    }
}

static char *joined(const char *header, const char *token, const char *signature)
{
    const char *payload = strchr(token, '.'), *end = strrchr(token, '.');
    char *out = NULL;

    assert_true(asprintf(&out, "%s%.*s.%s", header, (int)(end - payload), payload, signature) > 0);
    return out;
}

/* R13, R14, R16: no key, another key's, none named, cut, encrypted, too long. */
static void other_signatures_are_refused(void **state)
{
    struct world *w = *state;
    char *good = token_of(w, "alice"), *bobs = token_of(w, "bob"), *token, *big;

    token = joined("eyJhbGciOiJub25lIn0", good, "");
    refused_as(w, token, "unsupported_alg");
    free(token);
    token = joined("eyJhbGciOiJIUzI1NiJ9", good, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    refused_as(w, token, "unknown_key");
    free(token);
    token = strdup(good);
    assert_non_null(token);
    strrchr(token, '.')[5] = strrchr(token, '.')[5] == 'A' ? 'B' : 'A';
    refused_as(w, token, "bad_signature");
    free(token);
    refused_as(w, "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA", "malformed");
    refused_as(w, "eyJ..", "malformed");
    refused_as(w, bobs, "wrong_user");
    token = token_with(w, "alice", "sub", json_string(w->bob)); /* both names have to be the user's */
    refused_as(w, token, "wrong_user");
    free(token);
    big = token_with(w, "alice", "padding", json_string(
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"));
    assert_true(strlen(big) > JA_LOGIN_TOKEN_MAX);
    refused_as(w, big, "token_too_large");
    free(big);
    free(good);
    free(bobs);
}

static void its_time_and_its_ends(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    struct outcome o;

    w->t->clock.wall_ms += 899 * 1000;
    o = by(w, "alice", token);
    assert_true(allowed(&o));
    w->t->clock.wall_ms += 120 * 1000;
    refused_as(w, token, "expired");
    free(token);
    token = token_of(w, "alice");
    sql(w, "INSERT INTO revoked_tokens (jti, exp, created_at) VALUES ('" JTI "', 4000000000, 1)");
    refused_as(w, token, "revoked");
    sql(w, "DELETE FROM revoked_tokens");
    sql(w, "UPDATE users SET status = 'locked' WHERE username = 'alice'");
    refused_as(w, token, "user_inactive");
    free(token);
}

/* Revoked between prompt and decision: the transaction looks again. */
static void finish_looks_again(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    const struct attempt a = {.user = "alice", .source = HOME, .accept = BOTH, .tokens = true};
    struct ja_auth *auth = begin(w->ctx, &a);
    struct outcome o;

    assert_int_equal(answer(auth, token), JA_OK);
    sql(w, "INSERT INTO revoked_tokens (jti, exp, created_at) VALUES ('" JTI "', 4000000000, 1)");
    o = finish(auth, HANDLE);
    assert_true(denied(&o, JA_REASON_WRONG_TOKEN));
    assert_int_equal(granted(w), 0);
    assert_int_equal(SEEN(w, "\"token_refused\":\"revoked\""), 1);
    ja_auth_free(auth);
    free(token);
}

/* Where none is taken a token is a password like any text, and an account's password may look like one. */
static void no_token_where_none_is_taken(void **state)
{
    static const char looks[] = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.x";
    struct world *w = *state;
    char *token = token_of(w, "alice"), id[37];
    const struct attempt cases[] = {
        {.user = "alice", .password = token, .accept = JA_ACCEPT_PASSWORD, .tokens = true},
        {.user = "alice", .password = token, .tokens = true},
        {.user = "alice", .password = token, .accept = BOTH}, /* no prompt for tokens: change of a password, HTTP */
    };

    ja_test_user(w->t, "carol", looks, id);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o = attempt(w->ctx, w, &cases[i]);

        assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    }
    {
        struct outcome o = LOGIN(w, .user = "carol", .password = looks, .tokens = true);

        assert_true(allowed(&o));
        o = by(w, "carol", looks);
        assert_true(denied(&o, JA_REASON_WRONG_TOKEN));
        o = LOGIN(w, .user = "alice", .password = "eyJhbGciOiJub25lIn0", .accept = BOTH, .tokens = true);
        assert_true(denied(&o, JA_REASON_WRONG_PASSWORD)); /* without parts it is none */
    }
    free(token);
}

static void token_alone(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    int hash = one_hash(w), work = w->work;
    struct outcome o = LOGIN(w, .user = "alice", .password = RIGHT, .accept = JA_ACCEPT_JWT, .tokens = true);

    assert_true(denied(&o, JA_REASON_METHOD));
    assert_int_equal(w->work, work + hash);
    o = LOGIN(w, .user = "alice", .password = token, .accept = JA_ACCEPT_JWT, .tokens = true);
    assert_true(allowed(&o));
    sql(w, "UPDATE users SET password_hash = NULL WHERE username = 'alice'");
    o = LOGIN(w, .user = "alice", .password = token, .accept = JA_ACCEPT_JWT, .tokens = true);
    assert_true(allowed(&o));
    free(token);
}

/* R8: nobody's, a service's, a pending one's. */
static void nobody_gets_in(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    int hash = one_hash(w), work = w->work;
    struct outcome o = by(w, "nobody-knows", token);

    assert_true(denied(&o, JA_REASON_UNKNOWN_USER));
    assert_int_equal(w->work, work + hash);
    sql(w, "UPDATE users SET kind = 'service', password_hash = NULL WHERE username = 'alice'");
    o = by(w, "alice", token);
    assert_true(denied(&o, JA_REASON_NOT_A_PERSON));
    free(token);
}

static void second_factor(void **state)
{
    struct world *w = *state;
    char *plain = token_of(w, "bob"), *with_mfa = mfa_token(w, "bob"), *alices = token_of(w, "alice");
    struct outcome o;

    for (int mode = 0; mode < 2; mode++) {
        enum ja_mfa_mode mfa = mode ? JA_MFA_ALWAYS : JA_MFA_AUTO;

        o = LOGIN(w, .user = "bob", .password = with_mfa, .accept = BOTH, .tokens = true, .mfa = mfa);
        assert_true(allowed(&o));
        assert_string_equal(o.r.amr, "ext mfa");
        assert_string_equal(o.prompts, "P");
        o = LOGIN(w, .user = "bob", .password = plain, .accept = BOTH, .tokens = true, .mfa = mfa);
        assert_true(denied(&o, JA_REASON_WRONG_CODE));
        assert_string_equal(o.prompts, "PC");
        o = LOGIN(w, .user = "bob", .password = plain, .code = NOW, .accept = BOTH, .tokens = true, .mfa = mfa);
        assert_true(allowed(&o));
        assert_string_equal(o.r.amr, "ext otp mfa");
        w->t->clock.wall_ms += 60000;
    }
    o = LOGIN(w, .user = "bob", .password = plain, .code = w->recovery[0], .accept = BOTH, .tokens = true);
    assert_string_equal(o.r.amr, "ext rc mfa");
    o = LOGIN(w, .user = "alice", .password = alices, .accept = BOTH, .tokens = true, .mfa = JA_MFA_ALWAYS);
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    free(plain);
    free(with_mfa);
    free(alices);
}

/* What account makes of the handle. */
static void account_knows_how(void **state)
{
    struct world *w = *state;
    char *plain = token_of(w, "alice"), *with_mfa = mfa_token(w, "alice");
    struct ja_account_check check = {.user = "alice", .service = "sshd", .check_mfa = true, .mfa = JA_MFA_ALWAYS};
    struct ja_auth_result r = {.verdict = JA_DENY};
    struct ja_user u = {0};
    struct outcome o = by(w, "alice", with_mfa);

    check.handle = o.handle;
    assert_int_equal(ja_account_decide(w->ctx, &check, &u, &r, NULL), JA_OK);
    assert_int_equal(r.verdict, JA_ALLOW);
    ja_user_clear(&u);
    o = by(w, "alice", plain);
    assert_int_equal(ja_account_decide(w->ctx, &check, &u, &r, NULL), JA_OK);
    assert_int_equal(r.reason, JA_REASON_NO_SECOND_FACTOR);
    ja_user_clear(&u);
    free(plain);
    free(with_mfa);
}

static void rules_say_who_may(void **state)
{
    struct world *w = *state;
    char *alices = token_of(w, "alice"), *bobs = mfa_token(w, "bob");
    struct outcome o = LOGIN(w, .user = "alice", .password = alices, .tokens = true);

    assert_true(allowed(&o)); /* the rule */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .tokens = true);
    assert_true(denied(&o, JA_REASON_METHOD));
    o = LOGIN(w, .user = "bob", .password = bobs, .tokens = true);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    o = LOGIN(w, .user = "alice", .password = alices, .tokens = true, .service = "su", .accept = BOTH);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD)); /* the other rule takes the option back */
    free(alices);
    free(bobs);
}

static void once_only(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    struct ja_auth *both[2];
    const struct attempt a = {.user = "alice", .source = HOME, .accept = BOTH, .tokens = true, .once = true};
    struct outcome first, second;

    for (int i = 0; i < 2; i++) {
        both[i] = begin(w->ctx, &a);
        assert_int_equal(answer(both[i], token), JA_OK);
    }
    first = finish(both[0], HANDLE);
    second = finish(both[1], HANDLE);
    assert_true(allowed(&first));
    assert_true(denied(&second, JA_REASON_WRONG_TOKEN));
    assert_int_equal(SEEN(w, "\"token_refused\":\"token_used\""), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM login_handles"), 1);
    assert_int_equal(number(w, "SELECT exp AS n FROM used_tokens WHERE jti = '" JTI "'"), ja_now(&w->ctx->clock) + 900);
    for (int i = 0; i < 2; i++)
        ja_auth_free(both[i]);
    free(token);
}

struct crowd {
    struct world *w;
    const char *token;
};

static int one_of_many(void *arg, int number)
{
    struct crowd *c = arg;
    const struct attempt a = {.user = "alice", .source = HOME, .password = c->token, .accept = BOTH, .tokens = true,
                              .once = true};
    struct ja_ctx ctx;
    struct outcome o;

    (void)number;
    ja_test_store_second(c->w->t, &ctx);
    o = attempt(&ctx, c->w, &a);
    ja_ctx_clear(&ctx);
    return allowed(&o) ? 1 : o.st == JA_OK && o.r.verdict == JA_DENY ? 0 : 2;
}

/* A hundred processes with the same token. */
static void one_of_a_hundred_gets_in(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    struct crowd c = {w, token};
    static int results[100];
    int in = 0, out = 0;

    ja_parallel(100, one_of_many, &c, results);
    for (int i = 0; i < 100; i++) {
        in += results[i] == 1;
        out += results[i] == 0;
    }
    assert_int_equal(in, 1);
    assert_int_equal(out, 99);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM login_handles"), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM used_tokens"), 1);
    free(token);
}

/* A login that fails afterwards has not used its token up. */
static void a_denied_login_uses_nothing_up(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "bob");
    struct outcome o = LOGIN(w, .user = "bob", .password = token, .code = "000000", .accept = BOTH, .tokens = true,
                             .once = true);

    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM used_tokens"), 0);
    o = LOGIN(w, .user = "bob", .password = token, .code = NOW, .accept = BOTH, .tokens = true, .once = true);
    assert_true(allowed(&o));
    free(token);
}

/* Whoever has a stolen token would keep the account with a factor of his own. */
static void enrols_nobody(void **state)
{
    struct world *w = *state;
    char *token = token_of(w, "alice");
    struct ja_auth_request req = {.user = "alice", .service = "sshd", .accept = BOTH, .take_tokens = true};

    for (int mode = 0; mode < 2; mode++) {
        struct ja_auth *auth = NULL;
        struct outcome o;

        req.enroll.mode = mode ? JA_ENROLL_REQUIRE : JA_ENROLL_OFFER;
        assert_int_equal(ja_auth_begin(w->ctx, &req, &auth, NULL), JA_OK);
        assert_int_equal(answer(auth, token), JA_OK);
        assert_int_equal(ja_auth_next(auth), JA_NEXT_DONE);
        o = finish(auth, HANDLE);
        assert_true(mode ? denied(&o, JA_REASON_NO_SECOND_FACTOR) : allowed(&o));
        ja_auth_free(auth);
    }
    free(token);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
#define WITH(f, config) cmocka_unit_test_prestate_setup_teardown(f, world_up, world_down, config)

int main(void)
{
    static char rules[] = "[policy tokens]\nuser = alice\nservice = sshd\naccept = jwt\n"
                          "[policy none]\nservice = su\naccept = password\n";
    static char crowded[] = "[throttle]\nlogin = 1000/15m\nper_user = 1000/1h\nper_source = 1000/15m\n";
    const struct CMUnitTest tests[] = {
        T(logs_its_user_in),
        T(other_claims_are_refused),
        T(other_signatures_are_refused),
        T(its_time_and_its_ends),
        T(finish_looks_again),
        T(no_token_where_none_is_taken),
        T(token_alone),
        T(nobody_gets_in),
        T(second_factor),
        T(account_knows_how),
        WITH(rules_say_who_may, rules),
        T(once_only),
        WITH(one_of_a_hundred_gets_in, crowded),
        T(a_denied_login_uses_nothing_up),
        T(enrols_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
