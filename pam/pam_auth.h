/* authenticate, account and setcred: carry prompts and answers to the login machine, and its answer to PAM.
 * Each decides from the store alone; nothing a former call found is trusted (SECURITY R6).
 */
#ifndef JA_PAM_PAM_AUTH_H
#define JA_PAM_PAM_AUTH_H

#include "pam/pam_context.h"

enum ja_pam_outcome ja_pam_authenticate(struct ja_pam_call *call);
enum ja_pam_outcome ja_pam_account(struct ja_pam_call *call);
enum ja_pam_outcome ja_pam_setcred(struct ja_pam_call *call);

/* Asks whatever the machine wants next until it is done. JA_PAM_GO: finish it.
 * `item` and `prompt` are the password's: PAM_AUTHTOK or PAM_OLDAUTHTOK. */
enum ja_pam_outcome ja_pam_converse(struct ja_pam_call *call, struct ja_auth *auth, int item,
                                    const char *prompt);
/* JA_PAM_GO: the name is in the store; else the outcome for one that is not, or BROKEN. */
enum ja_pam_outcome ja_pam_in_store(struct ja_pam_call *call);
/* Log line, announced delay. */
void ja_pam_report_failure(struct ja_pam_call *call, const struct ja_auth_result *result);

/* The account decision for PAM_USER with the uid rule. *ret_user is filled (clear it) when the outcome is
 * DONE or MUST_CHANGE. */
enum ja_pam_outcome ja_pam_decide(struct ja_pam_call *call, bool check_mfa,
                                  struct ja_user *ret_user, struct ja_auth_result *ret_result);

#endif
