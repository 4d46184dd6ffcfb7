/* A user without a second factor enrols during login (PAM.md, enroll): the prompts' answers, and what finish writes. */
#include "common/domain/recovery_code.h"
#include "common/flow/account_internal.h"
#include "common/flow/auth_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TRIES 3  /* of each prompt: nobody guesses here, the key is on the screen */
#define DIGITS 6 /* what every app takes */

const struct ja_enrolment *ja_auth_enrolment(const struct ja_auth *auth)
{
    return &auth->enrol.shown;
}

void ja_auth_enroll_clear(struct ja_auth *auth)
{
    struct enrolment *e = &auth->enrol;

    ja_secret_clear(&e->shown.key);
    ja_secret_clear(&e->shown.uri);
    ja_secret_clear(&e->shown.codes);
    ja_totp_clear(&e->totp);
    ja_wipe_free(e->hash);
    sodium_memzero(e, sizeof *e);
}

/* ---- the invitation ---- */

static bool may_come_by_invitation(const struct ja_auth *a)
{
    return a->req.enroll.mode != JA_ENROLL_OFF && a->req.enroll.by_invitation && a->known &&
           a->user.kind == JA_USER_PERSON && a->user.status == JA_USER_PENDING && !a->user.password_hash &&
           (!a->user.valid_until || a->user.valid_until > ja_now(&a->ctx->clock));
}

enum ja_status ja_auth_judge_invitation(struct ja_auth *auth, const void *answer, size_t len, struct ja_error *err)
{
    struct ja_ott ott = {0};
    struct ja_error local = {0};
    enum ja_status st = JA_ERR_DENIED;

    if (!may_come_by_invitation(auth))
        return JA_OK;
    if (ja_ott_token_form(answer, len))
        st = ja_ott_find(auth->ctx, 1U << JA_PURPOSE_INVITE, answer, len, &ott, &local);
    else if (ja_ott_code_form(answer, len))
        st = ja_ott_try_code(auth->ctx, auth->user.id, JA_PURPOSE_INVITE, answer, len, &ott, &local);
    if (st == JA_OK && strcmp(ott.user_id, auth->user.id) != 0)
        st = JA_ERR_DENIED; /* somebody else's */
    if (st == JA_OK)
        st = ja_proof_still_good(&auth->user, &ott, &local);
    if (st == JA_OK) {
        auth->enrol.ott = ott;
        auth->enrol.invited = auth->password_ok = true;
    } else if (st != JA_ERR_DENIED && err) {
        *err = local;
    }
    return st == JA_ERR_DENIED ? JA_OK : st;
}

/* ---- which prompt comes next ---- */

static void open_prompt(struct ja_auth *a, enum ja_auth_next next)
{
    a->next = next;
    a->enrol.tries = 0;
    a->enrol.shown.again = false;
}

static void ends(struct ja_auth *a, enum ja_auth_reason reason)
{
    a->next = JA_NEXT_DONE;
    a->reason = reason;
}

/* Not enrolled: allowed to those who may skip, refused else. */
static void not_enrolled(struct ja_auth *a, enum ja_auth_reason reason)
{
    ends(a, a->enrol.shown.may_skip ? JA_REASON_NONE : reason);
}

static bool may_skip(const struct ja_auth *a)
{
    const struct ja_enroll_terms *t = &a->req.enroll;

    if (a->demand_code)
        return false;
    return t->mode == JA_ENROLL_OFFER || (t->until > 0 && ja_now(&a->ctx->clock) < t->until);
}

static enum ja_status show_key(struct ja_auth *a, struct ja_error *err)
{
    struct enrolment *e = &a->enrol;
    char label[JA_TOTP_LABEL_MAX];
    enum ja_status st = ja_totp_new(JA_TOTP_SHA1, DIGITS, ja_now(&a->ctx->clock), &e->totp, err);

    ja_totp_issuer_label(a->ctx->cfg, label);
    if (st == JA_OK)
        st = ja_totp_base32(&e->totp, &e->shown.key, err);
    if (st == JA_OK)
        st = ja_totp_uri(&e->totp, label, a->user.username, &e->shown.uri, err);
    if (st == JA_OK)
        open_prompt(a, JA_NEXT_ENROLL);
    return st;
}

enum ja_status ja_auth_enroll_begin(struct ja_auth *auth, struct ja_error *err)
{
    struct enrolment *e = &auth->enrol;

    if (auth->next != JA_NEXT_DONE || auth->req.enroll.mode == JA_ENROLL_OFF || !auth->password_ok ||
        auth->user.mfa || (auth->reason != JA_REASON_NONE && auth->reason != JA_REASON_NO_SECOND_FACTOR))
        return JA_OK;
    e->shown.may_skip = may_skip(auth);
    /* nor does a token: whoever has a stolen one would keep the account */
    if ((auth->req.enroll.by_invitation && !e->invited) || auth->token.good) {
        not_enrolled(auth, JA_REASON_NO_SECOND_FACTOR);
        return JA_OK;
    }
    auth->reason = JA_REASON_NONE;
    if (!e->invited)
        return show_key(auth, err);
    open_prompt(auth, JA_NEXT_NEW_PASSWORD);
    return JA_OK;
}

/* ---- answers ---- */

/* True when the prompt is asked again. */
static bool asked_again(struct ja_auth *a)
{
    a->enrol.shown.again = true;
    return ++a->enrol.tries < TRIES;
}

static enum ja_status take_password(struct ja_auth *a, const void *answer, size_t len, struct ja_error *err)
{
    struct enrolment *e = &a->enrol;
    struct ja_secret pw = {0};
    struct ja_user u = {0};
    struct ja_error local = {0};
    enum ja_status st;

    e->shown.report = (struct ja_policy_report){.len = 0};
    st = ja_secret_from(&pw, answer, len, err);
    if (st == JA_OK)
        st = ja_user_find_by_id(a->ctx, a->user.id, &u, err);
    if (st != JA_OK) {
        ja_secret_clear(&pw);
        return st;
    }
    st = ja_account_hash_password(a->ctx, &pw, &u, &e->shown.report, &local);
    if (st == JA_OK) {
        e->hash = u.password_hash;
        u.password_hash = NULL;
        st = show_key(a, err);
    } else if (st == JA_ERR_POLICY || st == JA_ERR_INVALID) {
        if (!asked_again(a))
            ends(a, JA_REASON_NO_PASSWORD);
        st = JA_OK;
    } else if (err) {
        *err = local;
    }
    ja_secret_clear(&pw);
    ja_user_clear(&u);
    return st;
}

static enum ja_status take_code(struct ja_auth *a, const char *code, size_t len, struct ja_error *err)
{
    struct enrolment *e = &a->enrol;
    struct ja_error local = {0};
    enum ja_status st;

    if (len == 0 && e->shown.may_skip) {
        not_enrolled(a, JA_REASON_NO_SECOND_FACTOR);
        return JA_OK;
    }
    st = ja_totp_match(&e->totp, ja_totp_window(a->ctx, &e->totp), ja_now(&a->ctx->clock), code, len, &e->step,
                       &local);
    if (st == JA_OK)
        st = ja_recovery_new(a->ctx->cfg->mfa.recovery_codes, &e->shown.codes, &local);
    if (st == JA_OK) {
        open_prompt(a, JA_NEXT_RECOVERY);
    } else if (st == JA_ERR_DENIED) {
        if (!asked_again(a))
            not_enrolled(a, JA_REASON_WRONG_CODE);
        st = JA_OK;
    } else if (err) {
        *err = local;
    }
    return st;
}

static void take_receipt(struct ja_auth *a, const char *answer, size_t len)
{
    if (len == 3 && strncasecmp(answer, "yes", 3) == 0) {
        a->enrol.confirmed = true;
        ends(a, JA_REASON_NONE);
    } else if (!asked_again(a)) {
        not_enrolled(a, JA_REASON_NO_SECOND_FACTOR);
    }
}

enum ja_status ja_auth_enroll_answer(struct ja_auth *auth, const void *answer, size_t len, struct ja_error *err)
{
    if (!answer)
        len = 0;
    if (auth->next == JA_NEXT_NEW_PASSWORD)
        return take_password(auth, answer, len, err);
    if (auth->next == JA_NEXT_ENROLL)
        return take_code(auth, answer, len, err);
    take_receipt(auth, answer, len);
    return JA_OK;
}

/* ---- what finish writes ---- */

enum ja_status ja_auth_accept_invitation(struct ja_auth *auth, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct ja_user u = {0};
    enum ja_status st = JA_OK;

    if (!auth->enrol.invited)
        return JA_OK;
    if (auth->enrol.hash)
        st = ja_proof_set_password(auth->ctx, &auth->enrol.ott, auth->enrol.hash, &u, err);
    if (!auth->enrol.hash || st == JA_ERR_DENIED) {
        *reason = auth->enrol.hash ? JA_REASON_WRONG_PASSWORD : JA_REASON_NO_PASSWORD;
        st = JA_OK;
    }
    ja_user_clear(&u);
    return st;
}

enum ja_status ja_auth_store_factor(struct ja_auth *auth, enum ja_auth_reason *reason, struct ja_error *err)
{
    struct enrolment *e = &auth->enrol;
    struct ja_error local = {0};
    enum ja_status st;

    if (!e->confirmed)
        return JA_OK;
    e->totp.last_step = e->step; /* its first code is no login of its own (R11) */
    st = ja_totp_import(auth->ctx, auth->user.id, &e->totp, &local);
    if (st == JA_ERR_EXISTS) { /* enrolled elsewhere while this login was under way */
        *reason = JA_REASON_CODE_REQUIRED;
        return JA_OK;
    }
    if (st == JA_OK)
        st = ja_recovery_replace(auth->ctx, auth->user.id, &e->shown.codes, &local);
    if (st == JA_OK)
        st = ja_account_audit(auth->ctx, "totp.confirm", auth->user.username, json_pack("{s:s}", "during", "login"),
                              &local);
    if (st != JA_OK && err)
        *err = local;
    return st;
}
