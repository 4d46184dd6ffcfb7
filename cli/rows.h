#ifndef JA_CLI_ROWS_H
#define JA_CLI_ROWS_H
#endif
