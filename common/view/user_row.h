/* The user object: the same keys wherever a user is shown (HTTP.md), and what administrators see beyond them. */
#ifndef JA_VIEW_USER_ROW_H
#define JA_VIEW_USER_ROW_H

#include "common/domain/ctx.h"
#include "common/domain/user.h"
#include "common/view/row.h"

#define ROW_USER_PUBLIC 17
#define ROW_USER_FIELDS 26

extern const struct row_type row_user;        /* authctl, management routes */
extern const struct row_type row_user_public; /* its first ROW_USER_PUBLIC fields: what the person sees over HTTP */

struct row_user_values {
    struct row_value v[ROW_USER_FIELDS];
    struct ja_strlist roles; /* owned */
};

/* Values borrow from `user`; roles are read from the store. ja_row_user_clear when done. */
enum ja_status ja_row_user_fill(struct ja_ctx *ctx, const struct ja_user *user, struct row_user_values *ret,
                                struct ja_error *err);
void ja_row_user_clear(struct row_user_values *values);
/* The user as a JSON object of `type`; NULL fills `err`. */
json_t *ja_row_user_json(struct ja_ctx *ctx, const struct row_type *type, const struct ja_user *user,
                         struct ja_error *err);

#endif
