/* The lines of pam_jwtauth(8) put into the text of a service's file in /etc/pam.d.
 *
 * A file is understood when one line brings pam_unix into auth and one into account, itself or by what it includes,
 * and no jump in front of them counts lines. Then those of pam_jwtauth come in front of them, the session's behind,
 * as packaging/pam/ has them: a denial is final, and users who are not ours go on to pam_unix. Everything else is
 * left to the administrator.
 */
#ifndef JA_FLOW_PAM_STANZA_H
#define JA_FLOW_PAM_STANZA_H

#include "common/base/secret.h"

#define JA_PAM_FOLDER "/etc/pam.d"
#define JA_PAM_TEXT_MAX ((size_t)64 * 1024)

enum ja_pam_use {
    JA_PAM_UNUSED,   /* no line of ours */
    JA_PAM_DIRECT,   /* in the file itself, in auth and account */
    JA_PAM_INCLUDED, /* by a file that it includes, as pam-auth-update(8) writes them */
    JA_PAM_PARTLY,   /* in some parts only */
};
/* A name that can be a file of /etc/pam.d and nothing else. */
bool ja_pam_service_valid(const char *service);
/* How the service's stack, as it is on disk, uses pam_jwtauth. `text` is that of its own file. */
enum ja_pam_use ja_pam_use(const char *service, const struct ja_secret *text);
/* Whether the service's auth part has the module (pam_rootok.so), itself or by what it includes, as it is on disk. */
bool ja_pam_auth_has(const char *service, const char *module);
/* The new text; included files are read from /etc/pam.d. JA_ERR_CONFLICT "pam_not_understood" says which line and
 * why. */
enum ja_status ja_pam_stanza(const char *service, const struct ja_secret *text, struct ja_secret *ret,
                             struct ja_error *err);

#endif
