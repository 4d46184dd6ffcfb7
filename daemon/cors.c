#include "daemon/cors.h"

#include <stdlib.h>
#include <string.h>

static bool listed(const struct http_call *call, const struct ja_ctx *ctx)
{
    const struct ja_strlist *origins = &ctx->cfg->http.cors_origins;

    for (size_t i = 0; call->origin && i < origins->len; i++)
        if (strcmp(origins->items[i], call->origin) == 0)
            return true;
    return false;
}

enum ja_status cors_add(struct http_call *call, const struct ja_ctx *ctx)
{
    enum ja_status st = JA_OK;

    if (ctx->cfg->http.cors_origins.len == 0)
        return JA_OK;
    st = http_header_add(call, "Vary", "Origin", NULL);
    if (st == JA_OK && listed(call, ctx))
        st = http_header_add(call, "Access-Control-Allow-Origin", call->origin, NULL);
    if (st == JA_OK && listed(call, ctx) && ctx->cfg->http.cookies)
        st = http_header_add(call, "Access-Control-Allow-Credentials", "true", NULL);
    return st;
}

enum ja_status cors_preflight(struct http_call *call, const struct ja_ctx *ctx, unsigned allowed, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    call->answered = true;
    call->status = 204;
    call->plain = calloc(1, 1);
    call->plain_type = "text/plain";
    if (!call->plain)
        return ja_fail_nomem(err);
    if (!listed(call, ctx))
        return JA_OK;
    for (size_t i = 0; i < call->nheaders; i++)
        if (strcmp(call->headers[i].name, "Allow") == 0 && allowed)
            st = http_header_add(call, "Access-Control-Allow-Methods", call->headers[i].value, err);
    if (st == JA_OK)
        st = http_header_add(call, "Access-Control-Allow-Headers", "Authorization, Content-Type, X-CSRF-Token", err);
    return st == JA_OK ? http_header_add(call, "Access-Control-Max-Age", "600", err) : st;
}
