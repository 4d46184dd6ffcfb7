/* Logins from networks that their user never came from, by password and by key ([suspicious] new_source). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/flow/session_flow.h"
#include "tests/unit/auth_world.h"

#include <string.h>
#include <unistd.h>

#define AWAY "198.51.100.1"
#define EVENTS "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'login.new_source'"
#define MAILS "SELECT COUNT(*) AS n FROM outbox WHERE template = 'new_source' AND state = 'queued'"

static void verified_address(struct world *w)
{
    sql(w, "UPDATE users SET email = 'alice@example.org', email_key = 'alice@example.org', "
           "email_verified_at = 1 WHERE username = 'alice'");
}

static void the_user_is_told_once_by_mail(void **state)
{
    struct world *w = *state;
    struct outcome o;

    verified_address(w);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
    assert_int_equal(number(w, MAILS), 0); /* the first network of all */
    for (int i = 0; i < 2; i++) {
        o = LOGIN(w, .user = "alice", .password = RIGHT, .source = AWAY);
        assert_true(allowed(&o));
    }
    assert_int_equal(number(w, MAILS), 1);
    assert_int_equal(number(w, EVENTS), 1);
    assert_string_equal(text(w, "SELECT destination AS t FROM outbox"), "alice@example.org");
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM outbox WHERE vars LIKE 'v1.%'"), 1);
    /* a wrong password is no login and tells nobody */
    o = LOGIN(w, .user = "alice", .password = WRONG, .source = "203.0.113.5");
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    assert_int_equal(number(w, MAILS), 1);
}

static void an_unverified_address_gets_no_mail(void **state)
{
    struct world *w = *state;
    struct outcome o;

    verified_address(w);
    sql(w, "UPDATE users SET email_verified_at = NULL");
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = AWAY);
    assert_true(allowed(&o));
    assert_int_equal(number(w, MAILS), 0);
    assert_int_equal(number(w, EVENTS), 1);
}

/* ---- by key: auth never runs ---- */

static enum ja_auth_reason account(struct world *w, const char *source, const char *handle)
{
    struct ja_account_check check = {.user = "alice", .service = "sshd", .check_mfa = true,
                                     .source = source, .handle = handle};
    struct ja_auth_result r = {.verdict = JA_DENY};
    struct ja_user user = {0};

    assert_int_equal(ja_account_decide(w->ctx, &check, &user, &r, NULL), JA_OK);
    ja_user_clear(&user);
    assert_true((r.verdict == JA_ALLOW) == (r.reason == JA_REASON_NONE));
    return r.reason;
}

static void open_by_key(struct world *w, const char *source)
{
    struct ja_user user = {0};
    struct ja_session s = {0};
    struct ja_minted m = {0};
    struct ja_error err = {0};

    assert_int_equal(ja_user_find_by_name(w->ctx, "alice", &user, &err), JA_OK);
    struct ja_pam_session p = {.user = &user, .service = "sshd", .source = source, .external_amr = "pop",
                               .pid = getpid()};

    assert_int_equal(ja_session_open_pam(w->ctx, &p, &s, &m, &err), JA_OK);
    ja_session_clear(&s);
    ja_minted_clear(&m);
    ja_user_clear(&user);
}

static void keys_are_judged_in_account(void **state)
{
    struct world *w = *state;
    int mode = w->ctx->cfg->suspicious.new_source;
    bool strict = mode == JA_SOURCE_DENY || mode == JA_SOURCE_REQUIRE_MFA;
    struct outcome o;

    assert_int_equal(account(w, AWAY, NULL), JA_REASON_NONE); /* the first network of all */
    open_by_key(w, HOME);
    assert_int_equal(account(w, "192.0.2.200", NULL), JA_REASON_NONE); /* the same network */
    assert_int_equal(account(w, AWAY, NULL), strict ? JA_REASON_NEW_SOURCE : JA_REASON_NONE);
    /* names are never resolved, and cron comes from nowhere */
    assert_int_equal(account(w, "localhost", NULL), JA_REASON_NONE);
    assert_int_equal(account(w, NULL, NULL), JA_REASON_NONE);
    /* a login that auth judged is not judged by other rules here */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_int_equal(account(w, AWAY, o.handle), JA_REASON_NONE);
}

static void a_session_by_key_makes_the_network_known(void **state)
{
    struct world *w = *state;

    verified_address(w);
    open_by_key(w, HOME);
    assert_int_equal(number(w, EVENTS), 0);
    open_by_key(w, AWAY);
    open_by_key(w, AWAY);
    assert_int_equal(number(w, EVENTS), 1);
    assert_int_equal(number(w, MAILS), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM known_sources"), 2);
    assert_int_equal(account(w, AWAY, NULL), JA_REASON_NONE);
}

#define T(name, conf) cmocka_unit_test_prestate_setup_teardown(name, world_up, world_down, conf)
#define MAIL "[email]\nprovider = smtp\nurl = smtps://mail.example.org\nfrom = auth@example.org\n"

int main(void)
{
    static char mail[] = MAIL;
    static char modes[][160] = {
        "[suspicious]\nnew_source = notify\n" MAIL, "[suspicious]\nnew_source = require_mfa\n" MAIL,
        "[suspicious]\nnew_source = deny\n" MAIL, "[suspicious]\nnew_source = off\n" MAIL};
    const struct CMUnitTest tests[] = {
        T(the_user_is_told_once_by_mail, mail),
        T(an_unverified_address_gets_no_mail, mail),
        T(keys_are_judged_in_account, modes[0]),
        T(keys_are_judged_in_account, modes[1]),
        T(keys_are_judged_in_account, modes[2]),
        T(keys_are_judged_in_account, modes[3]),
        T(a_session_by_key_makes_the_network_known, mail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
