/* Ssh keys: added and removed with audit row and notice to the user, in one transaction each.
 *
 * For themselves callers need profile:write (the front end has made sure who is asking: password and code), for others
 * users:write on "user/NAME" and all that the account holds (caller.h): "forbidden".
 */
#ifndef JA_FLOW_SSH_KEY_FLOW_H
#define JA_FLOW_SSH_KEY_FLOW_H

#include "common/domain/ssh_key.h"

/* Every key of a text in the form of authorized_keys (blank lines and # comments are passed over), or none.
 * ends_at 0: for good. *ret is malloc'd. JA_ERR_INVALID "invalid_ssh_key", "invalid_time"; JA_ERR_POLICY
 * "ssh_key_refused"; JA_ERR_EXISTS "ssh_key_exists"; JA_ERR_CONFLICT "too_many_ssh_keys". The message names the
 * line. */
enum ja_status ja_ssh_key_add_flow(struct ja_ctx *ctx, const char *name, const char *text, size_t len, int64_t ends_at,
                                   struct ja_ssh_key **ret, size_t *ret_n, struct ja_error *err);
/* `key`: id or fingerprint. JA_ERR_NOT_FOUND "ssh_key_not_found". */
enum ja_status ja_ssh_key_remove_flow(struct ja_ctx *ctx, const char *name, const char *key, struct ja_ssh_key *ret,
                                      struct ja_error *err);
/* As ja_ssh_key_each, for a user by name. */
enum ja_status ja_ssh_key_list_flow(struct ja_ctx *ctx, const char *name, const char *after, int64_t limit,
                                    ja_ssh_key_fn fn, void *arg, struct ja_error *err);

#endif
