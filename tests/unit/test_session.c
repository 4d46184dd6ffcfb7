#include "common/base/proc.h"
#include "common/domain/audit.h"
#include "common/domain/session.h"
#include "common/flow/session_flow.h"
#include "tests/support/parallel.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char alice[JA_UUID_LEN + 1];

static int setup(void **state)
{
    struct ja_test_store *t = ja_test_store_new(NULL);

    ja_test_user(t, "alice", NULL, alice);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

#define IN_TX(ctx, call) \
    do { \
        assert_int_equal(ja_db_begin((ctx)->db, NULL), JA_OK); \
        assert_int_equal((call), JA_OK); \
        assert_int_equal(ja_db_commit((ctx)->db, NULL), JA_OK); \
    } while (0)

static void open_session(struct ja_ctx *ctx, const char *user_id, char *id)
{
    struct ja_session s = {.auth_time = ja_now(&ctx->clock)};

    (void)snprintf(s.user_id, sizeof s.user_id, "%s", user_id);
    (void)snprintf(s.service, sizeof s.service, "authctl");
    (void)snprintf(s.amr, sizeof s.amr, "pwd");
    s.ends_at = s.auth_time + ctx->cfg->tokens.session_max;
    s.idle_ends_at = s.auth_time + ctx->cfg->tokens.refresh_idle;
    IN_TX(ctx, ja_session_insert(ctx, &s, NULL));
    memcpy(id, s.id, sizeof s.id);
    ja_session_clear(&s);
}

static bool is_live(struct ja_ctx *ctx, const char *id)
{
    struct ja_session s = {0};
    bool live;

    assert_int_equal(ja_session_find(ctx, id, &s, NULL), JA_OK);
    live = ja_session_live(&s, ja_now(&ctx->clock));
    ja_session_clear(&s);
    return live;
}

static void reason_of(struct ja_ctx *ctx, const char *id, const char *want)
{
    struct ja_session s = {0};

    assert_int_equal(ja_session_find(ctx, id, &s, NULL), JA_OK);
    assert_string_equal(s.revoke_reason, want);
    assert_string_equal(s.username, "alice");
    ja_session_clear(&s);
}

/* ---- sessions ---- */

static void a_session_lives_until_its_first_end(void **state)
{
    struct ja_session s = {.ends_at = 1000, .idle_ends_at = 500};

    (void)state;
    assert_true(ja_session_live(&s, 499));
    assert_false(ja_session_live(&s, 500));
    s.idle_ends_at = 0; /* a PAM session does not idle out */
    assert_true(ja_session_live(&s, 999));
    assert_false(ja_session_live(&s, 1000));
    s.revoked_at = 1;
    assert_false(ja_session_live(&s, 10));
}

static void revoking_is_done_once_and_keeps_the_first_reason(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    bool ended = false;

    open_session(&t->ctx, alice, id);
    assert_true(is_live(&t->ctx, id));
    IN_TX(&t->ctx, ja_session_revoke(&t->ctx, id, "logout", &ended, NULL));
    assert_true(ended);
    assert_false(is_live(&t->ctx, id));
    IN_TX(&t->ctx, ja_session_revoke(&t->ctx, id, "later", &ended, NULL));
    assert_false(ended);
    reason_of(&t->ctx, id, "logout");
}

static void an_unknown_or_malformed_id_is_not_found(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_session s = {0};
    struct ja_error err = {0};
    const char *const ids[] = {"", "x", "0190aaaa-0000-7000-8000-000000000001", "' OR 1=1 --"};

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ja_session_find(&t->ctx, ids[i], &s, &err), JA_ERR_NOT_FOUND);
        assert_string_equal(err.code, "session_not_found");
    }
}

static void r18_all_sessions_of_a_user_end_but_the_one_kept(void **state)
{
    struct ja_test_store *t = *state;
    char bob[JA_UUID_LEN + 1], keep[JA_UUID_LEN + 1], one[JA_UUID_LEN + 1], two[JA_UUID_LEN + 1],
        other[JA_UUID_LEN + 1];
    int64_t n = 0;

    ja_test_user(t, "bob", NULL, bob);
    open_session(&t->ctx, alice, keep);
    open_session(&t->ctx, alice, one);
    open_session(&t->ctx, alice, two);
    open_session(&t->ctx, bob, other);
    IN_TX(&t->ctx, ja_session_revoke(&t->ctx, two, "logout", NULL, NULL));
    IN_TX(&t->ctx, ja_session_revoke_user(&t->ctx, alice, keep, "password_changed", &n, NULL));
    assert_int_equal(n, 1);
    assert_true(is_live(&t->ctx, keep));
    assert_false(is_live(&t->ctx, one));
    assert_true(is_live(&t->ctx, other));
    IN_TX(&t->ctx, ja_session_revoke_user(&t->ctx, alice, NULL, "user_locked", &n, NULL));
    assert_false(is_live(&t->ctx, keep));
}

static void r18_an_ended_session_is_revoked_too_so_a_clock_set_back_revives_none(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    int64_t n = -1;

    open_session(&t->ctx, alice, id);
    ja_fake_clock_advance(&t->clock, 40 * 86400);
    IN_TX(&t->ctx, ja_session_revoke_user(&t->ctx, alice, NULL, "user_locked", &n, NULL));
    assert_int_equal(n, 0);
    ja_fake_clock_advance(&t->clock, -40 * 86400);
    assert_false(is_live(&t->ctx, id));
}

static enum ja_status count_one(void *arg, const struct ja_session *s)
{
    (void)s;
    ++*(int *)arg;
    return JA_OK;
}

static int listed(struct ja_ctx *ctx, struct ja_session_filter f)
{
    int n = 0;

    assert_int_equal(ja_session_each(ctx, &f, count_one, &n, NULL), JA_OK);
    return n;
}

static void lists_are_filtered_and_paged(void **state)
{
    struct ja_test_store *t = *state;
    char bob[JA_UUID_LEN + 1], a[JA_UUID_LEN + 1], b[JA_UUID_LEN + 1], c[JA_UUID_LEN + 1];

    ja_test_user(t, "bob", NULL, bob);
    open_session(&t->ctx, alice, a);
    ja_fake_clock_advance(&t->clock, 1);
    open_session(&t->ctx, bob, b);
    ja_fake_clock_advance(&t->clock, 1);
    open_session(&t->ctx, alice, c);
    IN_TX(&t->ctx, ja_session_revoke(&t->ctx, a, "logout", NULL, NULL));
    assert_int_equal(listed(&t->ctx, (struct ja_session_filter){0}), 3);
    assert_int_equal(listed(&t->ctx, (struct ja_session_filter){.live_only = true}), 2);
    assert_int_equal(listed(&t->ctx, (struct ja_session_filter){.user_id = alice}), 2);
    assert_int_equal(
        listed(&t->ctx, (struct ja_session_filter){.user_id = alice, .live_only = true}), 1);
    assert_int_equal(listed(&t->ctx, (struct ja_session_filter){.after = a, .limit = 1}), 1);
    assert_int_equal(listed(&t->ctx, (struct ja_session_filter){.user_id = alice, .after = a}), 1);
}

/* ---- processes that hold PAM sessions ---- */

static void hold_by(struct ja_ctx *ctx, const char *id, const char *boot, int64_t pid,
                    int64_t start)
{
    IN_TX(ctx, ja_db_exec(ctx->db,
                          "UPDATE sessions SET boot_id = $2, pid = $3, pid_start = $4, "
                          "idle_ends_at = NULL WHERE id = $1",
                          JA_BINDS(JA_T(id), JA_T(boot), JA_I(pid), JA_I(start)), NULL, NULL));
}

static void a_start_time_is_read_past_brackets_in_the_name(void **state)
{
    int64_t plain = 0, odd = 0, none = 0;

    (void)state;
    assert_int_equal(ja_proc_start(getpid(), &plain, NULL), JA_OK);
    assert_true(plain > 0);
    assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b"), 0);
    assert_int_equal(ja_proc_start(getpid(), &odd, NULL), JA_OK);
    assert_int_equal(odd, plain);
    assert_int_equal(ja_proc_start(1 << 23, &none, NULL), JA_ERR_NOT_FOUND);
}

static void sessions_of_ended_processes_and_former_boots_are_reaped(void **state)
{
    struct ja_test_store *t = *state;
    char boot[JA_BOOT_ID_LEN + 1], live[JA_UUID_LEN + 1], gone[JA_UUID_LEN + 1],
        reused[JA_UUID_LEN + 1], former[JA_UUID_LEN + 1], other[JA_UUID_LEN + 1],
        cli[JA_UUID_LEN + 1];
    int64_t start = 0, n = 0;
    pid_t dead = fork();

    if (dead == 0)
        _exit(0);
    assert_int_equal(waitpid(dead, NULL, 0), dead);
    assert_int_equal(ja_proc_boot_id(boot, NULL), JA_OK);
    assert_int_equal(ja_proc_start(getpid(), &start, NULL), JA_OK);
    open_session(&t->ctx, alice, live);
    open_session(&t->ctx, alice, gone);
    open_session(&t->ctx, alice, reused);
    open_session(&t->ctx, alice, former);
    open_session(&t->ctx, alice, other);
    open_session(&t->ctx, alice, cli);
    hold_by(&t->ctx, live, boot, getpid(), start);
    hold_by(&t->ctx, gone, boot, dead, 1);
    hold_by(&t->ctx, reused, boot, getpid(), start + 1);
    hold_by(&t->ctx, former, "00000000-0000-4000-8000-000000000000", getpid(), start);
    hold_by(&t->ctx, other, "ffffffff-ffff-4fff-8fff-ffffffffffff", getpid(), start);
    IN_TX(&t->ctx, ja_session_reap(&t->ctx, &n, NULL));
    assert_int_equal(n, 4);
    assert_true(is_live(&t->ctx, live));
    assert_true(is_live(&t->ctx, cli));
    assert_false(is_live(&t->ctx, gone));
    assert_false(is_live(&t->ctx, reused));
    assert_false(is_live(&t->ctx, former));
    assert_false(is_live(&t->ctx, other));
    reason_of(&t->ctx, gone, "process_ended");
}

/* ---- refresh tokens ---- */

static struct ja_secret first_refresh(struct ja_ctx *ctx, const char *session_id)
{
    struct ja_secret token = {0};

    IN_TX(ctx, ja_refresh_create(ctx, session_id, ja_now(&ctx->clock) + 86400, &token, NULL));
    assert_int_equal(token.len, JA_REFRESH_LEN);
    return token;
}

/* -1: refused. */
static int use(struct ja_ctx *ctx, const struct ja_secret *token, struct ja_secret *child,
               struct ja_error *err)
{
    enum ja_refresh_use u = JA_REFRESH_REUSED;
    char session[JA_UUID_LEN + 1] = "";
    enum ja_status st;

    ja_secret_clear(child);
    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    st = ja_refresh_use(ctx, (const char *)token->data, token->len, ja_now(&ctx->clock) + 86400, &u,
                        session, child, err);
    if (st != JA_OK) {
        ja_db_rollback(ctx->db);
        assert_int_equal(st, JA_ERR_DENIED);
        return -1;
    }
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    return (int)u;
}

static void r17_a_token_is_used_once_and_its_child_goes_on(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first, second = {0}, third = {0}, again = {0};

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(use(&t->ctx, &first, &second, NULL), JA_REFRESH_ROTATED);
    assert_false(ja_secret_equal(&first, second.data, second.len));
    assert_int_equal(use(&t->ctx, &second, &third, NULL), JA_REFRESH_ROTATED);
    /* the grandparent within the grace: its child is used, so somebody else has it */
    assert_int_equal(use(&t->ctx, &first, &again, NULL), JA_REFRESH_REUSED);
    ja_secret_clear(&first);
    ja_secret_clear(&second);
    ja_secret_clear(&third);
    ja_secret_clear(&again);
}

static void r17_a_lost_answer_is_repeated_within_the_grace_only(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first, child = {0}, again = {0};

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_ROTATED);
    t->clock.wall_ms += 9999;
    assert_int_equal(use(&t->ctx, &first, &again, NULL), JA_REFRESH_REPEATED);
    assert_true(ja_secret_equal(&child, again.data, again.len));
    t->clock.wall_ms += 1;
    assert_int_equal(use(&t->ctx, &first, &again, NULL), JA_REFRESH_REUSED);
    ja_secret_clear(&first);
    ja_secret_clear(&child);
    ja_secret_clear(&again);
}

static void r17_a_clock_set_back_gives_no_long_grace(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first, child = {0};

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_ROTATED);
    t->clock.wall_ms -= 2000;
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_REPEATED);
    t->clock.wall_ms -= 86400 * 1000;
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_REUSED);
    ja_secret_clear(&first);
    ja_secret_clear(&child);
}

static void r17_no_grace_means_none(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first, child = {0};
    struct ja_config strict = *t->ctx.cfg;
    const struct ja_config *own = t->ctx.cfg;

    strict.tokens.reuse_grace = 0;
    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    t->ctx.cfg = &strict;
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_ROTATED);
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_REUSED);
    t->ctx.cfg = own;
    ja_secret_clear(&first);
    ja_secret_clear(&child);
}

static void expect_refused(struct ja_ctx *ctx, const char *text, size_t len, const char *code)
{
    struct ja_secret token = {0}, child = {0};
    struct ja_error err = {0};

    assert_int_equal(ja_secret_from(&token, text, len, NULL), JA_OK);
    assert_int_equal(use(ctx, &token, &child, &err), -1);
    assert_string_equal(err.code, code);
    assert_null(child.data);
    ja_secret_clear(&token);
}

static void r17_ended_unknown_and_malformed_tokens_are_refused(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], text[JA_REFRESH_LEN + 2] = "", padded[JA_REFRESH_LEN + 2];
    struct ja_secret first;

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    memcpy(text, first.data, JA_REFRESH_LEN);
    (void)snprintf(padded, sizeof padded, "%s=", text);
    expect_refused(&t->ctx, padded, JA_REFRESH_LEN + 1, "invalid_refresh_token");
    expect_refused(&t->ctx, text, JA_REFRESH_LEN - 1, "invalid_refresh_token");
    expect_refused(&t->ctx, "x", 1, "invalid_refresh_token");
    /* the last of 43 characters has two bits that must be 0: another spelling is no token */
    text[JA_REFRESH_LEN - 1] = (char)(text[JA_REFRESH_LEN - 1] + 1);
    expect_refused(&t->ctx, text, JA_REFRESH_LEN, "invalid_refresh_token");
    memset(text, 'A', JA_REFRESH_LEN);
    expect_refused(&t->ctx, text, JA_REFRESH_LEN, "invalid_refresh_token");
    ja_fake_clock_advance(&t->clock, 86400);
    expect_refused(&t->ctx, (const char *)first.data, first.len, "invalid_refresh_token");
    ja_secret_clear(&first);
}

/* CVE-2024-39809, CVE-2025-53642, CVE-2026-61452: after the session's end its refresh token is dead. */
static void r18_no_token_of_a_revoked_session_is_good(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first, child = {0};

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(use(&t->ctx, &first, &child, NULL), JA_REFRESH_ROTATED);
    IN_TX(&t->ctx, ja_session_revoke(&t->ctx, id, "logout", NULL, NULL));
    expect_refused(&t->ctx, (const char *)first.data, first.len, "session_ended");
    expect_refused(&t->ctx, (const char *)child.data, child.len, "session_ended");
    ja_secret_clear(&first);
    ja_secret_clear(&child);
}

static void only_hashes_of_refresh_tokens_are_stored(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first;
    struct ja_rows *rows = NULL;
    bool row = true;

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(ja_db_query(t->ctx.db, "SELECT hash FROM refresh_tokens WHERE hash = $1",
                                 JA_BINDS(JA_T((const char *)first.data)), &rows, NULL),
                     JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_false(row);
    ja_rows_end(rows);
    ja_secret_clear(&first);
}

struct race {
    struct ja_test_store *t;
    struct ja_secret token, *shared;
};

/* 0 rotated, 1 repeated, 2 reused, 200 error; the child is left where the parent finds it. */
static int race_use(void *arg, int number)
{
    struct race *race = arg;
    struct ja_ctx ctx;
    struct ja_secret child = {0};
    char path[128];
    FILE *f;
    int u;

    ja_test_store_second(race->t, &ctx);
    u = use(&ctx, &race->token, &child, NULL);
    (void)snprintf(path, sizeof path, "%s/child.%d", race->t->dir, number);
    f = fopen(path, "we");
    if (u < 0 || !f || (child.data && fwrite(child.data, 1, child.len, f) != child.len) ||
        fclose(f) != 0)
        return 200;
    ja_secret_clear(&child);
    ja_ctx_clear(&ctx);
    return u;
}

/* RFC 9700 section 4.14.2, CVE-2023-22492 and others: of 50 at once exactly one wins. */
static void r17_fifty_parallel_uses_rotate_once_and_leave_one_live_token(void **state)
{
    struct ja_test_store *t = *state;
    struct race race = {.t = t};
    char id[JA_UUID_LEN + 1], first[64] = "", child[64];
    int results[50], rotated = 0, repeated = 0;
    struct ja_rows *rows = NULL;
    bool row = false;

    open_session(&t->ctx, alice, id);
    race.token = first_refresh(&t->ctx, id);
    ja_parallel(50, race_use, &race, results);
    for (int i = 0; i < 50; i++) {
        char path[128];
        FILE *f;

        rotated += results[i] == JA_REFRESH_ROTATED;
        repeated += results[i] == JA_REFRESH_REPEATED;
        (void)snprintf(path, sizeof path, "%s/child.%d", t->dir, i);
        f = fopen(path, "re");
        assert_non_null(f);
        memset(child, 0, sizeof child);
        assert_int_equal(fread(child, 1, sizeof child - 1, f), JA_REFRESH_LEN);
        (void)fclose(f);
        if (!first[0])
            memcpy(first, child, sizeof first);
        assert_string_equal(child, first);
    }
    assert_int_equal(rotated, 1);
    assert_int_equal(repeated, 49);
    assert_int_equal(ja_db_query(t->ctx.db,
                                 "SELECT COUNT(*) AS n FROM refresh_tokens WHERE session_id = $1 "
                                 "AND used_at_ms IS NULL",
                                 JA_BINDS(JA_T(id)), &rows, NULL),
                     JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_int_equal(ja_col_int(rows, "n"), 1);
    ja_rows_end(rows);
    ja_secret_clear(&race.token);
}

/* ---- login handles ---- */

static void make_handle(struct ja_ctx *ctx, char *ret)
{
    struct ja_login_handle h = {.service = "sshd", .amr = "pwd otp mfa", .pid = 77};

    memcpy(h.user_id, alice, sizeof h.user_id);
    IN_TX(ctx, ja_handle_create(ctx, &h, ret, NULL));
}

static enum ja_status consume(struct ja_ctx *ctx, const char *handle, const char *user,
                              const char *service)
{
    struct ja_login_handle h = {0};
    enum ja_status st;

    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    st = ja_handle_consume(ctx, handle, user, service, &h, NULL);
    assert_int_equal(ja_db_commit(ctx->db, NULL), JA_OK);
    if (st == JA_OK)
        assert_string_equal(h.amr, "pwd otp mfa");
    return st;
}

static void r5_a_handle_counts_once_for_its_own_user_and_service(void **state)
{
    struct ja_test_store *t = *state;
    char bob[JA_UUID_LEN + 1], handle[JA_HANDLE_LEN + 1], other[JA_HANDLE_LEN + 1];
    struct ja_login_handle h = {0};

    ja_test_user(t, "bob", NULL, bob);
    make_handle(&t->ctx, handle);
    assert_int_equal(strlen(handle), JA_HANDLE_LEN);
    memset(other, 'A', JA_HANDLE_LEN);
    other[JA_HANDLE_LEN] = 0;
    assert_int_equal(consume(&t->ctx, handle, bob, "sshd"), JA_ERR_NOT_FOUND);
    assert_int_equal(consume(&t->ctx, handle, alice, "sudo"), JA_ERR_NOT_FOUND);
    assert_int_equal(consume(&t->ctx, other, alice, "sshd"), JA_ERR_NOT_FOUND);
    assert_int_equal(consume(&t->ctx, "", alice, "sshd"), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_handle_peek(&t->ctx, handle, alice, "sshd", &h, NULL), JA_OK);
    assert_int_equal(h.pid, 77);
    assert_int_equal(consume(&t->ctx, handle, alice, "sshd"), JA_OK);
    assert_int_equal(consume(&t->ctx, handle, alice, "sshd"), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_handle_peek(&t->ctx, handle, alice, "sshd", &h, NULL), JA_ERR_NOT_FOUND);
}

static void a_handle_ends_after_two_minutes_by_either_clock(void **state)
{
    struct ja_test_store *t = *state;
    char handle[JA_HANDLE_LEN + 1];

    make_handle(&t->ctx, handle);
    ja_fake_clock_advance(&t->clock, 120);
    assert_int_equal(consume(&t->ctx, handle, alice, "sshd"), JA_ERR_NOT_FOUND);
    ja_fake_clock_advance(&t->clock, -3600);
    assert_int_equal(consume(&t->ctx, handle, alice, "sshd"), JA_ERR_NOT_FOUND);
    ja_fake_clock_advance(&t->clock, 3600 - 1);
    assert_int_equal(consume(&t->ctx, handle, alice, "sshd"), JA_OK);
}

/* ---- flows ---- */

static enum ja_status refresh(struct ja_ctx *ctx, const struct ja_secret *token,
                              struct ja_auth_tokens *ret, struct ja_error *err)
{
    return ja_session_refresh(ctx, (const char *)token->data, token->len, ret, err);
}

static enum ja_status verify(struct ja_ctx *ctx, const char *token, struct ja_error *err)
{
    struct ja_token_check check = ja_token_check_default(ctx);
    json_t *claims = NULL;
    enum ja_status st = ja_token_verify(ctx, token, strlen(token), &check, false, &claims, err);

    json_decref(claims);
    return st;
}

static void refresh_gives_new_tokens_and_moves_the_idle_end(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first;
    struct ja_auth_tokens got = {0};
    struct ja_session s = {0};

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    ja_fake_clock_advance(&t->clock, 3600);
    assert_int_equal(refresh(&t->ctx, &first, &got, NULL), JA_OK);
    assert_string_equal(got.user.username, "alice");
    assert_string_equal(got.session.id, id);
    assert_int_equal(verify(&t->ctx, got.access.token, NULL), JA_OK);
    assert_int_equal(ja_session_find(&t->ctx, id, &s, NULL), JA_OK);
    assert_int_equal(s.idle_ends_at, JA_TEST_EPOCH + 3600 + t->ctx.cfg->tokens.refresh_idle);
    assert_int_equal(s.last_used_at, JA_TEST_EPOCH + 3600);
    ja_session_clear(&s);
    ja_auth_tokens_clear(&got);
    ja_secret_clear(&first);
}

static void r17_reuse_ends_the_family_and_is_written_down_before_the_refusal(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first;
    struct ja_auth_tokens got = {0}, none = {0};
    struct ja_error err = {0};
    struct ja_rows *rows = NULL;
    bool row = false;

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(refresh(&t->ctx, &first, &got, NULL), JA_OK);
    ja_fake_clock_advance(&t->clock, 11);
    assert_int_equal(refresh(&t->ctx, &first, &none, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "refresh_token_reused");
    assert_false(is_live(&t->ctx, id));
    reason_of(&t->ctx, id, "refresh_token_reused");
    assert_int_equal(ja_db_query(t->ctx.db,
                                 "SELECT seq FROM audit_log WHERE action = 'session.refresh' "
                                 "AND outcome = 'denied' AND reason = 'refresh_token_reused' "
                                 "AND target = 'user:alice'",
                                 JA_NO_BINDS, &rows, NULL),
                     JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    ja_rows_end(rows);
    assert_int_equal(refresh(&t->ctx, &got.refresh, &none, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "session_ended");
    assert_int_equal(verify(&t->ctx, got.access.token, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "session_ended");
    ja_auth_tokens_clear(&got);
    ja_secret_clear(&first);
}

static void refresh_ends_at_the_absolute_and_the_idle_end(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret token = {0};
    struct ja_auth_tokens got = {0};
    struct ja_error err = {0};
    struct ja_rows *rows = NULL;
    bool row = false;

    open_session(&t->ctx, alice, id);
    IN_TX(&t->ctx, ja_refresh_create(&t->ctx, id, JA_TEST_EPOCH + 400 * 86400, &token, NULL));
    ja_fake_clock_advance(&t->clock, t->ctx.cfg->tokens.refresh_idle);
    assert_int_equal(refresh(&t->ctx, &token, &got, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "session_ended");
    /* refused means rolled back: the token was not spent by the refusal */
    assert_int_equal(ja_db_query(t->ctx.db,
                                 "SELECT hash FROM refresh_tokens WHERE used_at_ms IS NULL",
                                 JA_NO_BINDS, &rows, NULL),
                     JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    ja_rows_end(rows);
    ja_fake_clock_advance(&t->clock, -1);
    assert_int_equal(refresh(&t->ctx, &token, &got, NULL), JA_OK);
    ja_auth_tokens_clear(&got);
    ja_secret_clear(&token);
}

static void no_access_token_outlives_its_session(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first;
    struct ja_auth_tokens got = {0};

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    IN_TX(&t->ctx, ja_db_exec(t->ctx.db, "UPDATE sessions SET ends_at = $2 WHERE id = $1",
                              JA_BINDS(JA_T(id), JA_I(JA_TEST_EPOCH + 60)), NULL, NULL));
    assert_int_equal(refresh(&t->ctx, &first, &got, NULL), JA_OK);
    assert_int_equal(got.access.exp, JA_TEST_EPOCH + 60);
    ja_auth_tokens_clear(&got);
    ja_secret_clear(&first);
}

static void logout_ends_the_session_by_either_token(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_secret first;
    struct ja_auth_tokens got = {0};
    struct ja_error err = {0};
    bool ended = false;

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(refresh(&t->ctx, &first, &got, NULL), JA_OK);
    ja_fake_clock_advance(&t->clock, 3600); /* the access token is past its end */
    assert_int_equal(verify(&t->ctx, got.access.token, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "expired");
    assert_int_equal(ja_session_logout(&t->ctx, got.access.token, strlen(got.access.token), &ended,
                                       NULL),
                     JA_OK);
    assert_true(ended);
    assert_false(is_live(&t->ctx, id));
    assert_int_equal(ja_session_logout(&t->ctx, (const char *)got.refresh.data, got.refresh.len,
                                       &ended, NULL),
                     JA_OK);
    assert_false(ended);
    ja_auth_tokens_clear(&got);
    ja_secret_clear(&first);
}

static void logout_by_a_forged_token_ends_nothing(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], forged[JA_TOKEN_MAX];
    struct ja_secret first;
    struct ja_auth_tokens got = {0};
    bool ended = false;
    size_t len;

    open_session(&t->ctx, alice, id);
    first = first_refresh(&t->ctx, id);
    assert_int_equal(refresh(&t->ctx, &first, &got, NULL), JA_OK);
    len = strlen(got.access.token);
    memcpy(forged, got.access.token, len + 1);
    forged[len - 20] = forged[len - 20] == 'A' ? 'B' : 'A';
    assert_int_equal(ja_session_logout(&t->ctx, forged, len, &ended, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_session_logout(&t->ctx, "a.b.c", 5, &ended, NULL), JA_ERR_DENIED);
    assert_int_equal(ja_session_logout(&t->ctx, "", 0, &ended, NULL), JA_ERR_DENIED);
    assert_true(is_live(&t->ctx, id));
    ja_auth_tokens_clear(&got);
    ja_secret_clear(&first);
}

static enum ja_status open_pam(struct ja_ctx *ctx, const char *handle, const char *external,
                               struct ja_session *s, struct ja_minted *m, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_pam_session p = {.user = &u,
                               .service = "sshd",
                               .source = "192.0.2.1\nroot",
                               .tty = "pts/1",
                               .handle = handle,
                               .external_amr = external,
                               .pid = getpid()};
    enum ja_status st;

    assert_int_equal(ja_user_find_by_name(ctx, "alice", &u, NULL), JA_OK);
    st = ja_session_open_pam(ctx, &p, s, m, err);
    ja_user_clear(&u);
    return st;
}

static void a_pam_session_needs_a_proven_login(void **state)
{
    struct ja_test_store *t = *state;
    char handle[JA_HANDLE_LEN + 1];
    struct ja_session s = {0};
    struct ja_minted m = {0};
    struct ja_error err = {0};

    assert_int_equal(open_pam(&t->ctx, NULL, NULL, &s, &m, &err), JA_ERR_NOT_FOUND);
    assert_string_equal(err.code, "no_login");
    make_handle(&t->ctx, handle);
    assert_int_equal(open_pam(&t->ctx, handle, NULL, &s, &m, NULL), JA_OK);
    assert_string_equal(s.amr, "pwd otp mfa");
    assert_int_equal(s.pid, getpid());
    assert_int_equal(s.idle_ends_at, 0);
    assert_null(s.source); /* no address, so it is dropped */
    assert_int_equal(m.exp - m.iat, t->ctx.cfg->tokens.session_token_ttl);
    assert_int_equal(verify(&t->ctx, m.token, NULL), JA_OK);
    IN_TX(&t->ctx, ja_session_reap(&t->ctx, NULL, NULL));
    assert_true(is_live(&t->ctx, s.id));
    ja_session_clear(&s);
    ja_minted_clear(&m);
    assert_int_equal(open_pam(&t->ctx, handle, NULL, &s, &m, NULL), JA_ERR_NOT_FOUND); /* once */
    assert_int_equal(open_pam(&t->ctx, NULL, "pop", &s, &m, NULL), JA_OK);
    assert_string_equal(s.amr, "pop");
    ja_session_clear(&s);
    ja_minted_clear(&m);
}

static void r6_a_lock_after_the_login_wins_over_the_handle(void **state)
{
    struct ja_test_store *t = *state;
    char handle[JA_HANDLE_LEN + 1];
    struct ja_session s = {0};
    struct ja_minted m = {0};
    struct ja_error err = {0};

    make_handle(&t->ctx, handle);
    IN_TX(&t->ctx, ja_user_set_status(&t->ctx, alice, JA_USER_LOCKED, NULL));
    assert_int_equal(open_pam(&t->ctx, handle, "pop", &s, &m, &err), JA_ERR_DENIED);
    assert_string_equal(err.code, "user_inactive");
}

static void closing_is_audited_once(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    bool ended = false;
    int64_t rows = 0;
    struct ja_error err = {0};

    open_session(&t->ctx, alice, id);
    assert_int_equal(ja_session_close(&t->ctx, id, "logout", &ended, NULL), JA_OK);
    assert_true(ended);
    assert_int_equal(ja_session_close(&t->ctx, id, "logout", &ended, NULL), JA_OK);
    assert_false(ended);
    assert_int_equal(ja_audit_verify(&t->ctx, &rows, NULL), JA_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(ja_session_close(&t->ctx, alice, "logout", &ended, &err), JA_ERR_NOT_FOUND);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_lives_until_its_first_end),
        T(revoking_is_done_once_and_keeps_the_first_reason),
        T(an_unknown_or_malformed_id_is_not_found),
        T(r18_all_sessions_of_a_user_end_but_the_one_kept),
        T(r18_an_ended_session_is_revoked_too_so_a_clock_set_back_revives_none),
        T(lists_are_filtered_and_paged),
        cmocka_unit_test(a_start_time_is_read_past_brackets_in_the_name),
        T(sessions_of_ended_processes_and_former_boots_are_reaped),
        T(r17_a_token_is_used_once_and_its_child_goes_on),
        T(r17_a_lost_answer_is_repeated_within_the_grace_only),
        T(r17_a_clock_set_back_gives_no_long_grace),
        T(r17_no_grace_means_none),
        T(r17_ended_unknown_and_malformed_tokens_are_refused),
        T(r18_no_token_of_a_revoked_session_is_good),
        T(only_hashes_of_refresh_tokens_are_stored),
        T(r17_fifty_parallel_uses_rotate_once_and_leave_one_live_token),
        T(r5_a_handle_counts_once_for_its_own_user_and_service),
        T(a_handle_ends_after_two_minutes_by_either_clock),
        T(refresh_gives_new_tokens_and_moves_the_idle_end),
        T(r17_reuse_ends_the_family_and_is_written_down_before_the_refusal),
        T(refresh_ends_at_the_absolute_and_the_idle_end),
        T(no_access_token_outlives_its_session),
        T(logout_ends_the_session_by_either_token),
        T(logout_by_a_forged_token_ends_nothing),
        T(a_pam_session_needs_a_proven_login),
        T(r6_a_lock_after_the_login_wins_over_the_handle),
        T(closing_is_audited_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
