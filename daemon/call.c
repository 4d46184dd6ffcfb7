#include "daemon/call.h"

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/domain/jws.h"
#include "common/domain/rate_limit.h"
#include "daemon/caller.h"
#include "daemon/captcha.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void http_call_source(const struct http_call *call, char ret[JA_NET_TEXT])
{
    const struct ja_config *cfg = call->ctx->cfg;
    struct ja_addr addr = {0};

    if (call->source && ja_addr_parse(call->source, &addr))
        ja_net_bucket(&addr, (unsigned)cfg->suspicious.ipv4_prefix, (unsigned)cfg->suspicious.ipv6_prefix, ret);
    else
        (void)snprintf(ret, JA_NET_TEXT, "local:%lu", (unsigned long)call->peer_uid);
}

bool http_call_is_root(const struct http_call *call)
{
    return call->on_unix && call->peer_uid == 0;
}

/* Per route and source. */
static enum ja_status throttle(struct http_call *call, struct ja_error *err)
{
    char source[JA_NET_TEXT], key[200];

    if (call->admitted || !(call->route->flags & ROUTE_LIMITED) || http_call_is_root(call))
        return JA_OK;
    http_call_source(call, source);
    (void)snprintf(key, sizeof key, "http %s %s", call->route->path, source);
    return ja_rate_take(call->ctx, &(struct ja_rate_key){.key = key, .rate = call->ctx->cfg->throttle.other}, 1, err);
}

int64_t http_call_mono(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Of a credential that was sent and refused; a good one never comes here. What changes is the answer alone. */
static enum ja_status book_refused(struct http_call *call, enum ja_status st, struct ja_error *err)
{
    char source[JA_NET_TEXT];
    unsigned wait = 0;

    if (st != JA_ERR_DENIED || http_call_is_root(call) || (call->route->flags & ROUTE_GATE) ||
        strcmp(err->code, "no_credential") == 0)
        return st;
    http_call_source(call, source);
    if (!failures_book(call->server->failures, source, &call->ctx->cfg->throttle.token_failures, http_call_mono(), &wait))
        return st;
    st = ja_fail(err, JA_ERR_THROTTLED, "too_many_attempts", "too many attempts: try again in %u seconds", wait);
    err->retry_after = wait;
    return st;
}

static enum ja_status admit(struct http_call *call, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    caller_anonymous(call);
    if (!(call->route->flags & (ROUTE_PUBLIC | ROUTE_GATE)))
        st = book_refused(call, caller_identify(call, err), err);
    else if (!(call->route->flags & (ROUTE_GATE | ROUTE_PLAIN))) /* where one comes from counts: throttling, rules, new sources */
        st = caller_check_local(call, err);
    return st == JA_OK ? throttle(call, err) : st;
}

/* The actor borrowed from the call. */
static void leave(struct http_call *call)
{
    call->ctx->actor = (struct ja_actor){.name = "anonymous", .service = "jwtauthd"};
    call->ctx = NULL;
}

enum ja_status http_call_ask(struct http_call *call, struct ja_ctx *ctx, struct ja_error *err)
{
    enum ja_status st;

    call->ctx = ctx;
    st = admit(call, err);
    call->admitted = st == JA_OK;
    if (st == JA_OK)
        st = captcha_verify(call, err);
    err->status = st;
    leave(call);
    return st;
}

enum ja_status http_call_run(struct http_call *call, struct ja_ctx *ctx, struct ja_error *err)
{
    enum ja_status st;

    call->ctx = ctx;
    st = admit(call, err);
    if (st == JA_OK)
        st = call->route->run(call, err);
    if (call->route->flags & ROUTE_TOKEN)
        st = book_refused(call, st, err);
    /* A flow that succeeds may have tried on the way what failed. */
    err->status = st;
    if (st == JA_OK)
        call->status = call->status ? call->status : call->route->status;
    leave(call);
    return st;
}

/* ---- body and query ---- */

static const struct http_field *field_find(const struct http_field *fields, const char *name)
{
    for (const struct http_field *f = fields; f && f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static void detail(struct http_call *call, const char *what)
{
    if (!call->details)
        call->details = json_array();
    (void)json_array_append_new(call->details, json_string(what));
}

static bool all_strings(const json_t *v, size_t max)
{
    size_t i;
    json_t *item;

    json_array_foreach(v, i, item)
        if (!json_is_string(item) || json_string_length(item) > max)
            return false;
    return json_is_array(v);
}

static bool type_fits(const struct http_field *f, const json_t *v)
{
    switch (f->type) {
    case FIELD_STRING: return json_is_string(v);
    case FIELD_INT: return json_is_integer(v);
    case FIELD_BOOL: return json_is_boolean(v);
    case FIELD_STRINGS: return all_strings(v, f->max);
    }
    return false;
}

static enum ja_status check_field(struct http_call *call, const char *name, const json_t *v, struct ja_error *err)
{
    const struct http_field *f = field_find(call->route->body, name);

    if (!f) {
        if (ja_text_valid(name, JA_TEXT_MAX))
            detail(call, name);
        return ja_fail(err, JA_ERR_INVALID, "unknown_field", "the body has a field that is not known here");
    }
    if (!type_fits(f, v)) {
        detail(call, name);
        return ja_fail(err, JA_ERR_INVALID, "invalid_type", "the field %s is not of the right type", f->name);
    }
    if (f->type == FIELD_STRING && json_string_length(v) > f->max) {
        detail(call, name);
        return ja_fail(err, JA_ERR_INVALID, "field_too_long", "the field %s is longer than %zu bytes", f->name, f->max);
    }
    return JA_OK;
}

static enum ja_status check_body(struct http_call *call, struct ja_error *err)
{
    const char *name;
    json_t *v;

    json_object_foreach(call->body, name, v) {
        enum ja_status st = check_field(call, name, v, err);

        if (st != JA_OK)
            return st;
    }
    for (const struct http_field *f = call->route->body; f && f->name; f++)
        if (f->required && !json_object_get(call->body, f->name)) {
            detail(call, f->name);
            return ja_fail(err, JA_ERR_INVALID, "missing_field", "the field %s is missing", f->name);
        }
    return JA_OK;
}

enum ja_status http_call_take_body(struct http_call *call, const char *text, size_t len, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!call->route->body) {
        if (len == 0)
            return JA_OK;
        return ja_fail(err, JA_ERR_INVALID, "unknown_field", "this route takes no body");
    }
    if (len == 0)
        call->body = json_object();
    else
        st = ja_json_parse_strict(text, len, &call->body, err);
    if (st == JA_ERR_NOMEM)
        return st;
    if (st != JA_OK || !call->body)
        return ja_fail(err, JA_ERR_INVALID, "malformed_json",
                       "the body is no JSON object, or has a field twice, or is nested too deeply");
    return check_body(call, err);
}

enum ja_status http_call_take_fields(struct http_call *call, json_t *fields, struct ja_error *err)
{
    call->body = fields;
    return check_body(call, err);
}

enum ja_status http_call_take_query(struct http_call *call, const char *name, const char *value, struct ja_error *err)
{
    const struct http_field *f = field_find(call->route->query, name);

    if (!f || !value) {
        if (ja_text_valid(name, JA_TEXT_MAX))
            detail(call, name);
        return ja_fail(err, JA_ERR_INVALID, "unknown_field", "the query has an argument that is not known here");
    }
    if (!ja_text_valid(value, f->max)) {
        detail(call, f->name);
        return ja_fail(err, JA_ERR_INVALID, "invalid_type", "the argument %s is no text, or too long", f->name);
    }
    if (!call->query)
        call->query = json_object();
    if (json_object_get(call->query, f->name))
        return ja_fail(err, JA_ERR_INVALID, "duplicate_field", "the argument %s is given twice", f->name);
    return json_object_set_new(call->query, f->name, json_string(value)) == 0 ? JA_OK : ja_fail_nomem(err);
}

void http_call_free(struct http_call *call)
{
    if (!call)
        return;
    http_params_clear(call->params);
    json_decref(call->body);
    json_decref(call->query);
    caller_clear(&call->caller);
    json_decref(call->data);
    json_decref(call->details);
    free(call->site_key);
    if (call->after_arg)
        explicit_bzero(call->after_arg, call->after_len);
    free(call->after_arg);
    ja_wipe_free(call->plain);
    free(call->note);
    for (size_t i = 0; i < call->nheaders; i++)
        ja_wipe_free(call->headers[i].value);
    *call = (struct http_call){0};
}
