/* Sessions from outside: PAM open and close, refresh, logout, revocation. Each function is its own
 * transaction with its audit row.
 */
#ifndef JA_FLOW_SESSION_FLOW_H
#define JA_FLOW_SESSION_FLOW_H

#include "common/flow/auth_flow.h"

struct ja_pam_session {
    const struct ja_user *user;
    const char *service, *source, *tty;
    const char *audience;     /* NULL: configured */
    const char *handle;       /* JWTAUTH_LOGIN: consumed here; or NULL */
    const char *external_amr; /* "pop", "hwk", "ext" when sshd's SSH_AUTH_INFO_0 names the method; or NULL */
    const struct ja_proc_login *login; /* read after pam_loginuid has run; NULL: none */
    int64_t pid;              /* the application's: boot id and start time are read from /proc */
};
/* Session row and token (session_token_ttl) when the handle was consumed or external_amr is given;
 * JA_ERR_NOT_FOUND "no_login" otherwise: no session, and no failure. Reaps ended processes' rows. */
enum ja_status ja_session_open_pam(struct ja_ctx *ctx, const struct ja_pam_session *p,
                                   struct ja_session *ret_session, struct ja_minted *ret_token,
                                   struct ja_error *err);
/* jwtauthd's: another token into the file of each open PAM session whose token is half over, as long as its process is
 * there, it is live and its user may go on (PAM.md, "The token file"). A session that fails is logged and tried again. */
enum ja_status ja_session_renew_files(struct ja_ctx *ctx, int64_t *ret_renewed, struct ja_error *err);
/* Removes the files of sessions that have ended without close_session (a killed sshd, a revocation). */
enum ja_status ja_session_sweep_files(struct ja_ctx *ctx, int64_t *ret_removed, struct ja_error *err);
/* Ends a session: its refresh and access tokens with it. *ret_ended false: it had ended before. The caller's own
 * session, or sessions:write on "user/NAME"; _held: the caller showed a token of it. */
enum ja_status ja_session_close(struct ja_ctx *ctx, const char *session_id, const char *reason,
                                bool *ret_ended, struct ja_error *err);
enum ja_status ja_session_close_held(struct ja_ctx *ctx, const char *session_id, const char *reason,
                                     bool *ret_ended, struct ja_error *err);
enum ja_status ja_session_close_user(struct ja_ctx *ctx, const char *user_id, const char *reason,
                                     int64_t *ret_count, struct ja_error *err);
/* Refresh (R17): rotates, checks user and session again, mints. Reuse revokes the session and commits that
 * before it refuses with JA_ERR_DENIED "refresh_token_reused". Others: invalid_refresh_token,
 * session_ended, user_inactive. */
enum ja_status ja_session_refresh(struct ja_ctx *ctx, const char *refresh, size_t len,
                                  struct ja_auth_tokens *ret, struct ja_error *err);
/* Access token (verified first; an expired one still ends its session) or refresh token. */
enum ja_status ja_session_logout(struct ja_ctx *ctx, const char *token, size_t len, bool *ret_ended,
                                 struct ja_error *err);
/* token issue: by an administrator; audit row, no session. */
enum ja_status ja_token_issue(struct ja_ctx *ctx, const char *username, const char *audience,
                              const char *scope, int64_t ttl, struct ja_minted *ret,
                              struct ja_error *err);
/* token revoke: an access token by jti, a refresh token by its session. Unknown: JA_OK (RFC 7009). */
enum ja_status ja_token_revoke(struct ja_ctx *ctx, const char *token, size_t len,
                               struct ja_error *err);

#endif
