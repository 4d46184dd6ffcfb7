/* Known failures of identity stores: ids that collide, roles by look, missing numbers that become 0, numbers out of
 * range, queries and lines that input can bend. */
#include "common/domain/role.h"
#include "common/flow/account_flow.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
#define MANY 5000
#else
#define MANY 100000
#endif

static int setup(void **state)
{
    *state = ja_test_store_new("dictionary = no\n[registration]\nopen = yes\nverify = none\n");
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static int64_t number(struct ja_ctx *ctx, const char *sql)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n;

    assert_int_equal(ja_db_query_(ctx->db, sql, NULL, 0, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

static void begin(struct ja_ctx *ctx) { assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK); }
static void commit(struct ja_ctx *ctx) { assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK); }

static void insert_numbered(struct ja_ctx *ctx, int from, int to)
{
    for (int i = from; i < to; i++) {
        struct ja_user u = {.kind = JA_USER_PERSON, .status = JA_USER_ACTIVE, .home = strdup("/home/x"),
                            .shell = strdup("/bin/sh")};
        struct ja_error err = {0};

        (void)snprintf(u.username, sizeof u.username, "user%d", i);
        if (ja_user_insert(ctx, &u, &err) != JA_OK)
            fail_msg("%s: %s", u.username, err.message);
        ja_user_clear(&u);
    }
}

/* CVE-2024-9312, CVE-2025-59044: a uid is a row's number, made from no name: none collides, each is inside the range
 * and outside /etc/login.defs', and what a deleted account had is never given out again. */
static void cve_2024_9312_ids_are_rows_and_never_collide(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx *ctx = &t->ctx;
    int64_t last;

    begin(ctx);
    insert_numbered(ctx, 0, MANY);
    commit(ctx);
    assert_int_equal(number(ctx, "SELECT COUNT(DISTINCT uid) AS n FROM users"), MANY);
    assert_int_equal(number(ctx, "SELECT COUNT(DISTINCT gid) AS n FROM users"), MANY);
    assert_true(number(ctx, "SELECT MIN(uid) AS n FROM users") >= ctx->cfg->accounts.uid_min);
    assert_true(ctx->cfg->accounts.uid_min > 60000); /* UID_MAX of login.defs(5) */
    last = number(ctx, "SELECT MAX(uid) AS n FROM users");
    assert_true(last <= ctx->cfg->accounts.uid_max);
    begin(ctx);
    for (int i = 0; i < 500; i++) {
        struct ja_user u = {0};
        char name[32];

        (void)snprintf(name, sizeof name, "user%d", i * 7);
        assert_int_equal(ja_user_find_by_name(ctx, name, &u, NULL), JA_OK);
        assert_int_equal(ja_user_delete(ctx, u.id, NULL), JA_OK);
        ja_user_clear(&u);
    }
    commit(ctx);
    begin(ctx);
    for (int i = 0; i < 500; i++)
        insert_numbered(ctx, i * 7, i * 7 + 1); /* the same names */
    commit(ctx);
    assert_int_equal(number(ctx, "SELECT COUNT(*) AS n FROM users WHERE deleted_at IS NULL"), MANY);
    assert_int_equal(number(ctx, "SELECT COUNT(DISTINCT uid) AS n FROM users"), MANY + 500);
    assert_true(number(ctx, "SELECT MAX(uid) AS n FROM users") >= last + 500);
}

/* CVE-2025-49012: a role is found by its exact name and held by its id; what looks like it is nothing. */
static void cve_2025_49012_look_alike_roles_are_none(void **state)
{
    static const char *const looks[] = {
        "Admin", "ADMIN", "admin ", " admin", "admin\t", "admin\n",
        "adm\xd1\x96n" /* Cyrillic i */, "\xd0\xb0" "dmin" /* a */,
        "admin\xe2\x80\x8b" /* zero width */, "a\xcc\x81" "dmin", "admin%", "adm_n", "*", "", "admin'--",
        "\xef\xbd\x81" "dmin",
    };
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    assert_int_equal(ja_account_add(&t->ctx, &(struct ja_user_spec){.username = "alice"}, NULL, &u, NULL), JA_OK);
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        struct ja_strlist held = {0};
        struct ja_error err = {0};
        const char *role = looks[i];

        assert_int_equal(ja_account_modify(&t->ctx, "alice", &(struct ja_user_spec){.roles = &role, .nroles = 1},
                                           NULL, &err),
                         JA_ERR_NOT_FOUND);
        assert_string_equal(err.code, "role_not_found");
        assert_int_equal(ja_role_effective(&t->ctx, u.id, &held, NULL), JA_OK);
        assert_int_equal(held.len, 0);
        ja_strlist_clear(&held);
    }
    /* nor a second role of the same name */
    begin(&t->ctx);
    assert_int_equal(ja_db_exec(t->ctx.db,
                                "INSERT INTO roles (id, name, created_at, updated_at, updated_by) "
                                "VALUES ('other', 'admin', 1, 1, 'x')", JA_NO_BINDS, NULL, NULL), JA_ERR_EXISTS);
    ja_db_rollback(t->ctx.db);
    ja_user_clear(&u);
}

/* CVE-2025-5689, CVE-2007-4138: no number is never 0: the schema has no row without uid and gid, and whoever gives none
 * gets one of the range. */
static void cve_2025_5689_a_missing_gid_is_never_root(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    assert_int_equal(ja_account_add(&t->ctx, &(struct ja_user_spec){.username = "alice", .uid = 0, .gid = 0},
                                    NULL, &u, NULL),
                     JA_OK);
    assert_true(u.uid >= t->ctx.cfg->accounts.uid_min && u.gid >= t->ctx.cfg->accounts.uid_min);
    ja_user_clear(&u);
    begin(&t->ctx);
    assert_int_equal(ja_db_exec(t->ctx.db, "UPDATE users SET gid = NULL", JA_NO_BINDS, NULL, NULL), JA_ERR_CONFLICT);
    ja_db_rollback(t->ctx.db);
    begin(&t->ctx);
    assert_int_equal(ja_db_exec(t->ctx.db, "UPDATE users SET uid = NULL", JA_NO_BINDS, NULL, NULL), JA_ERR_CONFLICT);
    ja_db_rollback(t->ctx.db);
    assert_int_equal(ja_account_modify(&t->ctx, "alice", &(struct ja_user_spec){.gid = 0, .full_name = "A"}, &u, NULL),
                     JA_OK);
    assert_true(u.gid >= t->ctx.cfg->accounts.uid_min);
    ja_user_clear(&u);
}

/* CVE-2018-19788, CVE-2019-14287: beyond INT_MAX, -1 in every width, and what wraps into the range: refused. */
static void cve_2018_19788_numbers_beyond_the_range_are_refused(void **state)
{
    static const int64_t bad[] = {2147483647, 2147483648, 4294967294, 4294967295, 4294967296, -1, -2,
                                  4294967296 + 100001, INT64_MIN, INT64_MAX, 65535, 1};
    struct ja_test_store *t = *state;
    struct ja_user u = {0};
    struct ja_error err = {0};

    assert_int_equal(ja_account_add(&t->ctx, &(struct ja_user_spec){.username = "alice"}, NULL, &u, NULL), JA_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct ja_user_spec specs[] = {{.username = "bob", .uid = bad[i]}, {.username = "bob", .gid = bad[i]}};

        for (int k = 0; k < 2; k++) {
            struct ja_user_spec changed = specs[k];
            struct ja_user got = {0};

            assert_int_equal(ja_account_add(&t->ctx, &specs[k], NULL, &got, &err), JA_ERR_INVALID);
            assert_string_equal(err.code, "uid_out_of_range");
            changed.username = NULL;
            assert_int_equal(ja_account_modify(&t->ctx, "alice", &changed, &got, &err), JA_ERR_INVALID);
            assert_string_equal(err.code, "uid_out_of_range");
        }
        assert_int_equal(ja_user_find_by_uid(&t->ctx, bad[i], &u, NULL), JA_ERR_NOT_FOUND);
    }
    ja_user_clear(&u);
}

/* CVE-2022-4254, CVE-2026-44840: what looks like SQL, LIKE or a filter is a name that nobody has. */
static void cve_2022_4254_names_are_values_in_every_query(void **state)
{
    static const char *const names[] = {"' OR '1'='1", "alice' --", "alice'; DROP TABLE users; --", "%", "_____",
                                        "alice%",
                                        "*", "(uid=*)", "$1", "alice\"", "\\", "alice@example.org' OR 'a'='a", "+49%"};
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    assert_int_equal(ja_account_add(&t->ctx, &(struct ja_user_spec){.username = "alice", .email = "alice@example.org",
                                                                   .phone = "+491701234567"}, NULL, &u, NULL), JA_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ja_user got = {0};
        struct ja_cut cut = {0};

        assert_int_equal(ja_user_find(&t->ctx, names[i], &got, NULL), JA_ERR_NOT_FOUND);
        assert_int_equal(ja_user_find_by_id(&t->ctx, names[i], &got, NULL), JA_ERR_NOT_FOUND);
        assert_int_equal(ja_account_lock(&t->ctx, names[i], 0, &cut, NULL), JA_ERR_NOT_FOUND);
        assert_int_equal(ja_account_delete(&t->ctx, names[i], NULL), JA_ERR_NOT_FOUND);
        if (names[i][0] == '_') /* that one is a user name, if a strange one */
            continue;
        assert_int_not_equal(ja_account_add(&t->ctx, &(struct ja_user_spec){.username = names[i]}, NULL, &got, NULL),
                             JA_OK);
    }
    assert_int_equal(number(&t->ctx, "SELECT COUNT(*) AS n FROM users WHERE status = 'active' "
                                     "AND deleted_at IS NULL"),
                     1);
    ja_user_clear(&u);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(cve_2024_9312_ids_are_rows_and_never_collide),
        T(cve_2025_49012_look_alike_roles_are_none),
        T(cve_2025_5689_a_missing_gid_is_never_root),
        T(cve_2018_19788_numbers_beyond_the_range_are_refused),
        T(cve_2022_4254_names_are_values_in_every_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
