/* mfa_remember: the code is spared where one was given in the same login session (PAM.md). */
#include "common/domain/remembered_factor.h"
#include "common/flow/auth_internal.h"

static struct ja_remember_key key_of(const struct ja_user *user, const char *service, const char *target,
                                     const struct ja_proc_login *login)
{
    return (struct ja_remember_key){
        .user = user,
        .service = service ? service : "",
        .target = target ? target : user->username,
        .login = login,
    };
}

enum ja_status ja_auth_find_remembered(const struct ja_auth *auth, const struct ja_user *user, bool *ret,
                                       struct ja_error *err)
{
    const struct ja_auth_request *req = &auth->req;
    const struct ja_remember_key key = key_of(user, req->service, req->target, req->login);

    return ja_remembered_find(auth->ctx, &key, auth->terms.mfa_remember, ja_now(&auth->ctx->clock), ret, err);
}

enum ja_status ja_auth_note_remembered(const struct ja_auth *auth, const struct ja_user *user,
                                       struct ja_error *err)
{
    const struct ja_auth_request *req = &auth->req;
    const struct ja_remember_key key = key_of(user, req->service, req->target, req->login);

    if (auth->terms.mfa_remember <= 0 || !auth->code_ok)
        return JA_OK;
    return ja_remembered_note(auth->ctx, &key, err);
}

enum ja_status ja_account_find_remembered(struct ja_ctx *ctx, const struct ja_account_check *check,
                                          const struct ja_policy_terms *terms, const struct ja_user *user,
                                          int64_t at, bool *ret, struct ja_error *err)
{
    const struct ja_remember_key key = key_of(user, check->service, check->target, check->login);

    return ja_remembered_find(ctx, &key, terms->mfa_remember, at, ret, err);
}
