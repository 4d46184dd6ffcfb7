#include "cli/cmd.h"

const struct command cmd_key_commands[] = {
    {0},
};
