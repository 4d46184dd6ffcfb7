/* Passwords: forgotten, and changed. */
#include "daemon/caller.h"
#include "daemon/captcha.h"
#include "daemon/chores.h"
#include "daemon/later.h"
#include "daemon/prove.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include "common/flow/reset_flow.h"

#include <string.h>

static enum ja_status run_request(struct http_call *call, struct ja_error *err)
{
    const char *email = http_text(call, "email"), *phone = http_text(call, "phone");
    enum ja_status st;

    if (!email == !phone)
        return ja_fail(err, JA_ERR_INVALID, "missing_field", "give either email or phone");
    st = captcha_demand(call, err);
    if (st == JA_OK)
        st = later_letter(call, LATER_RESET, email, phone, err);
    if (st != JA_OK)
        return st;
    call->message = "If that is an account with a verified address, a message is on its way";
    return http_data(call, json_pack("{s:b}", "accepted", 1), err);
}

static enum ja_status read_proof(const struct http_call *call, struct ja_reset *r, struct ja_error *err)
{
    static const char *const names[] = {"username", "email", "phone"};
    const char *token = http_text(call, "token"), *code = http_text(call, "code");

    for (size_t i = 0; i < 3 && !r->name; i++)
        r->name = http_text(call, names[i]);
    if (!token == !(code && r->name))
        return ja_fail(err, JA_ERR_INVALID, "missing_field", "give the token, or a code with username, email or phone");
    r->code = !token;
    r->secret = token ? token : code;
    r->len = strlen(r->secret);
    return JA_OK;
}

static enum ja_status run_confirm(struct http_call *call, struct ja_error *err)
{
    const char *password = http_text(call, "new_password");
    struct ja_policy_report report = {0};
    struct ja_reset r = {0};
    struct ja_secret pw = {0};
    struct ja_user u = {0};
    enum ja_status st = read_proof(call, &r, err);

    if (st == JA_OK)
        st = ja_secret_from(&pw, password, strlen(password), err);
    if (st == JA_OK)
        st = ja_reset_confirm(call->ctx, &r, &pw, &report, &u, err);
    prove_details(call, &report);
    if (st == JA_OK) {
        chores_poke(call->server->chores);
        call->message = "The password is set; every session has ended";
        st = http_data(call, json_pack("{s:s}", "username", u.username), err);
    }
    ja_secret_clear(&pw);
    ja_user_clear(&u);
    return st;
}

/* The session that changes it goes on; every other one ends (R18). */
static enum ja_status run_change(struct http_call *call, struct ja_error *err)
{
    const char *password = http_text(call, "new_password");
    const char *session = json_string_value(json_object_get(call->caller.claims, "sid"));
    const struct ja_user *u = NULL;
    struct ja_policy_report report = {0};
    struct ja_secret pw = {0};
    enum ja_status st = caller_user(call, &u, err);

    if (st == JA_OK)
        st = prove_person(call, u->username, http_text(call, "old_password"), http_text(call, "otp"), JA_MFA_OFF, err);
    if (st == JA_OK)
        st = ja_secret_from(&pw, password, strlen(password), err);
    if (st == JA_OK)
        st = ja_account_password_change(call->ctx, u->username, &pw, session, &report, err);
    prove_details(call, &report);
    if (st == JA_OK) {
        chores_poke(call->server->chores);
        call->message = "The password is changed; every other session has ended";
        st = http_data(call, json_pack("{s:s}", "username", u->username), err);
    }
    ja_secret_clear(&pw);
    return st;
}

static const struct http_field request_body[] = {
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "a verified email address"},
    {"phone", FIELD_STRING, false, 64, "a verified phone number"},
    CAPTCHA_FIELD,
    {NULL},
};
static const struct http_field confirm_body[] = {
    {"token", FIELD_STRING, false, 128, "the token that was sent"},
    {"username", FIELD_STRING, false, 64, "with a code: whose it is"},
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "with a code: whose it is"},
    {"phone", FIELD_STRING, false, 64, "with a code: whose it is"},
    {"code", FIELD_STRING, false, 16, "the code that was sent"},
    {"new_password", FIELD_STRING, true, 4096, "the new password"},
    {NULL},
};
static const struct http_field change_body[] = {
    {"old_password", FIELD_STRING, true, 4096, "the current password"},
    {"new_password", FIELD_STRING, true, 4096, "the new one"},
    {"otp", FIELD_STRING, false, 64, "a verification code, where the configuration demands one"},
    {NULL},
};

const struct http_route route_password[] = {
    {.method = HTTP_POST,
     .path = "/api/v1/auth/password-reset",
     .run = run_request,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_LIMITED | ROUTE_CAPTCHA,
     .body = request_body,
     .summary = "Ask for a message that lets the password be set anew; the same answer always.",
     .answer = "accepted",
     .status = 202,
     .codes = "captcha_required too_many_attempts",
     .example = "-H 'Content-Type: application/json' -d '{\"email\":\"alice@example.org\"}'"},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/password-reset-confirm",
     .run = run_confirm,
     .where = RUN_HASH,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_LIMITED,
     .body = confirm_body,
     .summary = "Set a new password with what was sent.",
     .answer = "username",
     .codes = "invalid_token invalid_code weak_password",
     .example = "-H 'Content-Type: application/json' -d '{\"token\":\"...\",\"new_password\":\"...\"}'"},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/password-change",
     .run = run_change,
     .where = RUN_HASH,
     .flags = ROUTE_AUTH | ROUTE_LIMITED,
     .body = change_body,
     .summary = "Change the own password.",
     .answer = "username",
     .codes = "invalid_credentials otp_required weak_password not_a_user",
     .example = "-H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' "
                "-d '{\"old_password\":\"...\",\"new_password\":\"...\"}'"},
    {0},
};
