#include "cli/cmd.h"

const struct command cmd_profile_commands[] = {
    {0},
};
