/* The nearest match for a mistyped word. */
#ifndef JA_CLI_SUGGEST_H
#define JA_CLI_SUGGEST_H

#include "common/base/status.h"

struct suggestion {
    const char *typed;
    const char *best; /* NULL: nothing is near */
    unsigned distance;
};

struct suggestion suggest_for(const char *typed);
void suggest_consider(struct suggestion *s, const char *candidate);

/* The failures for unknown commands; always JA_ERR_INVALID. */
enum ja_status suggest_noun(const char *noun, struct ja_error *err);
enum ja_status suggest_verb(const char *noun, const char *verb, struct ja_error *err);

#endif
