/* SECURITY R29: what authctl's memory holds when it ends.
 *
 * Each command is run to its end and searched right before it is gone, behind exit handlers and destructors: for
 * what it read, what it made, what it printed, and what it had to open for that.
 */
#include "tests/hygiene/secrets.h"
#include "tests/support/temp_store.h"
#include "tests/support/traced.h"

#include "common/base/text.h"
#include "common/domain/api_key.h"
#include "common/domain/totp.h"
#include "common/domain/user.h"

#include <jansson.h>
#include <liboath/oath.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CONFIG "[throttle]\nlogin = 100000/15m\nper_user = 100000/1h\nper_source = 100000/15m\n"
#define WORDS 12

static struct ja_test_store *store;
static char authctl[4096], conf[128];
static char token[8193], refresh[256], api_key[JA_API_KEY_LEN + 1]; /* of the last answer that had them */

/* ---- what was printed ---- */

static void add_value(struct core_search *s, const char *name, const json_t *value)
{
    if (json_is_string(value))
        core_add_text(s, name, json_string_value(value));
}

static void add_json(struct core_search *s, const json_t *doc)
{
    static const char *const names[] = {"refresh_token", "secret", "password", "d", "k", "p", "q", "dp", "dq", "qi"};
    const json_t *access = json_object_get(doc, "access_token"), *again = json_object_get(doc, "refresh_token");
    json_t *codes = json_object_get(doc, "recovery_codes");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_value(s, names[i], json_object_get(doc, names[i]));
    for (size_t i = 0; i < json_array_size(codes); i++)
        add_value(s, "a recovery code", json_array_get(codes, i));
    if (access) {
        secrets_of_token(s, json_string_value(access));
        (void)snprintf(token, sizeof token, "%s", json_string_value(access));
    }
    if (again)
        (void)snprintf(refresh, sizeof refresh, "%s", json_string_value(again));
}

/* Lines of text are secret where the step says so. */
static void add_output(struct core_search *s, char *text, const char *lines)
{
    json_t *doc = json_loads(text, 0, NULL);

    if (json_is_object(doc))
        add_json(s, doc);
    else if (lines)
        for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
            if (strcmp(lines, "token") == 0) {
                secrets_of_token(s, line);
            } else if (strcmp(lines, "API key") == 0) { /* the id in front is no secret */
                (void)snprintf(api_key, sizeof api_key, "%s", line);
                core_add_text(s, lines, line + JA_API_KEY_LEN - 43);
            } else {
                core_add_text(s, lines, line);
            }
        }
    json_decref(doc);
}

/* ---- one command ---- */

struct step {
    const char *words[WORDS]; /* behind -c FILE */
    const char *input;
    int exit;
    const char *lines;        /* what each printed line is: "token", or its name */
};

static void no_core_file(pid_t pid)
{
    struct rlimit core = {1, 1};

    assert_int_equal(prlimit(pid, RLIMIT_CORE, NULL, &core), 0);
    assert_int_equal(core.rlim_cur, 0);
    assert_int_equal(core.rlim_max, 0);
}

static void needles(struct core_search *s, const struct step *step, const struct traced *t)
{
    char *text = traced_output(t);

    core_add_text(s, "the password", MARKED_PASSWORD);
    core_add_text(s, "the new password", MARKED_FRESH);
    secrets_of_store(s, &store->ctx);
    if (token[0])
        secrets_of_token(s, token);
    if (api_key[0])
        core_add_text(s, "API key", api_key + JA_API_KEY_LEN - 43);
    if (refresh[0])
        core_add_text(s, "a refresh token", refresh);
    add_output(s, text, step->lines);
    free(text);
}

static void run(const struct step *step)
{
    const char *argv[WORDS + 4] = {authctl, "-c", conf};
    struct core_search s = {0};
    struct core_finding f;
    struct traced t;
    char said[256] = "";

    for (size_t i = 0; step->words[i]; i++) {
        argv[3 + i] = step->words[i];
        (void)snprintf(said + strlen(said), sizeof said - strlen(said), " %s", step->words[i]);
    }
    traced_start(&t, argv, step->input, step->input ? strlen(step->input) : 0);
    assert_int_equal(traced_next(&t), TRACED_EXITING);
    no_core_file(t.pid);
    needles(&s, step, &t);
    core_look(&s, t.pid, t.mem, &f);
    if (getenv("JA_TEST_VERBOSE"))
        (void)fprintf(stderr, "#%s: %zu bytes, %zu windows, %ld hits\n%s", said, f.bytes, s.count, f.hits, f.text);
    assert_true(f.bytes > 4u << 20);
    assert_int_equal(traced_next(&t), TRACED_GONE);
    if (!WIFEXITED(t.status) || WEXITSTATUS(t.status) != step->exit)
        fail_msg("%s: ended with %x: %s", said, (unsigned)t.status, traced_errors(&t));
    if (f.hits > 0)
        fail_msg("%s: %ld hits:\n%s", said, f.hits, f.text);
    core_clear(&s);
    traced_end(&t);
}

#define RUN(...) run(&(struct step){__VA_ARGS__})
#define WORDS_OF(...) .words = {__VA_ARGS__}

/* ---- the store ---- */

static void code_of(const char *name, char out[7])
{
    struct ja_user u = {0};
    struct ja_totp t = {0};

    assert_int_equal(ja_user_find_by_name(&store->ctx, name, &u, NULL), JA_OK);
    assert_int_equal(ja_totp_find(&store->ctx, u.id, true, &t, NULL), JA_OK);
    (void)oath_init();
    assert_int_equal(oath_totp_generate((const char *)t.secret.data, t.secret.len, time(NULL), 30, 0, 6, out), OATH_OK);
    ja_totp_clear(&t);
    ja_user_clear(&u);
}

static int open_store(void **state)
{
    const char *build = getenv("top_builddir");
    char id[JA_UUID_LEN + 1];

    (void)state;
    (void)snprintf(authctl, sizeof authctl, "%s/authctl", build ? build : ".");
    store = ja_test_store_new(CONFIG);
    store->ctx.clock = ja_clock_system;
    (void)snprintf(conf, sizeof conf, "%s/jwtauth.conf", store->dir);
    ja_test_user(store, "alice", MARKED_PASSWORD, id);
    ja_test_user(store, "bob", MARKED_PASSWORD, id);
    token[0] = refresh[0] = api_key[0] = '\0';
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    ja_test_store_free(store);
    return 0;
}

/* ---- the commands ---- */

static void r29_login(void **state)
{
    (void)state;
    RUN(WORDS_OF("login", "alice", "--password-stdin", "--json"), .input = MARKED_PASSWORD "\n");
    RUN(WORDS_OF("login", "alice", "--password-stdin"), .input = MARKED_PASSWORD "\n", .lines = "token");
    RUN(WORDS_OF("login", "alice", "--password-stdin"), .input = MARKED_FRESH "\n", .exit = 1);
    RUN(WORDS_OF("login", "nobody-here", "--password-stdin"), .input = MARKED_PASSWORD "\n", .exit = 1);
}

static void r29_tokens(void **state)
{
    (void)state;
    RUN(WORDS_OF("token", "issue", "--user", "alice", "--json"));
    RUN(WORDS_OF("token", "issue", "--user", "alice"), .lines = "token");
    RUN(WORDS_OF("token", "introspect", "-"), .input = token);
    RUN(WORDS_OF("token", "verify", "-"), .input = token);
    RUN(WORDS_OF("token", "revoke", "-"), .input = token);
    RUN(WORDS_OF("login", "alice", "--password-stdin", "--json"), .input = MARKED_PASSWORD "\n");
    RUN(WORDS_OF("token", "refresh", "--refresh-token-stdin", "--json"), .input = refresh);
    RUN(WORDS_OF("logout", "--token-stdin"), .input = refresh);
}

static void r29_api_keys(void **state)
{
    char file[128];
    FILE *f;

    (void)state;
    assert_int_equal(setenv("XDG_RUNTIME_DIR", store->dir, 1), 0); /* where token get keeps what it got */
    RUN(WORDS_OF("service", "add", "robot"));
    RUN(WORDS_OF("api-key", "add", "robot"), .lines = "API key");
    assert_int_equal(strlen(api_key), JA_API_KEY_LEN);
    (void)snprintf(file, sizeof file, "%s/key", store->dir);
    f = fopen(file, "we");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_true(fputs(api_key, f) >= 0);
    assert_int_equal(fclose(f), 0);
    RUN(WORDS_OF("token", "get", "--api-key-file", file), .lines = "token");
    RUN(WORDS_OF("token", "get", "--api-key-file", file), .lines = "token"); /* the kept one */
    RUN(WORDS_OF("token", "get", "--api-key-file", file, "--fresh", "--json"));
    RUN(WORDS_OF("token", "get", "--api-key-file", file, "--scope", "users:read"), .exit = 1);
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static void r29_passwords(void **state)
{
    (void)state;
    RUN(WORDS_OF("password", "set", "alice", "--password-stdin"), .input = MARKED_FRESH "\n");
    RUN(WORDS_OF("password", "change", "bob", "--password-stdin"), .input = MARKED_PASSWORD "\n" MARKED_FRESH "\n");
    RUN(WORDS_OF("password", "check", "--password-stdin"), .input = MARKED_PASSWORD "\n");
    RUN(WORDS_OF("password", "set", "alice", "--generate-password"), .lines = "a generated password");
    RUN(WORDS_OF("user", "add", "carol", "--password-stdin"), .input = MARKED_PASSWORD "\n");
}

static void r29_factors(void **state)
{
    char code[8] = "", input[128];

    (void)state;
    RUN(WORDS_OF("totp", "enroll", "alice", "--json"));
    RUN(WORDS_OF("totp", "enroll", "bob"));
    code_of("bob", code);
    RUN(WORDS_OF("totp", "confirm", "bob", "-"), .input = code, .lines = "a recovery code");
    RUN(WORDS_OF("recovery-codes", "regenerate", "bob", "--json"));
    (void)snprintf(input, sizeof input, "%s\nabcdef\n", MARKED_PASSWORD);
    RUN(WORDS_OF("login", "bob", "--password-stdin", "--otp-stdin"), .input = input, .exit = 1);
}


static void r29_keys(void **state)
{
    static const char *const algs[] = {"EdDSA", "RS256", "HS256", "ES256"};

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        RUN(WORDS_OF("key", "rotate", "--alg", algs[i]));
        RUN(WORDS_OF("token", "issue", "--user", "alice"), .lines = "token");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(r29_login, open_store, close_store),
        cmocka_unit_test_setup_teardown(r29_tokens, open_store, close_store),
        cmocka_unit_test_setup_teardown(r29_api_keys, open_store, close_store),
        cmocka_unit_test_setup_teardown(r29_passwords, open_store, close_store),
        cmocka_unit_test_setup_teardown(r29_factors, open_store, close_store),
        cmocka_unit_test_setup_teardown(r29_keys, open_store, close_store),
    };

    if (geteuid() != 0) {
        puts("1..0 # SKIP needs root: only root may open the store");
        return 77;
    }
#ifdef __SANITIZE_ADDRESS__
    puts("1..0 # SKIP terabytes of shadow memory, and what is freed is kept");
    return 0; /* TAP says it */
#endif
    return cmocka_run_group_tests_name("core image of authctl", tests, NULL, NULL);
}
