/* Cross-origin calls by the allow-list of [http] cors_origins (Fetch standard, section 3.2); none by default. */
#ifndef JA_DAEMON_CORS_H
#define JA_DAEMON_CORS_H

#include "daemon/http.h"

/* The headers of an answer to an origin that is listed; nothing for others. */
enum ja_status cors_add(struct http_call *call, const struct ja_ctx *ctx);
/* OPTIONS: an empty 204; with a listed origin what it may send. call->answered is set. */
enum ja_status cors_preflight(struct http_call *call, const struct ja_ctx *ctx, unsigned allowed, struct ja_error *err);

#endif
