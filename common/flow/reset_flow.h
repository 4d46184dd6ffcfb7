/* Forgotten passwords and invitations (SECURITY R19): a proof is sent to a verified address, and whoever brings it back
 * sets a password.  The second factor is untouched: the next login asks for it.
 */
#ifndef JA_FLOW_RESET_FLOW_H
#define JA_FLOW_RESET_FLOW_H

#include "common/flow/account_flow.h"
#include "common/flow/letter.h"

enum ja_reset_by { JA_RESET_ANY, JA_RESET_BY_EMAIL, JA_RESET_BY_SMS };

/* The same answer, in the same time, whether the account exists or not: JA_OK, or JA_ERR_THROTTLED by what was typed
 * and by source. A message is queued when the account is an active person's with a verified address of this kind;
 * nothing is returned of it, and whoever delivers it must not let the caller wait for that. */
enum ja_status ja_reset_request(struct ja_ctx *ctx, const char *who, enum ja_reset_by by, struct ja_error *err);
/* Its two halves, for who answers between them: the throttle, and what must not be seen by its time. */
enum ja_status ja_reset_turn(struct ja_ctx *ctx, const char *who, struct ja_error *err);
enum ja_status ja_reset_send(struct ja_ctx *ctx, const char *who, enum ja_reset_by by, struct ja_error *err);

struct ja_reset {
    const char *name;   /* with `code`; else NULL */
    const char *secret; /* token (reset or invitation), or code */
    size_t len;
    bool code;
};
/* Sets the password: policy, one use of the proof, every session and token of the user ended, a notice sent.
 * An invited account becomes active, its address verified. JA_ERR_DENIED "invalid_token" or "invalid_code". */
enum ja_status ja_reset_confirm(struct ja_ctx *ctx, const struct ja_reset *r, const struct ja_secret *pw,
                                struct ja_policy_report *report, struct ja_user *ret, struct ja_error *err);

#endif
