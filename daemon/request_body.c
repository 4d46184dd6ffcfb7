/* The body of a request: JSON, or a form where an RFC wants one. */
#include "daemon/request_impl.h"

#include "daemon/call.h"

#include <stdlib.h>
#include <string.h>

void request_take_body(struct request *r, const char *data, size_t len)
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

void request_drop_body(struct request *r)
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

enum ja_status request_parse_body(struct request *r)
{
    enum ja_status st;

    if (r->skipped > 0)
        return request_refuse(r, 413, "body_too_large", "the body is larger than 64 KiB");
    st = (r->call.route->flags & ROUTE_FORM) ? take_form(r)
                                             : http_call_take_body(&r->call, r->body ? r->body : "", r->len, &r->err);
    request_drop_body(r);
    return st;
}
