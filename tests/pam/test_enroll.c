/* enroll: a user without a second factor enrols during login.  Each branch, and whatever breaks off in the middle:
 * there is a factor in force with recovery codes that were seen, or nothing. */
#include "tests/pam/pam_world.h"

#include "common/domain/column.h"
#include "common/domain/one_time_token.h"
#include "common/flow/account_flow.h"
#include "tests/support/letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIGHT "Right-Horse-7-Battery"
#define FRESH "Fresh-Horse-7-Battery"
#define LONG_AGO "enroll=require enroll_until=2001-01-01T00:00:00Z"
#define FAR_AWAY "enroll=require enroll_until=2999-01-01T00:00:00Z"

static const char *const enrols[] = {"CODE", "yes", NULL};

static int64_t number(struct world *w, const char *sql)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n;

    assert_int_equal(ja_ctx_open_store(w->ctx, NULL), JA_OK);
    assert_int_equal(ja_db_query_(w->ctx->db, sql, NULL, 0, &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

static int64_t factors(struct world *w)
{
    return number(w, "SELECT COUNT(*) AS n FROM totp");
}
static int64_t recovery_codes(struct world *w)
{
    return number(w, "SELECT COUNT(*) AS n FROM recovery_codes");
}
static void demand_nothing_enrolled(struct world *w)
{
    assert_int_equal(factors(w), 0);
    assert_int_equal(recovery_codes(w), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action LIKE 'totp%'"), 0);
}
/* In force, with all its codes, and its first code used. */
static void demand_enrolled(struct world *w)
{
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM totp WHERE confirmed_at IS NOT NULL AND last_step > 1000"), 1);
    assert_int_equal(recovery_codes(w), w->ctx->cfg->mfa.recovery_codes);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'totp.confirm'"), 1);
}

struct tried {
    int auth, account;
    struct person p;
};

/* auth and account in one handle. */
static void log_in(struct world *w, const char *user, struct tried *t)
{
    pam_handle_t *pamh;

    world_let_go(w);
    pamh = world_start(w, user, &t->p);
    t->auth = pam_authenticate(pamh, 0);
    t->account = t->auth == PAM_SUCCESS ? pam_acct_mgmt(pamh, 0) : -1;
    world_end(pamh);
}

static void open_with(struct world *w, const char *options, const char *config)
{
    world_open(w, config);
    world_user(w, "alice", RIGHT);
    world_service(w, options);
}

/* Tries with these answers; the rows tell what is expected. */
struct row {
    const char *what, *options;
    const char *answers[5];
    int auth;
    bool enrolled;
    int prompts; /* with the password's */
    const char *code; /* at "Verification code: ", NULL: "000000" */
};

static void run(const struct row *r)
{
    struct tried t = {.p = person(RIGHT)};
    struct world w;

    open_with(&w, r->options, "");
    t.p.enroll = r->answers;
    if (r->code)
        t.p.code = r->code;
    log_in(&w, "alice", &t);
    if (t.auth != r->auth || t.p.prompts != r->prompts || t.p.infos + t.p.errors != 0)
        fail_msg("%s: auth %d after %d prompts (%d messages)\n%s\n%s", r->what, t.auth, t.p.prompts,
                 t.p.infos + t.p.errors, t.p.heard, world_log.text);
    if (t.auth == PAM_SUCCESS)
        assert_int_equal(t.account, PAM_SUCCESS);
    if (r->enrolled)
        demand_enrolled(&w);
    else
        demand_nothing_enrolled(&w);
    world_close(&w);
}

static const struct row rows[] = {
    {"off", "enroll=off", {NULL}, PAM_SUCCESS, false, 1, NULL},
    {"offer, taken", "enroll=offer", {"CODE", "yes"}, PAM_SUCCESS, true, 3, NULL},
    {"offer, yes in other letters", "enroll=offer", {"CODE", "Yes"}, PAM_SUCCESS, true, 3, NULL},
    {"offer, skipped", "enroll=offer", {""}, PAM_SUCCESS, false, 2, NULL},
    {"offer, wrong, then right", "enroll=offer", {"000000", "CODE", "yes"}, PAM_SUCCESS, true, 4, NULL},
    {"offer, wrong, then skipped", "enroll=offer", {"000000", ""}, PAM_SUCCESS, false, 3, NULL},
    {"offer, three wrong", "enroll=offer", {"000000", "abc", "00000000"}, PAM_SUCCESS, false, 4, NULL},
    {"offer, codes not kept", "enroll=offer", {"CODE", "no", "", "later"}, PAM_SUCCESS, false, 5, NULL},
    {"offer, codes kept at last", "enroll=offer", {"CODE", "no", "", "yes"}, PAM_SUCCESS, true, 5, NULL},
    {"require, taken", "enroll=require", {"CODE", "yes"}, PAM_SUCCESS, true, 3, NULL},
    {"require, empty", "enroll=require", {"", "", ""}, PAM_AUTH_ERR, false, 4, NULL},
    {"require, wrong", "enroll=require", {"000000", "000000", "000000"}, PAM_AUTH_ERR, false, 4, NULL},
    {"require, codes not kept", "enroll=require", {"CODE", "no", "no", "no"}, PAM_AUTH_ERR, false, 5, NULL},
    {"require, before the deadline", FAR_AWAY, {""}, PAM_SUCCESS, false, 2, NULL},
    {"require, after the deadline", LONG_AGO, {"", "", ""}, PAM_AUTH_ERR, false, 4, NULL},
    {"demanded, an offer is none", "enroll=offer mfa=required", {"", "", ""}, PAM_AUTH_ERR, false, 5, ""},
    {"demanded, taken", "enroll=offer mfa=required", {"CODE", "yes"}, PAM_SUCCESS, true, 4, ""},
    {"demanded, before the deadline", FAR_AWAY " mfa=required", {"", "", ""}, PAM_AUTH_ERR, false, 5, ""},
    {"demanded, not offered", "mfa=required", {NULL}, PAM_AUTH_ERR, false, 2, ""},
    {"by invitation only, an offer", "enroll=offer enroll_with=invite", {NULL}, PAM_SUCCESS, false, 1, NULL},
    {"by invitation only, required", "enroll=require enroll_with=invite", {NULL}, PAM_AUTH_ERR, false, 1, NULL},
    {"by invitation only, not yet", FAR_AWAY " enroll_with=invite", {NULL}, PAM_SUCCESS, false, 1, NULL},
    {"by invitation only, demanded", "enroll=offer enroll_with=invite mfa=required", {NULL}, PAM_AUTH_ERR, false, 2, ""},
};

static void every_branch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        run(&rows[i]);
}

/* What is seen is in prompts that echo; the key once, the codes once; nothing of it in the log. */
static void everything_is_in_prompts(void **state)
{
    static const char *const answers[] = {"000000", "qr", "CODE", "what", "yes", NULL};
    struct tried t = {.p = person(RIGHT)};
    char *key, *link;
    struct world w;

    (void)state;
    open_with(&w, "enroll=offer quiet debug", "");
    t.p.enroll = answers;
    log_in(&w, "alice", &t);
    assert_int_equal(t.auth, PAM_SUCCESS);
    assert_int_equal(t.p.prompts, 6);
    assert_int_equal(t.p.echo_on, 5);
    assert_int_equal(t.p.infos + t.p.errors, 0);
    key = strstr(t.p.heard, "Key:  ");
    link = strstr(t.p.heard, "otpauth://totp/");
    assert_non_null(key);
    assert_non_null(link);
    assert_non_null(strstr(t.p.heard, "Press Enter alone to skip"));
    assert_non_null(strstr(t.p.heard, "Type qr"));
    assert_non_null(strstr(t.p.heard, "\u2588\u2580")); /* it was asked for */
    assert_null(strchr(t.p.heard, '\033'));             /* ssh would show the letters of a colour */
    assert_non_null(strstr(t.p.heard, "not in force before you have said yes"));
    key[6 + 32] = 0;
    if (strstr(world_log.text, key + 6) || strstr(world_log.text, "otpauth"))
        fail_msg("the key is in the log: %s", world_log.text);
    demand_enrolled(&w);
    world_close(&w);
}

/* The next login asks for a code; the one that confirmed is used up (R11). */
static void the_factor_is_asked_for_from_then_on(void **state)
{
    struct tried t = {.p = person(RIGHT)}, again = {.p = person(RIGHT)}, bare = {.p = person(RIGHT)};
    char recovery[20] = "";
    const char *codes;
    struct world w;

    (void)state;
    open_with(&w, "enroll=require", "");
    t.p.enroll = enrols;
    log_in(&w, "alice", &t);
    assert_int_equal(t.auth, PAM_SUCCESS);
    again.p.code = "000000";
    log_in(&w, "alice", &again);
    assert_int_equal(again.auth, PAM_AUTH_ERR);
    assert_null(strstr(again.p.heard, "Key:"));
    codes = strstr(t.p.heard, "not shown again.\n\n");
    assert_non_null(codes);
    memcpy(recovery, codes + strlen("not shown again.\n\n"), 19);
    bare.p.code = recovery;
    log_in(&w, "alice", &bare);
    assert_int_equal(bare.auth, PAM_SUCCESS);
    world_close(&w);
}

/* A wrong password sees nothing of it; a locked user neither (R12: nothing before the first factor). */
static void only_after_a_right_password(void **state)
{
    struct tried wrong = {.p = person("Wrong-Horse-7-Battery")}, locked = {.p = person(RIGHT)};
    struct tried with_factor = {.p = person(RIGHT)};
    unsigned char secret[20];
    struct world w;

    (void)state;
    open_with(&w, "enroll=require", "");
    wrong.p.enroll = locked.p.enroll = with_factor.p.enroll = enrols;
    log_in(&w, "alice", &wrong);
    assert_int_equal(wrong.auth, PAM_AUTH_ERR);
    assert_int_equal(wrong.p.prompts, 1);
    world_sql(&w, "UPDATE users SET status = 'locked' WHERE username = 'alice'");
    log_in(&w, "alice", &locked);
    assert_int_equal(locked.auth, PAM_AUTH_ERR);
    assert_int_equal(locked.p.prompts, 1);
    demand_nothing_enrolled(&w);
    world_sql(&w, "UPDATE users SET status = 'active' WHERE username = 'alice'");
    world_totp(&w, "alice", secret);
    log_in(&w, "alice", &with_factor);
    assert_int_equal(with_factor.auth, PAM_AUTH_ERR); /* it has a factor, and no enrolment replaces it */
    assert_null(strstr(with_factor.p.heard, "Key:"));
    world_close(&w);
}

/* ---- breaking off ---- */

static void conversation_that_ends(void **state)
{
    static const enum mood moods[] = {FAILS, FAILS_WITH_ANSWER, GIVES_NOTHING, GIVES_NULL};

    (void)state;
    for (size_t i = 0; i < sizeof moods / sizeof moods[0]; i++) {
        for (int from = 1; from <= 2; from++) {
            struct tried t = {.p = person(RIGHT)};
            struct world w;

            open_with(&w, "enroll=offer", "");
            t.p.enroll = enrols;
            t.p.mood = moods[i];
            t.p.from = from; /* at the key, at the recovery codes */
            log_in(&w, "alice", &t);
            assert_int_equal(t.auth, PAM_CONV_ERR);
            demand_nothing_enrolled(&w);
            world_close(&w);
        }
    }
}

struct accident {
    struct world *w;
    int at;
    const char *sql;
};

static void happens(struct person *p, int prompt)
{
    const struct accident *a = p->arg;

    if (prompt != a->at)
        return;
    world_sql(a->w, a->sql);
    world_let_go(a->w);
}

/* The last write fails after the first ones: none of them stays. */
static void store_that_breaks(void **state)
{
    static const char *const sql[] = {"DROP TABLE recovery_codes", "DROP TABLE totp", "DROP TABLE login_handles"};

    (void)state;
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        struct tried t = {.p = person(RIGHT)};
        struct world w;
        struct accident a = {&w, 2, sql[i]};

        open_with(&w, "enroll=require", "");
        t.p.enroll = enrols;
        t.p.during = happens;
        t.p.arg = &a;
        log_in(&w, "alice", &t);
        assert_int_equal(t.auth, PAM_AUTHINFO_UNAVAIL);
        if (i != 1)
            assert_int_equal(factors(&w), 0);
        if (i != 0)
            assert_int_equal(recovery_codes(&w), 0);
        world_close(&w);
    }
}

/* Locked, deleted, another password, enrolled elsewhere while the key was on the screen. */
static void account_that_changes_meanwhile(void **state)
{
    static const char *const sql[] = {
        "UPDATE users SET status = 'locked' WHERE username = 'alice'",
        "UPDATE users SET deleted_at = 1 WHERE username = 'alice'",
        "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username = 'bob'), "
        "password_changed_at = 7 WHERE username = 'alice'",
    };

    (void)state;
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        struct tried t = {.p = person(RIGHT)};
        struct world w;
        struct accident a = {&w, 1, sql[i]};

        open_with(&w, "enroll=require", "");
        world_user(&w, "bob", FRESH);
        t.p.enroll = enrols;
        t.p.during = happens;
        t.p.arg = &a;
        log_in(&w, "alice", &t);
        assert_int_equal(t.auth, i == 1 ? PAM_USER_UNKNOWN : PAM_AUTH_ERR);
        demand_nothing_enrolled(&w);
        world_close(&w);
    }
}

static void enrols_elsewhere(struct person *p, int prompt)
{
    struct world *w = p->arg;
    unsigned char secret[20];

    if (prompt != 2)
        return;
    assert_int_equal(ja_ctx_open_store(w->ctx, NULL), JA_OK);
    world_totp(w, "alice", secret);
    world_let_go(w);
}

static void two_enrolments_at_once(void **state)
{
    struct tried t = {.p = person(RIGHT)};
    struct world w;

    (void)state;
    open_with(&w, "enroll=offer", "");
    t.p.enroll = enrols;
    t.p.during = enrols_elsewhere;
    t.p.arg = &w;
    log_in(&w, "alice", &t);
    assert_int_equal(t.auth, PAM_AUTH_ERR);
    assert_int_equal(number(&w, "SELECT last_step AS n FROM totp"), 1); /* the other one's */
    assert_int_equal(recovery_codes(&w), 0);
    world_close(&w);
}

/* ---- by invitation ---- */

#define INVITED "enroll=require enroll_with=invite"
#define MAIL "[email]\nprovider = smtp\nurl = smtps://mail.example.org\nfrom = auth@example.org\n"

static void invite(struct world *w, const char *name, char token[64])
{
    struct ja_user_spec spec = {.username = name, .email = "dave@example.org"};
    struct ja_test_letter letter;
    struct ja_user u = {0};
    struct ja_sent sent;
    struct ja_error err = {0};

    assert_int_equal(ja_ctx_open_store(w->ctx, NULL), JA_OK);
    assert_int_equal(ja_ctx_require_master(w->ctx, NULL), JA_OK);
    if (ja_account_invite(w->ctx, &spec, &u, &sent, &err) != JA_OK)
        fail_msg("%s", err.message);
    ja_user_clear(&u);
    assert_true(ja_test_letter(w->ctx, "invite_email", &letter));
    (void)snprintf(token, 64, "%s", letter.secret);
    assert_int_equal(strlen(token), JA_OTT_TOKEN_LEN);
}

static int64_t active(struct world *w)
{
    return number(w, "SELECT COUNT(*) AS n FROM users WHERE username = 'dave' AND status = 'active' AND "
                     "password_hash IS NOT NULL AND email_verified_at IS NOT NULL");
}
static int64_t untouched(struct world *w)
{
    return number(w, "SELECT COUNT(*) AS n FROM users WHERE username = 'dave' AND status = 'pending' AND "
                     "password_hash IS NULL AND email_verified_at IS NULL");
}

static void invited_user_comes_in_with_both(void **state)
{
    struct tried t, again = {.p = person(FRESH)};
    char token[64];
    struct world w;

    (void)state;
    open_with(&w, INVITED, MAIL);
    invite(&w, "dave", token);
    t = (struct tried){.p = person(token)};
    t.p.enroll = enrols;
    log_in(&w, "dave", &t);
    if (t.auth != PAM_SUCCESS || t.account != PAM_SUCCESS)
        fail_msg("%d %d\n%s\n%s", t.auth, t.account, t.p.heard, world_log.text);
    assert_non_null(strstr(t.p.heard, "Password: |Your invitation is accepted."));
    assert_int_equal(t.p.prompts, 5);
    demand_enrolled(&w);
    assert_int_equal(active(&w), 1);
    log_in(&w, "dave", &again); /* the password counts, and the factor is asked for */
    assert_int_equal(again.auth, PAM_AUTH_ERR);
    assert_non_null(strstr(again.p.heard, "Verification code: "));
    again = (struct tried){.p = person(token)};
    log_in(&w, "dave", &again); /* the invitation is used up */
    assert_int_equal(again.auth, PAM_AUTH_ERR);
    assert_int_equal(again.p.prompts, 1);
    world_close(&w);
}

struct invited_row {
    const char *what, *options;
    const char *answers[5];
    const char *fresh, *retype, *sql;
    int auth;
    bool comes_in, enrolled;
};

static const struct invited_row invited[] = {
    {"no such option", "enroll=require", {"CODE", "yes"}, FRESH, FRESH, NULL, PAM_AUTH_ERR, false, false},
    {"option off", "", {"CODE", "yes"}, FRESH, FRESH, NULL, PAM_AUTH_ERR, false, false},
    {"offer, skipped", "enroll=offer enroll_with=invite", {""}, FRESH, FRESH, NULL, PAM_SUCCESS, true, false},
    {"does not enrol", INVITED, {"", "", ""}, FRESH, FRESH, NULL, PAM_AUTH_ERR, false, false},
    {"codes not kept", INVITED, {"CODE", "no", "no", "no"}, FRESH, FRESH, NULL, PAM_AUTH_ERR, false, false},
    {"weak password", INVITED, {"CODE", "yes"}, "short", "short", NULL, PAM_AUTH_ERR, false, false},
    {"never the same", INVITED, {"CODE", "yes"}, FRESH, "Other-Horse-7-Battery", NULL, PAM_AUTH_ERR, false, false},
    {"empty password", INVITED, {"CODE", "yes"}, "", "", NULL, PAM_AUTH_ERR, false, false},
    {"ended", INVITED, {"CODE", "yes"}, FRESH, FRESH, "UPDATE one_time_tokens SET ends_at = 1", PAM_AUTH_ERR, false,
     false},
    {"account ended", INVITED, {"CODE", "yes"}, FRESH, FRESH, "UPDATE users SET valid_until = 1", PAM_AUTH_ERR, false,
     false},
    {"locked", INVITED, {"CODE", "yes"}, FRESH, FRESH, "UPDATE users SET status = 'locked'", PAM_AUTH_ERR, false, false},
    {"another address since", INVITED, {"CODE", "yes"}, FRESH, FRESH,
     "UPDATE users SET email = 'x@example.org', email_key = 'x@example.org' WHERE username = 'dave'", PAM_AUTH_ERR,
     false, false},
    {"not an invitation", INVITED, {"CODE", "yes"}, FRESH, FRESH, "UPDATE one_time_tokens SET purpose = 'reset'",
     PAM_AUTH_ERR, false, false},
    {"somebody else's", INVITED, {"CODE", "yes"}, FRESH, FRESH,
     "UPDATE one_time_tokens SET user_id = (SELECT id FROM users WHERE username = 'alice')", PAM_AUTH_ERR, false, false},
};

static void every_invitation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof invited / sizeof invited[0]; i++) {
        const struct invited_row *r = &invited[i];
        struct tried t;
        char token[64];
        struct world w;

        open_with(&w, r->options, MAIL);
        invite(&w, "dave", token);
        if (r->sql)
            world_sql(&w, r->sql);
        t = (struct tried){.p = person(token)};
        t.p.enroll = r->answers;
        t.p.fresh = r->fresh;
        t.p.retype = r->retype;
        log_in(&w, "dave", &t);
        if (t.auth != r->auth || active(&w) != r->comes_in || factors(&w) != r->enrolled ||
            (!r->sql && untouched(&w) == r->comes_in))
            fail_msg("%s: auth %d, active %d, factors %d\n%s\n%s", r->what, t.auth, (int)active(&w), (int)factors(&w),
                     t.p.heard, world_log.text);
        if (!r->comes_in)
            demand_nothing_enrolled(&w);
        /* what is no good invitation is a wrong password, and leads nowhere */
        if (r->sql || !strstr(r->options, "enroll_with"))
            assert_int_equal(t.p.prompts, 1);
        if (!r->comes_in && !r->sql) /* the invitation is as good as before */
            assert_int_equal(number(&w, "SELECT COUNT(*) AS n FROM one_time_tokens WHERE used_at IS NULL"), 1);
        world_close(&w);
    }
}

/* Whoever breaks off at any prompt has used nothing up. */
static void invited_user_breaks_off(void **state)
{
    (void)state;
    for (int from = 1; from <= 4; from++) {
        struct tried t;
        char token[64];
        struct world w;

        open_with(&w, INVITED, MAIL);
        invite(&w, "dave", token);
        t = (struct tried){.p = person(token)};
        t.p.enroll = enrols;
        t.p.mood = FAILS;
        t.p.from = from;
        log_in(&w, "dave", &t);
        assert_int_equal(t.auth, PAM_CONV_ERR);
        assert_int_equal(untouched(&w), 1);
        demand_nothing_enrolled(&w);
        t = (struct tried){.p = person(token)};
        t.p.enroll = enrols;
        log_in(&w, "dave", &t);
        assert_int_equal(t.auth, PAM_SUCCESS);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_branch),
        cmocka_unit_test(everything_is_in_prompts),
        cmocka_unit_test(the_factor_is_asked_for_from_then_on),
        cmocka_unit_test(only_after_a_right_password),
        cmocka_unit_test(conversation_that_ends),
        cmocka_unit_test(store_that_breaks),
        cmocka_unit_test(account_that_changes_meanwhile),
        cmocka_unit_test(two_enrolments_at_once),
        cmocka_unit_test(invited_user_comes_in_with_both),
        cmocka_unit_test(every_invitation),
        cmocka_unit_test(invited_user_breaks_off),
    };

    return world_usable() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
