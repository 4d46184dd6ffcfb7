/* One-time tokens and codes (SECURITY R19). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/domain/one_time_token.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_store.h"

#include <stdlib.h>
#include <string.h>

static struct ja_test_store *t;
static char alice[37], bob[37];

static int up(void **state)
{
    (void)state;
    t = ja_test_store_new(NULL);
    ja_test_user(t, "alice", NULL, alice);
    ja_test_user(t, "bob", NULL, bob);
    return 0;
}

static int down(void **state)
{
    (void)state;
    ja_test_store_free(t);
    return 0;
}

#define OK(call) assert_int_equal((call), JA_OK)

static struct ja_secret make(const char *user, enum ja_purpose p, bool code, int64_t ttl)
{
    const struct ja_ott_spec spec = {user, p, code, code ? "+4930123456" : "alice@example.org", ttl};
    struct ja_secret s = {0};
    struct ja_error err = {0};

    OK(ja_db_begin(t->ctx.db, &err));
    OK(ja_ott_create(&t->ctx, &spec, &s, &err));
    OK(ja_db_commit(t->ctx.db, &err));
    return s;
}

static enum ja_status consume(struct ja_ctx *ctx, const struct ja_ott *o)
{
    struct ja_error err = {0};
    enum ja_status st;

    OK(ja_db_begin(ctx->db, &err));
    st = ja_ott_consume(ctx, o, &err);
    OK(ja_db_commit(ctx->db, &err));
    return st;
}

static enum ja_status find(unsigned mask, const struct ja_secret *s, struct ja_ott *o)
{
    struct ja_error err = {0};
    enum ja_status st = ja_ott_find(&t->ctx, mask, (const char *)s->data, s->len, o, &err);

    assert_true(st == JA_OK || strcmp(err.code, "invalid_token") == 0);
    return st;
}

static enum ja_status try_code(const char *user, const char *code)
{
    struct ja_ott o = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_ott_try_code(&t->ctx, user, JA_PURPOSE_RESET, code, strlen(code), &o, &err);

    assert_true(st == JA_OK || strcmp(err.code, "invalid_code") == 0);
    if (st == JA_OK)
        assert_string_equal(o.user_id, user);
    return st;
}

/* CVE-2026-21622, CVE-2023-3591, CVE-2026-24669: one that was used, ended or replaced is worth nothing. */
static void r19_a_token_serves_once_for_its_purpose(void **state)
{
    struct ja_secret s = make(alice, JA_PURPOSE_VERIFY_EMAIL, false, 3600);
    struct ja_ott o = {0};

    (void)state;
    assert_int_equal(s.len, JA_OTT_TOKEN_LEN);
    assert_int_equal(find(1U << JA_PURPOSE_RESET | 1U << JA_PURPOSE_INVITE, &s, &o), JA_ERR_DENIED);
    OK(find(1U << JA_PURPOSE_VERIFY_EMAIL, &s, &o));
    assert_string_equal(o.user_id, alice);
    assert_string_equal(o.destination, "alice@example.org");
    OK(consume(&t->ctx, &o));
    assert_int_equal(consume(&t->ctx, &o), JA_ERR_DENIED);
    assert_int_equal(find(JA_PURPOSES_ALL, &s, &o), JA_ERR_DENIED);
    ja_secret_clear(&s);
}

static void r19_a_new_one_voids_the_former_of_its_purpose_alone(void **state)
{
    struct ja_secret first = make(alice, JA_PURPOSE_RESET, false, 3600);
    struct ja_secret other = make(alice, JA_PURPOSE_VERIFY_EMAIL, false, 3600);
    struct ja_secret bobs = make(bob, JA_PURPOSE_RESET, false, 3600);
    struct ja_secret second = make(alice, JA_PURPOSE_RESET, false, 3600);
    struct ja_ott o = {0};

    (void)state;
    assert_int_equal(find(JA_PURPOSES_ALL, &first, &o), JA_ERR_DENIED);
    OK(find(JA_PURPOSES_ALL, &other, &o));
    OK(find(JA_PURPOSES_ALL, &bobs, &o));
    OK(find(JA_PURPOSES_ALL, &second, &o));
    ja_secret_clear(&first);
    ja_secret_clear(&other);
    ja_secret_clear(&bobs);
    ja_secret_clear(&second);
}

static void r19_it_ends_to_the_second(void **state)
{
    struct ja_secret s = make(alice, JA_PURPOSE_RESET, false, 60);
    struct ja_ott o = {0};

    (void)state;
    ja_fake_clock_advance(&t->clock, 59);
    OK(find(JA_PURPOSES_ALL, &s, &o));
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(find(JA_PURPOSES_ALL, &s, &o), JA_ERR_DENIED);
    assert_int_equal(consume(&t->ctx, &o), JA_ERR_DENIED); /* found in time, used too late */
    ja_secret_clear(&s);
}

/* CVE-2026-61458, CVE-2026-13142: tries are counted per code, also those of another form. */
static void r19_a_code_dies_after_its_tries(void **state)
{
    struct ja_secret s = make(alice, JA_PURPOSE_RESET, true, 600);
    const char *right = (const char *)s.data;
    char wrong[] = "000000";

    (void)state;
    assert_int_equal(s.len, JA_OTT_CODE_LEN);
    wrong[0] = right[0] == '0' ? '1' : '0';
    assert_int_equal(try_code(alice, wrong), JA_ERR_DENIED);
    assert_int_equal(try_code(bob, right), JA_ERR_DENIED);
    assert_int_equal(try_code(alice, ""), JA_ERR_DENIED);
    assert_int_equal(try_code(alice, "12345"), JA_ERR_DENIED);
    assert_int_equal(try_code(alice, "１２３４５６"), JA_ERR_DENIED);
    OK(try_code(alice, right)); /* the fifth */
    assert_int_equal(try_code(alice, right), JA_ERR_DENIED);
    ja_secret_clear(&s);
}

static void r19_a_code_that_was_used_or_has_ended_is_none(void **state)
{
    struct ja_secret s = make(alice, JA_PURPOSE_RESET, true, 600);
    struct ja_ott o = {0};
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(find(JA_PURPOSES_ALL, &s, &o), JA_ERR_DENIED); /* no token */
    OK(ja_ott_try_code(&t->ctx, alice, JA_PURPOSE_RESET, (const char *)s.data, s.len, &o, &err));
    OK(consume(&t->ctx, &o));
    assert_int_equal(try_code(alice, (const char *)s.data), JA_ERR_DENIED);
    ja_secret_clear(&s);
    s = make(alice, JA_PURPOSE_RESET, true, 600);
    ja_fake_clock_advance(&t->clock, 600);
    assert_int_equal(try_code(alice, (const char *)s.data), JA_ERR_DENIED);
    ja_secret_clear(&s);
}

static struct ja_ott shared;

static int use(void *arg, int number)
{
    struct ja_ctx ctx = {0};
    int won;

    (void)arg, (void)number;
    ja_test_store_second(t, &ctx);
    won = consume(&ctx, &shared) == JA_OK;
    ja_ctx_clear(&ctx);
    return won;
}

static void r19_of_parallel_uses_one_wins(void **state)
{
    struct ja_secret s = make(alice, JA_PURPOSE_INVITE, false, 600);
    int results[JA_PARALLEL_MAX] = {0}, won = 0;

    (void)state;
    OK(find(JA_PURPOSES_ALL, &s, &shared));
    ja_parallel(20, use, NULL, results);
    for (int i = 0; i < 20; i++)
        won += results[i];
    assert_int_equal(won, 1);
    ja_secret_clear(&s);
}

/* CVE-2008-4102, CVE-2016-0783, CVE-2025-56748: no token repeats, none is stored in clear. */
static void r19_tokens_are_random_and_stored_as_hashes(void **state)
{
    struct ja_secret a = make(alice, JA_PURPOSE_RESET, false, 600);
    struct ja_secret b = make(bob, JA_PURPOSE_RESET, false, 600);
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;
    int seen = 0;

    (void)state;
    assert_string_not_equal((const char *)a.data, (const char *)b.data);
    OK(ja_db_query(t->ctx.db, "SELECT hash, id FROM one_time_tokens", JA_NO_BINDS, &rows, &err));
    while (ja_rows_next(rows, &row, &err) == JA_OK && row) {
        seen++;
        assert_null(strstr(ja_col_text(rows, "hash"), (const char *)a.data));
        assert_null(strstr(ja_col_text(rows, "hash"), (const char *)b.data));
    }
    ja_rows_end(rows);
    assert_int_equal(seen, 2);
    ja_secret_clear(&a);
    ja_secret_clear(&b);
}

static void a_stored_hash_is_no_token(void **state)
{
    struct ja_secret s = make(alice, JA_PURPOSE_RESET, false, 600), copy = {0};
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    struct ja_ott o = {0};
    bool row = false;

    (void)state;
    OK(ja_db_query(t->ctx.db, "SELECT hash FROM one_time_tokens", JA_NO_BINDS, &rows, &err));
    OK(ja_rows_next(rows, &row, &err));
    OK(ja_secret_from(&copy, ja_col_text(rows, "hash"), JA_OTT_TOKEN_LEN, &err));
    ja_rows_end(rows);
    assert_int_equal(find(JA_PURPOSES_ALL, &copy, &o), JA_ERR_DENIED);
    ja_secret_clear(&s);
    ja_secret_clear(&copy);
}

static void void_ends_what_the_mask_names(void **state)
{
    struct ja_secret reset = make(alice, JA_PURPOSE_RESET, false, 600);
    struct ja_secret mail = make(alice, JA_PURPOSE_VERIFY_EMAIL, false, 600);
    struct ja_error err = {0};
    struct ja_ott o = {0};
    int64_t n = 0;

    (void)state;
    OK(ja_db_begin(t->ctx.db, &err));
    OK(ja_ott_void(&t->ctx, alice, 1U << JA_PURPOSE_RESET, &err));
    OK(ja_db_commit(t->ctx.db, &err));
    assert_int_equal(find(JA_PURPOSES_ALL, &reset, &o), JA_ERR_DENIED);
    OK(find(JA_PURPOSES_ALL, &mail, &o));
    ja_fake_clock_advance(&t->clock, 100 * 86400);
    OK(ja_db_begin(t->ctx.db, &err));
    OK(ja_ott_prune(&t->ctx, &n, &err));
    OK(ja_db_commit(t->ctx.db, &err));
    assert_int_equal(n, 2);
    ja_secret_clear(&reset);
    ja_secret_clear(&mail);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(r19_a_token_serves_once_for_its_purpose),
        T(r19_a_new_one_voids_the_former_of_its_purpose_alone),
        T(r19_it_ends_to_the_second),
        T(r19_a_code_dies_after_its_tries),
        T(r19_a_code_that_was_used_or_has_ended_is_none),
        T(r19_of_parallel_uses_one_wins),
        T(r19_tokens_are_random_and_stored_as_hashes),
        T(a_stored_hash_is_no_token),
        T(void_ends_what_the_mask_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
