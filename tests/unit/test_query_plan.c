/* With 100,000 users no statement of the domain walks through a table (DESIGN section 3).
 *
 * The statements are read from the compiled domain library, so none can be forgotten here: a new one that
 * scans fails this test until it gets an index, or a line in `whole` that says why it may. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/support/temp_db.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statements that read a whole table, or its first rows in order, by what they are for. */
static const struct { const char *part, *why; } whole[] = {
    {"SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1", "the last row by its index"},
    {"prev_hash, hash FROM audit_log ORDER BY seq", "audit verify walks the whole chain"},
    {"SELECT COUNT(*) AS users, ", "doctor and status count"},
    {"FROM sqlite_schema ", "the tables' own list"},
    {"FROM schema_migrations ", "one row a migration"},
    {"INSERT INTO counters (name, value) SELECT 'throttle_rows'", "a migration counts once"},
    {"FROM audit_folds", "256 series at most"},
    {"SELECT 'role ' || r.name", "a deletion of a role looks through the graph of roles once"},
    {"FROM ssh_keys k JOIN users u ON u.id = k.user_id", "the snapshot for sshd has every key"},
    {"LEFT JOIN user_roles g ON g.user_id = u.id WHERE u.deleted_at IS NULL ORDER BY u.id", "NSS shows every user"},
    {"SELECT id, name, gid FROM roles ORDER BY id", "NSS shows every role"},
    {"SELECT role_id, parent_id FROM role_parents", "and whatever it inherits"},
    {"SELECT id FROM roles WHERE gid IS NULL", "roles are few"},
    {"signing_keys", "a handful of keys, one more with each rotation"},
};

static struct ja_temp_db t;
static sqlite3 *db;
static char *library; /* the archive's bytes */
static size_t library_size;

static void run(const char *sql)
{
    char *text = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
}

#define NUMBERS "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "

static void fill(void)
{
    run("BEGIN");
    run(NUMBERS "INSERT INTO users (id, username, email, email_key, phone, kind, status, uid, gid, home, shell, "
        "created_at, updated_at, updated_by) SELECT printf('u%07d', i), printf('user%d', i), "
        "printf('u%d@example.org', i), printf('u%d@example.org', i), printf('+4912345%06d', i), 'person', 'active', "
        "20000 + i, 20000 + i, '/home/u', '/bin/sh', 1, 1, 'root' FROM n");
    run(NUMBERS "INSERT INTO sessions (id, user_id, service, amr, auth_time, audience, ends_at, last_used_at, "
        "created_at) SELECT printf('s%07d', i), printf('u%07d', i), 'sshd', 'pwd', 1, 'a', i, 1, 1 FROM n");
    run(NUMBERS "INSERT INTO refresh_tokens (hash, session_id, created_at, ends_at) "
        "SELECT printf('h%07d', i), printf('s%07d', i), 1, i FROM n");
    run(NUMBERS "INSERT INTO throttle (scope, key, count, window_start, updated_at) "
        "SELECT 'user', printf('k%07d', i), 1, 1, i FROM n");
    run(NUMBERS "INSERT INTO known_sources (user_id, network, first_seen_at, last_seen_at) "
        "SELECT printf('u%07d', i), '192.0.2.0/24', 1, 1 FROM n");
    run(NUMBERS "INSERT INTO audit_log (seq, time_ms, actor, action, target, outcome, prev_hash, hash) "
        "SELECT i, i, 'pam', 'login', printf('user%d', i), 'success', 'x', 'x' FROM n");
    run("COMMIT");
}

static int setup(void **state)
{
    const char *build = getenv("top_builddir");
    char path[512];
    FILE *f;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/.libs/libja_domain.a", build ? build : ".");
    f = fopen(path, "rbe");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return -1;
    library_size = (size_t)ftell(f);
    rewind(f);
    library = malloc(library_size + 1);
    if (!library || fread(library, 1, library_size, f) != library_size)
        return -1;
    library[library_size] = 0;
    (void)fclose(f);
    ja_temp_db_init(&t);
    if (sqlite3_open(t.path, &db) != SQLITE_OK)
        return -1;
    fill();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)sqlite3_close(db);
    ja_temp_db_remove(&t);
    free(library);
    return 0;
}

static bool is_sql(const char *s)
{
    static const char *const starts[] = {"SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "};

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(s, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* Literals end with 0; what stands before one, too, or is another kind of data. */
static void each_statement(void (*fn)(const char *sql, void *arg), void *arg)
{
    for (const char *p = library; p < library + library_size; p += strlen(p) + 1) {
        const char *end = p + strlen(p);
        /* a literal may follow unterminated bytes of a section before it */
        for (const char *s = p; s < end; s++) {
            if (is_sql(s) && (s == p || !((unsigned char)s[-1] >= 32 && (unsigned char)s[-1] < 127))) {
                fn(s, arg);
                break;
            }
        }
    }
}

static bool may_read_all(const char *sql)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strstr(sql, whole[i].part))
            return true;
    return false;
}

/* "SCAN u USING INDEX x": a table or its alias. Constant rows, what a WITH collected and few_..., which a LIMIT
 * ends, are small. */
static bool scans(const char *detail, const char *sql)
{
    char name[64], with[64], use[140];

    if (sscanf(detail, "SCAN %60s", name) != 1 || strcmp(name, "CONSTANT") == 0 || name[0] == '(' ||
        strncmp(name, "few_", 4) == 0)
        return false;
    if (sscanf(sql, "WITH RECURSIVE %60[a-z_]", with) != 1)
        return true;
    (void)snprintf(use, sizeof use, " %s %s ", with, name);
    return strcmp(with, name) != 0 && !strstr(sql, use);
}

struct tally { int statements, bad, allowed; bool stats; };

/* After ANALYZE the planner rightly scans what is nearly empty. */
static bool is_large(const char *detail)
{
    static const char *const small[] = {"role", "signing_keys", "counters", "totp", "SCAN r", "SCAN p", "SCAN c"};

    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (strstr(detail, small[i]))
            return false;
    return true;
}

static void plan(const char *sql, void *arg)
{
    struct tally *tally = arg;
    char text[4096];
    sqlite3_stmt *stmt = NULL;
    bool scan = false;

    tally->statements++;
    (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);
        if (!scans(detail, sql) || (tally->stats && !is_large(detail)))
            continue;
        scan = true;
        if (!may_read_all(sql))
            print_message("# %s\n#    %s\n", sql, detail);
    }
    (void)sqlite3_finalize(stmt);
    if (scan && may_read_all(sql))
        tally->allowed++;
    else
        tally->bad += scan;
}

static void no_statement_scans(void **state)
{
    struct tally tally = {0};

    (void)state;
    each_statement(plan, &tally);
    print_message("# %d statements, %d read whole tables on purpose\n", tally.statements, tally.allowed);
    assert_true(tally.statements > 60);
    assert_int_equal(tally.bad, 0);
}

static void no_statement_scans_with_statistics_either(void **state)
{
    struct tally tally = {.stats = true};

    (void)state;
    run("ANALYZE");
    each_statement(plan, &tally);
    run("DELETE FROM sqlite_stat1");
    (void)sqlite3_close(db);
    assert_int_equal(sqlite3_open(t.path, &db), SQLITE_OK);
    assert_int_equal(tally.bad, 0);
}

/* The look-ups of a login are there at all, and by which index each goes. */
struct look_up { const char *first, *second, *want; bool found; };

static void match(const char *sql, void *arg)
{
    struct look_up *l = arg;
    char text[4096];
    sqlite3_stmt *stmt = NULL;

    if (!strstr(sql, l->first) || !strstr(sql, l->second))
        return;
    (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        if (strstr((const char *)sqlite3_column_text(stmt, 3), l->want))
            l->found = true;
    (void)sqlite3_finalize(stmt);
}

static void the_look_ups_of_a_login_use_their_index(void **state)
{
    struct look_up rows[] = {
        {"FROM users", "username = $1", "users_username", false},
        {"FROM users", "email_key = $1", "users_email", false},
        {"FROM users", "phone = $1", "users_phone", false},
        {"FROM users", "uid = $1", "users_uid", false},
        {"FROM throttle", "scope = $1 AND key = $2", "sqlite_autoindex_throttle", false},
        {"known_sources", "user_id = $1 AND network = $2", "sqlite_autoindex_known_sources", false},
        {"FROM refresh_tokens", "hash = $1", "sqlite_autoindex_refresh_tokens", false},
        {"login_handles", "hash = $1", "sqlite_autoindex_login_handles", false},
        {"FROM sessions", "user_id = $1", "sessions_user", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        each_statement(match, &rows[i]);
        if (!rows[i].found)
            fail_msg("no statement '%s ... %s' by %s", rows[i].first, rows[i].second, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_statement_scans),
        cmocka_unit_test(the_look_ups_of_a_login_use_their_index),
        cmocka_unit_test(no_statement_scans_with_statistics_either),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
