#include "cli/deliver.h"

#include "cli/output.h"

void cli_deliver(struct cli *cli, const char *id)
{
    cli_notice(cli, "message %s waits in the outbox", id);
}

void cli_deliver_later(struct cli *cli)
{
    (void)cli;
}
