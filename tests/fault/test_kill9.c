/* kill -9 at any moment: nothing that was acknowledged is lost, nothing is there by half.
 *
 * The moments come from a seed (JA_SEED, printed); what is demanded holds for every one of them, so that no
 * outcome depends on timing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/db/migrate.h"
#include "tests/support/temp_db.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITERS 20
#define ROUNDS 10
#define ROWS_MAX 100000

static struct ja_temp_db t;
static uint64_t seed = 20260102;

/* xorshift64: the same moments for the same seed everywhere */
static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

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

static void pause_us(unsigned us)
{
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

    while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
        continue;
}

static pid_t spawn(void (*fn)(void *arg), void *arg)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fn(arg);
        _exit(1); /* they run until they are killed */
    }
    return pid;
}

/* Ends it and demands that it had not ended by itself, which would be a failure of its own. */
static void kill_one(pid_t pid)
{
    int status = 0;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("a process ended by itself (status %d)", status);
}

static void sound(void)
{
    struct ja_db *db = ja_temp_db_open(&t, 5);
    struct ja_error err = {0};
    char problem[256] = "";

    if (ja_db_check(db, problem, sizeof problem, &err) != JA_OK)
        fail_msg("%s: %s", problem, err.message);
    ja_db_close(db);
}

/* ---- writers ---- */

struct writer { int round, number, fd; pid_t pid; };

static enum ja_status write_pair(struct ja_db *db, const char *a, const char *b)
{
    struct ja_error err = {0};
    enum ja_status st = ja_db_begin(db, &err);

    if (st == JA_OK)
        st = ja_db_exec(db, "INSERT INTO counters (name, value) VALUES ($1, 1)", JA_BINDS(JA_T(a)), NULL, &err);
    if (st == JA_OK)
        st = ja_db_exec(db, "INSERT INTO counters (name, value) VALUES ($1, 1)", JA_BINDS(JA_T(b)), NULL, &err);
    if (st == JA_OK)
        st = ja_db_commit(db, &err);
    ja_db_rollback(db);
    if (st != JA_OK && st != JA_ERR_BUSY)
        (void)fprintf(stderr, "# writer: %s\n", err.message);
    return st;
}

/* Two rows in one transaction, then their number into the pipe. */
static void write_rows(void *arg)
{
    const struct writer *w = arg;
    struct ja_db *db = ja_temp_db_open(&t, 60);

    for (int n = 0; n < ROWS_MAX; n++) {
        char a[64], b[64];
        enum ja_status st;

        (void)snprintf(a, sizeof a, "a-%d-%d-%d", w->round, w->number, n);
        (void)snprintf(b, sizeof b, "b-%d-%d-%d", w->round, w->number, n);
        st = write_pair(db, a, b);
        if (st != JA_OK || write(w->fd, &n, sizeof n) != (ssize_t)sizeof n)
            return;
    }
}

/* The highest acknowledged number, -1 for none. The writers acknowledge in order. */
static int last_acknowledged(int fd)
{
    int n, last = -1;

    while (read(fd, &n, sizeof n) == (ssize_t)sizeof n) {
        assert_int_equal(n, last + 1);
        last = n;
    }
    assert_int_equal(close(fd), 0);
    return last;
}

/* Everything up to `last` is there; at most one more, which was committed but not told; pairs are whole. */
static void verify(const struct writer *w, int last)
{
    struct ja_db *db = ja_temp_db_open(&t, 5);

    for (int n = 0; n <= last + 2; n++) {
        char a[64], b[64];
        int64_t va, vb;

        (void)snprintf(a, sizeof a, "a-%d-%d-%d", w->round, w->number, n);
        (void)snprintf(b, sizeof b, "b-%d-%d-%d", w->round, w->number, n);
        va = ja_temp_db_value(db, a);
        vb = ja_temp_db_value(db, b);
        if (va != vb)
            fail_msg("%s is there by half", a);
        if (n <= last && va != 1)
            fail_msg("%s was acknowledged and is lost", a);
        if (n == last + 2 && va != -1)
            fail_msg("%s is there, but the one before it was not acknowledged", a);
    }
    ja_db_close(db);
}

static int one_round(int round)
{
    struct writer w[WRITERS];
    int last[WRITERS], rows = 0;

    for (int i = 0; i < WRITERS; i++) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        /* the pipe must not stop a writer: nobody reads until all are dead */
        (void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
        w[i] = (struct writer){.round = round, .number = i, .fd = fds[1]};
        w[i].pid = spawn(write_rows, &w[i]);
        assert_int_equal(close(fds[1]), 0);
        w[i].fd = fds[0];
    }
    pause_us(20000 + below(60000)); /* the first ones may be killed while they open the store */
    for (int i = 0; i < WRITERS; i++) {
        kill_one(w[i].pid);
        pause_us(below(8000));
    }
    for (int i = 0; i < WRITERS; i++)
        last[i] = last_acknowledged(w[i].fd);
    sound();
    for (int i = 0; i < WRITERS; i++) {
        verify(&w[i], last[i]);
        rows += last[i] + 1;
    }
    return rows;
}

/* 200 writers are killed in the middle of their work. */
static void kill9_loses_nothing_that_was_acknowledged(void **state)
{
    int rows = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        rows += one_round(round);
    print_message("# %d writers killed, %d transactions acknowledged\n", ROUNDS * WRITERS, rows);
    assert_true(rows > ROUNDS);
}

/* ---- migrate, backup, restore ---- */

static void migrate_forever(void *arg)
{
    struct ja_db *db = NULL;
    struct ja_error err = {0};

    (void)arg;
    if (ja_db_open(&(struct ja_db_options){.url = t.url, .busy_timeout = 5, .create = true, .any_schema = true}, &db,
                   &err) != JA_OK || ja_migrate(db, 1, NULL, &err) != JA_OK)
        _exit(2);
    for (;;)
        (void)pause();
}

/* Each step is there wholly or not at all, and the next run finishes the rest. */
static void kill9_leaves_no_half_migration(void **state)
{
    int none = 0, done = 0;

    (void)state;
    for (int i = 0; i < 60; i++) {
        struct ja_db *db = NULL;
        struct ja_error err = {0};
        int version = -1;

        (void)unlink(t.path);
        (void)unlink(in_dir("state/jwtauth.db-wal"));
        (void)unlink(in_dir("state/jwtauth.db-shm"));
        pid_t pid = spawn(migrate_forever, NULL);
        pause_us(below(20000));
        kill_one(pid);
        OK(ja_db_open(&(struct ja_db_options){.url = t.url, .busy_timeout = 5, .create = true, .any_schema = true},
                      &db, &err));
        OK(ja_schema_version(db, &version, &err));
        assert_true(version >= 0 && version <= ja_schema_version_built());
        if (version > 0)
            OK(ja_db_check(db, NULL, 0, &err)); /* the tables are those of that version, no more and no less */
        none += version == 0;
        done += version != 0;
        OK(ja_migrate(db, 2, NULL, &err));
        OK(ja_db_check(db, NULL, 0, &err));
        ja_db_close(db);
    }
    print_message("# killed %d times before, %d times after it was done\n", none, done);
}

/* Two stores of about 1 MiB that differ in every row. */
static void make_backup(const char *name, int64_t value)
{
    static char big[1000];
    char row[1020];
    struct ja_db *db = ja_temp_db_open(&t, 5);
    struct ja_error err = {0};

    memset(big, 'x', sizeof big - 1);
    OK(ja_db_begin(db, &err));
    OK(ja_db_exec(db, "DELETE FROM counters", JA_NO_BINDS, NULL, &err));
    for (int i = 0; i < 800; i++) {
        (void)snprintf(row, sizeof row, "%04d%s", i, big);
        OK(ja_db_exec(db, "INSERT INTO counters (name, value) VALUES ($1, $2)", JA_BINDS(JA_T(row), JA_I(value)), NULL,
                      &err));
    }
    OK(ja_db_commit(db, &err));
    OK(ja_db_backup(db, in_dir(name), NULL, NULL, &err));
    ja_db_close(db);
}

/* 800 rows with one and the same value: that value. */
static int64_t whole_value(void)
{
    struct ja_db *db = ja_temp_db_open(&t, 5);
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;
    int64_t value;

    OK(ja_db_query(db, "SELECT count(*) AS n, min(value) AS low, max(value) AS high FROM counters", JA_NO_BINDS,
                   &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    assert_int_equal(ja_col_int(rows, "n"), 800);
    assert_int_equal(ja_col_int(rows, "low"), ja_col_int(rows, "high"));
    value = ja_col_int(rows, "low");
    ja_rows_end(rows);
    ja_db_close(db);
    return value;
}

static void restore_forever(void *arg)
{
    struct ja_db *db = ja_temp_db_open(&t, 5);
    struct ja_error err = {0};

    (void)arg;
    for (int i = 0;; i++) {
        if (ja_db_restore(db, in_dir(i % 2 ? "one" : "two"), NULL, NULL, &err) != JA_OK)
            return;
    }
}

static void kill9_leaves_no_half_restore(void **state)
{
    int count[3] = {0};

    (void)state;
    make_backup("one", 1);
    make_backup("two", 2);
    for (int i = 0; i < 25; i++) {
        pid_t pid = spawn(restore_forever, NULL);
        int64_t value;

        pause_us(below(120000));
        kill_one(pid);
        sound();
        value = whole_value();
        assert_true(value == 1 || value == 2);
        count[value]++;
    }
    print_message("# the first %d times, the second %d times\n", count[1], count[2]);
}

static void backup_forever(void *arg)
{
    struct ja_db *db = ja_temp_db_open(&t, 5);
    struct ja_error err = {0};

    (void)arg;
    for (;;) {
        (void)unlink(in_dir("copy"));
        (void)unlink(in_dir("copy-journal"));
        (void)unlink(in_dir("copy-wal"));
        if (ja_db_backup(db, in_dir("copy"), NULL, NULL, &err) != JA_OK)
            return;
    }
}

/* What a killed backup left is either whole, or restore refuses it and leaves the store as it is. */
static void kill9_leaves_no_half_backup_that_passes(void **state)
{
    int whole = 0, refused = 0, none = 0;

    (void)state;
    make_backup("two", 2);
    make_backup("one", 1);
    for (int i = 0; i < 25; i++) {
        struct ja_db *db;
        struct ja_error err = {0};
        enum ja_status st;
        pid_t pid;

        db = ja_temp_db_open(&t, 5);
        OK(ja_db_restore(db, in_dir("one"), NULL, NULL, &err));
        ja_db_close(db);
        pid = spawn(backup_forever, NULL);
        pause_us(below(80000));
        kill_one(pid);
        db = ja_temp_db_open(&t, 5);
        OK(ja_db_restore(db, in_dir("two"), NULL, NULL, &err));
        st = ja_db_restore(db, in_dir("copy"), NULL, NULL, &err);
        ja_db_close(db);
        sound();
        assert_int_equal(whole_value(), st == JA_OK ? 1 : 2);
        whole += st == JA_OK;
        none += st == JA_ERR_NOT_FOUND;
        refused += st != JA_OK && st != JA_ERR_NOT_FOUND;
    }
    print_message("# %d whole, %d refused, %d not there\n", whole, refused, none);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(kill9_loses_nothing_that_was_acknowledged),
        T(kill9_leaves_no_half_migration),
        T(kill9_leaves_no_half_restore),
        T(kill9_leaves_no_half_backup_that_passes),
    };
    const char *given = getenv("JA_SEED");

    if (given && strtoull(given, NULL, 10) > 0)
        seed = strtoull(given, NULL, 10);
    print_message("# JA_SEED=%llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
