/* Every return code of PAM.md's table, by the real module under the real libpam. */
#include "tests/pam/pam_world.h"

#include "common/domain/hash_slots.h"
#include "common/flow/account_flow.h"
#include "common/flow/role_flow.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RIGHT "Right-Horse-7-Battery"
#define ANY (-1)

static const char *const call_names[CALLS] = {"auth", "account", "setcred", "open", "close", "password"};

struct codes { int code[CALLS]; };

static const struct codes broken = {{PAM_AUTHINFO_UNAVAIL, PAM_SYSTEM_ERR, PAM_CRED_UNAVAIL,
                                     PAM_SESSION_ERR, PAM_SESSION_ERR, PAM_SYSTEM_ERR}};
static const struct codes local = {{PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SUCCESS,
                                    PAM_IGNORE, PAM_IGNORE, PAM_USER_UNKNOWN}};

/* libpam makes "nobody said yes" of a lone IGNORE: that one is asked for directly too. */
static int seen_as(int code)
{
    return code == PAM_IGNORE ? PAM_PERM_DENIED : code;
}

static void expect(struct world *w, const char *what, const char *user, const struct codes *want,
                   struct person p)
{
    for (int c = 0; c < CALLS; c++) {
        struct person fresh = p;
        int rc;

        if (want->code[c] == ANY)
            continue;
        rc = world_call(w, (enum call)c, user, &fresh);
        if (rc == seen_as(want->code[c]) && want->code[c] == PAM_IGNORE)
            rc = world_direct(w, (enum call)c, user, NULL);
        if (rc != want->code[c])
            fail_msg("%s: %s of %s gives %d, not %d; log: %s", what, call_names[c], user, rc,
                     want->code[c], world_log.text);
        world_log_clear();
    }
}

/* ---- users and passwords ---- */

static void lock(struct world *w) { assert_int_equal(ja_account_lock(w->ctx, "alice", 0, &(struct ja_cut){0}, NULL), JA_OK); }
static void disable(struct world *w) { assert_int_equal(ja_account_disable(w->ctx, "alice", &(struct ja_cut){0}, NULL), JA_OK); }
static void pend(struct world *w) { world_sql(w, "UPDATE users SET status = 'pending'"); }
static void end(struct world *w) { world_sql(w, "UPDATE users SET valid_until = 1000000000"); }
static void expire(struct world *w) { assert_int_equal(ja_account_password_expire(w->ctx, "alice", NULL), JA_OK); }
static void age(struct world *w) { world_sql(w, "UPDATE users SET password_changed_at = 1000000000"); }
static void drop_password(struct world *w) { world_sql(w, "UPDATE users SET password_hash = NULL, must_change = 1"); }
static void serve(struct world *w) { world_sql(w, "UPDATE users SET kind = 'service'"); }
static void second(struct world *w) { unsigned char s[20]; world_totp(w, "alice", s); }
static void nothing(struct world *w) { (void)w; }
static void grant(struct world *w, int64_t ends_at)
{
    assert_int_equal(ja_role_add_flow(w->ctx, "ops", "", NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_add_flow(w->ctx, "night", "", NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_add_flow(w->ctx, "lonely", "", NULL, 0, NULL), JA_OK);
    assert_int_equal(ja_role_inherit_flow(w->ctx, "night", "ops", NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(w->ctx, "ops", "ssh:login", NULL, NULL), JA_OK);
    assert_int_equal(ja_role_permit_flow(w->ctx, "ops", "ssh:part", "host/*", NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(w->ctx, "alice", "night", ends_at, NULL), JA_OK);
}
static void in_role(struct world *w) { grant(w, 0); }
static void was_in_role(struct world *w)
{
    grant(w, 0);
    world_sql(w, "UPDATE user_roles SET ends_at = 1000000000");
}

static const struct {
    const char *what;
    void (*arrange)(struct world *w);
    const char *user, *options, *config, *password;
    struct codes want;
} user_rows[] = {
    {"all well", nothing, "alice", "", "", RIGHT,
     {{PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS}}},
    {"local name", nothing, "root", "", "", RIGHT,
     {{PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SUCCESS, PAM_IGNORE, PAM_IGNORE, PAM_USER_UNKNOWN}}},
    {"not in the store", nothing, "nobody-knows", "", "", RIGHT,
     {{PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SUCCESS, PAM_IGNORE, PAM_IGNORE, PAM_USER_UNKNOWN}}},
    {"not in the store, ignore said", nothing, "nobody-knows", "unknown_user=ignore", "", RIGHT,
     {{PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SUCCESS, PAM_IGNORE, PAM_IGNORE, PAM_USER_UNKNOWN}}},
    {"not in the store, fail", nothing, "nobody-knows", "unknown_user=fail", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_CRED_ERR, PAM_SESSION_ERR, PAM_SESSION_ERR, PAM_USER_UNKNOWN}}},
    {"other case (no folding)", nothing, "ALICE", "", "", RIGHT,
     {{PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SUCCESS, PAM_IGNORE, PAM_IGNORE, PAM_USER_UNKNOWN}}},
    {"blank behind the name", nothing, "alice ", "", "", RIGHT,
     {{PAM_USER_UNKNOWN, PAM_USER_UNKNOWN, PAM_SUCCESS, PAM_IGNORE, PAM_IGNORE, PAM_USER_UNKNOWN}}},
    {"wrong password", nothing, "alice", "", "", "wrong",
     {{PAM_AUTH_ERR, ANY, ANY, ANY, ANY, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"wrong case of the password", nothing, "alice", "", "", "rIGHT-hORSE-7-bATTERY",
     {{PAM_AUTH_ERR, ANY, ANY, ANY, ANY, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"wrong code", second, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"second factor demanded, none there", nothing, "alice", "mfa=required", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"second factor demanded by the configuration", nothing, "alice", "mfa=off", "[mfa]\npolicy = required", RIGHT,
     {{PAM_AUTH_ERR, ANY, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"locked", lock, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_CRED_ERR, PAM_SESSION_ERR, PAM_SESSION_ERR, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"disabled", disable, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_CRED_ERR, PAM_SESSION_ERR, PAM_SESSION_ERR, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"pending", pend, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_CRED_ERR, PAM_SESSION_ERR, PAM_SESSION_ERR, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"past valid_until", end, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_ACCT_EXPIRED, PAM_CRED_ERR, PAM_SESSION_ERR, PAM_SESSION_ERR, ANY}}},
    {"must change", expire, "alice", "", "", RIGHT,
     {{PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS}}},
    {"past its age", age, "alice", "", "max_age = 30d", RIGHT,
     {{PAM_SUCCESS, PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS}}},
    {"must change without a password", drop_password, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"a service's name", serve, "alice", "", "", RIGHT,
     {{PAM_AUTH_ERR, ANY, ANY, ANY, ANY, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"role held", in_role, "alice", "require_role=night", "", RIGHT,
     {{PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"role held through another", in_role, "alice", "require_role=ops", "", RIGHT,
     {{PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"role not held", in_role, "alice", "require_role=lonely", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"role whose grant has ended", was_in_role, "alice", "require_role=ops", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"role that does not exist", in_role, "alice", "require_role=nosuch", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"role in other case", in_role, "alice", "require_role=OPS", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"permission held", in_role, "alice", "require_permission=ssh:login", "", RIGHT,
     {{PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"permission not held", in_role, "alice", "require_permission=ssh:logout", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"permission held on some resources only", in_role, "alice", "require_permission=ssh:part", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"permission whose grant has ended", was_in_role, "alice", "require_permission=ssh:login", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"no permission at all", in_role, "alice", "require_permission=ssh", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"role held, permission not", in_role, "alice", "require_role=ops require_permission=ssh:logout", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"permission held, role not", in_role, "alice", "require_role=lonely require_permission=ssh:login", "", RIGHT,
     {{PAM_SUCCESS, PAM_PERM_DENIED, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    {"both held", in_role, "alice", "require_role=ops require_permission=ssh:login", "", RIGHT,
     {{PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, ANY}}},
    /* R4, CVE-2021-31924, CVE-2011-4120; every stack position: test_cve_pam.c */
    {"empty password", nothing, "alice", "", "", "",
     {{PAM_AUTH_ERR, ANY, ANY, ANY, ANY, PAM_AUTHTOK_RECOVERY_ERR}}},
    {"empty password, none stored", drop_password, "alice", "", "", "",
     {{PAM_AUTH_ERR, ANY, ANY, ANY, ANY, PAM_AUTHTOK_RECOVERY_ERR}}},
    /* CVE-2020-27780 */
    {"unknown user, empty password", nothing, "nobody-knows", "unknown_user=fail", "", "",
     {{PAM_AUTH_ERR, PAM_PERM_DENIED, ANY, ANY, ANY, ANY}}},
    {"NULL answer (R3)", nothing, "alice", "", "", NULL,
     {{PAM_CONV_ERR, ANY, ANY, ANY, ANY, PAM_CONV_ERR}}},
};

static void table_of_users(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof user_rows / sizeof user_rows[0]; i++) {
        struct world w;

        world_open(&w, user_rows[i].config);
        world_user(&w, "alice", RIGHT);
        user_rows[i].arrange(&w);
        world_service(&w, user_rows[i].options);
        expect(&w, user_rows[i].what, user_rows[i].user, &user_rows[i].want,
               person(user_rows[i].password));
        world_close(&w);
    }
}

/* ---- what is broken ---- */

static void path_of(const struct world *w, const char *name, char out[160])
{
    (void)snprintf(out, 160, "%.60s/%.60s", w->dir, name);
}

static void mode(const struct world *w, const char *name, mode_t m)
{
    char path[160];

    path_of(w, name, path);
    assert_int_equal(chmod(path, m), 0);
}

static void owner(const struct world *w, const char *name, uid_t uid)
{
    char path[160];

    path_of(w, name, path);
    assert_int_equal(chown(path, uid, (gid_t)-1), 0);
}

static void fill(const struct world *w, const char *name, const char *text)
{
    char path[160];
    int fd;

    path_of(w, name, path);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

static void lose(const struct world *w, const char *name)
{
    char path[160];

    path_of(w, name, path);
    assert_int_equal(unlink(path), 0);
}

static void fifo(const struct world *w, const char *name)
{
    char path[160];

    lose(w, name);
    path_of(w, name, path);
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void folder(const struct world *w, const char *name)
{
    char path[160];

    lose(w, name);
    path_of(w, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void linked(const struct world *w, const char *name)
{
    char path[160], away[200];

    path_of(w, name, path);
    (void)snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(symlink(away, path), 0);
}

#define CONF "jwtauth.conf"
#define KEY "master.key"
#define DB "state/jwtauth.db"

static void conf_lost(struct world *w) { lose(w, CONF); }
static void conf_open(struct world *w) { mode(w, CONF, 0666); }
static void conf_owned(struct world *w) { owner(w, CONF, 1234); }
static void conf_fifo(struct world *w) { fifo(w, CONF); }      /* CVE-2024-22365 */
static void conf_folder(struct world *w) { folder(w, CONF); }
static void conf_link(struct world *w) { linked(w, CONF); }
static void conf_junk(struct world *w) { fill(w, CONF, "[nonsense\n"); }
static void conf_key(struct world *w) { fill(w, CONF, "[password]\nmin_lenght = 1\n"); }
static void conf_postgres(struct world *w) { fill(w, CONF, "[store]\nurl = postgresql://h/d\n"); }
static void key_lost(struct world *w) { lose(w, KEY); }
static void key_open(struct world *w) { mode(w, KEY, 0644); }
static void key_owned(struct world *w) { owner(w, KEY, 1234); }
static void key_junk(struct world *w) { fill(w, KEY, "0123\n"); }
static void key_empty(struct world *w) { fill(w, KEY, ""); }
static void key_fifo(struct world *w) { fifo(w, KEY); }
static void key_link(struct world *w) { linked(w, KEY); }
static void db_lost(struct world *w) { lose(w, DB); }
static void db_open(struct world *w) { mode(w, DB, 0644); }
static void db_owned(struct world *w) { owner(w, DB, 1234); }
static void db_junk(struct world *w) { fill(w, DB, "this is no database, whatever it says of itself"); }
static void db_empty(struct world *w) { fill(w, DB, ""); }
static void db_fifo(struct world *w) { fifo(w, DB); }
static void db_link(struct world *w) { linked(w, DB); }
static void db_folder_open(struct world *w) { mode(w, "state", 0777); }
static void db_newer(struct world *w) { world_sql(w, "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (9999, 'later', 'x', 1)"); }
static void db_no_users(struct world *w) { world_sql(w, "ALTER TABLE users RENAME TO users_gone"); }

static const struct { const char *what; void (*spoil)(struct world *w); const char *options; } broken_rows[] = {
    {"no configuration where one is named", conf_lost, ""},
    {"configuration writable by others", conf_open, ""},
    {"configuration of another owner", conf_owned, ""},
    {"configuration is a FIFO", conf_fifo, ""},
    {"configuration is a folder", conf_folder, ""},
    {"configuration is a link", conf_link, ""},
    {"configuration is junk", conf_junk, ""},
    {"configuration with an unknown key", conf_key, ""},
    {"postgresql, not built in", conf_postgres, ""},
    {"no master key", key_lost, ""},
    {"master key readable by others", key_open, ""},
    {"master key of another owner", key_owned, ""},
    {"master key too short", key_junk, ""},
    {"master key empty", key_empty, ""},
    {"master key is a FIFO", key_fifo, ""},
    {"master key is a link", key_link, ""},
    {"no database", db_lost, ""},
    {"database readable by others", db_open, ""},
    {"database of another owner", db_owned, ""},
    {"database is junk", db_junk, ""},
    {"database is empty", db_empty, ""},
    {"database is a FIFO", db_fifo, ""},
    {"database is a link", db_link, ""},
    {"state folder writable by others", db_folder_open, ""},
    {"database of a newer version", db_newer, ""},
    {"database without users", db_no_users, ""},
    /* CVE-2012-6150: a typing error must not open a door */
    {"unknown option", nothing, "debgu"},
    {"unknown option with a value", nothing, "mfaa=off"},
    {"option in other case", nothing, "Debug"},
    {"flag with a value", nothing, "quiet=yes"},
    {"value missing", nothing, "mfa"},
    {"value empty", nothing, "mfa="},
    {"value unknown", nothing, "mfa=sometimes"},
    {"value cut", nothing, "mfa=of"},
    {"given twice", nothing, "mfa=required mfa=off"},
    {"relative configuration path", nothing, "conf=jwtauth.conf"},
    {"accept empty", nothing, "accept="},
    {"accept unknown", nothing, "accept=password,key"},
    {"accept with an empty word", nothing, "accept=password,,jwt"},
    {"accept ends in a comma", nothing, "accept=password,"},
    {"accept with a word twice", nothing, "accept=password,password"},
    {"jwt_once with a value", nothing, "jwt_once=yes"},
    {"require_role empty", nothing, "require_role="},
    {"require_permission without a value", nothing, "require_permission"},
    {"enroll unknown", nothing, "enroll=maybe"},
    {"enroll without a value", nothing, "enroll"},
    {"enroll_until without enroll", nothing, "enroll_until=2027-01-31T23:59:59Z"},
    {"enroll_until with an offer", nothing, "enroll=offer enroll_until=2027-01-31T23:59:59Z"},
    {"enroll_until of a day alone", nothing, "enroll=require enroll_until=2027-01-31"},
    {"enroll_until a duration", nothing, "enroll=require enroll_until=7d"},
    {"enroll_until no such day", nothing, "enroll=require enroll_until=2027-02-31T00:00:00Z"},
    {"enroll_with without enroll", nothing, "enroll_with=invite"},
    {"enroll_with unknown", nothing, "enroll=offer enroll_with=email"},
    {"mfa_remember without a unit", nothing, "mfa_remember=15"},
    {"mfa_remember for ever", nothing, "mfa_remember=2d"},
    {"mfa_remember of nothing", nothing, "mfa_remember=0s"},
    {"mfa_remember before now", nothing, "mfa_remember=-15m"},
    {"mfa_remember without a value", nothing, "mfa_remember"},
};

/* CVE-2025-24531, CVE-2025-23013: never SUCCESS, never IGNORE; and local names get their answer still.
 * CVE-2025-53013, CVE-2025-11561, CVE-2023-3758: with store, key or configuration failing one by one there is no login
 * that the whole path would refuse: there is none at all. */
static void cve_2025_24531_broken_is_unavailable(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken_rows / sizeof broken_rows[0]; i++) {
        struct world w;

        world_open(&w, "");
        world_user(&w, "alice", RIGHT);
        world_service(&w, broken_rows[i].options);
        world_let_go(&w);
        broken_rows[i].spoil(&w);
        world_let_go(&w);
        world_log_clear();
        (void)world_call(&w, AUTH, "alice", &(struct person){.password = RIGHT});
        if (!strstr(world_log.text, "3 ")) /* LOG_ERR */
            fail_msg("%s: nothing is logged at LOG_ERR: %s", broken_rows[i].what, world_log.text);
        expect(&w, broken_rows[i].what, "alice", &broken, person(RIGHT));
        expect(&w, broken_rows[i].what, "nobody-knows", &broken, person(RIGHT));
        expect(&w, broken_rows[i].what, "root", &local, person(RIGHT));
        world_close(&w);
    }
}

static void supported_options_are_taken(void **state)
{
    static const char *const taken[] = {
        "debug", "try_first_pass", "forward_pass", "mfa=auto", "mfa=off", "mfa_remember=0", "mfa_remember=15m", "mfa_remember=1d",
        "require_role=nobodys", "require_permission=none:such",
        "enroll=off", "enroll=require enroll_until=2999-01-31T23:59:59Z enroll_with=invite",
        "enroll=offer enroll_with=invite", "enroll_with=password", "accept=password", "accept=password,jwt", "accept=jwt,password jwt_once", "jwt_once", "audience=other.example.org", "token=file", "token=none",
        "token_required", "quiet", "nodelay", "unknown_user=ignore", "unknown_user=fail",
    };
    struct world w;

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        struct person p = person(RIGHT);

        world_service(&w, taken[i]);
        if (world_call(&w, AUTH, "alice", &p) != PAM_SUCCESS)
            fail_msg("%s: %s", taken[i], world_log.text);
    }
    world_close(&w);
}

/* A mistyped name refuses everybody: whoever wonders finds it in the log. */
static void unknown_names_are_logged(void **state)
{
    static const struct { const char *option, *says; } all[] = {
        {"require_role=nosuch", "no such role (nosuch)"},
        {"require_permission=ssh", "require_permission: \"ssh\""},
    };
    struct world w;

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    in_role(&w);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct person p = person(RIGHT);

        world_service(&w, all[i].option);
        world_log_clear();
        assert_int_equal(world_call(&w, ACCOUNT, "alice", &p), PAM_PERM_DENIED);
        assert_non_null(strstr(world_log.text, all[i].says));
        assert_non_null(strstr(world_log.text, "3 ")); /* LOG_ERR */
    }
    world_log_clear();
    world_service(&w, "require_role=lonely"); /* there, not held: no error of anybody's */
    assert_int_equal(world_call(&w, ACCOUNT, "alice", &(struct person){.password = RIGHT}), PAM_PERM_DENIED);
    assert_null(strstr(world_log.text, "no such role"));
    assert_non_null(strstr(world_log.text, "account of alice refused: no_role"));
    world_close(&w);
}

/* The stack of CVE-2025-24531: a module behind ours that always says yes. */
static void cve_2025_24531_permit_behind_us_does_not_help(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    char text[512];

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    (void)snprintf(text, sizeof text, "auth required MODULE conf=%s\nauth optional pam_permit.so\n", w.conf);
    world_service_text(&w, text);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    key_lost(&w);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTHINFO_UNAVAIL);
    p = (struct person){.password = NULL};
    assert_int_not_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    world_close(&w);
}

/* A caller without root's rights: unavailable, with a line that says why. Local names are answered still. */
static void not_root_is_unavailable(void **state)
{
    struct world w;
    int status;
    pid_t pid;

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    assert_int_equal(chmod(w.conf, 0644), 0); /* as it is installed */
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int bad = setresuid(1234, 1234, 1234) != 0;

        for (int c = 0; c < CALLS; c++) {
            struct person p = person(RIGHT);

            bad |= world_call(&w, (enum call)c, "alice", &p) != broken.code[c];
            bad |= p.prompts != 0;
            bad |= world_call(&w, (enum call)c, "root", &p) != seen_as(local.code[c]);
        }
        bad |= strstr(world_log.text, "jwtauthd is not running") == NULL;
        _exit(bad);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    world_close(&w);
}

static void throttled_is_maxtries_at_once(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    for (int i = 0; i < 5; i++) {
        struct person p = person("wrong");

        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    }
    for (int i = 0; i < 2; i++) { /* the right password does not help */
        struct person p = person(RIGHT);

        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_MAXTRIES);
        assert_int_equal(p.prompts, 0);
        assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_TRY_AGAIN);
    }
    for (int i = 0; i < 7; i++) { /* a name nobody knows never gets it */
        struct person p = person("wrong");

        assert_int_equal(world_call(&w, AUTH, "nobody-knows", &p), PAM_USER_UNKNOWN);
        assert_int_equal(p.prompts, 1);
    }
    world_close(&w);
}

/* R21: no slot in time is unavailable, and nobody's failure; other modules' users are not kept waiting for us. */
static void r21_no_hashing_slot(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    int slot = -1;

    (void)state;
    world_open(&w, "parallel_hashes = 1\nhash_wait = 0");
    world_user(&w, "alice", RIGHT);
    assert_int_equal(ja_hash_slot_take(w.ctx, &slot, NULL), JA_OK);
    for (int i = 0; i < 8; i++)
        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTHINFO_UNAVAIL);
    assert_int_equal(world_call(&w, AUTH, "nobody-knows", &p), PAM_USER_UNKNOWN);
    world_service(&w, "unknown_user=fail");
    assert_int_equal(world_call(&w, AUTH, "nobody-knows", &p), PAM_AUTHINFO_UNAVAIL);
    ja_hash_slot_release(slot);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    world_close(&w);
}

/* CVE-2025-24031 and R3: at the first prompt and at the second. */
static void cve_2025_24031_conversations(void **state)
{
    static const enum mood moods[] = {FAILS, FAILS_WITH_ANSWER, GIVES_NOTHING, GIVES_NULL, HAS_NO_CONVERSATION};
    unsigned char secret[20];
    struct world w;

    (void)state;
    world_open(&w, "[throttle]\nlogin = 1000/15m\nper_user = 1000/1h\nper_source = 1000/15m");
    world_user(&w, "alice", RIGHT);
    world_totp(&w, "alice", secret);
    for (size_t i = 0; i < sizeof moods / sizeof moods[0]; i++) {
        for (int from = 0; from < 2; from++) {
            struct person p = person(RIGHT);

            p.mood = moods[i];
            p.from = from;
            assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_CONV_ERR);
        }
        for (int from = 0; from < 3; from++) {
            struct person p = person(RIGHT);

            p.mood = moods[i];
            p.from = from;
            assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_CONV_ERR);
        }
    }
    world_close(&w);
}

/* "an attempt only if a password had been evaluated before" */
static void hanging_up_is_no_attempt(void **state)
{
    struct world w;
    struct person p;

    (void)state;
    world_open(&w, "");
    world_user(&w, "alice", RIGHT);
    for (int i = 0; i < 8; i++) {
        p = person(NULL);
        assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_CONV_ERR);
    }
    p = person(RIGHT);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    world_close(&w);
}

/* R8: prompts, code and announced delay are one, whoever it is. */
static void r8_refusals_look_the_same(void **state)
{
    static const char *const names[] = {"alice", "locked", "disabled", "pending", "gone", "bare", "nobody-knows"};
    struct world w;
    unsigned delay = 0;
    char heard[256] = "";

    (void)state;
    world_open(&w, "");
    for (int i = 0; i < 5; i++)
        world_user(&w, names[i], RIGHT);
    world_user(&w, "bare", NULL);
    world_sql(&w, "UPDATE users SET status = 'locked' WHERE username = 'locked'");
    world_sql(&w, "UPDATE users SET status = 'disabled' WHERE username = 'disabled'");
    world_sql(&w, "UPDATE users SET status = 'pending' WHERE username = 'pending'");
    world_sql(&w, "UPDATE users SET valid_until = 1000000000 WHERE username = 'gone'");
    world_service(&w, "unknown_user=fail");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        /* The right password where the account is what refuses. */
        struct person p = person(i >= 1 && i <= 4 ? RIGHT : "wrong");

        world_log_clear();
        assert_int_equal(world_call(&w, AUTH, names[i], &p), PAM_AUTH_ERR);
        assert_true(world_log.fail_delay > 0);
        if (i == 0) {
            delay = world_log.fail_delay;
            (void)snprintf(heard, sizeof heard, "%.255s", p.heard);
        }
        /* libpam spreads the delay by up to half of it to either side. */
        assert_true(world_log.fail_delay >= delay / 4 && world_log.fail_delay <= delay * 4);
        assert_string_equal(p.heard, heard);
    }
    world_close(&w);
}

static void the_announced_delay_is_bounded_and_can_be_off(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "[throttle]\nlogin = 100/15m\ndelay_max = 60s");
    world_user(&w, "alice", RIGHT);
    for (int i = 0; i < 12; i++) {
        struct person p = person("wrong");

        (void)world_call(&w, AUTH, "alice", &p);
        /* 8 s and what libpam adds to it (up to a half) */
        assert_true(world_log.fail_delay > 0 && world_log.fail_delay <= 12100000);
    }
    assert_true(world_log.fail_delay >= 3900000);
    world_service(&w, "nodelay");
    world_log_clear();
    (void)world_call(&w, AUTH, "alice", &(struct person){.password = "wrong"});
    assert_int_equal(world_log.fail_delay, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_users),
        cmocka_unit_test(cve_2025_24531_broken_is_unavailable),
        cmocka_unit_test(cve_2025_24531_permit_behind_us_does_not_help),
        cmocka_unit_test(supported_options_are_taken),
        cmocka_unit_test(unknown_names_are_logged),
        cmocka_unit_test(not_root_is_unavailable),
        cmocka_unit_test(throttled_is_maxtries_at_once),
        cmocka_unit_test(r21_no_hashing_slot),
        cmocka_unit_test(cve_2025_24031_conversations),
        cmocka_unit_test(hanging_up_is_no_attempt),
        cmocka_unit_test(r8_refusals_look_the_same),
        cmocka_unit_test(the_announced_delay_is_bounded_and_can_be_off),
    };

    if (!world_usable())
        return 77;
    return cmocka_run_group_tests_name("pam returns", tests, NULL, NULL);
}
