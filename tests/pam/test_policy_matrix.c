/* service x role x network x factor: a table of what [policy NAME] rules make of each login, by the real module under
 * the real libpam, from authenticate to close_session. */
#include "tests/pam/pam_world.h"

#include "common/flow/role_flow.h"

#include <security/pam_modules.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define RIGHT "Right-Horse-7-Battery"

/* Strong from outside, lighter from the office, sudo by role, a service account by key only (issue's examples), and
 * what else a rule can say. */
static const char rules[] =
    "[policy backup]\nservice = sshd\nuser = svc\nmethods = publickey\n"
    "[policy ssh-outside]\nservice = sshd\nnot_network = 10.0.0.0/8\nmfa = required\nmethods = password, publickey\n"
    "[policy ssh-office]\nservice = sshd\nmfa = auto\n"
    "[policy sudo-ops]\nservice = sudo, sudo-i\nrole = ops\nmfa = auto\n"
    "[policy sudo-others]\nservice = sudo*\ndeny = yes\n"
    "[policy su-chiefs]\nservice = su\nrequire_role = chief\nmfa = off\n"
    "[policy console]\nservice = login\ntty = tty*\nmfa = off\n"
    "[policy login-guests]\nservice = login\nuser = alice\nrequire_permission = login:remote\n"
    "[policy mistyped]\nservice = ftp\nrole = nosuch\nmfa = off\n";

enum phase { SKIP, OK, IN_AUTH, IN_ACCOUNT, IN_SESSION };
static const char *const phases[] = {"-", "in", "refused in auth", "refused in account", "refused in session"};

enum factor { KEY, GSSAPI, PASSWORD_ALONE, TWO_FACTORS, FACTORS };
static const char *const factors[] = {"key or none", "gssapi", "password", "password and code"};

/* alice: no role, no second factor. bob: no role, a second factor. oscar: ops. olga: ops through lead, a second
 * factor. carla: chief, a second factor. svc: no password. */
static const struct {
    const char *service, *user, *rhost, *tty;
    enum phase want[FACTORS];
} cells[] = {
#define S IN_SESSION
#define A IN_AUTH
#define C IN_ACCOUNT
#define _ SKIP
    /*                                       key gss pwd two */
    {"sshd", "svc", "192.0.2.7", "ssh",     {OK, S, A, A}},
    {"sshd", "svc", "10.1.2.3", "ssh",      {OK, S, A, A}},
    {"sshd", "svc", NULL, "ssh",            {OK, S, A, A}},
    {"sshd", "alice", "192.0.2.7", "ssh",   {OK, S, A, A}},
    {"sshd", "alice", "10.1.2.3", "ssh",    {OK, OK, OK, OK}},
    {"sshd", "alice", "pc.office", "ssh",   {OK, S, A, A}}, /* no numeric address: outside */
    {"sshd", "alice", "10.1.2.3 x", "ssh",  {OK, S, A, A}},
    {"sshd", "alice", "2001:db8::1", "ssh", {OK, S, A, A}},
    {"sshd", "alice", "::ffff:10.1.2.3", "ssh", {OK, OK, OK, OK}},
    {"sshd", "alice", NULL, "ssh",          {OK, S, A, A}},
    {"sshd", "bob", "192.0.2.7", "ssh",     {OK, S, A, OK}},
    {"sshd", "bob", "10.1.2.3", "ssh",      {OK, OK, A, OK}},
    {"sshd", "olga", "192.0.2.7", "ssh",    {OK, S, A, OK}},
    {"sshd", "olga", "10.1.2.3", "ssh",     {OK, OK, A, OK}},
    {"sudo", "alice", NULL, "/dev/pts/1",   {C, _, C, C}},
    {"sudo", "alice", "10.1.2.3", "/dev/pts/1", {C, _, C, C}},
    {"sudo", "bob", NULL, "/dev/pts/1",     {C, _, A, C}},
    {"sudo", "oscar", NULL, "/dev/pts/1",   {OK, _, OK, OK}},
    {"sudo", "oscar", "192.0.2.7", "/dev/pts/1", {OK, _, OK, OK}},
    {"sudo", "olga", NULL, "/dev/pts/1",    {OK, _, A, OK}},
    {"sudo", "olga", "192.0.2.7", "/dev/pts/1", {OK, _, A, OK}},
    {"sudo", "carla", NULL, "/dev/pts/1",   {C, _, A, C}},
    {"sudo-i", "oscar", NULL, "/dev/pts/1", {OK, _, OK, OK}},
    {"sudo-i", "alice", NULL, "/dev/pts/1", {C, _, C, C}},
    {"su", "alice", NULL, "/dev/pts/1",     {C, _, C, C}},
    {"su", "olga", NULL, "/dev/pts/1",      {C, _, C, C}},
    {"su", "carla", NULL, "/dev/pts/1",     {OK, _, OK, OK}},
    {"login", "alice", NULL, "/dev/tty1",   {OK, _, OK, OK}},
    {"login", "bob", NULL, "tty1",          {OK, _, OK, OK}},
    {"login", "bob", NULL, "/dev/pts/1",    {OK, _, A, OK}}, /* no rule: the options */
    {"login", "alice", NULL, "/dev/pts/1",  {C, _, C, C}},
    {"login", "alice", "10.1.2.3", NULL,    {C, _, C, C}},
    {"ftp", "alice", "10.1.2.3", NULL,      {C, _, C, C}},
    {"ftp", "bob", "192.0.2.7", NULL,       {C, _, A, C}},
    {"ftp", "olga", "192.0.2.7", NULL,      {C, _, A, C}},
    {"smtp", "alice", "192.0.2.7", NULL,    {OK, _, OK, OK}},
    {"smtp", "bob", "192.0.2.7", NULL,      {OK, _, A, OK}},
#undef S
#undef A
#undef C
#undef _
};

static unsigned char secrets[3][20];
static const char *const enrolled[] = {"bob", "olga", "carla"};

static void make_role(struct world *w, const char *name, const char *parent)
{
    assert_int_equal(ja_role_add_flow(w->ctx, name, "", NULL, 0, NULL), JA_OK);
    if (parent)
        assert_int_equal(ja_role_inherit_flow(w->ctx, name, parent, NULL), JA_OK);
}

static void furnish(struct world *w)
{
    static const char *const people[] = {"alice", "bob", "oscar", "olga", "carla"};

    for (size_t i = 0; i < LEN(people); i++)
        world_user(w, people[i], RIGHT);
    world_user(w, "svc", NULL);
    for (size_t i = 0; i < LEN(enrolled); i++)
        world_totp(w, enrolled[i], secrets[i]);
    make_role(w, "ops", NULL);
    make_role(w, "lead", "ops");
    make_role(w, "chief", NULL);
    assert_int_equal(ja_role_grant_flow(w->ctx, "oscar", "ops", 0, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(w->ctx, "olga", "lead", 0, NULL), JA_OK);
    assert_int_equal(ja_role_grant_flow(w->ctx, "carla", "chief", 0, NULL), JA_OK);
    world_service(w, "mfa=auto");
}

/* The file "t" under the service's name. */
static void name_service(const struct world *w, const char *service)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof from, "%s/t", w->pamd);
    (void)snprintf(to, sizeof to, "%s/%s", w->pamd, service);
    (void)unlink(to);
    assert_int_equal(link(from, to), 0);
}

static void code_for(const char *user, char out[7])
{
    (void)snprintf(out, 7, "%s", "000000");
    for (size_t i = 0; i < LEN(enrolled); i++)
        if (strcmp(user, enrolled[i]) == 0)
            world_code(secrets[i], 0, out);
}

static enum phase walk(pam_handle_t *pamh, enum factor factor)
{
    if (factor >= PASSWORD_ALONE && pam_authenticate(pamh, 0) != PAM_SUCCESS)
        return IN_AUTH;
    if (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS)
        return IN_ACCOUNT;
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    if (factor == KEY)
        assert_int_equal(pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n"), PAM_SUCCESS);
    if (factor == GSSAPI)
        assert_int_equal(pam_putenv(pamh, "SSH_AUTH_INFO_0=gssapi-with-mic x@EXAMPLE.ORG\n"), PAM_SUCCESS);
    if (pam_open_session(pamh, 0) != PAM_SUCCESS)
        return IN_SESSION;
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    return OK;
}

static enum phase log_in(struct world *w, size_t i, enum factor factor)
{
    struct person p = person(RIGHT);
    char code[7];
    pam_handle_t *pamh = world_start(w, cells[i].user, &p);
    enum phase got;

    if (factor == TWO_FACTORS) {
        code_for(cells[i].user, code);
        p.code = code;
    }
    assert_int_equal(pam_set_item(pamh, PAM_SERVICE, cells[i].service), PAM_SUCCESS);
    assert_int_equal(pam_set_item(pamh, PAM_RHOST, cells[i].rhost), PAM_SUCCESS);
    assert_int_equal(pam_set_item(pamh, PAM_TTY, cells[i].tty), PAM_SUCCESS);
    got = walk(pamh, factor);
    world_end(pamh);
    /* the next cell comes within the same half minute, and after as many failures */
    world_sql(w, "UPDATE totp SET last_step = 0");
    world_sql(w, "DELETE FROM throttle");
    return got;
}

static void the_matrix(void **state)
{
    struct world w;
    int n = 0, bad = 0;

    (void)state;
    world_open(&w, rules);
    furnish(&w);
    for (size_t i = 0; i < LEN(cells); i++) {
        name_service(&w, cells[i].service);
        for (int f = 0; f < FACTORS; f++) {
            enum phase got;

            if (cells[i].want[f] == SKIP)
                continue;
            world_log_clear();
            got = log_in(&w, i, (enum factor)f);
            n++;
            if (got == cells[i].want[f])
                continue;
            bad++;
            print_message("# %s, %s from %s at %s by %s: %s, not %s: %s\n", cells[i].service, cells[i].user,
                          cells[i].rhost ? cells[i].rhost : "-", cells[i].tty ? cells[i].tty : "-", factors[f],
                          phases[got], phases[cells[i].want[f]], world_log.text);
        }
    }
    print_message("# %d cells\n", n);
    assert_int_equal(bad, 0);
    assert_true(n >= 60);
    world_close(&w);
}

/* Rules come before the options of the module's line, whatever these are. */
static void options_give_way_to_rules(void **state)
{
    struct world w;
    struct person p = person(RIGHT);

    (void)state;
    world_open(&w, "[policy r]\nservice = t\nuser = alice\nmfa = off\nrequire_role = ops\n");
    furnish(&w);
    world_user(&w, "anna", RIGHT);
    world_service(&w, "mfa=required require_role=nosuch");
    assert_int_equal(ja_role_grant_flow(w.ctx, "alice", "ops", 0, NULL), JA_OK);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    assert_int_equal(world_call(&w, ACCOUNT, "alice", &p), PAM_SUCCESS);
    assert_int_equal(world_call(&w, AUTH, "anna", &p), PAM_AUTH_ERR);
    assert_int_equal(world_call(&w, ACCOUNT, "anna", &p), PAM_PERM_DENIED);
    world_close(&w);
}

static int64_t denials(struct world *w, const char *user)
{
    struct ja_rows *rows = NULL;
    bool row = false;
    char target[64];
    int64_t n;

    (void)snprintf(target, sizeof target, "user:%s", user);
    assert_int_equal(ja_ctx_open_store(w->ctx, NULL), JA_OK);
    assert_int_equal(ja_db_query(w->ctx->db,
                                 "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'login' AND outcome = 'denied' "
                                 "AND reason = 'policy' AND service = 't' AND target = $1",
                                 JA_BINDS(JA_T(target)), &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    n = ja_col_int(rows, "n");
    ja_rows_end(rows);
    return n;
}

/* PAM.md: "role, permission or policy refuses": account alone; and the log has the reason, the user does not. R28: the
 * audit log has it too, once for however many. */
static void refusals_are_accounts(void **state)
{
    struct world w;
    struct person p = person(RIGHT);

    (void)state;
    world_open(&w, "[policy r]\nuser = alice\ndeny = yes\n[policy s]\nuser = oscar\nrole = nosuch\n");
    furnish(&w);
    for (int i = 0; i < 2; i++) {
        const char *user = i ? "oscar" : "alice";

        world_log_clear();
        assert_int_equal(world_call(&w, AUTH, user, &p), PAM_SUCCESS);
        assert_int_equal(world_call(&w, ACCOUNT, user, &p), PAM_PERM_DENIED);
        assert_int_equal(world_call(&w, SETCRED, user, &p), PAM_SUCCESS);
        assert_int_equal(world_call(&w, OPEN, user, &p), PAM_SUCCESS);
        assert_non_null(strstr(world_log.text, "refused: policy"));
        assert_true((strstr(world_log.text, "there is no role 'nosuch'") != NULL) == (i == 1));
        assert_null(strstr(p.heard, "policy"));
        assert_int_equal(denials(&w, user), 1);
        assert_int_equal(world_call(&w, ACCOUNT, user, &p), PAM_PERM_DENIED);
        assert_int_equal(denials(&w, user), 1);
    }
    world_close(&w);
}

/* The rule's audience, not the option's. */
static void token_audience(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    struct ja_rows *rows = NULL;
    pam_handle_t *pamh;
    bool row = false;

    (void)state;
    world_open(&w, "[policy r]\nuser = alice\ntoken_audience = https://rule.example.org\n");
    furnish(&w);
    world_service(&w, "audience=option.example.org");
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_int_equal(ja_db_query(w.ctx->db, "SELECT audience AS t FROM sessions LIMIT $1", JA_BINDS(JA_I(1)), &rows, NULL), JA_OK);
    assert_int_equal(ja_rows_next(rows, &row, NULL), JA_OK);
    assert_true(row);
    assert_string_equal(ja_col_text(rows, "t"), "https://rule.example.org");
    ja_rows_end(rows);
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    world_end(pamh);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_matrix),
        cmocka_unit_test(options_give_way_to_rules),
        cmocka_unit_test(refusals_are_accounts),
        cmocka_unit_test(token_audience),
    };

    if (!world_usable())
        return 0;
    return cmocka_run_group_tests_name("policy matrix", tests, NULL, NULL);
}
