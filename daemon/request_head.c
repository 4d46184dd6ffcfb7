/* The head of a request: what is ambiguous, too big or not for us is refused before anything is done (R24, R25). */
#include "daemon/request_impl.h"

#include "common/base/net.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "daemon/call.h"
#include "daemon/cors.h"
#include "daemon/forwarded.h"
#include "daemon/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct head {
    struct request *r;
    size_t size;
    unsigned lengths, encodings, hosts, authorizations, types;
    bool has_body, json, form;
    bool bad_name, bad_coding, bad_length; /* what another server could read in another way */
    const char *forwarded_for;
};

static bool media_is(const char *value, const char *type)
{
    size_t len = strlen(type);

    return strncasecmp(value, type, len) == 0 && (value[len] == 0 || value[len] == ';' || value[len] == ' ');
}

/* RFC 9110 section 5.6.2. "Content-Length : 5" is a Content-Length to some and none to others. */
static bool is_token(const char *name)
{
    return *name && name[strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == 0;
}

static void take_framing(struct head *h, const char *name, const char *value)
{
    if (strcasecmp(name, "Content-Length") == 0) {
        h->lengths++;
        h->has_body |= strcmp(value, "0") != 0;
        h->bad_length |= !ja_parse_i64(value, 0, INT64_MAX, &h->r->announced);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        h->encodings++;
        h->has_body = true;
        h->bad_coding |= strcasecmp(value, "chunked") != 0;
    } else if (strcasecmp(name, "Content-Type") == 0) {
        h->types++;
        h->json = media_is(value, "application/json");
        h->form = media_is(value, "application/x-www-form-urlencoded");
    }
}

static void take_meaning(struct head *h, const char *name, const char *value)
{
    static const char *const proxies[] = {"Forwarded", "X-Real-IP", "Via", "Origin", "Referer", "Cookie"};
    struct http_call *call = &h->r->call;

    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        call->proxied |= strcasecmp(name, proxies[i]) == 0;
    call->proxied |= strncasecmp(name, "X-Forwarded-", 12) == 0;
    if (strcasecmp(name, "Host") == 0) {
        h->hosts++;
        call->host = value;
    } else if (strcasecmp(name, "Authorization") == 0) {
        h->authorizations++;
        call->authorization = value;
    } else if (strcasecmp(name, "User-Agent") == 0)
        call->user_agent = value;
    else if (strcasecmp(name, "Origin") == 0)
        call->origin = value;
    else if (strcasecmp(name, "If-None-Match") == 0)
        call->if_none_match = value;
    else if (strcasecmp(name, "Cookie") == 0)
        call->cookie = value;
    else if (strcasecmp(name, "X-CSRF-Token") == 0)
        call->csrf = value;
    else if (strcasecmp(name, "X-Forwarded-For") == 0)
        h->forwarded_for = value;
}

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct head *h = cls;

    (void)kind;
    value = value ? value : "";
    h->size += strlen(name) + strlen(value) + 4;
    h->bad_name |= !is_token(name);
    take_framing(h, name, value);
    take_meaning(h, name, value);
    return MHD_YES;
}

static enum MHD_Result take_argument(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *r = cls;
    char *text = value ? strdup(value) : NULL;
    enum ja_status st;

    (void)kind;
    if (value && (!text || MHD_http_unescape(text) != strlen(text))) {
        r->err.status = text ? ja_fail(&r->err, JA_ERR_INVALID, "invalid_type", "an argument of the query is no text")
                             : ja_fail_nomem(&r->err);
        free(text);
        return MHD_NO;
    }
    st = http_call_take_query(&r->call, name, text, &r->err);
    ja_wipe_free(text);
    return st == JA_OK ? MHD_YES : MHD_NO;
}

static void take_source(struct request *r, const char *forwarded_for)
{
    const struct ja_netlist *trusted = &r->loop->thread.ctx.cfg->http.trusted_proxies;
    struct ja_addr addr;

    r->call.on_unix = r->conn->on_unix;
    r->call.peer_uid = r->conn->uid;
    r->call.peer_pid = r->conn->pid;
    if (r->conn->on_unix)
        return;
    r->call.source = r->conn->address;
    if (!forwarded_for || !ja_addr_parse(r->conn->address, &addr))
        return;
    for (size_t i = 0; i < trusted->len; i++)
        if (ja_net_contains(&trusted->items[i], &addr)) {
            if (forwarded_client(trusted, forwarded_for, r->conn->client))
                r->call.source = r->conn->client;
            return;
        }
}

enum ja_status request_refuse(struct request *r, int status, const char *code, const char *message)
{
    r->call.status = status;
    return ja_fail(&r->err, JA_ERR_INVALID, code, "%s", message);
}

enum ja_status request_refuse_and_close(struct request *r, int status, const char *code, const char *message)
{
    (void)http_header_add(&r->call, "Connection", "close", NULL);
    return request_refuse(r, status, code, message);
}

/* Against DNS rebinding: a page in a browser can reach loopback, but not choose this name (R24). */
static bool host_listed(const struct request *r)
{
    const struct ja_strlist *hosts = &r->loop->thread.ctx.cfg->http.hosts;
    const char *host = r->call.host ? r->call.host : "";
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

    for (size_t i = 0; i < hosts->len; i++)
        if (strlen(hosts->items[i]) == len && strncasecmp(hosts->items[i], host, len) == 0)
            return true;
    return false;
}

/* RFC 9112 section 6.1: two ways to say where a body ends are two requests to somebody (R25). */
static enum ja_status check_head(struct request *r, const struct head *h)
{
    if (h->size > HTTP_HEAD_MAX)
        return request_refuse(r, 431, "head_too_large", "the request's head is longer than 8 KiB");
    if (h->lengths + h->encodings > 1 || h->hosts > 1 || h->authorizations > 1 || h->types > 1)
        return request_refuse_and_close(r, 400, "ambiguous_request", "Content-Length, Transfer-Encoding, Host, Content-Type "
                                                             "or Authorization stands there more than once");
    if (h->bad_name || h->bad_length)
        return request_refuse_and_close(r, 400, "ambiguous_request", "the name of a header field or the Content-Length is none");
    if (h->bad_coding)
        return request_refuse_and_close(r, 501, "unsupported_coding", "the only Transfer-Encoding is chunked");
    if (!r->conn->on_unix && !host_listed(r))
        return request_refuse(r, 400, "unknown_host", "this Host is not listed in [http] hosts");
    return JA_OK;
}

static enum ja_status allow_methods(struct request *r, unsigned allowed)
{
    char text[64] = "";

    for (unsigned m = HTTP_GET; m <= HTTP_DELETE; m <<= 1)
        if (allowed & m) {
            size_t at = strlen(text);
            (void)snprintf(text + at, sizeof text - at, "%s%s", at ? ", " : "", http_method_name(m));
        }
    return http_header_add(&r->call, "Allow", text, &r->err);
}

static unsigned method_bit(const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        return HTTP_GET;
    for (unsigned m = HTTP_GET; m <= HTTP_DELETE; m <<= 1)
        if (strcmp(method, http_method_name(m)) == 0)
            return m;
    return 0;
}

static enum ja_status find_route(struct request *r, const char *method, const char *url)
{
    unsigned allowed = 0;
    enum ja_status st =
        http_route_find(method_bit(method), url, &r->call.route, r->call.params, &allowed, &r->err);

    if (st != JA_OK || r->call.route)
        return st;
    st = allow_methods(r, allowed);
    if (st == JA_OK && strcmp(method, "OPTIONS") == 0)
        return cors_preflight(&r->call, &r->loop->thread.ctx, allowed, &r->err);
    return st == JA_OK ? request_refuse(r, 405, "method_not_allowed", "this path does not take that method") : st;
}

static enum ja_status check_media(struct request *r, const struct head *h)
{
    bool form = (r->call.route->flags & ROUTE_FORM) != 0;

    if (h->has_body && !(form ? h->form : h->json))
        return request_refuse(r, 415, "unsupported_media_type",
                      form ? "the body must be application/x-www-form-urlencoded" : "the body must be application/json");
    return JA_OK;
}

/* Before anything that was sent is judged. */
static enum ja_status check_reach(struct request *r)
{
    const struct ja_config *cfg = r->loop->thread.ctx.cfg;

    if (r->call.route->closed && r->call.route->closed(cfg, &r->err) != JA_OK)
        return r->err.status;
    if ((r->call.route->flags & ROUTE_ADMIN) && !r->conn->on_unix && !cfg->http.admin)
        return request_refuse(r, 403, "admin_over_tcp",
                      "management is on the Unix socket only; [http] admin = yes opens it on this port");
    return JA_OK;
}

enum ja_status request_read_head(struct request *r, const char *version, const char *method, const char *url)
{
    struct head h = {.r = r, .size = strlen(url) + 16};
    enum ja_status st;

    (void)MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, take_header, &h);
    /* RFC 9112 section 6.1: a proxy of HTTP/1.0 has not understood the coding, and ends the message elsewhere. */
    h.bad_coding |= h.encodings > 0 && strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
    take_source(r, h.forwarded_for);
    st = check_head(r, &h);
    /* libmicrohttpd 0.9.75 loses a Content-Length that is folded onto a second line. */
    if (st == JA_OK && h.lengths + h.encodings == 0 && (method_bit(method) & ~(unsigned)(HTTP_GET | HTTP_DELETE)))
        st = http_header_add(&r->call, "Connection", "close", &r->err);
    if (st == JA_OK)
        st = find_route(r, method, url);
    if (st != JA_OK || r->call.answered)
        return st;
    st = check_reach(r);
    if (st == JA_OK)
        st = check_media(r, &h);
    if (st == JA_OK) {
        (void)MHD_get_connection_values(r->mhd, MHD_GET_ARGUMENT_KIND, take_argument, r);
        st = r->err.status;
    }
    return st;
}
