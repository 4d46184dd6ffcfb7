/* Messages leave right after the command that queued them; what does not get through waits in the outbox for the timer
 * (authctl outbox flush). A provider that fails never makes the command fail.
 */
#ifndef JA_CLI_DELIVER_H
#define JA_CLI_DELIVER_H

#include "cli/command.h"

/* One message, now: after the command's answer. Says on stderr what became of it. */
void cli_deliver(struct cli *cli, const char *id);
/* Whatever is due, by a process in the background: the command takes as long as without a message. */
void cli_deliver_later(struct cli *cli);

/* Before libcurl is loaded: takes out of the environment what must not rule it. */
void cli_deliver_prepare(void);

#endif
