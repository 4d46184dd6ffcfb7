/* The store: one small query interface over drivers (SQLite now, PostgreSQL later).
 *
 * SQL is always a literal (the macros below refuse anything else at compile time) in the common subset
 * of both engines: $1..$n, ON CONFLICT, UPDATE ... RETURNING, TEXT and BIGINT columns only.
 * Values are bound, never printed into SQL.  Columns are read by name.
 *
 * Rules: every write happens between ja_db_begin and ja_db_commit (BEGIN IMMEDIATE); a transaction
 * does nothing slow: no hashing, no prompt, no network.  Nested begin is an error (JA_ERR_INTERNAL).
 * ja_db_rollback is safe to call at any time, also when no transaction is open.
 *
 * Errors: JA_ERR_BUSY (lock not had within busy_timeout), JA_ERR_FULL, JA_ERR_CORRUPT,
 * JA_ERR_EXISTS (unique constraint; err->message names table.column), JA_ERR_CONFLICT (other
 * constraint), JA_ERR_IO, JA_ERR_NOMEM.
 * Ownership: a struct ja_rows borrows the connection; texts from it are valid until the next
 * ja_rows_next or ja_rows_end on it.  ja_rows_end must follow every successful ja_db_query.
 * Threads: one thread at a time per connection; never carry a connection over fork.
 */
#ifndef JA_DB_DB_H
#define JA_DB_DB_H

#include "common/base/status.h"

#include <stdbool.h>

struct ja_db;
struct ja_rows;

enum ja_value_type { JA_VALUE_NULL, JA_VALUE_INT, JA_VALUE_TEXT };
struct ja_value {
    enum ja_value_type type;
    int64_t i;
    const char *t; /* borrowed until the call returns (query: until ja_rows_end) */
};

#define JA_T(text) ja_value_text(text) /* NULL pointer binds NULL */
#define JA_I(num) ((struct ja_value){.type = JA_VALUE_INT, .i = (int64_t)(num)})
#define JA_N ((struct ja_value){.type = JA_VALUE_NULL})
static inline struct ja_value ja_value_text(const char *t)
{
    return (struct ja_value){.type = t ? JA_VALUE_TEXT : JA_VALUE_NULL, .t = t};
}
/* 0 stands for "no time": bound as NULL */
static inline struct ja_value ja_value_time(int64_t t)
{
    return (struct ja_value){.type = t ? JA_VALUE_INT : JA_VALUE_NULL, .i = t};
}
#define JA_TIME(t) ja_value_time(t)

struct ja_db_options {
    const char *url;            /* sqlite:/abs/path */
    int64_t busy_timeout;       /* seconds */
    bool create;                /* init only: make the file (0600) in its folder (0700) */
    bool read_only;
    bool any_schema;            /* migrate and status: do not demand the current schema version */
    bool damaged;               /* restore only: opens what cannot be read, too; implies any_schema */
};

/* Checks folder, file, -wal, -shm and -journal (file_guard), opens, sets the pragmas of DESIGN section 3,
 * and demands the schema version this program was built with. JA_ERR_NOT_FOUND: no store yet;
 * JA_ERR_UNSUPPORTED: a postgresql: url in a build without it; JA_ERR_VERSION: newer schema. */
enum ja_status ja_db_open(const struct ja_db_options *opts, struct ja_db **ret, struct ja_error *err);
void ja_db_close(struct ja_db *db);
/* For a process of our own with many threads, once before its first store: settings that hold for all of it, so never
 * in a module. SQLite then counts no memory (each malloc would take one lock) and takes no 90 KiB in advance for each
 * temporary table. */
enum ja_status ja_db_process_setup(struct ja_error *err);

enum ja_status ja_db_begin(struct ja_db *db, struct ja_error *err);      /* for writing */
enum ja_status ja_db_begin_read(struct ja_db *db, struct ja_error *err); /* one snapshot */
enum ja_status ja_db_commit(struct ja_db *db, struct ja_error *err);
void ja_db_rollback(struct ja_db *db);
bool ja_db_in_transaction(const struct ja_db *db);
/* Calls fn once, right after the open transaction for writing was committed; a rollback drops it. The same fn
 * and arg again is one call. fn may begin a transaction of its own. At most JA_DB_AFTER_MAX a transaction. */
#define JA_DB_AFTER_MAX 4
enum ja_status ja_db_after_commit(struct ja_db *db, void (*fn)(void *arg), void *arg, struct ja_error *err);

/* JA_BINDS(...) makes the array and its length; JA_NO_BINDS for none. */
#define JA_BINDS(...) ((const struct ja_value[]){__VA_ARGS__}), \
    (sizeof((const struct ja_value[]){__VA_ARGS__}) / sizeof(struct ja_value))
#define JA_NO_BINDS ((const struct ja_value *)0), ((size_t)0)

/* Runs a statement that returns no rows; ret_changes may be NULL. */
#define ja_db_exec(db, sql, ...) ja_db_exec_((db), "" sql "", __VA_ARGS__)
enum ja_status ja_db_exec_(struct ja_db *db, const char *sql, const struct ja_value *binds,
                           size_t nbinds, int64_t *ret_changes, struct ja_error *err);

/* Runs a statement that returns rows (SELECT, or a write with RETURNING). Statements are prepared
 * once per connection and kept, keyed by the literal. */
#define ja_db_query(db, sql, ...) ja_db_query_((db), "" sql "", __VA_ARGS__)
enum ja_status ja_db_query_(struct ja_db *db, const char *sql, const struct ja_value *binds,
                            size_t nbinds, struct ja_rows **ret, struct ja_error *err);
/* row / done / error are three answers: *ret_row tells the first two apart. */
enum ja_status ja_rows_next(struct ja_rows *rows, bool *ret_row, struct ja_error *err);
void ja_rows_end(struct ja_rows *rows); /* NULL accepted */

const char *ja_col_text(struct ja_rows *rows, const char *name); /* NULL when SQL NULL */
int64_t ja_col_int(struct ja_rows *rows, const char *name);      /* 0 when SQL NULL */
bool ja_col_null(struct ja_rows *rows, const char *name);
/* An unknown column name is a programming error: it poisons `rows`, and the next
 * ja_rows_next or ja_rows_fail answers JA_ERR_INTERNAL. */
enum ja_status ja_rows_status(struct ja_rows *rows, struct ja_error *err);

/* A number that is another one as soon as any other connection has committed: what was read under the same stamp is
 * still so. Outside transactions. JA_ERR_UNSUPPORTED: this engine cannot say. */
enum ja_status ja_db_stamp(struct ja_db *db, int64_t *ret, struct ja_error *err);

/* ---- maintenance ---- */
struct ja_db_info {
    const char *engine; /* "sqlite" */
    const char *place;  /* the file; borrowed from the connection */
    int64_t size;       /* bytes, what is not yet written back included */
};
enum ja_status ja_db_info(struct ja_db *db, struct ja_db_info *ret, struct ja_error *err);
/* Quick: page and foreign-key consistency (integrity_check, foreign_key_check), schema as migrated,
 * no triggers or views of others. ret_problem gets the first finding. */
enum ja_status ja_db_check(struct ja_db *db, char *ret_problem, size_t size, struct ja_error *err);
/* Consistent copy while logins go on; `path` must not exist; made 0600. progress may be NULL. */
typedef void (*ja_progress_fn)(void *arg, int64_t done, int64_t total);
enum ja_status ja_db_backup(struct ja_db *db, const char *path, ja_progress_fn progress, void *arg,
                            struct ja_error *err);
/* Checks the backup (integrity, schema version), then replaces the contents of the live store in place
 * by SQLite's backup call, so that other processes' locks and open connections stay right. A store that is
 * too damaged to be written that way (open it with `damaged`) is emptied first. A backup of an older schema
 * is taken as it is: migrate afterwards. */
enum ja_status ja_db_restore(struct ja_db *db, const char *path, ja_progress_fn progress, void *arg,
                             struct ja_error *err);

#endif
