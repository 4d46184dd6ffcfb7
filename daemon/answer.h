/* Statuses and bodies: the envelope of HTTP.md, the errors of the flows as HTTP has them. */
#ifndef JA_DAEMON_ANSWER_H
#define JA_DAEMON_ANSWER_H

#include "daemon/http.h"

/* The HTTP status of a failure: 400, 401, 403, 404, 409, 429, 500, 503 (CLI.md's table of exit codes). */
int answer_status(const struct ja_error *err);
/* What the call answers as malloc'd text: envelope of success, or of `err` when it is not NULL. Plain routes:
 * data or the RFC's error object. NULL: out of memory. Sets call->status and the headers that an error takes
 * (WWW-Authenticate, Retry-After). */
char *answer_body(struct http_call *call, const struct ja_error *err, size_t *ret_len);

#endif
