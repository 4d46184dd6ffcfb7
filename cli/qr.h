/* QR codes for people in front of a terminal, by libqrencode (loaded late). */
#ifndef JA_CLI_QR_H
#define JA_CLI_QR_H

#include "cli/command.h"

/* Prints `text` as a QR code in half blocks when stdout is a terminal that takes UTF-8 and is wide
 * enough; otherwise nothing. A missing library is a notice: the text itself is the answer. */
void cli_qr(struct cli *cli, const struct ja_secret *text);

#endif
