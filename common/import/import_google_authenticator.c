#include "common/import/import_google_authenticator.h"

#include "common/domain/recovery_code.h"
#include "common/import/text_lines.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define FILE_LINES_MAX 200
#define WINDOW_SIZE_MAX 100 /* pam_google_authenticator's own bound */
#define PERIOD 30

struct reading {
    struct ja_import_factor *f;
    int64_t line;
    int64_t skew;
    bool totp, counter;
    struct ja_error *err;
};

static enum ja_status wrong(const struct reading *r, const char *why)
{
    return ja_fail(r->err, JA_ERR_INVALID, "invalid_file", "line %lld %s", (long long)r->line, why);
}

/* ---- options: one function each ---- */

static enum ja_status one_number(const struct reading *r, struct ja_line *rest, int64_t min, int64_t max, int64_t *ret)
{
    struct ja_line word, more;
    int64_t n = 0;

    if (!ja_line_word(rest, &word) || !ja_line_number(&word, &n) || n < min || n > max || ja_line_word(rest, &more))
        return wrong(r, "has another value than its option takes");
    *ret = n;
    return JA_OK;
}

static enum ja_status on_totp(struct reading *r, struct ja_line *rest)
{
    (void)rest;
    r->totp = true;
    return JA_OK;
}

static enum ja_status on_counter(struct reading *r, struct ja_line *rest)
{
    (void)rest;
    r->counter = true;
    return JA_OK;
}

static enum ja_status on_window(struct reading *r, struct ja_line *rest)
{
    int64_t n = 0;
    enum ja_status st = one_number(r, rest, 1, WINDOW_SIZE_MAX, &n);

    r->f->totp.own_window = st == JA_OK;
    r->f->totp.step_window = (int)(n / 2); /* 3: one before, one after; of an even number the greater half */
    return st;
}

static enum ja_status on_period(struct reading *r, struct ja_line *rest)
{
    int64_t n = PERIOD;
    enum ja_status st = one_number(r, rest, 1, 60, &n);

    r->f->totp.period = (int)n;
    return st;
}

static enum ja_status on_used(struct reading *r, struct ja_line *rest)
{
    struct ja_line word;

    while (ja_line_word(rest, &word)) {
        int64_t step = 0;

        if (!ja_line_number(&word, &step))
            return wrong(r, "has another value than its option takes");
        if (step > r->f->totp.last_step)
            r->f->totp.last_step = step;
    }
    return JA_OK;
}

static enum ja_status on_rate_limit(struct reading *r, struct ja_line *rest)
{
    (void)rest;
    ja_import_note(&r->f->row, "RATE_LIMIT is passed over: [throttle] limits what can be guessed");
    return JA_OK;
}

/* Steps that the user's clock was found to be off by: "-2". */
static enum ja_status on_skew(struct reading *r, struct ja_line *rest)
{
    if (rest->len > 1 && rest->text[0] == ' ')
        rest->text++, rest->len--;
    if (rest->len > 1 && rest->text[0] == '-')
        rest->text++, rest->len--;
    return one_number(r, rest, 0, INT32_MAX, &r->skew);
}

static enum ja_status on_passed_over(struct reading *r, struct ja_line *rest)
{
    (void)r;
    (void)rest;
    return JA_OK;
}

static const struct {
    const char *name;
    enum ja_status (*fn)(struct reading *r, struct ja_line *rest);
} options[] = {
    {"TOTP_AUTH", on_totp}, {"HOTP_COUNTER", on_counter}, {"WINDOW_SIZE", on_window}, {"STEP_SIZE", on_period},
    {"DISALLOW_REUSE", on_used}, {"RATE_LIMIT", on_rate_limit}, {"TIME_SKEW", on_skew},
    {"RESETTING_TIME_SKEW", on_passed_over},
};

static enum ja_status read_option(struct reading *r, struct ja_line *rest)
{
    struct ja_line name;

    if (!ja_line_word(rest, &name))
        return wrong(r, "is an option without a name");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (ja_line_is(&name, options[i].name))
            return options[i].fn(r, rest);
    if (name.len > 4 && strncmp(name.text, "LAST", 4) == 0) /* hosts of the grace period */
        return JA_OK;
    return wrong(r, "has an option that is not known");
}

/* ---- the rest ---- */

static enum ja_status add_code(struct reading *r, const struct ja_line *line)
{
    struct ja_import_factor *f = r->f;
    int64_t digits = 0;

    if (line->len != JA_RECOVERY_SCRATCH_LEN || !ja_line_number(line, &digits))
        return wrong(r, "is neither an option nor a scratch code of 8 digits");
    for (size_t i = 0; i < f->ncodes; i++)
        if (sodium_memcmp(f->codes[i], line->text, line->len) == 0)
            return JA_OK;
    if (f->ncodes >= JA_IMPORT_CODES)
        return wrong(r, "is one scratch code too many");
    memcpy(f->codes[f->ncodes++], line->text, line->len);
    return JA_OK;
}

static enum ja_status read_line(struct reading *r, struct ja_line *line)
{
    if (line->bad)
        return wrong(r, "is too long or has control characters");
    if (r->line == 1)
        return ja_totp_decode(line->text, line->len, &r->f->totp.secret, r->err);
    if (line->len == 0)
        return JA_OK;
    if (line->text[0] != '"')
        return add_code(r, line);
    line->text++;
    line->len--;
    return read_option(r, line);
}

static enum ja_status check_whole(const struct reading *r)
{
    const struct ja_totp *t = &r->f->totp;

    if (r->line == 0)
        return ja_fail(r->err, JA_ERR_INVALID, "invalid_file", "the file is empty");
    if (r->counter)
        return ja_fail(r->err, JA_ERR_INVALID, "counter_based",
                       "the file's codes go by a counter (HOTP_COUNTER): the user has to enrol anew");
    if (!r->totp)
        return ja_fail(r->err, JA_ERR_INVALID, "invalid_file", "the file does not say TOTP_AUTH: is it one of "
                                                               "google-authenticator?");
    if (r->skew > (t->own_window ? t->step_window : 0))
        return ja_fail(r->err, JA_ERR_INVALID, "time_skew",
                       "the user's clock is %lld steps off (TIME_SKEW), which the window does not cover: set it right, "
                       "or enrol anew", (long long)r->skew);
    return JA_OK;
}

enum ja_status ja_import_google_authenticator(const char *username, const void *data, size_t len,
                                              struct ja_import_factor *ret, struct ja_error *err)
{
    struct ja_import_factor f = {.totp = {.algorithm = JA_TOTP_SHA1, .digits = 6, .period = PERIOD}};
    struct ja_error own = {0};
    struct reading r = {.f = &f, .err = err ? err : &own};
    struct ja_lines lines = {.p = data, .left = len};
    struct ja_line line;
    enum ja_status st = JA_OK;

    (void)snprintf(f.row.name, sizeof f.row.name, "%s", username);
    f.row.line = 1;
    while (st == JA_OK && ja_line_next(&lines, &line)) {
        r.line = lines.number;
        st = r.line <= FILE_LINES_MAX ? read_line(&r, &line) : wrong(&r, "is one too many");
    }
    if (st == JA_OK)
        st = check_whole(&r);
    if (st == JA_OK && f.totp.secret.len < JA_TOTP_SECRET_SHORT)
        ja_import_note(&f.row, "the secret is shorter than the 128 bits of RFC 4226: enrol anew when there is time");
    if (st == JA_OK)
        *ret = f;
    else
        ja_import_factor_clear(&f);
    sodium_memzero(f.codes, sizeof f.codes);
    return st;
}
