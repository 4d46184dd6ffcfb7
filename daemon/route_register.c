/* From registration to a verified address. */
#include "daemon/captcha.h"
#include "daemon/chores.h"
#include "daemon/later.h"
#include "daemon/metrics.h"
#include "daemon/prove.h"
#include "daemon/routes.h"
#include "daemon/server.h"
#include "daemon/tokens_answer.h"

#include "common/domain/nss_export.h"
#include "common/flow/contact_flow.h"
#include "common/flow/session_flow.h"
#include "common/view/user_row.h"

#include <string.h>

/* ---- register ---- */

static struct ja_user_spec read_spec(const struct http_call *call, const struct ja_secret *password)
{
    const char *name = http_text(call, "name");

    return (struct ja_user_spec){
        .username = http_text(call, "username"),
        .email = http_text(call, "email"),
        .phone = http_text(call, "phone"),
        .full_name = name ? name : http_text(call, "full_name"),
        .first_name = http_text(call, "first_name"),
        .last_name = http_text(call, "last_name"),
        .company_name = http_text(call, "company_name"),
        .password = password,
    };
}

/* Nothing is to be verified: who registered is logged in. */
static enum ja_status with_tokens(struct http_call *call, const struct ja_user *u, struct ja_error *err)
{
    const struct ja_auth_request req = {.user = u->username, .service = "jwtauthd", .source = call->source,
                                        .local_uid = call->on_unix ? (int64_t)call->peer_uid : 0,
                                        .user_agent = call->user_agent};
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_auth_tokens tokens = {0};
    struct ja_auth *auth = NULL;
    bool wants_code = false;
    enum ja_status st = ja_auth_begin(call->ctx, &req, &auth, err);

    if (st == JA_OK)
        st = prove_converse(auth, http_text(call, "password"), NULL, &wants_code, err);
    if (st == JA_OK && !wants_code)
        st = ja_auth_finish_session(auth, NULL, &tokens, &result, err);
    if (st == JA_OK && result.verdict == JA_ALLOW)
        st = tokens_answer(call, &tokens, err);
    ja_auth_tokens_clear(&tokens);
    ja_auth_free(auth);
    return st;
}

/* What the account has, or would have: the answer is the same for an address that is taken. */
static enum ja_status show_default_roles(const struct http_call *call, json_t *user, struct ja_error *err)
{
    const struct ja_strlist *roles = &call->ctx->cfg->registration.default_roles;
    json_t *list = json_array();

    for (size_t i = 0; list && i < roles->len; i++)
        (void)json_array_append_new(list, json_string(roles->items[i]));
    return json_object_set_new(user, "roles", list) == 0 ? JA_OK : ja_fail_nomem(err);
}

static enum ja_status answer_registered(struct http_call *call, const struct ja_user *u, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user_public, u, err);
    enum ja_status st = user ? JA_OK : err->status;

    if (st == JA_OK && call->ctx->cfg->registration.conceal)
        st = show_default_roles(call, user, err);
    if (st == JA_OK && u->status == JA_USER_ACTIVE)
        st = with_tokens(call, u, err);
    if (st == JA_OK && !call->data)
        st = http_data(call, json_object(), err);
    if (st == JA_OK && (json_object_set(call->data, "user", user) != 0 ||
                        json_object_set_new(call->data, "user_id", json_string(u->id)) != 0))
        st = ja_fail_nomem(err);
    json_decref(user);
    return st;
}

static void show_names(struct ja_ctx *ctx, struct server *server, const void *arg)
{
    (void)server, (void)arg;
    ja_nss_export_release(ctx);
}

/* The public list of users is written anew for whoever is really new, which takes its time. */
static enum ja_status hide_names(struct http_call *call, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!call->ctx->cfg->registration.conceal)
        return JA_OK;
    st = http_after(call, show_names, "", 1, err);
    if (st == JA_OK)
        ja_nss_export_hold(call->ctx);
    return st;
}

static enum ja_status run_register(struct http_call *call, struct ja_error *err)
{
    const char *password = http_text(call, "password");
    struct ja_policy_report report = {0};
    struct ja_secret pw = {0};
    struct ja_user_spec spec;
    struct ja_user u = {0};
    struct ja_sent sent[2];
    size_t nsent = 0;
    enum ja_status st = captcha_demand(call, err);

    if (st == JA_OK)
        st = hide_names(call, err);
    if (st == JA_OK && password)
        st = ja_secret_from(&pw, password, strlen(password), err);
    spec = read_spec(call, password ? &pw : NULL);
    if (st == JA_OK)
        st = ja_account_register(call->ctx, &spec, false, &report, &u, sent, &nsent, err);
    if (st == JA_OK)
        st = answer_registered(call, &u, err);
    if (st == JA_OK) /* the same for everybody: it tells nothing of whether the account is there */
        st = http_created(call, "/api/v1/auth/profile", NULL, err);
    else
        prove_details(call, &report);
    if (nsent > 0)
        chores_poke(call->server->chores);
    ja_secret_clear(&pw);
    ja_user_clear(&u);
    return st;
}

/* ---- verify ---- */

static enum ja_status answer_user(struct http_call *call, const struct ja_user *u, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user_public, u, err);

    chores_poke(call->server->chores); /* a former address may have been told */
    return user ? http_data(call, json_pack("{s:o}", "user", user), err) : err->status;
}

static enum ja_status run_verify(struct http_call *call, struct ja_error *err)
{
    const char *token = http_text(call, "token"), *name = http_text(call, "username"), *code = http_text(call, "code");
    struct ja_user u = {0};
    enum ja_status st;

    if (!token == !(name && code))
        return ja_fail(err, JA_ERR_INVALID, "missing_field", "give the token, or username and code");
    st = token ? ja_contact_confirm_token(call->ctx, NULL, token, strlen(token), &u, err)
               : ja_contact_confirm_code(call->ctx, name, code, strlen(code), &u, err);
    if (st == JA_OK)
        st = answer_user(call, &u, err);
    ja_user_clear(&u);
    return st;
}

/* The same answer always. */
static enum ja_status run_resend(struct http_call *call, struct ja_error *err)
{
    const char *email = http_text(call, "email"), *phone = http_text(call, "phone");
    enum ja_status st;

    if (!email == !phone)
        return ja_fail(err, JA_ERR_INVALID, "missing_field", "give either email or phone");
    st = later_letter(call, LATER_RESEND, email, phone, err);
    if (st != JA_OK)
        return st;
    call->message = "If there is something to verify, a message is on its way";
    return http_data(call, json_pack("{s:b}", "accepted", 1), err);
}

static const struct http_field register_body[] = {
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "an email address"},
    {"phone", FIELD_STRING, false, 64, "a phone number (E.164)"},
    {"password", FIELD_STRING, true, 4096, "the password"},
    {"username", FIELD_STRING, false, 64, "a user name; derived from the email address when not given"},
    {"name", FIELD_STRING, false, JA_TEXT_MAX, "the full name"},
    {"full_name", FIELD_STRING, false, JA_TEXT_MAX, "the same"},
    {"first_name", FIELD_STRING, false, JA_TEXT_MAX, "the first name"},
    {"last_name", FIELD_STRING, false, JA_TEXT_MAX, "the last name"},
    {"company_name", FIELD_STRING, false, JA_TEXT_MAX, "the company"},
    CAPTCHA_FIELD,
    {NULL},
};
static const struct http_field verify_body[] = {
    {"token", FIELD_STRING, false, 128, "the token that was sent"},
    {"username", FIELD_STRING, false, 64, "with a code: whose it is"},
    {"code", FIELD_STRING, false, 16, "the code that was sent"},
    {NULL},
};
static const struct http_field resend_body[] = {
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "the email address to verify"},
    {"phone", FIELD_STRING, false, 64, "the phone number to verify"},
    {NULL},
};

#define JSON_EXAMPLE(body) "-H 'Content-Type: application/json' -d '" body "'"

const struct http_route route_register[] = {
    {.method = HTTP_POST,
     .path = "/api/v1/auth/register",
     .run = run_register,
     .where = RUN_HASH,
     .closed = ja_account_register_open,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_LIMITED | ROUTE_CAPTCHA,
     .body = register_body,
     .summary = "Register an account.",
     .answer = "user_id user",
     .status = 201,
     .codes = "registration_closed captcha_required email_taken phone_taken username_taken weak_password invalid_email",
     .example = JSON_EXAMPLE("{\"email\":\"alice@example.org\",\"password\":\"...\"}")},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/verify-email",
     .run = run_verify,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_LIMITED,
     .body = verify_body,
     .summary = "Prove an email address by what was sent to it.",
     .answer = "user",
     .codes = "invalid_token invalid_code email_taken",
     .example = JSON_EXAMPLE("{\"token\":\"...\"}")},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/verify-phone",
     .run = run_verify,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_LIMITED,
     .body = verify_body,
     .summary = "Prove a phone number by what was sent to it.",
     .answer = "user",
     .codes = "invalid_token invalid_code phone_taken",
     .example = JSON_EXAMPLE("{\"username\":\"alice\",\"code\":\"123456\"}")},
    {.method = HTTP_POST,
     .path = "/api/v1/auth/resend-verification",
     .run = run_resend,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH | ROUTE_PUBLIC | ROUTE_LIMITED,
     .body = resend_body,
     .summary = "Send what proves an address again; the same answer always.",
     .answer = "accepted",
     .status = 202,
     .codes = "too_many_attempts",
     .example = JSON_EXAMPLE("{\"email\":\"alice@example.org\"}")},
    {0},
};
