/* open_session and close_session: the session's row, its token file, two names in the environment.
 *
 * A session row and a token come only from a login: JWTAUTH_LOGIN consumed here, or a method that sshd
 * proved itself (SSH_AUTH_INFO_0). cron, su by root and the like get neither (PAM.md).
 */
#ifndef JA_PAM_PAM_SESSION_H
#define JA_PAM_PAM_SESSION_H

#include "pam/pam_context.h"

enum ja_pam_outcome ja_pam_session_open(struct ja_pam_call *call);
enum ja_pam_outcome ja_pam_session_close(struct ja_pam_call *call);

/* What sshd's list of completed methods is worth: "pop" (a key), "hwk" (a security key), "ext" (gssapi,
 * hostbased), NULL: nothing that counts, or not in sshd's form. */
const char *ja_pam_ssh_amr(const char *auth_info);
/* The methods that it names, as JA_METHOD_ bits; a list that cannot be read is JA_METHOD_OTHER. 0: none. */
unsigned ja_pam_ssh_methods(const char *auth_info);

#endif
