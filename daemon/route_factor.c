/* The own second factor. A token or a uid alone is not enough for any of it. */
#include "daemon/caller.h"
#include "daemon/chores.h"
#include "daemon/prove.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include "common/flow/account_flow.h"

#include <string.h>

/* Who is logged in half-way has no token; who has one still gives the password, and the code in force (R12). */
static enum ja_status prove_caller(struct http_call *call, const struct ja_user **ret, struct ja_error *err)
{
    enum ja_status st = caller_user(call, ret, err);

    return st == JA_OK ? prove_person(call, (*ret)->username, http_text(call, "password"), http_text(call, "otp"),
                                      JA_MFA_AUTO, err)
                       : st;
}

static enum ja_status answer_enrolment(struct http_call *call, const struct ja_totp *t, const char *username,
                                       struct ja_error *err)
{
    char label[JA_TOTP_LABEL_MAX];
    struct ja_secret uri = {0}, secret = {0};
    enum ja_status st;

    ja_totp_issuer_label(call->ctx->cfg, label);
    st = ja_totp_uri(t, label, username, &uri, err);
    if (st == JA_OK)
        st = ja_totp_base32(t, &secret, err);
    if (st == JA_OK)
        st = http_data(call, json_pack("{s:s,s:s}", "uri", (const char *)uri.data, "secret", (const char *)secret.data),
                       err);
    ja_secret_clear(&uri);
    ja_secret_clear(&secret);
    return st;
}

static enum ja_status run_enroll(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *u = NULL;
    struct ja_totp t = {0};
    enum ja_status st = prove_caller(call, &u, err);

    if (st == JA_OK)
        st = ja_account_totp_enroll(call->ctx, u->username, JA_TOTP_SHA1, 6, &t, err);
    if (st == JA_OK)
        st = answer_enrolment(call, &t, u->username, err);
    call->message = "Not in force until it is confirmed by a code";
    ja_totp_clear(&t);
    return st;
}

/* One code a line becomes an array. */
static enum ja_status answer_codes(struct http_call *call, const struct ja_secret *codes, struct ja_error *err)
{
    json_t *list = json_array();

    for (const char *p = (const char *)codes->data, *end; list && p && (end = strchr(p, '\n')); p = end + 1)
        if (json_array_append_new(list, json_stringn(p, (size_t)(end - p))) != 0) {
            json_decref(list);
            return ja_fail_nomem(err);
        }
    chores_poke(call->server->chores);
    call->message = "Keep the recovery codes: each is good once, and they are not shown again";
    return http_data(call, json_pack("{s:o}", "recovery_codes", list), err);
}

static enum ja_status run_confirm(struct http_call *call, struct ja_error *err)
{
    const char *code = http_text(call, "code");
    const struct ja_user *u = NULL;
    struct ja_secret codes = {0};
    enum ja_status st = prove_caller(call, &u, err);

    if (st == JA_OK)
        st = ja_account_totp_confirm(call->ctx, u->username, code, strlen(code), &codes, err);
    if (st == JA_OK)
        st = answer_codes(call, &codes, err);
    ja_secret_clear(&codes);
    return st;
}

static enum ja_status run_disable(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *u = NULL;
    enum ja_status st = prove_caller(call, &u, err);

    if (st == JA_OK)
        st = ja_account_totp_disable(call->ctx, u->username, err);
    if (st != JA_OK)
        return st;
    chores_poke(call->server->chores);
    return http_data(call, json_pack("{s:b}", "mfa", 0), err);
}

static enum ja_status run_codes(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *u = NULL;
    struct ja_secret codes = {0};
    enum ja_status st = prove_caller(call, &u, err);

    if (st == JA_OK)
        st = ja_account_recovery_regenerate(call->ctx, u->username, &codes, err);
    if (st == JA_OK)
        st = answer_codes(call, &codes, err);
    ja_secret_clear(&codes);
    return st;
}

static const struct http_field proof_body[] = {PROVE_FIELDS, {NULL}};
static const struct http_field confirm_body[] = {
    PROVE_FIELDS,
    {"code", FIELD_STRING, true, 16, "a code of the new authenticator"},
    {NULL},
};

#define PROVEN(more) \
    "-H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{\"password\":\"...\"" more "}'"

#define FACTOR(route_path, fn, fields, text, keys, own_codes, more) \
    {.method = HTTP_POST, .path = "/api/v1/auth/" route_path, .run = fn, .where = RUN_HASH, \
     .flags = ROUTE_AUTH | ROUTE_LIMITED, .body = fields, .summary = text, .answer = keys, \
     .codes = "invalid_credentials otp_required not_a_user" own_codes, .example = PROVEN(more)}

const struct http_route route_factor[] = {
    FACTOR("totp/enroll", run_enroll, proof_body, "Begin to enrol an authenticator.", "uri secret", " totp_exists",
           ""),
    FACTOR("totp/confirm", run_confirm, confirm_body, "Put the authenticator in force; gives the recovery codes, once.",
           "recovery_codes", " wrong_code code_replayed totp_not_found", ",\"code\":\"123456\""),
    FACTOR("totp/disable", run_disable, proof_body, "Take the own second factor away.", "mfa", " totp_not_found",
           ",\"otp\":\"123456\""),
    FACTOR("recovery-codes", run_codes, proof_body, "Make new recovery codes; the former ones end.", "recovery_codes",
           " totp_not_found", ",\"otp\":\"123456\""),
    {0},
};
