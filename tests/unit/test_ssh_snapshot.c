/* The snapshot that sshd's keys command reads: what is in it when, and that nothing else than it is believed. */
#include "common/domain/seal.h"
#include "common/domain/ssh_key_snapshot.h"
#include "common/domain/ssh_key_snapshot_format.h"
#include "common/domain/user.h"
#include "common/flow/account_flow.h"
#include "common/flow/ssh_key_flow.h"
#include "common/flow/store_flow.h"
#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY_A "AAAAC3NzaC1lZDI1NTE5AAAAIDPkgcanvKmpGOqVFTbvwXePvKhPRVHJ8eUj9ysIfin7"
#define KEY_B \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKazx6zrr4xKkhys+pD9PL4/WQ8T87zVDSbNjOpCHHiffyKY4POCcUw/" \
    "fJqv4peVYFtMyx/f2GY2GLSr2HG6hcc="
#define LINE_A "ssh-ed25519 " KEY_A " a\n"
#define LINE_B "ecdsa-sha2-nistp256 " KEY_B " b\n"

struct world {
    struct ja_test_store *t;
    char path[200];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    char id[JA_UUID_LEN + 1];

    w->t = ja_test_store_new("dictionary = no\n");
    (void)snprintf(w->path, sizeof w->path, "%s/ssh_keys", w->t->ctx.cfg->paths.cache);
    ja_test_user(w->t, "u-alice", NULL, id);
    ja_test_user(w->t, "u-alice-x", NULL, id);
    ja_test_user(w->t, "u-bob", NULL, id);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ja_test_store_free(w->t);
    free(w);
    return 0;
}

static void give(struct world *w, const char *name, const char *text, int64_t ends_at)
{
    struct ja_ssh_key *keys = NULL;
    size_t n = 0;

    assert_int_equal(ja_ssh_key_add_flow(&w->t->ctx, name, text, strlen(text), ends_at, &keys, &n, NULL), JA_OK);
    free(keys);
}

static enum ja_status count(void *arg, const char *type, const char *blob)
{
    (void)type;
    assert_true(strcmp(blob, KEY_A) == 0 || strcmp(blob, KEY_B) == 0);
    ++*(int *)arg;
    return JA_OK;
}

/* How many keys the user has now; -1: the snapshot is no good. */
static int keys_of(struct world *w, const char *name)
{
    struct ja_error err = {0};
    int n = 0;
    enum ja_status st = ja_ssh_snapshot_find(w->path, true, name, ja_now(&w->t->ctx.clock), count, &n, &err);

    if (st == JA_ERR_NOT_FOUND) {
        assert_string_equal(err.code, "no_ssh_keys");
        assert_int_equal(n, 0);
        return 0;
    }
    if (st == JA_OK)
        assert_true(n > 0);
    return st == JA_OK ? n : -1;
}

static void a_key_is_there_with_its_commit_and_gone_with_it(void **state)
{
    struct world *w = *state;
    struct ja_ssh_key k;
    struct stat sb;

    give(w, "u-alice", LINE_A LINE_B, 0);
    assert_int_equal(keys_of(w, "u-alice"), 2);
    give(w, "u-alice-x", LINE_A, 0);
    assert_int_equal(keys_of(w, "u-alice"), 2); /* a name that goes on is another name */
    assert_int_equal(keys_of(w, "u-alice-x"), 1);
    assert_int_equal(keys_of(w, "u-alic"), 0);
    assert_int_equal(keys_of(w, "u-alice-"), 0);
    assert_int_equal(keys_of(w, "u-bob"), 0);
    assert_int_equal(ja_ssh_key_remove_flow(&w->t->ctx, "u-alice",
                                            "SHA256:XkV5Q2EaJzB0vuo3/14fKEjNoe+E/EVoSX0tik1uNXE", &k, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 1);
    assert_int_equal(stat(w->path, &sb), 0);
    assert_int_equal(sb.st_mode & 07777, 0644);
}

static void a_rollback_shows_nothing(void **state)
{
    struct world *w = *state;
    struct ja_ssh_key *keys = NULL;
    size_t n = 0;

    give(w, "u-bob", LINE_A, 0);
    assert_int_equal(ja_ssh_key_add_flow(&w->t->ctx, "u-alice", LINE_A LINE_A, strlen(LINE_A LINE_A), 0, &keys, &n,
                                         NULL), JA_ERR_EXISTS);
    assert_int_equal(keys_of(w, "u-alice"), 0);
    assert_int_equal(keys_of(w, "u-bob"), 1);
}

/* R18: at once, by every way in which an account ends; and back with the account. */
static void who_may_not_log_in_has_no_keys(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_user u = {0};

    give(w, "u-alice", LINE_A, 0);
    give(w, "u-bob", LINE_A, 0);
    assert_int_equal(ja_account_lock(ctx, "u-alice", 0, NULL, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 0);
    assert_int_equal(keys_of(w, "u-bob"), 1);
    assert_int_equal(ja_account_unlock(ctx, "u-alice", NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 1);
    assert_int_equal(ja_account_disable(ctx, "u-alice", NULL, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 0);
    assert_int_equal(ja_account_enable(ctx, "u-alice", NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 1);
    assert_int_equal(ja_user_find_by_name(ctx, "u-alice", &u, NULL), JA_OK);
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_user_delete(ctx, u.id, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 1); /* not before the commit */
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 0);
    ja_user_clear(&u);
}

static void pending_users_wait(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_user u = {0};

    give(w, "u-alice", LINE_A, 0);
    assert_int_equal(ja_user_find_by_name(ctx, "u-alice", &u, NULL), JA_OK);
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_user_set_status(ctx, u.id, JA_USER_PENDING, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 0);
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_user_activate(ctx, u.id, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    assert_int_equal(keys_of(w, "u-alice"), 1);
    ja_user_clear(&u);
}

static void ends_come_by_the_clock(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_user_spec spec = {0};
    struct stat before, after;
    struct ja_user u = {0};
    int64_t now = ja_now(&ctx->clock);

    give(w, "u-alice", LINE_A, now + 100);
    give(w, "u-alice", LINE_B, now + 300);
    give(w, "u-bob", LINE_A, 0);
    give(w, "u-alice-x", LINE_A, now + 1000);
    assert_int_equal(ja_account_lock(ctx, "u-bob", now + 200, NULL, NULL), JA_OK);
    spec.valid_until = now + 150;
    assert_int_equal(ja_account_modify(ctx, "u-alice-x", &spec, &u, NULL), JA_OK);
    ja_user_clear(&u);
    assert_int_equal(stat(w->path, &before), 0);
    w->t->clock.wall_ms = (now + 99) * 1000;
    assert_int_equal(keys_of(w, "u-alice"), 2);
    w->t->clock.wall_ms = (now + 100) * 1000;
    assert_int_equal(keys_of(w, "u-alice"), 1);
    w->t->clock.wall_ms = (now + 149) * 1000;
    assert_int_equal(keys_of(w, "u-alice-x"), 1);
    w->t->clock.wall_ms = (now + 150) * 1000;
    assert_int_equal(keys_of(w, "u-alice-x"), 0);
    w->t->clock.wall_ms = (now + 199) * 1000;
    assert_int_equal(keys_of(w, "u-bob"), 1);
    w->t->clock.wall_ms = (now + 200) * 1000;
    assert_int_equal(keys_of(w, "u-bob"), 0);
    w->t->clock.wall_ms = (now + 300) * 1000;
    assert_int_equal(keys_of(w, "u-alice"), 0);
    assert_int_equal(stat(w->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* nobody wrote meanwhile */
}

static void a_new_name_takes_its_keys_along(void **state)
{
    struct world *w = *state;
    struct ja_user_spec spec = {.username = "u-carol"};
    struct ja_user u = {0};

    give(w, "u-alice", LINE_A, 0);
    assert_int_equal(ja_account_modify(&w->t->ctx, "u-alice", &spec, &u, NULL), JA_OK);
    ja_user_clear(&u);
    assert_int_equal(keys_of(w, "u-alice"), 0);
    assert_int_equal(keys_of(w, "u-carol"), 1);
}

/* PAM.md: a name of /etc/passwd is local, never ours. */
static void a_local_name_is_refused(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];

    ja_test_user(w->t, "root", NULL, id);
    give(w, "root", LINE_A, 0);
    assert_int_equal(keys_of(w, "root"), 0);
    give(w, "u-bob", LINE_A, 0);
    assert_int_equal(keys_of(w, "u-bob"), 1);
    /* said to be adopted, without the mark in /etc/shadow */
    assert_int_equal(ja_db_begin(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(w->t->ctx.db, "UPDATE users SET adopted = 1 WHERE username = 'root'", JA_NO_BINDS, NULL,
                                NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_ssh_snapshot_write(&w->t->ctx, false, NULL), JA_OK);
    assert_int_equal(keys_of(w, "root"), 0);
}

/* ---- the file ---- */

static size_t slurp(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "rbe");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, size, f);
    (void)fclose(f);
    return n;
}

static void put(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wbe");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    (void)fclose(f);
}

static void what_is_missing_or_damaged_gives_no_key(void **state)
{
    struct world *w = *state;
    static char good[20000], bad[20000];
    struct ja_error err = {0};
    size_t n, lines;
    int found = 0;

    give(w, "u-alice", LINE_A LINE_B, 0);
    give(w, "u-bob", LINE_A, 0);
    n = slurp(w->path, good, sizeof good);
    for (size_t cut = 0; cut < n; cut++) {
        put(w->path, good, cut);
        assert_int_equal(keys_of(w, "u-alice"), -1);
        assert_int_equal(ja_ssh_snapshot_check(w->path, true, NULL), JA_ERR_CORRUPT);
    }
    lines = (size_t)(strchr(good, '\n') - good) + 1;
    for (size_t i = 0; i < n; i++) { /* one byte is another one: hers all, or none */
        int have;

        for (size_t j = 0; j < n; j++)
            bad[j] = good[j];
        bad[i] ^= 1;
        put(w->path, bad, n);
        have = keys_of(w, "u-alice");
        if (have > 0 && i < lines)
            fail_msg("a damaged head, byte %zu", i);
        assert_int_equal(ja_ssh_snapshot_check(w->path, true, NULL), JA_ERR_CORRUPT);
    }
    memcpy(good + n, "end\n", 5);
    put(w->path, good, n + 4); /* something behind the end */
    assert_int_equal(keys_of(w, "u-alice"), -1);
    put(w->path, good, n);
    assert_int_equal(keys_of(w, "u-alice"), 2);
    assert_int_equal(unlink(w->path), 0);
    assert_int_equal(ja_ssh_snapshot_find(w->path, true, "u-alice", 1, count, &found, &err), JA_ERR_CORRUPT);
    assert_string_equal(err.code, "snapshot_missing");
    assert_int_equal(found, 0);
}

/* R22 */
static void a_file_that_others_could_write_is_not_believed(void **state)
{
    struct world *w = *state;
    char other[220];

    give(w, "u-alice", LINE_A, 0);
    assert_int_equal(chmod(w->path, 0664), 0);
    assert_int_equal(keys_of(w, "u-alice"), -1);
    assert_int_equal(chmod(w->path, 0644), 0);
    (void)snprintf(other, sizeof other, "%s.x", w->path);
    assert_int_equal(rename(w->path, other), 0);
    assert_int_equal(symlink(other, w->path), 0);
    assert_int_equal(keys_of(w, "u-alice"), -1);
    if (geteuid() == 0) {
        assert_int_equal(rename(other, w->path), 0);
        assert_int_equal(chown(w->path, 12345, 0), 0);
        assert_int_equal(keys_of(w, "u-alice"), -1);
    }
}

static int64_t generation(struct world *w)
{
    int64_t n = 0;

    assert_int_equal(ja_ssh_snapshot_generation(w->path, true, &n, NULL), JA_OK);
    return n;
}

static void an_older_one_never_replaces_a_newer(void **state)
{
    struct world *w = *state;
    char text[4000], head[100], sum[SNAPSHOT_CHECK + 1];
    int64_t before;
    size_t n;

    give(w, "u-alice", LINE_A, 0);
    before = generation(w);
    give(w, "u-bob", LINE_A, 0);
    assert_true(generation(w) > before);
    n = slurp(w->path, text, sizeof text);
    (void)snprintf(head, sizeof head, SNAPSHOT_HEAD, before + 1000, n); /* as of a later commit */
    assert_true(ja_ssh_snapshot_sum(head, strlen(head), sum));
    memcpy(text, head, strlen(head));
    memcpy(text + strlen(head), sum, SNAPSHOT_CHECK);
    put(w->path, text, n);
    before = generation(w);
    give(w, "u-alice-x", LINE_A, 0);
    assert_int_equal(generation(w), before);
    assert_int_equal(keys_of(w, "u-alice-x"), 0);
    /* a restored store begins anew */
    assert_int_equal(ja_ssh_snapshot_write(&w->t->ctx, true, NULL), JA_OK);
    assert_true(generation(w) < before);
    assert_int_equal(keys_of(w, "u-alice-x"), 1);
}

static void what_cannot_be_written_is_removed(void **state)
{
    struct world *w = *state;

    give(w, "u-alice", LINE_A, 0);
    assert_int_equal(ja_db_begin(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(w->t->ctx.db, "UPDATE ssh_keys SET type = $1", JA_BINDS(JA_T(
        "0123456789012345678901234567890123456789012345678901234567890123456789")), NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_ssh_snapshot_write(&w->t->ctx, false, NULL), JA_OK); /* long, but it fits */
    assert_int_equal(ja_db_begin(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(w->t->ctx.db, "UPDATE ssh_keys SET type = replace(hex(zeroblob(3000)), '0', 'x')",
                                JA_NO_BINDS, NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_account_lock(&w->t->ctx, "u-alice", ja_now(&w->t->ctx.clock) + 50, NULL, NULL), JA_OK);
    assert_int_equal(access(w->path, F_OK), -1);
    assert_non_null(strstr(w->t->last_log, "no ssh keys"));
}

/* Everybody may open the snapshot: whoever locks it keeps nobody from writing. */
static void others_cannot_hold_the_writer_up(void **state)
{
    struct world *w = *state;
    char lock[220];
    struct stat sb;
    int fd, folder;

    give(w, "u-alice", LINE_A, 0);
    (void)snprintf(lock, sizeof lock, "%s.lock", w->path);
    assert_int_equal(stat(lock, &sb), 0);
    assert_int_equal(sb.st_mode & 07777, 0600);
    fd = open(w->path, O_RDONLY | O_CLOEXEC);
    folder = open(w->t->ctx.cfg->paths.cache, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(flock(folder, LOCK_EX | LOCK_NB), 0);
    give(w, "u-bob", LINE_A, 0);
    assert_int_equal(keys_of(w, "u-bob"), 1);
    (void)close(fd);
    (void)close(folder);
}

static void many_users_are_found_each(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    char sql_id[40], name[32];

    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(sql_id, sizeof sql_id, "id%04d", i * 7919 % 500);
        (void)snprintf(name, sizeof name, "m%d", i * 7919 % 500);
        assert_int_equal(ja_db_exec(ctx->db, "INSERT INTO users (id, username, kind, status, uid, gid, home, shell, created_at, "
                                    "updated_at, updated_by) VALUES ($1, $2, 'person', 'active', $3, $3, '/', '/bin/sh', 1, 1, 'x')",
                                    JA_BINDS(JA_T(sql_id), JA_T(name), JA_I(200000 + i)), NULL, NULL), JA_OK);
        assert_int_equal(ja_db_exec(ctx->db, "INSERT INTO ssh_keys (id, user_id, type, blob, fingerprint, created_at, "
                                    "created_by) VALUES ($1, $1, 'ssh-ed25519', $2, 'x', 1, 'x')",
                                    JA_BINDS(JA_T(sql_id), JA_T(i % 3 ? KEY_A : KEY_B)), NULL, NULL), JA_OK);
    }
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_ssh_snapshot_write(ctx, false, NULL), JA_OK);
    assert_int_equal(ja_ssh_snapshot_check(w->path, true, NULL), JA_OK);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "m%d", i);
        assert_int_equal(keys_of(w, name), 1);
        (void)snprintf(name, sizeof name, "m%d_", i);
        assert_int_equal(keys_of(w, name), 0);
    }
    assert_int_equal(keys_of(w, "a"), 0);
    assert_int_equal(keys_of(w, "z"), 0);
    assert_int_equal(keys_of(w, "../m1"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_key_is_there_with_its_commit_and_gone_with_it),
        T(a_rollback_shows_nothing),
        T(who_may_not_log_in_has_no_keys),
        T(pending_users_wait),
        T(ends_come_by_the_clock),
        T(a_new_name_takes_its_keys_along),
        T(a_local_name_is_refused),
        T(what_is_missing_or_damaged_gives_no_key),
        T(a_file_that_others_could_write_is_not_believed),
        T(an_older_one_never_replaces_a_newer),
        T(what_cannot_be_written_is_removed),
        T(others_cannot_hold_the_writer_up),
        T(many_users_are_found_each),
    };

    return ja_crypto_init(NULL) == JA_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
