#include "common/flow/caller.h"

#include "common/domain/role.h"

#include <stdio.h>
#include <string.h>

#define EVERYTHING "*:*"
#define NOTHING_MORE ""

static const struct {
    const char *permission, *own;
    bool covered;
    const char *own_scope; /* where `own` is nothing more: what a narrowed token has to say all the same */
} rights[] = {
    [JA_MAY_CHANGE] = {"users:write", EVERYTHING, true, NULL},
    [JA_MAY_HAVE_ROLES] = {NOTHING_MORE, NOTHING_MORE, true, "roles:write"},
    [JA_MAY_FURNISH] = {"users:write", "profile:write", true, NULL},
    [JA_MAY_SEE] = {"users:read", "profile:read", false, NULL},
    [JA_MAY_SEE_GRANTS] = {"roles:read", "profile:read", false, NULL},
    [JA_MAY_SEE_SESSIONS] = {"sessions:read", NOTHING_MORE, false, "sessions:own"},
    [JA_MAY_END_SESSIONS] = {"sessions:write", NOTHING_MORE, false, "sessions:own"},
    [JA_MAY_ISSUE] = {"tokens:issue", NOTHING_MORE, true, "tokens:own"},
};

static enum ja_status permit_on(struct ja_ctx *ctx, const char *permission, const char *kind, const char *name,
                                struct ja_error *err)
{
    char resource[JA_RESOURCE_MAX + 1];

    (void)snprintf(resource, sizeof resource, "%s/%s", kind, name);
    return ja_permit(ctx, permission, resource, err);
}

/* What a role permits in the store is not all that it may open: require_role, rules and groups of the host go by its
 * name.  So each role of the account is one that the caller has too, or might give to anybody. */
static enum ja_status must_match_roles(struct ja_ctx *ctx, const char *actor_id, const struct ja_user *user,
                                       struct ja_error *err)
{
    struct ja_strlist theirs = {0}, ours = {0};
    enum ja_status st = ja_permit(ctx, "roles:write", NULL, err);

    if (st != JA_ERR_FORBIDDEN)
        return st; /* every role at once */
    st = ja_role_effective(ctx, user->id, &theirs, err);
    if (st == JA_OK)
        st = ja_role_effective(ctx, actor_id, &ours, err);
    for (size_t i = 0; st == JA_OK && i < theirs.len; i++) {
        if (ja_strlist_has(&ours, theirs.items[i]))
            continue;
        st = permit_on(ctx, "roles:write", "role", theirs.items[i], err);
        if (st == JA_ERR_FORBIDDEN)
            st = ja_fail(err, st, "forbidden", "%s has the role %.64s, which the caller neither has nor may give",
                         user->username, theirs.items[i]);
    }
    ja_strlist_clear(&theirs);
    ja_strlist_clear(&ours);
    return st;
}

static enum ja_status must_cover(struct ja_ctx *ctx, const char *actor_id, const struct ja_user *user,
                                 enum ja_right right, struct ja_error *err)
{
    bool covered = false;
    enum ja_status st = ja_permission_covers_user(ctx, actor_id, user->id, &covered, err);

    if (st == JA_OK && !covered)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "forbidden", "%s holds permissions that the caller does not hold",
                     user->username);
    if (st == JA_OK && right != JA_MAY_HAVE_ROLES) /* which gives nobody a way into the account */
        st = must_match_roles(ctx, actor_id, user, err);
    return st;
}

/* A person that no role was ever thought of for: added by an administrator, or imported. It has of its own account what
 * the role user has as it is made; whoever is to have less gets a role that gives less. */
static enum ja_status permit_own(struct ja_ctx *ctx, const struct ja_user *user, const char *permission,
                                 struct ja_error *err)
{
    struct ja_strlist roles = {0};
    enum ja_status st = permit_on(ctx, permission, "user", user->username, err);

    if (st != JA_ERR_FORBIDDEN || user->kind != JA_USER_PERSON || strncmp(permission, "profile:", 8) != 0)
        return st;
    if (ctx->actor.scope && !ja_scope_covers(ctx->actor.scope, permission))
        return st;
    st = ja_role_effective(ctx, user->id, &roles, err);
    if (st == JA_OK && roles.len > 0)
        st = ja_forbidden(err, permission);
    ja_strlist_clear(&roles);
    return st;
}

enum ja_status ja_caller_may(struct ja_ctx *ctx, const struct ja_user *user, enum ja_right right,
                             struct ja_error *err)
{
    char actor[JA_UUID_LEN + 1] = "";
    enum ja_status st = ja_actor_find(ctx, actor, err);
    bool own = strcmp(actor, user->id) == 0;
    const char *permission = own ? rights[right].own : rights[right].permission;

    if (st == JA_OK && actor[0] && permission[0])
        st = own ? permit_own(ctx, user, permission, err) : permit_on(ctx, permission, "user", user->username, err);
    else if (st == JA_OK && actor[0] && own && ctx->actor.scope && !ja_scope_covers(ctx->actor.scope, rights[right].own_scope))
        st = ja_forbidden(err, rights[right].own_scope);
    if (st == JA_OK && actor[0] && !own && rights[right].covered)
        st = must_cover(ctx, actor, user, right, err);
    return st;
}

enum ja_status ja_caller_find(struct ja_ctx *ctx, const char *name, enum ja_right right, struct ja_user *ret,
                              struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find(ctx, name, &u, err), may;

    if (st == JA_OK) {
        st = ja_caller_may(ctx, &u, right, err);
    } else if (rights[right].permission[0]) {
        may = ja_permit(ctx, rights[right].permission, NULL, err);
        st = may == JA_OK ? st : may;
    }
    if (st == JA_ERR_NOT_FOUND && name) /* two arguments that were swapped show */
        st = ja_fail(err, st, "user_not_found", "no such user (%s)", name);
    if (st == JA_OK)
        *ret = u;
    else
        ja_user_clear(&u);
    return st;
}

enum ja_status ja_caller_may_name(struct ja_ctx *ctx, const char *username, enum ja_right right,
                                  struct ja_error *err)
{
    return permit_on(ctx, rights[right].permission, "user", username, err);
}

enum ja_status ja_caller_may_all(struct ja_ctx *ctx, struct ja_error *err)
{
    return ja_permit(ctx, EVERYTHING, NULL, err);
}

enum ja_status ja_caller_may_role(struct ja_ctx *ctx, const char *role, struct ja_error *err)
{
    return permit_on(ctx, "roles:write", "role", role, err);
}

enum ja_status ja_caller_may_give(struct ja_ctx *ctx, const char *role, int64_t until, struct ja_error *err)
{
    char actor[JA_UUID_LEN + 1] = "";
    bool covered = false;
    enum ja_status st = ja_caller_may_role(ctx, role, err);

    if (st == JA_OK)
        st = ja_actor_find(ctx, actor, err);
    if (st != JA_OK || !actor[0])
        return st;
    st = ja_permission_covers_role(ctx, actor, until ? until : INT64_MAX, role, &covered, err);
    if (st == JA_OK && !covered)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "forbidden",
                     "the role %.64s gives what the caller does not hold, or not for as long", role);
    return st;
}
