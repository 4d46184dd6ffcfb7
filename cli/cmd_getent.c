/* getent: what the name service answers for the store's users. An adopted user is the local files' own
 * (PAM.md, first section) and does not appear; the password field is '*', which pam_unix needs to see. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/row_passwd.h"
#include "common/domain/user.h"

#include <string.h>

static const struct row_field group_fields[] = {
    {"name", NULL, ROW_TEXT},
    {"passwd", NULL, ROW_TEXT},
    {"gid", NULL, ROW_INT},
    {"members", NULL, ROW_LIST},
};
static const struct row_type group_row = {
    "group entry", "group", group_fields, sizeof group_fields / sizeof group_fields[0]};

struct listing {
    struct cli *cli;
    struct cli_rows *rows; /* with --json */
    bool group;
    struct ja_error *err;
};

/* The group that is made with a user has its number; with another gid the user has no group of its own. */
static bool answers(const struct listing *l, const struct ja_user *u)
{
    return !u->adopted && (!l->group || u->gid == u->uid);
}

static enum ja_status put_group(struct listing *l, const struct ja_user *u)
{
    const struct ja_strlist none = {0};
    const struct row_value values[] = {ROW_T(u->username), ROW_T("*"), ROW_N(u->gid), ROW_L(&none)};

    if (l->rows)
        return cli_rows_add(l->rows, values, l->err);
    cli_line(l->cli, "%s:*:%lld:", u->username, (long long)u->gid);
    return JA_OK;
}

static enum ja_status put(void *arg, const struct ja_user *u)
{
    struct listing *l = arg;

    if (!answers(l, u))
        return JA_OK;
    return l->group ? put_group(l, u) : row_passwd_put(l->cli, l->rows, u, "*", l->err);
}

/* A number is looked up as uid (the private group has the same one), anything else as a name. */
static enum ja_status put_one(struct listing *l, const char *key)
{
    struct ja_user u = {0};
    int64_t id = 0;
    enum ja_status st;

    if (ja_parse_i64(key, 0, INT64_C(4294967294), &id))
        st = ja_user_find_by_uid(&l->cli->ctx, id, &u, l->err);
    else
        st = ja_user_find_by_name(&l->cli->ctx, key, &u, l->err);
    if (st == JA_OK && !answers(l, &u))
        st = ja_fail(l->err, JA_ERR_NOT_FOUND, "user_not_found",
                     "'%s' is answered by the local files, not by the store", u.username);
    if (st == JA_OK)
        st = put(l, &u);
    ja_user_clear(&u);
    return st;
}

static enum ja_status list(struct cli *cli, bool group, struct ja_error *err)
{
    struct listing l = {.cli = cli, .group = group, .err = err};
    const struct ja_user_filter all = {0};
    enum ja_status st = JA_OK;

    if (cli->json)
        st = cli_rows_begin(cli, group ? &group_row : &row_passwd, &l.rows, err);
    if (st == JA_OK)
        st = cli->nargs > 0 ? put_one(&l, cli->args[0])
                            : ja_user_each(&cli->ctx, &all, put, &l, err);
    if (st == JA_OK && l.rows)
        return cli_rows_end(l.rows, err);
    cli_rows_free(l.rows);
    return st;
}

static enum ja_status run_passwd(struct cli *cli, struct ja_error *err)
{
    return list(cli, false, err);
}

static enum ja_status run_group(struct cli *cli, struct ja_error *err)
{
    return list(cli, true, err);
}

/* Supplementary groups: private groups have no members beside their user, so there are none. */
static enum ja_status run_initgroups(struct cli *cli, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find_by_name(&cli->ctx, cli->args[0], &u, err);

    if (st == JA_OK && cli->json)
        st = cli_answer(cli, json_pack("{s:s,s:[]}", "name", u.username, "gids"), err);
    else if (st == JA_OK)
        cli_line(cli, "%-21s", u.username);
    ja_user_clear(&u);
    return st;
}

const struct command cmd_getent_commands[] = {
    {
        .noun = "getent",
        .verb = "passwd",
        .run = run_passwd,
        .needs = NEEDS_STORE,
        .args = "[NAME | UID]",
        .max_args = 1,
        .summary = "what the name service answers for users",
        .example = "authctl getent passwd alice",
        .rows = &row_passwd,
    },
    {
        .noun = "getent",
        .verb = "group",
        .run = run_group,
        .needs = NEEDS_STORE,
        .args = "[NAME | GID]",
        .max_args = 1,
        .summary = "what the name service answers for groups: each user's own",
        .example = "authctl getent group alice",
        .rows = &group_row,
    },
    {
        .noun = "getent",
        .verb = "initgroups",
        .run = run_initgroups,
        .needs = NEEDS_STORE,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "the supplementary groups of a user",
        .example = "authctl getent initgroups alice",
        .keys = "name gids",
    },
    {0},
};
