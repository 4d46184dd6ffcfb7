/* The decision and what it brings, in one transaction (SECURITY R2, R6, R11, R12, R28). */
#include "common/domain/audit.h"
#include "common/domain/password_hash.h"
#include "common/domain/session.h"
#include "tests/support/parallel.h"
#include "tests/unit/auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof *(a))

/* A login up to its decision: password given, and the code where there is a factor. */
static struct ja_auth *answered(struct world *w, const struct attempt *a)
{
    struct ja_auth *auth = begin(w->ctx, a);
    char code[9];

    assert_int_equal(answer(auth, RIGHT), JA_OK);
    if (ja_auth_next(auth) == JA_NEXT_CODE) {
        code_of(w, 0, code);
        assert_int_equal(answer(auth, a->code ? a->code : code), JA_OK);
    }
    assert_int_equal(ja_auth_next(auth), JA_NEXT_DONE);
    return auth;
}

/* ---- R2 ---- */

static void r2_allow_is_far_from_everything_else(void **state)
{
    (void)state;
    assert_true(__builtin_popcount((unsigned)JA_ALLOW ^ (unsigned)JA_DENY) >= 8);
    assert_true(__builtin_popcount((unsigned)JA_ALLOW ^ (unsigned)JA_PENDING) >= 8);
    for (unsigned n = 0; n < 64; n++)
        assert_true(__builtin_popcount((unsigned)JA_ALLOW ^ n) >= 8);
}

/* ---- R6: decided again at the end ---- */

static void r6_what_changed_during_the_prompts_counts(void **state)
{
    static const struct { const char *user, *change; enum ja_auth_reason reason; } all[] = {
        {"alice", "UPDATE users SET status = 'locked'", JA_REASON_LOCKED},
        {"alice", "UPDATE users SET status = 'disabled'", JA_REASON_DISABLED},
        {"alice", "UPDATE users SET status = 'pending'", JA_REASON_PENDING},
        {"alice", "UPDATE users SET valid_until = 1000", JA_REASON_EXPIRED},
        {"alice", "UPDATE users SET lock_at = 1000", JA_REASON_LOCKED},
        {"alice", "UPDATE users SET deleted_at = 1000", JA_REASON_UNKNOWN_USER},
        {"alice", "UPDATE users SET password_hash = NULL", JA_REASON_WRONG_PASSWORD},
        {"alice", "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username = 'bob'), "
                  "password_changed_at = password_changed_at + 1 WHERE username = 'alice'",
         JA_REASON_WRONG_PASSWORD},
        {"alice", "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username = 'bob') "
                  "WHERE username = 'alice'", JA_REASON_WRONG_PASSWORD},
        {"alice", "UPDATE totp SET user_id = (SELECT id FROM users WHERE username = 'alice')",
         JA_REASON_CODE_REQUIRED},
        {"bob", "UPDATE users SET status = 'locked'", JA_REASON_LOCKED},
        {"bob", "DELETE FROM totp", JA_REASON_CODE_REPLAYED},
        {"bob", "UPDATE totp SET confirmed_at = NULL", JA_REASON_CODE_REPLAYED},
    };

    (void)state;
    for (size_t i = 0; i < LEN(all); i++) {
        for (enum fruit fruit = HANDLE; fruit <= PROOF; fruit++) {
            void *fresh = NULL;
            struct world *w;
            struct ja_auth *auth;
            struct outcome o;

            world_up(&fresh);
            w = fresh;
            auth = answered(w, &(struct attempt){.user = all[i].user});
            sql(w, all[i].change);
            o = finish(auth, fruit);
            assert_true(denied(&o, all[i].reason));
            assert_int_equal(granted(w), 0);
            assert_string_equal(text(w, "SELECT reason AS t FROM audit_log"),
                                ja_auth_reason_name(all[i].reason));
            assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user'"), 1);
            ja_auth_free(auth);
            world_down(&fresh);
        }
    }
}

/* ---- what a login brings ---- */

static void a_session_with_tokens(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth = answered(w, &(struct attempt){.user = "bob", .source = HOME});
    struct ja_token_check check = ja_token_check_default(w->ctx);
    struct ja_auth_tokens t = {0};
    struct ja_auth_result r = {0};
    json_t *claims = NULL, *amr;
    char sid[37] = "";

    assert_int_equal(ja_auth_finish_session(auth, "https://api.example.org", &t, &r, NULL), JA_OK);
    assert_true(r.verdict == JA_ALLOW);
    check.audience = "https://api.example.org";
    assert_int_equal(ja_token_verify(w->ctx, t.access.token, strlen(t.access.token), &check, false, &claims,
                                     NULL),
                     JA_OK);
    assert_string_equal(json_string_value(json_object_get(claims, "sid")), t.session.id);
    assert_string_equal(json_string_value(json_object_get(claims, "sub")), w->bob);
    assert_int_equal(json_integer_value(json_object_get(claims, "auth_time")), ja_now(&w->ctx->clock));
    amr = json_object_get(claims, "amr");
    assert_int_equal(json_array_size(amr), 3);
    assert_string_equal(json_string_value(json_array_get(amr, 1)), "otp");
    json_decref(claims);
    assert_int_equal(t.refresh.len, JA_REFRESH_LEN);
    assert_int_equal(ja_refresh_session(w->ctx, (const char *)t.refresh.data, t.refresh.len, sid, NULL), JA_OK);
    assert_string_equal(sid, t.session.id);
    assert_string_equal(t.user.username, "bob");
    assert_string_equal(text(w, "SELECT service || ' ' || amr || ' ' || audience || ' ' || source || ' ' || tty "
                                "|| ' ' || user_agent AS t FROM sessions"),
                        "sshd pwd otp mfa https://api.example.org 192.0.2.7 ssh test");
    assert_int_equal(number(w, "SELECT ends_at - created_at AS n FROM sessions"), 30 * 86400);
    assert_int_equal(number(w, "SELECT idle_ends_at - created_at AS n FROM sessions"), 7 * 86400);
    assert_int_equal(number(w, "SELECT last_login_at AS n FROM users WHERE username = 'bob'"),
                     ja_now(&w->ctx->clock));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM login_handles"), 0);
    ja_auth_tokens_clear(&t);
    ja_auth_tokens_clear(&t);
    ja_auth_free(auth);
}

static void an_audience_that_is_none_fails_without_a_trace(void **state)
{
    struct world *w = *state;
    struct ja_auth *auth = answered(w, &(struct attempt){.user = "bob"});
    struct ja_auth_tokens t = {0};
    struct ja_auth_result r = {.verdict = JA_DENY};

    assert_int_not_equal(ja_auth_finish_session(auth, "", &t, &r, NULL), JA_OK);
    assert_true(r.verdict == JA_DENY);
    assert_null(t.access.token);
    assert_null(t.refresh.data);
    assert_int_equal(granted(w), 0);
    ja_auth_free(auth);
}

static void a_handle_for_the_session_to_come(void **state)
{
    struct world *w = *state;
    struct outcome o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    struct ja_login_handle h = {0};

    assert_true(allowed(&o));
    assert_int_equal(strlen(o.handle), JA_HANDLE_LEN);
    assert_int_equal(ja_handle_peek(w->ctx, o.handle, w->bob, "sshd", &h, NULL), JA_OK);
    assert_string_equal(h.amr, "pwd otp mfa");
    assert_string_equal(h.source, HOME);
    assert_int_equal(h.pid, 4711);
    assert_int_equal(ja_handle_peek(w->ctx, o.handle, w->alice, "sshd", &h, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM sessions"), 0);
}

static void a_proof_brings_nothing_but_a_cleared_throttle(void **state)
{
    struct world *w = *state;
    struct outcome o;

    (void)LOGIN(w, .user = "alice", .password = WRONG);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = PROOF, .source = NULL);
    assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM throttle WHERE scope = 'user_source'"), 0);
    assert_int_equal(granted(w), 1); /* the audit row */
    assert_string_equal(text(w, "SELECT action AS t FROM audit_log ORDER BY seq DESC LIMIT 1"),
                        "password.verify");
}

static void a_password_to_be_changed(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "UPDATE users SET must_change = 1");
    o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = SESSION);
    assert_true(denied(&o, JA_REASON_MUST_CHANGE));
    assert_true(o.r.must_change);
    assert_int_equal(granted(w), 0);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = HANDLE);
    assert_true(allowed(&o)); /* account answers it */
    assert_true(o.r.must_change);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = PROOF);
    assert_true(allowed(&o)); /* else it could not be changed */
    o = LOGIN(w, .user = "alice", .password = WRONG, .fruit = SESSION);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    assert_false(o.r.must_change); /* says nothing about the account */
}

static void a_password_past_its_age(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "UPDATE users SET password_changed_at = 1780000000" /* today */);
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o) && !o.r.must_change);
    assert_int_equal(o.r.password_days_left, -1);
    ja_fake_clock_advance(&w->t->clock, 25 * 86400);
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o) && !o.r.must_change);
    assert_int_equal(o.r.password_days_left, 5);
    ja_fake_clock_advance(&w->t->clock, 5 * 86400 - 1);
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o) && !o.r.must_change);
    assert_int_equal(o.r.password_days_left, 0);
    ja_fake_clock_advance(&w->t->clock, 1);
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o) && o.r.must_change);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = SESSION);
    assert_true(denied(&o, JA_REASON_MUST_CHANGE));
}

/* ---- one code, many logins ---- */

static int log_in_with(struct world *w, const char *code)
{
    struct ja_ctx ctx;
    struct outcome o;

    ja_test_store_second(w->t, &ctx);
    o = attempt(&ctx, w, &(struct attempt){.user = "bob", .password = RIGHT, .code = code});
    ja_ctx_clear(&ctx);
    if (allowed(&o))
        return 1;
    if (o.st != JA_OK)
        return 100 + (int)o.st;
    return o.r.reason == JA_REASON_CODE_REPLAYED || o.r.reason == JA_REASON_WRONG_CODE ? 0 : 200;
}

static int with_otp(void *arg, int number)
{
    (void)number;
    return log_in_with(arg, NOW);
}

static int with_recovery_code(void *arg, int number)
{
    (void)number;
    return log_in_with(arg, ((struct world *)arg)->recovery[0]);
}

/* CVE-2015-7225, CVE-2024-41800, CVE-2025-6014 */
static void r11_of_parallel_logins_with_one_code_one_wins(void **state)
{
    struct world *w = *state;
    int (*const kinds[])(void *, int) = {with_otp, with_recovery_code};

    for (size_t k = 0; k < LEN(kinds); k++) {
        int results[12], sum = 0;

        ja_parallel(12, kinds[k], w, results);
        for (int i = 0; i < 12; i++) {
            assert_in_range(results[i], 0, 1);
            sum += results[i];
        }
        assert_int_equal(sum, 1);
    }
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM login_handles"), 2);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE outcome = 'success'"), 2);
}

/* ---- hashes of old ---- */

static void an_old_hash_is_made_anew_after_success(void **state)
{
    static const char *const settings[] = {"$2b$04$abcdefghijklmnopqrstuu", "$5$rounds=1000$salt",
                                           "$6$rounds=1000$salt"};
    struct world *w = *state;
    struct outcome o;
    int64_t changed = number(w, "SELECT password_changed_at AS n FROM users WHERE username = 'alice'");

    for (size_t i = 0; i < LEN(settings); i++) {
        crypt_password(w, "alice", settings[i], RIGHT);
        ja_fake_clock_advance(&w->t->clock, 100);
        o = LOGIN(w, .user = "alice", .password = WRONG);
        assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
        assert_memory_equal(text(w, "SELECT password_hash AS t FROM users WHERE username = 'alice'"),
                            settings[i], 3);
        o = LOGIN(w, .user = "alice", .password = RIGHT, .fruit = (enum fruit)i);
        assert_true(allowed(&o));
        assert_memory_equal(text(w, "SELECT password_hash AS t FROM users WHERE username = 'alice'"),
                            "$argon2id$v=19$m=8192,t=1,p=1$", 30);
        o = LOGIN(w, .user = "alice", .password = RIGHT);
        assert_true(allowed(&o));
        assert_int_equal(number(w, "SELECT password_changed_at AS n FROM users WHERE username = 'alice'"),
                         changed);
    }
    /* no history of it either: nothing was changed */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM password_history WHERE hash LIKE '$2b$%'"), 0);
}

static void logins_at_the_same_time_as_a_rehash_are_good(void **state)
{
    struct world *w = *state;
    struct ja_auth *one, *two;
    struct outcome o;

    crypt_password(w, "alice", "$6$rounds=1000$salt", RIGHT);
    one = answered(w, &(struct attempt){.user = "alice"});
    two = answered(w, &(struct attempt){.user = "alice"});
    o = finish(one, HANDLE);
    assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE password_hash LIKE '$6$%'"), 0);
    o = finish(two, HANDLE);
    assert_true(allowed(&o));
    ja_auth_free(one);
    ja_auth_free(two);
    o = LOGIN(w, .user = "alice", .password = RIGHT);
    assert_true(allowed(&o));
}

static void a_denied_login_leaves_an_old_hash(void **state)
{
    struct world *w = *state;
    struct outcome o;

    crypt_password(w, "bob", "$6$rounds=1000$salt", RIGHT);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = "no code");
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE password_hash LIKE '$6$%'"), 1);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW);
    assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM users WHERE password_hash LIKE '$6$%'"), 0);
}

/* ---- new sources ---- */

static void new_sources(void **state)
{
    struct world *w = *state;
    int mode = w->ctx->cfg->suspicious.new_source;
    struct outcome o;

    /* the first one of all is no surprise */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "192.0.2.99"); /* the same network */
    assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'login.new_source'"), 0);

    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "198.51.100.1");
    if (mode == JA_SOURCE_DENY || mode == JA_SOURCE_REQUIRE_MFA)
        assert_true(denied(&o, JA_REASON_NEW_SOURCE));
    else
        assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'login.new_source'"),
                     mode == JA_SOURCE_NOTIFY ? 1 : 0);
    /* a refused one is not known from now on */
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = "198.51.100.1");
    if (mode == JA_SOURCE_DENY || mode == JA_SOURCE_REQUIRE_MFA)
        assert_true(denied(&o, JA_REASON_NEW_SOURCE));
    else
        assert_true(allowed(&o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'login.new_source'"),
                     mode == JA_SOURCE_NOTIFY ? 1 : 0);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .source = HOME);
    assert_true(allowed(&o));
}

static void a_second_factor_opens_a_new_source(void **state)
{
    struct world *w = *state;
    int mode = w->ctx->cfg->suspicious.new_source;
    struct outcome o;

    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
    ja_fake_clock_advance(&w->t->clock, 60);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .source = "2001:db8::1", .mfa = JA_MFA_OFF);
    if (mode == JA_SOURCE_OFF || mode == JA_SOURCE_NOTIFY)
        assert_true(allowed(&o));
    else
        assert_true(denied(&o, JA_REASON_NEW_SOURCE));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = "2001:db8:1::1");
    if (mode == JA_SOURCE_DENY)
        assert_true(denied(&o, JA_REASON_NEW_SOURCE));
    else
        assert_true(allowed(&o));
    /* a refusal uses no code up */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM totp WHERE last_step * 30 > 1780000030"),
                     mode == JA_SOURCE_DENY ? 0 : 1);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .source = "203.0.113.1", .mfa = JA_MFA_OFF, .fruit = PROOF);
    assert_true(allowed(&o)); /* a change of password is no login */
}

/* ---- R28: the audit row ---- */

static void r28_a_login_has_its_audit_row(void **state)
{
    struct world *w = *state;
    struct outcome o;
    int64_t rows = 0;

    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
    assert_string_equal(text(w, "SELECT actor || ' ' || action || ' ' || target || ' ' || outcome || ' ' || source "
                                "|| ' ' || service || ' ' || detail AS t FROM audit_log"),
                        "root login user:bob success 192.0.2.7 sshd {\"amr\":\"pwd otp mfa\"}");
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE reason IS NULL"), 1);
    o = LOGIN(w, .user = "bob", .password = WRONG, .source = HOME);
    assert_string_equal(text(w, "SELECT target || ' ' || outcome || ' ' || reason || ' ' || source || ' ' || detail "
                                "AS t FROM audit_log ORDER BY seq DESC LIMIT 1"),
                        "user:bob denied wrong_password 192.0.2.7 {\"amr\":\"\"}");
    assert_int_equal(ja_audit_verify(w->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 2);
    assert_string_equal(w->ctx->actor.service, "test"); /* left as it was */
    assert_null(w->ctx->actor.source);
}

/* No row, no login: and nothing of the login stays. The failure is the system's, so the try is taken back. */
static void r28_without_an_audit_row_there_is_no_login(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "ALTER TABLE audit_log RENAME TO away");
    for (enum fruit fruit = HANDLE; fruit <= PROOF; fruit++) {
        o = LOGIN(w, .user = "bob", .password = RIGHT, .code = fruit == PROOF ? w->recovery[0] : NOW,
                  .source = HOME, .fruit = fruit);
        assert_int_not_equal(o.st, JA_OK);
        assert_true(o.r.verdict == JA_DENY);
        assert_string_equal(o.handle, "");
        assert_string_equal(o.session, "");
    }
    sql(w, "ALTER TABLE away RENAME TO audit_log");
    assert_int_equal(granted(w), 0);
    assert_int_equal(number(w, "SELECT SUM(count) AS n FROM throttle"), 0);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
}

static void r28_a_denial_stands_without_its_audit_row(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "ALTER TABLE audit_log RENAME TO away");
    o = LOGIN(w, .user = "bob", .password = WRONG, .source = HOME);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD));
    assert_non_null(strstr(w->t->last_log, "no audit row"));
    assert_int_equal(number(w, "SELECT count AS n FROM throttle WHERE scope = 'user'"), 1);
}

static void an_installation_may_let_people_in_without_it(void **state)
{
    struct world *w = *state;
    struct outcome o;

    sql(w, "ALTER TABLE audit_log RENAME TO away");
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
    assert_non_null(strstr(w->t->last_log, "without its audit row"));
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(denied(&o, JA_REASON_CODE_REPLAYED));
}

/* ---- failures of the system after right answers ---- */

static void f9_a_store_that_fails_at_the_end_is_nobodys_failure(void **state)
{
    static const char *const tables[] = {"login_handles"};
    struct ja_auth *auth = NULL;
    const struct ja_auth_request req = {.user = "bob", .service = "sshd", .source = HOME};
    struct world *w = *state;
    char change[96];
    struct outcome o;

    for (size_t i = 0; i < LEN(tables); i++) {
        (void)snprintf(change, sizeof change, "ALTER TABLE %s RENAME TO away", tables[i]);
        sql(w, change);
        for (int n = 0; n < 9; n++) {
            o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
            assert_int_not_equal(o.st, JA_OK);
            assert_true(o.r.verdict == JA_DENY);
        }
        (void)snprintf(change, sizeof change, "ALTER TABLE away RENAME TO %s", tables[i]);
        sql(w, change);
        assert_int_equal(granted(w), 0);
        assert_int_equal(number(w, "SELECT SUM(count) AS n FROM throttle"), 0);
    }
    /* one that fails at the beginning is nobody's either */
    sql(w, "ALTER TABLE known_sources RENAME TO away");
    assert_int_not_equal(ja_auth_begin(w->ctx, &req, &auth, NULL), JA_OK);
    assert_null(auth);
    sql(w, "ALTER TABLE away RENAME TO known_sources");
    assert_int_equal(number(w, "SELECT SUM(count) AS n FROM throttle"), 0);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW, .source = HOME);
    assert_true(allowed(&o));
}

/* ---- the account decision ---- */

struct account { enum ja_status st; struct ja_auth_result r; };

static struct account decide(struct world *w, const struct ja_account_check *check)
{
    struct account a = {.r.verdict = JA_PENDING};
    struct ja_user user = {0};

    a.st = ja_account_decide(w->ctx, check, &user, &a.r, NULL);
    ja_user_clear(&user);
    return a;
}

static void r6_account_decides_from_the_store_alone(void **state)
{
    static const struct { const char *change; enum ja_auth_reason reason; } all[] = {
        {"UPDATE users SET status = 'active'", JA_REASON_NONE},
        {"UPDATE users SET status = 'locked'", JA_REASON_LOCKED},
        {"UPDATE users SET status = 'disabled'", JA_REASON_DISABLED},
        {"UPDATE users SET status = 'pending'", JA_REASON_PENDING},
        {"UPDATE users SET status = 'active', valid_until = 1780000000", JA_REASON_EXPIRED},
        {"UPDATE users SET valid_until = 1780000001", JA_REASON_NONE},
        {"UPDATE users SET lock_at = 1780000000", JA_REASON_LOCKED},
        {"UPDATE users SET lock_at = 1780000001", JA_REASON_NONE},
        {"UPDATE users SET lock_at = NULL, deleted_at = 1", JA_REASON_UNKNOWN_USER},
    };
    struct world *w = *state;

    for (size_t i = 0; i < LEN(all); i++) {
        struct account a;

        sql(w, all[i].change);
        a = decide(w, &(struct ja_account_check){.user = "alice", .service = "cron"});
        assert_int_equal(a.st, JA_OK);
        assert_int_equal(a.r.reason, all[i].reason);
        assert_true(a.r.verdict == (all[i].reason == JA_REASON_NONE ? JA_ALLOW : JA_DENY));
        assert_string_equal(a.r.user_id, all[i].reason == JA_REASON_UNKNOWN_USER ? "" : w->alice);
    }
}

static void account_knows_names_only(void **state)
{
    static const char *const names[] = {"nobody", "", "ALICE", "alice ", "alice\n", "a b", "../alice",
                                        "alice@example.org", "+15550100",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct world *w = *state;

    sql(w, "UPDATE users SET email = 'alice@example.org', email_key = 'alice@example.org', "
           "phone = '+15550100' WHERE username = 'alice'");
    for (size_t i = 0; i < LEN(names); i++) {
        struct account a = decide(w, &(struct ja_account_check){.user = names[i], .service = "sshd"});

        assert_int_equal(a.st, JA_OK);
        assert_true(a.r.verdict == JA_DENY);
        assert_int_equal(a.r.reason, JA_REASON_UNKNOWN_USER);
    }
}

static void account_asks_for_a_new_password_where_there_is_one(void **state)
{
    struct world *w = *state;
    struct account a;
    char id[37];

    ja_test_user(w->t, "nopass", NULL, id);
    sql(w, "UPDATE users SET must_change = 1, password_changed_at = 1000");
    a = decide(w, &(struct ja_account_check){.user = "alice", .service = "sshd"});
    assert_true(a.r.verdict == JA_ALLOW && a.r.must_change);
    a = decide(w, &(struct ja_account_check){.user = "nopass", .service = "sshd"});
    assert_true(a.r.verdict == JA_ALLOW && !a.r.must_change);
    sql(w, "UPDATE users SET status = 'locked'");
    a = decide(w, &(struct ja_account_check){.user = "alice", .service = "sshd"});
    assert_true(a.r.verdict == JA_DENY);
    assert_int_equal(a.r.reason, JA_REASON_LOCKED);
}

static void account_demands_a_second_factor_of_this_login(void **state)
{
    struct world *w = *state;
    struct outcome full = LOGIN(w, .user = "bob", .password = RIGHT, .code = NOW);
    struct outcome rescue = LOGIN(w, .user = "bob", .password = RIGHT, .code = w->recovery[0]);
    struct outcome half = LOGIN(w, .user = "bob", .password = RIGHT, .mfa = JA_MFA_OFF);
    const struct {
        const char *user, *service, *handle;
        enum ja_mfa_mode mode;
        bool check;
        enum ja_auth_reason reason;
    } all[] = {
        {"bob", "sshd", full.handle, JA_MFA_ALWAYS, true, JA_REASON_NONE},
        {"bob", "sshd", rescue.handle, JA_MFA_ALWAYS, true, JA_REASON_NONE},
        {"bob", "sshd", half.handle, JA_MFA_ALWAYS, true, JA_REASON_CODE_REQUIRED},
        {"bob", "sshd", NULL, JA_MFA_ALWAYS, true, JA_REASON_CODE_REQUIRED},
        {"bob", "sshd", "", JA_MFA_ALWAYS, true, JA_REASON_CODE_REQUIRED},
        {"bob", "sshd", "' OR 1=1 --", JA_MFA_ALWAYS, true, JA_REASON_CODE_REQUIRED},
        {"bob", "su", full.handle, JA_MFA_ALWAYS, true, JA_REASON_CODE_REQUIRED},
        {"alice", "sshd", full.handle, JA_MFA_ALWAYS, true, JA_REASON_NO_SECOND_FACTOR},
        {"alice", "sshd", NULL, JA_MFA_ALWAYS, true, JA_REASON_NO_SECOND_FACTOR},
        {"bob", "sshd", NULL, JA_MFA_ALWAYS, false, JA_REASON_NONE},
        {"bob", "sshd", NULL, JA_MFA_AUTO, true, JA_REASON_NONE},
        {"alice", "sshd", NULL, JA_MFA_OFF, true, JA_REASON_NONE},
    };

    assert_true(allowed(&full) && allowed(&rescue) && allowed(&half));
    for (size_t i = 0; i < LEN(all); i++) {
        struct account a = decide(w, &(struct ja_account_check){
                                         .user = all[i].user, .service = all[i].service, .mfa = all[i].mode,
                                         .handle = all[i].handle, .check_mfa = all[i].check});

        assert_int_equal(a.st, JA_OK);
        assert_int_equal(a.r.reason, all[i].reason);
        assert_true(a.r.verdict == (all[i].reason == JA_REASON_NONE ? JA_ALLOW : JA_DENY));
    }
    ja_fake_clock_advance(&w->t->clock, 121); /* handles live for two minutes */
    assert_int_equal(decide(w, &(struct ja_account_check){.user = "bob", .service = "sshd", .mfa = JA_MFA_ALWAYS,
                                                          .handle = full.handle, .check_mfa = true})
                         .r.reason,
                     JA_REASON_CODE_REQUIRED);
}

#define T(name, conf) cmocka_unit_test_prestate_setup_teardown(name, world_up, world_down, conf)

int main(void)
{
    /* a slot for each: the clock that stands still does not wait for one */
    static char slots[] = "parallel_hashes = 16\n[throttle]\nlogin = 900/15m\nper_source = 900/15m\n";
    static char age[] = "max_age = 30d\nwarn_days = 14\n";
    static char allow[] = "[log]\naudit_fail = allow\n";
    static char modes[][48] = {
        "[suspicious]\nnew_source = notify\n", "[suspicious]\nnew_source = require_mfa\n",
        "[suspicious]\nnew_source = deny\n", "[suspicious]\nnew_source = off\n"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r2_allow_is_far_from_everything_else),
        cmocka_unit_test(r6_what_changed_during_the_prompts_counts),
        T(a_session_with_tokens, NULL),
        T(an_audience_that_is_none_fails_without_a_trace, NULL),
        T(a_handle_for_the_session_to_come, NULL),
        T(a_proof_brings_nothing_but_a_cleared_throttle, NULL),
        T(a_password_to_be_changed, NULL),
        T(a_password_past_its_age, age),
        T(r11_of_parallel_logins_with_one_code_one_wins, slots),
        T(an_old_hash_is_made_anew_after_success, NULL),
        T(logins_at_the_same_time_as_a_rehash_are_good, NULL),
        T(a_denied_login_leaves_an_old_hash, NULL),
        T(new_sources, modes[0]),
        T(new_sources, modes[1]),
        T(new_sources, modes[2]),
        T(new_sources, modes[3]),
        T(a_second_factor_opens_a_new_source, modes[0]),
        T(a_second_factor_opens_a_new_source, modes[1]),
        T(a_second_factor_opens_a_new_source, modes[2]),
        T(a_second_factor_opens_a_new_source, modes[3]),
        T(r28_a_login_has_its_audit_row, NULL),
        T(r28_without_an_audit_row_there_is_no_login, NULL),
        T(r28_a_denial_stands_without_its_audit_row, NULL),
        T(an_installation_may_let_people_in_without_it, allow),
        T(f9_a_store_that_fails_at_the_end_is_nobodys_failure, NULL),
        T(r6_account_decides_from_the_store_alone, NULL),
        T(account_knows_names_only, NULL),
        T(account_asks_for_a_new_password_where_there_is_one, NULL),
        T(account_demands_a_second_factor_of_this_login, NULL),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
