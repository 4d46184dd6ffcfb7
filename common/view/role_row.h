/* Roles, grants and permissions as authctl and the management routes show them. Values borrow. */
#ifndef JA_VIEW_ROLE_ROW_H
#define JA_VIEW_ROLE_ROW_H

#include "common/domain/role_admin.h"
#include "common/view/row.h"

#define ROW_ROLE_FIELDS 6
#define ROW_GRANT_FIELDS 8
#define ROW_PERMISSION_FIELDS 3

extern const struct row_type row_role, row_grant, row_permission;

struct row_role_values { struct row_value v[ROW_ROLE_FIELDS]; };
struct row_grant_values { struct row_value v[ROW_GRANT_FIELDS]; };
struct row_permission_values { struct row_value v[ROW_PERMISSION_FIELDS]; };

struct row_role_values ja_row_role(const struct ja_role *r, const struct ja_strlist *parents,
                                   const struct ja_strlist *permissions);
struct row_grant_values ja_row_grant(const struct ja_grant *g, int64_t now);
struct row_permission_values ja_row_permission(const struct ja_held_permission *p);

#endif
