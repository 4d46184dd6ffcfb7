/* Proof that a request with a session's cookies was made by a page that could read an answer to that session: the keyed
 * hash of the session's id. Nothing is stored; it lives as long as the session. Any thread with its own context. */
#ifndef JA_DOMAIN_CSRF_H
#define JA_DOMAIN_CSRF_H

#include "common/domain/ctx.h"

#define JA_CSRF_TEXT 44 /* 32 bytes as base64url, and the NUL */

enum ja_status ja_csrf_token(struct ja_ctx *ctx, const char *session_id, char ret[JA_CSRF_TEXT], struct ja_error *err);
/* `given` may be NULL. JA_ERR_FORBIDDEN "csrf_failed": none, or another session's. */
enum ja_status ja_csrf_check(struct ja_ctx *ctx, const char *session_id, const char *given, struct ja_error *err);

#endif
