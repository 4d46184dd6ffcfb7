/* What an engine gives to db.c: one table of functions per driver.
 *
 * db.c knows transactions, the statement cache, rows and the schema; a driver knows its library and
 * how to name its failures.  `conn` and `stmt` are the driver's own; every stmt is finished before its
 * conn is closed.  Values bound by `bind` are borrowed until `reset`.
 * A driver fills `err` with the status, the store's name and how to mend it.
 */
#ifndef JA_DB_DB_DRIVER_H
#define JA_DB_DB_DRIVER_H

#include "common/db/db.h"

struct ja_db_driver {
    const char *name;   /* "sqlite" */
    const char *prefix; /* of its urls: "sqlite:" */

    /* `place` is the url without the prefix. */
    enum ja_status (*open)(const char *place, const struct ja_db_options *opts, void **ret,
                           struct ja_error *err);
    /* A file made by `backup`, read-only. */
    enum ja_status (*open_backup)(const char *path, void **ret, struct ja_error *err);
    void (*close)(void *conn);

    enum ja_status (*begin)(void *conn, bool write, struct ja_error *err);
    enum ja_status (*commit)(void *conn, struct ja_error *err);
    void (*rollback)(void *conn);
    /* The engine's own view: some errors end a transaction by themselves. */
    bool (*in_transaction)(void *conn);
    /* Several statements without binds: migrations. */
    enum ja_status (*script)(void *conn, const char *sql, struct ja_error *err);

    enum ja_status (*prepare)(void *conn, const char *sql, void **ret, struct ja_error *err);
    void (*finish)(void *stmt);
    bool (*reads_only)(void *stmt);
    enum ja_status (*bind)(void *conn, void *stmt, const struct ja_value *binds, size_t n,
                           struct ja_error *err);
    enum ja_status (*step)(void *conn, void *stmt, bool *ret_row, struct ja_error *err);
    void (*reset)(void *stmt);
    int64_t (*changes)(void *conn);

    int (*column)(void *stmt, const char *name, int hint); /* -1: none of this name; hint: where it may be, >= 0 */
    bool (*is_null)(void *stmt, int column);
    const char *(*text)(void *stmt, int column); /* NULL: SQL NULL, or out of memory */
    int64_t (*integer)(void *stmt, int column);

    /* ja_db_stamp. NULL: the engine cannot say. */
    enum ja_status (*stamp)(void *conn, int64_t *ret, struct ja_error *err);
    enum ja_status (*info)(void *conn, struct ja_db_info *ret, struct ja_error *err);
    enum ja_status (*has_table)(void *conn, const char *table, bool *ret, struct ja_error *err);
    /* Triggers and views: we make none, so each is somebody else's. Writes the first one's name, or "". */
    enum ja_status (*foreign)(void *conn, char *ret_name, size_t size, struct ja_error *err);
    /* Pages, foreign keys, and the tables and indexes as the migrations up to `version` make them. */
    enum ja_status (*check)(void *conn, int version, char *ret_problem, size_t size,
                            struct ja_error *err);
    enum ja_status (*backup)(void *conn, const char *path, ja_progress_fn progress, void *arg,
                             struct ja_error *err);
    enum ja_status (*restore)(void *conn, void *from, ja_progress_fn progress, void *arg,
                              struct ja_error *err);
};

/* The table of migrations; a literal here because a driver's `check` makes it as well. */
#define JA_SCHEMA_TABLE_SQL \
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, " \
    "name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)"

struct ja_db {
    const struct ja_db_driver *driver;
    void *conn;
    struct ja_rows *statements; /* prepared, most recently added first */
    bool begun, writing;        /* our view of the transaction */
    struct { void (*fn)(void *arg); void *arg; } after[JA_DB_AFTER_MAX];
    size_t after_len;
};

/* For db.c and the maintenance calls: a connection around what a driver opened. Takes conn over,
 * also on failure. */
enum ja_status ja_db_wrap(const struct ja_db_driver *driver, void *conn, struct ja_db **ret,
                          struct ja_error *err);
void ja_db_finish_statements(struct ja_db *db);
void ja_db_reset_statements(struct ja_db *db);
/* A write with RETURNING has not been read to its end. */
bool ja_db_write_pending(const struct ja_db *db);

#endif
