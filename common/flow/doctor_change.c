/* doctor: changes of PAM stacks that wait for their confirmation. One whose time is over is taken back here too: its
 * own watcher may have gone with the machine. */
#include "common/flow/doctor_internal.h"
#include "common/flow/pam_change.h"

static void tell_open(struct doctor *d, const struct ja_pam_change *c)
{
    char by[JA_TIME_LEN + 1];

    ja_time_format(c->confirm_by, by);
    doctor_say(d, JA_DOCTOR_WARN, "pam", "authctl pam confirm", "%s: the change is not confirmed: taken back at %s",
               c->service, by);
}

static enum ja_status look(void *arg, const struct ja_pam_change *c, struct ja_error *err)
{
    struct doctor *d = arg;
    struct ja_error why = {0};
    bool taken = false;

    (void)err;
    if (!ja_pam_pending(c))
        return JA_OK;
    if (ja_pam_left_ms(c) > 0) {
        tell_open(d, c);
        return JA_OK;
    }
    if (ja_pam_take_back_due(c->service, &taken, &why) != JA_OK)
        doctor_say(d, JA_DOCTOR_FAIL, "pam", "put the file back, or: authctl pam confirm", "%s: %s", c->service,
                   why.message);
    else if (taken)
        doctor_say(d, JA_DOCTOR_WARN, "pam", "look why, then change it again",
                   "%s: a change that nobody confirmed is taken back", c->service);
    return JA_OK;
}

void doctor_changes(struct doctor *d)
{
    struct ja_error err = {0};

    if (ja_pam_each(look, d, &err) != JA_OK)
        doctor_fail(d, JA_DOCTOR_FAIL, "pam", "mend it, then: authctl pam rollback --due", &err);
}
