#include "pam/pam_result.h"

#include <security/pam_modules.h>

/* PAM.md, "Return codes". A situation that an entry point does not have answers as a failure there. */
static const int codes[JA_PAM_OUTCOMES][JA_PAM_ENTRIES] = {
    /*                         auth                  account               setcred           session          password */
    [JA_PAM_BROKEN]         = {PAM_AUTHINFO_UNAVAIL, PAM_SYSTEM_ERR,       PAM_CRED_UNAVAIL, PAM_SESSION_ERR, PAM_SYSTEM_ERR},
    [JA_PAM_LOCAL]          = {PAM_USER_UNKNOWN,     PAM_USER_UNKNOWN,     PAM_SUCCESS,      PAM_IGNORE,      PAM_USER_UNKNOWN},
    [JA_PAM_UNKNOWN_IGNORE] = {PAM_USER_UNKNOWN,     PAM_USER_UNKNOWN,     PAM_SUCCESS,      PAM_IGNORE,      PAM_USER_UNKNOWN},
    [JA_PAM_UNKNOWN_FAIL]   = {PAM_AUTH_ERR,         PAM_PERM_DENIED,      PAM_CRED_ERR,     PAM_SESSION_ERR, PAM_USER_UNKNOWN},
    [JA_PAM_REFUSED]        = {PAM_AUTH_ERR,         PAM_PERM_DENIED,      PAM_CRED_ERR,     PAM_SESSION_ERR, PAM_AUTHTOK_RECOVERY_ERR},
    [JA_PAM_THROTTLED]      = {PAM_MAXTRIES,         PAM_PERM_DENIED,      PAM_CRED_ERR,     PAM_SESSION_ERR, PAM_TRY_AGAIN},
    [JA_PAM_EXPIRED]        = {PAM_AUTH_ERR,         PAM_ACCT_EXPIRED,     PAM_CRED_ERR,     PAM_SESSION_ERR, PAM_AUTHTOK_RECOVERY_ERR},
    [JA_PAM_MUST_CHANGE]    = {PAM_SUCCESS,          PAM_NEW_AUTHTOK_REQD, PAM_SUCCESS,      PAM_SUCCESS,     PAM_SUCCESS},
    [JA_PAM_WEAK]           = {PAM_AUTH_ERR,         PAM_PERM_DENIED,      PAM_CRED_ERR,     PAM_SESSION_ERR, PAM_AUTHTOK_ERR},
    [JA_PAM_NO_ANSWER]      = {PAM_CONV_ERR,         PAM_SYSTEM_ERR,       PAM_CRED_UNAVAIL, PAM_SESSION_ERR, PAM_CONV_ERR},
    [JA_PAM_GO]             = {PAM_AUTHINFO_UNAVAIL, PAM_SYSTEM_ERR,       PAM_CRED_UNAVAIL, PAM_SESSION_ERR, PAM_SYSTEM_ERR},
    [JA_PAM_DONE]           = {PAM_SUCCESS,          PAM_SUCCESS,          PAM_SUCCESS,      PAM_SUCCESS,     PAM_SUCCESS},
};

int ja_pam_code(enum ja_pam_entry entry, enum ja_pam_outcome outcome)
{
    if ((unsigned)entry >= JA_PAM_ENTRIES || (unsigned)outcome >= JA_PAM_OUTCOMES)
        return PAM_SYSTEM_ERR;
    return codes[outcome][entry];
}

static enum ja_pam_outcome outcome_of_reason(enum ja_auth_reason reason, bool unknown_fails)
{
    switch (reason) {
    case JA_REASON_UNKNOWN_USER:
        return unknown_fails ? JA_PAM_UNKNOWN_FAIL : JA_PAM_UNKNOWN_IGNORE;
    case JA_REASON_THROTTLED:
        return JA_PAM_THROTTLED;
    case JA_REASON_EXPIRED:
        return JA_PAM_EXPIRED;
    case JA_REASON_NONE:
    case JA_REASON_NO_PASSWORD:
    case JA_REASON_WRONG_PASSWORD:
    case JA_REASON_WRONG_CODE:
    case JA_REASON_CODE_REPLAYED:
    case JA_REASON_NO_SECOND_FACTOR:
    case JA_REASON_CODE_REQUIRED:
    case JA_REASON_LOCKED:
    case JA_REASON_DISABLED:
    case JA_REASON_PENDING:
    case JA_REASON_NEW_SOURCE:
    case JA_REASON_UID_MISMATCH:
    case JA_REASON_NOT_A_PERSON:
    case JA_REASON_MUST_CHANGE:
    case JA_REASON_NO_ROLE:
    case JA_REASON_NO_PERMISSION:
    case JA_REASON_POLICY:
    case JA_REASON_METHOD:
    case JA_REASON_WRONG_TOKEN:
    case JA_REASON_CAPTCHA:
        return JA_PAM_REFUSED;
    }
    return JA_PAM_REFUSED;
}

enum ja_pam_outcome ja_pam_outcome_of(enum ja_status status, const struct ja_auth_result *result,
                                      bool unknown_fails)
{
    if (status == JA_ERR_THROTTLED)
        return JA_PAM_THROTTLED;
    if (status != JA_OK)
        return JA_PAM_BROKEN;
    if (result->verdict == JA_ALLOW)
        return result->must_change ? JA_PAM_MUST_CHANGE : JA_PAM_DONE;
    return outcome_of_reason(result->reason, unknown_fails);
}
