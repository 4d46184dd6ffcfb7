/* Known failures of password resets: who gets the message, and where its link leads. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/flow/reset_flow.h"
#include "tests/support/letters.h"
#include "tests/unit/auth_world.h"

#include <stdlib.h>
#include <string.h>

#define BASE "https://www.example.org/account/"
#define LEN(a) (sizeof(a) / sizeof *(a))

static void verified(struct world *w)
{
    sql(w, "UPDATE users SET email = 'mike@example.org', email_key = 'mike@example.org', email_verified_at = 1 "
           "WHERE username = 'alice'");
}

/* CVE-2019-19844, CVE-2023-7028: a message goes to the one stored address, never to what was typed: not to a spelling
 * that looks or folds alike, not to a second address beside it. */
static void cve_2019_19844_the_stored_address_alone(void **state)
{
    static const char *const typed[] = {
        "m\xc4\xb1ke@example.org" /* dotless i */, "MIKE@EXAMPLE.ORG", " mike@example.org ", "mike@ex\xc3\xa4mple.org",
        "mi\xe2\x84\xaa" "e@example.org" /* Kelvin sign */, "mike@example.org,evil@example.net",
        "mike@example.org;evil@example.net", "mike@example.org evil@example.net", "mike@example.org\nevil@example.net",
        "mike@example.org\r\nBcc: evil@example.net", "[\"mike@example.org\",\"evil@example.net\"]",
        "mike@example.org%0a%0dcc:evil@example.net", "<mike@example.org>", "mike@example.org\xe2\x80\x8b", "alice",
        "\"mike@example.org\" <evil@example.net>", "mike+x@example.org",
    };
    struct world *w = *state;
    int sent = 0;

    verified(w);
    for (size_t i = 0; i < LEN(typed); i++) {
        struct ja_error err = {0};

        ja_fake_clock_advance(&w->t->clock, 7200);
        if (ja_reset_request(w->ctx, typed[i], JA_RESET_ANY, &err) != JA_OK)
            fail_msg("%s: %s", typed[i], err.message);
        if (ja_test_letters(w->ctx, "reset_email") > sent) {
            struct ja_test_letter l = {0};

            assert_int_equal(ja_test_letters(w->ctx, "reset_email"), ++sent);
            assert_true(ja_test_letter(w->ctx, "reset_email", &l));
            assert_string_equal(l.destination, "mike@example.org");
            assert_string_equal(l.username, "alice");
        }
    }
    assert_int_equal(sent, 3); /* in capitals, with blanks around it, by user name */
    assert_int_equal(ja_test_letters(w->ctx, NULL), 3);
}

/* CVE-2017-8295, CVE-2025-48936, CVE-2025-52560, CVE-2025-61541, CVE-2026-61451: the link's host is the configuration's,
 * whatever the request says of itself. */
static void cve_2017_8295_the_link_is_the_configurations(void **state)
{
    static const char *const says[] = {"evil.example.net", "https://evil.example.net/", "www.example.org@evil.example.net",
                                       "\r\nHost: evil.example.net", "//evil.example.net"};
    struct world *w = *state;

    verified(w);
    for (size_t i = 0; i < LEN(says); i++) {
        struct ja_test_letter l = {0};

        ja_fake_clock_advance(&w->t->clock, 7200);
        w->ctx->actor.source = says[i];
        w->ctx->actor.service = says[i];
        w->ctx->actor.name = says[i];
        assert_int_equal(ja_reset_request(w->ctx, "mike@example.org", JA_RESET_BY_EMAIL, NULL), JA_OK);
        assert_true(ja_test_letter(w->ctx, "reset_email", &l));
        assert_int_equal(strncmp(l.link, BASE, strlen(BASE)), 0);
        assert_null(strstr(l.link, "evil"));
        /* nothing but the token is new in it */
        assert_string_equal(strstr(l.link, "?token=") + 7, l.secret);
        assert_null(strpbrk(l.link, "\r\n @"));
    }
}

#define T(name) cmocka_unit_test_prestate_setup_teardown(name, world_up, world_down, conf)

int main(void)
{
    static char conf[] = "[registration]\nlink_base = " BASE "\n[throttle]\nlogin = 900/15m\nper_source = 900/15m\n"
                         "[email]\nprovider = smtp\nurl = smtps://mail.example.org\nfrom = auth@example.org\n";
    const struct CMUnitTest tests[] = {
        T(cve_2019_19844_the_stored_address_alone),
        T(cve_2017_8295_the_link_is_the_configurations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
