#ifndef JA_CLI_OUTPUT_H
#define JA_CLI_OUTPUT_H
#endif
