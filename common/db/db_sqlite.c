/* The SQLite driver: statements, transactions, result codes. */
#include "common/db/db_sqlite.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* "UNIQUE constraint failed: users.email_key" -> "users.email_key" */
static enum ja_status fail_constraint(int rc, const char *text, struct ja_error *err)
{
    const char *what = strstr(text, ": ");

    what = what ? what + 2 : text;
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
        rc == SQLITE_CONSTRAINT_ROWID)
        return ja_fail(err, JA_ERR_EXISTS, "exists", "%s exists already", what);
    return ja_fail(err, JA_ERR_CONFLICT, "constraint", "the database refuses it: %s", text);
}

static enum ja_status fail_full(const char *path, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_FULL, "store_full", "%s: no space left on its file system: make room there", path);
}

static enum ja_status fail_read_only(const char *path, const char *text, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_IO, "store_read_only",
                   "%s cannot be written (%s): check that its file system is mounted writable", path, text);
}

/* SQLite reports a full or read-only file system as such for the database alone; where the shared memory or the
 * log beside it cannot be made, by a number. */
static enum ja_status fail_io(int rc, const char *path, const char *text, struct ja_error *err)
{
    struct statvfs fs;

    if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY))
        return fail_read_only(path, text, err);
    if (statvfs(path, &fs) == 0 && (fs.f_bfree == 0 || (fs.f_files != 0 && fs.f_ffree == 0)))
        return fail_full(path, err);
    return ja_fail(err, JA_ERR_IO, "store_io", "%s: %s (%d)", path, text, rc);
}

static enum ja_status fail_code(int rc, const char *path, const char *text, struct ja_error *err)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* the race for a WAL's locks was lost too often */
        return ja_fail(err, JA_ERR_BUSY, "store_busy",
                       "%s is locked by another process: try again", path);
    case SQLITE_FULL:
        return fail_full(path, err);
    case SQLITE_NOMEM:
        return ja_fail_nomem(err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ja_fail(err, JA_ERR_CORRUPT, "store_corrupt",
                       "%s is damaged (%s): restore a backup with 'authctl db restore'", path, text);
    case SQLITE_CONSTRAINT:
        return fail_constraint(rc, text, err);
    case SQLITE_READONLY:
        return fail_read_only(path, text, err);
    case SQLITE_TOOBIG:
        return ja_fail(err, JA_ERR_INVALID, "too_long", "a value is too large for %s", path);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOLFS:
        return fail_io(rc, path, text, err);
    default:
        return ja_fail(err, JA_ERR_INTERNAL, "store_error", "%s: %s (%d)", path, text, rc);
    }
}

enum ja_status ja_sqlite_fail_at(sqlite3 *db, const char *path, int rc, struct ja_error *err)
{
    if (rc == SQLITE_CANTOPEN_SYMLINK)
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_file", "%s is a symbolic link: replace it by a "
                       "regular file", path);
    /* The handle's text belongs to its last failure; after another code it would mislead. */
    if (db && sqlite3_extended_errcode(db) == rc)
        return fail_code(rc, path, sqlite3_errmsg(db), err);
    return fail_code(rc, path, sqlite3_errstr(rc), err);
}

enum ja_status ja_sqlite_fail(const struct ja_sqlite *conn, int rc, struct ja_error *err)
{
    return ja_sqlite_fail_at(conn->db, conn->path, rc, err);
}

static enum ja_status run(struct ja_sqlite *conn, const char *sql, struct ja_error *err)
{
    int rc = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? JA_OK : ja_sqlite_fail(conn, rc, err);
}

/* What goes around every transaction is not parsed again each time. */
static enum ja_status run_kept(struct ja_sqlite *conn, sqlite3_stmt **kept, const char *sql, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    int rc = SQLITE_OK;

    if (!*kept)
        rc = sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(*kept);
    if (rc != SQLITE_DONE)
        st = ja_sqlite_fail(conn, rc, err);
    (void)sqlite3_reset(*kept); /* repeats the failure; accepts NULL */
    return st;
}

static enum ja_status sqlite_begin(void *conn, bool write, struct ja_error *err)
{
    struct ja_sqlite *c = conn;

    return write ? run_kept(c, &c->begin_write, "BEGIN IMMEDIATE", err) : run_kept(c, &c->begin_read, "BEGIN", err);
}

static enum ja_status sqlite_commit(void *conn, struct ja_error *err)
{
    struct ja_sqlite *c = conn;

    return run_kept(c, &c->commit, "COMMIT", err);
}

static void sqlite_rollback(void *conn)
{
    (void)sqlite3_exec(((struct ja_sqlite *)conn)->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool sqlite_in_transaction(void *conn)
{
    return sqlite3_get_autocommit(((struct ja_sqlite *)conn)->db) == 0;
}

static enum ja_status sqlite_script(void *conn, const char *sql, struct ja_error *err)
{
    return run(conn, sql, err);
}

static enum ja_status sqlite_prepare(void *conn, const char *sql, void **ret, struct ja_error *err)
{
    struct ja_sqlite *c = conn;
    sqlite3_stmt *stmt = NULL;
    const char *tail = "";
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &tail);

    if (rc != SQLITE_OK)
        return ja_sqlite_fail(c, rc, err);
    if (!stmt || *tail) {
        (void)sqlite3_finalize(stmt);
        return ja_fail(err, JA_ERR_INTERNAL, "not_one_statement", "not exactly one statement");
    }
    *ret = stmt;
    return JA_OK;
}

/* Repeats the failure of the last step, which was reported then. */
static void sqlite_finish(void *stmt)
{
    (void)sqlite3_finalize(stmt);
}

static bool sqlite_reads_only(void *stmt)
{
    return sqlite3_stmt_readonly(stmt) != 0;
}

static int bind_one(sqlite3_stmt *stmt, int place, const struct ja_value *v)
{
    switch (v->type) {
    case JA_VALUE_NULL:
        return sqlite3_bind_null(stmt, place);
    case JA_VALUE_INT:
        return sqlite3_bind_int64(stmt, place, v->i);
    case JA_VALUE_TEXT:
        return sqlite3_bind_text(stmt, place, v->t, -1, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* By name: SQLite numbers "$2" by its first place in the text, PostgreSQL by its number. */
static enum ja_status sqlite_bind(void *conn, void *stmt, const struct ja_value *binds, size_t n,
                                  struct ja_error *err)
{
    static const char *const names[] = {"$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8"};
    char name[24];

    if ((size_t)sqlite3_bind_parameter_count(stmt) != n)
        return ja_fail(err, JA_ERR_INTERNAL, "wrong_binds", "a statement has %d parameters, not %zu",
                       sqlite3_bind_parameter_count(stmt), n);
    for (size_t i = 0; i < n; i++) {
        const char *dollar = i < sizeof names / sizeof *names ? names[i] : name;
        int place, rc;

        if (dollar == name)
            (void)snprintf(name, sizeof name, "$%zu", i + 1);
        place = sqlite3_bind_parameter_index(stmt, dollar);
        if (place == 0)
            return ja_fail(err, JA_ERR_INTERNAL, "wrong_binds", "a statement has no %s", dollar);
        rc = bind_one(stmt, place, &binds[i]);
        if (rc != SQLITE_OK)
            return ja_sqlite_fail(conn, rc, err);
    }
    return JA_OK;
}

static enum ja_status sqlite_step(void *conn, void *stmt, bool *ret_row, struct ja_error *err)
{
    int rc = sqlite3_step(stmt);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return ja_sqlite_fail(conn, rc, err);
    *ret_row = rc == SQLITE_ROW;
    return JA_OK;
}

/* sqlite3_reset repeats the failure of the last step, which was reported then. */
static void sqlite_reset(void *stmt)
{
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
}

static int64_t sqlite_changes(void *conn)
{
    return sqlite3_changes64(((struct ja_sqlite *)conn)->db);
}

static int sqlite_column(void *stmt, const char *name, int hint)
{
    int n = sqlite3_column_count(stmt);

    if (hint < n) {
        const char *have = sqlite3_column_name(stmt, hint);
        if (have && strcmp(have, name) == 0)
            return hint;
    }
    for (int i = 0; i < n; i++) {
        const char *have = sqlite3_column_name(stmt, i);
        if (have && strcmp(have, name) == 0)
            return i;
    }
    return -1;
}

static bool sqlite_is_null(void *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL;
}

static const char *sqlite_text(void *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

static int64_t sqlite_integer(void *stmt, int column)
{
    return sqlite3_column_int64(stmt, column);
}

const struct ja_db_driver ja_db_sqlite = {
    .name = "sqlite",
    .prefix = "sqlite:",
    .open = ja_sqlite_open,
    .open_backup = ja_sqlite_open_backup,
    .close = ja_sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .in_transaction = sqlite_in_transaction,
    .script = sqlite_script,
    .prepare = sqlite_prepare,
    .finish = sqlite_finish,
    .reads_only = sqlite_reads_only,
    .bind = sqlite_bind,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .changes = sqlite_changes,
    .column = sqlite_column,
    .is_null = sqlite_is_null,
    .text = sqlite_text,
    .integer = sqlite_integer,
    .stamp = ja_sqlite_stamp,
    .info = ja_sqlite_info,
    .has_table = ja_sqlite_has_table,
    .foreign = ja_sqlite_foreign,
    .check = ja_sqlite_check,
    .backup = ja_sqlite_backup,
    .restore = ja_sqlite_restore,
};
