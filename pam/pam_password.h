/* chauthtok: the two passes that libpam makes of one change.
 *
 * The old password is proven in the first pass through the login machine (throttle, audit) and that proof is
 * kept in the handle for the second one. Only a process whose real uid is 0 skips it, and not when
 * the change is forced at login (as pam_unix does it).
 */
#ifndef JA_PAM_PAM_PASSWORD_H
#define JA_PAM_PAM_PASSWORD_H

#include "pam/pam_context.h"

enum ja_pam_outcome ja_pam_password_check(struct ja_pam_call *call);  /* PAM_PRELIM_CHECK */
enum ja_pam_outcome ja_pam_password_update(struct ja_pam_call *call); /* PAM_UPDATE_AUTHTOK */

#endif
