#include "daemon/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int answer_status(const struct ja_error *err)
{
    switch (err->status) {
    case JA_OK: return 200;
    case JA_ERR_INVALID:
    case JA_ERR_POLICY: return 400;
    case JA_ERR_DENIED: return 401;
    case JA_ERR_FORBIDDEN: return 403;
    case JA_ERR_NOT_FOUND: return 404;
    case JA_ERR_EXISTS:
    case JA_ERR_CONFLICT: return 409;
    case JA_ERR_THROTTLED: return 429;
    case JA_ERR_BUSY:
    case JA_ERR_UNAVAILABLE: return 503;
    case JA_ERR_NOMEM:
    case JA_ERR_IO:
    case JA_ERR_FULL:
    case JA_ERR_UNSAFE:
    case JA_ERR_CONFIG:
    case JA_ERR_CORRUPT:
    case JA_ERR_VERSION:
    case JA_ERR_CRYPTO:
    case JA_ERR_UNSUPPORTED:
    case JA_ERR_INTERNAL: return 500;
    }
    return 500;
}

/* RFC 6750 section 3: nothing but the scheme when no token was sent. */
static void challenge(struct http_call *call, int status)
{
    const char *value = call->authorization ? "Bearer error=\"invalid_token\"" : "Bearer";

    if (status == 403)
        value = "Bearer error=\"insufficient_scope\"";
    if (status == 401 || (status == 403 && call->caller.kind == CALLER_BEARER))
        (void)http_header_add(call, "WWW-Authenticate", value, NULL);
}

static void retry_after(struct http_call *call, const struct ja_error *err, int status)
{
    char text[16];

    if (status != 429 && status != 503)
        return;
    (void)snprintf(text, sizeof text, "%u", err->retry_after > 0 ? err->retry_after : 1);
    (void)http_header_add(call, "Retry-After", text, NULL);
}

/* RFC 6749 section 5.2 and RFC 6750 section 3.1 have names of their own. */
static const char *oauth_code(const struct http_call *call, int status, const char *code)
{
    if (status == 400)
        return "invalid_request";
    if (status == 401)
        return call->authorization ? "invalid_token" : "invalid_client";
    return status == 403 ? "insufficient_scope" : code;
}

/* What went wrong inside is for the log, not for the caller. */
static json_t *error_body(const struct http_call *call, const struct ja_error *err, int status)
{
    bool own = status >= 500 && status != 503;
    const char *code = own ? "internal_error" : err->code;
    const char *message = own ? "internal error; the log has the cause" : err->message;

    if (call->route && (call->route->flags & ROUTE_FORM))
        code = oauth_code(call, status, code);
    if (call->route && (call->route->flags & ROUTE_PLAIN))
        return json_pack("{s:s,s:s}", "error", code, "error_description", message);
    return json_pack("{s:b,s:s,s:{s:s,s:O*,s:s*}}", "success", 0, "message", message, "error", "code", code, "details",
                     call->details, "site_key", call->site_key);
}

static json_t *success_body(struct http_call *call)
{
    if (call->route->flags & ROUTE_PLAIN)
        return json_incref(call->data);
    return json_pack("{s:b,s:s,s:O?}", "success", 1, "message", call->message ? call->message : "OK", "data",
                     call->data);
}

char *answer_body(struct http_call *call, const struct ja_error *err, size_t *ret_len)
{
    json_t *doc;
    char *text = NULL;

    if (err) {
        int status = call->status >= 400 ? call->status : answer_status(err);

        call->status = status;
        challenge(call, status);
        retry_after(call, err, status);
        doc = error_body(call, err, status);
    } else {
        if (call->status == 0)
            call->status = call->route && call->route->status ? call->route->status : 200;
        if (call->plain || !call->route || ((call->route->flags & ROUTE_PLAIN) && !call->data)) {
            text = call->plain ? call->plain : calloc(1, 1);
            *ret_len = call->plain ? call->plain_len : 0;
            call->plain = NULL;
            return text;
        }
        doc = success_body(call);
    }
    if (doc)
        text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (text)
        *ret_len = strlen(text);
    return text;
}
