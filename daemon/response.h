/* Responses: body, the headers that every answer has, one log line. */
#ifndef JA_DAEMON_RESPONSE_H
#define JA_DAEMON_RESPONSE_H

#include "daemon/http.h"

#include <microhttpd.h>

/* NULL: out of memory. Sets call->status. */
struct MHD_Response *response_make(struct http_call *call, const struct ja_ctx *ctx, const struct ja_error *err);
void response_log(const struct http_call *call, const struct ja_log *log, const struct ja_error *err,
                  int64_t microseconds);

#endif
