/* user add --from FILE: many accounts in one go. */
#ifndef JA_CLI_USER_BULK_H
#define JA_CLI_USER_BULK_H

#include "cli/command.h"

struct row_type;
extern const struct row_type row_user_outcome;

/* Reads the file whole before it adds anybody; then each row is a transaction of its own, and its outcome a row of the
 * answer. Safe to repeat: who is there already as the row says is "unchanged". JA_ERR_INVALID "rows_failed" when a
 * row could not be added. */
enum ja_status user_bulk_add(struct cli *cli, const char *path, bool invite, struct ja_error *err);

#endif
