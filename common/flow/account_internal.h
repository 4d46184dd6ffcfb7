/* What the account and credential flows share. */
#ifndef JA_FLOW_ACCOUNT_INTERNAL_H
#define JA_FLOW_ACCOUNT_INTERNAL_H

#include "common/domain/audit.h"
#include "common/domain/one_time_token.h"
#include "common/domain/user.h"
#include "common/flow/account_flow.h"

/* Commits when `st` is JA_OK, else rolls back; answers what became of the transaction. */
enum ja_status ja_tx_end(struct ja_ctx *ctx, enum ja_status st, struct ja_error *err);

/* The audit row of a change to `username` that succeeds with the caller's transaction. detail is
 * stolen and may be NULL. */
enum ja_status ja_account_audit(struct ja_ctx *ctx, const char *action, const char *username,
                                json_t *detail, struct ja_error *err);

/* In the caller's transaction: every session with its refresh and access tokens, every login handle,
 * access tokens without a session (SECURITY R18); but `keep` (may be NULL): the id of the session, or
 * the handle of the login, that is changing the password. */
enum ja_status ja_account_cut(struct ja_ctx *ctx, const char *user_id, const char *keep,
                              const char *reason, struct ja_cut *ret, struct ja_error *err);

/* The same with everything else that the user had, counted; `detail` of the audit row gets it. */
enum ja_status ja_account_close(struct ja_ctx *ctx, const char *user_id, const char *reason, json_t *detail,
                                struct ja_cut *ret, struct ja_error *err);

/* In the caller's transaction, before a change that takes an administrator away at `at` (0: now) or
 * sooner than was planned: JA_ERR_CONFLICT "last_administrator" when no other one stays as long. */
enum ja_status ja_admin_may_end(struct ja_ctx *ctx, const char *user_id, int64_t at,
                                struct ja_error *err);

/* role_flow.c, in the caller's transaction: the grant with its audit row and the rule of the last administrator, and
 * unless `unasked` the caller's right to give the role. ends_at 0: for good. */
enum ja_status ja_role_grant_in_tx(struct ja_ctx *ctx, const struct ja_user *u, const char *role, int64_t ends_at,
                                   bool unasked, struct ja_error *err);

/* Live logind sessions of the uid, ended through loginctl where systemd runs. Never inside a
 * transaction. A failure is logged and counts nothing: the store has decided already. */
void ja_logind_end(struct ja_ctx *ctx, int64_t uid, struct ja_cut *cut);

/* ---- fields (account_fields.c): a given and valid text replaces *dst, "" removes it ---- */
enum ja_status ja_field_username(const char *s, struct ja_user *u, struct ja_error *err);
enum ja_status ja_field_contacts(const struct ja_user_spec *spec, struct ja_user *u,
                                 struct ja_error *err);
enum ja_status ja_field_names(const struct ja_user_spec *spec, struct ja_user *u,
                              struct ja_error *err);
/* Home and shell, given or configured ("%u": the user name). */
enum ja_status ja_field_paths(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                              struct ja_user *u, struct ja_error *err);
/* uid and gid within [accounts] uid_min..uid_max; uid free in /etc/passwd. */
enum ja_status ja_field_posix_ids(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                  struct ja_user *u, struct ja_error *err);

/* user add, register and invite: the same rules, another first status and letter. */
struct ja_add_as {
    enum ja_user_status status;
    const char *action; /* audit log */
    enum { JA_ADD_SILENT, JA_ADD_VERIFY, JA_ADD_INVITE } letter;
    bool by_itself; /* the configuration gives the roles, whoever asks */
    bool pretend;   /* all the work, and none of it stays */
};
/* The caller's right to add such an account. */
enum ja_status ja_account_may_add(struct ja_ctx *ctx, const struct ja_user_spec *spec, struct ja_error *err);
enum ja_status ja_account_add_as(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                 const struct ja_add_as *as, struct ja_policy_report *report,
                                 struct ja_user *ret, struct ja_sent ret_sent[2], size_t *ret_nsent,
                                 struct ja_error *err);
/* The work of adding an account whose names are taken, and an answer of the same shape: *ret has a random id, and the
 * fields of `spec` ([registration] conceal). The names that are tried are random, and nothing stays. */
enum ja_status ja_account_pretend(struct ja_ctx *ctx, const struct ja_user_spec *spec, const struct ja_add_as *as,
                                  struct ja_policy_report *report, struct ja_user *ret, struct ja_sent ret_sent[2],
                                  size_t *ret_nsent, struct ja_error *err);
/* The fields of `spec` into u and the store, roles, audit row. u was found in the caller's transaction. */
enum ja_status ja_account_modify_in_tx(struct ja_ctx *ctx, const struct ja_user_spec *spec,
                                       struct ja_user *u, struct ja_error *err);

/* ---- letters (contact_flow.c, reset_flow.c), in the caller's transaction ---- */
/* The proofs that [registration] verify demands of a new account. */
enum ja_status ja_contact_send_all(struct ja_ctx *ctx, struct ja_user *u, struct ja_sent ret_sent[2],
                                   size_t *ret_nsent, struct ja_error *err);
/* To the email address, or without one to the phone. */
enum ja_status ja_invite_send(struct ja_ctx *ctx, const struct ja_user *u, struct ja_sent *ret_sent,
                              struct ja_error *err);

/* ---- proofs that set a password (reset_flow.c) ---- */
/* Is the account still one that this proof is for, with the address that it went to? JA_ERR_DENIED. */
enum ja_status ja_proof_still_good(const struct ja_user *u, const struct ja_ott *ott, struct ja_error *err);
/* In the caller's transaction: uses the proof up, sets the password, ends what there was; an invited account becomes
 * active, its address verified. JA_ERR_DENIED: the proof is not good any more. */
enum ja_status ja_proof_set_password(struct ja_ctx *ctx, const struct ja_ott *ott, const char *hash,
                                     struct ja_user *ret, struct ja_error *err);

/* Policy, then the hash into u->password_hash. Slow: before the transaction. */
enum ja_status ja_account_hash_password(struct ja_ctx *ctx, const struct ja_secret *pw,
                                        struct ja_user *u, struct ja_policy_report *report,
                                        struct ja_error *err);

/* ---- adoption (account_adopt.c) ---- */
/* The local account's uid, gid, home, shell, name and hash into u; refuses system accounts. */
enum ja_status ja_adopt_load(const char *name, bool password_given, struct ja_user *u,
                             struct ja_error *err);
/* Writes the mark, after the row is committed; a failure takes the row back. */
enum ja_status ja_adopt_mark(struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err);

#endif
