/* Is it really the person? For what a token or a uid alone is not enough (HTTP.md): the password, and the code where
 * a second factor is in force. */
#ifndef JA_DAEMON_PROVE_H
#define JA_DAEMON_PROVE_H

#include "common/domain/password_policy.h"
#include "common/flow/auth_flow.h"
#include "daemon/http.h"

/* Throttled and logged like a login. `otp` NULL: none was sent. JA_MFA_OFF: the password alone, unless the
 * configuration demands more. JA_ERR_DENIED "invalid_credentials", "otp_required". */
enum ja_status prove_person(struct http_call *call, const char *username, const char *password, const char *otp,
                            enum ja_mfa_mode mfa, struct ja_error *err);
/* The login's refusals as errors: one text whatever was wrong, and only what the person can act on told apart. */
enum ja_status prove_refused(const struct ja_auth_result *r, struct ja_error *err);
/* Gives password and code as they are asked for; *ret_wants_code: one is due and was not sent, and the try was given
 * up. */
enum ja_status prove_converse(struct ja_auth *auth, const char *password, const char *otp, bool *ret_wants_code,
                              struct ja_error *err);
/* "details" of a refused password: the rules that it breaks. */
void prove_details(struct http_call *call, const struct ja_policy_report *report);

#define PROVE_FIELDS \
    {"password", FIELD_STRING, true, 4096, "the current password"}, \
    {"otp", FIELD_STRING, false, 64, "a verification or recovery code, where a second factor is in force"}

#endif
