/* Refused credentials per source, counted in memory (SECURITY R9: guesses are bounded; R10: nobody for ever). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "daemon/failures.h"

#include <stdio.h>

static const struct ja_rate rate = {.count = 3, .seconds = 60};

static int setup(void **state)
{
    struct failures *f = NULL;

    assert_int_equal(failures_new(&f, NULL), JA_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    failures_free(*state);
    return 0;
}

static void test_allows_as_many_as_the_rate(void **state)
{
    unsigned wait = 0;

    for (int i = 0; i < 3; i++)
        assert_false(failures_book(*state, "192.0.2.0/24", &rate, 1000 + i, &wait));
    assert_int_equal(wait, 0);
    assert_true(failures_book(*state, "192.0.2.0/24", &rate, 1010, &wait));
    assert_int_equal(wait, 50);
    assert_true(failures_book(*state, "192.0.2.0/24", &rate, 1059, &wait));
    assert_int_equal(wait, 1);
}

static void test_window_ends_although_guesses_go_on(void **state)
{
    unsigned wait = 0;

    for (int i = 0; i < 100; i++)
        (void)failures_book(*state, "192.0.2.0/24", &rate, 1000, &wait);
    assert_false(failures_book(*state, "192.0.2.0/24", &rate, 1060, &wait));
    assert_false(failures_book(*state, "192.0.2.0/24", &rate, 1060, &wait));
    assert_false(failures_book(*state, "192.0.2.0/24", &rate, 1060, &wait));
    assert_true(failures_book(*state, "192.0.2.0/24", &rate, 1060, &wait));
    assert_int_equal(wait, 60);
}

static void test_sources_are_counted_apart(void **state)
{
    unsigned wait = 0;

    for (int i = 0; i < 4; i++)
        (void)failures_book(*state, "192.0.2.0/24", &rate, 1000, &wait);
    assert_false(failures_book(*state, "198.51.100.0/24", &rate, 1000, &wait));
    assert_true(failures_book(*state, "192.0.2.0/24", &rate, 1000, &wait));
}

/* More sources than there are places: the newest are counted, and nothing is written beyond the table. */
static void test_table_is_bounded(void **state)
{
    unsigned wait = 0;
    char source[32];

    for (int i = 0; i < FAILURES_SOURCES * 4; i++) {
        (void)snprintf(source, sizeof source, "10.%d.%d.0/24", i / 256, i % 256);
        assert_false(failures_book(*state, source, &rate, 1000 + i, &wait));
    }
    for (int i = 0; i < 2; i++)
        assert_false(failures_book(*state, source, &rate, 1000 + FAILURES_SOURCES * 4, &wait));
    assert_true(failures_book(*state, source, &rate, 1000 + FAILURES_SOURCES * 4, &wait));
}

static void test_a_look_counts_nothing(void **state)
{
    unsigned wait = 0;

    assert_int_equal(failures_wait(*state, "192.0.2.0/24", &rate, 1000), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(failures_wait(*state, "192.0.2.0/24", &rate, 1000 + i), 0);
        assert_false(failures_book(*state, "192.0.2.0/24", &rate, 1000, &wait));
    }
    assert_int_equal(failures_wait(*state, "192.0.2.0/24", &rate, 1010), 50);
    assert_int_equal(failures_wait(*state, "198.51.100.0/24", &rate, 1010), 0);
    assert_int_equal(failures_wait(*state, "192.0.2.0/24", &rate, 1060), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_allows_as_many_as_the_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window_ends_although_guesses_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources_are_counted_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_look_counts_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
