#include "common/flow/look_flow.h"

#include "common/flow/caller.h"

#include <stdio.h>

/* ---- accounts ---- */

enum ja_status ja_look_user(struct ja_ctx *ctx, const char *name, struct ja_user *ret, struct ja_error *err)
{
    return ja_caller_find(ctx, name, JA_MAY_SEE, ret, err);
}

enum ja_status ja_look_users(struct ja_ctx *ctx, const struct ja_user_filter *f, ja_user_fn fn, void *arg,
                             struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "users:read", NULL, err);

    return st == JA_OK ? ja_user_each(ctx, f, fn, arg, err) : st;
}

enum ja_status ja_look_permissions(struct ja_ctx *ctx, const char *name,
                                   enum ja_status (*fn)(void *arg, const struct ja_held_permission *p), void *arg,
                                   struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_SEE, &u, err);

    if (st == JA_OK)
        st = ja_permission_each(ctx, u.id, fn, arg, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_look_can(struct ja_ctx *ctx, const char *name, const char *permission, const char *resource,
                           bool *ret_held, struct ja_held_permission *ret, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_find(ctx, name, JA_MAY_SEE, &u, err);

    if (st == JA_OK)
        st = ja_permission_can(ctx, u.username, permission, resource, ret_held, ret, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_look_api_keys(struct ja_ctx *ctx, const char *name, const struct ja_api_key_filter *f,
                                ja_api_key_fn fn, void *arg, struct ja_error *err)
{
    struct ja_api_key_filter filter = *f;
    struct ja_user u = {0};
    enum ja_status st = name ? ja_caller_find(ctx, name, JA_MAY_SEE, &u, err) : ja_permit(ctx, "users:read", NULL, err);

    filter.user_id = name ? u.id : NULL;
    if (st == JA_OK)
        st = ja_api_key_each(ctx, &filter, fn, arg, err);
    ja_user_clear(&u);
    return st;
}

/* ---- sessions ---- */

enum ja_status ja_look_sessions(struct ja_ctx *ctx, const char *name, const struct ja_session_filter *f,
                                ja_session_fn fn, void *arg, struct ja_error *err)
{
    struct ja_session_filter filter = *f;
    struct ja_user u = {0};
    enum ja_status st = name ? ja_caller_find(ctx, name, JA_MAY_SEE_SESSIONS, &u, err)
                             : ja_permit(ctx, "sessions:read", NULL, err);

    filter.user_id = name ? u.id : NULL;
    if (st == JA_OK)
        st = ja_session_each(ctx, &filter, fn, arg, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_look_session(struct ja_ctx *ctx, const char *id, struct ja_session *ret, struct ja_error *err)
{
    struct ja_session s = {0};
    struct ja_user u = {0};
    enum ja_status st = ja_session_find(ctx, id, &s, err), may;

    (void)snprintf(u.id, sizeof u.id, "%s", s.user_id);
    (void)snprintf(u.username, sizeof u.username, "%s", s.username);
    may = st == JA_OK ? ja_caller_may(ctx, &u, JA_MAY_SEE_SESSIONS, err) : ja_permit(ctx, "sessions:read", NULL, err);
    if (st == JA_OK && may == JA_OK) {
        *ret = s;
        return JA_OK;
    }
    ja_session_clear(&s);
    return may == JA_OK ? st : may;
}

/* ---- roles ---- */

enum ja_status ja_look_role(struct ja_ctx *ctx, const char *name, struct ja_role *ret, struct ja_error *err)
{
    char resource[JA_RESOURCE_MAX + 1];
    enum ja_status st;

    (void)snprintf(resource, sizeof resource, "role/%s", name);
    st = ja_permit(ctx, "roles:read", resource, err);
    return st == JA_OK ? ja_role_find(ctx, name, ret, err) : st;
}

enum ja_status ja_look_roles(struct ja_ctx *ctx, const char *after, int64_t limit, ja_role_fn fn, void *arg,
                             struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "roles:read", NULL, err);

    return st == JA_OK ? ja_role_each(ctx, after, limit, fn, arg, err) : st;
}

enum ja_status ja_look_grants(struct ja_ctx *ctx, const char *name, const struct ja_grant_filter *f,
                              enum ja_status (*fn)(void *arg, const struct ja_grant *g), void *arg,
                              struct ja_error *err)
{
    struct ja_grant_filter filter = *f;
    struct ja_user u = {0};
    enum ja_status st = name ? ja_caller_find(ctx, name, JA_MAY_SEE_GRANTS, &u, err)
                             : ja_permit(ctx, "roles:read", NULL, err);

    filter.user_id = name ? u.id : NULL;
    if (st == JA_OK)
        st = ja_grant_each(ctx, &filter, fn, arg, err);
    ja_user_clear(&u);
    return st;
}

/* ---- the log, and what is counted, waits, signs ---- */

enum ja_status ja_look_audit(struct ja_ctx *ctx, const struct ja_audit_filter *f, ja_audit_fn fn, void *arg,
                             struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "audit:read", NULL, err);

    return st == JA_OK ? ja_audit_each(ctx, f, fn, arg, err) : st;
}

enum ja_status ja_look_audit_check(struct ja_ctx *ctx, const struct ja_audit_check *check,
                                   struct ja_audit_report *ret, struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "audit:read", NULL, err);

    return st == JA_OK ? ja_audit_inspect(ctx, check, ret, err) : st;
}

enum ja_status ja_look_throttle(struct ja_ctx *ctx, const struct ja_throttle_filter *f, ja_throttle_fn fn, void *arg,
                                struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "throttle:read", NULL, err);

    return st == JA_OK ? ja_throttle_each(ctx, f, fn, arg, err) : st;
}

enum ja_status ja_look_outbox(struct ja_ctx *ctx, const struct ja_outbox_filter *f, ja_outbox_fn fn, void *arg,
                              struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "outbox:read", NULL, err);

    return st == JA_OK ? ja_outbox_each(ctx, f, fn, arg, err) : st;
}

enum ja_status ja_look_keys(struct ja_ctx *ctx, ja_key_info_fn fn, void *arg, struct ja_error *err)
{
    enum ja_status st = ja_permit(ctx, "keys:read", NULL, err);

    return st == JA_OK ? ja_signing_key_each(ctx, fn, arg, err) : st;
}
