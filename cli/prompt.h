/* Secrets and questions: from the terminal, standard input or a file; never from the arguments.
 *
 * Terminal: /dev/tty without echo; the settings are restored on every way out, signals and time-out included,
 * and what was typed but not taken is flushed, so that it cannot end up in the shell (CVE-2025-64170).
 * Standard input: one secret a line, in the order token, old password, password, code; a line that is too
 * long, or has a NUL, is refused whole.
 * JA_ERR_INVALID: too long, NUL, empty input; cli_usage (exit 2): no terminal to ask on.
 */
#ifndef JA_CLI_PROMPT_H
#define JA_CLI_PROMPT_H

#include "cli/command.h"

#include <stdio.h>

/* The next line of standard input without its newline. `what` stands in messages ("password"). */
enum ja_status cli_stdin_line(struct cli *cli, const char *what, size_t max, struct ja_secret *ret,
                              struct ja_error *err);
/* Everything that is left on standard input (a token from `-`): one trailing newline is dropped. */
enum ja_status cli_stdin_all(struct cli *cli, const char *what, size_t max, struct ja_secret *ret,
                             struct ja_error *err);
/* One line from the terminal; `echo` for codes and names. `text` is the whole prompt: "Password: ". */
enum ja_status cli_tty_line(struct cli *cli, const char *text, bool echo, size_t max,
                            struct ja_secret *ret, struct ja_error *err);
/* The first line of a file that only its owner (root or we) may read. */
enum ja_status cli_file_line(struct cli *cli, const char *path, const char *what, size_t max,
                             struct ja_secret *ret, struct ja_error *err);

/* A password (at most JA_PASSWORD_MAX) by --password-stdin, --password-file (where the command has them and
 * they are given) or the terminal; `twice`: asked again there and compared. `what`: "password". */
enum ja_status cli_password(struct cli *cli, const char *what, const char *text, bool twice,
                            struct ja_secret *ret, struct ja_error *err);
/* As cli_password, without --password-file: the old password, before cli_password for the new one. */
enum ja_status cli_old_password(struct cli *cli, const char *text, struct ja_secret *ret,
                                struct ja_error *err);
/* A secret by the flag `stdin_flag` ("otp-stdin", "token-stdin") or else the terminal. */
enum ja_status cli_secret(struct cli *cli, const char *stdin_flag, const char *what,
                          const char *text, size_t max, struct ja_secret *ret,
                          struct ja_error *err);
/* Argument number `index` of the command; "-" or absent: standard input. Tokens. */
enum ja_status cli_arg_or_stdin(struct cli *cli, int index, const char *what, size_t max,
                                struct ja_secret *ret, struct ja_error *err);

/* JA_OK: yes, or --yes. JA_ERR_DENIED "not_confirmed": no. Exit 2 without a terminal. */
enum ja_status cli_confirm(struct cli *cli, struct ja_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
