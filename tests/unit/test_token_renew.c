/* Token files of open PAM sessions, as jwtauthd keeps them (PAM.md, "The token file"). Root: the files become another
 * user's. */
#include "common/base/proc.h"
#include "common/base/token_file.h"
#include "common/domain/session.h"
#include "common/domain/token.h"
#include "common/flow/session_flow.h"
#include "tests/support/temp_db.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UID 54321
#define HALF (30 * 60) /* of session_token_ttl */

static char alice[JA_UUID_LEN + 1];

/* Past every check. */
static void write_sql(struct ja_test_store *t, const char *sql)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/state/jwtauth.db", t->dir);
    ja_temp_db_raw(path, sql);
}

static int setup(void **state)
{
    struct ja_test_store *t = ja_test_store_new(NULL);

    ja_test_user(t, "alice", NULL, alice);
    write_sql(t, "UPDATE users SET uid = 54321, gid = 54321");
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

/* A session as PAM opens it, held by this process, with its token file; for an audience of its own. */
static void open_held(struct ja_test_store *t, char id[JA_UUID_LEN + 1], char path[JA_TOKEN_PATH_MAX])
{
    struct ja_user u = {0};
    struct ja_session s = {0};
    struct ja_minted m = {0};
    struct ja_pam_session p = {.user = &u, .service = "sshd", .external_amr = "hwk", .audience = "billing",
                               .pid = getpid()};

    assert_int_equal(ja_user_find_by_name(&t->ctx, "alice", &u, NULL), JA_OK);
    assert_int_equal(ja_session_open_pam(&t->ctx, &p, &s, &m, NULL), JA_OK);
    assert_int_equal(ja_token_file_write(t->ctx.cfg->paths.run, s.id, m.token, u.uid, u.gid, path, NULL), JA_OK);
    memcpy(id, s.id, JA_UUID_LEN + 1);
    ja_minted_clear(&m);
    ja_session_clear(&s);
    ja_user_clear(&u);
}

static char *read_file(const char *path)
{
    static char text[16384];
    FILE *f = fopen(path, "re");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    (void)fclose(f);
    return text;
}

/* The claims of the file's token, which verifies now. */
static json_t *claims_of(struct ja_test_store *t, const char *path)
{
    struct ja_token_check check = ja_token_check_default(&t->ctx);
    const char *token = read_file(path);
    struct ja_error err = {0};
    json_t *claims = NULL;

    check.audience = "billing";
    if (ja_token_verify(&t->ctx, token, strlen(token), &check, false, &claims, &err) != JA_OK)
        fail_msg("%s", err.message);
    return claims;
}

static int64_t number(json_t *claims, const char *name)
{
    return json_integer_value(json_object_get(claims, name));
}

static int64_t renew(struct ja_test_store *t)
{
    struct ja_error err = {0};
    int64_t n = -1;

    if (ja_session_renew_files(&t->ctx, &n, &err) != JA_OK)
        fail_msg("%s", err.message);
    return n;
}

static void a_token_half_over_is_replaced_and_the_rest_of_the_session_stays(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], path[JA_TOKEN_PATH_MAX];
    json_t *first, *next;
    struct stat sb;

    open_held(t, id, path);
    first = claims_of(t, path);
    ja_fake_clock_advance(&t->clock, HALF - 1);
    assert_int_equal(renew(t), 0);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(renew(t), 1);
    assert_int_equal(renew(t), 0); /* it has a new one */
    next = claims_of(t, path);
    assert_int_equal(number(next, "exp"), number(first, "exp") + HALF);
    assert_int_equal(number(next, "auth_time"), number(first, "auth_time"));
    assert_string_not_equal(json_string_value(json_object_get(next, "jti")),
                            json_string_value(json_object_get(first, "jti")));
    assert_true(json_equal(json_object_get(next, "aud"), json_object_get(first, "aud")));
    assert_true(json_equal(json_object_get(next, "amr"), json_object_get(first, "amr")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(next, "amr"), 0)), "hwk");
    assert_string_equal(json_string_value(json_object_get(next, "sid")), id);
    assert_int_equal(lstat(path, &sb), 0);
    assert_int_equal(sb.st_mode, S_IFREG | 0600);
    assert_int_equal(sb.st_uid, UID);
    assert_int_equal(sb.st_gid, UID);
    *strrchr(path, '/') = 0;
    (void)snprintf(path + strlen(path), 16, "/.token.new");
    assert_int_equal(access(path, F_OK), -1);
    json_decref(first);
    json_decref(next);
}

static void for_a_day_the_token_in_the_file_is_good_until_session_max(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], path[JA_TOKEN_PATH_MAX];
    int64_t end = 0;

    open_held(t, id, path);
    end = ja_now(&t->ctx.clock) + t->ctx.cfg->tokens.session_max;
    while (ja_now(&t->ctx.clock) < end) {
        json_t *claims;

        (void)renew(t);
        claims = claims_of(t, path);
        assert_true(number(claims, "exp") <= end);
        assert_true(number(claims, "exp") - ja_now(&t->ctx.clock) >= 20 * 60 - 15 || number(claims, "exp") == end);
        json_decref(claims);
        ja_fake_clock_advance(&t->clock, 600);
    }
    assert_int_equal(renew(t), 0);
    assert_int_equal(ja_session_sweep_files(&t->ctx, &end, NULL), JA_OK);
    assert_int_equal(end, 1);
    assert_int_equal(access(path, F_OK), -1);
}

/* R18 */
static void nobody_gets_a_token_who_may_not_go_on(void **state)
{
    static const char *const why[] = {
        "UPDATE sessions SET revoked_at = 1, revoke_reason = 'x'",
        "UPDATE users SET status = 'locked'",
        "UPDATE users SET valid_until = 1",
        "UPDATE users SET password_hash = 'x', must_change = 1",
        "UPDATE sessions SET boot_id = '00000000-0000-4000-8000-000000000000'",
        "UPDATE sessions SET pid_start = pid_start + 1",
        "UPDATE sessions SET boot_id = NULL",
    };
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], path[JA_TOKEN_PATH_MAX], before[16384];

    open_held(t, id, path);
    (void)snprintf(before, sizeof before, "%s", read_file(path));
    ja_fake_clock_advance(&t->clock, HALF);
    for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
        write_sql(t, "CREATE TABLE s AS SELECT * FROM sessions");
        write_sql(t, "CREATE TABLE u AS SELECT * FROM users");
        write_sql(t, why[i]);
        if (renew(t) != 0 || strcmp(read_file(path), before) != 0)
            fail_msg("renewed in spite of: %s", why[i]);
        write_sql(t, "UPDATE sessions SET revoked_at = NULL, boot_id = (SELECT boot_id FROM s), "
                           "pid_start = (SELECT pid_start FROM s)");
        write_sql(t, "UPDATE users SET status = 'active', valid_until = NULL, password_hash = NULL, "
                           "must_change = 0");
        write_sql(t, "DROP TABLE s");
        write_sql(t, "DROP TABLE u");
    }
    assert_int_equal(renew(t), 1); /* it was none but that */
}

static void a_file_that_is_gone_does_not_come_back(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], path[JA_TOKEN_PATH_MAX];
    struct ja_error err = {0};

    open_held(t, id, path);
    assert_int_equal(unlink(path), 0); /* close_session is at it */
    ja_fake_clock_advance(&t->clock, HALF);
    assert_int_equal(renew(t), 0);
    assert_int_equal(ja_token_file_renew(t->ctx.cfg->paths.run, id, "x", UID, UID, &err), JA_ERR_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ja_token_file_remove(t->ctx.cfg->paths.run, id, NULL), JA_OK);
    *strrchr(path, '/') = 0;
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ja_token_file_renew(t->ctx.cfg->paths.run, id, "x", UID, UID, &err), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_token_file_renew(t->ctx.cfg->paths.run, "../../etc", "x", UID, UID, &err), JA_ERR_INVALID);
    assert_int_equal(ja_token_file_renew(t->ctx.cfg->paths.run, id, "x", 0, UID, &err), JA_ERR_INVALID);
}

/* R22 */
static void a_link_in_the_way_is_not_followed(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], path[JA_TOKEN_PATH_MAX], folder[JA_TOKEN_PATH_MAX], victim[128];
    FILE *f;

    open_held(t, id, path);
    (void)snprintf(victim, sizeof victim, "%s/victim", t->dir);
    f = fopen(victim, "we");
    assert_non_null(f);
    assert_true(fputs("kept", f) >= 0);
    (void)fclose(f);
    (void)snprintf(folder, sizeof folder, "%.*s.token.new", (int)(strrchr(path, '/') + 1 - path), path);
    assert_int_equal(symlink(victim, folder), 0); /* a left-over name */
    ja_fake_clock_advance(&t->clock, HALF);
    assert_int_equal(renew(t), 1);
    assert_string_equal(read_file(victim), "kept");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(victim, path), 0);
    ja_fake_clock_advance(&t->clock, HALF);
    assert_int_equal(renew(t), 1); /* replaces the link */
    assert_string_equal(read_file(victim), "kept");
    (void)unlink(victim);
}

static void many_sessions_of_one_process_all_have_their_turn(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], path[JA_TOKEN_PATH_MAX];

    for (int i = 0; i < 2 * JA_SESSION_DUE_BATCH + 3; i++)
        open_held(t, id, path);
    ja_fake_clock_advance(&t->clock, HALF);
    assert_int_equal(renew(t), 2 * JA_SESSION_DUE_BATCH + 3);
}

static void files_of_ended_sessions_are_swept_and_no_others(void **state)
{
    struct ja_test_store *t = *state;
    char live[JA_UUID_LEN + 1], over[JA_UUID_LEN + 1], kept[JA_TOKEN_PATH_MAX], gone[JA_TOKEN_PATH_MAX],
        unknown[JA_TOKEN_PATH_MAX];
    bool ended = false;
    int64_t n = 0;

    open_held(t, live, kept);
    open_held(t, over, gone);
    assert_int_equal(ja_token_file_write(t->ctx.cfg->paths.run, "00000000-0000-7000-8000-000000000000", "x", UID, UID,
                                         unknown, NULL), JA_OK);
    assert_int_equal(ja_session_close(&t->ctx, over, "admin", &ended, NULL), JA_OK);
    assert_int_equal(ja_session_sweep_files(&t->ctx, &n, NULL), JA_OK);
    assert_int_equal(n, 2);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(access(gone, F_OK), -1);
    assert_int_equal(access(unknown, F_OK), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_token_half_over_is_replaced_and_the_rest_of_the_session_stays),
        T(for_a_day_the_token_in_the_file_is_good_until_session_max),
        T(nobody_gets_a_token_who_may_not_go_on),
        T(a_file_that_is_gone_does_not_come_back),
        T(a_link_in_the_way_is_not_followed),
        T(many_sessions_of_one_process_all_have_their_turn),
        T(files_of_ended_sessions_are_swept_and_no_others),
    };

    if (geteuid() != 0)
        return 77; /* fchown */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
