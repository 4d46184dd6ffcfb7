#include "daemon/request.h"

#include "common/base/net.h"
#include "common/base/text.h"
#include "daemon/answer.h"
#include "daemon/call.h"
#include "daemon/captcha.h"
#include "daemon/cors.h"
#include "daemon/forwarded.h"
#include "daemon/response.h"
#include "daemon/routes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum progress { READING, WORKING, DONE };

struct request {
    struct http_call call;
    struct pool_job job;
    struct loop *loop;
    struct conn *conn;
    struct MHD_Connection *mhd;
    char *body;
    size_t len, cap, skipped;
    int64_t announced; /* Content-Length; -1: none */
    enum progress progress;
    struct ja_error err;   /* status JA_OK: none */
    int64_t started_us;
};

static int64_t now_us(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the head ---- */

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

static enum ja_status refuse(struct request *r, int status, const char *code, const char *message)
{
    r->call.status = status;
    return ja_fail(&r->err, JA_ERR_INVALID, code, "%s", message);
}

/* What follows may be the rest of this request to whoever sent it: it is not read. */
static enum ja_status refuse_and_close(struct request *r, int status, const char *code, const char *message)
{
    (void)http_header_add(&r->call, "Connection", "close", NULL);
    return refuse(r, status, code, message);
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
        return refuse(r, 431, "head_too_large", "the request's head is longer than 8 KiB");
    if (h->lengths + h->encodings > 1 || h->hosts > 1 || h->authorizations > 1 || h->types > 1)
        return refuse_and_close(r, 400, "ambiguous_request", "Content-Length, Transfer-Encoding, Host, Content-Type "
                                                             "or Authorization stands there more than once");
    if (h->bad_name || h->bad_length)
        return refuse_and_close(r, 400, "ambiguous_request", "the name of a header field or the Content-Length is none");
    if (h->bad_coding)
        return refuse_and_close(r, 501, "unsupported_coding", "the only Transfer-Encoding is chunked");
    if (!r->conn->on_unix && !host_listed(r))
        return refuse(r, 400, "unknown_host", "this Host is not listed in [http] hosts");
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
    return st == JA_OK ? refuse(r, 405, "method_not_allowed", "this path does not take that method") : st;
}

static enum ja_status check_media(struct request *r, const struct head *h)
{
    bool form = (r->call.route->flags & ROUTE_FORM) != 0;

    if (h->has_body && !(form ? h->form : h->json))
        return refuse(r, 415, "unsupported_media_type",
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
        return refuse(r, 403, "admin_over_tcp",
                      "management is on the Unix socket only; [http] admin = yes opens it on this port");
    return JA_OK;
}

static enum ja_status read_head(struct request *r, const char *version, const char *method, const char *url)
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

/* ---- the body ---- */

static void take_body(struct request *r, const char *data, size_t len)
{
    if (r->len + len > HTTP_BODY_MAX) {
        r->skipped += len;
        return;
    }
    if (r->len + len + 1 > r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 4096;
        char *grown;

        while (cap < r->len + len + 1)
            cap *= 2;
        grown = calloc(1, cap);
        if (!grown) {
            r->skipped += len;
            return;
        }
        if (r->body) {
            memcpy(grown, r->body, r->len);
            explicit_bzero(r->body, r->len);
            free(r->body);
        }
        r->body = grown;
        r->cap = cap;
    }
    memcpy(r->body + r->len, data, len);
    r->len += len;
}

static void drop_body(struct request *r)
{
    if (r->body)
        explicit_bzero(r->body, r->len);
    free(r->body);
    r->body = NULL;
    r->len = r->cap = 0;
}

/* RFC 7662 and 7009 bodies: name=value&... */
static enum ja_status take_form(struct request *r)
{
    json_t *fields = json_object();
    char *save = NULL;
    enum ja_status st = fields ? JA_OK : ja_fail_nomem(&r->err);

    if (st == JA_OK && r->body && memchr(r->body, 0, r->len))
        st = ja_fail(&r->err, JA_ERR_INVALID, "invalid_request", "the form is no text");
    for (char *item = r->body ? strtok_r(r->body, "&", &save) : NULL; st == JA_OK && item;
         item = strtok_r(NULL, "&", &save)) {
        char *value = strchr(item, '=');

        if (value)
            *value++ = 0;
        for (char *p = value; p && *p; p++)
            if (*p == '+')
                *p = ' ';
        if (!value || MHD_http_unescape(value) != strlen(value) || json_object_get(fields, item) ||
            json_object_set_new(fields, item, json_string(value)) != 0)
            st = ja_fail(&r->err, JA_ERR_INVALID, "invalid_request", "the form has a field twice, or one that is no text");
    }
    if (st == JA_OK)
        st = http_call_take_fields(&r->call, fields, &r->err);
    else
        json_decref(fields);
    return st;
}

static enum ja_status parse_body(struct request *r)
{
    enum ja_status st;

    if (r->skipped > 0)
        return refuse(r, 413, "body_too_large", "the body is larger than 64 KiB");
    st = (r->call.route->flags & ROUTE_FORM) ? take_form(r)
                                             : http_call_take_body(&r->call, r->body ? r->body : "", r->len, &r->err);
    drop_body(r);
    return st;
}

/* ---- running and answering ---- */

static struct request *of_job(struct pool_job *job)
{
    return (struct request *)((char *)job - offsetof(struct request, job));
}

static struct pool *pool_of(const struct request *r)
{
    return r->call.route->where == RUN_HASH ? r->loop->server->hash : r->loop->server->work;
}

static void too_busy(struct request *r)
{
    (void)ja_fail(&r->err, JA_ERR_BUSY, "busy", "too much to do at the moment: try again");
}

static void run_job(struct pool_job *job, struct http_thread *worker)
{
    struct request *r = of_job(job);
    struct loop *loop;

    /* As long in the queue as for a turn to hash (and a second, where that is 0): nobody waits for all before. */
    if (pool_job_late(job, worker->ctx.cfg->password.hash_wait + 1))
        too_busy(r);
    else
        (void)http_call_run(&r->call, &worker->ctx, &r->err);
    r->progress = DONE;
    loop = r->loop; /* the request may be gone right after */
    MHD_resume_connection(r->mhd);
    loop_wake(loop);
}

/* What has to be asked outside goes first, on a thread that may wait; then the call itself. */
static void run_ask(struct pool_job *job, struct http_thread *worker)
{
    struct request *r = of_job(job);
    struct loop *loop = r->loop;

    if (pool_job_late(job, worker->ctx.cfg->password.hash_wait + 1)) {
        too_busy(r);
    } else if (http_call_ask(&r->call, &worker->ctx, &r->err) == JA_OK) {
        job->run = run_job;
        if (pool_push(pool_of(r), job))
            return; /* the request may be gone */
        too_busy(r);
    }
    r->progress = DONE;
    MHD_resume_connection(r->mhd);
    loop_wake(loop);
}

static enum MHD_Result answer(struct request *r)
{
    struct MHD_Response *known = gate_known(r->call.note), *response = known;
    enum MHD_Result ok = MHD_NO;

    if (!response)
        response = response_make(&r->call, &r->loop->thread.ctx, r->err.status == JA_OK ? NULL : &r->err);
    if (response) {
        conn_state(r->conn, CONN_SENDING, loop_now_ms());
        ok = MHD_queue_response(r->mhd, (unsigned)r->call.status, response);
        if (!known && !gate_keep(r->loop->gate, r->call.note, response))
            MHD_destroy_response(response);
    }
    metrics_answer(r->loop->server->metrics, r->call.route, r->call.status, now_us() - r->started_us);
    response_log(&r->call, &r->loop->server->log, &r->err, now_us() - r->started_us);
    return ok;
}

static enum MHD_Result start_work(struct request *r)
{
    bool ask = captcha_given(&r->call, r->loop->thread.ctx.cfg);
    struct pool *pool = ask ? r->loop->server->outside : pool_of(r);

    r->job.run = ask ? run_ask : run_job;
    r->progress = WORKING;
    conn_state(r->conn, CONN_WORKING, loop_now_ms());
    MHD_suspend_connection(r->mhd);
    if (pool_push(pool, &r->job))
        return MHD_YES;
    r->progress = DONE;
    too_busy(r);
    MHD_resume_connection(r->mhd);
    return MHD_YES;
}

static enum MHD_Result finish_reading(struct request *r)
{
    r->started_us = now_us();
    if (r->announced >= 0 && (uint64_t)r->announced != r->len + r->skipped)
        (void)refuse_and_close(r, 400, "ambiguous_request", "the body is not as long as the Content-Length says");
    if (r->err.status != JA_OK || parse_body(r) != JA_OK)
        return answer(r);
    if (r->call.route->where != RUN_LOOP)
        return start_work(r);
    r->call.gate = r->loop->gate;
    (void)http_call_run(&r->call, &r->loop->thread.ctx, &r->err);
    return answer(r);
}

static struct request *begin(struct loop *loop, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct request *r = info && info->socket_context ? calloc(1, sizeof *r) : NULL;

    if (!r)
        return NULL;
    r->loop = loop;
    r->mhd = mhd;
    r->conn = info->socket_context;
    r->conn->begun = true;
    r->call.server = loop->server;
    r->announced = -1;
    r->started_us = now_us();
    return r;
}

enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **con_cls)
{
    struct request *r = *con_cls;

    if (!r) {
        r = begin(cls, connection);
        if (!r)
            return MHD_NO;
        *con_cls = r;
        return read_head(r, version, method, url) == JA_OK && !r->call.answered ? MHD_YES : answer(r);
    }
    if (r->progress == DONE)
        return answer(r);
    if (*upload_size > 0) {
        take_body(r, upload, *upload_size);
        *upload_size = 0;
        return r->skipped > HTTP_BODY_MAX * 4 ? MHD_NO : MHD_YES;
    }
    return finish_reading(r);
}

void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode toe)
{
    struct request *r = *con_cls;

    (void)cls, (void)connection, (void)toe;
    if (!r)
        return;
    conn_state(r->conn, CONN_RECEIVING, loop_now_ms());
    r->conn->begun = false;
    r->conn->served = true;
    http_call_free(&r->call);
    drop_body(r);
    free(r);
    *con_cls = NULL;
}

void request_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode toe)
{
    struct loop *loop = cls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (toe == MHD_CONNECTION_NOTIFY_STARTED)
        *socket_context = info && info->connect_fd >= 0 && info->connect_fd < CONN_FDS
                              ? loop->conns.by_fd[info->connect_fd] : NULL;
    else if (*socket_context) {
        conn_remove(&loop->conns, *socket_context);
        *socket_context = NULL;
    }
}

size_t request_unescape(void *cls, struct MHD_Connection *connection, char *s)
{
    (void)cls, (void)connection;
    return strlen(s);
}
