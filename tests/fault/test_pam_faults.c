/* SECURITY R1 (CVE-2025-23013, CVE-2025-24531): every call that can fail does, one at a time, in every entry point.
 *
 * For each scenario and each kind of call the Nth one fails, N = 1, 2, ... until none is left to fail.
 * A login that is to be refused must never succeed; a good one succeeds with all that it promises or fails
 * with a code of its kind; nobody ever gets PAM_IGNORE.  Afterwards the store is sound and a plain
 * login works.
 */
#include "tests/fault/inject.h"
#include "tests/pam/pam_world.h"

#include "common/db/db.h"

#include <crypt.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOOD "Correct-Horse-7-Battery"

static ja_fault_arm_fn fault_arm;
static ja_fault_disarm_fn fault_disarm;
static ja_fault_pause_fn fault_pause;

static const char *const kind_names[JA_FAULT_KINDS] = {"allocation", "open",   "read",
                                                       "write",      "SQLite", "random"};

struct state {
    struct world w;
    unsigned char secret[20];
    char *hash, *old_hash; /* alice's, old's */
};

struct scenario {
    const char *name;
    enum call call;
    const char *user;
    bool good;     /* the login is to succeed when nothing fails */
    bool open_first;
    int unfaulted; /* the code without a fault */
    struct person who;
};

static const struct scenario scenarios[] = {
    {"auth, password and code", AUTH, "bob", true, false, PAM_SUCCESS, {.password = GOOD}},
    {"auth, hash of old parameters", AUTH, "old", true, false, PAM_SUCCESS, {.password = GOOD}},
    {"auth, wrong password", AUTH, "alice", false, false, PAM_AUTH_ERR, {.password = "wrong"}},
    {"auth, wrong code", AUTH, "bob", false, false, PAM_AUTH_ERR, {.password = GOOD, .code = "abcdef"}},
    {"auth, locked", AUTH, "locked", false, false, PAM_AUTH_ERR, {.password = GOOD}},
    {"auth, unknown name", AUTH, "nobody-here", false, false, PAM_USER_UNKNOWN, {.password = GOOD}},
    {"account", ACCOUNT, "alice", true, false, PAM_SUCCESS, {0}},
    {"account, locked", ACCOUNT, "locked", false, false, PAM_PERM_DENIED, {0}},
    {"setcred", SETCRED, "alice", true, false, PAM_SUCCESS, {0}},
    {"setcred, locked", SETCRED, "locked", false, false, PAM_CRED_ERR, {0}},
    {"open_session", OPEN, "alice", true, false, PAM_SUCCESS, {0}},
    {"open_session, locked", OPEN, "locked", false, false, PAM_SESSION_ERR, {0}},
    {"close_session", CLOSE, "alice", true, true, PAM_SUCCESS, {0}},
    {"chauthtok", PASSWORD, "alice", true, false, PAM_SUCCESS,
     {.current = GOOD, .fresh = "Fresh-Horse-8-Stapled", .retype = "Fresh-Horse-8-Stapled"}},
    {"chauthtok, wrong current password", PASSWORD, "alice", false, false, PAM_AUTHTOK_RECOVERY_ERR,
     {.current = "wrong", .fresh = "Fresh-Horse-8-Stapled", .retype = "Fresh-Horse-8-Stapled"}},
    {"chauthtok, weak new password", PASSWORD, "alice", false, false, PAM_AUTHTOK_ERR,
     {.current = GOOD, .fresh = "short", .retype = "short"}},
};

static void die(const char *what, const struct ja_error *err)
{
    printf("Bail out! %s: %s\n", what, err ? err->message : "");
    exit(99);
}

static int64_t number(struct state *s, const char *sql)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;
    int64_t n = 0;

    if (ja_db_query_(s->w.ctx->db, sql, NULL, 0, &rows, &err) != JA_OK ||
        ja_rows_next(rows, &row, &err) != JA_OK || !row)
        die(sql, &err);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

static char *hash_of(struct state *s, const char *name)
{
    struct ja_rows *rows = NULL;
    struct ja_error err = {0};
    bool row = false;
    char *hash = NULL;

    if (ja_db_query(s->w.ctx->db, "SELECT password_hash FROM users WHERE username = $1",
                    JA_BINDS(JA_T(name)), &rows, &err) != JA_OK ||
        ja_rows_next(rows, &row, &err) != JA_OK || !row)
        die(name, &err);
    hash = strdup(ja_col_text(rows, "password_hash"));
    ja_rows_end(rows);
    return hash;
}

static enum ja_status put_hash(struct ja_db *db, const char *name, const char *hash, struct ja_error *err)
{
    return ja_db_exec(db, "UPDATE users SET password_hash = $1 WHERE username = $2",
                      JA_BINDS(JA_T(hash), JA_T(name)), NULL, err);
}

/* As before the first run: no counters, no used step, the old passwords. */
static void reset(struct state *s)
{
    struct ja_db *db = s->w.ctx->db;
    struct ja_error err = {0};

    if (ja_db_begin(db, &err) != JA_OK ||
        ja_db_exec(db, "DELETE FROM throttle", JA_NO_BINDS, NULL, &err) != JA_OK ||
        ja_db_exec(db, "DELETE FROM login_handles", JA_NO_BINDS, NULL, &err) != JA_OK ||
        ja_db_exec(db, "DELETE FROM sessions", JA_NO_BINDS, NULL, &err) != JA_OK ||
        ja_db_exec(db, "DELETE FROM password_history", JA_NO_BINDS, NULL, &err) != JA_OK ||
        ja_db_exec(db, "UPDATE totp SET last_step = 1", JA_NO_BINDS, NULL, &err) != JA_OK ||
        put_hash(db, "alice", s->hash, &err) != JA_OK ||
        put_hash(db, "old", s->old_hash, &err) != JA_OK ||
        ja_db_commit(db, &err) != JA_OK)
        die("reset", &err);
    world_log_clear();
}

/* The person's own memory is not under test. */
static const struct pam_conv *spoken;
static int quiet_conv(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
    int rc;

    fault_pause(1);
    rc = spoken->conv(n, m, ret, data);
    fault_pause(0);
    return rc;
}

struct outcome {
    int rc, fired;
    long count;
    bool earned; /* all that a success promises is there */
};

static bool earned(struct state *s, const struct scenario *sc, pam_handle_t *pamh)
{
    char *hash;
    bool changed;

    switch (sc->call) {
    case AUTH:
        return pam_getenv(pamh, "JWTAUTH_LOGIN") &&
               number(s, "SELECT COUNT(*) AS n FROM login_handles") == 1;
    case CLOSE:
        return number(s, "SELECT COUNT(*) AS n FROM sessions WHERE revoked_at IS NULL") == 0;
    case OPEN: /* a token that could not be written keeps nobody out; the row is there */
        return number(s, "SELECT COUNT(*) AS n FROM sessions WHERE revoked_at IS NULL") == 1;
    case PASSWORD:
        hash = hash_of(s, "alice");
        changed = strcmp(hash, s->hash) != 0;
        free(hash);
        return changed;
    case ACCOUNT:
    case SETCRED:
    case CALLS:
        break;
    }
    return true;
}

static struct outcome run(struct state *s, const struct scenario *sc, int kind, long nth)
{
    struct person p = sc->who;
    struct pam_conv conv = {quiet_conv, &p};
    const void *item = NULL;
    struct pam_conv former;
    struct outcome o = {0};
    pam_handle_t *pamh;
    char code[7];

    reset(s);
    world_code(s->secret, 0, code);
    if (!p.code)
        p.code = code;
    pamh = world_start(&s->w, sc->user, &p);
    (void)pam_get_item(pamh, PAM_CONV, &item);
    former = *(const struct pam_conv *)item;
    spoken = &former;
    (void)pam_set_item(pamh, PAM_CONV, &conv);
    if (sc->call == OPEN || sc->open_first)
        (void)pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA");
    if (sc->open_first && world_dispatch(pamh, OPEN) != PAM_SUCCESS)
        die("open_session before close_session", NULL);
    fault_arm(kind, nth);
    o.rc = world_dispatch(pamh, sc->call);
    o.count = fault_disarm(&o.fired);
    o.earned = earned(s, sc, pamh);
    world_end(pamh);
    return o;
}

/* What a failing call may answer, beside the code without a fault. PAM_BUF_ERR, PAM_ABORT and
 * PAM_SYSTEM_ERR (its audit record) are libpam's own. */
static bool right_kind(const struct scenario *sc, int rc)
{
    static const int kinds[CALLS][8] = {
        [AUTH] = {PAM_AUTHINFO_UNAVAIL, PAM_CONV_ERR, PAM_AUTH_ERR, PAM_MAXTRIES},
        [ACCOUNT] = {PAM_SYSTEM_ERR, PAM_PERM_DENIED},
        [SETCRED] = {PAM_CRED_UNAVAIL, PAM_CRED_ERR},
        [OPEN] = {PAM_SESSION_ERR},
        [CLOSE] = {PAM_SESSION_ERR},
        [PASSWORD] = {PAM_SYSTEM_ERR, PAM_AUTHTOK_RECOVERY_ERR, PAM_AUTHTOK_ERR, PAM_CONV_ERR},
    };

    if (rc == PAM_IGNORE || rc == PAM_SUCCESS)
        return false;
    if (rc == sc->unfaulted || rc == PAM_BUF_ERR || rc == PAM_ABORT ||
        rc == PAM_SYSTEM_ERR)
        return true;
    for (int i = 0; i < 8; i++)
        if (kinds[sc->call][i] == rc && rc != 0)
            return true;
    return false;
}

static bool acceptable(const struct scenario *sc, const struct outcome *o)
{
    if (o->rc == PAM_SUCCESS)
        return sc->good && o->earned;
    return right_kind(sc, o->rc);
}

static bool sound(struct state *s)
{
    char problem[256] = "";
    struct ja_error err = {0};

    if (ja_db_check(s->w.ctx->db, problem, sizeof problem, &err) == JA_OK)
        return true;
    printf("# the store is damaged: %s\n", err.message);
    return false;
}

static int test_one(struct state *s, const struct scenario *sc, int kind, int number_of_test)
{
    long nth = 0, bad = 0, survived = 0;
    struct outcome o = {.fired = 1};

    for (nth = 1; o.fired; nth++) {
        o = run(s, sc, kind, nth);
        if (!o.fired && o.rc != sc->unfaulted) {
            printf("# without a fault: code %d instead of %d\n%s", o.rc, sc->unfaulted, world_log.text);
            bad++;
        } else if (o.fired && !acceptable(sc, &o)) {
            printf("# %s call %ld failing: code %d%s\n", kind_names[kind], nth, o.rc,
                   o.earned ? "" : ", not earned");
            if (++bad <= 2)
                printf("%s", world_log.text);
        }
        survived += o.fired && o.rc == PAM_SUCCESS;
    }
    if (!sound(s))
        bad++;
    printf("%sok %d - R1 %s: each of %ld %s calls failing (%ld did no harm)\n", bad ? "not " : "",
           number_of_test, sc->name, nth - 2, kind_names[kind], survived);
    return bad ? 1 : 0;
}

static int test_aftermath(struct state *s, int number_of_test)
{
    struct outcome o = run(s, &scenarios[0], JA_FAULT_RANDOM, 0);
    struct ja_error err = {0};
    char problem[256] = "";
    bool ok = ja_db_check(s->w.ctx->db, problem, sizeof problem, &err) == JA_OK &&
              o.rc == PAM_SUCCESS && o.earned;

    printf("%sok %d - R1 afterwards: db check passes and a login works\n", ok ? "" : "not ",
           number_of_test);
    if (!ok)
        printf("# %s %s, login %d\n", problem, err.message, o.rc);
    return ok ? 0 : 1;
}

/* Made anew after success, in a transaction of its own; SHA-512 crypt is cheap. */
static void make_old(struct state *s)
{
    struct crypt_data *data = calloc(1, sizeof *data);

    if (!data || !crypt_rn(GOOD, "$6$rounds=1000$salt", data, (int)sizeof *data))
        die("crypt", NULL);
    s->old_hash = strdup(data->output);
    free(data);
    if (!s->old_hash)
        die("memory", NULL);
}

static void with_injection(char **argv)
{
    const char *build = getenv("top_builddir");
    char path[4096];

    fault_arm = (ja_fault_arm_fn)dlsym(RTLD_DEFAULT, "ja_fault_arm");
    fault_disarm = (ja_fault_disarm_fn)dlsym(RTLD_DEFAULT, "ja_fault_disarm");
    fault_pause = (ja_fault_pause_fn)dlsym(RTLD_DEFAULT, "ja_fault_pause");
    if (fault_arm && fault_disarm && fault_pause)
        return;
    if (getenv("LD_PRELOAD"))
        die("the injection library is preloaded but has no entry points", NULL);
    (void)snprintf(path, sizeof path, "%s/tests/fault/.libs/inject.so", build ? build : ".");
    (void)setenv("LD_PRELOAD", path, 1);
    (void)execv("/proc/self/exe", argv);
    die("exec", NULL);
}

int main(int argc, char **argv)
{
    static struct state s;
    int failed = 0, n = 0;

    (void)argc;
    if (!world_usable())
        return 0;
    with_injection(argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n", sizeof scenarios / sizeof *scenarios * JA_FAULT_KINDS + 1);
    world_open(&s.w, "dictionary = no\n");
    /* kept loaded: else each run would pay for the linker, whose failures are not ours */
    if (!dlopen(s.w.module, RTLD_NOW | RTLD_LOCAL))
        die(dlerror(), NULL);
    world_user(&s.w, "alice", GOOD);
    world_user(&s.w, "bob", GOOD);
    world_user(&s.w, "locked", GOOD);
    world_sql(&s.w, "UPDATE users SET status = 'locked' WHERE username = 'locked'");
    world_totp(&s.w, "bob", s.secret);
    world_user(&s.w, "old", GOOD);
    make_old(&s);
    s.hash = hash_of(&s, "alice");
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        for (int kind = 0; kind < JA_FAULT_KINDS; kind++)
            failed += test_one(&s, &scenarios[i], kind, ++n);
    failed += test_aftermath(&s, ++n);
    free(s.hash);
    free(s.old_hash);
    world_close(&s.w);
    return failed ? 1 : 0;
}
