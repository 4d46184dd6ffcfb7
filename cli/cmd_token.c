#include "cli/cmd.h"

const struct command cmd_token_commands[] = {
    {0},
};
