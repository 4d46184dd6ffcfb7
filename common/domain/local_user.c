#include "common/domain/local_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)1 << 20) /* of a line in passwd, shadow or group */

/* A file of the passwd family while it is read: stdio's buffer and the line's are ours to wipe. */
struct reader {
    FILE *file;
    char io[4096];
    char *line;
    size_t size;
};

static bool reader_open(struct reader *r, const char *path)
{
    r->size = 1024;
    r->line = malloc(r->size);
    r->file = r->line ? fopen(path, "re") : NULL;
    if (r->file)
        (void)setvbuf(r->file, r->io, _IOFBF, sizeof r->io); /* refused: stdio's own buffer does */
    return r->file != NULL;
}

static void reader_close(struct reader *r)
{
    if (r->file)
        (void)fclose(r->file);
    if (r->line)
        sodium_memzero(r->line, r->size);
    free(r->line);
    sodium_memzero(r->io, sizeof r->io);
    r->file = NULL;
    r->line = NULL;
}

/* A longer buffer for the line that did not fit (glibc has gone back to its start). */
static bool reader_grow(struct reader *r)
{
    size_t size = r->size * 2;
    char *line = size <= LINE_MAX_BYTES ? malloc(size) : NULL;

    if (!line)
        return false;
    sodium_memzero(r->line, r->size);
    free(r->line);
    r->line = line;
    r->size = size;
    return true;
}

/* 0: an entry, ENOENT: the end, else what went wrong.  One function per kind of entry. */
#define NEXT(kind, type)                                                                           \
    static int next_##kind(struct reader *r, type *entry)                                          \
    {                                                                                              \
        type *found = NULL;                                                                        \
        int rc;                                                                                    \
                                                                                                   \
        while ((rc = fget##kind##_r(r->file, entry, r->line, r->size, &found)) == ERANGE)          \
            if (!reader_grow(r))                                                                   \
                return ENOMEM;                                                                     \
        return rc == 0 && !found ? ENOENT : rc;                                                    \
    }
NEXT(pwent, struct passwd)
NEXT(spent, struct spwd)
NEXT(grent, struct group)

/* The passwd entry of a name; the texts live in r until it is closed. */
static enum ja_status passwd_find(struct reader *r, const char *name, struct passwd *entry,
                                  struct ja_error *err)
{
    int rc = 0;

    if (!reader_open(r, "/etc/passwd"))
        return ja_fail(err, JA_ERR_IO, "passwd_unreadable", "/etc/passwd cannot be read: %s",
                       strerrorname_np(errno));
    while (rc == 0) {
        rc = next_pwent(r, entry);
        if (rc == 0 && strcmp(entry->pw_name, name) == 0)
            return JA_OK;
    }
    if (rc != ENOENT)
        return ja_fail(err, JA_ERR_IO, "passwd_unreadable", "/etc/passwd cannot be read: %s",
                       strerrorname_np(rc));
    return ja_fail(err, JA_ERR_NOT_FOUND, "user_not_found", "/etc/passwd has no such user");
}

/* The shadow field of a name, borrowed from r; NULL when there is none to be read. */
static const char *shadow_field(struct reader *r, const char *name)
{
    struct spwd entry;

    if (!reader_open(r, "/etc/shadow"))
        return NULL;
    while (next_spent(r, &entry) == 0)
        if (strcmp(entry.sp_namp, name) == 0)
            return entry.sp_pwdp;
    return NULL;
}

bool ja_local_marked(const char *field)
{
    return field && strncmp(field, JA_ADOPT_MARK, sizeof JA_ADOPT_MARK - 1) == 0;
}

enum ja_status ja_local_whose(const char *name, enum ja_whose *ret, struct ja_error *err)
{
    struct reader passwd = {0}, shadow = {0};
    struct passwd entry;
    enum ja_status st = passwd_find(&passwd, name, &entry, err);

    if (st == JA_OK) {
        *ret = ja_local_marked(shadow_field(&shadow, name)) ? JA_WHOSE_ADOPTED : JA_WHOSE_LOCAL;
    } else if (st == JA_ERR_NOT_FOUND) {
        *ret = JA_WHOSE_NOT_LOCAL;
        st = JA_OK;
    }
    reader_close(&passwd);
    reader_close(&shadow);
    return st;
}

static bool copy_text(char *out, size_t size, const char *text, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, text, len);
    out[len] = 0;
    return true;
}

static enum ja_status copy_entry(struct ja_local_user *u, const struct passwd *pw,
                                 struct ja_error *err)
{
    u->uid = pw->pw_uid;
    u->gid = pw->pw_gid;
    if (copy_text(u->home, sizeof u->home, pw->pw_dir, strlen(pw->pw_dir)) &&
        copy_text(u->shell, sizeof u->shell, pw->pw_shell, strlen(pw->pw_shell)) &&
        copy_text(u->full_name, sizeof u->full_name, pw->pw_gecos, strcspn(pw->pw_gecos, ",")))
        return JA_OK;
    return ja_fail(err, JA_ERR_INVALID, "local_user_unusable",
                   "home, shell or full name in /etc/passwd is longer than %zu bytes",
                   sizeof u->home - 1);
}

enum ja_status ja_local_find(const char *name, struct ja_local_user *ret, struct ja_error *err)
{
    struct reader passwd = {0}, shadow = {0};
    struct ja_local_user u = {0};
    struct passwd entry;
    const char *field;
    enum ja_status st = passwd_find(&passwd, name, &entry, err);

    if (st == JA_OK)
        st = copy_entry(&u, &entry, err);
    if (st == JA_OK) {
        field = shadow_field(&shadow, name);
        if (ja_local_marked(field))
            field += sizeof JA_ADOPT_MARK - 1;
        st = ja_secret_from(&u.hash, field ? field : "", field ? strlen(field) : 0, err);
    }
    if (st == JA_OK)
        *ret = u;
    else
        ja_local_clear(&u);
    reader_close(&passwd);
    reader_close(&shadow);
    return st;
}

void ja_local_clear(struct ja_local_user *u)
{
    ja_secret_clear(&u->hash);
    *u = (struct ja_local_user){0};
}

bool ja_local_uid_taken(int64_t uid)
{
    struct reader r = {0};
    struct passwd entry;
    int rc = reader_open(&r, "/etc/passwd") ? 0 : EIO;
    bool taken = false;

    while (rc == 0 && !taken) {
        rc = next_pwent(&r, &entry);
        taken = rc == 0 && entry.pw_uid == (uint64_t)uid;
    }
    reader_close(&r);
    return taken || rc != ENOENT;
}

bool ja_local_gid_taken(int64_t gid)
{
    struct reader r = {0};
    struct group entry;
    int rc = reader_open(&r, "/etc/group") ? 0 : EIO;
    bool taken = false;

    while (rc == 0 && !taken) {
        rc = next_grent(&r, &entry);
        taken = rc == 0 && entry.gr_gid == (uint64_t)gid;
    }
    reader_close(&r);
    return taken || rc != ENOENT;
}

/* ---- walks ---- */

static enum ja_status walk_failed(const char *path, int rc, struct ja_error *err)
{
    return rc == ENOENT ? JA_OK
                        : ja_fail(err, JA_ERR_IO, "passwd_unreadable", "%s cannot be read: %s", path,
                                  strerrorname_np(rc));
}

enum ja_status ja_local_each_passwd(enum ja_status (*fn)(void *arg, const struct ja_local_passwd *e), void *arg,
                                    struct ja_error *err)
{
    struct reader r = {0};
    struct passwd pw;
    enum ja_status st = JA_OK;
    int rc = reader_open(&r, "/etc/passwd") ? 0 : EIO;

    while (st == JA_OK && rc == 0 && (rc = next_pwent(&r, &pw)) == 0) {
        const struct ja_local_passwd e = {.name = pw.pw_name, .gecos = pw.pw_gecos, .home = pw.pw_dir,
                                          .shell = pw.pw_shell, .uid = pw.pw_uid, .gid = pw.pw_gid};

        st = fn(arg, &e);
    }
    reader_close(&r);
    return st == JA_OK ? walk_failed("/etc/passwd", rc, err) : st;
}

enum ja_status ja_local_each_shadow(enum ja_status (*fn)(void *arg, const char *name, const char *field), void *arg,
                                    struct ja_error *err)
{
    struct reader r = {0};
    struct spwd sp;
    enum ja_status st = JA_OK;
    int rc = reader_open(&r, "/etc/shadow") ? 0 : ENOENT;

    while (st == JA_OK && rc == 0 && (rc = next_spent(&r, &sp)) == 0)
        st = fn(arg, sp.sp_namp, sp.sp_pwdp);
    reader_close(&r);
    return st == JA_OK ? walk_failed("/etc/shadow", rc, err) : st;
}

enum ja_status ja_local_each_group(enum ja_status (*fn)(void *arg, const char *name, int64_t gid), void *arg,
                                   struct ja_error *err)
{
    struct reader r = {0};
    struct group gr;
    enum ja_status st = JA_OK;
    int rc = reader_open(&r, "/etc/group") ? 0 : EIO;

    while (st == JA_OK && rc == 0 && (rc = next_grent(&r, &gr)) == 0)
        st = fn(arg, gr.gr_name, gr.gr_gid);
    reader_close(&r);
    return st == JA_OK ? walk_failed("/etc/group", rc, err) : st;
}
