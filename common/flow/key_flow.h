/* Signing keys by an administrator; each function is one transaction with its audit row, after
 * the independent cross-check of a new key (signing_key.h).
 */
#ifndef JA_FLOW_KEY_FLOW_H
#define JA_FLOW_KEY_FLOW_H

#include "common/domain/signing_key.h"

/* Promotes `next` (making one of `alg` first when there is none, or when alg differs), makes a new next
 * one, retires what has ended. if_due: only when the active key is older than rotate_every;
 * *ret_rotated says whether. alg NONE: configured. JA_ERR_CONFLICT "keys_changed": another rotation or
 * import came between. */
enum ja_status ja_key_rotate(struct ja_ctx *ctx, enum ja_alg alg, bool if_due, bool *ret_rotated,
                             struct ja_key_info *ret_active, struct ja_error *err);
/* At once: tokens it signed are refused from now on. The only active key is refused (JA_ERR_CONFLICT
 * "last_key"). */
enum ja_status ja_key_retire(struct ja_ctx *ctx, const char *kid, struct ja_error *err);
/* Becomes `next`, in the place of a next key that was there. JA_ERR_EXISTS "key_exists". */
enum ja_status ja_key_import(struct ja_ctx *ctx, const struct ja_secret *text, enum ja_alg alg,
                             struct ja_key_info *ret, struct ja_error *err);

#endif
