/* What a PAM stack is tried with: a store, users and a local root of the moment.
 *
 * The caller runs in a private mount namespace in which the folders that are written to are its own; nothing here
 * looks at the real ones.
 */
#ifndef JA_FLOW_PAM_TRIAL_H
#define JA_FLOW_PAM_TRIAL_H

#include "common/base/secret.h"
#include "common/base/text.h"

struct ja_pam_trial {
    char allowed[JA_USERNAME_MAX + 1], locked[JA_USERNAME_MAX + 1], unknown[JA_USERNAME_MAX + 1];
    struct ja_secret password; /* of all of them */
};
/* Names that nobody has and a password. JA_ERR_EXISTS: a name is taken after all. */
enum ja_status ja_pam_trial_init(struct ja_pam_trial *ret, struct ja_error *err);
void ja_pam_trial_clear(struct ja_pam_trial *t);
/* Configuration, master key and store in the folder of JA_CONFIG_PATH, with the two users. */
enum ja_status ja_pam_trial_store(const struct ja_pam_trial *t, struct ja_error *err);
/* A configuration that cannot be read in place of that. */
enum ja_status ja_pam_trial_break(struct ja_error *err);
/* A shadow file that knows root alone, with the password. */
enum ja_status ja_pam_trial_shadow(const struct ja_pam_trial *t, const char *path, struct ja_error *err);

#endif
