/* The steps of a login up to its decision: begin, password, code. */
#include "common/domain/known_source.h"
#include "common/domain/seal.h"
#include "common/flow/auth_internal.h"
#include "common/flow/new_source.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ja_status look_up(struct ja_auth *a, struct ja_error *err)
{
    const char *name = a->req.user ? a->req.user : "";
    enum ja_status st = a->req.any_name ? ja_user_find(a->ctx, name, &a->user, err)
                                        : ja_user_find_by_name(a->ctx, name, &a->user, err);

    a->known = st == JA_OK;
    if (st == JA_OK)
        (void)snprintf(a->user_key, sizeof a->user_key, "%s", a->user.id);
    else if (st == JA_ERR_NOT_FOUND || st == JA_ERR_INVALID)
        st = ja_auth_name_key(a->ctx, name, a->req.any_name, a->user_key, err);
    return st;
}

enum ja_status ja_auth_demanded(struct ja_ctx *ctx, const char *user_id, const struct ja_addr *addr, bool *ret,
                                struct ja_error *err)
{
    bool policy = false;
    enum ja_status st = ja_auth_policy_mfa(ctx, user_id, &policy, err);

    /* exempt_networks relax what this section asks for, never what the caller or a rule asks for */
    if (st == JA_OK)
        *ret = policy && !ja_auth_in_networks(&ctx->cfg->mfa.exempt_networks, addr);
    return st;
}

static enum ja_status decide_demand(struct ja_auth *a, struct ja_error *err)
{
    bool demanded = false;
    enum ja_status st = JA_OK;

    if (a->known)
        st = ja_auth_demanded(a->ctx, a->user.id, &a->addr, &demanded, err);
    a->demand_code = a->terms.mfa == JA_MFA_ALWAYS || demanded;
    return st;
}

/* The options and the rules.  A rule on users or roles must not tell by its prompts who they are: what follows a wrong
 * password is what a nobody would see. */
static enum ja_status decide_terms(struct ja_auth *a, struct ja_error *err)
{
    const struct ja_policy_terms options = {
        .mfa = a->req.mfa,
        .mfa_remember = a->req.mfa_remember,
        .accept = a->req.accept ? a->req.accept : JA_ACCEPT_PASSWORD,
    };
    const struct ja_policy_login where = {.service = a->req.service, .source = a->req.source, .tty = a->req.tty};
    struct ja_policy_terms nobodys = {0};
    enum ja_status st = ja_auth_terms(a->ctx, NULL, &where, &options, &nobodys, err);

    a->terms = nobodys;
    a->blind = nobodys.mfa;
    if (st == JA_OK && a->known)
        st = ja_auth_terms(a->ctx, &a->user, &where, &options, &a->terms, err);
    return st;
}

static enum ja_status decide_who(struct ja_auth *a, struct ja_error *err)
{
    const struct ja_config *cfg = a->ctx->cfg;
    bool known = false, any = false;
    enum ja_status st = JA_OK;

    (void)ja_addr_parse(a->req.source ? a->req.source : "", &a->addr);
    ja_source_network(a->ctx, &a->addr, a->bucket);
    ja_auth_throttle_source(a->ctx, &a->addr, a->req.local_uid, a->throttle_source);
    if (a->known)
        st = ja_known_source_find(a->ctx, a->user.id, a->bucket, &known, &any, err);
    if (st == JA_OK && a->req.captcha != JA_CAPTCHA_NEVER)
        st = ja_auth_name_key(a->ctx, a->req.user ? a->req.user : "", a->req.any_name, a->captcha_name, err);
    a->who = (struct ja_throttle_who){
        .user_key = a->user_key,
        .source = a->throttle_source,
        .trusted = ja_auth_in_networks(&cfg->throttle.trusted_networks, &a->addr),
        .known = known,
        .captcha_name = a->captcha_name[0] ? a->captcha_name : NULL,
        .captcha_passed = a->req.captcha == JA_CAPTCHA_PASSED,
    };
    return st;
}

/* Names that other modules may know are counted nowhere (PAM.md: "books nothing against a user"). */
bool ja_auth_counts(const struct ja_auth *a)
{
    return a->known || !a->req.unknown_ignore;
}

void ja_auth_throttled(struct ja_auth *a, const struct ja_error *err)
{
    a->reason = JA_REASON_THROTTLED;
    a->retry_after = err->retry_after;
    a->next = JA_NEXT_DONE;
}

static bool worth_waiting(const struct ja_error *err)
{
    return strcmp(err->code, "tries_under_way") == 0;
}

/* A blocked source hears so before it is asked anything; nothing is hashed for it. */
static enum ja_status look_at_throttle(struct ja_auth *a, struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_status st = ja_auth_counts(a) ? ja_throttle_check(a->ctx, &a->who, &local) : JA_OK;

    if (st == JA_ERR_THROTTLED) {
        if (!worth_waiting(&local))
            ja_auth_throttled(a, &local);
        return JA_OK;
    }
    if (st != JA_OK && err)
        *err = local;
    return st;
}

enum ja_status ja_auth_begin(struct ja_ctx *ctx, const struct ja_auth_request *req,
                             struct ja_auth **ret, struct ja_error *err)
{
    struct ja_auth *a = calloc(1, sizeof *a);
    enum ja_status st;

    if (!a)
        return ja_fail_nomem(err);
    a->ctx = ctx;
    a->req = *req;
    a->next = JA_NEXT_PASSWORD;
    st = look_up(a, err);
    if (st == JA_OK)
        st = decide_who(a, err);
    if (st == JA_OK)
        st = decide_terms(a, err);
    if (st == JA_OK)
        st = decide_demand(a, err);
    if (st == JA_OK)
        st = look_at_throttle(a, err);
    if (st != JA_OK) {
        ja_auth_free(a);
        return st;
    }
    *ret = a;
    return JA_OK;
}

enum ja_auth_next ja_auth_next(const struct ja_auth *auth)
{
    return auth->next;
}

/* ---- password ---- */

/* Fifty logins at once of one user are more than may be under way together: the later ones wait for the verdict of the
 * earlier, as long as one may wait for a hashing slot. */
static enum ja_status book_or_wait(struct ja_auth *a, struct ja_error *err)
{
    const struct ja_clock *clock = &a->ctx->clock;
    int64_t left = a->ctx->cfg->password.hash_wait * 1000;
    unsigned nap = 5;
    enum ja_status st = ja_throttle_book(a->ctx, &a->who, &a->failures, err);

    while (st == JA_ERR_THROTTLED && worth_waiting(err) && left > 0) {
        clock->sleep_ms(clock->arg, nap);
        left -= nap;
        nap = nap < 80 ? nap * 2 : 80;
        st = ja_throttle_book(a->ctx, &a->who, &a->failures, err);
    }
    return st;
}

/* JA_OK with next DONE: blocked. The try is committed before anything is evaluated (SECURITY R9). */
static enum ja_status book(struct ja_auth *a, struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_status st = JA_OK;

    a->failures = 1;
    if (!ja_auth_counts(a))
        return JA_OK;
    st = book_or_wait(a, &local);
    if (st == JA_OK)
        a->booked = true;
    else if (st == JA_ERR_THROTTLED)
        ja_auth_throttled(a, &local);
    else if (st == JA_ERR_FORBIDDEN)
        a->reason = JA_REASON_CAPTCHA;
    else if (err)
        *err = local;
    if (st == JA_ERR_FORBIDDEN)
        a->next = JA_NEXT_DONE;
    return st == JA_ERR_THROTTLED || st == JA_ERR_FORBIDDEN ? JA_OK : st;
}

/* Digits at the end of "secret123456" are the code of a user who has one; the length it leaves. */
static enum ja_status split_forward(struct ja_auth *a, const char *answer, size_t *len,
                                    struct ja_error *err)
{
    size_t digits, rest;
    enum ja_status st;

    if (!a->req.forward_pass || !a->known || !a->user.mfa ||
        (a->terms.mfa == JA_MFA_OFF && !a->demand_code))
        return JA_OK;
    st = ja_totp_find(a->ctx, a->user.id, true, &a->totp, err);
    if (st != JA_OK)
        return st == JA_ERR_NOT_FOUND ? JA_OK : st;
    a->have_totp = true;
    digits = (size_t)a->totp.digits;
    if (*len <= digits)
        return JA_OK;
    rest = *len - digits;
    for (size_t i = rest; i < *len; i++)
        if (answer[i] < '0' || answer[i] > '9')
            return JA_OK;
    st = ja_secret_from(&a->code, answer + rest, digits, err);
    if (st == JA_OK)
        *len = rest;
    return st;
}

static bool form_ok(const void *pw, size_t len)
{
    return pw && len > 0 && len <= JA_PASSWORD_MAX && !memchr(pw, 0, len);
}

/* One hash, whoever it is and whatever was typed (SECURITY R8; CVE-2015-3238: a long one costs no more). */
static enum ja_status verify(struct ja_auth *a, const void *pw, size_t len, bool *ret_rehash,
                             struct ja_error *err)
{
    static const char dummy[] = "dummy";
    bool ok = form_ok(pw, len) && a->known && a->user.kind == JA_USER_PERSON;
    enum ja_status st = ja_password_verify(a->ctx, ok ? a->user.password_hash : NULL,
                                           form_ok(pw, len) ? pw : dummy,
                                           form_ok(pw, len) ? len : sizeof dummy - 1, ret_rehash, err);

    if (st == JA_OK)
        a->password_ok = ok && a->user.password_hash != NULL;
    return st == JA_ERR_DENIED || st == JA_ERR_INVALID ? JA_OK : st;
}

static bool takes_passwords(const struct ja_auth *a)
{
    return (a->terms.accept & JA_ACCEPT_PASSWORD) != 0;
}

static enum ja_auth_reason reason_after_password(const struct ja_auth *a)
{
    if (!a->known)
        return JA_REASON_UNKNOWN_USER;
    if (a->user.kind != JA_USER_PERSON)
        return JA_REASON_NOT_A_PERSON;
    if (a->enrol.invited)
        return JA_REASON_NONE; /* pending still; finish makes it active, and looks again */
    if (a->token.given)
        return a->token.good ? ja_auth_account_reason(a->ctx, &a->user) : JA_REASON_WRONG_TOKEN;
    if (!takes_passwords(a))
        return JA_REASON_METHOD;
    if (!a->user.password_hash)
        return JA_REASON_NO_PASSWORD;
    if (!a->password_ok)
        return JA_REASON_WRONG_PASSWORD;
    return ja_auth_account_reason(a->ctx, &a->user);
}

/* After a right password only, unless the caller always asks both; not where it is remembered. */
static bool code_is_due(struct ja_auth *a)
{
    bool due;

    if (a->spared && !a->code.data)
        return false;
    if (a->reason != JA_REASON_NONE)
        return a->blind == JA_MFA_ALWAYS;
    if (a->token.mfa)
        return false;
    due = ja_auth_asks_code(a->terms.mfa, a->blind, a->demand_code, a->user.mfa);
    if (!due && !a->user.mfa && a->demand_code)
        a->reason = JA_REASON_NO_SECOND_FACTOR;
    return due;
}

static enum ja_status after_password(struct ja_auth *a, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    bool due;

    a->reason = reason_after_password(a);
    if (a->known && a->user.mfa)
        st = ja_auth_find_remembered(a, &a->user, &a->spared, err);
    if (st != JA_OK)
        return st;
    due = code_is_due(a);
    a->next = due ? JA_NEXT_CODE : JA_NEXT_DONE;
    if (due && a->code.data)
        return ja_auth_evaluate_code(a, (const char *)a->code.data, a->code.len, err);
    return ja_auth_enroll_begin(a, err);
}

/* A hash with other parameters than configured is made anew after success: before it, the time of a second
 * hash would tell of a right password (SECURITY R8). Not having the memory for it is no failure. */
static void keep_for_rehash(struct ja_auth *a, const void *pw, size_t len)
{
    struct ja_error ignored;

    a->rehash = true;
    (void)ja_secret_from(&a->password, pw, len, &ignored);
}

static enum ja_status judge_password(struct ja_auth *a, const void *answer, size_t len, struct ja_error *err)
{
    bool rehash = false;
    enum ja_status st = JA_OK;

    if (form_ok(answer, len))
        st = split_forward(a, answer, &len, err);
    if (st == JA_OK)
        st = verify(a, answer, len, &rehash, err);
    if (st == JA_OK && form_ok(answer, len))
        st = ja_auth_judge_invitation(a, answer, len, err);
    if (st == JA_OK && a->password_ok && rehash)
        keep_for_rehash(a, answer, len);
    return st;
}

/* One that is no good costs a hash like a wrong password (of the dummy, never of the token): else the time would tell
 * whom a rule lets in by token. */
static enum ja_status judge_token(struct ja_auth *a, const void *answer, size_t len, struct ja_error *err)
{
    bool rehash = false;
    enum ja_status st = ja_auth_judge_token(a, answer, len, err);

    return st == JA_OK && !a->token.good ? verify(a, NULL, 0, &rehash, err) : st;
}

static enum ja_status answer_password(struct ja_auth *a, const void *answer, size_t len,
                                      struct ja_error *err)
{
    enum ja_status st = book(a, err);

    if (st != JA_OK || a->next == JA_NEXT_DONE)
        return st;
    if (ja_auth_takes_token(a, answer, len))
        st = judge_token(a, answer, len, err);
    else
        st = judge_password(a, takes_passwords(a) ? answer : NULL, len, err);
    if (st != JA_OK)
        return st;
    a->evaluated = true;
    return after_password(a, err);
}

enum ja_status ja_auth_answer(struct ja_auth *auth, const void *answer, size_t len,
                              struct ja_error *err)
{
    enum ja_auth_next next = auth->next;
    enum ja_status st;

    if (auth->dead || auth->finished || next == JA_NEXT_DONE)
        return ja_fail(err, JA_ERR_INTERNAL, "no_answer_due", "an answer that was not asked for");
    if (next == JA_NEXT_PASSWORD)
        st = answer_password(auth, answer, len, err);
    else if (next == JA_NEXT_CODE)
        st = ja_auth_evaluate_code(auth, answer, len, err);
    else
        st = ja_auth_enroll_answer(auth, answer, len, err);
    if (st != JA_OK) {
        auth->dead = true;
        auth->next = JA_NEXT_DONE;
        ja_auth_abandon(auth);
    }
    return st;
}

void ja_auth_take_back(struct ja_auth *auth)
{
    struct ja_ctx *ctx = auth->ctx;
    struct ja_error err = {0};
    enum ja_status st = JA_OK;

    if (auth->booked)
        st = ja_throttle_unbook(ctx, &auth->who, &err);
    if (st == JA_OK && auth->code_booked)
        st = ja_throttle_unbook_code(ctx, ja_auth_code_kind(auth), auth->user_key, &err);
    auth->booked = auth->code_booked = false;
    if (st != JA_OK)
        ja_log_write(&ctx->log, LOG_WARNING, "a try that was no failure stays counted: %s", err.message);
}

/* Memory or time that ran out is nobody's failure: else pressure on the machine would lock people out (F9). */
void ja_auth_abandon(struct ja_auth *auth)
{
    if (!auth->evaluated || (auth->dead && auth->password_ok))
        ja_auth_take_back(auth);
    else if (auth->booked || auth->code_booked)
        ja_auth_given_up(auth);
}

void ja_auth_free(struct ja_auth *auth)
{
    if (!auth)
        return;
    ja_user_clear(&auth->user);
    ja_totp_clear(&auth->totp);
    ja_auth_enroll_clear(auth);
    ja_auth_token_clear(auth);
    ja_secret_clear(&auth->code);
    ja_secret_clear(&auth->password);
    sodium_memzero(auth, sizeof *auth);
    free(auth);
}
