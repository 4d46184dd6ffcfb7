/* Recovery codes: 80 random bits as "xxxx-xxxx-xxxx-xxxx" in Crockford base32, stored as keyed
 * hashes, each good once. Letter case and hyphens do not matter when typed.  Scratch codes of google-authenticator
 * (8 digits) can be brought along. All functions that write run in the caller's transaction.
 */
#ifndef JA_DOMAIN_RECOVERY_CODE_H
#define JA_DOMAIN_RECOVERY_CODE_H

#include "common/domain/ctx.h"

#define JA_RECOVERY_CODE_LEN 19
#define JA_RECOVERY_SCRATCH_LEN 8

/* Replaces all codes of the user; `ret` gets them one a line. */
enum ja_status ja_recovery_regenerate(struct ja_ctx *ctx, const char *user_id,
                                      struct ja_secret *ret, struct ja_error *err);
/* The two halves of that: codes that are stored nowhere yet, one a line, and what was shown as all of the user's. */
enum ja_status ja_recovery_new(int64_t count, struct ja_secret *ret, struct ja_error *err);
enum ja_status ja_recovery_replace(struct ja_ctx *ctx, const char *user_id, const struct ja_secret *codes,
                                   struct ja_error *err);
/* One more code, of 8 digits as somebody else made it: JA_ERR_INVALID "invalid_code". Codes that are there stay. */
enum ja_status ja_recovery_import(struct ja_ctx *ctx, const char *user_id, const char *code, size_t len,
                                  struct ja_error *err);
enum ja_status ja_recovery_count(struct ja_ctx *ctx, const char *user_id, int64_t *ret_left,
                                 int64_t *ret_total, struct ja_error *err);
/* Could this text be a recovery code (by its form)? */
bool ja_recovery_form(const char *code, size_t len);
/* JA_ERR_DENIED when unknown or used. One conditional UPDATE. */
enum ja_status ja_recovery_consume(struct ja_ctx *ctx, const char *user_id, const char *code,
                                   size_t len, struct ja_error *err);
enum ja_status ja_recovery_delete(struct ja_ctx *ctx, const char *user_id, struct ja_error *err);

#endif
