/* Enrolment during a login, as prompts. OpenSSH shows a message of its own only with the next prompt: what has to be
 * seen is part of a prompt (PEERS.md F4). Every prompt but the password's echoes: sshd's password method answers
 * those without echo with the password, and fails cleanly here (SECURITY R7).
 */
#ifndef JA_PAM_PAM_ENROLL_H
#define JA_PAM_PAM_ENROLL_H

#include "pam/pam_context.h"

/* For JA_NEXT_NEW_PASSWORD, JA_NEXT_ENROLL and JA_NEXT_RECOVERY: asks until there is an answer for the machine. */
enum ja_status ja_pam_ask_enrolment(struct ja_pam_call *call, const struct ja_auth *auth, enum ja_auth_next next,
                                    struct ja_secret *ret);

#endif
