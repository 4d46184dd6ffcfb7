/* What was planned and has come: it counts from its time on without anybody; here it is carried out where it can be seen. */
#ifndef JA_FLOW_PURGE_PLANNED_H
#define JA_FLOW_PURGE_PLANNED_H

#include "common/domain/ctx.h"

/* `user lock --at`: what the user had is revoked, with an audit row; one user a transaction. */
enum ja_status ja_purge_locks(struct ja_ctx *ctx, int64_t *total, struct ja_error *err);
/* Ended grants: the row goes, with an audit row and a notice to the user, all in one transaction. */
enum ja_status ja_purge_grants(struct ja_ctx *ctx, int64_t *total, struct ja_error *err);

#endif
