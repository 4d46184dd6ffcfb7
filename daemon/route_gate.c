/* GET /api/v1/auth/verify-token: what nginx's auth_request and forward-auth proxies ask for each request. */
#include "daemon/caller.h"
#include "daemon/gate.h"
#include "daemon/routes.h"

#include "common/domain/permission.h"
#include "common/domain/role.h"
#include "common/view/user_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Header values that go on to the application behind the proxy: visible ASCII without '%', '"' and ',' stays,
 * everything else becomes %XX (RFC 3986 section 2.1). */
static char *encoded(const char *s)
{
    char *out = malloc(strlen(s) * 3 + 1), *p = out;

    for (; out && *s; s++)
        if (*s > 0x20 && *s < 0x7f && !strchr("%\",", *s))
            *p++ = *s;
        else
            p += snprintf(p, 4, "%%%02X", (unsigned char)*s);
    if (out)
        *p = 0;
    return out;
}

/* No value: no header, so that the proxy clears what the client sent. */
static enum ja_status tell(struct http_call *call, const char *header, const char *value, struct ja_error *err)
{
    char *safe;
    enum ja_status st;

    if (!value || !*value)
        return JA_OK;
    safe = encoded(value);
    st = safe ? http_header_add(call, header, safe, err) : ja_fail_nomem(err);
    free(safe);
    return st;
}

/* Items encoded one by one, commas between. */
static enum ja_status tell_list(struct http_call *call, const char *header, const struct ja_strlist *items,
                                struct ja_error *err)
{
    size_t size = 1;
    char *text;
    enum ja_status st = JA_OK;

    for (size_t i = 0; i < items->len; i++)
        size += strlen(items->items[i]) * 3 + 1;
    text = calloc(1, size);
    if (!text)
        return ja_fail_nomem(err);
    for (size_t i = 0; st == JA_OK && i < items->len; i++) {
        char *safe = encoded(items->items[i]);
        size_t at = strlen(text);

        if (safe)
            (void)snprintf(text + at, size - at, "%s%s", i > 0 ? "," : "", safe);
        else
            st = ja_fail_nomem(err);
        free(safe);
    }
    if (st == JA_OK && *text)
        st = http_header_add(call, header, text, err);
    free(text);
    return st;
}

static const char *claim(const struct http_call *call, const char *name)
{
    return json_string_value(json_object_get(call->caller.claims, name));
}

static enum ja_status tell_amr(struct http_call *call, struct ja_error *err)
{
    const json_t *amr = json_object_get(call->caller.claims, "amr");
    char text[256] = "";
    size_t i;
    json_t *item;

    json_array_foreach(amr, i, item) {
        size_t at = strlen(text);

        if (json_is_string(item))
            (void)snprintf(text + at, sizeof text - at, "%s%s", at ? " " : "", json_string_value(item));
    }
    return tell(call, "X-Auth-Amr", text, err);
}

static enum ja_status tell_all(struct http_call *call, const struct ja_strlist *roles, struct ja_error *err)
{
    enum ja_status st = tell(call, "X-Auth-Id", call->caller.user.id, err);

    if (st == JA_OK)
        st = tell(call, "X-Auth-User", call->caller.user.username, err);
    if (st == JA_OK)
        st = tell(call, "X-Auth-Email", call->caller.user.email, err);
    if (st == JA_OK)
        st = tell_list(call, "X-Auth-Roles", roles, err);
    if (st == JA_OK)
        st = tell(call, "X-Auth-Scope", claim(call, "scope"), err);
    if (st == JA_OK)
        st = tell(call, "X-Auth-Session", claim(call, "sid"), err);
    return st == JA_OK ? tell_amr(call, err) : st;
}

static enum ja_status forbidden(struct ja_error *err, const char *what, const char *name)
{
    return ja_fail(err, JA_ERR_FORBIDDEN, "forbidden", "this takes the %s %.200s", what, name);
}

/* ?role=, ?permission=, ?resource=: decided by what the user holds now, within the token's scope. */
static enum ja_status authorize(struct http_call *call, const struct ja_strlist *roles, struct ja_error *err)
{
    const char *role = http_query(call, "role"), *permission = http_query(call, "permission");
    const char *resource = http_query(call, "resource");
    bool held = !role;
    enum ja_status st;

    for (size_t i = 0; role && i < roles->len; i++)
        held |= strcmp(roles->items[i], role) == 0;
    if (!held)
        return forbidden(err, "role", role);
    if (!permission)
        return resource ? ja_fail(err, JA_ERR_INVALID, "missing_field", "resource needs a permission beside it") : JA_OK;
    st = ja_permission_check(permission, resource, false, err);
    held = false;
    if (st == JA_OK)
        st = ja_permission_held(call->ctx, call->caller.user.id, permission, resource, &held, NULL, err);
    if (st == JA_OK && held && claim(call, "scope"))
        held = ja_scope_covers(claim(call, "scope"), permission);
    return st != JA_OK || held ? st : forbidden(err, "permission", permission);
}

static enum ja_status answer(struct http_call *call, struct ja_error *err)
{
    struct row_user_values values = {0};
    enum ja_status st = ja_row_user_fill(call->ctx, &call->caller.user, &values, err);

    if (st == JA_OK)
        st = authorize(call, &values.roles, err);
    if (st == JA_OK)
        st = tell_all(call, &values.roles, err);
    if (st == JA_OK)
        st = http_data(call, json_pack("{s:o,s:O}", "user", ja_row_json(&row_user_public, values.v), "claims",
                                       call->caller.claims), err);
    ja_row_user_clear(&values);
    return st;
}

static enum ja_status remember(struct http_call *call, struct ja_error *err)
{
    int64_t until = 0;
    enum ja_status st = ja_token_good_until(call->ctx, call->caller.claims, &call->caller.user, &until, err);

    if (st == JA_OK)
        gate_until(call, until);
    return st;
}

static enum ja_status run_verify(struct http_call *call, struct ja_error *err)
{
    const char *token = NULL;
    bool known = false, plain = call->gate && !call->query && !call->origin;
    enum ja_status st = caller_token(call, &token, err);

    if (st == JA_OK && plain)
        st = gate_look(call, token, strlen(token), &known, err);
    if (st == JA_OK && known) {
        call->status = 200;
        return JA_OK;
    }
    /* One snapshot for all that is read, and the store locked once. */
    if (st == JA_OK)
        st = ja_db_begin_read(call->ctx->db, err);
    if (st == JA_OK)
        st = caller_identify_token(call, token, http_query(call, "audience"), err);
    if (st == JA_OK)
        st = answer(call, err);
    if (st == JA_OK && plain)
        st = remember(call, err);
    if (st == JA_OK)
        return ja_db_commit(call->ctx->db, err);
    ja_db_rollback(call->ctx->db);
    return st;
}

static const struct http_field query[] = {
    {"audience", FIELD_STRING, false, 255, "the audience that the token must be for, instead of our own"},
    {"role", FIELD_STRING, false, 64, "a role that the user must hold"},
    {"permission", FIELD_STRING, false, 65, "a permission that the user must hold"},
    {"resource", FIELD_STRING, false, 255, "where the permission must hold"},
    {NULL},
};

const struct http_route route_gate[] = {
    {.method = HTTP_GET,
     .path = "/api/v1/auth/verify-token",
     .run = run_verify,
     .where = RUN_LOOP,
     .flags = ROUTE_AUTH | ROUTE_GATE,
     .query = query,
     .summary = "Tell whether a token is good, for whom, and whether it permits something.",
     .answer = "user claims",
     .codes = "expired revoked session_ended user_inactive forbidden",
     .example = "-H \"Authorization: Bearer $TOKEN\""},
    {0},
};
