#include "common/flow/role_flow.h"

#include "common/flow/account_internal.h"
#include "common/flow/caller.h"

#include <stdio.h>
#include <string.h>

#define ADMIN_ROLE "admin"
#define EVERYTHING "*:*"

/* ---- the last administrator: what holds before a change holds after it ---- */

struct admins {
    int64_t end; /* the last one's, ja_role_last_end */
    bool mighty; /* the role may do everything */
};

static enum ja_status count_admins(struct ja_ctx *ctx, struct admins *ret, struct ja_error *err)
{
    enum ja_status st = ja_role_last_end(ctx, ADMIN_ROLE, &ret->end, err);

    return st == JA_OK ? ja_role_carries(ctx, ADMIN_ROLE, EVERYTHING, &ret->mighty, err) : st;
}

static enum ja_status keep_admins(struct ja_ctx *ctx, const struct admins *before, struct ja_error *err)
{
    struct admins after = {0};
    enum ja_status st = count_admins(ctx, &after, err);

    if (st != JA_OK || (after.end >= before->end && after.mighty >= before->mighty))
        return st;
    return ja_fail(err, JA_ERR_CONFLICT, "last_administrator",
                   "no administrator would be left, or none as long as now: give another person the role " ADMIN_ROLE
                   " first, and let that role keep " EVERYTHING);
}

/* ---- one change ---- */

struct change {
    const char *role, *other; /* other: parent, permission or user */
    const char *pattern;
    int64_t ends_at;
    const char *const *parents; /* add */
    size_t nparents;
    json_t *detail;
};
typedef enum ja_status (*change_fn)(struct ja_ctx *ctx, struct change *c, struct ja_error *err);

static enum ja_status note(struct change *c, const char *key, json_t *value, struct ja_error *err)
{
    return value && json_object_set_new(c->detail, key, value) == 0 ? JA_OK : ja_fail_nomem(err);
}

static enum ja_status write_audit(struct ja_ctx *ctx, const char *action, const struct change *c, struct ja_error *err)
{
    char target[sizeof "role:" + 64];
    struct ja_audit_event ev = {.action = action, .target = target, .outcome = "success", .detail = c->detail};

    (void)snprintf(target, sizeof target, "role:%.64s", c->role);
    return ja_audit_write(ctx, &ev, err);
}

static enum ja_status run(struct ja_ctx *ctx, const char *action, change_fn fn, struct change *c, struct ja_error *err)
{
    struct admins before = {0};
    enum ja_status st = JA_OK;

    c->detail = json_object();
    if (!c->detail)
        return ja_fail_nomem(err);
    st = ja_db_begin(ctx->db, err);
    if (st == JA_OK) {
        st = ja_caller_may_role(ctx, c->role, err);
        if (st == JA_OK)
            st = count_admins(ctx, &before, err);
        if (st == JA_OK)
            st = fn(ctx, c, err);
        if (st == JA_OK)
            st = keep_admins(ctx, &before, err);
        if (st == JA_OK)
            st = write_audit(ctx, action, c, err);
        st = ja_tx_end(ctx, st, err);
    }
    json_decref(c->detail);
    return st;
}

/* ---- roles ---- */

static enum ja_status link_parent(struct ja_ctx *ctx, const char *name, const char *parent, struct ja_error *err)
{
    struct ja_role r = {0}, p = {0};
    bool changed = false;
    enum ja_status st = ja_caller_may_give(ctx, parent, 0, err);

    if (st == JA_OK)
        st = ja_role_find(ctx, name, &r, err);
    if (st == JA_OK)
        st = ja_role_find(ctx, parent, &p, err);
    return st == JA_OK ? ja_role_inherit(ctx, &r, &p, &changed, err) : st;
}

static enum ja_status do_add(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    json_t *list = json_array();
    enum ja_status st = list ? ja_role_add(ctx, c->role, c->other, err) : ja_fail_nomem(err);

    for (size_t i = 0; st == JA_OK && i < c->nparents; i++) {
        st = link_parent(ctx, c->role, c->parents[i], err);
        if (st == JA_OK && json_array_append_new(list, json_string(c->parents[i])) != 0)
            st = ja_fail_nomem(err);
    }
    if (st == JA_OK)
        return note(c, "inherits", list, err);
    json_decref(list);
    return st;
}

enum ja_status ja_role_add_flow(struct ja_ctx *ctx, const char *name, const char *description,
                                const char *const *parents, size_t nparents, struct ja_error *err)
{
    struct change c = {.role = name, .other = description, .parents = parents, .nparents = nparents};

    return run(ctx, "role.add", do_add, &c, err);
}

static enum ja_status do_describe(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    struct ja_role r = {0};
    enum ja_status st = ja_role_find(ctx, c->role, &r, err);

    if (st == JA_OK)
        st = ja_role_describe(ctx, &r, c->other, err);
    return st == JA_OK ? note(c, "description", json_string(c->other), err) : st;
}

enum ja_status ja_role_describe_flow(struct ja_ctx *ctx, const char *name, const char *description,
                                     struct ja_error *err)
{
    return run(ctx, "role.describe", do_describe, &(struct change){.role = name, .other = description}, err);
}

static enum ja_status do_delete(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    char text[500] = "";
    struct ja_role r = {0};
    struct ja_strlist users = {0};
    size_t len = 0, n = 0;
    enum ja_status st = ja_role_find(ctx, c->role, &r, err);

    if (st == JA_OK)
        st = ja_role_used_by(ctx, r.id, &users, err);
    n = users.len;
    for (size_t i = 0; i < n && len < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? ", " : "", users.items[i]);
    ja_strlist_clear(&users);
    if (st == JA_OK && n > 0)
        return ja_fail(err, JA_ERR_CONFLICT, "role_in_use", "the role %s is in use by %s%s", c->role, text,
                       n == 10 ? ", ..." : "");
    return st == JA_OK ? ja_role_drop(ctx, &r, err) : st;
}

enum ja_status ja_role_delete_flow(struct ja_ctx *ctx, const char *name, struct ja_error *err)
{
    return run(ctx, "role.delete", do_delete, &(struct change){.role = name}, err);
}

static enum ja_status do_inherit(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    enum ja_status st = link_parent(ctx, c->role, c->other, err);

    return st == JA_OK ? note(c, "parent", json_string(c->other), err) : st;
}

enum ja_status ja_role_inherit_flow(struct ja_ctx *ctx, const char *name, const char *parent, struct ja_error *err)
{
    return run(ctx, "role.inherit", do_inherit, &(struct change){.role = name, .other = parent}, err);
}

static enum ja_status do_disinherit(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    struct ja_role r = {0}, p = {0};
    bool changed = false;
    enum ja_status st = ja_role_find(ctx, c->role, &r, err);

    if (st == JA_OK)
        st = ja_role_find(ctx, c->other, &p, err);
    if (st == JA_OK)
        st = ja_role_disinherit(ctx, &r, &p, &changed, err);
    if (st == JA_OK && !changed)
        return ja_fail(err, JA_ERR_NOT_FOUND, "not_inherited", "the role %s does not inherit %s itself",
                       c->role, c->other);
    return st == JA_OK ? note(c, "parent", json_string(c->other), err) : st;
}

enum ja_status ja_role_disinherit_flow(struct ja_ctx *ctx, const char *name, const char *parent, struct ja_error *err)
{
    return run(ctx, "role.disinherit", do_disinherit, &(struct change){.role = name, .other = parent}, err);
}

/* ---- permissions ---- */

static enum ja_status note_permission(struct change *c, struct ja_error *err)
{
    enum ja_status st = note(c, "permission", json_string(c->other), err);

    return st == JA_OK && c->pattern ? note(c, "on", json_string(c->pattern), err) : st;
}

/* What the caller permits it holds everywhere and for good itself. */
static enum ja_status may_permit(struct ja_ctx *ctx, const char *permission, struct ja_error *err)
{
    char actor[JA_UUID_LEN + 1] = "";
    bool covered = false;
    enum ja_status st = ja_actor_find(ctx, actor, err);

    if (st != JA_OK || !actor[0])
        return st;
    st = ja_permission_covers(ctx, actor, INT64_MAX, permission, &covered, err);
    return st == JA_OK && !covered ? ja_forbidden(err, permission) : st;
}

static enum ja_status do_permit(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    struct ja_role r = {0};
    bool changed = false;
    enum ja_status st = ja_permission_check(c->other, c->pattern, true, err);

    if (st == JA_OK)
        st = ja_role_find(ctx, c->role, &r, err);
    if (st == JA_OK)
        st = may_permit(ctx, c->other, err);
    if (st == JA_OK)
        st = ja_role_permit(ctx, &r, c->other, c->pattern, &changed, err);
    return st == JA_OK ? note_permission(c, err) : st;
}

enum ja_status ja_role_permit_flow(struct ja_ctx *ctx, const char *name, const char *permission, const char *pattern,
                                   struct ja_error *err)
{
    return run(ctx, "role.permit", do_permit, &(struct change){.role = name, .other = permission, .pattern = pattern},
               err);
}

static enum ja_status do_forbid(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    struct ja_role r = {0};
    bool changed = false;
    enum ja_status st = ja_role_find(ctx, c->role, &r, err);

    if (st == JA_OK)
        st = ja_role_forbid(ctx, &r, c->other, c->pattern, &changed, err);
    if (st == JA_OK && !changed)
        return ja_fail(err, JA_ERR_NOT_FOUND, "not_permitted",
                       "the role %s does not permit that itself (authctl role show %s)", c->role, c->role);
    return st == JA_OK ? note_permission(c, err) : st;
}

enum ja_status ja_role_forbid_flow(struct ja_ctx *ctx, const char *name, const char *permission, const char *pattern,
                                   struct ja_error *err)
{
    return run(ctx, "role.forbid", do_forbid, &(struct change){.role = name, .other = permission, .pattern = pattern},
               err);
}

/* ---- grants ---- */

static enum ja_status note_grant(struct change *c, const struct ja_user *u, struct ja_error *err)
{
    enum ja_status st = note(c, "user", json_string(u->username), err);

    return st == JA_OK && c->ends_at ? note(c, "until", json_integer(c->ends_at), err) : st;
}

static enum ja_status do_grant(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_caller_may_give(ctx, c->role, c->ends_at, err);

    if (st == JA_OK && c->ends_at && c->ends_at <= ja_now(&ctx->clock))
        return ja_fail(err, JA_ERR_INVALID, "invalid_time", "a grant ends in the future");
    if (st == JA_OK)
        st = ja_caller_find(ctx, c->other, JA_MAY_HAVE_ROLES, &u, err);
    if (st == JA_OK)
        st = ja_role_grant(ctx, u.id, c->role, c->ends_at, err);
    if (st == JA_OK)
        st = note_grant(c, &u, err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_role_grant_in_tx(struct ja_ctx *ctx, const struct ja_user *u, const char *role, int64_t ends_at,
                                   bool unasked, struct ja_error *err)
{
    struct change c = {.role = role, .other = u->username, .ends_at = ends_at, .detail = json_object()};
    struct admins before = {0};
    enum ja_status st = c.detail ? JA_OK : ja_fail_nomem(err);

    if (st == JA_OK && !unasked)
        st = ja_caller_may_give(ctx, role, ends_at, err);
    if (st == JA_OK)
        st = count_admins(ctx, &before, err);
    if (st == JA_OK)
        st = ja_role_grant(ctx, u->id, role, ends_at, err);
    if (st == JA_OK)
        st = keep_admins(ctx, &before, err);
    if (st == JA_OK)
        st = note_grant(&c, u, err);
    if (st == JA_OK)
        st = write_audit(ctx, "role.grant", &c, err);
    json_decref(c.detail);
    return st;
}

enum ja_status ja_role_grant_flow(struct ja_ctx *ctx, const char *user, const char *role, int64_t ends_at,
                                  struct ja_error *err)
{
    return run(ctx, "role.grant", do_grant, &(struct change){.role = role, .other = user, .ends_at = ends_at}, err);
}

static enum ja_status do_revoke(struct ja_ctx *ctx, struct change *c, struct ja_error *err)
{
    struct ja_user u = {0};
    bool revoked = false;
    enum ja_status st = ja_caller_find(ctx, c->other, JA_MAY_HAVE_ROLES, &u, err);

    if (st == JA_OK)
        st = ja_role_revoke(ctx, u.id, c->role, &revoked, err);
    if (st == JA_OK && !revoked)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "not_granted", "%s does not have the role %s by a grant of its own",
                     u.username, c->role);
    if (st == JA_OK)
        st = note(c, "user", json_string(u.username), err);
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_role_revoke_flow(struct ja_ctx *ctx, const char *user, const char *role, struct ja_error *err)
{
    return run(ctx, "role.revoke", do_revoke, &(struct change){.role = role, .other = user}, err);
}
