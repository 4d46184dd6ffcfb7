#include "daemon/tokens_answer.h"

#include "common/view/user_row.h"
#include "daemon/cookies.h"
#include "daemon/metrics.h"
#include "daemon/server.h"

/* `user` is taken over. */
static enum ja_status answer(struct http_call *call, const struct ja_auth_tokens *t, json_t *data, json_t *user,
                             struct ja_error *err)
{
    enum ja_status st = http_data(call, data, err);

    if (st == JA_OK &&
        (json_object_set(data, "user", user) != 0 ||
         json_object_set_new(data, "session_id", json_string(t->session.id)) != 0 ||
         json_object_set_new(data, "expires_in", json_integer((json_int_t)(t->access.exp - t->access.iat))) != 0))
        st = ja_fail_nomem(err);
    json_decref(user);
    metrics_token(call->server->metrics);
    return st == JA_OK ? cookies_set(call, t, err) : st;
}

enum ja_status tokens_answer(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user_public, &t->user, err);

    if (!user)
        return err->status;
    return answer(call, t,
                  json_pack("{s:s,s:s,s:s,s:s}", "token", t->access.token, "access_token", t->access.token,
                            "refresh_token", (const char *)t->refresh.data, "token_type", "Bearer"),
                  user, err);
}

enum ja_status tokens_answer_cookies(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user_public, &t->user, err);

    return user ? answer(call, t, json_object(), user, err) : err->status;
}
