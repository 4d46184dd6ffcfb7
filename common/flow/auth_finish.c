/* The decision: everything is looked at once more and written in one transaction; one line allows. */
#include "common/flow/auth_finish_impl.h"
#include "common/flow/new_source.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void deny(struct finish *f, enum ja_auth_reason reason)
{
    struct ja_auth *a = f->a;

    f->result.verdict = JA_DENY;
    f->result.reason = reason;
    f->result.retry_after = a->retry_after;
    f->result.delay_ms = ja_throttle_delay_ms(a->ctx, a->failures > 0 ? a->failures : 1);
    ja_finish_record_denial(f);
}

/* ---- the checks inside the transaction: JA_OK with *reason NONE goes on ---- */

/* The password that was verified is still the one; a rehash by a parallel login is no change. */
static bool same_password(const struct ja_auth *a, const struct ja_user *now)
{
    if (a->token.good)
        return true; /* none was given */
    if (a->enrol.hash)
        return now->password_hash && strcmp(a->enrol.hash, now->password_hash) == 0;
    if (!a->user.password_hash || !now->password_hash)
        return false;
    if (strcmp(a->user.password_hash, now->password_hash) == 0)
        return true;
    return a->rehash && a->user.password_changed_at == now->password_changed_at;
}

static enum ja_status look_again(struct finish *f, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_auth *a = f->a;
    bool spared;
    enum ja_status st = ja_user_find_by_id(a->ctx, a->user.id, &f->user, err);

    if (st == JA_ERR_NOT_FOUND) {
        *reason = JA_REASON_UNKNOWN_USER;
        return JA_OK;
    }
    if (st != JA_OK)
        return st;
    *reason = ja_auth_account_reason(a->ctx, &f->user);
    if (*reason == JA_REASON_NONE && !same_password(a, &f->user))
        *reason = JA_REASON_WRONG_PASSWORD;
    /* enrolled while this login was under way, or what was remembered is lost */
    spared = a->spared;
    if (spared)
        st = ja_auth_find_remembered(a, &f->user, &spared, err);
    if (st != JA_OK)
        return st;
    if (*reason == JA_REASON_NONE && !a->code_ok && !spared && !a->token.mfa &&
        ja_auth_code_wanted(a->terms.mfa, a->demand_code, f->user.mfa))
        *reason = JA_REASON_CODE_REQUIRED;
    f->result.must_change = ja_auth_must_change(a->ctx, &f->user, &f->result.password_days_left);
    if (*reason == JA_REASON_NONE && f->fruit == FRUIT_SESSION && f->result.must_change)
        *reason = JA_REASON_MUST_CHANGE;
    return JA_OK;
}

static enum ja_status consume_code(struct finish *f, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_auth *a = f->a;
    enum ja_status st;

    if (!a->code_ok)
        return JA_OK;
    if (a->recovery)
        st = ja_recovery_consume(a->ctx, a->user.id, (const char *)a->code.data, a->code.len, err);
    else
        st = ja_totp_consume(a->ctx, a->user.id, a->step, err);
    if (st != JA_ERR_DENIED)
        return st;
    a->code_ok = false;
    *reason = a->recovery ? JA_REASON_WRONG_CODE : JA_REASON_CODE_REPLAYED;
    return JA_OK;
}

static enum ja_status judge_source(struct finish *f, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_auth *a = f->a;
    struct ja_source_verdict v = {0};
    enum ja_status st = JA_OK;

    if (f->fruit == FRUIT_PROOF)
        return JA_OK;
    st = ja_source_judge(a->ctx, a->user.id, a->bucket, a->code_ok, &v, err);
    f->new_source = v.is_new;
    if (st == JA_OK && v.refused)
        *reason = JA_REASON_NEW_SOURCE;
    return st;
}

static enum ja_status note_source(struct finish *f, struct ja_error *err)
{
    const struct ja_auth *a = f->a;
    char address[INET6_ADDRSTRLEN];
    enum ja_status st = JA_OK;

    if (f->fruit == FRUIT_PROOF)
        return JA_OK;
    ja_finish_source(a, address);
    st = ja_source_note(a->ctx, &f->user, a->bucket, address[0] ? address : NULL, a->req.service,
                        f->new_source, err);
    return st == JA_OK && f->new_source ? ja_finish_audit_login(f, "login.new_source", err) : st;
}

/* ---- what a login brings ---- */

static enum ja_status make_handle(struct finish *f, struct ja_error *err)
{
    const struct ja_auth *a = f->a;
    struct ja_login_handle h = {.pid = f->pid};

    (void)snprintf(h.user_id, sizeof h.user_id, "%s", a->user.id);
    (void)snprintf(h.service, sizeof h.service, "%s", a->req.service ? a->req.service : "");
    (void)snprintf(h.amr, sizeof h.amr, "%s", ja_finish_amr(a));
    ja_finish_source(a, h.source);
    return ja_handle_create(a->ctx, &h, f->handle, err);
}

static char *copy_or_null(const char *s)
{
    return s && *s ? strdup(s) : NULL;
}

static enum ja_status fill_session(const struct finish *f, struct ja_session *s, struct ja_error *err)
{
    const struct ja_auth *a = f->a;
    const struct ja_config *cfg = a->ctx->cfg;
    char source[INET6_ADDRSTRLEN];
    int64_t now = ja_now(&a->ctx->clock);

    (void)snprintf(s->user_id, sizeof s->user_id, "%s", a->user.id);
    (void)snprintf(s->username, sizeof s->username, "%s", a->user.username);
    (void)snprintf(s->service, sizeof s->service, "%s", a->req.service ? a->req.service : "");
    (void)snprintf(s->amr, sizeof s->amr, "%s", ja_finish_amr(a));
    ja_finish_source(a, source);
    s->auth_time = now;
    s->ends_at = now + cfg->tokens.session_max;
    s->idle_ends_at = now + cfg->tokens.refresh_idle;
    if (s->idle_ends_at > s->ends_at)
        s->idle_ends_at = s->ends_at;
    s->audience = strdup(f->audience ? f->audience : cfg->tokens.audience);
    s->source = copy_or_null(source);
    s->tty = copy_or_null(a->req.tty);
    s->user_agent = copy_or_null(a->req.user_agent);
    if (!s->audience || (source[0] && !s->source))
        return ja_fail_nomem(err);
    return JA_OK;
}

static enum ja_status make_tokens(struct finish *f, struct ja_error *err)
{
    struct ja_auth_tokens *t = &f->tokens;
    struct ja_ctx *ctx = f->a->ctx;
    enum ja_status st = fill_session(f, &t->session, err);

    if (st == JA_OK)
        st = ja_session_insert(ctx, &t->session, err);
    if (st == JA_OK)
        st = ja_refresh_create(ctx, t->session.id, t->session.idle_ends_at, &t->refresh, err);
    if (st == JA_OK) {
        struct ja_mint mint = {.user = &f->user, .session_id = t->session.id,
                               .audience = f->audience, .amr = t->session.amr,
                               .auth_time = t->session.auth_time};
        st = ja_token_mint(ctx, &mint, &t->access, err);
    }
    return st;
}

static enum ja_status bear_fruit(struct finish *f, struct ja_error *err)
{
    switch (f->fruit) {
    case FRUIT_HANDLE: return make_handle(f, err);
    case FRUIT_SESSION: return make_tokens(f, err);
    case FRUIT_PROOF: return JA_OK;
    }
    return ja_fail(err, JA_ERR_INTERNAL, "internal", "a login for nothing");
}

/* A password alone (a change of it, a service with mfa=off) does not forgive wrong codes: else whoever has
 * the password guesses codes without end, with a change of password in between (SECURITY R10). */
static bool forgives(const struct finish *f)
{
    return !f->user.mfa || f->a->code_ok;
}

static enum ja_status write_success(struct finish *f, struct ja_error *err)
{
    struct ja_auth *a = f->a;
    enum ja_status st = JA_OK;

    if (a->booked && forgives(f))
        st = ja_throttle_clear(a->ctx, &a->who, err);
    if (st == JA_OK && a->code_booked && (a->code_ok || a->enrol.confirmed))
        st = ja_throttle_clear_code(a->ctx, ja_auth_code_kind(a), a->user_key, err);
    if (st == JA_OK && f->fruit != FRUIT_PROOF)
        st = ja_auth_note_remembered(a, &f->user, err);
    if (st == JA_OK && f->fruit != FRUIT_PROOF)
        st = ja_user_set_last_login(a->ctx, a->user.id, err);
    if (st == JA_OK)
        st = bear_fruit(f, err);
    if (st == JA_OK)
        st = note_source(f, err);
    return st == JA_OK ? ja_finish_audit_login(f, ja_finish_action(f->fruit), err) : st;
}

/* ---- the decision ---- */

/* A session of authctl's or jwtauthd's has no account call behind it: the terms, as they are by now. */
static enum ja_status judge_terms(struct finish *f, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_auth *a = f->a;
    const struct ja_policy_login where = {.service = a->req.service, .source = a->req.source, .tty = a->req.tty};
    const struct ja_policy_terms options = {.mfa = a->req.mfa, .mfa_remember = a->req.mfa_remember,
                                            .accept = a->req.accept, .audience = f->audience};
    const struct ja_auth_shown shown = {.by_module = true,
                                        .second_factor = a->code_ok || a->spared || a->enrol.confirmed || a->token.mfa,
                                        .methods = ja_auth_method_of(ja_finish_amr(a))};
    enum ja_status st;

    if (f->fruit == FRUIT_PROOF && a->terms.deny) /* a screen that is unlocked is a login too */
        *reason = JA_REASON_POLICY;
    if (f->fruit != FRUIT_SESSION)
        return JA_OK;
    st = ja_auth_terms(a->ctx, &f->user, &where, &options, &f->result.terms, err);
    if (st == JA_OK)
        st = ja_auth_judge_terms(a->ctx, &f->result.terms, &f->user, &shown, reason, err);
    if (st == JA_OK)
        f->audience = f->result.terms.audience;
    return st;
}

static enum ja_status decide(struct finish *f, enum ja_auth_reason *reason, struct ja_error *err)
{
    enum ja_status st = ja_auth_accept_invitation(f->a, reason, err);

    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = look_again(f, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = ja_auth_consume_token(f->a, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = consume_code(f, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = judge_terms(f, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = judge_source(f, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = ja_auth_store_factor(f->a, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = write_success(f, err);
    return st;
}

/* DESIGN section 4: after success. The login stands already: what fails here is done at the next one. */
static void rehash(const struct finish *f)
{
    struct ja_auth *a = f->a;
    char hash[JA_HASH_STRING_MAX] = "";
    struct ja_error err = {0};
    enum ja_status st = ja_password_hash(a->ctx, a->password.data, a->password.len, hash, &err);

    if (st == JA_OK)
        st = ja_db_begin(a->ctx->db, &err);
    if (st == JA_OK) {
        st = ja_user_rehash(a->ctx, a->user.id, f->user.password_hash, hash, &err);
        if (st == JA_OK)
            st = ja_db_commit(a->ctx->db, &err);
        if (st != JA_OK)
            ja_db_rollback(a->ctx->db);
    }
    if (st != JA_OK)
        ja_log_write(&a->ctx->log, LOG_WARNING, "the password of %s keeps its old hash: %s",
                     a->user.username, err.message);
    sodium_memzero(hash, sizeof hash);
}

static enum ja_auth_reason reason_so_far(const struct ja_auth *a)
{
    if (a->reason != JA_REASON_NONE)
        return a->reason;
    switch (a->next) {
    case JA_NEXT_DONE: break;
    case JA_NEXT_CODE: return JA_REASON_CODE_REQUIRED;
    case JA_NEXT_PASSWORD: return JA_REASON_WRONG_PASSWORD;
    case JA_NEXT_NEW_PASSWORD: return JA_REASON_NO_PASSWORD;
    case JA_NEXT_ENROLL:
    case JA_NEXT_RECOVERY: return JA_REASON_NO_SECOND_FACTOR;
    }
    return a->password_ok ? JA_REASON_NONE : JA_REASON_WRONG_PASSWORD;
}

static void describe(struct finish *f)
{
    const struct ja_auth *a = f->a;
    struct ja_auth_result *r = &f->result;

    *r = (struct ja_auth_result){.verdict = JA_DENY, .password_days_left = -1};
    if (!a->known)
        return;
    (void)snprintf(r->user_id, sizeof r->user_id, "%s", a->user.id);
    (void)snprintf(r->username, sizeof r->username, "%s", a->user.username);
}

/* One transaction: with a reason nothing of it stays. */
static enum ja_status conclude(struct finish *f, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_ctx *ctx = f->a->ctx;
    /* keys are read and made ready before the write lock is taken */
    enum ja_status st = f->fruit == FRUIT_SESSION ? ja_keyring_require(ctx, err) : JA_OK;

    if (st == JA_OK)
        st = ja_db_begin(ctx->db, err);
    if (st == JA_OK)
        st = decide(f, reason, err);
    if (st == JA_OK && *reason == JA_REASON_NONE)
        st = ja_db_commit(ctx->db, err);
    if (st != JA_OK || *reason != JA_REASON_NONE)
        ja_db_rollback(ctx->db);
    return st;
}

static enum ja_status run(struct finish *f, struct ja_error *err)
{
    struct ja_auth *a = f->a;
    enum ja_auth_reason reason;
    enum ja_status st = JA_OK;

    describe(f);
    if (a->dead || a->finished)
        return ja_fail(err, JA_ERR_INTERNAL, "login_over", "this login has ended already");
    a->finished = true;
    reason = reason_so_far(a);
    if (reason == JA_REASON_NONE)
        st = conclude(f, &reason, err);
    if (st != JA_OK) {
        ja_auth_take_back(a); /* the system's failure, after right answers */
        return st;
    }
    if (reason != JA_REASON_NONE) {
        deny(f, reason);
        return JA_OK;
    }
    if (!forgives(f))
        ja_auth_take_back(a); /* its own try and no other */
    if (a->password.data)
        rehash(f);
    (void)snprintf(f->result.amr, sizeof f->result.amr, "%s", ja_finish_amr(a));
    f->result.verdict = JA_ALLOW; /* the only place */
    return JA_OK;
}

void ja_auth_given_up(struct ja_auth *auth)
{
    struct finish f = {.a = auth, .fruit = FRUIT_HANDLE};

    auth->finished = true;
    describe(&f);
    deny(&f, reason_so_far(auth));
    auth->booked = auth->code_booked = false;
}

enum ja_status ja_auth_finish_handle(struct ja_auth *auth, int64_t pid,
                                     char ret_handle[JA_HANDLE_LEN + 1],
                                     struct ja_auth_result *ret, struct ja_error *err)
{
    struct finish f = {.a = auth, .fruit = FRUIT_HANDLE, .pid = pid};
    enum ja_status st = run(&f, err);

    if (st == JA_OK) {
        *ret = f.result;
        if (f.result.verdict == JA_ALLOW)
            memcpy(ret_handle, f.handle, sizeof f.handle);
    }
    sodium_memzero(f.handle, sizeof f.handle);
    ja_user_clear(&f.user);
    return st;
}

enum ja_status ja_auth_finish_session(struct ja_auth *auth, const char *audience,
                                      struct ja_auth_tokens *ret_tokens,
                                      struct ja_auth_result *ret, struct ja_error *err)
{
    struct finish f = {.a = auth, .fruit = FRUIT_SESSION, .audience = audience};
    enum ja_status st = run(&f, err);

    if (st == JA_OK)
        *ret = f.result;
    if (st == JA_OK && f.result.verdict == JA_ALLOW) {
        f.tokens.user = f.user;
        f.user = (struct ja_user){0};
        *ret_tokens = f.tokens;
    } else {
        ja_auth_tokens_clear(&f.tokens);
    }
    ja_user_clear(&f.user);
    return st;
}

enum ja_status ja_auth_finish_proof(struct ja_auth *auth, struct ja_auth_result *ret,
                                    struct ja_error *err)
{
    struct finish f = {.a = auth, .fruit = FRUIT_PROOF};
    enum ja_status st = run(&f, err);

    if (st == JA_OK)
        *ret = f.result;
    ja_user_clear(&f.user);
    return st;
}

void ja_auth_tokens_clear(struct ja_auth_tokens *t)
{
    if (!t)
        return;
    ja_session_clear(&t->session);
    ja_minted_clear(&t->access);
    ja_secret_clear(&t->refresh);
    ja_user_clear(&t->user);
}
