#include "cli/cmd.h"

const struct command cmd_user_commands[] = {
    {0},
};
