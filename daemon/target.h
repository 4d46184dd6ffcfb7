/* Whom a management route is about: {id} of the path, a UUID or a user name. */
#ifndef JA_DAEMON_TARGET_H
#define JA_DAEMON_TARGET_H

#include "common/base/text.h"
#include "daemon/http.h"

#define TARGET_MAX (JA_EMAIL_MAX + 1)

/* The name to hand to a flow. An id that nobody has is handed on as it is: the flow decides what the caller may learn. */
enum ja_status target_user(const struct http_call *call, char ret[TARGET_MAX], struct ja_error *err);

#define TARGET_AS_BEARER "-H \"Authorization: Bearer $TOKEN\""
#define TARGET_JSON(body) " -H 'Content-Type: application/json' -d '" body "'"

#endif
