/* Permissions, patterns, the graph's cost, the caller's right and the rule of the last administrator. */
#include "common/db/db_sqlite.h"
#include "common/flow/account_flow.h"
#include "common/flow/role_flow.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = ja_test_store_new("dictionary = no\n");
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static void a_pattern_matches_whole_segments(void **state)
{
    static const struct { const char *pattern, *resource; bool match; } table[] = {
        {"", NULL, true}, {"", "a", true}, {"a", NULL, false}, {"a", "a", true}, {"a", "b", false},
        {"a", "ab", false}, {"ab", "a", false}, {"a", "a/b", false}, {"a/b", "a", false}, {"*", "a", true},
        {"*", "a/b/c", true}, {"*", NULL, false}, {"tenant/42/*", "tenant/42/x", true},
        {"tenant/42/*", "tenant/42/x/y", true}, {"tenant/42/*", "tenant/42", false},
        {"tenant/42/*", "tenant/421/x", false}, {"tenant/*/x", "tenant/42/x", true},
        {"tenant/*/x", "tenant/42/y/x", false}, {"tenant/*/x", "tenant/42/x/y", false},
        {"tenant/42/*", "tenant/42/../43", false}, {"tenant/42/*", "tenant/42/", false},
        {"tenant/4*", "tenant/42", false}, {"*", "a/*", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (ja_pattern_matches(table[i].pattern, table[i].resource) != table[i].match)
            fail_msg("%s on %s", table[i].pattern, table[i].resource ? table[i].resource : "nothing");
}

static void a_permission_has_two_parts(void **state)
{
    static const char *const good[] = {"users:read", "*:*", "users:*", "*:read", "a1_-:b"};
    static const char *const bad[] = {"", ":", "users", "users:", ":read", "Users:read", "users:read:x", "u*:read",
                                      "users:re*", "1a:read", "us ers:read", "us\xc3\xa9rs:read"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(ja_permission_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ja_permission_valid(bad[i]))
            fail_msg("%s", bad[i]);
}

static bool can(struct ja_test_store *t, const char *id, const char *permission)
{
    bool held = false;

    assert_int_equal(ja_permission_held(&t->ctx, id, permission, NULL, &held, NULL, NULL), JA_OK);
    return held;
}

/* A caller that is a user has what its roles permit; a locked or unknown one nothing. */
static void callers_other_than_root_need_the_permission(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx *ctx = &t->ctx;
    char id[JA_UUID_LEN + 1];
    struct ja_error err = {0};

    ja_test_user(t, "alice", NULL, id);
    ja_test_user(t, "bob", NULL, id);
    assert_int_equal(ja_role_grant_flow(ctx, "bob", "manager", 0, NULL), JA_OK);
    ctx->actor.name = "user:bob";
    assert_int_equal(ja_permit(ctx, "users:write", "user/alice", NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(ctx, "bob", "admin", 0, &err), JA_ERR_FORBIDDEN);
    assert_string_equal(err.code, "forbidden");
    assert_false(can(t, id, "audit:read"));
    ctx->actor.name = "user:alice";
    assert_int_equal(ja_permit(ctx, "users:read", NULL, NULL), JA_ERR_FORBIDDEN);
    ctx->actor.name = "user:nobody";
    assert_int_equal(ja_permit(ctx, "users:read", NULL, NULL), JA_ERR_FORBIDDEN);
    ctx->actor.name = "user";
    assert_int_equal(ja_permit(ctx, "users:read", NULL, NULL), JA_ERR_FORBIDDEN);
    ctx->actor.name = "root";
    assert_int_equal(ja_permit(ctx, "users:read", NULL, NULL), JA_OK);
    assert_int_equal(ja_role_add_flow(ctx, "lead", NULL, NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(ctx, "lead", "roles:write", "role/agent", NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(ctx, "alice", "lead", 0, NULL), JA_OK);
    ctx->actor.name = "user:alice";
    assert_int_equal(ja_role_grant_flow(ctx, "alice", "agent", 0, NULL), JA_ERR_FORBIDDEN); /* gives what she has not */
    ctx->actor.name = "root";
    assert_int_equal(ja_role_inherit_flow(ctx, "lead", "user", NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(ctx, "lead", "users:read", NULL, NULL), JA_OK);
    ctx->actor.name = "user:alice";
    assert_int_equal(ja_role_grant_flow(ctx, "alice", "agent", 0, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(ctx, "alice", "admin", 0, NULL), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_inherit_flow(ctx, "agent", "admin", NULL), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_permit_flow(ctx, "agent", "*:*", NULL, NULL), JA_ERR_FORBIDDEN);
    assert_int_equal(ja_role_permit_flow(ctx, "agent", "users:read", NULL, NULL), JA_OK);
    ctx->actor.name = "root";
    assert_int_equal(ja_account_modify(ctx, "bob", &(struct ja_user_spec){.valid_until = JA_TEST_EPOCH + 50}, NULL, NULL),
                     JA_OK);
    ctx->actor.name = "user:bob";
    ja_fake_clock_advance(&t->clock, 49);
    assert_int_equal(ja_permit(ctx, "users:write", NULL, NULL), JA_OK);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(ja_permit(ctx, "users:write", NULL, NULL), JA_ERR_FORBIDDEN);
    ctx->actor.name = "root";
}

static void the_last_administrator_stays(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx *ctx = &t->ctx;
    char a[JA_UUID_LEN + 1], b[JA_UUID_LEN + 1];
    int64_t soon = JA_TEST_EPOCH + 100, later = JA_TEST_EPOCH + 200;

    ja_test_user(t, "alice", NULL, a);
    ja_test_user(t, "bob", NULL, b);
    assert_int_equal(ja_role_grant_flow(ctx, "alice", "admin", 0, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(ctx, "alice", "admin", soon, NULL), JA_ERR_CONFLICT);
    assert_int_equal(ja_role_grant_flow(ctx, "bob", "admin", later, NULL), JA_OK);
    assert_int_equal(ja_role_revoke_flow(ctx, "alice", "admin", NULL), JA_ERR_CONFLICT); /* bob ends */
    assert_int_equal(ja_role_revoke_flow(ctx, "bob", "admin", NULL), JA_OK);
    /* through another role: neither its delete nor its disinheritance */
    assert_int_equal(ja_role_add_flow(ctx, "chief", NULL, (const char *[]){"admin"}, 1, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(ctx, "bob", "chief", 0, NULL), JA_OK);
    assert_int_equal(ja_role_revoke_flow(ctx, "alice", "admin", NULL), JA_OK);
    assert_int_equal(ja_role_disinherit_flow(ctx, "chief", "admin", NULL), JA_ERR_CONFLICT);
    assert_int_equal(ja_role_delete_flow(ctx, "admin", NULL), JA_ERR_CONFLICT);
    assert_int_equal(ja_role_forbid_flow(ctx, "admin", "*:*", NULL, NULL), JA_ERR_CONFLICT);
    assert_true(can(t, b, "anything:at-all"));
}

static int count_statement(unsigned what, void *arg, void *statement, void *text)
{
    (void)what;
    (void)statement;
    (void)text;
    ++*(int *)arg;
    return 0;
}

static void count_into(struct ja_test_store *t, int *n)
{
    sqlite3 *db = ((struct ja_sqlite *)t->ctx.db->conn)->db;

    *n = 0;
    assert_int_equal(sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, n), SQLITE_OK);
}

static enum ja_status note_held(void *arg, const struct ja_held_permission *p)
{
    (void)p;
    ++*(int *)arg;
    return JA_OK;
}

/* 200 granted roles in a graph of 1,000, each inheriting four. */
static void large_graph(struct ja_test_store *t, char id[JA_UUID_LEN + 1])
{
    ja_test_user(t, "alice", NULL, id);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
#define N "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
    assert_int_equal(ja_db_exec(t->ctx.db,
                                N "INSERT INTO roles (id, name, created_at, updated_at, updated_by) "
                                  "SELECT 'r' || i, 'r' || i, 1, 1, 'root' FROM n",
                                JA_NO_BINDS, NULL, NULL), JA_OK);
    for (int64_t k = 1; k <= 4; k++)
        assert_int_equal(ja_db_exec(t->ctx.db,
                                    N "INSERT INTO role_parents (role_id, parent_id, created_at) "
                                      "SELECT 'r' || i, 'r' || (i + $1), 1 FROM n WHERE i + $1 < 1000",
                                    JA_BINDS(JA_I(k)), NULL, NULL), JA_OK);
    assert_int_equal(ja_db_exec(t->ctx.db,
                                N "INSERT INTO user_roles (user_id, role_id, granted_by, created_at) "
                                  "SELECT $1, 'r' || i, 'root', 1 FROM n WHERE i < 200",
                                JA_BINDS(JA_T(id)), NULL, NULL), JA_OK);
    assert_int_equal(ja_db_exec(t->ctx.db,
                                "INSERT INTO role_permissions (role_id, permission, created_at) "
                                "VALUES ('r999', 'end:reach', 1)",
                                JA_NO_BINDS, NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
}

static void holds_just(struct ja_test_store *t, const char *id, const char *names)
{
    struct ja_strlist list = {0};
    char text[64] = "";

    assert_int_equal(ja_role_effective(&t->ctx, id, &list, NULL), JA_OK);
    for (size_t i = 0; i < list.len; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", list.items[i]);
    assert_string_equal(text, names);
    ja_strlist_clear(&list);
}

static void must_exec(struct ja_test_store *t, const char *sql)
{
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec_(t->ctx.db, sql, NULL, 0, NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
}

/* Roles without parents are found by a shorter way than those that have some: nobody can tell by the answer. */
static void both_ways_to_the_roles_answer_alike(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];

    ja_test_user(t, "alice", NULL, id);
    holds_just(t, id, "");
    must_exec(t, "INSERT INTO roles (id, name, created_at, updated_at, updated_by) VALUES ('a', 'alpha', 1, 1, 'root'), "
                 "('b', 'beta', 1, 1, 'root'), ('c', 'gamma', 1, 1, 'root')");
    must_exec(t, "INSERT INTO user_roles (user_id, role_id, granted_by, created_at) "
                 "SELECT id, 'b', 'root', 1 FROM users WHERE username = 'alice'");
    must_exec(t, "INSERT INTO user_roles (user_id, role_id, granted_by, created_at, ends_at) "
                 "SELECT id, 'a', 'root', 1, 2 FROM users WHERE username = 'alice'");
    holds_just(t, id, "beta "); /* the other one has ended */
    must_exec(t, "INSERT INTO role_parents (role_id, parent_id, created_at) VALUES ('a', 'c', 1)");
    holds_just(t, id, "beta "); /* and what it would have brought */
    must_exec(t, "UPDATE user_roles SET ends_at = NULL");
    holds_just(t, id, "alpha beta gamma ");
    must_exec(t, "INSERT INTO role_parents (role_id, parent_id, created_at) VALUES ('c', 'a', 1)"); /* a cycle */
    holds_just(t, id, "alpha beta gamma ");
}

/* Statements that reach SQLite, not our calls: one for each question, two for the names of roles, however many edges
 * lie between. */
static void a_large_graph_is_one_question(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_strlist list = {0};
    char id[JA_UUID_LEN + 1];
    bool covered = false;
    int n = 0, permissions = 0;

    large_graph(t, id);
    count_into(t, &n);
    assert_true(can(t, id, "end:reach"));
    assert_int_equal(n, 1);
    assert_false(can(t, id, "end:other"));
    assert_int_equal(n, 2);
    count_into(t, &n);
    assert_int_equal(ja_permission_each(&t->ctx, id, note_held, &permissions, NULL), JA_OK);
    assert_int_equal(permissions, 1);
    assert_int_equal(n, 1);
    count_into(t, &n);
    assert_int_equal(ja_role_effective(&t->ctx, id, &list, NULL), JA_OK);
    assert_int_equal(list.len, 1000);
    assert_int_equal(n, 2); /* whether any has a parent comes first: most users' have none */
    ja_strlist_clear(&list);
    count_into(t, &n);
    assert_int_equal(ja_role_permissions(&t->ctx, id, &list, NULL), JA_OK);
    assert_int_equal(list.len, 1);
    assert_int_equal(n, 1);
    ja_strlist_clear(&list);
    count_into(t, &n);
    assert_int_equal(ja_permission_covers_user(&t->ctx, id, id, &covered, NULL), JA_OK);
    assert_true(covered);
    assert_int_equal(n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_matches_whole_segments),
        cmocka_unit_test(a_permission_has_two_parts),
        cmocka_unit_test_setup_teardown(callers_other_than_root_need_the_permission, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_administrator_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(both_ways_to_the_roles_answer_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_graph_is_one_question, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
