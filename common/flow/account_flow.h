/* Changes to accounts and credentials: rule, write and audit row in one transaction each; hashing
 * before it.  The front end has parsed; these functions decide.
 */
#ifndef JA_FLOW_ACCOUNT_FLOW_H
#define JA_FLOW_ACCOUNT_FLOW_H

#include "common/domain/lock_reach.h"
#include "common/domain/password_policy.h"
#include "common/domain/recovery_code.h"
#include "common/domain/totp.h"
#include "common/domain/user.h"
#include "common/flow/letter.h"

struct ja_user_spec { /* NULL / 0: not given; "" for a text: remove it (modify) */
    const char *username, *email, *phone, *full_name, *first_name, *last_name, *company_name;
    const char *home, *shell;
    int64_t uid, gid;          /* 0: not given */
    int64_t valid_until;
    int64_t bind_uid;          /* services: 0 not given, -1 none any more */
    bool service;
    bool adopt;
    const char *const *roles;
    size_t nroles;
    const struct ja_secret *password; /* NULL: none */
    bool generated;            /* the password was generated: must be changed */
};

/* Validates every field (JA_ERR_INVALID invalid_username, invalid_email, invalid_phone, invalid_name, invalid_home,
 * invalid_shell, uid_out_of_range), the password by policy (report may be NULL), and adds. Refuses names and uids that
 * /etc/passwd has ("local_user") unless spec->adopt. */
enum ja_status ja_account_add(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                              struct ja_policy_report *report, struct ja_user *ret,
                              struct ja_error *err);
/* JA_ERR_FORBIDDEN registration_closed where [registration] open is not yes. */
enum ja_status ja_account_register_open(const struct ja_config *cfg, struct ja_error *err);
/* register: by a person for itself. as_root skips `open`. Pending unless verify = none; the proofs that policy
 * demands are queued in the same transaction. */
enum ja_status ja_account_register(struct ja_ctx *ctx, const struct ja_user_spec *spec, bool as_root,
                                   struct ja_policy_report *report, struct ja_user *ret,
                                   struct ja_sent ret_sent[2], size_t *ret_nsent, struct ja_error *err);
/* By an administrator: pending until the person sets a password with what is sent to the email address, or without
 * one to the phone (JA_ERR_INVALID "contact_required"). */
enum ja_status ja_account_invite(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_user *ret,
                                 struct ja_sent *ret_sent, struct ja_error *err);
/* Another invitation for one who has not followed the first. JA_ERR_CONFLICT "not_invited". */
enum ja_status ja_account_invite_again(struct ja_ctx *ctx, const char *name, struct ja_sent *ret_sent,
                                       struct ja_error *err);
enum ja_status ja_account_modify(struct ja_ctx *ctx, const char *name, const struct ja_user_spec *spec,
                                 struct ja_user *ret, struct ja_error *err);

struct ja_cut { /* what a lock cut */
    int64_t sessions;
    bool access_tokens;
    int64_t logind;
    struct ja_reach reach; /* of a lock and a disabling */
};
enum ja_status ja_account_lock(struct ja_ctx *ctx, const char *name, int64_t at, struct ja_cut *ret,
                               struct ja_error *err); /* at 0: now */
enum ja_status ja_account_unlock(struct ja_ctx *ctx, const char *name, struct ja_error *err);
enum ja_status ja_account_disable(struct ja_ctx *ctx, const char *name, struct ja_cut *ret,
                                  struct ja_error *err);
enum ja_status ja_account_enable(struct ja_ctx *ctx, const char *name, struct ja_error *err);
/* The mark of an adopted user stays in /etc/shadow (login closed) until ja_account_release. */
enum ja_status ja_account_delete(struct ja_ctx *ctx, const char *name, struct ja_error *err);
enum ja_status ja_account_release(struct ja_ctx *ctx, const char *name, struct ja_error *err);

/* By an administrator. Revokes every session and token of the user. */
enum ja_status ja_account_password_set(struct ja_ctx *ctx, const char *name,
                                       const struct ja_secret *pw, bool must_change,
                                       struct ja_policy_report *report, struct ja_error *err);
/* By the person: the old one was proven by the caller through ja_auth_finish_proof (or PAM's root rule).
 * keep_session (may be NULL) survives: a session's id, or the handle of a login under way. */
enum ja_status ja_account_password_change(struct ja_ctx *ctx, const char *name,
                                          const struct ja_secret *pw, const char *keep_session,
                                          struct ja_policy_report *report, struct ja_error *err);
enum ja_status ja_account_password_expire(struct ja_ctx *ctx, const char *name, struct ja_error *err);
/* Policy alone; name NULL: without user-specific rules. */
enum ja_status ja_account_password_check(struct ja_ctx *ctx, const char *name,
                                         const struct ja_secret *pw, struct ja_policy_report *report,
                                         struct ja_error *err);

enum ja_status ja_account_totp_enroll(struct ja_ctx *ctx, const char *name, enum ja_totp_algorithm a,
                                      int digits, struct ja_totp *ret, struct ja_error *err);
/* recovery codes, one a line, once. */
enum ja_status ja_account_totp_confirm(struct ja_ctx *ctx, const char *name, const char *code,
                                       size_t len, struct ja_secret *ret_codes, struct ja_error *err);
enum ja_status ja_account_totp_disable(struct ja_ctx *ctx, const char *name, struct ja_error *err);
enum ja_status ja_account_recovery_regenerate(struct ja_ctx *ctx, const char *name,
                                              struct ja_secret *ret_codes, struct ja_error *err);

#endif
