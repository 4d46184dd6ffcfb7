/* Inside of the outbox: how a row is read. */
#ifndef JA_DOMAIN_OUTBOX_IMPL_H
#define JA_DOMAIN_OUTBOX_IMPL_H

#include "common/domain/outbox_row.h"

#define JA_OUTBOX_COLUMNS \
    "id, channel, destination, template, user_id, state, attempts, next_attempt_at, claimed_until, ends_at, " \
    "last_error, sent_at, created_at "

/* On failure ret holds what was read so far: clear it. */
enum ja_status ja_outbox_row_read(struct ja_rows *rows, struct ja_outbox_row *ret, struct ja_error *err);

#endif
