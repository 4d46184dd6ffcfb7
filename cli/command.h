/* The command tables: one row per command says how it is called, what it needs and what it answers.
 *
 * Parsing, help, completion, the manual's check and the setup before a command all read the same
 * rows, so they cannot drift apart.  A command reads its options, calls one flow and hands its answer to
 * output.h or rows.h; what it returns becomes the exit code and the error line (output.h).
 */
#ifndef JA_CLI_COMMAND_H
#define JA_CLI_COMMAND_H

#include "cli/options.h"
#include "common/domain/ctx.h"

struct cli;
struct row_type; /* rows.h */

/* What is set up before `run` is called. */
enum {
    NEEDS_NOTHING = 0,
    NEEDS_CONFIG = 1,                    /* cli->ctx with the configuration */
    NEEDS_STORE = 2 | NEEDS_CONFIG,      /* cli->ctx.db; others than root are sent to jwtauthd */
    NEEDS_MASTER = 4 | NEEDS_STORE,      /* cli->ctx.master */
    NEEDS_ROOT = 8,                      /* exit 6 for others (commands without NEEDS_STORE) */
    RAW_ARGUMENTS = 16,                  /* positional arguments may be any bytes (tokens) */
    HIDDEN = 32,                         /* not in help or completion */
};

struct command {
    const char *noun;
    const char *verb;    /* NULL: a command of one word (init, login) */
    /* JA_OK: the answer is yes. Otherwise `err` is filled (ja_fail); see output.h for exit codes. */
    enum ja_status (*run)(struct cli *cli, struct ja_error *err);
    unsigned needs;
    const struct cli_option *options; /* own options, ended by a row without name; NULL: none */
    const char *args;    /* as in the manual: "NAME", "[TOKEN | -]", "NAME CODE"; NULL: none */
    int min_args, max_args;
    const char *summary; /* one line, lower case, no final stop */
    const char *example; /* a whole line to copy: "authctl user add alice --email alice@example.org" */
    const char *details; /* more for --help, may be NULL; lines of at most 79 characters */
    const struct row_type *rows; /* what it lists or shows, NULL: none */
    const struct row_type *other_rows; /* what it lists with an option that says so, NULL: none */
    const char *keys;    /* JSON keys of another answer, blank-separated; "*": free; NULL: none */
};

struct cli {
    const struct command *cmd;
    struct ja_ctx ctx;        /* filled as cmd->needs says */
    struct cli_parsed parsed; /* options.h */
    const char *const *args;  /* positional arguments: args[0] .. args[nargs - 1], then NULL */
    int nargs;
    unsigned needs;           /* cmd->needs, and what cli_require added */
    const char *config_path;  /* -c or JWTAUTH_CONFIG; NULL: the built-in one */
    const char *socket;       /* --socket */
    bool json, quiet, yes;
    bool usage;               /* the failure is one of usage: exit 2 (cli_usage) */
    bool answered;            /* a document is out */
    struct ja_secret in;      /* what was read from stdin and not taken yet (prompt.h) */
    bool in_end;
};

extern const struct command *const cli_tables[]; /* ends with NULL (cmd.h's tables) */

/* Runs the whole program: parse, set up, run, report. Returns the exit code. */
int cli_main(int argc, char **argv);

/* NULL: no such command. verb NULL finds commands of one word. */
const struct command *command_find(const char *noun, const char *verb);
bool command_noun_known(const char *noun);
/* Calls fn for every command in table order. */
void command_each(void (*fn)(void *arg, const struct command *cmd), void *arg);

/* For a command whose options decide what it needs: sets up the rest, as a row's flags would have. */
enum ja_status cli_require(struct cli *cli, unsigned needs, struct ja_error *err);

/* Time from the context's clock, or the system's when the command has no context. */
int64_t cli_now(const struct cli *cli);

#endif
