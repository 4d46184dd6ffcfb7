/* getent: what the NSS module answers, read by the same code from the same snapshot. An adopted user is the local files'
 * own (PAM.md, first section) and only the groups are ours; the password field is '*', which pam_unix needs to see. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/row_passwd.h"
#include "common/base/nss_snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    struct ja_nss_file file;
    struct cli_rows *rows; /* with --json */
    struct ja_error *err;
};

static enum ja_status open_snapshot(struct listing *l)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%.480s/" JA_NSS_SNAPSHOT_NAME, l->cli->ctx.cfg->paths.cache);
    if (ja_nss_open(path, geteuid(), &l->file) == JA_NSS_FOUND)
        return JA_OK;
    return ja_fail(l->err, JA_ERR_CORRUPT, "snapshot_missing",
                   "%s is missing, damaged, or not root's alone to write: authctl purge writes it", path);
}

/* How a look-up ended; JA_OK when there is an entry. */
static enum ja_status judge(struct listing *l, enum ja_nss_result r, const char *key)
{
    if (r == JA_NSS_FOUND)
        return JA_OK;
    if (r == JA_NSS_NONE)
        return ja_fail(l->err, JA_ERR_NOT_FOUND, "user_not_found", "NSS gets no answer from jwtauth for '%.64s'", key);
    return ja_fail(l->err, JA_ERR_CORRUPT, "snapshot_damaged", "the snapshot for NSS is damaged: remove it, then "
                   "authctl purge writes it");
}

/* A number is looked up as id, anything else as a name. */
static bool is_id(const char *key, uint32_t *ret)
{
    int64_t id = 0;

    if (!ja_parse_i64(key, 0, INT64_C(4294967294), &id))
        return false;
    *ret = (uint32_t)id;
    return true;
}

/* ---- passwd ---- */

static enum ja_status put_user(struct listing *l, const struct ja_nss_user *u)
{
    struct ja_user row = {.uid = u->uid, .gid = u->gid, .full_name = (char *)(uintptr_t)u->gecos,
                          .home = (char *)(uintptr_t)u->home, .shell = (char *)(uintptr_t)u->shell};

    (void)snprintf(row.username, sizeof row.username, "%s", u->name);
    return row_passwd_put(l->cli, l->rows, &row, "*", l->err);
}

static enum ja_status one_user(struct listing *l, const char *key)
{
    struct ja_nss_user u;
    uint32_t id = 0;
    enum ja_nss_result r = is_id(key, &id) ? ja_nss_user_id(&l->file, id, &u) : ja_nss_user_name(&l->file, key, &u);
    enum ja_status st;

    if (r == JA_NSS_FOUND && (u.flags & NSS_USER_LOCAL))
        r = JA_NSS_NONE;
    st = judge(l, r, key);
    return st == JA_OK ? put_user(l, &u) : st;
}

static enum ja_status all_users(struct listing *l)
{
    struct ja_nss_user u = {0};
    uint32_t row = 0;
    enum ja_nss_result r = JA_NSS_NONE;
    enum ja_status st = JA_OK;

    while (st == JA_OK && (r = ja_nss_user_next(&l->file, u.uid, &row, &u)) == JA_NSS_FOUND)
        if (!(u.flags & NSS_USER_LOCAL))
            st = put_user(l, &u);
    return st == JA_OK && r == JA_NSS_BAD ? judge(l, r, "") : st;
}

/* ---- group ---- */

static bool add_name(void *arg, const char *name, size_t len)
{
    struct ja_strlist *names = arg;
    char **bigger = reallocarray(names->items, names->len + 1, sizeof *bigger);

    if (bigger)
        names->items = bigger;
    if (!bigger || !(bigger[names->len] = strndup(name, len)))
        return false;
    names->len++;
    return true;
}

static enum ja_status print_group(struct listing *l, const struct ja_nss_group *g, const struct ja_strlist *members)
{
    char *line = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&line, &len);

    if (!out)
        return ja_fail_nomem(l->err);
    (void)fprintf(out, "%s:*:%lu:", g->name, (unsigned long)g->gid);
    for (size_t i = 0; i < members->len; i++)
        (void)fprintf(out, "%s%s", i > 0 ? "," : "", members->items[i]);
    if (fclose(out) != 0) {
        free(line);
        return ja_fail_nomem(l->err);
    }
    cli_raw(l->cli, line, len);
    free(line);
    return JA_OK;
}

static enum ja_status put_group(struct listing *l, const struct ja_nss_group *g)
{
    struct ja_strlist members = {0};
    enum ja_nss_result r = ja_nss_group_members(&l->file, g, cli_now(l->cli), add_name, &members);
    enum ja_status st = r == JA_NSS_NONE ? ja_fail_nomem(l->err) : judge(l, r, g->name);

    if (st == JA_OK && l->rows) {
        const struct row_value values[] = {ROW_T(g->name), ROW_T("*"), ROW_N(g->gid), ROW_L(&members)};

        st = cli_rows_add(l->rows, values, l->err);
    } else if (st == JA_OK) {
        st = print_group(l, g, &members);
    }
    for (size_t i = 0; i < members.len; i++)
        free(members.items[i]);
    free(members.items);
    return st;
}

static enum ja_status one_group(struct listing *l, const char *key)
{
    struct ja_nss_group g;
    uint32_t id = 0;
    enum ja_nss_result r = is_id(key, &id) ? ja_nss_group_id(&l->file, id, &g)
                                           : ja_nss_group_by_name(&l->file, key, &g);
    enum ja_status st = judge(l, r, key);

    return st == JA_OK ? put_group(l, &g) : st;
}

static enum ja_status all_groups(struct listing *l)
{
    struct ja_nss_group g = {0};
    uint32_t row = 0;
    enum ja_nss_result r = JA_NSS_NONE;
    enum ja_status st = JA_OK;

    while (st == JA_OK && (r = ja_nss_group_next(&l->file, g.gid, &row, &g)) == JA_NSS_FOUND)
        st = put_group(l, &g);
    return st == JA_OK && r == JA_NSS_BAD ? judge(l, r, "") : st;
}

static enum ja_status list(struct cli *cli, bool group, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    const char *key = cli->nargs > 0 ? cli->args[0] : NULL;
    enum ja_status st = open_snapshot(&l);

    if (st != JA_OK)
        return st;
    if (cli->json)
        st = cli_rows_begin(cli, group ? &group_row : &row_passwd, &l.rows, err);
    if (st == JA_OK && group)
        st = key ? one_group(&l, key) : all_groups(&l);
    else if (st == JA_OK)
        st = key ? one_user(&l, key) : all_users(&l);
    ja_nss_close(&l.file);
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

/* ---- initgroups ---- */

static bool add_gid(void *arg, uint32_t gid)
{
    return json_array_append_new(arg, json_integer(gid)) == 0;
}

static enum ja_status print_gids(struct cli *cli, const char *name, json_t *gids, struct ja_error *err)
{
    char *line = NULL;
    size_t len = 0, i;
    json_t *gid;
    FILE *out;

    if (cli->json)
        return cli_answer(cli, json_pack("{s:s,s:O}", "name", name, "gids", gids), err);
    out = open_memstream(&line, &len);
    if (!out)
        return ja_fail_nomem(err);
    (void)fprintf(out, "%-21s", name);
    json_array_foreach(gids, i, gid)
        (void)fprintf(out, " %lld", (long long)json_integer_value(gid));
    if (fclose(out) != 0) {
        free(line);
        return ja_fail_nomem(err);
    }
    cli_raw(cli, line, len);
    free(line);
    return JA_OK;
}

static enum ja_status run_initgroups(struct cli *cli, struct ja_error *err)
{
    struct listing l = {.cli = cli, .err = err};
    struct ja_nss_user u;
    json_t *gids = json_array();
    enum ja_status st = gids ? open_snapshot(&l) : ja_fail_nomem(err);

    if (st == JA_OK) {
        st = judge(&l, ja_nss_user_name(&l.file, cli->args[0], &u), cli->args[0]);
        if (st == JA_OK)
            st = judge(&l, ja_nss_user_groups(&l.file, &u, cli_now(cli), add_gid, gids), u.name);
        ja_nss_close(&l.file);
    }
    if (st == JA_OK)
        st = print_gids(cli, u.name, gids, err);
    json_decref(gids);
    return st;
}

const struct command cmd_getent_commands[] = {
    {
        .noun = "getent",
        .verb = "passwd",
        .run = run_passwd,
        .needs = NEEDS_CONFIG,
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
        .needs = NEEDS_CONFIG,
        .args = "[NAME | GID]",
        .max_args = 1,
        .summary = "what the name service answers for groups: each user's own, and roles",
        .example = "authctl getent group jwtauth-admin",
        .rows = &group_row,
    },
    {
        .noun = "getent",
        .verb = "initgroups",
        .run = run_initgroups,
        .needs = NEEDS_CONFIG,
        .args = "NAME",
        .min_args = 1,
        .max_args = 1,
        .summary = "the supplementary groups of a user",
        .example = "authctl getent initgroups alice",
        .keys = "name gids",
    },
    {0},
};
