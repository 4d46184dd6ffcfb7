/* The own account: profile and registration. */
#include "cli/cmd.h"
#include "cli/deliver.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/row_user.h"
#include "cli/user_spec.h"
#include "common/flow/contact_flow.h"
#include "common/flow/look_flow.h"

#include <unistd.h>

/* Only root comes here (others are sent to jwtauthd), and root has no profile of its own. */
static enum ja_status whose(struct cli *cli, const char **ret, struct ja_error *err)
{
    *ret = cli_opt(cli, "user");
    return *ret ? JA_OK : cli_usage(cli, err, "as root say whose profile: --user NAME");
}

static enum ja_status run_show(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    const char *name = NULL;
    enum ja_status st = whose(cli, &name, err);

    if (st == JA_OK)
        st = ja_look_user(&cli->ctx, name, &u, err);
    if (st == JA_OK)
        st = row_user_answer(cli, &u, err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_set(struct cli *cli, struct ja_error *err)
{
    struct user_spec s = {0};
    struct ja_user u = {0};
    struct ja_sent sent[2];
    size_t nsent = 0;
    const char *name = NULL;
    enum ja_status st = whose(cli, &name, err);

    if (st == JA_OK)
        st = user_spec_read(cli, false, &s, err);
    s.spec.shell = cli_opt(cli, "shell");
    if (st == JA_OK && !user_spec_any(&s))
        st = cli_usage(cli, err, "nothing to change was given");
    if (st == JA_OK)
        st = ja_contact_profile(&cli->ctx, name, &s.spec, &u, sent, &nsent, err);
    if (st == JA_OK && nsent > 0)
        cli_notice(cli, "a new address counts once it is verified: authctl verify confirm");
    if (st == JA_OK)
        st = row_user_answer(cli, &u, err);
    for (size_t i = 0; i < nsent; i++)
        cli_deliver(cli, sent[i].message);
    user_spec_clear(&s);
    ja_user_clear(&u);
    return st;
}

/* ---- register ---- */

/* Asks for one text that is needed and was not given. */
static enum ja_status ask(struct cli *cli, const char *prompt, const char **text,
                          struct ja_secret *kept, struct ja_error *err)
{
    enum ja_status st = cli_tty_line(cli, prompt, true, JA_TEXT_MAX, kept, err);

    if (st == JA_OK)
        *text = (const char *)kept->data;
    return st;
}

struct answers {
    struct ja_secret email, phone, username;
};

static enum ja_status ask_missing(struct cli *cli, struct ja_user_spec *s, struct answers *a,
                                  struct ja_error *err)
{
    int verify = cli->ctx.cfg->registration.verify;
    enum ja_status st = JA_OK;

    if (!s->username && !s->email)
        st = ask(cli, "User name: ", &s->username, &a->username, err);
    if (st == JA_OK && !s->phone && verify == JA_VERIFY_PHONE)
        st = ask(cli, "Phone: ", &s->phone, &a->phone, err);
    else if (st == JA_OK && !s->email && verify != JA_VERIFY_NONE && verify != JA_VERIFY_PHONE &&
             (verify == JA_VERIFY_EMAIL || !s->phone))
        st = ask(cli, "Email: ", &s->email, &a->email, err);
    return st;
}

static enum ja_status run_register(struct cli *cli, struct ja_error *err)
{
    struct user_spec s = {0};
    struct answers a = {0};
    struct ja_policy_report report = {0};
    struct ja_user u = {0};
    struct ja_sent sent[2];
    size_t nsent = 0;
    bool root = geteuid() == 0;
    enum ja_status st = JA_OK;

    if (!root && !cli->ctx.cfg->registration.open) /* before any question */
        return ja_account_register(&cli->ctx, &s.spec, root, &report, &u, sent, &nsent, err);
    st = user_spec_read(cli, false, &s, err);
    s.spec.username = cli_opt(cli, "username");
    if (st == JA_OK)
        st = ask_missing(cli, &s.spec, &a, err);
    if (st == JA_OK)
        st = cli_password(cli, "password", "Password: ", true, &s.password, err);
    s.spec.password = &s.password;
    if (st == JA_OK)
        st = ja_account_register(&cli->ctx, &s.spec, root, &report, &u, sent, &nsent, err);
    user_spec_tell_policy(cli, st, &report);
    if (st == JA_OK && u.status == JA_USER_PENDING)
        cli_notice(cli, "%s is pending until its address is verified", u.username);
    if (st == JA_OK)
        st = row_user_answer(cli, &u, err);
    for (size_t i = 0; i < nsent; i++)
        cli_deliver(cli, sent[i].message);
    ja_secret_clear(&a.email);
    ja_secret_clear(&a.phone);
    ja_secret_clear(&a.username);
    user_spec_clear(&s);
    ja_user_clear(&u);
    return st;
}

static const struct cli_option show_options[] = {
    {"user", 0, "NAME", false, "whose (root)"},
    CLI_OPTIONS_END,
};
static const struct cli_option set_options[] = {
    {"user", 0, "NAME", false, "whose (root)"},
    CLI_OPTIONS_PERSON,
    {"shell", 0, "S", false, "login shell"},
    CLI_OPTIONS_END,
};
static const struct cli_option register_options[] = {
    {"username", 0, "NAME", false, "user name; made from the email when not given"},
    CLI_OPTIONS_PERSON,
    CLI_OPTIONS_PASSWORD,
    CLI_OPTIONS_END,
};

const struct command cmd_profile_commands[] = {
    {.noun = "profile",
     .verb = "show",
     .run = run_show,
     .needs = NEEDS_STORE,
     .options = show_options,
     .summary = "show the own account",
     .example = "authctl profile show --user alice",
     .rows = &row_user},
    {.noun = "profile",
     .verb = "set",
     .run = run_set,
     .needs = NEEDS_STORE,
     .options = set_options,
     .summary = "change the own account; a new email or phone counts once it is verified",
     .example = "authctl profile set --user alice --full-name 'Alice Example'",
     .rows = &row_user},
    {.noun = "register",
     .run = run_register,
     .needs = NEEDS_STORE,
     .options = register_options,
     .summary = "register an account; asks for what is not given",
     .example = "authctl register --email alice@example.org",
     .rows = &row_user},
    {0},
};
