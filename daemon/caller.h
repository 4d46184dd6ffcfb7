/* Who calls: the bearer of a token, the holder of an API key, or the kernel's word for a local process (R24). */
#ifndef JA_DAEMON_CALLER_H
#define JA_DAEMON_CALLER_H

#include "daemon/http.h"

/* Fills call->caller and the context's actor. JA_ERR_DENIED with the token's refusal code or
 * "no_credential"; JA_ERR_INVALID "ambiguous_identity": a proxy's request on the Unix socket without a token. */
enum ja_status caller_identify(struct http_call *call, struct ja_error *err);
/* The same by this token alone; `audience` NULL: our own. */
enum ja_status caller_identify_token(struct http_call *call, const char *token, const char *audience,
                                     struct ja_error *err);
/* The token of an Authorization header, borrowed. JA_ERR_DENIED "no_credential": another scheme, or none. */
enum ja_status caller_token(const struct http_call *call, const char **ret, struct ja_error *err);
/* Of the Unix socket: is who sends no token this host's own? JA_ERR_INVALID "ambiguous_identity": somebody whom a proxy or
 * a browser brings, who would pass for a local process in throttling, rules on networks and the look at new sources. */
enum ja_status caller_check_local(const struct http_call *call, struct ja_error *err);
/* Before anything is known: the actor is nobody. */
void caller_anonymous(struct http_call *call);
/* The person the routes for own things act on. JA_ERR_FORBIDDEN "not_a_user": root is no user of jwtauth. */
enum ja_status caller_user(const struct http_call *call, const struct ja_user **ret, struct ja_error *err);
void caller_clear(struct http_caller *caller);

#endif
