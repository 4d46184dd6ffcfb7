#ifndef JA_CLI_CMD_H
#define JA_CLI_CMD_H
#endif
