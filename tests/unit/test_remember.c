/* mfa_remember: what spares a code, and everything that ends it.  The kernel's facts are injected. */
#include "common/flow/account_flow.h"
#include "common/domain/purge.h"
#include "common/flow/session_flow.h"
#include "tests/unit/auth_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LOGIN_SESSION 77
#define WINDOW 900

static struct ja_proc_login facts(struct world *w, const char *name)
{
    struct ja_proc_login l = {.audit_session = LOGIN_SESSION};
    struct ja_user u = {0};

    assert_int_equal(ja_proc_boot_id(l.boot_id, NULL), JA_OK);
    assert_int_equal(ja_user_find_by_name(w->ctx, name, &u, NULL), JA_OK);
    l.login_uid = u.uid;
    ja_user_clear(&u);
    return l;
}

/* bob has logged in by key; the session's id. */
static void log_in(struct world *w, const struct ja_proc_login *login, int64_t pid, char id[JA_UUID_LEN + 1])
{
    struct ja_user u = {0};
    struct ja_session s = {0};
    struct ja_minted m = {0};
    struct ja_pam_session p = {.user = &u, .service = "sshd", .external_amr = "pop", .login = login, .pid = pid};

    assert_int_equal(ja_user_find_by_name(w->ctx, "bob", &u, NULL), JA_OK);
    assert_int_equal(ja_session_open_pam(w->ctx, &p, &s, &m, NULL), JA_OK);
    memcpy(id, s.id, sizeof s.id);
    ja_session_clear(&s);
    ja_minted_clear(&m);
    ja_user_clear(&u);
}

static void next_step(struct world *w)
{
    w->t->clock.wall_ms += 30000;
}

/* bob's sudo with the code of now; `differs` says what is otherwise. */
static struct outcome sudo(struct world *w, const struct ja_proc_login *l, void (*differs)(struct attempt *a))
{
    struct attempt a = {.user = "bob", .password = RIGHT, .code = NOW, .service = "sudo", .remember = WINDOW,
                        .login = l};

    if (differs)
        differs(&a);
    return attempt(w->ctx, w, &a);
}

static void always(struct attempt *a) { a->mfa = JA_MFA_ALWAYS; }
static void silent(struct attempt *a) { a->code = NULL; }
static void by_su(struct attempt *a) { a->service = "su"; }
static void for_alice(struct attempt *a) { a->target = "alice"; }
static void off(struct attempt *a) { a->remember = 0; }
static void wrong_code(struct attempt *a) { a->code = "000000"; }
static void no_mfa(struct attempt *a) { a->mfa = JA_MFA_OFF; }
static void proof(struct attempt *a) { a->fruit = PROOF; }

static bool spared(struct world *w, const struct outcome *o)
{
    (void)w;
    return allowed(o) && strcmp(o->prompts, "P") == 0;
}
static bool was_asked(struct world *w, const struct outcome *o)
{
    next_step(w);
    return allowed(o) && strcmp(o->prompts, "PC") == 0;
}

/* A login session with a code given in sudo. */
static struct ja_proc_login remembered(struct world *w, char id[JA_UUID_LEN + 1])
{
    struct ja_proc_login l = facts(w, "bob");
    struct outcome o;

    log_in(w, &l, getpid(), id);
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 1);
    return l;
}

static void asks_the_code_once(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    struct outcome o = sudo(w, &l, NULL);

    assert_true(spared(w, &o));
    assert_string_equal(o.r.amr, "pwd"); /* nothing is claimed that was not shown */
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'login' AND "
                               "detail LIKE '%code_remembered%'"), 1);
    o = sudo(w, &l, always);
    assert_true(spared(w, &o));
    o = LOGIN(w, .user = "bob", .password = WRONG, .service = "sudo", .remember = WINDOW, .login = &l);
    assert_true(denied(&o, JA_REASON_WRONG_PASSWORD)); /* the password is asked as ever */
    assert_string_equal(o.prompts, "P");
}

/* Exactly as long as said, not prolonged by use, nothing for a clock that was set back. */
static void ends_with_its_time(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    int64_t given = number(w, "SELECT given_at AS n FROM remembered_factors");
    struct outcome o;

    w->t->clock.wall_ms = (given + WINDOW - 1) * 1000;
    o = sudo(w, &l, NULL);
    assert_true(spared(w, &o));
    assert_int_equal(number(w, "SELECT given_at AS n FROM remembered_factors"), given);
    w->t->clock.wall_ms = (given - 1) * 1000;
    o = sudo(w, &l, silent);
    assert_string_equal(o.prompts, "PC");
    w->t->clock.wall_ms = (given + WINDOW) * 1000;
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    assert_int_equal(number(w, "SELECT given_at AS n FROM remembered_factors"), given + WINDOW);
}

/* Another service, target, user, audit session, boot, person; the option off. */
static void counts_for_its_key_alone(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login good = remembered(w, id), l = good;
    struct ja_proc_login alice = facts(w, "alice");
    struct outcome o;

    o = sudo(w, &good, by_su);
    assert_true(was_asked(w, &o));
    o = sudo(w, &good, for_alice);
    assert_true(was_asked(w, &o));
    o = sudo(w, &good, off);
    assert_true(was_asked(w, &o));
    o = sudo(w, NULL, NULL);
    assert_true(was_asked(w, &o));
    l.audit_session = LOGIN_SESSION + 1;
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    l = good;
    l.boot_id[0] = l.boot_id[0] == 'a' ? 'b' : 'a'; /* the machine was started again */
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    o = sudo(w, &alice, NULL); /* she sits there, and uses bob's password */
    assert_true(was_asked(w, &o));
    o = sudo(w, &good, NULL);
    assert_true(spared(w, &o)); /* it was there all the time */
}

/* An unset audit id, a login that is nobody's, and a session without a row remember nothing. */
static void unset_is_never_remembered(void **state)
{
    struct world *w = *state;
    struct ja_proc_login good = facts(w, "bob"), l;
    char id[JA_UUID_LEN + 1];
    struct outcome o;

    o = sudo(w, &good, NULL); /* nobody logged in: no row of ours */
    assert_true(was_asked(w, &o));
    for (int i = 0; i < 5; i++) {
        static const int64_t ids[] = {JA_AUDIT_UNSET, 0, -1, JA_AUDIT_UNSET + 1, LOGIN_SESSION};

        l = good;
        l.audit_session = ids[i];
        if (i == 4)
            l.login_uid = JA_AUDIT_UNSET;
        log_in(w, &l, getpid(), id);
        o = sudo(w, &l, NULL);
        assert_true(was_asked(w, &o));
        o = sudo(w, &l, NULL);
        assert_true(was_asked(w, &o));
    }
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM sessions WHERE audit_session IS NOT NULL"), 0);
    sql(w, "UPDATE sessions SET audit_session = 4294967295"); /* a row that says so stands for nobody either */
    l.audit_session = JA_AUDIT_UNSET;
    l.login_uid = good.login_uid;
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 0);
}

/* A rule of the configuration says it as the option does, and takes the option's word away. */
static void a_rule_decides_over_the_option(void **state)
{
    struct world *w = *state;
    struct ja_proc_login l = facts(w, "bob");
    char id[JA_UUID_LEN + 1];
    struct outcome o;

    log_in(w, &l, getpid(), id);
    o = sudo(w, &l, off); /* the option; the rule for sudo remembers */
    assert_true(was_asked(w, &o));
    o = sudo(w, &l, off);
    assert_true(spared(w, &o));
    o = sudo(w, &l, by_su); /* the option remembers, the rule for su does not */
    assert_true(was_asked(w, &o));
    o = sudo(w, &l, by_su);
    assert_true(was_asked(w, &o));
}

/* ---- what ends it ---- */

/* R18: a session that ends takes what was remembered in it along. */
static void logout_ends_it(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1], again[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    bool ended = false;
    struct outcome o;

    assert_int_equal(ja_session_close(w->ctx, id, "logout", &ended, NULL), JA_OK);
    assert_true(ended);
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    log_in(w, &l, getpid(), again); /* another row does not bring the former one's back */
    o = sudo(w, &l, silent);
    assert_string_equal(o.prompts, "PC");
}

static void lock_ends_it(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    struct ja_cut cut = {0};
    struct outcome o;

    assert_int_equal(ja_account_lock(w->ctx, "bob", 0, &cut, NULL), JA_OK);
    assert_int_equal(ja_account_unlock(w->ctx, "bob", NULL), JA_OK);
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
}

static void revocation_ends_it(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    int64_t n = 0;
    struct outcome o;

    assert_int_equal(ja_session_close_user(w->ctx, w->bob, "revoked", &n, NULL), JA_OK);
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
}

/* The session's own end, and the end of its process, which no close has told of. */
static void a_session_that_is_over_ends_it(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    struct outcome o;

    sql(w, "UPDATE sessions SET pid_start = pid_start + 1"); /* the number is another process's now */
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
    sql(w, "UPDATE sessions SET pid_start = pid_start - 1");
    o = sudo(w, &l, NULL);
    assert_true(spared(w, &o));
    sql(w, "UPDATE sessions SET ends_at = 1");
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
}

/* A new factor is asked for once at least. */
static void another_factor_is_asked_for(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    struct outcome o;

    assert_int_equal(ja_account_totp_disable(w->ctx, "bob", NULL), JA_OK);
    new_factor(w, w->bob, 6, w->secret);
    o = sudo(w, &l, NULL);
    assert_true(was_asked(w, &o));
}

/* Locked between the answers and the verdict. */
static void finish_looks_again(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    struct attempt a = {.user = "bob", .service = "sudo", .remember = WINDOW, .login = &l};
    struct ja_auth *auth = begin(w->ctx, &a);
    struct outcome o;

    assert_int_equal(answer(auth, RIGHT), JA_OK);
    assert_int_equal(ja_auth_next(auth), JA_NEXT_DONE);
    assert_int_equal(ja_session_close(w->ctx, id, "logout", &(bool){false}, NULL), JA_OK);
    o = finish(auth, HANDLE);
    assert_true(denied(&o, JA_REASON_CODE_REQUIRED));
    ja_auth_free(auth);
}

/* Wrong codes, proofs of a password alone, and denied logins leave nothing. */
static void only_a_right_code_is_remembered(void **state)
{
    struct world *w = *state;
    struct ja_proc_login l = facts(w, "bob");
    char id[JA_UUID_LEN + 1];
    struct outcome o;

    log_in(w, &l, getpid(), id);
    o = sudo(w, &l, wrong_code);
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
    o = sudo(w, &l, no_mfa);
    assert_true(allowed(&o));
    o = sudo(w, &l, proof);
    assert_true(was_asked(w, &o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 0);
    o = LOGIN(w, .user = "bob", .password = RIGHT, .code = w->recovery[0], .service = "sudo",
              .remember = WINDOW, .login = &l);
    assert_true(was_asked(w, &o));
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 1);
}

/* A code that was typed along is judged, whatever is remembered. */
static void a_code_that_is_given_counts(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1], now[9], both[64];
    struct ja_proc_login l = remembered(w, id);
    struct outcome o;

    code_of(w, 0, now);
    (void)snprintf(both, sizeof both, "%s%s", RIGHT, now);
    o = LOGIN(w, .user = "bob", .password = both, .forward = true, .service = "sudo", .remember = WINDOW,
              .login = &l);
    assert_true(allowed(&o));
    assert_string_equal(o.r.amr, "pwd otp mfa");
    (void)snprintf(both, sizeof both, "%s000000", RIGHT);
    o = LOGIN(w, .user = "bob", .password = both, .forward = true, .service = "sudo", .remember = WINDOW,
              .login = &l);
    assert_true(denied(&o, JA_REASON_WRONG_CODE));
}

/* ---- account with mfa=required, after auth ---- */

static enum ja_auth_reason account(struct world *w, const char *handle, const struct ja_proc_login *l,
                                   int64_t remember)
{
    struct ja_account_check check = {.user = "bob", .service = "sudo", .mfa = JA_MFA_ALWAYS, .handle = handle,
                                     .check_mfa = true, .mfa_remember = remember, .login = l};
    struct ja_auth_result r = {0};
    struct ja_user u = {0};

    assert_int_equal(ja_account_decide(w->ctx, &check, &u, &r, NULL), JA_OK);
    ja_user_clear(&u);
    assert_int_equal(r.verdict == JA_ALLOW, r.reason == JA_REASON_NONE);
    return r.reason;
}

static void account_knows_it_too(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    struct ja_proc_login l = remembered(w, id);
    int64_t given = number(w, "SELECT given_at AS n FROM remembered_factors");
    struct outcome o;

    assert_int_equal(account(w, NULL, &l, WINDOW), JA_REASON_CODE_REQUIRED); /* no login by password */
    w->t->clock.wall_ms = (given + WINDOW - 1) * 1000;
    o = sudo(w, &l, NULL);
    assert_true(spared(w, &o));
    w->t->clock.wall_ms += 5000; /* over since auth decided, which is what counts */
    assert_int_equal(account(w, o.handle, &l, WINDOW), JA_REASON_NONE);
    assert_int_equal(account(w, o.handle, &l, 0), JA_REASON_CODE_REQUIRED);
    assert_int_equal(account(w, o.handle, NULL, WINDOW), JA_REASON_CODE_REQUIRED);
    assert_int_equal(ja_session_close(w->ctx, id, "logout", &(bool){false}, NULL), JA_OK);
    assert_int_equal(account(w, o.handle, &l, WINDOW), JA_REASON_CODE_REQUIRED);
}

/* ---- housekeeping ---- */

static void goes_with_its_session(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];
    int64_t n = 0;

    (void)remembered(w, id);
    w->t->clock.wall_ms += INT64_C(400) * 86400 * 1000;
    assert_int_equal(ja_db_begin(w->ctx->db, NULL), JA_OK);
    assert_int_equal(ja_purge_batch(w->ctx, JA_PURGE_SESSIONS, &n, NULL), JA_OK);
    assert_int_equal(ja_db_commit(w->ctx->db, NULL), JA_OK);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM sessions"), 0);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 0);
}

static void goes_with_its_user(void **state)
{
    struct world *w = *state;
    char id[JA_UUID_LEN + 1];

    (void)remembered(w, id);
    assert_int_equal(ja_account_delete(w->ctx, "bob", NULL), JA_OK);
    assert_int_equal(number(w, "SELECT COUNT(*) AS n FROM remembered_factors"), 0);
}

/* ---- where the facts come from ---- */

static void reads_the_kernels_facts(void **state)
{
    struct ja_proc_login l;
    char buf[32] = "";
    long long want = -1;
    FILE *f = fopen("/proc/self/sessionid", "re");

    (void)state;
    ja_proc_login(&l);
    if (f && fgets(buf, sizeof buf, f) && sscanf(buf, "%lld", &want) == 1)
        assert_int_equal(l.audit_session, want);
    else
        assert_int_equal(l.audit_session, JA_AUDIT_UNSET);
    if (f)
        (void)fclose(f);
    assert_true(l.login_uid >= 0 && l.login_uid <= JA_AUDIT_UNSET);
    assert_int_equal(strlen(l.boot_id), JA_BOOT_ID_LEN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

#define WITH(f, config) cmocka_unit_test_prestate_setup_teardown(f, world_up, world_down, config)

int main(void)
{
    static char rules[] = "[policy sudo]\nservice = sudo\nmfa_remember = 15m\n"
                          "[policy su]\nservice = su\nmfa_remember = 0\n";
    const struct CMUnitTest tests[] = {
        T(asks_the_code_once),
        T(ends_with_its_time),
        T(counts_for_its_key_alone),
        T(unset_is_never_remembered),
        WITH(a_rule_decides_over_the_option, rules),
        T(logout_ends_it),
        T(lock_ends_it),
        T(revocation_ends_it),
        T(a_session_that_is_over_ends_it),
        T(another_factor_is_asked_for),
        T(finish_looks_again),
        T(only_a_right_code_is_remembered),
        T(a_code_that_is_given_counts),
        T(account_knows_it_too),
        T(goes_with_its_session),
        T(goes_with_its_user),
        cmocka_unit_test(reads_the_kernels_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
