/* What is written to users: one-time tokens, and notices. All queue in the caller's transaction (outbox.h). */
#ifndef JA_FLOW_LETTER_H
#define JA_FLOW_LETTER_H

#include "common/domain/one_time_token.h"
#include "common/domain/outbox.h"
#include "common/domain/user.h"

/* A message that was queued. */
struct ja_sent {
    enum ja_channel channel;
    char destination[JA_EMAIL_MAX + 1];
    char message[JA_UUID_LEN + 1];
};

/* Makes a token (mail) or a code (SMS) for `destination`, voids former ones, queues the message, writes the audit
 * row `action`. The secret exists in the message alone. JA_ERR_THROTTLED: the user got enough of these for now
 * (5 an hour of each kind, against mail bombing). ret may be NULL. */
enum ja_status ja_letter_token(struct ja_ctx *ctx, const struct ja_user *user, enum ja_purpose purpose,
                               enum ja_channel channel, const char *destination, const char *action,
                               struct ja_sent *ret, struct ja_error *err);
/* The work of ja_letter_token for nobody: nothing of it stays. */
enum ja_status ja_letter_decoy(struct ja_ctx *ctx, struct ja_error *err);
/* Who asks for a message, and for whom, each in a window of its own ([throttle] other): "reset", "resend". What was
 * typed is hashed: it may be a password. Its own transaction. JA_ERR_THROTTLED. */
enum ja_status ja_letter_turn(struct ja_ctx *ctx, const char *what, const char *who, struct ja_error *err);
/* A notice to the verified address. */
enum ja_status ja_letter_notice(struct ja_ctx *ctx, const struct ja_user *user, const char *template,
                                struct ja_error *err);
/* With one more value for the template. */
enum ja_status ja_letter_notice_of(struct ja_ctx *ctx, const struct ja_user *user, const char *template,
                                   const char *key, const char *value, struct ja_error *err);
/* The same to the address that the user had (verified) until now. */
enum ja_status ja_letter_old_address(struct ja_ctx *ctx, const struct ja_user *user, const char *old_email,
                                     struct ja_error *err);

#endif
