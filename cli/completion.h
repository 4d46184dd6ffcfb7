/* The bash completion, printed from the command tables. */
#ifndef JA_CLI_COMPLETION_H
#define JA_CLI_COMPLETION_H

void completion_bash(void);

#endif
