#include "daemon/tokens_answer.h"

#include "common/view/user_row.h"
#include "daemon/metrics.h"
#include "daemon/server.h"

enum ja_status tokens_answer(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user_public, &t->user, err);

    if (!user)
        return err->status;
    metrics_token(call->server->metrics);
    return http_data(call,
                     json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:o}", "token", t->access.token, "access_token",
                               t->access.token, "refresh_token", (const char *)t->refresh.data, "token_type", "Bearer",
                               "expires_in", (json_int_t)(t->access.exp - t->access.iat), "session_id", t->session.id,
                               "user", user),
                     err);
}
