#include "common/view/role_row.h"

#include <assert.h>

static const struct row_field role_fields[] = {
    {"id", NULL, ROW_TEXT},
    {"name", "ROLE", ROW_TEXT},
    {"inherits", "INHERITS", ROW_LIST},
    {"permissions", "PERMISSIONS", ROW_LIST},
    {"description", "DESCRIPTION", ROW_TEXT},
    {"created_at", NULL, ROW_TIME},
};
const struct row_type row_role = {"role", "roles", role_fields, ROW_ROLE_FIELDS};

static const struct row_field grant_fields[] = {
    {"id", NULL, ROW_TEXT},
    {"user_id", NULL, ROW_TEXT},
    {"username", "USER", ROW_TEXT},
    {"role", "ROLE", ROW_TEXT},
    {"granted_by", "GRANTED BY", ROW_TEXT},
    {"granted_at", "GRANTED", ROW_TIME},
    {"ends_at", "ENDS", ROW_TIME},
    {"ended", "ENDED", ROW_BOOL},
};
const struct row_type row_grant = {"grant", "grants", grant_fields,
                                          ROW_GRANT_FIELDS};

static const struct row_field permission_fields[] = {
    {"permission", "PERMISSION", ROW_TEXT},
    {"on", "ON", ROW_TEXT},
    {"role", "THROUGH", ROW_TEXT},
};
const struct row_type row_permission = {"permission", "permissions", permission_fields,
                                               ROW_PERMISSION_FIELDS};

static_assert(sizeof role_fields / sizeof *role_fields == ROW_ROLE_FIELDS, "values and fields differ");
static_assert(sizeof grant_fields / sizeof *grant_fields == ROW_GRANT_FIELDS, "values and fields differ");
static_assert(sizeof permission_fields / sizeof *permission_fields == ROW_PERMISSION_FIELDS, "values and fields differ");

static const char *or_null(const char *s)
{
    return s[0] ? s : NULL;
}

struct row_role_values ja_row_role(const struct ja_role *r, const struct ja_strlist *parents,
                                   const struct ja_strlist *permissions)
{
    return (struct row_role_values){{
        ROW_T(r->id),
        ROW_T(r->name),
        ROW_L(parents),
        ROW_L(permissions),
        ROW_T(or_null(r->description)),
        ROW_N(r->created_at),
    }};
}

struct row_grant_values ja_row_grant(const struct ja_grant *g, int64_t now)
{
    return (struct row_grant_values){{
        ROW_T(g->id),
        ROW_T(g->user_id),
        ROW_T(g->username),
        ROW_T(g->role),
        ROW_T(g->granted_by),
        ROW_N(g->granted_at),
        ROW_N(g->ends_at),
        ROW_N(g->ends_at && g->ends_at <= now),
    }};
}

struct row_permission_values ja_row_permission(const struct ja_held_permission *p)
{
    return (struct row_permission_values){{ROW_T(p->permission), ROW_T(or_null(p->pattern)), ROW_T(p->role)}};
}
