/* The query interface over SQLite: binds, rows, statuses, transactions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/db/migrate.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_db.h"

#include <string.h>

struct fixture {
    struct ja_temp_db t;
    struct ja_db *db;
};
static struct fixture fx;

static int setup(void **state)
{
    ja_temp_db_init(&fx.t);
    fx.db = ja_temp_db_open(&fx.t, 0);
    *state = &fx;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ja_db_close(fx.db);
    ja_temp_db_remove(&fx.t);
    return 0;
}

#define OK(call) assert_int_equal((call), JA_OK)

static enum ja_status open_url(const char *url, struct ja_error *err)
{
    struct ja_db *db = NULL;
    enum ja_status st = ja_db_open(&(struct ja_db_options){.url = url}, &db, err);

    assert_null(db);
    return st;
}

static void urls_choose_the_engine(void **state)
{
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(open_url("postgresql://db.example.org/x", &err), JA_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "built without PostgreSQL support"));
    assert_int_equal(open_url("postgres:x", &err), JA_ERR_UNSUPPORTED);
    assert_int_equal(open_url("none", &err), JA_ERR_CONFIG);
    assert_string_equal(err.code, "no_store");
    assert_int_equal(open_url("mysql:x", &err), JA_ERR_CONFIG);
    assert_int_equal(open_url("", &err), JA_ERR_CONFIG);
    assert_int_equal(open_url("sqlite:relative.db", &err), JA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "absolute"));
}

/* R22: what the handle is allowed */
static void r22_the_handle_is_hardened(void **state)
{
    const struct { const char *name; int64_t want; } rows[] = {
        {"foreign_keys", 1}, {"synchronous", 2}, {"secure_delete", 1}, {"temp_store", 2}, {"trusted_schema", 0},
    };
    struct ja_rows *r[5] = {0};
    struct ja_rows *mode = NULL;
    struct ja_error err = {0};
    bool row;

    (void)state;
    OK(ja_db_query(fx.db, "PRAGMA foreign_keys", JA_NO_BINDS, &r[0], &err));
    OK(ja_db_query(fx.db, "PRAGMA synchronous", JA_NO_BINDS, &r[1], &err));
    OK(ja_db_query(fx.db, "PRAGMA secure_delete", JA_NO_BINDS, &r[2], &err));
    OK(ja_db_query(fx.db, "PRAGMA temp_store", JA_NO_BINDS, &r[3], &err));
    OK(ja_db_query(fx.db, "PRAGMA trusted_schema", JA_NO_BINDS, &r[4], &err));
    for (int i = 0; i < 5; i++) {
        OK(ja_rows_next(r[i], &row, &err));
        assert_true(row);
        assert_int_equal(ja_col_int(r[i], rows[i].name), rows[i].want);
        OK(ja_rows_status(r[i], &err));
        ja_rows_end(r[i]);
    }
    OK(ja_db_begin(fx.db, &err)); /* SQLite counts asking for it among the writes */
    OK(ja_db_query(fx.db, "PRAGMA journal_mode", JA_NO_BINDS, &mode, &err));
    OK(ja_rows_next(mode, &row, &err));
    assert_string_equal(ja_col_text(mode, "journal_mode"), "wal");
    ja_rows_end(mode);
    ja_db_rollback(fx.db);
}

static void r22_no_extension_no_attach_no_schema_writing(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row;

    (void)state;
    OK(ja_db_query(fx.db, "SELECT load_extension('x.so')", JA_NO_BINDS, &rows, &err));
    assert_int_not_equal(ja_rows_next(rows, &row, &err), JA_OK);
    assert_non_null(strstr(err.message, "not authorized"));
    ja_rows_end(rows);
    OK(ja_db_query(fx.db, "ATTACH ':memory:' AS other", JA_NO_BINDS, &rows, &err));
    assert_int_not_equal(ja_rows_next(rows, &row, &err), JA_OK);
    ja_rows_end(rows);
    OK(ja_db_exec(fx.db, "PRAGMA writable_schema = ON", JA_NO_BINDS, NULL, &err)); /* ignored: DEFENSIVE */
    OK(ja_db_begin(fx.db, &err));
    assert_int_not_equal(ja_db_exec(fx.db, "DELETE FROM sqlite_schema", JA_NO_BINDS, NULL, &err), JA_OK);
    /* a name in double quotes is a column, never a text by accident */
    assert_int_not_equal(ja_db_exec(fx.db, "DELETE FROM counters WHERE name = \"no_such\"", JA_NO_BINDS, NULL,
                                    &err), JA_OK);
    ja_db_rollback(fx.db);
}

/* SQLite numbers a parameter by its place, PostgreSQL by its number: $2 before $1 must mean the same. */
static void binds_go_by_number(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row;

    (void)state;
    OK(ja_db_query(fx.db, "SELECT $2 AS second, $1 AS first, $2 AS again, $3 AS absent, $4 AS num, $5 AS t",
                   JA_BINDS(JA_T("one"), JA_T("two"), JA_T(NULL), JA_I(INT64_MIN), JA_TIME(0)), &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_true(row);
    assert_string_equal(ja_col_text(rows, "first"), "one");
    assert_string_equal(ja_col_text(rows, "second"), "two");
    assert_string_equal(ja_col_text(rows, "again"), "two");
    assert_null(ja_col_text(rows, "absent"));
    assert_true(ja_col_null(rows, "absent"));
    assert_false(ja_col_null(rows, "first"));
    assert_true(ja_col_int(rows, "num") == INT64_MIN);
    assert_true(ja_col_null(rows, "t"));
    assert_int_equal(ja_col_int(rows, "t"), 0);
    OK(ja_rows_next(rows, &row, &err));
    assert_false(row);
    ja_rows_end(rows);
}

static void a_wrong_number_of_binds_is_refused(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(ja_db_query(fx.db, "SELECT $1 AS a, $2 AS b", JA_BINDS(JA_I(1)), &rows, &err), JA_ERR_INTERNAL);
    assert_int_equal(ja_db_query(fx.db, "SELECT $1 AS a", JA_BINDS(JA_I(1), JA_I(2)), &rows, &err), JA_ERR_INTERNAL);
    assert_int_equal(ja_db_query(fx.db, "SELECT $2 AS a", JA_BINDS(JA_I(1)), &rows, &err), JA_ERR_INTERNAL);
    assert_int_equal(ja_db_query(fx.db, "SELECT 1; SELECT 2", JA_NO_BINDS, &rows, &err), JA_ERR_INTERNAL);
    assert_null(rows);
}

static void an_unknown_column_poisons_the_rows(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;

    (void)state;
    OK(ja_db_query(fx.db, "SELECT 1 AS one UNION ALL SELECT 2", JA_NO_BINDS, &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_null(ja_col_text(rows, "on"));
    assert_int_equal(ja_rows_status(rows, &err), JA_ERR_INTERNAL);
    assert_non_null(strstr(err.message, "'on'"));
    assert_int_equal(ja_rows_next(rows, &row, &err), JA_ERR_INTERNAL);
    ja_rows_end(rows);
    /* the next use of the same statement is clean */
    OK(ja_db_query(fx.db, "SELECT 1 AS one UNION ALL SELECT 2", JA_NO_BINDS, &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_int_equal(ja_col_int(rows, "one"), 1);
    ja_rows_end(rows);
}

static void end_of_rows_is_final(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = true;

    (void)state;
    OK(ja_db_query(fx.db, "SELECT $1 AS a", JA_BINDS(JA_I(7)), &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_true(row);
    for (int i = 0; i < 3; i++) {
        OK(ja_rows_next(rows, &row, &err));
        assert_false(row);
        assert_int_equal(ja_col_int(rows, "a"), 0);
        assert_null(ja_col_text(rows, "a"));
    }
    OK(ja_rows_status(rows, &err));
    ja_rows_end(rows);
    ja_rows_end(NULL);
}

static void count_down(int64_t n)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row;

    OK(ja_db_query(fx.db, "SELECT $1 AS n", JA_BINDS(JA_I(n)), &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    if (n > 0)
        count_down(n - 1);
    assert_int_equal(ja_col_int(rows, "n"), n);
    OK(ja_rows_next(rows, &row, &err));
    assert_false(row);
    if (n > 0)
        count_down(n - 1); /* after its end, but still held */
    OK(ja_rows_next(rows, &row, &err));
    assert_false(row);
    ja_rows_end(rows);
}

static void one_literal_may_run_inside_itself(void **state)
{
    (void)state;
    count_down(4);
}

#define ADD_USER(id, name, email, uid) \
    ja_db_exec(fx.db, \
               "INSERT INTO users (id, username, email_key, kind, status, uid, gid, home, shell, created_at, " \
               "updated_at, updated_by) VALUES ($1, $2, $3, 'person', 'active', $4, 1, '/h', '/s', 0, 0, 'root')", \
               JA_BINDS(JA_T(id), JA_T(name), JA_T(email), JA_I(uid)), NULL, &err)

static void unique_failures_name_table_and_column(void **state)
{
    struct ja_error err = {0};

    (void)state;
    OK(ja_db_begin(fx.db, &err));
    OK(ADD_USER("1", "alice", "a@example.org", 1));
    assert_int_equal(ADD_USER("1", "bob", NULL, 3), JA_ERR_EXISTS);
    assert_non_null(strstr(err.message, "users.id"));
    assert_int_equal(ADD_USER("2", "alice", NULL, 3), JA_ERR_EXISTS);
    assert_non_null(strstr(err.message, "users.username"));
    assert_int_equal(ADD_USER("2", "bob", "a@example.org", 3), JA_ERR_EXISTS);
    assert_non_null(strstr(err.message, "users.email_key"));
    assert_int_equal(err.status, JA_ERR_EXISTS);
    /* the failures undid themselves only */
    OK(ja_db_exec(fx.db, "UPDATE users SET uid = 2 WHERE id = '1'", JA_NO_BINDS, NULL, &err));
    OK(ADD_USER("2", "bob", NULL, 1));
    OK(ja_db_commit(fx.db, &err));
}

static void other_constraints_are_conflicts(void **state)
{
    struct ja_error err = {0};

    (void)state;
    OK(ja_db_begin(fx.db, &err));
    assert_int_equal(ja_db_exec(fx.db, "INSERT INTO throttle (scope, key, count, window_start, updated_at) "
                                "VALUES ('nonsense', 'k', 0, 0, 0)", JA_NO_BINDS, NULL, &err), JA_ERR_CONFLICT);
    assert_int_equal(ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ($1, $2)",
                                JA_BINDS(JA_N, JA_I(1)), NULL, &err), JA_ERR_CONFLICT);
    assert_int_equal(ja_db_exec(fx.db, "INSERT INTO known_sources (user_id, network, first_seen_at, last_seen_at) "
                                "VALUES ('nobody', 'n', 0, 0)", JA_NO_BINDS, NULL, &err), JA_ERR_CONFLICT);
    ja_db_rollback(fx.db);
}

static void writes_want_a_write_transaction(void **state)
{
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ('x', 1)", JA_NO_BINDS, NULL,
                                &err), JA_ERR_INTERNAL);
    OK(ja_db_begin_read(fx.db, &err));
    assert_int_equal(ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ('x', 1)", JA_NO_BINDS, NULL,
                                &err), JA_ERR_INTERNAL);
    OK(ja_db_commit(fx.db, &err));
    assert_int_equal(ja_temp_db_value(fx.db, "x"), -1);
}

static void a_nested_begin_is_refused(void **state)
{
    struct ja_error err = {0};

    (void)state;
    OK(ja_db_begin(fx.db, &err));
    assert_int_equal(ja_db_begin(fx.db, &err), JA_ERR_INTERNAL);
    assert_string_equal(err.code, "nested_transaction");
    assert_int_equal(ja_db_begin_read(fx.db, &err), JA_ERR_INTERNAL);
    assert_true(ja_db_in_transaction(fx.db));
    OK(ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ('x', 1)", JA_NO_BINDS, NULL, &err));
    OK(ja_db_commit(fx.db, &err));
    assert_false(ja_db_in_transaction(fx.db));
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 1);
    assert_int_equal(ja_db_commit(fx.db, &err), JA_ERR_INTERNAL);
}

static void rollback_undoes_and_is_always_safe(void **state)
{
    struct ja_error err = {0};
    int64_t changes = -1;

    (void)state;
    ja_db_rollback(NULL);
    ja_db_rollback(fx.db);
    OK(ja_temp_db_add(fx.db, "x", 5, &err));
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_exec(fx.db, "UPDATE counters SET value = 9 WHERE name = 'x'", JA_NO_BINDS, &changes, &err));
    assert_int_equal(changes, 1);
    OK(ja_db_exec(fx.db, "UPDATE counters SET value = 9 WHERE name = 'y'", JA_NO_BINDS, &changes, &err));
    assert_int_equal(changes, 0);
    ja_db_rollback(fx.db);
    ja_db_rollback(fx.db);
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 5);
}

/* DESIGN 3: RETURNING is read or ended before COMMIT. It works although triggers are switched off. */
static void returning_is_ended_before_commit(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;

    (void)state;
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_query(fx.db, "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value",
                   JA_BINDS(JA_T("x")), &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_true(row);
    assert_int_equal(ja_col_int(rows, "value"), 2);
    ja_rows_end(rows);
    OK(ja_db_commit(fx.db, &err));
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 2);

    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_query(fx.db, "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value",
                   JA_BINDS(JA_T("x")), &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_int_equal(ja_db_commit(fx.db, &err), JA_ERR_INTERNAL);
    assert_string_equal(err.code, "rows_open");
    assert_false(ja_db_in_transaction(fx.db));
    assert_int_equal(ja_rows_next(rows, &row, &err), JA_ERR_INTERNAL);
    ja_rows_end(rows);
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 2);
}

static void rows_do_not_outlive_a_rollback(void **state)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;

    (void)state;
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    OK(ja_temp_db_add(fx.db, "y", 1, &err));
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_query(fx.db, "SELECT name FROM counters ORDER BY name", JA_NO_BINDS, &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    ja_db_rollback(fx.db);
    assert_null(ja_col_text(rows, "name"));
    assert_int_equal(ja_rows_next(rows, &row, &err), JA_ERR_INTERNAL);
    ja_rows_end(rows);
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_commit(fx.db, &err));
}

static void exec_of_a_query_is_refused(void **state)
{
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(ja_db_exec(fx.db, "SELECT 1", JA_NO_BINDS, NULL, &err), JA_ERR_INTERNAL);
}

/* Some errors end the engine's transaction: what follows must not commit piece by piece. */
static void a_transaction_the_engine_gave_up_takes_no_writes(void **state)
{
    struct ja_error err = {0};

    (void)state;
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ('x', 1)", JA_NO_BINDS, NULL, &err));
    OK(ja_db_exec(fx.db, "ROLLBACK", JA_NO_BINDS, NULL, &err));
    assert_int_equal(ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ('x', 1)", JA_NO_BINDS, NULL,
                                &err), JA_ERR_IO);
    assert_string_equal(err.code, "transaction_lost");
    assert_int_equal(ja_db_commit(fx.db, &err), JA_ERR_IO);
    assert_int_equal(ja_temp_db_value(fx.db, "x"), -1);
}

static void a_full_disk_is_told_as_such(void **state)
{
    static char big[5000];
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    enum ja_status st = JA_OK;
    bool row;

    (void)state;
    OK(ja_temp_db_add(fx.db, "before", 1, &err));
    OK(ja_db_query(fx.db, "PRAGMA max_page_count = 1", JA_NO_BINDS, &rows, &err)); /* no more than it has */
    OK(ja_rows_next(rows, &row, &err));
    ja_rows_end(rows);
    memset(big, 'x', sizeof big - 1);
    OK(ja_db_begin(fx.db, &err));
    st = ja_db_exec(fx.db, "INSERT INTO counters (name, value) VALUES ($1, 1)", JA_BINDS(JA_T(big)), NULL, &err);
    assert_int_equal(st, JA_ERR_FULL);
    assert_non_null(strstr(err.message, fx.t.path));
    ja_db_rollback(fx.db);
    assert_int_equal(ja_temp_db_value(fx.db, "before"), 1);
}

static void a_value_beyond_the_limit_is_refused(void **state)
{
    static char big[(4 << 20) + 2];
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};

    (void)state;
    memset(big, 'x', sizeof big - 1);
    assert_int_equal(ja_db_query(fx.db, "SELECT $1 AS a", JA_BINDS(JA_T(big)), &rows, &err), JA_ERR_INVALID);
}

static void a_second_writer_is_busy_a_reader_is_not(void **state)
{
    struct ja_db *other = ja_temp_db_open(&fx.t, 0);
    struct ja_error err = {0};

    (void)state;
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_exec(fx.db, "UPDATE counters SET value = 2", JA_NO_BINDS, NULL, &err));
    assert_int_equal(ja_db_begin(other, &err), JA_ERR_BUSY);
    assert_non_null(strstr(err.message, fx.t.path));
    assert_false(ja_db_in_transaction(other));
    assert_int_equal(ja_temp_db_value(other, "x"), 1);
    OK(ja_db_commit(fx.db, &err));
    assert_int_equal(ja_temp_db_value(other, "x"), 2);
    OK(ja_temp_db_add(other, "x", 1, &err));
    ja_db_close(other);
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 3);
}

static void a_read_transaction_is_one_snapshot(void **state)
{
    struct ja_db *other = ja_temp_db_open(&fx.t, 0);
    struct ja_error err = {0};

    (void)state;
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    OK(ja_db_begin_read(fx.db, &err));
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 1);
    OK(ja_temp_db_add(other, "x", 1, &err));
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 1);
    OK(ja_db_commit(fx.db, &err));
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 2);
    ja_db_close(other);
}

static void a_read_only_store_takes_no_writes(void **state)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    (void)state;
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    OK(ja_db_open(&(struct ja_db_options){.url = fx.t.url, .read_only = true}, &db, &err));
    assert_int_equal(ja_temp_db_value(db, "x"), 1);
    assert_int_equal(ja_temp_db_add(db, "x", 1, &err), JA_ERR_IO);
    ja_db_close(db);
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 1);
}

static void closing_undoes_what_was_not_committed(void **state)
{
    struct ja_error err = {0};

    (void)state;
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_exec(fx.db, "UPDATE counters SET value = 9", JA_NO_BINDS, NULL, &err));
    ja_db_close(fx.db);
    ja_db_close(NULL);
    fx.db = ja_temp_db_open(&fx.t, 0);
    assert_int_equal(ja_temp_db_value(fx.db, "x"), 1);
}

static int calls;

static void count_call(void *arg)
{
    struct ja_error err = {0};

    (void)arg;
    calls++;
    if (calls == 1) /* the transaction is over: the next one may begin */
        OK(ja_temp_db_add(fx.db, "hook", 1, &err));
}

static void a_hook_runs_once_after_the_commit_and_never_after_a_rollback(void **state)
{
    struct ja_error err = {0};
    int other[JA_DB_AFTER_MAX] = {0};

    (void)state;
    calls = 0;
    assert_int_equal(ja_db_after_commit(fx.db, count_call, NULL, &err), JA_ERR_INTERNAL);
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_after_commit(fx.db, count_call, NULL, &err));
    ja_db_rollback(fx.db);
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    assert_int_equal(calls, 0);
    OK(ja_db_begin(fx.db, &err));
    OK(ja_db_after_commit(fx.db, count_call, NULL, &err));
    OK(ja_db_after_commit(fx.db, count_call, NULL, &err));
    assert_int_equal(calls, 0);
    OK(ja_db_commit(fx.db, &err));
    assert_int_equal(calls, 1);
    assert_int_equal(ja_temp_db_value(fx.db, "hook"), 1);
    OK(ja_temp_db_add(fx.db, "x", 1, &err));
    assert_int_equal(calls, 1);
    OK(ja_db_begin(fx.db, &err));
    for (int i = 0; i < JA_DB_AFTER_MAX; i++)
        OK(ja_db_after_commit(fx.db, count_call, &other[i], &err));
    assert_int_equal(ja_db_after_commit(fx.db, count_call, NULL, &err), JA_ERR_INTERNAL);
    ja_db_rollback(fx.db);
}

static int add_some(void *arg, int number)
{
    struct ja_db *db = ja_temp_db_open(&fx.t, 60);
    struct ja_error err = {0};
    int failed = 0;

    (void)arg, (void)number;
    for (int i = 0; i < 5; i++)
        failed += ja_temp_db_add(db, "all", 1, &err) != JA_OK;
    ja_db_close(db);
    return failed;
}

/* 200 logins at once: each gets the lock in the end, none overwrites another's count. */
static void no_parallel_write_is_lost(void **state)
{
    int results[JA_PARALLEL_MAX] = {0};

    (void)state;
    ja_parallel(200, add_some, NULL, results);
    for (int i = 0; i < 200; i++)
        assert_int_equal(results[i], 0);
    assert_int_equal(ja_temp_db_value(fx.db, "all"), 1000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(urls_choose_the_engine),
        T(r22_the_handle_is_hardened),
        T(r22_no_extension_no_attach_no_schema_writing),
        T(binds_go_by_number),
        T(a_wrong_number_of_binds_is_refused),
        T(an_unknown_column_poisons_the_rows),
        T(end_of_rows_is_final),
        T(one_literal_may_run_inside_itself),
        T(unique_failures_name_table_and_column),
        T(other_constraints_are_conflicts),
        T(writes_want_a_write_transaction),
        T(a_nested_begin_is_refused),
        T(rollback_undoes_and_is_always_safe),
        T(returning_is_ended_before_commit),
        T(rows_do_not_outlive_a_rollback),
        T(exec_of_a_query_is_refused),
        T(a_transaction_the_engine_gave_up_takes_no_writes),
        T(a_full_disk_is_told_as_such),
        T(a_value_beyond_the_limit_is_refused),
        T(a_second_writer_is_busy_a_reader_is_not),
        T(a_read_transaction_is_one_snapshot),
        T(a_read_only_store_takes_no_writes),
        T(a_hook_runs_once_after_the_commit_and_never_after_a_rollback),
        T(no_parallel_write_is_lost),
        T(closing_undoes_what_was_not_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
