/* Counting of attempts (SECURITY R9, R10; CONFIG [throttle]).
 *
 * A try is booked before it is evaluated, in its own BEGIN IMMEDIATE transaction (this module opens and
 * commits it), and cleared by success only.  Buckets: user_source (login), source (per_source), user (per_user: slows
 * everywhere and blocks networks that the user never came from, so that nobody is locked out of home by guesses from
 * elsewhere), code (per secret of a second factor).  State is in the store: it survives restarts and is shared by all
 * processes; its size is bounded (throttle_bucket.h).  A window that starts in the future (clock set back) counts as
 * starting now.
 * Captchas have two counters of their own, of what is asked over HTTP alone: per name as it was given (whether somebody
 * has it or not, and whatever its other names are) and per source.  So what is asked tells nothing of who is there.
 */
#ifndef JA_DOMAIN_THROTTLE_H
#define JA_DOMAIN_THROTTLE_H

#include "common/domain/ctx.h"

struct ja_throttle_who {
    const char *user_key; /* user id, or a keyed hash for an unknown name; NULL: book no user bucket */
    const char *source;   /* the bucket of the address ("192.0.2.0/24", "local") */
    bool trusted;         /* in trusted_networks: never blocked, still delayed */
    bool known;           /* the user has logged in from there: guesses from elsewhere do not block it */
    int64_t rows_max;     /* of the table; 0: the built-in bound. Tests lower it */
    const char *captcha_name; /* keyed hash of the name as it was given: a captcha is asked of this login when due; NULL:
                                 never (PAM, authctl) */
    bool captcha_passed;  /* counted, but not asked again */
};

/* err->code of JA_ERR_THROTTLED: "too_many_attempts", or "tries_under_way" when the bucket is full only with tries
 * that are not judged yet: right ones give their place back, so that waiting a little is worth it. */
/* JA_ERR_FORBIDDEN "captcha_required": not blocked, but captcha_after tries failed; nothing was booked. */
/* JA_OK: booked, go on. JA_ERR_THROTTLED: blocked; err->retry_after is set; nothing was booked. *ret_count is
 * the count in the user_source bucket with this one, and what the user's own bucket has beyond per_user:
 * what ja_throttle_delay_ms grows by. The first `count` tries of a window are
 * evaluated, never more, whatever runs in parallel. */
enum ja_status ja_throttle_book(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                int64_t *ret_count, struct ja_error *err);
/* Looks only: JA_OK or JA_ERR_THROTTLED as ja_throttle_book would answer now. */
enum ja_status ja_throttle_check(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                 struct ja_error *err);
/* Looks only: has the name (`captcha_name`, NULL: none) or the source failed as often as [throttle] captcha_after? Tries
 * under way are no failures yet. */
enum ja_status ja_throttle_captcha_due(struct ja_ctx *ctx, const struct ja_throttle_who *who, bool *ret,
                                       struct ja_error *err);
/* The try turned out wrong, in the caller's transaction: it stays counted and is under way no more. */
enum ja_status ja_throttle_judged(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                  struct ja_error *err);
/* After success, in the caller's transaction: forgets the user_source bucket, takes this try back
 * from the other two. */
enum ja_status ja_throttle_clear(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                 struct ja_error *err);
/* A try that was booked but could not be evaluated (busy, no memory, conversation ended before a
 * password): taken back. Opens its own transaction. */
enum ja_status ja_throttle_unbook(struct ja_ctx *ctx, const struct ja_throttle_who *who,
                                  struct ja_error *err);
/* Codes of a second factor, counted per secret over every source, session and day (150 in a window of a day), so that a right password
 * does not open a million codes. `kind`: "totp", "recovery". Booked (own transaction) before it is compared;
 * only a right code clears (the caller's transaction); judged as ja_throttle_judged. */
enum ja_status ja_throttle_book_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                     int64_t rows_max, struct ja_error *err); /* rows_max as above */
enum ja_status ja_throttle_judged_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                       struct ja_error *err);
enum ja_status ja_throttle_clear_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                      struct ja_error *err);
/* As ja_throttle_unbook: the system failed, not the person. */
enum ja_status ja_throttle_unbook_code(struct ja_ctx *ctx, const char *kind, const char *user_key,
                                       struct ja_error *err);
/* delay_base doubled per failure, at most delay_max. Milliseconds. */
unsigned ja_throttle_delay_ms(const struct ja_ctx *ctx, int64_t count);
/* How many buckets the pruning would take. */
enum ja_status ja_throttle_count_ended(struct ja_ctx *ctx, int64_t *ret, struct ja_error *err);
/* Bounded pruning of buckets whose window and block are over. In the caller's transaction. */
enum ja_status ja_throttle_prune(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err);

#endif
