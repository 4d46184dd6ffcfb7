/* Messages to users: rows written in the transaction of what caused them, delivered later by another
 * process (authctl, its timer, jwtauthd; never by PAM).
 *
 * At least once: a message is taken back into the queue when its deliverer dies; its id stays the same and goes out
 * with it, so that a receiver can drop a double.  The variables are sealed, they may hold a code.
 */
#ifndef JA_DOMAIN_OUTBOX_H
#define JA_DOMAIN_OUTBOX_H

#include "common/base/text.h"
#include "common/domain/ctx.h"

#include <jansson.h>

enum ja_channel { JA_CHANNEL_EMAIL, JA_CHANNEL_SMS };
const char *ja_channel_name(enum ja_channel c); /* "email", "sms" */

struct ja_message {
    enum ja_channel channel;
    const char *destination;  /* an address or number of the store, normalized */
    const char *template;     /* "new_source", "verify_email", ... */
    const char *user_id;      /* whom it is to; NULL: nobody of the store */
    const json_t *vars;       /* an object of texts for the template; borrowed */
    int64_t ends_at;          /* worth nothing from then on */
};

/* Messages that were not delivered: they wait, somebody is at them, nobody tries any more. */
struct ja_outbox_depth { int64_t queued, sending, given_up; };
enum ja_status ja_outbox_depth(struct ja_ctx *ctx, struct ja_outbox_depth *ret, struct ja_error *err);
/* Is there a provider for this channel? Without one nothing is queued: it would never leave. */
bool ja_outbox_has_provider(const struct ja_ctx *ctx, enum ja_channel channel);
/* In the caller's transaction. Needs the master key. ret_id (JA_UUID_LEN + 1) may be NULL. */
enum ja_status ja_outbox_queue(struct ja_ctx *ctx, const struct ja_message *m, char *ret_id,
                               struct ja_error *err);
/* The work of queueing for nobody, of which nothing stays: so that who does not exist takes as long. */
enum ja_status ja_outbox_decoy(struct ja_ctx *ctx, struct ja_error *err);
/* To a user's verified address (email), when there are both address and provider; else nothing, JA_OK. */
struct ja_user;
enum ja_status ja_outbox_notify(struct ja_ctx *ctx, const struct ja_user *user, const char *template,
                                const json_t *vars, struct ja_error *err);

#endif
