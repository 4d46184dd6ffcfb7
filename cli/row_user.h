/* The user object: the same keys wherever a user is shown (HTTP.md), and what authctl adds to them. */
#ifndef JA_CLI_ROW_USER_H
#define JA_CLI_ROW_USER_H

#include "cli/rows.h"
#include "common/domain/user.h"

#define ROW_USER_FIELDS 26

extern const struct row_type row_user;

struct row_user_values {
    struct row_value v[ROW_USER_FIELDS];
    struct ja_strlist roles; /* owned */
};

/* Values borrow from `user`; roles are read from the store. row_user_clear when done. */
enum ja_status row_user_fill(struct cli *cli, const struct ja_user *user,
                             struct row_user_values *ret, struct ja_error *err);
void row_user_clear(struct row_user_values *values);

/* One user as the command's answer. */
enum ja_status row_user_answer(struct cli *cli, const struct ja_user *user, struct ja_error *err);
/* The user as a JSON object; NULL fills `err`. */
json_t *row_user_json(struct cli *cli, const struct ja_user *user, struct ja_error *err);

#endif
