/* The answer on stdout, everything else on stderr (CLI.md).
 *
 * Exit codes: from enum ja_status in one switch (cli_exit_code); 2 by cli_usage. JA_ERR_DENIED is "the
 * answer is no": with --json it is a document on stdout: the command's own when it gave one by
 * cli_answer before it returned, else {"ok":false,"code","message"}.
 * All texts pass the terminal's encoder on the way out (SECURITY R27): a control character in stored text or
 * arguments never reaches the terminal raw.  Failing writes are remembered and make the exit code 8.
 */
#ifndef JA_CLI_OUTPUT_H
#define JA_CLI_OUTPUT_H

#include "cli/command.h"

#include <jansson.h>

enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_NO = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_NOT_FOUND = 3,
    CLI_EXIT_EXISTS = 4,
    CLI_EXIT_INVALID = 5,
    CLI_EXIT_FORBIDDEN = 6,
    CLI_EXIT_LATER = 7,
    CLI_EXIT_BROKEN = 8,
};

enum cli_exit cli_exit_code(enum ja_status status);

/* Descriptors 0 to 2 are open, stdout is buffered in memory that is wiped at the end. */
void cli_output_open(void);
/* Flushes, wipes; false when anything that was written to stdout got lost. */
bool cli_output_close(void);

/* The answer as a document (--json). Takes `doc` over, NULL is "out of memory". Its keys must be those of
 * cmd->keys or cmd->rows. */
enum ja_status cli_answer(struct cli *cli, json_t *doc, struct ja_error *err);
/* One line of the answer as text, escaped, with its newline. Not with --json. */
void cli_line(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As they are: PEM, JWKS, tokens, recovery codes, QR code. A missing final newline is added. */
void cli_raw(struct cli *cli, const void *data, size_t len);

/* One line on stderr, "authctl NOUN VERB: ...", escaped; nothing with --quiet. */
void cli_notice(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- for rows.c and cli_main ---- */
/* Any value on stdout, compact, safe for a terminal, without a newline. */
void cli_json_put(const json_t *value);
/* Reports a failure and returns the exit code. */
int cli_report(struct cli *cli, const struct ja_error *err);
bool cli_stdout_failed(void);

#endif
