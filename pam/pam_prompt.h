/* The conversation: prompts out, answers into guarded memory.
 *
 * The application's response is wiped and freed on every path.  An answer longer than
 * JA_LOGIN_TOKEN_MAX comes as JA_LOGIN_TOKEN_MAX + 1 bytes: enough for the flow to refuse it, as a token and as a
 * password, and never cut to something that could be right (CVE-2015-3238).
 */
#ifndef JA_PAM_PAM_PROMPT_H
#define JA_PAM_PAM_PROMPT_H

#include "pam/pam_context.h"

/* JA_OK; JA_ERR_UNAVAILABLE "conversation_failed": no conversation, a failing one, a NULL answer;
 * JA_ERR_NOMEM. `style` is PAM_PROMPT_ECHO_OFF or PAM_PROMPT_ECHO_ON. */
enum ja_status ja_pam_ask(struct ja_pam_call *call, int style, const char *prompt,
                          struct ja_secret *ret);
/* The same for a password that an earlier module may have asked (PAM_AUTHTOK, PAM_OLDAUTHTOK):
 * use_first_pass takes only that one, try_first_pass takes it where there is one. */
enum ja_status ja_pam_ask_token(struct ja_pam_call *call, int item, const char *prompt,
                                struct ja_secret *ret);
/* For the modules behind us. */
enum ja_status ja_pam_put_token(struct ja_pam_call *call, int item, const struct ja_secret *token);

/* A line for the person, unless PAM_SILENT or `quiet`. `style`: PAM_ERROR_MSG, PAM_TEXT_INFO. */
void ja_pam_tell(struct ja_pam_call *call, int style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a failed question means for the call. */
enum ja_pam_outcome ja_pam_no_answer(enum ja_status status);

#endif
