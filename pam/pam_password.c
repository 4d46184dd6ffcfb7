#include "pam/pam_password.h"
#include "pam/pam_auth.h"
#include "pam/pam_prompt.h"

#include "common/base/proc.h"
#include "common/flow/account_flow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROVEN "jwtauth_proven"

static bool skips_old(const struct ja_pam_call *call)
{
    return getuid() == 0 && !(call->flags & PAM_CHANGE_EXPIRED_AUTHTOK);
}

static void forget(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh, (void)status;
    free(data);
}

static enum ja_pam_outcome keep_proof(struct ja_pam_call *call)
{
    char *name = strdup(call->user);

    if (!name || pam_set_data(call->pamh, PROVEN, name, forget) != PAM_SUCCESS) {
        free(name);
        (void)ja_fail_nomem(&call->err);
        return JA_PAM_BROKEN;
    }
    return JA_PAM_DONE;
}

/* A proof is for one change of one name. */
static bool take_proof(struct ja_pam_call *call)
{
    const void *name = NULL;
    bool proven;

    if (pam_get_data(call->pamh, PROVEN, &name) != PAM_SUCCESS || !name)
        return false;
    proven = strcmp(name, call->user) == 0;
    return pam_set_data(call->pamh, PROVEN, NULL, NULL) == PAM_SUCCESS && proven;
}

/* The second factor is not asked again: a forced change follows right after auth, whose code counts
 * once only. */
static enum ja_pam_outcome prove(struct ja_pam_call *call)
{
    struct ja_auth_request req = {
        .user = call->user,
        .service = call->service,
        .source = ja_pam_or_null(call->rhost),
        .local_uid = ja_proc_login_uid(),
        .tty = ja_pam_or_null(call->tty),
        .mfa = JA_MFA_OFF,
        .unknown_ignore = !call->opt.unknown_fails,
    };
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_auth *auth = NULL;
    enum ja_pam_outcome outcome;
    enum ja_status st = ja_auth_begin(&call->ctx, &req, &auth, &call->err);

    if (st != JA_OK)
        return st == JA_ERR_THROTTLED ? JA_PAM_THROTTLED : JA_PAM_BROKEN;
    outcome = ja_pam_converse(call, auth, PAM_OLDAUTHTOK, "Current password: ");
    if (outcome == JA_PAM_GO) {
        st = ja_auth_finish_proof(auth, &result, &call->err);
        outcome = ja_pam_outcome_of(st, &result, call->opt.unknown_fails);
        if (st == JA_OK && result.verdict != JA_ALLOW)
            ja_pam_report_failure(call, &result);
    }
    ja_auth_free(auth);
    return outcome;
}

enum ja_pam_outcome ja_pam_password_check(struct ja_pam_call *call)
{
    enum ja_pam_outcome outcome = ja_pam_in_store(call);

    /* A name that is not in the store is left to the modules behind us before anything is asked. */
    if (outcome != JA_PAM_GO)
        return outcome;
    if (skips_old(call))
        return JA_PAM_DONE;
    outcome = prove(call);
    if (outcome == JA_PAM_DONE || outcome == JA_PAM_MUST_CHANGE)
        outcome = keep_proof(call);
    return outcome;
}

static enum ja_pam_outcome weak(struct ja_pam_call *call, const char *why)
{
    ja_pam_tell(call, PAM_ERROR_MSG, "%s", why);
    return JA_PAM_WEAK;
}

/* Typed twice, unless an earlier module has asked for it. JA_PAM_GO: *ret is filled. */
static enum ja_pam_outcome ask_new(struct ja_pam_call *call, struct ja_secret *ret)
{
    struct ja_secret first = {0}, second = {0};
    enum ja_pam_outcome outcome = JA_PAM_GO;
    const void *stacked = NULL;
    bool once = (call->opt.use_first_pass || call->opt.try_first_pass) &&
                pam_get_item(call->pamh, PAM_AUTHTOK, &stacked) == PAM_SUCCESS && stacked;
    enum ja_status st = ja_pam_ask_token(call, PAM_AUTHTOK, "New password: ", &first);

    if (st == JA_OK && first.len > 0 && !once && !call->opt.use_first_pass)
        st = ja_pam_ask(call, PAM_PROMPT_ECHO_OFF, "Retype new password: ", &second);
    if (st != JA_OK)
        outcome = ja_pam_no_answer(st);
    else if (first.len == 0)
        outcome = weak(call, "No new password was given: the password stays as it is.");
    else if (!once && !ja_secret_equal(&first, second.data, second.len))
        outcome = weak(call, "The two passwords are not the same: the password stays as it is.");
    ja_secret_clear(&second);
    if (outcome == JA_PAM_GO)
        *ret = first;
    else
        ja_secret_clear(&first);
    return outcome;
}

static enum ja_pam_outcome change(struct ja_pam_call *call, const struct ja_secret *pw)
{
    struct ja_policy_report report = {0};
    /* the login that this change is part of goes on; every other one of the user ends (R18) */
    enum ja_status st = ja_account_password_change(&call->ctx, call->user, pw,
                                                   ja_pam_login_handle(call), &report, &call->err);

    if (st == JA_ERR_POLICY) {
        for (size_t i = 0; i < report.len; i++)
            ja_pam_tell(call, PAM_ERROR_MSG, "BAD PASSWORD: %s", report.broken[i].text);
        if (report.len == 0)
            ja_pam_tell(call, PAM_ERROR_MSG, "BAD PASSWORD: %s", call->err.message);
        return JA_PAM_WEAK;
    }
    if (st == JA_OK)
        st = ja_pam_put_token(call, PAM_AUTHTOK, pw);
    return st == JA_OK ? JA_PAM_DONE : JA_PAM_BROKEN;
}

enum ja_pam_outcome ja_pam_password_update(struct ja_pam_call *call)
{
    struct ja_secret pw = {0};
    enum ja_pam_outcome outcome = ja_pam_in_store(call);

    if (outcome != JA_PAM_GO)
        return outcome;
    if (!take_proof(call) && !skips_old(call))
        return JA_PAM_REFUSED;
    outcome = ask_new(call, &pw);
    if (outcome == JA_PAM_GO)
        outcome = change(call, &pw);
    ja_secret_clear(&pw);
    return outcome;
}
