/* The module's arguments, by one table; the manual's check reads it too (tests/lint/check_pam_man.sh).
 *
 * An unknown, malformed, repeated or not yet supported argument is an error: a typing error must
 * not open a door (CVE-2012-6150).
 * Ownership: the strings are libpam's argv, valid during the call.
 */
#ifndef JA_PAM_PAM_OPTIONS_H
#define JA_PAM_PAM_OPTIONS_H

#include "common/flow/auth_flow.h"

enum { JA_PAM_ENROLL_WITH_PASSWORD, JA_PAM_ENROLL_WITH_INVITE };

struct ja_pam_options {
    const char *conf;     /* NULL: the built-in path */
    const char *require_role, *require_permission; /* NULL: none */
    const char *audience; /* NULL: configured */
    int mfa;              /* enum ja_mfa_mode */
    int64_t mfa_remember; /* seconds; 0: off */
    int enroll;           /* enum ja_enroll_mode */
    int enroll_with;      /* JA_PAM_ENROLL_WITH_ */
    int64_t enroll_until; /* seconds since the epoch; 0: none */
    int accept;           /* JA_ACCEPT_ bits */
    int unknown_fails;
    int token_none;
    bool debug, try_first_pass, use_first_pass, forward_pass, token_required, quiet, nodelay, jwt_once;
};

enum ja_status ja_pam_options_parse(int argc, const char **argv, struct ja_pam_options *ret,
                                    struct ja_error *err);

#endif
