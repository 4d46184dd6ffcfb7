/* verify: email addresses and phone numbers are proven by what is sent to them. */
#include "cli/cmd.h"
#include "cli/deliver.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/row_user.h"
#include "common/flow/contact_flow.h"

#include <string.h>

#define CODE_MAX 64

static enum ja_status run_send(struct cli *cli, struct ja_error *err)
{
    bool email = cli_flag(cli, "email"), phone = cli_flag(cli, "phone");
    struct ja_sent sent = {0};
    enum ja_status st;

    if (email == phone)
        return cli_usage(cli, err, "say which: --email or --phone");
    st = ja_contact_send(&cli->ctx, cli->args[0], email ? JA_CHANNEL_EMAIL : JA_CHANNEL_SMS, &sent, err);
    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:o,s:s,s:o,s:s}", "user", ja_json_text(cli->args[0]), "channel",
                                       ja_channel_name(sent.channel), "destination",
                                       ja_json_text(sent.destination), "message", sent.message),
                        err);
    if (sent.message[0]) {
        cli_notice(cli, "a %s goes to %s; what was sent before is void", email ? "token" : "code",
                   sent.destination);
        cli_deliver(cli, sent.message);
    }
    return st;
}

/* One argument is a token when it looks like one; no user name is that long. */
static enum ja_status run_confirm(struct cli *cli, struct ja_error *err)
{
    bool alone = cli->nargs == 1 && ja_ott_token_form(cli->args[0], strlen(cli->args[0]));
    const char *name = cli->nargs > 0 && !alone && strcmp(cli->args[0], "-") != 0 ? cli->args[0] : NULL;
    struct ja_secret proof = {0};
    struct ja_user u = {0};
    enum ja_status st = cli_arg_or_stdin(cli, name ? 1 : 0, "token or code", CODE_MAX, &proof, err);
    const char *text = (const char *)proof.data;

    if (st == JA_OK && (!name || ja_ott_token_form(text, proof.len)))
        st = ja_contact_confirm_token(&cli->ctx, name, text, proof.len, &u, err);
    else if (st == JA_OK)
        st = ja_contact_confirm_code(&cli->ctx, name, text, proof.len, &u, err);
    if (st == JA_OK && u.status == JA_USER_PENDING)
        cli_notice(cli, "%s is still pending: the other address is to be verified too", u.username);
    if (st == JA_OK)
        st = row_user_answer(cli, &u, err);
    if (u.id[0])
        cli_deliver_later(cli);
    ja_secret_clear(&proof);
    ja_user_clear(&u);
    return st;
}

static const struct cli_option send_options[] = {
    {"email", 0, NULL, false, "to the email address: a token"},
    {"phone", 0, NULL, false, "to the phone number: a code of 6 digits"},
    CLI_OPTIONS_END,
};

const struct command cmd_verify_commands[] = {
    {.noun = "verify",
     .verb = "send",
     .run = run_send,
     .needs = NEEDS_MASTER,
     .options = send_options,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .summary = "send a proof to an address that is not verified yet",
     .example = "authctl verify send alice --email",
     .details = "What was sent before is void. At most 5 messages of a kind an hour go to one user.",
     .keys = "user channel destination message"},
    {.noun = "verify",
     .verb = "confirm",
     .run = run_confirm,
     .needs = NEEDS_MASTER,
     .args = "[NAME] [CODE]",
     .max_args = 2,
     .summary = "verify an address with the token or code that was sent to it",
     .example = "authctl verify confirm alice 123456",
     .details = "A mailed token needs no NAME. Without CODE, or with '-', it is read from standard input;\n"
                "as an argument others on this host can see it while the command runs. The account\n"
                "becomes active when every address that policy demands is verified. Exit 1: wrong,\n"
                "used, or ended.",
     .rows = &row_user},
    {0},
};
