/* The rule that keeps the last administrator (account_admin.c). */
#include "common/domain/role.h"
#include "common/flow/account_flow.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LATER (JA_TEST_EPOCH + 1000)

typedef enum ja_status (*end_fn)(struct ja_ctx *ctx, const char *name, struct ja_error *err);

static enum ja_status lock_now(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    return ja_account_lock(ctx, name, 0, NULL, err);
}

static enum ja_status lock_later(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    return ja_account_lock(ctx, name, LATER, NULL, err);
}

static enum ja_status disable(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    return ja_account_disable(ctx, name, NULL, err);
}

static enum ja_status end_at(struct ja_ctx *ctx, const char *name, int64_t at, struct ja_error *err)
{
    return ja_account_modify(ctx, name, &(struct ja_user_spec){.valid_until = at}, NULL, err);
}

static enum ja_status end_later(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    return end_at(ctx, name, LATER, err);
}

static enum ja_status end_now(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    return end_at(ctx, name, JA_TEST_EPOCH, err);
}

static const struct {
    const char *name;
    end_fn fn;
} ends[] = {
    {"delete", ja_account_delete}, {"disable", disable},          {"lock", lock_now},
    {"lock --at", lock_later},     {"--valid-until", end_later}, {"--valid-until now", end_now},
};

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

static void add_as(struct ja_test_store *t, const struct ja_user_spec *spec)
{
    struct ja_user u = {0};
    struct ja_error err = {0};

    if (ja_account_add(&t->ctx, spec, NULL, &u, &err) != JA_OK)
        fail_msg("%s: %s", err.code, err.message);
    ja_user_clear(&u);
}

static void add(struct ja_test_store *t, const char *name, const char *role)
{
    add_as(t, &(struct ja_user_spec){.username = name, .roles = &role, .nroles = 1});
}

static void grant(struct ja_test_store *t, const char *name, int64_t ends_at)
{
    struct ja_user u = {0};

    assert_int_equal(ja_user_find_by_name(&t->ctx, name, &u, NULL), JA_OK);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_role_grant(&t->ctx, u.id, "admin", ends_at, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    ja_user_clear(&u);
}

static void run(struct ja_test_store *t, const char *sql)
{
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    if (strcmp(sql, "role") == 0) {
        assert_int_equal(
            ja_db_exec(t->ctx.db,
                       "INSERT INTO roles (id, name, created_at, updated_at, updated_by) VALUES "
                       "('r-chief', 'chief', 1, 1, 'root')",
                       JA_NO_BINDS, NULL, NULL),
            JA_OK);
        assert_int_equal(ja_db_exec(t->ctx.db,
                                    "INSERT INTO role_parents (role_id, parent_id, created_at) "
                                    "SELECT 'r-chief', id, 1 FROM roles WHERE name = 'admin'",
                                    JA_NO_BINDS, NULL, NULL),
                         JA_OK);
    } else {
        assert_int_equal(ja_db_exec(t->ctx.db, "UPDATE users SET status = 'pending' WHERE username = $1",
                                    JA_BINDS(JA_T(sql)), NULL, NULL),
                         JA_OK);
    }
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
}

static void expect_kept(struct ja_test_store *t, const char *name)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct ja_error err = {0};
        struct ja_user u = {0};

        if (ends[i].fn(&t->ctx, name, &err) != JA_ERR_CONFLICT ||
            strcmp(err.code, "last_administrator") != 0)
            fail_msg("%s of %s: %s", ends[i].name, name, err.code);
        assert_non_null(strstr(err.message, "make another one first"));
        assert_false(ja_db_in_transaction(t->ctx.db));
        assert_int_equal(ja_user_find_by_name(&t->ctx, name, &u, NULL), JA_OK);
        assert_int_equal(u.status, JA_USER_ACTIVE);
        ja_user_clear(&u);
    }
}

static void expect_gone(struct ja_test_store *t, const char *name, end_fn fn)
{
    struct ja_error err = {0};

    if (fn(&t->ctx, name, &err) != JA_OK)
        fail_msg("%s: %s", name, err.message);
}

static void the_only_administrator_stays(void **state)
{
    struct ja_test_store *t = *state;

    add(t, "alice", "admin");
    add(t, "bob", "manager");
    expect_kept(t, "alice");
    for (size_t i = sizeof ends / sizeof *ends; i-- > 0;) /* deleting comes last */
        expect_gone(t, "bob", ends[i].fn);
}

static void with_another_one_each_may_go(void **state)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct ja_test_store *t = *state;
        char name[8];

        if (i == 0)
            add(t, "alice", "admin");
        (void)snprintf(name, sizeof name, "bob%zu", i);
        add(t, name, "admin");
        expect_gone(t, name, ends[i].fn);
        expect_kept(t, "alice");
    }
}

/* Who cannot act as an administrator is none. */
static void others_that_do_not_count(void **state)
{
    struct ja_test_store *t = *state;
    const char *admin = "admin";

    add(t, "alice", "admin");
    add(t, "locked", "admin");
    expect_gone(t, "locked", lock_now);
    add(t, "planned", "admin");
    expect_gone(t, "planned", lock_later);
    add(t, "disabled", "admin");
    expect_gone(t, "disabled", disable);
    add(t, "pending", "admin");
    run(t, "pending");
    add(t, "gone", "admin");
    expect_gone(t, "gone", ja_account_delete);
    add_as(t, &(struct ja_user_spec){
                  .username = "robot", .service = true, .roles = &admin, .nroles = 1});
    add_as(t, &(struct ja_user_spec){
                  .username = "guest", .valid_until = LATER, .roles = &admin, .nroles = 1});
    add(t, "deputy", "user");
    grant(t, "deputy", LATER);
    add(t, "former", "user");
    grant(t, "former", JA_TEST_EPOCH);
    expect_kept(t, "alice");
    /* they themselves may go, and none of them is kept as the last */
    expect_gone(t, "locked", ja_account_delete);
    expect_gone(t, "robot", ja_account_delete);
    expect_gone(t, "guest", ja_account_delete);
    expect_gone(t, "pending", ja_account_delete);
    expect_gone(t, "former", ja_account_delete);
    expect_kept(t, "alice");
}

/* Where nobody is an administrator nobody is kept as one: whoever cannot act goes. */
static void who_is_none_is_not_kept(void **state)
{
    struct ja_test_store *t = *state;
    const char *admin = "admin";

    add_as(t, &(struct ja_user_spec){
                  .username = "robot", .service = true, .roles = &admin, .nroles = 1});
    expect_gone(t, "robot", ja_account_delete);
    add(t, "pending", "admin");
    run(t, "pending");
    expect_gone(t, "pending", ja_account_delete);
    add_as(t, &(struct ja_user_spec){
                  .username = "guest", .valid_until = JA_TEST_EPOCH, .roles = &admin, .nroles = 1});
    expect_gone(t, "guest", ja_account_delete);
}

static void who_inherits_the_role_counts_and_is_kept(void **state)
{
    struct ja_test_store *t = *state;

    run(t, "role");
    add(t, "alice", "admin");
    add(t, "carol", "chief");
    expect_gone(t, "alice", ja_account_delete);
    expect_kept(t, "carol");
}

/* Of two whose time is limited the one who stays longer is the last. */
static void a_limited_time_is_compared(void **state)
{
    struct ja_test_store *t = *state;
    const char *admin = "admin";
    struct ja_error err = {0};

    add_as(t, &(struct ja_user_spec){
                  .username = "alice", .valid_until = LATER, .roles = &admin, .nroles = 1});
    assert_int_equal(end_at(&t->ctx, "alice", LATER - 1, &err), JA_ERR_CONFLICT);
    assert_int_equal(end_at(&t->ctx, "alice", LATER + 5, &err), JA_OK);
    assert_int_equal(ja_account_modify(&t->ctx, "alice", &(struct ja_user_spec){.full_name = "A"},
                                       NULL, &err),
                     JA_OK);
    add_as(t, &(struct ja_user_spec){
                  .username = "bob", .valid_until = LATER + 4, .roles = &admin, .nroles = 1});
    assert_int_equal(disable(&t->ctx, "alice", &err), JA_ERR_CONFLICT);
    assert_int_equal(end_at(&t->ctx, "bob", LATER + 5, &err), JA_OK);
    assert_int_equal(disable(&t->ctx, "alice", &err), JA_OK);
    /* once the time is over nobody is left to keep */
    ja_fake_clock_advance(&t->clock, LATER + 5 - JA_TEST_EPOCH);
    assert_int_equal(ja_account_delete(&t->ctx, "bob", &err), JA_OK);
}

struct race {
    struct ja_test_store *t;
    end_fn fn;
};

static int end_one(void *arg, int number)
{
    struct race *r = arg;
    struct ja_ctx ctx = {0};
    struct ja_error err = {0};
    char name[8];
    enum ja_status st;

    (void)snprintf(name, sizeof name, "a%d", number);
    ja_test_store_second(r->t, &ctx);
    ctx.clock = r->t->ctx.clock;
    st = r->fn(&ctx, name, &err);
    ja_ctx_clear(&ctx);
    return st == JA_OK ? 0 : strcmp(err.code, "last_administrator") == 0 ? 1 : 2;
}

/* Whoever asks at the same time: one of them stays. */
static void of_parallel_deletions_one_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct race r = {.fn = ends[i].fn};
        int results[4], kept = 0;
        char name[8];

        (void)teardown(state);
        (void)setup(state);
        r.t = *state;
        for (int n = 0; n < 4; n++) {
            (void)snprintf(name, sizeof name, "a%d", n);
            add(r.t, name, "admin");
        }
        ja_parallel(4, end_one, &r, results);
        for (int n = 0; n < 4; n++) {
            assert_in_range(results[n], 0, 1);
            kept += results[n];
        }
        assert_int_equal(kept, 1);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_only_administrator_stays),
        T(with_another_one_each_may_go),
        T(others_that_do_not_count),
        T(who_is_none_is_not_kept),
        T(who_inherits_the_role_counts_and_is_kept),
        T(a_limited_time_is_compared),
        T(of_parallel_deletions_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
