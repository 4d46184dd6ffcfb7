#include "cli/command.h"

#include "cli/help.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "common/domain/signing_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *command_find(const char *noun, const char *verb)
{
    for (const struct command *const *table = cli_tables; *table; table++)
        for (const struct command *c = *table; c->noun; c++) {
            if (strcmp(c->noun, noun) != 0 || !c->verb != !verb)
                continue;
            if (!verb || strcmp(c->verb, verb) == 0)
                return c;
        }
    return NULL;
}

bool command_noun_known(const char *noun)
{
    for (const struct command *const *table = cli_tables; *table; table++)
        for (const struct command *c = *table; c->noun; c++)
            if (strcmp(c->noun, noun) == 0)
                return true;
    return false;
}

void command_each(void (*fn)(void *arg, const struct command *cmd), void *arg)
{
    for (const struct command *const *table = cli_tables; *table; table++)
        for (const struct command *c = *table; c->noun; c++)
            fn(arg, c);
}

int64_t cli_now(const struct cli *cli)
{
    return ja_now(cli->ctx.clock.wall_ms ? &cli->ctx.clock : &ja_clock_system);
}

/* The lines of the layers below: warnings and worse, as notices. They are escaped already (log.h). What is only of
 * note is for the system's log: the heads of the audit log have to be out of reach of who rewrites that. */
static void log_line(void *arg, int priority, const char *line)
{
    const struct cli *cli = arg;

    if (priority >= LOG_NOTICE)
        syslog(LOG_AUTHPRIV | priority, "%s", line);
    else if (!cli->quiet)
        (void)fprintf(stderr, "authctl: %s\n", line);
}

static enum ja_status setup_config(struct cli *cli, struct ja_error *err)
{
    struct ja_log log = {.emit = log_line, .arg = cli, .level = LOG_NOTICE};
    struct ja_config *cfg = NULL;
    enum ja_status st = ja_config_load(cli->config_path, cli->config_path != NULL, &cfg, err);

    if (st != JA_OK)
        return st;
    ja_ctx_init(&cli->ctx, cfg, log);
    cli->ctx.actor.name = geteuid() == 0 ? "root" : "user";
    cli->ctx.actor.service = "authctl";
    return JA_OK;
}

/* A store, key or configuration that is not there is a broken installation (exit 8), not a question
 * answered with "not found" (exit 3). */
static enum ja_status setup_failed(enum ja_status st, struct ja_error *err)
{
    char message[sizeof err->message], code[sizeof err->code];

    if (st != JA_ERR_NOT_FOUND && st != JA_ERR_INVALID && st != JA_ERR_DENIED)
        return st;
    memcpy(message, err->message, sizeof message);
    memcpy(code, err->code, sizeof code);
    return ja_fail(err, JA_ERR_CONFIG, code, "%.900s%s", message,
                   strstr(message, "authctl init") ? "" : "; 'authctl doctor' says what is wrong");
}

static bool needs(const struct cli *cli, unsigned what)
{
    return (cli->needs & what) == what;
}

static enum ja_status check_caller(const struct cli *cli, struct ja_error *err)
{
    if (needs(cli, NEEDS_STORE) && (cli->socket || geteuid() != 0))
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_root",
                       "this is done on the store itself, by root; jwtauthd does not serve it");
    if (geteuid() == 0)
        return JA_OK;
    if (needs(cli, NEEDS_ROOT))
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_root", "only root may do this");
    return JA_OK;
}

static enum ja_status setup(struct cli *cli, struct ja_error *err)
{
    enum ja_status st = check_caller(cli, err);

    if (st != JA_OK)
        return st;
    if (needs(cli, NEEDS_CONFIG))
        st = ja_crypto_init(err);
    if (st == JA_OK && needs(cli, NEEDS_CONFIG) && !cli->ctx.cfg)
        st = setup_config(cli, err);
    if (st == JA_OK && needs(cli, NEEDS_STORE))
        st = ja_config_demand_file(cli->ctx.cfg, err);
    if (st == JA_OK && needs(cli, NEEDS_STORE))
        st = ja_ctx_open_store(&cli->ctx, err);
    if (st == JA_OK && needs(cli, NEEDS_MASTER))
        st = ja_ctx_require_master(&cli->ctx, err);
    /* `key` makes new keys where the old master key is lost. */
    if (st == JA_OK && needs(cli, NEEDS_MASTER) && strcmp(cli->cmd->noun, "key") != 0)
        st = ja_signing_key_check_master(&cli->ctx, err);
    return st == JA_OK ? JA_OK : setup_failed(st, err);
}

enum ja_status cli_require(struct cli *cli, unsigned more, struct ja_error *err)
{
    cli->needs |= more;
    return setup(cli, err);
}

static enum ja_status check_count(struct cli *cli, struct ja_error *err)
{
    const struct command *c = cli->cmd;
    char usage[200];

    if (cli->nargs >= c->min_args && cli->nargs <= c->max_args)
        return JA_OK;
    (void)snprintf(usage, sizeof usage, "authctl %s%s%s%s%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "",
                   c->args ? " " : "", c->args ? c->args : "", c->options && c->options->name ? " [options]" : "");
    if (cli->nargs < c->min_args)
        return cli_usage(cli, err, "argument missing; usage: %s", usage);
    return cli_usage(cli, err, "unexpected argument '%.100s'; usage: %s", cli->args[c->max_args], usage);
}

static bool has_word(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

/* -c goes before JWTAUTH_CONFIG, which counts for nothing when AT_SECURE is set. */
static void take_globals(struct cli *cli)
{
    const char *env = secure_getenv("JWTAUTH_CONFIG");

    cli->args = cli->parsed.args;
    cli->nargs = cli->parsed.nargs;
    cli->json = cli_flag(cli, "json");
    cli->quiet = cli_flag(cli, "quiet");
    cli->yes = cli_flag(cli, "yes");
    cli->socket = cli_opt(cli, "socket");
    cli->config_path = cli_opt(cli, "config");
    if (!cli->config_path && env && *env)
        cli->config_path = env;
}

/* Everything that needs no command: true when the answer is given. */
static bool answer_help(struct cli *cli)
{
    const struct cli_parsed *p = &cli->parsed;

    if (p->version)
        help_version(cli);
    else if (cli->cmd && p->help)
        help_command(cli, cli->cmd);
    else if (!cli->cmd && p->noun)
        help_noun(cli, p->noun);
    else if (!cli->cmd && p->help)
        help_top(cli);
    else
        return false;
    return true;
}

/* Who may not open the store, or would rather not (--socket), asks jwtauthd. */
static enum ja_status answer(struct cli *cli, struct ja_error *err)
{
    bool apart = (cli->cmd->needs & NEEDS_STORE) == NEEDS_STORE && (cli->socket || geteuid() != 0);
    const struct remote_command *remote = apart ? remote_find(cli->cmd) : NULL;
    enum ja_status st = cli_require(cli, remote ? NEEDS_CONFIG : cli->cmd->needs, err);

    if (st == JA_OK)
        st = remote ? remote->run(cli, err) : cli->cmd->run(cli, err);
    return st;
}

static enum ja_status run(struct cli *cli, struct ja_error *err)
{
    enum ja_status st;

    if (answer_help(cli))
        return JA_OK;
    if (!cli->cmd)
        return cli_usage(cli, err, "no command given; 'authctl help' lists the commands");
    st = cli_check_texts(&cli->parsed, cli->cmd, err);
    if (st == JA_OK)
        st = check_count(cli, err);
    if (st == JA_OK)
        st = answer(cli, err);
    return st;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {0};
    struct ja_error err = {0};
    enum ja_status st;
    int rc = CLI_EXIT_BROKEN;

    cli_output_open();
    st = cli_parse(argc, argv, &cli.parsed, &cli.cmd, &err);
    if (st != JA_OK) {
        cli.json = has_word(argc, argv, "--json");
        cli.usage = st == JA_ERR_INVALID;
    } else {
        take_globals(&cli);
        st = run(&cli, &err);
    }
    err.status = st;
    rc = st == JA_OK ? CLI_EXIT_OK : cli_report(&cli, &err);
    ja_secret_clear(&cli.in);
    ja_ctx_clear(&cli.ctx);
    if (!cli_output_close() && rc < CLI_EXIT_USAGE)
        rc = CLI_EXIT_BROKEN;
    cli_parsed_clear(&cli.parsed);
    return rc;
}
