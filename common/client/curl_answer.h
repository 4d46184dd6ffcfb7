/* The body of an answer, as long as it is no longer than a bound.  It may hold tokens: what is outgrown is wiped.
 * Threads: those of its struct ja_curl.
 */
#ifndef JA_CLIENT_CURL_ANSWER_H
#define JA_CLIENT_CURL_ANSWER_H

#include "common/notify/curl_call.h"

struct ja_curl_answer {
    size_t max; /* bytes; more ends the call with an error */
    char *text; /* not ended by a NUL */
    size_t len, room;
};

/* After ja_curl_begin: what comes is kept in `a`, which lives as long as the call. */
void ja_curl_collect(struct ja_curl *c, struct ja_curl_answer *a);
void ja_curl_answer_clear(struct ja_curl_answer *a); /* wipes */

#endif
