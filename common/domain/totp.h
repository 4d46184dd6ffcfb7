/* Time-based one-time passwords (RFC 6238) through liboath (loaded late).
 *
 * The secret (160 bits) is sealed under identity "totp:<user id>".  A code is as many ASCII digits
 * as enrolled; steps now-window .. now+window count; a step must be later than the last accepted
 * one, which ja_totp_consume stores by one conditional UPDATE in the caller's transaction.
 */
#ifndef JA_DOMAIN_TOTP_H
#define JA_DOMAIN_TOTP_H

#include "common/domain/ctx.h"

enum ja_totp_algorithm { JA_TOTP_SHA1, JA_TOTP_SHA256, JA_TOTP_SHA512 };

struct ja_totp {
    enum ja_totp_algorithm algorithm;
    int digits;  /* 6 or 8 */
    int period;  /* seconds */
    int64_t last_step;
    int64_t confirmed_at; /* 0: not in force */
    int64_t created_at;
    struct ja_secret secret;
};

const char *ja_totp_algorithm_name(enum ja_totp_algorithm a);
void ja_totp_clear(struct ja_totp *t);

/* JA_ERR_NOT_FOUND when the user has none. Without ret->secret when `with_secret` is false. */
enum ja_status ja_totp_find(struct ja_ctx *ctx, const char *user_id, bool with_secret,
                            struct ja_totp *ret, struct ja_error *err);
/* New unconfirmed secret in place of any unconfirmed one; JA_ERR_EXISTS when one is in force.
 * In the caller's transaction. */
enum ja_status ja_totp_create(struct ja_ctx *ctx, const char *user_id, enum ja_totp_algorithm a,
                              int digits, struct ja_totp *ret, struct ja_error *err);
enum ja_status ja_totp_set_confirmed(struct ja_ctx *ctx, const char *user_id, int64_t step,
                                     struct ja_error *err);
enum ja_status ja_totp_delete(struct ja_ctx *ctx, const char *user_id, bool *ret_deleted,
                              struct ja_error *err);

/* Pure: which step does the code belong to? JA_ERR_DENIED: none. Constant time over the window. */
enum ja_status ja_totp_match(const struct ja_totp *t, int window, int64_t now, const char *code,
                             size_t len, int64_t *ret_step, struct ja_error *err);
/* JA_ERR_DENIED ("code_replayed") when step <= the last accepted one. In the caller's transaction.
 */
enum ja_status ja_totp_consume(struct ja_ctx *ctx, const char *user_id, int64_t step,
                               struct ja_error *err);
/* otpauth://totp/LABEL:user?secret=...&issuer=...&algorithm=...&digits=...&period=... */
enum ja_status ja_totp_uri(const struct ja_totp *t, const char *issuer_label, const char *username,
                           struct ja_secret *ret, struct ja_error *err);
/* The secret in base32 without padding, for typing in by hand. */
enum ja_status ja_totp_base32(const struct ja_totp *t, struct ja_secret *ret, struct ja_error *err);

#endif
