#include "common/domain/audit.h"
#include "common/domain/role.h"
#include "common/domain/session.h"
#include "common/domain/token.h"
#include "common/flow/account_flow.h"
#include "common/flow/session_flow.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOOD "Xk7-qwUz-Tr0mbone"

static int setup(void **state)
{
    *state = ja_test_store_new("dictionary = no\n[registration]\nverify = none\n");
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static int64_t count_of(struct ja_rows *rows)
{
    bool row = false;
    int64_t n;

    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}
#define COUNT(ctx, sql, ...) \
    ({ \
        struct ja_rows *rows_ = NULL; \
        assert_int_equal(ja_db_query((ctx)->db, sql, __VA_ARGS__, &rows_, NULL), JA_OK); \
        count_of(rows_); \
    })

static struct ja_secret secret(const char *text)
{
    struct ja_secret s = {0};

    assert_int_equal(ja_secret_from(&s, text, strlen(text), NULL), JA_OK);
    return s;
}

static void add(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_user *ret)
{
    struct ja_error err = {0};

    if (ja_account_add(ctx, spec, NULL, ret, &err) != JA_OK)
        fail_msg("%s: %s", err.code, err.message);
}

static void expect_refused(struct ja_ctx *ctx, struct ja_user_spec spec, enum ja_status want,
                           const char *code)
{
    struct ja_error err = {0};
    struct ja_user u = {0};
    int64_t rows = COUNT(ctx, "SELECT COUNT(*) AS n FROM users", JA_NO_BINDS);
    int64_t log = COUNT(ctx, "SELECT COUNT(*) AS n FROM audit_log", JA_NO_BINDS);

    if (!spec.username)
        spec.username = "bob";
    assert_int_equal(ja_account_add(ctx, &spec, NULL, &u, &err), want);
    assert_string_equal(err.code, code);
    assert_false(ja_db_in_transaction(ctx->db));
    assert_int_equal(COUNT(ctx, "SELECT COUNT(*) AS n FROM users", JA_NO_BINDS), rows);
    assert_int_equal(COUNT(ctx, "SELECT COUNT(*) AS n FROM audit_log", JA_NO_BINDS), log);
}

static enum ja_user_status status_of(struct ja_ctx *ctx, const char *name)
{
    struct ja_user u = {0};
    enum ja_user_status s;

    assert_int_equal(ja_user_find_by_name(ctx, name, &u, NULL), JA_OK);
    s = u.status;
    ja_user_clear(&u);
    return s;
}

/* ---- add ---- */

static void a_full_account_is_stored_as_given(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_secret pw = secret(GOOD);
    const char *const roles[] = {"agent"};
    struct ja_user u = {0};
    struct ja_strlist held = {0};

    add(&t->ctx,
        &(struct ja_user_spec){.username = "alice",
                               .email = "  Alice@Example.org ",
                               .phone = "+49 (170) 123-4567",
                               .first_name = "Alice",
                               .last_name = "Ex\xc3\xa4mple",
                               .company_name = "Example",
                               .valid_until = JA_TEST_EPOCH + 86400,
                               .roles = roles,
                               .nroles = 1,
                               .password = &pw},
        &u);
    ja_user_clear(&u);
    assert_int_equal(ja_user_find_by_name(&t->ctx, "alice", &u, NULL), JA_OK);
    assert_string_equal(u.email, "Alice@Example.org");
    assert_string_equal(u.phone, "+491701234567");
    assert_string_equal(u.full_name, "Alice Ex\xc3\xa4mple");
    assert_string_equal(u.home, "/home/alice");
    assert_string_equal(u.shell, "/bin/bash");
    assert_int_equal(u.status, JA_USER_ACTIVE);
    assert_int_equal(u.email_verified_at, 0);
    assert_false(u.must_change);
    assert_non_null(strstr(u.password_hash, "$argon2id$"));
    assert_int_equal(ja_role_effective(&t->ctx, u.id, &held, NULL), JA_OK);
    assert_int_equal(held.len, 2);
    ja_strlist_clear(&held);
    assert_int_equal(COUNT(&t->ctx,
                           "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'user.add' "
                           "AND target = 'user:alice' AND outcome = 'success'",
                           JA_NO_BINDS),
                     1);
    ja_user_clear(&u);
    ja_secret_clear(&pw);
}

static void a_generated_password_has_to_be_changed(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_secret pw = secret(GOOD);
    struct ja_user u = {0};

    add(&t->ctx, &(struct ja_user_spec){.username = "alice", .password = &pw, .generated = true},
        &u);
    assert_true(u.must_change);
    ja_user_clear(&u);
    ja_secret_clear(&pw);
}

static void names_that_are_no_user_names_are_refused(void **state)
{
    struct ja_test_store *t = *state;
    static char long_name[65537];
    const char *const names[] = {"",         "Alice",       "1alice",   "-a",          "a b",
                                 "a:b",      "a\nb",        "a/b",      "alice$",      "\x1b[2J",
                                 "al\xff\xfe", "\xc3\xa4gidius", "a'--", long_name,
                                 "abcdefghijklmnopqrstuvwxyz0123456"};

    memset(long_name, 'a', sizeof long_name - 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_refused(&t->ctx, (struct ja_user_spec){.username = names[i]}, JA_ERR_INVALID,
                       "invalid_username");
}

/* 64 KiB, control characters, invalid UTF-8, terminal escapes, in every field. */
static void hostile_texts_are_refused_in_every_field(void **state)
{
    struct ja_test_store *t = *state;
    static char huge[65537];
    const char *const bad[] = {huge,         "a\x1b[31mred", "a\nb",     "a\rb",  "tab\tbell\a",
                               "a\x7f" "b", "a\xc2\x9b" "1m", "a\xff" "b", "\xc0\xaf", "   "};

    memset(huge, 'x', sizeof huge - 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_refused(&t->ctx, (struct ja_user_spec){.full_name = bad[i]}, JA_ERR_INVALID,
                       "invalid_name");
        expect_refused(&t->ctx, (struct ja_user_spec){.first_name = bad[i]}, JA_ERR_INVALID,
                       "invalid_name");
        expect_refused(&t->ctx, (struct ja_user_spec){.last_name = bad[i]}, JA_ERR_INVALID,
                       "invalid_name");
        expect_refused(&t->ctx, (struct ja_user_spec){.company_name = bad[i]}, JA_ERR_INVALID,
                       "invalid_name");
        expect_refused(&t->ctx, (struct ja_user_spec){.email = bad[i]}, JA_ERR_INVALID,
                       "invalid_email");
        expect_refused(&t->ctx, (struct ja_user_spec){.phone = bad[i]}, JA_ERR_INVALID,
                       "invalid_phone");
        expect_refused(&t->ctx, (struct ja_user_spec){.home = bad[i]}, JA_ERR_INVALID,
                       "invalid_home");
        expect_refused(&t->ctx, (struct ja_user_spec){.shell = bad[i]}, JA_ERR_INVALID,
                       "invalid_shell");
    }
}

static void paths_that_passwd_cannot_hold_are_refused(void **state)
{
    struct ja_test_store *t = *state;
    const char *const bad[] = {"home/x", "/home/a:b", "/home/../etc", "/home/x/..", "/\n"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_refused(&t->ctx, (struct ja_user_spec){.home = bad[i]}, JA_ERR_INVALID,
                       "invalid_home");
        expect_refused(&t->ctx, (struct ja_user_spec){.shell = bad[i]}, JA_ERR_INVALID,
                       "invalid_shell");
    }
}

static void uids_outside_the_range_are_refused(void **state)
{
    struct ja_test_store *t = *state;
    int64_t min = t->ctx.cfg->accounts.uid_min, max = t->ctx.cfg->accounts.uid_max;
    const int64_t bad[] = {1, 999, 1000, min - 1, max + 1, INT64_MAX, -1};
    struct ja_user u = {0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_refused(&t->ctx, (struct ja_user_spec){.uid = bad[i]}, JA_ERR_INVALID,
                       "uid_out_of_range");
        expect_refused(&t->ctx, (struct ja_user_spec){.gid = bad[i]}, JA_ERR_INVALID,
                       "uid_out_of_range");
    }
    add(&t->ctx, &(struct ja_user_spec){.username = "edge", .uid = max, .gid = min}, &u);
    assert_int_equal(u.uid, max);
    assert_int_equal(u.gid, min);
    ja_user_clear(&u);
}

/* root and nobody are in /etc/passwd of every Debian. */
static void local_users_stay_local(void **state)
{
    struct ja_test_store *t = *state;

    expect_refused(&t->ctx, (struct ja_user_spec){.username = "root"}, JA_ERR_CONFLICT,
                   "local_user");
    expect_refused(&t->ctx, (struct ja_user_spec){.username = "root", .adopt = true},
                   JA_ERR_INVALID, "uid_out_of_range");
    expect_refused(&t->ctx, (struct ja_user_spec){.username = "daemon", .adopt = true},
                   JA_ERR_INVALID, "uid_out_of_range");
    expect_refused(&t->ctx, (struct ja_user_spec){.username = "nosuchlocal", .adopt = true},
                   JA_ERR_NOT_FOUND, "user_not_found");
    expect_refused(&t->ctx, (struct ja_user_spec){.username = "root", .adopt = true, .uid = 100001},
                   JA_ERR_INVALID, "adopt_options");
}

static void taken_names_are_refused_with_their_codes(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    add(&t->ctx,
        &(struct ja_user_spec){
            .username = "alice", .email = "a@example.org", .phone = "+491701234567"},
        &u);
    expect_refused(&t->ctx, (struct ja_user_spec){.username = "alice"}, JA_ERR_EXISTS,
                   "username_taken");
    expect_refused(&t->ctx, (struct ja_user_spec){.email = "A@Example.ORG"}, JA_ERR_EXISTS,
                   "email_taken");
    expect_refused(&t->ctx, (struct ja_user_spec){.phone = "+49 170 1234567"}, JA_ERR_EXISTS,
                   "phone_taken");
    expect_refused(&t->ctx, (struct ja_user_spec){.uid = u.uid}, JA_ERR_EXISTS, "uid_taken");
    expect_refused(&t->ctx, (struct ja_user_spec){.roles = (const char *const[]){"nosuch"}, .nroles = 1},
                   JA_ERR_NOT_FOUND, "role_not_found");
    ja_user_clear(&u);
}

static void a_password_against_policy_adds_nobody(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_secret weak = secret("bob"), good = secret(GOOD);
    struct ja_policy_report report = {0};
    struct ja_error err = {0};
    struct ja_user u = {0};

    assert_int_equal(ja_account_add(&t->ctx,
                                    &(struct ja_user_spec){.username = "bob", .password = &weak},
                                    &report, &u, &err),
                     JA_ERR_POLICY);
    assert_true(report.len >= 2);
    assert_int_equal(ja_user_find_by_name(&t->ctx, "bob", &u, NULL), JA_ERR_NOT_FOUND);
    expect_refused(&t->ctx, (struct ja_user_spec){.service = true, .password = &good},
                   JA_ERR_INVALID, "service_password");
    ja_secret_clear(&weak);
    ja_secret_clear(&good);
}

/* ---- register ---- */

static enum ja_status reg(struct ja_ctx *ctx, const char *name, const char *email, bool root,
                          struct ja_user *u, struct ja_error *err)
{
    struct ja_secret pw = secret(GOOD);
    struct ja_user_spec spec = {.username = name, .email = email, .password = &pw, .uid = 100777};
    struct ja_sent sent[2];
    size_t n = 0;
    enum ja_status st = ja_account_register(ctx, &spec, root, NULL, u, sent, &n, err);

    ja_secret_clear(&pw);
    return st;
}

static void registration_is_closed_unless_open_or_root(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};
    struct ja_error err = {0};

    assert_int_equal(reg(&t->ctx, NULL, "not an address", false, &u, &err), JA_ERR_FORBIDDEN);
    assert_string_equal(err.code, "registration_closed"); /* before anything else */
    assert_int_equal(reg(&t->ctx, "alice", NULL, true, &u, &err), JA_OK);
    assert_int_equal(u.status, JA_USER_ACTIVE); /* verify = none */
    assert_int_not_equal(u.uid, 100777);        /* nobody chooses a uid for itself */
    ja_user_clear(&u);
}

static void registration_waits_for_what_policy_verifies(void **state)
{
    struct ja_test_store *t = ja_test_store_new(
        "dictionary = no\n[registration]\nopen = yes\nverify = email\ndefault_roles = user\n");
    struct ja_user u = {0};
    struct ja_error err = {0};
    struct ja_strlist held = {0};

    (void)state;
    assert_int_equal(reg(&t->ctx, "alice", NULL, false, &u, &err), JA_ERR_INVALID);
    assert_string_equal(err.code, "email_required");
    assert_int_equal(reg(&t->ctx, "alice", "a@example.org", false, &u, &err), JA_OK);
    assert_int_equal(u.status, JA_USER_PENDING);
    assert_int_equal(ja_role_effective(&t->ctx, u.id, &held, NULL), JA_OK);
    assert_int_equal(held.len, 1);
    ja_strlist_clear(&held);
    ja_user_clear(&u);
    ja_test_store_free(t);
}

static void expect_derived(struct ja_ctx *ctx, const char *email, const char *want)
{
    struct ja_user u = {0};

    assert_int_equal(reg(ctx, NULL, email, true, &u, NULL), JA_OK);
    assert_string_equal(u.username, want);
    ja_user_clear(&u);
}

static void a_user_name_is_derived_from_the_address(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};
    struct ja_error err = {0};

    expect_derived(&t->ctx, "Jane.Doe+x@example.org", "jane-doe-x");
    expect_derived(&t->ctx, "jane.doe+x@example.net", "jane-doe-x1");
    expect_derived(&t->ctx, "2fast@example.org", "u2fast");
    expect_derived(&t->ctx, "root@example.org", "root1"); /* local names are never given out */
    expect_derived(&t->ctx, "abcdefghijklmnopqrstuvwxyz0123456789@example.org",
                   "abcdefghijklmnopqrstuvwxyz01");
    assert_int_equal(reg(&t->ctx, "root", "r@example.org", true, &u, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "username_taken");
}

/* ---- modify ---- */

static void modify_changes_what_is_given_and_nothing_else(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    add(&t->ctx,
        &(struct ja_user_spec){.username = "alice",
                               .email = "a@example.org",
                               .phone = "+491701234567",
                               .full_name = "Alice"},
        &u);
    ja_user_clear(&u);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(t->ctx.db,
                                "UPDATE users SET email_verified_at = 5, phone_verified_at = 6",
                                JA_NO_BINDS, NULL, NULL),
                     JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_account_modify(&t->ctx, "alice",
                                       &(struct ja_user_spec){.username = "alicia",
                                                              .email = "new@example.org",
                                                              .full_name = ""},
                                       &u, NULL),
                     JA_OK);
    ja_user_clear(&u);
    assert_int_equal(ja_user_find_by_name(&t->ctx, "alicia", &u, NULL), JA_OK);
    assert_string_equal(u.email, "new@example.org");
    assert_int_equal(u.email_verified_at, 0); /* the other address had been verified */
    assert_string_equal(u.phone, "+491701234567");
    assert_int_equal(u.phone_verified_at, 6);
    assert_null(u.full_name);
    assert_string_equal(u.home, "/home/alice");
    ja_user_clear(&u);
    assert_int_equal(ja_account_modify(&t->ctx, "alicia",
                                       &(struct ja_user_spec){.email = "NEW@example.org"}, &u, NULL),
                     JA_OK);
    ja_user_clear(&u);
}

static void expect_modify_refused(struct ja_ctx *ctx, struct ja_user_spec spec, enum ja_status want,
                                  const char *code)
{
    struct ja_user u = {0};
    struct ja_error err = {0};

    assert_int_equal(ja_account_modify(ctx, "alice", &spec, &u, &err), want);
    assert_string_equal(err.code, code);
    assert_false(ja_db_in_transaction(ctx->db));
}

static void modify_is_as_strict_as_add(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    add(&t->ctx, &(struct ja_user_spec){.username = "alice"}, &u);
    ja_user_clear(&u);
    add(&t->ctx, &(struct ja_user_spec){.username = "bob", .email = "b@example.org"}, &u);
    expect_modify_refused(&t->ctx, (struct ja_user_spec){.username = "root"}, JA_ERR_CONFLICT,
                          "local_user");
    expect_modify_refused(&t->ctx, (struct ja_user_spec){.username = "bob"}, JA_ERR_EXISTS,
                          "username_taken");
    expect_modify_refused(&t->ctx, (struct ja_user_spec){.email = "B@example.org"}, JA_ERR_EXISTS,
                          "email_taken");
    expect_modify_refused(&t->ctx, (struct ja_user_spec){.uid = u.uid}, JA_ERR_EXISTS, "uid_taken");
    expect_modify_refused(&t->ctx, (struct ja_user_spec){.uid = 1}, JA_ERR_INVALID,
                          "uid_out_of_range");
    expect_modify_refused(&t->ctx, (struct ja_user_spec){.full_name = "\x1b]0;x\a"}, JA_ERR_INVALID,
                          "invalid_name");
    ja_user_clear(&u);
}

/* ---- lock, disable, delete: what lived is dead at once (R18) ---- */

struct live {
    struct ja_session session;
    struct ja_secret refresh;
    struct ja_minted bound, alone; /* access tokens with and without a session */
    char handle[JA_HANDLE_LEN + 1];
};

static void make_live(struct ja_test_store *t, struct live *l)
{
    struct ja_user u = {0};
    struct ja_login_handle h = {.service = "sshd", .amr = "pwd"};

    add(&t->ctx, &(struct ja_user_spec){.username = "alice"}, &u);
    memcpy(l->session.user_id, u.id, sizeof u.id);
    memcpy(h.user_id, u.id, sizeof u.id);
    (void)snprintf(l->session.service, sizeof l->session.service, "authctl");
    (void)snprintf(l->session.amr, sizeof l->session.amr, "pwd");
    l->session.auth_time = JA_TEST_EPOCH;
    l->session.ends_at = JA_TEST_EPOCH + 86400;
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(&t->ctx, &l->session, NULL), JA_OK);
    assert_int_equal(
        ja_refresh_create(&t->ctx, l->session.id, JA_TEST_EPOCH + 86400, &l->refresh, NULL), JA_OK);
    assert_int_equal(ja_handle_create(&t->ctx, &h, l->handle, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(
        ja_token_mint(&t->ctx,
                      &(struct ja_mint){.user = &u, .session_id = l->session.id, .amr = "pwd"},
                      &l->bound, NULL),
        JA_OK);
    assert_int_equal(ja_token_mint(&t->ctx, &(struct ja_mint){.user = &u, .amr = ""}, &l->alone,
                                   NULL),
                     JA_OK);
    ja_user_clear(&u);
}

static void clear_live(struct live *l)
{
    ja_session_clear(&l->session);
    ja_secret_clear(&l->refresh);
    ja_minted_clear(&l->bound);
    ja_minted_clear(&l->alone);
}

static enum ja_status verify(struct ja_ctx *ctx, const char *token)
{
    struct ja_token_check check = ja_token_check_default(ctx);
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(ctx, token, strlen(token), &check, false, &claims, NULL);

    json_decref(claims);
    return st;
}

static void expect_all(struct ja_ctx *ctx, const struct live *l, enum ja_status want)
{
    struct ja_auth_tokens got = {0};
    struct ja_login_handle h = {0};

    assert_int_equal(verify(ctx, l->bound.token), want);
    assert_int_equal(verify(ctx, l->alone.token), want);
    if (want == JA_OK)
        return;
    assert_int_equal(
        ja_session_refresh(ctx, (const char *)l->refresh.data, l->refresh.len, &got, NULL), want);
    assert_int_equal(ja_handle_peek(ctx, l->handle, l->session.user_id, "sshd", &h, NULL),
                     JA_ERR_NOT_FOUND);
}

/* CVE-2023-22492, CVE-2026-49277, CVE-2026-9571: refresh and access of a locked user. */
static void r18_lock_ends_everything_and_unlock_revives_nothing(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_cut cut = {0};
    struct ja_error err = {0};

    make_live(t, &l);
    expect_all(&t->ctx, &l, JA_OK);
    assert_int_equal(ja_account_lock(&t->ctx, "alice", 0, &cut, NULL), JA_OK);
    assert_int_equal(cut.sessions, 1);
    assert_true(cut.access_tokens);
    assert_int_equal(cut.logind, 0);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_LOCKED);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(ja_account_unlock(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_ACTIVE);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(ja_account_unlock(&t->ctx, "alice", &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "not_locked");
    clear_live(&l);
}

static void r18_disable_ends_everything_and_enable_revives_nothing(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_cut cut = {0};
    struct ja_error err = {0};

    make_live(t, &l);
    assert_int_equal(ja_account_disable(&t->ctx, "alice", &cut, NULL), JA_OK);
    assert_int_equal(cut.sessions, 1);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(ja_account_enable(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_ACTIVE);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(ja_account_enable(&t->ctx, "alice", &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "not_disabled");
    clear_live(&l);
}

static void r18_delete_ends_everything(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_error err = {0};

    make_live(t, &l);
    assert_int_equal(ja_account_delete(&t->ctx, "alice", NULL), JA_OK);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(ja_account_delete(&t->ctx, "alice", &err), JA_ERR_NOT_FOUND);
    assert_int_equal(COUNT(&t->ctx, "SELECT COUNT(*) AS n FROM refresh_tokens", JA_NO_BINDS), 0);
    clear_live(&l);
}

static void r18_logout_everywhere_ends_everything_but_the_account(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    int64_t n = 0;

    make_live(t, &l);
    assert_int_equal(ja_session_close_user(&t->ctx, l.session.user_id, "revoked", &n, NULL), JA_OK);
    assert_int_equal(n, 1);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_ACTIVE);
    clear_live(&l);
}

/* Several in one second: what was minted between two cuts falls to the second one. */
static void r18_a_second_cut_in_the_same_second_cuts_too(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_user u = {0};
    struct ja_minted between = {0};

    make_live(t, &l);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ja_session_close_user(&t->ctx, l.session.user_id, "x", NULL, NULL), JA_OK);
        assert_int_equal(ja_user_find_by_id(&t->ctx, l.session.user_id, &u, NULL), JA_OK);
        assert_int_equal(
            ja_token_mint(&t->ctx, &(struct ja_mint){.user = &u, .amr = ""}, &between, NULL), JA_OK);
        assert_int_equal(verify(&t->ctx, between.token), JA_OK);
        assert_int_equal(ja_session_close_user(&t->ctx, l.session.user_id, "x", NULL, NULL), JA_OK);
        assert_int_equal(verify(&t->ctx, between.token), JA_ERR_DENIED);
        ja_minted_clear(&between);
        ja_user_clear(&u);
    }
    clear_live(&l);
}

/* CVE-2026-43911, CVE-2021-33322: tokens that outlive a password change. */
static void r18_a_password_set_ends_everything(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_secret pw = secret(GOOD);

    make_live(t, &l);
    assert_int_equal(ja_account_password_set(&t->ctx, "alice", &pw, false, NULL, NULL), JA_OK);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    ja_secret_clear(&pw);
    clear_live(&l);
}

/* A forced change at login: that login goes on, nothing else does. */
static void r18_the_login_that_changes_the_password_goes_on_alone(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_secret pw = secret(GOOD);
    struct ja_login_handle h = {.service = "sshd", .amr = "pwd"};
    char changing[JA_HANDLE_LEN + 1];

    make_live(t, &l);
    memcpy(h.user_id, l.session.user_id, sizeof h.user_id);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_handle_create(&t->ctx, &h, changing, NULL), JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_account_password_change(&t->ctx, "alice", &pw, changing, NULL, NULL), JA_OK);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    assert_int_equal(ja_handle_peek(&t->ctx, changing, h.user_id, "sshd", &h, NULL), JA_OK);
    ja_secret_clear(&pw);
    clear_live(&l);
}

static void r18_the_session_that_changes_the_password_goes_on_alone(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_secret pw = secret(GOOD);
    struct ja_login_handle h = {0};

    make_live(t, &l);
    assert_int_equal(
        ja_account_password_change(&t->ctx, "alice", &pw, l.session.id, NULL, NULL), JA_OK);
    assert_int_equal(verify(&t->ctx, l.bound.token), JA_OK);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(verify(&t->ctx, l.bound.token), JA_OK);
    assert_int_equal(verify(&t->ctx, l.alone.token), JA_ERR_DENIED);
    assert_int_equal(ja_handle_peek(&t->ctx, l.handle, l.session.user_id, "sshd", &h, NULL),
                     JA_ERR_NOT_FOUND);
    ja_secret_clear(&pw);
    clear_live(&l);
}

static void r18_a_planned_lock_ends_everything_when_its_time_comes(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_cut cut = {0};
    struct ja_login_handle h = {0};
    struct ja_auth_tokens got = {0};
    struct ja_error err = {0};

    make_live(t, &l);
    assert_int_equal(ja_account_lock(&t->ctx, "alice", JA_TEST_EPOCH + 60, &cut, NULL), JA_OK);
    assert_int_equal(cut.sessions, 0);
    assert_false(cut.access_tokens);
    ja_fake_clock_advance(&t->clock, 59);
    expect_all(&t->ctx, &l, JA_OK);
    assert_int_equal(ja_handle_peek(&t->ctx, l.handle, l.session.user_id, "sshd", &h, NULL), JA_OK);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(verify(&t->ctx, l.bound.token), JA_ERR_DENIED);
    assert_int_equal(verify(&t->ctx, l.alone.token), JA_ERR_DENIED);
    assert_int_equal(
        ja_session_refresh(&t->ctx, (const char *)l.refresh.data, l.refresh.len, &got, &err),
        JA_ERR_DENIED);
    assert_string_equal(err.code, "user_inactive");
    assert_int_equal(ja_account_unlock(&t->ctx, "alice", NULL), JA_OK);
    expect_all(&t->ctx, &l, JA_ERR_DENIED); /* the unlock revives nothing */
    clear_live(&l);
}

static void r18_a_lock_planned_for_now_is_a_lock(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_cut cut = {0};

    make_live(t, &l);
    assert_int_equal(ja_account_lock(&t->ctx, "alice", JA_TEST_EPOCH, &cut, NULL), JA_OK);
    assert_int_equal(cut.sessions, 1);
    expect_all(&t->ctx, &l, JA_ERR_DENIED);
    clear_live(&l);
}

static void r17_an_expired_password_ends_refreshing(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_secret pw = secret(GOOD);
    struct ja_auth_tokens got = {0};
    struct ja_error err = {0};

    make_live(t, &l);
    assert_int_equal(
        ja_account_password_change(&t->ctx, "alice", &pw, l.session.id, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_password_expire(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(
        ja_session_refresh(&t->ctx, (const char *)l.refresh.data, l.refresh.len, &got, &err),
        JA_ERR_DENIED);
    assert_string_equal(err.code, "user_inactive");
    ja_secret_clear(&pw);
    clear_live(&l);
}

static void a_planned_lock_can_be_taken_back_before(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};

    make_live(t, &l);
    assert_int_equal(ja_account_lock(&t->ctx, "alice", JA_TEST_EPOCH + 60, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_unlock(&t->ctx, "alice", NULL), JA_OK);
    ja_fake_clock_advance(&t->clock, 61);
    expect_all(&t->ctx, &l, JA_OK);
    clear_live(&l);
}

/* A role that is lost counts at the next check without logging anyone out. */
static void r17_refresh_looks_at_the_user_again(void **state)
{
    struct ja_test_store *t = *state;
    struct live l = {0};
    struct ja_auth_tokens got = {0};
    struct ja_error err = {0};

    make_live(t, &l);
    assert_int_equal(ja_account_modify(&t->ctx, "alice",
                                       &(struct ja_user_spec){.valid_until = JA_TEST_EPOCH + 10},
                                       NULL, NULL),
                     JA_OK);
    ja_fake_clock_advance(&t->clock, 10);
    assert_int_equal(
        ja_session_refresh(&t->ctx, (const char *)l.refresh.data, l.refresh.len, &got, &err),
        JA_ERR_DENIED);
    assert_string_equal(err.code, "user_inactive");
    assert_int_equal(
        ja_account_modify(&t->ctx, "alice", &(struct ja_user_spec){.valid_until = -1}, NULL, NULL),
        JA_OK);
    assert_int_equal(
        ja_session_refresh(&t->ctx, (const char *)l.refresh.data, l.refresh.len, &got, &err), JA_OK);
    ja_auth_tokens_clear(&got);
    clear_live(&l);
}

static void states_lead_back_where_they_came_from(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};
    struct ja_error err = {0};

    add(&t->ctx, &(struct ja_user_spec){.username = "alice"}, &u);
    assert_int_equal(ja_account_lock(&t->ctx, "alice", 0, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_disable(&t->ctx, "alice", NULL, NULL), JA_OK);
    assert_int_equal(ja_account_enable(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_LOCKED);
    assert_int_equal(ja_account_disable(&t->ctx, "alice", NULL, NULL), JA_OK);
    assert_int_equal(ja_account_unlock(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_DISABLED);
    assert_int_equal(ja_account_enable(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_ACTIVE);
    assert_int_equal(ja_account_release(&t->ctx, "alice", &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "not_adopted");
    assert_int_equal(ja_account_lock(&t->ctx, "nosuch", 0, NULL, &err), JA_ERR_NOT_FOUND);
    ja_user_clear(&u);
}

/* R28: when the row cannot be written, the change does not happen. */
static void r28_no_change_without_its_audit_row(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};

    add(&t->ctx, &(struct ja_user_spec){.username = "alice"}, &u);
    ja_user_clear(&u);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_db_exec(t->ctx.db, "UPDATE counters SET value = 0 WHERE name = 'audit_seq'",
                                JA_NO_BINDS, NULL, NULL),
                     JA_OK);
    assert_int_equal(ja_db_commit(t->ctx.db, NULL), JA_OK);
    assert_int_not_equal(ja_account_lock(&t->ctx, "alice", 0, NULL, NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_ACTIVE);
    assert_int_not_equal(
        ja_account_add(&t->ctx, &(struct ja_user_spec){.username = "bob"}, NULL, &u, NULL), JA_OK);
    assert_int_equal(ja_user_find_by_name(&t->ctx, "bob", &u, NULL), JA_ERR_NOT_FOUND);
    assert_int_not_equal(ja_account_delete(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(status_of(&t->ctx, "alice"), JA_USER_ACTIVE);
}

static void the_audit_log_has_who_and_what_and_no_values(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = {0};
    int64_t rows = 0;

    add(&t->ctx, &(struct ja_user_spec){.username = "alice", .email = "marker@example.org"}, &u);
    ja_user_clear(&u);
    assert_int_equal(ja_account_modify(&t->ctx, "alice",
                                       &(struct ja_user_spec){.full_name = "Marker Person"}, NULL,
                                       NULL),
                     JA_OK);
    assert_int_equal(ja_account_lock(&t->ctx, "alice", 0, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_delete(&t->ctx, "alice", NULL), JA_OK);
    assert_int_equal(ja_audit_verify(&t->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 4);
    assert_int_equal(COUNT(&t->ctx,
                           "SELECT COUNT(*) AS n FROM audit_log WHERE actor = 'root' "
                           "AND service = 'test' AND target = 'user:alice'",
                           JA_NO_BINDS),
                     4);
    assert_int_equal(COUNT(&t->ctx,
                           "SELECT COUNT(*) AS n FROM audit_log WHERE detail LIKE '%arker%'",
                           JA_NO_BINDS),
                     0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_full_account_is_stored_as_given),
        T(a_generated_password_has_to_be_changed),
        T(names_that_are_no_user_names_are_refused),
        T(hostile_texts_are_refused_in_every_field),
        T(paths_that_passwd_cannot_hold_are_refused),
        T(uids_outside_the_range_are_refused),
        T(local_users_stay_local),
        T(taken_names_are_refused_with_their_codes),
        T(a_password_against_policy_adds_nobody),
        T(registration_is_closed_unless_open_or_root),
        cmocka_unit_test(registration_waits_for_what_policy_verifies),
        T(a_user_name_is_derived_from_the_address),
        T(modify_changes_what_is_given_and_nothing_else),
        T(modify_is_as_strict_as_add),
        T(r18_lock_ends_everything_and_unlock_revives_nothing),
        T(r18_disable_ends_everything_and_enable_revives_nothing),
        T(r18_delete_ends_everything),
        T(r18_logout_everywhere_ends_everything_but_the_account),
        T(r18_a_second_cut_in_the_same_second_cuts_too),
        T(r18_a_password_set_ends_everything),
        T(r18_the_login_that_changes_the_password_goes_on_alone),
        T(r18_the_session_that_changes_the_password_goes_on_alone),
        T(r18_a_planned_lock_ends_everything_when_its_time_comes),
        T(r18_a_lock_planned_for_now_is_a_lock),
        T(r17_an_expired_password_ends_refreshing),
        T(a_planned_lock_can_be_taken_back_before),
        T(r17_refresh_looks_at_the_user_again),
        T(states_lead_back_where_they_came_from),
        T(r28_no_change_without_its_audit_row),
        T(the_audit_log_has_who_and_what_and_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
