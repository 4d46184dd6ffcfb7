/* Options of a command as a table, and what was given of them.
 *
 * Asking for a name that the command's table does not have is a programming error and aborts.
 * Texts are borrowed from argv and live as long as the process.
 */
#ifndef JA_CLI_OPTIONS_H
#define JA_CLI_OPTIONS_H

#include "common/base/config.h"
#include "common/base/status.h"

#include <stdbool.h>

struct cli;
struct command;

struct cli_option {
    const char *name; /* long name without dashes: "email"; NULL ends the table */
    char letter;      /* 0: none */
    const char *arg;  /* "E", "DURATION"; NULL: a flag */
    bool repeat;      /* may be given more than once */
    const char *help; /* lower case, no final stop */
};

#define CLI_OPTIONS_END {0}
/* Every list has these two (CLI.md); rows.h obeys them. */
#define CLI_OPTIONS_PAGE \
    {"limit", 0, "N", false, "at most N rows"}, \
    {"after", 0, "ID", false, "only rows after this one (the answer's next)"}
/* Read by cli_password (prompt.h). */
#define CLI_OPTIONS_PASSWORD \
    {"password-stdin", 0, NULL, false, "read the password from standard input, one line"}, \
    {"password-file", 0, "FILE", false, "read the password from FILE (refused when others can read it)"}

extern const struct cli_option cli_global_options[];

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL for flags */
};

struct cli_parsed {
    const char *noun, *verb;     /* as typed; verb NULL for commands of one word */
    struct cli_given *given;     /* owned */
    int ngiven;
    const char **args;           /* owned, ends with NULL */
    int nargs;
    bool help, version;
};

/* Splits argv into command, options and arguments. On failure the message names the nearest match;
 * exit 2. *ret_cmd NULL: no verb given (help for the noun), or no command at all. */
enum ja_status cli_parse(int argc, char **argv, struct cli_parsed *ret,
                         const struct command **ret_cmd, struct ja_error *err);
void cli_parsed_clear(struct cli_parsed *p);
/* Every argument and option value: at most 16 KiB, UTF-8, no control characters. */
enum ja_status cli_check_texts(const struct cli_parsed *p, const struct command *cmd,
                               struct ja_error *err);

bool cli_flag(const struct cli *cli, const char *name);
const char *cli_opt(const struct cli *cli, const char *name); /* NULL: not given */
/* Fills at most `max` values and returns how many were given. */
size_t cli_opt_all(const struct cli *cli, const char *name, const char **values, size_t max);

/* --scope a --scope b: one text, a blank between (RFC 8693 section 4.2). *ret is `out`, or NULL when not given. */
#define CLI_SCOPES_SIZE 1025
enum ja_status cli_opt_scopes(const struct cli *cli, char out[CLI_SCOPES_SIZE], const char **ret, struct ja_error *err);

/* Typed getters: not given leaves *ret at `otherwise`; a bad value is JA_ERR_INVALID (exit 5). */
enum ja_status cli_opt_int(const struct cli *cli, const char *name, int64_t min, int64_t max,
                           int64_t otherwise, int64_t *ret, struct ja_error *err);
enum ja_status cli_opt_duration(const struct cli *cli, const char *name, int64_t otherwise,
                                int64_t *ret_seconds, struct ja_error *err);
enum ja_status cli_opt_when(const struct cli *cli, const char *name, int64_t otherwise,
                            int64_t *ret_time, struct ja_error *err);
/* The same for what lies behind: a duration is that long ago. */
enum ja_status cli_opt_past(const struct cli *cli, const char *name, int64_t otherwise,
                            int64_t *ret_time, struct ja_error *err);
/* ES256, EdDSA, RS256, HS256; JA_ALG_NONE when not given. */
enum ja_status cli_opt_alg(const struct cli *cli, const char *name, enum ja_alg *ret,
                           struct ja_error *err);

/* The failure is one of usage: exit 2. Returns JA_ERR_INVALID. */
enum ja_status cli_usage(struct cli *cli, struct ja_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
