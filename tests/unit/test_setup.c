/* init's choice of the cost of password hashes, with a clock that says how long each hash took. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/flow/setup_flow.h"

/* Every second look at the clock is the end of a hash: it moves by the next of `ms`, the last one for ever. */
struct script {
    const int64_t *ms;
    size_t len, at;
    int64_t now;
    int looks;
};

static int64_t scripted(void *arg)
{
    struct script *s = arg;

    if (++s->looks % 2 == 0) {
        s->now += s->ms[s->at];
        s->at += s->at + 1 < s->len;
    }
    return s->now;
}

static void no_sleep(void *arg, unsigned ms)
{
    (void)arg, (void)ms;
}

static void choice_is(const int64_t *ms, size_t len, int64_t mib, int64_t wanted_ms)
{
    struct script s = {.ms = ms, .len = len};
    struct ja_clock clock = {scripted, scripted, no_sleep, &s};
    struct ja_init_report r = {0};
    struct ja_error err = {0};

    if (ja_init_measure(&clock, &r, &err) != JA_OK)
        fail_msg("%s", err.message);
    assert_int_equal(r.hash_memory >> 20, mib);
    assert_int_equal(r.hash_ops, 2);
    assert_int_equal(r.hash_ms, wanted_ms);
}
#define CHOICE_IS(mib, wanted, ...) \
    choice_is((const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), mib, wanted)

static void the_most_memory_below_150_ms_is_chosen(void **state)
{
    (void)state;
    CHOICE_IS(64, 149, 149);
    CHOICE_IS(64, 10, 10);
    CHOICE_IS(48, 149, 150, 150, 149);
    CHOICE_IS(32, 100, 200, 200, 160, 160, 100);
    CHOICE_IS(19, 149, 300, 300, 300, 300, 300, 300, 300, 300, 149);
}

static void a_slow_machine_gets_the_least(void **state)
{
    (void)state;
    CHOICE_IS(19, 900, 900);
}

/* The first run pays for the pages: the better of two counts. */
static void the_better_of_two_runs_counts(void **state)
{
    (void)state;
    CHOICE_IS(64, 120, 400, 120, 400);
    CHOICE_IS(64, 120, 120, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_memory_below_150_ms_is_chosen),
        cmocka_unit_test(a_slow_machine_gets_the_least),
        cmocka_unit_test(the_better_of_two_runs_counts),
    };

    if (ja_crypto_init(NULL) != JA_OK)
        return 99;
    return cmocka_run_group_tests_name("setup", tests, NULL, NULL);
}
