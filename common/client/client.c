#include "common/client/client.h"

#include "common/base/file_guard.h"
#include "common/client/curl_answer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)1024 * 1024)
#define CONNECT_SECONDS 5L
#define CALL_SECONDS 60L /* a login may wait for a hashing slot */
#define PATH_SIZE 108    /* sun_path, unix(7) */

/* ---- the socket ---- */

/* Passwords go there: only who is us or root may have made it. */
static enum ja_status check_socket(const char *path, struct ja_error *err)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    struct stat s;

    if (path[0] != '/' || !slash || strlen(path) >= sizeof folder)
        return ja_fail(err, JA_ERR_INVALID, "invalid_socket", "the socket of jwtauthd is an absolute path of at most %d bytes",
                       PATH_SIZE - 1);
    if (lstat(path, &s) != 0)
        return ja_fail(err, JA_ERR_UNAVAILABLE, "daemon_unavailable", "jwtauthd is not running: no socket %.200s (systemctl enable --now jwtauthd.socket)", path);
    if (!S_ISSOCK(s.st_mode) || (s.st_uid != 0 && s.st_uid != geteuid()))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_socket", "%.200s is not a socket of root", path);
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path > 0 ? slash - path : 1), path);
    return ja_dir_check(folder, 0, true, err);
}

/* ---- the answer ---- */

static enum ja_status status_of(long code)
{
    switch (code) {
    case 401: return JA_ERR_DENIED;
    case 403: return JA_ERR_FORBIDDEN;
    case 404: return JA_ERR_NOT_FOUND;
    case 409: return JA_ERR_CONFLICT;
    case 429: return JA_ERR_THROTTLED;
    case 503: return JA_ERR_BUSY;
    default: return code >= 500 ? JA_ERR_INTERNAL : JA_ERR_INVALID;
    }
}

static enum ja_status not_ours(long code, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "invalid_answer", "what answers on the socket is not jwtauthd (HTTP status %ld)", code);
}

static enum ja_status read_error(const json_t *doc, long code, unsigned retry_after, struct ja_error *err)
{
    const char *name = json_string_value(json_object_get(json_object_get(doc, "error"), "code"));
    const char *message = json_string_value(json_object_get(doc, "message"));
    enum ja_status st;

    if (!name || !message || !*name || code < 400)
        return not_ours(code, err);
    st = ja_fail(err, status_of(code), name, "%s", message);
    if (err)
        err->retry_after = retry_after;
    return st;
}

static enum ja_status read_answer(const struct ja_curl_answer *a, long code, unsigned retry_after, json_t **ret,
                                  struct ja_error *err)
{
    json_t *doc = a->len ? json_loadb(a->text, a->len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *success = json_object_get(doc, "success");
    enum ja_status st = JA_OK;

    if (!json_is_boolean(success))
        st = not_ours(code, err);
    else if (!json_is_true(success) || code < 200 || code >= 300)
        st = read_error(doc, code, retry_after, err);
    if (st == JA_OK)
        *ret = json_incref(json_object_get(doc, "data"));
    json_decref(doc);
    return st;
}

static enum ja_status read_plain(const struct ja_curl_answer *a, long code, json_t **ret, struct ja_error *err)
{
    json_t *doc = a->len && code == 200 ? json_loadb(a->text, a->len, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (!json_is_object(doc)) {
        json_decref(doc);
        return not_ours(code, err);
    }
    *ret = doc;
    return JA_OK;
}

/* ---- the call ---- */

/* What may stand in a header: RFC 6750's b64token and no more. */
static bool bearer_valid(const char *s)
{
    return *s && s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")] == 0;
}

static void set_up(struct ja_curl *c, const struct ja_client_call *call, const char *body, struct ja_curl_answer *a)
{
    ja_curl_set(c, CURLOPT_UNIX_SOCKET_PATH, call->socket);
    ja_curl_set(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    ja_curl_set(c, CURLOPT_TIMEOUT, call->seconds > 0 ? call->seconds : CALL_SECONDS);
    ja_curl_set(c, CURLOPT_CUSTOMREQUEST, call->method);
    ja_curl_collect(c, a);
    if (body) {
        ja_curl_set(c, CURLOPT_POSTFIELDS, body);
        ja_curl_set(c, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        ja_curl_header(c, "Content-Type: application/json");
    }
    if (call->bearer) { /* curl makes the header: a token is longer than the other ones may be */
        ja_curl_set(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        ja_curl_set(c, CURLOPT_XOAUTH2_BEARER, call->bearer);
    }
}

static enum ja_status perform(struct ja_curl *c, const struct ja_client_call *call, struct ja_curl_answer *a, long *ret_code,
                              unsigned *ret_retry, struct ja_error *err)
{
    struct ja_error local = {0};
    curl_off_t wait = 0;
    enum ja_status st = ja_curl_run(c, ret_code, &local);

    if (st == JA_ERR_UNAVAILABLE && a->len)
        return not_ours(*ret_code, err); /* it began to answer, and went past the bounds or broke off */
    if (st == JA_ERR_UNAVAILABLE)
        return ja_fail(err, st, "daemon_unavailable", "jwtauthd does not answer on %.200s (%.200s)", call->socket,
                       local.message);
    if (st != JA_OK && err)
        *err = local;
    if (c->lib.easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wait) != CURLE_OK || wait < 0 || wait > 86400)
        wait = 0;
    *ret_retry = (unsigned)wait;
    return st;
}

/* json_dumps leaves what it outgrew behind: passwords. */
static char *dump(const json_t *body)
{
    size_t len = json_dumpb(body, NULL, 0, JSON_COMPACT);
    char *text = len > 0 ? calloc(1, len + 1) : NULL;

    if (text)
        (void)json_dumpb(body, text, len, JSON_COMPACT);
    return text;
}

enum ja_status ja_client_run(const struct ja_client_call *call, json_t **ret_data, struct ja_error *err)
{
    char url[2048];
    struct ja_curl c = {0};
    struct ja_curl_answer a = {.max = ANSWER_MAX};
    char *body = call->body ? dump(call->body) : NULL;
    long code = 0;
    unsigned retry_after = 0;
    int n = snprintf(url, sizeof url, "http://jwtauthd%s", call->path);
    enum ja_status st = call->body && !body ? ja_fail_nomem(err) : check_socket(call->socket, err);

    if (st == JA_OK && (n < 0 || (size_t)n >= sizeof url))
        st = ja_fail(err, JA_ERR_INVALID, "too_long", "the request is too long");
    if (st == JA_OK && call->bearer && !bearer_valid(call->bearer))
        st = ja_fail(err, JA_ERR_DENIED, "malformed", "what was given is neither a token nor an API key");
    if (st == JA_OK)
        st = ja_curl_begin(&c, url, "http", err);
    if (st == JA_OK) {
        set_up(&c, call, body, &a);
        st = perform(&c, call, &a, &code, &retry_after, err);
    }
    if (st == JA_OK)
        st = call->plain ? read_plain(&a, code, ret_data, err) : read_answer(&a, code, retry_after, ret_data, err);
    ja_curl_end(&c);
    ja_curl_answer_clear(&a);
    if (body)
        sodium_memzero(body, strlen(body));
    free(body);
    return st;
}
