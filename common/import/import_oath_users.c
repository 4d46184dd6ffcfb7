#include "common/import/import_oath_users.h"

#include "common/import/text_lines.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int digits, period; /* period 0: by counter */
} types[] = {
    {"HOTP", 6, 0}, {"HOTP/E", 6, 0}, {"HOTP/E/6", 6, 0}, {"HOTP/E/7", 7, 0}, {"HOTP/E/8", 8, 0},
    {"HOTP/T30", 6, 30}, {"HOTP/T30/6", 6, 30}, {"HOTP/T30/7", 7, 30}, {"HOTP/T30/8", 8, 30},
    {"HOTP/T60", 6, 60}, {"HOTP/T60/6", 6, 60}, {"HOTP/T60/7", 7, 60}, {"HOTP/T60/8", 8, 60},
};

static enum ja_status read_type(const struct ja_line *word, struct ja_totp *t, struct ja_error *err)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!ja_line_is(word, types[i].name))
            continue;
        if (!types[i].period)
            return ja_fail(err, JA_ERR_INVALID, "counter_based",
                           "the codes go by a counter: the user has to enrol anew");
        if (types[i].digits == 7)
            return ja_fail(err, JA_ERR_INVALID, "invalid_digits",
                           "codes have 6 or 8 digits here: the user has to enrol anew");
        t->digits = types[i].digits;
        t->period = types[i].period;
        return JA_OK;
    }
    return ja_fail(err, JA_ERR_INVALID, "unknown_type", "the row has no type of pam_oath's file");
}

static enum ja_status read_secret(const struct ja_line *word, struct ja_totp *t, struct ja_error *err)
{
    unsigned char bin[JA_TOTP_SECRET_MAX];
    const char *end = NULL;
    size_t n = 0;
    enum ja_status st = JA_OK;

    if (sodium_hex2bin(bin, sizeof bin, word->text, word->len, NULL, &n, &end) != 0 || end != word->text + word->len)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_secret", "the secret is not in hexadecimal, or too long");
    if (st == JA_OK)
        st = ja_secret_from(&t->secret, bin, n, err);
    sodium_memzero(bin, sizeof bin);
    return st;
}

/* The newest step around `now` that the code belongs to; an older one cannot be given any more. */
static enum ja_status read_last(const struct ja_line *word, int64_t now, struct ja_totp *t, struct ja_error *err)
{
    int64_t step = 0;
    enum ja_status st;

    if (t->secret.len == 0)
        return JA_OK; /* refused by the flow */
    st = ja_totp_match(t, JA_TOTP_WINDOW_MAX, now, word->text, word->len, &step, err);
    if (st == JA_OK)
        t->last_step = step;
    return st == JA_ERR_DENIED ? JA_OK : st;
}

/* liboath wants a password given by the application to be this one; '-' none, '+' whatever was checked before. */
static void note_password(const struct ja_line *word, struct ja_import_row *row)
{
    if (ja_line_is(word, "+"))
        ja_import_note(row, "the password ('+') stays where it was checked before");
    else if (!ja_line_is(word, "-"))
        ja_import_note(row, "the file's own password is passed over: the password is that of the account");
}

static enum ja_status read_row(struct ja_line *line, int64_t now, struct ja_import_factor *f, struct ja_error *err)
{
    struct ja_line type, name = {0}, password, secret, counter, last;
    bool whole = ja_line_word(line, &type) && ja_line_word(line, &name);
    enum ja_status st = JA_OK;

    if (name.len > 0 && name.len <= JA_USERNAME_MAX) {
        memcpy(f->row.name, name.text, name.len);
        if (!ja_username_valid(f->row.name))
            memset(f->row.name, 0, sizeof f->row.name);
    }
    if (!whole || !ja_line_word(line, &password) || !ja_line_word(line, &secret))
        return ja_fail(err, JA_ERR_INVALID, "invalid_row", "the row has not type, user, password and secret");
    if (!f->row.name[0])
        return ja_fail(err, JA_ERR_INVALID, "invalid_username", "the second word is no user name");
    st = read_type(&type, &f->totp, err);
    if (st == JA_OK)
        st = read_secret(&secret, &f->totp, err);
    if (st == JA_OK && ja_line_word(line, &counter) && ja_line_word(line, &last))
        st = read_last(&last, now, &f->totp, err);
    if (st == JA_OK)
        note_password(&password, &f->row);
    if (st == JA_OK && f->totp.secret.len < JA_TOTP_SECRET_SHORT)
        ja_import_note(&f->row, "the secret is shorter than the 128 bits of RFC 4226: enrol anew when there is time");
    return st;
}

struct list {
    struct ja_import_factor *rows;
    size_t n, room;
};

static struct ja_import_factor *add_row(struct list *l, int64_t line)
{
    struct ja_import_factor *f;

    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        struct ja_import_factor *bigger = reallocarray(l->rows, room, sizeof *bigger); /* no secret is inline */

        if (!bigger)
            return NULL;
        l->rows = bigger;
        l->room = room;
    }
    f = &l->rows[l->n++];
    *f = (struct ja_import_factor){.row = {.line = line},
                                   .totp = {.algorithm = JA_TOTP_SHA1, .digits = 6, .period = 30}};
    return f;
}

static bool is_row(const struct ja_line *line)
{
    struct ja_line rest = *line, word;

    return line->bad || (ja_line_word(&rest, &word) && word.text[0] != '#');
}

static enum ja_status take_line(struct list *l, struct ja_line *line, int64_t number, int64_t now, struct ja_error *err)
{
    struct ja_import_factor *f;
    struct ja_error why = {0};
    enum ja_status st;

    if (!is_row(line))
        return JA_OK;
    if (l->n >= JA_OATH_USERS_MAX)
        return ja_fail(err, JA_ERR_INVALID, "invalid_file", "the file has more than %d rows", JA_OATH_USERS_MAX);
    f = add_row(l, number);
    if (!f)
        return ja_fail_nomem(err);
    st = line->bad ? ja_fail(&why, JA_ERR_INVALID, "invalid_row", "the row is too long or has control characters")
                   : read_row(line, now, f, &why);
    if (st == JA_ERR_INVALID)
        ja_import_refuse(&f->row, JA_IMPORT_FAILED, &why);
    else if (st != JA_OK)
        return ja_fail(err, st, why.code, "%s", why.message);
    return JA_OK;
}

enum ja_status ja_import_oath_users(const void *data, size_t len, int64_t now, struct ja_import_factor **ret,
                                    size_t *ret_n, struct ja_error *err)
{
    struct ja_lines lines = {.p = data, .left = len};
    struct list l = {0};
    struct ja_line line;
    enum ja_status st = JA_OK;

    while (st == JA_OK && ja_line_next(&lines, &line))
        st = take_line(&l, &line, lines.number, now, err);
    if (st == JA_OK && l.n == 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_file", "the file has no rows");
    if (st == JA_OK) {
        *ret = l.rows;
        *ret_n = l.n;
    } else {
        ja_oath_users_free(l.rows, l.n);
    }
    return st;
}

void ja_oath_users_free(struct ja_import_factor *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ja_import_factor_clear(&rows[i]);
    free(rows);
}
