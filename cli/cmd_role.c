/* role, can, user permissions: who may do what. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/rows.h"
#include "common/domain/user.h"
#include "common/flow/role_flow.h"
#include "common/flow/look_flow.h"
#include "common/view/role_row.h"

#define PARENTS_MAX 64

struct listing {
    struct cli *cli;
    struct cli_rows *rows; /* NULL: one record */
    struct ja_error *err;
};

static enum ja_status end_rows(const struct listing *l, enum ja_status st)
{
    if (st == JA_OK)
        return cli_rows_end(l->rows, l->err);
    cli_rows_free(l->rows);
    return st;
}

/* ---- roles ---- */

static enum ja_status put_role(void *arg, const struct ja_role *r)
{
    struct listing *l = arg;
    struct ja_strlist parents = {0}, permissions = {0};
    enum ja_status st = ja_role_parents(&l->cli->ctx, r->id, &parents, l->err);

    if (st == JA_OK)
        st = ja_role_own_permissions(&l->cli->ctx, r->id, &permissions, l->err);
    if (st == JA_OK) {
        const struct row_role_values values = ja_row_role(r, &parents, &permissions);

        st = l->rows ? cli_rows_add(l->rows, values.v, l->err) : cli_record(l->cli, &row_role, values.v, l->err);
    }
    ja_strlist_clear(&parents);
    ja_strlist_clear(&permissions);
    return st;
}

static enum ja_status show(struct cli *cli, const char *name, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_role r = {0};
    enum ja_status st = ja_role_find(&cli->ctx, name, &r, err);

    return st == JA_OK ? put_role(&l, &r) : st;
}

static enum ja_status run_show(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_role r = {0};
    enum ja_status st = ja_look_role(&cli->ctx, cli->args[0], &r, err);

    return st == JA_OK ? put_role(&l, &r) : st;
}

static enum ja_status run_list(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    enum ja_status st = cli_rows_begin(cli, &row_role, &l.rows, err);

    if (st == JA_OK)
        st = ja_look_roles(&cli->ctx, cli_rows_after(l.rows), cli_rows_limit(l.rows), put_role, &l, err);
    return end_rows(&l, st);
}

static enum ja_status run_add(struct cli *cli, struct ja_error *err)
{
    const char *parents[PARENTS_MAX];
    size_t n = cli_opt_all(cli, "inherits", parents, PARENTS_MAX);
    enum ja_status st = JA_OK;

    if (n > PARENTS_MAX)
        return cli_usage(cli, err, "at most %d --inherits", PARENTS_MAX);
    st = ja_role_add_flow(&cli->ctx, cli->args[0], cli_opt(cli, "description"), parents, n, err);
    return st == JA_OK ? show(cli, cli->args[0], err) : st;
}

static enum ja_status run_delete(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_role_require(&cli->ctx, cli->args[0], err);

    if (st == JA_OK)
        st = cli_confirm(cli, err, "Delete the role %s?", cli->args[0]);
    if (st == JA_OK)
        st = ja_role_delete_flow(&cli->ctx, cli->args[0], err);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:o}", "name", ja_json_text(cli->args[0])), err);
    cli_line(cli, "deleted the role %s", cli->args[0]);
    return JA_OK;
}

static enum ja_status run_inherit(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_role_inherit_flow(&cli->ctx, cli->args[0], cli->args[1], err);

    return st == JA_OK ? show(cli, cli->args[0], err) : st;
}

static enum ja_status run_disinherit(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_role_disinherit_flow(&cli->ctx, cli->args[0], cli->args[1], err);

    return st == JA_OK ? show(cli, cli->args[0], err) : st;
}

static enum ja_status run_permit(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_role_permit_flow(&cli->ctx, cli->args[0], cli->args[1], cli_opt(cli, "on"), err);

    return st == JA_OK ? show(cli, cli->args[0], err) : st;
}

static enum ja_status run_forbid(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_role_forbid_flow(&cli->ctx, cli->args[0], cli->args[1], cli_opt(cli, "on"), err);

    return st == JA_OK ? show(cli, cli->args[0], err) : st;
}

/* ---- grants ---- */

static enum ja_status run_grant(struct cli *cli, struct ja_error *err)
{
    const char *user = cli->args[0], *role = cli->args[1];
    int64_t ends_at = 0, seconds = 0;
    enum ja_status st = JA_OK;

    if (cli_opt(cli, "for") && cli_opt(cli, "until"))
        return cli_usage(cli, err, "--for or --until, not both");
    st = cli_opt_duration(cli, "for", 0, &seconds, err);
    if (st == JA_OK && cli_opt(cli, "for"))
        ends_at = cli_now(cli) + seconds;
    else if (st == JA_OK)
        st = cli_opt_when(cli, "until", 0, &ends_at, err);
    if (st == JA_OK)
        st = ja_role_grant_flow(&cli->ctx, user, role, ends_at, err);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli,
                          json_pack("{s:o, s:o, s:o}", "user", ja_json_text(user), "role", ja_json_text(role),
                                    "ends_at", ja_json_time(ends_at)),
                          err);
    cli_line(cli, "%s has the role %s%s", user, role, ends_at ? " for a time (authctl role grants)" : "");
    return JA_OK;
}

static enum ja_status run_revoke(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = ja_role_revoke_flow(&cli->ctx, cli->args[0], cli->args[1], err);

    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli,
                          json_pack("{s:o, s:o}", "user", ja_json_text(cli->args[0]), "role",
                                    ja_json_text(cli->args[1])),
                          err);
    cli_line(cli, "%s has the role %s no more by a grant of its own", cli->args[0], cli->args[1]);
    return JA_OK;
}

static enum ja_status put_grant(void *arg, const struct ja_grant *g)
{
    struct listing *l = arg;
    const struct row_grant_values values = ja_row_grant(g, cli_now(l->cli));

    return cli_rows_add(l->rows, values.v, l->err);
}

static enum ja_status run_grants(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_grant_filter f = {0};
    int64_t seconds = 0;
    const char *user = cli_opt(cli, "user");
    enum ja_status st = cli_opt_duration(cli, "expiring", 0, &seconds, err);

    if (st == JA_OK && cli_opt(cli, "expiring"))
        f.ends_before = cli_now(cli) + seconds;
    if (st == JA_OK)
        st = cli_rows_begin(cli, &row_grant, &l.rows, err);
    if (st == JA_OK) {
        f.limit = cli_rows_limit(l.rows);
        f.after = cli_rows_after(l.rows);
        st = ja_look_grants(&cli->ctx, user, &f, put_grant, &l, err);
    }
    return end_rows(&l, st);
}

/* ---- questions ---- */

static enum ja_status put_permission(void *arg, const struct ja_held_permission *p)
{
    struct listing *l = arg;
    const struct row_permission_values values = ja_row_permission(p);

    return cli_rows_add(l->rows, values.v, l->err);
}

static enum ja_status run_permissions(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    enum ja_status st = cli_rows_begin(cli, &row_permission, &l.rows, err);

    if (st == JA_OK)
        st = ja_look_permissions(&cli->ctx, cli->args[0], put_permission, &l, err);
    return end_rows(&l, st);
}

static enum ja_status run_can(struct cli *cli, struct ja_error *err)
{
    const char *on = cli_opt(cli, "on");
    struct ja_held_permission p = {0};
    bool held = false;
    enum ja_status st = ja_look_can(&cli->ctx, cli->args[0], cli->args[1], on, &held, &p, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli,
                        json_pack("{s:b, s:o, s:o, s:o, s:o}", "ok", held, "code",
                                  ja_json_text(held ? NULL : "not_permitted"), "role",
                                  ja_json_text(held ? p.role : NULL), "permission",
                                  ja_json_text(held ? p.permission : NULL), "on",
                                  ja_json_text(held && p.pattern[0] ? p.pattern : NULL)),
                        err);
    else if (st == JA_OK && held)
        cli_line(cli, "yes, through the role %s (%s)", p.role, p.permission);
    if (st == JA_OK && !held)
        st = ja_fail(err, JA_ERR_DENIED, "not_permitted", "%s may not %s", cli->args[0], cli->args[1]);
    return st;
}

static const struct cli_option add_options[] = {
    {"description", 0, "D", false, "what it is for"},
    {"inherits", 0, "R", true, "has everything that the role R has, too"},
    CLI_OPTIONS_END,
};
static const struct cli_option list_options[] = {CLI_OPTIONS_PAGE, CLI_OPTIONS_END};
static const struct cli_option pattern_options[] = {
    {"on", 0, "PATTERN", false, "only on resources that match, as 'tenant/42/*'"},
    CLI_OPTIONS_END,
};
static const struct cli_option resource_options[] = {
    {"on", 0, "RESOURCE", false, "the resource asked about, as tenant/42/report"},
    CLI_OPTIONS_END,
};
static const struct cli_option grant_options[] = {
    {"for", 0, "DURATION", false, "ends by itself after that long"},
    {"until", 0, "T", false, "ends then: RFC 3339, or a duration from now"},
    CLI_OPTIONS_END,
};
static const struct cli_option grants_options[] = {
    {"user", 0, "U", false, "only of this user"},
    {"expiring", 0, "DURATION", false, "only what ends within that time"},
    CLI_OPTIONS_PAGE,
    CLI_OPTIONS_END,
};

#define ROLE(verb_, run_, args_, n, summary_, example_) \
    .noun = "role", .verb = verb_, .run = run_, .needs = NEEDS_STORE, .args = args_, .min_args = n, .max_args = n, \
    .summary = summary_, .example = example_

const struct command cmd_role_commands[] = {
    {ROLE("add", run_add, "NAME", 1, "add a role", "authctl role add helpdesk --inherits agent"),
     .options = add_options,
     .rows = &row_role},
    {ROLE("show", run_show, "NAME", 1, "show a role, what it inherits and permits itself", "authctl role show admin"),
     .rows = &row_role},
    {ROLE("delete", run_delete, "NAME", 1, "delete a role", "authctl role delete helpdesk"),
     .details = "Refused while a user has it or a role inherits it. Asks first, unless --yes is given.",
     .keys = "name"},
    {ROLE("list", run_list, NULL, 0, "list roles by name", "authctl role list"), .options = list_options, .rows = &row_role},
    {ROLE("inherit", run_inherit, "NAME PARENT", 2, "let a role have everything that another one has",
          "authctl role inherit helpdesk agent"),
     .details = "Refused when the roles would inherit in a circle, which the message names.",
     .rows = &row_role},
    {ROLE("disinherit", run_disinherit, "NAME PARENT", 2, "end an inheritance",
          "authctl role disinherit helpdesk agent"),
     .rows = &row_role},
    {ROLE("permit", run_permit, "ROLE PERMISSION", 2, "let a role permit something",
          "authctl role permit helpdesk tickets:read --on 'tenant/42/*'"),
     .options = pattern_options,
     .details = "A permission is resource:action; * for either part. In a pattern * is a whole segment; as the\n"
                "last one it matches the rest.",
     .rows = &row_role},
    {ROLE("forbid", run_forbid, "ROLE PERMISSION", 2, "take a permission from a role",
          "authctl role forbid helpdesk tickets:read --on 'tenant/42/*'"),
     .options = pattern_options,
     .details = "Exactly what was permitted to the role itself, with its pattern.",
     .rows = &row_role},
    {ROLE("grant", run_grant, "USER ROLE", 2, "give a user a role, for good or for a time",
          "authctl role grant alice helpdesk --for 2h"),
     .options = grant_options,
     .details = "Replaces an earlier grant of the same role.",
     .keys = "user role ends_at"},
    {ROLE("revoke", run_revoke, "USER ROLE", 2, "take a role from a user", "authctl role revoke alice helpdesk"),
     .keys = "user role"},
    {ROLE("grants", run_grants, NULL, 0, "list who gave whom which role until when",
          "authctl role grants --expiring 7d"),
     .options = grants_options,
     .rows = &row_grant},
    {.noun = "can",
     .run = run_can,
     .needs = NEEDS_STORE,
     .options = resource_options,
     .args = "USER PERMISSION",
     .min_args = 2,
     .max_args = 2,
     .summary = "say whether a user may do something",
     .example = "authctl can alice tickets:read --on tenant/42/report",
     .details = "Exit 0: yes, 1: no. Who is not active may nothing. Without --on only permissions count that hold\n"
                "everywhere.",
     .keys = "ok code role permission on"},
    {.noun = "user",
     .verb = "permissions",
     .run = run_permissions,
     .needs = NEEDS_STORE,
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .summary = "list what a user may do, and through which role",
     .example = "authctl user permissions alice",
     .rows = &row_permission},
    {0},
};
