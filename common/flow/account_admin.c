/* The last administrator stays (whoever asks, root too): the rule is against accidents.
 *
 * An administrator is an active person with the effective role `admin`.  What ends one, at once or at
 * a planned time, is refused unless another stays at least as long.  The caller's write
 * transaction is open: of two deletions at once the second sees what the first did.
 */
#include "common/domain/role.h"
#include "common/flow/account_internal.h"

#include <string.h>

#define ADMIN_ROLE "admin"

/* When it ends as planned by now; INT64_MAX: never. */
static int64_t planned_end(const struct ja_user *u)
{
    int64_t end = INT64_MAX;

    if (u->lock_at)
        end = u->lock_at;
    if (u->valid_until && u->valid_until < end)
        end = u->valid_until;
    return end;
}

static enum ja_status is_admin(struct ja_ctx *ctx, const struct ja_user *u, bool *ret,
                               struct ja_error *err)
{
    struct ja_strlist roles = {0};
    bool found = false;
    enum ja_status st = JA_OK;

    if (u->kind == JA_USER_PERSON && u->status == JA_USER_ACTIVE &&
        planned_end(u) > ja_now(&ctx->clock))
        st = ja_role_effective(ctx, u->id, &roles, err);
    for (size_t i = 0; st == JA_OK && i < roles.len; i++)
        found = found || strcmp(roles.items[i], ADMIN_ROLE) == 0;
    ja_strlist_clear(&roles);
    if (st == JA_OK)
        *ret = found;
    return st;
}

enum ja_status ja_admin_may_end(struct ja_ctx *ctx, const char *user_id, int64_t at,
                                struct ja_error *err)
{
    struct ja_user u = {0};
    bool concerned = true, other = false;
    enum ja_status st = ja_user_find_by_id(ctx, user_id, &u, err);

    if (st == JA_OK)
        st = is_admin(ctx, &u, &concerned, err);
    if (st == JA_OK && concerned && at < planned_end(&u)) {
        st = ja_role_held_by_other(ctx, ADMIN_ROLE, u.id, planned_end(&u), &other, err);
        if (st == JA_OK && !other)
            st = ja_fail(err, JA_ERR_CONFLICT, "last_administrator",
                         "%s is the last administrator: make another one first, with "
                         "authctl user modify NAME --role " ADMIN_ROLE,
                         u.username);
    }
    ja_user_clear(&u);
    return st;
}
