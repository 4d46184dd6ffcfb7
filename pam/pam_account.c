/* The account decision, from the store alone: account, setcred, and what session asks first. */
#include "pam/pam_auth.h"
#include "pam/pam_prompt.h"
#include "pam/pam_session.h"

#include <security/pam_ext.h>

enum ja_pam_outcome ja_pam_in_store(struct ja_pam_call *call)
{
    struct ja_user user = {0};
    enum ja_status st = ja_user_find_by_name(&call->ctx, call->user, &user, &call->err);

    ja_user_clear(&user);
    if (st == JA_ERR_NOT_FOUND)
        return call->opt.unknown_fails ? JA_PAM_UNKNOWN_FAIL : JA_PAM_UNKNOWN_IGNORE;
    return st == JA_OK ? JA_PAM_GO : JA_PAM_BROKEN;
}

enum ja_pam_outcome ja_pam_decide(struct ja_pam_call *call, bool check_mfa,
                                  struct ja_user *ret_user, struct ja_auth_result *ret_result)
{
    struct ja_account_check check = {
        .user = call->user,
        .service = call->service,
        .mfa = (enum ja_mfa_mode)call->opt.mfa,
        .handle = ja_pam_login_handle(call),
        .check_mfa = check_mfa,
        .source = ja_pam_or_null(call->rhost),
        .mfa_remember = call->opt.mfa_remember,
        .login = &call->login,
        .require_role = call->opt.require_role,
        .require_permission = call->opt.require_permission,
        .tty = ja_pam_or_null(call->tty),
        .opens = call->opens,
        .methods = call->opens ? ja_pam_ssh_methods(pam_getenv(call->pamh, "SSH_AUTH_INFO_0")) : 0,
        .audience = call->opt.audience,
    };
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_user user = {0};
    enum ja_pam_outcome outcome, uid = JA_PAM_DONE;
    enum ja_status st;

    st = ja_account_decide(&call->ctx, &check, &user, &result, &call->err);
    outcome = ja_pam_outcome_of(st, &result, call->opt.unknown_fails);
    if (st == JA_OK && (check.check_mfa || check.opens))
        ja_account_note_denied(&call->ctx, &check, &result);
    if (outcome == JA_PAM_DONE || outcome == JA_PAM_MUST_CHANGE)
        uid = ja_pam_check_uid(call, &user);
    if (uid != JA_PAM_DONE)
        outcome = uid;
    *ret_result = result;
    if (outcome == JA_PAM_DONE || outcome == JA_PAM_MUST_CHANGE)
        *ret_user = user;
    else
        ja_user_clear(&user);
    return outcome;
}

static void advise(struct ja_pam_call *call, enum ja_pam_outcome outcome,
                   const struct ja_auth_result *result)
{
    if (outcome == JA_PAM_MUST_CHANGE)
        ja_pam_tell(call, PAM_ERROR_MSG, "Your password has to be changed now.");
    else if (outcome == JA_PAM_DONE && result->password_days_left >= 0)
        ja_pam_tell(call, PAM_TEXT_INFO, "Your password ends in %lld days.",
                    (long long)result->password_days_left);
    else if (outcome == JA_PAM_EXPIRED)
        ja_pam_tell(call, PAM_ERROR_MSG, "Your account has ended. Ask your administrator.");
}

enum ja_pam_outcome ja_pam_account(struct ja_pam_call *call)
{
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_user user = {0};
    enum ja_pam_outcome outcome = ja_pam_decide(call, true, &user, &result);

    if ((outcome == JA_PAM_DONE || outcome == JA_PAM_MUST_CHANGE) && ja_pam_name_changed(call, false)) {
        pam_syslog(call->pamh, LOG_ALERT, "the user name was changed after authentication: refused");
        outcome = JA_PAM_REFUSED;
    }
    if (outcome == JA_PAM_REFUSED)
        ja_log_write(&call->ctx.log, LOG_NOTICE, "account of %s refused: %s", call->user,
                     ja_auth_reason_name(result.reason));
    advise(call, outcome, &result);
    ja_user_clear(&user);
    return outcome;
}

/* Every flag (establish, delete, reinitialize, refresh) gets the same fresh answer: there are no
 * credentials of ours to set, account does the denying, and sshd ends a login on a failure here. */
enum ja_pam_outcome ja_pam_setcred(struct ja_pam_call *call)
{
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_user user = {0};
    enum ja_pam_outcome outcome = ja_pam_decide(call, false, &user, &result);

    ja_user_clear(&user);
    return outcome;
}
