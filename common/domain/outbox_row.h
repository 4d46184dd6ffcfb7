/* Messages of the outbox: taken for delivery, reported on, looked at and mended by hand.
 *
 * A message is due when it is queued and its next_attempt_at has come. Taking one puts that time to the end of
 * the lease: whoever dies with it in hand leaves it due again then, with the attempt counted.  The lease's end is also
 * the proof of holding it: a deliverer that was too slow changes nothing of who took the message after it.
 */
#ifndef JA_DOMAIN_OUTBOX_ROW_H
#define JA_DOMAIN_OUTBOX_ROW_H

#include "common/base/text.h"
#include "common/domain/outbox.h"

/* After the Nth failure: 1 min, 5 min, 15 min, 1 h, then every 4 h, until ends_at or the last attempt. */
#define JA_OUTBOX_ATTEMPTS 20
#define JA_OUTBOX_OVERDUE (15 * 60) /* due for longer than this: nobody delivers */

struct ja_outbox_row {
    char id[JA_UUID_LEN + 1];
    char state[12];          /* "queued", "sent", "given_up" */
    enum ja_channel channel;
    char *destination, *template;
    char *user_id, *last_error; /* NULL: none */
    char *vars;              /* sealed; only of a message that was taken */
    int64_t attempts, next_attempt_at, claimed_until, ends_at, sent_at, created_at;
};
void ja_outbox_row_clear(struct ja_outbox_row *row);

/* Takes the message that is due for longest (id NULL), or this one if it is due, for `lease` seconds. Opens its own
 * transaction. JA_ERR_NOT_FOUND: none is. */
enum ja_status ja_outbox_take(struct ja_ctx *ctx, enum ja_channel channel, int64_t lease, struct ja_outbox_row *ret,
                              struct ja_error *err);
enum ja_status ja_outbox_take_one(struct ja_ctx *ctx, const char *id, int64_t lease, struct ja_outbox_row *ret,
                                  struct ja_error *err);
/* Opens the variables of a message that was taken. Needs the master key. *ret is the caller's: ja_outbox_vars_free. */
enum ja_status ja_outbox_vars(struct ja_ctx *ctx, const struct ja_outbox_row *row, json_t **ret,
                              struct ja_error *err);
void ja_outbox_vars_free(json_t *vars); /* wipes the texts; NULL accepted */
/* The attempt's end, in a transaction of its own. JA_ERR_CONFLICT: the lease had ended and another has the message.
 * What is given up has an audit event "outbox.given_up". */
enum ja_status ja_outbox_sent(struct ja_ctx *ctx, const struct ja_outbox_row *row, struct ja_error *err);
enum ja_status ja_outbox_failed(struct ja_ctx *ctx, const struct ja_outbox_row *row, const char *cause,
                                bool *ret_given_up, struct ja_error *err);

/* ---- by hand ---- */

struct ja_outbox_filter {
    const char *state; /* NULL: all */
    const char *after; /* id, NULL: from the start */
    int64_t limit;     /* 0: all */
};
typedef enum ja_status (*ja_outbox_fn)(void *arg, const struct ja_outbox_row *row);
enum ja_status ja_outbox_each(struct ja_ctx *ctx, const struct ja_outbox_filter *filter, ja_outbox_fn fn, void *arg,
                              struct ja_error *err);
/* JA_ERR_NOT_FOUND "message_not_found". */
enum ja_status ja_outbox_find(struct ja_ctx *ctx, const char *id, struct ja_outbox_row *ret, struct ja_error *err);
/* Due now, with all attempts before it again; with audit row. JA_ERR_CONFLICT: "message_sent", "message_ended",
 * "message_in_delivery". */
enum ja_status ja_outbox_retry(struct ja_ctx *ctx, const char *id, struct ja_error *err);
/* Forgets it, with audit row; also one that is being delivered: it may arrive yet. */
enum ja_status ja_outbox_drop(struct ja_ctx *ctx, const char *id, struct ja_error *err);

enum ja_status ja_outbox_count_due(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);
struct ja_outbox_health { int64_t queued, overdue, given_up; };
enum ja_status ja_outbox_health(struct ja_ctx *ctx, struct ja_outbox_health *ret, struct ja_error *err);

#endif
