#include "daemon/http.h"

#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *http_text(const struct http_call *call, const char *name)
{
    return json_string_value(json_object_get(call->body, name));
}

bool http_bool(const struct http_call *call, const char *name, bool otherwise)
{
    const json_t *v = json_object_get(call->body, name);

    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

int64_t http_int(const struct http_call *call, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(call->body, name);

    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

const char *http_query(const struct http_call *call, const char *name)
{
    return json_string_value(json_object_get(call->query, name));
}

enum ja_status http_header_add(struct http_call *call, const char *name, const char *value, struct ja_error *err)
{
    if (call->nheaders == HTTP_HEADERS_MAX)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "too many headers in an answer");
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            return ja_fail(err, JA_ERR_INTERNAL, "internal", "the header %s would hold what is no text", name);
    call->headers[call->nheaders].value = strdup(value);
    if (!call->headers[call->nheaders].value)
        return ja_fail_nomem(err);
    call->headers[call->nheaders++].name = name;
    return JA_OK;
}

enum ja_status http_created(struct http_call *call, const char *path, const char *last, struct ja_error *err)
{
    char where[160];
    int n = snprintf(where, sizeof where, "%s%s", path, last ? last : "");

    if (n < 0 || (size_t)n >= sizeof where)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "a path is too long");
    return http_header_add(call, "Location", where, err);
}

enum ja_status http_data(struct http_call *call, json_t *data, struct ja_error *err)
{
    if (!data)
        return ja_fail_nomem(err);
    json_decref(call->data);
    call->data = data;
    return JA_OK;
}

enum ja_status http_cache(struct http_call *call, int seconds, struct ja_error *err)
{
    char digest[JA_DIGEST_LEN + 1], text[64];
    enum ja_status st;

    (void)snprintf(text, sizeof text, "public, max-age=%d", seconds);
    st = http_header_add(call, "Cache-Control", text, err);
    ja_text_digest(call->plain, call->plain_len, digest);
    (void)snprintf(text, sizeof text, "\"%s\"", digest);
    if (st == JA_OK)
        st = http_header_add(call, "ETag", text, err);
    if (st == JA_OK && call->if_none_match && strstr(call->if_none_match, text)) {
        call->status = 304;
        call->plain_len = 0;
    }
    return st;
}

enum ja_status http_after(struct http_call *call, http_after_fn fn, const void *arg, size_t len, struct ja_error *err)
{
    call->after_arg = malloc(len);
    if (!call->after_arg)
        return ja_fail_nomem(err);
    memcpy(call->after_arg, arg, len);
    call->after_len = len;
    call->after = fn;
    return JA_OK;
}
