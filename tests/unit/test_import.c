/* Moving in: the parsers' words, and what the flows make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/domain/password_hash.h"
#include "common/domain/role.h"
#include "common/flow/account_flow.h"
#include "common/flow/import_flow.h"
#include "common/import/import_google_authenticator.h"
#include "common/import/import_oath_users.h"
#include "common/import/import_shadow.h"
#include "tests/unit/auth_world.h"

#include <stdio.h>
#include <string.h>

/* RFC 6238's secret; its code of step 41152263 (time 1234567890) is 005924. */
#define B32 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define HEX "3132333435363738393031323334353637383930"
#define RFC_TIME INT64_C(1234567890)
#define HASH6 "$6$abcdefgh$" A86
#define A86 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- google-authenticator ---- */

static enum ja_status google(const char *text, struct ja_import_factor *f, struct ja_error *err)
{
    return ja_import_google_authenticator("alice", text, strlen(text), f, err);
}

static void a_google_file_is_read_whole(void **state)
{
    struct ja_import_factor f = {0};

    (void)state;
    assert_int_equal(google(B32 "\n\" RATE_LIMIT 3 30 1\n\" WINDOW_SIZE 17\n\" DISALLOW_REUSE 7 900 12\n"
                                "\" TOTP_AUTH\n\" STEP_SIZE 60\n\" TIME_SKEW -8\n12345678\n00000000\n12345678\n", &f, NULL),
                     JA_OK);
    assert_string_equal(f.row.name, "alice");
    assert_true(ja_secret_equal(&f.totp.secret, "12345678901234567890", 20));
    assert_int_equal(f.totp.digits, 6);
    assert_int_equal(f.totp.period, 60);
    assert_true(f.totp.own_window);
    assert_int_equal(f.totp.step_window, 8);
    assert_int_equal(f.totp.last_step, 900);
    assert_int_equal(f.ncodes, 2);
    assert_string_equal(f.codes[0], "12345678");
    assert_string_equal(f.codes[1], "00000000");
    assert_non_null(strstr(f.row.message, "RATE_LIMIT"));
    ja_import_factor_clear(&f);
    /* Without an option of its own the window is the configuration's; the last line needs no newline. */
    assert_int_equal(google(B32 "\n\" TOTP_AUTH", &f, NULL), JA_OK);
    assert_false(f.totp.own_window);
    assert_int_equal(f.totp.period, 30);
    assert_null(f.row.message);
    ja_import_factor_clear(&f);
}

static void windows_of_google_cover_what_they_did(void **state)
{
    static const struct { int size, steps; } rows[] = {{1, 0}, {2, 1}, {3, 1}, {4, 2}, {5, 2}, {17, 8}, {21, 10}, {100, 50}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_import_factor f = {0};
        char text[128];

        (void)snprintf(text, sizeof text, B32 "\n\" TOTP_AUTH\n\" WINDOW_SIZE %d\n", rows[i].size);
        assert_int_equal(google(text, &f, NULL), JA_OK);
        assert_int_equal(f.totp.step_window, rows[i].steps);
        ja_import_factor_clear(&f);
    }
}

static void what_a_google_file_cannot_say_is_refused_with_its_line(void **state)
{
    static const struct { const char *text, *code, *where; } rows[] = {
        {"", "invalid_file", "empty"},
        {B32 "\n", "invalid_file", "TOTP_AUTH"},
        {B32 "\n\" TOTP_AUTH\n\" HOTP_COUNTER 1\n", "counter_based", "counter"},
        {B32 "\n\" TOTP_AUTH\n\" WINDOW_SIZE\n", "invalid_file", "line 3"},
        {B32 "\n\" TOTP_AUTH\n\" WINDOW_SIZE 3 4\n", "invalid_file", "line 3"},
        {B32 "\n\" TOTP_AUTH\n\" WINDOW_SIZE 0\n", "invalid_file", "line 3"},
        {B32 "\n\" TOTP_AUTH\n\" STEP_SIZE 61\n", "invalid_file", "line 3"},
        {B32 "\n\" TOTP_AUTH\n\"\n", "invalid_file", "line 3"},
        {B32 "\n\" TOTP_AUTH\n 12345678\n", "invalid_file", "line 3"},
        {B32 "\n\" TOTP_AUTH\n\" TIME_SKEW 1\n", "time_skew", "1 steps"},
        {B32 "\n\" TOTP_AUTH\n\" TIME_SKEW --1\n", "invalid_file", "line 3"},
        {B32 "\t\x01\n\" TOTP_AUTH\n", "invalid_file", "line 1"},
        {"!\n\" TOTP_AUTH\n", "invalid_secret", "base32"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_import_factor f = {0};
        struct ja_error err = {0};

        assert_int_equal(google(rows[i].text, &f, &err), JA_ERR_INVALID);
        assert_string_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.message, rows[i].where));
        assert_null(f.totp.secret.data);
        assert_null(strstr(err.message, B32));
    }
}

/* ---- pam_oath ---- */

static struct ja_import_factor one_oath(const char *text, int64_t now)
{
    struct ja_import_factor *rows = NULL, f = {0};
    size_t n = 0;

    assert_int_equal(ja_import_oath_users(text, strlen(text), now, &rows, &n, NULL), JA_OK);
    assert_int_equal(n, 1);
    f = rows[0];
    rows[0] = (struct ja_import_factor){0};
    ja_oath_users_free(rows, n);
    return f;
}

/* R11: the last used code is found in its step as long as it could be given again, and not later. */
static void r11_the_last_code_of_oath_is_used_up(void **state)
{
    const int64_t step = RFC_TIME / 30;
    struct ja_import_factor f = one_oath("HOTP/T30/6 alice - " HEX " 0 005924 2009-02-13T23:31:30L", RFC_TIME);

    (void)state;
    assert_int_equal(f.totp.last_step, step);
    ja_import_factor_clear(&f);
    f = one_oath("HOTP/T30/6 alice - " HEX " 0 005924", RFC_TIME + 10 * 30);
    assert_int_equal(f.totp.last_step, step);
    ja_import_factor_clear(&f);
    f = one_oath("HOTP/T30/6 alice - " HEX " 0 005924", RFC_TIME + 11 * 30);
    assert_int_equal(f.totp.last_step, 0);
    ja_import_factor_clear(&f);
    f = one_oath("HOTP/T30/6 alice - " HEX, RFC_TIME);
    assert_int_equal(f.totp.last_step, 0);
    assert_null(f.row.message);
    ja_import_factor_clear(&f);
    f = one_oath("HOTP/T60/8\talice\tgeheim\t3132333435363738393A", RFC_TIME);
    assert_int_equal(f.row.outcome, JA_IMPORT_READY);
    assert_int_equal(f.totp.period, 60);
    assert_int_equal(f.totp.digits, 8);
    assert_true(ja_secret_equal(&f.totp.secret, "123456789:", 10));
    assert_null(strstr(f.row.message, "geheim"));
    assert_non_null(strstr(f.row.message, "128 bits"));
    ja_import_factor_clear(&f);
}

/* ---- passwd and shadow ---- */

static struct ja_import_account *shadow(const char *passwd, const char *aged, int64_t now, size_t *n)
{
    const struct ja_shadow_files files = {passwd, aged, strlen(passwd), strlen(aged)};
    struct ja_import_account *rows = NULL;

    assert_int_equal(ja_import_shadow(&files, now, &rows, n, NULL), JA_OK);
    return rows;
}

static void ages_are_those_of_pam_unix(void **state)
{
    /* today is day 20000; rest: shadow's fields from the day of the last change on */
    static const struct {
        const char *rest;
        int64_t changed, until; /* days; until -1: never */
        bool must_change, over_age;
    } rows[] = {
        {"19000:0:99999:7:::", 19000, -1, false, false},
        {"::::::", 0, -1, false, false},
        {"0:0:99999:7:::", 0, -1, true, false},
        {"19910:0:90:7:::", 19910, -1, false, false},
        {"19909:0:90:7:::", 19909, -1, true, false},
        {"19880:0:90:7:30::", 19880, -1, true, false},
        {"19879:0:90:7:30::", 19879, -1, true, true},
        {"19879:0::7:30::", 19879, -1, false, false},
        {"19000:0:99999:7::20001:", 19000, 20001, false, false},
        {"19000:0:99999:7::1:", 19000, 1, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char aged[200];
        size_t n = 0;
        struct ja_import_account *a;

        (void)snprintf(aged, sizeof aged, "ann:%s:%s\n", HASH6, rows[i].rest);
        a = shadow("ann:x:1001:1001::/home/ann:/bin/bash\n", aged, 20000 * INT64_C(86400) + 5, &n);
        assert_int_equal(n, 1);
        assert_int_equal(a[0].row.outcome, JA_IMPORT_READY);
        assert_int_equal(a[0].user.password_changed_at, rows[i].changed * 86400);
        assert_int_equal(a[0].user.valid_until, rows[i].until < 0 ? 0 : rows[i].until * 86400);
        assert_int_equal(a[0].user.must_change, rows[i].must_change);
        assert_int_equal(ja_import_locked(&a[0]), rows[i].over_age);
        assert_string_equal(a[0].user.password_hash, HASH6);
        ja_shadow_free(a, n);
    }
    /* Changed tomorrow: by a clock that was wrong. Expired on day 0: has been, and is not "never". */
    {
        size_t n = 0;
        struct ja_import_account *a = shadow("ann:x:1001:1001::/h:/bin/sh", "ann:*:20001:0:9:7::0:", 20000 * INT64_C(86400), &n);

        assert_int_equal(a[0].user.password_changed_at, 20000 * INT64_C(86400));
        assert_false(a[0].user.must_change);
        assert_int_equal(a[0].user.valid_until, 1);
        ja_shadow_free(a, n);
    }
}

static void password_fields_are_taken_apart(void **state)
{
    static const struct { const char *field, *hash; bool locked; } rows[] = {
        {HASH6, HASH6, false}, {"!" HASH6, HASH6, true}, {"!!" HASH6, HASH6, true}, {"!", NULL, true},
        {"!!", NULL, true}, {"*", NULL, false}, {"!*", NULL, true}, {"", NULL, false},
        {"!jwtauth!" HASH6, HASH6, false}, {"!jwtauth!!" HASH6, HASH6, true}, {"!jwtauth!*", NULL, false},
        {"*LK*", NULL, false}, {"NP", "NP", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_import_account a = {0};

        assert_int_equal(ja_import_password(&a, rows[i].field, NULL), JA_OK);
        assert_int_equal(a.locked, rows[i].locked);
        if (rows[i].hash)
            assert_string_equal(a.user.password_hash, rows[i].hash);
        else
            assert_null(a.user.password_hash);
        ja_import_account_clear(&a);
    }
}

static void a_hash_in_passwd_itself_counts_as_it_does_for_the_system(void **state)
{
    size_t n = 0;
    struct ja_import_account *a = shadow("ann:" HASH6 ":1001:1001::/h:/bin/sh\n", "ann:$6$other$x:19000:::::1:\n", 0, &n);

    (void)state;
    assert_string_equal(a[0].user.password_hash, HASH6);
    assert_int_equal(a[0].user.valid_until, 86400);
    ja_shadow_free(a, n);
}

/* ---- flows ---- */

static struct ja_import_account *two(size_t *n)
{
    return shadow("ann:x:3001:3001::/home/ann:/bin/sh\nbob2:x:3002:3002::/home/bob2:/bin/sh\n",
                  "ann:" HASH6 ":19000:0:99999:7:::\nbob2:!" HASH6 ":19000:0:99999:7:::\n", JA_TEST_EPOCH, n);
}

static int64_t users(struct world *w)
{
    return number(w, "SELECT COUNT(*) AS n FROM users WHERE deleted_at IS NULL");
}

static void imported_accounts_keep_date_hash_and_lock(void **state)
{
    struct world *w = *state;
    const struct ja_import_mode mode = {.source = "shadow"};
    struct ja_import_tally t = {0};
    struct ja_user u = {0};
    size_t n = 0;
    struct ja_import_account *rows = two(&n);

    assert_int_equal(ja_import_accounts(w->ctx, rows, n, &mode, &t, NULL), JA_OK);
    assert_int_equal(t.added, 2);
    assert_int_equal(ja_user_find_by_name(w->ctx, "ann", &u, NULL), JA_OK);
    assert_int_equal(u.password_changed_at, 19000 * INT64_C(86400));
    assert_string_equal(u.password_hash, HASH6);
    assert_int_equal(u.status, JA_USER_ACTIVE);
    ja_user_clear(&u);
    assert_int_equal(ja_user_find_by_name(w->ctx, "bob2", &u, NULL), JA_OK);
    assert_int_equal(u.status, JA_USER_LOCKED);
    ja_user_clear(&u);
    assert_int_equal(ja_account_unlock(w->ctx, "bob2", NULL), JA_OK);
    assert_int_equal(ja_user_find_by_name(w->ctx, "bob2", &u, NULL), JA_OK);
    assert_int_equal(u.status, JA_USER_ACTIVE);
    ja_user_clear(&u);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'user.import'"), 2);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'import.shadow'"), 1);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE detail LIKE '%$6$%'"), 0);
    ja_shadow_free(rows, n);
}

/* What a row is taken for between judgement and write is the store's to refuse: nobody is written then. */
static void nothing_is_written_by_a_dry_run_or_with_a_bad_row(void **state)
{
    struct world *w = *state;
    struct ja_import_mode mode = {.source = "shadow", .dry_run = true};
    struct ja_import_tally t = {0};
    int64_t before = users(w), rows_before = number(w, "SELECT COUNT(*) AS n FROM audit_log");
    size_t n = 0;
    struct ja_import_account *rows = two(&n);

    assert_int_equal(ja_import_accounts(w->ctx, rows, n, &mode, &t, NULL), JA_OK);
    assert_int_equal(rows[0].row.outcome, JA_IMPORT_PLANNED);
    ja_shadow_free(rows, n);
    mode.dry_run = false;
    rows = two(&n);
    rows[1].user.password_hash[1] = '9'; /* no scheme */
    assert_int_equal(ja_import_accounts(w->ctx, rows, n, &mode, &t, NULL), JA_OK);
    assert_int_equal(rows[0].row.outcome, JA_IMPORT_HELD);
    assert_int_equal(rows[1].row.outcome, JA_IMPORT_FAILED);
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.added, 0);
    ja_shadow_free(rows, n);
    assert_int_equal(users(w), before);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log"), rows_before);
}

static void who_may_not_change_accounts_imports_none(void **state)
{
    struct world *w = *state;
    struct ja_import_mode mode = {.source = "shadow"};
    struct ja_import_tally t = {0};
    struct ja_error err = {0};
    struct ja_import_factor f = {0};
    int64_t before = users(w);
    size_t n = 0;
    struct ja_import_account *rows = two(&n);

    w->ctx->actor.name = "user:alice";
    assert_int_equal(ja_import_accounts(w->ctx, rows, n, &mode, &t, &err), JA_ERR_FORBIDDEN);
    mode.adopt = true;
    assert_int_equal(ja_import_accounts(w->ctx, rows, n, &mode, &t, &err), JA_ERR_FORBIDDEN);
    assert_int_equal(google(B32 "\n\" TOTP_AUTH\n", &f, NULL), JA_OK);
    assert_int_equal(ja_import_factors(w->ctx, &f, 1, &mode, &t, &err), JA_ERR_FORBIDDEN);
    assert_string_equal(err.code, "forbidden");
    assert_int_equal(ja_export_each(w->ctx, JA_EXPORT_USERS, NULL, NULL, &err), JA_ERR_FORBIDDEN);
    /* Hashes are not even for who may read accounts. */
    w->ctx->actor.name = "root";
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_role_grant(w->ctx, w->alice, "admin", 0, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    w->ctx->actor.name = "user:alice";
    assert_int_equal(ja_export_each(w->ctx, JA_EXPORT_SHADOW, NULL, NULL, &err), JA_ERR_FORBIDDEN);
    w->ctx->actor.name = "root";
    assert_int_equal(users(w), before);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM totp WHERE user_id = (SELECT id FROM users WHERE username = 'alice')"), 0);
    ja_import_factor_clear(&f);
    ja_shadow_free(rows, n);
}

/* R11: codes of an imported factor count by its own window. */
static void r11_a_login_goes_by_the_window_of_the_factor(void **state)
{
    struct world *w = *state;
    const struct ja_import_mode mode = {.source = "google-authenticator"};
    struct ja_import_tally t = {0};
    struct ja_import_factor f = {0};
    struct outcome o;
    char code[9];

    assert_int_equal(google(B32 "\n\" TOTP_AUTH\n\" WINDOW_SIZE 9\n12345678\n", &f, NULL), JA_OK);
    assert_int_equal(ja_import_factors(w->ctx, &f, 1, &mode, &t, NULL), JA_OK);
    assert_int_equal(t.added, 1);
    memcpy(w->secret, "12345678901234567890", 20);
    code_of(w, -5, code);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = code);
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    code_of(w, -4, code);
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = code);
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = "12345678");
    assert_true(allowed(&o));
    o = LOGIN(w, .user = "alice", .password = RIGHT, .code = "12345678");
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    ja_import_factor_clear(&f);
}

#define W(t) cmocka_unit_test_setup_teardown(t, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_google_file_is_read_whole),
        cmocka_unit_test(windows_of_google_cover_what_they_did),
        cmocka_unit_test(what_a_google_file_cannot_say_is_refused_with_its_line),
        cmocka_unit_test(r11_the_last_code_of_oath_is_used_up),
        cmocka_unit_test(ages_are_those_of_pam_unix),
        cmocka_unit_test(password_fields_are_taken_apart),
        cmocka_unit_test(a_hash_in_passwd_itself_counts_as_it_does_for_the_system),
        W(imported_accounts_keep_date_hash_and_lock),
        W(nothing_is_written_by_a_dry_run_or_with_a_bad_row),
        W(who_may_not_change_accounts_imports_none),
        W(r11_a_login_goes_by_the_window_of_the_factor),
    };

    if (ja_crypto_init(NULL) != JA_OK)
        return 99;
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
