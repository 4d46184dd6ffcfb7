#include "cli/row_user.h"

enum ja_status row_user_answer(struct cli *cli, const struct ja_user *user, struct ja_error *err)
{
    struct row_user_values values = {0};
    enum ja_status st = ja_row_user_fill(&cli->ctx, user, &values, err);

    if (st == JA_OK)
        st = cli_record(cli, &row_user, values.v, err);
    ja_row_user_clear(&values);
    return st;
}

json_t *row_user_json(struct cli *cli, const struct ja_user *user, struct ja_error *err)
{
    return ja_row_user_json(&cli->ctx, &row_user, user, err);
}
