/* What the files of the SQLite driver share. */
#ifndef JA_DB_DB_SQLITE_H
#define JA_DB_DB_SQLITE_H

#include "common/db/db_driver.h"

#include <sqlite3.h>

extern const struct ja_db_driver ja_db_sqlite;

struct ja_sqlite {
    sqlite3 *db;
    char *path; /* resolved; stands in messages */
    bool read_only;
    sqlite3_stmt *stamp, *begin_read, *begin_write, *commit; /* prepared when first asked for */
    int64_t wait_ms, since_ms; /* how long a lock is waited for; when this wait began */
};

/* Turns a result code into a status and a message that names the file and the mend. */
enum ja_status ja_sqlite_fail(const struct ja_sqlite *conn, int rc, struct ja_error *err);
/* The same for a handle that is not a connection of ours (a backup's target). */
enum ja_status ja_sqlite_fail_at(sqlite3 *db, const char *path, int rc, struct ja_error *err);

/* db_sqlite_open.c */
enum ja_status ja_sqlite_open(const char *place, const struct ja_db_options *opts, void **ret,
                              struct ja_error *err);
void ja_sqlite_close(void *conn);
struct ja_sqlite *ja_sqlite_new(bool read_only); /* NULL: out of memory */
/* Limits and switches that every handle gets before it reads anything. */
enum ja_status ja_sqlite_harden(sqlite3 *db, const char *path, struct ja_error *err);
/* What is set by SQL, the write-ahead log included: it reads the file. */
enum ja_status ja_sqlite_pragmas(struct ja_sqlite *conn, struct ja_error *err);
/* "/a/link/b" -> "/a/real/b": SQLite is told to follow no link at all. */
enum ja_status ja_sqlite_resolve(const char *path, char **ret, struct ja_error *err);

/* db_sqlite_maint.c */
enum ja_status ja_sqlite_stamp(void *conn, int64_t *ret, struct ja_error *err);
enum ja_status ja_sqlite_info(void *conn, struct ja_db_info *ret, struct ja_error *err);
enum ja_status ja_sqlite_has_table(void *conn, const char *table, bool *ret, struct ja_error *err);
enum ja_status ja_sqlite_foreign(void *conn, char *ret_name, size_t size, struct ja_error *err);
enum ja_status ja_sqlite_check(void *conn, int version, char *ret_problem, size_t size,
                               struct ja_error *err);

/* db_sqlite_backup.c */
enum ja_status ja_sqlite_open_backup(const char *path, void **ret, struct ja_error *err);
enum ja_status ja_sqlite_backup(void *conn, const char *path, ja_progress_fn progress, void *arg,
                                struct ja_error *err);
enum ja_status ja_sqlite_restore(void *conn, void *from, ja_progress_fn progress, void *arg,
                                 struct ja_error *err);

#endif
