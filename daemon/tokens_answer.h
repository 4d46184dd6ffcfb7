/* The tokens of a session as every route gives them. */
#ifndef JA_DAEMON_TOKENS_ANSWER_H
#define JA_DAEMON_TOKENS_ANSWER_H

#include "common/flow/auth_flow.h"
#include "daemon/http.h"

#define TOKENS_ANSWER "token access_token refresh_token token_type expires_in session_id csrf_token user"

/* With cookies on they are set as well. */
enum ja_status tokens_answer(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err);
/* To who came with the cookie: the tokens in cookies alone, where no script can read them. */
enum ja_status tokens_answer_cookies(struct http_call *call, const struct ja_auth_tokens *t, struct ja_error *err);

#endif
