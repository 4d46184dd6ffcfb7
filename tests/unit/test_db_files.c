/* Which files the store is opened from, and how it makes them (SECURITY R22, F12, CVE-2016-6153). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/support/temp_db.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static const char *beside(const char *suffix)
{
    static char name[128];

    (void)snprintf(name, sizeof name, "%s%s", t.path, suffix);
    return name;
}

static const char *state_dir(void)
{
    static char name[96];

    (void)snprintf(name, sizeof name, "%s/state", t.dir);
    return name;
}

static mode_t mode_of(const char *path)
{
    struct stat sb;

    assert_int_equal(lstat(path, &sb), 0);
    return sb.st_mode & 07777;
}

/* It must be refused with this status, and the message must hold both texts. */
static void refused(enum ja_status want, const char *text, const char *text2)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};
    enum ja_status st = ja_temp_db_try(&t, &db, &err);

    if (st != want || !strstr(err.message, text) || !strstr(err.message, text2))
        fail_msg("%d (%s) instead of %d with '%s' and '%s'", st, err.message, want, text, text2);
    assert_null(db);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* F12: SQLite alone would make 0644 less the umask, and its companions copy that. */
static void f12_any_umask_gives_0600(void **state)
{
    const mode_t masks[] = {0, 077, 0777, 022};
    struct ja_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct ja_temp_db other;
        char name[128];
        struct ja_db *db;
        mode_t old = umask(masks[i]);

        ja_temp_db_init(&other);
        db = ja_temp_db_open(&other, 0);
        OK(ja_temp_db_add(db, "x", 1, &err));
        (void)umask(old);
        assert_int_equal(mode_of(other.path), 0600);
        (void)snprintf(name, sizeof name, "%s-wal", other.path);
        assert_int_equal(mode_of(name), 0600);
        (void)snprintf(name, sizeof name, "%s-shm", other.path);
        assert_int_equal(mode_of(name), 0600);
        (void)snprintf(name, sizeof name, "%s/state", other.dir);
        assert_int_equal(mode_of(name), 0700);
        ja_db_close(db);
        ja_temp_db_remove(&other);
    }
}

static void a_missing_store_is_not_made_by_the_way(void **state)
{
    (void)state;
    assert_int_equal(unlink(t.path), 0);
    refused(JA_ERR_NOT_FOUND, t.path, "authctl init");
    assert_int_equal(access(t.path, F_OK), -1);
    assert_int_equal(rmdir(state_dir()), 0);
    refused(JA_ERR_NOT_FOUND, t.path, "authctl init");
    assert_int_equal(access(state_dir(), F_OK), -1);
}

static void making_it_again_keeps_what_is_there(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0);
    struct ja_error err = {0};

    (void)state;
    OK(ja_temp_db_add(db, "x", 3, &err));
    ja_db_close(db);
    db = NULL;
    OK(ja_db_open(&(struct ja_db_options){.url = t.url, .create = true, .any_schema = true}, &db, &err));
    assert_int_equal(ja_temp_db_value(db, "x"), 3);
    ja_db_close(db);
}

static void r22_a_linked_database_is_refused(void **state)
{
    char real[128];

    (void)state;
    (void)snprintf(real, sizeof real, "%s/state/real.db", t.dir);
    assert_int_equal(rename(t.path, real), 0);
    assert_int_equal(symlink(real, t.path), 0);
    refused(JA_ERR_UNSAFE, t.path, "link");
    assert_int_equal(unlink(t.path), 0);
    assert_int_equal(symlink("/nonexistent/x", t.path), 0);
    refused(JA_ERR_UNSAFE, t.path, "link");
}

/* init, too: a planted link is neither followed nor its target made. */
static void r22_creating_follows_no_link(void **state)
{
    char target[128];
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    (void)state;
    (void)snprintf(target, sizeof target, "%s/state/target", t.dir);
    assert_int_equal(unlink(t.path), 0);
    assert_int_equal(symlink(target, t.path), 0);
    assert_int_equal(ja_db_open(&(struct ja_db_options){.url = t.url, .create = true, .any_schema = true}, &db,
                                &err), JA_ERR_UNSAFE);
    assert_int_equal(access(target, F_OK), -1);
}

/* The folder is resolved once; a link to it is the administrator's affair. */
static void r22_a_linked_folder_is_resolved(void **state)
{
    char real[96];
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    (void)state;
    (void)snprintf(real, sizeof real, "%s/elsewhere", t.dir);
    assert_int_equal(rename(state_dir(), real), 0);
    assert_int_equal(symlink(real, state_dir()), 0);
    OK(ja_temp_db_try(&t, &db, &err));
    ja_db_close(db);
    assert_int_equal(chmod(real, 0777), 0);
    refused(JA_ERR_UNSAFE, "elsewhere", "chmod");
}

static void r22_a_readable_database_is_refused(void **state)
{
    const mode_t modes[] = {0644, 0640, 0666, 0700, 0604};
    char mend[160];

    (void)state;
    (void)snprintf(mend, sizeof mend, "chmod 0600 '%s'", t.path);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(t.path, modes[i]), 0);
        refused(JA_ERR_UNSAFE, t.path, mend);
    }
    assert_int_equal(chmod(t.path, 0600), 0);
    ja_db_close(ja_temp_db_open(&t, 0));
}

static void r22_a_database_of_another_is_refused(void **state)
{
    char mend[160];

    (void)state;
    if (geteuid() != 0)
        skip();
    (void)snprintf(mend, sizeof mend, "chown root '%s'", t.path);
    assert_int_equal(chown(t.path, 12345, 12345), 0);
    refused(JA_ERR_UNSAFE, "12345", mend);
}

static void r22_a_folder_that_others_write_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(state_dir(), 0770), 0);
    refused(JA_ERR_UNSAFE, state_dir(), "chmod");
    assert_int_equal(chmod(state_dir(), 0700), 0);
    assert_int_equal(chmod(t.dir, 0777), 0); /* one above */
    refused(JA_ERR_UNSAFE, t.dir, "chmod");
    assert_int_equal(chmod(t.dir, 0755), 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(state_dir(), 12345, 12345), 0);
    refused(JA_ERR_UNSAFE, state_dir(), "chown root");
}

static void r22_the_companions_are_checked_too(void **state)
{
    const char *const suffixes[] = {"-wal", "-shm", "-journal"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *name = beside(suffixes[i]);

        write_text(name, "", 0644);
        refused(JA_ERR_UNSAFE, name, "chmod 0600");
        assert_int_equal(unlink(name), 0);
        assert_int_equal(symlink("/etc/passwd", name), 0);
        refused(JA_ERR_UNSAFE, name, "link");
        assert_int_equal(unlink(name), 0);
        assert_int_equal(mkfifo(name, 0600), 0);
        refused(JA_ERR_UNSAFE, name, "pipe");
        assert_int_equal(unlink(name), 0);
    }
    ja_db_close(ja_temp_db_open(&t, 0));
}

/* None of these may block: the test would hang. */
static void r22_only_a_regular_file(void **state)
{
    (void)state;
    assert_int_equal(unlink(t.path), 0);
    assert_int_equal(mkfifo(t.path, 0600), 0);
    refused(JA_ERR_UNSAFE, t.path, "pipe");
    assert_int_equal(unlink(t.path), 0);
    assert_int_equal(mkdir(t.path, 0700), 0);
    refused(JA_ERR_UNSAFE, t.path, "folder");
}

static void another_kind_of_file_is_corrupt(void **state)
{
    static char text[8192];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    write_text(t.path, text, 0600);
    refused(JA_ERR_CORRUPT, t.path, "authctl db restore");
    write_text(t.path, "SQLite format 3", 0600);
    refused(JA_ERR_CORRUPT, t.path, "authctl db restore");
    write_text(t.path, "", 0600); /* an empty file is an empty store */
    refused(JA_ERR_VERSION, "version 0", "authctl db migrate");
}

/* POSIX drops all locks of a process on a file when any descriptor on it is closed: the checks of a second
 * connection must not unlock the first one's. Another process tells. */
static void r22_checking_keeps_the_locks(void **state)
{
    struct ja_db *db = ja_temp_db_open(&t, 0), *again;
    struct ja_error err = {0};
    int status = 0;
    pid_t pid;

    (void)state;
    OK(ja_db_begin(db, &err));
    again = ja_temp_db_open(&t, 0);
    ja_db_close(again);
    assert_int_equal(chmod(t.path, 0644), 0);
    refused(JA_ERR_UNSAFE, t.path, "chmod");
    assert_int_equal(chmod(t.path, 0600), 0);
    pid = fork();
    if (pid == 0) {
        struct ja_db *own = NULL;
        enum ja_status st = ja_temp_db_try(&t, &own, &err);

        if (st == JA_OK)
            st = ja_db_begin(own, &err);
        _exit(st == JA_ERR_BUSY ? 42 : (int)st);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    ja_db_rollback(db);
    ja_db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(f12_any_umask_gives_0600),
        T(a_missing_store_is_not_made_by_the_way),
        T(making_it_again_keeps_what_is_there),
        T(r22_a_linked_database_is_refused),
        T(r22_creating_follows_no_link),
        T(r22_a_linked_folder_is_resolved),
        T(r22_a_readable_database_is_refused),
        T(r22_a_database_of_another_is_refused),
        T(r22_a_folder_that_others_write_is_refused),
        T(r22_the_companions_are_checked_too),
        T(r22_only_a_regular_file),
        T(another_kind_of_file_is_corrupt),
        T(r22_checking_keeps_the_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
