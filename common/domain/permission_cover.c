/* Whether one holder has everything that another has, or that a role gives. */
#include "common/domain/column.h"
#include "common/domain/permission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct held {
    char permission[JA_PERMISSION_MAX + 1];
    char pattern[JA_RESOURCE_MAX + 1];
};
struct held_list {
    struct held *items;
    size_t len, room;
};

static enum ja_status add(struct held_list *l, struct ja_rows *rows, struct ja_error *err)
{
    struct held *p;

    if (l->len == l->room) {
        size_t room = l->room ? 2 * l->room : 16;

        p = reallocarray(l->items, room, sizeof *p);
        if (!p)
            return ja_fail_nomem(err);
        l->items = p;
        l->room = room;
    }
    p = &l->items[l->len];
    if (!ja_col_copy(rows, "permission", p->permission, sizeof p->permission) ||
        !ja_col_copy(rows, "pattern", p->pattern, sizeof p->pattern))
        return ja_fail(err, JA_ERR_CORRUPT, "store_damaged", "a permission in the store is too long");
    l->len++;
    return ja_rows_status(rows, err);
}

/* Ends `rows`. */
static enum ja_status collect(struct ja_rows *rows, enum ja_status st, struct held_list *l, struct ja_error *err)
{
    bool row = false;

    while (st == JA_OK && (st = ja_rows_next(rows, &row, err)) == JA_OK && row)
        st = add(l, rows, err);
    ja_rows_end(rows);
    return st;
}

#define GIVEN \
    "SELECT p.parent_id FROM role_parents p JOIN held h ON p.role_id = h.id) " \
    "SELECT DISTINCT p.permission AS permission, p.pattern AS pattern FROM held h " \
    "JOIN role_permissions p ON p.role_id = h.id"

/* What the user has now and keeps until then. */
static enum ja_status of_user(struct ja_ctx *ctx, const char *user_id, int64_t until, struct held_list *l,
                              struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(ctx->db,
                                    "WITH RECURSIVE held (id) AS (SELECT role_id FROM user_roles WHERE user_id = $1 "
                                    "AND (ends_at IS NULL OR (ends_at > $2 AND ends_at >= $3)) UNION " GIVEN,
                                    JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock)), JA_I(until)), &rows, err);

    return collect(rows, st, l, err);
}

static enum ja_status of_role(struct ja_ctx *ctx, const char *role, struct held_list *l, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    enum ja_status st = ja_db_query(
        ctx->db, "WITH RECURSIVE held (id) AS (SELECT id FROM roles WHERE name = $1 UNION " GIVEN,
        JA_BINDS(JA_T(role)), &rows, err);

    return collect(rows, st, l, err);
}

static bool has(const struct held_list *have, const struct held *wanted)
{
    size_t len = strlen(wanted->permission);

    for (size_t i = 0; i < have->len; i++)
        if (ja_permission_implies(have->items[i].permission, wanted->permission, len) &&
            ja_pattern_covers(have->items[i].pattern, wanted->pattern))
            return true;
    return false;
}

/* A right of the holder of the right alone: whoever may change an account reaches it anyway. */
static bool about_itself(const char *permission)
{
    return strncmp(permission, "profile:", 8) == 0 || strcmp(permission, "sessions:own") == 0;
}

/* A caller with a narrowed token has no more than that says: it would get the rest by another's password. */
static bool in_scope(const struct ja_ctx *ctx, const char *permission)
{
    return !ctx->actor.scope || about_itself(permission) || ja_scope_covers(ctx->actor.scope, permission);
}

static enum ja_status compare(struct ja_ctx *ctx, const char *holder_id, int64_t until,
                              const struct held_list *wanted, bool *ret, struct ja_error *err)
{
    struct held_list have = {0};
    bool all = true;
    enum ja_status st = of_user(ctx, holder_id, until, &have, err);

    for (size_t i = 0; st == JA_OK && all && i < wanted->len; i++)
        all = in_scope(ctx, wanted->items[i].permission) && has(&have, &wanted->items[i]);
    free(have.items);
    if (st == JA_OK)
        *ret = all;
    return st;
}

enum ja_status ja_permission_covers_user(struct ja_ctx *ctx, const char *holder_id, const char *user_id,
                                         bool *ret, struct ja_error *err)
{
    struct held_list wanted = {0};
    enum ja_status st = of_user(ctx, user_id, 0, &wanted, err);

    if (st == JA_OK)
        st = compare(ctx, holder_id, 0, &wanted, ret, err);
    free(wanted.items);
    return st;
}

enum ja_status ja_permission_covers(struct ja_ctx *ctx, const char *holder_id, int64_t until, const char *permission,
                                    bool *ret, struct ja_error *err)
{
    struct held wanted = {0};
    struct held_list list = {.items = &wanted, .len = 1};
    enum ja_status st = ja_permission_check(permission, NULL, false, err);

    if (st != JA_OK)
        return st;
    (void)snprintf(wanted.permission, sizeof wanted.permission, "%s", permission);
    return compare(ctx, holder_id, until, &list, ret, err);
}

enum ja_status ja_permission_covers_role(struct ja_ctx *ctx, const char *holder_id, int64_t until, const char *role,
                                         bool *ret, struct ja_error *err)
{
    struct held_list wanted = {0};
    enum ja_status st = of_role(ctx, role, &wanted, err);

    if (st == JA_OK)
        st = compare(ctx, holder_id, until, &wanted, ret, err);
    free(wanted.items);
    return st;
}
