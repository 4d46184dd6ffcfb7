/* totp and recovery-codes: the second factor. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/qr.h"
#include "cli/rows.h"
#include "common/flow/account_flow.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CODE_MAX 64

static enum ja_status algorithm_option(struct cli *cli, enum ja_totp_algorithm *ret,
                                       struct ja_error *err)
{
    const char *name = cli_opt(cli, "algorithm");

    if (!name)
        return JA_OK;
    for (int i = JA_TOTP_SHA1; i <= JA_TOTP_SHA512; i++) {
        if (strcmp(name, ja_totp_algorithm_name((enum ja_totp_algorithm)i)) == 0) {
            *ret = (enum ja_totp_algorithm)i;
            return JA_OK;
        }
    }
    return ja_fail(err, JA_ERR_INVALID, "invalid_algorithm",
                   "--algorithm is SHA1, SHA256 or SHA512");
}

static enum ja_status answer_enrolment(struct cli *cli, const struct ja_secret *uri,
                                       const struct ja_secret *secret, struct ja_error *err)
{
    if (cli->json)
        return cli_answer(cli, json_pack("{s:s,s:s}", "uri", (const char *)uri->data, "secret",
                                         (const char *)secret->data),
                          err);
    cli_qr(cli, uri);
    cli_raw(cli, uri->data, uri->len);
    cli_notice(cli, "not in force yet: authctl totp confirm %s CODE", cli->args[0]);
    return JA_OK;
}

static enum ja_status run_enroll(struct cli *cli, struct ja_error *err)
{
    char label[JA_TOTP_LABEL_MAX];
    enum ja_totp_algorithm algorithm = JA_TOTP_SHA1;
    int64_t digits = 6;
    struct ja_user u = {0};
    struct ja_totp t = {0};
    struct ja_secret uri = {0}, secret = {0};
    enum ja_status st = algorithm_option(cli, &algorithm, err);

    ja_totp_issuer_label(cli->ctx.cfg, label);
    if (st == JA_OK)
        st = cli_opt_int(cli, "digits", 6, 8, 6, &digits, err);
    if (st == JA_OK)
        st = ja_user_find(&cli->ctx, cli->args[0], &u, err);
    if (st == JA_OK)
        st = ja_account_totp_enroll(&cli->ctx, u.username, algorithm, (int)digits, &t, err);
    if (st == JA_OK)
        st = ja_totp_uri(&t, label, u.username, &uri, err);
    if (st == JA_OK)
        st = ja_totp_base32(&t, &secret, err);
    if (st == JA_OK)
        st = answer_enrolment(cli, &uri, &secret, err);
    ja_secret_clear(&uri);
    ja_secret_clear(&secret);
    ja_totp_clear(&t);
    ja_user_clear(&u);
    return st;
}

/* One code a line; with --json an array. */
static enum ja_status answer_codes(struct cli *cli, const struct ja_secret *codes,
                                   struct ja_error *err)
{
    const char *p = (const char *)codes->data, *end;
    json_t *list = NULL;

    if (!cli->json) {
        cli_raw(cli, codes->data, codes->len);
        cli_notice(cli,
                   "keep these recovery codes: each is good once, and they are not shown again");
        return JA_OK;
    }
    list = json_array();
    for (; (end = strchr(p, '\n')); p = end + 1) {
        if (json_array_append_new(list, json_stringn(p, (size_t)(end - p))) != 0) {
            json_decref(list);
            return ja_fail_nomem(err);
        }
    }
    return cli_answer(cli, json_pack("{s:o}", "recovery_codes", list), err);
}

/* An argument for convenience, standard input by "-" or without a terminal, else the terminal. */
static enum ja_status read_code(struct cli *cli, struct ja_secret *ret, struct ja_error *err)
{
    if (cli->nargs < 2 && isatty(STDIN_FILENO))
        return cli_tty_line(cli, "Code: ", true, CODE_MAX, ret, err);
    return cli_arg_or_stdin(cli, 1, "code", CODE_MAX, ret, err);
}

static enum ja_status run_confirm(struct cli *cli, struct ja_error *err)
{
    struct ja_secret code = {0}, codes = {0};
    enum ja_status st = read_code(cli, &code, err);

    if (st == JA_OK)
        st = ja_account_totp_confirm(&cli->ctx, cli->args[0], (const char *)code.data, code.len,
                                     &codes, err);
    if (st == JA_OK)
        st = answer_codes(cli, &codes, err);
    ja_secret_clear(&code);
    ja_secret_clear(&codes);
    return st;
}

static const struct row_field totp_fields[] = {
    {"user", NULL, ROW_TEXT},          {"state", NULL, ROW_TEXT},
    {"algorithm", NULL, ROW_TEXT},     {"digits", NULL, ROW_INT},
    {"period", NULL, ROW_INT},         {"created_at", NULL, ROW_TIME},
    {"confirmed_at", NULL, ROW_TIME},  {"recovery_codes_left", NULL, ROW_INT},
};
static const struct row_type totp_row = {"totp", "totp", totp_fields,
                                         sizeof totp_fields / sizeof totp_fields[0]};

static enum ja_status answer_status(struct cli *cli, const struct ja_user *u,
                                    const struct ja_totp *t, bool enrolled, struct ja_error *err)
{
    int64_t left = 0, total = 0;
    enum ja_status st = ja_recovery_count(&cli->ctx, u->id, &left, &total, err);
    const struct row_value values[] = {
        ROW_T(u->username),
        ROW_T(!enrolled ? "none" : t->confirmed_at ? "confirmed" : "unconfirmed"),
        ROW_T(enrolled ? ja_totp_algorithm_name(t->algorithm) : NULL),
        enrolled ? ROW_N(t->digits) : ROW_NULL,
        enrolled ? ROW_N(t->period) : ROW_NULL,
        ROW_N(t->created_at),
        ROW_N(t->confirmed_at),
        ROW_N(left),
    };

    return st == JA_OK ? cli_record(cli, &totp_row, values, err) : st;
}

static enum ja_status run_status(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    struct ja_totp t = {0};
    bool enrolled = true;
    enum ja_status st = ja_user_find(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK) {
        st = ja_totp_find(&cli->ctx, u.id, false, &t, err);
        enrolled = st == JA_OK;
        if (st == JA_ERR_NOT_FOUND)
            st = JA_OK;
    }
    if (st == JA_OK)
        st = answer_status(cli, &u, &t, enrolled, err);
    ja_totp_clear(&t);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_disable(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_account_totp_disable(&cli->ctx, cli->args[0], err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:s}", "user", cli->args[0]), err);
    if (st == JA_OK)
        cli_notice(cli, "the second factor and the recovery codes are gone");
    return st;
}

static enum ja_status run_regenerate(struct cli *cli, struct ja_error *err)
{
    struct ja_secret codes = {0};
    enum ja_status st = ja_account_recovery_regenerate(&cli->ctx, cli->args[0], &codes, err);

    if (st == JA_OK)
        st = answer_codes(cli, &codes, err);
    ja_secret_clear(&codes);
    return st;
}

static const struct row_field recovery_fields[] = {
    {"user", NULL, ROW_TEXT},
    {"left", NULL, ROW_INT},
    {"total", NULL, ROW_INT},
};
static const struct row_type recovery_row = {
    "recovery codes", "recovery_codes", recovery_fields,
    sizeof recovery_fields / sizeof recovery_fields[0]};

static enum ja_status run_recovery_status(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    int64_t left = 0, total = 0;
    enum ja_status st = ja_user_find(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK)
        st = ja_recovery_count(&cli->ctx, u.id, &left, &total, err);
    if (st == JA_OK) {
        const struct row_value values[] = {ROW_T(u.username), ROW_N(left), ROW_N(total)};

        st = cli_record(cli, &recovery_row, values, err);
    }
    ja_user_clear(&u);
    return st;
}

static const struct cli_option enroll_options[] = {
    {"algorithm", 0, "A", false, "SHA1 (what every app knows), SHA256 or SHA512"},
    {"digits", 0, "N", false, "6 or 8"},
    CLI_OPTIONS_END,
};

const struct command cmd_credential_commands[] = {
    {
        .noun = "totp",
        .verb = "enroll",
        .run = run_enroll,
        .needs = NEEDS_MASTER,
        .options = enroll_options,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "make a secret for an authenticator app",
        .example = "authctl totp enroll alice",
        .details = "Prints the otpauth URI, on a terminal with a QR code. Not in force until\n"
                   "`authctl totp confirm` got a code from the app.",
        .keys = "uri secret",
    },
    {
        .noun = "totp",
        .verb = "confirm",
        .run = run_confirm,
        .needs = NEEDS_MASTER,
        .args = "NAME [CODE | -]",
        .min_args = 1,
        .max_args = 2,
        .summary = "put the second factor in force; prints the recovery codes, once",
        .example = "authctl totp confirm alice 123456",
        .details =
            "Others on this host can see a CODE among the arguments while the command runs;\n"
            "`-` reads it from standard input.",
        .keys = "recovery_codes",
    },
    {
        .noun = "totp",
        .verb = "status",
        .run = run_status,
        .needs = NEEDS_STORE,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "show a user's second factor",
        .example = "authctl totp status alice",
        .rows = &totp_row,
    },
    {
        .noun = "totp",
        .verb = "disable",
        .run = run_disable,
        .needs = NEEDS_STORE,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "remove a user's second factor and recovery codes",
        .example = "authctl totp disable alice",
        .keys = "user",
    },
    {
        .noun = "recovery-codes",
        .verb = "regenerate",
        .run = run_regenerate,
        .needs = NEEDS_MASTER,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "replace a user's recovery codes; prints the new ones, once",
        .example = "authctl recovery-codes regenerate alice",
        .keys = "recovery_codes",
    },
    {
        .noun = "recovery-codes",
        .verb = "status",
        .run = run_recovery_status,
        .needs = NEEDS_STORE,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "say how many recovery codes are left",
        .example = "authctl recovery-codes status alice",
        .rows = &recovery_row,
    },
    {0},
};
