/* A PAM login of a user through one service's stack, by the real libpam. */
#ifndef JA_CLI_PAM_CALL_H
#define JA_CLI_PAM_CALL_H

#include "cli/command.h"

struct pam_outcome {
    const char *auth, *account; /* libpam's text; account NULL: auth refused, it was not asked */
    bool auth_ok, account_ok;
};

/* Authentication and account, no session; libpam stays in memory. What the stack asks is answered from standard input,
 * a line each, with `from_stdin`, else from the terminal; what it says goes to stderr. JA_OK: the stack was run.
 * JA_ERR_NOT_FOUND "service_not_found": /etc/pam.d has no such file. */
enum ja_status cli_pam_call(struct cli *cli, const char *service, const char *user, bool from_stdin,
                            struct pam_outcome *ret, struct ja_error *err);

#endif
