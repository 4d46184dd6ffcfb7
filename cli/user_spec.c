#include "cli/user_spec.h"

#include "cli/output.h"
#include "cli/prompt.h"

#include <string.h>

static enum ja_status read_valid_until(struct cli *cli, struct ja_user_spec *s, struct ja_error *err)
{
    const char *text = cli_opt(cli, "valid-until");

    if (text && (!*text || strcmp(text, "never") == 0)) {
        s->valid_until = -1; /* takes an end away */
        return JA_OK;
    }
    return cli_opt_when(cli, "valid-until", 0, &s->valid_until, err);
}

static enum ja_status read_account(struct cli *cli, struct user_spec *ret, struct ja_error *err)
{
    struct ja_user_spec *s = &ret->spec;
    size_t n = cli_opt_all(cli, "role", ret->roles, USER_SPEC_ROLES_MAX);
    enum ja_status st;

    if (n > USER_SPEC_ROLES_MAX)
        return ja_fail(err, JA_ERR_INVALID, "too_many_roles", "more than %d roles at once",
                       USER_SPEC_ROLES_MAX);
    s->roles = ret->roles;
    s->nroles = n;
    s->home = cli_opt(cli, "home");
    s->shell = cli_opt(cli, "shell");
    st = cli_opt_int(cli, "uid", 1, INT32_MAX, 0, &s->uid, err);
    if (st == JA_OK)
        st = cli_opt_int(cli, "gid", 1, INT32_MAX, 0, &s->gid, err);
    return st == JA_OK ? read_valid_until(cli, s, err) : st;
}

enum ja_status user_spec_read(struct cli *cli, bool account, struct user_spec *ret,
                              struct ja_error *err)
{
    struct ja_user_spec *s = &ret->spec;

    s->email = cli_opt(cli, "email");
    s->phone = cli_opt(cli, "phone");
    s->full_name = cli_opt(cli, "full-name");
    s->first_name = cli_opt(cli, "first-name");
    s->last_name = cli_opt(cli, "last-name");
    s->company_name = cli_opt(cli, "company");
    return account ? read_account(cli, ret, err) : JA_OK;
}

bool user_spec_any(const struct user_spec *s)
{
    const struct ja_user_spec *p = &s->spec;

    return p->username || p->email || p->phone || p->full_name || p->first_name || p->last_name ||
           p->company_name || p->home || p->shell || p->uid || p->gid || p->valid_until ||
           p->nroles;
}

enum ja_status user_spec_password(struct cli *cli, struct user_spec *s, struct ja_error *err)
{
    bool given = cli_flag(cli, "password-stdin") || cli_opt(cli, "password-file");
    enum ja_status st = JA_OK;

    if (given && cli_flag(cli, "generate-password"))
        return cli_usage(cli, err, "give a password or --generate-password, not both");
    if (given)
        st = cli_password(cli, "password", "Password: ", true, &s->password, err);
    else if (cli_flag(cli, "generate-password"))
        st = ja_password_generate(&cli->ctx, &s->password, err);
    else
        return JA_OK;
    if (st == JA_OK) {
        s->spec.password = &s->password;
        s->spec.generated = !given;
    }
    return st;
}

void user_spec_clear(struct user_spec *s)
{
    ja_secret_clear(&s->password);
}

void user_spec_tell_policy(const struct cli *cli, enum ja_status st,
                           const struct ja_policy_report *report)
{
    if (st != JA_ERR_POLICY || cli->json)
        return;
    for (size_t i = 1; i < report->len; i++) /* the first is the error itself */
        cli_notice(cli, "%s", report->broken[i].text);
}
