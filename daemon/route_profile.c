/* The own account and the own sessions. */
#include "daemon/caller.h"
#include "daemon/chores.h"
#include "daemon/prove.h"
#include "daemon/routes.h"
#include "daemon/server.h"

#include "common/base/text.h"
#include "common/flow/contact_flow.h"
#include "common/flow/look_flow.h"
#include "common/flow/session_flow.h"
#include "common/view/session_row.h"
#include "common/view/user_row.h"

#include <string.h>

static enum ja_status answer(struct http_call *call, const struct ja_user *u, struct ja_error *err)
{
    json_t *user = ja_row_user_json(call->ctx, &row_user_public, u, err);

    return user ? http_data(call, json_pack("{s:o}", "user", user), err) : err->status;
}

static enum ja_status run_show(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *own = NULL;
    struct ja_user u = {0};
    enum ja_status st = caller_user(call, &own, err);

    if (st == JA_OK)
        st = ja_look_user(call->ctx, own->username, &u, err);
    if (st == JA_OK)
        st = answer(call, &u, err);
    ja_user_clear(&u);
    return st;
}

/* A name that is given says something. */
static enum ja_status check_names(const struct http_call *call, struct ja_error *err)
{
    static const char *const names[] = {"name", "first_name", "last_name"};

    if (json_object_size(call->body) == 0)
        return ja_fail(err, JA_ERR_INVALID, "invalid_name", "nothing to change was given");
    for (size_t i = 0; i < 3; i++) {
        const char *s = http_text(call, names[i]);

        if (s && s[strspn(s, " ")] == 0)
            return ja_fail(err, JA_ERR_INVALID, "invalid_name", "%s is blank", names[i]);
    }
    return JA_OK;
}

/* Who reads what is sent to an address or a number can set the password: a new one takes more than a token. */
static enum ja_status prove_for_contact(struct http_call *call, const struct ja_user *own, struct ja_error *err)
{
    const char *password = http_text(call, "password");

    if (!http_text(call, "email") && !http_text(call, "phone"))
        return JA_OK;
    if (!password)
        return ja_fail(err, JA_ERR_INVALID, "missing_field",
                       "a new email address or phone number takes the password beside it");
    return prove_person(call, own->username, password, http_text(call, "otp"), JA_MFA_AUTO, err);
}

static enum ja_status run_change(struct http_call *call, struct ja_error *err)
{
    const struct ja_user_spec spec = {
        .full_name = http_text(call, "name"),
        .first_name = http_text(call, "first_name"),
        .last_name = http_text(call, "last_name"),
        .phone = http_text(call, "phone"),
        .email = http_text(call, "email"),
    };
    const struct ja_user *own = NULL;
    struct ja_user u = {0};
    struct ja_sent sent[2];
    size_t nsent = 0;
    enum ja_status st = caller_user(call, &own, err);

    if (st == JA_OK)
        st = check_names(call, err);
    if (st == JA_OK)
        st = prove_for_contact(call, own, err);
    if (st == JA_OK)
        st = ja_contact_profile(call->ctx, own->username, &spec, &u, sent, &nsent, err);
    if (st == JA_OK)
        st = answer(call, &u, err);
    if (nsent > 0) {
        chores_poke(call->server->chores);
        call->message = "A new address counts once it is verified";
    }
    ja_user_clear(&u);
    return st;
}

/* ---- sessions ---- */

struct listing {
    json_t *list;
    int64_t now;
};

static enum ja_status put(void *arg, const struct ja_session *s)
{
    struct listing *l = arg;
    const struct row_session_values values = ja_row_session(s, l->now);

    return json_array_append_new(l->list, ja_row_json(&row_session, values.v)) == 0 ? JA_OK : JA_ERR_NOMEM;
}

static enum ja_status run_sessions(struct http_call *call, struct ja_error *err)
{
    struct listing l = {json_array(), ja_now(&call->ctx->clock)};
    const struct ja_session_filter filter = {.live_only = true};
    const struct ja_user *own = NULL;
    enum ja_status st = caller_user(call, &own, err);

    if (st == JA_OK)
        st = ja_look_sessions(call->ctx, own->username, &filter, put, &l, err);
    if (st == JA_OK)
        return http_data(call, json_pack("{s:o}", "sessions", l.list), err);
    json_decref(l.list);
    return st;
}

static enum ja_status run_end(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *own = NULL;
    struct ja_session s = {0};
    bool ended = false;
    enum ja_status st = caller_user(call, &own, err);

    if (st == JA_OK)
        st = ja_session_find(call->ctx, call->params[0], &s, err);
    /* Of somebody else's session nothing is told here, to nobody. */
    if (st == JA_OK && strcmp(s.user_id, own->id) != 0)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "session_not_found", "there is no such session of yours");
    if (st == JA_OK)
        st = ja_session_close(call->ctx, s.id, "logout", &ended, err);
    ja_session_clear(&s);
    return st == JA_OK ? http_data(call, json_pack("{s:b}", "ended", ended), err) : st;
}

static enum ja_status run_end_all(struct http_call *call, struct ja_error *err)
{
    const struct ja_user *own = NULL;
    int64_t count = 0;
    enum ja_status st = caller_user(call, &own, err);

    if (st == JA_OK)
        st = ja_session_close_user(call->ctx, own->id, "logout", &count, err);
    return st == JA_OK ? http_data(call, json_pack("{s:I}", "ended", (json_int_t)count), err) : st;
}

static const struct http_field profile_body[] = {
    {"name", FIELD_STRING, false, JA_TEXT_MAX, "the full name"},
    {"first_name", FIELD_STRING, false, JA_TEXT_MAX, "the first name"},
    {"last_name", FIELD_STRING, false, JA_TEXT_MAX, "the last name"},
    {"phone", FIELD_STRING, false, 64, "a phone number; counts once it is verified"},
    {"email", FIELD_STRING, false, JA_EMAIL_MAX, "an email address; counts once it is verified; takes the password"},
    {"password", FIELD_STRING, false, 4096, "the current password"},
    {"otp", FIELD_STRING, false, 64, "a verification or recovery code, where a second factor is in force"},
    {NULL},
};

#define AS_BEARER "-H \"Authorization: Bearer $TOKEN\""

const struct http_route route_profile[] = {
    {.method = HTTP_GET,
     .path = "/api/v1/auth/profile",
     .run = run_show,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH,
     .summary = "Show the own account.",
     .answer = "user",
     .codes = "not_a_user",
     .example = AS_BEARER},
    {.method = HTTP_PUT,
     .path = "/api/v1/auth/profile",
     .run = run_change,
     .where = RUN_HASH,
     .flags = ROUTE_AUTH,
     .body = profile_body,
     .summary = "Change the own account.",
     .answer = "user",
     .codes = "invalid_name invalid_email invalid_phone email_taken phone_taken not_a_user",
     .example = "-X PUT " AS_BEARER " -H 'Content-Type: application/json' -d '{\"name\":\"Alice Example\"}'"},
    {.method = HTTP_GET,
     .path = "/api/v1/auth/sessions",
     .run = run_sessions,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH,
     .summary = "List the own live sessions.",
     .answer = "sessions",
     .codes = "not_a_user",
     .example = AS_BEARER},
    {.method = HTTP_DELETE,
     .path = "/api/v1/auth/sessions",
     .run = run_end_all,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH,
     .summary = "End every own session, this one too.",
     .answer = "ended",
     .codes = "not_a_user",
     .example = "-X DELETE " AS_BEARER},
    {.method = HTTP_DELETE,
     .path = "/api/v1/auth/sessions/{id}",
     .run = run_end,
     .where = RUN_WORK,
     .flags = ROUTE_AUTH,
     .summary = "End one of the own sessions.",
     .answer = "ended",
     .codes = "session_not_found not_a_user",
     .example = "-X DELETE " AS_BEARER},
    {0},
};
