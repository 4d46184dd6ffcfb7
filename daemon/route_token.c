/* POST /api/v1/token: a token for the service or person that asks, known by its uid or by an API key. */
#include "daemon/caller.h"
#include "daemon/metrics.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include "common/flow/own_token.h"
#include "common/view/row.h"

#include <string.h>

/* A token is no proof for another one: it would never end. */
static enum ja_status who(struct http_call *call, struct ja_caller *ret, struct ja_error *err)
{
    *ret = (struct ja_caller){.session_hint = http_text(call, "session_id")};
    switch (call->caller.kind) {
    case CALLER_PEER:
        ret->uid = (int64_t)call->peer_uid;
        return JA_OK;
    case CALLER_API_KEY:
        if (caller_token(call, &ret->key, err) != JA_OK)
            return err->status;
        ret->key_len = strlen(ret->key);
        return JA_OK;
    case CALLER_BEARER:
    case CALLER_NONE: break;
    }
    return ja_fail(err, JA_ERR_FORBIDDEN, "not_by_token",
                   "a token gives no other token: ask with an API key, or on the Unix socket as who you are");
}

static enum ja_status run_token(struct http_call *call, struct ja_error *err)
{
    struct ja_token_ask ask = {.audience = http_text(call, "audience"), .scope = http_text(call, "scope"),
                               .ttl = http_int(call, "ttl", 0)};
    struct ja_caller caller;
    struct ja_minted m = {0};
    enum ja_status st = who(call, &caller, err);

    if (st == JA_OK && json_object_get(call->body, "ttl") && ask.ttl <= 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_ttl", "a token's lifetime is more than 0 seconds");
    if (st == JA_OK)
        st = ja_token_for_caller(call->ctx, &caller, &ask, &m, err);
    if (st == JA_OK) {
        metrics_token(call->server->metrics);
        st = http_data(call,
                       json_pack("{s:s,s:s,s:s,s:I,s:o,s:s}", "token", m.token, "access_token", m.token, "token_type",
                                 "Bearer", "expires_in", (json_int_t)(m.exp - m.iat), "expires_at",
                                 ja_json_time(m.exp), "jti", m.jti),
                       err);
    }
    ja_minted_clear(&m);
    return st;
}

static const struct http_field token_body[] = {
    {"audience", FIELD_STRING, false, JA_TEXT_MAX, "who the token is for; without it the configured one"},
    {"scope", FIELD_STRING, false, JA_SCOPE_MAX, "permissions that the token may be used for, a blank between"},
    {"ttl", FIELD_INT, false, 0, "seconds that it shall live at most"},
    {"session_id", FIELD_STRING, false, JA_UUID_LEN, "of several sessions of the caller the one to bind it to"},
    {NULL},
};

const struct http_route route_token[] = {
    {.method = HTTP_POST,
     .path = "/api/v1/token",
     .run = run_token,
     .where = RUN_WORK,
     .body = token_body,
     .summary = "Get a token for the caller itself: a service by its uid or API key, a person by its session.",
     .answer = "token access_token token_type expires_in expires_at jti",
     .codes = "login_required not_a_user unknown_caller user_inactive invalid_api_key scope_not_held audience_not_held "
              "invalid_scope invalid_audience invalid_ttl ttl_too_long not_by_token",
     .example = "-H \"Authorization: Bearer $API_KEY\" -H 'Content-Type: application/json' "
                "-d '{\"audience\":\"billing\",\"scope\":\"invoices:read\"}'"},
    {0},
};
