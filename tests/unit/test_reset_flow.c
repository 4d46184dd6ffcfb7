/* Forgotten passwords and invitations (SECURITY R19). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/flow/reset_flow.h"
#include "common/flow/session_flow.h"
#include "tests/support/letters.h"
#include "tests/unit/auth_world.h"

#include <stdlib.h>
#include <string.h>

#define NEW "Neue-Tulpen-77"
#define OK(call) assert_int_equal((call), JA_OK)
#define AUDITED(reason) \
    "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'password.request_reset' AND reason = '" reason "'"

static void verified(struct world *w)
{
    sql(w, "UPDATE users SET email = username || '@example.org', email_key = username || '@example.org', "
           "email_verified_at = 1");
    sql(w, "UPDATE users SET phone = '+4930123456', phone_verified_at = 1 WHERE username = 'alice'");
}

static enum ja_status request(struct world *w, const char *who, enum ja_reset_by by)
{
    struct ja_error err = {0};
    enum ja_status st = ja_reset_request(w->ctx, who, by, &err);

    if (st != JA_OK)
        assert_string_equal(err.code, "too_many_attempts");
    return st;
}

static enum ja_status confirm(struct world *w, const char *name, const char *proof, const char *password,
                              const char *want_code)
{
    struct ja_secret pw = {0};
    struct ja_error err = {0};
    struct ja_user u = {0};
    const struct ja_reset r = {name, proof, strlen(proof), name != NULL};
    enum ja_status st;

    OK(ja_secret_from(&pw, password, strlen(password), &err));
    st = ja_reset_confirm(w->ctx, &r, &pw, NULL, &u, &err);
    ja_secret_clear(&pw);
    ja_user_clear(&u);
    if (st != JA_OK)
        assert_string_equal(err.code, want_code);
    return st;
}

static struct ja_test_letter letter(struct world *w, const char *template)
{
    struct ja_test_letter l = {0};

    assert_true(ja_test_letter(w->ctx, template, &l));
    return l;
}

static void a_mailed_token_sets_the_password_once(void **state)
{
    struct world *w = *state;
    struct ja_test_letter l;
    struct outcome o;

    verified(w);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = SESSION);
    assert_true(allowed(&o));
    OK(request(w, " ALICE@example.org", JA_RESET_ANY));
    l = letter(w, "reset_email");
    assert_string_equal(l.destination, "alice@example.org");
    assert_int_equal(confirm(w, NULL, l.secret, "short", "weak_password"), JA_ERR_POLICY);
    OK(confirm(w, NULL, l.secret, NEW, "")); /* a refused password uses nothing up */
    assert_int_equal(confirm(w, NULL, l.secret, "Andere-Tulpen-78", "invalid_token"), JA_ERR_DENIED);
    /* CVE-2026-43911, CVE-2021-33322: no session outlives it */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM sessions WHERE revoked_at IS NULL"), 0);
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    o = LOGIN(w, .user = "alice", .password = NEW);
    assert_true(allowed(&o));
    assert_int_equal(ja_test_letters(w->ctx, "password_changed"), 1);
}

/* R19: the second factor is asked for as before. */
static void r19_a_reset_keeps_the_second_factor(void **state)
{
    struct world *w = *state;
    struct outcome o;

    verified(w);
    OK(request(w, "bob", JA_RESET_ANY));
    OK(confirm(w, NULL, letter(w, "reset_email").secret, NEW, ""));
    o = LOGIN(w, .user = "bob", .password = NEW, .code = "000000");
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    o = LOGIN(w, .user = "bob", .password = NEW, .code = NOW);
    assert_true(allowed(&o));
}

static void a_code_by_sms_has_few_tries(void **state)
{
    struct world *w = *state;
    struct ja_test_letter l;
    char wrong[] = "000000";

    verified(w);
    OK(request(w, "+49 30 123456", JA_RESET_BY_SMS));
    l = letter(w, "reset_sms");
    assert_string_equal(l.destination, "+4930123456");
    wrong[0] = l.secret[0] == '0' ? '1' : '0';
    assert_int_equal(confirm(w, NULL, l.secret, NEW, "invalid_token"), JA_ERR_DENIED); /* a code is no token */
    assert_int_equal(confirm(w, "bob", l.secret, NEW, "invalid_code"), JA_ERR_DENIED);
    assert_int_equal(confirm(w, "nobody", l.secret, NEW, "invalid_code"), JA_ERR_DENIED);
    for (int i = 0; i < 5; i++)
        assert_int_equal(confirm(w, "alice", wrong, NEW, "invalid_code"), JA_ERR_DENIED);
    assert_int_equal(confirm(w, "alice", l.secret, NEW, "invalid_code"), JA_ERR_DENIED);
    ja_fake_clock_advance(&w->t->clock, 60);
    OK(request(w, "alice", JA_RESET_BY_SMS));
    OK(confirm(w, "alice", letter(w, "reset_sms").secret, NEW, ""));
}

/* The answer is the same; only the log and the mailbox tell. */
static void r19_nothing_is_sent_to_whom_it_must_not(void **state)
{
    struct world *w = *state;

    verified(w);
    sql(w, "UPDATE users SET email_verified_at = NULL WHERE username = 'bob'");
    OK(request(w, "nobody", JA_RESET_ANY));
    OK(request(w, "nobody@example.org", JA_RESET_ANY));
    OK(request(w, "tulip\x01 garten", JA_RESET_ANY));
    assert_int_equal(number(w, AUDITED("unknown_user")), 3);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE detail LIKE '%nobody%' OR "
                               "target LIKE '%nobody%' OR reason LIKE '%tulip%'"), 0);
    OK(request(w, "bob", JA_RESET_ANY)); /* not verified */
    OK(request(w, "bob@example.org", JA_RESET_BY_EMAIL));
    OK(request(w, "bob", JA_RESET_BY_SMS));
    sql(w, "UPDATE users SET status = 'disabled' WHERE username = 'alice'");
    OK(request(w, "alice", JA_RESET_ANY));
    assert_int_equal(number(w, AUDITED("no_verified_address")), 4);
    assert_int_equal(ja_test_letters(w->ctx, NULL), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM one_time_tokens"), 0);
}

static void r19_what_changed_meanwhile_counts(void **state)
{
    static const char *const changes[] = {
        "UPDATE users SET status = 'locked'", "UPDATE users SET email = 'x@example.org', email_key = 'x@example.org' WHERE username = 'bob'",
        "UPDATE users SET email_verified_at = NULL", "UPDATE users SET kind = 'service'",
        "UPDATE users SET deleted_at = 1"};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        sql(w, "UPDATE users SET status = 'active', kind = 'person', deleted_at = NULL");
        verified(w);
        ja_fake_clock_advance(&w->t->clock, 3600);
        OK(request(w, "bob", JA_RESET_ANY));
        sql(w, changes[i]);
        assert_int_equal(confirm(w, NULL, letter(w, "reset_email").secret, NEW, "invalid_token"), JA_ERR_DENIED);
    }
}

static void requests_are_bounded_alike_for_who_is_there_and_who_is_not(void **state)
{
    static const char *const names[] = {"alice", "nobody", "alice@example.org", "nobody@example.org"};
    struct world *w = *state;

    verified(w);
    for (size_t i = 0; i < 4; i++) {
        for (int k = 0; k < 5; k++)
            OK(request(w, names[i], JA_RESET_BY_EMAIL));
        assert_int_equal(request(w, names[i], JA_RESET_BY_EMAIL), JA_ERR_THROTTLED);
        ja_fake_clock_advance(&w->t->clock, 60);
        OK(request(w, names[i], JA_RESET_BY_EMAIL));
    }
    /* mail bombing: whoever asks is not told that no more is sent */
    assert_int_equal(ja_test_letters(w->ctx, "reset_email"), 5);
    assert_true(number(w, AUDITED("too_many_messages")) > 0);
}

/* R10: names cannot be changed to go on, where there is an address. */
static void requests_from_one_network_are_bounded(void **state)
{
    struct world *w = *state;
    char name[] = "name-a", source[] = "192.0.2.0";
    int done = 0;

    for (int i = 0; i < 10; i++) {
        name[5] = (char)('a' + i);
        source[8] = (char)('0' + i);
        w->ctx->actor.source = source;
        done += request(w, name, JA_RESET_ANY) == JA_OK;
    }
    assert_int_equal(done, 5);
    w->ctx->actor.source = "198.51.100.1";
    OK(request(w, name, JA_RESET_ANY));
    w->ctx->actor.source = NULL;
}

/* ---- invitations ---- */

static void invite(struct world *w, const char *name, const char *email, const char *phone)
{
    const struct ja_user_spec spec = {.username = name, .email = email, .phone = phone};
    struct ja_user u = {0};
    struct ja_sent sent = {0};
    struct ja_error err = {0};

    if (ja_account_invite(w->ctx, &spec, &u, &sent, &err) != JA_OK)
        fail_msg("%s", err.message);
    assert_int_equal(u.status, JA_USER_PENDING);
    assert_string_equal(sent.destination, email ? email : phone);
    ja_user_clear(&u);
}

static void an_invited_person_sets_the_first_password(void **state)
{
    struct world *w = *state;
    struct ja_test_letter l;
    struct outcome o;

    invite(w, "dave", "dave@example.org", NULL);
    l = letter(w, "invite_email");
    o = LOGIN(w, .user = "dave", .password = "");
    assert_true(o.r.verdict == JA_DENY);
    OK(confirm(w, NULL, l.secret, NEW, ""));
    o = LOGIN(w, .user = "dave", .password = NEW);
    assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE username = 'dave' AND status = 'active' "
                               "AND email_verified_at IS NOT NULL AND must_change = 0"), 1);
    assert_int_equal(confirm(w, NULL, l.secret, "Andere-Tulpen-78", "invalid_token"), JA_ERR_DENIED);
    assert_int_equal(ja_test_letters(w->ctx, "welcome"), 1);
}

static void an_invitation_may_go_to_a_phone(void **state)
{
    struct world *w = *state;
    struct outcome o;

    invite(w, "dave", NULL, "+4930999999");
    OK(confirm(w, "dave", letter(w, "invite_sms").secret, NEW, ""));
    o = LOGIN(w, .user = "dave", .password = NEW);
    assert_true(allowed(&o));
}

static void another_invitation_voids_the_first(void **state)
{
    struct world *w = *state;
    struct ja_test_letter first;
    struct ja_sent sent = {0};
    struct ja_error err = {0};

    invite(w, "dave", "dave@example.org", NULL);
    first = letter(w, "invite_email");
    ja_fake_clock_advance(&w->t->clock, 2 * 86400);
    assert_int_equal(confirm(w, NULL, first.secret, NEW, "invalid_token"), JA_ERR_DENIED);
    OK(ja_account_invite_again(w->ctx, "dave", &sent, &err));
    OK(confirm(w, NULL, letter(w, "invite_email").secret, NEW, ""));
    assert_int_equal(ja_account_invite_again(w->ctx, "dave", &sent, &err), JA_ERR_CONFLICT);
    assert_int_equal(ja_account_invite_again(w->ctx, "alice", &sent, &err), JA_ERR_CONFLICT);
}

static void an_invitation_that_makes_no_sense_is_refused_and_leaves_nobody(void **state)
{
    static const struct { struct ja_user_spec spec; const char *code; } all[] = {
        {{.username = "dave"}, "contact_required"},
        {{.username = "dave", .email = "d@example.org", .service = true}, "invite_options"},
        {{.username = "alice", .email = "d@example.org"}, "username_taken"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct ja_user u = {0};
        struct ja_sent sent = {0};
        struct ja_error err = {0};

        assert_int_not_equal(ja_account_invite(w->ctx, &all[i].spec, &u, &sent, &err), JA_OK);
        assert_string_equal(err.code, all[i].code);
    }
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users"), 2);
    assert_int_equal(ja_test_letters(w->ctx, NULL), 0);
}

#define T(name) cmocka_unit_test_prestate_setup_teardown(name, world_up, world_down, conf)

int main(void)
{
    static char conf[] = "[email]\nprovider = smtp\nurl = smtps://mail.example.org\nfrom = auth@example.org\n";
    const struct CMUnitTest tests[] = {
        T(a_mailed_token_sets_the_password_once),
        T(r19_a_reset_keeps_the_second_factor),
        T(a_code_by_sms_has_few_tries),
        T(r19_nothing_is_sent_to_whom_it_must_not),
        T(r19_what_changed_meanwhile_counts),
        T(requests_are_bounded_alike_for_who_is_there_and_who_is_not),
        T(requests_from_one_network_are_bounded),
        T(an_invited_person_sets_the_first_password),
        T(an_invitation_may_go_to_a_phone),
        T(another_invitation_voids_the_first),
        T(an_invitation_that_makes_no_sense_is_refused_and_leaves_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
