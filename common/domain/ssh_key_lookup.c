/* The reader of the snapshot: binary search with a few reads. Everything that is not as it was written is an error. */
#include "common/domain/ssh_key_snapshot.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"
#include "common/domain/local_user.h"
#include "common/domain/ssh_key_snapshot_format.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES ((size_t)1 << 31)

struct snapshot {
    const char *path;
    int fd;
    size_t first, end; /* of the lines */
    int64_t generation;
    char line[SNAPSHOT_LINE_MAX + 1];
    size_t at, next;   /* of `line`, and of the one behind it */
};

static enum ja_status damaged(const struct snapshot *s, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "snapshot_damaged", "%s is damaged (authctl purge writes it anew)", s->path);
}

/* Up to `max` bytes from `at`, ended by a NUL. */
static bool get(const struct snapshot *s, size_t at, char *out, size_t max, size_t *ret_len)
{
    size_t have = 0;
    ssize_t n = 1;

    while (have < max && (n = pread(s->fd, out + have, max - have, (off_t)(at + have))) > 0)
        have += (size_t)n;
    out[have] = 0;
    *ret_len = have;
    return n >= 0 && strlen(out) == have;
}

/* The line that starts at or behind `at`; s->at == s->end when there is none. */
static bool seek(struct snapshot *s, size_t at)
{
    char *newline;
    size_t len = 0;

    if (at > s->first) {
        if (!get(s, at - 1, s->line, SNAPSHOT_LINE_MAX, &len))
            return false;
        newline = strchr(s->line, '\n');
        if (!newline)
            return false;
        at += (size_t)(newline - s->line);
    }
    s->at = s->next = at;
    if (at >= s->end)
        return at == s->end;
    if (!get(s, at, s->line, SNAPSHOT_LINE_MAX, &len))
        return false;
    newline = strchr(s->line, '\n');
    if (!newline)
        return false;
    *newline = 0;
    s->next = at + (size_t)(newline - s->line) + 1;
    return s->next <= s->end;
}

/* To the first line that is not below `key` ("NAME "). */
static bool search(struct snapshot *s, const char *key)
{
    size_t low = s->first, high = s->end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (!seek(s, middle))
            return false;
        if (s->at >= high)
            high = middle;
        else if (strncmp(s->line, key, strlen(key)) < 0)
            low = s->next;
        else
            high = s->at;
    }
    return seek(s, low);
}

/* A fixed number of digits, zeros in front; -1: they are none. */
static int64_t number(const char *digits, int n)
{
    char text[24];
    int64_t value = -1;

    for (; n > 1 && *digits == '0'; digits++)
        n--;
    (void)snprintf(text, sizeof text, "%.*s", n, digits);
    return ja_parse_i64(text, 0, INT64_MAX, &value) ? value : -1;
}

static enum ja_status read_head(struct snapshot *s, struct ja_error *err)
{
    char text[SNAPSHOT_FIRST + 1], sum[SNAPSHOT_CHECK + 1], end[SNAPSHOT_END_LEN + 1];
    size_t len = 0, size = 0;
    struct stat sb;

    if (fstat(s->fd, &sb) != 0 || sb.st_size < (off_t)(SNAPSHOT_FIRST + SNAPSHOT_END_LEN) ||
        !get(s, 0, text, SNAPSHOT_FIRST, &len) || len != SNAPSHOT_FIRST || text[SNAPSHOT_FIRST - 1] != '\n' ||
        !ja_ssh_snapshot_sum(text, SNAPSHOT_HEAD_LEN, sum) ||
        strncmp(text + SNAPSHOT_HEAD_LEN, sum, SNAPSHOT_CHECK) != 0 ||
        strncmp(text, SNAPSHOT_NAME, strlen(SNAPSHOT_NAME)) != 0)
        return damaged(s, err);
    s->generation = number(text + strlen(SNAPSHOT_NAME), 20);
    size = (size_t)number(text + strlen(SNAPSHOT_NAME) + 21, 12);
    if (s->generation < 0 || size != (size_t)sb.st_size ||
        !get(s, size - SNAPSHOT_END_LEN, end, SNAPSHOT_END_LEN, &len) || strcmp(end, SNAPSHOT_END) != 0)
        return damaged(s, err);
    s->first = SNAPSHOT_FIRST;
    s->end = size - SNAPSHOT_END_LEN;
    return JA_OK;
}

static enum ja_status open_snapshot(struct snapshot *s, bool allow_own, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0644, .max_size = SIZE_MAX_BYTES, .allow_own = allow_own};
    enum ja_status st = ja_file_open(s->path, &rule, &s->fd, err);

    if (st == JA_ERR_NOT_FOUND)
        return ja_fail(err, JA_ERR_CORRUPT, "snapshot_missing", "%s does not exist (authctl purge writes it)",
                       s->path);
    return st == JA_OK ? read_head(s, err) : st;
}

/* ---- a line ---- */

struct fields {
    char *name, *flag, *until, *type, *blob, *sum;
    int64_t ends;
};

static bool take_line(struct snapshot *s, struct fields *f)
{
    char sum[SNAPSHOT_CHECK + 1], *rest = s->line;
    size_t len = strlen(s->line);

    if (len <= SNAPSHOT_CHECK || !ja_ssh_snapshot_sum(s->line, len - SNAPSHOT_CHECK, sum) ||
        strcmp(s->line + len - SNAPSHOT_CHECK, sum) != 0)
        return false;
    f->name = strsep(&rest, " ");
    f->flag = strsep(&rest, " ");
    f->until = strsep(&rest, " ");
    f->type = strsep(&rest, " ");
    f->blob = strsep(&rest, " ");
    f->sum = strsep(&rest, " ");
    return f->sum && !rest && ja_username_valid(f->name) && ja_parse_i64(f->until, 0, INT64_MAX, &f->ends);
}

/* Who is not root cannot see the mark in /etc/shadow: the writer has seen it. */
static bool answers_for(const struct fields *f)
{
    bool adopted = strcmp(f->flag, "a") == 0;
    enum ja_whose whose = JA_WHOSE_LOCAL;

    if (ja_local_whose(f->name, &whose, NULL) != JA_OK)
        return false;
    if (adopted)
        return whose == JA_WHOSE_ADOPTED || (geteuid() != 0 && whose == JA_WHOSE_LOCAL);
    return whose == JA_WHOSE_NOT_LOCAL;
}

static enum ja_status each_key(struct snapshot *s, const char *key, int64_t now, ja_ssh_snapshot_fn fn, void *arg,
                               size_t *ret_n, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    struct fields f;

    while (st == JA_OK && s->at < s->end && strncmp(s->line, key, strlen(key)) == 0) {
        if (!take_line(s, &f))
            return damaged(s, err);
        if (!answers_for(&f))
            return JA_OK;
        if (!f.ends || now < f.ends) {
            st = fn(arg, f.type, f.blob);
            (*ret_n)++;
        }
        if (st == JA_OK && !seek(s, s->next))
            st = damaged(s, err);
    }
    return st;
}

static enum ja_status close_snapshot(struct snapshot *s, enum ja_status st)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    return st;
}

enum ja_status ja_ssh_snapshot_find(const char *path, bool allow_own, const char *name, int64_t now,
                                    ja_ssh_snapshot_fn fn, void *arg, struct ja_error *err)
{
    struct snapshot s = {.path = path, .fd = -1};
    char key[JA_USERNAME_MAX + 2];
    size_t n = 0;
    enum ja_status st = open_snapshot(&s, allow_own, err);

    if (st == JA_OK && ja_username_valid(name)) {
        (void)snprintf(key, sizeof key, "%s ", name);
        st = search(&s, key) ? each_key(&s, key, now, fn, arg, &n, err) : damaged(&s, err);
    }
    if (st == JA_OK && n == 0)
        st = ja_fail(err, JA_ERR_NOT_FOUND, "no_ssh_keys", "jwtauth has no ssh key for this name");
    return close_snapshot(&s, st);
}

enum ja_status ja_ssh_snapshot_generation(const char *path, bool allow_own, int64_t *ret, struct ja_error *err)
{
    struct snapshot s = {.path = path, .fd = -1};
    enum ja_status st = open_snapshot(&s, allow_own, err);

    if (st == JA_OK)
        *ret = s.generation;
    return close_snapshot(&s, st);
}

enum ja_status ja_ssh_snapshot_check(const char *path, bool allow_own, struct ja_error *err)
{
    struct snapshot s = {.path = path, .fd = -1};
    struct fields f;
    enum ja_status st = open_snapshot(&s, allow_own, err);

    for (size_t at = s.first; st == JA_OK && at < s.end; at = s.next)
        if (!seek(&s, at) || s.at != at || !take_line(&s, &f))
            st = damaged(&s, err);
    return close_snapshot(&s, st);
}
