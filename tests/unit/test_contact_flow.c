/* From registration to a verified address, and changes of addresses (SECURITY R19). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/flow/contact_flow.h"
#include "tests/support/letters.h"
#include "tests/support/temp_store.h"

#include <stdlib.h>
#include <string.h>

#define CONF "[registration]\nopen = yes\nlink_base = https://www.example.org/account/\nverify = "
#define MAIL "\n[email]\nprovider = smtp\nurl = smtps://mail.example.org\nfrom = auth@example.org\n"
#define OK(call) assert_int_equal((call), JA_OK)

static struct ja_test_store *t;

static int up(void **state)
{
    t = ja_test_store_new(*state);
    return 0;
}

static int down(void **state)
{
    (void)state;
    ja_test_store_free(t);
    return 0;
}

static void enroll(const char *name, const char *email, const char *phone, size_t want_letters)
{
    struct ja_secret pw = {0};
    struct ja_error err = {0};
    struct ja_user u = {0};
    struct ja_sent sent[2];
    size_t n = 0;

    OK(ja_secret_from(&pw, "Tulip-Garten-9x", 15, &err));
    const struct ja_user_spec spec = {.username = name, .email = email, .phone = phone, .password = &pw};

    if (ja_account_register(&t->ctx, &spec, false, NULL, &u, sent, &n, &err) != JA_OK)
        fail_msg("%s", err.message);
    assert_int_equal(n, want_letters);
    assert_int_equal(u.status, JA_USER_PENDING);
    ja_user_clear(&u);
    ja_secret_clear(&pw);
}

static struct ja_user find(const char *name)
{
    struct ja_user u = {0};

    OK(ja_user_find_by_name(&t->ctx, name, &u, NULL));
    return u;
}

static enum ja_user_status status(const char *name)
{
    struct ja_user u = find(name);
    enum ja_user_status s = u.status;

    ja_user_clear(&u);
    return s;
}

static enum ja_status by_token(const char *name, const char *token, const char *want_code)
{
    struct ja_user u = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_contact_confirm_token(&t->ctx, name, token, strlen(token), &u, &err);

    ja_user_clear(&u);
    if (st != JA_OK)
        assert_string_equal(err.code, want_code);
    return st;
}

static enum ja_status by_code(const char *name, const char *code)
{
    struct ja_user u = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_contact_confirm_code(&t->ctx, name, code, strlen(code), &u, &err);

    ja_user_clear(&u);
    if (st != JA_OK)
        assert_string_equal(err.code, "invalid_code");
    return st;
}

static enum ja_status send(const char *name, enum ja_channel channel, const char *want_code)
{
    struct ja_sent sent = {0};
    struct ja_error err = {0};
    enum ja_status st = ja_contact_send(&t->ctx, name, channel, &sent, &err);

    if (st != JA_OK)
        assert_string_equal(err.code, want_code);
    return st;
}

static struct ja_test_letter letter(const char *template)
{
    struct ja_test_letter l = {0};

    assert_true(ja_test_letter(&t->ctx, template, &l));
    return l;
}

static void a_registered_user_is_active_once_the_mail_was_read(void **state)
{
    struct ja_test_letter l;

    (void)state;
    enroll("dave", "Dave@Example.org", NULL, 1);
    l = letter("verify_email");
    assert_string_equal(l.destination, "dave@example.org");
    assert_string_equal(l.channel, "email");
    assert_int_equal(strncmp(l.link, "https://www.example.org/account/verify-email?token=", 51), 0);
    assert_string_equal(l.link + 51, l.secret);
    assert_int_equal(by_token(NULL, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "invalid_token"), JA_ERR_DENIED);
    assert_int_equal(status("dave"), JA_USER_PENDING);
    OK(by_token(NULL, l.secret, ""));
    assert_int_equal(status("dave"), JA_USER_ACTIVE);
    assert_int_equal(by_token(NULL, l.secret, "invalid_token"), JA_ERR_DENIED);
    assert_int_equal(ja_test_letters(&t->ctx, "welcome"), 1);
}

static void a_token_named_for_somebody_else_is_none(void **state)
{
    struct ja_test_letter l;

    (void)state;
    enroll("dave", "dave@example.org", NULL, 1);
    l = letter("verify_email");
    enroll("erin", "erin@example.org", NULL, 1);
    assert_int_equal(by_token("erin", l.secret, "invalid_token"), JA_ERR_DENIED);
    assert_int_equal(by_token("nobody", l.secret, "invalid_token"), JA_ERR_DENIED);
    OK(by_token("dave", l.secret, "")); /* and it is not used up by that */
    assert_int_equal(status("erin"), JA_USER_PENDING);
}

static void r19_sending_again_voids_the_former(void **state)
{
    struct ja_test_letter first, second;

    (void)state;
    enroll("dave", "dave@example.org", NULL, 1);
    first = letter("verify_email");
    ja_fake_clock_advance(&t->clock, 1);
    OK(send("dave", JA_CHANNEL_EMAIL, ""));
    second = letter("verify_email");
    assert_string_not_equal(first.secret, second.secret);
    assert_int_equal(by_token(NULL, first.secret, "invalid_token"), JA_ERR_DENIED);
    OK(by_token(NULL, second.secret, ""));
    assert_int_equal(send("dave", JA_CHANNEL_EMAIL, "already_verified"), JA_ERR_EXISTS);
    assert_int_equal(send("dave", JA_CHANNEL_SMS, "no_phone"), JA_ERR_CONFLICT);
    assert_int_equal(send("nobody", JA_CHANNEL_SMS, "user_not_found"), JA_ERR_NOT_FOUND);
}

static void messages_to_one_user_are_bounded(void **state)
{
    int sent = 1;

    (void)state;
    enroll("dave", "dave@example.org", NULL, 1);
    for (int i = 0; i < 20; i++)
        sent += send("dave", JA_CHANNEL_EMAIL, "too_many_attempts") == JA_OK;
    assert_int_equal(sent, 5);
    assert_int_equal(ja_test_letters(&t->ctx, "verify_email"), 5);
    ja_fake_clock_advance(&t->clock, 3600);
    OK(send("dave", JA_CHANNEL_EMAIL, ""));
}

static int64_t texts_sent(const char *prefix, int users, int each)
{
    char name[16], phone[20];
    int64_t n = 0;

    for (int i = 0; i < users; i++) {
        struct ja_user u = {0};
        struct ja_error err = {0};
        char id[37];

        (void)snprintf(name, sizeof name, "u%s%d", prefix + 1, i);
        (void)snprintf(phone, sizeof phone, "%s%05d", prefix, i);
        ja_test_user(t, name, NULL, id);
        u = find(name);
        free(u.phone);
        u.phone = strdup(phone);
        OK(ja_db_begin(t->ctx.db, &err));
        OK(ja_user_update(&t->ctx, &u, &err));
        OK(ja_db_commit(t->ctx.db, &err));
        ja_user_clear(&u);
        for (int k = 0; k < each; k++)
            n += send(name, JA_CHANNEL_SMS, "too_many_attempts") == JA_OK;
    }
    return n;
}

/* CVE-2023-33291, CVE-2024-51557, CVE-2026-25043 (SMS pumping): per number, per prefix, per day. R26. */
static void r26_text_messages_are_limited(void **state)
{
    (void)state;
    assert_int_equal(texts_sent("+4930123", 1, 9), 3); /* one number: 3 in 15 minutes */
    ja_fake_clock_advance(&t->clock, 900);
    assert_int_equal(send("u49301230", JA_CHANNEL_SMS, "too_many_attempts"), JA_OK);
    assert_int_equal(texts_sent("+8821600", 120, 1), 100); /* a block of numbers: 100 a day */
    assert_int_equal(texts_sent("+4940999", 2, 1), 2); /* others go on */
    ja_fake_clock_advance(&t->clock, 86400);
    assert_int_equal(send("u882160099", JA_CHANNEL_SMS, ""), JA_OK);
}

static void a_phone_alone_serves_where_policy_says_so(void **state)
{
    struct ja_test_letter l;

    (void)state;
    enroll("dave", NULL, "+49 30 123456", 1);
    l = letter("verify_phone");
    assert_string_equal(l.destination, "+4930123456");
    assert_string_equal(l.channel, "sms");
    assert_int_equal(strlen(l.secret), 6);
    assert_string_equal(l.link, "");
    assert_int_equal(by_code("dave", l.secret[0] == '0' ? "100000" : "000000"), JA_ERR_DENIED);
    assert_int_equal(by_code("nobody", l.secret), JA_ERR_DENIED);
    OK(by_code("dave", l.secret));
    assert_int_equal(status("dave"), JA_USER_ACTIVE);
    assert_int_equal(by_code("dave", l.secret), JA_ERR_DENIED);
}

static void all_means_each_address_that_was_given(void **state)
{
    struct ja_test_letter mail, text;

    (void)state;
    enroll("dave", "dave@example.org", "+4930123456", 2);
    mail = letter("verify_email");
    text = letter("verify_phone");
    OK(by_token(NULL, mail.secret, ""));
    assert_int_equal(status("dave"), JA_USER_PENDING);
    OK(by_code("dave", text.secret));
    assert_int_equal(status("dave"), JA_USER_ACTIVE);
    ja_fake_clock_advance(&t->clock, 1);
    enroll("erin", "erin@example.org", NULL, 1);
    mail = letter("verify_email");
    OK(by_token(NULL, mail.secret, ""));
    assert_int_equal(status("erin"), JA_USER_ACTIVE);
}

static void any_means_one_of_them(void **state)
{
    struct ja_test_letter text;

    (void)state;
    enroll("dave", "dave@example.org", "+4930123456", 2);
    text = letter("verify_phone");
    OK(by_code("dave", text.secret));
    assert_int_equal(status("dave"), JA_USER_ACTIVE);
}

static void a_locked_user_stays_locked(void **state)
{
    struct ja_test_letter l;
    struct ja_cut cut = {0};
    struct ja_error err = {0};

    (void)state;
    enroll("dave", "dave@example.org", NULL, 1);
    l = letter("verify_email");
    OK(ja_account_lock(&t->ctx, "dave", 0, &cut, &err));
    OK(by_token(NULL, l.secret, ""));
    assert_int_equal(status("dave"), JA_USER_LOCKED);
}

/* ---- changes ---- */

static struct ja_user verified_user(const char *name, const char *email)
{
    struct ja_error err = {0};
    char id[37];
    struct ja_user u;

    ja_test_user(t, name, "Tulip-Garten-9x", id);
    u = find(name);
    free(u.email);
    u.email = strdup(email);
    u.email_verified_at = 1;
    OK(ja_db_begin(t->ctx.db, &err));
    OK(ja_user_update(&t->ctx, &u, &err));
    OK(ja_db_commit(t->ctx.db, &err));
    return u;
}

static enum ja_status change(const char *name, const char *email, const char *phone, size_t want_letters)
{
    const struct ja_user_spec spec = {.email = email, .phone = phone};
    struct ja_user u = {0};
    struct ja_sent sent[2];
    struct ja_error err = {0};
    size_t n = 0;
    enum ja_status st = ja_contact_profile(&t->ctx, name, &spec, &u, sent, &n, &err);

    ja_user_clear(&u);
    if (st == JA_OK)
        assert_int_equal(n, want_letters);
    return st;
}

/* CVE-2019-19844: the proof goes to the new address, the old one stays until it comes back, and is told then. */
static void r19_a_changed_address_counts_once_verified(void **state)
{
    struct ja_user u = verified_user("alice", "alice@example.org");
    struct ja_test_letter l;

    (void)state;
    ja_user_clear(&u);
    OK(change("alice", "New@Example.org", NULL, 1));
    u = find("alice");
    assert_string_equal(u.email, "alice@example.org");
    assert_true(u.email_verified_at != 0);
    assert_string_equal(u.email_pending, "new@example.org");
    ja_user_clear(&u);
    l = letter("verify_email");
    assert_string_equal(l.destination, "new@example.org");
    assert_int_equal(ja_test_letters(&t->ctx, "address_changed"), 0);
    OK(by_token(NULL, l.secret, ""));
    u = find("alice");
    assert_string_equal(u.email, "new@example.org");
    assert_true(u.email_verified_at != 0);
    assert_null(u.email_pending);
    ja_user_clear(&u);
    l = letter("address_changed");
    assert_string_equal(l.destination, "alice@example.org");
}

static void a_second_change_voids_the_proof_of_the_first(void **state)
{
    struct ja_user u = verified_user("alice", "alice@example.org");
    struct ja_test_letter first;

    (void)state;
    ja_user_clear(&u);
    OK(change("alice", "one@example.org", NULL, 1));
    first = letter("verify_email");
    ja_fake_clock_advance(&t->clock, 1);
    OK(change("alice", "two@example.org", NULL, 1));
    assert_int_equal(by_token(NULL, first.secret, "invalid_token"), JA_ERR_DENIED);
    OK(change("alice", "alice@example.org", NULL, 0)); /* back: nothing waits any more */
    u = find("alice");
    assert_null(u.email_pending);
    assert_string_equal(u.email, "alice@example.org");
    ja_user_clear(&u);
    assert_int_equal(by_token(NULL, letter("verify_email").secret, "invalid_token"), JA_ERR_DENIED);
}

static void an_administrators_change_voids_what_waits(void **state)
{
    struct ja_user u = verified_user("alice", "alice@example.org");
    const struct ja_user_spec spec = {.email = "third@example.org"};
    struct ja_error err = {0};
    struct ja_test_letter l;

    (void)state;
    ja_user_clear(&u);
    OK(change("alice", "new@example.org", NULL, 1));
    l = letter("verify_email");
    OK(ja_account_modify(&t->ctx, "alice", &spec, &u, &err));
    assert_null(u.email_pending);
    ja_user_clear(&u);
    assert_int_equal(by_token(NULL, l.secret, "invalid_token"), JA_ERR_DENIED);
    u = find("alice");
    assert_string_equal(u.email, "third@example.org");
    assert_int_equal(u.email_verified_at, 0);
    ja_user_clear(&u);
}

static void an_address_that_was_taken_meanwhile_is_refused(void **state)
{
    struct ja_user u = verified_user("alice", "alice@example.org");
    struct ja_test_letter l;

    (void)state;
    ja_user_clear(&u);
    OK(change("alice", "new@example.org", NULL, 1));
    l = letter("verify_email");
    u = verified_user("bob", "new@example.org");
    ja_user_clear(&u);
    assert_int_equal(by_token(NULL, l.secret, "email_taken"), JA_ERR_EXISTS);
    u = find("alice");
    assert_string_equal(u.email, "alice@example.org");
    ja_user_clear(&u);
}

static void an_unverified_address_is_replaced_at_once(void **state)
{
    struct ja_user u;

    (void)state;
    enroll("dave", "typo@example.org", NULL, 1);
    OK(change("dave", "dave@example.org", NULL, 1));
    u = find("dave");
    assert_string_equal(u.email, "dave@example.org");
    assert_null(u.email_pending);
    ja_user_clear(&u);
    assert_int_equal(change("dave", "no address", NULL, 0), JA_ERR_INVALID);
}

#define T(f, conf) cmocka_unit_test_prestate_setup_teardown(f, up, down, conf)

int main(void)
{
    static char email[] = CONF "email" MAIL, phone[] = CONF "phone" MAIL, all[] = CONF "all" MAIL,
                any[] = CONF "any" MAIL;
    const struct CMUnitTest tests[] = {
        T(a_registered_user_is_active_once_the_mail_was_read, email),
        T(a_token_named_for_somebody_else_is_none, email),
        T(r19_sending_again_voids_the_former, email),
        T(messages_to_one_user_are_bounded, email),
        T(r26_text_messages_are_limited, phone),
        T(a_phone_alone_serves_where_policy_says_so, phone),
        T(a_phone_alone_serves_where_policy_says_so, any),
        T(all_means_each_address_that_was_given, all),
        T(any_means_one_of_them, any),
        T(a_locked_user_stays_locked, email),
        T(r19_a_changed_address_counts_once_verified, email),
        T(a_second_change_voids_the_proof_of_the_first, email),
        T(an_administrators_change_voids_what_waits, email),
        T(an_address_that_was_taken_meanwhile_is_refused, email),
        T(an_unverified_address_is_replaced_at_once, email),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
