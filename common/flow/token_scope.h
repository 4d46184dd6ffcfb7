/* What a token may say: audience and scopes, bounded by the roles of the account (DESIGN section 5). */
#ifndef JA_FLOW_TOKEN_SCOPE_H
#define JA_FLOW_TOKEN_SCOPE_H

#include "common/domain/api_key.h"
#include "common/domain/token.h"

/* Form alone; NULL is none. JA_ERR_INVALID "invalid_audience", "invalid_scope". */
enum ja_status ja_token_check_texts(const char *audience, const char *scope, struct ja_error *err);
/* Every word of `scope` (NULL: none) is permitted by a role, now. JA_ERR_DENIED "scope_not_held". */
enum ja_status ja_scope_check_held(struct ja_ctx *ctx, const struct ja_user *user, const char *scope,
                                   struct ja_error *err);
/* Every word of `scope` is one of `limit`, or covered by one ("invoices:*"). */
bool ja_scope_within(const char *scope, const char *limit);
/* A service gets tokens for the configured audience, and for A where a role permits token:get on audience/A (every byte
 * that a resource's segment cannot have as %XX).  A person may show its token to whom it wants: what it may do there
 * are its roles and scopes.  JA_ERR_DENIED "audience_not_held". */
enum ja_status ja_audience_check_held(struct ja_ctx *ctx, const struct ja_user *user, const char *audience,
                                      struct ja_error *err);

/* The audit row of an issued token, in a transaction of its own. by: "api_key", "session" or "uid" with its id (NULL for
 * a uid); both NULL: an administrator. */
enum ja_status ja_token_note_issue(struct ja_ctx *ctx, const struct ja_mint *mint, const struct ja_minted *m,
                                   const char *by, const char *by_id, struct ja_error *err);

#endif
