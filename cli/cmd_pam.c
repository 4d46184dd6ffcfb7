/* pam: a login through the stacks of /etc/pam.d, without sshd around it. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/pam_call.h"
#include "common/view/row.h"

static enum ja_status show(struct cli *cli, const char *service, const char *user, const struct pam_outcome *o,
                           struct ja_error *err)
{
    if (cli->json)
        return cli_answer(cli,
                          json_pack("{s:b,s:o,s:s,s:s,s:s,s:o}", "ok", o->auth_ok && o->account_ok, "code",
                                    ja_json_text(o->auth_ok && o->account_ok ? NULL : "pam_denied"), "service", service,
                                    "user", user, "auth", o->auth, "account", ja_json_text(o->account)),
                          err);
    cli_line(cli, "auth: %s", o->auth);
    if (o->account)
        cli_line(cli, "account: %s", o->account);
    return JA_OK;
}

static enum ja_status run_test(struct cli *cli, struct ja_error *err)
{
    const char *service = cli_opt(cli, "service"), *user = cli_opt(cli, "user");
    struct pam_outcome o = {0};
    enum ja_status st;

    if (!service || !user)
        return cli_usage(cli, err, "--service and --user say who logs in where");
    st = cli_pam_call(cli, service, user, cli_flag(cli, "answers-stdin"), &o, err);
    if (st == JA_OK)
        st = show(cli, service, user, &o, err);
    if (st == JA_OK && !(o.auth_ok && o.account_ok))
        st = ja_fail(err, JA_ERR_DENIED, "pam_denied", "the stack of %s refuses %s in %s", service, user,
                     o.auth_ok ? "account" : "auth");
    return st;
}

static const struct cli_option test_options[] = {
    {"service", 0, "S", false, "the file of /etc/pam.d: sshd, login, su, sudo"},
    {"user", 0, "U", false, "who logs in"},
    {"answers-stdin", 0, NULL, false, "what the stack asks is answered from standard input, a line each"},
    CLI_OPTIONS_END,
};

const struct command cmd_pam_commands[] = {
    {.noun = "pam",
     .verb = "test",
     .run = run_test,
     .needs = NEEDS_ROOT,
     .options = test_options,
     .summary = "run a login through a PAM stack and say what each part answers",
     .example = "authctl pam test --service sshd --user alice",
     .details = "Authentication and account, no session. A real attempt: a failure counts against the\n"
                "user as any other. Exit 0: the stack lets in, 1: it refuses. su lets root in unasked.",
     .keys = "ok code service user auth account"},
    {0},
};
