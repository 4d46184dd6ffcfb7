/* Known failures of other PAM modules, each brought about on ours (conversation, state, environment). */
#include "tests/pam/pam_world.h"

#include <malloc.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RIGHT "Right-Horse-7-Battery"
#define GENEROUS "[throttle]\nlogin = 100000/15m\nper_user = 100000/1h\nper_source = 100000/15m"

/* ---- factors ---- */

/* Where a module may stand; $ is ours with its options. */
static const char *const stacks[] = {
    "auth required $\n",
    "auth requisite $\nauth required pam_permit.so\n",
    "auth required $\nauth optional pam_permit.so\n",
    "auth required pam_permit.so\nauth required $\n",
    "auth optional pam_permit.so\nauth requisite $\n",
    "auth sufficient $\nauth required pam_deny.so\n",
    "auth [success=1 default=ignore] $\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
    "auth [success=done default=die] $\nauth required pam_permit.so\n",
    "auth optional pam_deny.so\nauth required $\n",
};

static void stack(struct world *w, const char *text, const char *options)
{
    char out[2048];
    size_t n = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '$')
            n += (size_t)snprintf(out + n, sizeof out - n, "MODULE conf=%s %s", w->conf, options);
        else
            out[n++] = *p;
        assert_true(n < sizeof out);
    }
    out[n] = 0;
    world_service_text(w, out);
}

/* CVE-2021-31924, CVE-2011-4120: no answer (Ctrl-D) and an empty one are no factor, as password and as code, with
 * every option, wherever the module stands. */
static void cve_2021_31924_nothing_is_no_factor(void **state)
{
    static const char *const options[] = {"", "mfa=required", "try_first_pass", "forward_pass", "quiet nodelay"};
    static const char *const nothing[] = {NULL, ""};
    static const char *const names[] = {"alice", "carol", "bare"};
    unsigned char secret[20];
    char code[7];
    int step = -1;
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    world_user(&w, "carol", RIGHT);
    world_user(&w, "bare", NULL);
    world_totp(&w, "carol", secret);
    for (size_t s = 0; s < sizeof stacks / sizeof *stacks; s++) {
        for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
            stack(&w, stacks[s], options[o]);
            for (size_t n = 0; n < 6; n++) {
                struct person p = person(nothing[n % 2]);

                if (world_call(&w, AUTH, names[n / 2], &p) == PAM_SUCCESS)
                    fail_msg("%s with \"%s\": nothing gets %s in", stacks[s], options[o], names[n / 2]);
                p = person(RIGHT);
                p.code = nothing[n % 2];
                if (world_call(&w, AUTH, "carol", &p) == PAM_SUCCESS)
                    fail_msg("%s with \"%s\": no code gets in", stacks[s], options[o]);
            }
        }
        /* the same stack lets in who has the factors: it says yes to somebody */
        stack(&w, stacks[s], "");
        assert_int_equal(world_call(&w, AUTH, "alice", &(struct person){.password = RIGHT}), PAM_SUCCESS);
        if (step <= 1) { /* each code once */
            struct person p = person(RIGHT);

            world_code(secret, step++, code);
            p.code = code;
            assert_int_equal(world_call(&w, AUTH, "carol", &p), PAM_SUCCESS);
        }
    }
    world_close(&w);
}

/* The same with what a module before ours left as the password: nothing, or empty. */
static void cve_2011_4120_no_password_is_left_by_the_module_before(void **state)
{
    static const char *const left[] = {NULL, "", "wrong"};
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    world_user(&w, "bare", NULL);
    world_service(&w, "use_first_pass");
    for (size_t i = 0; i < 6; i++) {
        struct person p = person(RIGHT);
        pam_handle_t *pamh = world_start(&w, i < 3 ? "alice" : "bare", &p);

        /* libpam lets modules alone set the item */
        assert_int_not_equal(pam_set_item(pamh, PAM_AUTHTOK, left[i % 3]), PAM_SUCCESS);
        assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
        assert_int_equal(p.prompts, 0);
        world_end(pamh);
    }
    world_close(&w);
}

/* CVE-2025-24032: there is no setting under which nothing has to be proven. */
static void cve_2025_24032_no_factor_is_no_login(void **state)
{
    static const char *const options[] = {"accept=", "accept=none", "accept=,", "accept", "mfa=none", "accept=any"};
    unsigned char secret[20];
    char code[7];
    struct world w;
    struct person p;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    world_user(&w, "bare", NULL);
    world_totp(&w, "bare", secret);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        world_service(&w, options[i]);
        p = person(RIGHT);
        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(p.prompts, 0);
        assert_int_equal(world_call(&w, ACCOUNT, "alice", &p), PAM_SYSTEM_ERR);
    }
    /* who has no password does not get in by a code alone, whatever is asked */
    static const char *const modes[] = {"", "mfa=off", "mfa=required", "forward_pass"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        world_service(&w, modes[i]);
        world_code(secret, 0, code);
        p = person(code);
        p.code = code;
        assert_int_equal(world_call(&w, AUTH, "bare", &p), PAM_AUTH_ERR);
    }
    world_close(&w);
}

/* ---- state ---- */

/* Leaves `byte` where the next calls have their locals. */
static void __attribute__((noinline)) soil_stack(int byte)
{
    volatile unsigned char junk[64 * 1024];

    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (unsigned char)byte;
}

/* By the plain library, as whoever has the file in hands: constraints do not count. */
static void spoil(struct world *w, const char *sql)
{
    char path[160], *text = NULL;
    sqlite3 *db = NULL;

    world_let_go(w);
    (void)snprintf(path, sizeof path, "%s/state/jwtauth.db", w->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* CVE-2016-20014: an answer of the backend that never came is not what happens to be in memory.  Stack and heap hold 0
 * (PAM_SUCCESS), 0xff and a piece of JA_ALLOW; the backend fails in each way. */
static void cve_2016_20014_a_failed_backend_leaves_no_answer(void **state)
{
    static const int want[CALLS] = {PAM_AUTHINFO_UNAVAIL, PAM_SYSTEM_ERR, PAM_CRED_UNAVAIL,
                                    PAM_SESSION_ERR, PAM_SESSION_ERR, PAM_SYSTEM_ERR};
    static const char *const faults[] = {
        "ALTER TABLE users RENAME TO users_gone",
        "UPDATE users SET status = 'unheard-of'",
        "UPDATE users SET kind = 'x'",
        "UPDATE schema_migrations SET version = version + 900",
        "DROP TABLE totp",
    };
    static const int bytes[] = {0x00, 0xff, 0x55, 0xa3};

    (void)state;
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        struct world w;

        world_open(&w, GENEROUS);
        world_user(&w, "alice", RIGHT);
        spoil(&w, faults[f]);
        for (size_t b = 0; b < sizeof bytes / sizeof *bytes; b++) {
            (void)mallopt(M_PERTURB, bytes[b]);
            for (int c = 0; c < CALLS; c++) {
                struct person p = person(RIGHT);
                pam_handle_t *pamh = world_start(&w, "alice", &p);
                int rc;

                soil_stack(bytes[b]);
                rc = world_dispatch(pamh, (enum call)c);
                if (rc != want[c] && !(c == CLOSE && rc == PAM_SUCCESS))
                    fail_msg("%s, call %d over %02x: %d; %s", faults[f], c, (unsigned)bytes[b], rc, world_log.text);
                world_end(pamh);
            }
        }
        (void)mallopt(M_PERTURB, 0);
        world_close(&w);
    }
}

/* CVE-2022-1049, CVE-2022-24755: who calls pam_authenticate alone and forgets the account is told no as well. */
static void cve_2022_1049_authenticate_alone_refuses(void **state)
{
    static const char *const why[] = {
        "UPDATE users SET status = 'locked'",  "UPDATE users SET status = 'disabled'",
        "UPDATE users SET status = 'pending'", "UPDATE users SET valid_until = 1000000000",
        "UPDATE users SET lock_at = 1000",     "UPDATE users SET kind = 'service'",
        "UPDATE users SET deleted_at = 1000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
        struct world w;
        struct person p = person(RIGHT);

        world_open(&w, GENEROUS);
        world_user(&w, "alice", RIGHT);
        world_service(&w, "unknown_user=fail");
        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
        world_sql(&w, why[i]);
        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
        world_close(&w);
    }
}

/* R5: the module changes PAM_USER in no call (sshd refuses modules that do). */
static void r5_the_user_item_stays_the_applications(void **state)
{
    static const char *const names[] = {"alice", "ALICE", "alice@example.org", " alice", "nobody-knows", "root",
                                        "+491701234567"};
    struct world w;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    world_sql(&w, "UPDATE users SET email = 'alice@example.org', email_key = 'alice@example.org', "
                  "phone = '+491701234567'");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            struct person p = person(wrong ? "wrong" : RIGHT);
            pam_handle_t *pamh = world_start(&w, names[i], &p);
            const void *before = NULL, *after = NULL;

            assert_int_equal(pam_get_item(pamh, PAM_USER, &before), PAM_SUCCESS);
            for (int c = 0; c < CALLS; c++) {
                int rc = world_dispatch(pamh, (enum call)c);

                /* only the exact name is somebody */
                assert_false(i > 0 && (c == AUTH || c == ACCOUNT || c == PASSWORD) && rc == PAM_SUCCESS);
                assert_int_equal(pam_get_item(pamh, PAM_USER, &after), PAM_SUCCESS);
                assert_ptr_equal(before, after);
                assert_string_equal(after, names[i]);
            }
            world_end(pamh);
        }
    }
    world_close(&w);
}

/* ---- what the other side says ---- */

/* CVE-2024-10963, CVE-2022-28321: no host name decides, resolvable or not; trusted networks are for addresses. */
static void cve_2024_10963_host_names_decide_nothing(void **state)
{
    static const char *const hosts[] = {"", "no-such-host.invalid", "localhost", "ALL", "LOCAL", "192.0.2.1", "::1",
                                        ".example.org", "192.0.2.", "127.0.0.1,192.0.2.1", "0", "127.1", "*", NULL};
    struct world w;

    (void)state;
    world_open(&w, GENEROUS "\ntrusted_networks = 127.0.0.0/8\n[mfa]\npolicy = required\n"
                   "exempt_networks = 127.0.0.0/8");
    world_user(&w, "alice", RIGHT);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        for (int right = 0; right < 2; right++) {
            struct person p = person(right ? RIGHT : "wrong");
            pam_handle_t *pamh = world_start(&w, "alice", &p);

            if (hosts[i])
                assert_int_equal(pam_set_item(pamh, PAM_RHOST, hosts[i]), PAM_SUCCESS);
            /* required, and she has none: no name exempts her */
            if (pam_authenticate(pamh, 0) != PAM_AUTH_ERR)
                fail_msg("RHOST \"%s\" opens", hosts[i] ? hosts[i] : "(none)");
            world_end(pamh);
        }
    }
    { /* the rule that the names above did not meet */
        struct person p = person(RIGHT);
        pam_handle_t *pamh = world_start(&w, "alice", &p);

        assert_int_equal(pam_set_item(pamh, PAM_RHOST, "127.0.0.1"), PAM_SUCCESS);
        assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
        world_end(pamh);
    }
    world_close(&w);
}

/* CVE-2023-28486, CVE-2023-28487, CVE-2007-3102, CVE-2017-10784, CVE-2025-48432, CVE-2025-25184: control characters,
 * line breaks and forged beginnings in whatever the other side says make no second record, in the system's log or in
 * ours. */
static void cve_2023_28486_one_event_is_one_record(void **state)
{
    static const char *const evil[] = {
        "x\nNov 21 08:00:00 host sshd[1]: Accepted password for root from 192.0.2.66 port 22 ssh2", "x\r\nforged",
        "x\rforged",
        "\x1b[2K\x1b[1Aforged", "x\x0bforged\x0c", "x\xc2\x85" "forged", "x\xe2\x80\xa8" "forged",
        "x\x08\x08\x08" "forged",
        "x; user=root", "x user=root rhost=192.0.2.66", "\"}\n{\"action\":\"login\",\"outcome\":\"success\"",
        "x\\nforged",
    };
    struct world w;

    (void)state;
    world_open(&w, GENEROUS "\n[log]\nlevel = debug");
    world_user(&w, "alice", RIGHT);
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        for (int where = 0; where < 4; where++) {
            static const int items[] = {PAM_RHOST, PAM_TTY, PAM_RUSER};
            struct person p = person("wrong");
            pam_handle_t *pamh = world_start(&w, where == 3 ? evil[i] : "alice", &p);
            int newlines = 0, records = 0;

            if (where < 3)
                assert_int_equal(pam_set_item(pamh, items[where], evil[i]), PAM_SUCCESS);
            world_log_clear();
            assert_int_not_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
            for (const char *c = world_log.text; *c; c++) {
                newlines += *c == '\n';
                assert_true(*c == '\n' || ((unsigned char)*c >= 32 && (unsigned char)*c < 127));
            }
            assert_int_equal(newlines, world_log.lines);
            for (const char *c = world_log.text; (c = strstr(c, "authentication failure")); c++)
                records++;
            assert_true(records <= 1);
            assert_null(strstr(world_log.text, "\nNov 21"));
            assert_null(strstr(world_log.text, " user=root"));
            assert_null(strstr(world_log.text, " rhost=192.0.2.66"));
            world_end(pamh);
        }
    }
    spoil(&w, "CREATE TEMP TABLE found AS SELECT seq FROM audit_log WHERE instr(actor || ' ' || action || ' ' || "
              "COALESCE(target, '') || COALESCE(reason, '') || COALESCE(source, '') || COALESCE(service, '') || "
              "detail, "
              "'forged') OR outcome = 'success' AND action = 'login'; "
              "CREATE TEMP TABLE none (n CHECK (n = 0)); PRAGMA ignore_check_constraints = OFF; "
              "INSERT INTO none SELECT COUNT(*) FROM found");
    world_close(&w);
}

static bool in_list(const char *const *list, size_t n, const char *line)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(line, list[i], strlen(list[i])) == 0)
            return true;
    return false;
}

/* CVE-2025-6018, CVE-2015-8325, CVE-2010-4708: a session's environment gets two names of ours and nothing that the
 * user wrote: not from the profile, not from the home folder, not from what was in the environment before. */
static void cve_2010_4708_the_environment_has_our_two_names_alone(void **state)
{
    static const char *const before[] = {"LD_PRELOAD=/tmp/x.so", "JWTAUTH_TOKEN_FILE=/etc/shadow",
                                         "JWTAUTH_SESSION_ID=../../../../etc", "PATH=/tmp"};
    static const char *const ours[] = {"JWTAUTH_TOKEN_FILE=", "JWTAUTH_SESSION_ID="};
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    char home[96], sql[512], **env, path[256];
    FILE *f;
    int n = 0;

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    (void)snprintf(home, sizeof home, "%s/home", w.dir);
    assert_int_equal(mkdir(home, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/.pam_environment", home);
    f = fopen(path, "we");
    assert_non_null(f);
    (void)fputs("LD_PRELOAD=/tmp/evil.so\nXDG_SEAT=seat0\n", f);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(sql, sizeof sql,
                   "UPDATE users SET home = '%s', shell = '/bin/sh LD_AUDIT=/tmp/x', full_name = 'A' || CHAR(10) || "
                   "'LD_PRELOAD=/tmp/x', company_name = 'XDG_VTNR=1', email = 'IFS=x@example.org'", home);
    world_sql(&w, sql);
    pamh = world_start(&w, "alice", &p);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        assert_int_equal(pam_putenv(pamh, before[i]), PAM_SUCCESS);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    env = pam_getenvlist(pamh);
    assert_non_null(env);
    for (char **e = env; *e; e++) {
        if (in_list(ours, 2, *e)) {
            n++;
            assert_null(strstr(*e, "/etc"));
            assert_null(strstr(*e, ".."));
        } else if (!in_list(before, 4, *e)) {
            fail_msg("the environment has %s", *e);
        }
        free(*e);
    }
    free(env);
    assert_int_equal(n, 2);
    assert_string_equal(pam_getenv(pamh, "PATH"), "/tmp"); /* the application's own stays the application's */
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    world_end(pamh);
    world_close(&w);
}

/* CVE-2008-3825, CVE-2009-0361: what the environment says is nowhere a place to write or to remove. */
static void cve_2009_0361_a_planted_session_id_names_no_path(void **state)
{
    static const char *const ids[] = {"../planted", "../../planted", "/planted", "planted", ".", "..", "",
                                      "00000000-0000-7000-8000-000000000000/../../planted"};
    struct world w;
    char place[2][96], line[256];

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    (void)snprintf(line, sizeof line, "%s/run/sessions", w.dir);
    (void)mkdir(line, 0711);
    (void)snprintf(place[0], sizeof place[0], "%s/run/planted", w.dir);
    (void)snprintf(place[1], sizeof place[1], "%s/run/sessions/planted", w.dir);
    for (int i = 0; i < 2; i++) {
        FILE *f;

        assert_int_equal(mkdir(place[i], 0755), 0);
        (void)snprintf(line, sizeof line, "%.90s/token", place[i]);
        f = fopen(line, "we");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct person p = person(RIGHT);
        pam_handle_t *pamh = world_start(&w, "alice", &p);

        (void)snprintf(line, sizeof line, "JWTAUTH_SESSION_ID=%s", ids[i]);
        (void)pam_putenv(pamh, line);
        (void)snprintf(line, sizeof line, "JWTAUTH_TOKEN_FILE=%.90s/token", place[0]);
        (void)pam_putenv(pamh, line);
        (void)pam_setcred(pamh, PAM_REINITIALIZE_CRED);
        (void)pam_setcred(pamh, PAM_DELETE_CRED);
        (void)pam_close_session(pamh, 0);
        world_end(pamh);
    }
    for (int i = 0; i < 2; i++) {
        struct stat sb;

        (void)snprintf(line, sizeof line, "%.90s/token", place[i]);
        assert_int_equal(lstat(line, &sb), 0);
        assert_int_equal(sb.st_size, 0);
    }
    world_close(&w);
}

/* CVE-2025-64517: what an authentication leaves counts for its user and its service, in no other. */
static void cve_2025_64517_a_login_counts_for_its_user_and_service(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    char line[128], from[160], to[160];

    (void)state;
    world_open(&w, GENEROUS);
    world_user(&w, "alice", RIGHT);
    world_user(&w, "bob", RIGHT);
    (void)snprintf(from, sizeof from, "%s/t", w.pamd);
    (void)snprintf(to, sizeof to, "%s/u", w.pamd);
    assert_int_equal(link(from, to), 0);
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    (void)snprintf(line, sizeof line, "JWTAUTH_LOGIN=%s", pam_getenv(pamh, "JWTAUTH_LOGIN"));
    world_end(pamh);
    for (int i = 0; i < 3; i++) { /* bob; another service; at last the right one */
        struct pam_conv conv = {NULL, NULL};

        if (i == 1)
            assert_int_equal(pam_start_confdir("u", "alice", &conv, w.pamd, &pamh), PAM_SUCCESS);
        else
            pamh = world_start(&w, i == 0 ? "bob" : "alice", &p);
        (void)pam_putenv(pamh, line);
        assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
        assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
        if (i == 2)
            assert_non_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
        else
            assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
        world_end(pamh);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cve_2021_31924_nothing_is_no_factor),
        cmocka_unit_test(cve_2011_4120_no_password_is_left_by_the_module_before),
        cmocka_unit_test(cve_2025_24032_no_factor_is_no_login),
        cmocka_unit_test(cve_2016_20014_a_failed_backend_leaves_no_answer),
        cmocka_unit_test(cve_2022_1049_authenticate_alone_refuses),
        cmocka_unit_test(r5_the_user_item_stays_the_applications),
        cmocka_unit_test(cve_2024_10963_host_names_decide_nothing),
        cmocka_unit_test(cve_2023_28486_one_event_is_one_record),
        cmocka_unit_test(cve_2010_4708_the_environment_has_our_two_names_alone),
        cmocka_unit_test(cve_2009_0361_a_planted_session_id_names_no_path),
        cmocka_unit_test(cve_2025_64517_a_login_counts_for_its_user_and_service),
    };

    if (!world_usable())
        return 77;
    return cmocka_run_group_tests_name("pam known failures", tests, NULL, NULL);
}
