/* libsqlite3 loaded at the first call instead of at every start.
 *
 * Only authctl links this file: what `token verify --jwks` and `help` do needs no store, and loading the library
 * costs a fifth of their time (LIMITS.md, "what a command does not use").  These definitions stand before
 * the library's in the link, so that the linker leaves it out of the needed ones; a function that is
 * missing here brings it back, and nothing else changes.  Without the library every call fails, the first of which is
 * opening the store.
 */
#include "common/base/dynload.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>

/* X(result, name, parameters, arguments, result without the library) */
#define SQLITE_CALLS(X) \
    X(int, sqlite3_backup_finish, (sqlite3_backup * b), (b), SQLITE_ERROR) \
    X(sqlite3_backup *, sqlite3_backup_init, \
      (sqlite3 * to, const char *tn, sqlite3 *from, const char *fn), (to, tn, from, fn), 0) \
    X(int, sqlite3_backup_pagecount, (sqlite3_backup * b), (b), 0) \
    X(int, sqlite3_backup_remaining, (sqlite3_backup * b), (b), 0) \
    X(int, sqlite3_backup_step, (sqlite3_backup * b, int n), (b, n), SQLITE_ERROR) \
    X(int, sqlite3_bind_int64, (sqlite3_stmt * s, int i, sqlite3_int64 v), (s, i, v), \
      SQLITE_ERROR) \
    X(int, sqlite3_bind_null, (sqlite3_stmt * s, int i), (s, i), SQLITE_ERROR) \
    X(int, sqlite3_bind_parameter_count, (sqlite3_stmt * s), (s), 0) \
    X(int, sqlite3_bind_parameter_index, (sqlite3_stmt * s, const char *n), (s, n), 0) \
    X(int, sqlite3_bind_text, \
      (sqlite3_stmt * s, int i, const char *t, int n, void (*end)(void *)), (s, i, t, n, end), \
      SQLITE_ERROR) \
    X(int, sqlite3_busy_handler, (sqlite3 * d, int (*fn)(void *, int), void *arg), (d, fn, arg), \
      SQLITE_ERROR) \
    X(int, sqlite3_busy_timeout, (sqlite3 * d, int ms), (d, ms), SQLITE_ERROR) \
    X(sqlite3_int64, sqlite3_changes64, (sqlite3 * d), (d), 0) \
    X(int, sqlite3_clear_bindings, (sqlite3_stmt * s), (s), SQLITE_ERROR) \
    X(int, sqlite3_close, (sqlite3 * d), (d), SQLITE_ERROR) \
    X(int, sqlite3_close_v2, (sqlite3 * d), (d), SQLITE_ERROR) \
    X(int, sqlite3_column_count, (sqlite3_stmt * s), (s), 0) \
    X(sqlite3_int64, sqlite3_column_int64, (sqlite3_stmt * s, int i), (s, i), 0) \
    X(const char *, sqlite3_column_name, (sqlite3_stmt * s, int i), (s, i), 0) \
    X(const unsigned char *, sqlite3_column_text, (sqlite3_stmt * s, int i), (s, i), 0) \
    X(int, sqlite3_column_type, (sqlite3_stmt * s, int i), (s, i), SQLITE_NULL) \
    X(const char *, sqlite3_errmsg, (sqlite3 * d), (d), missing) \
    X(const char *, sqlite3_errstr, (int rc), (rc), missing) \
    X(int, sqlite3_exec, \
      (sqlite3 * d, const char *sql, int (*fn)(void *, int, char **, char **), void *arg, \
       char **text), \
      (d, sql, fn, arg, text), SQLITE_ERROR) \
    X(int, sqlite3_extended_errcode, (sqlite3 * d), (d), SQLITE_ERROR) \
    X(int, sqlite3_extended_result_codes, (sqlite3 * d, int on), (d, on), SQLITE_ERROR) \
    X(int, sqlite3_finalize, (sqlite3_stmt * s), (s), SQLITE_ERROR) \
    X(int, sqlite3_get_autocommit, (sqlite3 * d), (d), 1) \
    X(int, sqlite3_limit, (sqlite3 * d, int id, int value), (d, id, value), -1) \
    X(int, sqlite3_open_v2, (const char *name, sqlite3 **d, int flags, const char *vfs), \
      (name, d, flags, vfs), SQLITE_CANTOPEN) \
    X(int, sqlite3_prepare_v2, \
      (sqlite3 * d, const char *sql, int n, sqlite3_stmt **s, const char **rest), \
      (d, sql, n, s, rest), SQLITE_ERROR) \
    X(int, sqlite3_prepare_v3, \
      (sqlite3 * d, const char *sql, int n, unsigned flags, sqlite3_stmt **s, const char **rest), \
      (d, sql, n, flags, s, rest), SQLITE_ERROR) \
    X(int, sqlite3_reset, (sqlite3_stmt * s), (s), SQLITE_ERROR) \
    X(int, sqlite3_step, (sqlite3_stmt * s), (s), SQLITE_ERROR) \
    X(int, sqlite3_stmt_readonly, (sqlite3_stmt * s), (s), 0) \
    X(int, sqlite3_wal_checkpoint_v2, \
      (sqlite3 * d, const char *name, int mode, int *log, int *done), (d, name, mode, log, done), \
      SQLITE_ERROR)

static const char missing[] = "libsqlite3.so.0 could not be loaded";

#define SLOT(result, name, parameters, arguments, otherwise) static __typeof__(name) *late_##name;
SQLITE_CALLS(SLOT)
static __typeof__(sqlite3_db_config) *late_sqlite3_db_config;

#define ENTRY(result, name, parameters, arguments, otherwise) {#name, (void **)&late_##name},
static const struct ja_dl_symbol symbols[] = {
    SQLITE_CALLS(ENTRY){"sqlite3_db_config", (void **)&late_sqlite3_db_config},
};

static bool loaded(void)
{
    return late_sqlite3_db_config ||
           ja_dl_load("libsqlite3.so.0", symbols, sizeof symbols / sizeof symbols[0], NULL) ==
               JA_OK;
}

#define CALL(result, name, parameters, arguments, otherwise) \
    result name parameters \
    { \
        return loaded() ? late_##name arguments : (otherwise); \
    }
SQLITE_CALLS(CALL)

/* Every operation but MAINDBNAME takes an int and a pointer to one (sqlite3.h); we use no other. */
int sqlite3_db_config(sqlite3 *d, int op, ...)
{
    va_list ap;
    int value, *now;

    va_start(ap, op);
    value = va_arg(ap, int);
    now = va_arg(ap, int *);
    va_end(ap);
    if (op == SQLITE_DBCONFIG_MAINDBNAME || op == SQLITE_DBCONFIG_LOOKASIDE || !loaded())
        return SQLITE_ERROR;
    return late_sqlite3_db_config(d, op, value, now);
}
