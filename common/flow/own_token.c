#include "common/flow/own_token.h"

#include "common/base/proc.h"
#include "common/domain/role.h"
#include "common/flow/token_scope.h"

#include <stdio.h>

void ja_identity_clear(struct ja_identity *id)
{
    if (!id)
        return;
    ja_user_clear(&id->user);
    ja_session_clear(&id->session);
    *id = (struct ja_identity){0};
}

static enum ja_status no_account(int64_t uid, struct ja_error *err)
{
    if (uid == 0)
        return ja_fail(err, JA_ERR_DENIED, "not_a_user",
                       "root is no user of the store; authctl token issue --user NAME makes a token for one");
    return ja_fail(err, JA_ERR_DENIED, "unknown_caller", "uid %lld is no account of the store, and no service is bound to it",
                   (long long)uid);
}

/* Active, in time, and of a person with a password that counts, as refreshing demands. */
static enum ja_status check_user(const struct ja_ctx *ctx, const struct ja_user *u, struct ja_error *err)
{
    if (ja_user_live(u, ja_now(&ctx->clock)) && !(u->must_change && u->password_hash))
        return JA_OK;
    return ja_fail(err, JA_ERR_DENIED, "user_inactive", "the account is not active, or its password has to be changed");
}

static enum ja_status find_session(struct ja_ctx *ctx, const struct ja_caller *caller, struct ja_identity *id,
                                   struct ja_error *err)
{
    char boot[JA_BOOT_ID_LEN + 1];
    enum ja_status st = ja_proc_boot_id(boot, err);

    if (st == JA_OK)
        st = ja_session_find_live(ctx, id->user.id, caller->session_hint, boot, &id->session, err);
    if (st == JA_ERR_NOT_FOUND)
        return ja_fail(err, JA_ERR_DENIED, "login_required", "%s has no live session: log in first", id->user.username);
    id->by_session = st == JA_OK;
    return st;
}

static enum ja_status by_uid(struct ja_ctx *ctx, const struct ja_caller *caller, struct ja_identity *id,
                             struct ja_error *err)
{
    enum ja_status st = ja_user_find_by_process_uid(ctx, caller->uid, &id->user, err);

    if (st == JA_ERR_NOT_FOUND)
        return no_account(caller->uid, err);
    if (st == JA_OK)
        st = check_user(ctx, &id->user, err);
    if (st == JA_OK && id->user.kind != JA_USER_SERVICE)
        st = find_session(ctx, caller, id, err);
    return st;
}

static enum ja_status by_key(struct ja_ctx *ctx, const struct ja_caller *caller, struct ja_identity *id,
                             struct ja_error *err)
{
    enum ja_status st = ja_api_key_verify(ctx, caller->key, caller->key_len, &id->key, &id->user, err);

    if (st == JA_OK)
        st = ja_api_key_note_use(ctx, &id->key, err);
    id->by_key = st == JA_OK;
    return st;
}

enum ja_status ja_identify(struct ja_ctx *ctx, const struct ja_caller *caller, struct ja_identity *ret,
                                  struct ja_error *err)
{
    struct ja_identity id = {0};
    enum ja_status st = caller->key ? by_key(ctx, caller, &id, err) : by_uid(ctx, caller, &id, err);

    if (st == JA_OK)
        *ret = id;
    else
        ja_identity_clear(&id);
    return st;
}

/* ---- its token ---- */

/* 0 is never. */
static int64_t sooner(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

/* What the token's right comes from ends it, a grant whose role it names too; asking for more is no error. */
static enum ja_status bound_ttl(struct ja_ctx *ctx, const struct ja_identity *id, struct ja_mint *mint,
                                struct ja_error *err)
{
    int64_t now = ja_now(&ctx->clock), grant = 0;
    int64_t ttl = mint->ttl ? mint->ttl : ctx->cfg->tokens.access_ttl;
    int64_t end = sooner(id->user.valid_until, id->user.lock_at);
    enum ja_status st;

    if (ttl > ctx->cfg->tokens.max_ttl || ttl < 0)
        return JA_OK; /* minting refuses it */
    st = ja_role_first_end(ctx, id->user.id, &grant, err);
    if (st != JA_OK)
        return st;
    end = sooner(end, grant);
    if (id->by_key)
        end = sooner(end, id->key.ends_at);
    if (id->by_session)
        end = sooner(end, sooner(id->session.ends_at, id->session.idle_ends_at));
    if (end && end <= now)
        return ja_fail(err, JA_ERR_DENIED, "user_inactive", "the account or what proved it has ended");
    mint->ttl = end && end - now < ttl ? end - now : ttl;
    return JA_OK;
}

/* A limited key gives its scopes where none are named, and never others; its tokens name no roles, which would permit
 * more. */
static enum ja_status bound_scope(struct ja_ctx *ctx, const struct ja_identity *id, struct ja_mint *mint,
                                  struct ja_error *err)
{
    bool limited = id->by_key && id->key.scopes[0];

    if (limited && !mint->scope)
        mint->scope = id->key.scopes;
    if (limited && !ja_scope_within(mint->scope, id->key.scopes))
        return ja_fail(err, JA_ERR_DENIED, "scope_not_held", "the API key is limited to %.200s", id->key.scopes);
    mint->scope_only = limited;
    return ja_scope_check_held(ctx, &id->user, mint->scope, err);
}

static enum ja_status mint_for(struct ja_ctx *ctx, const struct ja_identity *id, const struct ja_token_ask *ask,
                               struct ja_minted *ret, struct ja_error *err)
{
    struct ja_mint mint = {
        .user = &id->user, .audience = ask->audience, .scope = ask->scope, .ttl = ask->ttl,
        .session_id = id->by_session ? id->session.id : NULL, .amr = id->by_session ? id->session.amr : NULL,
        .auth_time = id->by_session ? id->session.auth_time : 0,
    };
    const char *by = id->by_key ? "api_key" : id->by_session ? "session" : "uid";
    const char *by_id = id->by_key ? id->key.id : id->by_session ? id->session.id : NULL;
    enum ja_status st = bound_scope(ctx, id, &mint, err);

    if (st == JA_OK)
        st = ja_audience_check_held(ctx, &id->user, ask->audience, err);
    if (st == JA_OK)
        st = bound_ttl(ctx, id, &mint, err);
    if (st == JA_OK)
        st = ja_token_mint(ctx, &mint, ret, err);
    return st == JA_OK ? ja_token_note_issue(ctx, &mint, ret, by, by_id, err) : st;
}

enum ja_status ja_token_for_caller(struct ja_ctx *ctx, const struct ja_caller *caller, const struct ja_token_ask *ask,
                                   struct ja_minted *ret, struct ja_error *err)
{
    char name[sizeof "user:" + JA_USERNAME_MAX];
    struct ja_actor before = ctx->actor;
    struct ja_identity id = {0};
    struct ja_minted m = {0};
    enum ja_status st = ja_token_check_texts(ask->audience, ask->scope, err);

    if (st == JA_OK)
        st = ja_identify(ctx, caller, &id, err);
    if (st == JA_OK) {
        (void)snprintf(name, sizeof name, "user:%s", id.user.username);
        ctx->actor.name = name; /* whoever carried the question: the account asks for itself */
        st = mint_for(ctx, &id, ask, &m, err);
        ctx->actor = before;
    }
    ja_identity_clear(&id);
    if (st == JA_OK)
        *ret = m;
    else
        ja_minted_clear(&m);
    return st;
}
