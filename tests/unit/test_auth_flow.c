/* The steps of a login: throttle, password, code (SECURITY R4, R7, R8, R9, R10, R12, R21). */
#include "common/domain/hash_slots.h"
#include "common/domain/session.h"
#include "tests/support/parallel.h"
#include "common/flow/account_flow.h"
#include "tests/unit/auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof *(a))

static char captcha_2[] = "[throttle]\nlogin = 1000/15m\ndelay_base = 0s\ncaptcha_after = 2\n";
static char concealed[] = "[email]\nprovider = smtp\nurl = smtp://localhost:9\nfrom = auth@example.org\n"
                          "[registration]\nopen = yes\nconceal = yes\n[throttle]\nother = 1000/1m\n";
static char limit_3[] = "[throttle]\nlogin = 3/15m\ndelay_base = 1s\ndelay_max = 30s\n";
static char no_limit[] = "[throttle]\nlogin = 900/15m\nper_source = 900/15m\n";

static int64_t booked(struct world *w)
{
    return number(w, "SELECT COALESCE(SUM(count), 0) AS n FROM throttle");
}

static void make_people(struct world *w)
{
    char id[37];

    for (const char *const *name = (const char *const[]){"locked", "disabled", "pending", "expired",
                                                         "robot", NULL};
         *name; name++)
        ja_test_user(w->t, *name, RIGHT, id);
    ja_test_user(w->t, "nopass", NULL, id);
    sql(w, "UPDATE users SET status = username WHERE username IN ('locked', 'disabled', 'pending');"
           "UPDATE users SET valid_until = 1000 WHERE username = 'expired';"
           "UPDATE users SET kind = 'service' WHERE username = 'robot'");
}

/* ---- reasons ---- */

static void every_reason_is_told_to_the_audit_log(void **state)
{
    static const struct { struct attempt a; enum ja_auth_reason reason; const char *name; } all[] = {
        {{.user = "nobody", .password = RIGHT}, JA_REASON_UNKNOWN_USER, "unknown_user"},
        {{.user = "nopass", .password = RIGHT}, JA_REASON_NO_PASSWORD, "no_password"},
        {{.user = "alice", .password = WRONG}, JA_REASON_WRONG_PASSWORD, "wrong_password"},
        {{.user = "bob", .password = RIGHT, .code = "000000x"}, JA_REASON_WRONG_CODE, "wrong_code"},
        {{.user = "alice", .password = RIGHT, .mfa = JA_MFA_ALWAYS, .code = "123456"},
         JA_REASON_NO_SECOND_FACTOR, "no_second_factor"},
        {{.user = "locked", .password = RIGHT}, JA_REASON_LOCKED, "locked"},
        {{.user = "disabled", .password = RIGHT}, JA_REASON_DISABLED, "disabled"},
        {{.user = "pending", .password = RIGHT}, JA_REASON_PENDING, "pending"},
        {{.user = "expired", .password = RIGHT}, JA_REASON_EXPIRED, "expired"},
        {{.user = "robot", .password = RIGHT}, JA_REASON_NOT_A_PERSON, "not_a_person"},
    };
    struct world *w = *state;

    make_people(w);
    for (size_t i = 0; i < LEN(all); i++) {
        for (enum fruit fruit = HANDLE; fruit <= PROOF; fruit++) {
            struct attempt a = all[i].a;
            struct outcome o;

            a.fruit = fruit;
            o = attempt(w->ctx, w, &a);
            assert_true(denied(&o, all[i].reason));
            assert_string_equal(text(w, "SELECT reason AS t FROM audit_log ORDER BY seq DESC LIMIT 1"),
                                all[i].name);
            assert_string_equal(text(w, "SELECT outcome AS t FROM audit_log ORDER BY seq DESC LIMIT 1"),
                                "denied");
            assert_string_equal(text(w, "SELECT action AS t FROM audit_log ORDER BY seq DESC LIMIT 1"),
                                fruit == PROOF ? "password.verify" : "login");
        }
    }
    assert_int_equal(granted(w), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log"), 3 * LEN(all));
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    const char *names[JA_REASON_MUST_CHANGE + 1];

    (void)state;
    for (int i = 0; i <= JA_REASON_MUST_CHANGE; i++) {
        names[i] = ja_auth_reason_name((enum ja_auth_reason)i);
        assert_true(*names[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

/* CVE-2025-6011, CVE-2026-25222, CVE-2026-48859, CVE-2018-15473, CVE-2016-6210, CVE-2009-1384, CVE-2007-2768,
 * CVE-2003-0190: nothing but the audit log tells why. */
static void r8_prompts_delay_and_work_are_the_same_for_all(void **state)
{
    static const struct attempt all[] = {
        {.user = "nobody", .password = WRONG},  {.user = "nobody", .password = WRONG, .ignore = true},
        {.user = "NOBODY!", .password = WRONG}, {.user = "", .password = WRONG},
        {.user = NULL, .password = WRONG},      {.user = "nopass", .password = WRONG},
        {.user = "bob", .password = WRONG},     {.user = "locked", .password = WRONG},
        {.user = "locked", .password = RIGHT},  {.user = "disabled", .password = WRONG},
        {.user = "disabled", .password = RIGHT},{.user = "pending", .password = WRONG},
        {.user = "pending", .password = RIGHT}, {.user = "expired", .password = WRONG},
        {.user = "expired", .password = RIGHT}, {.user = "robot", .password = RIGHT},
        {.user = "alice", .password = WRONG, .forward = true},
        {.user = "bob", .password = WRONG "123456", .forward = true},
        {.user = "bob", .password = WRONG, .mfa = JA_MFA_OFF},
        {.user = "alice", .password = "\b\n\r\177INCORRECT"}, /* sshd's fake password */
    };
    struct world *w = *state;
    struct outcome want, o;
    int work;

    make_people(w);
    w->work = 0;
    want = LOGIN(w, .user = "alice", .password = WRONG);
    work = w->work;
    assert_true(work > 0);
    for (size_t i = 0; i < LEN(all); i++) {
        sql(w, "DELETE FROM throttle");
        w->work = 0;
        o = attempt(w->ctx, w, &all[i]);
        assert_int_equal(o.st, JA_OK);
        assert_true(o.r.verdict == JA_DENY);
        assert_string_equal(o.prompts, want.prompts);
        assert_int_equal(o.r.delay_ms, want.r.delay_ms);
        assert_int_equal(o.r.retry_after, 0);
        assert_int_equal(w->work, work);
    }
}

static void r8_no_code_is_asked_of_who_may_not_log_in(void **state)
{
    static const char *const changes[] = {
        "UPDATE users SET status = 'locked'", "UPDATE users SET status = 'disabled'",
        "UPDATE users SET status = 'pending'", "UPDATE users SET status = 'active', valid_until = 1000",
    };
    struct world *w = *state;

    for (size_t i = 0; i < LEN(changes); i++) {
        struct outcome wrong, right;

        sql(w, changes[i]);
        wrong = LOGIN(w, .user = "bob", .password = WRONG, .code = NOW);
        right = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW);
        assert_string_equal(right.prompts, "P");
        assert_string_equal(wrong.prompts, "P");
        wrong = LOGIN(w, .user = "bob", .password = WRONG, .code = NOW, .mfa = JA_MFA_ALWAYS);
        right = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .mfa = JA_MFA_ALWAYS);
        assert_string_equal(right.prompts, "PC");
        assert_string_equal(wrong.prompts, "PC");
        assert_true(right.r.verdict == JA_DENY && wrong.r.verdict == JA_DENY);
    }
}

/* The time of a second hash would tell that a guess was right, though the account lets nobody in. */
static void r8_a_right_password_that_needs_a_rehash_costs_one_hash(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth;
    int work;

    make_people(w);
    crypt_password(w, "locked", "$6$rounds=1000$salt", RIGHT);
    crypt_password(w, "bob", "$6$rounds=1000$salt", RIGHT);
    w->work = 0;
    (void)LOGIN(w, .user = "locked", .password = WRONG);
    work = w->work;
    w->work = 0;
    (void)LOGIN(w, .user = "locked", .password = RIGHT);
    assert_int_equal(w->work, work);
    w->work = 0;
    auth = begin(w->ctx, &(struct attempt){.user = "bob", .mfa = JA_MFA_ALWAYS});
    assert_int_equal(answer(auth, RIGHT), JA_OK);
    assert_int_equal(answer(auth, "no code"), JA_OK);
    assert_int_equal(w->work, work);
    ja_auth_free(auth);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE password_hash LIKE '$6$%'"), 2);
}

/* ---- R4: empty, NULL, too long ---- */

static void r4_no_password_is_a_wrong_password(void **state)
{
    static char huge[1 << 20];
    const struct { const char *text; size_t len; } all[] = {
        {NULL, 0}, {"", 0}, {RIGHT "\0x", sizeof RIGHT + 1}, {"\0" RIGHT, sizeof RIGHT}, {huge, 512},
        {huge, sizeof huge},
    };
    struct world *w = *state;
    int work;

    memset(huge, 'a', sizeof huge);
    w->work = 0;
    (void)LOGIN(w, .user = "alice", .password = WRONG);
    work = w->work;
    for (size_t i = 0; i < LEN(all); i++) {
        for (const char *const *user = (const char *const[]){"alice", "bob", "nobody", NULL}; *user;
             user++) {
            for (enum ja_mfa_mode mode = JA_MFA_AUTO; mode <= JA_MFA_OFF; mode++) {
                struct attempt a = {.user = *user, .password = all[i].text, .len = all[i].len,
                                    .code = NOW, .mfa = mode, .forward = i % 2 == 0};
                struct outcome o;

                w->work = 0;
                o = attempt(w->ctx, w, &a);
                assert_true(denied(&o, strcmp(*user, "nobody") == 0 ? JA_REASON_UNKNOWN_USER
                                                                    : JA_REASON_WRONG_PASSWORD));
                assert_int_equal(w->work, work); /* CVE-2015-3238: no longer than a wrong one */
            }
        }
    }
    assert_int_equal(granted(w), 0);
}

/* CVE-2020-27780, CVE-2026-24038: nothing stored and nothing given are not the same. */
static void r4_an_empty_password_never_matches_an_account_without(void **state)
{
    struct world *w = *state;
    struct outcome o;
    char id[37];

    ja_test_user(w->t, "nopass", NULL, id);
    o = LOGIN(w, .user = "nopass", .password = "");
    assert_true(denied(&o, JA_REASON_NO_PASSWORD));
    o = LOGIN(w, .user = "nopass", .password = NULL);
    assert_true(denied(&o, JA_REASON_NO_PASSWORD));
    sql(w, "UPDATE users SET password_hash = '' WHERE username = 'nopass'");
    o = LOGIN(w, .user = "nopass", .password = "");
    assert_true(o.r.verdict == JA_DENY);
}

/* CVE-2021-31924, CVE-2011-4120 */
static void r4_no_code_is_a_wrong_code(void **state)
{
    static const char *const codes[] = {
        NULL, "", " ", "0", "00000", "0000000", "abcdef", "-1    ", "12345\n", "------", "----------------",
        "0000-0000-0000-0000",
    };
    struct world *w = *state;
    struct outcome o;

    for (size_t i = 0; i < LEN(codes); i++) {
        o = LOGIN(w, .user = "bob", .password = RIGHT, .code = codes[i]);
        assert_string_equal(o.prompts, "PC");
        assert_true(denied(&o, JA_REASON_WRONG_CODE));
        assert_string_equal(o.r.amr, "");
    }
    assert_int_equal(granted(w), 0);
    /* a denied code is no factor that was given */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE detail LIKE '%mfa%'"), 0);
}

/* ---- codes ---- */

static void a_login_with_password_and_code(void **state)
{
    struct world *w = *state;
    struct outcome o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW);

    assert_string_equal(o.prompts, "PC");
    assert_true(allowed(&o));
    assert_string_equal(o.r.amr, "pwd otp mfa");
    assert_string_equal(o.r.username, "bob");
    assert_string_equal(o.r.user_id, w->bob);
}

/* CVE-2024-7318: of the codes of steps -4 to +4 exactly three are good. */
static void r11_codes_of_three_steps_are_good(void **state)
{
    struct world *w = *state;
    struct outcome o;
    char code[9];

    for (int step = -4; step <= 4; step++) {
        sql(w, "UPDATE totp SET last_step = 1");
        code_of(w, step, code);
        o = LOGIN(w, .user = "bob", .password = RIGHT, .code = code);
        if (step >= -1 && step <= 1)
            assert_true(allowed(&o));
        else
            assert_true(denied(&o, JA_REASON_WRONG_CODE));
    }
}

static void r11_a_code_is_good_once_and_no_earlier_one_after_it(void **state)
{
    struct world *w = *state;
    char now[9], before[9];
    struct outcome o;

    code_of(w, 0, now);
    code_of(w, -1, before);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = now);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = now);
    assert_true(denied(&o, JA_REASON_CODE_REPLAYED));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = before);
    assert_true(denied(&o, JA_REASON_CODE_REPLAYED));
    assert_string_equal(text(w, "SELECT detail AS t FROM audit_log ORDER BY seq DESC LIMIT 1"),
                        "{\"amr\":\"pwd\"}");
    ja_fake_clock_advance(&w->t->clock, -30); /* a clock set back reopens no step */
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = now);
    assert_true(denied(&o, JA_REASON_CODE_REPLAYED));
    ja_fake_clock_advance(&w->t->clock, 90);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW);
    assert_true(allowed(&o));
}

static void a_code_has_as_many_digits_as_enrolled(void **state)
{
    struct world *w = *state;
    unsigned char secret[20];
    struct outcome o;

    new_factor(w, w->alice, 8, secret);
    memcpy(w->secret, secret, sizeof secret);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = NOW); /* the six last of eight */
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
}

static void a_recovery_code_is_good_once(void **state)
{
    struct world *w = *state;
    struct outcome o = LOGIN(w, .user = "bob", .password = RIGHT, .code = w->recovery[0]);

    assert_true(allowed(&o));
    assert_string_equal(o.r.amr, "pwd rc mfa");
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = w->recovery[0]);
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = w->recovery[1]);
    assert_true(allowed(&o));
    /* of nobody else */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = w->recovery[2], .mfa = JA_MFA_ALWAYS);
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
}

static void a_code_that_was_right_does_not_mend_a_wrong_password(void **state)
{
    struct world *w = *state;
    struct outcome o;

    o = LOGIN(w, .user = "bob", .password = WRONG, .code = NOW, .mfa = JA_MFA_ALWAYS);
    assert_string_equal(o.prompts, "PC");
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    o = LOGIN(w, .user = "bob", .password = WRONG, .code = w->recovery[0], .mfa = JA_MFA_ALWAYS);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    assert_int_equal(granted(w), 0); /* and is not used up */
}

static void a_factor_taken_away_while_asked_denies(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth = begin(w->ctx, &(struct attempt){.user = "bob"});
    struct outcome o;
    char code[9];

    assert_int_equal(answer(auth, RIGHT), JA_OK);
    assert_int_equal(ja_auth_next(auth), JA_NEXT_CODE);
    sql(w, "DELETE FROM totp; DELETE FROM recovery_codes");
    code_of(w, 0, code);
    assert_int_equal(answer(auth, code), JA_OK);
    o = finish(auth, HANDLE);
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    ja_auth_free(auth);
}

/* ---- which codes are asked for ---- */

static void mfa_mode_policy_and_exempt_networks(void **state)
{
    enum { IN = 1, OUT = 0 };
    static const char *const prompts[3][2][2] = {
        /* policy optional or exempt: {no factor, factor}, policy demands: {no factor, factor} */
        [JA_MFA_AUTO] = {{"P", "PC"}, {"P", "PC"}},
        [JA_MFA_ALWAYS] = {{"PC", "PC"}, {"PC", "PC"}},
        [JA_MFA_OFF] = {{"P", "P"}, {"P", "PC"}},
    };
    static const bool good[3][2][2] = {
        [JA_MFA_AUTO] = {{true, true}, {false, true}},
        [JA_MFA_ALWAYS] = {{false, true}, {false, true}},
        [JA_MFA_OFF] = {{true, true}, {false, true}},
    };
    struct world *w = *state;
    bool required = w->ctx->cfg->mfa.policy == JA_MFA_REQUIRED;

    for (int mode = JA_MFA_AUTO; mode <= JA_MFA_OFF; mode++) {
        for (int where = OUT; where <= IN; where++) {
            for (int factor = 0; factor < 2; factor++) {
                bool demanded = required && where == OUT;
                struct outcome o;

                sql(w, "UPDATE totp SET last_step = 1");
                o = LOGIN(w, .user = factor ? "bob" : "alice", .password = RIGHT, .code = NOW,
                          .mfa = (enum ja_mfa_mode)mode, .source = where == IN ? "10.1.2.3" : HOME);
                assert_string_equal(o.prompts, prompts[mode][demanded][factor]);
                if (good[mode][demanded][factor])
                    assert_true(allowed(&o));
                else
                    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
                if (good[mode][demanded][factor])
                    assert_string_equal(o.r.amr, o.prompts[1] == 'C' ? "pwd otp mfa" : "pwd");
            }
        }
    }
}

static void a_name_for_an_exempt_address_exempts_nobody(void **state)
{
    static const char *const sources[] = {NULL, "", "10.1.2.3.example.org", "10.1.2.3 ", "localhost",
                                          "10.1.2.3, 192.0.2.7", "::", "0x0a010203", "11.0.0.1"};
    struct world *w = *state;
    struct outcome o;

    for (size_t i = 0; i < LEN(sources); i++) {
        o = LOGIN(w, .user = "alice", .password = RIGHT, .source = sources[i]);
        assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    }
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "::ffff:10.1.2.3");
    assert_true(allowed(&o));
}

static void a_policy_for_roles_meets_those_who_have_them(void **state)
{
    struct world *w = *state;
    struct outcome o;

    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .mfa = JA_MFA_OFF);
    assert_true(allowed(&o));
    /* admin inherits from manager */
    sql(w, "INSERT INTO user_roles (user_id, role_id, granted_by, created_at) SELECT u.id, r.id, 'root', 1 "
           "FROM users u, roles r WHERE r.name = 'admin'");
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_string_equal(o.prompts, "P");
    assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .mfa = JA_MFA_OFF);
    assert_string_equal(o.prompts, "PC");
    assert_true(allowed(&o));
}

/* ---- password and code in one answer ---- */

static void forward_pass_splits_digits_for_users_with_a_factor_only(void **state)
{
    static const struct {
        const char *user, *password; /* #: the code */
        enum ja_mfa_mode mfa;
        bool forward, good;
        const char *prompts;
    } all[] = {
        {"bob", RIGHT "#", JA_MFA_AUTO, true, true, "P"},
        {"bob", RIGHT "#", JA_MFA_ALWAYS, true, true, "P"},
        {"bob", RIGHT "#", JA_MFA_AUTO, false, false, "P"},
        {"bob", RIGHT, JA_MFA_AUTO, true, true, "PC"},
        {"bob", RIGHT, JA_MFA_ALWAYS, true, true, "PC"},
        {"bob", WRONG "#", JA_MFA_AUTO, true, false, "P"},
        {"bob", WRONG "#", JA_MFA_ALWAYS, true, false, "P"},
        {"bob", RIGHT "000000", JA_MFA_AUTO, true, false, "P"},
        {"bob", "#", JA_MFA_AUTO, true, false, "P"},      /* a code alone */
        {"bob", RIGHT "#", JA_MFA_OFF, true, false, "P"}, /* no code is due: the digits are the password's */
        {"bob", RIGHT, JA_MFA_OFF, true, true, "P"},
        {"alice", RIGHT "#", JA_MFA_AUTO, true, false, "P"},
        {"alice", RIGHT, JA_MFA_AUTO, true, true, "P"},
        {"nobody", RIGHT "#", JA_MFA_AUTO, true, false, "P"},
    };
    struct world *w = *state;
    char code[9], said[64];

    code_of(w, 0, code);
    assert_string_not_equal(code, "000000");
    for (size_t i = 0; i < LEN(all); i++) {
        int n = (int)strcspn(all[i].password, "#");
        struct outcome o;
        int64_t rows = number(w, "SELECT COUNT(*) AS n FROM audit_log");

        sql(w, "UPDATE totp SET last_step = 1");
        (void)snprintf(said, sizeof said, "%.*s%s", n, all[i].password, all[i].password[n] ? code : "");
        o = LOGIN(w, .user = all[i].user, .password = said, .code = NOW, .mfa = all[i].mfa,
                  .forward = all[i].forward);
        assert_string_equal(o.prompts, all[i].prompts);
        if (all[i].good)
            assert_true(allowed(&o));
        else
            assert_true(o.st == JA_OK && o.r.verdict == JA_DENY);
        assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log"), rows + 1);
    }
}

/* Until the first right code there is no factor, and the digits are the password's own. */
static void forward_pass_leaves_who_only_began_to_enrol(void **state)
{
    struct world *w = *state;
    unsigned char secret[20];
    struct outcome o;
    char id[37];

    ja_test_user(w->t, "carol", "Horse-7-123456", id);
    new_factor(w, id, 6, secret);
    sql(w, "UPDATE totp SET confirmed_at = NULL");
    o = LOGIN(w, .user = "carol", .password = "Horse-7-123456", .forward = true);
    assert_string_equal(o.prompts, "P");
    assert_true(allowed(&o));
    assert_string_equal(o.r.amr, "pwd");
}

static void forward_pass_takes_no_recovery_code(void **state)
{
    struct world *w = *state;
    char said[64];
    struct outcome o;

    (void)snprintf(said, sizeof said, RIGHT "%s", w->recovery[0]);
    o = LOGIN(w, .user = "bob", .password = said, .code = NOW, .forward = true);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
}

/* ---- R9, R10: limits ---- */

static void r9_the_limit_is_evaluated_and_no_more(void **state)
{
    struct world *w = *state;
    struct outcome o;
    int work;

    for (int i = 1; i <= 3; i++) {
        o = LOGIN(w, .user = "alice", .password = WRONG, .source = HOME);
        assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
        assert_int_equal(o.r.delay_ms, 1000 << (i - 1)); /* growing */
    }
    w->work = 0;
    work = (int)number(w, "SELECT COUNT(*) AS n FROM audit_log");
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    assert_string_equal(o.prompts, ""); /* told before it is asked */
    assert_int_equal(w->work, 0);       /* nothing is hashed */
    assert_in_range(o.r.retry_after, 1, 900);
    (void)LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    /* the first of them is told, the others are counted */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log"), work + 1);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o)); /* nobody else suffers */
    ja_fake_clock_advance(&w->t->clock, 900);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
}

/* Prompts that were opened before the block: blocked at the answer, before hashing. */
static void r9_prompts_kept_open_do_not_help(void **state)
{
    struct world *w = *state;
    struct ja_auth *open[6];
    struct outcome o;
    int evaluated = 0;

    for (size_t i = 0; i < LEN(open); i++)
        open[i] = begin(w->ctx, &(struct attempt){.user = "alice", .source = HOME});
    for (size_t i = 0; i < LEN(open); i++) {
        assert_int_equal(ja_auth_next(open[i]), JA_NEXT_PASSWORD);
        w->work = 0;
        assert_int_equal(answer(open[i], i < 3 ? WRONG : RIGHT), JA_OK);
        evaluated += w->work > 0;
        o = finish(open[i], HANDLE);
        assert_true(denied(&o, i < 3 ? JA_REASON_WRONG_PASSWORD : JA_REASON_THROTTLED));
        assert_true(i < 3 || o.r.retry_after > 0);
        ja_auth_free(open[i]);
    }
    assert_int_equal(evaluated, 3);
    assert_int_equal(granted(w), 0);
}

/* As many logins as the limit are under way: who comes next waits for their verdicts, unevaluated. */
static void r9_who_waits_for_tries_under_way_is_not_evaluated(void **state)
{
    struct world *w = *state;
    struct ja_auth *open[3], *late;
    struct outcome o;
    int64_t asleep;

    for (size_t i = 0; i < LEN(open); i++) {
        open[i] = begin(w->ctx, &(struct attempt){.user = "alice", .source = HOME});
        assert_int_equal(answer(open[i], i ? WRONG : RIGHT), JA_OK);
    }
    late = begin(w->ctx, &(struct attempt){.user = "alice", .source = HOME});
    assert_int_equal(ja_auth_next(late), JA_NEXT_PASSWORD);
    w->work = 0;
    asleep = w->t->clock.mono_ms;
    assert_int_equal(answer(late, RIGHT), JA_OK);
    asleep = w->t->clock.mono_ms - asleep;
    assert_in_range(asleep, 20000, 20100); /* hash_wait */
    assert_int_equal(w->work, 0);
    o = finish(late, HANDLE);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    ja_auth_free(late);

    /* a right one gives its place back, to one other */
    late = begin(w->ctx, &(struct attempt){.user = "alice", .source = HOME});
    w->meanwhile = open[0];
    assert_int_equal(answer(late, RIGHT), JA_OK);
    assert_null(w->meanwhile);
    o = finish(late, HANDLE);
    assert_true(allowed(&o));
    ja_auth_free(late);
    for (size_t i = 0; i < LEN(open); i++)
        ja_auth_free(open[i]);
}

static void r9_tries_that_turned_out_wrong_are_not_waited_for(void **state)
{
    struct world *w = *state;
    struct ja_auth *open[3], *late;
    int64_t began = w->t->clock.mono_ms;
    struct outcome o;

    for (size_t i = 0; i < LEN(open); i++) {
        open[i] = begin(w->ctx, &(struct attempt){.user = "alice", .source = HOME});
        assert_int_equal(answer(open[i], WRONG), JA_OK);
    }
    late = begin(w->ctx, &(struct attempt){.user = "alice", .source = HOME});
    for (size_t i = 0; i < LEN(open); i++) {
        o = finish(open[i], HANDLE);
        assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
        ja_auth_free(open[i]);
    }
    assert_int_equal(answer(late, RIGHT), JA_OK);
    assert_int_equal(w->t->clock.mono_ms, began);
    o = finish(late, HANDLE);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    ja_auth_free(late);
}

static int guess(void *arg, int number)
{
    struct world *w = arg;
    struct ja_ctx ctx;
    struct outcome o;
    int evaluated = 0;

    ja_test_store_second(w->t, &ctx);
    for (int i = 0; i < 4; i++) {
        o = attempt(&ctx, w, &(struct attempt){.user = "alice", .source = HOME,
                                               .password = number % 2 ? WRONG : "Other-Guess-9"});
        if (o.r.verdict == JA_ALLOW)
            return 250; /* let in */
        if (o.st == JA_ERR_BUSY)
            continue; /* the lock was not had in time on a busy machine: nothing was evaluated */
        if (o.st != JA_OK)
            return 200 + (int)o.st;
        evaluated += o.r.reason == JA_REASON_WRONG_PASSWORD;
        if (o.r.reason != JA_REASON_WRONG_PASSWORD && o.r.reason != JA_REASON_THROTTLED)
            return 201;
    }
    ja_ctx_clear(&ctx);
    return evaluated;
}

/* CVE-2024-4629, CVE-2021-20251, CVE-2025-6004 */
static void r9_parallel_guesses_never_exceed_the_limit(void **state)
{
    struct world *w = *state;
    int results[16], sum = 0;

    ja_parallel(16, guess, w, results);
    for (int i = 0; i < 16; i++) {
        assert_in_range(results[i], 0, 4);
        sum += results[i];
    }
    assert_int_equal(sum, 3);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE reason = 'wrong_password'"), 3);
}

static void r10_wrong_codes_count_as_wrong_passwords_do(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int i = 0; i < 3; i++) {
        o = LOGIN(w, .user = "bob", .password = RIGHT, .code = i ? "000000" : "no code", .source = HOME);
        assert_true(denied(&o, JA_REASON_WRONG_CODE));
    }
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(denied(&o, JA_REASON_THROTTLED));
}

static void success_forgets_the_failures(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++)
            (void)LOGIN(w, .user = "alice", .password = WRONG, .source = HOME);
        o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME, .fruit = (enum fruit)round);
        assert_true(allowed(&o));
        assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM throttle WHERE scope = 'user_source'"), 0);
    }
    /* the source keeps its failures: a right password for one opens no guesses at others */
    assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'source'"), 6);
}

static void r10_a_password_alone_forgives_no_wrong_codes(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int i = 0; i < 3; i++) {
        o = LOGIN(w, .user = "bob", .password = RIGHT, .code = "000000", .source = HOME);
        assert_true(denied(&o, JA_REASON_WRONG_CODE));
        if (i == 2)
            break;
        o = LOGIN(w, .user = "bob", .password = RIGHT, .mfa = JA_MFA_OFF, .fruit = PROOF, .source = HOME);
        assert_true(allowed(&o));
        o = LOGIN(w, .user = "bob", .password = RIGHT, .mfa = JA_MFA_OFF, .source = HOME);
        assert_true(allowed(&o));
        /* neither forgives nor counts */
        assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user_source'"), i + 1);
    }
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(denied(&o, JA_REASON_THROTTLED));
}

static void r10_unknown_names_are_blocked_as_known_ones(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int i = 0; i < 3; i++) {
        o = LOGIN(w, .user = "Secret-As-Name", .password = WRONG, .source = HOME);
        assert_true(denied(&o, JA_REASON_UNKNOWN_USER));
        assert_int_equal(o.r.delay_ms, 1000 << i);
    }
    o = LOGIN(w, .user = "Secret-As-Name", .password = WRONG, .source = HOME);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    /* people type passwords where the name belongs */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM throttle WHERE key LIKE '%Secret%'"), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE target IS NOT NULL"), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE reason = 'unknown_user'"), 3);
    assert_null(strstr(w->t->last_log, "Secret"));
}

/* CVE-2025-6013: spellings of one name are one name; else a block would tell that it exists. */
static void r10_an_unknown_address_has_one_count_for_all_spellings(void **state)
{
    static const char *const spellings[] = {"none@Example.org", " NONE@example.org ", "none@example.org",
                                            "None@EXAMPLE.ORG"};
    struct world *w = *state;
    struct outcome o;

    for (size_t i = 0; i < LEN(spellings); i++) {
        o = LOGIN(w, .user = spellings[i], .password = WRONG, .any = true, .source = HOME);
        assert_true(denied(&o, i < 3 ? JA_REASON_UNKNOWN_USER : JA_REASON_THROTTLED));
    }
    sql(w, "DELETE FROM throttle; UPDATE users SET email = 'Alice@example.org', "
           "email_key = 'alice@example.org', phone = '+15550100' WHERE username = 'alice'");
    for (int i = 0; i < 4; i++) {
        o = LOGIN(w, .user = ((const char *[]){"alice@Example.org", "alice", "+1 555 0100", "ALICE@example.org"})[i],
                  .password = WRONG, .any = true, .source = HOME);
        assert_true(denied(&o, i < 3 ? JA_REASON_WRONG_PASSWORD : JA_REASON_THROTTLED));
    }
}

static void r28_names_of_other_modules_make_one_row_and_count_against_nobody(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int i = 0; i < 9; i++) {
        o = LOGIN(w, .user = "nobody", .password = WRONG, .source = HOME, .ignore = true);
        assert_true(denied(&o, JA_REASON_UNKNOWN_USER));
        assert_string_equal(o.prompts, "P");
    }
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM throttle"), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE target IS NULL"), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log"), 1);
    assert_int_equal(number(w, "SELECT SUM(count) AS n FROM audit_folds"), 8);
    /* not blocked where the source is, either: that would keep others' users out */
    for (int i = 0; i < 6; i++)
        (void)LOGIN(w, .user = i % 2 ? "alice" : "bob", .password = WRONG, .source = HOME);
    o = LOGIN(w, .user = "nobody", .password = WRONG, .source = HOME, .ignore = true);
    assert_true(denied(&o, JA_REASON_UNKNOWN_USER));
    /* names of the store are ours */
    o = LOGIN(w, .user = "alice", .password = WRONG, .source = HOME, .ignore = true);
    assert_true(denied(&o, JA_REASON_THROTTLED));
}

/* Without an address each login uid has a bucket of its own: wrong guesses in su close nobody else's sudo. */
static void r10_one_local_user_does_not_block_another(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int i = 0; i < 4; i++) {
        o = LOGIN(w, .user = "alice", .password = WRONG, .local_uid = 1001);
        assert_true(denied(&o, i < 3 ? JA_REASON_WRONG_PASSWORD : JA_REASON_THROTTLED));
    }
    o = LOGIN(w, .user = "alice", .password = RIGHT, .local_uid = 1002);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT, .local_uid = 1001);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    /* an address counts before the uid of the process that serves it */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME, .local_uid = 1001);
    assert_true(allowed(&o));
}

/* CVE-2020-35590: what is no address is one source, however many names it has. */
static void r10_hostile_sources_are_one_bucket(void **state)
{
    static const char *const sources[] = {"a.example.org", "192.0.2.7; drop", "", NULL, "1.2.3", "%s%n"};
    struct world *w = *state;
    struct outcome o;

    for (size_t i = 0; i < LEN(sources); i++) {
        o = LOGIN(w, .user = "alice", .password = WRONG, .source = sources[i]);
        assert_true(denied(&o, i < 3 ? JA_REASON_WRONG_PASSWORD : JA_REASON_THROTTLED));
    }
    assert_string_equal(text(w, "SELECT key AS t FROM throttle WHERE scope = 'source'"), "local");
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE source IS NOT NULL"), 0);
    /* neighbours are one source; others are not */
    for (int i = 0; i < 4; i++) {
        o = LOGIN(w, .user = "alice", .password = WRONG,
                  .source = ((const char *[]){"192.0.2.1", "192.0.2.200", "::ffff:192.0.2.3", "192.0.2.4"})[i]);
        assert_true(denied(&o, i < 3 ? JA_REASON_WRONG_PASSWORD : JA_REASON_THROTTLED));
    }
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "192.0.3.1");
    assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE source = '192.0.2.200'"), 1);
}

static void r10_a_source_is_blocked_over_all_names_but_where_trusted(void **state)
{
    struct world *w = *state;
    struct outcome o;
    char name[16];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof name, "user%d", i);
        o = LOGIN(w, .user = name, .password = WRONG, .source = HOME);
        assert_true(denied(&o, i < 4 ? JA_REASON_UNKNOWN_USER : JA_REASON_THROTTLED));
    }
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    for (int i = 0; i < 9; i++)
        (void)LOGIN(w, .user = "alice", .password = WRONG, .source = "10.0.0.1");
    o = LOGIN(w, .user = "alice", .password = WRONG, .source = "10.0.0.1");
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    assert_int_equal(o.r.delay_ms, 30000);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "10.0.0.1");
    assert_true(allowed(&o));
}

/* R10, CVE-2020-35590: a customer's /56 is one source, however many of its addresses are used. */
static void r10_the_addresses_of_one_ipv6_network_are_one_source(void **state)
{
    struct world *w = *state;
    struct outcome o = {0};
    char source[64], name[16];
    int evaluated = 0;

    for (int i = 0; i < 1000 && evaluated < 20; i++) {
        (void)snprintf(source, sizeof source, "2001:db8:7:%x%02x::%x", 0x1a, i % 256, i + 1);
        (void)snprintf(name, sizeof name, "user%d", i);
        o = LOGIN(w, .user = name, .password = WRONG, .source = source);
        evaluated += o.r.reason == JA_REASON_UNKNOWN_USER;
    }
    assert_int_equal(evaluated, 4);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "2001:db8:7:1b00::1"); /* another network */
    assert_true(allowed(&o));
}

/* ---- tries that were no failures ---- */

static void an_open_prompt_books_nothing(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int i = 0; i < 9; i++) {
        o = LOGIN(w, .user = "alice", .password = NOBODY, .source = HOME);
        assert_string_equal(o.prompts, "P");
        assert_int_equal(booked(w), 0);
    }
    /* but a password that was evaluated was tried, however the conversation ends */
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOBODY, .source = HOME);
    assert_string_equal(o.prompts, "PC");
    assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user_source'"), 1);
    assert_int_equal(granted(w), 0);
}

static void r21_no_hashing_slot_counts_as_no_failure(void **state)
{
    struct world *w = *state;
    struct outcome o;
    int slot = -1;

    assert_int_equal(ja_hash_slot_take(w->ctx, &slot, NULL), JA_OK);
    for (int i = 0; i < 5; i++) {
        o = LOGIN(w, .user = i % 2 ? "nobody" : "alice", .password = i ? RIGHT : WRONG, .source = HOME);
        assert_int_equal(o.st, JA_ERR_BUSY);
        assert_true(o.r.verdict == JA_DENY);
    }
    ja_hash_slot_release(slot);
    assert_int_equal(booked(w), 0);
    assert_int_equal(granted(w), 0);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
}

static void a_damaged_hash_is_a_system_failure(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "UPDATE users SET password_hash = '$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$aGFzaA' "
           "WHERE username = 'alice'");
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_int_equal(o.st, JA_ERR_CORRUPT);
    assert_true(o.r.verdict == JA_DENY);
    assert_int_equal(booked(w), 0);
}

/* ---- the machine ---- */

static void a_dead_or_ended_machine_decides_nothing(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth = begin(w->ctx, &(struct attempt){.user = "alice"});
    struct outcome o;
    int slot = -1;

    assert_int_equal(answer(auth, WRONG), JA_OK);
    assert_int_equal(answer(auth, RIGHT), JA_ERR_INTERNAL); /* one password each */
    o = finish(auth, HANDLE);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    o = finish(auth, HANDLE);
    assert_int_equal(o.st, JA_ERR_INTERNAL);
    assert_int_equal(answer(auth, RIGHT), JA_ERR_INTERNAL);
    ja_auth_free(auth);

    auth = begin(w->ctx, &(struct attempt){.user = "alice"});
    assert_int_equal(ja_hash_slot_take(w->ctx, &slot, NULL), JA_OK);
    assert_int_equal(answer(auth, RIGHT), JA_ERR_BUSY);
    ja_hash_slot_release(slot);
    assert_int_equal(ja_auth_next(auth), JA_NEXT_DONE);
    assert_int_equal(answer(auth, RIGHT), JA_ERR_INTERNAL);
    o = finish(auth, SESSION);
    assert_int_equal(o.st, JA_ERR_INTERNAL);
    assert_true(o.r.verdict == JA_DENY);
    ja_auth_free(auth);
    ja_auth_free(NULL);
    assert_int_equal(granted(w), 0);
}

static void a_login_that_ends_early_is_denied(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth;
    struct outcome o;

    for (enum fruit fruit = HANDLE; fruit <= PROOF; fruit++) {
        auth = begin(w->ctx, &(struct attempt){.user = "alice"});
        o = finish(auth, fruit);
        assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
        ja_auth_free(auth);
        auth = begin(w->ctx, &(struct attempt){.user = "bob"});
        assert_int_equal(answer(auth, RIGHT), JA_OK);
        o = finish(auth, fruit);
        assert_true(denied(&o, JA_REASON_CODE_REQUIRED));
        ja_auth_free(auth);
    }
    assert_int_equal(granted(w), 0);
}

/* CVE-2026-32246, CVE-2026-32730: between password and code nothing is there yet. */
static void r12_nothing_is_granted_before_the_second_factor(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth;

    (void)LOGIN(w, .user = "bob", .password = WRONG, .source = HOME);
    auth = begin(w->ctx, &(struct attempt){.user = "bob", .source = HOME});
    assert_int_equal(answer(auth, RIGHT), JA_OK);
    assert_int_equal(ja_auth_next(auth), JA_NEXT_CODE);
    assert_int_equal(granted(w), 0);
    assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user_source'"), 2);
    ja_auth_abandon(auth);
    ja_auth_free(auth);
    assert_int_equal(granted(w), 0);
    assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user_source'"), 2);
}

/* Found by fuzzing: tries left at the code prompt were waited for, ten seconds each. */
static void r9_tries_given_up_at_the_code_are_not_waited_for(void **state)
{
    struct world *w = *state;
    struct outcome o;
    int64_t before;

    for (int i = 0; i < 3; i++) {
        o = LOGIN(w, .user = "bob", .password = i ? WRONG : RIGHT, .code = NOBODY, .mfa = JA_MFA_ALWAYS);
        assert_string_equal(o.prompts, "PC");
        assert_int_equal(o.r.verdict, JA_DENY);
    }
    /* R28: each is an attempt like any other */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE target = 'user:bob' AND outcome = 'denied' "
                               "AND reason = 'wrong_password'"), 2);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE target = 'user:bob' AND outcome = 'denied' "
                               "AND reason = 'code_required'"), 1);
    before = w->t->clock.mono_ms;
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW);
    assert_true(denied(&o, JA_REASON_THROTTLED));
    assert_string_equal(o.prompts, ""); /* at once */
    assert_int_equal(w->t->clock.mono_ms, before);
    assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user_source'"), 3);
    assert_int_equal(number(w, "SELECT sum(pending) AS n FROM throttle"), 0);
}

static void names_count_as_the_caller_says(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "UPDATE users SET email = 'Alice@example.org', email_key = 'alice@example.org', "
           "phone = '+15550100' WHERE username = 'alice'");
    for (const char *const *name = (const char *const[]){"alice@EXAMPLE.org", "+15550100", "alice", NULL};
         *name; name++) {
        o = LOGIN(w, .user = *name, .password = RIGHT, .any = true);
        assert_true(allowed(&o));
        assert_string_equal(o.r.username, "alice");
        o = LOGIN(w, .user = *name, .password = RIGHT);
        if (strcmp(*name, "alice") == 0)
            assert_true(allowed(&o));
        else
            assert_true(denied(&o, JA_REASON_UNKNOWN_USER));
    }
    for (const char *const *name = (const char *const[]){"ALICE", "alice ", " alice", "alice\n", NULL}; *name;
         name++) {
        o = LOGIN(w, .user = *name, .password = RIGHT, .any = true);
        assert_true(denied(&o, JA_REASON_UNKNOWN_USER)); /* R5: compared as bytes */
    }
}

#define T(name, conf) cmocka_unit_test_prestate_setup_teardown(name, world_up, world_down, conf)

/* ---- registration ---- */

/* What a registration costs, in looks at the clock that only hashing takes (auth_world.c); its answer's status. */
static int cost_of_registering(struct world *w, const char *email, enum ja_user_status *ret_status)
{
    struct ja_secret password = {0};
    struct ja_user_spec spec = {.email = email, .password = &password};
    struct ja_policy_report report = {0};
    struct ja_user u = {0};
    struct ja_sent sent[2];
    size_t n = 0;
    int before = w->work;

    assert_int_equal(ja_secret_from(&password, RIGHT, strlen(RIGHT), NULL), JA_OK);
    assert_int_equal(ja_account_register(w->ctx, &spec, false, &report, &u, sent, &n, NULL), JA_OK);
    assert_int_equal(n, 1); /* a letter is on its way, says who is asked */
    *ret_status = u.status;
    ja_user_clear(&u);
    ja_secret_clear(&password);
    return w->work - before;
}

/* R8: as many hashes and messages for who is there as for who is not. */
static void r8_a_concealed_registration_of_what_is_taken_does_the_same_work(void **state)
{
    struct world *w = *state;
    enum ja_user_status status = JA_USER_LOCKED, fresh = JA_USER_LOCKED;
    int work, letters;

    sql(w, "UPDATE users SET email = 'alice@example.org', email_key = 'alice@example.org', email_verified_at = 1 "
           "WHERE username = 'alice'");
    sql(w, "UPDATE users SET email = 'bob@example.org', email_key = 'bob@example.org', email_verified_at = NULL "
           "WHERE username = 'bob'");
    work = cost_of_registering(w, "carol@example.org", &fresh);
    letters = (int)number(w, "SELECT COUNT(*) AS n FROM outbox");
    assert_true(work > 0);
    assert_int_equal(letters, 1);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(cost_of_registering(w, "alice@example.org", &status), work);
        assert_int_equal(status, fresh);
        assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM outbox"), letters + 1); /* told, once a day */
        assert_int_equal(cost_of_registering(w, "bob@example.org", &status), work);
        assert_int_equal(status, fresh);
        assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM outbox"), letters + 1); /* nowhere to tell */
    }
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE email LIKE '%@example.org'"), 3);
}

/* ---- captchas ---- */

/* R8: no password is hashed unasked, and what is asked, answered and written is the same for a name of nobody's. */
static void a_captcha_that_is_due_comes_before_the_password(void **state)
{
    static const char *const names[] = {"alice", "nobody"};
    struct world *w = *state;
    int64_t rows[2] = {0};
    struct outcome o;

    for (int i = 0; i < 2; i++) {
        int64_t before = number(w, "SELECT COUNT(*) AS n FROM throttle");
        int work;

        for (int n = 0; n < 2; n++) {
            o = LOGIN(w, .user = names[i], .password = WRONG, .source = i ? "198.51.100.7" : HOME, .any = true,
                      .captcha = JA_CAPTCHA_COUNTED);
            assert_true(denied(&o, i ? JA_REASON_UNKNOWN_USER : JA_REASON_WRONG_PASSWORD));
        }
        rows[i] = number(w, "SELECT COUNT(*) AS n FROM throttle") - before;
        work = w->work;
        o = LOGIN(w, .user = names[i], .password = RIGHT, .source = i ? "198.51.100.7" : HOME, .any = true,
                  .captcha = JA_CAPTCHA_COUNTED);
        assert_true(denied(&o, JA_REASON_CAPTCHA));
        assert_int_equal(w->work, work);
        o = LOGIN(w, .user = names[i], .password = WRONG, .source = i ? "198.51.100.7" : HOME, .any = true,
                  .captcha = JA_CAPTCHA_PASSED);
        assert_true(denied(&o, i ? JA_REASON_UNKNOWN_USER : JA_REASON_WRONG_PASSWORD));
        assert_int_equal(w->work, work + 2);
    }
    assert_int_equal(rows[0], rows[1]);
    assert_int_equal(number(w, "SELECT COUNT(DISTINCT count) AS n FROM throttle WHERE scope = 'other'"), 1);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME, .captcha = JA_CAPTCHA_PASSED);
    assert_true(allowed(&o));
}

static void who_is_never_asked_for_a_captcha_counts_nothing_for_one(void **state)
{
    struct world *w = *state;
    struct outcome o;

    for (int n = 0; n < 4; n++)
        (void)LOGIN(w, .user = "alice", .password = WRONG, .source = HOME);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM throttle WHERE scope = 'other'"), 0);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME, .captcha = JA_CAPTCHA_COUNTED);
    assert_true(allowed(&o));
    for (int n = 0; n < 2; n++)
        (void)LOGIN(w, .user = "alice", .password = WRONG, .source = HOME, .captcha = JA_CAPTCHA_COUNTED);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
}

int main(void)
{
    static char required[] = "[mfa]\npolicy = required\nexempt_networks = 10.0.0.0/8\n"
                                   "[throttle]\nlogin = 900/15m\n";
    static char optional[] = "[mfa]\nexempt_networks = 10.0.0.0/8\n[throttle]\nlogin = 900/15m\n";
    static char roles[] = "[mfa]\npolicy = required: manager\n";
    static char sources[] = "[throttle]\nlogin = 900/15m\nper_source = 4/15m\n"
                                  "trusted_networks = 10.0.0.0/8\ndelay_base = 1s\ndelay_max = 30s\n";
    static char slots[] = "parallel_hashes = 1\nhash_wait = 1s\n[throttle]\nlogin = 3/15m\n";
    const struct CMUnitTest tests[] = {
        T(every_reason_is_told_to_the_audit_log, no_limit),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        T(r8_prompts_delay_and_work_are_the_same_for_all, NULL),
        T(r8_no_code_is_asked_of_who_may_not_log_in, no_limit),
        T(r8_a_right_password_that_needs_a_rehash_costs_one_hash, NULL),
        T(r4_no_password_is_a_wrong_password, no_limit),
        T(r4_an_empty_password_never_matches_an_account_without, NULL),
        T(r4_no_code_is_a_wrong_code, no_limit),
        T(a_login_with_password_and_code, NULL),
        T(r11_codes_of_three_steps_are_good, no_limit),
        T(r11_a_code_is_good_once_and_no_earlier_one_after_it, NULL),
        T(a_code_has_as_many_digits_as_enrolled, NULL),
        T(a_recovery_code_is_good_once, NULL),
        T(a_code_that_was_right_does_not_mend_a_wrong_password, NULL),
        T(a_factor_taken_away_while_asked_denies, NULL),
        T(mfa_mode_policy_and_exempt_networks, required),
        T(mfa_mode_policy_and_exempt_networks, optional),
        T(a_name_for_an_exempt_address_exempts_nobody, required),
        T(a_policy_for_roles_meets_those_who_have_them, roles),
        T(forward_pass_splits_digits_for_users_with_a_factor_only, no_limit),
        T(forward_pass_leaves_who_only_began_to_enrol, NULL),
        T(forward_pass_takes_no_recovery_code, NULL),
        T(r9_the_limit_is_evaluated_and_no_more, limit_3),
        T(r9_prompts_kept_open_do_not_help, limit_3),
        T(r9_who_waits_for_tries_under_way_is_not_evaluated, limit_3),
        T(r9_tries_that_turned_out_wrong_are_not_waited_for, limit_3),
        T(r9_tries_given_up_at_the_code_are_not_waited_for, limit_3),
        T(r9_parallel_guesses_never_exceed_the_limit, limit_3),
        T(r10_wrong_codes_count_as_wrong_passwords_do, limit_3),
        T(r10_a_password_alone_forgives_no_wrong_codes, limit_3),
        T(success_forgets_the_failures, limit_3),
        T(r10_unknown_names_are_blocked_as_known_ones, limit_3),
        T(r10_an_unknown_address_has_one_count_for_all_spellings, limit_3),
        T(r28_names_of_other_modules_make_one_row_and_count_against_nobody, limit_3),
        T(r10_hostile_sources_are_one_bucket, limit_3),
        T(r10_one_local_user_does_not_block_another, limit_3),
        T(r10_a_source_is_blocked_over_all_names_but_where_trusted, sources),
        T(r10_the_addresses_of_one_ipv6_network_are_one_source, sources),
        T(an_open_prompt_books_nothing, limit_3),
        T(r21_no_hashing_slot_counts_as_no_failure, slots),
        T(a_damaged_hash_is_a_system_failure, NULL),
        T(a_dead_or_ended_machine_decides_nothing, slots),
        T(a_login_that_ends_early_is_denied, no_limit),
        T(r12_nothing_is_granted_before_the_second_factor, NULL),
        T(names_count_as_the_caller_says, no_limit),
        T(r8_a_concealed_registration_of_what_is_taken_does_the_same_work, concealed),
        T(a_captcha_that_is_due_comes_before_the_password, captcha_2),
        T(who_is_never_asked_for_a_captcha_counts_nothing_for_one, captcha_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
