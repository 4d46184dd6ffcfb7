#include "cli/help.h"

#include "cli/completion.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

static void put_name(const struct command *c)
{
    (void)printf("authctl %s%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "");
}

void help_version(struct cli *cli)
{
    (void)puts("authctl (jwtauth) " JA_VERSION);
    cli->answered = true;
}

static void put_option(const struct cli_option *o)
{
    char left[64];
    int n = 0;

    n = o->letter ? snprintf(left, sizeof left, "-%c, --%s", o->letter, o->name)
                  : snprintf(left, sizeof left, "    --%s", o->name);
    if (o->arg && n > 0 && (size_t)n < sizeof left)
        (void)snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
    (void)printf("  %-26s %s%s\n", left, o->help, o->repeat ? " (repeatable)" : "");
}

static void put_globals(void)
{
    (void)puts("\nGlobal options:");
    for (const struct cli_option *o = cli_global_options; o->name; o++)
        put_option(o);
}

struct listing {
    const char *noun; /* NULL: all */
    const char *last;
    bool verbs; /* the last one had a verb */
};

static void put_summary(void *arg, const struct command *c)
{
    struct listing *l = arg;
    char left[64];

    if ((c->needs & HIDDEN) || (l->noun && strcmp(c->noun, l->noun) != 0))
        return;
    if (!l->noun && l->last && strcmp(l->last, c->noun) != 0 && (l->verbs || c->verb))
        (void)putchar('\n');
    l->last = c->noun;
    l->verbs = c->verb != NULL;
    (void)snprintf(left, sizeof left, "%s%s%s", c->noun, c->verb ? " " : "",
                   c->verb ? c->verb : "");
    (void)printf("  %-28s %s\n", left, c->summary);
}

void help_top(struct cli *cli)
{
    struct listing l = {0};

    (void)puts("usage: authctl [global options] NOUN VERB [arguments] [options]\n\n"
               "Accounts, credentials, sessions, tokens and keys of jwtauth.\n\nCommands:");
    command_each(put_summary, &l);
    put_globals();
    (void)puts("\n'authctl NOUN' lists its verbs; 'authctl NOUN VERB --help' explains one.\n"
               "Example: authctl user add alice --email alice@example.org");
    cli->answered = true;
}

static void first_example(void *arg, const struct command *c)
{
    struct listing *l = arg;

    if (!l->last && !(c->needs & HIDDEN) && c->example && strcmp(c->noun, l->noun) == 0)
        l->last = c->example;
}

void help_noun(struct cli *cli, const char *noun)
{
    struct listing l = {.noun = noun}, example = {.noun = noun};

    (void)printf("usage: authctl %s VERB [arguments] [options]\n\n", noun);
    command_each(put_summary, &l);
    (void)printf("\n'authctl %s VERB --help' explains one.\n", noun);
    command_each(first_example, &example);
    if (example.last)
        (void)printf("Example: %s\n", example.last);
    cli->answered = true;
}

static void put_row_keys(const struct row_type *type)
{
    if (!type)
        return;
    (void)printf("\nJSON keys of one %s:", type->name);
    for (size_t i = 0; i < type->count; i++)
        (void)printf(" %s", type->fields[i].key);
    (void)putchar('\n');
}

static void put_keys(const struct command *c)
{
    put_row_keys(c->rows);
    put_row_keys(c->other_rows);
    if (c->keys && strcmp(c->keys, "*") != 0)
        (void)printf("\nJSON keys of the answer: %s\n", c->keys);
}

void help_command(struct cli *cli, const struct command *c)
{
    (void)fputs("usage: ", stdout);
    put_name(c);
    if (c->args)
        (void)printf(" %s", c->args);
    if (c->options && c->options->name)
        (void)fputs(" [options]", stdout);
    (void)printf("\n\n%s\n", c->summary);
    if (c->details)
        (void)printf("\n%s\n", c->details);
    if (c->options && c->options->name)
        (void)puts("\nOptions:");
    for (const struct cli_option *o = c->options; o && o->name; o++)
        put_option(o);
    put_globals();
    put_keys(c);
    if (c->example)
        (void)printf("\nExample: %s\n", c->example);
    cli->answered = true;
}

/* ---- listings for tests, one fact a line ---- */

static void list_command(void *arg, const struct command *c)
{
    (void)arg;
    if (c->needs & HIDDEN)
        return;
    put_name(c);
    (void)printf("\t%d\t%d\t%s\n", c->min_args, c->max_args, c->args ? c->args : "");
}

static void list_options(void *arg, const struct command *c)
{
    (void)arg;
    if (c->needs & HIDDEN)
        return;
    for (const struct cli_option *o = c->options; o && o->name; o++) {
        put_name(c);
        (void)printf("\t--%s\t%s\n", o->name, o->arg ? o->arg : "");
    }
}

static void list_row_keys(const struct row_type *type)
{
    for (size_t i = 0; type && i < type->count; i++)
        (void)printf("%s\t%s\n", type->name, type->fields[i].key);
}

static void list_keys(void *arg, const struct command *c)
{
    (void)arg;
    list_row_keys(c->rows);
    list_row_keys(c->other_rows);
    if (c->keys && strcmp(c->keys, "*") != 0) {
        put_name(c);
        (void)printf("\t%s\n", c->keys);
    }
}

static enum ja_status help_explain(struct cli *cli, struct ja_error *err)
{
    const char *noun = cli->nargs > 0 ? cli->args[0] : NULL;
    const char *verb = cli->nargs > 1 ? cli->args[1] : NULL;
    const struct command *c = noun ? command_find(noun, verb) : NULL;

    cli->usage = true; /* whatever fails here is a command that does not exist */
    if (noun && !command_noun_known(noun))
        return suggest_noun(noun, err);
    if (verb && !c)
        return suggest_verb(noun, verb, err);
    if (c)
        help_command(cli, c);
    else if (noun)
        help_noun(cli, noun);
    else
        help_top(cli);
    return JA_OK;
}

static enum ja_status run_help(struct cli *cli, struct ja_error *err)
{
    const char *shell = cli_opt(cli, "completion");

    if (cli_flag(cli, "commands"))
        command_each(list_command, NULL);
    else if (cli_flag(cli, "options"))
        command_each(list_options, NULL);
    else if (cli_flag(cli, "keys"))
        command_each(list_keys, NULL);
    else if (shell && strcmp(shell, "bash") != 0)
        return cli_usage(cli, err, "there is a completion for bash only");
    else if (shell)
        completion_bash();
    else
        return help_explain(cli, err);
    cli->answered = true;
    return JA_OK;
}

static const struct cli_option help_options[] = {
    {"completion", 0, "SHELL", false, "print the completion for bash"},
    {"commands", 0, NULL, false, "list the commands: name, least and most arguments, their names"},
    {"options", 0, NULL, false, "list the options: command, option, value"},
    {"keys", 0, NULL, false, "list the JSON keys: row type or command, keys"},
    CLI_OPTIONS_END,
};

const struct command help_commands[] = {
    {
        .noun = "help",
        .run = run_help,
        .needs = NEEDS_NOTHING,
        .options = help_options,
        .args = "[NOUN [VERB]]",
        .max_args = 2,
        .summary = "explain authctl, a noun or a command",
        .example = "authctl help user add",
    },
    {0},
};
