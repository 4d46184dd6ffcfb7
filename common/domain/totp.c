#include "common/domain/totp.h"

#include "common/base/dynload.h"
#include "common/base/text.h"
#include "common/domain/seal.h"

#include <liboath/oath.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES 20 /* 160 bits: RFC 4226 section 4, R6; CVE-2024-8796 was 120 */
#define PERIOD 30
#define DIGITS_MOST 8
#define WINDOW_MOST JA_TOTP_WINDOW_MAX

static struct {
    __typeof__(oath_init) *init;
    __typeof__(oath_totp_generate2) *generate;
    __typeof__(oath_base32_encode) *base32_encode;
    __typeof__(oath_base32_decode) *base32_decode;
} lib;

static enum ja_status load(struct ja_error *err)
{
    static const struct ja_dl_symbol symbols[] = {
        {"oath_init", (void **)&lib.init},
        {"oath_totp_generate2", (void **)&lib.generate},
        {"oath_base32_encode", (void **)&lib.base32_encode},
        {"oath_base32_decode", (void **)&lib.base32_decode},
    };
    enum ja_status st = JA_OK;

    st = ja_dl_load("liboath.so.0", symbols, sizeof symbols / sizeof symbols[0], err);
    if (st == JA_OK && lib.init() != OATH_OK)
        st = ja_fail(err, JA_ERR_CRYPTO, "totp_failed", "liboath could not be initialised");
    return st;
}

static const char *const algorithm_names[] = {
    [JA_TOTP_SHA1] = "SHA1", [JA_TOTP_SHA256] = "SHA256", [JA_TOTP_SHA512] = "SHA512",
};

const char *ja_totp_algorithm_name(enum ja_totp_algorithm a)
{
    return algorithm_names[a];
}

static bool algorithm_parse(const char *name, enum ja_totp_algorithm *ret)
{
    for (int i = JA_TOTP_SHA1; i <= JA_TOTP_SHA512; i++) {
        if (name && strcmp(name, algorithm_names[i]) == 0) {
            *ret = (enum ja_totp_algorithm)i;
            return true;
        }
    }
    return false;
}

void ja_totp_clear(struct ja_totp *t)
{
    if (!t)
        return;
    ja_secret_clear(&t->secret);
    *t = (struct ja_totp){0};
}

/* ---- rows ---- */

static void identity(const char *user_id, char out[64])
{
    (void)snprintf(out, 64, "totp:%s", user_id);
}

static enum ja_status read_row(struct ja_ctx *ctx, struct ja_rows *rows, const char *user_id,
                               bool with_secret, struct ja_totp *t, struct ja_error *err)
{
    const char *sealed = ja_col_text(rows, "secret");
    char aad[64];

    t->digits = (int)ja_col_int(rows, "digits");
    t->period = (int)ja_col_int(rows, "period");
    t->last_step = ja_col_int(rows, "last_step");
    t->confirmed_at = ja_col_int(rows, "confirmed_at");
    t->created_at = ja_col_int(rows, "created_at");
    t->own_window = !ja_col_null(rows, "step_window");
    t->step_window = (int)ja_col_int(rows, "step_window");
    if (!algorithm_parse(ja_col_text(rows, "algorithm"), &t->algorithm) || !sealed)
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_totp", "a stored second factor is damaged");
    if (!with_secret)
        return JA_OK;
    identity(user_id, aad);
    return ja_unseal(ctx, aad, sealed, &t->secret, err);
}

enum ja_status ja_totp_find(struct ja_ctx *ctx, const char *user_id, bool with_secret,
                            struct ja_totp *ret, struct ja_error *err)
{
    struct ja_rows *rows = NULL;
    struct ja_totp t = {0};
    bool row = false;
    enum ja_status st =
        ja_db_query(ctx->db,
                    "SELECT secret, algorithm, digits, period, last_step, step_window, confirmed_at, "
                    "created_at FROM totp WHERE user_id = $1",
                    JA_BINDS(JA_T(user_id)), &rows, err);

    if (st == JA_OK)
        st = ja_rows_next(rows, &row, err);
    if (st == JA_OK && !row)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "totp_not_found", "the user has no second factor");
    if (st == JA_OK)
        st = read_row(ctx, rows, user_id, with_secret, &t, err);
    if (st == JA_OK)
        st = ja_rows_status(rows, err);
    ja_rows_end(rows);
    if (st == JA_OK)
        *ret = t;
    else
        ja_totp_clear(&t);
    return st;
}

static enum ja_status insert(struct ja_ctx *ctx, const char *user_id, const struct ja_totp *t,
                             const char *sealed, struct ja_error *err)
{
    int64_t changes = 0;
    /* One in force is never replaced: it has to be disabled first. */
    enum ja_status st =
        ja_db_exec(ctx->db,
                   "INSERT INTO totp (user_id, secret, algorithm, digits, period, last_step, "
                   "step_window, confirmed_at, created_at, updated_at) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) "
                   "ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, "
                   "algorithm = excluded.algorithm, digits = excluded.digits, "
                   "period = excluded.period, last_step = excluded.last_step, "
                   "step_window = excluded.step_window, confirmed_at = excluded.confirmed_at, "
                   "created_at = excluded.created_at, updated_at = excluded.updated_at "
                   "WHERE totp.confirmed_at IS NULL",
                   JA_BINDS(JA_T(user_id), JA_T(sealed), JA_T(ja_totp_algorithm_name(t->algorithm)),
                            JA_I(t->digits), JA_I(t->period), JA_I(t->last_step),
                            t->own_window ? JA_I(t->step_window) : JA_N, JA_TIME(t->confirmed_at),
                            JA_I(t->created_at)),
                   &changes, err);

    if (st == JA_OK && changes == 0)
        st = ja_fail(err, JA_ERR_EXISTS, "totp_exists",
                     "the user has a second factor already: disable it first");
    return st;
}

enum ja_status ja_totp_new(enum ja_totp_algorithm a, int digits, int64_t now, struct ja_totp *ret,
                           struct ja_error *err)
{
    struct ja_totp t = {.algorithm = a, .digits = digits, .period = PERIOD, .created_at = now};
    enum ja_status st = JA_OK;

    if (a < JA_TOTP_SHA1 || a > JA_TOTP_SHA512)
        return ja_fail(err, JA_ERR_INVALID, "invalid_algorithm",
                       "the algorithm is not SHA1, SHA256 or SHA512");
    if (digits != 6 && digits != 8)
        return ja_fail(err, JA_ERR_INVALID, "invalid_digits", "codes have 6 or 8 digits");
    st = ja_secret_init(&t.secret, SECRET_BYTES, err);
    if (st == JA_OK)
        st = ja_random(t.secret.data, SECRET_BYTES, err);
    if (st == JA_OK) {
        t.secret.len = SECRET_BYTES;
        *ret = t;
    } else {
        ja_totp_clear(&t);
    }
    return st;
}

enum ja_status ja_totp_create(struct ja_ctx *ctx, const char *user_id, enum ja_totp_algorithm a,
                              int digits, struct ja_totp *ret, struct ja_error *err)
{
    struct ja_totp t = {0};
    char *sealed = NULL, aad[64];
    enum ja_status st = ja_totp_new(a, digits, ja_now(&ctx->clock), &t, err);

    identity(user_id, aad);
    if (st == JA_OK)
        st = ja_seal(ctx, aad, t.secret.data, t.secret.len, &sealed, err);
    if (st == JA_OK)
        st = insert(ctx, user_id, &t, sealed, err);
    free(sealed);
    if (st == JA_OK)
        *ret = t;
    else
        ja_totp_clear(&t);
    return st;
}

static enum ja_status check_imported(const struct ja_totp *t, int64_t now, struct ja_error *err)
{
    if (!t->secret.data || t->secret.len < JA_TOTP_SECRET_MIN || t->secret.len > JA_TOTP_SECRET_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_secret", "the secret has not %d to %d bytes",
                       JA_TOTP_SECRET_MIN, JA_TOTP_SECRET_MAX);
    if (t->algorithm < JA_TOTP_SHA1 || t->algorithm > JA_TOTP_SHA512)
        return ja_fail(err, JA_ERR_INVALID, "invalid_algorithm",
                       "the algorithm is not SHA1, SHA256 or SHA512");
    if (t->digits != 6 && t->digits != 8)
        return ja_fail(err, JA_ERR_INVALID, "invalid_digits", "codes have 6 or 8 digits");
    if (t->period < JA_TOTP_PERIOD_MIN || t->period > JA_TOTP_PERIOD_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_period", "a code lives %d to %d seconds",
                       JA_TOTP_PERIOD_MIN, JA_TOTP_PERIOD_MAX);
    if (t->own_window && (t->step_window < 0 || t->step_window > JA_TOTP_WINDOW_MAX))
        return ja_fail(err, JA_ERR_INVALID, "invalid_window",
                       "a window of more than %d steps either way makes guessing too easy",
                       JA_TOTP_WINDOW_MAX);
    if (t->last_step < 0 || t->last_step > now / t->period + JA_TOTP_WINDOW_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_step",
                       "a used code lies in the future: set the clock of this host, or enrol anew");
    return JA_OK;
}

enum ja_status ja_totp_import(struct ja_ctx *ctx, const char *user_id, const struct ja_totp *t,
                              struct ja_error *err)
{
    struct ja_totp row = *t; /* borrows the secret */
    int64_t now = ja_now(&ctx->clock);
    char *sealed = NULL, aad[64];
    enum ja_status st = check_imported(t, now, err);

    row.created_at = row.confirmed_at = now;
    identity(user_id, aad);
    if (st == JA_OK)
        st = ja_seal(ctx, aad, t->secret.data, t->secret.len, &sealed, err);
    if (st == JA_OK)
        st = insert(ctx, user_id, &row, sealed, err);
    free(sealed);
    return st;
}

static enum ja_status replayed(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_DENIED, "code_replayed",
                   "the code was used before: wait for the next one");
}

enum ja_status ja_totp_set_confirmed(struct ja_ctx *ctx, const char *user_id, int64_t step,
                                     struct ja_error *err)
{
    int64_t changes = 0;
    enum ja_status st =
        ja_db_exec(ctx->db,
                   "UPDATE totp SET confirmed_at = $2, last_step = $3, updated_at = $2 "
                   "WHERE user_id = $1 AND confirmed_at IS NULL AND last_step < $3",
                   JA_BINDS(JA_T(user_id), JA_I(ja_now(&ctx->clock)), JA_I(step)), &changes, err);

    return st == JA_OK && changes != 1 ? replayed(err) : st;
}

enum ja_status ja_totp_consume(struct ja_ctx *ctx, const char *user_id, int64_t step,
                               struct ja_error *err)
{
    int64_t changes = 0;
    enum ja_status st =
        ja_db_exec(ctx->db,
                   "UPDATE totp SET last_step = $2, updated_at = $3 "
                   "WHERE user_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL",
                   JA_BINDS(JA_T(user_id), JA_I(step), JA_I(ja_now(&ctx->clock))), &changes, err);

    return st == JA_OK && changes != 1 ? replayed(err) : st;
}

enum ja_status ja_totp_delete(struct ja_ctx *ctx, const char *user_id, bool *ret_deleted,
                              struct ja_error *err)
{
    int64_t changes = 0;
    enum ja_status st = ja_db_exec(ctx->db, "DELETE FROM totp WHERE user_id = $1",
                                   JA_BINDS(JA_T(user_id)), &changes, err);

    if (st == JA_OK && ret_deleted)
        *ret_deleted = changes > 0;
    return st;
}

/* ---- codes ---- */

static enum ja_status generate(const struct ja_totp *t, int64_t step, char out[DIGITS_MOST + 1],
                               struct ja_error *err)
{
    static const int flags[] = {[JA_TOTP_SHA1] = 0, [JA_TOTP_SHA256] = OATH_TOTP_HMAC_SHA256,
                                [JA_TOTP_SHA512] = OATH_TOTP_HMAC_SHA512};

    if (lib.generate((const char *)t->secret.data, t->secret.len, (time_t)(step * t->period),
                     (unsigned)t->period, 0, (unsigned)t->digits, flags[t->algorithm],
                     out) != OATH_OK)
        return ja_fail(err, JA_ERR_CRYPTO, "totp_failed", "liboath could not compute a code");
    return JA_OK;
}

/* As many ASCII digits as enrolled, and nothing else (R11). */
static bool right_form(const struct ja_totp *t, const char *code, size_t len)
{
    bool digits = code && len == (size_t)t->digits;

    for (size_t i = 0; digits && i < len; i++)
        digits = code[i] >= '0' && code[i] <= '9';
    return digits;
}

int ja_totp_window(const struct ja_ctx *ctx, const struct ja_totp *t)
{
    return t->own_window ? t->step_window : (int)ctx->cfg->mfa.totp_window;
}

enum ja_status ja_totp_match(const struct ja_totp *t, int window, int64_t now, const char *code,
                             size_t len, int64_t *ret_step, struct ja_error *err)
{
    char want[DIGITS_MOST + 1] = "";
    int64_t found = -1, current;
    enum ja_status st = load(err);

    if (st != JA_OK)
        return st;
    if (!t->secret.data || t->secret.len == 0 || t->period < 1 ||
        (t->digits != 6 && t->digits != 8) || window < 0 || window > WINDOW_MOST || now < 0)
        return ja_fail(err, JA_ERR_CORRUPT, "corrupt_totp", "a stored second factor is damaged");
    if (!right_form(t, code, len))
        return ja_fail(err, JA_ERR_DENIED, "wrong_code", "wrong code");
    current = now / t->period;
    /* Every step is computed, whichever matches; of two equal codes the later step is used up. */
    for (int64_t step = current < window ? 0 : current - window;
         st == JA_OK && step <= current + window; step++) {
        st = generate(t, step, want, err);
        if (st == JA_OK && sodium_memcmp(want, code, len) == 0)
            found = step;
    }
    sodium_memzero(want, sizeof want);
    if (st == JA_OK && found < 0)
        st = ja_fail(err, JA_ERR_DENIED, "wrong_code", "wrong code");
    if (st == JA_OK)
        *ret_step = found;
    return st;
}

/* ---- for authenticator apps ---- */

enum ja_status ja_totp_base32(const struct ja_totp *t, struct ja_secret *ret, struct ja_error *err)
{
    char *text = NULL;
    size_t len = 0;
    enum ja_status st = load(err);

    if (st != JA_OK)
        return st;
    if (lib.base32_encode((const char *)t->secret.data, t->secret.len, &text, &len) != OATH_OK)
        return ja_fail_nomem(err);
    while (len > 0 && text[len - 1] == '=')
        len--;
    st = ja_secret_from(ret, text, len, err);
    ja_wipe_free(text);
    return st;
}

enum ja_status ja_totp_decode(const char *base32, size_t len, struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret s = {0};
    char *bin = NULL;
    size_t n = 0;
    enum ja_status st = load(err);
    int rc;

    if (st != JA_OK)
        return st;
    rc = lib.base32_decode(base32, len, &bin, &n);
    if (rc == OATH_MALLOC_ERROR)
        return ja_fail_nomem(err);
    if (rc != OATH_OK)
        return ja_fail(err, JA_ERR_INVALID, "invalid_secret", "the secret is no base32");
    st = ja_secret_from(&s, bin, n, err);
    if (bin)
        sodium_memzero(bin, n);
    free(bin);
    if (st == JA_OK)
        *ret = s;
    return st;
}

/* RFC 3986 section 2.1: everything but unreserved characters is escaped. */
static enum ja_status append_escaped(struct ja_secret *s, const char *text, struct ja_error *err)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    enum ja_status st = JA_OK;

    for (; st == JA_OK && *text; text++) {
        char hex[4];

        (void)snprintf(hex, sizeof hex, "%%%02X", (unsigned)(unsigned char)*text);
        st = strchr(plain, *text) ? ja_secret_append(s, text, 1, err)
                                  : ja_secret_append(s, hex, 3, err);
    }
    return st;
}

static enum ja_status append(struct ja_secret *s, const char *text, struct ja_error *err)
{
    return ja_secret_append(s, text, strlen(text), err);
}

void ja_totp_issuer_label(const struct ja_config *cfg, char out[JA_TOTP_LABEL_MAX])
{
    const char *from = cfg->mfa.issuer_label, *scheme;
    size_t n;

    if (from && *from) {
        (void)snprintf(out, JA_TOTP_LABEL_MAX, "%s", from);
        return;
    }
    from = cfg->tokens.issuer ? cfg->tokens.issuer : "";
    scheme = strstr(from, "://");
    if (scheme)
        from = scheme + 3;
    n = strcspn(from, ":/?#");
    (void)snprintf(out, JA_TOTP_LABEL_MAX, "%.*s", n > 0 ? (int)n : 7, n > 0 ? from : "jwtauth");
}

enum ja_status ja_totp_uri(const struct ja_totp *t, const char *issuer_label, const char *username,
                           struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret s = {0}, key = {0};
    char tail[96];
    enum ja_status st = ja_totp_base32(t, &key, err);

    (void)snprintf(tail, sizeof tail, "&algorithm=%s&digits=%d&period=%d",
                   ja_totp_algorithm_name(t->algorithm), t->digits, t->period);
    if (st == JA_OK)
        st = ja_secret_init(&s, 6 * strlen(issuer_label) + 3 * strlen(username) + key.len + 192,
                            err);
    if (st == JA_OK)
        st = append(&s, "otpauth://totp/", err);
    if (st == JA_OK)
        st = append_escaped(&s, issuer_label, err);
    if (st == JA_OK)
        st = append(&s, ":", err);
    if (st == JA_OK)
        st = append_escaped(&s, username, err);
    if (st == JA_OK)
        st = append(&s, "?secret=", err);
    if (st == JA_OK)
        st = ja_secret_append(&s, key.data, key.len, err);
    if (st == JA_OK)
        st = append(&s, "&issuer=", err);
    if (st == JA_OK)
        st = append_escaped(&s, issuer_label, err);
    if (st == JA_OK)
        st = append(&s, tail, err);
    ja_secret_clear(&key);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}
