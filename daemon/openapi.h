/* The route tables as documents: OpenAPI 3.1, and the list in README. */
#ifndef JA_DAEMON_OPENAPI_H
#define JA_DAEMON_OPENAPI_H

#include <jansson.h>
#include <stdio.h>

/* A new reference; NULL: out of memory. */
json_t *openapi_document(const char *server);
/* A Markdown table: method, path, what it does, an example with curl. */
void openapi_table(FILE *out);

#endif
