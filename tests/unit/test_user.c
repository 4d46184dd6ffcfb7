#include "common/domain/role.h"
#include "common/domain/nss_export.h"
#include "common/domain/user.h"
#include "tests/support/temp_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = ja_test_store_new("history = 3\n");
    return 0;
}

static int teardown(void **state)
{
    ja_test_store_free(*state);
    return 0;
}

static struct ja_user plain(const char *name)
{
    struct ja_user u = {.kind = JA_USER_PERSON, .status = JA_USER_ACTIVE};

    (void)snprintf(u.username, sizeof u.username, "%s", name);
    u.home = strdup("/home/x");
    u.shell = strdup("/bin/sh");
    return u;
}

static enum ja_status insert(struct ja_ctx *ctx, struct ja_user *u, struct ja_error *err)
{
    enum ja_status st;

    assert_int_equal(ja_db_begin(ctx->db, NULL), JA_OK);
    st = ja_user_insert(ctx, u, err);
    if (st == JA_OK)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK)
        ja_db_rollback(ctx->db);
    return st;
}

/* Runs one change in a transaction of its own. */
#define IN_TX(ctx, call) \
    do { \
        assert_int_equal(ja_db_begin((ctx)->db, NULL), JA_OK); \
        assert_int_equal((call), JA_OK); \
        assert_int_equal(ja_db_commit((ctx)->db, NULL), JA_OK); \
    } while (0)

static enum ja_user_status status_of(struct ja_ctx *ctx, const char *id)
{
    struct ja_user u = {0};
    enum ja_user_status s;

    assert_int_equal(ja_user_find_by_id(ctx, id, &u, NULL), JA_OK);
    s = u.status;
    ja_user_clear(&u);
    return s;
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

/* ---- look-up ---- */

static void a_user_is_found_by_each_of_its_names(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = plain("alice"), got = {0};
    const char *const names[] = {"alice", "ALICE@example.org", " Alice@Example.ORG ",
                                 "+49 170 1234567"};

    u.email = strdup("Alice@example.org");
    u.phone = strdup("+491701234567");
    assert_int_equal(insert(&t->ctx, &u, NULL), JA_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(ja_user_find(&t->ctx, names[i], &got, NULL), JA_OK);
        assert_string_equal(got.id, u.id);
        assert_string_equal(got.email, "Alice@example.org");
        assert_false(got.mfa);
        ja_user_clear(&got);
    }
    assert_int_equal(ja_user_find_by_uid(&t->ctx, u.uid, &got, NULL), JA_OK);
    assert_string_equal(got.username, "alice");
    ja_user_clear(&got);
    ja_user_clear(&u);
}

/* CVE-2025-6013: blanks or another letter case around a name lead to no other account. */
static void r5_a_name_matches_byte_by_byte_only(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], long_name[65537];
    struct ja_user got = {0};
    struct ja_error err = {0};
    const char *const names[] = {"Alice", "alice ", " alice", "ALICE", "alice\n", "alic\xc3\xa9",
                                 "alice'--", "", "-alice", long_name};

    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    ja_test_user(t, "alice", NULL, id);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(ja_user_find(&t->ctx, names[i], &got, &err), JA_ERR_NOT_FOUND);
        assert_string_equal(err.code, "user_not_found");
    }
    assert_int_equal(ja_user_find(&t->ctx, NULL, &got, &err), JA_ERR_NOT_FOUND);
}

static void mfa_means_a_confirmed_second_factor(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_user got = {0};

    ja_test_user(t, "alice", NULL, id);
    IN_TX(&t->ctx, ja_db_exec(t->ctx.db,
                              "INSERT INTO totp (user_id, secret, algorithm, digits, period, "
                              "created_at, updated_at) VALUES ($1, 'x', 'SHA1', 6, 30, 1, 1)",
                              JA_BINDS(JA_T(id)), NULL, NULL));
    assert_int_equal(ja_user_find_by_id(&t->ctx, id, &got, NULL), JA_OK);
    assert_false(got.mfa);
    ja_user_clear(&got);
    IN_TX(&t->ctx, ja_db_exec(t->ctx.db, "UPDATE totp SET confirmed_at = 5 WHERE user_id = $1",
                              JA_BINDS(JA_T(id)), NULL, NULL));
    assert_int_equal(ja_user_find_by_id(&t->ctx, id, &got, NULL), JA_OK);
    assert_true(got.mfa);
    ja_user_clear(&got);
}

/* ---- unique names ---- */

static void each_taken_name_has_its_own_code(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user first = plain("alice"), other;
    struct ja_error err = {0};

    first.email = strdup("a@example.org");
    first.phone = strdup("+491701234567");
    assert_int_equal(insert(&t->ctx, &first, NULL), JA_OK);

    other = plain("alice");
    assert_int_equal(insert(&t->ctx, &other, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "username_taken");
    ja_user_clear(&other);

    other = plain("bob");
    other.email = strdup("A@EXAMPLE.org");
    assert_int_equal(insert(&t->ctx, &other, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "email_taken");
    ja_user_clear(&other);

    other = plain("bob");
    other.phone = strdup("+491701234567");
    assert_int_equal(insert(&t->ctx, &other, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "phone_taken");
    ja_user_clear(&other);

    other = plain("bob");
    other.uid = first.uid;
    assert_int_equal(insert(&t->ctx, &other, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "uid_taken");
    ja_user_clear(&other);
    assert_int_equal(COUNT(&t->ctx, "SELECT COUNT(*) AS n FROM users", JA_NO_BINDS), 1);
    ja_user_clear(&first);
}

static void an_update_into_a_taken_name_is_refused_too(void **state)
{
    struct ja_test_store *t = *state;
    char a[JA_UUID_LEN + 1], b[JA_UUID_LEN + 1];
    struct ja_user u = {0};
    struct ja_error err = {0};

    ja_test_user(t, "alice", NULL, a);
    ja_test_user(t, "bob", NULL, b);
    assert_int_equal(ja_user_find_by_id(&t->ctx, b, &u, NULL), JA_OK);
    (void)snprintf(u.username, sizeof u.username, "alice");
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_user_update(&t->ctx, &u, &err), JA_ERR_EXISTS);
    ja_db_rollback(t->ctx.db);
    assert_string_equal(err.code, "username_taken");
    ja_user_clear(&u);
}

/* ---- uids ---- */

/* The groups of roles count as well: what comes first once they have theirs. */
static int64_t first_uid(struct ja_test_store *t)
{
    bool written = false;

    assert_int_equal(ja_nss_export_refresh(&t->ctx, &written, NULL), JA_OK);
    return t->ctx.cfg->accounts.uid_min + 5; /* five roles of init */
}

static void uids_count_up_and_are_never_given_out_again(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user a = plain("alice"), b = plain("bob"), c = plain("carol"), d = plain("dave");
    struct ja_error err = {0};
    int64_t first = first_uid(t);

    assert_int_equal(insert(&t->ctx, &a, NULL), JA_OK);
    assert_int_equal(insert(&t->ctx, &b, NULL), JA_OK);
    assert_int_equal(a.uid, first);
    assert_int_equal(a.gid, a.uid);
    assert_int_equal(b.uid, a.uid + 1);
    IN_TX(&t->ctx, ja_user_delete(&t->ctx, b.id, NULL));
    assert_int_equal(insert(&t->ctx, &c, NULL), JA_OK);
    assert_int_equal(c.uid, b.uid + 1);
    d.uid = b.uid; /* nor when an administrator asks for it */
    assert_int_equal(insert(&t->ctx, &d, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "uid_taken");
    d.uid = first - 1; /* nor the group of a role */
    assert_int_equal(insert(&t->ctx, &d, &err), JA_ERR_EXISTS);
    assert_string_equal(err.code, "uid_taken");
    ja_user_clear(&a);
    ja_user_clear(&b);
    ja_user_clear(&c);
    ja_user_clear(&d);
}

static void a_uid_that_was_named_is_skipped_by_the_counter(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user named = plain("named"), shared = plain("shared"), next = plain("next");

    named.uid = first_uid(t);
    named.gid = named.uid + 5;
    shared.uid = named.uid + 9;
    shared.gid = named.uid + 1; /* somebody's group already: not a new user's own */
    assert_int_equal(insert(&t->ctx, &named, NULL), JA_OK);
    assert_int_equal(insert(&t->ctx, &shared, NULL), JA_OK);
    assert_int_equal(insert(&t->ctx, &next, NULL), JA_OK);
    assert_int_equal(next.uid, named.uid + 2);
    ja_user_clear(&named);
    ja_user_clear(&shared);
    ja_user_clear(&next);
}

/* 65534 is nobody's in /etc/passwd and nogroup's in /etc/group on every Debian. */
static void local_uids_are_skipped_and_the_end_of_the_range_is_told(void **state)
{
    struct ja_test_store *t = ja_test_store_new("[accounts]\nuid_min = 65534\nuid_max = 65535\n");
    struct ja_user a = plain("alice"), b = plain("bob");
    struct ja_error err = {0};

    (void)state;
    assert_int_equal(insert(&t->ctx, &a, NULL), JA_OK);
    assert_int_equal(a.uid, 65535);
    assert_int_equal(insert(&t->ctx, &b, &err), JA_ERR_CONFLICT);
    assert_string_equal(err.code, "no_free_uid");
    assert_non_null(strstr(err.message, "uid_max"));
    ja_user_clear(&a);
    ja_user_clear(&b);
    ja_test_store_free(t);
}

/* ---- status ---- */

static void lock_and_disable_are_taken_back_one_by_one(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = plain("alice");
    enum ja_user_status after = JA_USER_ACTIVE;

    u.status = JA_USER_PENDING;
    assert_int_equal(insert(&t->ctx, &u, NULL), JA_OK);
    IN_TX(&t->ctx, ja_user_set_status(&t->ctx, u.id, JA_USER_LOCKED, NULL));
    assert_int_equal(status_of(&t->ctx, u.id), JA_USER_LOCKED);
    IN_TX(&t->ctx, ja_user_set_status(&t->ctx, u.id, JA_USER_DISABLED, NULL));
    assert_int_equal(status_of(&t->ctx, u.id), JA_USER_DISABLED);
    IN_TX(&t->ctx, ja_user_restore_status(&t->ctx, u.id, &after, NULL));
    assert_int_equal(after, JA_USER_LOCKED); /* enabling does not unlock */
    IN_TX(&t->ctx, ja_user_restore_status(&t->ctx, u.id, &after, NULL));
    assert_int_equal(after, JA_USER_PENDING); /* and neither verifies */
    ja_user_clear(&u);
}

static void locking_a_disabled_user_keeps_both(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    enum ja_user_status after = JA_USER_ACTIVE;

    ja_test_user(t, "alice", NULL, id);
    IN_TX(&t->ctx, ja_user_set_status(&t->ctx, id, JA_USER_DISABLED, NULL));
    IN_TX(&t->ctx, ja_user_set_status(&t->ctx, id, JA_USER_LOCKED, NULL));
    assert_int_equal(status_of(&t->ctx, id), JA_USER_DISABLED);
    IN_TX(&t->ctx, ja_user_restore_status(&t->ctx, id, &after, NULL));
    assert_int_equal(after, JA_USER_LOCKED);
    IN_TX(&t->ctx, ja_user_restore_status(&t->ctx, id, &after, NULL));
    assert_int_equal(after, JA_USER_ACTIVE);
}

static void a_planned_lock_sets_in_by_itself(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    enum ja_user_status after = JA_USER_LOCKED;

    ja_test_user(t, "alice", NULL, id);
    IN_TX(&t->ctx, ja_user_set_lock_at(&t->ctx, id, JA_TEST_EPOCH + 60, NULL));
    ja_fake_clock_advance(&t->clock, 59);
    assert_int_equal(status_of(&t->ctx, id), JA_USER_ACTIVE);
    ja_fake_clock_advance(&t->clock, 1);
    assert_int_equal(status_of(&t->ctx, id), JA_USER_LOCKED);
    IN_TX(&t->ctx, ja_user_restore_status(&t->ctx, id, &after, NULL));
    assert_int_equal(after, JA_USER_ACTIVE);
}

/* ---- password ---- */

static enum ja_status collect(void *arg, const char *hash, bool *stop)
{
    (void)stop;
    strncat(arg, hash, 8);
    return JA_OK;
}

static void the_history_holds_the_last_hashes_only(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1], seen[64] = "";
    const char *const hashes[] = {"1", "2", "3", "4", "5"};

    ja_test_user(t, "alice", NULL, id);
    for (size_t i = 0; i < 5; i++) {
        IN_TX(&t->ctx, ja_user_set_password(&t->ctx, id, hashes[i], false, NULL));
        ja_fake_clock_advance(&t->clock, 1);
    }
    assert_int_equal(ja_user_history_each(&t->ctx, id, 10, collect, seen, NULL), JA_OK);
    assert_string_equal(seen, "543");
    seen[0] = 0;
    assert_int_equal(ja_user_history_each(&t->ctx, id, 2, collect, seen, NULL), JA_OK);
    assert_string_equal(seen, "54");
}

static void a_rehash_never_undoes_a_password_change(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_user u = {0};

    ja_test_user(t, "alice", NULL, id);
    IN_TX(&t->ctx, ja_user_set_password(&t->ctx, id, "old", false, NULL));
    IN_TX(&t->ctx, ja_user_set_password(&t->ctx, id, "changed", false, NULL));
    ja_fake_clock_advance(&t->clock, 10);
    IN_TX(&t->ctx, ja_user_rehash(&t->ctx, id, "old", "old rehashed", NULL));
    assert_int_equal(ja_user_find_by_id(&t->ctx, id, &u, NULL), JA_OK);
    assert_string_equal(u.password_hash, "changed");
    ja_user_clear(&u);
    IN_TX(&t->ctx, ja_user_rehash(&t->ctx, id, "changed", "rehashed", NULL));
    assert_int_equal(ja_user_find_by_id(&t->ctx, id, &u, NULL), JA_OK);
    assert_string_equal(u.password_hash, "rehashed");
    assert_int_equal(u.password_changed_at, JA_TEST_EPOCH);
    ja_user_clear(&u);
}

static void each_cut_is_later_than_the_one_before(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_user u = {0};

    ja_test_user(t, "alice", NULL, id);
    IN_TX(&t->ctx, ja_user_cut_tokens(&t->ctx, id, 1000, NULL));
    IN_TX(&t->ctx, ja_user_cut_tokens(&t->ctx, id, 900, NULL));
    assert_int_equal(ja_user_find_by_id(&t->ctx, id, &u, NULL), JA_OK);
    assert_int_equal(u.tokens_not_before, 1001);
    ja_user_clear(&u);
}

/* ---- delete ---- */

static void delete_leaves_no_personal_data_and_frees_the_names(void **state)
{
    struct ja_test_store *t = *state;
    struct ja_user u = plain("alice"), again = plain("alice"), got = {0};
    struct ja_error err = {0};

    u.email = strdup("a@example.org");
    u.phone = strdup("+491701234567");
    u.full_name = strdup("Alice Example");
    u.password_hash = strdup("secret-hash");
    assert_int_equal(insert(&t->ctx, &u, NULL), JA_OK);
    IN_TX(&t->ctx, ja_role_grant(&t->ctx, u.id, "user", 0, NULL));
    IN_TX(&t->ctx, ja_user_delete(&t->ctx, u.id, NULL));

    assert_int_equal(ja_user_find(&t->ctx, "alice", &got, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(ja_user_find_by_id(&t->ctx, u.id, &got, NULL), JA_ERR_NOT_FOUND);
    assert_int_equal(COUNT(&t->ctx,
                           "SELECT COUNT(*) AS n FROM users WHERE id = $1 AND email IS NULL "
                           "AND email_key IS NULL AND phone IS NULL AND full_name IS NULL "
                           "AND password_hash IS NULL AND deleted_at IS NOT NULL",
                           JA_BINDS(JA_T(u.id))),
                     1);
    assert_int_equal(COUNT(&t->ctx, "SELECT COUNT(*) AS n FROM user_roles", JA_NO_BINDS), 0);
    assert_int_equal(COUNT(&t->ctx, "SELECT COUNT(*) AS n FROM password_history", JA_NO_BINDS), 0);

    again.email = strdup("a@example.org");
    again.phone = strdup("+491701234567");
    assert_int_equal(insert(&t->ctx, &again, NULL), JA_OK);
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_user_delete(&t->ctx, u.id, &err), JA_ERR_NOT_FOUND); /* once */
    ja_db_rollback(t->ctx.db);
    ja_user_clear(&u);
    ja_user_clear(&again);
}

/* ---- lists ---- */

#define LIST_MAX 256

static enum ja_status names_of(void *arg, const struct ja_user *u)
{
    char *out = arg;
    size_t len = strlen(out);

    (void)snprintf(out + len, LIST_MAX - len, "%s ", u->username);
    return JA_OK;
}

static void expect_list(struct ja_test_store *t, struct ja_user_filter filter, const char *want)
{
    char got[LIST_MAX] = "";

    assert_int_equal(ja_user_each(&t->ctx, &filter, names_of, got, NULL), JA_OK);
    assert_string_equal(got, want);
}

static void lists_are_filtered_and_paged(void **state)
{
    struct ja_test_store *t = *state;
    char a[JA_UUID_LEN + 1], b[JA_UUID_LEN + 1], c[JA_UUID_LEN + 1];

    ja_test_user(t, "a", NULL, a);
    ja_fake_clock_advance(&t->clock, 1);
    ja_test_user(t, "b", NULL, b);
    ja_fake_clock_advance(&t->clock, 1);
    ja_test_user(t, "c", NULL, c);
    IN_TX(&t->ctx, ja_user_set_lock_at(&t->ctx, b, JA_TEST_EPOCH, NULL));
    IN_TX(&t->ctx, ja_role_grant(&t->ctx, c, "admin", 0, NULL));
    IN_TX(&t->ctx, ja_role_grant(&t->ctx, a, "admin", JA_TEST_EPOCH + 2, NULL)); /* over just now */
    expect_list(t, (struct ja_user_filter){0}, "a b c ");
    expect_list(t, (struct ja_user_filter){.limit = 2}, "a b ");
    expect_list(t, (struct ja_user_filter){.after = b}, "c ");
    expect_list(t, (struct ja_user_filter){.status = "locked"}, "b ");
    expect_list(t, (struct ja_user_filter){.status = "active"}, "a c ");
    expect_list(t, (struct ja_user_filter){.role = "admin"}, "c ");
    expect_list(t, (struct ja_user_filter){.kind = "service"}, "");
    expect_list(t, (struct ja_user_filter){.without_mfa = true, .after = a, .limit = 1}, "b ");
}

/* ---- roles ---- */

static void expect_strings(struct ja_strlist *list, const char *want)
{
    char got[512] = "";

    for (size_t i = 0; i < list->len; i++) {
        strncat(got, list->items[i], 32);
        strncat(got, " ", 2);
    }
    assert_string_equal(got, want);
    ja_strlist_clear(list);
}

static void roles_count_with_what_they_inherit_and_only_in_time(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_strlist list = {0};
    bool revoked = false;
    struct ja_error err = {0};

    ja_test_user(t, "alice", NULL, id);
    IN_TX(&t->ctx, ja_role_grant(&t->ctx, id, "manager", JA_TEST_EPOCH + 100, NULL));
    assert_int_equal(ja_role_effective(&t->ctx, id, &list, NULL), JA_OK);
    expect_strings(&list, "agent manager user ");
    assert_int_equal(ja_role_permissions(&t->ctx, id, &list, NULL), JA_OK);
    expect_strings(&list, "profile:* roles:read sessions:* sessions:own users:read users:write ");
    ja_fake_clock_advance(&t->clock, 100);
    assert_int_equal(ja_role_effective(&t->ctx, id, &list, NULL), JA_OK);
    expect_strings(&list, "");
    assert_int_equal(ja_role_require(&t->ctx, "nosuch", &err), JA_ERR_NOT_FOUND);
    assert_string_equal(err.code, "role_not_found");
    assert_int_equal(ja_db_begin(t->ctx.db, NULL), JA_OK);
    assert_int_equal(ja_role_grant(&t->ctx, id, "nosuch", 0, &err), JA_ERR_NOT_FOUND);
    ja_db_rollback(t->ctx.db);
    IN_TX(&t->ctx, ja_role_grant(&t->ctx, id, "agent", 0, NULL));
    IN_TX(&t->ctx, ja_role_revoke(&t->ctx, id, "agent", &revoked, NULL));
    assert_true(revoked);
    IN_TX(&t->ctx, ja_role_revoke(&t->ctx, id, "agent", &revoked, NULL));
    assert_false(revoked);
    assert_int_equal(ja_role_effective(&t->ctx, id, &list, NULL), JA_OK);
    expect_strings(&list, "");
}

static void default_roles_that_are_there_stay_as_they_are(void **state)
{
    struct ja_test_store *t = *state;

    IN_TX(&t->ctx, ja_db_exec(t->ctx.db,
                              "DELETE FROM role_permissions WHERE permission = 'users:read'",
                              JA_NO_BINDS, NULL, NULL));
    IN_TX(&t->ctx, ja_role_create_defaults(&t->ctx, NULL));
    assert_int_equal(COUNT(&t->ctx, "SELECT COUNT(*) AS n FROM roles", JA_NO_BINDS), 5);
    assert_int_equal(COUNT(&t->ctx,
                           "SELECT COUNT(*) AS n FROM role_permissions "
                           "WHERE permission = 'users:read'",
                           JA_NO_BINDS),
                     0);
}

static void a_write_outside_a_transaction_is_refused(void **state)
{
    struct ja_test_store *t = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_user u = plain("bob");
    struct ja_error err = {0};

    ja_test_user(t, "alice", NULL, id);
    assert_int_equal(ja_user_insert(&t->ctx, &u, &err), JA_ERR_INTERNAL);
    assert_int_equal(ja_user_set_must_change(&t->ctx, id, true, &err), JA_ERR_INTERNAL);
    assert_int_equal(ja_user_delete(&t->ctx, id, &err), JA_ERR_INTERNAL);
    ja_user_clear(&u);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* R18: what was planned counts from its second on, whatever the status says. */
static void live_is_active_and_in_time(void **state)
{
    static const struct { struct ja_user u; bool live; } all[] = {
        {{.status = JA_USER_ACTIVE}, true},
        {{.status = JA_USER_PENDING}, false},
        {{.status = JA_USER_LOCKED}, false},
        {{.status = JA_USER_DISABLED}, false},
        {{.status = JA_USER_ACTIVE, .lock_at = 101}, true},
        {{.status = JA_USER_ACTIVE, .lock_at = 100}, false},
        {{.status = JA_USER_ACTIVE, .valid_until = 101}, true},
        {{.status = JA_USER_ACTIVE, .valid_until = 100}, false},
        {{.status = JA_USER_ACTIVE, .valid_until = 101, .lock_at = 99}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (ja_user_live(&all[i].u, 100) != all[i].live)
            fail_msg("%zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_user_is_found_by_each_of_its_names),
        T(r5_a_name_matches_byte_by_byte_only),
        T(mfa_means_a_confirmed_second_factor),
        T(each_taken_name_has_its_own_code),
        T(an_update_into_a_taken_name_is_refused_too),
        T(uids_count_up_and_are_never_given_out_again),
        T(a_uid_that_was_named_is_skipped_by_the_counter),
        cmocka_unit_test(live_is_active_and_in_time),
        cmocka_unit_test(local_uids_are_skipped_and_the_end_of_the_range_is_told),
        T(lock_and_disable_are_taken_back_one_by_one),
        T(locking_a_disabled_user_keeps_both),
        T(a_planned_lock_sets_in_by_itself),
        T(the_history_holds_the_last_hashes_only),
        T(a_rehash_never_undoes_a_password_change),
        T(each_cut_is_later_than_the_one_before),
        T(delete_leaves_no_personal_data_and_frees_the_names),
        T(lists_are_filtered_and_paged),
        T(roles_count_with_what_they_inherit_and_only_in_time),
        T(default_roles_that_are_there_stay_as_they_are),
        T(a_write_outside_a_transaction_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
