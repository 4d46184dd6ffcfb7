/* What ends at a time that was set before: grants and accounts. From that second on it counts wherever it is asked for,
 * with nobody awake; the purge makes it visible, once. */
#include "common/domain/token.h"
#include "common/flow/account_flow.h"
#include "common/flow/auth_flow.h"
#include "common/flow/purge_flow.h"
#include "common/flow/role_flow.h"
#include "common/flow/session_flow.h"
#include "tests/support/letters.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define END (JA_TEST_EPOCH + 100)

struct world {
    struct ja_test_store *t;
    struct ja_ctx *ctx;
    char alice[JA_UUID_LEN + 1], session[JA_UUID_LEN + 1];
    struct ja_secret refresh;
    struct ja_minted issued;
};

static int64_t number_(struct world *w, struct ja_rows *rows, enum ja_status st)
{
    bool row = false;
    int64_t n;

    (void)w;
    assert_int_equal(st, JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}
#define number(w, sql) \
    __extension__({ \
        struct ja_rows *rows_ = NULL; \
        enum ja_status st_ = ja_db_query((w)->ctx->db, sql, JA_NO_BINDS, &rows_, NULL); \
        number_((w), rows_, st_); \
    })
#define sql(w, text) \
    do { \
        assert_int_equal(ja_db_begin((w)->ctx->db, NULL), JA_OK); \
        assert_int_equal(ja_db_exec((w)->ctx->db, text, JA_NO_BINDS, NULL, NULL), JA_OK); \
        assert_int_equal(ja_db_commit((w)->ctx->db, NULL), JA_OK); \
    } while (0)

static int up(void **state)
{
    static struct world w;
    struct ja_session s = {.service = "authctl", .amr = "pwd", .auth_time = JA_TEST_EPOCH,
                           .idle_ends_at = JA_TEST_EPOCH + 3600, .ends_at = JA_TEST_EPOCH + 7200};

    w = (struct world){.t = ja_test_store_new("dictionary = no\n[email]\nprovider = smtp\nurl = smtps://127.0.0.1:1\n"
                                                "from = auth@example.org\n")};
    w.ctx = &w.t->ctx;
    ja_test_user(w.t, "alice", NULL, w.alice);
    sql(&w, "UPDATE users SET email = 'alice@example.org', email_key = 'alice@example.org', email_verified_at = 1");
    (void)snprintf(s.user_id, sizeof s.user_id, "%s", w.alice);
    assert_int_equal(ja_db_begin(w.ctx->db, NULL), JA_OK);
    assert_int_equal(ja_session_insert(w.ctx, &s, NULL), JA_OK);
    assert_int_equal(ja_refresh_create(w.ctx, s.id, JA_TEST_EPOCH + 3600, &w.refresh, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w.ctx->db, NULL), JA_OK);
    memcpy(w.session, s.id, sizeof w.session);
    assert_int_equal(ja_token_issue(w.ctx, "alice", NULL, NULL, 3600, &w.issued, NULL), JA_OK);
    *state = &w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;

    ja_secret_clear(&w->refresh);
    ja_minted_clear(&w->issued);
    ja_test_store_free(w->t);
    return 0;
}

static void at(struct world *w, int64_t when)
{
    ja_fake_clock_advance(&w->t->clock, when - ja_now(&w->ctx->clock));
}

static struct ja_purged purge(struct world *w, bool dry_run)
{
    struct ja_purged p = {0};

    assert_int_equal(ja_purge(w->ctx, dry_run, &p, NULL), JA_OK);
    return p;
}

static bool can(struct world *w)
{
    bool held = false;

    assert_int_equal(ja_permission_can(w->ctx, "alice", "users:read", NULL, &held, NULL, NULL), JA_OK);
    return held;
}

/* ---- grants ---- */

#define ENDS_TOLD number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'role.grant_end'")

static void a_grant_ends_by_itself(void **state)
{
    struct world *w = *state;

    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", END, NULL), JA_OK);
    at(w, END - 1);
    assert_true(can(w));
    assert_int_equal(purge(w, false).grants, 0);
    at(w, END);
    assert_false(can(w));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM user_roles"), 1); /* nobody has taken the row away */
}

static void its_end_is_told_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", END, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "user", 0, NULL), JA_OK);
    at(w, END);
    assert_int_equal(purge(w, true).grants, 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM user_roles"), 2);
    assert_int_equal(ENDS_TOLD, 0);
    assert_int_equal(purge(w, false).grants, 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM user_roles"), 1);
    assert_int_equal(ENDS_TOLD, 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'role.grant_end' AND target = "
                               "'role:agent' AND detail LIKE '%\"user\":\"alice\"%' AND detail LIKE "
                               "'%\"granted_by\":\"root\"%'"), 1);
    assert_int_equal(ja_test_letters(w->ctx, "grant_ended"), 1);
    assert_int_equal(purge(w, false).grants, 0);
    assert_int_equal(ENDS_TOLD, 1);
    assert_int_equal(ja_test_letters(w->ctx, "grant_ended"), 1);
    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", END + 100, NULL), JA_OK); /* a later one is another */
    at(w, END + 99);
    assert_int_equal(purge(w, false).grants, 0);
    assert_true(can(w));
}

/* One that ended and was given again before any purge has not ended. */
static void a_grant_given_anew_is_not_taken(void **state)
{
    struct world *w = *state;

    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", END, NULL), JA_OK);
    at(w, END + 10);
    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", 0, NULL), JA_OK);
    assert_int_equal(purge(w, false).grants, 0);
    assert_true(can(w));
    assert_int_equal(ENDS_TOLD, 0);
}

/* All or nothing: where the notice cannot be queued, the row stays and the log says nothing. */
static void the_end_of_a_grant_is_one_transaction(void **state)
{
    struct world *w = *state;
    struct ja_purged p = {0};

    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", END, NULL), JA_OK);
    at(w, END);
    sql(w, "ALTER TABLE outbox RENAME TO away");
    assert_int_not_equal(ja_purge(w->ctx, false, &p, NULL), JA_OK);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM user_roles"), 1);
    assert_int_equal(ENDS_TOLD, 0);
    sql(w, "ALTER TABLE away RENAME TO outbox");
    assert_int_equal(purge(w, false).grants, 1);
    assert_int_equal(ENDS_TOLD, 1);
}

static void many_grants_end_in_steps(void **state)
{
    struct world *w = *state;

    sql(w, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130) INSERT INTO roles "
           "(id, name, created_at, updated_at, updated_by) SELECT 'r' || i, 'r' || i, 1, 1, 'root' FROM n");
    sql(w, "INSERT INTO user_roles (user_id, role_id, granted_by, created_at, ends_at) SELECT u.id, r.id, 'root', 1, 2 "
           "FROM users u, roles r WHERE r.id LIKE 'r%'");
    assert_int_equal(purge(w, true).grants, 130);
    assert_int_equal(purge(w, false).grants, 130);
    assert_int_equal(ENDS_TOLD, 130);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM user_roles"), 0);
}

/* ---- locks ---- */

static enum ja_status verify(struct world *w, const char *token)
{
    struct ja_token_check check = ja_token_check_default(w->ctx);
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(w->ctx, token, strlen(token), &check, false, &claims, NULL);

    json_decref(claims);
    return st;
}

static enum ja_auth_reason account(struct world *w)
{
    struct ja_account_check check = {.user = "alice", .service = "sshd"};
    struct ja_auth_result r = {0};
    struct ja_user u = {0};

    assert_int_equal(ja_account_decide(w->ctx, &check, &u, &r, NULL), JA_OK);
    ja_user_clear(&u);
    return r.verdict == JA_ALLOW ? JA_REASON_NONE : r.reason;
}

/* Whatever alice could use: the account (key logins, sudo), the refresh token, both kinds of access tokens, roles. */
static void assert_out(struct world *w, const struct ja_auth_tokens *t)
{
    struct ja_auth_tokens next = {0};
    struct ja_error err = {0};

    assert_int_equal(account(w), JA_REASON_LOCKED);
    assert_int_equal(verify(w, t->access.token), JA_ERR_DENIED);
    assert_int_equal(verify(w, w->issued.token), JA_ERR_DENIED);
    assert_int_equal(ja_session_refresh(w->ctx, (const char *)t->refresh.data, t->refresh.len, &next, &err), JA_ERR_DENIED);
    assert_false(can(w));
}

/* R18: a planned lock is a lock from its second on, in every check. */
static void a_planned_lock_comes_without_anybody(void **state)
{
    struct world *w = *state;
    struct ja_auth_tokens t = {0};

    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "agent", 0, NULL), JA_OK);
    assert_int_equal(ja_account_lock(w->ctx, "alice", END, NULL, NULL), JA_OK);
    at(w, END - 1);
    assert_int_equal(account(w), JA_REASON_NONE);
    assert_int_equal(ja_session_refresh(w->ctx, (const char *)w->refresh.data, w->refresh.len, &t, NULL), JA_OK);
    assert_int_equal(verify(w, t.access.token), JA_OK);
    assert_int_equal(verify(w, w->issued.token), JA_OK);
    assert_true(can(w));
    assert_int_equal(purge(w, false).locks, 0);
    at(w, END);
    assert_out(w, &t);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE status = 'active'"), 1); /* nobody did a thing */
    ja_auth_tokens_clear(&t);
}

/* R18: the purge revokes what the lock has made worthless, with an audit row, once; the unlock gives none of it back. */
static void the_purge_carries_a_planned_lock_out(void **state)
{
    struct world *w = *state;
    struct ja_auth_tokens t = {0};

    assert_int_equal(ja_account_lock(w->ctx, "alice", END, NULL, NULL), JA_OK);
    assert_int_equal(ja_session_refresh(w->ctx, (const char *)w->refresh.data, w->refresh.len, &t, NULL), JA_OK);
    at(w, END);
    assert_int_equal(purge(w, true).locks, 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM sessions WHERE revoked_at IS NULL"), 1);
    assert_int_equal(purge(w, false).locks, 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE status = 'locked'"), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM sessions WHERE revoked_at IS NOT NULL AND revoke_reason = "
                               "'user_locked'"), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'user.lock' AND target = 'user:alice' "
                               "AND detail LIKE '%planned_for%' AND detail LIKE '%\"sessions\":1%' AND detail LIKE "
                               "'%\"refresh_tokens\":1%'"), 1);
    assert_int_equal(purge(w, false).locks, 0);
    assert_int_equal(purge(w, true).locks, 0);
    assert_int_equal(ja_account_unlock(w->ctx, "alice", NULL), JA_OK);
    assert_int_equal(account(w), JA_REASON_NONE);
    assert_int_equal(verify(w, t.access.token), JA_ERR_DENIED);
    assert_int_equal(verify(w, w->issued.token), JA_ERR_DENIED);
    assert_int_equal(purge(w, false).locks, 0);
    ja_auth_tokens_clear(&t);
}

/* Disabled is disabled: the lock waits below it. */
static void a_disabled_or_deleted_account_is_left_alone(void **state)
{
    struct world *w = *state;
    char bob[JA_UUID_LEN + 1];

    ja_test_user(w->t, "bob", NULL, bob);
    assert_int_equal(ja_account_lock(w->ctx, "alice", END, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_lock(w->ctx, "bob", END, NULL, NULL), JA_OK);
    assert_int_equal(ja_account_disable(w->ctx, "alice", NULL, NULL), JA_OK);
    assert_int_equal(ja_account_delete(w->ctx, "bob", NULL), JA_OK);
    at(w, END);
    assert_int_equal(purge(w, true).locks, 0);
    assert_int_equal(purge(w, false).locks, 0);
    assert_int_equal(ja_account_enable(w->ctx, "alice", NULL), JA_OK);
    assert_int_equal(account(w), JA_REASON_LOCKED);
}

/* What a lock says that it cut is what there was. */
static void a_lock_counts_what_it_cuts(void **state)
{
    struct world *w = *state;
    struct ja_cut cut = {0};

    sql(w, "INSERT INTO ssh_keys (id, user_id, type, blob, fingerprint, created_at, created_by, ends_at) SELECT 'k' || n, "
           "id, 'ssh-ed25519', 'b', 'f' || n, 1, 'root', CASE n WHEN 3 THEN 5 END FROM users, "
           "(SELECT 1 AS n UNION SELECT 2 UNION SELECT 3)"); /* the third has ended */
    assert_int_equal(ja_account_lock(w->ctx, "alice", 0, &cut, NULL), JA_OK);
    assert_int_equal(cut.sessions, 1);
    assert_int_equal(cut.reach.refresh_tokens, 1);
    assert_int_equal(cut.reach.ssh_keys, 2);
    assert_int_equal(cut.reach.api_keys, 0);
    assert_true(cut.access_tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_grant_ends_by_itself, up, down),
        cmocka_unit_test_setup_teardown(its_end_is_told_once, up, down),
        cmocka_unit_test_setup_teardown(a_grant_given_anew_is_not_taken, up, down),
        cmocka_unit_test_setup_teardown(the_end_of_a_grant_is_one_transaction, up, down),
        cmocka_unit_test_setup_teardown(many_grants_end_in_steps, up, down),
        cmocka_unit_test_setup_teardown(a_planned_lock_comes_without_anybody, up, down),
        cmocka_unit_test_setup_teardown(the_purge_carries_a_planned_lock_out, up, down),
        cmocka_unit_test_setup_teardown(a_disabled_or_deleted_account_is_left_alone, up, down),
        cmocka_unit_test_setup_teardown(a_lock_counts_what_it_cuts, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
