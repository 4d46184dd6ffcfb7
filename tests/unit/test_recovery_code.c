/* Recovery codes: SECURITY R12, R19's way of keeping codes, CVE-2026-24038. */
#include "common/base/text.h"
#include "common/domain/recovery_code.h"
#include "tests/support/temp_store.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct ja_test_store *t;
    char alice[JA_UUID_LEN + 1], bob[JA_UUID_LEN + 1];
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->t = ja_test_store_new("[mfa]\nrecovery_codes = 3\n");
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

static void regenerate(struct ja_ctx *ctx, const char *id, struct ja_secret *codes)
{
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_recovery_regenerate(ctx, id, codes, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
}

static enum ja_status use_n(struct ja_ctx *ctx, const char *id, const char *code, size_t len)
{
    enum ja_status st = ja_db_begin(ctx->db, NULL);

    assert_int_equal(st, JA_OK);
    st = ja_recovery_consume(ctx, id, code, len, NULL);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, NULL);
    else
        ja_db_rollback(ctx->db);
    return st;
}

static enum ja_status use(struct ja_ctx *ctx, const char *id, const char *code)
{
    return use_n(ctx, id, code, strlen(code));
}

static void line(const struct ja_secret *codes, int n, char out[JA_RECOVERY_CODE_LEN + 1])
{
    memcpy(out, codes->data + n * (JA_RECOVERY_CODE_LEN + 1), JA_RECOVERY_CODE_LEN);
    out[JA_RECOVERY_CODE_LEN] = 0;
}

static void expect_left(struct world *w, const char *id, int64_t left, int64_t total)
{
    int64_t l = -1, n = -1;

    assert_int_equal(ja_recovery_count(&w->t->ctx, id, &l, &n, NULL), JA_OK);
    assert_int_equal(l, left);
    assert_int_equal(n, total);
}

static void codes_have_80_bits_and_the_printed_form(void **state)
{
    struct world *w = *state;
    struct ja_secret codes = {0};
    char seen[3][JA_RECOVERY_CODE_LEN + 1];

    expect_left(w, w->alice, 0, 0);
    regenerate(&w->t->ctx, w->alice, &codes);
    assert_int_equal(codes.len, 3 * 20);
    for (int i = 0; i < 3; i++) {
        line(&codes, i, seen[i]);
        assert_int_equal(codes.data[i * 20 + 19], '\n');
        assert_true(ja_recovery_form(seen[i], JA_RECOVERY_CODE_LEN));
        for (int k = 0; k < JA_RECOVERY_CODE_LEN; k++) {
            if (k % 5 == 4)
                assert_int_equal(seen[i][k], '-');
            else
                assert_non_null(strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", seen[i][k]));
        }
    }
    assert_string_not_equal(seen[0], seen[1]);
    assert_string_not_equal(seen[1], seen[2]);
    expect_left(w, w->alice, 3, 3);
    ja_secret_clear(&codes);
}

/* Over 600 codes each symbol stands at each place: all five bits of each are random. */
static void every_symbol_comes_up_at_every_place(void **state)
{
    struct world *w = *state;
    bool seen[JA_RECOVERY_CODE_LEN][128] = {{false}};
    int count = 0;

    for (int round = 0; round < 200; round++) {
        struct ja_secret codes = {0};

        regenerate(&w->t->ctx, w->alice, &codes);
        for (size_t i = 0; i < codes.len; i++) {
            bool *s = &seen[i % 20 % 19][codes.data[i]];

            count += i % 20 < 19 && codes.data[i] != '-' && !*s;
            *s = true;
        }
        ja_secret_clear(&codes);
    }
    assert_int_equal(count, 16 * 32);
}

static void a_code_is_good_once(void **state)
{
    struct world *w = *state;
    struct ja_secret codes = {0};
    struct ja_ctx second;
    char code[JA_RECOVERY_CODE_LEN + 1], other[JA_RECOVERY_CODE_LEN + 1];

    regenerate(&w->t->ctx, w->alice, &codes);
    line(&codes, 0, code);
    line(&codes, 2, other);
    assert_int_equal(use(&w->t->ctx, w->bob, code), JA_ERR_DENIED);
    assert_int_equal(use(&w->t->ctx, w->alice, code), JA_OK);
    expect_left(w, w->alice, 2, 3);
    assert_int_equal(use(&w->t->ctx, w->alice, code), JA_ERR_DENIED);
    ja_test_store_second(w->t, &second);
    assert_int_equal(use(&second, w->alice, code), JA_ERR_DENIED);
    assert_int_equal(use(&second, w->alice, other), JA_OK);
    ja_ctx_clear(&second);
    expect_left(w, w->alice, 1, 3);
    ja_secret_clear(&codes);
}

static void new_codes_void_the_old_ones(void **state)
{
    struct world *w = *state;
    struct ja_secret old = {0}, new = {0};
    char code[JA_RECOVERY_CODE_LEN + 1];

    regenerate(&w->t->ctx, w->alice, &old);
    regenerate(&w->t->ctx, w->alice, &new);
    line(&old, 1, code);
    assert_int_equal(use(&w->t->ctx, w->alice, code), JA_ERR_DENIED);
    line(&new, 1, code);
    assert_int_equal(use(&w->t->ctx, w->alice, code), JA_OK);
    assert_int_equal(ja_db_begin(w->t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_recovery_delete(&w->t->ctx, w->alice, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->t->ctx.db, NULL), JA_OK);
    line(&new, 2, code);
    assert_int_equal(use(&w->t->ctx, w->alice, code), JA_ERR_DENIED);
    expect_left(w, w->alice, 0, 0);
    ja_secret_clear(&old);
    ja_secret_clear(&new);
}

static void letter_case_hyphens_and_lookalikes_do_not_matter(void **state)
{
    struct world *w = *state;
    struct ja_secret codes = {0};
    char code[JA_RECOVERY_CODE_LEN + 1], typed[64];
    size_t n = 0;

    regenerate(&w->t->ctx, w->alice, &codes);
    line(&codes, 0, code);
    for (size_t i = 0; code[i]; i++) {
        char c = (char)tolower((unsigned char)code[i]);

        if (c == '-')
            continue;
        typed[n++] = c == '0' ? 'o' : c == '1' ? 'l' : c;
        typed[n++] = '-';
    }
    assert_true(ja_recovery_form(typed, n));
    assert_int_equal(use_n(&w->t->ctx, w->alice, typed, n), JA_OK);
    ja_secret_clear(&codes);
}

/* CVE-2026-24038: nothing given is no code, also when nothing is stored. */
static void what_is_no_code_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "-",
        "----",
        "123456",
        "1234567",
        "123456789",
        "1234567a",
        "1234-5678",
        "1234567\xb2",
        "0000-0000-0000-000",
        "0000-0000-0000-00000",
        "0000-0000-0000-000U",
        "0000-0000-0000-000*",
        "0000 0000 0000 0000",
        "0000-0000-0000-000\xc3\xa4",
        "00000000000000001",
        "0000-0000-0000-000\n",
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(ja_recovery_form(bad[i], strlen(bad[i])));
        assert_int_equal(use(&w->t->ctx, w->alice, bad[i]), JA_ERR_DENIED);
    }
    assert_false(ja_recovery_form(NULL, 0));
    assert_false(ja_recovery_form("0000-0000-0000-0000\0", 20));
    assert_int_equal(use_n(&w->t->ctx, w->alice, NULL, 0), JA_ERR_DENIED);
    assert_true(ja_recovery_form("0000-0000-0000-0000", 19));
    assert_int_equal(use(&w->t->ctx, w->alice, "0000-0000-0000-0000"), JA_ERR_DENIED);
}

/* Scratch codes of another program: good once each, beside codes of our own, for their user alone. */
static void codes_of_8_digits_can_be_brought_along(void **state)
{
    struct world *w = *state;
    struct ja_ctx *ctx = &w->t->ctx;
    int64_t left = 0, total = 0;

    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_recovery_import(ctx, w->alice, "12345678", 8, NULL), JA_OK);
    assert_int_equal(ja_recovery_import(ctx, w->alice, "00000000", 8, NULL), JA_OK);
    assert_int_equal(ja_recovery_import(ctx, w->alice, "1234567", 7, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_recovery_import(ctx, w->alice, "123456789", 9, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_recovery_import(ctx, w->alice, "1234567A", 8, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_recovery_import(ctx, w->alice, NULL, 8, NULL), JA_ERR_INVALID);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    assert_int_equal(ja_recovery_count(ctx, w->alice, &left, &total, NULL), JA_OK);
    assert_int_equal(left, 2);
    assert_true(ja_recovery_form("12345678", 8));
    assert_int_equal(use(ctx, w->bob, "12345678"), JA_ERR_DENIED);
    assert_int_equal(use(ctx, w->alice, "12345679"), JA_ERR_DENIED);
    assert_int_equal(use(ctx, w->alice, "0000-0000-0000-0000"), JA_ERR_DENIED);
    assert_int_equal(use(ctx, w->alice, "12345678"), JA_OK);
    assert_int_equal(use(ctx, w->alice, "12345678"), JA_ERR_DENIED);
    assert_int_equal(use(ctx, w->alice, "00000000"), JA_OK);
}

/* Only keyed hashes are stored, bound to the user: a row moved to another user is worth nothing. */
static void codes_are_stored_as_hashes_bound_to_the_user(void **state)
{
    struct world *w = *state;
    struct ja_db *db = w->t->ctx.db;
    struct ja_secret codes = {0};
    struct ja_rows *rows = NULL;
    char code[JA_RECOVERY_CODE_LEN + 1];
    bool row = false;

    regenerate(&w->t->ctx, w->alice, &codes);
    line(&codes, 0, code);
    assert_int_equal(ja_db_query(db, "SELECT hash FROM recovery_codes", JA_NO_BINDS, &rows, NULL),
                     JA_OK);
    while (ja_rows_next(rows, &row, NULL) == JA_OK && row) {
        assert_int_equal(strlen(ja_col_text(rows, "hash")), 43);
        assert_null(strstr(ja_col_text(rows, "hash"), code));
    }
    ja_rows_end(rows);
    assert_int_equal(ja_db_begin(db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(db, "UPDATE recovery_codes SET user_id = $1",
                                JA_BINDS(JA_T(w->bob)), NULL, NULL),
                     JA_OK);
    assert_int_equal(ja_db_commit(db, NULL), JA_OK);
    assert_int_equal(use(&w->t->ctx, w->bob, code), JA_ERR_DENIED);
    ja_secret_clear(&codes);
}

static void of_parallel_uses_exactly_one_wins(void **state)
{
    enum { PROCESSES = 6 };
    struct world *w = *state;
    struct ja_secret codes = {0};
    char code[JA_RECOVERY_CODE_LEN + 1], byte;
    int go[2], wins = 0;
    pid_t pids[PROCESSES];

    regenerate(&w->t->ctx, w->alice, &codes);
    line(&codes, 0, code);
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
            st = use(&mine, w->alice, code);
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
    ja_secret_clear(&codes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(codes_have_80_bits_and_the_printed_form, up, down),
        cmocka_unit_test_setup_teardown(every_symbol_comes_up_at_every_place, up, down),
        cmocka_unit_test_setup_teardown(a_code_is_good_once, up, down),
        cmocka_unit_test_setup_teardown(new_codes_void_the_old_ones, up, down),
        cmocka_unit_test_setup_teardown(letter_case_hyphens_and_lookalikes_do_not_matter, up, down),
        cmocka_unit_test_setup_teardown(what_is_no_code_is_refused, up, down),
        cmocka_unit_test_setup_teardown(codes_of_8_digits_can_be_brought_along, up, down),
        cmocka_unit_test_setup_teardown(codes_are_stored_as_hashes_bound_to_the_user, up, down),
        cmocka_unit_test_setup_teardown(of_parallel_uses_exactly_one_wins, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
