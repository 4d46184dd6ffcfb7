#include "tests/support/temp_db.h"

#include "common/base/secret.h"
#include "common/db/migrate.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void must(enum ja_status st, const struct ja_error *err, const char *what)
{
    if (st == JA_OK)
        return;
    fprintf(stderr, "temp_db: %s: %s (%s)\n", what, err->message, err->code);
    exit(99);
}

void ja_temp_db_init(struct ja_temp_db *t)
{
    struct ja_error err = {0};
    struct ja_db *db = NULL;
    int applied;

    must(ja_crypto_init(&err), &err, "crypto");
    (void)snprintf(t->dir, sizeof t->dir, "/tmp/ja-db.XXXXXX");
    if (!mkdtemp(t->dir) || chmod(t->dir, 0755) != 0)
        exit(99);
    (void)snprintf(t->path, sizeof t->path, "%s/state/jwtauth.db", t->dir);
    (void)snprintf(t->url, sizeof t->url, "sqlite:%s", t->path);
    must(ja_db_open(&(struct ja_db_options){.url = t->url, .busy_timeout = 5, .create = true,
                                            .any_schema = true}, &db, &err), &err, "create");
    must(ja_migrate(db, 1780000000, &applied, &err), &err, "migrate");
    ja_db_close(db);
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

void ja_temp_db_remove(struct ja_temp_db *t)
{
    (void)nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

enum ja_status ja_temp_db_try(const struct ja_temp_db *t, struct ja_db **ret, struct ja_error *err)
{
    return ja_db_open(&(struct ja_db_options){.url = t->url}, ret, err);
}

struct ja_db *ja_temp_db_open(const struct ja_temp_db *t, int busy_timeout)
{
    struct ja_error err = {0};
    struct ja_db *db = NULL;

    must(ja_db_open(&(struct ja_db_options){.url = t->url, .busy_timeout = busy_timeout}, &db, &err),
         &err, "open");
    return db;
}

enum ja_status ja_temp_db_add(struct ja_db *db, const char *name, int64_t by, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(db, err);

    if (st == JA_OK)
        st = ja_db_exec(db,
                        "INSERT INTO counters (name, value) VALUES ($1, $2) "
                        "ON CONFLICT (name) DO UPDATE SET value = counters.value + $2",
                        JA_BINDS(JA_T(name), JA_I(by)), NULL, err);
    if (st == JA_OK)
        st = ja_db_commit(db, err);
    ja_db_rollback(db);
    return st;
}

int64_t ja_temp_db_value(struct ja_db *db, const char *name)
{
    struct ja_error err = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t value = -1;

    must(ja_db_query(db, "SELECT value FROM counters WHERE name = $1", JA_BINDS(JA_T(name)), &rows,
                     &err), &err, "select");
    must(ja_rows_next(rows, &row, &err), &err, "next");
    if (row)
        value = ja_col_int(rows, "value");
    must(ja_rows_status(rows, &err), &err, "columns");
    ja_rows_end(rows);
    return value;
}

void ja_temp_db_raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *text = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK) {
        fprintf(stderr, "temp_db: %s: %s\n", sql, text ? text : sqlite3_errmsg(db));
        exit(99);
    }
    (void)sqlite3_close(db);
}
