#include "cli/cmd.h"

const struct command cmd_getent_commands[] = {
    {0},
};
