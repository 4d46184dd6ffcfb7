/* What the database says about itself: its tables, and whether it is sound. */
#include "common/db/db_sqlite.h"

#include "common/db/migrate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum ja_status ja_sqlite_info(void *conn, struct ja_db_info *ret, struct ja_error *err)
{
    struct ja_sqlite *c = conn;
    struct stat sb;
    char log[PATH_MAX];
    int64_t size;
    int n = snprintf(log, sizeof log, "%s-wal", c->path);

    if (stat(c->path, &sb) != 0)
        return ja_fail_errno(err, errno, c->path);
    size = sb.st_size;
    if (n > 0 && (size_t)n < sizeof log && stat(log, &sb) == 0)
        size += sb.st_size;
    *ret = (struct ja_db_info){.engine = ja_db_sqlite.name, .place = c->path, .size = size};
    return JA_OK;
}

/* pragma.html#pragma_data_version */
enum ja_status ja_sqlite_stamp(void *conn, int64_t *ret, struct ja_error *err)
{
    struct ja_sqlite *c = conn;
    int rc = SQLITE_OK;

    if (!c->stamp)
        rc = sqlite3_prepare_v3(c->db, "PRAGMA data_version", -1, SQLITE_PREPARE_PERSISTENT, &c->stamp, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(c->stamp);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(c->stamp, 0);
    (void)sqlite3_reset(c->stamp);
    return rc == SQLITE_ROW ? JA_OK : ja_sqlite_fail(c, rc, err);
}

/* One text of the first row; "" without a row. */
static enum ja_status first_text(struct ja_sqlite *c, const char *sql, const char *bind, int column,
                                 char *ret, size_t size, struct ja_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    enum ja_status st = JA_OK;

    if (rc == SQLITE_OK && bind)
        rc = sqlite3_bind_text(stmt, 1, bind, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        (void)snprintf(ret, size, "%s", text ? text : "?");
    } else if (rc == SQLITE_DONE) {
        ret[0] = 0;
    } else {
        st = ja_sqlite_fail(c, rc, err);
    }
    (void)sqlite3_finalize(stmt);
    return st;
}

enum ja_status ja_sqlite_has_table(void *conn, const char *table, bool *ret, struct ja_error *err)
{
    char name[8];
    enum ja_status st = first_text(conn,
                                   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1",
                                   table, 0, name, sizeof name, err);

    if (st == JA_OK)
        *ret = name[0] != 0;
    return st;
}

enum ja_status ja_sqlite_foreign(void *conn, char *ret_name, size_t size, struct ja_error *err)
{
    return first_text(conn,
                      "SELECT name FROM sqlite_schema WHERE type NOT IN ('table', 'index') LIMIT 1",
                      NULL, 0, ret_name, size, err);
}

static enum ja_status damaged(const struct ja_sqlite *c, const char *problem, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "store_corrupt",
                   "%s is damaged (%s): restore a backup with 'authctl db restore'", c->path,
                   problem);
}

/* An empty database with the schema as it ought to be. */
static enum ja_status open_model(int version, struct ja_sqlite *ret, struct ja_error *err)
{
    int rc = sqlite3_open_v2(":memory:", &ret->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE,
                             NULL);
    enum ja_status st = rc == SQLITE_OK ? ja_sqlite_harden(ret->db, ret->path, err)
                                        : ja_sqlite_fail(ret, rc, err);

    if (st != JA_OK)
        return st;
    rc = sqlite3_exec(ret->db, JA_SCHEMA_TABLE_SQL, NULL, NULL, NULL);
    for (const struct ja_migration *m = ja_migrations;
         rc == SQLITE_OK && m->version && m->version <= version; m++)
        rc = sqlite3_exec(ret->db, m->sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? JA_OK : ja_sqlite_fail(ret, rc, err);
}

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    const char *x = (const char *)sqlite3_column_text(a, column);
    const char *y = (const char *)sqlite3_column_text(b, column);

    return x && y ? strcmp(x, y) == 0 : x == y;
}

/* ANALYZE's statistics are the administrator's affair. */
#define OBJECTS "SELECT name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' " \
    "ORDER BY name, type"

static int compare_step(sqlite3_stmt *have, sqlite3_stmt *want, char *problem, size_t size,
                        int *ret_want)
{
    int a = sqlite3_step(have), b = sqlite3_step(want);

    *ret_want = b;
    if (a != SQLITE_ROW && a != SQLITE_DONE)
        return a;
    if (b == SQLITE_ROW && (a == SQLITE_DONE || !same_column(have, want, 0)))
        (void)snprintf(problem, size, "the schema differs at or before %s",
                       (const char *)sqlite3_column_text(want, 0));
    else if (a == SQLITE_ROW && b == SQLITE_DONE)
        (void)snprintf(problem, size, "the schema has %s, which is not ours",
                       (const char *)sqlite3_column_text(have, 0));
    else if (a == SQLITE_ROW && !(same_column(have, want, 1) && same_column(have, want, 2)))
        (void)snprintf(problem, size, "%s is not as it was made",
                       (const char *)sqlite3_column_text(have, 0));
    return a;
}

static enum ja_status compare_schema(struct ja_sqlite *c, struct ja_sqlite *model, char *problem,
                                     size_t size, struct ja_error *err)
{
    sqlite3_stmt *have = NULL, *want = NULL;
    int b = SQLITE_ROW, rc = sqlite3_prepare_v2(c->db, OBJECTS, -1, &have, NULL);
    int rc2 = sqlite3_prepare_v2(model->db, OBJECTS, -1, &want, NULL);
    enum ja_status st = JA_OK;

    if (rc == SQLITE_OK && rc2 == SQLITE_OK) {
        do {
            rc = compare_step(have, want, problem, size, &b);
        } while (rc == SQLITE_ROW && b == SQLITE_ROW && !*problem);
    }
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        st = ja_sqlite_fail(c, rc, err);
    else if (rc2 != SQLITE_OK || (b != SQLITE_ROW && b != SQLITE_DONE))
        st = ja_sqlite_fail(model, rc2 != SQLITE_OK ? rc2 : b, err);
    (void)sqlite3_finalize(have);
    (void)sqlite3_finalize(want);
    return st;
}

static enum ja_status check_schema(struct ja_sqlite *c, int version, char *problem, size_t size,
                                   struct ja_error *err)
{
    char name[] = "(schema)";
    struct ja_sqlite model = {.path = name};
    enum ja_status st = open_model(version, &model, err);

    if (st == JA_OK)
        st = compare_schema(c, &model, problem, size, err);
    (void)sqlite3_close(model.db);
    return st;
}

enum ja_status ja_sqlite_check(void *conn, int version, char *ret_problem, size_t size,
                               struct ja_error *err)
{
    char problem[256] = "", parent[64] = "";
    enum ja_status st = first_text(conn, "PRAGMA integrity_check(1)", NULL, 0, problem,
                                   sizeof problem, err);

    if (st == JA_OK && strcmp(problem, "ok") == 0) {
        problem[0] = 0;
        st = first_text(conn, "PRAGMA foreign_key_check", NULL, 0, parent, sizeof parent, err);
        if (st == JA_OK && *parent)
            (void)snprintf(problem, sizeof problem, "a row of %s refers to a row that is gone", parent);
    } else if (st == JA_OK && !*problem) {
        (void)snprintf(problem, sizeof problem, "the integrity check gave no answer");
    }
    if (st == JA_OK && !*problem)
        st = check_schema(conn, version, problem, sizeof problem, err);
    if (st == JA_OK && *problem)
        st = damaged(conn, problem, err);
    if (st != JA_OK && ret_problem && size > 0)
        (void)snprintf(ret_problem, size, "%s", *problem ? problem : ja_status_text(st));
    else if (ret_problem && size > 0)
        ret_problem[0] = 0;
    return st;
}
