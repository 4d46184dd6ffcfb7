/* A bound on parallel password hashing over all processes of the host (SECURITY R21).
 *
 * Byte-range locks (open file descriptions, F_OFD_SETLK) on <run>/hash-slots, one byte a slot; the
 * kernel frees a slot when its holder dies.  Waiting is bounded by hash_wait and looks again at
 * growing intervals through ctx->clock.sleep_ms, never inside a transaction.
 * JA_ERR_BUSY: none was free in time; counts as no failure of anybody.
 */
#ifndef JA_DOMAIN_HASH_SLOTS_H
#define JA_DOMAIN_HASH_SLOTS_H

#include "common/domain/ctx.h"

enum ja_status ja_hash_slot_take(struct ja_ctx *ctx, int *ret_slot_fd, struct ja_error *err);
void ja_hash_slot_release(int slot_fd); /* -1 accepted */
/* How many have a holder, in this process or another. */
enum ja_status ja_hash_slots_held(struct ja_ctx *ctx, size_t *ret, struct ja_error *err);

#endif
