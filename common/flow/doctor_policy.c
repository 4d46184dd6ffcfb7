/* The rules of the configuration: what policy check finds. */
#include "common/flow/doctor_internal.h"
#include "common/flow/policy.h"

static enum ja_status tell(void *arg, const struct ja_policy_fault *fault)
{
    doctor_say(arg, fault->error ? JA_DOCTOR_FAIL : JA_DOCTOR_WARN, "policy", "mend the rule, then: authctl policy check",
               "%s", fault->why);
    return JA_OK;
}

void doctor_policy(struct doctor *d)
{
    struct ja_error err = {0};

    if (ja_policy_find_faults(&d->ctx, tell, d, &err) != JA_OK)
        doctor_fail(d, JA_DOCTOR_FAIL, "policy", "mend the database first", &err);
}
