/* Time-based one-time passwords (RFC 6238) through liboath (loaded late).
 *
 * The secret (160 bits; an imported one: what it had) is sealed under identity "totp:<user id>".  A code is as many
 * ASCII digits as enrolled; steps now-window .. now+window count; a step must be later than the last accepted
 * one, which ja_totp_consume stores by one conditional UPDATE in the caller's transaction.
 */
#ifndef JA_DOMAIN_TOTP_H
#define JA_DOMAIN_TOTP_H

#include "common/domain/ctx.h"

/* The most that an imported factor may bring: five minutes either way with the usual step. */
#define JA_TOTP_WINDOW_MAX 10
/* Bytes of an imported secret; what is shorter than RFC 4226's 128 bits is taken, but should be replaced. */
#define JA_TOTP_SECRET_MIN 10
#define JA_TOTP_SECRET_SHORT 16
#define JA_TOTP_SECRET_MAX 128
#define JA_TOTP_PERIOD_MIN 15
#define JA_TOTP_PERIOD_MAX 120

enum ja_totp_algorithm { JA_TOTP_SHA1, JA_TOTP_SHA256, JA_TOTP_SHA512 };

struct ja_totp {
    enum ja_totp_algorithm algorithm;
    int digits;  /* 6 or 8 */
    int period;  /* seconds */
    bool own_window; /* an imported factor may bring its window; else [mfa] totp_window */
    int step_window; /* with own_window: 0 to JA_TOTP_WINDOW_MAX */
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
/* A new secret that is stored nowhere yet: for ja_totp_import, once it was confirmed. */
enum ja_status ja_totp_new(enum ja_totp_algorithm a, int digits, int64_t now, struct ja_totp *ret,
                           struct ja_error *err);
/* New unconfirmed secret in place of any unconfirmed one; JA_ERR_EXISTS when one is in force.
 * In the caller's transaction. */
enum ja_status ja_totp_create(struct ja_ctx *ctx, const char *user_id, enum ja_totp_algorithm a,
                              int digits, struct ja_totp *ret, struct ja_error *err);
enum ja_status ja_totp_set_confirmed(struct ja_ctx *ctx, const char *user_id, int64_t step,
                                     struct ja_error *err);
/* A factor that was in use elsewhere, in force at once: algorithm, digits, period, last_step, window and secret are
 * taken from `t`. JA_ERR_EXISTS when one is in force; JA_ERR_INVALID "invalid_secret", "invalid_digits",
 * "invalid_period", "invalid_window", "invalid_step" (used steps that lie ahead: nobody could log in for long). In the
 * caller's transaction. */
enum ja_status ja_totp_import(struct ja_ctx *ctx, const char *user_id, const struct ja_totp *t,
                              struct ja_error *err);
enum ja_status ja_totp_delete(struct ja_ctx *ctx, const char *user_id, bool *ret_deleted,
                              struct ja_error *err);

/* The window that counts for this factor. */
int ja_totp_window(const struct ja_ctx *ctx, const struct ja_totp *t);
/* Base32 of people's files, by liboath: any letter case, blanks and missing padding are taken. JA_ERR_INVALID
 * "invalid_secret". */
enum ja_status ja_totp_decode(const char *base32, size_t len, struct ja_secret *ret, struct ja_error *err);
/* Pure: which step does the code belong to? JA_ERR_DENIED: none. Constant time over the window. */
enum ja_status ja_totp_match(const struct ja_totp *t, int window, int64_t now, const char *code,
                             size_t len, int64_t *ret_step, struct ja_error *err);
/* JA_ERR_DENIED ("code_replayed") when step <= the last accepted one. In the caller's transaction.
 */
enum ja_status ja_totp_consume(struct ja_ctx *ctx, const char *user_id, int64_t step,
                               struct ja_error *err);
#define JA_TOTP_LABEL_MAX 256
/* The name that authenticator apps show: configured, or the issuer's host. */
void ja_totp_issuer_label(const struct ja_config *cfg, char out[JA_TOTP_LABEL_MAX]);
/* otpauth://totp/LABEL:user?secret=...&issuer=...&algorithm=...&digits=...&period=... */
enum ja_status ja_totp_uri(const struct ja_totp *t, const char *issuer_label, const char *username,
                           struct ja_secret *ret, struct ja_error *err);
/* The secret in base32 without padding, for typing in by hand. */
enum ja_status ja_totp_base32(const struct ja_totp *t, struct ja_secret *ret, struct ja_error *err);

#endif
