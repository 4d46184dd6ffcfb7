#include "cli/cmd.h"

const struct command cmd_credential_commands[] = {
    {0},
};
