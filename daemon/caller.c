#include "daemon/caller.h"

#include "common/domain/api_key.h"
#include "common/domain/csrf.h"
#include "daemon/cookies.h"
#include "daemon/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void caller_clear(struct http_caller *caller)
{
    ja_user_clear(&caller->user);
    json_decref(caller->claims);
    free(caller->key_scope);
    *caller = (struct http_caller){0};
}

void caller_anonymous(struct http_call *call)
{
    call->ctx->actor = (struct ja_actor){.name = "anonymous", .source = call->source, .service = "jwtauthd"};
}

static void act_as(struct http_call *call, enum caller_kind kind, const char *username)
{
    struct http_caller *c = &call->caller;

    c->kind = kind;
    c->root = username == NULL;
    (void)snprintf(c->actor, sizeof c->actor, "%s%s", username ? "user:" : "root", username ? username : "");
    call->ctx->actor.name = c->actor;
}

enum ja_status caller_token(const struct http_call *call, const char **ret, struct ja_error *err)
{
    const char *given = call->authorization;

    if (!given)
        return ja_fail(err, JA_ERR_DENIED, "no_credential", "a bearer token is needed");
    if (strncasecmp(given, "Bearer ", 7) != 0)
        return ja_fail(err, JA_ERR_DENIED, "no_credential", "the Authorization header must be 'Bearer TOKEN'");
    given += 7;
    while (*given == ' ')
        given++;
    *ret = given;
    return JA_OK;
}

/* RFC 9068: what the token says of the user was so when it was made; the row says what is so now. */
static enum ja_status by_token(struct http_call *call, const char *token, const char *audience, struct ja_error *err)
{
    struct ja_token_check check = ja_token_check_default(call->ctx);
    const char *sub;
    enum ja_status st;

    if (audience)
        check.audience = audience;
    if (call->gate)
        st = ja_token_verify_remembered(call->ctx, gate_tokens(call->gate), token, strlen(token),
                                        gate_hash(call->note), &check, &call->caller.claims, err);
    else
        st = ja_token_verify(call->ctx, token, strlen(token), &check, false, &call->caller.claims, err);
    if (st != JA_OK)
        return st;
    sub = json_string_value(json_object_get(call->caller.claims, "sub"));
    st = ja_user_find_by_id(call->ctx, sub ? sub : "", &call->caller.user, err);
    if (st == JA_OK) {
        act_as(call, CALLER_BEARER, call->caller.user.username);
        call->ctx->actor.scope = json_string_value(json_object_get(call->caller.claims, "scope"));
    }
    return st == JA_ERR_NOT_FOUND ? ja_fail(err, JA_ERR_DENIED, "user_inactive", "Invalid token") : st;
}

/* A service with a key of its own. The note of its use may wait for the store's lock: not on a loop. */
static enum ja_status by_key(struct http_call *call, const char *text, struct ja_error *err)
{
    struct http_caller *c = &call->caller;
    struct ja_api_key key = {0};
    enum ja_status st = ja_api_key_verify(call->ctx, text, strlen(text), &key, &c->user, err);

    if (st == JA_OK && call->route->where != RUN_LOOP)
        st = ja_api_key_note_use(call->ctx, &key, err);
    if (st == JA_OK && key.scopes[0] && !(c->key_scope = strdup(key.scopes)))
        st = ja_fail_nomem(err);
    if (st != JA_OK)
        return st;
    (void)snprintf(c->api_key, sizeof c->api_key, "%s", key.id);
    act_as(call, CALLER_API_KEY, c->user.username);
    call->ctx->actor.scope = c->key_scope;
    return JA_OK;
}

/* Clients of a Unix socket have no host to name: curl's examples say localhost. A proxy names the site, or itself. */
static bool names_this_host(const char *host)
{
    static const char *const names[] = {"jwtauthd", "localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++)
        if (strcasecmp(host, names[i]) == 0)
            return true;
    return false;
}

enum ja_status caller_check_local(const struct http_call *call, struct ja_error *err)
{
    if (!call->on_unix || call->authorization || (!call->proxied && names_this_host(call->host)))
        return JA_OK;
    return ja_fail(err, JA_ERR_INVALID, "ambiguous_identity",
                   "on the Unix socket a caller without a bearer token is a process of this host: send 'Host: jwtauthd' "
                   "and no header of a proxy or browser; proxies ask on the TCP port");
}

/* SO_PEERCRED's uid, as it was when the peer connected. It names itself and nobody else. */
static enum ja_status by_peer(struct http_call *call, struct ja_error *err)
{
    enum ja_status st = caller_check_local(call, err);

    /* Only this name where the uid is the right: nginx calls itself localhost when it passes on to a socket. */
    if (st == JA_OK && (!call->host || strcmp(call->host, "jwtauthd") != 0))
        st = ja_fail(err, JA_ERR_INVALID, "ambiguous_identity",
                     "without a bearer token the caller is known by its uid: send 'Host: jwtauthd'");
    if (st != JA_OK)
        return st;
    if (call->peer_uid == 0) {
        act_as(call, CALLER_PEER, NULL);
        return JA_OK;
    }
    st = ja_user_find_by_process_uid(call->ctx, call->peer_uid, &call->caller.user, err);
    if (st == JA_ERR_NOT_FOUND)
        return ja_fail(err, JA_ERR_DENIED, "unknown_caller",
                       "the uid %lu is no user of jwtauth, and no service is bound to it (authctl service bind)",
                       (unsigned long)call->peer_uid);
    if (st == JA_OK && !ja_user_live(&call->caller.user, ja_now(&call->ctx->clock)))
        return ja_fail(err, JA_ERR_DENIED, "user_inactive", "the account of uid %lu is not active",
                       (unsigned long)call->peer_uid);
    if (st == JA_OK)
        act_as(call, CALLER_PEER, call->caller.user.username);
    return st;
}

/* The browser sends cookies with whatever asks: what changes something also shows that our page asked for it. */
static enum ja_status by_cookie(struct http_call *call, struct ja_error *err)
{
    struct ja_secret cookie = {0};
    const char *sid;
    enum ja_status st = cookies_get(call, COOKIE_ACCESS, &cookie, err);

    if (st == JA_OK)
        st = caller_identify_token(call, (const char *)cookie.data, NULL, err);
    ja_secret_clear(&cookie);
    if (st != JA_OK || call->route->method == HTTP_GET)
        return st;
    sid = json_string_value(json_object_get(call->caller.claims, "sid"));
    return ja_csrf_check(call->ctx, sid ? sid : "", call->csrf, err);
}

enum ja_status caller_identify(struct http_call *call, struct ja_error *err)
{
    const char *token = NULL;
    enum ja_status st;

    if (!call->authorization && call->on_unix)
        return by_peer(call, err);
    if (!call->authorization && cookies_on(call) && call->cookie)
        return by_cookie(call, err);
    st = caller_token(call, &token, err);
    if (st == JA_OK && ja_api_key_form(token, strlen(token)))
        return by_key(call, token, err);
    return st == JA_OK ? caller_identify_token(call, token, NULL, err) : st;
}

enum ja_status caller_identify_token(struct http_call *call, const char *token, const char *audience,
                                     struct ja_error *err)
{
    char code[sizeof err->code];
    enum ja_status st = by_token(call, token, audience, err);

    if (st != JA_ERR_DENIED)
        return st;
    (void)snprintf(code, sizeof code, "%s", err->code);
    return ja_fail(err, JA_ERR_DENIED, code, "%s",
                   strcmp(code, "expired") == 0 ? "Token has expired" : "Invalid token");
}

enum ja_status caller_user(const struct http_call *call, const struct ja_user **ret, struct ja_error *err)
{
    if (call->caller.kind == CALLER_NONE || call->caller.root)
        return ja_fail(err, JA_ERR_FORBIDDEN, "not_a_user", "root is no user of jwtauth: name a user, or use a token");
    *ret = &call->caller.user;
    return JA_OK;
}
