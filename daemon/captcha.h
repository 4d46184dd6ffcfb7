/* The captcha of login, registration and password reset ([throttle] captcha_...).
 *
 * A call that brings one is looked at on a worker of its own kind first (server.h, `outside`): the question to the
 * service takes no loop, no hashing worker and no transaction.  Then it runs like any other, and its handler asks
 * captcha_demand before anything is evaluated.  Root on the Unix socket is never asked.
 */
#ifndef JA_DAEMON_CAPTCHA_H
#define JA_DAEMON_CAPTCHA_H

#include "common/client/siteverify.h"
#include "common/flow/auth_flow.h"
#include "daemon/http.h"

#define CAPTCHA_FIELD \
    {"captcha", FIELD_STRING, false, JA_CAPTCHA_MAX, "what solving the captcha gave, after 403 captcha_required"}

/* Is there something for captcha_verify to look at? */
bool captcha_given(const struct http_call *call, const struct ja_config *cfg);
/* Asks the service, where a captcha is due, and notes its word in the call: whoever it does not vouch for goes on
 * unvouched. JA_ERR_THROTTLED: this source had too many refused. Blocks. */
enum ja_status captcha_verify(struct http_call *call, struct ja_error *err);
/* JA_ERR_FORBIDDEN "captcha_required", with the site key, when one is due and was not passed. */
enum ja_status captcha_demand(struct http_call *call, struct ja_error *err);
/* That refusal. */
enum ja_status captcha_refuse(struct http_call *call, struct ja_error *err);
/* What the login flow is told: it counts, and lets no more than captcha_after go unasked. */
enum ja_captcha captcha_mode(const struct http_call *call);

#endif
