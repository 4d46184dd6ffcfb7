/* Roles, what they permit, who has them. Whether the caller may is decided by the flows. */
#include "daemon/chores.h"
#include "daemon/page.h"
#include "daemon/routes.h"
#include "daemon/server.h"
#include "daemon/target.h"

#include "common/flow/look_flow.h"
#include "common/flow/role_flow.h"
#include "common/view/role_row.h"

#include <string.h>

#define PARENTS_MAX 64

/* ---- roles ---- */

static enum ja_status role_json(struct http_call *call, const struct ja_role *r, json_t **ret, struct page *page,
                                struct ja_error *err)
{
    struct ja_strlist parents = {0}, permissions = {0};
    enum ja_status st = ja_role_parents(call->ctx, r->id, &parents, err);

    if (st == JA_OK)
        st = ja_role_own_permissions(call->ctx, r->id, &permissions, err);
    if (st == JA_OK) {
        const struct row_role_values values = ja_row_role(r, &parents, &permissions);

        if (page)
            st = page_add(page, values.v);
        else if (!(*ret = ja_row_json(&row_role, values.v)))
            st = ja_fail_nomem(err);
    }
    ja_strlist_clear(&parents);
    ja_strlist_clear(&permissions);
    return st;
}

static enum ja_status put_role(void *arg, const struct ja_role *r)
{
    struct page *p = arg;

    return role_json(p->call, r, NULL, p, p->err);
}

static enum ja_status run_list(struct http_call *call, struct ja_error *err)
{
    struct page p;
    enum ja_status st = page_begin(call, &row_role, &p, err);

    if (st == JA_OK)
        st = ja_look_roles(call->ctx, p.after, page_want(&p), put_role, &p, err);
    return page_end(&p, st);
}

static enum ja_status answer_role(struct http_call *call, const struct ja_role *r, struct ja_error *err)
{
    json_t *role = NULL;
    enum ja_status st = role_json(call, r, &role, NULL, err);

    return st == JA_OK ? http_data(call, json_pack("{s:o}", "role", role), err) : st;
}

static enum ja_status run_show(struct http_call *call, struct ja_error *err)
{
    struct ja_role r = {0};
    enum ja_status st = ja_look_role(call->ctx, call->params[0], &r, err);

    return st == JA_OK ? answer_role(call, &r, err) : st;
}

/* The change was the caller's right; its outcome may be seen. */
static enum ja_status changed(struct http_call *call, const char *name, enum ja_status st, struct ja_error *err)
{
    struct ja_role r = {0};

    if (st == JA_OK)
        st = ja_role_find(call->ctx, name, &r, err);
    return st == JA_OK ? answer_role(call, &r, err) : st;
}

static enum ja_status run_add(struct http_call *call, struct ja_error *err)
{
    const json_t *inherits = json_object_get(call->body, "inherits"), *item;
    const char *parents[PARENTS_MAX], *name = http_text(call, "name");
    enum ja_status st;
    size_t n = 0, i;

    if (json_array_size(inherits) > PARENTS_MAX)
        return ja_fail(err, JA_ERR_INVALID, "too_many_roles", "more than %d roles at once", PARENTS_MAX);
    json_array_foreach(inherits, i, item)
        parents[n++] = json_string_value(item);
    st = changed(call, name, ja_role_add_flow(call->ctx, name, http_text(call, "description"), parents, n, err), err);
    return st == JA_OK ? http_created(call, "/api/v1/roles/", name, err) : st;
}

static enum ja_status run_describe(struct http_call *call, struct ja_error *err)
{
    return changed(call, call->params[0],
                   ja_role_describe_flow(call->ctx, call->params[0], http_text(call, "description"), err), err);
}

static enum ja_status run_delete(struct http_call *call, struct ja_error *err)
{
    enum ja_status st = ja_role_delete_flow(call->ctx, call->params[0], err);

    return st == JA_OK ? http_data(call, json_pack("{s:s,s:b}", "name", call->params[0], "deleted", 1), err) : st;
}

static enum ja_status run_inherit(struct http_call *call, struct ja_error *err)
{
    return changed(call, call->params[0], ja_role_inherit_flow(call->ctx, call->params[0], call->params[1], err), err);
}

static enum ja_status run_disinherit(struct http_call *call, struct ja_error *err)
{
    return changed(call, call->params[0], ja_role_disinherit_flow(call->ctx, call->params[0], call->params[1], err), err);
}

/* PUT and DELETE take the few words that they need in the body or in the query, as clients can. */
static const char *argument(const struct http_call *call, const char *name)
{
    const char *text = http_text(call, name);

    return text ? text : http_query(call, name);
}

static enum ja_status run_permit(struct http_call *call, struct ja_error *err)
{
    return changed(call, call->params[0],
                   ja_role_permit_flow(call->ctx, call->params[0], call->params[1], argument(call, "resource"), err),
                   err);
}

static enum ja_status run_forbid(struct http_call *call, struct ja_error *err)
{
    return changed(call, call->params[0],
                   ja_role_forbid_flow(call->ctx, call->params[0], call->params[1], argument(call, "resource"), err),
                   err);
}

/* ---- grants, questions ---- */

static enum ja_status read_end(const struct http_call *call, int64_t *ret, struct ja_error *err)
{
    const char *during = argument(call, "for"), *until = argument(call, "until");
    int64_t now = ja_now(&call->ctx->clock), seconds = 0;

    *ret = 0;
    if (during && until)
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "for or until, not both");
    if (during) {
        if (!ja_parse_duration(during, &seconds) || seconds <= 0)
            return ja_fail(err, JA_ERR_INVALID, "invalid_time", "for is a duration: 90s, 15m, 2h, 7d");
        *ret = now + seconds;
    } else if (until && !ja_parse_when(until, now, ret)) {
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "until is RFC 3339, or a duration from now");
    }
    return JA_OK;
}

static enum ja_status run_grant(struct http_call *call, struct ja_error *err)
{
    const char *role = call->params[1];
    char name[TARGET_MAX];
    int64_t ends_at = 0;
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = read_end(call, &ends_at, err);
    if (st == JA_OK)
        st = ja_role_grant_flow(call->ctx, name, role, ends_at, err);
    return st == JA_OK ? http_data(call, json_pack("{s:s,s:s,s:o}", "user", name, "role", role, "ends_at",
                                                   ja_json_time(ends_at)), err)
                       : st;
}

static enum ja_status run_revoke(struct http_call *call, struct ja_error *err)
{
    char name[TARGET_MAX];
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = ja_role_revoke_flow(call->ctx, name, call->params[1], err);
    return st == JA_OK ? http_data(call, json_pack("{s:s,s:s}", "user", name, "role", call->params[1]), err) : st;
}

static enum ja_status put_grant(void *arg, const struct ja_grant *g)
{
    struct page *p = arg;
    const struct row_grant_values values = ja_row_grant(g, ja_now(&p->call->ctx->clock));

    return page_add(p, values.v);
}

static enum ja_status run_grants(struct http_call *call, struct ja_error *err)
{
    struct ja_grant_filter f = {0};
    char name[TARGET_MAX];
    struct page p;
    enum ja_status st = page_begin(call, &row_grant, &p, err);

    if (st == JA_OK)
        st = target_user(call, name, err);
    f.limit = page_want(&p);
    f.after = p.after;
    if (st == JA_OK)
        st = ja_look_grants(call->ctx, name, &f, put_grant, &p, err);
    return page_end(&p, st);
}

struct held {
    json_t *list;
    struct ja_error *err;
};

static enum ja_status put_permission(void *arg, const struct ja_held_permission *p)
{
    struct held *h = arg;
    const struct row_permission_values values = ja_row_permission(p);

    return json_array_append_new(h->list, ja_row_json(&row_permission, values.v)) == 0 ? JA_OK : ja_fail_nomem(h->err);
}

static enum ja_status run_permissions(struct http_call *call, struct ja_error *err)
{
    struct held h = {json_array(), err};
    char name[TARGET_MAX];
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = ja_look_permissions(call->ctx, name, put_permission, &h, err);
    if (st == JA_OK)
        return http_data(call, json_pack("{s:o}", "permissions", h.list), err);
    json_decref(h.list);
    return st;
}

static enum ja_status run_can(struct http_call *call, struct ja_error *err)
{
    struct ja_held_permission p = {0};
    char name[TARGET_MAX];
    bool held = false;
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK && !http_query(call, "permission"))
        st = ja_fail(err, JA_ERR_INVALID, "missing_field", "say which permission");
    if (st == JA_OK)
        st = ja_look_can(call->ctx, name, http_query(call, "permission"), http_query(call, "resource"), &held, &p, err);
    if (st != JA_OK)
        return st;
    return http_data(call, json_pack("{s:b,s:s?,s:s?,s:s?}", "ok", held, "role", held ? p.role : NULL, "permission",
                                     held ? p.permission : NULL, "on", held && p.pattern[0] ? p.pattern : NULL), err);
}

static const struct http_field add_body[] = {
    {"name", FIELD_STRING, true, 64, "the role's name"},
    {"description", FIELD_STRING, false, JA_TEXT_MAX, "what it is for"},
    {"inherits", FIELD_STRINGS, false, 64, "roles whose permissions it has too"},
    {NULL},
};
static const struct http_field describe_body[] = {
    {"description", FIELD_STRING, true, JA_TEXT_MAX, "what it is for; empty: none"},
    {NULL},
};
static const struct http_field permit_body[] = {
    {"resource", FIELD_STRING, false, JA_RESOURCE_MAX, "only on resources that match, as tenant/42/*"},
    {NULL},
};
static const struct http_field grant_body[] = {
    {"for", FIELD_STRING, false, 16, "ends by itself after that long: 2h"},
    {"until", FIELD_STRING, false, 40, "ends then: RFC 3339, or a duration from now"},
    {NULL},
};
static const struct http_field page_query[] = {PAGE_FIELDS, {NULL}};
static const struct http_field forbid_body[] = {
    {"resource", FIELD_STRING, false, JA_RESOURCE_MAX, "the pattern that it was permitted on"},
    {NULL},
};
static const struct http_field can_query[] = {
    {"permission", FIELD_STRING, false, JA_PERMISSION_MAX, "the permission asked about"},
    {"resource", FIELD_STRING, false, JA_RESOURCE_MAX, "where"},
    {NULL},
};

#define ADMIN(method_, path_, fn, summary_) \
    .method = method_, .path = "/api/v1/" path_, .run = fn, .where = RUN_WORK, .flags = ROUTE_ADMIN, \
    .summary = summary_
#define GET_EXAMPLE .example = TARGET_AS_BEARER
#define PUT_EXAMPLE .example = "-X PUT " TARGET_AS_BEARER
#define DELETE_EXAMPLE .example = "-X DELETE " TARGET_AS_BEARER

const struct http_route route_roles[] = {
    {ADMIN(HTTP_GET, "roles", run_list, "List roles."), .query = page_query, .permission = "roles:read",
     .answer = "roles next", .codes = "forbidden", GET_EXAMPLE},
    {ADMIN(HTTP_POST, "roles", run_add, "Add a role."), .body = add_body,
     .permission = "roles:write, and all that it inherits", .answer = "role", .status = 201,
     .codes = "forbidden role_exists role_not_found invalid_role",
     .example = TARGET_AS_BEARER TARGET_JSON("{\"name\":\"helpdesk\",\"inherits\":[\"agent\"]}")},
    {ADMIN(HTTP_GET, "roles/{name}", run_show, "Show a role."), .permission = "roles:read", .answer = "role",
     .codes = "forbidden role_not_found", GET_EXAMPLE},
    {ADMIN(HTTP_PATCH, "roles/{name}", run_describe, "Change a role's description."), .body = describe_body,
     .permission = "roles:write", .answer = "role", .codes = "forbidden role_not_found invalid_description",
     .example = "-X PATCH " TARGET_AS_BEARER TARGET_JSON("{\"description\":\"first line\"}")},
    {ADMIN(HTTP_DELETE, "roles/{name}", run_delete, "Delete a role that nobody has."), .permission = "roles:write",
     .answer = "name deleted", .codes = "forbidden role_not_found role_in_use", DELETE_EXAMPLE},
    {ADMIN(HTTP_PUT, "roles/{name}/parents/{parent}", run_inherit, "Let a role have all that another one has."),
     .permission = "roles:write on both, and all that the parent gives", .answer = "role",
     .codes = "forbidden role_not_found role_cycle", PUT_EXAMPLE},
    {ADMIN(HTTP_DELETE, "roles/{name}/parents/{parent}", run_disinherit, "End an inheritance."),
     .permission = "roles:write on both", .answer = "role", .codes = "forbidden role_not_found not_inherited",
     DELETE_EXAMPLE},
    {ADMIN(HTTP_PUT, "roles/{name}/permissions/{permission}", run_permit, "Let a role permit something."),
     .body = permit_body, .query = permit_body,
     .permission = "roles:write, and the permission itself", .answer = "role",
     .codes = "forbidden role_not_found invalid_permission invalid_resource", PUT_EXAMPLE},
    {ADMIN(HTTP_DELETE, "roles/{name}/permissions/{permission}", run_forbid, "Take a permission from a role."),
     .body = forbid_body, .query = forbid_body, .permission = "roles:write", .answer = "role",
     .codes = "forbidden role_not_found not_permitted", DELETE_EXAMPLE},
    {ADMIN(HTTP_GET, "users/{id}/roles", run_grants, "List the roles that a user was granted."), .query = page_query,
     .permission = "roles:read", .answer = "grants next", .codes = "forbidden user_not_found", GET_EXAMPLE},
    {ADMIN(HTTP_PUT, "users/{id}/roles/{role}", run_grant, "Grant a role, for good or for a time."),
     .body = grant_body, .query = grant_body,
     .permission = "roles:write, and all that the role gives", .answer = "user role ends_at",
     .codes = "forbidden user_not_found role_not_found invalid_time",
     .example = "-X PUT " TARGET_AS_BEARER TARGET_JSON("{\"for\":\"2h\"}")},
    {ADMIN(HTTP_DELETE, "users/{id}/roles/{role}", run_revoke, "Take a role away."),
     .permission = "roles:write, and all that the role gives", .answer = "user role",
     .codes = "forbidden user_not_found not_granted last_administrator", DELETE_EXAMPLE},
    {ADMIN(HTTP_GET, "users/{id}/permissions", run_permissions, "List what a user may, and through which role."),
     .permission = "users:read", .answer = "permissions", .codes = "forbidden user_not_found", GET_EXAMPLE},
    {ADMIN(HTTP_GET, "users/{id}/can", run_can, "Tell whether a user may do something."), .query = can_query,
     .permission = "users:read", .answer = "ok role permission on",
     .codes = "forbidden user_not_found invalid_permission", GET_EXAMPLE},
    {0},
};
