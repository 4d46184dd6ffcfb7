/* Numbered migrations, compiled in from schema/NNNN_name.sql (STYLE 38).
 *
 * Applied in order, each in one transaction, with its checksum (BLAKE2b) recorded in schema_migrations.
 * A store newer than the program, or one whose recorded checksum differs, is refused with both
 * versions (or the file's name) in the message.
 */
#ifndef JA_DB_MIGRATE_H
#define JA_DB_MIGRATE_H

#include "common/db/db.h"

struct ja_migration {
    int version;
    const char *name;
    const char *sql;
};

extern const struct ja_migration ja_migrations[]; /* ends with version 0; generated */

int ja_schema_version_built(void);
/* 0 for an empty store. */
enum ja_status ja_schema_version(struct ja_db *db, int *ret, struct ja_error *err);
enum ja_status ja_migrate(struct ja_db *db, int64_t now, int *ret_applied, struct ja_error *err);
/* Demands the schema this program was built with, unchanged, without triggers or views.
 * `older`: an older one passes (backups, migrate). JA_ERR_VERSION "schema_older", "schema_newer";
 * JA_ERR_CORRUPT "schema_differs", "foreign_trigger". */
enum ja_status ja_schema_require(struct ja_db *db, bool older, struct ja_error *err);

#endif
