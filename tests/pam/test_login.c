/* Whole logins through one handle or several: factors, what crosses from auth to session, the token file, names that
 * change, password changes. */
#include "tests/pam/pam_world.h"

#include "common/domain/token.h"
#include "common/flow/account_flow.h"

#include <security/pam_modules.h>
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
#define FRESH "Fresh-Horse-7-Battery"

static void open_with(struct world *w, const char *config)
{
    world_open(w, config);
    world_user(w, "alice", RIGHT);
    world_user(w, "bob", RIGHT);
}

static pam_handle_t *log_in(struct world *w, const char *user, struct person *p)
{
    pam_handle_t *pamh = world_start(w, user, p);

    if (pam_authenticate(pamh, 0) != PAM_SUCCESS || pam_acct_mgmt(pamh, 0) != PAM_SUCCESS)
        fail_msg("no login: %s", world_log.text);
    return pamh;
}

static char *slurp(const char *path)
{
    char *text = calloc(1, 16384);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_non_null(text);
    if (fd < 0 || read(fd, text, 16383) < 0)
        fail_msg("%s cannot be read", path);
    close(fd);
    return text;
}

static enum ja_status verify(struct world *w, const char *token, json_t **claims, struct ja_error *err)
{
    struct ja_token_check check = ja_token_check_default(w->ctx);

    return ja_token_verify(w->ctx, token, strlen(token), &check, false, claims, err);
}

static void mode_is(const char *path, mode_t mode, uid_t uid)
{
    struct stat sb;

    assert_int_equal(lstat(path, &sb), 0);
    if ((sb.st_mode & 07777) != mode || sb.st_uid != uid)
        fail_msg("%s is %o of %u", path, (unsigned)sb.st_mode, (unsigned)sb.st_uid);
}

static uid_t uid_of(struct world *w, const char *name)
{
    struct ja_user u = {0};
    uid_t uid;

    assert_int_equal(ja_user_find_by_name(w->ctx, name, &u, NULL), JA_OK);
    uid = (uid_t)u.uid;
    ja_user_clear(&u);
    return uid;
}

static void session_gets_a_token_file_and_loses_it(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    json_t *claims = NULL;
    struct ja_error err = {0};
    char path[512], folder[256], run[128];
    const char *id;
    char *token;
    mode_t mask;

    (void)state;
    open_with(&w, "");
    mask = umask(0777); /* the application's umask does not count */
    pamh = log_in(&w, "alice", &p);
    assert_non_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_int_equal(umask(mask), 0777);
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    id = pam_getenv(pamh, "JWTAUTH_SESSION_ID");
    assert_true(id && ja_uuid_valid(id));
    (void)snprintf(run, sizeof run, "%s/run", w.dir);
    (void)snprintf(folder, sizeof folder, "%s/sessions/%s", run, id);
    (void)snprintf(path, sizeof path, "%s/token", folder);
    assert_string_equal(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"), path);
    mode_is(path, 0600, uid_of(&w, "alice"));
    mode_is(folder, 0711, 0);
    mode_is(run, 0755, 0);
    (void)snprintf(folder, sizeof folder, "%s/sessions", run);
    mode_is(folder, 0711, 0);

    token = slurp(path);
    assert_null(strchr(token, '\n'));
    if (verify(&w, token, &claims, &err) != JA_OK)
        fail_msg("%s", err.message);
    assert_string_equal(json_string_value(json_object_get(claims, "preferred_username")), "alice");
    assert_string_equal(json_string_value(json_object_get(claims, "sid")), id);
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")) -
                     json_integer_value(json_object_get(claims, "iat")), 3600);
    assert_string_equal(json_string_value(json_array_get(json_object_get(claims, "amr"), 0)), "pwd");
    json_decref(claims);

    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(verify(&w, token, &claims, &err), JA_ERR_DENIED);
    assert_true(strcmp(err.code, "session_ended") == 0 || strcmp(err.code, "revoked") == 0);
    free(token);
    world_end(pamh);
    world_close(&w);
}

static void no_login_no_token(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    /* cron, su by root: no auth in this handle */
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_SESSION_ID"));
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    world_end(pamh);
    /* a made-up handle */
    pamh = world_start(&w, "alice", &p);
    (void)pam_putenv(pamh, "JWTAUTH_LOGIN=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    world_end(pamh);
    world_close(&w);
}

/* sshd runs auth in a child: memory is lost, the environment crosses. Once only, and for its user only. */
static void a_login_crosses_processes_once(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    char line[128];

    (void)state;
    open_with(&w, "");
    pamh = log_in(&w, "alice", &p);
    (void)snprintf(line, sizeof line, "JWTAUTH_LOGIN=%s", pam_getenv(pamh, "JWTAUTH_LOGIN"));
    world_end(pamh);

    pamh = world_start(&w, "bob", &p);
    (void)pam_putenv(pamh, line);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    world_end(pamh);

    for (int i = 0; i < 2; i++) {
        pamh = world_start(&w, "alice", &p);
        (void)pam_putenv(pamh, line);
        assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
        if (i == 0)
            assert_non_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
        else
            assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
        world_end(pamh);
    }
    world_close(&w);
}

static void ssh_methods(void **state)
{
    static const struct { const char *info, *amr; } rows[] = {
        {"publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "pop"},
        {"publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n", "pop"},
        {"publickey sk-ssh-ed25519@openssh.com AAAAGnNr\n", "hwk"},
        {"publickey sk-ecdsa-sha2-nistp256@openssh.com AAAA\npublickey ssh-rsa AAAA\n", "pop"},
        {"publickey ssh-rsa AAAA\npublickey sk-ssh-ed25519@openssh.com AAAA\n", "pop"},
        {"gssapi-with-mic alice@EXAMPLE.ORG\n", "ext"},
        {"hostbased host.example.org ssh-ed25519 AAAA\n", "ext"},
        {"password\n", NULL},
        {"keyboard-interactive/pam\n", NULL},
        {"", NULL},
        {"\n\n", NULL},
        {"publickey", NULL},
        {"publickey \n", NULL},
        {"publickey ssh-rsa\n", NULL},
        {"publickey ssh-rsa \n", NULL},
        {"publickeyx ssh-rsa AAAA\n", NULL},
        {" publickey ssh-rsa AAAA\n", NULL},
        {"Publickey ssh-rsa AAAA\n", NULL},
        {"password publickey ssh-rsa AAAA\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct person p = person(RIGHT);
        pam_handle_t *pamh;
        char line[256];
        const char *file;

        open_with(&w, "");
        pamh = world_start(&w, "alice", &p);
        (void)snprintf(line, sizeof line, "SSH_AUTH_INFO_0=%s", rows[i].info);
        assert_int_equal(pam_putenv(pamh, line), PAM_SUCCESS);
        assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS); /* R6: a key login never runs auth */
        assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
        file = pam_getenv(pamh, "JWTAUTH_TOKEN_FILE");
        if (!file != !rows[i].amr)
            fail_msg("\"%s\": %s", rows[i].info, file ? "a token" : "no token");
        if (file) {
            char *token = slurp(file);
            json_t *claims = NULL;

            assert_int_equal(verify(&w, token, &claims, NULL), JA_OK);
            assert_string_equal(json_string_value(json_array_get(json_object_get(claims, "amr"), 0)),
                                rows[i].amr);
            json_decref(claims);
            free(token);
        }
        world_end(pamh);
        world_close(&w);
    }
}

/* R6, CVE-2023-40184: account, setcred and session each refuse on their own, and the application is told. */
static void r6_key_logins_are_refused_too(void **state)
{
    static const struct { const char *sql; int account; } why[] = {
        {"UPDATE users SET status = 'locked' WHERE username = 'alice'", PAM_PERM_DENIED},
        {"UPDATE users SET status = 'disabled' WHERE username = 'alice'", PAM_PERM_DENIED},
        {"UPDATE users SET status = 'pending' WHERE username = 'alice'", PAM_PERM_DENIED},
        {"UPDATE users SET status = 'active', lock_at = 1000 WHERE username = 'alice'", PAM_PERM_DENIED},
        {"UPDATE users SET lock_at = NULL, valid_until = 1000 WHERE username = 'alice'", PAM_ACCT_EXPIRED},
    };
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    pamh = world_start(&w, "alice", &p);
    (void)pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    world_end(pamh);
    for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
        world_sql(&w, why[i].sql);
        pamh = world_start(&w, "alice", &p);
        (void)pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
        assert_int_equal(pam_acct_mgmt(pamh, 0), why[i].account);
        assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
        assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
        assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
        world_end(pamh);
    }
    /* mfa=required: a key alone is not enough */
    world_service(&w, "mfa=required");
    pamh = world_start(&w, "bob", &p);
    (void)pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    world_end(pamh);
    world_close(&w);
}

static void r6_setcred_takes_every_flag(void **state)
{
    static const int flags[] = {PAM_ESTABLISH_CRED, PAM_REINITIALIZE_CRED, PAM_REFRESH_CRED, PAM_DELETE_CRED};
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    pamh = log_in(&w, "alice", &p);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pam_setcred(pamh, flags[i]), PAM_SUCCESS);
    assert_int_equal(ja_account_disable(w.ctx, "alice", &(struct ja_cut){0}, NULL), JA_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pam_setcred(pamh, flags[i] | PAM_SILENT), PAM_CRED_ERR);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
    world_end(pamh);
    world_close(&w);
}

/* ---- names that change ---- */

/* CVE-2024-9313, CVE-2015-6563 (R5): what was authenticated for one name counts for no other. */
static void cve_2024_9313_name_changed_before_account(void **state)
{
    static const char *const to[] = {"bob", "root", "nobody-knows"};
    struct world w;

    (void)state;
    open_with(&w, "");
    for (size_t i = 0; i < 3; i++) {
        struct person p = person(RIGHT);
        pam_handle_t *pamh = world_start(&w, "alice", &p);

        assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
        assert_int_equal(pam_set_item(pamh, PAM_USER, to[i]), PAM_SUCCESS);
        assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
        assert_true(world_log.alerts > 0);
        world_log_clear();
        world_end(pamh);
    }
    { /* a local name authenticated elsewhere does not become ours */
        struct person p = person(RIGHT);
        pam_handle_t *pamh = world_start(&w, "root", &p);

        assert_int_equal(pam_authenticate(pamh, 0), PAM_USER_UNKNOWN);
        (void)pam_set_item(pamh, PAM_USER, "alice");
        assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
        world_end(pamh);
    }
    world_close(&w);
}

static void name_changed_during_the_prompt(void **state)
{
    struct world w;
    struct person p = person(RIGHT);

    (void)state;
    open_with(&w, "");
    (void)snprintf(p.change_user_to, sizeof p.change_user_to, "bob");
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    assert_true(world_log.alerts > 0);
    world_close(&w);
}

/* sudo's twin: the invoker in auth and account, the target in setcred and session. */
static void r5_sudo_changes_the_name_for_the_session(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    pamh = log_in(&w, "alice", &p);
    (void)pam_set_item(pamh, PAM_USER, "bob");
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_null(pam_getenv(pamh, "JWTAUTH_SESSION_ID"));
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    world_end(pamh);
    /* and the common target: root, a local name; what auth left is taken out of its environment */
    pamh = log_in(&w, "alice", &p);
    (void)pam_set_item(pamh, PAM_USER, "root");
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    assert_int_equal(pam_open_session(pamh, 0), PAM_PERM_DENIED); /* libpam's name for a lone IGNORE */
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    world_end(pamh);
    /* a locked target is refused although the invoker is fine */
    assert_int_equal(ja_account_lock(w.ctx, "bob", 0, &(struct ja_cut){0}, NULL), JA_OK);
    pamh = log_in(&w, "alice", &p);
    (void)pam_set_item(pamh, PAM_USER, "bob");
    assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
    world_end(pamh);
    world_close(&w);
}

/* A session id in the environment closes nobody else's session. */
static void close_ends_only_ones_own(void **state)
{
    struct world w;
    struct person p = person(RIGHT), q = person(RIGHT);
    pam_handle_t *alice, *bob;
    char line[128];
    json_t *claims = NULL;
    char *token;

    (void)state;
    open_with(&w, "");
    alice = log_in(&w, "alice", &p);
    assert_int_equal(pam_open_session(alice, 0), PAM_SUCCESS);
    (void)snprintf(line, sizeof line, "JWTAUTH_SESSION_ID=%s", pam_getenv(alice, "JWTAUTH_SESSION_ID"));
    token = slurp(pam_getenv(alice, "JWTAUTH_TOKEN_FILE"));
    bob = world_start(&w, "bob", &q);
    (void)pam_putenv(bob, line);
    assert_int_equal(pam_close_session(bob, 0), PAM_SUCCESS);
    world_end(bob);
    assert_int_equal(verify(&w, token, &claims, NULL), JA_OK);
    json_decref(claims);
    world_end(alice);
    /* closing in another process, which has only the environment */
    alice = world_start(&w, "alice", &p);
    (void)pam_putenv(alice, line);
    assert_int_equal(pam_close_session(alice, 0), PAM_SUCCESS);
    assert_int_equal(verify(&w, token, &claims, NULL), JA_ERR_DENIED);
    world_end(alice);
    free(token);
    world_close(&w);
}

/* A lock during the session: the close still takes the file away. */
static void a_locked_user_can_log_out(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    char path[256];

    (void)state;
    open_with(&w, "");
    pamh = log_in(&w, "alice", &p);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    (void)snprintf(path, sizeof path, "%s", pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_int_equal(ja_account_lock(w.ctx, "alice", 0, &(struct ja_cut){0}, NULL), JA_OK);
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    assert_int_equal(access(path, F_OK), -1);
    world_end(pamh);
    world_close(&w);
}

/* ---- the token file's options and failures ---- */

static void token_none(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    world_service(&w, "token=none");
    pamh = log_in(&w, "alice", &p);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_null(pam_getenv(pamh, "JWTAUTH_SESSION_ID"));
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
    world_end(pamh);
    world_close(&w);
}

static void audience_option(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    json_t *claims = NULL;
    struct ja_token_check check;
    char *token;

    (void)state;
    open_with(&w, "");
    world_service(&w, "audience=files.example.org");
    pamh = log_in(&w, "alice", &p);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    token = slurp(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    check = ja_token_check_default(w.ctx);
    check.audience = "files.example.org";
    assert_int_equal(ja_token_verify(w.ctx, token, strlen(token), &check, false, &claims, NULL), JA_OK);
    json_decref(claims);
    free(token);
    world_end(pamh);
    world_close(&w);
}

/* A place that cannot hold the file: logged, and the login goes on; not with token_required. */
static void unwritable_token(void **state)
{
    struct world w;
    char path[128];
    int fd;

    (void)state;
    open_with(&w, "");
    (void)snprintf(path, sizeof path, "%s/run/sessions", w.dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    for (int required = 0; required < 2; required++) {
        struct person p = person(RIGHT);
        pam_handle_t *pamh;

        world_service(&w, required ? "token_required" : "");
        pamh = log_in(&w, "alice", &p);
        world_log_clear();
        assert_int_equal(pam_open_session(pamh, 0), required ? PAM_SESSION_ERR : PAM_SUCCESS);
        assert_non_null(strstr(world_log.text, "3 "));
        assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
        (void)pam_close_session(pamh, 0);
        world_end(pamh);
    }
    world_close(&w);
}

static void planted_links_are_not_followed(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;
    char path[160], bait[128];

    (void)state;
    open_with(&w, "");
    (void)snprintf(bait, sizeof bait, "%s/bait", w.dir);
    assert_int_equal(mkdir(bait, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/run/sessions", w.dir);
    assert_int_equal(symlink(bait, path), 0);
    pamh = log_in(&w, "alice", &p);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_int_equal(rmdir(bait), 0); /* still empty */
    world_end(pamh);
    world_close(&w);
}

/* ---- second factor ---- */

static void code_after_a_right_password_only(void **state)
{
    struct world w;
    unsigned char secret[20];
    struct person p = person(RIGHT);
    char code[7], joined[64];
    pam_handle_t *pamh;
    json_t *claims = NULL, *amr;
    char *token;

    (void)state;
    open_with(&w, "");
    world_totp(&w, "alice", secret);
    world_code(secret, 0, code);
    p.code = code;
    pamh = log_in(&w, "alice", &p);
    assert_string_equal(p.heard, "Password: |Verification code: |");
    assert_int_equal(p.echo_on, 1); /* R7 */
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    token = slurp(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    assert_int_equal(verify(&w, token, &claims, NULL), JA_OK);
    amr = json_object_get(claims, "amr");
    assert_int_equal(json_array_size(amr), 3);
    assert_string_equal(json_string_value(json_array_get(amr, 1)), "otp");
    json_decref(claims);
    free(token);
    world_end(pamh);

    p = person(RIGHT); /* R11: the same code again */
    p.code = code;
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    p = person("wrong");
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    assert_string_equal(p.heard, "Password: |");

    /* R7: sshd's password method gives the password to each prompt */
    p = person(RIGHT);
    p.code = RIGHT;
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    p = person(RIGHT); /* CVE-2021-31924: an empty code */
    p.code = "";
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    /* and typed together without forward_pass it is just a wrong password */
    world_code(secret, 1, code);
    (void)snprintf(joined, sizeof joined, "%s%s", RIGHT, code);
    p = person(joined);
    assert_int_equal(world_call(&w, AUTH, "bob", &p), PAM_AUTH_ERR);
    world_close(&w);
}

static void forward_pass(void **state)
{
    struct world w;
    unsigned char secret[20];
    char code[7], joined[64];
    struct person p;

    (void)state;
    open_with(&w, "");
    world_totp(&w, "alice", secret);
    world_service(&w, "forward_pass");
    world_code(secret, 0, code);
    (void)snprintf(joined, sizeof joined, "%s%s", RIGHT, code);
    p = person(joined);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    assert_string_equal(p.heard, "Password: |");
    p = person(RIGHT); /* no second factor: nothing is split off */
    assert_int_equal(world_call(&w, AUTH, "bob", &p), PAM_SUCCESS);
    p = person(joined);
    assert_int_equal(world_call(&w, AUTH, "bob", &p), PAM_AUTH_ERR);
    world_close(&w);
}

static void required_asks_everyone_both(void **state)
{
    static const char *const names[] = {"alice", "bob", "nobody-knows"};
    struct world w;
    unsigned char secret[20];

    (void)state;
    open_with(&w, "");
    world_totp(&w, "alice", secret);
    world_service(&w, "mfa=required unknown_user=fail");
    for (size_t i = 0; i < 3; i++) {
        struct person p = person("wrong");

        assert_int_equal(world_call(&w, AUTH, names[i], &p), PAM_AUTH_ERR);
        assert_string_equal(p.heard, "Password: |Verification code: |");
    }
    world_close(&w);
}

/* R12, CVE-2024-9313's relative: half a login leaves nothing behind. */
static void r12_nothing_before_the_code(void **state)
{
    struct world w;
    unsigned char secret[20];
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    world_totp(&w, "alice", secret);
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    world_end(pamh);
    world_close(&w);
}

/* A failed try after a good one takes the good one back. */
static void a_second_try_in_the_handle_starts_anew(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    pamh = log_in(&w, "alice", &p);
    p.password = "wrong";
    assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    assert_null(pam_getenv(pamh, "JWTAUTH_LOGIN"));
    world_end(pamh);
    world_close(&w);
}

/* ---- stacked passwords ---- */

static void first_pass(void **state)
{
    struct world w;
    struct person p;
    char text[1024];

    (void)state;
    open_with(&w, "");
    /* The first line asks (for another user's database) and leaves the password. */
    for (int use = 0; use < 2; use++) {
        (void)snprintf(text, sizeof text,
                       "auth optional MODULE conf=%s mfa=required nodelay\nauth required MODULE conf=%s %s\n",
                       w.conf, w.conf, use ? "use_first_pass" : "try_first_pass");
        world_service_text(&w, text);
        p = person(RIGHT);
        assert_int_equal(world_call(&w, AUTH, "bob", &p), PAM_SUCCESS);
        assert_string_equal(p.heard, "Password: |Verification code: |");
    }
    world_service(&w, "use_first_pass");
    p = person(RIGHT);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    assert_int_equal(p.prompts, 0);
    world_service(&w, "try_first_pass");
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    assert_int_equal(p.prompts, 1);
    world_close(&w);
}

/* ---- password changes ---- */

static void a_forced_change(void **state)
{
    struct world w;
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    assert_int_equal(ja_account_password_expire(w.ctx, "alice", NULL), JA_OK);
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS); /* without a token */
    assert_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    world_end(pamh);

    p = person(RIGHT);
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
    p.heard[0] = '\0';
    assert_int_equal(pam_chauthtok(pamh, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
    assert_string_equal(p.heard, "Current password: |New password: |Retype new password: |");
    assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_non_null(pam_getenv(pamh, "JWTAUTH_TOKEN_FILE"));
    world_end(pamh);

    p = person(FRESH);
    pamh = log_in(&w, "alice", &p);
    world_end(pamh);
    p = person(RIGHT);
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_AUTH_ERR);
    world_close(&w);
}

static void weak_passwords_are_told_why(void **state)
{
    struct world w;
    struct person p;

    (void)state;
    open_with(&w, "");
    p = person(RIGHT);
    p.fresh = p.retype = "abc";
    assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_AUTHTOK_ERR);
    assert_true(p.errors >= 3); /* short, no upper case, no digit */
    world_service(&w, "quiet");
    p = person(RIGHT);
    p.fresh = p.retype = "abc";
    assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_AUTHTOK_ERR);
    assert_int_equal(p.errors, 0);
    world_service(&w, "");
    p = person(RIGHT);
    p.retype = "Other-Horse-7-Battery";
    assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_AUTHTOK_ERR);
    p = person(RIGHT);
    p.fresh = p.retype = "";
    assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_AUTHTOK_ERR);
    p = person(RIGHT); /* reused */
    p.fresh = p.retype = RIGHT;
    assert_int_equal(world_call(&w, PASSWORD, "alice", &p), PAM_AUTHTOK_ERR);
    p = person(RIGHT); /* unchanged */
    assert_int_equal(world_call(&w, AUTH, "alice", &p), PAM_SUCCESS);
    world_close(&w);
}

/* The old password is skipped for a real uid of 0 only: never for a user in a setuid program. */
static void only_root_skips_the_old_password(void **state)
{
    struct world w;
    struct person p = person(NULL);
    pam_handle_t *pamh;
    int status;
    pid_t pid;

    (void)state;
    open_with(&w, "");
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_chauthtok(pamh, 0), PAM_SUCCESS);
    assert_string_equal(p.heard, "New password: |Retype new password: |");
    world_end(pamh);
    ja_ctx_clear(w.ctx);
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) { /* as passwd: real uid a user's (nobody's: cracklib wants one of /etc/passwd), effective uid 0 */
        int bad = setresuid(65534, 0, 0) != 0;

        p = person("wrong");
        pamh = world_start(&w, "alice", &p);
        bad |= (pam_chauthtok(pamh, 0) != PAM_AUTHTOK_RECOVERY_ERR) << 1;
        bad |= (strcmp(p.heard, "Current password: |") != 0) << 2;
        world_end(pamh);
        p = person(FRESH);
        p.fresh = p.retype = "Third-Horse-7-Battery";
        pamh = world_start(&w, "alice", &p);
        bad |= (pam_chauthtok(pamh, 0) != PAM_SUCCESS) << 3;
        world_end(pamh);
        _exit(bad);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    world_close(&w);
}

/* A second factor is not asked for the change that follows the login it was given in. */
static void change_with_a_second_factor(void **state)
{
    struct world w;
    unsigned char secret[20];
    char code[7];
    struct person p = person(RIGHT);
    pam_handle_t *pamh;

    (void)state;
    open_with(&w, "");
    world_totp(&w, "alice", secret);
    assert_int_equal(ja_account_password_expire(w.ctx, "alice", NULL), JA_OK);
    world_code(secret, 0, code);
    p.code = code;
    pamh = world_start(&w, "alice", &p);
    assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
    assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
    assert_int_equal(pam_chauthtok(pamh, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
    world_end(pamh);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_gets_a_token_file_and_loses_it),
        cmocka_unit_test(no_login_no_token),
        cmocka_unit_test(a_login_crosses_processes_once),
        cmocka_unit_test(ssh_methods),
        cmocka_unit_test(r6_key_logins_are_refused_too),
        cmocka_unit_test(r6_setcred_takes_every_flag),
        cmocka_unit_test(cve_2024_9313_name_changed_before_account),
        cmocka_unit_test(name_changed_during_the_prompt),
        cmocka_unit_test(r5_sudo_changes_the_name_for_the_session),
        cmocka_unit_test(close_ends_only_ones_own),
        cmocka_unit_test(a_locked_user_can_log_out),
        cmocka_unit_test(token_none),
        cmocka_unit_test(audience_option),
        cmocka_unit_test(unwritable_token),
        cmocka_unit_test(planted_links_are_not_followed),
        cmocka_unit_test(code_after_a_right_password_only),
        cmocka_unit_test(forward_pass),
        cmocka_unit_test(required_asks_everyone_both),
        cmocka_unit_test(r12_nothing_before_the_code),
        cmocka_unit_test(a_second_try_in_the_handle_starts_anew),
        cmocka_unit_test(first_pass),
        cmocka_unit_test(a_forced_change),
        cmocka_unit_test(weak_passwords_are_told_why),
        cmocka_unit_test(only_root_skips_the_old_password),
        cmocka_unit_test(change_with_a_second_factor),
    };

    if (!world_usable())
        return 77;
    return cmocka_run_group_tests_name("pam login", tests, NULL, NULL);
}
