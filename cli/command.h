#ifndef JA_CLI_COMMAND_H
#define JA_CLI_COMMAND_H
#endif
