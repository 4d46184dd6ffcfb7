/* What a caller may look at: the reading functions of the domain behind the caller's right (caller.h).
 *
 * Lists of everybody need the permission everywhere.  JA_ERR_FORBIDDEN "forbidden", also for what does not exist.
 */
#ifndef JA_FLOW_LOOK_FLOW_H
#define JA_FLOW_LOOK_FLOW_H

#include "common/domain/api_key.h"
#include "common/domain/audit.h"
#include "common/domain/outbox_row.h"
#include "common/domain/role_admin.h"
#include "common/domain/session.h"
#include "common/domain/signing_key.h"
#include "common/domain/throttle_admin.h"
#include "common/domain/user.h"

/* users:read; the own account: profile:read. */
enum ja_status ja_look_user(struct ja_ctx *ctx, const char *name, struct ja_user *ret, struct ja_error *err);
enum ja_status ja_look_users(struct ja_ctx *ctx, const struct ja_user_filter *f, ja_user_fn fn, void *arg,
                             struct ja_error *err);
enum ja_status ja_look_permissions(struct ja_ctx *ctx, const char *name,
                                   enum ja_status (*fn)(void *arg, const struct ja_held_permission *p), void *arg,
                                   struct ja_error *err);
enum ja_status ja_look_can(struct ja_ctx *ctx, const char *name, const char *permission, const char *resource,
                           bool *ret_held, struct ja_held_permission *ret, struct ja_error *err);

/* sessions:read; the own: always. name NULL: everybody's; f->user_id is filled in from it. */
enum ja_status ja_look_sessions(struct ja_ctx *ctx, const char *name, const struct ja_session_filter *f,
                                ja_session_fn fn, void *arg, struct ja_error *err);
enum ja_status ja_look_session(struct ja_ctx *ctx, const char *id, struct ja_session *ret, struct ja_error *err);

/* roles:read (one role: on "role/NAME"); who has which: the own grants with profile:read. */
enum ja_status ja_look_role(struct ja_ctx *ctx, const char *name, struct ja_role *ret, struct ja_error *err);
enum ja_status ja_look_roles(struct ja_ctx *ctx, const char *after, int64_t limit, ja_role_fn fn, void *arg,
                             struct ja_error *err);
enum ja_status ja_look_grants(struct ja_ctx *ctx, const char *name, const struct ja_grant_filter *f,
                              enum ja_status (*fn)(void *arg, const struct ja_grant *g), void *arg,
                              struct ja_error *err);

/* The keys of a service, or (name NULL) of all: users:read. f->user_id is filled in. */
enum ja_status ja_look_api_keys(struct ja_ctx *ctx, const char *name, const struct ja_api_key_filter *f,
                                ja_api_key_fn fn, void *arg, struct ja_error *err);

/* audit:read. */
enum ja_status ja_look_audit(struct ja_ctx *ctx, const struct ja_audit_filter *f, ja_audit_fn fn, void *arg,
                             struct ja_error *err);
enum ja_status ja_look_audit_check(struct ja_ctx *ctx, const struct ja_audit_check *check,
                                   struct ja_audit_report *ret, struct ja_error *err);

/* throttle:read, outbox:read, keys:read. */
enum ja_status ja_look_throttle(struct ja_ctx *ctx, const struct ja_throttle_filter *f, ja_throttle_fn fn, void *arg,
                                struct ja_error *err);
enum ja_status ja_look_outbox(struct ja_ctx *ctx, const struct ja_outbox_filter *f, ja_outbox_fn fn, void *arg,
                              struct ja_error *err);
enum ja_status ja_look_keys(struct ja_ctx *ctx, ja_key_info_fn fn, void *arg, struct ja_error *err);

#endif
