/* PAM's open_session: a row and a token for a login that was proven (PAM.md, "From auth to session"). */
#include "common/base/net.h"
#include "common/base/proc.h"
#include "common/domain/signing_key.h"
#include "common/flow/account_internal.h"
#include "common/flow/new_source.h"
#include "common/flow/session_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTY_MAX 64

/* PAM_TTY and PAM_RHOST are hostile text: kept only when harmless. */
static enum ja_status fill_where(const struct ja_pam_session *p, const char *default_audience,
                                 struct ja_session *s, struct ja_error *err)
{
    const char *audience = p->audience ? p->audience : default_audience;
    struct ja_addr addr;

    s->audience = strdup(audience);
    if (p->source && ja_addr_parse(p->source, &addr))
        s->source = strdup(p->source);
    if (p->tty && p->tty[0] && ja_text_valid(p->tty, TTY_MAX))
        s->tty = strdup(p->tty);
    return s->audience ? JA_OK : ja_fail_nomem(err);
}

/* Which process holds the session open. Without /proc the row has none and lives until its end. */
static bool fill_process(const struct ja_pam_session *p, struct ja_session *s)
{
    char boot[JA_BOOT_ID_LEN + 1];

    if (p->pid <= 0 || ja_proc_boot_id(boot, NULL) != JA_OK ||
        ja_proc_start(p->pid, &s->pid_start, NULL) != JA_OK)
        return false;
    s->boot_id = strdup(boot);
    s->pid = s->boot_id ? p->pid : 0;
    return s->boot_id != NULL;
}

/* A factor is remembered for this login alone, and only its own person's row stands for it. */
static void fill_login(const struct ja_pam_session *p, struct ja_session *s)
{
    if (p->login && p->login->audit_session > 0 && p->login->audit_session < JA_AUDIT_UNSET &&
        p->login->login_uid == p->user->uid)
        s->audit_session = p->login->audit_session;
}

/* The login that auth proved, sshd's word for a key, or both. JA_ERR_NOT_FOUND: neither. */
static enum ja_status prove(struct ja_ctx *ctx, const struct ja_pam_session *p,
                            struct ja_session *s, struct ja_error *err)
{
    struct ja_login_handle h = {0};
    const char *external = p->external_amr ? p->external_amr : "";
    enum ja_status st = JA_ERR_NOT_FOUND;
    int n = 0;

    if (p->handle)
        st = ja_handle_consume(ctx, p->handle, p->user->id, p->service, &h, err);
    if (st != JA_OK && st != JA_ERR_NOT_FOUND)
        return st;
    if (st == JA_ERR_NOT_FOUND && !external[0])
        return ja_fail(err, JA_ERR_NOT_FOUND, "no_login",
                       "no login was proven for this session: it gets no token");
    n = snprintf(s->amr, sizeof s->amr, "%s%s%s", h.amr, h.amr[0] && external[0] ? " " : "",
                 external);
    if (n < 0 || (size_t)n >= sizeof s->amr)
        return ja_fail(err, JA_ERR_INVALID, "invalid_amr", "the login methods are too long");
    s->auth_time = h.created_at ? h.created_at : ja_now(&ctx->clock);
    return JA_OK;
}

/* A lock may have come between account and session: it wins. */
static enum ja_status still_active(struct ja_ctx *ctx, const struct ja_user *known,
                                   struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = ja_user_find_by_id(ctx, known->id, &u, err);

    if (st == JA_ERR_NOT_FOUND || (st == JA_OK && !ja_user_live(&u, ja_now(&ctx->clock))))
        st = ja_fail(err, JA_ERR_DENIED, "user_inactive", "the account is not active");
    ja_user_clear(&u);
    return st;
}

static enum ja_status mint_session(struct ja_ctx *ctx, const struct ja_pam_session *p,
                                   const struct ja_session *s, struct ja_minted *ret,
                                   struct ja_error *err)
{
    struct ja_mint mint = {
        .user = p->user,
        .session_id = s->id,
        .audience = s->audience[0] ? s->audience : NULL,
        .amr = s->amr,
        .auth_time = s->auth_time,
        .ttl = ctx->cfg->tokens.session_token_ttl,
    };

    return ja_token_mint(ctx, &mint, ret, err);
}

/* A login by key shows itself here first; account has refused it where the configuration wants that. */
static enum ja_status note_source(struct ja_ctx *ctx, const struct ja_pam_session *p,
                                  const struct ja_session *s, struct ja_error *err)
{
    struct ja_source_verdict v = {0};
    struct ja_addr addr = {0};
    char network[JA_NET_TEXT];
    json_t *detail = NULL;
    enum ja_status st = JA_OK;

    if (!s->source || !ja_addr_parse(s->source, &addr))
        return JA_OK;
    ja_source_network(ctx, &addr, network);
    st = ja_source_judge(ctx, p->user->id, network, true, &v, err);
    if (st == JA_OK)
        st = ja_source_note(ctx, p->user, network, s->source, p->service, v.is_new, err);
    if (st != JA_OK || !v.is_new)
        return st;
    detail = json_pack("{s:s}", "amr", s->amr);
    return detail ? ja_account_audit(ctx, "login.new_source", p->user->username, detail, err)
                  : ja_fail_nomem(err);
}

static enum ja_status open_in_tx(struct ja_ctx *ctx, const struct ja_pam_session *p,
                                 struct ja_session *s, struct ja_minted *token,
                                 struct ja_error *err)
{
    json_t *detail = NULL;
    enum ja_status st = prove(ctx, p, s, err);

    if (st == JA_OK)
        st = still_active(ctx, p->user, err);
    if (st == JA_OK && p->external_amr)
        st = note_source(ctx, p, s, err);
    if (st == JA_OK)
        st = ja_session_insert(ctx, s, err);
    if (st == JA_OK)
        st = mint_session(ctx, p, s, token, err);
    if (st != JA_OK)
        return st;
    detail = json_pack("{s:s, s:s}", "session", s->id, "amr", s->amr);
    return detail ? ja_account_audit(ctx, "session.open", p->user->username, detail, err)
                  : ja_fail_nomem(err);
}

enum ja_status ja_session_open_pam(struct ja_ctx *ctx, const struct ja_pam_session *p,
                                   struct ja_session *ret_session, struct ja_minted *ret_token,
                                   struct ja_error *err)
{
    struct ja_session s = {0};
    struct ja_minted token = {0};
    bool has_proc = fill_process(p, &s), no_login = false;
    enum ja_status st = fill_where(p, ctx->cfg->tokens.audience, &s, err);

    (void)snprintf(s.user_id, sizeof s.user_id, "%s", p->user->id);
    (void)snprintf(s.username, sizeof s.username, "%s", p->user->username);
    (void)snprintf(s.service, sizeof s.service, "%s", p->service);
    s.ends_at = ja_now(&ctx->clock) + ctx->cfg->tokens.session_max; /* idle_ends_at 0: none */
    if (has_proc)
        fill_login(p, &s);
    if (st == JA_OK)
        st = ja_keyring_require(ctx, err); /* reads: before the transaction */
    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st == JA_OK) {
        if (has_proc)
            st = ja_session_reap(ctx, NULL, err);
        if (st == JA_OK)
            st = open_in_tx(ctx, p, &s, &token, err);
        no_login = st == JA_ERR_NOT_FOUND; /* the reaping counts all the same */
        st = ja_tx_end(ctx, no_login ? JA_OK : st, err);
        if (st == JA_OK && no_login)
            st = JA_ERR_NOT_FOUND;
    }
    if (st != JA_OK) {
        ja_session_clear(&s);
        ja_minted_clear(&token);
        return st;
    }
    *ret_session = s;
    *ret_token = token;
    return JA_OK;
}
