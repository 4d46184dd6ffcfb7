#include "common/domain/throttle.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALICE "0190aaaa-0000-7000-8000-000000000001"
static const struct ja_throttle_who alice = {.user_key = ALICE, .source = "192.0.2.0/24", .known = true};

static int setup(void **state)
{
    *state = ja_test_store_new("[throttle]\nlogin = 5/15m\nper_source = 8/15m\nper_user = 6/1h\n"
                               "delay_base = 1s\ndelay_max = 30s\n");
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

/* How many of `tries` were let through. */
static int booked(struct ja_ctx *ctx, const struct ja_throttle_who *who, int tries)
{
    int n = 0;

    for (int i = 0; i < tries; i++) {
        int64_t count = 0;
        enum ja_status st = ja_throttle_book(ctx, who, &count, NULL);

        assert_true(st == JA_OK || st == JA_ERR_THROTTLED);
        n += st == JA_OK;
    }
    return n;
}

static int64_t stored(struct ja_ctx *ctx, const char *scope)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n = 0;

    assert_int_equal(ja_db_query(ctx->db,
                                 "SELECT COALESCE(SUM(count), 0) AS n FROM throttle "
                                 "WHERE scope = $1",
                                 JA_BINDS(JA_T(scope)), &rows, NULL),
                     JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

static void exactly_the_limit_is_let_through_in_a_window(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_error err = {0};
    int64_t count = 0;

    assert_int_equal(booked(&t->ctx, &alice, 4), 4);
    assert_int_equal(ja_throttle_book(&t->ctx, &alice, &count, &err), JA_OK);
    assert_int_equal(count, 5);
    ja_fake_clock_advance(&t->clock, 100);
    assert_int_equal(ja_throttle_book(&t->ctx, &alice, &count, &err), JA_ERR_THROTTLED);
    assert_string_equal(err.code, "too_many_attempts");
    assert_int_equal(err.retry_after, 15 * 60 - 100);
    ja_fake_clock_advance(&t->clock, 15 * 60 - 101);
    assert_int_equal(booked(&t->ctx, &alice, 1), 0);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(booked(&t->ctx, &alice, 1), 1);
}

static void a_blocked_answer_books_nothing(void **state)
{
    struct ja_test_store *t = *state;

    assert_int_equal(booked(&t->ctx, &alice, 100), 5);
    assert_int_equal(stored(&t->ctx, "user_source"), 5);
    assert_int_equal(stored(&t->ctx, "source"), 5);
    assert_int_equal(stored(&t->ctx, "user"), 5);
}

static void r10_one_source_has_one_bucket_over_all_names(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who bob = {.user_key = "bob", .source = "192.0.2.0/24"};
    struct ja_throttle_who unknown = {.source = "192.0.2.0/24"};

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    assert_int_equal(booked(&t->ctx, &bob, 5), 3); /* per_source = 8 */
    assert_int_equal(booked(&t->ctx, &unknown, 1), 0);
    assert_int_equal(stored(&t->ctx, "user"), 8);
}

static void r10_another_source_has_its_own_tries_but_the_user_slows(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who elsewhere = alice;
    int64_t count = 0;

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    elsewhere.source = "198.51.100.0/24";
    assert_int_equal(ja_throttle_book(&t->ctx, &elsewhere, &count, NULL), JA_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ja_throttle_book(&t->ctx, &elsewhere, &count, NULL), JA_OK);
    assert_int_equal(count, 2 + 1); /* the 7th of per_user = 6: one more doubling */
    elsewhere.source = "203.0.113.0/24";
    assert_int_equal(booked(&t->ctx, &elsewhere, 5), 5); /* slows, never locks out */
    elsewhere.source = "local";
    assert_int_equal(ja_throttle_book(&t->ctx, &elsewhere, &count, NULL), JA_OK);
    assert_int_equal(count, 1 + 7);
}

/* R10: guesses from everywhere (per_user = 6) close the networks that the user never came from, and no other. */
static void r10_distributed_guesses_close_unknown_networks_alone(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who from = {.user_key = ALICE};
    struct ja_error err = {0};
    char source[] = "198.51.100.0/24";
    int64_t count = 0;
    int let_through = 0;

    from.source = source;
    for (int i = 0; i < 10; i++) {
        source[4] = (char)('0' + i); /* ten networks, ten tries each */
        let_through += booked(&t->ctx, &from, 10);
    }
    assert_int_equal(let_through, 6);
    assert_int_equal(ja_throttle_book(&t->ctx, &from, &count, &err), JA_ERR_THROTTLED);
    assert_int_equal(err.retry_after, 3600);
    assert_int_equal(ja_throttle_check(&t->ctx, &from, NULL), JA_ERR_THROTTLED);
    from.known = true;
    assert_int_equal(ja_throttle_check(&t->ctx, &from, NULL), JA_OK);
    assert_int_equal(booked(&t->ctx, &from, 10), 5); /* each network has its own few tries still */
    from.known = false;
    from.trusted = true;
    from.source = "10.0.0.0/24";
    assert_int_equal(booked(&t->ctx, &from, 1), 1);
    from.trusted = false;
    ja_fake_clock_advance(&t->clock, 3600);
    from.source = "203.0.113.0/24";
    assert_int_equal(booked(&t->ctx, &from, 1), 1); /* never for ever */
}

static void trusted_networks_are_counted_but_never_blocked(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who trusted = alice;
    int64_t count = 0;

    trusted.trusted = true;
    assert_int_equal(booked(&t->ctx, &trusted, 20), 20);
    assert_int_equal(ja_throttle_book(&t->ctx, &trusted, &count, NULL), JA_OK);
    assert_true(count >= 21);
    assert_int_equal(booked(&t->ctx, &alice, 1), 0);
}

static void success_forgets_the_pair_but_not_the_source(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who bob = {.user_key = "bob", .source = "192.0.2.0/24"};

    assert_int_equal(booked(&t->ctx, &bob, 3), 3);
    assert_int_equal(booked(&t->ctx, &alice, 4), 4);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_throttle_clear(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    /* an own account's right password does not open the source for guesses at others */
    assert_int_equal(stored(&t->ctx, "source"), 6);
    assert_int_equal(stored(&t->ctx, "user_source"), 3);
    assert_int_equal(stored(&t->ctx, "user"), 6);
}

static void a_try_that_was_not_evaluated_is_taken_back(void **state)
{
    struct ja_test_store *t = *state;

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    assert_int_equal(ja_throttle_unbook(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(stored(&t->ctx, "source"), 4);
    assert_int_equal(stored(&t->ctx, "user"), 4);
    assert_int_equal(booked(&t->ctx, &alice, 3), 1);
    for (int i = 0; i < 9; i++)
        assert_int_equal(ja_throttle_unbook(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(stored(&t->ctx, "user_source"), 0); /* never below nothing */
    assert_int_equal(booked(&t->ctx, &alice, 9), 5);
}

static void a_clock_set_back_neither_opens_nor_blocks_for_long(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_error err = {0};
    int64_t count = 0;

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    ja_fake_clock_advance(&t->clock, -86400);
    assert_int_equal(ja_throttle_book(&t->ctx, &alice, &count, &err), JA_ERR_THROTTLED);
    assert_int_equal(err.retry_after, 15 * 60); /* not a day and 15 minutes */
    assert_int_equal(stored(&t->ctx, "user_source"), 5);
    ja_fake_clock_advance(&t->clock, 15 * 60 - 1);
    assert_int_equal(booked(&t->ctx, &alice, 1), 0);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(booked(&t->ctx, &alice, 9), 5);
}

static void a_look_tells_what_a_try_would_get_and_books_nothing(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who trusted = alice;
    struct ja_error err = {0};

    trusted.trusted = true;
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(booked(&t->ctx, &alice, 4), 4);
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(booked(&t->ctx, &alice, 1), 1);
    ja_fake_clock_advance(&t->clock, 100);
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, &err), JA_ERR_THROTTLED);
    assert_int_equal(err.retry_after, 15 * 60 - 100);
    assert_int_equal(ja_throttle_check(&t->ctx, &trusted, NULL), JA_OK);
    assert_int_equal(stored(&t->ctx, "user_source"), 5);
    ja_fake_clock_advance(&t->clock, 15 * 60 - 100);
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, NULL), JA_OK);
}

/* Whoever looks first and tries only when the look lets him is blocked for one window too, no longer. */
static void a_look_after_a_clock_set_back_leaves_it_to_the_try(void **state)
{
    struct ja_test_store *t = *state;
    int64_t count = 0;

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    ja_fake_clock_advance(&t->clock, -86400);
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(ja_throttle_book(&t->ctx, &alice, &count, NULL), JA_ERR_THROTTLED);
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, NULL), JA_ERR_THROTTLED);
    ja_fake_clock_advance(&t->clock, 15 * 60);
    assert_int_equal(ja_throttle_check(&t->ctx, &alice, NULL), JA_OK);
    assert_int_equal(ja_throttle_book(&t->ctx, &alice, &count, NULL), JA_OK);
}

static void a_clock_set_forward_begins_a_new_window(void **state)
{
    struct ja_test_store *t = *state;

    assert_int_equal(booked(&t->ctx, &alice, 9), 5);
    ja_fake_clock_advance(&t->clock, 86400);
    assert_int_equal(booked(&t->ctx, &alice, 9), 5);
    ja_fake_clock_advance(&t->clock, -86400); /* and back */
    assert_int_equal(booked(&t->ctx, &alice, 9), 0);
}

static void r10_the_count_survives_a_restart(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_ctx second;

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    ja_test_store_second(t, &second);
    assert_int_equal(booked(&second, &alice, 5), 0);
    ja_ctx_clear(&second);
}

static void lock_after_blocks_the_user_everywhere_for_a_while(void **state)
{
    struct ja_test_store *t =
        ja_test_store_new("[throttle]\nlock_after = 7\nlock_for = 10m\nlogin = 5/15m\n");
    struct ja_throttle_who elsewhere = alice;
    struct ja_error err = {0};
    int64_t count = 0;

    (void)state;
    elsewhere.source = "198.51.100.0/24";
    elsewhere.known = false;
    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    assert_int_equal(booked(&t->ctx, &elsewhere, 5), 2);
    elsewhere.source = "203.0.113.0/24";
    assert_int_equal(ja_throttle_book(&t->ctx, &elsewhere, &count, &err), JA_ERR_THROTTLED);
    assert_int_equal(err.retry_after, 600);
    elsewhere.trusted = true;
    assert_int_equal(booked(&t->ctx, &elsewhere, 1), 1);
    elsewhere.trusted = false;
    elsewhere.known = true; /* no remote guesser locks a user out of home */
    assert_int_equal(booked(&t->ctx, &elsewhere, 1), 1);
    elsewhere.known = false;
    ja_fake_clock_advance(&t->clock, 600);
    assert_int_equal(booked(&t->ctx, &elsewhere, 1), 1); /* never for ever */
    ja_test_store_free(t);
}

static void a_block_that_an_unevaluated_try_brought_goes_with_it(void **state)
{
    struct ja_test_store *t = ja_test_store_new("[throttle]\nlock_after = 3\nlogin = 5/15m\n");
    struct ja_throttle_who who = alice;

    (void)state;
    who.known = false;
    assert_int_equal(booked(&t->ctx, &who, 4), 3);
    assert_int_equal(ja_throttle_unbook(&t->ctx, &who, NULL), JA_OK);
    assert_int_equal(booked(&t->ctx, &who, 3), 1);
    ja_test_store_free(t);
}

static void the_delay_doubles_up_to_its_maximum(void **state)
{
    struct ja_test_store *t = *state;

    assert_int_equal(ja_throttle_delay_ms(&t->ctx, 1), 1000);
    assert_int_equal(ja_throttle_delay_ms(&t->ctx, 2), 2000);
    assert_int_equal(ja_throttle_delay_ms(&t->ctx, 5), 16000);
    assert_int_equal(ja_throttle_delay_ms(&t->ctx, 6), 30000);
    assert_int_equal(ja_throttle_delay_ms(&t->ctx, INT64_MAX), 30000);
}

static void pruning_drops_only_what_is_over(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who bob = {.user_key = "bob", .source = "198.51.100.0/24"};
    int64_t gone = 0;

    assert_int_equal(booked(&t->ctx, &alice, 1), 1);
    ja_fake_clock_advance(&t->clock, 3600);
    assert_int_equal(booked(&t->ctx, &bob, 1), 1);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_throttle_prune(&t->ctx, &gone, NULL), JA_OK);
    assert_int_equal(gone, 0); /* the longest window is just over */
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(ja_throttle_prune(&t->ctx, &gone, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(gone, 3);
    assert_int_equal(stored(&t->ctx, "user_source"), 1);
}

/* ---- bounded in size ---- */

static int64_t rows(struct ja_ctx *ctx, const char *what)
{
    struct ja_rows *r = NULL;
    bool row = false;
    int64_t n = 0;

    if (strcmp(what, "there") == 0)
        assert_int_equal(ja_db_query(ctx->db, "SELECT COUNT(*) AS n FROM throttle", JA_NO_BINDS, &r, NULL), JA_OK);
    else
        assert_int_equal(ja_db_query(ctx->db, "SELECT value AS n FROM counters WHERE name = 'throttle_rows'",
                                     JA_NO_BINDS, &r, NULL), JA_OK);
    assert_int_equal(ja_rows_next(r, &row, NULL), JA_OK);
    n = row ? ja_col_int(r, "n") : 0;
    ja_rows_end(r);
    return n;
}

/* A flood of names and addresses neither fills the disk nor pushes out what was counted against a victim. */
static void a_flood_of_names_and_addresses_is_bounded(void **state)
{
    struct ja_test_store *t = *state;
    char name[32], source[32];
    struct ja_throttle_who flood = {.user_key = name, .source = source, .rows_max = 60};
    int64_t count = 0;

    assert_int_equal(booked(&t->ctx, &alice, 4), 4);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "?%d", i);
        (void)snprintf(source, sizeof source, "10.%d.%d.0/24", i / 200, i % 200);
        ja_fake_clock_advance(&t->clock, 1);
        assert_int_equal(ja_throttle_book(&t->ctx, &flood, &count, NULL), JA_OK);
        assert_true(rows(&t->ctx, "there") <= 60 + 3);
        assert_int_equal(rows(&t->ctx, "there"), rows(&t->ctx, "counted"));
    }
    assert_int_equal(booked(&t->ctx, &alice, 4), 1);
    assert_int_equal(booked(&t->ctx, &alice, 4), 0);
}

/* Nor with codes of names that are nobody's, where both factors are always asked; those of users never go early. */
static void a_flood_of_codes_of_nobody_is_bounded(void **state)
{
    struct ja_test_store *t = *state;
    char name[32];

    assert_int_equal(booked(&t->ctx, &alice, 4), 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ja_throttle_book_code(&t->ctx, "totp", ALICE, 0, NULL), JA_OK);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "?%d", i);
        ja_fake_clock_advance(&t->clock, i == 100 ? -3000 : 1); /* also when the clock was set back */
        assert_int_equal(ja_throttle_book_code(&t->ctx, "totp", name, 40, NULL), JA_OK);
        assert_true(rows(&t->ctx, "there") <= 41);
    }
    assert_int_equal(stored(&t->ctx, "user_source"), 4);
    assert_int_equal(booked(&t->ctx, &alice, 4), 1);
}

static void what_is_over_goes_with_what_is_new(void **state)
{
    struct ja_test_store *t = *state;
    char name[32];
    struct ja_throttle_who who = {.user_key = name, .source = "local:1"};
    int64_t count = 0;

    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "?%d", i);
        assert_int_equal(ja_throttle_book(&t->ctx, &who, &count, NULL), JA_OK);
    }
    assert_int_equal(rows(&t->ctx, "there"), 17);
    ja_fake_clock_advance(&t->clock, 86400);
    for (int i = 20; i < 30; i++) {
        (void)snprintf(name, sizeof name, "?%d", i);
        (void)ja_throttle_book(&t->ctx, &who, &count, NULL);
    }
    assert_true(rows(&t->ctx, "there") <= 17);
    assert_int_equal(rows(&t->ctx, "there"), rows(&t->ctx, "counted"));
}

static void a_blocked_try_makes_no_row(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who who = {.user_key = "?x", .source = "192.0.2.0/24"};
    int64_t before;

    assert_int_equal(booked(&t->ctx, &alice, 5), 5);
    who.user_key = "?y";
    assert_int_equal(booked(&t->ctx, &who, 9), 3); /* per_source = 8 */
    before = rows(&t->ctx, "there");
    who.user_key = "?z";
    assert_int_equal(booked(&t->ctx, &who, 9), 0);
    assert_int_equal(rows(&t->ctx, "there"), before);
}

/* ---- codes ---- */

/* SECURITY, AuthQuake: no million codes, from however many sources, sessions and restarts. */
static void r10_codes_are_counted_per_secret(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_error err = {0};
    int n = 0;

    while (n < 1000 && ja_throttle_book_code(&t->ctx, "totp", ALICE, 0, &err) == JA_OK)
        n++;
    assert_int_equal(n, 150);
    assert_int_equal(err.retry_after, 86400);
    assert_int_equal(ja_throttle_book_code(&t->ctx, "recovery", ALICE, 0, &err), JA_OK); /* another secret */
    assert_int_equal(ja_throttle_book_code(&t->ctx, "totp", "bob", 0, &err), JA_OK);
    ja_fake_clock_advance(&t->clock, 86399);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_throttle_prune(&t->ctx, NULL, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_throttle_book_code(&t->ctx, "totp", ALICE, 0, &err), JA_ERR_THROTTLED);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(ja_throttle_book_code(&t->ctx, "totp", ALICE, 0, &err), JA_OK);
}

static int guess_code(void *arg, int number)
{
    struct ja_ctx ctx;
    int n = 0;

    (void)number;
    ja_test_store_second(arg, &ctx);
    for (int i = 0; i < 25; i++)
        n += ja_throttle_book_code(&ctx, "totp", ALICE, 0, NULL) == JA_OK;
    ja_ctx_clear(&ctx);
    return n;
}

static void r9_parallel_codes_never_exceed_the_limit(void **state)
{
    struct ja_test_store *t = *state;
    int results[16], sum = 0;

    ja_parallel(16, guess_code, t, results); /* 400 */
    for (int i = 0; i < 16; i++)
        sum += results[i];
    assert_int_equal(sum, 150);
}

/* ---- R9: parallel guesses (CVE-2024-4629, CVE-2021-20251, CVE-2026-26206, CVE-2026-14254,
 * CVE-2025-6004) ---- */

static int guess(void *arg, int number)
{
    struct ja_ctx ctx;
    int let_through = 0;

    (void)number;
    ja_test_store_second(arg, &ctx);
    for (int i = 0; i < 13; i++) { /* 16 x 13 = 208 */
        int64_t count = 0;
        enum ja_status st = ja_throttle_book(&ctx, &alice, &count, NULL);

        if (st != JA_OK && st != JA_ERR_THROTTLED)
            return 200;
        let_through += st == JA_OK;
    }
    ja_ctx_clear(&ctx);
    return let_through;
}

static void r9_parallel_tries_never_exceed_the_limit(void **state)
{
    struct ja_test_store *t = *state;
    int results[16], sum = 0;

    ja_parallel(16, guess, t, results);
    for (int i = 0; i < 16; i++) {
        assert_true(results[i] <= 13);
        sum += results[i];
    }
    assert_int_equal(sum, 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Tries that are not judged yet may turn out right: who finds the bucket full of them is told to wait. */
static void tries_under_way_are_worth_waiting_for(void **state)
{
    struct ja_test_store *t = *state;
    const struct ja_throttle_who who = {.user_key = "pending", .source = "192.0.2.0/24"};
    struct ja_error err = {0};
    int64_t count = 0, limit = t->ctx.cfg->throttle.login.count;

    for (int64_t i = 0; i < limit; i++)
        assert_int_equal(ja_throttle_book(&t->ctx, &who, &count, &err), JA_OK);
    assert_int_equal(ja_throttle_book(&t->ctx, &who, &count, &err), JA_ERR_THROTTLED);
    assert_string_equal(err.code, "tries_under_way");
    assert_int_equal(ja_throttle_check(&t->ctx, &who, &err), JA_ERR_THROTTLED);
    assert_string_equal(err.code, "tries_under_way");
    /* wrong ones: the block is final */
    for (int64_t i = 0; i < limit; i++) {
        assert_int_equal(ja_db_begin(t->ctx.db, &err), JA_OK);
        assert_int_equal(ja_throttle_judged(&t->ctx, &who, &err), JA_OK);
        assert_int_equal(ja_db_commit(t->ctx.db, &err), JA_OK);
    }
    assert_int_equal(ja_throttle_book(&t->ctx, &who, &count, &err), JA_ERR_THROTTLED);
    assert_string_equal(err.code, "too_many_attempts");
}

/* A process that died in its try is not waited for without end. */
static void tries_of_the_dead_are_judged_by_time(void **state)
{
    struct ja_test_store *t = *state;
    const struct ja_throttle_who who = {.user_key = "dead", .source = "192.0.2.0/24"};
    struct ja_error err = {0};
    int64_t count = 0;

    while (ja_throttle_book(&t->ctx, &who, &count, &err) == JA_OK)
        continue;
    assert_string_equal(err.code, "tries_under_way");
    ja_fake_clock_advance(&t->clock, 61);
    assert_int_equal(ja_throttle_book(&t->ctx, &who, &count, &err), JA_ERR_THROTTLED);
    assert_string_equal(err.code, "too_many_attempts");
}

/* ---- captchas ---- */

#define NAME_KEY "?AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
static const struct ja_throttle_who asked = {.user_key = ALICE, .source = "192.0.2.0/24", .captcha_name = NAME_KEY};

static void judge(struct ja_ctx *ctx, const struct ja_throttle_who *who, bool right)
{
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    assert_int_equal(right ? ja_throttle_clear(ctx, who, NULL) : ja_throttle_judged(ctx, who, NULL), JA_OK);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
}

/* The code of what book answers. */
static const char *verdict(struct ja_ctx *ctx, const struct ja_throttle_who *who)
{
    static struct ja_error err;
    int64_t count = 0;

    err = (struct ja_error){0};
    return ja_throttle_book(ctx, who, &count, &err) == JA_OK ? "booked" : err.code;
}

static bool due(struct ja_ctx *ctx, const char *name, const char *source)
{
    bool ret = false;

    assert_int_equal(ja_throttle_captcha_due(ctx, &(struct ja_throttle_who){.source = source, .captcha_name = name}, &ret, NULL),
                     JA_OK);
    return ret;
}

static void fail_times(struct ja_ctx *ctx, const struct ja_throttle_who *who, int times)
{
    for (int i = 0; i < times; i++) {
        assert_string_equal(verdict(ctx, who), "booked");
        judge(ctx, who, false);
    }
}

static void a_captcha_is_asked_after_failures_of_the_name_or_the_source(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_throttle_who who = asked;

    fail_times(&t->ctx, &asked, 2);
    assert_false(due(&t->ctx, NAME_KEY, asked.source));
    fail_times(&t->ctx, &asked, 1);
    assert_string_equal(verdict(&t->ctx, &asked), "captcha_required");
    assert_int_equal(stored(&t->ctx, "other"), 6); /* nothing was booked */
    assert_int_equal(stored(&t->ctx, "source"), 3);
    assert_true(due(&t->ctx, NAME_KEY, "198.51.100.0/24"));
    assert_true(due(&t->ctx, "?other", asked.source));
    assert_true(due(&t->ctx, NULL, asked.source));
    assert_false(due(&t->ctx, "?other", "198.51.100.0/24"));
    who.source = "198.51.100.0/24";
    assert_string_equal(verdict(&t->ctx, &who), "captcha_required");
    who = asked;
    who.captcha_name = "?other";
    assert_string_equal(verdict(&t->ctx, &who), "captcha_required");
    who.trusted = true;
    fail_times(&t->ctx, &who, 1);
    who = asked;
    who.captcha_passed = true; /* counted still */
    fail_times(&t->ctx, &who, 1);
    assert_int_equal(stored(&t->ctx, "other"), 6 + 2 + 2);
    assert_string_equal(verdict(&t->ctx, &alice), "too_many_attempts"); /* nobody is asked who is asked nothing */
}

static void a_right_password_forgives_no_other_failure_towards_a_captcha(void **state)
{
    struct ja_test_store *t = *state;

    fail_times(&t->ctx, &asked, 2);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(verdict(&t->ctx, &asked), "booked");
        judge(&t->ctx, &asked, true);
    }
    assert_int_equal(stored(&t->ctx, "other"), 4);
    fail_times(&t->ctx, &asked, 1);
    assert_string_equal(verdict(&t->ctx, &asked), "captcha_required");
}

static void tries_under_way_are_no_failures_but_none_goes_unasked_beyond_them(void **state)
{
    struct ja_test_store *t = *state;

    for (int i = 0; i < 3; i++)
        assert_string_equal(verdict(&t->ctx, &asked), "booked");
    assert_false(due(&t->ctx, NAME_KEY, asked.source));
    assert_string_equal(verdict(&t->ctx, &asked), "tries_under_way");
    judge(&t->ctx, &asked, true);
    assert_string_equal(verdict(&t->ctx, &asked), "booked");
    for (int i = 0; i < 3; i++)
        judge(&t->ctx, &asked, false);
    assert_string_equal(verdict(&t->ctx, &asked), "captcha_required");
}

static void what_is_asked_ends_with_the_windows_of_user_and_source(void **state)
{
    struct ja_test_store *t = *state;

    fail_times(&t->ctx, &asked, 3);
    ja_fake_clock_advance(&t->clock, 15 * 60 - 1);
    assert_true(due(&t->ctx, "?other", asked.source));
    ja_fake_clock_advance(&t->clock, 1);
    assert_false(due(&t->ctx, "?other", asked.source));
    assert_true(due(&t->ctx, NAME_KEY, asked.source));
    ja_fake_clock_advance(&t->clock, 45 * 60);
    assert_false(due(&t->ctx, NAME_KEY, asked.source));
}

static void captcha_after_0_asks_always(void **state)
{
    struct ja_test_store *t = ja_test_store_new("[throttle]\ncaptcha_after = 0\n");

    (void)state;
    assert_true(due(&t->ctx, NAME_KEY, "192.0.2.0/24"));
    assert_string_equal(verdict(&t->ctx, &asked), "captcha_required");
    assert_string_equal(verdict(&t->ctx, &alice), "booked");
    ja_test_store_free(t);
}

static int guess_unasked(void *arg, int number)
{
    struct ja_ctx ctx;
    int let_through = 0;

    (void)number;
    ja_test_store_second(arg, &ctx);
    for (int i = 0; i < 4; i++) {
        const char *code = verdict(&ctx, &asked);

        if (strcmp(code, "booked") != 0 && strcmp(code, "tries_under_way") != 0 && strcmp(code, "captcha_required") != 0)
            return 200;
        let_through += strcmp(code, "booked") == 0;
        if (strcmp(code, "booked") == 0)
            judge(&ctx, &asked, false);
    }
    ja_ctx_clear(&ctx);
    return let_through;
}

static void r9_no_more_than_captcha_after_go_unasked_in_parallel(void **state)
{
    int results[16], sum = 0;

    ja_parallel(16, guess_unasked, *state, results);
    for (int i = 0; i < 16; i++) {
        assert_in_range(results[i], 0, 3);
        sum += results[i];
    }
    assert_int_equal(sum, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(exactly_the_limit_is_let_through_in_a_window),
        T(a_blocked_answer_books_nothing),
        T(r10_one_source_has_one_bucket_over_all_names),
        T(r10_another_source_has_its_own_tries_but_the_user_slows),
        T(r10_distributed_guesses_close_unknown_networks_alone),
        T(trusted_networks_are_counted_but_never_blocked),
        T(a_flood_of_names_and_addresses_is_bounded),
        T(a_flood_of_codes_of_nobody_is_bounded),
        T(what_is_over_goes_with_what_is_new),
        T(a_blocked_try_makes_no_row),
        T(r10_codes_are_counted_per_secret),
        T(r9_parallel_codes_never_exceed_the_limit),
        T(success_forgets_the_pair_but_not_the_source),
        T(a_try_that_was_not_evaluated_is_taken_back),
        T(a_clock_set_back_neither_opens_nor_blocks_for_long),
        T(a_look_tells_what_a_try_would_get_and_books_nothing),
        T(a_look_after_a_clock_set_back_leaves_it_to_the_try),
        T(a_clock_set_forward_begins_a_new_window),
        T(r10_the_count_survives_a_restart),
        cmocka_unit_test(lock_after_blocks_the_user_everywhere_for_a_while),
        cmocka_unit_test(a_block_that_an_unevaluated_try_brought_goes_with_it),
        T(the_delay_doubles_up_to_its_maximum),
        T(tries_under_way_are_worth_waiting_for),
        T(tries_of_the_dead_are_judged_by_time),
        T(pruning_drops_only_what_is_over),
        T(r9_parallel_tries_never_exceed_the_limit),
        T(a_captcha_is_asked_after_failures_of_the_name_or_the_source),
        T(a_right_password_forgives_no_other_failure_towards_a_captcha),
        T(tries_under_way_are_no_failures_but_none_goes_unasked_beyond_them),
        T(what_is_asked_ends_with_the_windows_of_user_and_source),
        cmocka_unit_test(captcha_after_0_asks_always),
        T(r9_no_more_than_captcha_after_go_unasked_in_parallel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
