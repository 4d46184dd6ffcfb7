#include "pam/pam_session.h"
#include "pam/pam_auth.h"

#include "common/base/token_file.h"
#include "common/flow/session_flow.h"

#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPENED "jwtauth_session"

struct opened {
    char id[JA_UUID_LEN + 1];
    char user[JA_PAM_USER_MAX + 1];
};

static void forget(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh, (void)status;
    free(data);
}

/* For close_session in this process; one in another process finds the id in the environment. */
static enum ja_status keep_id(struct ja_pam_call *call, const char *id)
{
    struct opened *o = calloc(1, sizeof *o);

    if (!o)
        return ja_fail_nomem(&call->err);
    (void)snprintf(o->id, sizeof o->id, "%s", id);
    memcpy(o->user, call->user, sizeof o->user);
    if (pam_set_data(call->pamh, OPENED, o, forget) != PAM_SUCCESS) {
        free(o);
        return ja_fail_nomem(&call->err);
    }
    return JA_OK;
}

static enum ja_status export(struct ja_pam_call *call, const char *name, const char *value)
{
    char line[4096];
    int n = snprintf(line, sizeof line, "%s=%s", name, value);

    if (n < 0 || (size_t)n >= sizeof line || pam_putenv(call->pamh, line) != PAM_SUCCESS)
        return ja_fail(&call->err, JA_ERR_NOMEM, "environment", "%s cannot be exported", name);
    return JA_OK;
}

/* The file and its name in the environment, or neither. */
static enum ja_status give_token(struct ja_pam_call *call, const struct ja_user *user,
                                 const struct ja_session *session, const struct ja_minted *token)
{
    const char *run = call->ctx.cfg->paths.run;
    char path[JA_TOKEN_PATH_MAX];
    enum ja_status st;

    st = ja_token_file_write(run, session->id, token->token, user->uid, user->gid, path, &call->err);
    if (st != JA_OK)
        return st;
    st = export(call, "JWTAUTH_SESSION_ID", session->id);
    if (st == JA_OK)
        st = export(call, "JWTAUTH_TOKEN_FILE", path);
    if (st != JA_OK)
        (void)ja_token_file_remove(run, session->id, NULL);
    return st;
}

/* Ends what was opened when the login does not go on; its own failure leaves a row that the next
 * opener ends when this process is gone. */
static void take_back(struct ja_pam_call *call, const char *id)
{
    struct ja_error ignored;
    bool ended;

    (void)ja_session_close(&call->ctx, id, "open_failed", &ended, &ignored);
}

/* A token that cannot be written keeps nobody out, unless token_required (PAM.md). */
static enum ja_pam_outcome hand_over(struct ja_pam_call *call, const struct ja_user *user,
                                     const struct ja_session *session, const struct ja_minted *token)
{
    if (keep_id(call, session->id) != JA_OK) {
        take_back(call, session->id);
        return JA_PAM_BROKEN;
    }
    if (!call->opt.token_none && give_token(call, user, session, token) != JA_OK) {
        if (call->opt.token_required) {
            take_back(call, session->id);
            return JA_PAM_BROKEN;
        }
        ja_log_write(&call->ctx.log, LOG_ERR, "the session of %s goes on without a token: %s",
                     user->username, call->err.message);
    }
    ja_log_write(&call->ctx.log, LOG_INFO, "session %s opened for user %s(uid=%lld)", session->id,
                 user->username, (long long)user->uid);
    return JA_PAM_DONE;
}

static enum ja_pam_outcome start(struct ja_pam_call *call, const struct ja_user *user, const char *audience)
{
    struct ja_pam_session p = {
        .user = user,
        .service = call->service,
        .source = ja_pam_or_null(call->rhost),
        .tty = ja_pam_or_null(call->tty),
        .audience = audience,
        .handle = ja_pam_login_handle(call),
        .external_amr = ja_pam_ssh_amr(pam_getenv(call->pamh, "SSH_AUTH_INFO_0")),
        .login = &call->login,
        .pid = getpid(),
    };
    struct ja_session session = {0};
    struct ja_minted token = {0};
    enum ja_pam_outcome outcome = JA_PAM_BROKEN;
    enum ja_status st;

    if (!p.handle && !p.external_amr)
        return JA_PAM_DONE; /* nobody logged in: cron, su by root, a cached sudo */
    st = ja_session_open_pam(&call->ctx, &p, &session, &token, &call->err);
    if (st == JA_ERR_NOT_FOUND)
        outcome = JA_PAM_DONE;
    else if (st == JA_OK)
        outcome = hand_over(call, user, &session, &token);
    ja_minted_clear(&token);
    ja_session_clear(&session);
    return outcome;
}

enum ja_pam_outcome ja_pam_session_open(struct ja_pam_call *call)
{
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_user user = {0};
    enum ja_pam_outcome outcome;

    call->opens = true;
    outcome = ja_pam_decide(call, false, &user, &result);
    if (result.reason == JA_REASON_METHOD)
        ja_log_write(&call->ctx.log, LOG_NOTICE, "session of %s refused: a policy rule allows other methods only",
                     call->user);
    /* MUST_CHANGE is a success without a token: the session is there to change the password. */
    if (outcome == JA_PAM_DONE)
        outcome = start(call, &user, result.terms.audience);
    ja_user_clear(&user);
    return outcome;
}

/* The session that this handle opened for this name; or the one the environment names, if it is live and
 * this user's. */
static enum ja_status find_opened(struct ja_pam_call *call, char ret_id[JA_UUID_LEN + 1])
{
    const char *named = pam_getenv(call->pamh, "JWTAUTH_SESSION_ID");
    struct ja_session session = {0};
    const void *data = NULL;
    enum ja_status st;
    bool mine;

    if (pam_get_data(call->pamh, OPENED, &data) == PAM_SUCCESS && data &&
        strcmp(((const struct opened *)data)->user, call->user) == 0) {
        memcpy(ret_id, ((const struct opened *)data)->id, JA_UUID_LEN + 1);
        return JA_OK;
    }
    if (!named || !ja_uuid_valid(named))
        return JA_ERR_NOT_FOUND;
    st = ja_session_find(&call->ctx, named, &session, &call->err);
    mine = st == JA_OK && strcmp(session.username, call->user) == 0;
    ja_session_clear(&session);
    if (!mine)
        return st == JA_OK ? JA_ERR_NOT_FOUND : st;
    memcpy(ret_id, named, JA_UUID_LEN + 1);
    return JA_OK;
}

static enum ja_pam_outcome finish(struct ja_pam_call *call, const char *id)
{
    enum ja_status removed, closed;
    bool ended = false;

    removed = ja_token_file_remove(call->ctx.cfg->paths.run, id, &call->err);
    if (removed != JA_OK)
        ja_log_write(&call->ctx.log, LOG_ERR, "the token file of session %s stays behind: %s", id,
                     call->err.message);
    closed = ja_session_close(&call->ctx, id, "logout", &ended, &call->err);
    if (closed != JA_OK && closed != JA_ERR_NOT_FOUND)
        return JA_PAM_BROKEN;
    (void)pam_set_data(call->pamh, OPENED, NULL, NULL);
    ja_log_write(&call->ctx.log, LOG_INFO, "session %s closed for user %s", id, call->user);
    return JA_PAM_DONE;
}

enum ja_pam_outcome ja_pam_session_close(struct ja_pam_call *call)
{
    struct ja_auth_result result = {.verdict = JA_DENY};
    struct ja_user user = {0};
    char id[JA_UUID_LEN + 1] = "";
    enum ja_pam_outcome outcome;
    enum ja_status st = find_opened(call, id);

    if (st == JA_OK)
        return finish(call, id);
    if (st != JA_ERR_NOT_FOUND)
        return JA_PAM_BROKEN;
    /* Nothing was opened: the answer says only whose user it is. */
    outcome = ja_pam_decide(call, false, &user, &result);
    ja_user_clear(&user);
    return outcome;
}
