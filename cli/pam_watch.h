/* Who takes an unconfirmed change of a PAM stack back. */
#ifndef JA_CLI_PAM_WATCH_H
#define JA_CLI_PAM_WATCH_H

#include "cli/command.h"
#include "common/flow/pam_change.h"

/* Somebody waits for the deadline from here on, whatever becomes of this process, its terminal and its login session:
 * a unit of systemd's where it runs, else a process of its own session. */
enum ja_status cli_pam_watch_start(const struct ja_pam_change *c, struct ja_error *err);
/* Returns at the deadline, when the change is taken back, or sooner when it is settled. */
enum ja_status cli_pam_watch(const struct ja_pam_change *c, struct ja_error *err);

#endif
