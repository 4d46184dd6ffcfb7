/* [suspicious] new_source: a login from a network that its user never came from.
 *
 * One rule for logins by password (auth_finish) and by key (account and session). The first network of all is no
 * surprise. All run in the caller's transaction or read only; a network is known once a login from it was let in.
 */
#ifndef JA_FLOW_NEW_SOURCE_H
#define JA_FLOW_NEW_SOURCE_H

#include "common/base/net.h"
#include "common/domain/user.h"

struct ja_source_verdict {
    bool is_new;
    bool refused; /* deny; or require_mfa and no second factor was given */
};

/* `network` is the bucket of ja_source_network. */
enum ja_status ja_source_judge(struct ja_ctx *ctx, const char *user_id, const char *network,
                               bool second_factor, struct ja_source_verdict *ret, struct ja_error *err);
/* The login stands: the network is known from now on; a new one is told to the user (outbox).
 * `address` NULL: this host itself. The audit row is the caller's. */
enum ja_status ja_source_note(struct ja_ctx *ctx, const struct ja_user *user, const char *network,
                              const char *address, const char *service, bool is_new,
                              struct ja_error *err);
/* The network of an address by [suspicious] ipv4_prefix and ipv6_prefix. */
void ja_source_network(const struct ja_ctx *ctx, const struct ja_addr *addr, char ret[JA_NET_TEXT]);

#endif
