#include "common/domain/local_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHPASSWD "/usr/sbin/chpasswd"
#define LINE_MAX_BYTES ((size_t)1 << 20) /* of a line in passwd, shadow or group */
#define FIRST_UID 1000                   /* below are the system's own accounts */
#define FIELD_MAX 1024

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

static bool is_marked(const char *field)
{
    return field && strncmp(field, JA_ADOPT_MARK, sizeof JA_ADOPT_MARK - 1) == 0;
}

enum ja_status ja_local_whose(const char *name, enum ja_whose *ret, struct ja_error *err)
{
    struct reader passwd = {0}, shadow = {0};
    struct passwd entry;
    enum ja_status st = passwd_find(&passwd, name, &entry, err);

    if (st == JA_OK) {
        *ret = is_marked(shadow_field(&shadow, name)) ? JA_WHOSE_ADOPTED : JA_WHOSE_LOCAL;
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
        if (is_marked(field))
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

/* chpasswd with the pipe as its input and nothing else of ours: no environment, no descriptors, no
 * blocked or ignored signals. */
static enum ja_status run_chpasswd(int input, struct ja_error *err)
{
    char *argv[] = {(char[]){"chpasswd"}, (char[]){"-e"}, NULL}, *envp[] = {NULL};
    posix_spawn_file_actions_t fds;
    posix_spawnattr_t attr;
    sigset_t none, all;
    pid_t pid = -1;
    int rc, wait_status = 0;

    if (posix_spawn_file_actions_init(&fds) != 0)
        return ja_fail_nomem(err);
    if (posix_spawnattr_init(&attr) != 0) {
        (void)posix_spawn_file_actions_destroy(&fds);
        return ja_fail_nomem(err);
    }
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    rc = posix_spawn_file_actions_adddup2(&fds, input, 0);
    rc = rc ? rc : posix_spawn_file_actions_addopen(&fds, 1, "/dev/null", O_WRONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_addopen(&fds, 2, "/dev/null", O_WRONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(&fds, 3);
    rc = rc ? rc : posix_spawnattr_setsigmask(&attr, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(&attr, &all);
    rc = rc ? rc : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    rc = rc ? rc : posix_spawn(&pid, CHPASSWD, &fds, &attr, argv, envp);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&fds);
    if (rc != 0)
        return ja_fail_errno(err, rc, CHPASSWD);
    while ((rc = waitpid(pid, &wait_status, 0)) < 0 && errno == EINTR)
        ;
    if (rc == pid && (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0))
        return ja_fail(err, JA_ERR_IO, "chpasswd_failed",
                       CHPASSWD " refused to change /etc/shadow (status %d)", wait_status);
    return JA_OK;
}

static bool field_ok(const char *s, size_t len)
{
    return len <= FIELD_MAX && !memchr(s, 0, len) && !memchr(s, ':', len) && !memchr(s, '\n', len);
}

static enum ja_status set_field(const char *name, const char *mark, const char *field, size_t len,
                                struct ja_error *err)
{
    char line[FIELD_MAX + 512];
    int pipe_fds[2], n;
    enum ja_status st;

    if (!field_ok(name, strlen(name)) || strlen(name) > 256 || !field_ok(field, len))
        return ja_fail(err, JA_ERR_INVALID, "local_user_unusable",
                       "the name or password field has characters that /etc/shadow cannot hold");
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return ja_fail_errno(err, errno, "pipe");
    n = snprintf(line, sizeof line, "%s:%s%.*s\n", name, mark, (int)len, field);
    /* The line is shorter than any pipe: it is written before there is a reader. */
    if (write(pipe_fds[1], line, (size_t)n) != n)
        st = ja_fail_errno(err, errno, "pipe");
    else
        st = close(pipe_fds[1]) == 0 ? JA_OK : ja_fail_errno(err, errno, "pipe");
    sodium_memzero(line, sizeof line);
    if (st == JA_OK)
        st = run_chpasswd(pipe_fds[0], err);
    else
        (void)close(pipe_fds[1]);
    (void)close(pipe_fds[0]);
    return st;
}

/* Whether the user may be adopted or released at all, and its present mark. */
static enum ja_status check_user(const char *name, struct ja_local_user *ret, enum ja_whose *ret_whose,
                                 struct ja_error *err)
{
    struct ja_local_user u = {0};
    enum ja_status st = ja_local_find(name, &u, err);

    if (st == JA_OK && u.uid < FIRST_UID)
        st = ja_fail(err, JA_ERR_FORBIDDEN, "system_user",
                     "accounts with a uid below %d stay local", FIRST_UID);
    if (st == JA_OK)
        st = ja_local_whose(name, ret_whose, err);
    if (st == JA_OK)
        *ret = u;
    else
        ja_local_clear(&u);
    return st;
}

/* What chpasswd said counts less than what /etc/shadow has now. */
static enum ja_status confirm(const char *name, enum ja_whose wanted, struct ja_error *err)
{
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = ja_local_whose(name, &whose, err);

    if (st == JA_OK && whose != wanted)
        return ja_fail(err, JA_ERR_IO, "chpasswd_failed",
                       CHPASSWD " did not change the entry of %s in /etc/shadow", name);
    return st;
}

enum ja_status ja_local_mark(const char *name, const struct ja_secret *old_field,
                             struct ja_error *err)
{
    struct ja_local_user u = {0};
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = check_user(name, &u, &whose, err);

    /* Marking a marked one again would bury the old field under two marks. */
    if (st == JA_OK && whose != JA_WHOSE_ADOPTED) {
        st = set_field(name, JA_ADOPT_MARK, old_field->data ? (const char *)old_field->data : "",
                       old_field->len, err);
        if (st == JA_OK)
            st = confirm(name, JA_WHOSE_ADOPTED, err);
    }
    ja_local_clear(&u);
    return st;
}

/* ---- many at once ---- */

struct batch {
    const char *const *names;
    size_t n;
    struct ja_secret lines; /* "name:mark and field" for each that has no mark yet */
    size_t todo, marked;
};

static const char *const *find_name(const struct batch *b, const char *name)
{
    for (size_t low = 0, high = b->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, b->names[middle]);

        if (order == 0)
            return &b->names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static enum ja_status add_line(void *arg, const char *name, const char *field)
{
    struct batch *b = arg;
    enum ja_status st;

    if (!find_name(b, name) || is_marked(field))
        return JA_OK;
    if (!field_ok(name, strlen(name)) || !field_ok(field, strlen(field)))
        return JA_ERR_INVALID;
    b->todo++;
    st = ja_secret_append(&b->lines, name, strlen(name), NULL);
    if (st == JA_OK)
        st = ja_secret_append(&b->lines, ":" JA_ADOPT_MARK, sizeof JA_ADOPT_MARK, NULL);
    if (st == JA_OK)
        st = ja_secret_append(&b->lines, field, strlen(field), NULL);
    return st == JA_OK ? ja_secret_append(&b->lines, "\n", 1, NULL) : st;
}

static enum ja_status add_size(void *arg, const char *name, const char *field)
{
    size_t *size = arg;

    *size += strlen(name) + strlen(field) + sizeof JA_ADOPT_MARK + 2;
    return JA_OK;
}

static enum ja_status count_marked(void *arg, const char *name, const char *field)
{
    struct batch *b = arg;

    b->marked += find_name(b, name) && is_marked(field) ? 1 : 0;
    return JA_OK;
}

/* Longer than a pipe holds before it has a reader: a file in memory. */
static enum ja_status feed_chpasswd(const struct ja_secret *lines, struct ja_error *err)
{
    int fd = memfd_create("chpasswd", MFD_CLOEXEC);
    size_t done = 0;
    enum ja_status st = fd < 0 ? ja_fail_errno(err, errno, "memfd_create") : JA_OK;

    while (st == JA_OK && done < lines->len) {
        ssize_t n = write(fd, lines->data + done, lines->len - done);

        if (n <= 0)
            st = ja_fail_errno(err, errno, "memfd");
        else
            done += (size_t)n;
    }
    if (st == JA_OK && lseek(fd, 0, SEEK_SET) != 0)
        st = ja_fail_errno(err, errno, "memfd");
    if (st == JA_OK)
        st = run_chpasswd(fd, err);
    if (fd >= 0)
        (void)close(fd);
    return st;
}

enum ja_status ja_local_mark_all(const char *const *names, size_t n, struct ja_error *err)
{
    struct batch b = {.names = names, .n = n};
    size_t size = 0;
    enum ja_status st = ja_local_each_shadow(add_size, &size, err);

    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) >= 0)
            return ja_fail(err, JA_ERR_INTERNAL, "internal", "names to be marked are not sorted");
    if (st == JA_OK)
        st = ja_secret_init(&b.lines, size + 1, err);
    if (st == JA_OK && ja_local_each_shadow(add_line, &b, err) != JA_OK)
        st = ja_fail(err, JA_ERR_INVALID, "local_user_unusable",
                     "an entry of /etc/shadow changed meanwhile, or is none that chpasswd takes");
    if (st == JA_OK && b.todo > 0)
        st = feed_chpasswd(&b.lines, err);
    ja_secret_clear(&b.lines);
    /* What chpasswd said counts less than what /etc/shadow has now. */
    if (st == JA_OK)
        st = ja_local_each_shadow(count_marked, &b, err);
    if (st == JA_OK && b.marked != n)
        st = ja_fail(err, JA_ERR_IO, "chpasswd_failed",
                     CHPASSWD " marked %zu of %zu entries in /etc/shadow", b.marked, n);
    return st;
}

enum ja_status ja_local_unmark(const char *name, struct ja_error *err)
{
    struct ja_local_user u = {0};
    enum ja_whose whose = JA_WHOSE_NOT_LOCAL;
    enum ja_status st = check_user(name, &u, &whose, err);

    if (st == JA_OK && whose == JA_WHOSE_ADOPTED) {
        /* An empty field is a login without a password: locked instead. */
        bool empty = u.hash.len == 0;
        st = set_field(name, "", empty ? "!" : (const char *)u.hash.data, empty ? 1 : u.hash.len,
                       err);
        if (st == JA_OK)
            st = confirm(name, JA_WHOSE_LOCAL, err);
    }
    ja_local_clear(&u);
    return st;
}
