/* Roles and scopes in tokens: those of the moment of minting, never more than held. */
#include "common/flow/account_flow.h"
#include "common/flow/role_flow.h"
#include "common/flow/session_flow.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define END (JA_TEST_EPOCH + 100)

static int setup(void **state)
{
    struct ja_test_store *t = ja_test_store_new("dictionary = no\n");
    char id[JA_UUID_LEN + 1];

    ja_test_user(t, "alice", NULL, id);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static void grant(struct ja_test_store *t, const char *role, int64_t until)
{
    assert_int_equal(ja_role_grant_flow(&t->ctx, "alice", role, until, NULL), JA_OK);
}

static json_t *claims_of(struct ja_test_store *t, const char *token)
{
    struct ja_token_check check = ja_token_check_default(&t->ctx);
    json_t *claims = NULL;

    assert_int_equal(ja_token_verify(&t->ctx, token, strlen(token), &check, false, &claims, NULL), JA_OK);
    return claims;
}

/* "agent user": the claim as it stands, in its order. */
static void assert_list(const json_t *claims, const char *name, const char *wanted)
{
    const json_t *list = json_object_get(claims, name), *item;
    char text[512] = "";
    size_t i, len = 0;

    assert_true(json_is_array(list));
    json_array_foreach(list, i, item)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "", json_string_value(item));
    assert_string_equal(text, wanted);
}

static enum ja_status issue(struct ja_test_store *t, const char *scope, struct ja_minted *ret, struct ja_error *err)
{
    return ja_token_issue(&t->ctx, "alice", NULL, scope, 600, ret, err);
}

static void assert_issued(struct ja_test_store *t, const char *roles, const char *permissions)
{
    struct ja_minted m = {0};
    json_t *claims;

    assert_int_equal(issue(t, NULL, &m, NULL), JA_OK);
    claims = claims_of(t, m.token);
    assert_list(claims, "roles", roles);
    if (permissions)
        assert_list(claims, "permissions", permissions);
    else
        assert_null(json_object_get(claims, "permissions")); /* no role, no claim */
    assert_null(json_object_get(claims, "scope"));
    json_decref(claims);
    ja_minted_clear(&m);
}

static void a_token_has_the_roles_of_now(void **state)
{
    struct ja_test_store *t = *state;

    assert_issued(t, "", NULL);
    grant(t, "agent", 0);
    assert_issued(t, "agent user", "profile:* sessions:own users:read"); /* with what they inherit */
    assert_int_equal(ja_role_permit_flow(&t->ctx, "agent", "tickets:read", "tenant/42/*", NULL), JA_OK);
    assert_issued(t, "agent user", "profile:* sessions:own users:read"); /* not what holds on some resources only */
    assert_int_equal(ja_role_revoke_flow(&t->ctx, "alice", "agent", NULL), JA_OK);
    assert_issued(t, "", NULL);
}

static void a_grant_that_ended_is_in_no_token(void **state)
{
    struct ja_test_store *t = *state;

    grant(t, "user", 0);
    grant(t, "admin", END);
    ja_fake_clock_advance(&t->clock, END - 1 - JA_TEST_EPOCH);
    assert_issued(t, "admin agent manager user",
                  "*:* profile:* roles:read sessions:* sessions:own users:read users:write");
    ja_fake_clock_advance(&t->clock, 1);
    assert_issued(t, "user", "profile:* sessions:own");
}

/* Each word of what is asked for is held, in whole, at that moment; else there is no token at all. */
static void a_scope_is_never_more_than_held(void **state)
{
    static const struct { const char *scope; bool held; } table[] = {
        {"users:read", true}, {"profile:write", true}, {"users:read profile:read", true}, {"sessions:own", true},
        {"users:write", false}, {"users:read users:write", false}, {"users:write users:read", false},
        {"users:*", false}, {"*:read", false}, {"*:*", false}, {"users", false}, {"users:rea", false},
        {"users:reads", false}, {"user:read", false}, {"tickets:read", false},
    };
    struct ja_test_store *t = *state;

    grant(t, "agent", 0);
    assert_int_equal(ja_role_permit_flow(&t->ctx, "agent", "tickets:read", "tenant/42/*", NULL), JA_OK);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct ja_minted m = {0};
        struct ja_error err = {0};
        enum ja_status st = issue(t, table[i].scope, &m, &err);
        json_t *claims;

        if ((st == JA_OK) != table[i].held || (!table[i].held && strcmp(err.code, "scope_not_held") != 0))
            fail_msg("%s: %d %s", table[i].scope, (int)st, err.code);
        if (table[i].held) {
            claims = claims_of(t, m.token);
            assert_string_equal(json_string_value(json_object_get(claims, "scope")), table[i].scope); /* no more */
            json_decref(claims);
        } else {
            assert_null(m.token);
        }
        ja_minted_clear(&m);
    }
}

static void a_scope_ends_with_its_grant(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_minted m = {0};
    struct ja_error err = {0};

    grant(t, "agent", END);
    ja_fake_clock_advance(&t->clock, END - 1 - JA_TEST_EPOCH);
    assert_int_equal(issue(t, "users:read", &m, &err), JA_OK);
    ja_minted_clear(&m);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(issue(t, "users:read", &m, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "scope_not_held");
}

/* R17 R18: a role taken away, ended, or weakened between login and refresh is not in the refreshed token. */
static void a_refreshed_token_has_the_roles_of_its_moment(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx *ctx = &t->ctx;
    struct ja_session s = {.service = "authctl", .amr = "pwd", .auth_time = JA_TEST_EPOCH,
                           .idle_ends_at = JA_TEST_EPOCH + 3600, .ends_at = JA_TEST_EPOCH + 7200};
    static const char *const wanted[] = {"admin agent manager user", "agent user", "user", ""};
    struct ja_secret refresh = {0};
    struct ja_user u = {0};

    grant(t, "admin", END);
    grant(t, "agent", 0);
    assert_int_equal(ja_user_find_by_name(ctx, "alice", &u, NULL), JA_OK);
    (void)snprintf(s.user_id, sizeof s.user_id, "%s", u.id);
    ja_user_clear(&u);
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(ctx, &s, NULL), JA_OK);
    assert_int_equal(ja_refresh_create(ctx, s.id, JA_TEST_EPOCH + 3600, &refresh, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    for (size_t i = 0; i < 4; i++) {
        struct ja_auth_tokens fresh = {0};
        json_t *claims;

        if (i == 1)
            ja_fake_clock_advance(&t->clock, END - JA_TEST_EPOCH); /* ends by itself */
        if (i == 2)
            assert_int_equal(ja_role_revoke_flow(ctx, "alice", "agent", NULL), JA_OK);
        if (i == 2)
            grant(t, "user", 0);
        if (i == 3)
            assert_int_equal(ja_role_revoke_flow(ctx, "alice", "user", NULL), JA_OK);
        assert_int_equal(ja_session_refresh(ctx, (const char *)refresh.data, refresh.len, &fresh, NULL), JA_OK);
        claims = claims_of(t, fresh.access.token);
        assert_list(claims, "roles", wanted[i]);
        json_decref(claims);
        ja_secret_clear(&refresh);
        refresh = fresh.refresh;
        fresh.refresh = (struct ja_secret){0};
        ja_auth_tokens_clear(&fresh);
    }
    ja_secret_clear(&refresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_has_the_roles_of_now, setup, teardown),
        cmocka_unit_test_setup_teardown(a_grant_that_ended_is_in_no_token, setup, teardown),
        cmocka_unit_test_setup_teardown(a_scope_is_never_more_than_held, setup, teardown),
        cmocka_unit_test_setup_teardown(a_scope_ends_with_its_grant, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refreshed_token_has_the_roles_of_its_moment, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
