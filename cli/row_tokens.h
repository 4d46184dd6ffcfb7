/* What login and refresh answer: the access token, with --json all that belongs to it. */
#ifndef JA_CLI_ROW_TOKENS_H
#define JA_CLI_ROW_TOKENS_H

#include "cli/command.h"
#include "common/flow/auth_flow.h"

#define TOKENS_KEYS "access_token refresh_token token_type expires_in session_id user"

enum ja_status row_tokens_answer(struct cli *cli, const struct ja_auth_tokens *t, struct ja_error *err);

#endif
