#include "common/import/import_shadow.h"

#include "common/import/text_lines.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY INT64_C(86400)
#define DAYS_MAX 9 /* digits */
#define PASSWD_FIELDS 7
#define SHADOW_FIELDS 9
#define HASH_MAX 512

/* ---- fields ---- */

/* Cuts a line at its colons; false unless there are `least` to `most` fields. */
static bool cut(const struct ja_line *line, struct ja_line *fields, size_t least, size_t most)
{
    const char *p = line->text;
    size_t left = line->len, n = 0;

    for (;;) {
        const char *colon = memchr(p, ':', left);
        size_t len = colon ? (size_t)(colon - p) : left;

        if (n == most)
            return false;
        fields[n++] = (struct ja_line){.text = p, .len = len};
        if (!colon)
            break;
        p += len + 1;
        left -= len + 1;
    }
    for (size_t i = n; i < most; i++)
        fields[i] = (struct ja_line){.text = "", .len = 0};
    return n >= least;
}

static bool read_id(const struct ja_line *f, int64_t *ret)
{
    return ja_line_number(f, ret) && *ret < UINT32_MAX; /* (uid_t)-1 is no id */
}

/* A day, or -1 where the field is empty. */
static bool read_days(const struct ja_line *f, int64_t *ret)
{
    if (f->len == 0) {
        *ret = -1;
        return true;
    }
    return f->len <= DAYS_MAX && ja_line_number(f, ret);
}

static char *copy(const struct ja_line *f)
{
    return strndup(f->text, f->len);
}

/* ---- shadow ---- */

struct aged {
    struct ja_line name, password;
    int64_t line, changed, max, inactive, expires;
    bool twice, used, bad;
};
struct shadow {
    struct aged *rows;
    size_t n;
};

static int compare_names(const struct ja_line *a, const struct ja_line *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len;
    int order = strncmp(a->text, b->text, shorter);

    return order ? order : a->len < b->len ? -1 : a->len > b->len;
}

static int by_name(const void *a, const void *b)
{
    const struct aged *x = a, *y = b;
    int order = compare_names(&x->name, &y->name);

    return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

static struct aged read_shadow_line(const struct ja_line *line, int64_t number)
{
    struct ja_line f[SHADOW_FIELDS];
    struct aged s = {.line = number, .bad = true, .name = {.text = "", .len = 0}};
    int64_t unused = 0;

    if (line->bad || !cut(line, f, SHADOW_FIELDS - 1, SHADOW_FIELDS))
        return s;
    s.name = f[0];
    s.password = f[1];
    s.bad = f[1].len > HASH_MAX || !read_days(&f[2], &s.changed) || !read_days(&f[3], &unused) ||
            !read_days(&f[4], &s.max) || !read_days(&f[5], &unused) || !read_days(&f[6], &s.inactive) ||
            !read_days(&f[7], &s.expires);
    return s;
}

static size_t count_lines(const char *p, size_t len)
{
    size_t n = 1;

    for (size_t i = 0; i < len; i++)
        n += p[i] == '\n' ? 1 : 0;
    return n;
}

static enum ja_status read_shadow(const struct ja_shadow_files *files, struct shadow *s, struct ja_error *err)
{
    struct ja_lines lines = {.p = files->shadow, .left = files->shadow_len};
    struct ja_line line;

    s->rows = calloc(count_lines(files->shadow, files->shadow_len), sizeof *s->rows);
    if (!s->rows)
        return ja_fail_nomem(err);
    while (ja_line_next(&lines, &line))
        if (line.len > 0)
            s->rows[s->n++] = read_shadow_line(&line, lines.number);
    if (s->n > 0)
        qsort(s->rows, s->n, sizeof *s->rows, by_name);
    for (size_t i = 1; i < s->n; i++) {
        if (s->rows[i].name.len > 0 && compare_names(&s->rows[i - 1].name, &s->rows[i].name) == 0)
            s->rows[i].twice = s->rows[i - 1].twice = true;
    }
    return JA_OK;
}

/* The first of that name. */
static struct aged *find(const struct shadow *s, const struct ja_line *name)
{
    size_t low = 0, high = s->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(name, &s->rows[middle].name) <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low < s->n && compare_names(name, &s->rows[low].name) == 0 ? &s->rows[low] : NULL;
}

/* ---- rows ---- */

struct list {
    struct ja_import_account *rows;
    size_t n, room;
};

static struct ja_import_account *add_row(struct list *l, int64_t line)
{
    struct ja_import_account *a;

    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct ja_import_account *bigger = reallocarray(l->rows, room, sizeof *bigger); /* hashes hang on pointers */

        if (!bigger)
            return NULL;
        l->rows = bigger;
        l->room = room;
    }
    a = &l->rows[l->n++];
    *a = (struct ja_import_account){.row = {.line = line}};
    return a;
}

static void fail(struct ja_import_account *a, const char *code, const char *message)
{
    struct ja_error why = {0};

    (void)ja_fail(&why, JA_ERR_INVALID, code, "%s", message);
    ja_import_refuse(&a->row, JA_IMPORT_FAILED, &why);
}

static void skip(struct ja_import_account *a, const char *code, const char *message)
{
    struct ja_error why = {0};

    (void)ja_fail(&why, JA_ERR_CONFLICT, code, "%s", message);
    ja_import_refuse(&a->row, JA_IMPORT_SKIPPED, &why);
}

static bool ends_with(const struct ja_line *f, const char *end)
{
    size_t n = strlen(end);

    return f->len >= n && strncmp(f->text + f->len - n, end, n) == 0;
}

static void skip_system(struct ja_import_account *a, const struct ja_line *name, const struct ja_line *shell)
{
    if (a->user.uid < JA_IMPORT_UID_MIN || a->user.uid == JA_UID_OVERFLOW || ja_line_is(name, "root") ||
        ja_line_is(name, "nobody"))
        skip(a, "system_account", "a system account stays in its passwd file");
    else if (ends_with(shell, "/nologin") || ends_with(shell, "/false"))
        skip(a, "no_login_shell", "nobody logs in with this shell: it stays in its passwd file");
}

static void read_name(struct ja_import_account *a, const struct ja_line *name)
{
    if (name->len <= JA_USERNAME_MAX)
        memcpy(a->row.name, name->text, name->len);
    if (!ja_username_valid(a->row.name))
        fail(a, "invalid_username", "not a user name here: 1 to 32 of a-z, 0-9, _ and -, the first a letter or _");
}

static enum ja_status read_person(struct ja_import_account *a, const struct ja_line *f, struct ja_error *err)
{
    struct ja_line named = {.text = f[4].text, .len = f[4].len};
    const char *comma = memchr(named.text, ',', named.len);

    if (comma)
        named.len = (size_t)(comma - named.text);
    a->user.home = copy(&f[5]);
    a->user.shell = copy(&f[6]);
    a->user.full_name = named.len > 0 ? copy(&named) : NULL;
    if (!a->user.home || !a->user.shell || (named.len > 0 && !a->user.full_name))
        return ja_fail_nomem(err);
    if (a->user.full_name && !ja_text_valid(a->user.full_name, JA_TEXT_MAX)) {
        free(a->user.full_name);
        a->user.full_name = NULL;
        ja_import_note(&a->row, "the full name is no UTF-8 text and was left out");
    }
    return JA_OK;
}

/* As pam_unix reads them (account management in its passverify.c). */
static void read_ages(struct ja_import_account *a, const struct aged *s, int64_t now)
{
    int64_t today = now / DAY, age = s->changed > 0 ? today - s->changed : 0;

    if (s->changed > 0)
        a->user.password_changed_at = s->changed < today ? s->changed * DAY : now;
    a->user.must_change = s->changed == 0 || (s->changed > 0 && s->max >= 0 && age > s->max);
    if (s->changed > 0 && s->max >= 0 && s->inactive >= 0 && age > s->max + s->inactive) {
        a->over_age = true;
        ja_import_note(&a->row, "the password is over its age for longer than shadow allows: locked");
    }
    if (s->expires >= 0)
        a->user.valid_until = s->expires > 0 ? s->expires * DAY : 1; /* day 0 has been, 0 would be never */
}

static enum ja_status set_password(struct ja_import_account *a, const struct ja_line *field, struct ja_error *err)
{
    char *text = copy(field);
    enum ja_status st = text ? ja_import_password(a, text, err) : ja_fail_nomem(err);

    ja_wipe_free(text);
    return st;
}

/* The password as the system finds it: in passwd itself unless an 'x' stands there. */
static enum ja_status read_password(struct ja_import_account *a, const struct ja_line *f, const struct aged *s,
                                    int64_t now, struct ja_error *err)
{
    bool in_shadow = ja_line_is(&f[1], "x");
    enum ja_status st = JA_OK;

    if (in_shadow && !s) {
        fail(a, "no_shadow_entry", "the shadow file has no entry for this name");
        return JA_OK;
    }
    if (s && (s->bad || s->twice)) {
        fail(a, "invalid_row", s->bad ? "its entry in the shadow file is malformed"
                                      : "the shadow file has this name twice: keep one");
        return JA_OK;
    }
    if (f[1].len > HASH_MAX) {
        fail(a, "invalid_row", "the password field is too long");
        return JA_OK;
    }
    st = set_password(a, in_shadow ? &s->password : &f[1], err);
    if (st == JA_OK && s)
        read_ages(a, s, now);
    return st;
}

static enum ja_status read_row(struct ja_import_account *a, const struct ja_line *line, const struct shadow *shadow,
                               int64_t now, struct ja_error *err)
{
    struct ja_line f[PASSWD_FIELDS];
    struct aged *s;
    enum ja_status st = JA_OK;

    if (line->bad || !cut(line, f, PASSWD_FIELDS, PASSWD_FIELDS) || !read_id(&f[2], &a->user.uid) ||
        !read_id(&f[3], &a->user.gid)) {
        fail(a, "invalid_row", "not a line of passwd(5): seven fields, uid and gid in digits, no control characters");
        return JA_OK;
    }
    s = find(shadow, &f[0]);
    if (s)
        s->used = true;
    skip_system(a, &f[0], &f[6]);
    read_name(a, &f[0]);
    if (a->row.outcome != JA_IMPORT_READY)
        return JA_OK;
    st = read_person(a, f, err);
    return st == JA_OK ? read_password(a, f, s, now, err) : st;
}

/* What nobody asked for in the shadow file: left alone, or wrong. */
static enum ja_status add_orphans(struct list *l, const struct shadow *shadow, struct ja_error *err)
{
    for (size_t i = 0; i < shadow->n; i++) {
        const struct aged *s = &shadow->rows[i];
        struct ja_import_account *a;
        char message[96];

        if (s->used || (s->twice && i > 0 && compare_names(&s->name, &shadow->rows[i - 1].name) == 0))
            continue;
        a = add_row(l, s->line);
        if (!a)
            return ja_fail_nomem(err);
        if (!s->bad && s->name.len <= JA_USERNAME_MAX)
            memcpy(a->row.name, s->name.text, s->name.len);
        (void)snprintf(message, sizeof message, s->bad ? "line %lld of the shadow file is malformed"
                                                       : "line %lld of the shadow file has no entry in passwd",
                       (long long)s->line);
        if (s->bad)
            fail(a, "invalid_row", message);
        else
            skip(a, "no_passwd_entry", message);
    }
    return JA_OK;
}

static enum ja_status read_passwd(const struct ja_shadow_files *files, struct shadow *shadow, int64_t now,
                                  struct list *l, struct ja_error *err)
{
    struct ja_lines lines = {.p = files->passwd, .left = files->passwd_len};
    struct ja_line line;
    enum ja_status st = JA_OK;

    while (st == JA_OK && ja_line_next(&lines, &line)) {
        struct ja_import_account *a;

        if (line.len == 0)
            continue;
        if (l->n >= JA_SHADOW_ROWS_MAX)
            return ja_fail(err, JA_ERR_INVALID, "invalid_file", "the passwd file has more than %d rows",
                           JA_SHADOW_ROWS_MAX);
        a = add_row(l, lines.number);
        st = a ? read_row(a, &line, shadow, now, err) : ja_fail_nomem(err);
    }
    if (st == JA_OK && l->n == 0)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_file", "the passwd file has no rows");
    return st;
}

enum ja_status ja_import_shadow(const struct ja_shadow_files *files, int64_t now, struct ja_import_account **ret,
                                size_t *ret_n, struct ja_error *err)
{
    struct shadow shadow = {0};
    struct list l = {0};
    enum ja_status st = read_shadow(files, &shadow, err);

    if (st == JA_OK)
        st = read_passwd(files, &shadow, now, &l, err);
    if (st == JA_OK)
        st = add_orphans(&l, &shadow, err);
    free(shadow.rows);
    if (st == JA_OK) {
        *ret = l.rows;
        *ret_n = l.n;
    } else {
        ja_shadow_free(l.rows, l.n);
    }
    return st;
}

void ja_shadow_free(struct ja_import_account *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ja_import_account_clear(&rows[i]);
    free(rows);
}
