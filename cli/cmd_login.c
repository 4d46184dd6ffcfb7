/* Logging in and out by hand or from scripts: the same login code that PAM runs. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/row_tokens.h"
#include "cli/row_user.h"
#include "common/domain/role.h"
#include "common/flow/session_flow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_MAX 64

/* One text whatever was wrong; only what the person can act on is told apart. */
static enum ja_status refused(const struct ja_auth_result *r, struct ja_error *err)
{
    enum ja_status st;

    if (r->reason == JA_REASON_MUST_CHANGE)
        return ja_fail(err, JA_ERR_DENIED, "password_change_required",
                       "the password has to be changed first: authctl password change");
    /* only who gave everything right comes so far */
    if (r->reason == JA_REASON_POLICY || r->reason == JA_REASON_METHOD || r->reason == JA_REASON_NO_ROLE ||
        r->reason == JA_REASON_NO_PERMISSION)
        return ja_fail(err, JA_ERR_DENIED, "login_refused",
                       "a policy rule does not allow this login: authctl policy explain shows which");
    if (r->reason != JA_REASON_THROTTLED)
        return ja_fail(err, JA_ERR_DENIED, "invalid_credentials",
                       "wrong user name, password or code");
    st = ja_fail(err, JA_ERR_THROTTLED, "too_many_attempts",
                 "too many attempts: try again in %u seconds", r->retry_after);
    if (err)
        err->retry_after = r->retry_after;
    return st;
}

static enum ja_status read_code(struct cli *cli, struct ja_secret *ret, struct ja_error *err)
{
    const char *given = cli_opt(cli, "otp");

    if (given)
        return ja_secret_from(ret, given, strlen(given), err);
    if (cli_flag(cli, "otp-stdin"))
        return cli_stdin_line(cli, "code", CODE_MAX, ret, err);
    if (cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file"))
        return ja_fail(err, JA_ERR_DENIED, "otp_required",
                       "a verification code is needed: --otp-stdin, or --otp CODE");
    return cli_tty_line(cli, "Verification code: ", true, CODE_MAX, ret, err);
}

static enum ja_status converse(struct cli *cli, struct ja_auth *auth, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    enum ja_auth_next next;

    while (st == JA_OK && (next = ja_auth_next(auth)) != JA_NEXT_DONE) {
        struct ja_secret answer = {0};

        st = next == JA_NEXT_CODE ? read_code(cli, &answer, err)
                                  : cli_password(cli, "password", "Password: ", false, &answer, err);
        if (st == JA_OK)
            st = ja_auth_answer(auth, answer.data, answer.len, err);
        else
            ja_auth_abandon(auth);
        ja_secret_clear(&answer);
    }
    return st;
}

static enum ja_status whose(struct cli *cli, struct ja_secret *ret, struct ja_error *err)
{
    if (cli->nargs > 0)
        return ja_secret_from(ret, cli->args[0], strlen(cli->args[0]), err);
    return cli_tty_line(cli, "User: ", true, JA_EMAIL_MAX, ret, err);
}

static enum ja_status run_login(struct cli *cli, struct ja_error *err)
{
    struct ja_auth_request req = {.any_name = true, .service = "authctl"};
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_auth_tokens tokens = {0};
    struct ja_auth *auth = NULL;
    struct ja_secret name = {0};
    enum ja_status st = whose(cli, &name, err);

    req.user = (const char *)name.data;
    if (st == JA_OK)
        st = ja_auth_begin(&cli->ctx, &req, &auth, err);
    if (st == JA_OK)
        st = converse(cli, auth, err);
    if (st == JA_OK)
        st = ja_auth_finish_session(auth, cli_opt(cli, "audience"), &tokens, &result, err);
    if (st == JA_OK && result.verdict != JA_ALLOW)
        st = refused(&result, err);
    if (st == JA_OK)
        st = row_tokens_answer(cli, &tokens, err);
    ja_auth_tokens_clear(&tokens);
    ja_auth_free(auth);
    ja_secret_clear(&name);
    return st;
}

static enum ja_status run_logout(struct cli *cli, struct ja_error *err)
{
    const char *id = cli_opt(cli, "session");
    struct ja_secret token = {0};
    bool ended = false;
    enum ja_status st;

    if (!id == !cli_flag(cli, "token-stdin"))
        return cli_usage(cli, err, "say which session: --session ID, or --token-stdin");
    if (id) {
        st = ja_session_close(&cli->ctx, id, "logout", &ended, err);
    } else {
        st = cli_stdin_line(cli, "token", JA_TOKEN_MAX, &token, err);
        if (st == JA_OK)
            st = ja_session_logout(&cli->ctx, (const char *)token.data, token.len, &ended, err);
    }
    ja_secret_clear(&token);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:b}", "ended", ended), err);
    cli_line(cli, "%s", ended ? "the session is ended" : "the session had ended before");
    return JA_OK;
}

/* ---- whoami ---- */

/* JWTAUTH_SESSION_ID is a hint: it counts when the session is live and the caller's. */
static enum ja_status own_session(struct cli *cli, const struct ja_user *u, json_t **ret,
                                  struct ja_error *err)
{
    const char *id = secure_getenv("JWTAUTH_SESSION_ID");
    struct ja_session s = {0};
    enum ja_status st = id && u ? ja_session_find(&cli->ctx, id, &s, err) : JA_ERR_NOT_FOUND;
    bool live = st == JA_OK && strcmp(s.user_id, u->id) == 0 && ja_session_live(&s, cli_now(cli));

    *ret = live ? json_pack("{s:s,s:o,s:o}", "id", s.id, "since", ja_json_time(s.created_at), "ends_at",
                            ja_json_time(s.ends_at))
                : json_null();
    ja_session_clear(&s);
    return st == JA_OK || st == JA_ERR_NOT_FOUND ? JA_OK : st;
}

static enum ja_status answer_whoami(struct cli *cli, const struct ja_user *u, json_t *user,
                                    json_t *session, struct ja_error *err)
{
    const char *name = u ? u->username : "root";

    if (cli->json)
        return cli_answer(cli,
                          json_pack("{s:I,s:s,s:o,s:o}", "uid", (json_int_t)getuid(), "username", name,
                                    "user", user, "session", session),
                          err);
    cli_line(cli, "%s%s", name, u ? "" : " (not a user of jwtauth; administrator by uid 0)");
    if (json_is_object(session))
        cli_line(cli, "session %s, ends %s", json_string_value(json_object_get(session, "id")),
                 json_string_value(json_object_get(session, "ends_at")));
    json_decref(user);
    json_decref(session);
    return JA_OK;
}

static enum ja_status run_whoami(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    json_t *user = json_null(), *session = json_null();
    enum ja_status st = ja_user_find_by_uid(&cli->ctx, getuid(), &u, err);
    bool found = st == JA_OK;

    if (st == JA_ERR_NOT_FOUND)
        st = JA_OK;
    if (st == JA_OK && found && !(user = row_user_json(cli, &u, err)))
        st = err->status;
    if (st == JA_OK)
        st = own_session(cli, found ? &u : NULL, &session, err);
    if (st == JA_OK)
        st = answer_whoami(cli, found ? &u : NULL, user, session, err);
    ja_user_clear(&u);
    return st;
}

static const struct cli_option login_options[] = {
    CLI_OPTIONS_PASSWORD,
    {"otp", 0, "CODE", false, "the verification code (others on the host can see it while this runs)"},
    {"otp-stdin", 0, NULL, false, "read the code from standard input, the line after the password"},
    {"audience", 0, "A", false, "audience of the access token"},
    CLI_OPTIONS_END,
};
static const struct cli_option logout_options[] = {
    {"token-stdin", 0, NULL, false, "read an access or refresh token from standard input"},
    {"session", 0, "ID", false, "the session with this id"},
    CLI_OPTIONS_END,
};

const struct command cmd_login_commands[] = {
    {.noun = "login",
     .run = run_login,
     .needs = NEEDS_MASTER,
     .options = login_options,
     .args = "[USER]",
     .max_args = 1,
     .summary = "log in and print the access token",
     .example = "authctl login alice",
     .details = "USER is a user name, an email address or a phone number. Nothing is stored in a\n"
                "file; --json answers the refresh token and the session too.",
     .keys = TOKENS_KEYS},
    {.noun = "logout",
     .run = run_logout,
     .needs = NEEDS_MASTER,
     .options = logout_options,
     .summary = "end a session, its refresh tokens and its access tokens",
     .example = "authctl logout --token-stdin <\"$JWTAUTH_TOKEN_FILE\"",
     .keys = "ended"},
    {.noun = "whoami",
     .run = run_whoami,
     .needs = NEEDS_STORE,
     .summary = "say who the caller is to jwtauth",
     .example = "authctl whoami",
     .keys = "uid username user session"},
    {0},
};
