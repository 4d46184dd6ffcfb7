/* The token files of open PAM sessions while jwtauthd runs. */
#include "common/base/proc.h"
#include "common/base/token_file.h"
#include "common/domain/signing_key.h"
#include "common/flow/account_internal.h"
#include "common/flow/session_flow.h"
#include "common/flow/session_internal.h"

struct renewal {
    struct ja_session session;
    struct ja_user user;
    struct ja_minted token;
};

/* Its own transaction: a longer session_token_ttl is noted with the key. */
static enum ja_status mint(struct ja_ctx *ctx, const char *id, struct renewal *r, struct ja_error *err)
{
    enum ja_status st = ja_keyring_require(ctx, err); /* reads: before the transaction */

    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st != JA_OK)
        return st;
    st = ja_session_look_again(ctx, id, &r->session, &r->user, err);
    if (st == JA_OK)
        st = ja_session_mint(ctx, &r->user, &r->session, ctx->cfg->tokens.session_token_ttl, &r->token, err);
    return ja_tx_end(ctx, st, err);
}

/* After the file is there: a failure in between renews once more, and leaves nobody without. */
static enum ja_status note(struct ja_ctx *ctx, const struct ja_session *s, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    return st == JA_OK ? ja_tx_end(ctx, ja_session_touch(ctx, s->id, s->idle_ends_at, err), err) : st;
}

/* JA_ERR_NOT_FOUND, JA_ERR_DENIED: not to be renewed. */
static enum ja_status renew(struct ja_ctx *ctx, const char *id, struct ja_error *err)
{
    const char *run = ctx->cfg->paths.run;
    struct renewal r = {0};
    enum ja_status st = ja_token_file_held(run, id, err);

    if (st == JA_OK)
        st = mint(ctx, id, &r, err);
    if (st == JA_OK && ja_session_process_gone(r.session.pid, r.session.pid_start))
        st = ja_fail(err, JA_ERR_DENIED, "process_ended", "the process that held the session is gone");
    if (st == JA_OK)
        st = ja_token_file_renew(run, id, r.token.token, r.user.uid, r.user.gid, err);
    if (st == JA_OK)
        st = note(ctx, &r.session, err);
    ja_minted_clear(&r.token);
    ja_user_clear(&r.user);
    ja_session_clear(&r.session);
    return st;
}

static enum ja_status reap(struct ja_ctx *ctx, struct ja_error *err)
{
    enum ja_status st = ja_db_begin(ctx->db, err);

    return st == JA_OK ? ja_tx_end(ctx, ja_session_reap(ctx, NULL, err), err) : st;
}

enum ja_status ja_session_renew_files(struct ja_ctx *ctx, int64_t *ret_renewed, struct ja_error *err)
{
    struct ja_session_due due[JA_SESSION_DUE_BATCH], at = {0};
    int64_t before = ja_now(&ctx->clock) - ctx->cfg->tokens.session_token_ttl / 2, renewed = 0;
    char boot[JA_BOOT_ID_LEN + 1];
    size_t len = 0;
    enum ja_status st = reap(ctx, err);

    if (st == JA_OK)
        st = ja_proc_boot_id(boot, err);
    while (st == JA_OK && (st = ja_session_due(ctx, boot, before, &at, due, &len, err)) == JA_OK && len > 0) {
        for (size_t i = 0; i < len; i++) {
            struct ja_error why = {0};
            enum ja_status one = renew(ctx, due[i].id, &why);

            renewed += one == JA_OK ? 1 : 0;
            if (one != JA_OK && one != JA_ERR_NOT_FOUND && one != JA_ERR_DENIED)
                ja_log_write(&ctx->log, LOG_ERR, "the token of session %s was not renewed: %s", due[i].id, why.message);
        }
        at = due[len - 1];
    }
    if (st == JA_OK && ret_renewed)
        *ret_renewed = renewed;
    return st;
}

struct sweep {
    struct ja_ctx *ctx;
    struct ja_error *err;
    int64_t removed;
};

/* The row was committed before the folder was made: a folder without a row is left over. */
static enum ja_status sweep_one(void *arg, const char *id)
{
    struct sweep *w = arg;
    struct ja_session s = {0};
    enum ja_status st = ja_session_find(w->ctx, id, &s, w->err);
    bool live = st == JA_OK && ja_session_live(&s, ja_now(&w->ctx->clock));

    ja_session_clear(&s);
    if (st != JA_OK && st != JA_ERR_NOT_FOUND)
        return st;
    if (live)
        return JA_OK;
    st = ja_token_file_remove(w->ctx->cfg->paths.run, id, w->err);
    w->removed += st == JA_OK ? 1 : 0;
    return st;
}

enum ja_status ja_session_sweep_files(struct ja_ctx *ctx, int64_t *ret_removed, struct ja_error *err)
{
    struct sweep w = {ctx, err, 0};
    enum ja_status st = ja_token_file_each(ctx->cfg->paths.run, sweep_one, &w, err);

    if (st == JA_OK && ret_removed)
        *ret_removed = w.removed;
    return st;
}
