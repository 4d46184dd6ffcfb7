/* A service's new stack tried before it is in place.
 *
 * In a child with a private mount namespace the real libpam runs the real service by its real name and with all its
 * modules, over the new file, over a store of the moment and over a shadow file that knows root alone. What the tries
 * do there - failures, locks - is gone with it; nobody's password is needed.
 */
#ifndef JA_CLI_PAM_TRY_H
#define JA_CLI_PAM_TRY_H

#include "cli/command.h"

#define PAM_TRIES_MAX 12

struct pam_try {
    const char *name; /* "allow" */
    const char *text; /* what has to be */
    bool ok;          /* and is */
    char said[200];    /* libpam's answers */
};
struct pam_tries {
    struct pam_try list[PAM_TRIES_MAX];
    int n;
    bool ok;          /* all of them */
};

/* `before` and `after` are texts of the service's file; `ours`: pam_jwtauth is in the second. JA_OK: the tries ran.
 * JA_ERR_UNAVAILABLE "pam_not_tried": they could not, or did not end within a minute. */
enum ja_status cli_pam_try(const char *service, const struct ja_secret *before, const struct ja_secret *after, bool ours,
                           struct pam_tries *ret, struct ja_error *err);

#endif
