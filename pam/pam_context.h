/* One call of one entry point: whose name it is, the options, the context of the flows.
 *
 * geteuid() decides: 0 opens the store, anything else uses the daemon's socket (pam_remote.h).
 * What the application hands over (service, host, tty, remote user) is hostile text: bounded and
 * escaped here, once; it never becomes a path and is never resolved (CVE-2014-2583, CVE-2024-10963).
 * The environment is never read (SECURITY R23).
 * Ownership: struct ja_pam_call is the entry point's, ended by ja_pam_end on every path.
 */
#ifndef JA_PAM_PAM_CONTEXT_H
#define JA_PAM_PAM_CONTEXT_H

#include "pam/pam_options.h"
#include "pam/pam_result.h"

#include <security/pam_modules.h>

#define JA_PAM_USER_MAX 511 /* longer than any name of /etc/passwd or of ours */

struct ja_pam_call {
    pam_handle_t *pamh;
    enum ja_pam_entry entry;
    int flags;
    char user[JA_PAM_USER_MAX + 1];
    char service[64], rhost[128], tty[64], ruser[64]; /* escaped; "" when absent */
    char handle[JA_HANDLE_LEN + 1]; /* session: JWTAUTH_LOGIN, taken out of the environment */
    struct ja_proc_login login;     /* of this process, read in each call */
    struct ja_pam_options opt;
    struct ja_ctx ctx;
    struct ja_error err;
    bool opens;      /* open_session */
    bool adopted;    /* marked in /etc/shadow: ours, also without a row */
    bool plugged[3]; /* descriptors 0-2 that were closed and are held by us */
};

/* What auth leaves in the PAM environment for account and open_session (in sshd one process does not
 * see the other's memory). */
#define JA_PAM_LOGIN_VARIABLE "JWTAUTH_LOGIN"
/* It, or NULL. Valid until the PAM environment changes. */
const char *ja_pam_login_handle(const struct ja_pam_call *call);
/* Unsets a variable of the PAM environment; an absent one is fine. */
void ja_pam_unset(pam_handle_t *pamh, const char *name);

/* PAM_USER and the answer for local names; nothing of ours has been touched yet. JA_PAM_GO: go on. */
enum ja_pam_outcome ja_pam_whose(struct ja_pam_call *call, pam_handle_t *pamh,
                                 enum ja_pam_entry entry, int flags);
/* Options, rights, configuration, context with open store. JA_PAM_GO: go on. */
enum ja_pam_outcome ja_pam_prepare(struct ja_pam_call *call, int argc, const char **argv);
/* The same without the store, for a process that is not root's. */
enum ja_pam_outcome ja_pam_prepare_remote(struct ja_pam_call *call, int argc, const char **argv);
/* Logs what broke, tears everything down, gives the PAM code. */
int ja_pam_end(struct ja_pam_call *call, enum ja_pam_outcome outcome);

/* NULL for "". */
const char *ja_pam_or_null(const char *s);
/* The line that fail2ban and people know; the name only where the store knows it (it may be a
 * password typed at the wrong prompt). */
void ja_pam_log_failure(const struct ja_pam_call *call, const char *known_user);
/* getpwnam's uid of the user, where it knows the name, must be the row's. */
enum ja_pam_outcome ja_pam_check_uid(struct ja_pam_call *call, const struct ja_user *user);
/* Is PAM_USER still the name that this call decides for? */
bool ja_pam_same_user(const struct ja_pam_call *call);

/* What auth saw, kept in the handle while it lives: a change of PAM_USER between auth and account
 * must fail (CVE-2024-9313). `ours` says that we authenticated it. */
enum ja_pam_outcome ja_pam_remember(struct ja_pam_call *call, bool ours);
/* True when auth in this handle saw another name; `ours_only`: and had authenticated it here. */
bool ja_pam_name_changed(const struct ja_pam_call *call, bool ours_only);

#endif
