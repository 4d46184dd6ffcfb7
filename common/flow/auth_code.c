/* The second step of a login: a one-time code or a recovery code. */
#include "common/flow/auth_internal.h"

#include <string.h>

static bool is_otp_form(const struct ja_totp *t, const char *code, size_t len)
{
    if (len != (size_t)t->digits)
        return false;
    for (size_t i = 0; i < len; i++)
        if (code[i] < '0' || code[i] > '9')
            return false;
    return true;
}

const char *ja_auth_code_kind(const struct ja_auth *auth)
{
    return auth->recovery ? "recovery" : "totp";
}

/* Counted against the secret before anything is compared (SECURITY R9), for names of nobody's like for somebody's.
 * Where both are always asked, being throttled must not tell that the password was right. */
static enum ja_status book_code(struct ja_auth *a, struct ja_error *err)
{
    struct ja_error local = {0};
    enum ja_status st;

    if (!ja_auth_counts(a))
        return JA_OK;
    st = ja_throttle_book_code(a->ctx, ja_auth_code_kind(a), a->user_key, 0, &local);
    a->code_booked = st == JA_OK;
    if (st == JA_ERR_THROTTLED) {
        if (a->reason == JA_REASON_NONE || a->blind == JA_MFA_ALWAYS)
            ja_auth_throttled(a, &local);
        return JA_OK;
    }
    if (st != JA_OK && err)
        *err = local;
    return st;
}

static enum ja_status match_otp(struct ja_auth *a, const char *code, size_t len, struct ja_error *err)
{
    enum ja_status st = ja_totp_match(&a->totp, ja_totp_window(a->ctx, &a->totp),
                                      ja_now(&a->ctx->clock), code, len, &a->step, err);

    if (st == JA_OK)
        a->code_ok = true;
    return st == JA_ERR_DENIED ? JA_OK : st;
}

static enum ja_status find_factor(struct ja_auth *a, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (a->known && a->user.mfa && !a->have_totp) {
        st = ja_totp_find(a->ctx, a->user.id, true, &a->totp, err);
        a->have_totp = st == JA_OK;
        if (st == JA_ERR_NOT_FOUND) /* disabled since: no code is right */
            st = JA_OK;
    }
    return st;
}

/* Whether the code is right; that it is used up is for finish, in its transaction. */
enum ja_status ja_auth_evaluate_code(struct ja_auth *a, const char *code, size_t len, struct ja_error *err)
{
    enum ja_status st = find_factor(a, err);

    a->next = JA_NEXT_DONE;
    if (st != JA_OK)
        return st;
    /* an imported recovery code may look like the one-time code of another factor with 8 digits */
    a->recovery = code && ja_recovery_form(code, len) &&
                  !(a->have_totp && is_otp_form(&a->totp, code, len));
    st = book_code(a, err);
    if (st != JA_OK || a->reason == JA_REASON_THROTTLED)
        return st;
    if (st == JA_OK && a->have_totp && code && len > 0) {
        if (is_otp_form(&a->totp, code, len)) {
            st = match_otp(a, code, len, err);
        } else if (a->recovery) {
            a->code_ok = true; /* so far: finish consumes it or refuses */
            if (!a->code.data)
                st = ja_secret_from(&a->code, code, len, err);
        }
    }
    if (st == JA_OK && a->reason == JA_REASON_NONE && !a->code_ok)
        a->reason = a->user.mfa ? JA_REASON_WRONG_CODE : JA_REASON_NO_SECOND_FACTOR;
    return st == JA_OK ? ja_auth_enroll_begin(a, err) : st;
}
