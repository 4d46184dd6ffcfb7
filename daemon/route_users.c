/* Accounts, by who may manage them. Whether the caller may is decided by the flows (caller.h of common/flow). */
#include "daemon/chores.h"
#include "daemon/page.h"
#include "daemon/prove.h"
#include "daemon/routes.h"
#include "daemon/server.h"
#include "daemon/target.h"

#include "common/base/text.h"
#include "common/domain/role.h"
#include "common/flow/account_flow.h"
#include "common/flow/look_flow.h"
#include "common/flow/session_flow.h"
#include "common/view/session_row.h"
#include "common/view/user_row.h"

#include <string.h>

#define ROLES_MAX 64

static enum ja_status answer_user(struct http_call *call, const struct ja_user *u, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user, u, err);

    return user ? http_data(call, json_pack("{s:o}", "user", user), err) : err->status;
}

/* ---- list, show ---- */

static enum ja_status put_user(void *arg, const struct ja_user *u)
{
    struct page *p = arg;
    struct row_user_values values = {0};
    enum ja_status st = ja_row_user_fill(p->call->ctx, u, &values, p->err);

    if (st == JA_OK)
        st = page_add(p, values.v);
    ja_row_user_clear(&values);
    return st;
}

static enum ja_status run_list(struct http_call *call, struct ja_error *err)
{
    struct ja_user_filter f = {.status = http_query(call, "status"), .role = http_query(call, "role"),
                               .kind = http_query(call, "kind")};
    enum ja_user_status ignored = JA_USER_PENDING;
    struct page p;
    enum ja_status st = page_begin(call, &row_user, &p, err);

    if (st == JA_OK && f.status && !ja_user_status_parse(f.status, &ignored))
        st = ja_fail(err, JA_ERR_INVALID, "invalid_status", "status is pending, active, locked or disabled");
    if (st == JA_OK && f.kind && strcmp(f.kind, "person") != 0 && strcmp(f.kind, "service") != 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_kind", "kind is person or service");
    f.limit = page_want(&p);
    f.after = p.after;
    if (st == JA_OK)
        st = ja_look_users(call->ctx, &f, put_user, &p, err);
    return page_end(&p, st);
}

static enum ja_status run_show(struct http_call *call, struct ja_error *err)
{
    char name[TARGET_MAX];
    struct ja_user u = {0};
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = ja_look_user(call->ctx, name, &u, err);
    if (st == JA_OK)
        st = answer_user(call, &u, err);
    ja_user_clear(&u);
    return st;
}

/* ---- add, modify ---- */

struct given {
    struct ja_user_spec spec;
    const char *roles[ROLES_MAX];
    struct ja_secret password;
};

static enum ja_status read_roles(const struct http_call *call, struct given *g, struct ja_error *err)
{
    const json_t *roles = json_object_get(call->body, "roles"), *item;
    size_t i;

    if (json_array_size(roles) > ROLES_MAX)
        return ja_fail(err, JA_ERR_INVALID, "too_many_roles", "more than %d roles at once", ROLES_MAX);
    json_array_foreach(roles, i, item)
        g->roles[g->spec.nroles++] = json_string_value(item);
    g->spec.roles = g->roles;
    return JA_OK;
}

static enum ja_status read_until(const struct http_call *call, struct given *g, struct ja_error *err)
{
    const char *text = http_text(call, "valid_until");

    if (!text)
        return JA_OK;
    if (!*text)
        g->spec.valid_until = -1; /* takes an end away */
    else if (!ja_parse_when(text, ja_now(&call->ctx->clock), &g->spec.valid_until))
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "valid_until is RFC 3339, a duration from now, or empty");
    return JA_OK;
}

/* 0, that is not given, is also what root has: given, it is out of range. */
static int64_t read_id(const struct http_call *call, const char *name)
{
    int64_t id = http_int(call, name, 0);

    return id == 0 && json_object_get(call->body, name) ? -1 : id;
}

static enum ja_status read_given(const struct http_call *call, struct given *g, struct ja_error *err)
{
    const char *password = http_text(call, "password");
    enum ja_status st;

    g->spec = (struct ja_user_spec){
        .username = http_text(call, "username"),
        .email = http_text(call, "email"),
        .phone = http_text(call, "phone"),
        .full_name = http_text(call, "name"),
        .first_name = http_text(call, "first_name"),
        .last_name = http_text(call, "last_name"),
        .company_name = http_text(call, "company_name"),
        .home = http_text(call, "home"),
        .shell = http_text(call, "shell"),
        .uid = read_id(call, "uid"),
        .gid = read_id(call, "gid"),
        .service = http_bool(call, "service", false),
    };
    st = read_roles(call, g, err);
    if (st == JA_OK)
        st = read_until(call, g, err);
    if (st == JA_OK && password)
        st = ja_secret_from(&g->password, password, strlen(password), err);
    if (st == JA_OK && password)
        g->spec.password = &g->password;
    return st;
}

static enum ja_status run_add(struct http_call *call, struct ja_error *err)
{
    bool invite = http_bool(call, "invite", false);
    struct ja_policy_report report = {0};
    struct given g = {0};
    struct ja_sent sent = {0};
    struct ja_user u = {0};
    enum ja_status st = read_given(call, &g, err);

    if (st == JA_OK && invite && (g.spec.password || g.spec.service))
        st = ja_fail(err, JA_ERR_INVALID, "invalid_request", "an invitation goes to a person, who chooses the password");
    if (st == JA_OK)
        st = invite ? ja_account_invite(call->ctx, &g.spec, &u, &sent, err)
                    : ja_account_add(call->ctx, &g.spec, &report, &u, err);
    prove_details(call, &report);
    if (st == JA_OK)
        st = answer_user(call, &u, err);
    if (st == JA_OK)
        st = http_created(call, "/api/v1/users/", u.id, err);
    if (sent.message[0])
        chores_poke(call->server->chores);
    ja_secret_clear(&g.password);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_modify(struct http_call *call, struct ja_error *err)
{
    char name[TARGET_MAX];
    struct given g = {0};
    struct ja_user u = {0};
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = read_given(call, &g, err);
    if (st == JA_OK && json_object_size(call->body) == 0)
        st = ja_fail(err, JA_ERR_INVALID, "missing_field", "nothing to change was given");
    if (st == JA_OK)
        st = ja_account_modify(call->ctx, name, &g.spec, &u, err);
    if (st == JA_OK)
        st = answer_user(call, &u, err);
    ja_user_clear(&u);
    return st;
}

/* ---- state ---- */

static json_t *cut_json(const struct ja_cut *cut)
{
    return json_pack("{s:I,s:I,s:b,s:I,s:I}", "sessions", (json_int_t)cut->sessions, "refresh_tokens",
                     (json_int_t)cut->reach.refresh_tokens, "access_tokens", (int)cut->access_tokens, "ssh_keys",
                     (json_int_t)cut->reach.ssh_keys, "api_keys", (json_int_t)cut->reach.api_keys);
}

static enum ja_status answer_state(struct http_call *call, const char *name, const struct ja_cut *cut,
                                   struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(call->ctx, name, &u, err);

    if (st == JA_OK)
        st = http_data(call, json_pack("{s:s,s:s,s:o}", "username", u.username, "status",
                                       ja_user_status_name(u.status), "cut", cut ? cut_json(cut) : json_null()), err);
    ja_user_clear(&u);
    return st;
}

static enum ja_status run_lock(struct http_call *call, struct ja_error *err)
{
    const char *at = http_text(call, "at");
    char name[TARGET_MAX];
    struct ja_cut cut = {0};
    int64_t when = 0;
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK && at && !ja_parse_when(at, ja_now(&call->ctx->clock), &when))
        st = ja_fail(err, JA_ERR_INVALID, "invalid_time", "at is RFC 3339, or a duration from now");
    if (st == JA_OK)
        st = ja_account_lock(call->ctx, name, when, &cut, err);
    return st == JA_OK ? answer_state(call, name, &cut, err) : st;
}

static enum ja_status run_disable(struct http_call *call, struct ja_error *err)
{
    char name[TARGET_MAX];
    struct ja_cut cut = {0};
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = ja_account_disable(call->ctx, name, &cut, err);
    return st == JA_OK ? answer_state(call, name, &cut, err) : st;
}

static enum ja_status reopen(struct http_call *call, enum ja_status (*fn)(struct ja_ctx *, const char *, struct ja_error *),
                             struct ja_error *err)
{
    char name[TARGET_MAX];
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = fn(call->ctx, name, err);
    return st == JA_OK ? answer_state(call, name, NULL, err) : st;
}

static enum ja_status run_unlock(struct http_call *call, struct ja_error *err)
{
    return reopen(call, ja_account_unlock, err);
}

static enum ja_status run_enable(struct http_call *call, struct ja_error *err)
{
    return reopen(call, ja_account_enable, err);
}

static enum ja_status run_delete(struct http_call *call, struct ja_error *err)
{
    char name[TARGET_MAX];
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = ja_account_delete(call->ctx, name, err);
    return st == JA_OK ? http_data(call, json_pack("{s:s,s:b}", "username", name, "deleted", 1), err) : st;
}

/* ---- sessions ---- */

static enum ja_status put_session(void *arg, const struct ja_session *s)
{
    struct page *p = arg;
    const struct row_session_values values = ja_row_session(s, ja_now(&p->call->ctx->clock));

    return page_add(p, values.v);
}

static enum ja_status run_sessions(struct http_call *call, struct ja_error *err)
{
    struct ja_session_filter f = {.live_only = true};
    char name[TARGET_MAX];
    struct page p;
    enum ja_status st = page_begin(call, &row_session, &p, err);

    if (st == JA_OK)
        st = target_user(call, name, err);
    f.limit = page_want(&p);
    f.after = p.after;
    if (st == JA_OK)
        st = ja_look_sessions(call->ctx, name, &f, put_session, &p, err);
    return page_end(&p, st);
}

static enum ja_status run_end_sessions(struct http_call *call, struct ja_error *err)
{
    char name[TARGET_MAX];
    struct ja_user u = {0};
    int64_t count = 0;
    enum ja_status st = target_user(call, name, err);

    if (st == JA_OK)
        st = ja_look_user(call->ctx, name, &u, err);
    if (st == JA_OK)
        st = ja_session_close_user(call->ctx, u.id, "revoked", &count, err);
    ja_user_clear(&u);
    return st == JA_OK ? http_data(call, json_pack("{s:I}", "ended", (json_int_t)count), err) : st;
}

#define ACCOUNT_FIELDS \
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "the email address"}, \
    {"phone", FIELD_STRING, false, 64, "the phone number (E.164)"}, \
    {"name", FIELD_STRING, false, JA_TEXT_MAX, "the full name"}, \
    {"first_name", FIELD_STRING, false, JA_TEXT_MAX, "the first name"}, \
    {"last_name", FIELD_STRING, false, JA_TEXT_MAX, "the last name"}, \
    {"company_name", FIELD_STRING, false, JA_TEXT_MAX, "the company"}, \
    {"roles", FIELD_STRINGS, false, 64, "roles to grant"}, \
    {"uid", FIELD_INT, false, 0, "the uid; for who may everything"}, \
    {"gid", FIELD_INT, false, 0, "the gid; for who may everything"}, \
    {"home", FIELD_STRING, false, 1024, "the home folder; for who may everything"}, \
    {"shell", FIELD_STRING, false, 1024, "the login shell; for who may everything"}, \
    {"valid_until", FIELD_STRING, false, 40, "end of the account: RFC 3339, or a duration from now"}

static const struct http_field add_body[] = {
    {"username", FIELD_STRING, true, 64, "the user name"},
    ACCOUNT_FIELDS,
    {"password", FIELD_STRING, false, 4096, "the password"},
    {"service", FIELD_BOOL, false, 0, "a service account: no password, tokens only"},
    {"invite", FIELD_BOOL, false, 0, "pending until the person sets a password with what is sent"},
    {NULL},
};
static const struct http_field modify_body[] = {
    {"username", FIELD_STRING, false, 64, "another user name"},
    ACCOUNT_FIELDS,
    {NULL},
};
static const struct http_field lock_body[] = {
    {"at", FIELD_STRING, false, 40, "lock then: RFC 3339, or a duration from now"},
    {NULL},
};
static const struct http_field list_query[] = {
    PAGE_FIELDS,
    {"status", FIELD_STRING, false, 16, "only pending, active, locked or disabled ones"},
    {"role", FIELD_STRING, false, 64, "only those that were granted this role"},
    {"kind", FIELD_STRING, false, 16, "only person or service"},
    {NULL},
};
static const struct http_field page_query[] = {PAGE_FIELDS, {NULL}};

#define USERS "/api/v1/users"
#define ADMIN_ROUTE_ON(where_, method_, path_, fn, summary_) \
    .method = method_, .path = USERS path_, .run = fn, .where = where_, .flags = ROUTE_ADMIN, .summary = summary_
#define ADMIN_ROUTE(method_, path_, fn, summary_) ADMIN_ROUTE_ON(RUN_WORK, method_, path_, fn, summary_)
#define STATE_KEYS "username status cut"

const struct http_route route_users[] = {
    {ADMIN_ROUTE(HTTP_GET, "", run_list, "List users."), .query = list_query, .permission = "users:read",
     .answer = "users next", .codes = "forbidden invalid_limit", .example = TARGET_AS_BEARER},
    {ADMIN_ROUTE_ON(RUN_HASH, HTTP_POST, "", run_add, "Add a user."), .body = add_body,
     .permission = "users:write, and all that the roles give", .answer = "user", .status = 201,
     .codes = "forbidden username_taken email_taken local_user weak_password",
     .example = TARGET_AS_BEARER TARGET_JSON("{\"username\":\"bob\",\"email\":\"bob@example.org\",\"invite\":true}")},
    {ADMIN_ROUTE(HTTP_GET, "/{id}", run_show, "Show a user."), .permission = "users:read", .answer = "user",
     .codes = "forbidden user_not_found", .example = TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_PATCH, "/{id}", run_modify, "Change a user."), .body = modify_body,
     .permission = "users:write, and all that the account holds", .answer = "user",
     .codes = "forbidden user_not_found email_taken",
     .example = "-X PATCH " TARGET_AS_BEARER TARGET_JSON("{\"name\":\"Bob Builder\"}")},
    {ADMIN_ROUTE(HTTP_DELETE, "/{id}", run_delete, "Delete a user."),
     .permission = "users:write, and all that the account holds", .answer = "username deleted",
     .codes = "forbidden user_not_found last_administrator", .example = "-X DELETE " TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_POST, "/{id}/lock", run_lock, "Lock a user: sessions, tokens and keys end."), .body = lock_body,
     .permission = "users:write, and all that the account holds", .answer = STATE_KEYS,
     .codes = "forbidden user_not_found last_administrator", .example = "-X POST " TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_POST, "/{id}/unlock", run_unlock, "Unlock a user."),
     .permission = "users:write, and all that the account holds", .answer = STATE_KEYS,
     .codes = "forbidden user_not_found", .example = "-X POST " TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_POST, "/{id}/disable", run_disable, "Disable a user: sessions, tokens and keys end."),
     .permission = "users:write, and all that the account holds", .answer = STATE_KEYS,
     .codes = "forbidden user_not_found last_administrator", .example = "-X POST " TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_POST, "/{id}/enable", run_enable, "Enable a user again."),
     .permission = "users:write, and all that the account holds", .answer = STATE_KEYS,
     .codes = "forbidden user_not_found", .example = "-X POST " TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_GET, "/{id}/sessions", run_sessions, "List a user's live sessions."), .query = page_query,
     .permission = "sessions:read", .answer = "sessions next", .codes = "forbidden user_not_found",
     .example = TARGET_AS_BEARER},
    {ADMIN_ROUTE(HTTP_DELETE, "/{id}/sessions", run_end_sessions, "End a user's sessions."),
     .permission = "sessions:write", .answer = "ended", .codes = "forbidden user_not_found",
     .example = "-X DELETE " TARGET_AS_BEARER},
    {0},
};
