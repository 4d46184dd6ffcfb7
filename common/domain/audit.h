/* The audit log: hash-chained rows, written in the transaction of what they record (SECURITY R28).
 *
 * hash = BLAKE2b-256 over prev_hash and every field, length-prefixed.  seq is last + 1 under the
 * write lock.  Texts are stored as given and escaped on output.  No secret is passed in; names of
 * unknown users are not either (they may be passwords).
 */
#ifndef JA_DOMAIN_AUDIT_H
#define JA_DOMAIN_AUDIT_H

#include "common/domain/ctx.h"

#include <jansson.h>

struct ja_audit_event {
    const char *action;   /* "login", "user.add", "token.issue" */
    const char *target;   /* "user:alice", "key:<kid>", NULL */
    const char *outcome;  /* "success", "failure", "denied" */
    const char *reason;   /* true reason of a refusal, NULL */
    json_t *detail;       /* borrowed; NULL: {} */
};

/* Inside the caller's transaction. actor, source and service are ctx->actor's. */
enum ja_status ja_audit_write(struct ja_ctx *ctx, const struct ja_audit_event *ev,
                              struct ja_error *err);
/* Walks the chain; JA_ERR_CORRUPT names the first broken seq. */
enum ja_status ja_audit_verify(struct ja_ctx *ctx, int64_t *ret_rows, struct ja_error *err);

#endif
