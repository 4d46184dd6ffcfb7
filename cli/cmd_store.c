#include "cli/cmd.h"

const struct command cmd_store_commands[] = {
    {0},
};
