#ifndef JA_CLI_PROMPT_H
#define JA_CLI_PROMPT_H
#endif
