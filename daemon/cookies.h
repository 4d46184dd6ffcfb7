/* Tokens in cookies, for pages of a browser ([http] cookies = yes; TCP only).
 *
 * __Host- (RFC 6265bis section 4.1.3.2): set by this host over TLS, for no other host. Script cannot read the tokens;
 * it reads csrf_token from the answer, or from its own cookie, and sends it back in X-CSRF-Token (common/domain/csrf.h).
 */
#ifndef JA_DAEMON_COOKIES_H
#define JA_DAEMON_COOKIES_H

#include "common/flow/auth_flow.h"
#include "daemon/http.h"

#define COOKIE_ACCESS "__Host-jwtauth-access"
#define COOKIE_REFRESH "__Host-jwtauth-refresh"
#define COOKIE_CSRF "__Host-jwtauth-csrf"

/* Are cookies looked at in this call? */
bool cookies_on(const struct http_call *call);
/* Copies a cookie's value. JA_ERR_DENIED "no_credential": there is none; JA_ERR_INVALID "ambiguous_request": twice. */
enum ja_status cookies_get(const struct http_call *call, const char *name, struct ja_secret *ret, struct ja_error *err);
/* The refresh token of the cookie, after the CSRF token of its session. */
enum ja_status cookies_refresh(struct http_call *call, struct ja_secret *ret, struct ja_error *err);
/* Sets all three, and adds csrf_token to the answer's data. Without effect where cookies are off. */
enum ja_status cookies_set(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err);
enum ja_status cookies_clear(struct http_call *call, struct ja_error *err);

#endif
