/* Outcomes of a call and what each entry point answers for them: PAM.md's table of return codes, once.
 *
 * The zero value is the failure, so that an outcome nobody set is never a success.
 * Threads: no shared state.
 */
#ifndef JA_PAM_PAM_RESULT_H
#define JA_PAM_PAM_RESULT_H

#include "common/flow/auth_flow.h"

enum ja_pam_entry {
    JA_PAM_AUTH,
    JA_PAM_ACCOUNT,
    JA_PAM_SETCRED,
    JA_PAM_SESSION,
    JA_PAM_PASSWORD,
    JA_PAM_ENTRIES
};

enum ja_pam_outcome {
    JA_PAM_BROKEN = 0,     /* configuration, store, modes, master key, memory, internal */
    JA_PAM_LOCAL,          /* /etc/passwd's own user: not ours */
    JA_PAM_UNKNOWN_IGNORE, /* not in the store */
    JA_PAM_UNKNOWN_FAIL,   /* the same with unknown_user=fail */
    JA_PAM_REFUSED,        /* wrong password or code, locked, disabled, pending, policy */
    JA_PAM_THROTTLED,
    JA_PAM_EXPIRED,        /* past valid_until */
    JA_PAM_MUST_CHANGE,    /* allowed, and the password has to be changed */
    JA_PAM_WEAK,           /* the new password is against policy, or was not typed twice the same */
    JA_PAM_NO_ANSWER,      /* the conversation failed */
    JA_PAM_GO,             /* not decided yet: never a success */
    JA_PAM_DONE,
    JA_PAM_OUTCOMES
};

/* The PAM code. Whatever is not in the table fails. */
int ja_pam_code(enum ja_pam_entry entry, enum ja_pam_outcome outcome);

/* What a flow's answer means. Allowed only where status is JA_OK and the verdict JA_ALLOW. */
enum ja_pam_outcome ja_pam_outcome_of(enum ja_status status, const struct ja_auth_result *result,
                                      bool unknown_fails);

#endif
