/* A token as RFC 7662 section 2.2 has it. */
#ifndef JA_VIEW_INTROSPECTION_H
#define JA_VIEW_INTROSPECTION_H

#include <jansson.h>

/* What a good token says, and that it is active. A new reference; NULL: out of memory. */
json_t *ja_introspection(const json_t *claims);

#endif
