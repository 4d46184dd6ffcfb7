#include "common/db/migrate.h"

#include "common/db/db_driver.h"

#include <sodium.h>
#include <string.h>

#define CHECKSUM_BYTES 32
#define CHECKSUM_TEXT (CHECKSUM_BYTES * 2 + 1)

int ja_schema_version_built(void)
{
    int last = 0;

    for (const struct ja_migration *m = ja_migrations; m->version; m++)
        last = m->version;
    return last;
}

static enum ja_status checksum(const struct ja_migration *m, char out[CHECKSUM_TEXT],
                               struct ja_error *err)
{
    unsigned char hash[CHECKSUM_BYTES];

    if (crypto_generichash(hash, sizeof hash, (const unsigned char *)m->sql, strlen(m->sql), NULL,
                           0) != 0)
        return ja_fail(err, JA_ERR_CRYPTO, "hash_failed", "BLAKE2b failed");
    (void)sodium_bin2hex(out, CHECKSUM_TEXT, hash, sizeof hash);
    return JA_OK;
}

enum ja_status ja_schema_version(struct ja_db *db, int *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    bool there = false;
    int64_t version = 0;
    enum ja_status st = db->driver->has_table(db->conn, "schema_migrations", &there, err);

    if (st != JA_OK)
        return st;
    if (!there) {
        *ret = 0;
        return JA_OK;
    }
    st = ja_db_query(db, "SELECT max(version) AS version FROM schema_migrations", JA_NO_BINDS,
                     &rows, err);
    if (st != JA_OK)
        return st;
    st = ja_rows_next(rows, &there, err);
    if (st == JA_OK && there)
        version = ja_col_int(rows, "version");
    if (st == JA_OK)
        st = ja_rows_status(rows, err);
    ja_rows_end(rows);
    if (st == JA_OK && (version < 0 || version > 9999))
        st = ja_fail(err, JA_ERR_CORRUPT, "schema_differs",
                     "the database records no sensible schema version");
    if (st == JA_OK)
        *ret = (int)version;
    return st;
}

static enum ja_status newer(int found, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_VERSION, "schema_newer",
                   "the database has schema version %d, this program knows %d: install the newer "
                   "jwtauth", found, ja_schema_version_built());
}

static enum ja_status compare(const struct ja_migration *m, struct ja_rows *rows,
                              struct ja_error *err)
{
    char sum[CHECKSUM_TEXT];
    const char *have = ja_col_text(rows, "checksum");
    enum ja_status st = checksum(m, sum, err);

    if (st == JA_OK)
        st = ja_rows_status(rows, err);
    if (st == JA_OK && (ja_col_int(rows, "version") != m->version || !have || strcmp(have, sum) != 0))
        st = ja_fail(err, JA_ERR_CORRUPT, "schema_differs",
                     "migration %s was another one when this database was made: use the jwtauth "
                     "that made it, or restore a backup", m->name);
    return st;
}

/* Row by row against what is compiled in; `version` gets the number that were recorded. */
static enum ja_status compare_all(struct ja_db *db, int *ret_version, struct ja_error *err)
{
    const struct ja_migration *m = ja_migrations;
    struct ja_rows *rows = NULL;
    bool row = true;
    enum ja_status st = ja_db_query(
        db, "SELECT version, checksum FROM schema_migrations ORDER BY version", JA_NO_BINDS, &rows,
        err);

    while (st == JA_OK && m->version) {
        st = ja_rows_next(rows, &row, err);
        if (st != JA_OK || !row)
            break;
        st = compare(m, rows, err);
        m++;
    }
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret_version = m == ja_migrations ? 0 : (m - 1)->version;
    return st;
}

enum ja_status ja_schema_require(struct ja_db *db, bool older, struct ja_error *err)
{
    char name[128] = "";
    int version = 0, same = 0;
    enum ja_status st = ja_schema_version(db, &version, err);

    if (st == JA_OK && version > ja_schema_version_built())
        st = newer(version, err);
    if (st == JA_OK && (version == 0 || (version < ja_schema_version_built() && !older)))
        st = ja_fail(err, JA_ERR_VERSION, "schema_older",
                     "the database has schema version %d, this program needs %d: run "
                     "'authctl db migrate'", version, ja_schema_version_built());
    if (st == JA_OK)
        st = compare_all(db, &same, err);
    if (st == JA_OK && same != version)
        st = ja_fail(err, JA_ERR_CORRUPT, "schema_differs",
                     "the database lacks the record of a migration before version %d: restore a "
                     "backup", version);
    if (st == JA_OK)
        st = db->driver->foreign(db->conn, name, sizeof name, err);
    if (st == JA_OK && *name)
        st = ja_fail(err, JA_ERR_CORRUPT, "foreign_trigger",
                     "the database has a trigger or view '%s' that jwtauth did not make: drop it, "
                     "or restore a backup", name);
    return st;
}

/* In a transaction of its own, which takes the write lock first: of two programs that migrate at once
 * the second finds the work done. */
static enum ja_status apply(struct ja_db *db, const struct ja_migration *m, int64_t now,
                            bool *ret_applied, struct ja_error *err)
{
    char sum[CHECKSUM_TEXT];
    int version = 0;
    enum ja_status st = ja_db_begin(db, err);

    if (st != JA_OK)
        return st;
    st = db->driver->script(db->conn, JA_SCHEMA_TABLE_SQL, err);
    if (st == JA_OK)
        st = ja_schema_version(db, &version, err);
    if (st == JA_OK && version > ja_schema_version_built())
        st = newer(version, err);
    if (st == JA_OK && version >= m->version) {
        ja_db_rollback(db);
        *ret_applied = false;
        return JA_OK;
    }
    if (st == JA_OK)
        st = db->driver->script(db->conn, m->sql, err);
    if (st == JA_OK)
        st = checksum(m, sum, err);
    if (st == JA_OK)
        st = ja_db_exec(db,
                        "INSERT INTO schema_migrations (version, name, checksum, applied_at) "
                        "VALUES ($1, $2, $3, $4)",
                        JA_BINDS(JA_I(m->version), JA_T(m->name), JA_T(sum), JA_I(now)), NULL, err);
    if (st == JA_OK)
        st = ja_db_commit(db, err);
    ja_db_rollback(db);
    if (st == JA_OK)
        *ret_applied = true;
    return st;
}

enum ja_status ja_migrate(struct ja_db *db, int64_t now, int *ret_applied, struct ja_error *err)
{
    int version = 0, applied = 0;
    bool did = false;
    enum ja_status st = ja_schema_version(db, &version, err);

    /* A damaged or foreign schema is not built upon. */
    if (st == JA_OK && version > 0)
        st = ja_schema_require(db, true, err);
    for (const struct ja_migration *m = ja_migrations; st == JA_OK && m->version; m++) {
        if (m->version <= version)
            continue;
        st = apply(db, m, now, &did, err);
        applied += st == JA_OK && did;
    }
    if (st == JA_OK)
        st = ja_schema_require(db, false, err);
    if (st == JA_OK && ret_applied)
        *ret_applied = applied;
    return st;
}
