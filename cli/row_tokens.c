#include "cli/row_tokens.h"

#include "cli/output.h"
#include "cli/row_user.h"

#include <string.h>

enum ja_status row_tokens_answer(struct cli *cli, const struct ja_auth_tokens *t, struct ja_error *err)
{
    json_t *user;

    if (!cli->json) {
        cli_raw(cli, t->access.token, strlen(t->access.token));
        return JA_OK;
    }
    user = row_user_json(cli, &t->user, err);
    if (!user)
        return err->status;
    return cli_answer(cli,
                      json_pack("{s:s,s:s,s:s,s:I,s:s,s:o}", "access_token", t->access.token,
                                "refresh_token", (const char *)t->refresh.data, "token_type", "Bearer",
                                "expires_in", (json_int_t)(t->access.exp - t->access.iat), "session_id",
                                t->session.id, "user", user),
                      err);
}
