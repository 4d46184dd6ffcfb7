#include "common/view/user_row.h"

#include "common/domain/role.h"

#include <assert.h>
#include <string.h>

static const struct row_field fields[] = {
    {"id", NULL, ROW_TEXT},
    {"username", "USER", ROW_TEXT},
    {"email", "EMAIL", ROW_TEXT},
    {"email_verified", NULL, ROW_BOOL},
    {"phone", NULL, ROW_TEXT},
    {"phone_verified", NULL, ROW_BOOL},
    {"name", "NAME", ROW_TEXT},
    {"first_name", NULL, ROW_TEXT},
    {"last_name", NULL, ROW_TEXT},
    {"company_name", NULL, ROW_TEXT},
    {"status", "STATUS", ROW_TEXT},
    {"is_active", NULL, ROW_BOOL},
    {"roles", "ROLES", ROW_LIST},
    {"mfa", "MFA", ROW_BOOL},
    {"created_at", NULL, ROW_TIME},
    {"updated_at", NULL, ROW_TIME},
    {"last_login", "LAST LOGIN", ROW_TIME},
    {"kind", NULL, ROW_TEXT},
    {"uid", "UID", ROW_INT},
    {"gid", NULL, ROW_INT},
    {"home", NULL, ROW_TEXT},
    {"shell", NULL, ROW_TEXT},
    {"adopted", NULL, ROW_BOOL},
    {"must_change_password", NULL, ROW_BOOL},
    {"valid_until", NULL, ROW_TIME},
    {"lock_at", NULL, ROW_TIME},
};
static_assert(sizeof fields / sizeof *fields == ROW_USER_FIELDS, "values and fields differ");

const struct row_type row_user = {"user", "users", fields, ROW_USER_FIELDS};
const struct row_type row_user_public = {"user", "users", fields, ROW_USER_PUBLIC};

enum ja_status ja_row_user_fill(struct ja_ctx *ctx, const struct ja_user *u, struct row_user_values *ret,
                             struct ja_error *err)
{
    enum ja_status st = ja_role_effective(ctx, u->id, &ret->roles, err);
    bool active = ja_user_live(u, ja_now(&ctx->clock));
    const struct row_value values[] = {
        ROW_T(u->id),
        ROW_T(u->username),
        ROW_T(u->email),
        ROW_N(u->email_verified_at != 0),
        ROW_T(u->phone),
        ROW_N(u->phone_verified_at != 0),
        ROW_T(u->full_name),
        ROW_T(u->first_name),
        ROW_T(u->last_name),
        ROW_T(u->company_name),
        ROW_T(ja_user_status_name(u->status)),
        ROW_N(active),
        ROW_L(&ret->roles),
        ROW_N(u->mfa),
        ROW_N(u->created_at),
        ROW_N(u->updated_at),
        ROW_N(u->last_login_at),
        ROW_T(u->kind == JA_USER_SERVICE ? "service" : "person"),
        ROW_N(u->uid),
        ROW_N(u->gid),
        ROW_T(u->home),
        ROW_T(u->shell),
        ROW_N(u->adopted),
        ROW_N(u->must_change),
        ROW_N(u->valid_until),
        ROW_N(u->lock_at),
    };

    static_assert(sizeof values == sizeof ret->v, "values and fields differ");
    if (st == JA_OK)
        memcpy(ret->v, values, sizeof ret->v);
    return st;
}

void ja_row_user_clear(struct row_user_values *values)
{
    ja_strlist_clear(&values->roles);
}

json_t *ja_row_user_json(struct ja_ctx *ctx, const struct row_type *type, const struct ja_user *user,
                         struct ja_error *err)
{
    struct row_user_values values = {0};
    json_t *ret = NULL;

    if (ja_row_user_fill(ctx, user, &values, err) == JA_OK) {
        ret = ja_row_json(type, values.v);
        if (!ret)
            (void)ja_fail_nomem(err);
    }
    ja_row_user_clear(&values);
    return ret;
}
