/* The store that the module's lines name, whatever -c says, for the commands that change a stack.
 * Nothing of it stays in the process: children that are left behind must not have it. */
#ifndef JA_CLI_PAM_STORE_H
#define JA_CLI_PAM_STORE_H

#include "cli/command.h"

/* It and its master key can be opened. */
enum ja_status cli_pam_store_check(struct cli *cli, struct ja_error *err);
/* See ja_pam_audit (common/flow/pam_change.h). */
enum ja_status cli_pam_audit(struct cli *cli, const char *action, const char *service, struct ja_error *err);
/* Where the way back must be open with a broken store too: a notice says that the row is missing. */
void cli_pam_audit_if_possible(struct cli *cli, const char *action, const char *service);

#endif
