#include "cli/cmd.h"

const struct command cmd_login_commands[] = {
    {0},
};
