/* The public snapshot and the module that reads it (R30): what is shown when, that nothing damaged is believed, that a
 * look-up costs the same among many. The module's own code is compiled in, with another folder. */
#include "common/base/nss_snapshot.h"
#include "common/domain/nss_export.h"
#include "common/domain/nss_image.h"
#include "common/domain/posix_id.h"
#include "common/domain/user.h"
#include "common/flow/account_flow.h"
#include "common/flow/role_flow.h"
#include "common/flow/store_flow.h"
#include "nss/nss_entry.h"
#include "tests/support/temp_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the module, on a file of the test's own ---- */

#define FOLDER "test_nss.tmp" /* JA_NSS_CACHEDIR of this program */
#define PATH FOLDER "/" JA_NSS_SNAPSHOT_NAME

static void put_file(const unsigned char *data, size_t len)
{
    int fd = open(PATH ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(PATH ".new", PATH), 0);
}

static void get_file(const char *path, unsigned char **ret, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat sb;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &sb), 0);
    *ret = malloc((size_t)sb.st_size);
    *ret_len = (size_t)sb.st_size;
    assert_int_equal(read(fd, *ret, *ret_len), *ret_len);
    assert_int_equal(close(fd), 0);
}

static enum nss_status by_name(const char *name, struct passwd *pw, char *buffer, size_t size)
{
    int e = 0;
    enum nss_status st = _nss_jwtauth_getpwnam_r(name, pw, buffer, size, &e);

    assert_int_equal(e, st == NSS_STATUS_SUCCESS ? 0 : st == NSS_STATUS_TRYAGAIN ? ERANGE : ENOENT);
    return st;
}

static enum nss_status group_by_name(const char *name, struct group *gr, char *buffer, size_t size)
{
    int e = 0;
    enum nss_status st = _nss_jwtauth_getgrnam_r(name, gr, buffer, size, &e);

    assert_int_equal(e, st == NSS_STATUS_SUCCESS ? 0 : st == NSS_STATUS_TRYAGAIN ? ERANGE : ENOENT);
    return st;
}

/* A few users and a group: alice and bob in `ops`, bob's time there ended long ago. */
static void put_small(void)
{
    struct ja_nss_image *m = ja_nss_image_new();
    const struct ja_nss_member members[] = {{"alice", 0, INT64_MAX}, {"bob", 0, 1}, {"zoe", 0, INT64_MAX}};
    const struct ja_nss_member alice[] = {{"alice", 900, INT64_MAX}, {"alice", 901, 1}, {"alice", 902, INT64_MAX}};
    const unsigned char *data = NULL;
    size_t len = 0;

    assert_non_null(m);
    assert_true(ja_nss_image_user(m, &(struct ja_nss_image_user){
        .name = "alice", .gecos = "Alice:0:0\nx", .home = "/home/alice", .shell = "/bin/sh", .uid = 5001, .gid = 5001,
        .groups = alice, .ngroups = 3}));
    assert_true(ja_nss_image_user(m, &(struct ja_nss_image_user){
        .name = "zoe", .gecos = "", .home = "/h", .shell = "/bin/sh", .uid = 5003, .gid = 900}));
    assert_true(ja_nss_image_user(m, &(struct ja_nss_image_user){
        .name = "bob", .home = "/home/bob", .shell = "/bin/sh", .uid = 5002, .gid = 5002, .local = true}));
    assert_true(ja_nss_image_group(m, "alice", 5001, NULL, 0));
    assert_true(ja_nss_image_group(m, "ops", 900, members, 3));
    assert_int_equal(ja_nss_image_finish(m, 7, 77, &data, &len, NULL), JA_OK);
    put_file(data, len);
    ja_nss_image_free(m);
}

static void it_answers_by_name_and_by_number(void **state)
{
    struct passwd pw;
    struct group gr;
    char buffer[512];
    int e = 0;

    (void)state;
    put_small();
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "alice");
    assert_string_equal(pw.pw_passwd, "*");
    assert_string_equal(pw.pw_gecos, "Alice 0 0 x"); /* no field, no line of its own (R27) */
    assert_string_equal(pw.pw_dir, "/home/alice");
    assert_string_equal(pw.pw_shell, "/bin/sh");
    assert_int_equal(pw.pw_uid, 5001);
    assert_int_equal(pw.pw_gid, 5001);
    assert_int_equal(_nss_jwtauth_getpwuid_r(5003, &pw, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "zoe");
    assert_int_equal(pw.pw_gid, 900);
    assert_int_equal(by_name("bob", &pw, buffer, sizeof buffer), NSS_STATUS_NOTFOUND); /* the local files' own */
    assert_int_equal(_nss_jwtauth_getpwuid_r(5002, &pw, buffer, sizeof buffer, &e), NSS_STATUS_NOTFOUND);
    assert_int_equal(by_name("alic", &pw, buffer, sizeof buffer), NSS_STATUS_NOTFOUND);
    assert_int_equal(by_name("", &pw, buffer, sizeof buffer), NSS_STATUS_NOTFOUND);
    assert_int_equal(_nss_jwtauth_getpwuid_r(0, &pw, buffer, sizeof buffer, &e), NSS_STATUS_NOTFOUND);
    assert_int_equal(group_by_name("ops", &gr, buffer, sizeof buffer), NSS_STATUS_SUCCESS);
    assert_int_equal(gr.gr_gid, 900);
    assert_string_equal(gr.gr_passwd, "*");
    assert_string_equal(gr.gr_mem[0], "alice");
    assert_string_equal(gr.gr_mem[1], "zoe");
    assert_null(gr.gr_mem[2]);
    assert_int_equal(_nss_jwtauth_getgrgid_r(5001, &gr, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(gr.gr_name, "alice");
    assert_null(gr.gr_mem[0]);
    assert_int_equal(group_by_name("bob", &gr, buffer, sizeof buffer), NSS_STATUS_NOTFOUND);
}

static void walks_meet_each_once(void **state)
{
    struct passwd pw;
    struct group gr;
    char buffer[512];
    int e = 0;

    (void)state;
    put_small();
    assert_int_equal(_nss_jwtauth_setpwent(0), NSS_STATUS_SUCCESS);
    assert_int_equal(_nss_jwtauth_getpwent_r(&pw, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "alice");
    assert_int_equal(_nss_jwtauth_getpwent_r(&pw, buffer, 3, &e), NSS_STATUS_TRYAGAIN);
    put_small(); /* another file by now: the walk goes on */
    assert_int_equal(_nss_jwtauth_getpwent_r(&pw, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "zoe");
    assert_int_equal(_nss_jwtauth_getpwent_r(&pw, buffer, sizeof buffer, &e), NSS_STATUS_NOTFOUND);
    assert_int_equal(_nss_jwtauth_endpwent(), NSS_STATUS_SUCCESS);
    assert_int_equal(_nss_jwtauth_getpwent_r(&pw, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "alice");
    assert_int_equal(_nss_jwtauth_setgrent(0), NSS_STATUS_SUCCESS);
    assert_int_equal(_nss_jwtauth_getgrent_r(&gr, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(gr.gr_name, "ops");
    assert_int_equal(_nss_jwtauth_getgrent_r(&gr, buffer, sizeof buffer, &e), NSS_STATUS_SUCCESS);
    assert_string_equal(gr.gr_name, "alice");
    assert_int_equal(_nss_jwtauth_getgrent_r(&gr, buffer, sizeof buffer, &e), NSS_STATUS_NOTFOUND);
    assert_int_equal(_nss_jwtauth_endgrent(), NSS_STATUS_SUCCESS);
}

/* Local root is in /etc/passwd and none of ours; alice is not there. */
static void a_login_gets_the_groups_of_now(void **state)
{
    long start = 1, size = 2;
    gid_t *groups = calloc(2, sizeof *groups);
    int e = 0;

    (void)state;
    put_small();
    groups[0] = 5001;
    assert_int_equal(_nss_jwtauth_initgroups_dyn("alice", 5001, &start, &size, &groups, -1, &e), NSS_STATUS_SUCCESS);
    assert_int_equal(start, 3);
    assert_int_equal(groups[1], 900);
    assert_int_equal(groups[2], 902);
    assert_int_equal(_nss_jwtauth_initgroups_dyn("alice", 5001, &start, &size, &groups, -1, &e), NSS_STATUS_SUCCESS);
    assert_int_equal(start, 3); /* each once */
    start = 1;
    assert_int_equal(_nss_jwtauth_initgroups_dyn("alice", 5001, &start, &size, &groups, 2, &e), NSS_STATUS_SUCCESS);
    assert_int_equal(start, 2);
    /* said to be local, and is not there: nobody's groups */
    assert_int_equal(_nss_jwtauth_initgroups_dyn("bob", 1, &start, &size, &groups, -1, &e), NSS_STATUS_NOTFOUND);
    assert_int_equal(_nss_jwtauth_initgroups_dyn("root", 0, &start, &size, &groups, -1, &e), NSS_STATUS_NOTFOUND);
    assert_int_equal(start, 2);
    free(groups);
}

/* CVE-2015-7510, CVE-2024-33602, R30: every size of the buffer, exactly allocated so that a sanitizer sees a byte too many. */
static void a_small_buffer_is_erange(void **state)
{
    struct passwd pw;
    struct group gr;
    bool fits = false, group_fits = false;

    (void)state;
    put_small();
    for (size_t size = 0; size <= 300; size++) {
        char *buffer = malloc(size + 1);
        enum nss_status st;

        buffer[size] = '!';
        st = by_name("alice", &pw, buffer, size);
        assert_int_equal(st, fits ? NSS_STATUS_SUCCESS : st);
        fits = st == NSS_STATUS_SUCCESS;
        assert_true(fits || st == NSS_STATUS_TRYAGAIN);
        if (fits) {
            assert_true(pw.pw_name >= buffer && pw.pw_shell + strlen(pw.pw_shell) < buffer + size);
            assert_string_equal(pw.pw_shell, "/bin/sh");
        }
        st = group_by_name("ops", &gr, buffer, size);
        assert_int_equal(st, group_fits ? NSS_STATUS_SUCCESS : st);
        group_fits = st == NSS_STATUS_SUCCESS;
        assert_true(group_fits || st == NSS_STATUS_TRYAGAIN);
        if (group_fits) {
            assert_string_equal(gr.gr_mem[1], "zoe");
            assert_true((char *)(gr.gr_mem + 3) <= buffer + size && gr.gr_mem[1] + 4 <= buffer + size);
        }
        assert_int_equal(buffer[size], '!');
        free(buffer);
    }
    assert_true(fits && group_fits);
}

/* ---- damage ---- */

/* Every call; each is right, or says that there is no answer to be had. Answers how many were right. */
static int ask_all(void)
{
    static const uid_t uids[] = {5001, 5003};
    static const char *const names[] = {"alice", "zoe"};
    struct passwd pw;
    struct group gr;
    char buffer[1024];
    gid_t *groups = NULL;
    long start = 0, size = 0;
    int e = 0, right = 0;

    for (size_t i = 0; i < 4; i++) {
        enum nss_status st = i < 2 ? by_name(names[i], &pw, buffer, sizeof buffer)
                                   : _nss_jwtauth_getpwuid_r(uids[i - 2], &pw, buffer, sizeof buffer, &e);

        assert_true(st == NSS_STATUS_SUCCESS || st == NSS_STATUS_UNAVAIL);
        if (st != NSS_STATUS_SUCCESS)
            continue;
        right++;
        assert_string_equal(pw.pw_name, names[i % 2]);
        assert_int_equal(pw.pw_uid, uids[i % 2]);
        assert_int_equal(pw.pw_gid, i % 2 ? 900 : 5001);
        assert_string_equal(pw.pw_dir, i % 2 ? "/h" : "/home/alice");
    }
    switch (group_by_name("ops", &gr, buffer, sizeof buffer)) {
    case NSS_STATUS_SUCCESS:
        right++;
        assert_int_equal(gr.gr_gid, 900);
        assert_string_equal(gr.gr_mem[0], "alice");
        assert_string_equal(gr.gr_mem[1], "zoe");
        assert_null(gr.gr_mem[2]);
        break;
    case NSS_STATUS_UNAVAIL: break;
    default: fail();
    }
    if (_nss_jwtauth_initgroups_dyn("alice", 1, &start, &size, &groups, -1, &e) == NSS_STATUS_SUCCESS) {
        right++;
        assert_int_equal(start, 2);
        assert_int_equal(groups[0], 900);
        assert_int_equal(groups[1], 902);
    } else {
        assert_int_equal(start, 0);
    }
    free(groups);
    _nss_jwtauth_setpwent(0);
    for (int i = 0; i < 4 && _nss_jwtauth_getpwent_r(&pw, buffer, sizeof buffer, &e) == NSS_STATUS_SUCCESS; i++)
        assert_true(i < 2 && pw.pw_uid == uids[i] && strcmp(pw.pw_name, names[i]) == 0);
    return right;
}

/* R30: a broken public file gives UNAVAIL, not garbage: each byte, by one bit and by all. */
static void no_damaged_byte_is_believed(void **state)
{
    unsigned char *data = NULL;
    size_t len = 0;

    (void)state;
    put_small();
    get_file(PATH, &data, &len);
    assert_int_equal(ask_all(), 6);
    for (size_t i = 0; i < len; i++) {
        for (unsigned flip = 1; flip < 256; flip = flip == 1 ? 0x80 : flip == 0x80 ? 0xff : 256) {
            data[i] ^= (unsigned char)flip;
            put_file(data, len);
            assert_true(ask_all() <= 6);
            if (i < NSS_HEAD_LEN)
                assert_int_equal(ask_all(), 0);
            data[i] ^= (unsigned char)flip;
        }
    }
    free(data);
}

static void no_cut_or_grown_file_is_believed(void **state)
{
    unsigned char *data = NULL, *longer;
    size_t len = 0;
    struct passwd pw;
    char buffer[256];

    (void)state;
    put_small();
    get_file(PATH, &data, &len);
    for (size_t n = 0; n < len; n++) {
        put_file(data, n);
        assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    }
    longer = calloc(1, len + 1);
    memcpy(longer, data, len);
    put_file(longer, len + 1);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    free(longer);
    free(data);
}

static void a_file_of_others_is_not_believed(void **state)
{
    struct passwd pw;
    char buffer[256];

    (void)state;
    put_small();
    assert_int_equal(chmod(PATH, 0664), 0);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    assert_int_equal(chmod(PATH, 0646), 0);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    assert_int_equal(chmod(PATH, 0644), 0);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_SUCCESS);
    assert_int_equal(chown(PATH, 12345, 0), 0);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    put_small();
    assert_int_equal(rename(PATH, PATH ".away"), 0);
    assert_int_equal(symlink(JA_NSS_SNAPSHOT_NAME ".away", PATH), 0);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    assert_int_equal(unlink(PATH), 0);
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    assert_int_equal(mkfifo(PATH, 0644), 0); /* never a hang */
    assert_int_equal(by_name("alice", &pw, buffer, sizeof buffer), NSS_STATUS_UNAVAIL);
    assert_int_equal(unlink(PATH), 0);
    assert_int_equal(unlink(PATH ".away"), 0);
}

/* ---- many ---- */

#define MANY 100000

static void put_many(uint32_t n)
{
    struct ja_nss_image *m = ja_nss_image_new();
    const unsigned char *data = NULL;
    size_t len = 0;

    for (uint32_t i = 0; i < n; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "user%u", i);
        assert_true(ja_nss_image_user(m, &(struct ja_nss_image_user){
            .name = name, .gecos = "A user", .home = "/home/user", .shell = "/bin/sh", .uid = 10000 + i, .gid = 10000 + i}));
        assert_true(ja_nss_image_group(m, name, 10000 + i, NULL, 0));
    }
    assert_int_equal(ja_nss_image_finish(m, 1, 11, &data, &len, NULL), JA_OK);
    put_file(data, len);
    ja_nss_image_free(m);
}

/* LIMITS.md: flat in the number of users. What a look-up reads is one bucket and one record: no bucket is long. */
static void a_look_up_reads_as_little_among_many(void **state)
{
    struct ja_nss_file f;
    unsigned char row[NSS_DIR_ROW];
    uint32_t longest = 0;
    struct passwd pw;
    char buffer[256], name[32];

    (void)state;
    put_many(MANY);
    assert_int_equal(ja_nss_open(PATH, 0, &f), JA_NSS_FOUND);
    for (size_t t = 0; t < NSS_USER_LIST; t++)
        for (uint32_t i = 0; i < f.rows[t]; i++) {
            assert_int_equal(pread(f.fd, row, sizeof row, f.off[t] + (off_t)i * NSS_DIR_ROW), sizeof row);
            longest = nss_get32(row + 4) > longest ? nss_get32(row + 4) : longest;
        }
    ja_nss_close(&f);
    assert_in_range(longest, 1, 16);
    for (uint32_t i = 0; i < MANY; i += 997) {
        (void)snprintf(name, sizeof name, "user%u", i);
        assert_int_equal(by_name(name, &pw, buffer, sizeof buffer), NSS_STATUS_SUCCESS);
        assert_int_equal(pw.pw_uid, 10000 + i);
    }
}

static void *look_up_often(void *arg)
{
    struct passwd pw;
    char buffer[256];
    int e = 0;

    for (int i = 0; i < 2000; i++) {
        uint32_t n = (uint32_t)(i * 7 + *(int *)arg) % 1000;

        if (_nss_jwtauth_getpwuid_r(10000 + n, &pw, buffer, sizeof buffer, &e) != NSS_STATUS_SUCCESS ||
            pw.pw_uid != 10000 + n || (uint32_t)atol(pw.pw_name + 4) != n)
            return arg;
    }
    return NULL;
}

static void threads_and_forks_need_no_care(void **state)
{
    pthread_t threads[4];
    int ids[4] = {0, 1, 2, 3}, st = 0;
    pid_t child;

    (void)state;
    put_many(1000);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_often, &ids[i]), 0);
    for (int i = 0; i < 20; i++)
        put_many(1000); /* a writer beside them */
    child = fork();
    if (child == 0)
        _exit(look_up_often(&ids[1]) ? 1 : 0);
    for (size_t i = 0; i < 4; i++) {
        void *bad = NULL;

        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    assert_int_equal(waitpid(child, &st, 0), child);
    assert_int_equal(st, 0);
}

/* ---- what the store shows ---- */

struct world {
    struct ja_test_store *t;
    char path[200];
};

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);

    w->t = ja_test_store_new("dictionary = no\n");
    (void)snprintf(w->path, sizeof w->path, "%s/" JA_NSS_SNAPSHOT_NAME, w->t->ctx.cfg->paths.cache);
    return w;
}

static void world_free(struct world *w)
{
    ja_test_store_free(w->t);
    free(w);
}

static void add(struct world *w, const char *name)
{
    assert_int_equal(ja_account_add(&w->t->ctx, &(struct ja_user_spec){.username = name}, NULL, NULL, NULL), JA_OK);
}

static bool shows(struct world *w, const char *name)
{
    struct ja_nss_file f;
    struct ja_nss_user u;
    enum ja_nss_result r;

    assert_int_equal(ja_nss_open(w->path, geteuid(), &f), JA_NSS_FOUND);
    r = ja_nss_user_name(&f, name, &u);
    ja_nss_close(&f);
    assert_int_not_equal(r, JA_NSS_BAD);
    return r == JA_NSS_FOUND;
}

static bool count_one(void *arg, const char *name, size_t len)
{
    (void)name;
    (void)len;
    ++*(int *)arg;
    return true;
}

/* Members of the group by the test's clock; -1: no such group. */
static int members(struct world *w, const char *name)
{
    struct ja_nss_file f;
    struct ja_nss_group g;
    int n = 0;
    enum ja_nss_result r;

    assert_int_equal(ja_nss_open(w->path, geteuid(), &f), JA_NSS_FOUND);
    r = ja_nss_group_by_name(&f, name, &g);
    if (r == JA_NSS_FOUND)
        assert_int_equal(ja_nss_group_members(&f, &g, ja_now(&w->t->ctx.clock), count_one, &n), JA_NSS_FOUND);
    ja_nss_close(&f);
    return r == JA_NSS_FOUND ? n : -1;
}

static void a_commit_shows_it_and_a_rollback_does_not(void **state)
{
    struct world *w = world_new();
    struct ja_user u = {0};

    (void)state;
    add(w, "n-alice");
    assert_true(shows(w, "n-alice"));
    (void)snprintf(u.username, sizeof u.username, "n-ghost");
    u.home = strdup("/home/n-ghost");
    u.shell = strdup("/bin/sh");
    assert_int_equal(ja_db_begin(w->t->ctx.db, NULL), JA_OK);
    u.status = JA_USER_ACTIVE;
    assert_int_equal(ja_user_insert(&w->t->ctx, &u, NULL), JA_OK);
    ja_db_rollback(w->t->ctx.db);
    ja_user_clear(&u);
    assert_false(shows(w, "n-ghost"));
    assert_int_equal(ja_account_disable(&w->t->ctx, "n-alice", &(struct ja_cut){0}, NULL), JA_OK);
    assert_true(shows(w, "n-alice")); /* files keep their names */
    assert_int_equal(ja_account_delete(&w->t->ctx, "n-alice", NULL), JA_OK);
    assert_false(shows(w, "n-alice"));
    assert_int_equal(members(w, "n-alice"), -1);
    world_free(w);
}

static void a_role_is_a_group_while_it_is_held(void **state)
{
    struct world *w = world_new();
    struct ja_ctx *ctx = &w->t->ctx;
    int64_t now = ja_now(&ctx->clock);

    (void)state;
    add(w, "n-alice");
    add(w, "n-bob");
    assert_int_equal(members(w, "jwtauth-manager"), 0);
    assert_int_equal(ja_role_grant_flow(ctx, "n-alice", "manager", 0, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(ctx, "n-bob", "agent", now + 60, NULL), JA_OK);
    assert_int_equal(members(w, "jwtauth-manager"), 1);
    assert_int_equal(members(w, "jwtauth-agent"), 2); /* alice by inheritance */
    assert_int_equal(members(w, "jwtauth-user"), 2);
    ja_fake_clock_advance(&w->t->clock, 59);
    assert_int_equal(members(w, "jwtauth-agent"), 2);
    ja_fake_clock_advance(&w->t->clock, 1); /* nothing is written at that time */
    assert_int_equal(members(w, "jwtauth-agent"), 1);
    assert_int_equal(ja_account_lock(ctx, "n-alice", 0, &(struct ja_cut){0}, NULL), JA_OK);
    assert_int_equal(members(w, "jwtauth-manager"), 0); /* lock means lock */
    assert_int_equal(ja_account_unlock(ctx, "n-alice", NULL), JA_OK);
    assert_int_equal(members(w, "jwtauth-manager"), 1);
    assert_int_equal(ja_role_disinherit_flow(ctx, "manager", "agent", NULL), JA_OK);
    assert_int_equal(members(w, "jwtauth-agent"), 0);
    assert_int_equal(ja_role_revoke_flow(ctx, "n-alice", "manager", NULL), JA_OK);
    assert_int_equal(members(w, "jwtauth-manager"), 0);
    world_free(w);
}

/* Whoever may add accounts gets no group of power with a user's name: neither a role's, nor /etc/group's, nor sudo's. */
static void a_user_name_makes_no_group_of_power(void **state)
{
    struct world *w = world_new();

    (void)state;
    add(w, "wheel");
    add(w, "jwtauth-admin");
    add(w, "jwtauth-later");
    add(w, "n-alice");
    assert_int_equal(members(w, "n-alice"), 0);
    assert_int_equal(members(w, "wheel"), -1);
    assert_int_equal(members(w, "jwtauth-later"), -1);
    assert_int_equal(members(w, "jwtauth-admin"), 0); /* the role's */
    assert_true(shows(w, "wheel"));
    world_free(w);
}

static int64_t group_id(struct world *w, const char *name)
{
    struct ja_nss_file f;
    struct ja_nss_group g;

    assert_int_equal(ja_nss_open(w->path, geteuid(), &f), JA_NSS_FOUND);
    assert_int_equal(ja_nss_group_by_name(&f, name, &g), JA_NSS_FOUND);
    ja_nss_close(&f);
    return g.gid;
}

/* Files may still bear the number of whoever is gone, be it a role's group or the former uid of a user. */
static void ids_of_the_gone_are_given_to_nobody(void **state)
{
    struct world *w = world_new();
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_user u = {0};
    int64_t gid, old, next;

    (void)state;
    assert_int_equal(ja_role_add_flow(ctx, "power", NULL, NULL, 0, NULL), JA_OK);
    gid = group_id(w, "jwtauth-power");
    add(w, "n-alice");
    assert_int_equal(ja_account_modify(ctx, "n-alice", &(struct ja_user_spec){.gid = gid}, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_modify(ctx, "n-alice", &(struct ja_user_spec){.gid = gid + 500}, NULL, NULL), JA_OK);
    assert_int_equal(ja_role_delete_flow(ctx, "power", NULL), JA_OK);
    assert_int_equal(ja_account_add(ctx, &(struct ja_user_spec){.username = "n-bob", .uid = gid}, NULL, NULL, NULL),
                     JA_ERR_EXISTS);
    assert_int_equal(ja_account_add(ctx, &(struct ja_user_spec){.username = "n-bob", .gid = gid}, NULL, NULL, NULL),
                     JA_ERR_EXISTS);
    assert_int_equal(ja_account_modify(ctx, "n-alice", &(struct ja_user_spec){.uid = gid}, NULL, NULL), JA_ERR_EXISTS);
    assert_int_equal(ja_account_modify(ctx, "n-alice", &(struct ja_user_spec){.gid = gid}, NULL, NULL), JA_ERR_EXISTS);
    assert_int_equal(ja_posix_gid_check(ctx, gid, NULL), JA_ERR_EXISTS); /* what an import asks */
    /* a user's own, who may have it again */
    assert_int_equal(ja_user_find_by_name(ctx, "n-alice", &u, NULL), JA_OK);
    old = u.uid;
    ja_user_clear(&u);
    assert_int_equal(ja_account_modify(ctx, "n-alice", &(struct ja_user_spec){.uid = old + 600}, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_add(ctx, &(struct ja_user_spec){.username = "n-bob", .uid = old}, NULL, NULL, NULL),
                     JA_ERR_EXISTS);
    assert_int_equal(ja_account_modify(ctx, "n-alice", &(struct ja_user_spec){.uid = old}, NULL, NULL), JA_OK);
    /* the counter passes over what is gone, wherever it stands */
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(ctx->db, "UPDATE counters SET value = $1 WHERE name = 'posix_id'",
                                JA_BINDS(JA_I(gid - 1)), NULL, NULL), JA_OK);
    assert_int_equal(ja_posix_id_next(ctx, &next, NULL), JA_OK);
    ja_db_rollback(ctx->db);
    assert_true(next > gid);
    world_free(w);
}

static void many_changes_are_written_once(void **state)
{
    struct world *w = world_new();
    struct stat before, after;

    (void)state;
    add(w, "n-alice");
    assert_int_equal(stat(w->path, &before), 0);
    ja_nss_export_hold(&w->t->ctx);
    add(w, "n-bob");
    add(w, "n-carol");
    assert_int_equal(stat(w->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_false(shows(w, "n-bob"));
    ja_nss_export_release(&w->t->ctx);
    assert_true(shows(w, "n-bob") && shows(w, "n-carol"));
    assert_int_equal(stat(w->path, &after), 0);
    assert_int_equal(after.st_mode & 07777, 0644);
    world_free(w);
}

/* Whoever may add accounts reads the seed of the file and picks names that all fall into one bucket of the next. */
static void chosen_names_do_not_keep_the_old_file(void **state)
{
    struct world *w = world_new();
    struct ja_nss_file f;
    struct ja_nss_image *m = ja_nss_image_new();
    const unsigned char *data = NULL;
    size_t len = 0;
    uint32_t n = 0;
    char names[NSS_BUCKET_MAX + 1][16];

    (void)state;
    add(w, "n-alice");
    assert_int_equal(ja_nss_open(w->path, geteuid(), &f), JA_NSS_FOUND);
    ja_nss_close(&f);
    ja_nss_export_hold(&w->t->ctx);
    for (uint32_t i = 0; n < NSS_BUCKET_MAX + 1; i++) {
        (void)snprintf(names[n], sizeof names[n], "c%u", i);
        if ((nss_hash(f.seed, names[n], strlen(names[n])) & 127) != 5)
            continue;
        add(w, names[n]);
        assert_true(ja_nss_image_user(m, &(struct ja_nss_image_user){.name = names[n], .uid = 5000 + n, .gid = 5000}));
        n++;
    }
    ja_nss_export_release(&w->t->ctx);
    assert_int_equal(ja_nss_image_finish(m, 1, f.seed, &data, &len, NULL), JA_ERR_INTERNAL); /* they were well chosen */
    assert_int_equal(ja_nss_image_finish(m, 1, ~f.seed, &data, &len, NULL), JA_OK);
    put_file(data, len);
    ja_nss_image_free(m);
    assert_int_equal(ja_nss_open(PATH, geteuid(), &f), JA_NSS_FOUND);
    for (uint32_t i = 0; i < n; i++) {
        struct ja_nss_user u;

        assert_true(shows(w, names[i]));
        assert_int_equal(ja_nss_user_id(&f, 5000 + i, &u), JA_NSS_FOUND);
        assert_string_equal(u.name, names[i]);
    }
    ja_nss_close(&f);
    assert_int_equal(ja_nss_export_check(&w->t->ctx, NULL), JA_OK);
    world_free(w);
}

/* Each written file has another seed; one that says the same already stays. */
static void a_seed_serves_one_file(void **state)
{
    struct world *w = world_new();
    struct ja_nss_file f, g;
    struct stat before, after;

    (void)state;
    add(w, "n-alice");
    assert_int_equal(ja_nss_open(w->path, geteuid(), &f), JA_NSS_FOUND);
    ja_nss_close(&f);
    assert_int_equal(stat(w->path, &before), 0);
    assert_int_equal(ja_nss_export_write(&w->t->ctx, false, NULL), JA_OK);
    assert_int_equal(stat(w->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    add(w, "n-bob");
    assert_int_equal(ja_nss_open(w->path, geteuid(), &g), JA_NSS_FOUND);
    ja_nss_close(&g);
    assert_true(f.seed != g.seed && f.seed != 0);
    world_free(w);
}

static void an_older_one_never_replaces_a_newer_one(void **state)
{
    struct world *w = world_new();
    unsigned char *data = NULL;
    size_t len = 0;
    int fd;

    (void)state;
    add(w, "n-alice");
    get_file(w->path, &data, &len);
    nss_put64(data + NSS_HEAD_GENERATION, 1000000);
    nss_put32(data + NSS_HEAD_CHECK, nss_check(NSS_CHECK_START, data, NSS_HEAD_CHECK));
    fd = open(w->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(close(fd), 0);
    free(data);
    add(w, "n-bob");
    assert_false(shows(w, "n-bob"));
    assert_int_equal(ja_nss_export_check(&w->t->ctx, NULL), JA_ERR_CORRUPT);
    assert_int_equal(ja_nss_export_write(&w->t->ctx, true, NULL), JA_OK); /* as after a restore */
    assert_true(shows(w, "n-bob"));
    assert_int_equal(ja_nss_export_check(&w->t->ctx, NULL), JA_OK);
    world_free(w);
}

static void what_cannot_be_written_is_said_and_mended(void **state)
{
    struct world *w = world_new();

    (void)state;
    add(w, "n-alice");
    assert_int_equal(chmod(w->t->ctx.cfg->paths.cache, 0777), 0);
    add(w, "n-bob"); /* the change stays */
    assert_non_null(strstr(w->t->last_log, "NSS shows users and groups as they were"));
    assert_false(shows(w, "n-bob"));
    assert_int_equal(chmod(w->t->ctx.cfg->paths.cache, 0755), 0);
    add(w, "n-carol");
    assert_true(shows(w, "n-bob") && shows(w, "n-carol"));
    world_free(w);
}

static int setup(void **state)
{
    (void)state;
    return mkdir(FOLDER, 0755) == 0 || errno == EEXIST ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(PATH);
    (void)unlink(PATH ".new");
    return rmdir(FOLDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_by_name_and_by_number),
        cmocka_unit_test(walks_meet_each_once),
        cmocka_unit_test(a_login_gets_the_groups_of_now),
        cmocka_unit_test(a_small_buffer_is_erange),
        cmocka_unit_test(no_damaged_byte_is_believed),
        cmocka_unit_test(no_cut_or_grown_file_is_believed),
        cmocka_unit_test(a_look_up_reads_as_little_among_many),
        cmocka_unit_test(threads_and_forks_need_no_care),
        cmocka_unit_test(a_file_of_others_is_not_believed),
        cmocka_unit_test(a_commit_shows_it_and_a_rollback_does_not),
        cmocka_unit_test(a_role_is_a_group_while_it_is_held),
        cmocka_unit_test(a_user_name_makes_no_group_of_power),
        cmocka_unit_test(ids_of_the_gone_are_given_to_nobody),
        cmocka_unit_test(many_changes_are_written_once),
        cmocka_unit_test(chosen_names_do_not_keep_the_old_file),
        cmocka_unit_test(a_seed_serves_one_file),
        cmocka_unit_test(an_older_one_never_replaces_a_newer_one),
        cmocka_unit_test(what_cannot_be_written_is_said_and_mended),
    };

    return cmocka_run_group_tests_name("nss", tests, setup, teardown);
}
