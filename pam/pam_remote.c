#include "pam/pam_remote.h"
#include "pam/pam_prompt.h"

#include "common/client/client.h"

#include <pwd.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

/* Is the name this process's own? NSS is asked: the uid is what the kernel says, the name what the system says of it. */
static bool is_own_name(const struct ja_pam_call *call)
{
    char buf[4096];
    struct passwd pw, *found = NULL;

    return getpwnam_r(call->user, &pw, buf, sizeof buf, &found) == 0 && found && found->pw_uid == geteuid() &&
           getuid() == geteuid();
}

/* JA_ERR_NOT_FOUND: the uid is nobody's in the store, or another one's. */
static enum ja_status find_self(struct ja_pam_call *call)
{
    const struct ja_client_call ask = {.socket = call->ctx.cfg->http.socket, .method = "GET",
                                       .path = "/api/v1/whoami"};
    const char *name;
    json_t *data = NULL;
    enum ja_status st = ja_client_run(&ask, &data, &call->err);

    if (st == JA_ERR_DENIED && strcmp(call->err.code, "unknown_caller") == 0)
        st = JA_ERR_NOT_FOUND;
    name = json_string_value(json_object_get(data, "username"));
    if (st == JA_OK && (!name || strcmp(name, call->user) != 0))
        st = ja_fail(&call->err, JA_ERR_NOT_FOUND, "user_not_found", "the uid of this process is another user's");
    json_decref(data);
    return st;
}

static enum ja_pam_outcome outcome_of(enum ja_status st)
{
    switch (st) {
    case JA_OK: return JA_PAM_DONE;
    case JA_ERR_DENIED:
    case JA_ERR_FORBIDDEN: return JA_PAM_REFUSED;
    case JA_ERR_THROTTLED: return JA_PAM_THROTTLED;
    default: return JA_PAM_BROKEN;
    }
}

static void wipe_string(json_t *body, const char *key)
{
    json_t *text = json_object_get(body, key);

    if (json_is_string(text))
        sodium_memzero((char *)(uintptr_t)json_string_value(text), json_string_length(text));
}

/* `code` may be empty: none is sent. */
static enum ja_status prove(struct ja_pam_call *call, const struct ja_secret *password, const struct ja_secret *code)
{
    json_t *body = json_pack("{s:s,s:s%,s:b}", "username", call->user, "password", (const char *)password->data,
                             password->len, "code_required", call->opt.mfa == JA_MFA_ALWAYS);
    const struct ja_client_call ask = {.socket = call->ctx.cfg->http.socket, .method = "POST",
                                       .path = "/api/v1/auth/verify-password", .body = body};
    json_t *data = NULL;
    enum ja_status st = body ? JA_OK : JA_ERR_DENIED; /* an answer that is no UTF-8 is no password of ours */

    if (st == JA_OK && code->len > 0 &&
        json_object_set_new(body, "otp", json_stringn((const char *)code->data, code->len)) != 0)
        st = JA_ERR_DENIED;
    if (st == JA_OK)
        st = ja_client_run(&ask, &data, &call->err);
    else
        (void)ja_fail(&call->err, st, "invalid_credentials", "what was typed is no text");
    wipe_string(body, "password");
    wipe_string(body, "otp");
    json_decref(body);
    json_decref(data);
    return st;
}

/* As for root: the code after a right password, both always with mfa=required. */
static enum ja_pam_outcome authenticate(struct ja_pam_call *call)
{
    struct ja_secret password = {0}, code = {0};
    bool always = call->opt.mfa == JA_MFA_ALWAYS;
    enum ja_status st = ja_pam_ask_token(call, PAM_AUTHTOK, "Password: ", &password), verdict = JA_ERR_DENIED;

    if (st == JA_OK && password.len <= JA_PASSWORD_MAX)
        st = ja_pam_put_token(call, PAM_AUTHTOK, &password);
    if (st == JA_OK && !always)
        verdict = prove(call, &password, &code);
    if (st == JA_OK && (always || (verdict == JA_ERR_DENIED && strcmp(call->err.code, "otp_required") == 0))) {
        st = ja_pam_ask(call, PAM_PROMPT_ECHO_ON, "Verification code: ", &code);
        if (st == JA_OK)
            verdict = prove(call, &password, &code);
    }
    ja_secret_clear(&password);
    ja_secret_clear(&code);
    if (st != JA_OK)
        return ja_pam_no_answer(st);
    if (verdict == JA_ERR_DENIED)
        ja_pam_log_failure(call, NULL);
    return outcome_of(verdict);
}

/* What only the store answers is not answered here: what an option demands is not passed over. */
static enum ja_status check_options(struct ja_pam_call *call)
{
    if (call->entry != JA_PAM_ACCOUNT || (!call->opt.require_role && !call->opt.require_permission))
        return JA_OK;
    return ja_fail(&call->err, JA_ERR_UNSUPPORTED, "unsupported_option",
                   "require_role and require_permission are decided in processes of root's only");
}

static enum ja_pam_outcome decide(struct ja_pam_call *call)
{
    enum ja_status st = check_options(call);

    if (st == JA_OK)
        st = find_self(call);
    if (st == JA_ERR_NOT_FOUND)
        return call->opt.unknown_fails ? JA_PAM_UNKNOWN_FAIL : JA_PAM_UNKNOWN_IGNORE;
    if (st == JA_OK && call->entry == JA_PAM_AUTH)
        return authenticate(call);
    return outcome_of(st);
}

enum ja_pam_outcome ja_pam_remote(struct ja_pam_call *call, enum ja_pam_outcome whose, int argc, const char **argv)
{
    bool served = call->entry == JA_PAM_AUTH || call->entry == JA_PAM_ACCOUNT || call->entry == JA_PAM_SETCRED;
    enum ja_pam_outcome outcome;

    if (whose == JA_PAM_LOCAL && (!served || !is_own_name(call)))
        return whose;
    outcome = ja_pam_prepare_remote(call, argc, argv);
    if (outcome != JA_PAM_GO)
        return whose == JA_PAM_LOCAL ? whose : outcome;
    if (!served) {
        (void)ja_fail(&call->err, JA_ERR_UNAVAILABLE, "not_root",
                      "the process does not run as root: sessions are opened and passwords changed by root only");
        return JA_PAM_BROKEN;
    }
    outcome = decide(call);
    if (whose == JA_PAM_LOCAL && (outcome == JA_PAM_BROKEN || outcome == JA_PAM_UNKNOWN_IGNORE ||
                                  outcome == JA_PAM_UNKNOWN_FAIL))
        return JA_PAM_LOCAL; /* pam_unix answers, and refuses the adopted by their mark */
    return outcome;
}
