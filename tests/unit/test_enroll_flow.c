/* Enrolment during a login as a front end without PAM has it: prompts by ja_auth_next, what they are about by
 * ja_auth_enrolment, a session at the end. */
#include "common/flow/account_flow.h"
#include "tests/support/letters.h"
#include "tests/unit/auth_world.h"

#include <liboath/oath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRESH "Neue-Tulpen-77"
#define TERMS(m) ((struct ja_enroll_terms){.mode = JA_ENROLL_##m})

static struct ja_auth *start(struct world *w, const char *user, struct ja_enroll_terms terms, const char *source)
{
    const struct ja_auth_request req = {.user = user, .service = "http", .source = source, .enroll = terms};
    struct ja_auth *auth = NULL;

    assert_int_equal(ja_auth_begin(w->ctx, &req, &auth, NULL), JA_OK);
    return auth;
}

static void say(struct ja_auth *auth, enum ja_auth_next asked, const char *text)
{
    assert_int_equal(ja_auth_next(auth), asked);
    assert_int_equal(answer(auth, text), JA_OK);
}

/* The code of now for the key that is shown. */
static void say_code(struct world *w, struct ja_auth *auth)
{
    const struct ja_secret *key = &ja_auth_enrolment(auth)->key;
    struct ja_secret secret = {0};
    char code[9] = "";

    assert_int_equal(ja_totp_decode((const char *)key->data, key->len, &secret, NULL), JA_OK);
    assert_int_equal(secret.len, 20);
    assert_int_equal(oath_totp_generate2((const char *)secret.data, secret.len, (time_t)ja_now(&w->ctx->clock), 30, 0, 6,
                                         0, code), OATH_OK);
    ja_secret_clear(&secret);
    say(auth, JA_NEXT_ENROLL, code);
}

static int64_t in_force(struct world *w) /* bob's apart */
{
    return number(w, "SELECT COUNT(*) AS n FROM totp t JOIN users u ON u.id = t.user_id "
                     "WHERE u.username <> 'bob' AND t.confirmed_at IS NOT NULL");
}
static int64_t codes(struct world *w)
{
    return number(w, "SELECT COUNT(*) AS n FROM recovery_codes c JOIN users u ON u.id = c.user_id "
                     "WHERE u.username <> 'bob'");
}

static void a_session_says_what_was_shown(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth = start(w, "alice", TERMS(REQUIRE), HOME);
    const struct ja_enrolment *e = ja_auth_enrolment(auth);
    struct ja_auth_tokens t = {0};
    struct ja_auth_result r = {0};

    say(auth, JA_NEXT_PASSWORD, RIGHT);
    assert_false(e->may_skip);
    assert_int_equal(e->key.len, 32);
    assert_non_null(strstr((const char *)e->uri.data, (const char *)e->key.data));
    assert_int_equal(e->codes.len, 0); /* nothing to stand in before there is a factor */
    say_code(w, auth);
    assert_int_equal(e->codes.len, (size_t)w->ctx->cfg->mfa.recovery_codes * 20);
    assert_int_equal(in_force(w), 0);
    say(auth, JA_NEXT_RECOVERY, "yes");
    assert_int_equal(ja_auth_next(auth), JA_NEXT_DONE);
    assert_int_equal(in_force(w) + codes(w), 0); /* only finish writes */
    assert_int_equal(ja_auth_finish_session(auth, NULL, &t, &r, NULL), JA_OK);
    assert_int_equal(r.verdict, JA_ALLOW);
    assert_string_equal(r.amr, "pwd otp mfa");
    assert_string_equal(t.session.amr, "pwd otp mfa");
    assert_int_equal(in_force(w), 1);
    assert_int_equal(codes(w), w->ctx->cfg->mfa.recovery_codes);
    ja_auth_tokens_clear(&t);
    ja_auth_free(auth);
}

/* mfa=required asks everybody for a code first; who has none enrols instead, and has shown two factors then. */
static void enrolling_is_the_second_factor_that_is_demanded(void **state)
{
    struct world *w = *state;
    const struct ja_auth_request req = {.user = "alice", .service = "http", .source = HOME, .mfa = JA_MFA_ALWAYS,
                                        .enroll = TERMS(OFFER)};
    struct ja_auth *auth = NULL;
    struct outcome o;

    assert_int_equal(ja_auth_begin(w->ctx, &req, &auth, NULL), JA_OK);
    say(auth, JA_NEXT_PASSWORD, RIGHT);
    say(auth, JA_NEXT_CODE, "");
    assert_false(ja_auth_enrolment(auth)->may_skip);
    say_code(w, auth);
    say(auth, JA_NEXT_RECOVERY, "yes");
    o = finish(auth, SESSION);
    assert_true(allowed(&o));
    assert_int_equal(in_force(w), 1);
    ja_auth_free(auth);
}

/* A front end that finishes before the end gets a denial, and nothing is written. */
static void finishing_early_is_a_denial(void **state)
{
    struct world *w = *state;

    for (int stop = 1; stop <= 2; stop++) {
        struct ja_auth *auth = start(w, "alice", TERMS(OFFER), HOME);
        struct outcome o;

        say(auth, JA_NEXT_PASSWORD, RIGHT);
        if (stop == 2)
            say_code(w, auth);
        o = finish(auth, SESSION);
        assert_true(denied(&o, JA_REASON_NO_SECOND_FACTOR));
        assert_int_equal(in_force(w) + codes(w), 0);
        assert_int_not_equal(ja_auth_answer(auth, "yes", 3, NULL), JA_OK); /* it is over */
        ja_auth_free(auth);
    }
}

/* Three answers to a prompt, NULL and long ones among them. */
static void strange_answers_are_wrong_ones(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth = start(w, "alice", TERMS(REQUIRE), HOME);
    char big[600];
    struct outcome o;

    memset(big, '1', sizeof big);
    say(auth, JA_NEXT_PASSWORD, RIGHT);
    say(auth, JA_NEXT_ENROLL, NULL);
    assert_true(ja_auth_enrolment(auth)->again);
    assert_int_equal(ja_auth_answer(auth, big, sizeof big, NULL), JA_OK);
    assert_int_equal(ja_auth_answer(auth, "12\0" "456", 6, NULL), JA_OK);
    o = finish(auth, SESSION);
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    ja_auth_free(auth);
}

/* Whoever has a stolen password must not make itself a factor to pass for known. */
static void enrolling_does_not_vouch_for_a_new_network(void **state)
{
    struct world *w = *state;
    struct outcome o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    struct ja_auth *auth;

    assert_true(allowed(&o));
    auth = start(w, "alice", TERMS(OFFER), "203.0.113.9");
    say(auth, JA_NEXT_PASSWORD, RIGHT);
    say_code(w, auth);
    say(auth, JA_NEXT_RECOVERY, "yes");
    o = finish(auth, SESSION);
    assert_true(denied(&o, JA_REASON_NEW_SOURCE));
    assert_int_equal(in_force(w) + codes(w), 0);
    ja_auth_free(auth);
}

/* A code by SMS is an invitation too; its tries are few (R19), and wrong ones are wrong passwords. */
static void an_invitation_by_sms(void **state)
{
    static const struct ja_enroll_terms terms = {.mode = JA_ENROLL_REQUIRE, .by_invitation = true};
    struct world *w = *state;
    const struct ja_user_spec spec = {.username = "dave", .phone = "+4930999999"};
    struct ja_test_letter l;
    struct ja_user u = {0};
    struct ja_sent sent = {0};
    struct ja_auth *auth;
    struct outcome o;

    assert_int_equal(ja_account_invite(w->ctx, &spec, &u, &sent, NULL), JA_OK);
    ja_user_clear(&u);
    assert_true(ja_test_letter(w->ctx, "invite_sms", &l));
    auth = start(w, "dave", terms, HOME);
    say(auth, JA_NEXT_PASSWORD, strcmp(l.secret, "000000") == 0 ? "000001" : "000000");
    o = finish(auth, SESSION);
    assert_true(denied(&o, JA_REASON_NO_PASSWORD));
    ja_auth_free(auth);
    auth = start(w, "dave", terms, HOME);
    say(auth, JA_NEXT_PASSWORD, l.secret);
    say(auth, JA_NEXT_NEW_PASSWORD, "short");
    assert_true(ja_auth_enrolment(auth)->report.len > 0);
    say(auth, JA_NEXT_NEW_PASSWORD, FRESH);
    assert_int_equal(ja_auth_enrolment(auth)->report.len, 0);
    say_code(w, auth);
    say(auth, JA_NEXT_RECOVERY, "yes");
    o = finish(auth, SESSION);
    assert_true(allowed(&o));
    assert_int_equal(in_force(w), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE username = 'dave' AND status = 'active' "
                               "AND phone_verified_at IS NOT NULL"), 1);
    ja_auth_free(auth);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
#define WITH(f, config) cmocka_unit_test_prestate_setup_teardown(f, world_up, world_down, config)

int main(void)
{
    static char strict[] = "[suspicious]\nnew_source = require_mfa\n";
    static char sms[] = "[sms]\nprovider = command\nurl = /bin/true\n";
    const struct CMUnitTest tests[] = {
        T(a_session_says_what_was_shown),
        T(enrolling_is_the_second_factor_that_is_demanded),
        T(finishing_early_is_a_denial),
        T(strange_answers_are_wrong_ones),
        WITH(enrolling_does_not_vouch_for_a_new_network, strict),
        WITH(an_invitation_by_sms, sms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
