/* One call from identity to answer, on whatever thread: what the loop and the workers both run. */
#ifndef JA_DAEMON_CALL_H
#define JA_DAEMON_CALL_H

#include "common/base/net.h"
#include "daemon/http.h"

/* Identity, throttle, handler. JA_OK: call->data or call->plain is the answer. The context's actor is nobody's again
 * afterwards. */
enum ja_status http_call_run(struct http_call *call, struct ja_ctx *ctx, struct ja_error *err);
/* What has to be asked of others before (captcha.h), on a worker that may wait. JA_OK: http_call_run is next; else that is
 * the answer. */
enum ja_status http_call_ask(struct http_call *call, struct ja_ctx *ctx, struct ja_error *err);
bool http_call_is_root(const struct http_call *call); /* by the Unix socket */
/* The network that a call comes from; local callers are told apart by their uid. */
void http_call_source(const struct http_call *call, char ret[JA_NET_TEXT]);
int64_t http_call_mono(void); /* seconds, for what is counted in memory */
/* Body and query against the route's tables; both are parsed here. JA_ERR_INVALID malformed_json, unknown_field,
 * missing_field, invalid_type, field_too_long; call->details names the fields. */
enum ja_status http_call_take_body(struct http_call *call, const char *text, size_t len, struct ja_error *err);
/* The same for fields that are parsed already (forms); takes `fields` over. */
enum ja_status http_call_take_fields(struct http_call *call, json_t *fields, struct ja_error *err);
/* One argument of the query. `value` NULL: without "=". */
enum ja_status http_call_take_query(struct http_call *call, const char *name, const char *value, struct ja_error *err);
void http_call_free(struct http_call *call); /* wipes; NULL accepted */

#endif
