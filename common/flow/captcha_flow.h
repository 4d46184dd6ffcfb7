/* When a captcha is due (HTTP.md; [throttle] captcha_after).
 *
 * Asked of logins, registrations and password resets over HTTP once as many logins failed there under one of the names
 * or from the source.  The same for names that somebody has and those of nobody's.  How one is checked:
 * common/client/siteverify.h; that no more logins than captcha_after go unasked: throttle.h.
 */
#ifndef JA_FLOW_CAPTCHA_FLOW_H
#define JA_FLOW_CAPTCHA_FLOW_H

#include "common/domain/ctx.h"

#define JA_CAPTCHA_NAMES 3

struct ja_captcha_question {
    const char *names[JA_CAPTCHA_NAMES]; /* email, phone, user name as they were given */
    size_t nnames;
    const char *source; /* numeric address; NULL: this host */
    int64_t local_uid;  /* without an address; 0: root */
};

/* Reads only. [throttle] captcha_url is the caller's to look at. */
enum ja_status ja_captcha_due(struct ja_ctx *ctx, const struct ja_captcha_question *q, bool *ret, struct ja_error *err);

#endif
