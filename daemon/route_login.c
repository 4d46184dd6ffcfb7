/* Logging in, refreshing, logging out: the login state machine and the session flows over HTTP. */
#include "daemon/caller.h"
#include "daemon/captcha.h"
#include "daemon/cookies.h"
#include "daemon/metrics.h"
#include "daemon/prove.h"
#include "daemon/routes.h"
#include "daemon/server.h"
#include "daemon/tokens_answer.h"

#include "common/flow/session_flow.h"

#include <string.h>

static enum ja_status finish(struct http_call *call, struct ja_auth *auth, struct ja_error *err)
{
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_auth_tokens tokens = {0};
    bool wants_code = false;
    enum ja_status st = prove_converse(auth, http_text(call, "password"), http_text(call, "otp"), &wants_code, err);

    if (st == JA_OK && wants_code)
        result.reason = JA_REASON_CODE_REQUIRED;
    else if (st == JA_OK)
        st = ja_auth_finish_session(auth, NULL, &tokens, &result, err);
    if (st != JA_OK)
        return st;
    if (result.verdict == JA_ALLOW) {
        metrics_login(call->server->metrics, "success");
        st = tokens_answer(call, &tokens, err);
    } else {
        st = result.reason == JA_REASON_CAPTCHA ? captcha_refuse(call, err) : prove_refused(&result, err);
        metrics_login(call->server->metrics, err->code);
    }
    ja_auth_tokens_clear(&tokens);
    return st;
}

static enum ja_status run_login(struct http_call *call, struct ja_error *err)
{
    const char *email = http_text(call, "email"), *username = http_text(call, "username");
    struct ja_auth_request req = {
        .user = email ? email : username,
        .any_name = true,
        .service = "jwtauthd",
        .source = call->source,
        .local_uid = call->on_unix ? (int64_t)call->peer_uid : 0,
        .user_agent = call->user_agent,
        .captcha = captcha_mode(call),
    };
    struct ja_auth *auth = NULL;
    enum ja_status st;

    if (!email == !username)
        return ja_fail(err, JA_ERR_INVALID, "missing_field", "give either email or username");
    st = ja_auth_begin(call->ctx, &req, &auth, err);
    if (st == JA_OK && ja_auth_next(auth) != JA_NEXT_DONE) /* not blocked */
        st = captcha_demand(call, err);
    if (st == JA_OK)
        st = finish(call, auth, err);
    else if (st == JA_ERR_FORBIDDEN)
        metrics_login(call->server->metrics, err->code);
    ja_auth_free(auth);
    return st;
}

static enum ja_status run_refresh(struct http_call *call, struct ja_error *err)
{
    const char *refresh = http_text(call, "refresh_token");
    bool by_cookie = !refresh && cookies_on(call) && call->cookie;
    struct ja_auth_tokens tokens = {0};
    struct ja_secret cookie = {0};
    enum ja_status st = JA_OK;

    if (!refresh && !by_cookie)
        return ja_fail(err, JA_ERR_INVALID, "missing_field", "the field refresh_token is missing");
    if (by_cookie)
        st = cookies_refresh(call, &cookie, err);
    if (st == JA_OK)
        st = by_cookie ? ja_session_refresh(call->ctx, (const char *)cookie.data, cookie.len, &tokens, err)
                       : ja_session_refresh(call->ctx, refresh, strlen(refresh), &tokens, err);
    if (st == JA_OK)
        st = by_cookie ? tokens_answer_cookies(call, &tokens, err) : tokens_answer(call, &tokens, err);
    ja_secret_clear(&cookie);
    ja_auth_tokens_clear(&tokens);
    return st;
}

/* A token that is no longer good still names what to end; one that never was is refused. */
static enum ja_status run_logout(struct http_call *call, struct ja_error *err)
{
    const char *token = http_text(call, "token");
    bool by_cookie = !token && !call->authorization && cookies_on(call) && call->cookie, ended = false;
    struct ja_secret cookie = {0};
    enum ja_status st = JA_OK;

    if (by_cookie)
        st = cookies_refresh(call, &cookie, err);
    else if (!token && (st = caller_token(call, &token, err)) == JA_OK && !strchr(token, '.'))
        st = ja_fail(err, JA_ERR_DENIED, "malformed", "Invalid token"); /* a refresh token comes in the body */
    if (st == JA_OK)
        st = by_cookie ? ja_session_logout(call->ctx, (const char *)cookie.data, cookie.len, &ended, err)
                       : ja_session_logout(call->ctx, token, strlen(token), &ended, err);
    ja_secret_clear(&cookie);
    if (st == JA_OK)
        st = cookies_clear(call, err);
    return st == JA_OK ? http_data(call, json_pack("{s:b}", "ended", ended), err) : st;
}

static const struct http_field login_body[] = {
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "an email address or phone number"},
    {"username", FIELD_STRING, false, JA_EMAIL_MAX, "a user name"},
    {"password", FIELD_STRING, true, 4096, "the password"},
    {"otp", FIELD_STRING, false, 64, "a verification code, or a recovery code"},
    CAPTCHA_FIELD,
    {NULL},
};
static const struct http_field refresh_body[] = {
    {"refresh_token", FIELD_STRING, false, 512, "the refresh token; it is used up. With [http] cookies its cookie serves"},
    {NULL},
};
static const struct http_field logout_body[] = {
    {"token", FIELD_STRING, false, 8192, "an access or refresh token, instead of the bearer token"},
    {NULL},
};

const struct http_route route_login[] = {
    {.method = HTTP_POST,
     .path = "/api/v1/auth/login",
     .run = run_login,
     .where = RUN_HASH,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_CAPTCHA,
     .body = login_body,
     .summary = "Log in.",
     .answer = TOKENS_ANSWER,
     .codes = "invalid_credentials otp_required password_change_required captcha_required too_many_attempts busy",
     .example = "-H 'Content-Type: application/json' -d '{\"username\":\"alice\",\"password\":\"...\"}'"},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/refresh",
     .run = run_refresh,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_TOKEN,
     .body = refresh_body,
     .summary = "Exchange a refresh token for new tokens.",
     .answer = TOKENS_ANSWER,
     .codes = "invalid_refresh_token refresh_token_reused session_ended user_inactive csrf_failed too_many_attempts",
     .example = "-H 'Content-Type: application/json' -d '{\"refresh_token\":\"...\"}'"},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/logout",
     .run = run_logout,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_TOKEN,
     .body = logout_body,
     .summary = "End the session of a token, with its refresh and access tokens.",
     .answer = "ended",
     .codes = "no_credential bad_signature csrf_failed too_many_attempts",
     .example = "-X POST -H \"Authorization: Bearer $TOKEN\""},
    {0},
};
