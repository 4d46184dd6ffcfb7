/* config check, config show. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "common/base/policy_rule.h"

#include <stdio.h>
#include <string.h>

static enum ja_status run_check(struct cli *cli, struct ja_error *err)
{
    const char *path = cli->ctx.cfg->path;
    enum ja_status st;

    if (!path)
        return ja_config_demand_file(cli->ctx.cfg, err);
    st = ja_policy_rules_error(&cli->ctx.cfg->policy, err);
    if (st != JA_OK)
        return st;
    if (cli->json)
        return cli_answer(cli, json_pack("{s:b, s:s}", "ok", 1, "path", path), err);
    cli_line(cli, "%s is valid", path);
    return JA_OK;
}

static const struct row_field option_fields[] = {
    {"option", "OPTION", ROW_TEXT}, /* section.key */
    {"value", "VALUE", ROW_TEXT},
    {"source", "FROM", ROW_TEXT},   /* file, default */
    {"help", NULL, ROW_TEXT},
};
static const struct row_type option_rows = {"option", "options", option_fields, 4};

struct show {
    struct cli_rows *rows;
    struct ja_error *err;
    bool skipping;  /* until the row that --after names */
    int64_t left;   /* rows still wanted; negative: all */
};

static enum ja_status show_item(void *arg, const struct ja_config_item *item)
{
    struct show *s = arg;
    char name[128];

    (void)snprintf(name, sizeof name, "%s.%s", item->section, item->key);
    if (s->skipping) {
        s->skipping = strcmp(name, cli_rows_after(s->rows)) != 0;
        return JA_OK;
    }
    if (s->left == 0)
        return JA_OK;
    s->left--;
    return cli_rows_add(s->rows,
                        (struct row_value[]){ROW_T(name), ROW_T(item->value),
                                             ROW_T(item->from_file ? "file" : "default"),
                                             ROW_T(item->help)},
                        s->err);
}

static enum ja_status run_show(struct cli *cli, struct ja_error *err)
{
    struct show s = {.err = err};
    enum ja_status st = cli_rows_begin(cli, &option_rows, &s.rows, err);

    if (st != JA_OK)
        return st;
    s.left = cli_rows_limit(s.rows) ? cli_rows_limit(s.rows) : -1;
    s.skipping = cli_rows_after(s.rows) != NULL;
    st = ja_config_each(cli->ctx.cfg, show_item, &s);
    if (st == JA_OK)
        return cli_rows_end(s.rows, err);
    cli_rows_free(s.rows);
    return st == JA_ERR_NOMEM ? ja_fail_nomem(err) : st;
}

static const struct cli_option page[] = {CLI_OPTIONS_PAGE, CLI_OPTIONS_END};

const struct command cmd_config_commands[] = {
    {.noun = "config", .verb = "check", .run = run_check, .needs = NEEDS_CONFIG,
     .summary = "check the configuration file", .example = "authctl config check",
     .details = "Says file and line of the first error (exit 8); nothing else is touched.",
     .keys = "ok path"},
    {.noun = "config", .verb = "show", .run = run_show, .needs = NEEDS_CONFIG, .options = page,
     .summary = "show every option's effective value and where it came from",
     .example = "authctl config show", .details = "Passwords in URLs are masked.",
     .rows = &option_rows},
    {0},
};
