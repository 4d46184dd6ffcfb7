/* Codes of the second factor under attack: whoever has the password cannot try a million codes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/auth_world.h"

#include <stdio.h>
#include <string.h>

#define LIMIT 150 /* throttle_bucket.h: JA_THROTTLE_PER_CODE */
#define COUNT(kind) "SELECT COALESCE(SUM(count), 0) AS n FROM throttle WHERE scope = 'code' AND key LIKE '" kind " %'"

/* Wrong codes after the right password, each from an address of its own, so that no other limit is met. */
static int guesses_until_refused(struct world *w, const char *code, int max, enum ja_mfa_mode mfa)
{
    char source[32];

    for (int i = 0; i < max; i++) {
        struct outcome o;

        (void)snprintf(source, sizeof source, "10.%d.%d.1", i / 250 + 1, i % 250);
        o = LOGIN(w, .user = "bob", .password = RIGHT, .code = code, .source = source, .mfa = mfa);
        if (o.r.reason == JA_REASON_THROTTLED) {
            assert_true(o.r.verdict == JA_DENY);
            assert_true(o.r.retry_after > 80000);
            return i;
        }
        assert_true(denied(&o, JA_REASON_WRONG_CODE));
    }
    return max;
}

/* As if so many had been tried already. */
static void tried(struct world *w, const char *kind, int count)
{
    char line[300];

    (void)snprintf(line, sizeof line,
                   "INSERT INTO throttle (scope, key, count, window_start, updated_at) "
                   "VALUES ('code', '%s %s', %d, %lld, %lld)",
                   kind, w->bob, count, (long long)ja_now(&w->ctx->clock), (long long)ja_now(&w->ctx->clock));
    sql(w, line);
}

/* AuthQuake (2024); CVE-2026-61458, CVE-2026-13142, CVE-2024-6637. */
static void r10_wrong_codes_are_counted_over_sources_and_sessions(void **state)
{
    struct world *w = *state;
    struct outcome o;

    assert_int_equal(guesses_until_refused(w, "000000", LIMIT + 5, JA_MFA_AUTO), LIMIT);
    /* the right one is not evaluated either, nor from a trusted network or at another service */
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = "192.0.2.1");
    assert_true(denied(&o, JA_REASON_THROTTLED));
    /* a recovery code is another secret: the user gets in, and the other count stays */
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = w->recovery[0], .source = HOME);
    assert_true(allowed(&o));
    assert_int_equal(number(w, COUNT("totp")), LIMIT);
    assert_int_equal(number(w, COUNT("recovery")), 0);
    ja_fake_clock_advance(&w->t->clock, 86400);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
    assert_int_equal(number(w, COUNT("totp")), 0);
}

static void recovery_codes_are_counted_too(void **state)
{
    struct world *w = *state;

    tried(w, "recovery", LIMIT - 4);
    assert_int_equal(guesses_until_refused(w, "AAAA-AAAA-AAAA-AAAA", 9, JA_MFA_AUTO), 4);
}

/* A password alone forgives nothing: else guesses go on with a password login between. */
static void only_a_right_code_forgives(void **state)
{
    struct world *w = *state;
    struct outcome o;

    assert_int_equal(guesses_until_refused(w, "000000", 7, JA_MFA_AUTO), 7);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .mfa = JA_MFA_OFF, .source = HOME);
    assert_true(allowed(&o));
    assert_int_equal(number(w, COUNT("totp")), 7);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
    assert_int_equal(number(w, COUNT("totp")), 0);
    assert_int_equal(number(w, "SELECT COALESCE(SUM(pending), 0) AS n FROM throttle"), 0);
}

/* R8: where both are always asked, the end of the codes is told whether the password was right or not. */
static void r8_the_end_of_the_codes_tells_nothing_of_the_password(void **state)
{
    struct world *w = *state;
    struct outcome right, wrong;

    tried(w, "totp", LIMIT - 3);
    assert_int_equal(guesses_until_refused(w, "000000", 9, JA_MFA_ALWAYS), 3);
    right = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .mfa = JA_MFA_ALWAYS, .source = HOME);
    wrong = LOGIN(w, .user = "bob", .password = WRONG, .code = NOW, .mfa = JA_MFA_ALWAYS, .source = HOME);
    assert_true(denied(&right, JA_REASON_THROTTLED));
    assert_true(denied(&wrong, JA_REASON_THROTTLED));
    assert_string_equal(right.prompts, wrong.prompts);
}

/* Without the password no code is evaluated, and so none is counted: nobody uses another's tries up. */
static void who_has_no_password_uses_no_tries_up(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 5; i++)
        (void)LOGIN(w, .user = "bob", .password = WRONG, .code = "000000", .source = HOME);
    assert_int_equal(number(w, COUNT("totp")), 0);
}

#define T(name) cmocka_unit_test_prestate_setup_teardown(name, world_up, world_down, conf)

int main(void)
{
    static char conf[] = "[throttle]\nlogin = 9000/15m\nper_source = 9000/15m\nper_user = 9000/1h\n"
                         "trusted_networks = 192.0.2.0/30\ndelay_base = 0\n[suspicious]\nnew_source = off\n";
    const struct CMUnitTest tests[] = {
        T(r10_wrong_codes_are_counted_over_sources_and_sessions),
        T(recovery_codes_are_counted_too),
        T(only_a_right_code_forgives),
        T(r8_the_end_of_the_codes_tells_nothing_of_the_password),
        T(who_has_no_password_uses_no_tries_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
