/* The tokens of a session as every route gives them. */
#ifndef JA_DAEMON_TOKENS_ANSWER_H
#define JA_DAEMON_TOKENS_ANSWER_H

#include "common/flow/auth_flow.h"
#include "daemon/http.h"

#define TOKENS_ANSWER "token access_token refresh_token token_type expires_in session_id user"

enum ja_status tokens_answer(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err);

#endif
