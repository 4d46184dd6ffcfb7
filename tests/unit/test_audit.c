#include "common/domain/audit.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = ja_test_store_new(NULL);
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static void write_one(struct ja_ctx *ctx, const char *action, const char *target)
{
    struct ja_audit_event ev = {
        .action = action, .target = target, .outcome = "failure", .reason = "wrong_password"};

    ev.detail = json_pack("{s:i}", "n", 7);
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_audit_write(ctx, &ev, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    json_decref(ev.detail);
}

static void four_rows(struct ja_ctx *ctx)
{
    write_one(ctx, "login", "user:alice");
    write_one(ctx, "user.add", NULL);
    write_one(ctx, "login", "user:bob");
    write_one(ctx, "login", "user:carol");
}

#define TAMPER(ctx, sql) \
    do { \
        assert_int_equal(ja_db_begin((ctx)->db, NULL), JA_OK); \
        assert_int_equal(ja_db_exec((ctx)->db, sql, JA_NO_BINDS, NULL, NULL), JA_OK); \
        assert_int_equal(ja_db_commit((ctx)->db, NULL), JA_OK); \
    } while (0)

static void expect_broken(struct ja_ctx *ctx, const char *row)
{
    struct ja_error err = {0};
    int64_t rows = 0;

    assert_int_equal(ja_audit_verify(ctx, &rows, &err), JA_ERR_CORRUPT);
    assert_string_equal(err.code, "audit_broken");
    if (!strstr(err.message, row))
        fail_msg("'%s' does not name '%s'", err.message, row);
}

static void r28_rows_are_numbered_and_chained(void **state)
{
    struct ja_test_store *t = *state;
    int64_t rows = -1;

    assert_int_equal(ja_audit_verify(&t->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 0);
    t->ctx.actor = (struct ja_actor){"pam", "192.0.2.7", "sshd"};
    four_rows(&t->ctx);
    assert_int_equal(ja_audit_verify(&t->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 4);
}

static void r28_a_row_belongs_to_a_transaction(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_audit_event ev = {.action = "login", .outcome = "success"};
    struct ja_error err = {0};
    int64_t rows = -1;

    assert_int_equal(ja_audit_write(&t->ctx, &ev, &err), JA_ERR_INTERNAL);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_audit_write(&t->ctx, &ev, NULL), JA_OK);
    ja_db_rollback(t->ctx.db); /* what it records did not happen */
    four_rows(&t->ctx);
    assert_int_equal(ja_audit_verify(&t->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 4);
}

static void r28_an_edited_field_is_found(void **state)
{
    (void)state;
    static const char *const what[] = {"time_ms", "actor",   "action", "target", "outcome",
                                       "reason",  "service", "detail", "source"};

    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        struct ja_test_store *t = ja_test_store_new(NULL);

        four_rows(&t->ctx);
        switch (i) {
        case 0: TAMPER(&t->ctx, "UPDATE audit_log SET time_ms = time_ms + 1 WHERE seq = 3"); break;
        case 1: TAMPER(&t->ctx, "UPDATE audit_log SET actor = 'pam' WHERE seq = 3"); break;
        case 2: TAMPER(&t->ctx, "UPDATE audit_log SET action = 'logon' WHERE seq = 3"); break;
        case 3: TAMPER(&t->ctx, "UPDATE audit_log SET target = NULL WHERE seq = 3"); break;
        case 4: TAMPER(&t->ctx, "UPDATE audit_log SET outcome = 'success' WHERE seq = 3"); break;
        case 5: TAMPER(&t->ctx, "UPDATE audit_log SET reason = '' WHERE seq = 3"); break;
        case 6: TAMPER(&t->ctx, "UPDATE audit_log SET service = NULL WHERE seq = 3"); break;
        case 7: TAMPER(&t->ctx, "UPDATE audit_log SET detail = '{}' WHERE seq = 3"); break;
        default: TAMPER(&t->ctx, "UPDATE audit_log SET source = '' WHERE seq = 3"); break;
        }
        expect_broken(&t->ctx, "row 3 was changed");
        ja_test_store_free(t);
    }
}

/* Content moved from one field into its neighbour is another row. */
static void r28_moving_a_border_between_fields_is_found(void **state)
{
    struct ja_test_store *t = *state;

    four_rows(&t->ctx);
    TAMPER(&t->ctx, "UPDATE audit_log SET actor = 'roo', action = 'tlogin' WHERE seq = 1");
    expect_broken(&t->ctx, "row 1 was changed");
}

static void r28_moving_a_text_into_an_empty_neighbour_is_found(void **state)
{
    struct ja_test_store *t = *state;

    four_rows(&t->ctx);
    TAMPER(&t->ctx, "UPDATE audit_log SET source = reason, reason = NULL WHERE seq = 2");
    expect_broken(&t->ctx, "row 2 was changed");
}

static void r28_a_deleted_row_is_found(void **state)
{
    struct ja_test_store *t = *state;

    four_rows(&t->ctx);
    TAMPER(&t->ctx, "DELETE FROM audit_log WHERE seq = 2");
    expect_broken(&t->ctx, "row 2 is missing");
}

static void r28_a_cut_tail_is_found_also_after_more_rows(void **state)
{
    struct ja_test_store *t = *state;

    four_rows(&t->ctx);
    TAMPER(&t->ctx, "DELETE FROM audit_log WHERE seq >= 3");
    expect_broken(&t->ctx, "row 3 is missing");
    write_one(&t->ctx, "login", NULL);
    expect_broken(&t->ctx, "row 3 is missing");
}

static void r28_an_emptied_log_is_found(void **state)
{
    struct ja_test_store *t = *state;

    four_rows(&t->ctx);
    TAMPER(&t->ctx, "DELETE FROM audit_log");
    expect_broken(&t->ctx, "row 1 is missing");
}

static void r28_reordered_rows_are_found(void **state)
{
    struct ja_test_store *t = *state;

    four_rows(&t->ctx);
    TAMPER(&t->ctx, "UPDATE audit_log SET seq = 99 WHERE seq = 2");
    TAMPER(&t->ctx, "UPDATE audit_log SET seq = 2 WHERE seq = 3");
    TAMPER(&t->ctx, "UPDATE audit_log SET seq = 3 WHERE seq = 99");
    expect_broken(&t->ctx, "row 2 does not follow");
}

static int write_ten(void *arg, int number)
{
    struct ja_ctx ctx;

    (void)number;
    ja_test_store_second(arg, &ctx);
    for (int i = 0; i < 10; i++)
        write_one(&ctx, "login", "user:alice");
    ja_ctx_clear(&ctx);
    return 0;
}

static void r28_parallel_writers_make_one_chain(void **state)
{
    struct ja_test_store *t = *state;
    int results[8];
    int64_t rows = 0;

    ja_parallel(8, write_ten, t, results);
    for (int i = 0; i < 8; i++)
        assert_int_equal(results[i], 0);
    assert_int_equal(ja_audit_verify(&t->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 80);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(r28_rows_are_numbered_and_chained),
        T(r28_a_row_belongs_to_a_transaction),
        T(r28_an_edited_field_is_found),
        T(r28_moving_a_border_between_fields_is_found),
        T(r28_moving_a_text_into_an_empty_neighbour_is_found),
        T(r28_a_deleted_row_is_found),
        T(r28_a_cut_tail_is_found_also_after_more_rows),
        T(r28_an_emptied_log_is_found),
        T(r28_reordered_rows_are_found),
        T(r28_parallel_writers_make_one_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
