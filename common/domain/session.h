/* Sessions and refresh tokens (DESIGN section 5, SECURITY R17, R18); SQL only.
 * Writing functions run in the caller's transaction.
 *
 * A refresh token is 32 bytes as base64url (43 characters); the first of a family is random, each
 * next is ja_keyed_hash("jarefrsh", parent): a client that lost the answer gets the same child again.
 */
#ifndef JA_DOMAIN_SESSION_H
#define JA_DOMAIN_SESSION_H

#include "common/base/text.h"
#include "common/domain/ctx.h"

struct ja_session {
    char id[JA_UUID_LEN + 1], user_id[JA_UUID_LEN + 1];
    char username[JA_USERNAME_MAX + 1]; /* filled by find and each */
    char service[64], amr[64];
    int64_t auth_time;
    char *audience, *source, *tty, *user_agent, *boot_id; /* NULL when absent */
    int64_t pid, pid_start;
    int64_t audit_session; /* 0: none (proc.h) */
    int64_t idle_ends_at, ends_at, last_used_at, revoked_at, created_at;
    char revoke_reason[32];
};

void ja_session_clear(struct ja_session *s);
/* Fills id and created_at. */
enum ja_status ja_session_insert(struct ja_ctx *ctx, struct ja_session *s, struct ja_error *err);
enum ja_status ja_session_find(struct ja_ctx *ctx, const char *id, struct ja_session *ret,
                               struct ja_error *err);
/* The live session of a user that a token may be bound to: `hint` (an id, may be NULL) where it is one of the user's,
 * else the last one made; one of a former boot of the host is over (`boot_id`). JA_ERR_NOT_FOUND "session_not_found". */
enum ja_status ja_session_find_live(struct ja_ctx *ctx, const char *user_id, const char *hint, const char *boot_id,
                                    struct ja_session *ret, struct ja_error *err);
/* Is it live now: not revoked, before both ends? */
bool ja_session_live(const struct ja_session *s, int64_t now);
/* Ends it (idempotent: *ret_ended false when it had ended), refresh tokens with it. */
enum ja_status ja_session_revoke(struct ja_ctx *ctx, const char *id, const char *reason,
                                 bool *ret_ended, struct ja_error *err);
/* Every live one of the user but `except` (may be NULL). */
enum ja_status ja_session_revoke_user(struct ja_ctx *ctx, const char *user_id, const char *except,
                                      const char *reason, int64_t *ret_count, struct ja_error *err);
/* Ends PAM sessions of this boot whose process is gone, and those of former boots (bounded batch). */
enum ja_status ja_session_reap(struct ja_ctx *ctx, int64_t *ret_count, struct ja_error *err);
/* Surely gone: a /proc that does not answer ends nobody's session. pid 0 (none known) is not gone. */
bool ja_session_process_gone(int64_t pid, int64_t pid_start);
/* PAM sessions of this boot whose last token is of `before` or earlier, in the order of pid and id, the next ones after *at;
 * *ret_len 0: no more. Start with *at = {0}. */
#define JA_SESSION_DUE_BATCH 64
struct ja_session_due {
    int64_t pid;
    char id[JA_UUID_LEN + 1];
};
enum ja_status ja_session_due(struct ja_ctx *ctx, const char *boot_id, int64_t before, const struct ja_session_due *at,
                              struct ja_session_due ret[JA_SESSION_DUE_BATCH], size_t *ret_len, struct ja_error *err);
enum ja_status ja_session_touch(struct ja_ctx *ctx, const char *id, int64_t idle_ends_at,
                                struct ja_error *err);

struct ja_session_filter {
    const char *user_id; /* NULL: all */
    bool live_only;
    const char *after;
    int64_t limit;
};
typedef enum ja_status (*ja_session_fn)(void *arg, const struct ja_session *s);
enum ja_status ja_session_each(struct ja_ctx *ctx, const struct ja_session_filter *filter,
                               ja_session_fn fn, void *arg, struct ja_error *err);

#define JA_REFRESH_LEN 43
/* The first of a session. */
enum ja_status ja_refresh_create(struct ja_ctx *ctx, const char *session_id, int64_t ends_at,
                                 struct ja_secret *ret, struct ja_error *err);
enum ja_refresh_use { JA_REFRESH_ROTATED, JA_REFRESH_REPEATED, JA_REFRESH_REUSED };
/* Single use by one conditional UPDATE. ROTATED: *ret_child is the new one. REPEATED: the
 * immediate parent again within reuse_grace, its child not yet used: the same child. REUSED: the caller
 * must revoke the session, write the audit event, COMMIT that, and refuse. JA_ERR_DENIED
 * "invalid_refresh_token": unknown, ended. session_id is filled on JA_OK. */
enum ja_status ja_refresh_use(struct ja_ctx *ctx, const char *token, size_t len, int64_t ends_at,
                              enum ja_refresh_use *ret_use, char ret_session_id[JA_UUID_LEN + 1],
                              struct ja_secret *ret_child, struct ja_error *err);
/* Whose session is it (used or not)? For logout by refresh token. */
enum ja_status ja_refresh_session(struct ja_ctx *ctx, const char *token, size_t len,
                                  char ret_session_id[JA_UUID_LEN + 1], struct ja_error *err);

/* ---- what PAM's auth leaves for open_session ---- */
struct ja_login_handle {
    char user_id[JA_UUID_LEN + 1], service[64], amr[64], source[64];
    int64_t pid, created_at;
};
#define JA_HANDLE_LEN 43
enum ja_status ja_handle_create(struct ja_ctx *ctx, const struct ja_login_handle *h,
                                char ret[JA_HANDLE_LEN + 1], struct ja_error *err);
/* Looks without consuming (account). JA_ERR_NOT_FOUND: unknown, ended, or of another user or service. */
enum ja_status ja_handle_peek(struct ja_ctx *ctx, const char *handle, const char *user_id,
                              const char *service, struct ja_login_handle *ret, struct ja_error *err);
/* Single use: DELETE ... RETURNING. */
enum ja_status ja_handle_consume(struct ja_ctx *ctx, const char *handle, const char *user_id,
                                 const char *service, struct ja_login_handle *ret,
                                 struct ja_error *err);
/* Every open handle of the user but `keep` (may be NULL): lock, disable, password change. */
enum ja_status ja_handle_delete_user(struct ja_ctx *ctx, const char *user_id, const char *keep,
                                     struct ja_error *err);

#endif
