/* The audit log under attack: its head outside of the store, verify, folding, list, rotation. */
#include "common/domain/audit.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct notes {
    struct ja_test_store *t;
    char lines[16][256]; /* of priority LOG_NOTICE and worse */
    int n;
};
static struct notes notes;

static void keep_line(void *arg, int priority, const char *line)
{
    struct notes *k = arg;

    assert_true(priority <= LOG_NOTICE);
    if (k->n < 16)
        (void)snprintf(k->lines[k->n++], sizeof k->lines[0], "%s", line);
}

static int setup(void **state)
{
    struct ja_test_store *t = ja_test_store_new(NULL);

    notes = (struct notes){.t = t};
    t->ctx.log = (struct ja_log){keep_line, &notes, LOG_NOTICE};
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

#define SQL(ctx, text) \
    do { \
        assert_int_equal(ja_db_begin((ctx)->db, NULL), JA_OK); \
        assert_int_equal(ja_db_exec((ctx)->db, text, JA_NO_BINDS, NULL, NULL), JA_OK); \
        assert_int_equal(ja_db_commit((ctx)->db, NULL), JA_OK); \
    } while (0)

static int64_t count_(struct ja_rows *rows)
{
    bool row = false;
    int64_t n;

    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = row ? ja_col_int(rows, "n") : -1;
    ja_rows_end(rows);
    return n;
}
#define COUNT(ctx, ret, text) \
    do { \
        struct ja_rows *rows_ = NULL; \
        assert_int_equal(ja_db_query((ctx)->db, text, JA_NO_BINDS, &rows_, NULL), JA_OK); \
        (ret) = count_(rows_); \
    } while (0)

static int64_t rows_in(struct ja_ctx *ctx)
{
    int64_t n;

    COUNT(ctx, n, "SELECT COUNT(*) AS n FROM audit_log");
    return n;
}

static void event(struct ja_ctx *ctx, const char *action, const char *target, const char *outcome)
{
    const struct ja_audit_event ev = {.action = action, .target = target, .outcome = outcome};

    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_audit_write(ctx, &ev, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
}

static void events(struct ja_ctx *ctx, int n)
{
    for (int i = 0; i < n; i++)
        event(ctx, "login", "user:alice", "success");
}

static struct ja_audit_report inspect(struct ja_ctx *ctx, const struct ja_audit_check *check)
{
    static const struct ja_audit_check plain;
    struct ja_audit_report report = {0};
    struct ja_error err = {0};

    if (ja_audit_inspect(ctx, check ? check : &plain, &report, &err) != JA_OK)
        fail_msg("%s", err.message);
    return report;
}

static void expect(struct ja_ctx *ctx, const struct ja_audit_check *check, const char *reason, int64_t seq)
{
    struct ja_audit_report r = inspect(ctx, check);

    assert_string_equal(r.reason, reason);
    assert_int_equal(r.ok, reason[0] == 0);
    assert_int_equal(r.broken_seq, seq);
    assert_int_equal(r.message[0] == 0, r.ok);
}

static void path_of(const struct ja_test_store *t, const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", t->dir, name);
}

/* ---- R28: the head outside of the store ---- */

static void r28_the_head_follows_each_commit(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_audit_head head = {0};
    struct stat sb;
    char path[128];

    assert_int_equal(ja_audit_head_read(&t->ctx, &head, NULL), JA_ERR_NOT_FOUND);
    for (int i = 1; i <= 3; i++) {
        events(&t->ctx, 1);
        assert_int_equal(ja_audit_head_read(&t->ctx, &head, NULL), JA_OK);
        assert_int_equal(head.seq, i);
        assert_string_equal(head.hash, inspect(&t->ctx, NULL).hash);
    }
    path_of(t, "state/audit.head", path);
    assert_int_equal(lstat(path, &sb), 0);
    assert_int_equal(sb.st_mode, S_IFREG | 0600);
    assert_int_equal(sb.st_size, 86);
}

static void r28_what_is_rolled_back_is_no_head(void **state)
{
    struct ja_test_store *t = *state;
    const struct ja_audit_event ev = {.action = "login", .outcome = "denied"};
    struct ja_audit_head head = {0};

    events(&t->ctx, 1);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_audit_write(&t->ctx, &ev, NULL), JA_OK);
    ja_db_rollback(t->ctx.db);
    assert_int_equal(ja_audit_head_read(&t->ctx, &head, NULL), JA_OK);
    assert_int_equal(head.seq, 1);
    expect(&t->ctx, NULL, "", 0);
}

static void r28_rows_and_counter_cut_back_together_are_found_by_the_head(void **state)
{
    struct ja_test_store *t = *state;

    events(&t->ctx, 5);
    expect(&t->ctx, NULL, "", 0);
    SQL(&t->ctx, "DELETE FROM audit_log WHERE seq > 3");
    SQL(&t->ctx, "UPDATE counters SET value = 3 WHERE name = 'audit_seq'");
    expect(&t->ctx, NULL, "cut", 4);
}

/* The whole log gone, with its counter: as if nothing had ever happened. */
static void r28_a_log_that_was_emptied_with_its_counter_is_found(void **state)
{
    struct ja_test_store *t = *state;

    events(&t->ctx, 5);
    SQL(&t->ctx, "DELETE FROM audit_log");
    SQL(&t->ctx, "DELETE FROM counters WHERE name = 'audit_seq'");
    expect(&t->ctx, NULL, "cut", 1);
}

/* Cut back and grown again by other rows: the numbers fit, the hash of the log line does not. */
static void r28_a_log_written_anew_is_found_by_a_head_of_the_log(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_audit_check check = {0};

    events(&t->ctx, 5);
    assert_int_equal(ja_audit_head_read(&t->ctx, &check.head, NULL), JA_OK);
    expect(&t->ctx, &check, "", 0);
    SQL(&t->ctx, "DELETE FROM audit_log WHERE seq > 3");
    SQL(&t->ctx, "UPDATE counters SET value = 3 WHERE name = 'audit_seq'");
    t->clock.wall_ms += 1000;
    events(&t->ctx, 4);
    expect(&t->ctx, NULL, "", 0); /* the file is new as well */
    expect(&t->ctx, &check, "head", 5);
    check.head.seq = 99;
    expect(&t->ctx, &check, "cut", 8);
}

static void r28_each_64th_head_goes_to_the_log(void **state)
{
    struct ja_test_store *t = *state;
    char want[256];
    struct ja_audit_head head = {0};

    events(&t->ctx, 63);
    assert_int_equal(notes.n, 0);
    events(&t->ctx, 1);
    assert_int_equal(notes.n, 1);
    assert_int_equal(ja_audit_head_read(&t->ctx, &head, NULL), JA_OK);
    (void)snprintf(want, sizeof want, "audit head seq=64 hash=%s", head.hash);
    assert_string_equal(notes.lines[0], want);
    events(&t->ctx, 63);
    assert_int_equal(notes.n, 1);
    events(&t->ctx, 1);
    assert_int_equal(notes.n, 2);
    (void)inspect(&t->ctx, NULL); /* verify tells, too */
    assert_int_equal(notes.n, 3);
}

/* A 64th row that was rolled back is not told with a later one. */
static void r28_a_head_that_was_rolled_back_is_never_told(void **state)
{
    struct ja_test_store *t = *state;
    const struct ja_audit_event ev = {.action = "login", .outcome = "denied"};
    struct ja_ctx other;

    events(&t->ctx, 63);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_audit_write(&t->ctx, &ev, NULL), JA_OK);
    ja_db_rollback(t->ctx.db);
    ja_test_store_second(t, &other);
    events(&other, 1);
    ja_ctx_clear(&other);
    events(&t->ctx, 1);
    assert_int_equal(notes.n, 0);
}

/* No head file is no reason to keep people out; it is said once. */
static void r28_a_head_that_cannot_be_written_is_said_once(void **state)
{
    struct ja_test_store *t = *state;
    char path[128], victim[128];
    struct stat sb;

    path_of(t, "state/audit.head", path);
    path_of(t, "victim", victim);
    assert_int_equal(fclose(fopen(victim, "w")), 0);
    assert_int_equal(symlink(victim, path), 0);
    events(&t->ctx, 3);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.lines[0], "audit.head"));
    assert_int_equal(stat(victim, &sb), 0);
    assert_int_equal(sb.st_size, 0); /* not through the link */
    expect(&t->ctx, NULL, "head_unsafe", 0);
}

static void r28_a_head_that_others_can_write_is_neither_written_nor_believed(void **state)
{
    struct ja_test_store *t = *state;
    char path[128], second[128], text[200];
    FILE *f;

    path_of(t, "state/audit.head", path);
    path_of(t, "second", second);
    events(&t->ctx, 2);
    assert_int_equal(chmod(path, 0660), 0);
    events(&t->ctx, 1);
    assert_int_equal(notes.n, 1);
    expect(&t->ctx, NULL, "head_unsafe", 0);
    assert_int_equal(chmod(path, 0600), 0);
    expect(&t->ctx, NULL, "", 0); /* behind the store: harmless */
    assert_int_equal(chown(path, 65534, 65534), 0);
    expect(&t->ctx, NULL, "head_unsafe", 0);
    assert_int_equal(chown(path, 0, 0), 0);
    f = fopen(path, "r+");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    text[30] = text[30] == 'A' ? 'B' : 'A';
    rewind(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    expect(&t->ctx, NULL, "head", 2);
    assert_int_equal(truncate(path, 0), 0);
    expect(&t->ctx, NULL, "head_unsafe", 0);
    assert_int_equal(unlink(path), 0);
    expect(&t->ctx, NULL, "head_missing", 0);
    events(&t->ctx, 1);
    expect(&t->ctx, NULL, "", 0);
    (void)second;
}

static void r28_a_row_put_in_is_found(void **state)
{
    struct ja_test_store *t = *state;

    events(&t->ctx, 3);
    SQL(&t->ctx, "INSERT INTO audit_log (seq, time_ms, actor, action, outcome, prev_hash, hash) "
                 "SELECT 4, time_ms, actor, action, outcome, hash, hash FROM audit_log WHERE seq = 3");
    expect(&t->ctx, NULL, "changed", 4);
    SQL(&t->ctx, "DELETE FROM audit_log WHERE seq = 4");
    SQL(&t->ctx, "UPDATE counters SET value = 2 WHERE name = 'audit_seq'");
    expect(&t->ctx, NULL, "counter", 0);
}

static void heads_are_read_strictly(void **state)
{
    static const char *const bad[] = {"", ":", "1", "1:", ":AAAA", "-1:", "0:", " 1:", "1 :", "0x1:", "99999999999999999999:",
                                      "1.0:"};
    const char hash[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    struct ja_audit_head head = {0};
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "%s%s", bad[i], i >= 5 ? hash : "");
        assert_false(ja_audit_head_parse(text, &head));
    }
    (void)snprintf(text, sizeof text, "12:%s", hash);
    assert_true(ja_audit_head_parse(text, &head));
    assert_int_equal(head.seq, 12);
    assert_string_equal(head.hash, hash);
    (void)snprintf(text, sizeof text, "12:%sA", hash);
    assert_false(ja_audit_head_parse(text, &head));
}

/* ---- R28: repeated failures ---- */

static const struct ja_audit_event refused = {
    .action = "login", .target = "user:alice", .outcome = "denied", .reason = "throttled"};

static void fold(struct ja_ctx *ctx, const char *target, const char *network)
{
    struct ja_audit_event ev = refused;

    ev.target = target;
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_audit_fold(ctx, &ev, network, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
}

static void r28_a_thousand_refusals_are_two_rows(void **state)
{
    struct ja_test_store *t = *state;
    int64_t n;

    for (int i = 0; i < 1000; i++)
        fold(&t->ctx, "user:alice", "192.0.2.0/24");
    assert_int_equal(rows_in(&t->ctx), 1);
    ja_fake_clock_advance(&t->clock, t->ctx.cfg->throttle.login.seconds - 1);
    events(&t->ctx, 1);
    assert_int_equal(rows_in(&t->ctx), 2); /* the window is not over yet */
    ja_fake_clock_advance(&t->clock, 1);
    events(&t->ctx, 1);
    assert_int_equal(rows_in(&t->ctx), 4); /* first the counted one */
    COUNT(&t->ctx, n, "SELECT seq AS n FROM audit_log WHERE detail LIKE '{\"count\":999,\"first\":\"%\",\"last\":\"%\"}'"
                      " AND target = 'user:alice' AND reason = 'throttled' AND source = '192.0.2.0/24'");
    assert_int_equal(n, 3);
    COUNT(&t->ctx, n, "SELECT COUNT(*) AS n FROM audit_folds");
    assert_int_equal(n, 0);
    expect(&t->ctx, NULL, "", 0);
    fold(&t->ctx, "user:alice", "192.0.2.0/24"); /* another series */
    assert_int_equal(rows_in(&t->ctx), 5);
}

static void r28_an_event_that_stays_alone_is_one_row(void **state)
{
    struct ja_test_store *t = *state;

    fold(&t->ctx, "user:alice", "local");
    ja_fake_clock_advance(&t->clock, 10000);
    assert_int_equal(ja_audit_settle(&t->ctx, false, NULL), JA_OK);
    assert_int_equal(rows_in(&t->ctx), 1);
}

static void r28_series_are_told_apart(void **state)
{
    struct ja_test_store *t = *state;

    fold(&t->ctx, "user:alice", "192.0.2.0/24");
    fold(&t->ctx, "user:bob", "192.0.2.0/24");
    fold(&t->ctx, "user:alice", "198.51.100.0/24");
    fold(&t->ctx, NULL, "198.51.100.0/24");
    assert_int_equal(rows_in(&t->ctx), 4);
    fold(&t->ctx, "user:bob", "192.0.2.0/24");
    assert_int_equal(rows_in(&t->ctx), 4);
}

/* Killed between: what was counted is in the store. */
static void r28_counts_survive_a_killed_process(void **state)
{
    struct ja_test_store *t = *state;
    int64_t n;
    pid_t pid = fork();

    if (pid == 0) {
        struct ja_ctx ctx;

        ja_test_store_second(t, &ctx);
        for (int i = 0; i < 5; i++)
            fold(&ctx, "user:alice", "local");
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(ja_audit_settle(&t->ctx, true, NULL), JA_OK);
    COUNT(&t->ctx, n, "SELECT COUNT(*) AS n FROM audit_log WHERE detail LIKE '{\"count\":4,%'");
    assert_int_equal(n, 1);
    assert_int_equal(rows_in(&t->ctx), 2);
}

/* A flood of names and networks: the table and the log stay small. */
static void r28_series_are_bounded_in_number(void **state)
{
    struct ja_test_store *t = *state;
    char network[64];
    int64_t n;

    for (int i = 0; i < 400; i++) {
        (void)snprintf(network, sizeof network, "2001:db8:%x::/56", i);
        fold(&t->ctx, NULL, network);
    }
    COUNT(&t->ctx, n, "SELECT COUNT(*) AS n FROM audit_folds");
    assert_int_equal(n, 257);
    assert_int_equal(rows_in(&t->ctx), 257);
    COUNT(&t->ctx, n, "SELECT count AS n FROM audit_folds WHERE actor = 'many' AND source IS NULL");
    assert_int_equal(n, 143);
    assert_int_equal(ja_audit_settle(&t->ctx, true, NULL), JA_OK);
    assert_int_equal(rows_in(&t->ctx), 258);
    expect(&t->ctx, NULL, "", 0);
}

static void f_a_clock_set_back_a_year_delays_no_count(void **state)
{
    struct ja_test_store *t = *state;

    fold(&t->ctx, "user:alice", "local");
    fold(&t->ctx, "user:alice", "local");
    ja_fake_clock_advance(&t->clock, -365 * 86400);
    events(&t->ctx, 1);
    assert_int_equal(rows_in(&t->ctx), 3);
}

/* ---- list ---- */

struct seen {
    int64_t seq[1000];
    int n;
};

static enum ja_status see(void *arg, const struct ja_audit_row *row)
{
    struct seen *s = arg;

    s->seq[s->n++] = row->seq;
    return JA_OK;
}

static void lists(struct ja_ctx *ctx, const struct ja_audit_filter *f, const char *want)
{
    static struct seen s;
    char got[256] = "";
    size_t len = 0;

    s.n = 0;
    assert_int_equal(ja_audit_each(ctx, f, see, &s, NULL), JA_OK);
    for (int i = 0; i < s.n && len + 8 < sizeof got; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%lld", i ? " " : "", (long long)s.seq[i]);
    assert_string_equal(got, want);
}
#define LISTS(ctx, want, ...) lists((ctx), &(struct ja_audit_filter){__VA_ARGS__}, want)

static void filters_choose_rows(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx *ctx = &t->ctx;
    const int64_t t0 = JA_TEST_EPOCH;

    event(ctx, "user.add", "user:alice", "success"); /* 1 */
    ja_fake_clock_advance(&t->clock, 10);
    ctx->actor.name = "user:alice";
    ctx->actor.source = "192.0.2.7";
    event(ctx, "user.modify", "user:bob", "denied"); /* 2 */
    ja_fake_clock_advance(&t->clock, 10);
    ctx->actor.name = "pam";
    ctx->actor.source = "2001:db8::1";
    event(ctx, "login", "user:bob", "success"); /* 3 */
    ja_fake_clock_advance(&t->clock, -15);
    ctx->actor.source = "192.0.2.0/24";
    event(ctx, "login", "user:alice", "denied"); /* 4, at +5 */
    LISTS(ctx, "1 2 3 4", 0);
    LISTS(ctx, "1 2 4", .user = "user:alice");
    LISTS(ctx, "2", .actor = "user:alice");
    LISTS(ctx, "3 4", .action = "login");
    LISTS(ctx, "", .action = "logi");
    LISTS(ctx, "1 2", .action = "user.*");
    LISTS(ctx, "1 2 3 4", .action = "*");
    LISTS(ctx, "2 4", .outcome = "denied");
    LISTS(ctx, "2", .source = "192.0.2.7");
    LISTS(ctx, "2 4", .source = "192.0.2.0/24");
    LISTS(ctx, "2 4", .source = "192.0.0.0/16");
    LISTS(ctx, "3", .source = "2001:db8::/32");
    LISTS(ctx, "2 3 4", .since = t0 + 1);
    LISTS(ctx, "2 3", .since = t0 + 10);
    LISTS(ctx, "1 4", .until = t0 + 10);
    LISTS(ctx, "2", .since = t0 + 10, .until = t0 + 20);
    LISTS(ctx, "", .since = t0 + 100);
    LISTS(ctx, "", .until = t0);
    LISTS(ctx, "3 4", .after = 2);
    LISTS(ctx, "1 2", .limit = 2);
    LISTS(ctx, "4", .user = "user:alice", .outcome = "denied", .after = 2);
    assert_int_equal(ja_audit_each(ctx, &(struct ja_audit_filter){.source = "nowhere"}, see, NULL, NULL), JA_ERR_INVALID);
}

static void lists_go_on_over_batches(void **state)
{
    struct ja_test_store *t = *state;
    static struct seen s;

    for (int i = 0; i < 300; i++) {
        event(&t->ctx, "a", i % 2 ? "user:alice" : "user:bob", "success");
        event(&t->ctx, "b", "user:alice", "success");
    }
    const struct ja_audit_filter all[] = {{0}, {.user = "user:alice"}, {.action = "a"}, {.actor = "root"}, {.limit = 500}};
    const int want[] = {600, 450, 300, 600, 500};

    for (size_t i = 0; i < 5; i++) {
        s.n = 0;
        assert_int_equal(ja_audit_each(&t->ctx, &all[i], see, &s, NULL), JA_OK);
        assert_int_equal(s.n, want[i]);
        for (int k = 1; k < s.n; k++)
            assert_true(s.seq[k] > s.seq[k - 1]);
    }
}

/* ---- rotate ---- */

static struct ja_audit_rotation rotate(struct ja_test_store *t, const char *path, int64_t before)
{
    struct ja_audit_rotation r = {0};
    struct ja_error err = {0};

    if (ja_audit_rotate(&t->ctx, path, before, &r, &err) != JA_OK)
        fail_msg("%s", err.message);
    return r;
}

static void r28_rotation_keeps_the_chain(void **state)
{
    struct ja_test_store *t = *state;
    char one[128], two[128];
    const char *files[] = {one, two};
    struct ja_audit_rotation r;
    struct ja_audit_report report;
    struct stat sb;

    path_of(t, "one.jsonl", one);
    path_of(t, "two.jsonl", two);
    events(&t->ctx, 1200);
    ja_fake_clock_advance(&t->clock, 100);
    events(&t->ctx, 10);
    r = rotate(t, one, JA_TEST_EPOCH + 50);
    assert_int_equal(r.rows, 1200);
    assert_int_equal(r.first_seq, 1);
    assert_int_equal(r.last_seq, 1200);
    assert_int_equal(rows_in(&t->ctx), 11); /* and the rotation's own */
    assert_int_equal(lstat(one, &sb), 0);
    assert_int_equal(sb.st_mode, S_IFREG | 0600);
    expect(&t->ctx, NULL, "", 0);
    report = inspect(&t->ctx, &(struct ja_audit_check){.files = files, .nfiles = 1});
    assert_true(report.ok);
    assert_int_equal(report.rows, 1211);
    assert_int_equal(report.first_seq, 1);

    r = rotate(t, two, JA_TEST_EPOCH + 1000); /* everything, its own row stays */
    assert_int_equal(r.first_seq, 1201);
    assert_int_equal(r.last_seq, 1211);
    assert_int_equal(rows_in(&t->ctx), 1);
    events(&t->ctx, 1);
    report = inspect(&t->ctx, &(struct ja_audit_check){.files = files, .nfiles = 2});
    assert_true(report.ok);
    assert_int_equal(report.rows, 1213);
    expect(&t->ctx, &(struct ja_audit_check){.files = files + 1, .nfiles = 1}, "", 0);
    expect(&t->ctx, &(struct ja_audit_check){.files = files, .nfiles = 1}, "file", 1201); /* one is missing */
    files[0] = two, files[1] = one;
    expect(&t->ctx, &(struct ja_audit_check){.files = files, .nfiles = 2}, "file", 1212);
}

static void r28_nothing_old_enough_makes_no_file(void **state)
{
    struct ja_test_store *t = *state;
    char path[128];

    path_of(t, "one", path);
    events(&t->ctx, 3);
    assert_int_equal(rotate(t, path, JA_TEST_EPOCH).rows, 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rows_in(&t->ctx), 3);
}

static void r28_a_file_that_exists_is_never_overwritten(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_audit_rotation r = {0};
    char path[128], other[128];

    path_of(t, "one", path);
    path_of(t, "other", other);
    assert_int_equal(symlink(other, path), 0);
    events(&t->ctx, 3);
    assert_int_equal(ja_audit_rotate(&t->ctx, path, JA_TEST_EPOCH + 9, &r, NULL), JA_ERR_EXISTS);
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(rows_in(&t->ctx), 3);
}

static void r28_a_broken_chain_is_not_rotated_away(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_audit_rotation r = {0};
    struct ja_error err = {0};
    char path[128];

    path_of(t, "one", path);
    events(&t->ctx, 9);
    SQL(&t->ctx, "UPDATE audit_log SET actor = 'x' WHERE seq = 4");
    assert_int_equal(ja_audit_rotate(&t->ctx, path, JA_TEST_EPOCH + 9, &r, &err), JA_ERR_CORRUPT);
    assert_string_equal(err.code, "audit_broken");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rows_in(&t->ctx), 9);
}

static void r28_an_anchor_that_was_moved_or_changed_is_found(void **state)
{
    struct ja_test_store *t = *state;
    char path[128];

    path_of(t, "one", path);
    events(&t->ctx, 9);
    /* without a rotation: the first rows vanish and the anchor says that this is right */
    SQL(&t->ctx, "INSERT INTO audit_anchor (id, seq, hash, updated_at) SELECT 1, seq, hash, 1 FROM audit_log WHERE seq = 4");
    SQL(&t->ctx, "DELETE FROM audit_log WHERE seq <= 4");
    expect(&t->ctx, NULL, "anchor", 4);
    SQL(&t->ctx, "UPDATE audit_anchor SET hash = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'");
    expect(&t->ctx, NULL, "unlinked", 5);
    SQL(&t->ctx, "DELETE FROM audit_anchor");
    expect(&t->ctx, NULL, "missing", 1);
}

static void r28_an_anchor_moved_past_its_rotation_is_found(void **state)
{
    struct ja_test_store *t = *state;
    char path[128];

    path_of(t, "one", path);
    events(&t->ctx, 9);
    (void)rotate(t, path, JA_TEST_EPOCH + 9); /* row 10 */
    events(&t->ctx, 5);
    expect(&t->ctx, NULL, "", 0);
    SQL(&t->ctx, "UPDATE audit_anchor SET seq = 12, hash = (SELECT hash FROM audit_log WHERE seq = 12)");
    SQL(&t->ctx, "DELETE FROM audit_log WHERE seq <= 12");
    expect(&t->ctx, NULL, "anchor", 12);
}

static void edit_file(const char *path, const char *from, const char *to)
{
    char command[512];

    (void)snprintf(command, sizeof command, "%s.tmp", path);
    FILE *in = fopen(path, "r"), *out = fopen(command, "w");
    char *line = NULL;
    size_t room = 0;
    bool done = false;

    assert_true(in && out);
    while (getline(&line, &room, in) >= 0) {
        char *at = done ? NULL : strstr(line, from);

        if (!at) {
            (void)fputs(line, out);
            continue;
        }
        done = true;
        (void)fprintf(out, "%.*s%s%s", (int)(at - line), line, to, at + strlen(from));
    }
    free(line);
    assert_int_equal(fclose(in) + fclose(out), 0);
    assert_true(done);
    assert_int_equal(rename(command, path), 0);
}

static void r28_a_rotated_file_that_was_changed_is_found(void **state)
{
    static const struct { const char *from, *to, *reason; int64_t seq; } edits[] = {
        {"user:carol", "user:carla", "changed", 3},
        {"{\\\"count\\\":2,", "{\\\"count\\\":3,", "changed", 6},
        {"\"seq\":4,", "\"seq\":5,", "missing", 4},
        {"\"audit\":\"end\"", "\"audit\":\"ende\"", "file", 7},
        {"\"rows\":6", "\"rows\":7", "file", 7},
        {"\"after_seq\":0", "\"after_seq\":1", "missing", 2},
        {"\"after_seq\":0", "\"after_seq\":9223372036854775807", "file", 1}, /* found by fuzzing: it overflowed */
    };

    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct ja_test_store *t = ja_test_store_new(NULL);
        char path[128];
        const char *files[] = {path};

        path_of(t, "one", path);
        event(&t->ctx, "login", "user:alice", "success");
        event(&t->ctx, "login", "user:a\"\\\x1b\xc3\xa4\n", "success");
        event(&t->ctx, "login", "user:carol", "success");
        event(&t->ctx, "login", "user:\xff\xfe", "success");
        for (int n = 0; n < 3; n++)
            fold(&t->ctx, "user:alice", "local");
        assert_int_equal(ja_audit_settle(&t->ctx, true, NULL), JA_OK);
        assert_int_equal(rotate(t, path, JA_TEST_EPOCH + 9).rows, 6);
        expect(&t->ctx, &(struct ja_audit_check){.files = files, .nfiles = 1}, "", 0);
        edit_file(path, edits[i].from, edits[i].to);
        expect(&t->ctx, &(struct ja_audit_check){.files = files, .nfiles = 1}, edits[i].reason, edits[i].seq);
        ja_test_store_free(t);
    }
}

/* Ends the process at its n-th look at the clock: before the file, in the transaction that writes the row, and in each
 * of those that take rows out. */
static int64_t deadly_wall_ms(void *arg)
{
    int *left = arg;

    if (--*left == 0)
        (void)kill(getpid(), SIGKILL);
    return JA_TEST_EPOCH * 1000;
}

static bool rotate_and_die(struct ja_test_store *t, const char *path, int looks)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct ja_ctx ctx;
        struct ja_audit_rotation out;

        ja_test_store_second(t, &ctx);
        ctx.clock.wall_ms = deadly_wall_ms;
        ctx.clock.arg = &looks;
        _exit(ja_audit_rotate(&ctx, path, JA_TEST_EPOCH + 9, &out, NULL) == JA_OK ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || status == 0);
    return WIFSIGNALED(status);
}

static void r28_a_rotation_killed_at_any_moment_loses_nothing(void **state)
{
    bool killed = true;
    int copies = 0, resumed = 0;

    (void)state;
    for (int looks = 1; killed; looks++) {
        struct ja_test_store *t = ja_test_store_new(NULL);
        char one[128], two[128];
        const char *files[] = {one, two};
        struct ja_audit_check check = {.files = files, .nfiles = 2};
        struct ja_audit_rotation r;

        path_of(t, "one", one);
        path_of(t, "two", two);
        events(&t->ctx, 1200);
        killed = rotate_and_die(t, one, looks);
        expect(&t->ctx, NULL, "", 0); /* also half way */
        r = rotate(t, two, JA_TEST_EPOCH + 9);
        resumed += r.resumed ? 1 : 0;
        if (r.first_seq == 1) { /* killed before the log knew of the file: only a copy */
            assert_int_equal(rows_in(&t->ctx), 1);
            copies += access(one, F_OK) == 0 ? 1 : 0;
            check = (struct ja_audit_check){.files = files + 1, .nfiles = 1};
        } else {
            assert_int_equal(r.first_seq, 1201);
        }
        expect(&t->ctx, &check, "", 0);
        assert_int_equal(inspect(&t->ctx, &check).first_seq, 1);
        ja_test_store_free(t);
    }
    assert_true(copies > 0);
    assert_true(resumed > 1);
}

/* What is no UTF-8, or endless, is stored escaped and cut: it can be written out and checked again. */
static void cve_2023_28443_r27_hostile_texts_are_stored_so_that_they_can_be_read_back(void **state)
{
    struct ja_test_store *t = *state;
    char *big = malloc(65537);
    int64_t n;

    memset(big, '\n', 65536);
    big[65536] = 0;
    t->ctx.actor.source = big;
    t->ctx.actor.service = "sshd\xff\xfe";
    event(&t->ctx, "login", big, "denied");
    t->ctx.actor.source = t->ctx.actor.service = NULL;
    COUNT(&t->ctx, n, "SELECT MAX(LENGTH(target), LENGTH(source)) AS n FROM audit_log");
    assert_in_range(n, 200, 256);
    COUNT(&t->ctx, n, "SELECT COUNT(*) AS n FROM audit_log WHERE service = 'sshd\\xff\\xfe' AND target LIKE '\\x0a\\x0a%'");
    assert_int_equal(n, 1);
    expect(&t->ctx, NULL, "", 0);
    free(big);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(r28_the_head_follows_each_commit),
        T(r28_what_is_rolled_back_is_no_head),
        T(r28_rows_and_counter_cut_back_together_are_found_by_the_head),
        T(r28_a_log_that_was_emptied_with_its_counter_is_found),
        T(r28_a_log_written_anew_is_found_by_a_head_of_the_log),
        T(r28_each_64th_head_goes_to_the_log),
        T(r28_a_head_that_was_rolled_back_is_never_told),
        T(r28_a_head_that_cannot_be_written_is_said_once),
        T(r28_a_head_that_others_can_write_is_neither_written_nor_believed),
        T(r28_a_row_put_in_is_found),
        T(heads_are_read_strictly),
        T(r28_a_thousand_refusals_are_two_rows),
        T(r28_an_event_that_stays_alone_is_one_row),
        T(r28_series_are_told_apart),
        T(r28_counts_survive_a_killed_process),
        T(r28_series_are_bounded_in_number),
        T(f_a_clock_set_back_a_year_delays_no_count),
        T(filters_choose_rows),
        T(lists_go_on_over_batches),
        T(r28_rotation_keeps_the_chain),
        T(r28_nothing_old_enough_makes_no_file),
        T(r28_a_file_that_exists_is_never_overwritten),
        T(r28_a_broken_chain_is_not_rotated_away),
        T(r28_an_anchor_that_was_moved_or_changed_is_found),
        T(r28_an_anchor_moved_past_its_rotation_is_found),
        T(r28_a_rotated_file_that_was_changed_is_found),
        T(r28_a_rotation_killed_at_any_moment_loses_nothing),
        T(cve_2023_28443_r27_hostile_texts_are_stored_so_that_they_can_be_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
