/* Help, version, listings and the bash completion, all from the command tables. */
#ifndef JA_CLI_HELP_H
#define JA_CLI_HELP_H

#include "cli/command.h"

void help_top(struct cli *cli);
void help_noun(struct cli *cli, const char *noun);
void help_command(struct cli *cli, const struct command *cmd);
void help_version(struct cli *cli);

extern const struct command help_commands[];

#endif
