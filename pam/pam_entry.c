/* The six entry points, nothing else: whose name, options and context, one action, the code. */
#include "pam/pam_auth.h"
#include "pam/pam_context.h"
#include "pam/pam_password.h"
#include "pam/pam_remote.h"
#include "pam/pam_session.h"

#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef enum ja_pam_outcome (*action_fn)(struct ja_pam_call *call);

__attribute__((noinline)) /* its frame is wiped too */
static int serve(pam_handle_t *pamh, enum ja_pam_entry entry, int flags, int argc, const char **argv,
                 action_fn action)
{
    struct ja_pam_call call;
    enum ja_pam_outcome outcome = ja_pam_whose(&call, pamh, entry, flags);

    if (geteuid() != 0 && (outcome == JA_PAM_GO || outcome == JA_PAM_LOCAL))
        return ja_pam_end(&call, ja_pam_remote(&call, outcome, argc, argv));
    if (outcome == JA_PAM_GO)
        outcome = ja_pam_prepare(&call, argc, argv);
    if (outcome == JA_PAM_GO)
        outcome = action(&call);
    return ja_pam_end(&call, outcome);
}

/* The process lives on for hours (a session of sshd): the stack keeps nothing either (CVE-2024-10041). */
static int run(pam_handle_t *pamh, enum ja_pam_entry entry, int flags, int argc, const char **argv,
               action_fn action)
{
    int code = serve(pamh, entry, flags, argc, argv, action);

    ja_stack_wipe();
    return code;
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(pamh, JA_PAM_AUTH, flags, argc, argv, ja_pam_authenticate);
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(pamh, JA_PAM_SETCRED, flags, argc, argv, ja_pam_setcred);
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(pamh, JA_PAM_ACCOUNT, flags, argc, argv, ja_pam_account);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(pamh, JA_PAM_SESSION, flags, argc, argv, ja_pam_session_open);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(pamh, JA_PAM_SESSION, flags, argc, argv, ja_pam_session_close);
}

EXPORT int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(pamh, JA_PAM_PASSWORD, flags, argc, argv,
               flags & PAM_PRELIM_CHECK ? ja_pam_password_check : ja_pam_password_update);
}
