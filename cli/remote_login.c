/* From registration to logout by way of jwtauthd: what needs no identity but what is given. */
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/remote.h"
#include "common/domain/jws.h"
#include "common/domain/one_time_token.h"
#include "common/view/user_row.h"

#include <string.h>

#define CODE_MAX 64

static enum ja_status set_secret(json_t *body, const char *key, const struct ja_secret *s, struct ja_error *err)
{
    return json_object_set_new(body, key, json_stringn((const char *)s->data, s->len)) == 0 ? JA_OK : ja_fail_nomem(err);
}

/* Reads one secret and puts it into the body. */
static enum ja_status put_password(struct cli *cli, json_t *body, const char *key, const char *prompt, bool twice,
                                   struct ja_error *err)
{
    struct ja_secret pw = {0};
    enum ja_status st = cli_password(cli, "password", prompt, twice, &pw, err);

    if (st == JA_OK)
        st = set_secret(body, key, &pw, err);
    ja_secret_clear(&pw);
    return st;
}

static enum ja_status put_code(struct cli *cli, json_t *body, struct ja_error *err)
{
    const char *given = cli_opt(cli, "otp");
    struct ja_secret code = {0};
    enum ja_status st;

    if (given)
        return json_object_set_new(body, "otp", json_string(given)) == 0 ? JA_OK : ja_fail_nomem(err);
    if (!cli_flag(cli, "otp-stdin") && (cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file")))
        return ja_fail(err, JA_ERR_DENIED, "otp_required", "a verification code is needed: --otp-stdin, or --otp CODE");
    st = cli_secret(cli, "otp-stdin", "code", "Verification code: ", CODE_MAX, &code, err);
    if (st == JA_OK)
        st = set_secret(body, "otp", &code, err);
    ja_secret_clear(&code);
    return st;
}

static enum ja_status answer_tokens(struct cli *cli, json_t *data, struct ja_error *err)
{
    const char *token = json_string_value(json_object_get(data, "access_token"));
    enum ja_status st = JA_OK;

    if (!token)
        st = ja_fail(err, JA_ERR_CORRUPT, "invalid_answer", "jwtauthd answered without a token");
    else if (cli->json) {
        (void)json_object_del(data, "token"); /* the same once more */
        st = cli_answer(cli, json_incref(data), err);
    } else {
        cli_raw(cli, token, strlen(token));
    }
    json_decref(data);
    return st;
}

static enum ja_status run_login(struct cli *cli, struct ja_error *err)
{
    struct ja_secret name = {0};
    json_t *body = json_object(), *data = NULL;
    enum ja_status st = JA_OK;

    if (cli_opt(cli, "audience"))
        st = ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root chooses the audience of a login; authctl token get does");
    if (st == JA_OK)
        st = cli->nargs > 0 ? ja_secret_from(&name, cli->args[0], strlen(cli->args[0]), err)
                            : cli_tty_line(cli, "User: ", true, JA_EMAIL_MAX, &name, err);
    if (st == JA_OK)
        st = set_secret(body, "username", &name, err);
    if (st == JA_OK)
        st = put_password(cli, body, "password", "Password: ", false, err);
    if (st == JA_OK)
        st = remote_call(cli, "POST", json_incref(body), &data, err, "/api/v1/auth/login", NULL);
    if (st == JA_ERR_DENIED && strcmp(err->code, "otp_required") == 0) {
        st = put_code(cli, body, err);
        if (st == JA_OK)
            st = remote_call(cli, "POST", json_incref(body), &data, err, "/api/v1/auth/login", NULL);
    }
    json_decref(body);
    ja_secret_clear(&name);
    return st == JA_OK ? answer_tokens(cli, data, err) : st;
}

static enum ja_status run_logout(struct cli *cli, struct ja_error *err)
{
    const char *id = cli_opt(cli, "session");
    struct ja_secret token = {0};
    json_t *data = NULL, *body = json_object();
    enum ja_status st;

    if (!id == !cli_flag(cli, "token-stdin")) {
        json_decref(body);
        return cli_usage(cli, err, "say which session: --session ID, or --token-stdin");
    }
    if (id) {
        st = remote_call(cli, "DELETE", NULL, &data, err, "/api/v1/auth/sessions/%", id, NULL);
    } else {
        st = cli_stdin_line(cli, "token", JA_TOKEN_MAX, &token, err);
        if (st == JA_OK)
            st = set_secret(body, "token", &token, err);
        if (st == JA_OK)
            st = remote_call(cli, "POST", json_incref(body), &data, err, "/api/v1/auth/logout", NULL);
    }
    ja_secret_clear(&token);
    json_decref(body);
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:O}", "ended", json_object_get(data, "ended")), err);
    else if (st == JA_OK)
        cli_line(cli, "%s", json_is_true(json_object_get(data, "ended")) ? "the session is ended"
                                                                         : "the session had ended before");
    json_decref(data);
    return st;
}

static enum ja_status run_register(struct cli *cli, struct ja_error *err)
{
    json_t *data = NULL;
    json_t *body = json_pack("{s:s*,s:s*,s:s*,s:s*,s:s*,s:s*,s:s*}", "username", cli_opt(cli, "username"), "email",
                             cli_opt(cli, "email"), "phone", cli_opt(cli, "phone"), "name", cli_opt(cli, "full-name"),
                             "first_name", cli_opt(cli, "first-name"), "last_name", cli_opt(cli, "last-name"),
                             "company_name", cli_opt(cli, "company"));
    enum ja_status st = body ? JA_OK : ja_fail_nomem(err);

    if (st == JA_OK && json_object_size(body) == 0)
        st = cli_usage(cli, err, "say who registers: --email, --phone or --username");
    if (st == JA_OK)
        st = put_password(cli, body, "password", "Password: ", true, err);
    if (st == JA_OK)
        st = remote_call(cli, "POST", json_incref(body), &data, err, "/api/v1/auth/register", NULL);
    if (st == JA_OK)
        st = remote_record(cli, &row_user_public, data, "user", err);
    json_decref(body);
    json_decref(data);
    return st;
}

static enum ja_status run_verify(struct cli *cli, struct ja_error *err)
{
    bool alone = cli->nargs == 1 && ja_ott_token_form(cli->args[0], strlen(cli->args[0]));
    const char *name = cli->nargs > 0 && !alone && strcmp(cli->args[0], "-") != 0 ? cli->args[0] : NULL;
    struct ja_secret proof = {0};
    json_t *body = name ? json_pack("{s:s}", "username", name) : json_object(), *data = NULL;
    enum ja_status st = cli_arg_or_stdin(cli, name ? 1 : 0, "token or code", CODE_MAX, &proof, err);

    if (st == JA_OK)
        st = set_secret(body, name ? "code" : "token", &proof, err);
    if (st == JA_OK)
        st = remote_call(cli, "POST", json_incref(body), &data, err, "/api/v1/auth/verify-email", NULL);
    if (st == JA_OK)
        st = remote_record(cli, &row_user_public, data, "user", err);
    json_decref(body);
    json_decref(data);
    ja_secret_clear(&proof);
    return st;
}

/* ---- forgotten ---- */

static enum ja_status run_request_reset(struct cli *cli, struct ja_error *err)
{
    const char *who = cli->args[0], *by = cli_opt(cli, "by");
    bool phone = by ? strcmp(by, "sms") == 0 : strchr(who, '@') == NULL;
    enum ja_status st = remote_call(cli, "POST", json_pack("{s:s}", phone ? "phone" : "email", who), NULL, err,
                                    "/api/v1/auth/password-reset", NULL);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:b}", "accepted", 1), err);
    if (st == JA_OK)
        cli_notice(cli, "if that is an account with a verified address, a message is on its way");
    return st;
}

static enum ja_status run_reset(struct cli *cli, struct ja_error *err)
{
    const char *name = cli->nargs > 0 ? cli->args[0] : NULL;
    struct ja_secret proof = {0};
    json_t *body = name ? json_pack("{s:s}", "username", name) : json_object(), *data = NULL;
    enum ja_status st = JA_OK;

    if (!name) /* on standard input the code comes after the password, a token before it */
        st = cli_secret(cli, "token-stdin", "token", "Token: ", CODE_MAX, &proof, err);
    if (st == JA_OK)
        st = put_password(cli, body, "new_password", "New password: ", true, err);
    if (st == JA_OK && name)
        st = cli_secret(cli, "code-stdin", "code", "Code: ", CODE_MAX, &proof, err);
    if (st == JA_OK)
        st = set_secret(body, name ? "code" : "token", &proof, err);
    if (st == JA_OK)
        st = remote_call(cli, "POST", json_incref(body), &data, err, "/api/v1/auth/password-reset-confirm", NULL);
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:O}", "user", json_object_get(data, "username")), err);
    if (st == JA_OK)
        cli_notice(cli, "the password is set; every session of the user has ended");
    json_decref(body);
    json_decref(data);
    ja_secret_clear(&proof);
    return st;
}

const struct remote_command remote_login_commands[] = {
    {"login", NULL, run_login},
    {"logout", NULL, run_logout},
    {"register", NULL, run_register},
    {"verify", "confirm", run_verify},
    {"password", "request-reset", run_request_reset},
    {"password", "reset", run_reset},
    {0},
};
