/* What callers may ask about themselves. */
#include "daemon/caller.h"
#include "daemon/prove.h"
#include "daemon/routes.h"

#include "common/view/user_row.h"

#include <string.h>

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

/* A screen locker's question: no session comes of it. By the kernel's word only, so that whoever has a token of somebody
 * cannot guess the password with it. */
static enum ja_status run_verify_password(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *user = NULL;
    const char *username = http_text(call, "username");
    enum ja_mfa_mode mfa = http_bool(call, "code_required", false) ? JA_MFA_ALWAYS : JA_MFA_AUTO;
    enum ja_status st = caller_user(call, &user, err);

    if (st == JA_OK && call->caller.kind != CALLER_PEER)
        return ja_fail(err, JA_ERR_FORBIDDEN, "local_only", "ask over the Unix socket, without a token");
    if (st == JA_OK && username && strcmp(username, user->username) != 0)
        return ja_fail(err, JA_ERR_FORBIDDEN, "wrong_user", "only the password of the caller's own user is proven");
    if (st == JA_OK)
        st = prove_person(call, user->username, http_text(call, "password"), http_text(call, "otp"), mfa, err);
    return st == JA_OK ? http_data(call, json_pack("{s:s}", "username", user->username), err) : st;
}

static const struct http_field verify_password_body[] = {
    {"username", FIELD_STRING, false, JA_USERNAME_MAX, "refused unless it is the caller's"},
    PROVE_FIELDS,
    {"code_required", FIELD_BOOL, false, 0, "a second factor is demanded of everybody"},
    {NULL},
};

const struct http_route route_own[] = {
    {.method = HTTP_POST,
     .path = "/api/v1/auth/verify-password",
     .run = run_verify_password,
     .where = RUN_HASH,
     .flags = ROUTE_AUTH,
     .body = verify_password_body,
     .summary = "Prove the own password (and code), as a screen locker does; no session is made.",
     .answer = "username",
     .codes = "invalid_credentials otp_required too_many_attempts busy local_only wrong_user not_a_user",
     .example = "--unix-socket /run/jwtauth/jwtauthd.sock -H 'Content-Type: application/json' "
                "-d '{\"password\":\"...\"}'"},
    {.method = HTTP_GET,
     .path = "/api/v1/whoami",
     .run = run_whoami,
     .where = RUN_LOOP,
     .summary = "Tell who the caller is to jwtauth.",
     .answer = "username user session_id expires_at",
     .example = "--unix-socket /run/jwtauth/jwtauthd.sock"},
    {0},
};
