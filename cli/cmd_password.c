/* password: set by an administrator, changed by its owner, expired, checked against policy. */
#include "cli/cmd.h"
#include "cli/deliver.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/user_spec.h"
#include "common/flow/account_flow.h"
#include "common/flow/auth_flow.h"
#include "common/flow/reset_flow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_MAX 64

static enum ja_status answer_user(struct cli *cli, const char *name, struct ja_error *err)
{
    return cli->json ? cli_answer(cli, json_pack("{s:s}", "user", name), err) : JA_OK;
}

/* ---- set ---- */

static enum ja_status answer_generated(struct cli *cli, const struct ja_secret *pw,
                                       struct ja_error *err)
{
    if (cli->json)
        return cli_answer(cli, json_pack("{s:s,s:s}", "user", cli->args[0], "password",
                                         (const char *)pw->data),
                          err);
    cli_raw(cli, pw->data, pw->len);
    return JA_OK;
}

static enum ja_status run_set(struct cli *cli, struct ja_error *err)
{
    bool generate = cli_flag(cli, "generate-password");
    struct ja_secret pw = {0};
    enum ja_status st = JA_OK;

    if (generate && (cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file")))
        return cli_usage(cli, err,
                         "--generate-password excludes --password-stdin and --password-file");
    st = generate ? ja_password_generate(&cli->ctx, &pw, err)
                  : cli_password(cli, "password", "New password: ", true, &pw, err);
    if (st == JA_OK)
        st = ja_account_password_set(&cli->ctx, cli->args[0], &pw,
                                     generate || cli_flag(cli, "must-change"), NULL, err);
    if (st == JA_OK)
        st = generate ? answer_generated(cli, &pw, err) : answer_user(cli, cli->args[0], err);
    if (st == JA_OK)
        cli_notice(cli, "the password is set; every session of the user has ended");
    ja_secret_clear(&pw);
    return st;
}

/* ---- change ---- */

/* The reason stays in the audit log: to whoever asks, every refusal reads the same. */
static enum ja_status refused(const struct ja_auth_result *result, struct ja_error *err)
{
    enum ja_status st;

    if (result->reason != JA_REASON_THROTTLED)
        return ja_fail(err, JA_ERR_DENIED, "invalid_credentials", "wrong user name or password");
    st = ja_fail(err, JA_ERR_THROTTLED, "too_many_attempts",
                 "too many attempts: try again in %u seconds", result->retry_after);
    if (err)
        err->retry_after = result->retry_after;
    return st;
}

static enum ja_status answer_code(struct cli *cli, struct ja_auth *auth, struct ja_error *err)
{
    struct ja_secret code = {0};
    enum ja_status st = cli_secret(cli, "password-stdin", "code", "Code: ", CODE_MAX, &code, err);

    if (st == JA_OK)
        st = ja_auth_answer(auth, code.data, code.len, err);
    else
        ja_auth_abandon(auth);
    ja_secret_clear(&code);
    return st;
}

/* Is it really the person? The password alone, and a code where the configuration demands one. */
static enum ja_status prove(struct cli *cli, const char *name, const struct ja_secret *old,
                            struct ja_error *err)
{
    const struct ja_auth_request req = {.user = name, .any_name = true, .service = "authctl",
                                        .mfa = JA_MFA_OFF};
    struct ja_auth *auth = NULL;
    struct ja_auth_result result = {0};
    enum ja_status st = ja_auth_begin(&cli->ctx, &req, &auth, err);

    if (st == JA_OK && ja_auth_next(auth) == JA_NEXT_PASSWORD)
        st = ja_auth_answer(auth, old->data, old->len, err);
    if (st == JA_OK && ja_auth_next(auth) == JA_NEXT_CODE)
        st = answer_code(cli, auth, err);
    if (st == JA_OK)
        st = ja_auth_finish_proof(auth, &result, err);
    if (st == JA_OK && result.verdict != JA_ALLOW)
        st = refused(&result, err);
    ja_auth_free(auth);
    return st;
}

/* Without NAME: the user of the caller's uid. */
static enum ja_status whose(struct cli *cli, char name[JA_EMAIL_MAX + 1], struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st;

    if (cli->nargs > 0 && strlen(cli->args[0]) > JA_EMAIL_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_username", "the name is too long");
    if (cli->nargs > 0) {
        memcpy(name, cli->args[0], strlen(cli->args[0]) + 1);
        return JA_OK;
    }
    st = ja_user_find_by_uid(&cli->ctx, getuid(), &u, err);
    if (st == JA_ERR_NOT_FOUND)
        return cli_usage(cli, err, "you are no user of jwtauth: say whose password it is");
    if (st == JA_OK)
        memcpy(name, u.username, strlen(u.username) + 1);
    ja_user_clear(&u);
    return st;
}

/* On standard input the secrets come in the order old password, password, code, so both passwords
 * are read before a code is asked for; on a terminal the new one is asked for after the old one was
 * right. */
static enum ja_status run_change(struct cli *cli, struct ja_error *err)
{
    bool in = cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file");
    char name[JA_EMAIL_MAX + 1];
    struct ja_secret old = {0}, pw = {0};
    enum ja_status st = whose(cli, name, err);

    if (st == JA_OK)
        st = cli_old_password(cli, "Current password: ", &old, err);
    if (st == JA_OK && in)
        st = cli_password(cli, "password", "", false, &pw, err);
    if (st == JA_OK)
        st = prove(cli, name, &old, err);
    if (st == JA_OK && !in)
        st = cli_password(cli, "password", "New password: ", true, &pw, err);
    if (st == JA_OK)
        st = ja_account_password_change(&cli->ctx, name, &pw, getenv("JWTAUTH_SESSION_ID"), NULL,
                                        err);
    if (st == JA_OK)
        st = answer_user(cli, name, err);
    if (st == JA_OK)
        cli_notice(cli, "the password is changed; every other session of the user has ended");
    ja_secret_clear(&old);
    ja_secret_clear(&pw);
    return st;
}

/* ---- expire ---- */

static enum ja_status run_expire(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_account_password_expire(&cli->ctx, cli->args[0], err);

    if (st == JA_OK)
        st = answer_user(cli, cli->args[0], err);
    if (st == JA_OK)
        cli_notice(cli, "the password has to be changed at the next login");
    return st;
}

/* ---- forgotten ---- */

static enum ja_status read_by(struct cli *cli, enum ja_reset_by *ret, struct ja_error *err)
{
    const char *by = cli_opt(cli, "by");

    *ret = JA_RESET_ANY;
    if (!by)
        return JA_OK;
    if (strcmp(by, "email") != 0 && strcmp(by, "sms") != 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_channel", "--by is email or sms");
    *ret = strcmp(by, "sms") == 0 ? JA_RESET_BY_SMS : JA_RESET_BY_EMAIL;
    return JA_OK;
}

/* Nothing here depends on whether there is such an account: not even how long the command takes. */
static enum ja_status run_request_reset(struct cli *cli, struct ja_error *err)
{
    enum ja_reset_by by = JA_RESET_ANY;
    enum ja_status st = read_by(cli, &by, err);

    if (st == JA_OK)
        st = ja_reset_request(&cli->ctx, cli->args[0], by, err);
    if (st == JA_OK)
        cli_deliver_later(cli);
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:b}", "accepted", 1), err);
    if (st == JA_OK)
        cli_notice(cli, "if that is an account with a verified address, a message is on its way");
    return st;
}

static enum ja_status read_proof(struct cli *cli, struct ja_reset *r, struct ja_secret *token,
                                 struct ja_error *err)
{
    r->code = cli->nargs > 0;
    r->name = r->code ? cli->args[0] : NULL;
    if (r->code && cli_flag(cli, "token-stdin"))
        return cli_usage(cli, err, "a token needs no NAME; with NAME give the code (--code-stdin)");
    if (!r->code && cli_flag(cli, "code-stdin"))
        return cli_usage(cli, err, "say whose code it is: password reset NAME --code-stdin");
    /* on standard input the code comes after the password */
    return r->code ? JA_OK : cli_secret(cli, "token-stdin", "token", "Token: ", CODE_MAX, token, err);
}

static enum ja_status run_reset(struct cli *cli, struct ja_error *err)
{
    struct ja_reset r = {0};
    struct ja_policy_report report = {0};
    struct ja_secret proof = {0}, pw = {0};
    struct ja_user u = {0};
    enum ja_status st = read_proof(cli, &r, &proof, err);

    if (st == JA_OK)
        st = cli_password(cli, "password", "New password: ", true, &pw, err);
    if (st == JA_OK && r.code)
        st = cli_secret(cli, "code-stdin", "code", "Code: ", CODE_MAX, &proof, err);
    if (st == JA_OK) {
        r.secret = (const char *)proof.data;
        r.len = proof.len;
        st = ja_reset_confirm(&cli->ctx, &r, &pw, &report, &u, err);
    }
    user_spec_tell_policy(cli, st, &report);
    if (st == JA_OK)
        st = answer_user(cli, u.username, err);
    if (st == JA_OK)
        cli_notice(cli, "the password of %s is set; every session of the user has ended", u.username);
    if (u.id[0])
        cli_deliver_later(cli);
    ja_secret_clear(&proof);
    ja_secret_clear(&pw);
    ja_user_clear(&u);
    return st;
}

/* ---- check ---- */

static enum ja_status answer_report(struct cli *cli, const struct ja_policy_report *report,
                                    struct ja_error *err)
{
    json_t *rules = cli->json ? json_array() : NULL;

    for (size_t i = 0; i < report->len; i++) {
        if (!cli->json)
            cli_line(cli, "%s: %s", report->broken[i].code, report->broken[i].text);
        else if (json_array_append_new(rules, json_pack("{s:s,s:s}", "code", report->broken[i].code,
                                                        "message", report->broken[i].text)) != 0) {
            json_decref(rules);
            return ja_fail_nomem(err);
        }
    }
    if (!cli->json)
        return JA_OK;
    return cli_answer(cli, json_pack("{s:b,s:o}", "ok", report->len == 0, "broken", rules), err);
}

static enum ja_status run_check(struct cli *cli, struct ja_error *err)
{
    const char *name = cli->nargs > 0 ? cli->args[0] : NULL;
    bool asked = cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file");
    struct ja_policy_report report = {0};
    struct ja_secret pw = {0};
    struct ja_error told = {0};
    enum ja_status st, verdict = JA_ERR_INTERNAL;

    if (!asked && !isatty(STDIN_FILENO))
        st = cli_stdin_line(cli, "password", JA_PASSWORD_MAX, &pw, err);
    else
        st = cli_password(cli, "password", "Password: ", false, &pw, err);
    if (st == JA_OK) {
        verdict = ja_account_password_check(&cli->ctx, name, &pw, &report, err);
        st = verdict == JA_ERR_POLICY ? JA_OK : verdict;
    }
    ja_secret_clear(&pw);
    if (st == JA_OK)
        st = answer_report(cli, &report, &told);
    if (st != JA_OK) {
        if (told.code[0] && err)
            *err = told;
        return st;
    }
    return verdict;
}

/* ---- tables ---- */

static const struct cli_option set_options[] = {
    CLI_OPTIONS_PASSWORD,
    {"generate-password", 0, NULL, false,
     "make a password, print it; it has to be changed at the first login"},
    {"must-change", 0, NULL, false, "the user has to change it at the next login"},
    CLI_OPTIONS_END,
};

static const struct cli_option request_options[] = {
    {"by", 0, "CHANNEL", false, "email or sms; else email where it is verified, then sms"},
    CLI_OPTIONS_END,
};
static const struct cli_option reset_options[] = {
    {"token-stdin", 0, NULL, false, "read the mailed token from standard input, one line"},
    {"code-stdin", 0, NULL, false, "read the code sent by SMS from standard input, after the password"},
    CLI_OPTIONS_PASSWORD,
    CLI_OPTIONS_END,
};
static const struct cli_option input_options[] = {CLI_OPTIONS_PASSWORD, CLI_OPTIONS_END};

const struct command cmd_password_commands[] = {
    {
        .noun = "password",
        .verb = "set",
        .run = run_set,
        .needs = NEEDS_STORE,
        .options = set_options,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "set a user's password as an administrator",
        .example = "authctl password set alice --must-change",
        .details = "Every session and token of the user ends.",
        .keys = "user password",
    },
    {
        .noun = "password",
        .verb = "change",
        .run = run_change,
        .needs = NEEDS_MASTER,
        .options = input_options,
        .args = "[NAME]",
        .max_args = 1,
        .summary = "change a password, knowing the present one",
        .example = "authctl password change alice",
        .details = "On standard input: the present password, the new one, and a code where one is\n"
                   "demanded, one a line. Every other session of the user ends.",
        .keys = "user",
    },
    {
        .noun = "password",
        .verb = "check",
        .run = run_check,
        .needs = NEEDS_STORE,
        .options = input_options,
        .args = "[NAME]",
        .max_args = 1,
        .summary = "say whether a password meets policy, and each rule it breaks",
        .example = "authctl password check alice",
        .details =
            "The password is read from standard input unless that is a terminal. With NAME the\n"
            "user's name, email address and former passwords count too. Exit 5: it does not.",
        .keys = "ok broken",
    },
    {
        .noun = "password",
        .verb = "expire",
        .run = run_expire,
        .needs = NEEDS_STORE,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "demand a new password at the next login",
        .example = "authctl password expire alice",
        .keys = "user",
    },
    {
        .noun = "password",
        .verb = "request-reset",
        .run = run_request_reset,
        .needs = NEEDS_MASTER,
        .options = request_options,
        .args = "USER-or-EMAIL-or-PHONE",
        .min_args = 1,
        .max_args = 1,
        .summary = "send what resets a forgotten password to the user's verified address",
        .example = "authctl password request-reset alice@example.org",
        .details = "The answer is the same whether there is such an account or not. By email a token is\n"
                   "sent, by SMS a code of 6 digits; a new one voids the former.",
        .keys = "accepted",
    },
    {
        .noun = "password",
        .verb = "reset",
        .run = run_reset,
        .needs = NEEDS_MASTER,
        .options = reset_options,
        .args = "[NAME]",
        .max_args = 1,
        .summary = "set a new password with what request-reset or an invitation sent",
        .example = "authctl password reset --token-stdin --password-stdin",
        .details = "Without NAME a mailed token is asked for, with NAME the code sent by SMS. On standard\n"
                   "input: token, password; or password, code, one a line. Every session of the user\n"
                   "ends; a second factor is asked for at the next login as before.",
        .keys = "user",
    },
    {0},
};
