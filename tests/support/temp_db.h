/* A migrated SQLite store in a temporary folder, without anything above the database layer. */
#ifndef JA_TEST_TEMP_DB_H
#define JA_TEST_TEMP_DB_H

#include "common/db/db.h"

struct ja_temp_db {
    char dir[64];  /* made 0755; the store's own folder is dir/state, 0700 */
    char path[96]; /* dir/state/jwtauth.db */
    char url[112];
};

/* Fails the test program on error, as all here. The store is made and closed again. */
void ja_temp_db_init(struct ja_temp_db *t);
void ja_temp_db_remove(struct ja_temp_db *t);
/* As logins open it; busy_timeout in seconds. */
struct ja_db *ja_temp_db_open(const struct ja_temp_db *t, int busy_timeout);
/* The same as an attempt. */
enum ja_status ja_temp_db_try(const struct ja_temp_db *t, struct ja_db **ret, struct ja_error *err);

/* One transaction: adds `by` to the counters named; both or none. */
enum ja_status ja_temp_db_add(struct ja_db *db, const char *name, int64_t by, struct ja_error *err);
int64_t ja_temp_db_value(struct ja_db *db, const char *name); /* -1: no such counter */

/* SQL past all checks and switches, as a stranger's tool would run it. */
void ja_temp_db_raw(const char *path, const char *sql);

#endif
