/* The name that a call decides for, against what auth saw and against the system's accounts. */
#include "pam/pam_context.h"

#include <errno.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEN "jwtauth_seen"

struct seen {
    bool ours;
    char user[JA_PAM_USER_MAX + 1];
};

static void forget(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh, (void)status;
    free(data);
}

enum ja_pam_outcome ja_pam_remember(struct ja_pam_call *call, bool ours)
{
    struct seen *seen = calloc(1, sizeof *seen);

    if (!seen) {
        (void)ja_fail_nomem(&call->err);
        return JA_PAM_BROKEN;
    }
    seen->ours = ours;
    memcpy(seen->user, call->user, sizeof seen->user);
    if (pam_set_data(call->pamh, SEEN, seen, forget) != PAM_SUCCESS) {
        free(seen);
        (void)ja_fail_nomem(&call->err);
        return JA_PAM_BROKEN;
    }
    return JA_PAM_GO;
}

bool ja_pam_name_changed(const struct ja_pam_call *call, bool ours_only)
{
    const void *data = NULL;
    const struct seen *seen;

    if (pam_get_data(call->pamh, SEEN, &data) != PAM_SUCCESS || !data)
        return false;
    seen = data;
    return (seen->ours || !ours_only) && strcmp(seen->user, call->user) != 0;
}

bool ja_pam_same_user(const struct ja_pam_call *call)
{
    const void *item = NULL;

    return pam_get_item(call->pamh, PAM_USER, &item) == PAM_SUCCESS && item &&
           strncmp(item, call->user, sizeof call->user) == 0;
}

/* getpwnam_r's "not found" has many spellings; see its manual page. */
static bool means_absent(int errnum)
{
    return errnum == 0 || errnum == ENOENT || errnum == ESRCH || errnum == EBADF || errnum == EPERM;
}

enum ja_pam_outcome ja_pam_check_uid(struct ja_pam_call *call, const struct ja_user *user)
{
    enum ja_pam_outcome outcome = JA_PAM_BROKEN;
    struct passwd pw, *found = NULL;
    size_t size = 4096;
    char *buf = NULL;
    int rc = ERANGE;

    for (; rc == ERANGE && size <= 1024 * 1024; size *= 4) {
        free(buf);
        buf = malloc(size);
        if (!buf)
            return (void)ja_fail_nomem(&call->err), JA_PAM_BROKEN;
        rc = getpwnam_r(user->username, &pw, buf, size, &found);
    }
    if (!found && !means_absent(rc)) {
        (void)ja_fail_errno(&call->err, rc, "the account databases of the system cannot be read");
    } else if (found && (int64_t)found->pw_uid != user->uid) {
        pam_syslog(call->pamh, LOG_ERR, "user %s has uid %lld here and %u in the system: refused",
                   user->username, (long long)user->uid, (unsigned)found->pw_uid);
        outcome = JA_PAM_REFUSED;
    } else {
        outcome = JA_PAM_DONE;
    }
    free(buf);
    return outcome;
}

const char *ja_pam_login_handle(const struct ja_pam_call *call)
{
    const char *handle;

    if (call->entry == JA_PAM_SESSION)
        return ja_pam_or_null(call->handle);
    handle = pam_getenv(call->pamh, JA_PAM_LOGIN_VARIABLE);
    return handle && strnlen(handle, JA_HANDLE_LEN + 1) == JA_HANDLE_LEN ? handle : NULL;
}

void ja_pam_unset(pam_handle_t *pamh, const char *name)
{
    if (pam_getenv(pamh, name))
        (void)pam_putenv(pamh, name);
}

void ja_pam_log_failure(const struct ja_pam_call *call, const char *known_user)
{
    pam_syslog(call->pamh, LOG_NOTICE,
               "authentication failure; logname= uid=%u euid=%u tty=%s ruser=%s rhost=%s%s%s",
               (unsigned)getuid(), (unsigned)geteuid(), call->tty, call->ruser, call->rhost,
               known_user ? "  user=" : "", known_user ? known_user : "");
}
