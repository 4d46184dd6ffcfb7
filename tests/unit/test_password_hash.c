/* Password hashes and hashing slots: SECURITY R4, R20, R21, F9, F10. */
#include "common/domain/hash_slots.h"
#include "common/domain/password_hash.h"
#include "tests/support/temp_store.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PW "Correct-Horse-7"
#define VERIFY(t, stored, pw) verify_n((t), (stored), (pw), strlen(pw))

static int store_up(void **state)
{
    *state = ja_test_store_bare("parallel_hashes = 2\nhash_wait = 2s\n");
    return 0;
}

static int store_down(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static enum ja_status verify_n(struct ja_test_store *t, const char *stored, const char *pw,
                               size_t len)
{
    return ja_password_verify(&t->ctx, stored, pw, len, NULL, NULL);
}

static void hash(struct ja_test_store *t, const char *pw, char out[JA_HASH_STRING_MAX])
{
    assert_int_equal(ja_password_hash(&t->ctx, pw, strlen(pw), out, NULL), JA_OK);
}

/* ---- argon2id ---- */

static void right_and_wrong_password(void **state)
{
    struct ja_test_store *t = *state;
    char stored[JA_HASH_STRING_MAX], again[JA_HASH_STRING_MAX];

    hash(t, PW, stored);
    assert_int_equal(strncmp(stored, "$argon2id$v=19$m=8192,t=1,p=1$", 30), 0);
    assert_int_equal(VERIFY(t, stored, PW), JA_OK);
    assert_int_equal(VERIFY(t, stored, "Correct-Horse-8"), JA_ERR_DENIED);
    assert_int_equal(VERIFY(t, stored, "Correct-Horse-"), JA_ERR_DENIED);
    assert_int_equal(VERIFY(t, stored, "Correct-Horse-77"), JA_ERR_DENIED);
    assert_int_equal(VERIFY(t, stored, "correct-horse-7"), JA_ERR_DENIED);
    hash(t, PW, again);
    assert_string_not_equal(stored, again);
}

/* libsodium's own reader takes our strings, and we take its. */
static void strings_are_those_of_libsodium(void **state)
{
    struct ja_test_store *t = *state;
    char stored[JA_HASH_STRING_MAX], theirs[128] = "";

    hash(t, PW, stored);
    assert_int_equal(crypto_pwhash_str_verify(stored, PW, strlen(PW)), 0);
    assert_int_equal(crypto_pwhash_str(theirs, PW, strlen(PW), 2, 16 << 20), 0);
    assert_int_equal(VERIFY(t, theirs, PW), JA_OK);
    assert_int_equal(VERIFY(t, theirs, "x"), JA_ERR_DENIED);
}

/* R4, R20; CVE-2013-5750, CVE-2014-9016, CVE-2015-2936, CVE-2023-30082: 10 MB are refused before any hashing,
 * whatever is stored; never cut. */
static void r4_r20_empty_nul_and_long_passwords_are_refused(void **state)
{
    struct ja_test_store *t = *state;
    static char huge[10 << 20];
    char stored[JA_HASH_STRING_MAX], out[JA_HASH_STRING_MAX] = "untouched";
    char most[JA_PASSWORD_MAX + 1];
    struct ja_error err = {0};

    memset(huge, 'a', sizeof huge);
    memset(most, 'a', sizeof most);
    assert_int_equal(ja_password_hash(&t->ctx, most, JA_PASSWORD_MAX, stored, NULL), JA_OK);
    assert_int_equal(verify_n(t, stored, most, JA_PASSWORD_MAX), JA_OK);
    assert_int_equal(verify_n(t, stored, most, JA_PASSWORD_MAX + 1), JA_ERR_INVALID);
    assert_int_equal(verify_n(t, stored, huge, sizeof huge), JA_ERR_INVALID);
    assert_int_equal(verify_n(t, stored, "", 0), JA_ERR_INVALID);
    assert_int_equal(verify_n(t, stored, NULL, 0), JA_ERR_INVALID);
    assert_int_equal(verify_n(t, NULL, "", 0), JA_ERR_INVALID);
    assert_int_equal(verify_n(t, stored, "ab\0cd", 5), JA_ERR_INVALID);
    assert_int_equal(ja_password_hash(&t->ctx, "", 0, out, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_password_hash(&t->ctx, "a\0b", 3, out, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_password_hash(&t->ctx, huge, 512, out, &err), JA_ERR_INVALID);
    assert_non_null(strstr(err.message, "511"));
    assert_string_equal(out, "untouched");
}

/* F10, R21, CVE-2026-11790: absurd costs are an error, at once. */
static void f10_stored_costs_are_capped(void **state)
{
    static const char *const bad[] = {
        "$argon2id$v=19$m=262145,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8192,t=11,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8192,t=1,p=2$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=7,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$15$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "$2b$03$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "$5$rounds=1000001$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$5$rounds=999999999$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$5$rounds=99999999999999999999$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$5$rounds=999$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$y$jFT$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq", /* N=2^18, r=32: 1 GiB */
        "$y$jET$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq", /* N=2^17, r=32: 512 MiB
                                                                            */
        "$y$jzz$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
    };
    struct ja_test_store *t = *state;
    struct ja_error err;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (struct ja_error){0};
        assert_int_equal(ja_password_verify(&t->ctx, bad[i], PW, strlen(PW), NULL, &err),
                         JA_ERR_CORRUPT);
        assert_true(err.message[0] != 0);
        assert_int_equal(ja_password_hash_check(bad[i], NULL), JA_ERR_INVALID);
    }
    assert_int_equal(
        ja_password_hash_check("$y$jDT$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmno"
                               "pq",
                               NULL),
        JA_OK); /* 256 MiB: the most */
}

/* Every change of one character in the form is refused or a mismatch; nothing left over is
 * accepted. */
static void malformed_strings_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "!",
        "*",
        "!!",
        "$",
        "$argon2id$",
        "$argon2i$v=19$m=8192,t=1,p=1$AAAA$AAAA",
        "$argon2d$v=19$m=8192,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2a$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "$2x$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde",
        "$2b$1$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdef",
        "$2b$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcd",
        "$2b$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdef",
        "$2b$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzab:de",
        "$1$salt$abcdefghijklmnopqrstuv",
        "abJnggxhB/yWI",
        "_J9..rasmBYk8r9AiWNc",
        "$5$$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$5$saltsaltsaltsalts$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$5$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
        "$5$rounds=05000$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$6$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$y$j9T$$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$y$k9T$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$y$j9T5$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$7$CU..../....saltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
        "$gy$j9T$saltsaltsalt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
    };
    struct ja_test_store *t = *state;
    char good[JA_HASH_STRING_MAX], text[JA_HASH_STRING_MAX + 1];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(VERIFY(t, bad[i], PW), JA_ERR_CORRUPT);
        assert_int_equal(ja_password_hash_check(bad[i], NULL), JA_ERR_INVALID);
    }
    hash(t, PW, good);
    for (size_t i = 0; i < strlen(good); i++) {
        static const char others[] = "$,=+ 0\n";

        for (const char *c = others; *c; c++) {
            enum ja_status st;

            memcpy(text, good, sizeof good);
            if (text[i] == *c)
                continue;
            text[i] = *c;
            st = VERIFY(t, text, PW);
            assert_true(st == JA_ERR_CORRUPT || st == JA_ERR_DENIED);
        }
        memcpy(text, good, sizeof good);
        text[i] = 0;
        assert_int_equal(VERIFY(t, text, PW), JA_ERR_CORRUPT);
        text[i] = (char)0xbf; /* libsodium 1.0.18 decodes it as '/' */
        assert_int_equal(VERIFY(t, text, PW), JA_ERR_CORRUPT);
    }
    (void)snprintf(text, sizeof text, "%s=", good);
    assert_int_equal(VERIFY(t, text, PW), JA_ERR_CORRUPT);
    (void)snprintf(text, sizeof text, "%s\n", good);
    assert_int_equal(VERIFY(t, text, PW), JA_ERR_CORRUPT);
    (void)snprintf(text, sizeof text, " %s", good);
    assert_int_equal(VERIFY(t, text, PW), JA_ERR_CORRUPT);
    assert_int_equal(ja_password_hash_check(good, NULL), JA_OK);
    assert_int_equal(ja_password_hash_check(NULL, NULL), JA_ERR_INVALID);
}

/* ---- crypt(3) ---- */

static void crypt_hash(const char *prefix, unsigned long cost, const char *pw,
                       char out[JA_HASH_STRING_MAX])
{
    static const char random[64] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data = calloc(1, sizeof *data);

    assert_non_null(data);
    assert_non_null(crypt_gensalt_rn(prefix, cost, random, sizeof random, setting, sizeof setting));
    assert_non_null(crypt_r(pw, setting, data));
    assert_true(strlen(data->output) < JA_HASH_STRING_MAX);
    memcpy(out, data->output, strlen(data->output) + 1);
    free(data);
}

static void crypt_schemes_are_verified_and_rehashed(void **state)
{
    static const struct { const char *prefix; unsigned long cost; const char *name; } schemes[] = {
        {"$2b$", 4, "bcrypt"},     {"$2y$", 4, "bcrypt"},      {"$5$", 1000, "sha256crypt"},
        {"$5$", 0, "sha256crypt"}, {"$6$", 1000, "sha512crypt"}, {"$6$", 0, "sha512crypt"},
        {"$y$", 1, "yescrypt"},    {"$y$", 5, "yescrypt"},
    };
    struct ja_test_store *t = *state;
    char stored[JA_HASH_STRING_MAX];

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        bool rehash = false;

        crypt_hash(schemes[i].prefix, schemes[i].cost, PW, stored);
        assert_string_equal(ja_password_scheme(stored), schemes[i].name);
        assert_int_equal(ja_password_hash_check(stored, NULL), JA_OK);
        assert_int_equal(ja_password_verify(&t->ctx, stored, PW, strlen(PW), &rehash, NULL), JA_OK);
        assert_true(rehash);
        assert_int_equal(VERIFY(t, stored, "Correct-Horse-8"), JA_ERR_DENIED);
        stored[strlen(stored) - 2] = stored[strlen(stored) - 2] == 'x' ? 'y' : 'x';
        assert_int_equal(VERIFY(t, stored, PW), JA_ERR_DENIED);
    }
    assert_null(ja_password_scheme("$1$salt$abcdefghijklmnopqrstuv"));
    assert_null(ja_password_scheme(NULL));
}

/* CVE-2013-7041: the stored string with one letter, or all of them, in the other case is another one. */
static void cve_2013_7041_letter_case_of_a_stored_hash_counts(void **state)
{
    static const struct { const char *prefix; unsigned long cost; } schemes[] = {
        {NULL, 0}, {"$2b$", 4}, {"$5$", 1000}, {"$6$", 1000}, {"$y$", 1},
    };
    struct ja_test_store *t = *state;

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        char stored[JA_HASH_STRING_MAX], all[JA_HASH_STRING_MAX];
        size_t start;
        int tried = 0;

        if (schemes[i].prefix)
            crypt_hash(schemes[i].prefix, schemes[i].cost, PW, stored);
        else
            hash(t, PW, stored);
        assert_int_equal(VERIFY(t, stored, PW), JA_OK);
        memcpy(all, stored, sizeof all);
        start = strlen(stored) - 22; /* inside the hash, in every scheme */
        for (size_t n = start; stored[n]; n++) {
            char was = stored[n], other = (char)(was ^ 0x20);

            if (!((was >= 'a' && was <= 'z') || (was >= 'A' && was <= 'Z')))
                continue;
            tried++;
            stored[n] = all[n] = other;
            assert_int_not_equal(VERIFY(t, stored, PW), JA_OK);
            stored[n] = was;
        }
        assert_true(tried > 3);
        assert_int_not_equal(VERIFY(t, all, PW), JA_OK);
        assert_int_equal(VERIFY(t, stored, PW), JA_OK);
    }
}

/* CVE-2025-22228, CVE-2025-25298, CVE-2025-68402, Okta 2024-10-30: bcrypt would take any password with the same first 72 bytes. */
static void r20_bcrypt_never_cuts(void **state)
{
    struct ja_test_store *t = *state;
    char pw[74], stored[JA_HASH_STRING_MAX];

    memset(pw, 'b', sizeof pw);
    pw[72] = 0;
    crypt_hash("$2b$", 4, pw, stored);
    assert_int_equal(verify_n(t, stored, pw, 72), JA_OK);
    pw[72] = 'x';
    assert_int_equal(verify_n(t, stored, pw, 73), JA_ERR_DENIED);
}

static void rehash_is_asked_for_when_parameters_differ(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_config changed = *t->ctx.cfg;
    struct ja_ctx ctx = {.cfg = &changed, .clock = t->ctx.clock};
    char stored[JA_HASH_STRING_MAX];
    bool rehash = true;

    hash(t, PW, stored);
    assert_int_equal(ja_password_verify(&ctx, stored, PW, strlen(PW), &rehash, NULL), JA_OK);
    assert_false(rehash);
    changed.password.hash_ops = 2;
    assert_int_equal(ja_password_verify(&ctx, stored, PW, strlen(PW), &rehash, NULL), JA_OK);
    assert_true(rehash);
    changed.password.hash_ops = 1;
    changed.password.hash_memory = 9 << 20;
    rehash = false;
    assert_int_equal(ja_password_verify(&ctx, stored, PW, strlen(PW), &rehash, NULL), JA_OK);
    assert_true(rehash);
    rehash = false;
    assert_int_equal(ja_password_verify(&ctx, stored, "wrong", 5, &rehash, NULL), JA_ERR_DENIED);
    assert_false(rehash); /* written on success only */
}

/* ---- F9: no memory is no mismatch ---- */

static int try_without_memory(struct ja_test_store *t, const char *stored)
{
    struct rlimit limit;
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (!f || fscanf(f, "%lu", &pages) != 1)
        return 100;
    (void)fclose(f);
    limit.rlim_cur = limit.rlim_max = pages * 4096 + (2 << 20); /* 8 MiB are needed */
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 101;
    return (int)VERIFY(t, stored, PW);
}

__attribute__((unused)) static void f9_no_memory_is_no_mismatch(void **state)
{
    struct ja_test_store *t = *state;
    char stored[JA_HASH_STRING_MAX], yescrypt[JA_HASH_STRING_MAX];
    /* libxcrypt does not say that memory was short: an error of the system all the same */
    const struct { const char *stored; enum ja_status want; } all[] = {
        {stored, JA_ERR_NOMEM}, {NULL, JA_ERR_NOMEM}, {yescrypt, JA_ERR_CRYPTO}};

    hash(t, PW, stored);
    crypt_hash("$y$", 5, PW, yescrypt);
    assert_int_equal(VERIFY(t, yescrypt, PW), JA_OK); /* libcrypt is loaded */
    for (size_t i = 0; i < 3; i++) {
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            _exit(try_without_memory(t, all[i].stored));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), all[i].want);
    }
}

/* ---- R8: unknown users ---- */

/* Whatever is given, nothing matches "no hash"; the work takes a slot as any other. */
static void r8_unknown_user_costs_a_hash_and_is_denied(void **state)
{
    struct ja_test_store *t = *state;
    int held[2];
    struct ja_error err = {0};

    assert_int_equal(VERIFY(t, NULL, PW), JA_ERR_DENIED);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &held[0], NULL), JA_OK);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &held[1], NULL), JA_OK);
    assert_int_equal(ja_password_verify(&t->ctx, NULL, PW, strlen(PW), NULL, &err), JA_ERR_BUSY);
    ja_hash_slot_release(held[0]);
    ja_hash_slot_release(held[1]);
}

/* ---- R21: slots ---- */

static void r21_slots_bound_parallel_hashing_over_processes(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx second = {0};
    int fd[3] = {-1, -1, -1}, status = 0;
    int64_t before;
    pid_t pid;

    second.cfg = t->ctx.cfg;
    second.clock = t->ctx.clock;
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd[0], NULL), JA_OK);
    assert_int_equal(ja_hash_slot_take(&second, &fd[1], NULL), JA_OK);
    before = t->clock.mono_ms;
    assert_int_equal(ja_hash_slot_take(&second, &fd[2], NULL), JA_ERR_BUSY);
    assert_int_equal(fd[2], -1);
    assert_int_equal(t->clock.mono_ms - before, 2000); /* hash_wait, not less and not more */
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int mine;

        /* the inherited descriptors are this process's too: closing them frees nothing */
        ja_hash_slot_release(fd[0]);
        ja_hash_slot_release(fd[1]);
        _exit(ja_hash_slot_take(&t->ctx, &mine, NULL) == JA_ERR_BUSY ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ja_hash_slot_release(fd[0]);
    assert_int_equal(ja_hash_slot_take(&second, &fd[2], NULL), JA_OK);
    ja_hash_slot_release(fd[1]);
    ja_hash_slot_release(fd[2]);
    ja_hash_slot_release(-1);
}

/* A holder that is killed gives its slot back. */
static void r21_a_dead_holder_frees_its_slot(void **state)
{
    struct ja_test_store *t = *state;
    int ready[2], fd = -1, status = 0, mine;
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &mine, NULL), JA_OK);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail */
        byte = ja_hash_slot_take(&t->ctx, &fd, NULL) == JA_OK ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_ERR_BUSY);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_OK);
    ja_hash_slot_release(fd);
    ja_hash_slot_release(mine);
    close(ready[0]);
    close(ready[1]);
}

/* R22: a slot file that others could lock, or a link, is no slot file; without a folder nothing is
 * hashed. */
static void r21_r22_unsafe_slot_files_are_errors(void **state)
{
    struct ja_test_store *t = *state;
    char path[160], run[128], link[160];
    struct stat sb;
    int fd = -1;

    (void)snprintf(path, sizeof path, "%s/run/hash-slots", t->dir);
    (void)snprintf(run, sizeof run, "%s/run", t->dir);
    (void)snprintf(link, sizeof link, "%s/elsewhere", t->dir);
    (void)unlink(path);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_OK);
    ja_hash_slot_release(fd);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 07777, 0600);
    assert_int_equal(sb.st_size, 0);

    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_ERR_UNSAFE);
    assert_int_equal(VERIFY(t, NULL, PW), JA_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(link, path), 0);
    assert_int_not_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_OK);
    assert_int_not_equal(access(link, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(rmdir(run), 0);
    assert_int_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_OK); /* made anew */
    ja_hash_slot_release(fd);
    assert_int_equal(stat(run, &sb), 0);
    assert_int_equal(sb.st_mode & 07777, 0755);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(run), 0);
    fd = open(run, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* a file where the folder should be */
    assert_true(fd >= 0);
    close(fd);
    assert_int_not_equal(ja_hash_slot_take(&t->ctx, &fd, NULL), JA_OK);
    assert_int_not_equal(VERIFY(t, NULL, PW), JA_ERR_DENIED);
    assert_int_equal(unlink(run), 0);
}

/* ---- CVE-2013-1895: threads ---- */

struct job { struct ja_ctx ctx; const char *stored, *pw; enum ja_status want; bool ok; };

static void *run_job(void *arg)
{
    struct job *j = arg;

    j->ok = true;
    for (int i = 0; i < 8; i++)
        j->ok &=
            ja_password_verify(&j->ctx, j->stored, j->pw, strlen(j->pw), NULL, NULL) == j->want;
    return NULL;
}

static void threads_do_not_mix_passwords(void **state)
{
    struct ja_test_store *t = *state;
    char bcrypt[JA_HASH_STRING_MAX], sha[JA_HASH_STRING_MAX];
    struct job jobs[16];
    pthread_t threads[16];

    crypt_hash("$2b$", 4, PW, bcrypt);
    crypt_hash("$6$", 1000, "Another-Pw-9", sha);
    for (size_t i = 0; i < 16; i++) {
        bool right = i % 2 == 0;

        jobs[i] = (struct job){.stored = i % 4 < 2 ? bcrypt : sha,
                               .pw = (i % 4 < 2) == right ? PW : "Another-Pw-9",
                               .want = right ? JA_OK : JA_ERR_DENIED};
        jobs[i].ctx.cfg = t->ctx.cfg;
        jobs[i].ctx.clock = ja_clock_system;
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(jobs[i].ok);
    }
}

static void measuring_reports_what_the_clock_says(void **state)
{
    struct ja_test_store *t = *state;
    int64_t ms = -1;

    assert_int_equal(ja_password_hash_measure(8 << 20, 1, &t->ctx.clock, &ms, NULL), JA_OK);
    assert_int_equal(ms, 0); /* the fake clock stands still */
    ms = -1;
    assert_int_equal(ja_password_hash_measure(INT64_C(1) << 50, 1, &t->ctx.clock, &ms, NULL),
                     JA_ERR_CRYPTO);
    assert_int_equal(ms, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_and_wrong_password),
        cmocka_unit_test(strings_are_those_of_libsodium),
        cmocka_unit_test(r4_r20_empty_nul_and_long_passwords_are_refused),
        cmocka_unit_test(f10_stored_costs_are_capped),
        cmocka_unit_test(malformed_strings_are_refused),
        cmocka_unit_test(crypt_schemes_are_verified_and_rehashed),
        cmocka_unit_test(r20_bcrypt_never_cuts),
        cmocka_unit_test(cve_2013_7041_letter_case_of_a_stored_hash_counts),
        cmocka_unit_test(rehash_is_asked_for_when_parameters_differ),
#if !defined(__SANITIZE_ADDRESS__) /* its shadow needs the address space */
        cmocka_unit_test(f9_no_memory_is_no_mismatch),
#endif
        cmocka_unit_test(r8_unknown_user_costs_a_hash_and_is_denied),
        cmocka_unit_test(r21_slots_bound_parallel_hashing_over_processes),
        cmocka_unit_test(r21_a_dead_holder_frees_its_slot),
        cmocka_unit_test(r21_r22_unsafe_slot_files_are_errors),
        cmocka_unit_test(threads_do_not_mix_passwords),
        cmocka_unit_test(measuring_reports_what_the_clock_says),
    };

    return cmocka_run_group_tests(tests, store_up, store_down);
}
