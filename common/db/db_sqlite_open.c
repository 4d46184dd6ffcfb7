/* Opening a SQLite store: trusted files, then a handle that can do no more than we need (SECURITY R22). */
#include "common/db/db_sqlite.h"

#include "common/base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The folder, resolved, and the file's name. */
static enum ja_status split(const char *path, char **ret_dir, const char **ret_base,
                            struct ja_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *dir;

    if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_path", "'%s' names no file", path);
    dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!dir)
        return ja_fail_nomem(err);
    *ret_dir = dir;
    *ret_base = base;
    return JA_OK;
}

static enum ja_status join(const char *dir, const char *base, const char *suffix, char **ret,
                           struct ja_error *err)
{
    if (asprintf(ret, "%s%s%s%s", dir, dir[1] ? "/" : "", base, suffix) < 0) {
        *ret = NULL;
        return ja_fail_nomem(err);
    }
    return JA_OK;
}

enum ja_status ja_sqlite_resolve(const char *path, char **ret, struct ja_error *err)
{
    char *dir = NULL, *real = NULL;
    const char *base = NULL;
    enum ja_status st = split(path, &dir, &base, err);

    if (st != JA_OK)
        return st;
    real = realpath(dir, NULL);
    if (real)
        st = join(real, base, "", ret, err);
    else if (errno == ENOENT)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "folder_not_found", "folder %s does not exist", dir);
    else if (errno == EACCES)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "permission_denied", "%s: permission denied", dir);
    else
        st = ja_fail_errno(err, errno, dir);
    free(real);
    free(dir);
    return st;
}

/* SQLite would create it with 0644 less the umask, and -wal and -shm copy its mode (SECURITY F12). */
static enum ja_status create_file(const char *path, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == EEXIST ? JA_OK : ja_fail_errno(err, errno, path);
    if (fchmod(fd, 0600) != 0)
        st = ja_fail_errno(err, errno, path);
    (void)close(fd);
    return st;
}

static enum ja_status create(const char *path, struct ja_error *err)
{
    char *dir = NULL, *real = NULL;
    const char *base = NULL;
    enum ja_status st = split(path, &dir, &base, err);

    if (st == JA_OK)
        st = ja_dir_make(dir, 0700, err);
    if (st == JA_OK)
        st = ja_sqlite_resolve(path, &real, err);
    if (st == JA_OK)
        st = create_file(real, err);
    free(real);
    free(dir);
    return st;
}

/* The database and what SQLite puts beside it: never opened by us, closing would drop SQLite's locks. */
static enum ja_status check_files(const char *path, struct ja_error *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    const struct ja_file_rule rule = {.max_mode = 0600, .allow_own = true};
    struct ja_error why = {0};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[PATH_MAX];
        enum ja_status st;
        int n = snprintf(name, sizeof name, "%s%s", path, suffixes[i]);

        if (n < 0 || (size_t)n >= sizeof name)
            return ja_fail(err, JA_ERR_CONFIG, "invalid_store_url", "the store's path is too long");
        st = ja_file_check(name, &rule, &why);
        if (st == JA_ERR_NOT_FOUND && i > 0)
            continue;
        if (st == JA_ERR_NOT_FOUND)
            return ja_fail(err, JA_ERR_NOT_FOUND, "no_store",
                           "%s does not exist: make it with 'authctl init'", name);
        if (st != JA_OK)
            return ja_fail(err, st, why.code, "%s", why.message);
    }
    return JA_OK;
}

/* What a statement of ours never needs, a crafted database cannot use (SECURITY, CVE-2022-35737,
 * CVE-2025-6965): https://www.sqlite.org/security.html */
static void set_limits(sqlite3 *db)
{
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 4 << 20);
    (void)sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 256 << 10);
    (void)sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 100);
    (void)sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 50);
    (void)sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 8);
    (void)sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, 8);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
    (void)sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 64);
    (void)sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 4);
    (void)sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

enum ja_status ja_sqlite_harden(sqlite3 *db, const char *path, struct ja_error *err)
{
    static const struct { int option, value; } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };

    (void)sqlite3_extended_result_codes(db, 1);
    set_limits(db);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        int now = -1;
        int rc = sqlite3_db_config(db, switches[i].option, switches[i].value, &now);

        if (rc != SQLITE_OK)
            return ja_sqlite_fail_at(NULL, path, rc, err);
        if (now != switches[i].value)
            return ja_fail(err, JA_ERR_INTERNAL, "sqlite_option", "SQLite refuses its option %d",
                           switches[i].option);
    }
    return JA_OK;
}

/* temp_store: SQLite takes SQLITE_TMPDIR from the environment, in su and sudo too (SECURITY F13). */
#define PRAGMAS "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL;"

static int read_word(void *arg, int n, char **values, char **names)
{
    (void)names;
    if (n > 0 && values[0])
        (void)snprintf(arg, 16, "%s", values[0]);
    return 0;
}

enum ja_status ja_sqlite_pragmas(struct ja_sqlite *conn, struct ja_error *err)
{
    char mode[16] = "";
    int rc = sqlite3_exec(conn->db, PRAGMAS, NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(conn->db, conn->read_only ? "PRAGMA journal_mode"
                                                    : "PRAGMA journal_mode=WAL",
                          read_word, mode, NULL);
    if (rc != SQLITE_OK)
        return ja_sqlite_fail(conn, rc, err);
    if (!conn->read_only && strcmp(mode, "wal") != 0)
        return ja_fail(err, JA_ERR_IO, "store_no_wal",
                       "%s: its file system does not support a write-ahead log (journal mode %s): "
                       "put it on a local disk", conn->path, mode);
    return JA_OK;
}

/* SQLite's own waits grow to 100 ms each: of 200 logins at once some then wait out their 5 s while the lock is
 * free most of the time. Short waits of random length keep it busy and give everybody the same chance.
 * The answer 0 ends the wait: SQLITE_BUSY. */
static int wait_for_lock(void *arg, int count)
{
    struct ja_sqlite *conn = arg;
    struct timespec now;
    int64_t now_ms;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (count == 0)
        conn->since_ms = now_ms;
    if (now_ms - conn->since_ms >= conn->wait_ms)
        return 0;
    /* 0.5 to 1 ms at first, 8 to 16 ms after a while; the clock's last digits are the dice */
    unsigned most = 1000u << (count / 4 < 4 ? count / 4 : 4);
    struct timespec nap = {.tv_nsec = (long)(most / 2 + (unsigned)now.tv_nsec % (most / 2)) * 1000};
    (void)nanosleep(&nap, NULL);
    return 1;
}

static enum ja_status open_handle(struct ja_sqlite *conn, const struct ja_db_options *opts,
                                  struct ja_error *err)
{
    int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE |
                (opts->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    int rc = sqlite3_open_v2(conn->path, &conn->db, flags, "unix");
    enum ja_status st;

    conn->wait_ms = opts->busy_timeout < 0 ? 0 : opts->busy_timeout > 600 ? 600000
                                                                         : opts->busy_timeout * 1000;
    /* Before anything that may meet a lock, the journal mode included. */
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_handler(conn->db, wait_for_lock, conn);
    if (rc != SQLITE_OK)
        return ja_sqlite_fail(conn, rc, err);
    st = ja_sqlite_harden(conn->db, conn->path, err);
    if (st == JA_OK)
        st = ja_sqlite_pragmas(conn, err);
    return st == JA_ERR_CORRUPT && opts->damaged ? JA_OK : st;
}

struct ja_sqlite *ja_sqlite_new(bool read_only)
{
    struct ja_sqlite *conn = calloc(1, sizeof *conn);

    if (conn)
        conn->read_only = read_only;
    return conn;
}

enum ja_status ja_sqlite_open(const char *place, const struct ja_db_options *opts, void **ret,
                              struct ja_error *err)
{
    struct ja_sqlite *conn = ja_sqlite_new(opts->read_only);
    enum ja_status st = JA_OK;

    if (!conn)
        return ja_fail_nomem(err);
    if (place[0] != '/')
        st = ja_fail(err, JA_ERR_CONFIG, "invalid_store_url",
                     "[store] url: '%s' is not an absolute path", place);
    if (st == JA_OK && opts->create && !opts->read_only)
        st = create(place, err);
    if (st == JA_OK)
        st = ja_sqlite_resolve(place, &conn->path, err);
    if (st == JA_ERR_NOT_FOUND)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "no_store",
                     "%s does not exist: make it with 'authctl init'", place);
    if (st == JA_OK)
        st = check_files(conn->path, err);
    if (st == JA_OK)
        st = open_handle(conn, opts, err);
    if (st == JA_OK)
        *ret = conn;
    else
        ja_sqlite_close(conn);
    return st;
}

void ja_sqlite_close(void *conn)
{
    struct ja_sqlite *c = conn;

    if (!c)
        return;
    /* The last connection writes the log back and removes it: a store at rest is one file, and the next
     * login has no log to read. Leaving it (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE) saves two syncs a login,
     * next to a password hash a hundred times as long. */
    (void)sqlite3_finalize(c->stamp); /* accepts NULL */
    (void)sqlite3_finalize(c->begin_read);
    (void)sqlite3_finalize(c->begin_write);
    (void)sqlite3_finalize(c->commit);
    (void)sqlite3_close_v2(c->db); /* accepts NULL */
    free(c->path);
    free(c);
}
