/* Migrations, checks, backup and restore. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/db/migrate.h"
#include "tests/support/temp_db.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ja_temp_db t;

static int setup(void **state)
{
    ja_temp_db_init(&t);
    *state = &t;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ja_temp_db_remove(&t);
    return 0;
}

#define OK(call) assert_int_equal((call), JA_OK)

static const char *in_dir(const char *name)
{
    static char path[2][128];
    static int turn;

    turn = !turn;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", t.dir, name);
    return path[turn];
}

static void refused(enum ja_status want, const char *code, const char *text)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};
    enum ja_status st = ja_temp_db_try(&t, &db, &err);

    if (st != want || strcmp(err.code, code) != 0 || !strstr(err.message, text))
        fail_msg("%d %s (%s) instead of %d %s with '%s'", st, err.code, err.message, want, code, text);
    assert_null(db);
}

/* About 2 MiB: several steps of a backup. */
static void fill(struct ja_db *db)
{
    static char big[2000];
    char name[2020];
    struct ja_error err = {0};

    memset(big, 'x', sizeof big - 1);
    OK(ja_db_begin(db, &err));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "%04d%s", i, big);
        OK(ja_db_exec(db, "INSERT INTO counters (name, value) VALUES ($1, $2)", JA_BINDS(JA_T(name), JA_I(i)), NULL,
                      &err));
    }
    OK(ja_db_commit(db, &err));
}

static void overwrite(const char *path, off_t at, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, len, at), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

/* ---- schema ---- */

static void migrating_twice_changes_nothing(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    int applied = -1, version = 0;

    (void)state;
    OK(ja_temp_db_add(db, "x", 1, &err));
    OK(ja_migrate(db, 1780000001, &applied, &err));
    assert_int_equal(applied, 0);
    OK(ja_schema_version(db, &version, &err));
    assert_int_equal(version, ja_schema_version_built());
    assert_true(version >= 1);
    assert_int_equal(ja_temp_db_value(db, "x"), 1);
    ja_db_close(db);
}

static void an_empty_store_wants_migrate(void **state)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};
    int applied = 0, version = -1;

    (void)state;
    assert_int_equal(truncate(t.path, 0), 0);
    refused(JA_ERR_VERSION, "schema_older", "authctl db migrate");
    OK(ja_db_open(&(struct ja_db_options){.url = t.url, .any_schema = true}, &db, &err));
    OK(ja_schema_version(db, &version, &err));
    assert_int_equal(version, 0);
    OK(ja_migrate(db, 1, &applied, &err));
    assert_int_equal(applied, ja_schema_version_built());
    ja_db_close(db);
    ja_db_close(ja_temp_db_open(&t, 0));
}

static void a_newer_store_is_refused_naming_both_versions(void **state)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};
    char built[32];
    int version = 0;

    (void)state;
    ja_temp_db_raw(t.path, "INSERT INTO schema_migrations VALUES (77, '0077_later', 'x', 1)");
    refused(JA_ERR_VERSION, "schema_newer", "version 77");
    (void)snprintf(built, sizeof built, "knows %d", ja_schema_version_built());
    refused(JA_ERR_VERSION, "schema_newer", built);
    OK(ja_db_open(&(struct ja_db_options){.url = t.url, .any_schema = true}, &db, &err));
    OK(ja_schema_version(db, &version, &err));
    assert_int_equal(version, 77);
    assert_int_equal(ja_migrate(db, 1, NULL, &err), JA_ERR_VERSION);
    ja_db_close(db);
}

static void a_changed_migration_is_refused_by_name(void **state)
{
    (void)state;
    ja_temp_db_raw(t.path, "UPDATE schema_migrations SET checksum = 'f' || substr(checksum, 2) WHERE "
                   "substr(checksum, 1, 1) <> 'f' AND version = 1");
    ja_temp_db_raw(t.path, "UPDATE schema_migrations SET checksum = '0' || substr(checksum, 2) WHERE "
                   "substr(checksum, 1, 1) = 'f' AND version = 1");
    refused(JA_ERR_CORRUPT, "schema_differs", "0001_initial");
}

static void a_lost_record_is_refused(void **state)
{
    (void)state;
    ja_temp_db_raw(t.path, "DELETE FROM schema_migrations WHERE version > 1; "
                   "UPDATE schema_migrations SET version = 0");
    refused(JA_ERR_VERSION, "schema_older", "version 0");
    ja_temp_db_raw(t.path, "UPDATE schema_migrations SET version = -3");
    refused(JA_ERR_CORRUPT, "schema_differs", "no sensible");
}

/* SECURITY, CVE-2025-6965, CVE-2023-7104, CVE-2025-7458, CVE-2022-35737: what a crafted database brings along must not run. */
static void cve_2025_6965_foreign_triggers_and_views_are_refused(void **state)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    (void)state;
    ja_temp_db_raw(t.path, "CREATE TRIGGER sneak AFTER INSERT ON counters BEGIN DELETE FROM audit_log; END");
    refused(JA_ERR_CORRUPT, "foreign_trigger", "'sneak'");
    OK(ja_db_open(&(struct ja_db_options){.url = t.url, .any_schema = true}, &db, &err));
    assert_int_equal(ja_migrate(db, 1, NULL, &err), JA_ERR_CORRUPT);
    ja_db_close(db);
    ja_temp_db_raw(t.path, "DROP TRIGGER sneak; CREATE VIEW v AS SELECT * FROM users");
    refused(JA_ERR_CORRUPT, "foreign_trigger", "'v'");
    ja_temp_db_raw(t.path, "DROP VIEW v");
    ja_db_close(ja_temp_db_open(&t, 0));
}

/* A trigger that comes while the store is open stays silent. */
static void triggers_do_not_fire(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 5);
    struct ja_error err = {0};

    (void)state;
    ja_temp_db_raw(t.path, "CREATE TRIGGER sneak AFTER INSERT ON counters BEGIN "
                   "UPDATE counters SET value = 666; END");
    OK(ja_temp_db_add(db, "x", 1, &err));
    assert_int_equal(ja_temp_db_value(db, "x"), 1);
    ja_db_close(db);
}

/* ---- check ---- */

static void check_finds(const char *text)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    char problem[256] = "";
    enum ja_status st = ja_db_check(db, problem, sizeof problem, &err);

    if (st != JA_ERR_CORRUPT || !strstr(problem, text))
        fail_msg("%d '%s' instead of '%s'", st, problem, text);
    ja_db_close(db);
}

static void check_passes_a_sound_store(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    char problem[256] = "x";

    (void)state;
    fill(db);
    OK(ja_db_check(db, problem, sizeof problem, &err));
    assert_string_equal(problem, "");
    OK(ja_db_check(db, NULL, 0, &err));
    ja_temp_db_raw(t.path, "ANALYZE");
    OK(ja_db_check(db, problem, sizeof problem, &err));
    ja_db_close(db);
}

static void check_finds_changes_of_the_schema(void **state)
{
    (void)state;
    ja_temp_db_raw(t.path, "DROP INDEX users_email");
    check_finds("users_email");
    ja_temp_db_raw(t.path, "CREATE INDEX users_email ON users (email_key)"); /* no longer UNIQUE */
    check_finds("users_email");
    ja_temp_db_raw(t.path, "DROP INDEX users_email; CREATE UNIQUE INDEX users_email ON users (email_key) "
                   "WHERE deleted_at IS NULL; CREATE TABLE zzz (a TEXT)");
    check_finds("zzz");
    ja_temp_db_raw(t.path, "DROP TABLE zzz; ALTER TABLE totp ADD COLUMN extra TEXT");
    check_finds("totp");
}

static void check_finds_orphans(void **state)
{
    (void)state;
    ja_temp_db_raw(t.path, "PRAGMA foreign_keys = OFF; INSERT INTO known_sources VALUES ('gone', 'n', 1, 1)");
    check_finds("known_sources");
}

static void damaged_pages_are_found(void **state)
{
    static unsigned char noise[4096];
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    struct stat sb;
    char problem[256];
    enum ja_status st;

    (void)state;
    fill(db);
    ja_db_close(db);
    assert_int_equal(stat(t.path, &sb), 0);
    memset(noise, 0xa5, sizeof noise);
    for (off_t page = 200; page < 260; page++)
        overwrite(t.path, page * 4096, noise, sizeof noise);
    db = NULL;
    st = ja_temp_db_try(&t, &db, &err);
    if (st == JA_OK)
        st = ja_db_check(db, problem, sizeof problem, &err);
    assert_int_equal(st, JA_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "authctl db restore"));
    assert_non_null(strstr(err.message, t.path));
    ja_db_close(db);
}

static void a_truncated_store_is_found(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    enum ja_status st;

    (void)state;
    fill(db);
    ja_db_close(db);
    assert_int_equal(truncate(t.path, 300 * 4096 + 17), 0);
    db = NULL;
    st = ja_temp_db_try(&t, &db, &err);
    if (st == JA_OK)
        st = ja_db_check(db, NULL, 0, &err);
    assert_int_equal(st, JA_ERR_CORRUPT);
    ja_db_close(db);
}

/* ---- backup ---- */

static void count_calls(void *arg, int64_t done, int64_t total)
{
    int *calls = arg;

    assert_true(done >= 0 && done <= total && total > 0);
    (*calls)++;
}

static struct ja_db *open_copy(const char *path)
{
    char url[160];
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    (void)snprintf(url, sizeof url, "sqlite:%s", path);
    OK(ja_db_open(&(struct ja_db_options){.url = url}, &db, &err));
    OK(ja_db_check(db, NULL, 0, &err));
    return db;
}

static void a_backup_is_one_private_file(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0), *copy;
    struct ja_error err = {0};
    char name[140];
    struct stat sb;
    int calls = 0;
    unsigned char version = 0;
    mode_t old;
    int fd;

    (void)state;
    fill(db);
    OK(ja_temp_db_add(db, "x", 7, &err));
    old = umask(0777);
    OK(ja_db_backup(db, in_dir("copy.db"), count_calls, &calls, &err));
    (void)umask(old);
    assert_true(calls > 1);
    assert_int_equal(stat(in_dir("copy.db"), &sb), 0);
    assert_int_equal(sb.st_mode & 07777, 0600);
    /* https://www.sqlite.org/fileformat.html: byte 18 is 2 for a file that wants a log beside it */
    fd = open(in_dir("copy.db"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, &version, 1, 18), 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(version, 1);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", in_dir("copy.db"), (const char *[]){"-wal", "-shm", "-journal"}[i]);
        assert_int_equal(access(name, F_OK), -1);
    }
    copy = open_copy(in_dir("copy.db"));
    assert_int_equal(ja_temp_db_value(copy, "x"), 7);
    ja_db_close(copy);
    /* the store goes on */
    OK(ja_temp_db_add(db, "x", 1, &err));
    ja_db_close(db);
}

/* Each step of the copy meets a login that writes two rows together. */
static void write_meanwhile(void *arg, int64_t done, int64_t total)
{
    struct ja_error err = {0};

    (void)done, (void)total;
    OK(ja_db_begin(arg, &err));
    OK(ja_db_exec(arg, "UPDATE counters SET value = value + 1 WHERE name = 'a'", JA_NO_BINDS, NULL, &err));
    OK(ja_db_exec(arg, "UPDATE counters SET value = value - 1 WHERE name = 'b'", JA_NO_BINDS, NULL, &err));
    OK(ja_db_commit(arg, &err));
}

static void a_backup_is_one_moment_while_logins_go_on(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0), *other = ja_temp_db_open(&t, 0), *copy;
    struct ja_error err = {0};

    (void)state;
    fill(db);
    OK(ja_temp_db_add(db, "a", 100, &err));
    OK(ja_temp_db_add(db, "b", -100, &err));
    OK(ja_db_backup(db, in_dir("copy.db"), write_meanwhile, other, &err));
    assert_true(ja_temp_db_value(db, "a") > 101);
    copy = open_copy(in_dir("copy.db"));
    assert_int_equal(ja_temp_db_value(copy, "a"), 100);
    assert_int_equal(ja_temp_db_value(copy, "b"), -100);
    ja_db_close(copy);
    ja_db_close(other);
    ja_db_close(db);
}

static void a_backup_replaces_and_follows_nothing(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    int fd = open(in_dir("there"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct stat sb;

    (void)state;
    assert_int_equal(write(fd, "keep", 4), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(symlink(in_dir("target"), in_dir("link")), 0);
    assert_int_equal(ja_db_backup(db, in_dir("there"), NULL, NULL, &err), JA_ERR_EXISTS);
    assert_int_equal(stat(in_dir("there"), &sb), 0);
    assert_int_equal(sb.st_size, 4);
    assert_int_equal(ja_db_backup(db, in_dir("link"), NULL, NULL, &err), JA_ERR_EXISTS);
    assert_int_equal(access(in_dir("target"), F_OK), -1);
    assert_int_equal(ja_db_backup(db, in_dir("no/such/folder"), NULL, NULL, &err), JA_ERR_NOT_FOUND);
    assert_int_equal(mkdir(in_dir("open"), 0700), 0);
    assert_int_equal(chmod(in_dir("open"), 0777), 0);
    assert_int_equal(ja_db_backup(db, in_dir("open/copy"), NULL, NULL, &err), JA_ERR_UNSAFE);
    assert_int_equal(access(in_dir("open/copy"), F_OK), -1);
    OK(ja_db_begin(db, &err));
    assert_int_equal(ja_db_backup(db, in_dir("copy"), NULL, NULL, &err), JA_ERR_INTERNAL);
    ja_db_rollback(db);
    ja_db_close(db);
}

static void a_backup_that_fails_leaves_nothing(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    struct rlimit old, small;
    enum ja_status st;

    (void)state;
    fill(db);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){.rlim_cur = 300000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    st = ja_db_backup(db, in_dir("copy.db"), NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_not_equal(st, JA_OK);
    assert_non_null(strstr(err.message, in_dir("copy.db")));
    assert_int_equal(access(in_dir("copy.db"), F_OK), -1);
    assert_int_equal(access(in_dir("copy.db-journal"), F_OK), -1);
    assert_int_equal(access(in_dir("copy.db-wal"), F_OK), -1);
    OK(ja_temp_db_add(db, "x", 1, &err));
    ja_db_close(db);
}

/* ---- restore ---- */

static void a_restore_reaches_open_connections(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0), *other = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};
    int calls = 0;

    (void)state;
    OK(ja_temp_db_add(db, "x", 1, &err));
    OK(ja_db_backup(db, in_dir("copy.db"), NULL, NULL, &err));
    OK(ja_temp_db_add(db, "x", 1, &err));
    OK(ja_temp_db_add(db, "later", 1, &err));
    fill(other);
    assert_int_equal(ja_temp_db_value(other, "x"), 2);
    OK(ja_db_restore(db, in_dir("copy.db"), count_calls, &calls, &err));
    assert_true(calls > 0);
    assert_int_equal(ja_temp_db_value(other, "x"), 1);
    assert_int_equal(ja_temp_db_value(other, "later"), -1);
    assert_int_equal(ja_temp_db_value(db, "x"), 1);
    OK(ja_temp_db_add(other, "x", 1, &err));
    assert_int_equal(ja_temp_db_value(db, "x"), 2);
    OK(ja_db_check(db, NULL, 0, &err));
    OK(ja_db_check(other, NULL, 0, &err));
    ja_db_close(other);
    ja_db_close(db);
    db = ja_temp_db_open(&t, 0);
    assert_int_equal(ja_temp_db_value(db, "x"), 2);
    ja_db_close(db);
}

/* A reader in the middle of its transaction keeps its moment. */
static void a_restore_leaves_a_running_reader_its_snapshot(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0), *reader = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};

    (void)state;
    OK(ja_db_backup(db, in_dir("copy.db"), NULL, NULL, &err));
    OK(ja_temp_db_add(db, "x", 1, &err));
    OK(ja_db_begin_read(reader, &err));
    assert_int_equal(ja_temp_db_value(reader, "x"), 1);
    OK(ja_db_restore(db, in_dir("copy.db"), NULL, NULL, &err));
    assert_int_equal(ja_temp_db_value(reader, "x"), 1);
    ja_db_rollback(reader);
    assert_int_equal(ja_temp_db_value(reader, "x"), -1);
    ja_db_close(reader);
    ja_db_close(db);
}

static void a_restore_waits_for_a_writer(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0), *writer = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};

    (void)state;
    OK(ja_db_backup(db, in_dir("copy.db"), NULL, NULL, &err));
    OK(ja_db_begin(writer, &err));
    assert_int_equal(ja_db_restore(db, in_dir("copy.db"), NULL, NULL, &err), JA_ERR_BUSY);
    OK(ja_db_exec(writer, "INSERT INTO counters (name, value) VALUES ('x', 1)", JA_NO_BINDS, NULL, &err));
    OK(ja_db_commit(writer, &err));
    assert_int_equal(ja_temp_db_value(db, "x"), 1);
    OK(ja_db_restore(db, in_dir("copy.db"), NULL, NULL, &err));
    assert_int_equal(ja_temp_db_value(writer, "x"), -1);
    ja_db_close(writer);
    ja_db_close(db);
}

static void restore_refuses(struct ja_db *db, const char *path, enum ja_status want, const char *text)
{
    struct ja_error err = {0};
    enum ja_status st = ja_db_restore(db, path, NULL, NULL, &err);

    if (st != want || !strstr(err.message, text))
        fail_msg("%s: %d (%s) instead of %d with '%s'", path, st, err.message, want, text);
    assert_int_equal(ja_temp_db_value(db, "x"), 1);
    OK(ja_temp_db_add(db, "writable", 1, &err));
    OK(ja_db_check(db, NULL, 0, &err));
}

static void a_bad_backup_leaves_the_store_as_it_is(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    static unsigned char noise[4096 * 8];
    struct ja_error err = {0};
    int fd;

    (void)state;
    memset(noise, 0xa5, sizeof noise);
    fill(db);
    for (int i = 0; i < 7; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "b%d", i);
        OK(ja_db_backup(db, in_dir(name), NULL, NULL, &err));
    }
    OK(ja_temp_db_add(db, "x", 1, &err));

    restore_refuses(db, in_dir("none"), JA_ERR_NOT_FOUND, "none");
    overwrite(in_dir("b0"), 100 * 4096, noise, sizeof noise);
    restore_refuses(db, in_dir("b0"), JA_ERR_CORRUPT, "left as it is");
    assert_int_equal(truncate(in_dir("b1"), 100 * 4096), 0);
    restore_refuses(db, in_dir("b1"), JA_ERR_CORRUPT, "left as it is");
    overwrite(in_dir("b2"), 0, noise, 100);
    restore_refuses(db, in_dir("b2"), JA_ERR_CORRUPT, "left as it is");
    ja_temp_db_raw(in_dir("b3"), "INSERT INTO schema_migrations VALUES (77, 'later', 'x', 1)");
    restore_refuses(db, in_dir("b3"), JA_ERR_VERSION, "77");
    ja_temp_db_raw(in_dir("b4"), "CREATE TRIGGER sneak AFTER INSERT ON counters BEGIN SELECT 1; END");
    restore_refuses(db, in_dir("b4"), JA_ERR_CORRUPT, "sneak");
    assert_int_equal(chmod(in_dir("b5"), 0644), 0);
    restore_refuses(db, in_dir("b5"), JA_ERR_UNSAFE, "chmod 0600");
    assert_int_equal(chmod(in_dir("b5"), 0600), 0);
    fd = open(in_dir("b5-wal"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(close(fd), 0);
    restore_refuses(db, in_dir("b5"), JA_ERR_CONFLICT, "b5-wal");
    ja_temp_db_raw(in_dir("b6"), "DROP INDEX users_username");
    restore_refuses(db, in_dir("b6"), JA_ERR_CORRUPT, "users_username");
    fd = open(in_dir("empty"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(close(fd), 0);
    restore_refuses(db, in_dir("empty"), JA_ERR_VERSION, "version 0");
    assert_int_equal(symlink(in_dir("b1"), in_dir("link")), 0);
    restore_refuses(db, in_dir("link"), JA_ERR_UNSAFE, "link");
    ja_db_close(db);
}

/* The advice for a damaged store is to restore a backup: then that must work, whatever the damage. */
static void a_damaged_store_can_be_restored(void **state)
{
    static unsigned char noise[4096 * 400];
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};

    (void)state;
    memset(noise, 0xa5, sizeof noise);
    fill(db);
    OK(ja_temp_db_add(db, "x", 1, &err));
    OK(ja_db_backup(db, in_dir("copy.db"), NULL, NULL, &err));
    ja_db_close(db);
    for (int damage = 0; damage < 6; damage++) {
        switch (damage) {
        case 0: overwrite(t.path, 0, noise, 100); break;              /* the header */
        case 1: overwrite(t.path, 0, noise, sizeof noise); break;     /* most of it */
        case 2: overwrite(t.path, 100, noise, 4096 * 10); break;      /* the schema */
        case 3: assert_int_equal(truncate(t.path, 4096 * 3 + 9), 0); break;
        case 4: assert_int_equal(truncate(t.path, 0), 0); break;
        case 5: assert_int_equal(truncate(t.path, 17), 0); break;
        }
        db = NULL;
        OK(ja_db_open(&(struct ja_db_options){.url = t.url, .damaged = true}, &db, &err));
        if (ja_db_restore(db, in_dir("copy.db"), NULL, NULL, &err) != JA_OK)
            fail_msg("damage %d: %s", damage, err.message);
        ja_db_close(db);
        db = ja_temp_db_open(&t, 0);
        OK(ja_db_check(db, NULL, 0, &err));
        assert_int_equal(ja_temp_db_value(db, "x"), 1);
        OK(ja_temp_db_add(db, "y", 1, &err));
        ja_db_close(db);
    }
}

static void odd_names_are_taken_as_they_are(void **state)
{
    const char *const names[] = {"a b%41?mode=ro#x.db", "\xc3\xa9&immutable=0", "file:x"};
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};

    (void)state;
    OK(ja_temp_db_add(db, "x", 1, &err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        OK(ja_db_backup(db, in_dir(names[i]), NULL, NULL, &err));
        assert_int_equal(access(in_dir(names[i]), F_OK), 0);
        OK(ja_temp_db_add(db, "x", 1, &err));
        OK(ja_db_restore(db, in_dir(names[i]), NULL, NULL, &err));
        assert_int_equal(ja_temp_db_value(db, "x"), 1);
    }
    ja_db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(migrating_twice_changes_nothing),
        T(an_empty_store_wants_migrate),
        T(a_newer_store_is_refused_naming_both_versions),
        T(a_changed_migration_is_refused_by_name),
        T(a_lost_record_is_refused),
        T(cve_2025_6965_foreign_triggers_and_views_are_refused),
        T(triggers_do_not_fire),
        T(check_passes_a_sound_store),
        T(check_finds_changes_of_the_schema),
        T(check_finds_orphans),
        T(damaged_pages_are_found),
        T(a_truncated_store_is_found),
        T(a_backup_is_one_private_file),
        T(a_backup_is_one_moment_while_logins_go_on),
        T(a_backup_that_fails_leaves_nothing),
        T(a_backup_replaces_and_follows_nothing),
        T(a_restore_reaches_open_connections),
        T(a_restore_leaves_a_running_reader_its_snapshot),
        T(a_restore_waits_for_a_writer),
        T(a_bad_backup_leaves_the_store_as_it_is),
        T(a_damaged_store_can_be_restored),
        T(odd_names_are_taken_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
