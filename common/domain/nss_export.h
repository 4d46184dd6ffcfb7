/* The public snapshot of users and groups for NSS: <paths.cache>/nss.snapshot, 0644, public fields only.
 *
 * Users: all that are not deleted, so that files keep their names; adopted ones with their groups only (the rest is the
 * local files' own).  Left out: whose name or uid is a local account's.  Groups: a user's own (its number is the
 * uid), and each role as <role_group_prefix>NAME with the active users who hold it now, directly or through
 * another role, each until the grant, the account or the time before a planned lock ends: no writing is needed for
 * an end.  No group has the name or number of one of /etc/group; no user's own group has the name of a role's,
 * nor one that sudo and others give rights to by habit.
 *
 * It is written anew, whole and by rename, after each commit that changed any of this; a generation (the last row of
 * the audit log) keeps an older one from replacing a newer.  What cannot be written leaves the old one, a warning,
 * and the next change or purge mends it.
 */
#ifndef JA_DOMAIN_NSS_EXPORT_H
#define JA_DOMAIN_NSS_EXPORT_H

#include "common/domain/ctx.h"

/* In the caller's transaction: the snapshot is written after its commit, with ids for the groups of roles that
 * have none yet. */
enum ja_status ja_nss_export_note(struct ja_ctx *ctx, struct ja_error *err);
/* Between the two, commits are only noted: for many changes in a row. Pairs nest. */
void ja_nss_export_hold(struct ja_ctx *ctx);
void ja_nss_export_release(struct ja_ctx *ctx);
/* Now, outside of a transaction. `anew`: whatever is there, for a store that was restored. */
enum ja_status ja_nss_export_write(struct ja_ctx *ctx, bool anew, struct ja_error *err);
/* The same, with ids for the groups of roles before. *ret_written false: what is there says the same. */
enum ja_status ja_nss_export_refresh(struct ja_ctx *ctx, bool *ret_written, struct ja_error *err);
/* Compares what is there with the store: JA_ERR_CORRUPT "snapshot_missing" (or no good), "snapshot_stale". */
enum ja_status ja_nss_export_check(struct ja_ctx *ctx, struct ja_error *err);

#endif
