#ifndef JA_CLI_HELP_H
#define JA_CLI_HELP_H
#endif
