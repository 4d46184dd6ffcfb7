#include "cli/cmd.h"

const struct command cmd_token_offline_commands[] = {
    {0},
};
