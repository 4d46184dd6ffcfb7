#include "common/db/db.h"

#include "common/db/db_driver.h"
#include "common/db/db_sqlite.h"
#include "common/db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ja_db_driver *const drivers[] = {&ja_db_sqlite};

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The url itself stays out of the messages: one with a password is thinkable. */
static enum ja_status find_driver(const char *url, const struct ja_db_driver **ret,
                                  struct ja_error *err)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        if (starts_with(url, drivers[i]->prefix)) {
            *ret = drivers[i];
            return JA_OK;
        }
    }
    if (starts_with(url, "postgresql:") || starts_with(url, "postgres:"))
        return ja_fail(err, JA_ERR_UNSUPPORTED, "store_unsupported",
                       "built without PostgreSQL support: set [store] url to sqlite:/path");
    if (strcmp(url, "none") == 0)
        return ja_fail(err, JA_ERR_CONFIG, "no_store",
                       "[store] url is 'none': this host has no store of its own");
    return ja_fail(err, JA_ERR_CONFIG, "invalid_store_url",
                   "[store] url is not understood: write sqlite:/path");
}

enum ja_status ja_db_wrap(const struct ja_db_driver *driver, void *conn, struct ja_db **ret,
                          struct ja_error *err)
{
    struct ja_db *db = calloc(1, sizeof *db);

    if (!db) {
        driver->close(conn);
        return ja_fail_nomem(err);
    }
    db->driver = driver;
    db->conn = conn;
    *ret = db;
    return JA_OK;
}

enum ja_status ja_db_open(const struct ja_db_options *opts, struct ja_db **ret,
                          struct ja_error *err)
{
    const struct ja_db_driver *driver = NULL;
    struct ja_db *db = NULL;
    void *conn = NULL;
    enum ja_status st = find_driver(opts->url, &driver, err);

    if (st == JA_OK)
        st = driver->open(opts->url + strlen(driver->prefix), opts, &conn, err);
    if (st == JA_OK)
        st = ja_db_wrap(driver, conn, &db, err);
    if (st == JA_OK && !opts->any_schema && !opts->damaged)
        st = ja_schema_require(db, false, err);
    if (st == JA_OK)
        *ret = db;
    else
        ja_db_close(db);
    return st;
}

void ja_db_close(struct ja_db *db)
{
    if (!db)
        return;
    ja_db_rollback(db);
    ja_db_finish_statements(db);
    db->driver->close(db->conn);
    free(db);
}

static enum ja_status begin(struct ja_db *db, bool write, struct ja_error *err)
{
    enum ja_status st;

    if (db->begun)
        return ja_fail(err, JA_ERR_INTERNAL, "nested_transaction",
                       "a transaction was begun inside another");
    st = db->driver->begin(db->conn, write, err);
    if (st == JA_OK) {
        db->begun = true;
        db->writing = write;
    }
    return st;
}

enum ja_status ja_db_begin(struct ja_db *db, struct ja_error *err)
{
    return begin(db, true, err);
}

enum ja_status ja_db_begin_read(struct ja_db *db, struct ja_error *err)
{
    return begin(db, false, err);
}

enum ja_status ja_db_after_commit(struct ja_db *db, void (*fn)(void *arg), void *arg, struct ja_error *err)
{
    if (!db->begun || !db->writing)
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction", "nothing is written that could be committed");
    for (size_t i = 0; i < db->after_len; i++)
        if (db->after[i].fn == fn && db->after[i].arg == arg)
            return JA_OK;
    if (db->after_len == JA_DB_AFTER_MAX)
        return ja_fail(err, JA_ERR_INTERNAL, "too_many_hooks", "too many calls wait for one commit");
    db->after[db->after_len].fn = fn;
    db->after[db->after_len++].arg = arg;
    return JA_OK;
}

/* The list is emptied first: what is called may commit again. */
static void call_after(struct ja_db *db)
{
    const struct ja_db copy = *db;

    db->after_len = 0;
    for (size_t i = 0; i < copy.after_len; i++)
        copy.after[i].fn(copy.after[i].arg);
}

/* After a failure nothing is left open: what could not be committed is rolled back. */
enum ja_status ja_db_commit(struct ja_db *db, struct ja_error *err)
{
    enum ja_status st;

    if (!db->begun)
        return ja_fail(err, JA_ERR_INTERNAL, "no_transaction", "commit without a transaction");
    if (ja_db_write_pending(db))
        st = ja_fail(err, JA_ERR_INTERNAL, "rows_open",
                     "commit before the rows of a write were ended");
    else if (!db->driver->in_transaction(db->conn))
        st = ja_fail(err, JA_ERR_IO, "transaction_lost",
                     "the database gave the transaction up after an earlier error");
    else
        st = db->driver->commit(db->conn, err);
    if (st != JA_OK)
        ja_db_rollback(db);
    db->begun = db->writing = false;
    if (st == JA_OK)
        call_after(db);
    return st;
}

void ja_db_rollback(struct ja_db *db)
{
    if (!db || !db->begun)
        return;
    db->after_len = 0;
    ja_db_reset_statements(db);
    if (db->driver->in_transaction(db->conn))
        db->driver->rollback(db->conn);
    db->begun = db->writing = false;
}

bool ja_db_in_transaction(const struct ja_db *db)
{
    return db->begun;
}

enum ja_status ja_db_stamp(struct ja_db *db, int64_t *ret, struct ja_error *err)
{
    if (!db->driver->stamp || db->begun)
        return ja_fail(err, JA_ERR_UNSUPPORTED, "unsupported", "the store cannot say whether it changed");
    return db->driver->stamp(db->conn, ret, err);
}

enum ja_status ja_db_info(struct ja_db *db, struct ja_db_info *ret, struct ja_error *err)
{
    return db->driver->info(db->conn, ret, err);
}

enum ja_status ja_db_check(struct ja_db *db, char *ret_problem, size_t size, struct ja_error *err)
{
    struct ja_error finding = {0};
    int version = 0;
    enum ja_status st = ja_schema_require(db, true, &finding);

    if (st == JA_OK)
        st = ja_schema_version(db, &version, &finding);
    if (st == JA_OK)
        return db->driver->check(db->conn, version, ret_problem, size, err);
    if (ret_problem && size > 0)
        (void)snprintf(ret_problem, size, "%s", finding.message);
    return ja_fail(err, st, finding.code, "%s", finding.message);
}

enum ja_status ja_db_backup(struct ja_db *db, const char *path, ja_progress_fn progress, void *arg,
                            struct ja_error *err)
{
    if (db->begun)
        return ja_fail(err, JA_ERR_INTERNAL, "nested_transaction", "backup inside a transaction");
    return db->driver->backup(db->conn, path, progress, arg, err);
}

enum ja_status ja_db_restore(struct ja_db *db, const char *path, ja_progress_fn progress, void *arg,
                             struct ja_error *err)
{
    struct ja_db *from = NULL;
    struct ja_error why = {0};
    char problem[256] = "";
    void *conn = NULL;
    enum ja_status st;

    if (db->begun)
        return ja_fail(err, JA_ERR_INTERNAL, "nested_transaction", "restore inside a transaction");
    st = db->driver->open_backup(path, &conn, err);
    if (st == JA_OK)
        st = ja_db_wrap(db->driver, conn, &from, err);
    if (st != JA_OK)
        return st;
    st = ja_db_check(from, problem, sizeof problem, &why);
    if (st == JA_OK)
        st = db->driver->restore(db->conn, from->conn, progress, arg, err);
    else
        st = ja_fail(err, st == JA_ERR_IO ? JA_ERR_CORRUPT : st, "backup_refused",
                     "%s: %s; the store was left as it is", path,
                     *problem ? problem : why.message);
    ja_db_close(from);
    return st;
}
