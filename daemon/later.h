/* Messages that somebody asked for without saying who: written once the answer is on its way, so that its time does not
 * tell whether there was anybody to write to. */
#ifndef JA_DAEMON_LATER_H
#define JA_DAEMON_LATER_H

#include "daemon/http.h"

enum later_what { LATER_RESET, LATER_RESEND };

/* After the throttle's word: JA_OK, and 202 is the answer whatever comes of it. A failure is logged. */
enum ja_status later_letter(struct http_call *call, enum later_what what, const char *email, const char *phone,
                            struct ja_error *err);

#endif
