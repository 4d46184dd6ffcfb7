#include "pam/pam_auth.h"
#include "pam/pam_enroll.h"
#include "pam/pam_prompt.h"

#include "common/base/proc.h"

#include <security/pam_ext.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define DELAY_MAX_MS 8000u /* PAM.md: the announced delay is at most 8 s */

void ja_pam_report_failure(struct ja_pam_call *call, const struct ja_auth_result *result)
{
    unsigned ms = result->delay_ms < DELAY_MAX_MS ? result->delay_ms : DELAY_MAX_MS;

    ja_pam_log_failure(call, ja_pam_or_null(result->username));
    ja_log_write(&call->ctx.log, LOG_DEBUG, "refused: %s", ja_auth_reason_name(result->reason));
    if (result->reason == JA_REASON_THROTTLED)
        return; /* answered at once: nothing was evaluated */
    if (!call->opt.nodelay && ms > 0)
        (void)pam_fail_delay(call->pamh, ms * 1000);
}

/* The password goes to the modules behind us, so that a name nobody here knows sees one prompt only.
 * With forward_pass the answer is no password; nor is a token, which nobody else is to see. */
static enum ja_status ask_password(struct ja_pam_call *call, const struct ja_auth *auth, int item, const char *prompt,
                                   struct ja_secret *ret)
{
    struct ja_secret s = {0};
    enum ja_status st = ja_pam_ask_token(call, item, prompt, &s);

    if (st == JA_OK && s.len <= JA_PASSWORD_MAX && !(item == PAM_AUTHTOK && call->opt.forward_pass) &&
        !ja_auth_takes_token(auth, s.data, s.len))
        st = ja_pam_put_token(call, item, &s);
    if (st != JA_OK) {
        ja_secret_clear(&s);
        return st;
    }
    *ret = s;
    return JA_OK;
}

/* The code is asked with echo: sshd's password method answers every prompt without echo with the
 * password, and fails cleanly here (SECURITY R7). */
static enum ja_status ask_next(struct ja_pam_call *call, const struct ja_auth *auth, int item,
                               const char *prompt, struct ja_secret *ret)
{
    enum ja_auth_next next = ja_auth_next(auth);

    if (next == JA_NEXT_CODE)
        return ja_pam_ask(call, PAM_PROMPT_ECHO_ON, "Verification code: ", ret);
    if (next == JA_NEXT_PASSWORD)
        return ask_password(call, auth, item, prompt, ret);
    return ja_pam_ask_enrolment(call, auth, next, ret);
}

/* No hashing slot in time: for a name that is not ours that is nothing to fail other modules' users with. */
static enum ja_pam_outcome answer_failed(struct ja_pam_call *call, enum ja_status st)
{
    struct ja_error busy = call->err;
    enum ja_pam_outcome outcome = JA_PAM_GO;

    if (st == JA_ERR_THROTTLED)
        return JA_PAM_THROTTLED;
    if (st == JA_ERR_BUSY && !call->opt.unknown_fails)
        outcome = ja_pam_in_store(call);
    if (outcome == JA_PAM_UNKNOWN_IGNORE)
        return outcome;
    call->err = busy;
    return JA_PAM_BROKEN;
}

enum ja_pam_outcome ja_pam_converse(struct ja_pam_call *call, struct ja_auth *auth, int item,
                                    const char *prompt)
{
    while (ja_auth_next(auth) != JA_NEXT_DONE) {
        struct ja_secret answer = {0};
        enum ja_status st = ask_next(call, auth, item, prompt, &answer);

        if (st != JA_OK) {
            ja_auth_abandon(auth);
            return ja_pam_no_answer(st);
        }
        st = ja_auth_answer(auth, answer.data, answer.len, &call->err);
        ja_secret_clear(&answer);
        if (st != JA_OK)
            return answer_failed(call, st);
    }
    return JA_PAM_GO;
}

static enum ja_status begin(struct ja_pam_call *call, struct ja_auth **ret)
{
    struct ja_auth_request req = {
        .user = call->user,
        .service = call->service,
        .source = ja_pam_or_null(call->rhost),
        .local_uid = ja_proc_login_uid(),
        .tty = ja_pam_or_null(call->tty),
        .mfa = (enum ja_mfa_mode)call->opt.mfa,
        .mfa_remember = call->opt.mfa_remember,
        .login = &call->login,
        .enroll = {
            .mode = (enum ja_enroll_mode)call->opt.enroll,
            .until = call->opt.enroll_until,
            .by_invitation = call->opt.enroll_with == JA_PAM_ENROLL_WITH_INVITE,
        },
        .accept = (unsigned)call->opt.accept,
        .take_tokens = true,
        .jwt_once = call->opt.jwt_once,
        .forward_pass = call->opt.forward_pass,
        .unknown_ignore = !call->opt.unknown_fails,
    };

    return ja_auth_begin(&call->ctx, &req, ret, &call->err);
}

/* Remembers the name in this process and leaves the handle for the next one. */
static enum ja_pam_outcome leave_handle(struct ja_pam_call *call, const char *handle)
{
    char line[sizeof JA_PAM_LOGIN_VARIABLE + 1 + JA_HANDLE_LEN + 1];
    int rc;

    if (!ja_pam_same_user(call)) {
        pam_syslog(call->pamh, LOG_ALERT, "the user name was changed during authentication: refused");
        return JA_PAM_REFUSED;
    }
    if (ja_pam_remember(call, true) != JA_PAM_GO)
        return JA_PAM_BROKEN;
    (void)snprintf(line, sizeof line, "%s=%s", JA_PAM_LOGIN_VARIABLE, handle);
    rc = pam_putenv(call->pamh, line);
    sodium_memzero(line, sizeof line);
    if (rc != PAM_SUCCESS) {
        (void)ja_fail_nomem(&call->err);
        return JA_PAM_BROKEN;
    }
    return JA_PAM_DONE;
}

static enum ja_pam_outcome finish(struct ja_pam_call *call, struct ja_auth *auth)
{
    struct ja_auth_result result = {.verdict = JA_DENY};
    char handle[JA_HANDLE_LEN + 1] = "";
    enum ja_pam_outcome outcome;
    enum ja_status st;

    st = ja_auth_finish_handle(auth, getpid(), handle, &result, &call->err);
    outcome = ja_pam_outcome_of(st, &result, call->opt.unknown_fails);
    if (outcome == JA_PAM_DONE || outcome == JA_PAM_MUST_CHANGE)
        outcome = leave_handle(call, handle);
    else if (st == JA_OK)
        ja_pam_report_failure(call, &result);
    sodium_memzero(handle, sizeof handle);
    return outcome;
}

enum ja_pam_outcome ja_pam_authenticate(struct ja_pam_call *call)
{
    struct ja_auth *auth = NULL;
    enum ja_pam_outcome outcome;
    enum ja_status st;

    /* Whatever an earlier try in this handle left counts no more. */
    ja_pam_unset(call->pamh, JA_PAM_LOGIN_VARIABLE);
    if (ja_pam_remember(call, false) != JA_PAM_GO)
        return JA_PAM_BROKEN;
    st = begin(call, &auth);
    if (st != JA_OK)
        return st == JA_ERR_THROTTLED ? JA_PAM_THROTTLED : JA_PAM_BROKEN;
    outcome = ja_pam_converse(call, auth, PAM_AUTHTOK, "Password: ");
    if (outcome == JA_PAM_GO)
        outcome = finish(call, auth);
    ja_auth_free(auth);
    return outcome;
}
