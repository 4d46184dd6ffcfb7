/* The module in a process that is not root's, such as a screen locker: the store is closed to it, jwtauthd proves the
 * password and the code for it, over the Unix socket, of the process's own user and of nobody else.
 *
 * Auth, account and setcred only: who is no root opens no session and forces no change. libcurl is loaded here and
 * nowhere else in the module (PAM.md, geteuid() decides).
 */
#ifndef JA_PAM_PAM_REMOTE_H
#define JA_PAM_PAM_REMOTE_H

#include "pam/pam_context.h"

/* `whose` is ja_pam_whose's answer. A name of /etc/passwd is ours when jwtauthd knows this process's uid by it (nobody
 * but root can read the mark of the adopted), and local otherwise, also while jwtauthd does not run. */
enum ja_pam_outcome ja_pam_remote(struct ja_pam_call *call, enum ja_pam_outcome whose, int argc, const char **argv);

#endif
