/* One line from the controlling terminal; see prompt.h for the promises. */
#ifndef JA_CLI_TTY_H
#define JA_CLI_TTY_H

#include "common/base/secret.h"

#include <stdbool.h>

enum tty_result { TTY_LINE, TTY_NONE, TTY_TOO_LONG, TTY_ENDED, TTY_TIMEOUT, TTY_INTERRUPTED };

/* Appends the line, without its newline, to `ret` (initialised, with the room that is allowed). */
enum tty_result tty_read(const char *prompt, bool echo, struct ja_secret *ret);

#endif
