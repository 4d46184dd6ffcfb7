/* What has ended goes: by `authctl purge` from a timer, later by jwtauthd. Bounded batches, each its own transaction, so
 * that logins go on beside it.
 */
#ifndef JA_FLOW_PURGE_FLOW_H
#define JA_FLOW_PURGE_FLOW_H

#include "common/domain/ctx.h"

/* How many rows of each kind went; with `dry_run` how many would go. */
struct ja_purged {
    int64_t locks;           /* planned ones whose time had come: carried out */
    int64_t grants;          /* ended ones: told in the audit log and to the user */
    int64_t pending_users;   /* registered or invited, never verified, older than [registration] purge_pending */
    int64_t one_time_tokens;
    int64_t sessions;        /* ended 30 days ago, with their refresh tokens */
    int64_t refresh_tokens;  /* ended or used ones of live sessions */
    int64_t revoked_tokens;  /* whose exp has passed */
    int64_t used_tokens;     /* of logins by token, whose exp has passed */
    int64_t login_handles;
    int64_t throttle;
    int64_t messages;        /* sent or given up 30 days ago */
};

enum ja_status ja_purge(struct ja_ctx *ctx, bool dry_run, struct ja_purged *ret, struct ja_error *err);

#endif
