/* What refreshing and renewing share. Inside the caller's transaction. */
#ifndef JA_FLOW_SESSION_INTERNAL_H
#define JA_FLOW_SESSION_INTERNAL_H

#include "common/domain/session.h"
#include "common/domain/token.h"

/* The session's own row and its user, both as they are now: live, active, in time, and with a password that counts.
 * JA_ERR_DENIED "session_ended", "user_inactive". On JA_OK the caller clears both. */
enum ja_status ja_session_look_again(struct ja_ctx *ctx, const char *session_id, struct ja_session *ret_session,
                                     struct ja_user *ret_user, struct ja_error *err);
/* A token with the session's audience, methods and time of login, which does not outlive the session. */
enum ja_status ja_session_mint(struct ja_ctx *ctx, const struct ja_user *u, const struct ja_session *s, int64_t ttl,
                               struct ja_minted *ret, struct ja_error *err);

#endif
