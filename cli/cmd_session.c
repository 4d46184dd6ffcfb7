#include "cli/cmd.h"

const struct command cmd_session_commands[] = {
    {0},
};
