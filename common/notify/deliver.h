/* Delivery: takes due messages, renders, sends, records.
 *
 * Nothing of it is in a transaction but the taking and the recording.  A message that fails goes back with a
 * back-off (outbox_row.h) and one log line: id, channel, provider, template, masked address, attempt, cause.
 * When a provider cannot be reached several times in a row, the rest of that channel waits for the next run.
 * Never called by PAM.
 */
#ifndef JA_NOTIFY_DELIVER_H
#define JA_NOTIFY_DELIVER_H

#include "common/db/db.h"
#include "common/domain/outbox.h"

struct ja_delivery {
    int64_t sent, failed, given_up;
    char cause[256]; /* of the last failure */
};

/* This one message, when it is due. JA_ERR_NOT_FOUND "nothing_due": it is not. That it failed is JA_OK. */
enum ja_status ja_deliver_one(struct ja_ctx *ctx, const char *id, struct ja_delivery *ret, struct ja_error *err);
/* Who watches a run; each may be NULL. progress gets the number done and, as total, what waits at the start.
 * Asked before each message, ending says whether to leave the rest for another run. */
struct ja_delivery_watch {
    ja_progress_fn progress;
    bool (*ending)(void *arg);
    void *arg;
};
/* Whatever is due. watch may be NULL. */
enum ja_status ja_deliver_due(struct ja_ctx *ctx, const struct ja_delivery_watch *watch, struct ja_delivery *ret,
                              struct ja_error *err);

/* "smtp", "webhook", ...; "none". */
const char *ja_provider_name(const struct ja_ctx *ctx, enum ja_channel channel);
/* Everything of the provider that can be looked at without sending: secret files, command, templates. For doctor. */
enum ja_status ja_provider_check(struct ja_ctx *ctx, enum ja_channel channel, struct ja_error *err);

#endif
