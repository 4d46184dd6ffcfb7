/* What callers may ask about themselves. */
#include "daemon/caller.h"
#include "daemon/routes.h"

#include "common/view/user_row.h"

static enum ja_status run_whoami(struct http_call *call, struct ja_error *err)
{
    const struct http_caller *c = &call->caller;
    const char *sid = json_string_value(json_object_get(c->claims, "sid"));
    json_t *user = json_null();

    if (!c->root && !(user = ja_row_user_json(call->ctx, &row_user_public, &c->user, err)))
        return err->status;
    return http_data(call,
                     json_pack("{s:s,s:o,s:s?,s:o}", "username", c->root ? "root" : c->user.username, "user", user,
                               "session_id", sid, "expires_at",
                               ja_json_time((int64_t)json_number_value(json_object_get(c->claims, "exp")))),
                     err);
}

const struct http_route route_own[] = {
    {.method = HTTP_GET,
     .path = "/api/v1/whoami",
     .run = run_whoami,
     .where = RUN_LOOP,
     .summary = "Tell who the caller is to jwtauth.",
     .answer = "username user session_id expires_at",
     .example = "--unix-socket /run/jwtauth/jwtauthd.sock"},
    {0},
};
