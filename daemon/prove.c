#include "daemon/prove.h"

#include <string.h>

enum ja_status prove_refused(const struct ja_auth_result *r, struct ja_error *err)
{
    enum ja_status st;

    switch (r->reason) {
    case JA_REASON_THROTTLED:
        st = ja_fail(err, JA_ERR_THROTTLED, "too_many_attempts", "too many attempts: try again in %u seconds",
                     r->retry_after);
        err->retry_after = r->retry_after;
        return st;
    case JA_REASON_MUST_CHANGE:
        return ja_fail(err, JA_ERR_DENIED, "password_change_required", "the password has to be changed first");
    case JA_REASON_CODE_REQUIRED:
        return ja_fail(err, JA_ERR_DENIED, "otp_required", "a verification code is needed");
    default:
        return ja_fail(err, JA_ERR_DENIED, "invalid_credentials", "Invalid email or password");
    }
}

/* A code that is due and was not sent: what was booked for the right password is taken back. */
enum ja_status prove_converse(struct ja_auth *auth, const char *password, const char *otp, bool *ret_wants_code,
                              struct ja_error *err)
{
    enum ja_status st = JA_OK;
    enum ja_auth_next next;

    *ret_wants_code = false;
    while (st == JA_OK && (next = ja_auth_next(auth)) != JA_NEXT_DONE) {
        if (next == JA_NEXT_PASSWORD) {
            st = ja_auth_answer(auth, password, strlen(password), err);
        } else if (otp) {
            st = ja_auth_answer(auth, otp, strlen(otp), err);
        } else {
            ja_auth_abandon(auth);
            *ret_wants_code = true;
            return JA_OK;
        }
    }
    return st;
}

enum ja_status prove_person(struct http_call *call, const char *username, const char *password, const char *otp,
                            enum ja_mfa_mode mfa, struct ja_error *err)
{
    const struct ja_auth_request req = {
        .user = username,
        .service = "jwtauthd",
        .source = call->source,
        .local_uid = call->on_unix ? (int64_t)call->peer_uid : 0,
        .user_agent = call->user_agent,
        .mfa = mfa,
    };
    struct ja_auth_result result = {.verdict = JA_DENY, .reason = JA_REASON_CODE_REQUIRED};
    struct ja_auth *auth = NULL;
    bool wants_code = false;
    enum ja_status st = ja_auth_begin(call->ctx, &req, &auth, err);

    if (st == JA_OK)
        st = prove_converse(auth, password, otp, &wants_code, err);
    if (st == JA_OK && !wants_code)
        st = ja_auth_finish_proof(auth, &result, err);
    if (st == JA_OK && result.verdict != JA_ALLOW)
        st = prove_refused(&result, err);
    ja_auth_free(auth);
    return st;
}

void prove_details(struct http_call *call, const struct ja_policy_report *report)
{
    if (report->len > 0 && !call->details)
        call->details = json_array();
    for (size_t i = 0; i < report->len; i++)
        (void)json_array_append_new(call->details, json_string(report->broken[i].code));
}
