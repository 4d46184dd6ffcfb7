/* One-time codes: SECURITY R11, RFC 6238, CVE-2024-7318, CVE-2024-8796 and replay (CVE-2015-7225,
 * ...). */
#include "common/base/text.h"
#include "common/domain/totp.h"
#include "tests/support/temp_store.h"

#include <liboath/oath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct ja_totp made(enum ja_totp_algorithm a, int digits, const char *key, size_t len)
{
    struct ja_totp t = {.algorithm = a, .digits = digits, .period = 30};

    assert_int_equal(ja_secret_from(&t.secret, key, len, NULL), JA_OK);
    return t;
}

static enum ja_status match(const struct ja_totp *t, int window, int64_t now, const char *code,
                            int64_t *step)
{
    return ja_totp_match(t, window, now, code, strlen(code), step, NULL);
}

/* The code of a step, straight from liboath. */
static void code_of(const struct ja_totp *t, int64_t step, char out[9])
{
    static const int flags[] = {0, OATH_TOTP_HMAC_SHA256, OATH_TOTP_HMAC_SHA512};

    assert_int_equal(oath_totp_generate2((const char *)t->secret.data, t->secret.len,
                                         (time_t)(step * 30), 30, 0, (unsigned)t->digits,
                                         flags[t->algorithm], out), OATH_OK);
}

/* ---- RFC 6238, appendix B ---- */

static void rfc6238_appendix_b(void **state)
{
    static const char key20[] = "12345678901234567890";
    static const char key32[] = "12345678901234567890123456789012";
    static const char key64[] = "1234567890123456789012345678901234567890123456789012345678901234";
    static const struct { int64_t time; const char *sha1, *sha256, *sha512; } vectors[] = {
        {59, "94287082", "46119246", "90693936"},
        {1111111109, "07081804", "68084774", "25091201"},
        {1111111111, "14050471", "67062674", "99943326"},
        {1234567890, "89005924", "91819424", "93441116"},
        {2000000000, "69279037", "90698825", "38618901"},
        {INT64_C(20000000000), "65353130", "77737706", "47863826"},
    };
    struct ja_totp t[3] = {made(JA_TOTP_SHA1, 8, key20, 20), made(JA_TOTP_SHA256, 8, key32, 32),
                           made(JA_TOTP_SHA512, 8, key64, 64)};

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const char *codes[3] = {vectors[i].sha1, vectors[i].sha256, vectors[i].sha512};

        for (int a = 0; a < 3; a++) {
            int64_t step = -1;

            assert_int_equal(match(&t[a], 0, vectors[i].time, codes[a], &step), JA_OK);
            assert_int_equal(step, vectors[i].time / 30);
            for (int b = 0; b < 3; b++) {
                if (b != a)
                    assert_int_equal(match(&t[b], 0, vectors[i].time, codes[a], &step),
                                     JA_ERR_DENIED);
            }
        }
    }
    for (int a = 0; a < 3; a++)
        ja_totp_clear(&t[a]);
}

static void six_digits_are_the_last_six(void **state)
{
    struct ja_totp t = made(JA_TOTP_SHA1, 6, "12345678901234567890", 20);
    int64_t step = 0;

    (void)state;
    assert_int_equal(match(&t, 0, 59, "287082", &step), JA_OK);
    assert_int_equal(match(&t, 0, 59, "94287082", &step), JA_ERR_DENIED);
    ja_totp_clear(&t);
}

/* ---- form and window ---- */

static void r11_a_code_is_as_many_ascii_digits_as_enrolled(void **state)
{
    static const char *const bad[] = {"",        "2",       "28708",        "2870820", "287082 ",
                                      " 287082", "28708x",  "+28708",       "-28708",  "28708\n",
                                      "287 082", "0287082", "２８７０８２", "0x2870",  "28708."};
    struct ja_totp t = made(JA_TOTP_SHA1, 6, "12345678901234567890", 20);
    int64_t step = 77;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(match(&t, 1, 59, bad[i], &step), JA_ERR_DENIED);
    assert_int_equal(ja_totp_match(&t, 1, 59, "287082\0", 7, &step, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_totp_match(&t, 1, 59, NULL, 0, &step, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_totp_match(&t, 1, 59, NULL, 6, &step, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_totp_match(&t, 1, 59, "287082", 0, &step, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_totp_match(&t, 1, 59, "28708", 6, &step, NULL), JA_ERR_DENIED);
    assert_int_equal(step, 77);
    ja_totp_clear(&t);
}

/* CVE-2024-7318: of the codes of steps -4 to +4 exactly 2 * window + 1 count. */
static void r11_the_window_is_exact(void **state)
{
    (void)state;
    for (int window = 0; window <= 2; window++) {
        struct ja_totp t = made(JA_TOTP_SHA256, 8, "a secret of twenty b", 20);
        /* the first and the last second of a step */
        const int64_t times[] = {1780000020, 1780000049};

        for (int k = 0; k < 2; k++) {
            int64_t now = times[k], current = now / 30, step;
            int accepted = 0;

            assert_int_equal(current, 59333334);
            for (int off = -4; off <= 4; off++) {
                char code[9];
                enum ja_status st;

                code_of(&t, current + off, code);
                step = -1;
                st = match(&t, window, now, code, &step);
                accepted += st == JA_OK;
                assert_int_equal(st, off >= -window && off <= window ? JA_OK : JA_ERR_DENIED);
                if (st == JA_OK)
                    assert_int_equal(step, current + off);
            }
            assert_int_equal(accepted, 2 * window + 1);
        }
        ja_totp_clear(&t);
    }
}

static void damaged_rows_are_no_mismatch(void **state)
{
    struct ja_totp t = made(JA_TOTP_SHA1, 6, "12345678901234567890", 20);
    int64_t step = 0;

    (void)state;
    t.digits = 7;
    assert_int_equal(match(&t, 1, 59, "4287082", &step), JA_ERR_CORRUPT);
    t.digits = 6;
    t.period = 0;
    assert_int_equal(match(&t, 1, 59, "287082", &step), JA_ERR_CORRUPT);
    t.period = 30;
    assert_int_equal(match(&t, -1, 59, "287082", &step), JA_ERR_CORRUPT);
    assert_int_equal(match(&t, 1000, 59, "287082", &step), JA_ERR_CORRUPT);
    assert_int_equal(match(&t, 1, -59, "287082", &step), JA_ERR_CORRUPT);
    ja_secret_clear(&t.secret);
    assert_int_equal(match(&t, 1, 59, "287082", &step), JA_ERR_CORRUPT);
    assert_int_equal(match(&t, 1, 59, "", &step), JA_ERR_CORRUPT);
}

/* ---- the store ---- */

struct world {
    struct ja_test_store *t;
    char alice[JA_UUID_LEN + 1], bob[JA_UUID_LEN + 1];
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->t = ja_test_store_new(NULL);
    ja_test_user(w->t, "alice", NULL, w->alice);
    ja_test_user(w->t, "bob", NULL, w->bob);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;

    ja_test_store_free(w->t);
    free(w);
    return 0;
}

static enum ja_status create(struct ja_ctx *ctx, const char *id, struct ja_totp *ret)
{
    struct ja_totp t = {0};
    enum ja_status st = ja_db_begin(ctx->db, NULL);

    if (st == JA_OK)
        st = ja_totp_create(ctx, id, JA_TOTP_SHA1, 6, &t, NULL);
    if (st != JA_OK) {
        ja_db_rollback(ctx->db);
        return st;
    }
    st = ja_db_commit(ctx->db, NULL);
    if (ret)
        *ret = t;
    else
        ja_totp_clear(&t);
    return st;
}

static enum ja_status write_step(struct ja_ctx *ctx, const char *id, int64_t step, bool confirm)
{
    enum ja_status st = ja_db_begin(ctx->db, NULL);

    assert_int_equal(st, JA_OK);
    st =
        confirm ? ja_totp_set_confirmed(ctx, id, step, NULL) : ja_totp_consume(ctx, id, step, NULL);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, NULL);
    else
        ja_db_rollback(ctx->db);
    return st;
}

/* CVE-2024-8796: 160 random bits, sealed. */
static void r11_secrets_have_160_bits_and_are_sealed(void **state)
{
    struct world *w = *state;
    struct ja_totp first = {0}, second = {0}, found = {0};
    struct ja_rows *rows = NULL;
    bool row = false;
    struct ja_secret b32 = {0};

    assert_int_equal(create(&w->t->ctx, w->alice, &first), JA_OK);
    assert_int_equal(first.secret.len, 20);
    assert_int_equal(create(&w->t->ctx, w->alice, &second),
                     JA_OK); /* replaces an unconfirmed one */
    assert_memory_not_equal(first.secret.data, second.secret.data, 20);
    assert_int_equal(ja_totp_find(&w->t->ctx, w->alice, true, &found, NULL), JA_OK);
    assert_int_equal(found.secret.len, 20);
    assert_memory_equal(found.secret.data, second.secret.data, 20);
    assert_int_equal(found.digits, 6);
    assert_int_equal(found.period, 30);
    assert_int_equal(found.confirmed_at, 0);
    assert_int_equal(ja_totp_base32(&found, &b32, NULL), JA_OK);
    assert_int_equal(b32.len, 32);
    assert_int_equal(ja_db_query(w->t->ctx.db, "SELECT secret FROM totp WHERE user_id = $1",
                                 JA_BINDS(JA_T(w->alice)), &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    assert_int_equal(strncmp(ja_col_text(rows, "secret"), "v1.", 3), 0);
    assert_null(strstr(ja_col_text(rows, "secret"), (char *)b32.data));
    ja_rows_end(rows);
    ja_secret_clear(&b32);
    ja_totp_clear(&first);
    ja_totp_clear(&second);
    ja_totp_clear(&found);
    assert_int_equal(ja_totp_find(&w->t->ctx, w->alice, false, &found, NULL), JA_OK);
    assert_null(found.secret.data);
    assert_int_equal(ja_totp_find(&w->t->ctx, w->bob, true, &found, NULL), JA_ERR_NOT_FOUND);
}

/* A sealed secret that somebody with write access to the store moves to another user does not open.
 */
static void r29_a_moved_secret_does_not_open(void **state)
{
    struct world *w = *state;
    struct ja_db *db = w->t->ctx.db;
    struct ja_totp t = {0};

    assert_int_equal(create(&w->t->ctx, w->alice, NULL), JA_OK);
    assert_int_equal(create(&w->t->ctx, w->bob, NULL), JA_OK);
    assert_int_equal(ja_db_begin(db, NULL), JA_OK);
    assert_int_equal(
        ja_db_exec(db,
                   "UPDATE totp SET secret = (SELECT secret FROM totp WHERE user_id = $1) "
                   "WHERE user_id = $2",
                   JA_BINDS(JA_T(w->alice), JA_T(w->bob)), NULL, NULL),
        JA_OK);
    assert_int_equal(ja_db_commit(db, NULL), JA_OK);
    assert_int_equal(ja_totp_find(&w->t->ctx, w->bob, true, &t, NULL), JA_ERR_CORRUPT);
    assert_null(t.secret.data);
    assert_int_equal(ja_totp_find(&w->t->ctx, w->alice, true, &t, NULL), JA_OK);
    ja_totp_clear(&t);
}

/* R12: what is in force is not replaced, and what is not in force grants nothing. */
static void r12_one_in_force_is_never_replaced(void **state)
{
    struct world *w = *state;
    bool deleted = false;

    assert_int_equal(create(&w->t->ctx, w->alice, NULL), JA_OK);
    assert_int_equal(write_step(&w->t->ctx, w->alice, 100, false), JA_ERR_DENIED); /* unconfirmed */
    assert_int_equal(write_step(&w->t->ctx, w->alice, 100, true), JA_OK);
    assert_int_equal(write_step(&w->t->ctx, w->alice, 101, true), JA_ERR_DENIED);
    assert_int_equal(create(&w->t->ctx, w->alice, NULL), JA_ERR_EXISTS);
    assert_int_equal(ja_db_begin(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_totp_delete(&w->t->ctx, w->alice, &deleted, NULL), JA_OK);
    assert_true(deleted);
    assert_int_equal(ja_totp_delete(&w->t->ctx, w->alice, &deleted, NULL), JA_OK);
    assert_false(deleted);
    assert_int_equal(ja_db_commit(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(create(&w->t->ctx, w->alice, NULL), JA_OK);
}

/* CVE-2015-7225, -2024-41800, -2025-6014 ...: once, never an older one, also with the clock set
 * back. */
static void r11_a_step_counts_once(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_totp t = {0};
    struct ja_ctx second;
    int64_t step = 0;
    char code[9];

    assert_int_equal(create(ctx, w->alice, &t), JA_OK);
    assert_int_equal(write_step(ctx, w->alice, 1000, true), JA_OK);
    assert_int_equal(write_step(ctx, w->alice, 1000, false),
                     JA_ERR_DENIED); /* the confirming one */
    assert_int_equal(write_step(ctx, w->alice, 1002, false), JA_OK);
    assert_int_equal(write_step(ctx, w->alice, 1002, false), JA_ERR_DENIED);
    assert_int_equal(write_step(ctx, w->alice, 1001, false), JA_ERR_DENIED);
    ja_test_store_second(w->t, &second);
    assert_int_equal(write_step(&second, w->alice, 1002, false), JA_ERR_DENIED);
    assert_int_equal(write_step(&second, w->alice, 1003, false), JA_OK);
    assert_int_equal(write_step(ctx, w->alice, 1003, false), JA_ERR_DENIED);
    ja_ctx_clear(&second);

    step = ja_now(&ctx->clock) / 30;
    assert_int_equal(write_step(ctx, w->alice, step, false), JA_OK);
    ja_fake_clock_advance(&w->t->clock, -3600);
    code_of(&t, ja_now(&ctx->clock) / 30, code);
    assert_int_equal(match(&t, 1, ja_now(&ctx->clock), code, &step), JA_OK);
    assert_int_equal(write_step(ctx, w->alice, step, false), JA_ERR_DENIED);
    ja_totp_clear(&t);
}

static void r11_of_parallel_logins_with_one_code_exactly_one_wins(void **state)
{
    enum { PROCESSES = 8 };
    struct world *w = *state;
    int go[2], wins = 0;
    pid_t pids[PROCESSES];
    char byte = 0;

    assert_int_equal(create(&w->t->ctx, w->alice, NULL), JA_OK);
    assert_int_equal(write_step(&w->t->ctx, w->alice, 1, true), JA_OK);
    assert_int_equal(pipe(go), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct ja_ctx mine;
            enum ja_status st;

            close(go[1]);
            ja_test_store_second(w->t, &mine);
            (void)!read(go[0], &byte, 1); /* until the parent closes it */
            st = write_step(&mine, w->alice, 5000, false);
            ja_ctx_clear(&mine);
            _exit(st == JA_OK ? 0 : st == JA_ERR_DENIED ? 1 : 2);
        }
    }
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 0, 1);
        wins += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(wins, 1);
}

static void only_known_algorithms_and_lengths(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_totp t = {0};

    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_totp_create(ctx, w->alice, JA_TOTP_SHA1, 7, &t, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_totp_create(ctx, w->alice, JA_TOTP_SHA1, 0, &t, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_totp_create(ctx, w->alice, (enum ja_totp_algorithm)3, 6, &t, NULL),
                     JA_ERR_INVALID);
    assert_int_equal(ja_totp_create(ctx, w->alice, JA_TOTP_SHA512, 8, &t, NULL), JA_OK);
    assert_string_equal(ja_totp_algorithm_name(t.algorithm), "SHA512");
    ja_totp_clear(&t);
    assert_int_equal(ja_totp_find(ctx, w->alice, true, &t, NULL), JA_OK);
    assert_int_equal(t.algorithm, JA_TOTP_SHA512);
    assert_int_equal(t.digits, 8);
    ja_totp_clear(&t);
    ja_db_rollback(ctx->db);
}

/* ---- factors that were in use elsewhere ---- */

static enum ja_status import(struct ja_ctx *ctx, const char *user, const struct ja_totp *t, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    if (st == JA_OK)
        st = ja_totp_import(ctx, user, t, err);
    if (st == JA_OK)
        return ja_db_commit(ctx->db, err);
    ja_db_rollback(ctx->db);
    return st;
}

/* R11: in force at once, with the window and the used steps that they come with. */
static void r11_an_imported_factor_keeps_window_and_used_steps(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    struct ja_totp t = made(JA_TOTP_SHA256, 8, "sixteen bytes...", 16), found = {0};
    int64_t now = ja_now(&ctx->clock);

    t.period = 60;
    t.own_window = true;
    t.step_window = 0;
    t.last_step = now / 60 - 2;
    assert_int_equal(import(ctx, w->alice, &t, NULL), JA_OK);
    assert_int_equal(ja_totp_find(ctx, w->alice, true, &found, NULL), JA_OK);
    assert_int_equal(found.algorithm, JA_TOTP_SHA256);
    assert_int_equal(found.digits, 8);
    assert_int_equal(found.period, 60);
    assert_int_equal(found.last_step, now / 60 - 2);
    assert_int_equal(found.confirmed_at, now);
    assert_true(found.own_window);
    assert_int_equal(ja_totp_window(ctx, &found), 0);
    assert_true(ja_secret_equal(&found.secret, "sixteen bytes...", 16));
    assert_int_equal(write_step(ctx, w->alice, now / 60 - 2, false), JA_ERR_DENIED);
    assert_int_equal(write_step(ctx, w->alice, now / 60 - 1, false), JA_OK);
    ja_totp_clear(&found);
    /* One in force is not replaced, one that is not yet is; without a window of its own the configuration's counts. */
    assert_int_equal(import(ctx, w->alice, &t, NULL), JA_ERR_EXISTS);
    assert_int_equal(create(ctx, w->bob, NULL), JA_OK);
    t.own_window = false;
    assert_int_equal(import(ctx, w->bob, &t, NULL), JA_OK);
    assert_int_equal(ja_totp_find(ctx, w->bob, false, &found, NULL), JA_OK);
    assert_false(found.own_window);
    assert_int_equal(ja_totp_window(ctx, &found), ctx->cfg->mfa.totp_window);
    assert_true(found.confirmed_at != 0);
    ja_totp_clear(&found);
    ja_totp_clear(&t);
}

static void what_an_imported_factor_brings_is_bounded(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    int64_t now = ja_now(&ctx->clock);
    char key[JA_TOTP_SECRET_MAX + 1] = {1};
    const struct { size_t key; int digits, period, window; int64_t last; const char *code; } rows[] = {
        {9, 6, 30, 1, 0, "invalid_secret"},   {129, 6, 30, 1, 0, "invalid_secret"}, {20, 7, 30, 1, 0, "invalid_digits"},
        {20, 6, 14, 1, 0, "invalid_period"},  {20, 6, 121, 1, 0, "invalid_period"}, {20, 6, 30, 11, 0, "invalid_window"},
        {20, 6, 30, -1, 0, "invalid_window"}, {20, 6, 30, 1, -1, "invalid_step"},   {20, 6, 30, 1, now / 30 + 11, "invalid_step"},
        {10, 6, 15, 0, 0, ""},                {128, 8, 120, 10, now / 120 + 10, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_totp t = made(JA_TOTP_SHA1, rows[i].digits, key, rows[i].key);
        struct ja_error err = {0};

        t.period = rows[i].period;
        t.own_window = true;
        t.step_window = rows[i].window;
        t.last_step = rows[i].last;
        assert_int_equal(import(ctx, i % 2 ? w->bob : w->alice, &t, &err), rows[i].code[0] ? JA_ERR_INVALID : JA_OK);
        assert_string_equal(err.code, rows[i].code);
        ja_totp_clear(&t);
    }
}

/* liboath's decoder: letter case, blanks and padding do not matter. */
static void base32_of_people_is_read(void **state)
{
    static const char *const good[] = {"GEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq"}, *const bad[] = {"", "GEZ1", "GEZD!", "G"};
    struct ja_secret s = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ja_totp_decode(good[i], strlen(good[i]), &s, NULL), JA_OK);
        assert_true(ja_secret_equal(&s, "1234567890", 10));
        ja_secret_clear(&s);
    }
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(ja_totp_decode(bad[i], strlen(bad[i]), &s, NULL), JA_ERR_INVALID);
}

/* ---- for apps ---- */

static void uris_are_escaped(void **state)
{
    struct ja_totp t = made(JA_TOTP_SHA1, 6, "12345678901234567890", 20);
    struct ja_secret uri = {0};

    (void)state;
    assert_int_equal(ja_totp_uri(&t, "Example & Söhne: auth", "alice", &uri, NULL), JA_OK);
    assert_string_equal(
        (char *)uri.data,
        "otpauth://totp/Example%20%26%20S%C3%B6hne%3A%20auth:alice"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Example%20%26%20S%C3%B6hne%3A%20auth&algorithm=SHA1&digits=6&period=30");
    ja_secret_clear(&uri);
    ja_totp_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc6238_appendix_b),
        cmocka_unit_test(six_digits_are_the_last_six),
        cmocka_unit_test(r11_a_code_is_as_many_ascii_digits_as_enrolled),
        cmocka_unit_test(r11_the_window_is_exact),
        cmocka_unit_test(damaged_rows_are_no_mismatch),
        cmocka_unit_test_setup_teardown(r11_secrets_have_160_bits_and_are_sealed, up, down),
        cmocka_unit_test_setup_teardown(r29_a_moved_secret_does_not_open, up, down),
        cmocka_unit_test_setup_teardown(r12_one_in_force_is_never_replaced, up, down),
        cmocka_unit_test_setup_teardown(r11_a_step_counts_once, up, down),
        cmocka_unit_test_setup_teardown(r11_of_parallel_logins_with_one_code_exactly_one_wins, up,
                                        down),
        cmocka_unit_test_setup_teardown(only_known_algorithms_and_lengths, up, down),
        cmocka_unit_test_setup_teardown(r11_an_imported_factor_keeps_window_and_used_steps, up, down),
        cmocka_unit_test_setup_teardown(what_an_imported_factor_brings_is_bounded, up, down),
        cmocka_unit_test(base32_of_people_is_read),
        cmocka_unit_test(uris_are_escaped),
    };

    if (ja_crypto_init(NULL) != JA_OK)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
