/* API keys of service accounts, by an administrator (caller.h: JA_MAY_CHANGE). Each function is its own transaction
 * with its audit row.  Services themselves are added and bound with account_flow.h (spec.service, spec.bind_uid).
 */
#ifndef JA_FLOW_SERVICE_FLOW_H
#define JA_FLOW_SERVICE_FLOW_H

#include "common/domain/api_key.h"

/* scope NULL: whatever the roles permit when the key is used; ends_at 0: never. Needs the master key. *ret_text is the
 * key, shown once. JA_ERR_CONFLICT "not_a_service"; JA_ERR_DENIED "scope_not_held"; JA_ERR_INVALID "invalid_scope",
 * "invalid_time"; JA_ERR_FORBIDDEN. */
enum ja_status ja_service_key_add(struct ja_ctx *ctx, const char *service, const char *scope, int64_t ends_at,
                                  struct ja_api_key *ret, struct ja_secret *ret_text, struct ja_error *err);
/* At once; what was issued with it lives on until its end. JA_ERR_NOT_FOUND "api_key_not_found". */
enum ja_status ja_service_key_remove(struct ja_ctx *ctx, const char *id, struct ja_error *err);
/* The service of that name, for a list or a change. JA_ERR_CONFLICT "not_a_service". */
enum ja_status ja_service_find(struct ja_ctx *ctx, const char *name, struct ja_user *ret, struct ja_error *err);

#endif
