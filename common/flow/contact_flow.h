/* Email addresses and phone numbers: sent a proof, verified, changed. Each function is its own transaction with its
 * audit rows; messages are queued in it (outbox.h) and delivered by the caller afterwards.
 */
#ifndef JA_FLOW_CONTACT_FLOW_H
#define JA_FLOW_CONTACT_FLOW_H

#include "common/flow/account_flow.h"
#include "common/flow/letter.h"

/* Sends a new proof to the address that waits for one (a changed one first); the former proof is void.
 * JA_ERR_CONFLICT "no_email"/"no_phone", JA_ERR_EXISTS "already_verified", JA_ERR_THROTTLED. */
enum ja_status ja_contact_send(struct ja_ctx *ctx, const char *name, enum ja_channel channel,
                               struct ja_sent *ret, struct ja_error *err);
/* The same by an address that anybody may type, whether there is something to verify or not. Two halves, for who answers
 * between them: the throttle (JA_OK or JA_ERR_THROTTLED), and what must not be seen by its time. */
enum ja_status ja_contact_turn(struct ja_ctx *ctx, const char *address, struct ja_error *err);
enum ja_status ja_contact_resend(struct ja_ctx *ctx, const char *address, enum ja_channel channel, struct ja_error *err);
/* What was sent comes back. A pending account becomes active when every channel that policy demands is verified.
 * JA_ERR_DENIED "invalid_token"; JA_ERR_EXISTS "email_taken" when somebody else has verified the address meanwhile.
 * `name` may be NULL: the token knows. */
enum ja_status ja_contact_confirm_token(struct ja_ctx *ctx, const char *name, const char *token, size_t len,
                                        struct ja_user *ret, struct ja_error *err);
/* JA_ERR_DENIED "invalid_code", also for a user who does not exist. */
enum ja_status ja_contact_confirm_code(struct ja_ctx *ctx, const char *name, const char *code, size_t len,
                                       struct ja_user *ret, struct ja_error *err);

/* The person's own change (profile set): a verified address stays until the new one is verified, and the old one is
 * told then. ret_sent: at most two; *ret_nsent. */
enum ja_status ja_contact_profile(struct ja_ctx *ctx, const char *name, const struct ja_user_spec *spec,
                                  struct ja_user *ret, struct ja_sent ret_sent[2], size_t *ret_nsent,
                                  struct ja_error *err);

#endif
