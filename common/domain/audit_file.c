/* Rotated files: JSON lines between a first one and a last one that have the ends of the chain.
 *
 * {"audit":"begin","format":1,"after_seq":0,"after_hash":""}
 * {"action":...,"detail":"{\"count\":3}",...,"seq":1,"time_ms":...}      detail is the text that was hashed
 * {"audit":"end","hash":"...","last_seq":1,"rows":1} */
#include "common/domain/audit_internal.h"

#include "common/base/file_guard.h"
#include "common/domain/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

struct ja_audit_file {
    FILE *to;
    const char *path;
};

static enum ja_status put(struct ja_audit_file *f, json_t *doc, struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (!doc)
        return ja_fail_nomem(err);
    errno = 0;
    if (json_dumpf(doc, f->to, JSON_COMPACT | JSON_SORT_KEYS) != 0 || putc('\n', f->to) == EOF)
        st = errno ? ja_fail_errno(err, errno, f->path) : ja_fail_nomem(err);
    json_decref(doc);
    return st;
}

enum ja_status ja_audit_file_new(const char *path, const struct ja_audit_head *after, struct ja_audit_file **ret,
                                 struct ja_error *err)
{
    struct ja_audit_file *f = calloc(1, sizeof *f);
    int fd = -1;
    enum ja_status st = JA_OK;

    if (!f)
        return ja_fail_nomem(err);
    f->path = path;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0)
        f->to = fdopen(fd, "w");
    if (!f->to)
        st = errno == EEXIST ? ja_fail(err, JA_ERR_EXISTS, "file_exists", "%s exists already", path)
                             : ja_fail_errno(err, errno, path);
    if (st != JA_OK) {
        if (fd >= 0)
            (void)close(fd);
        free(f);
        return st;
    }
    st = put(f, json_pack("{s:s, s:i, s:I, s:s}", "audit", "begin", "format", 1, "after_seq",
                          (json_int_t)after->seq, "after_hash", after->hash), err);
    if (st == JA_OK)
        *ret = f;
    else
        ja_audit_file_drop(f);
    return st;
}

enum ja_status ja_audit_file_add(struct ja_audit_file *f, const struct ja_audit_row *r, struct ja_error *err)
{
    return put(f, json_pack("{s:I, s:I, s:s, s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:s, s:s, s:s}", "seq",
                            (json_int_t)r->seq, "time_ms", (json_int_t)r->time_ms, "actor", r->actor, "action",
                            r->action, "target", r->target, "outcome", r->outcome, "reason", r->reason, "source",
                            r->source, "service", r->service, "detail", r->detail, "prev_hash", r->prev_hash,
                            "hash", r->hash), err);
}

static enum ja_status sync_folder(const char *path, struct ja_error *err)
{
    char *copy = strdup(path);
    int dir = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    enum ja_status st = JA_OK;

    if (!copy)
        return ja_fail_nomem(err);
    if (dir < 0 || fsync(dir) != 0)
        st = ja_fail_errno(err, errno, path);
    if (dir >= 0)
        (void)close(dir);
    free(copy);
    return st;
}

enum ja_status ja_audit_file_end(struct ja_audit_file *f, int64_t rows, const struct ja_audit_head *last,
                                 struct ja_error *err)
{
    const char *path = f->path;
    enum ja_status st = put(f, json_pack("{s:s, s:I, s:s, s:I}", "audit", "end", "last_seq", (json_int_t)last->seq,
                                         "hash", last->hash, "rows", (json_int_t)rows), err);

    if (st == JA_OK && (fflush(f->to) != 0 || fsync(fileno(f->to)) != 0))
        st = ja_fail_errno(err, errno, path);
    if (st != JA_OK) {
        ja_audit_file_drop(f);
        return st;
    }
    if (fclose(f->to) != 0)
        st = ja_fail_errno(err, errno, path);
    free(f);
    if (st == JA_OK)
        st = sync_folder(path, err);
    if (st != JA_OK)
        (void)unlink(path); /* half of it, and nothing was taken out of the store */
    return st;
}

void ja_audit_file_drop(struct ja_audit_file *f)
{
    (void)fclose(f->to);
    (void)unlink(f->path);
    free(f);
}

/* ---- reading ---- */

/* Far beyond any log, far enough from the end to count on. */
#define SEQ_MAX (INT64_MAX / 2)

struct reading {
    struct ja_audit_walk *w;
    const char *path;
    bool first;       /* the walk begins here */
    bool begun, ended;
    int64_t line, rows;
};

static void bad(struct reading *r, const char *why)
{
    ja_audit_broken(r->w->report, r->w->seq + 1, "file", "%s, line %" PRId64 ": %s", r->path, r->line, why);
}

static void read_begin(struct reading *r, json_t *doc)
{
    json_int_t after = 0;
    const char *hash = NULL;
    int format = 0;
    struct ja_audit_walk *w = r->w;

    if (json_unpack(doc, "{s:i, s:I, s:s}", "format", &format, "after_seq", &after, "after_hash",
                    &hash) != 0 || format != 1 || after < 0 || after > SEQ_MAX ||
        strlen(hash) >= JA_AUDIT_HASH_TEXT) {
        bad(r, "this is not the first line of a rotated audit log");
    } else if (r->first) {
        w->seq = after;
        (void)snprintf(w->hash, sizeof w->hash, "%s", hash);
    } else if (w->seq != after || strcmp(w->hash, hash) != 0) {
        bad(r, "the file does not follow the one before it");
    }
    r->begun = true;
}

static void read_end(struct reading *r, json_t *doc)
{
    json_int_t last = 0, rows = 0;
    const char *hash = NULL;

    if (json_unpack(doc, "{s:I, s:s, s:I}", "last_seq", &last, "hash", &hash, "rows", &rows) != 0 ||
        last != r->w->seq || rows != r->rows || strcmp(hash, r->w->hash) != 0)
        bad(r, "the last line does not fit the rows");
    r->ended = true;
}

/* A text, or null where the column may be; false for any other type. */
static bool text_of(const json_t *doc, const char *key, bool nullable, const char **ret)
{
    const json_t *value = json_object_get(doc, key);

    *ret = json_string_value(value);
    return *ret || (nullable && json_is_null(value));
}

static enum ja_status read_row(struct reading *r, const json_t *doc, struct ja_error *err)
{
    const json_t *seq = json_object_get(doc, "seq"), *time_ms = json_object_get(doc, "time_ms");
    struct ja_audit_row row = {.seq = json_integer_value(seq), .time_ms = json_integer_value(time_ms)};

    if (!json_is_integer(seq) || !json_is_integer(time_ms) || !text_of(doc, "actor", false, &row.actor) ||
        !text_of(doc, "action", false, &row.action) || !text_of(doc, "target", true, &row.target) ||
        !text_of(doc, "outcome", false, &row.outcome) || !text_of(doc, "reason", true, &row.reason) ||
        !text_of(doc, "source", true, &row.source) || !text_of(doc, "service", true, &row.service) ||
        !text_of(doc, "detail", false, &row.detail) || !text_of(doc, "prev_hash", false, &row.prev_hash) ||
        !text_of(doc, "hash", false, &row.hash)) {
        bad(r, "this is not a row of the audit log");
        return JA_OK;
    }
    r->rows++;
    return ja_audit_step(r->w, &row, err);
}

static enum ja_status read_line(struct reading *r, const char *text, size_t len, struct ja_error *err)
{
    json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const char *mark = json_string_value(json_object_get(doc, "audit"));
    enum ja_status st = JA_OK;

    r->line++;
    if (!json_is_object(doc) || r->ended)
        bad(r, "this is not a line of a rotated audit log");
    else if (!r->begun && mark && strcmp(mark, "begin") == 0)
        read_begin(r, doc);
    else if (!r->begun)
        bad(r, "this is not the first line of a rotated audit log");
    else if (mark && strcmp(mark, "end") == 0)
        read_end(r, doc);
    else
        st = read_row(r, doc, err);
    json_decref(doc);
    return st;
}

enum ja_status ja_audit_file_walk(struct ja_audit_walk *w, const char *path, bool first, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0644, .allow_own = true};
    struct reading r = {.w = w, .path = path, .first = first};
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    FILE *from = NULL;
    int fd = -1;
    enum ja_status st = ja_file_open(path, &rule, &fd, err);

    if (st == JA_OK && !(from = fdopen(fd, "r"))) {
        (void)close(fd);
        st = ja_fail_nomem(err);
    }
    while (st == JA_OK && !w->report->reason[0] && (len = getline(&line, &room, from)) >= 0)
        st = read_line(&r, line, (size_t)len, err);
    if (from && st == JA_OK && ferror(from))
        st = ja_fail(err, JA_ERR_IO, "io_error", "%s cannot be read", path);
    if (st == JA_OK && !w->report->reason[0] && !r.ended)
        bad(&r, "the file is not complete: its last line is missing");
    free(line);
    if (from)
        (void)fclose(from);
    return st;
}
