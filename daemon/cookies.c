#include "daemon/cookies.h"

#include "common/domain/csrf.h"
#include "common/domain/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cookies_on(const struct http_call *call)
{
    return call->ctx->cfg->http.cookies && !call->on_unix;
}

/* RFC 6265 section 4.2.1: name=value, "; " between. */
enum ja_status cookies_get(const struct http_call *call, const char *name, struct ja_secret *ret, struct ja_error *err)
{
    size_t len = strlen(name), value_len = 0;
    const char *value = NULL;

    for (const char *p = cookies_on(call) ? call->cookie : NULL; p && *p; p += strcspn(p, ";")) {
        p += strspn(p, "; ");
        if (strncmp(p, name, len) != 0 || p[len] != '=')
            continue;
        if (value)
            return ja_fail(err, JA_ERR_INVALID, "ambiguous_request", "the cookie %s is there twice", name);
        value = p + len + 1;
        value_len = strcspn(value, "; ");
    }
    if (value_len == 0)
        return ja_fail(err, JA_ERR_DENIED, "no_credential", "a bearer token is needed");
    return ja_secret_from(ret, value, value_len, err);
}

enum ja_status cookies_refresh(struct http_call *call, struct ja_secret *ret, struct ja_error *err)
{
    char session_id[JA_UUID_LEN + 1] = "";
    enum ja_status st = cookies_get(call, COOKIE_REFRESH, ret, err);

    if (st == JA_OK)
        st = ja_refresh_session(call->ctx, (const char *)ret->data, ret->len, session_id, err);
    return st == JA_OK ? ja_csrf_check(call->ctx, session_id, call->csrf, err) : st;
}

/* `attributes`: beyond those that every cookie here has. Max-Age 0 takes it away. */
static enum ja_status put(struct http_call *call, const char *name, const char *value, const char *attributes,
                          int64_t max_age, struct ja_error *err)
{
    char *text = NULL;
    int n = asprintf(&text, "%s=%s; Path=/; Secure; SameSite=Strict; Max-Age=%lld%s", name, value, (long long)max_age,
                     attributes);
    enum ja_status st = n > 0 ? http_header_add(call, "Set-Cookie", text, err) : ja_fail_nomem(err);

    if (n > 0)
        ja_wipe_free(text);
    return st;
}

static int64_t session_left(const struct http_call *call, const struct ja_session *s)
{
    int64_t end = s->idle_ends_at && s->idle_ends_at < s->ends_at ? s->idle_ends_at : s->ends_at;
    int64_t left = end - ja_now(&call->ctx->clock);

    return left > 0 ? left : 0;
}

enum ja_status cookies_set(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err)
{
    char csrf[JA_CSRF_TEXT] = "";
    int64_t left = session_left(call, &t->session);
    enum ja_status st;

    if (!cookies_on(call))
        return JA_OK;
    st = ja_csrf_token(call->ctx, t->session.id, csrf, err);
    if (st == JA_OK)
        st = put(call, COOKIE_ACCESS, t->access.token, "; HttpOnly", t->access.exp - t->access.iat, err);
    if (st == JA_OK)
        st = put(call, COOKIE_REFRESH, (const char *)t->refresh.data, "; HttpOnly", left, err);
    if (st == JA_OK)
        st = put(call, COOKIE_CSRF, csrf, "", left, err);
    if (st == JA_OK && json_object_set_new(call->data, "csrf_token", json_string(csrf)) != 0)
        st = ja_fail_nomem(err);
    return st;
}

enum ja_status cookies_clear(struct http_call *call, struct ja_error *err)
{
    enum ja_status st;

    if (!cookies_on(call))
        return JA_OK;
    st = put(call, COOKIE_ACCESS, "", "; HttpOnly", 0, err);
    if (st == JA_OK)
        st = put(call, COOKIE_REFRESH, "", "; HttpOnly", 0, err);
    return st == JA_OK ? put(call, COOKIE_CSRF, "", "", 0, err) : st;
}
