/* The terms of a login: what a service's options ask for, and what holds after the [policy] rules of the
 * configuration had their word.
 *
 * Ownership: texts are borrowed from the caller's options and from the configuration; both outlive the login.
 * Threads: no shared state.
 */
#ifndef JA_FLOW_POLICY_H
#define JA_FLOW_POLICY_H

#include "common/domain/ctx.h"

enum ja_mfa_mode { JA_MFA_AUTO, JA_MFA_ALWAYS, JA_MFA_OFF };
/* What the password prompt takes. */
enum { JA_ACCEPT_PASSWORD = 1, JA_ACCEPT_JWT = 2 };

struct ja_policy_terms {
    enum ja_mfa_mode mfa;
    int64_t mfa_remember;           /* seconds that a second factor of the same login session counts; 0: not */
    unsigned accept;                /* JA_ACCEPT_ bits; 0: password */
    const char *require_role;       /* NULL: none */
    const char *require_permission; /* NULL: none */
    const char *audience;           /* of the session's token; NULL: the configured one */
};

#endif
