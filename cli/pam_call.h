/* A PAM login of a user through one service's stack, by the real libpam. */
#ifndef JA_CLI_PAM_CALL_H
#define JA_CLI_PAM_CALL_H

#include "cli/command.h"

#include <security/pam_appl.h>

/* libpam is loaded by those commands alone that call it. */
struct pam_library {
    int (*start)(const char *, const char *, const struct pam_conv *, pam_handle_t **);
    int (*set_item)(pam_handle_t *, int, const void *);
    int (*authenticate)(pam_handle_t *, int);
    int (*acct_mgmt)(pam_handle_t *, int);
    int (*end)(pam_handle_t *, int);
    const char *(*strerror)(pam_handle_t *, int);
};
enum ja_status cli_pam_load(struct pam_library *lib, struct ja_error *err);
/* Wipes and frees the answers of a conversation that came to nothing. */
void cli_pam_drop(struct pam_response *answers, int n);

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
