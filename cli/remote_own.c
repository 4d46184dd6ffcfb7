/* The own account by way of jwtauthd. */
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/qr.h"
#include "cli/remote.h"
#include "common/view/session_row.h"
#include "common/view/user_row.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_MAX 64

/* ---- whoami, profile ---- */

/* JWTAUTH_SESSION_ID is a hint: it counts when it is one of the own live sessions. */
static json_t *own_session(struct cli *cli)
{
    const char *id = secure_getenv("JWTAUTH_SESSION_ID");
    json_t *data = NULL, *item, *ret = NULL;
    size_t i;

    if (id && remote_call(cli, "GET", NULL, &data, NULL, "/api/v1/auth/sessions", NULL) == JA_OK)
        json_array_foreach(json_object_get(data, "sessions"), i, item) {
            const char *its = json_string_value(json_object_get(item, "id"));

            if (its && strcmp(its, id) == 0)
                ret = json_pack("{s:O,s:O,s:O}", "id", json_object_get(item, "id"), "since",
                                json_object_get(item, "created_at"), "ends_at", json_object_get(item, "ends_at"));
        }
    json_decref(data);
    return ret ? ret : json_null();
}

static enum ja_status run_whoami(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL, *session;
    const char *name;
    enum ja_status st = remote_call(cli, "GET", NULL, &data, err, "/api/v1/whoami", NULL);

    if (st != JA_OK)
        return st;
    session = own_session(cli);
    name = json_string_value(json_object_get(data, "username"));
    if (cli->json) {
        st = cli_answer(cli, json_pack("{s:I,s:s?,s:O,s:O}", "uid", (json_int_t)getuid(), "username", name, "user",
                                       json_object_get(data, "user"), "session", session), err);
    } else {
        cli_line(cli, "%s", name ? name : "?");
        if (json_is_object(session))
            cli_line(cli, "session %s, ends %s", json_string_value(json_object_get(session, "id")),
                     json_string_value(json_object_get(session, "ends_at")));
    }
    json_decref(session);
    json_decref(data);
    return st;
}

/* --user is root's. */
static enum ja_status only_own(struct cli *cli, struct ja_error *err)
{
    const char *user = cli_opt(cli, "user");
    char *self = NULL;
    enum ja_status st = user ? remote_self(cli, &self, err) : JA_OK;

    if (st == JA_OK && user && strcmp(user, self) != 0)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root may name another user here");
    free(self);
    return st;
}

static enum ja_status run_profile_show(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = only_own(cli, err);

    if (st == JA_OK)
        st = remote_call(cli, "GET", NULL, &data, err, "/api/v1/auth/profile", NULL);
    if (st == JA_OK)
        st = remote_record(cli, &row_user_public, data, "user", err);
    json_decref(data);
    return st;
}

/* A secret beside what is asked for: {"password": ...}, and the code when the daemon wants one. */
static enum ja_status set_secret(json_t *body, const char *key, const struct ja_secret *s, struct ja_error *err)
{
    return json_object_set_new(body, key, json_stringn((const char *)s->data, s->len)) == 0 ? JA_OK : ja_fail_nomem(err);
}

static enum ja_status ask_password(struct cli *cli, json_t *body, const char *key, struct ja_error *err)
{
    struct ja_secret pw = {0};
    enum ja_status st = isatty(STDIN_FILENO) ? cli_tty_line(cli, "Password: ", false, JA_PASSWORD_MAX, &pw, err)
                                             : cli_stdin_line(cli, "password", JA_PASSWORD_MAX, &pw, err);

    if (st == JA_OK)
        st = set_secret(body, key, &pw, err);
    ja_secret_clear(&pw);
    return st;
}

static enum ja_status ask_code(struct cli *cli, json_t *body, struct ja_error *err)
{
    struct ja_secret code = {0};
    enum ja_status st = isatty(STDIN_FILENO) ? cli_tty_line(cli, "Verification code: ", true, CODE_MAX, &code, err)
                                             : cli_stdin_line(cli, "code", CODE_MAX, &code, err);

    if (st == JA_OK)
        st = set_secret(body, "otp", &code, err);
    ja_secret_clear(&code);
    return st;
}

/* Asks for the code when the daemon says that one is due, and calls again. Takes `body` over. */
static enum ja_status call_proven(struct cli *cli, const char *method, const char *path, json_t *body, json_t **ret,
                                  struct ja_error *err)
{
    enum ja_status st = remote_call(cli, method, json_incref(body), ret, err, path, NULL);

    if (st == JA_ERR_DENIED && strcmp(err->code, "otp_required") == 0) {
        st = ask_code(cli, body, err);
        if (st == JA_OK)
            st = remote_call(cli, method, json_incref(body), ret, err, path, NULL);
    }
    json_decref(body);
    return st;
}

static enum ja_status run_profile_set(struct cli *cli, struct ja_error *err)
{
    const char *email = cli_opt(cli, "email");
    json_t *data = NULL, *body = NULL;
    enum ja_status st = only_own(cli, err);

    if (st == JA_OK && cli_opt(cli, "shell"))
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root changes the login shell");
    if (st == JA_OK && cli_opt(cli, "company"))
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root changes the company");
    if (st != JA_OK)
        return st;
    body = json_pack("{s:s*,s:s*,s:s*,s:s*,s:s*}", "name", cli_opt(cli, "full-name"), "first_name",
                     cli_opt(cli, "first-name"), "last_name", cli_opt(cli, "last-name"), "phone", cli_opt(cli, "phone"),
                     "email", email);
    if (!body)
        return ja_fail_nomem(err);
    if (json_object_size(body) == 0) {
        json_decref(body);
        return cli_usage(cli, err, "nothing to change was given");
    }
    if (email)
        st = ask_password(cli, body, "password", err);
    if (st == JA_OK)
        st = call_proven(cli, "PUT", "/api/v1/auth/profile", body, &data, err);
    else
        json_decref(body);
    if (st == JA_OK)
        st = remote_record(cli, &row_user_public, data, "user", err);
    json_decref(data);
    return st;
}

/* ---- password ---- */

/* NAME may be given, and is the caller. */
static enum ja_status own_name(struct cli *cli, char **ret, struct ja_error *err)
{
    enum ja_status st = remote_self(cli, ret, err);

    if (st == JA_OK && cli->nargs > 0 && strcmp(cli->args[0], *ret) != 0)
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root may do this for another user; you are %s", *ret);
    return st;
}

static enum ja_status run_password_change(struct cli *cli, struct ja_error *err)
{
    bool in = cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file");
    struct ja_secret old = {0}, pw = {0};
    json_t *body = json_object();
    char *self = NULL;
    enum ja_status st = own_name(cli, &self, err);

    if (st == JA_OK)
        st = cli_old_password(cli, "Current password: ", &old, err);
    if (st == JA_OK)
        st = cli_password(cli, "password", "New password: ", !in, &pw, err);
    if (st == JA_OK)
        st = set_secret(body, "old_password", &old, err);
    if (st == JA_OK)
        st = set_secret(body, "new_password", &pw, err);
    if (st == JA_OK)
        st = call_proven(cli, "POST", "/api/v1/auth/password-change", json_incref(body), NULL, err);
    if (st == JA_OK)
        cli_notice(cli, "the password is changed; every other session of the user has ended");
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:s}", "user", self), err);
    json_decref(body);
    free(self);
    ja_secret_clear(&old);
    ja_secret_clear(&pw);
    return st;
}

/* ---- second factor ---- */

static enum ja_status proven(struct cli *cli, const char *path, const char *code, json_t **ret, struct ja_error *err)
{
    json_t *body = json_object();
    char *self = NULL;
    enum ja_status st = own_name(cli, &self, err);

    free(self);
    if (st == JA_OK)
        st = ask_password(cli, body, "password", err);
    if (st == JA_OK && code && json_object_set_new(body, "code", json_string(code)) != 0)
        st = ja_fail_nomem(err);
    if (st == JA_OK)
        return call_proven(cli, "POST", path, body, ret, err);
    json_decref(body);
    return st;
}

static enum ja_status run_enroll(struct cli *cli, struct ja_error *err)
{
    struct ja_secret uri = {0};
    json_t *data = NULL;
    const char *text;
    enum ja_status st = proven(cli, "/api/v1/auth/totp/enroll", NULL, &data, err);

    text = json_string_value(json_object_get(data, "uri"));
    if (st == JA_OK && !text)
        st = ja_fail(err, JA_ERR_CORRUPT, "invalid_answer", "jwtauthd answered without a key");
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:O,s:O}", "uri", json_object_get(data, "uri"), "secret",
                                       json_object_get(data, "secret")), err);
    else if (st == JA_OK)
        st = ja_secret_from(&uri, text, strlen(text), err);
    if (st == JA_OK && !cli->json) {
        cli_qr(cli, &uri);
        cli_raw(cli, uri.data, uri.len);
        cli_notice(cli, "not in force yet: authctl totp confirm %s CODE", cli->args[0]);
    }
    ja_secret_clear(&uri);
    json_decref(data);
    return st;
}

static enum ja_status answer_codes(struct cli *cli, json_t *data, struct ja_error *err)
{
    json_t *codes = json_object_get(data, "recovery_codes"), *item;
    enum ja_status st = JA_OK;
    size_t i;

    if (cli->json) {
        st = cli_answer(cli, json_pack("{s:O}", "recovery_codes", codes), err);
    } else {
        json_array_foreach(codes, i, item)
            cli_raw(cli, json_string_value(item), json_string_length(item));
        cli_notice(cli, "keep these recovery codes: each is good once, and they are not shown again");
    }
    json_decref(data);
    return st;
}

static enum ja_status run_confirm(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st;

    if (cli->nargs < 2 || strcmp(cli->args[1], "-") == 0)
        return cli_usage(cli, err, "give the code as argument: the password is read from standard input");
    st = proven(cli, "/api/v1/auth/totp/confirm", cli->args[1], &data, err);
    return st == JA_OK ? answer_codes(cli, data, err) : st;
}

static enum ja_status run_disable(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = proven(cli, "/api/v1/auth/totp/disable", NULL, NULL, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:s}", "user", cli->args[0]), err);
    return st;
}

static enum ja_status run_codes(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    enum ja_status st = proven(cli, "/api/v1/auth/recovery-codes", NULL, &data, err);

    return st == JA_OK ? answer_codes(cli, data, err) : st;
}

/* ---- sessions ---- */

static enum ja_status run_sessions(struct cli *cli, struct ja_error *err)
{
    const char *user = cli_opt(cli, "user");
    char path[1024];
    char *self = NULL;
    enum ja_status st = JA_OK;

    if (cli_flag(cli, "all"))
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root sees sessions that have ended");
    if (!user)
        st = remote_self(cli, &self, err);
    if (st == JA_OK)
        st = remote_path(path, sizeof path, err, "/api/v1/users/%/sessions", user ? user : self);
    free(self);
    return st == JA_OK ? remote_list(cli, &row_session, path, err) : st;
}

static enum ja_status run_session_revoke(struct cli *cli, struct ja_error *err)
{
    const char *user = cli_opt(cli, "user");
    json_t *data = NULL, *ended;
    json_int_t n;
    enum ja_status st;

    if (!user == (cli->nargs == 0))
        return cli_usage(cli, err, "give one session's ID, or --user NAME for all of a user");
    st = user ? remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/users/%/sessions", user, NULL)
              : remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/auth/sessions/%", cli->args[0], NULL);
    if (st != JA_OK)
        return st;
    ended = json_object_get(data, "ended");
    n = json_is_integer(ended) ? json_integer_value(ended) : json_is_true(ended);
    if (cli->json)
        st = cli_answer(cli, json_pack("{s:I}", "ended", n), err);
    else
        cli_line(cli, "%lld session%s ended", (long long)n, n == 1 ? "" : "s");
    json_decref(data);
    return st;
}

const struct remote_command remote_own_commands[] = {
    {"whoami", NULL, run_whoami},
    {"profile", "show", run_profile_show},
    {"profile", "set", run_profile_set},
    {"password", "change", run_password_change},
    {"totp", "enroll", run_enroll},
    {"totp", "confirm", run_confirm},
    {"totp", "disable", run_disable},
    {"recovery-codes", "regenerate", run_codes},
    {"session", "list", run_sessions},
    {"session", "revoke", run_session_revoke},
    {0},
};
