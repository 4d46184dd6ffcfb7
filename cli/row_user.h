/* Users as answers of commands. */
#ifndef JA_CLI_ROW_USER_H
#define JA_CLI_ROW_USER_H

#include "cli/rows.h"
#include "common/view/user_row.h"

/* One user as the command's answer. */
enum ja_status row_user_answer(struct cli *cli, const struct ja_user *user, struct ja_error *err);
/* The user as a JSON object; NULL fills `err`. */
json_t *row_user_json(struct cli *cli, const struct ja_user *user, struct ja_error *err);

#endif
