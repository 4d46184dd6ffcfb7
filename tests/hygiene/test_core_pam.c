/* SECURITY R29, CVE-2024-10041: what a PAM application's memory holds behind a login.
 *
 * The application (pam_app) is another process, so that nothing of this one's is in its memory; the whole of
 * that is searched, not only what can be written: behind the first call, with the session open, behind
 * pam_end, and once more right before the process is gone.
 */
#include "tests/hygiene/secrets.h"
#include "tests/pam/pam_world.h"
#include "tests/support/traced.h"

#include "common/flow/key_flow.h"

#include <crypt.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CONFIG "[throttle]\nlogin = 100000/15m\nper_user = 100000/1h\nper_source = 100000/15m\n"

struct row {
    const char *user, *password, *what;
    enum { NO_CODE, GOOD_CODE, BAD_CODE } code;
    int rc;
};

static const char *app(char path[4096])
{
    const char *build = getenv("top_builddir");

    (void)snprintf(path, 4096, "%s/tests/hygiene/pam_app", build ? build : ".");
    return path;
}

static void add_token(struct core_search *s, const struct world *w, const struct traced *t)
{
    char pattern[128], token[8193] = "";
    glob_t found = {0};
    FILE *f;

    (void)snprintf(pattern, sizeof pattern, "%s/run/sessions/*/token", w->dir);
    if (glob(pattern, 0, NULL, &found) != 0)
        fail_msg("the login left no token: %s", traced_errors(t));
    assert_int_equal(found.gl_pathc, 1);
    f = fopen(found.gl_pathv[0], "re");
    assert_non_null(f);
    assert_true(fread(token, 1, sizeof token - 1, f) > 0);
    (void)fclose(f);
    secrets_of_token(s, token);
    globfree(&found);
}

static void clean(struct core_search *s, struct traced *t, const struct row *r, const char *when)
{
    struct core_finding f;

    core_look(s, t->pid, t->mem, &f);
    if (getenv("JA_TEST_VERBOSE"))
        (void)fprintf(stderr, "# %s %s, %s: %zu bytes, %ld hits\n%s", r->user, r->what, when, f.bytes, f.hits, f.text);
    assert_true(f.bytes > 4u << 20); /* libpam, libcrypto and SQLite alone are more */
    if (f.hits > 0)
        fail_msg("%s, %s, %s: %ld hits:\n%s", r->user, r->what, when, f.hits, f.text);
}

static void run(struct world *w, struct core_search *s, const struct row *r, const unsigned char secret[20])
{
    char path[4096], input[512], code[7] = "abcdef";
    const char *argv[] = {app(path), w->pamd, r->user, r->what, NULL};
    struct core_finding f;
    struct traced t;

    if (r->code == GOOD_CODE)
        world_code(secret, 0, code);
    (void)snprintf(input, sizeof input, "%s\n%s\n%s", r->password, code, MARKED_FRESH);
    traced_start(&t, argv, input, strlen(input));
    assert_int_equal(traced_next(&t), TRACED_STOPPED);
    core_look(s, t.pid, t.mem, &f); /* the answer is on its way: the search finds what is there */
    assert_non_null(strstr(f.text, "the password"));
    assert_int_equal(traced_next(&t), TRACED_STOPPED);
    clean(s, &t, r, "behind the first call");
    assert_int_equal(traced_next(&t), TRACED_STOPPED);
    if (r->rc == PAM_SUCCESS && strcmp(r->what, "change") != 0)
        add_token(s, w, &t);
    clean(s, &t, r, "with the session open");
    assert_int_equal(traced_next(&t), TRACED_STOPPED);
    clean(s, &t, r, "behind pam_end");
    assert_int_equal(traced_next(&t), TRACED_EXITING);
    clean(s, &t, r, "at the end of the process");
    assert_int_equal(traced_next(&t), TRACED_GONE);
    if (!WIFEXITED(t.status) || WEXITSTATUS(t.status) != r->rc)
        fail_msg("%s, %s: ended with %x instead of %d: %s", r->user, r->what, (unsigned)t.status, r->rc,
                 traced_errors(&t));
    traced_end(&t);
}

static void hash_of(struct world *w, const char *user, const char *setting)
{
    struct crypt_data data = {0};
    struct ja_db *db = w->ctx->db;
    struct ja_error err = {0};

    if (ja_db_begin(db, &err) != JA_OK ||
        ja_db_exec(db, "UPDATE users SET password_hash = $1 WHERE username = $2",
                   JA_BINDS(JA_T(crypt_r(MARKED_PASSWORD, setting, &data)), JA_T(user)), NULL, &err) != JA_OK ||
        ja_db_commit(db, &err) != JA_OK)
        fail_msg("%s", err.message);
}

static void needles(struct core_search *s, struct world *w)
{
    core_add_text(s, "the password", MARKED_PASSWORD);
    core_add_text(s, "the new password", MARKED_FRESH);
    secrets_of_store(s, w->ctx);
}

static void cve_2024_10041_a_login_leaves_nothing(void **state)
{
    static const struct row rows[] = {
        {"alice", MARKED_PASSWORD, "login", NO_CODE, PAM_SUCCESS},
        {"bob", MARKED_PASSWORD, "login", GOOD_CODE, PAM_SUCCESS},
        {"bob", MARKED_PASSWORD, "login", BAD_CODE, PAM_AUTH_ERR},
        {"carol", MARKED_PASSWORD, "login", NO_CODE, PAM_AUTH_ERR}, /* another password is hers */
        {"nobody-here", MARKED_PASSWORD, "login", NO_CODE, PAM_USER_UNKNOWN},
        {"alice", MARKED_PASSWORD, "change", NO_CODE, PAM_SUCCESS},
    };
    struct core_search s = {0};
    unsigned char secret[20];
    struct world w;

    (void)state;
    world_open(&w, CONFIG);
    world_user(&w, "alice", MARKED_PASSWORD);
    world_user(&w, "bob", MARKED_PASSWORD);
    world_user(&w, "carol", "Right-Horse-7-Battery");
    world_totp(&w, "bob", secret);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        needles(&s, &w);
        run(&w, &s, &rows[i], secret);
        core_clear(&s);
    }
    world_close(&w);
}

/* Hashes that people brought along: libcrypt's work space. */
static void cve_2024_10041_nor_does_libcrypt(void **state)
{
    static const struct { const char *user, *setting; } rows[] = {
        {"bcrypt", "$2b$04$abcdefghijklmnopqrstuu"},
        {"sha512", "$6$rounds=1000$saltsalt$"},
        {"sha256", "$5$rounds=1000$saltsalt$"},
        {"yescrypt", "$y$j75$saltsaltsaltsalt$"},
    };
    struct core_search s = {0};
    struct world w;

    (void)state;
    world_open(&w, CONFIG);
    needles(&s, &w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct row r = {rows[i].user, MARKED_PASSWORD, "login", NO_CODE, PAM_SUCCESS};

        world_user(&w, r.user, NULL);
        hash_of(&w, r.user, rows[i].setting);
        run(&w, &s, &r, NULL);
    }
    core_clear(&s);
    world_close(&w);
}

/* Every kind of signing key. */
static void cve_2024_10041_nor_does_signing(void **state)
{
    static const enum ja_alg algs[] = {JA_ALG_EDDSA, JA_ALG_RS256, JA_ALG_HS256};
    static const struct row r = {"alice", MARKED_PASSWORD, "login-reuse", NO_CODE, PAM_SUCCESS};
    struct core_search s = {0};
    struct ja_error err = {0};
    struct world w;

    (void)state;
    world_open(&w, CONFIG);
    world_user(&w, "alice", MARKED_PASSWORD);
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct ja_key_info active;
        bool rotated = false;

        if (ja_key_rotate(w.ctx, algs[i], false, &rotated, &active, &err) != JA_OK)
            fail_msg("%s", err.message);
        assert_int_equal(active.alg, algs[i]);
        needles(&s, &w);
        run(&w, &s, &r, NULL);
        core_clear(&s);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cve_2024_10041_a_login_leaves_nothing),
        cmocka_unit_test(cve_2024_10041_nor_does_libcrypt),
        cmocka_unit_test(cve_2024_10041_nor_does_signing),
    };

    if (!world_usable())
        return 77;
#ifdef __SANITIZE_ADDRESS__
    puts("1..0 # SKIP terabytes of shadow memory, and what is freed is kept");
    return 0; /* TAP says it */
#endif
    return cmocka_run_group_tests_name("core image of a PAM application", tests, NULL, NULL);
}
