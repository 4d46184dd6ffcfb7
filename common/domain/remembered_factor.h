/* mfa_remember: a second factor given in a login session is not asked again there by the same service.
 *
 * A login session is one session row with the kernel's audit session id of this boot (proc.h), live, of the same
 * user, whose process still runs.  When the row ends (logout, lock, revocation) or the machine starts again,
 * what was remembered is lost with it; nothing is renewed by use.
 * Writing functions run in the caller's transaction.
 */
#ifndef JA_DOMAIN_REMEMBERED_FACTOR_H
#define JA_DOMAIN_REMEMBERED_FACTOR_H

#include "common/base/proc.h"
#include "common/domain/user.h"

struct ja_remember_key {
    const struct ja_user *user;
    const char *service, *target;        /* target: whom the service acts for, as far as it says so */
    const struct ja_proc_login *login;   /* NULL: not known, then nothing is remembered */
};

/* Was one given here in (at - seconds, at]? `at` is now, or when the login under way was decided.
 * False, whatever is stored, when seconds <= 0, without a login session, or when its person is another uid. */
enum ja_status ja_remembered_find(struct ja_ctx *ctx, const struct ja_remember_key *key, int64_t seconds,
                                  int64_t at, bool *ret, struct ja_error *err);
/* Given now. Nothing happens where there is no live session row to keep it with. */
enum ja_status ja_remembered_note(struct ja_ctx *ctx, const struct ja_remember_key *key, struct ja_error *err);
/* Everything of the user's: the factor was taken away. */
enum ja_status ja_remembered_forget(struct ja_ctx *ctx, const char *user_id, struct ja_error *err);

#endif
