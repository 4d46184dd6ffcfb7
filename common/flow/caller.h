/* What the caller (ctx->actor) may do: the one place where flows ask before they change or show an account.
 *
 * root and the host's own services ("pam", "system") may everything.  Anybody else is an active user and needs a
 * permission on "user/NAME".  Who changes another's account has to hold everything that this one holds, else the
 * reset of a stronger account's password would be the way to its rights, and each of its roles (or may give it): a role
 * that permits nothing in the store may open sudo by require_role or a group.
 * Nobody administers the own account but who may everything ("*:*"): a planned lock, an end, a second factor are not
 * for their owner to take away.
 * A caller that came with a narrowed token (ctx->actor.scope) has no more than that says, its own things included:
 * it would get the rest from a token of its own without a scope.
 * Refusals are JA_ERR_FORBIDDEN "forbidden", also where the account does not exist: a caller without the
 * permission does not learn who does.  A change asks inside its transaction.
 */
#ifndef JA_FLOW_CALLER_H
#define JA_FLOW_CALLER_H

#include "common/domain/permission.h"
#include "common/domain/user.h"

enum ja_right {
    JA_MAY_CHANGE,       /* users:write, all that the account holds, and its roles */
    JA_MAY_HAVE_ROLES,   /* all that the account holds, whatever its roles; the own: always (with the right to the role, below) */
    JA_MAY_FURNISH,      /* as JA_MAY_CHANGE; the own account: profile:write (names, contacts, second factor), or no role */
    JA_MAY_SEE,          /* users:read; the own: profile:read, or no role */
    JA_MAY_SEE_GRANTS,   /* roles:read; the own: profile:read, or no role */
    JA_MAY_SEE_SESSIONS, /* sessions:read; the own: always */
    JA_MAY_END_SESSIONS, /* sessions:write; the own: always */
    JA_MAY_ISSUE         /* tokens:issue, all that the account holds, and its roles; the own: always */
};
enum ja_status ja_caller_may(struct ja_ctx *ctx, const struct ja_user *user, enum ja_right right,
                             struct ja_error *err);
/* ja_user_find for the caller. Wanted nobody: "forbidden", or why it is not found to who might have changed it. */
enum ja_status ja_caller_find(struct ja_ctx *ctx, const char *name, enum ja_right right, struct ja_user *ret,
                              struct ja_error *err);
/* The permission on "user/NAME" for a name that nobody has yet. */
enum ja_status ja_caller_may_name(struct ja_ctx *ctx, const char *username, enum ja_right right,
                                  struct ja_error *err);
/* Only root, and who holds "*:*": what reaches the host's own accounts. */
enum ja_status ja_caller_may_all(struct ja_ctx *ctx, struct ja_error *err);
/* roles:write on "role/NAME". */
enum ja_status ja_caller_may_role(struct ja_ctx *ctx, const char *role, struct ja_error *err);
/* The same, and everything that the role gives, for as long (until 0: for good): nobody gives more than it has. */
enum ja_status ja_caller_may_give(struct ja_ctx *ctx, const char *role, int64_t until, struct ja_error *err);

#endif
