/* Passwords and second factors changed: SECURITY R9, R11, R12, R18, R28. */
#include "common/domain/password_hash.h"
#include "common/domain/session.h"
#include "common/flow/account_flow.h"
#include "tests/support/temp_store.h"

#include <liboath/oath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OLD "Old-vK7xwpZt"
#define NEW "New-qP3mzzRw"

struct world {
    struct ja_test_store *t;
    struct ja_ctx *ctx;
    char alice[37];
    struct ja_secret old, new;
};

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->t = ja_test_store_new("[mfa]\nrecovery_codes = 3\n[throttle]\nlogin = 3/15m\n");
    w->ctx = &w->t->ctx;
    ja_test_user(w->t, "alice", OLD, w->alice);
    assert_int_equal(ja_secret_from(&w->old, OLD, strlen(OLD), NULL), JA_OK);
    assert_int_equal(ja_secret_from(&w->new, NEW, strlen(NEW), NULL), JA_OK);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;

    ja_secret_clear(&w->old);
    ja_secret_clear(&w->new);
    ja_test_store_free(w->t);
    free(w);
    return 0;
}

static bool password_is(struct world *w, const char *pw, bool must_change)
{
    struct ja_user u = {0};
    bool is;

    assert_int_equal(ja_user_find_by_id(w->ctx, w->alice, &u, NULL), JA_OK);
    is = ja_password_verify(w->ctx, u.password_hash, pw, strlen(pw), NULL, NULL) == JA_OK &&
         u.must_change == must_change;
    ja_user_clear(&u);
    return is;
}

static void session(struct world *w, char id[37], char refresh[44])
{
    struct ja_session s = {.service = "test", .amr = "pwd", .auth_time = ja_now(&w->ctx->clock),
                           .audience = (char[]){"host"}, .ends_at = ja_now(&w->ctx->clock) + 3600};
    struct ja_secret token = {0};

    memcpy(s.user_id, w->alice, sizeof s.user_id);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(w->ctx, &s, NULL), JA_OK);
    assert_int_equal(ja_refresh_create(w->ctx, s.id, s.ends_at, &token, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    memcpy(id, s.id, 37);
    memcpy(refresh, token.data, token.len + 1);
    ja_secret_clear(&token);
}

static bool live(struct world *w, const char *id)
{
    struct ja_session s = {0};
    bool is;

    assert_int_equal(ja_session_find(w->ctx, id, &s, NULL), JA_OK);
    is = ja_session_live(&s, ja_now(&w->ctx->clock));
    ja_session_clear(&s);
    return is;
}

static bool refreshes(struct world *w, const char *token)
{
    enum ja_refresh_use use = JA_REFRESH_REUSED;
    char id[37];
    struct ja_secret child = {0};
    enum ja_status st;

    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    st = ja_refresh_use(w->ctx, token, strlen(token), ja_now(&w->ctx->clock) + 60, &use, id, &child,
                        NULL);
    ja_db_rollback(w->ctx->db);
    ja_secret_clear(&child);
    return st == JA_OK && use == JA_REFRESH_ROTATED;
}

static int64_t audit_rows(struct world *w, const char *action, const char *outcome)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    int64_t n = -1;

    assert_int_equal(
        ja_db_query(w->ctx->db,
                    "SELECT COUNT(*) AS n FROM audit_log WHERE action = $1 AND outcome = $2 "
                    "AND target = 'user:alice'",
                    JA_BINDS(JA_T(action), JA_T(outcome)), &rows, NULL),
        JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

/* ---- passwords ---- */

static void r18_a_set_password_ends_every_session(void **state)
{
    struct world *w = *state;
    char id[2][37], refresh[2][44];
    struct ja_user u = {0};
    int64_t now = ja_now(&w->ctx->clock);

    session(w, id[0], refresh[0]);
    session(w, id[1], refresh[1]);
    assert_true(refreshes(w, refresh[0]));
    assert_int_equal(ja_account_password_set(w->ctx, "alice", &w->new, true, NULL, NULL), JA_OK);
    assert_true(password_is(w, NEW, true));
    for (int i = 0; i < 2; i++) {
        assert_false(live(w, id[i]));
        assert_false(refreshes(w, refresh[i]));
    }
    assert_int_equal(ja_user_find_by_id(w->ctx, w->alice, &u, NULL), JA_OK);
    assert_true(u.tokens_not_before > now);
    ja_user_clear(&u);
    assert_int_equal(audit_rows(w, "password.set", "success"), 1);
}

static void r18_a_change_keeps_the_changing_session_alone(void **state)
{
    struct world *w = *state;
    char id[2][37], refresh[2][44];

    session(w, id[0], refresh[0]);
    session(w, id[1], refresh[1]);
    assert_int_equal(ja_account_password_expire(w->ctx, "alice", NULL), JA_OK);
    assert_true(password_is(w, OLD, true));
    assert_int_equal(audit_rows(w, "password.expire", "success"), 1);
    assert_true(live(w, id[0]));
    assert_int_equal(ja_account_password_change(w->ctx, "alice", &w->new, id[1], NULL, NULL),
                     JA_OK);
    assert_true(password_is(w, NEW, false));
    assert_false(live(w, id[0]));
    assert_false(refreshes(w, refresh[0]));
    assert_true(live(w, id[1]));
    assert_true(refreshes(w, refresh[1]));
    assert_int_equal(audit_rows(w, "password.change", "success"), 1);
}

static void what_policy_refuses_changes_nothing(void **state)
{
    struct world *w = *state;
    char id[37], refresh[44];
    struct ja_policy_report report = {0};
    struct ja_secret weak = {0};

    session(w, id, refresh);
    assert_int_equal(ja_secret_from(&weak, "Zq7-aLice-9Tw", 13, NULL), JA_OK);
    assert_int_equal(ja_account_password_set(w->ctx, "alice", &weak, false, &report, NULL),
                     JA_ERR_POLICY);
    assert_int_equal(report.len, 1);
    assert_string_equal(report.broken[0].code, "has_username");
    assert_int_equal(ja_account_password_check(w->ctx, NULL, &weak, &report, NULL), JA_OK);
    assert_int_equal(ja_account_password_check(w->ctx, "alice", &weak, &report, NULL),
                     JA_ERR_POLICY);
    /* R20: the former one counts, also for an administrator */
    assert_int_equal(ja_account_password_set(w->ctx, "alice", &w->old, false, &report, NULL),
                     JA_ERR_POLICY);
    assert_string_equal(report.broken[0].code, "reused");
    assert_int_equal(ja_account_password_change(w->ctx, "alice", &w->old, NULL, &report, NULL),
                     JA_ERR_POLICY);
    assert_true(password_is(w, OLD, false));
    assert_true(live(w, id));
    assert_true(refreshes(w, refresh));
    assert_int_equal(audit_rows(w, "password.set", "success"), 0);
    ja_secret_clear(&weak);
}

static void unknown_users_are_not_found(void **state)
{
    struct world *w = *state;
    struct ja_policy_report report = {0};
    struct ja_secret codes = {0};
    struct ja_totp t = {0};

    assert_int_equal(ja_account_password_set(w->ctx, "bob", &w->new, false, NULL, NULL),
                     JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_password_change(w->ctx, "bob", &w->new, NULL, NULL, NULL),
                     JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_password_expire(w->ctx, "bob", NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_password_check(w->ctx, "bob", &w->new, &report, NULL),
                     JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_totp_enroll(w->ctx, "bob", JA_TOTP_SHA1, 6, &t, NULL),
                     JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_totp_confirm(w->ctx, "bob", "123456", 6, &codes, NULL),
                     JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_totp_disable(w->ctx, "bob", NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_account_recovery_regenerate(w->ctx, "bob", &codes, NULL), JA_ERR_NOT_FOUND);
    assert_false(ja_db_in_transaction(w->ctx->db));
}

/* Somebody who proved the old password must not undo what an administrator set meanwhile.  The
 * clock is read for the slot's waiting, between reading the user and writing: there the
 * administrator acts. */
static struct {
    struct ja_clock inner;
    struct ja_test_store *t;
    char id[37];
    bool armed;
} rival;

static int64_t rival_mono(void *arg)
{
    (void)arg;
    if (rival.armed) {
        struct ja_ctx other;
        char hash[JA_HASH_STRING_MAX];

        rival.armed = false;
        ja_test_store_second(rival.t, &other);
        other.clock = rival.inner;
        assert_int_equal(ja_password_hash(&other, "Admin-jW4ppqXr", 14, hash, NULL), JA_OK);
        assert_int_equal(ja_db_begin(other.db, NULL), JA_OK);
        assert_int_equal(ja_user_set_password(&other, rival.id, hash, false, NULL), JA_OK);
        assert_int_equal(ja_db_commit(other.db, NULL), JA_OK);
        ja_ctx_clear(&other);
    }
    return rival.inner.mono_ms(rival.inner.arg);
}

static void a_change_does_not_undo_what_was_set_meanwhile(void **state)
{
    struct world *w = *state;
    struct ja_error err = {0};

    rival.inner = w->ctx->clock;
    rival.t = w->t;
    memcpy(rival.id, w->alice, sizeof rival.id);
    rival.armed = true;
    w->ctx->clock.mono_ms = rival_mono;
    assert_int_equal(ja_account_password_change(w->ctx, "alice", &w->new, NULL, NULL, &err),
                     JA_ERR_CONFLICT);
    assert_string_equal(err.code, "password_changed");
    assert_false(rival.armed);
    w->ctx->clock = rival.inner;
    assert_true(password_is(w, "Admin-jW4ppqXr", false));
    assert_int_equal(audit_rows(w, "password.change", "success"), 0);
}

static void only_users_with_a_password_have_one_to_expire(void **state)
{
    struct world *w = *state;
    char id[37];

    ja_test_user(w->t, "nopw", NULL, id);
    assert_int_equal(ja_account_password_expire(w->ctx, "nopw", NULL), JA_ERR_CONFLICT);
    assert_int_equal(ja_account_password_set(w->ctx, "nopw", &w->new, false, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_password_expire(w->ctx, "nopw", NULL), JA_OK);
}

/* ---- second factor ---- */

static void enroll(struct world *w, struct ja_totp *t)
{
    assert_int_equal(ja_account_totp_enroll(w->ctx, "alice", JA_TOTP_SHA1, 6, t, NULL), JA_OK);
}

static void code_at(struct world *w, const struct ja_totp *t, int steps, char out[7])
{
    time_t at = (time_t)(ja_now(&w->ctx->clock) + steps * 30);

    assert_int_equal(
        oath_totp_generate((const char *)t->secret.data, t->secret.len, at, 30, 0, 6, out),
        OATH_OK);
}

static enum ja_status confirm(struct world *w, const char *code, struct ja_secret *codes)
{
    return ja_account_totp_confirm(w->ctx, "alice", code, strlen(code), codes, NULL);
}

static bool has_mfa(struct world *w)
{
    struct ja_user u = {0};
    bool mfa;

    assert_int_equal(ja_user_find_by_id(w->ctx, w->alice, &u, NULL), JA_OK);
    mfa = u.mfa;
    ja_user_clear(&u);
    return mfa;
}

static void r12_an_enrolment_counts_once_it_is_confirmed(void **state)
{
    struct world *w = *state;
    struct ja_totp t = {0}, again = {0};
    struct ja_secret codes = {0};
    char code[7];

    assert_int_equal(confirm(w, "123456", &codes), JA_ERR_NOT_FOUND);
    enroll(w, &t);
    assert_false(has_mfa(w));
    assert_int_equal(ja_account_recovery_regenerate(w->ctx, "alice", &codes, NULL),
                     JA_ERR_CONFLICT);
    code_at(w, &t, 0, code);
    assert_int_equal(confirm(w, code, &codes), JA_OK);
    assert_int_equal(codes.len, 3 * (JA_RECOVERY_CODE_LEN + 1));
    assert_true(has_mfa(w));
    ja_secret_clear(&codes);
    code_at(w, &t, 1, code);
    assert_int_equal(confirm(w, code, &codes), JA_ERR_EXISTS);
    assert_null(codes.data);
    assert_int_equal(ja_account_totp_enroll(w->ctx, "alice", JA_TOTP_SHA1, 6, &again, NULL),
                     JA_ERR_EXISTS);
    assert_int_equal(ja_account_recovery_regenerate(w->ctx, "alice", &codes, NULL), JA_OK);
    ja_secret_clear(&codes);
    assert_int_equal(audit_rows(w, "totp.enroll", "success"), 1);
    assert_int_equal(audit_rows(w, "totp.confirm", "success"), 1);
    assert_int_equal(audit_rows(w, "recovery_codes.regenerate", "success"), 1);
    ja_totp_clear(&t);
}

/* R11: the code that confirms is used up. */
static void r11_the_confirming_code_is_no_login(void **state)
{
    struct world *w = *state;
    struct ja_totp t = {0}, now = {0};
    struct ja_secret codes = {0};
    int64_t step = 0;
    char code[7];

    enroll(w, &t);
    code_at(w, &t, 0, code);
    assert_int_equal(confirm(w, code, &codes), JA_OK);
    assert_int_equal(ja_totp_find(w->ctx, w->alice, true, &now, NULL), JA_OK);
    assert_int_equal(ja_totp_match(&now, 1, ja_now(&w->ctx->clock), code, 6, &step, NULL), JA_OK);
    assert_int_equal(now.last_step, step);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_totp_consume(w->ctx, w->alice, step, NULL), JA_ERR_DENIED);
    ja_db_rollback(w->ctx->db);
    ja_secret_clear(&codes);
    ja_totp_clear(&t);
    ja_totp_clear(&now);
}

/* R9, AuthQuake: wrong confirmations are counted, and the count is not that of logins. */
static void r9_wrong_confirmations_are_bounded(void **state)
{
    struct world *w = *state;
    struct ja_totp t = {0};
    struct ja_secret codes = {0};
    struct ja_error err = {0};
    char code[7], wrong[7];

    enroll(w, &t);
    code_at(w, &t, 0, code);
    memcpy(wrong, code, 7);
    wrong[5] = wrong[5] == '9' ? '0' : (char)(wrong[5] + 1);
    for (int off = -1; off <= 1; off++) { /* no other code of the window */
        char near[7];

        code_at(w, &t, off, near);
        assert_string_not_equal(near, wrong);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(confirm(w, wrong, &codes), JA_ERR_DENIED);
    assert_int_equal(audit_rows(w, "totp.confirm", "failure"), 3);
    assert_int_equal(ja_account_totp_confirm(w->ctx, "alice", code, 6, &codes, &err),
                     JA_ERR_THROTTLED);
    assert_true(err.retry_after > 0);
    assert_null(codes.data);
    ja_fake_clock_advance(&w->t->clock, 15 * 60);
    code_at(w, &t, 0, code);
    assert_int_equal(confirm(w, code, &codes), JA_OK);
    ja_secret_clear(&codes);
    ja_totp_clear(&t);
}

/* What evaluated no code is no guess. */
static void refusals_that_guess_nothing_are_not_counted(void **state)
{
    struct world *w = *state;
    struct ja_totp t = {0};
    struct ja_secret codes = {0};
    char code[7];

    for (int i = 0; i < 10; i++)
        assert_int_equal(confirm(w, "123456", &codes), JA_ERR_NOT_FOUND);
    enroll(w, &t);
    code_at(w, &t, 0, code);
    assert_int_equal(confirm(w, code, &codes), JA_OK);
    ja_secret_clear(&codes);
    ja_totp_clear(&t);
}

static void disabling_takes_the_recovery_codes_along(void **state)
{
    struct world *w = *state;
    struct ja_totp t = {0};
    struct ja_secret codes = {0};
    int64_t left = -1, total = -1;
    char code[7], id[37], refresh[44];

    assert_int_equal(ja_account_totp_disable(w->ctx, "alice", NULL), JA_ERR_NOT_FOUND);
    enroll(w, &t);
    code_at(w, &t, 0, code);
    assert_int_equal(confirm(w, code, &codes), JA_OK);
    session(w, id, refresh);
    assert_int_equal(ja_account_totp_disable(w->ctx, "alice", NULL), JA_OK);
    assert_false(has_mfa(w));
    assert_int_equal(ja_recovery_count(w->ctx, w->alice, &left, &total, NULL), JA_OK);
    assert_int_equal(total, 0);
    assert_true(live(w, id)); /* R18: a lost factor logs nobody out */
    assert_int_equal(audit_rows(w, "totp.disable", "success"), 1);
    ja_secret_clear(&codes);
    ja_totp_clear(&t);
}

static void services_have_no_credentials_of_people(void **state)
{
    struct world *w = *state;
    struct ja_user_spec spec = {.username = "svc-deploy", .service = true};
    struct ja_user u = {0};
    struct ja_totp t = {0};

    assert_int_equal(ja_account_add(w->ctx, &spec, NULL, &u, NULL), JA_OK);
    assert_int_equal(ja_account_password_set(w->ctx, "svc-deploy", &w->new, false, NULL, NULL),
                     JA_ERR_INVALID);
    assert_int_equal(ja_account_totp_enroll(w->ctx, "svc-deploy", JA_TOTP_SHA1, 6, &t, NULL),
                     JA_ERR_INVALID);
    assert_null(t.secret.data);
    ja_user_clear(&u);
}

/* R28: no audit row, no change. */
static void r28_without_an_audit_row_nothing_changes(void **state)
{
    struct world *w = *state;
    struct ja_totp t = {0};
    char id[37], refresh[44];

    session(w, id, refresh);
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(w->ctx->db, "DROP TABLE audit_log", JA_NO_BINDS, NULL, NULL),
                     JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    assert_int_not_equal(ja_account_password_set(w->ctx, "alice", &w->new, true, NULL, NULL),
                         JA_OK);
    assert_int_not_equal(ja_account_password_expire(w->ctx, "alice", NULL), JA_OK);
    assert_int_not_equal(ja_account_totp_enroll(w->ctx, "alice", JA_TOTP_SHA1, 6, &t, NULL), JA_OK);
    assert_null(t.secret.data);
    assert_false(ja_db_in_transaction(w->ctx->db));
    assert_true(password_is(w, OLD, false));
    assert_true(live(w, id));
    assert_int_equal(ja_totp_find(w->ctx, w->alice, false, &t, NULL), JA_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(r18_a_set_password_ends_every_session, up, down),
        cmocka_unit_test_setup_teardown(r18_a_change_keeps_the_changing_session_alone, up, down),
        cmocka_unit_test_setup_teardown(what_policy_refuses_changes_nothing, up, down),
        cmocka_unit_test_setup_teardown(unknown_users_are_not_found, up, down),
        cmocka_unit_test_setup_teardown(a_change_does_not_undo_what_was_set_meanwhile, up, down),
        cmocka_unit_test_setup_teardown(only_users_with_a_password_have_one_to_expire, up, down),
        cmocka_unit_test_setup_teardown(r12_an_enrolment_counts_once_it_is_confirmed, up, down),
        cmocka_unit_test_setup_teardown(r11_the_confirming_code_is_no_login, up, down),
        cmocka_unit_test_setup_teardown(r9_wrong_confirmations_are_bounded, up, down),
        cmocka_unit_test_setup_teardown(refusals_that_guess_nothing_are_not_counted, up, down),
        cmocka_unit_test_setup_teardown(disabling_takes_the_recovery_codes_along, up, down),
        cmocka_unit_test_setup_teardown(services_have_no_credentials_of_people, up, down),
        cmocka_unit_test_setup_teardown(r28_without_an_audit_row_nothing_changes, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
