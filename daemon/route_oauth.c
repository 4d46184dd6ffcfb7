/* What services ask: introspection (RFC 7662), revocation (RFC 7009), metadata (RFC 8414), the API's description. */
#include "daemon/caller.h"
#include "daemon/openapi.h"
#include "daemon/routes.h"

#include "common/domain/permission.h"
#include "common/domain/token.h"
#include "common/flow/session_flow.h"
#include "common/view/introspection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Services may ask about any token that is shown to them; a person about its own, and with tokens:read about any. */
static enum ja_status may_ask(struct http_call *call, const json_t *claims, bool *ret, struct ja_error *err)
{
    const struct http_caller *c = &call->caller;
    const char *sub = json_string_value(json_object_get(claims, "sub"));
    enum ja_status st;

    *ret = c->root || c->user.kind == JA_USER_SERVICE || (sub && strcmp(sub, c->user.id) == 0);
    if (*ret)
        return JA_OK;
    st = ja_permit(call->ctx, "tokens:read", NULL, err);
    *ret = st == JA_OK;
    return st == JA_ERR_FORBIDDEN ? JA_OK : st;
}

/* Of a token that is no good, or not the caller's business, nothing is said but that. */
static enum ja_status run_introspect(struct http_call *call, struct ja_error *err)
{
    struct ja_token_check check = ja_token_check_default(call->ctx);
    const char *token = http_text(call, "token");
    json_t *claims = NULL;
    bool may = false;
    enum ja_status st;

    check.audience = NULL; /* section 4: the server judges for any audience */
    st = ja_token_verify(call->ctx, token, strlen(token), &check, false, &claims, err);
    if (st == JA_OK)
        st = may_ask(call, claims, &may, err);
    if (st == JA_OK || st == JA_ERR_DENIED)
        st = http_data(call, may ? ja_introspection(claims) : json_pack("{s:b}", "active", 0), err);
    json_decref(claims);
    return st;
}

/* Section 2.2: a token that is unknown or has ended is revoked already. Holding it is the right to end it. */
static enum ja_status run_revoke(struct http_call *call, struct ja_error *err)
{
    const char *token = http_text(call, "token");

    return ja_token_revoke(call->ctx, token, strlen(token), err);
}

/* ---- documents ---- */

static enum ja_status put_document(struct http_call *call, json_t *doc, struct ja_error *err)
{
    call->plain = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    json_decref(doc);
    if (!call->plain)
        return ja_fail_nomem(err);
    call->plain_len = strlen(call->plain);
    call->plain_type = "application/json";
    return http_cache(call, 300, err);
}

static json_t *below(const char *issuer, const char *path)
{
    size_t len = strlen(issuer);

    while (len > 0 && issuer[len - 1] == '/')
        len--;
    return json_sprintf("%.*s%s", (int)len, issuer, path);
}

/* Clients get their tokens by the routes of this API: there is no authorization endpoint, and no grant of RFC 6749. */
static enum ja_status run_metadata(struct http_call *call, struct ja_error *err)
{
    const char *iss = call->ctx->cfg->tokens.issuer;

    return put_document(call,
                        json_pack("{s:s,s:o,s:o,s:o,s:o,s:[],s:[],s:[s],s:[s]}", "issuer", iss, "jwks_uri",
                                  below(iss, "/.well-known/jwks.json"), "introspection_endpoint",
                                  below(iss, "/oauth/introspect"), "revocation_endpoint", below(iss, "/oauth/revoke"),
                                  "service_documentation", below(iss, "/openapi.json"), "response_types_supported",
                                  "grant_types_supported", "introspection_endpoint_auth_methods_supported", "bearer",
                                  "revocation_endpoint_auth_methods_supported", "bearer"),
                        err);
}

static enum ja_status run_openapi(struct http_call *call, struct ja_error *err)
{
    return put_document(call, openapi_document(call->ctx->cfg->tokens.issuer), err);
}

static const struct http_field token_body[] = {
    {"token", FIELD_STRING, true, 8192, "the token"},
    {"token_type_hint", FIELD_STRING, false, 64, "access_token or refresh_token; not needed"},
    {NULL},
};

#define FORM_EXAMPLE "-H \"Authorization: Bearer $TOKEN\" -d \"token=$OTHER\""
#define DOCUMENT (ROUTE_PUBLIC | ROUTE_PLAIN | ROUTE_CACHEABLE)

const struct http_route route_oauth[] = {
    {.method = HTTP_POST,
     .path = "/oauth/introspect",
     .run = run_introspect,
     .where = RUN_WORK,
     .flags = ROUTE_PLAIN | ROUTE_FORM,
     .body = token_body,
     .permission = "being a service, or tokens:read for tokens of others",
     .summary = "Tell whether a token is active, and what it says (RFC 7662).",
     .answer = "active scope exp iat nbf sub aud iss jti sid roles amr auth_time username token_type",
     .example = FORM_EXAMPLE},
    {.method = HTTP_POST,
     .path = "/oauth/revoke",
     .run = run_revoke,
     .where = RUN_WORK,
     .flags = ROUTE_PLAIN | ROUTE_FORM,
     .body = token_body,
     .summary = "Revoke an access token, or end the session of a refresh token (RFC 7009).",
     .example = FORM_EXAMPLE},
    {.method = HTTP_GET,
     .path = "/.well-known/oauth-authorization-server",
     .run = run_metadata,
     .where = RUN_LOOP,
     .flags = DOCUMENT,
     .summary = "The endpoints of this server (RFC 8414).",
     .answer = "issuer jwks_uri introspection_endpoint revocation_endpoint service_documentation "
               "response_types_supported grant_types_supported introspection_endpoint_auth_methods_supported "
               "revocation_endpoint_auth_methods_supported",
     .example = ""},
    {.method = HTTP_GET,
     .path = "/openapi.json",
     .run = run_openapi,
     .where = RUN_WORK,
     .flags = DOCUMENT,
     .summary = "This API in OpenAPI 3.1.",
     .answer = "openapi info servers paths components",
     .example = ""},
    {0},
};
