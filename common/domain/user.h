/* Accounts: one row a user; SQL only, no policy, no audit (flow/account_flow.h has those).
 *
 * Ownership: struct ja_user owns its strings; ja_user_clear accepts all-zero.  Absent texts are NULL,
 * absent times 0.  Writing functions run in the caller's transaction.
 */
#ifndef JA_DOMAIN_USER_H
#define JA_DOMAIN_USER_H

#include "common/base/text.h"
#include "common/domain/ctx.h"

enum ja_user_status { JA_USER_PENDING, JA_USER_ACTIVE, JA_USER_LOCKED, JA_USER_DISABLED };
enum ja_user_kind { JA_USER_PERSON, JA_USER_SERVICE };

struct ja_user {
    char id[JA_UUID_LEN + 1];
    char username[JA_USERNAME_MAX + 1];
    char *email, *phone, *full_name, *first_name, *last_name, *company_name;
    int64_t email_verified_at, phone_verified_at;
    char *email_pending, *phone_pending; /* normalized; they count once verified */
    enum ja_user_kind kind;
    enum ja_user_status status;
    char *password_hash;        /* wiped on clear */
    int64_t password_changed_at;
    bool must_change;
    int64_t valid_until, lock_at, tokens_not_before;
    int64_t uid, gid;
    int64_t bind_uid;           /* services: whoever runs under this uid is this account; 0: none */
    char *home, *shell;
    bool adopted;
    bool mfa;                   /* a confirmed second factor */
    int64_t last_login_at, created_at, updated_at;
};

void ja_user_clear(struct ja_user *u);
const char *ja_user_status_name(enum ja_user_status s); /* "active" */
bool ja_user_status_parse(const char *s, enum ja_user_status *ret);
/* May this account act at `now`: active, not past a planned lock, nor its end? */
bool ja_user_live(const struct ja_user *u, int64_t now);

/* JA_ERR_NOT_FOUND "user_not_found". Deleted users are never found. A lock_at in the past counts as locked. */
enum ja_status ja_user_find_by_name(struct ja_ctx *ctx, const char *username, struct ja_user *ret,
                                    struct ja_error *err);
enum ja_status ja_user_find_by_id(struct ja_ctx *ctx, const char *id, struct ja_user *ret,
                                  struct ja_error *err);
enum ja_status ja_user_find_by_email(struct ja_ctx *ctx, const char *email, struct ja_user *ret,
                                     struct ja_error *err);
enum ja_status ja_user_find_by_phone(struct ja_ctx *ctx, const char *phone, struct ja_user *ret,
                                     struct ja_error *err);
enum ja_status ja_user_find_by_uid(struct ja_ctx *ctx, int64_t uid, struct ja_user *ret,
                                   struct ja_error *err);
/* What the kernel shows for a uid that has no number here (user_namespaces(7), NFS): of anybody, so nobody's. */
#define JA_UID_OVERFLOW 65534
/* Whose process runs under this uid: the service that is bound to it, or the account whose uid it is. Nobody's for 0 and
 * JA_UID_OVERFLOW. */
enum ja_status ja_user_find_by_process_uid(struct ja_ctx *ctx, int64_t uid, struct ja_user *ret,
                                           struct ja_error *err);
/* An address (with '@'), a phone (with '+') or a user name, by its form. */
enum ja_status ja_user_find(struct ja_ctx *ctx, const char *name, struct ja_user *ret,
                            struct ja_error *err);

/* id, created_at, updated_at are filled in; uid/gid 0: the next of the range (never reused, never one
 * that /etc/passwd or /etc/group has). JA_ERR_EXISTS: username_taken, email_taken, phone_taken, uid_taken, uid_bound. */
enum ja_status ja_user_insert(struct ja_ctx *ctx, struct ja_user *user, struct ja_error *err);
/* Writes username, email, phone (those pending too), names, kind, valid_until, home, shell, uid, gid, bind_uid,
 * verified times, adopted. */
enum ja_status ja_user_update(struct ja_ctx *ctx, const struct ja_user *user, struct ja_error *err);
/* What insert and update demand of uid and bind_uid: one uid is one account. JA_ERR_INVALID "invalid_uid": not 1 to
 * 4294967294; JA_ERR_CONFLICT "not_a_service"; JA_ERR_EXISTS "uid_taken": an account, living or deleted, has the bound
 * uid as its own, "uid_bound": a service is bound to the uid. */
enum ja_status ja_user_check_binding(struct ja_ctx *ctx, const struct ja_user *user, struct ja_error *err);
/* Pending becomes active, whatever lock lies above it. */
enum ja_status ja_user_activate(struct ja_ctx *ctx, const char *id, struct ja_error *err);
/* Status with status_before kept, so that unlock and enable go back to what was. */
enum ja_status ja_user_set_status(struct ja_ctx *ctx, const char *id, enum ja_user_status status,
                                  struct ja_error *err);
enum ja_status ja_user_restore_status(struct ja_ctx *ctx, const char *id, enum ja_user_status *ret,
                                      struct ja_error *err);
enum ja_status ja_user_set_lock_at(struct ja_ctx *ctx, const char *id, int64_t when,
                                   struct ja_error *err);
/* The hash goes to password_history too, trimmed to `history`. */
enum ja_status ja_user_set_password(struct ja_ctx *ctx, const char *id, const char *hash,
                                    bool must_change, struct ja_error *err);
/* Rehash at login: no new date, no history, only when the hash is still `old_hash`. */
enum ja_status ja_user_rehash(struct ja_ctx *ctx, const char *id, const char *old_hash,
                              const char *new_hash, struct ja_error *err);
enum ja_status ja_user_set_must_change(struct ja_ctx *ctx, const char *id, bool on,
                                       struct ja_error *err);
enum ja_status ja_user_set_last_login(struct ja_ctx *ctx, const char *id, struct ja_error *err);
/* Access tokens without a session (token issue) dated before `when` are refused from now on; those of a
 * session end with their session, so that a cut spares the session that changed a password, and a
 * login in the same second is good. A token minted later is dated `when` at the earliest; where that
 * time has been reached by an earlier cut, the new one goes a second beyond. */
enum ja_status ja_user_cut_tokens(struct ja_ctx *ctx, const char *id, int64_t when,
                                  struct ja_error *err);
/* Marks deleted, drops personal data and every credential row; the id stays for the audit log. */
enum ja_status ja_user_delete(struct ja_ctx *ctx, const char *id, struct ja_error *err);

struct ja_user_filter {
    const char *status, *role, *kind; /* NULL: any */
    bool without_mfa;
    const char *after;  /* id */
    int64_t limit;      /* 0: all */
};
typedef enum ja_status (*ja_user_fn)(void *arg, const struct ja_user *user);
/* In order of id (time of making); streams. */
enum ja_status ja_user_each(struct ja_ctx *ctx, const struct ja_user_filter *filter, ja_user_fn fn,
                            void *arg, struct ja_error *err);

/* ---- password history ---- */
typedef enum ja_status (*ja_hash_fn)(void *arg, const char *hash, bool *stop);
enum ja_status ja_user_history_each(struct ja_ctx *ctx, const char *id, int64_t limit, ja_hash_fn fn,
                                    void *arg, struct ja_error *err);

#endif
