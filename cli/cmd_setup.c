#include "cli/cmd.h"

const struct command cmd_setup_commands[] = {
    {0},
};
