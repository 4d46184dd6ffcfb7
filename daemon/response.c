#include "daemon/response.h"

#include "daemon/answer.h"
#include "daemon/cors.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include <string.h>

static void wipe(void *text)
{
    ja_wipe_free(text);
}

/* A page made of an answer could run nothing, be framed by nobody and tell nobody where it came from. */
static bool add_fixed(struct MHD_Response *response, bool cacheable)
{
    static const char *const fixed[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
    };

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (MHD_add_response_header(response, fixed[i][0], fixed[i][1]) != MHD_YES)
            return false;
    return cacheable || MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES;
}

/* Who has had its answer is asked to go when the daemon ends. */
static bool add_close(struct MHD_Response *response, const struct http_call *call)
{
    return !call->server || !atomic_load(&call->server->draining) ||
           MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

static bool add_own(struct MHD_Response *response, const struct http_call *call, const char *type)
{
    for (size_t i = 0; i < call->nheaders; i++)
        if (MHD_add_response_header(response, call->headers[i].name, call->headers[i].value) != MHD_YES)
            return false;
    return MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES;
}

struct MHD_Response *response_make(struct http_call *call, const struct ja_ctx *ctx, const struct ja_error *err)
{
    const char *type = call->plain && !err ? call->plain_type : "application/json";
    bool cacheable = !err && call->route && (call->route->flags & ROUTE_CACHEABLE);
    struct MHD_Response *response;
    size_t len = 0;
    char *text = answer_body(call, err, &len);

    if (!text || cors_add(call, ctx) != JA_OK) {
        ja_wipe_free(text);
        return NULL;
    }
    response = MHD_create_response_from_buffer_with_free_callback(len, text, wipe);
    if (!response) {
        ja_wipe_free(text);
        return NULL;
    }
    if (add_fixed(response, cacheable) && add_own(response, call, type) && add_close(response, call))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

/* Refusals and changes are of interest; the rest would drown them. */
void response_log(const struct http_call *call, const struct ja_log *log, const struct ja_error *err,
                  int64_t microseconds)
{
    bool broken = call->status >= 500 && call->status != 503;
    bool quiet = call->status < 400 && (!call->route || call->route->method == HTTP_GET);

    if (quiet && log->level < LOG_DEBUG)
        return;
    ja_log_write(log, broken ? LOG_ERR : quiet ? LOG_DEBUG : LOG_INFO,
                 "method=%s route=%s status=%d us=%lld caller=%s source=%s code=%s%s%s",
                 call->route ? http_method_name(call->route->method) : "-", call->route ? call->route->path : "-",
                 call->status, (long long)microseconds, call->caller.kind == CALLER_NONE ? "-" : call->caller.actor,
                 call->source ? call->source : call->on_unix ? "unix" : "-", err->status == JA_OK ? "-" : err->code,
                 broken ? " cause=" : "", broken ? err->message : "");
}
