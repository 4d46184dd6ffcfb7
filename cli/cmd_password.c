#include "cli/cmd.h"

const struct command cmd_password_commands[] = {
    {0},
};
