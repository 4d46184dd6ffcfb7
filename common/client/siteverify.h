/* Was a captcha solved?  One question to a service with the siteverify call of hCaptcha, Turnstile and reCAPTCHA:
 * a form with secret, response and remoteip; JSON with success comes back.
 *
 * Only 200 with a JSON object whose success is true passes.  TLS verified (http:// is for loopback alone, config_check),
 * no redirect, no proxy, 64 KiB of answer at most, all of it within JA_SITEVERIFY_SECONDS.
 * The secret is read anew for each question, so that it can be changed at any time, and wiped.
 * Blocks for as long: never in a transaction, nor on a thread that others wait for.
 * Threads: no shared state.
 */
#ifndef JA_CLIENT_SITEVERIFY_H
#define JA_CLIENT_SITEVERIFY_H

#include "common/base/status.h"

#define JA_SITEVERIFY_SECONDS 5L
#define JA_CAPTCHA_MAX 8192 /* bytes of what a browser was given for solving it */

struct ja_siteverify {
    const char *url;
    const char *secret_file; /* 0600, root's */
    const char *response;    /* the browser's; never in an error's message */
    const char *remote_ip;   /* NULL: not said */
    long seconds;            /* 0: JA_SITEVERIFY_SECONDS */
};

/* JA_OK: solved. JA_ERR_DENIED "captcha_refused": the service said that it was not (wrong, used before, too old), or the
 * response has no form that one could have. JA_ERR_UNAVAILABLE "captcha_unavailable": no answer, or one that cannot be
 * understood. JA_ERR_CONFIG: the secret is missing, or the service does not take it; as the file rules of
 * file_guard.h. */
enum ja_status ja_siteverify(const struct ja_siteverify *q, struct ja_error *err);

#endif
