#include "pam/pam_prompt.h"

#include <security/pam_ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX (JA_LOGIN_TOKEN_MAX + 1)
_Static_assert(JA_LOGIN_TOKEN_MAX > JA_PASSWORD_MAX, "too long for a token is too long for a password");

static enum ja_status no_answer(struct ja_pam_call *call, const char *why)
{
    return ja_fail(&call->err, JA_ERR_UNAVAILABLE, "conversation_failed", "%s", why);
}

static enum ja_status keep(struct ja_pam_call *call, const char *text, struct ja_secret *ret)
{
    struct ja_secret s = {0};
    enum ja_status st = ja_secret_init(&s, ANSWER_MAX, &call->err);

    if (st == JA_OK)
        st = ja_secret_append(&s, text, strnlen(text, ANSWER_MAX), &call->err);
    if (st != JA_OK) {
        ja_secret_clear(&s);
        return st;
    }
    *ret = s;
    return JA_OK;
}

/* As pam_vprompt does it: a response counts as ours whenever the pointer is set (it starts as NULL:
 * CVE-2025-24031). */
enum ja_status ja_pam_ask(struct ja_pam_call *call, int style, const char *prompt,
                          struct ja_secret *ret)
{
    struct pam_message message = {.msg_style = style, .msg = prompt};
    const struct pam_message *messages = &message;
    struct pam_response *resp = NULL;
    const struct pam_conv *conv;
    const void *item = NULL;
    enum ja_status st;
    int rc;

    if (pam_get_item(call->pamh, PAM_CONV, &item) != PAM_SUCCESS || !item)
        return no_answer(call, "the application has no conversation");
    conv = item;
    if (!conv->conv)
        return no_answer(call, "the application has no conversation");
    rc = conv->conv(1, &messages, &resp, conv->appdata_ptr);
    if (rc != PAM_SUCCESS)
        st = no_answer(call, "the conversation failed");
    else if (!resp || !resp->resp)
        st = no_answer(call, "the conversation gave no answer");
    else
        st = keep(call, resp->resp, ret);
    if (resp) {
        ja_wipe_free(resp->resp);
        free(resp);
    }
    return st;
}

enum ja_status ja_pam_ask_token(struct ja_pam_call *call, int item, const char *prompt,
                                struct ja_secret *ret)
{
    const void *token = NULL;

    if (call->opt.use_first_pass || call->opt.try_first_pass) {
        if (pam_get_item(call->pamh, item, &token) == PAM_SUCCESS && token)
            return keep(call, token, ret);
        if (call->opt.use_first_pass)
            return keep(call, "", ret); /* an empty password: refused like any wrong one */
    }
    return ja_pam_ask(call, PAM_PROMPT_ECHO_OFF, prompt, ret);
}

enum ja_status ja_pam_put_token(struct ja_pam_call *call, int item, const struct ja_secret *token)
{
    if (pam_set_item(call->pamh, item, token->data) != PAM_SUCCESS)
        return ja_fail_nomem(&call->err);
    return JA_OK;
}

void ja_pam_tell(struct ja_pam_call *call, int style, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (call->opt.quiet || (call->flags & PAM_SILENT))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)pam_prompt(call->pamh, style, NULL, "%s", text); /* a message that is not seen stops nobody */
}

enum ja_pam_outcome ja_pam_no_answer(enum ja_status status)
{
    return status == JA_ERR_UNAVAILABLE ? JA_PAM_NO_ANSWER : JA_PAM_BROKEN;
}
