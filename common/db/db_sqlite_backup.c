/* Backup and restore of a SQLite store by SQLite's own backup call, while logins go on. */
#include "common/db/db_sqlite.h"

#include "common/base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_PAGES 256

/* A backup is one file; something beside it would be silently left out, or played into it. */
static enum ja_status refuse_journals(const char *path, struct ja_error *err)
{
    static const char *const suffixes[] = {"-wal", "-journal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[PATH_MAX];
        struct stat sb;
        int n = snprintf(name, sizeof name, "%s%s", path, suffixes[i]);

        if (n < 0 || (size_t)n >= sizeof name)
            return ja_fail(err, JA_ERR_INVALID, "invalid_path", "the path is too long");
        if (lstat(name, &sb) == 0)
            return ja_fail(err, JA_ERR_CONFLICT, "backup_incomplete",
                           "%s lies beside it: this is a copy of a running database, not a backup "
                           "made by 'authctl db backup'", name);
        if (errno != ENOENT)
            return ja_fail_errno(err, errno, name);
    }
    return JA_OK;
}

/* "file:/a%20b?immutable=1": no locks, no journals, nothing is created beside a backup. */
static enum ja_status immutable_uri(const char *path, char **ret, struct ja_error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
    size_t size = strlen(path) * 3 + sizeof "file:?immutable=1";
    char *uri = malloc(size), *out;

    if (!uri)
        return ja_fail_nomem(err);
    out = stpcpy(uri, "file:");
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (strchr(plain, c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    (void)stpcpy(out, "?immutable=1");
    *ret = uri;
    return JA_OK;
}

enum ja_status ja_sqlite_open_backup(const char *path, void **ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0600, .allow_own = true};
    struct ja_sqlite *conn = ja_sqlite_new(true);
    char *uri = NULL;
    int rc;
    enum ja_status st;

    if (!conn)
        return ja_fail_nomem(err);
    st = ja_file_check(path, &rule, err);
    if (st == JA_OK)
        st = ja_sqlite_resolve(path, &conn->path, err);
    if (st == JA_OK)
        st = refuse_journals(conn->path, err);
    if (st == JA_OK)
        st = immutable_uri(conn->path, &uri, err);
    if (st == JA_OK) {
        rc = sqlite3_open_v2(uri, &conn->db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOFOLLOW |
                                 SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE,
                             "unix");
        st = rc == SQLITE_OK ? ja_sqlite_harden(conn->db, conn->path, err)
                             : ja_sqlite_fail(conn, rc, err);
    }
    if (st == JA_OK) {
        rc = sqlite3_exec(conn->db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
        st = rc == SQLITE_OK ? JA_OK : ja_sqlite_fail(conn, rc, err);
    }
    free(uri);
    if (st == JA_OK)
        *ret = conn;
    else
        ja_sqlite_close(conn);
    return st;
}

/* What may lie there after a failure: nothing half-made is left behind. */
static void remove_target(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[PATH_MAX];
        int n = snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (n > 0 && (size_t)n < sizeof name)
            (void)unlink(name);
    }
}

static enum ja_status make_target(const char *path, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0600, .allow_own = true};
    enum ja_status st = JA_OK;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EEXIST || errno == ELOOP))
        return ja_fail(err, JA_ERR_EXISTS, "backup_exists",
                       "%s exists already: name a new file", path);
    if (fd < 0 && errno == EACCES)
        return ja_fail(err, JA_ERR_FORBIDDEN, "permission_denied", "%s: permission denied", path);
    if (fd < 0)
        return ja_fail_errno(err, errno, path);
    if (fchmod(fd, 0600) != 0)
        st = ja_fail_errno(err, errno, path);
    (void)close(fd);
    /* Its folders too: who can swap the file could read every secret hash. */
    if (st == JA_OK)
        st = ja_file_check(path, &rule, err);
    if (st != JA_OK)
        (void)unlink(path);
    return st;
}

static enum ja_status copy(sqlite3 *to, const char *to_path, sqlite3 *from, ja_progress_fn progress,
                           void *arg, struct ja_error *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc = SQLITE_OK, end;

    if (!b)
        return ja_sqlite_fail_at(to, to_path, sqlite3_extended_errcode(to), err);
    while (rc == SQLITE_OK) {
        rc = sqlite3_backup_step(b, STEP_PAGES);
        if (progress && (rc == SQLITE_OK || rc == SQLITE_DONE))
            progress(arg, sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b),
                     sqlite3_backup_pagecount(b));
    }
    end = sqlite3_backup_finish(b);
    if (rc == SQLITE_DONE && end == SQLITE_OK)
        return JA_OK;
    return ja_sqlite_fail_at(to, to_path, rc == SQLITE_DONE ? end : rc, err);
}

/* One snapshot for the whole copy: without it each write elsewhere would start the copy again. */
static enum ja_status copy_snapshot(struct ja_sqlite *c, sqlite3 *to, const char *to_path,
                                    ja_progress_fn progress, void *arg, struct ja_error *err)
{
    enum ja_status st;
    int rc = sqlite3_exec(c->db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);

    st = rc == SQLITE_OK ? copy(to, to_path, c->db, progress, arg, err) : ja_sqlite_fail(c, rc, err);
    if (sqlite3_get_autocommit(c->db) == 0)
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

/* The copy says "WAL" like its source; as a single file it must not. */
static enum ja_status leave_wal(sqlite3 *to, const char *path, struct ja_error *err)
{
    int rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);

    return rc == SQLITE_OK ? JA_OK : ja_sqlite_fail_at(to, path, rc, err);
}

static enum ja_status sync_folder(const char *path, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    char *dir = strndup(path, strrchr(path, '/') == path ? 1 : (size_t)(strrchr(path, '/') - path));
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (!dir)
        st = ja_fail_nomem(err);
    else if (fd < 0 || fsync(fd) != 0)
        st = ja_fail_errno(err, errno, dir);
    if (fd >= 0)
        (void)close(fd);
    free(dir);
    return st;
}

static enum ja_status write_target(struct ja_sqlite *c, const char *path, ja_progress_fn progress,
                                   void *arg, struct ja_error *err)
{
    sqlite3 *to = NULL;
    enum ja_status st;
    int rc = sqlite3_open_v2(path, &to,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                                 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                             "unix");

    st = rc == SQLITE_OK ? ja_sqlite_harden(to, path, err) : ja_sqlite_fail_at(to, path, rc, err);
    if (st == JA_OK)
        st = copy_snapshot(c, to, path, progress, arg, err);
    if (st == JA_OK)
        st = leave_wal(to, path, err);
    rc = sqlite3_close(to);
    if (st == JA_OK && rc != SQLITE_OK)
        st = ja_sqlite_fail_at(NULL, path, rc, err);
    return st == JA_OK ? sync_folder(path, err) : st;
}

enum ja_status ja_sqlite_backup(void *conn, const char *path, ja_progress_fn progress, void *arg,
                                struct ja_error *err)
{
    char *real = NULL;
    enum ja_status st = ja_sqlite_resolve(path, &real, err);

    if (st == JA_OK)
        st = make_target(real, err);
    if (st == JA_OK) {
        st = write_target(conn, real, progress, arg, err);
        if (st != JA_OK)
            remove_target(real);
    }
    free(real);
    return st;
}

/* A file that SQLite cannot even lock as a database is emptied in place:
 * https://www.sqlite.org/c3ref/c_dbconfig_defensive.html (SQLITE_DBCONFIG_RESET_DATABASE) */
static enum ja_status empty(struct ja_sqlite *live, struct ja_error *err)
{
    int rc = sqlite3_db_config(live->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL), rc2;

    (void)sqlite3_limit(live->db, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM attaches its copy */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(live->db, "VACUUM", NULL, NULL, NULL);
    (void)sqlite3_limit(live->db, SQLITE_LIMIT_ATTACHED, 0);
    rc2 = sqlite3_db_config(live->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    if (rc == SQLITE_OK)
        rc = rc2;
    return rc == SQLITE_OK ? JA_OK : ja_sqlite_fail(live, rc, err);
}

/* One write transaction on the live store: other processes see the old contents until it commits, and the
 * new ones after it. Replacing the file instead would leave them on the deleted one. */
enum ja_status ja_sqlite_restore(void *conn, void *from, ja_progress_fn progress, void *arg,
                                 struct ja_error *err)
{
    struct ja_sqlite *live = conn, *source = from;
    enum ja_status st = copy(live->db, live->path, source->db, progress, arg, err);

    if (st == JA_ERR_CORRUPT) {
        st = empty(live, err);
        if (st == JA_OK)
            st = copy(live->db, live->path, source->db, progress, arg, err);
    }
    if (st == JA_OK) /* a store that was made anew has no log yet */
        st = ja_sqlite_pragmas(live, err);
    if (st == JA_OK) /* only tidies: readers may hold it back, the next one will do it */
        (void)sqlite3_wal_checkpoint_v2(live->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return st;
}
