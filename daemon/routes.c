#include "daemon/routes.h"

#include "common/base/secret.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

const struct http_route *const http_routes[] = {
    route_gate,
    route_login,
    route_register,
    route_password,
    route_profile,
    route_factor,
    route_own,
    route_users,
    route_roles,
    route_audit,
    route_oauth,
    route_service,
    route_token,
    NULL,
};

void http_route_each(void (*fn)(void *arg, size_t index, const struct http_route *route), void *arg)
{
    size_t n = 0;

    for (const struct http_route *const *table = http_routes; *table; table++)
        for (const struct http_route *r = *table; r->path; r++)
            fn(arg, n++, r);
}

size_t http_route_count(void)
{
    size_t n = 0;

    for (const struct http_route *const *table = http_routes; *table; table++)
        for (const struct http_route *r = *table; r->path; r++)
            n++;
    return n;
}

size_t http_route_index(const struct http_route *route)
{
    size_t n = 0;

    for (const struct http_route *const *table = http_routes; *table; table++)
        for (const struct http_route *r = *table; r->path; r++, n++)
            if (r == route)
                return n;
    return n;
}

const char *http_method_name(unsigned method)
{
    switch (method) {
    case HTTP_GET: return "GET";
    case HTTP_POST: return "POST";
    case HTTP_PUT: return "PUT";
    case HTTP_PATCH: return "PATCH";
    case HTTP_DELETE: return "DELETE";
    default: return "?";
    }
}

/* ---- matching ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One segment, percent-decoded (RFC 3986 section 2.1). NULL with *ret_bad: not text; NULL alone: no memory. */
static char *decode(const char *s, size_t len, bool *ret_bad)
{
    char *out = malloc(len + 1);
    size_t n = 0;

    if (!out)
        return NULL;
    *ret_bad = len == 0;
    for (size_t i = 0; i < len; i++) {
        int hi = s[i] == '%' && i + 2 < len ? hex(s[i + 1]) : -1, lo = hi >= 0 ? hex(s[i + 2]) : -1;

        if (s[i] != '%') {
            out[n++] = s[i];
            continue;
        }
        *ret_bad |= lo < 0;
        if (lo < 0)
            break;
        out[n++] = (char)(hi * 16 + lo);
        i += 2;
    }
    out[n] = 0;
    *ret_bad |= !ja_text_valid(out, HTTP_HEAD_MAX) || strlen(out) != n;
    if (*ret_bad) {
        free(out);
        return NULL;
    }
    return out;
}

/* The path's length without a trailing slash. */
static size_t trimmed(const char *path)
{
    size_t len = strlen(path);

    return len > 1 && path[len - 1] == '/' ? len - 1 : len;
}

static bool matches(const char *pattern, const char *path, size_t len)
{
    const char *end = path + len;

    while (*pattern) {
        if (*pattern != '{') {
            if (path == end || *path++ != *pattern++)
                return false;
            continue;
        }
        pattern = strchr(pattern, '}') + 1;
        if (path == end || *path == '/')
            return false;
        while (path < end && *path != '/')
            path++;
    }
    return path == end;
}

static enum ja_status take_params(const char *pattern, const char *path, size_t len, char *params[HTTP_PARAMS_MAX],
                                  struct ja_error *err)
{
    size_t n = 0;
    const char *end = path + len;
    bool bad = false;

    for (; *pattern && n < HTTP_PARAMS_MAX; pattern++, path++) {
        const char *start = path;

        if (*pattern != '{')
            continue;
        while (path < end && *path != '/')
            path++;
        params[n] = decode(start, (size_t)(path - start), &bad);
        if (!params[n++])
            return bad ? ja_fail(err, JA_ERR_INVALID, "invalid_path", "a part of the path is not valid text")
                       : ja_fail_nomem(err);
        pattern = strchr(pattern, '}');
        path--;
    }
    return JA_OK;
}

void http_params_clear(char *params[HTTP_PARAMS_MAX])
{
    for (size_t i = 0; i < HTTP_PARAMS_MAX; i++) {
        ja_wipe_free(params[i]);
        params[i] = NULL;
    }
}

/* The auth routes answer under three prefixes; the table has the first. */
static const char auth_prefix[] = "/api/v1/auth/";

static const char *short_path(const char *path)
{
    static const char *const others[] = {"/api/auth/", "/auth/"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(path, others[i], strlen(others[i])) == 0)
            return path + strlen(others[i]);
    return NULL;
}

enum ja_status http_route_find(unsigned method, const char *path, const struct http_route **ret,
                               char *params[HTTP_PARAMS_MAX], unsigned *ret_allowed, struct ja_error *err)
{
    const char *rest = short_path(path);

    *ret_allowed = 0;
    for (const struct http_route *const *table = http_routes; *table; table++)
        for (const struct http_route *r = *table; r->path; r++) {
            bool alias = rest && (r->flags & ROUTE_AUTH);
            const char *pattern = alias ? r->path + sizeof auth_prefix - 1 : r->path, *given = alias ? rest : path;
            size_t len = trimmed(given);

            if (!matches(pattern, given, len))
                continue;
            *ret_allowed |= r->method;
            if (r->method != method)
                continue;
            *ret = r;
            return take_params(pattern, given, len, params, err);
        }
    if (*ret_allowed) {
        *ret = NULL;
        return JA_OK;
    }
    return ja_fail(err, JA_ERR_NOT_FOUND, "no_such_route", "there is nothing at this path");
}
