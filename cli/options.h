#ifndef JA_CLI_OPTIONS_H
#define JA_CLI_OPTIONS_H
#endif
