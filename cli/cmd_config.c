#include "cli/cmd.h"

const struct command cmd_config_commands[] = {
    {0},
};
