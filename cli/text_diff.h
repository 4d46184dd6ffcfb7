/* Two texts compared line by line, as diff -u shows them. */
#ifndef JA_CLI_TEXT_DIFF_H
#define JA_CLI_TEXT_DIFF_H

#include "common/base/secret.h"

/* malloc'd; "" when they are the same. NULL: no memory, or more than 2,000 lines in one of them. */
char *text_diff(const char *name, const struct ja_secret *before, const struct ja_secret *after);

#endif
