/* Forgetting what is counted, by an administrator. */
#ifndef JA_FLOW_THROTTLE_FLOW_H
#define JA_FLOW_THROTTLE_FLOW_H

#include "common/domain/throttle_admin.h"

/* `target` stands in the audit row: "user:alice", "source:192.0.2.0/24", "all". */
enum ja_status ja_throttle_forget_flow(struct ja_ctx *ctx, const struct ja_throttle_filter *filter,
                                       const char *target, int64_t *ret_count, struct ja_error *err);

#endif
