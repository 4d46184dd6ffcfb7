#include "common/base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What ja_file_read takes when the rule names no size: nothing of ours is larger. */
#define READ_MAX ((size_t)64 << 20)

static enum ja_status fail_path(struct ja_error *err, int errnum, const char *path)
{
    if (errnum == ENOENT)
        return ja_fail(err, JA_ERR_NOT_FOUND, "file_not_found", "%s does not exist", path);
    if (errnum == ENOTDIR)
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder",
                       "%s: a folder is wanted, and something else is in its place or on the way: put it away", path);
    if (errnum == EACCES || errnum == EPERM)
        return ja_fail(err, JA_ERR_FORBIDDEN, "permission_denied", "%s: permission denied", path);
    return ja_fail_errno(err, errnum, path);
}

/* "a/b" -> its folder, resolved, and "b"; both are the caller's to free. */
static enum ja_status split(const char *path, char **ret_dir, char **ret_base, struct ja_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    char *real, *copy;
    int saved;

    if (!dir)
        return ja_fail_nomem(err);
    if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        free(dir);
        return ja_fail(err, JA_ERR_INVALID, "invalid_path", "'%s' names no file", path);
    }
    real = realpath(dir, NULL);
    saved = errno;
    free(dir);
    if (!real)
        return fail_path(err, saved, path);
    copy = strdup(base);
    if (!copy) {
        free(real);
        return ja_fail_nomem(err);
    }
    *ret_dir = real;
    *ret_base = copy;
    return JA_OK;
}

static bool owner_ok(const struct stat *sb, bool allow_own)
{
    return sb->st_uid == 0 || (allow_own && sb->st_uid == geteuid());
}

static enum ja_status check_folder(const char *path, const struct stat *sb, mode_t max_mode,
                                   bool allow_own, bool last, struct ja_error *err)
{
    mode_t mode = sb->st_mode & 07777;

    if (!S_ISDIR(sb->st_mode))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder", "%s is not a folder", path);
    if (!owner_ok(sb, allow_own))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder",
                       "%s is owned by uid %u and could be changed by it: chown root '%s'", path,
                       (unsigned)sb->st_uid, path);
    if (last && max_mode && (mode & 0777 & ~max_mode))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder", "%s has mode %04o: chmod %04o '%s'", path,
                       (unsigned)mode, (unsigned)(mode & max_mode), path);
    /* In a sticky folder of root nobody can replace what is ours, and the next component is checked
     * to be ours. */
    if ((mode & 022) && !(sb->st_uid == 0 && (mode & S_ISVTX) && !last))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder",
                       "%s has mode %04o, others can write there: chmod go-w '%s'", path,
                       (unsigned)mode, path);
    return JA_OK;
}

/* Walks a resolved path from "/" by openat, so that what was checked is what is used.  `file_follows`: the
 * last folder holds a file that is checked next (a sticky one may pass). */
static enum ja_status walk(const char *real, mode_t max_mode, bool allow_own, bool file_follows,
                           int *ret_fd, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    char *done = strdup(real), *p;
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat sb;

    if (!done)
        st = ja_fail_nomem(err);
    else if (fd < 0)
        st = fail_path(err, errno, "/");
    p = done;
    while (st == JA_OK) {
        /* [done, p) is the path so far without its final slash */
        bool last = p[0] == 0 || p[1] == 0;
        char *name, *end;
        char held = *p;
        int next;

        *p = 0;
        st = fstat(fd, &sb) != 0
                 ? fail_path(err, errno, *done ? done : "/")
                 : check_folder(*done ? done : "/", &sb, max_mode, allow_own,
                                last && !file_follows, err);
        *p = held;
        if (st != JA_OK || last)
            break;
        name = p + 1;
        end = name + strcspn(name, "/");
        held = *end;
        *end = 0;
        next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            st = fail_path(err, errno, done);
        *end = held;
        (void)close(fd);
        fd = next;
        p = end;
    }
    free(done);
    if (st == JA_OK)
        *ret_fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return st;
}

static const char *kind_text(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK: return "a symbolic link";
    case S_IFDIR: return "a folder";
    case S_IFIFO: return "a named pipe";
    case S_IFSOCK: return "a socket";
    default: return "a device";
    }
}

static enum ja_status check_file(const char *path, const struct stat *sb,
                                 const struct ja_file_rule *rule, struct ja_error *err)
{
    mode_t mode = sb->st_mode & 07777;

    if (!S_ISREG(sb->st_mode))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_file",
                       "%s is %s, not a regular file: replace it by one", path,
                       kind_text(sb->st_mode));
    if (!owner_ok(sb, rule->allow_own))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_file", "%s is owned by uid %u: chown root '%s'",
                       path, (unsigned)sb->st_uid, path);
    if (mode & ~rule->max_mode)
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_file", "%s has mode %04o: chmod %04o '%s'", path,
                       (unsigned)mode, (unsigned)(mode & rule->max_mode), path);
    if (rule->max_size && (uint64_t)sb->st_size > rule->max_size)
        return ja_fail(err, JA_ERR_UNSAFE, "file_too_large", "%s is larger than %zu bytes", path,
                       rule->max_size);
    return JA_OK;
}

/* The file in its checked folder by O_PATH, which touches neither pipes nor devices nor locks. */
static enum ja_status locate(const char *path, const struct ja_file_rule *rule, int *ret_dir,
                             char **ret_base, struct ja_error *err)
{
    char *dir = NULL, *base = NULL;
    int dirfd = -1, fd = -1;
    struct stat sb;
    enum ja_status st = split(path, &dir, &base, err);

    if (st == JA_OK)
        st = walk(dir, 0, rule->allow_own, true, &dirfd, err);
    if (st != JA_OK)
        goto out;
    fd = openat(dirfd, base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &sb) != 0)
        st = fail_path(err, errno, path);
    else
        st = check_file(path, &sb, rule, err);
    if (st == JA_OK) {
        *ret_dir = dirfd;
        *ret_base = base;
        dirfd = -1;
        base = NULL;
    }
out:
    if (fd >= 0)
        (void)close(fd);
    if (dirfd >= 0)
        (void)close(dirfd);
    free(dir);
    free(base);
    return st;
}

enum ja_status ja_file_check(const char *path, const struct ja_file_rule *rule,
                             struct ja_error *err)
{
    int dirfd = -1;
    char *base = NULL;
    enum ja_status st = locate(path, rule, &dirfd, &base, err);

    if (st == JA_OK)
        (void)close(dirfd);
    free(base);
    return st;
}

enum ja_status ja_file_open(const char *path, const struct ja_file_rule *rule, int *ret_fd,
                            struct ja_error *err)
{
    int dirfd = -1, fd;
    char *base = NULL;
    struct stat sb;
    enum ja_status st = locate(path, rule, &dirfd, &base, err);

    if (st != JA_OK)
        return st;
    fd = openat(dirfd, base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    /* Once more: it may be another file by now. */
    if (fd < 0 || fstat(fd, &sb) != 0)
        st = fail_path(err, errno, path);
    else
        st = check_file(path, &sb, rule, err);
    (void)close(dirfd);
    free(base);
    if (st == JA_OK)
        *ret_fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return st;
}

/* Fills s from fd; the file must not grow meanwhile. */
static enum ja_status read_all(int fd, const char *path, struct ja_secret *s, struct ja_error *err)
{
    unsigned char probe;

    for (;;) {
        bool full = s->len == s->cap;
        ssize_t n = read(fd, full ? &probe : s->data + s->len, full ? 1 : s->cap - s->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_path(err, errno, path);
        if (n == 0)
            break;
        if (full)
            return ja_fail(err, JA_ERR_BUSY, "file_changing",
                           "%s changed while it was read: try again", path);
        s->len += (size_t)n;
    }
    s->data[s->len] = 0;
    return JA_OK;
}

enum ja_status ja_file_read(const char *path, const struct ja_file_rule *rule,
                            struct ja_secret *ret, struct ja_error *err)
{
    struct ja_file_rule bounded = *rule;
    struct ja_secret s = {0};
    struct stat sb;
    int fd = -1;
    enum ja_status st = ja_crypto_init(err);

    if (bounded.max_size == 0 || bounded.max_size > READ_MAX)
        bounded.max_size = READ_MAX;
    if (st == JA_OK)
        st = ja_file_open(path, &bounded, &fd, err);
    if (st != JA_OK)
        return st;
    if (fstat(fd, &sb) != 0)
        st = fail_path(err, errno, path);
    if (st == JA_OK)
        st = ja_secret_init(&s, (size_t)sb.st_size, err);
    if (st == JA_OK)
        st = read_all(fd, path, &s, err);
    (void)close(fd);
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

enum ja_status ja_dir_check(const char *path, mode_t max_mode, bool allow_own, struct ja_error *err)
{
    struct stat sb;
    char *real;
    int fd = -1;
    enum ja_status st;

    /* Resolving drops a final link; the folder itself must not be one, as files are not. */
    if (lstat(path, &sb) == 0 && S_ISLNK(sb.st_mode))
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder",
                       "%s is a symbolic link: use the folder's own path", path);
    real = realpath(path, NULL);
    if (!real)
        return fail_path(err, errno, path);
    st = walk(real, max_mode, allow_own, false, &fd, err);
    if (st == JA_OK)
        (void)close(fd);
    free(real);
    return st;
}

/* Creates one folder in an existing, checked one. */
static enum ja_status make_one(const char *path, mode_t mode, struct ja_error *err)
{
    char *dir = NULL, *base = NULL;
    int dirfd = -1, fd = -1;
    enum ja_status st = split(path, &dir, &base, err);

    if (st == JA_OK)
        st = walk(dir, 0, true, true, &dirfd, err);
    if (st != JA_OK)
        goto out;
    /* 0700 first and the wanted mode after: the umask can take bits away, never add any */
    if (mkdirat(dirfd, base, 0700) != 0) {
        st = errno == EEXIST ? ja_dir_check(path, mode, true, err) : fail_path(err, errno, path);
        goto out;
    }
    fd = openat(dirfd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, mode) != 0)
        st = fail_path(err, errno, path);
out:
    if (fd >= 0)
        (void)close(fd);
    if (dirfd >= 0)
        (void)close(dirfd);
    free(dir);
    free(base);
    return st;
}

enum ja_status ja_dir_make(const char *path, mode_t mode, struct ja_error *err)
{
    size_t len = strlen(path);
    char *copy = strdup(path), *slash;
    struct stat sb;
    enum ja_status st = JA_OK;

    if (!copy)
        return ja_fail_nomem(err);
    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = 0;
    if (lstat(copy, &sb) == 0) {
        st = ja_dir_check(copy, mode, true, err);
        goto out;
    }
    if (errno != ENOENT) {
        st = fail_path(err, errno, path);
        goto out;
    }
    slash = strrchr(copy, '/');
    if (slash && slash != copy) {
        *slash = 0;
        if (stat(copy, &sb) != 0) /* a parent that exists is checked by make_one, whatever its mode */
            st = ja_dir_make(copy, 0755, err);
        *slash = '/';
    }
    if (st == JA_OK)
        st = make_one(copy, mode, err);
out:
    free(copy);
    return st;
}

static enum ja_status write_all(int fd, const char *path, const void *data, size_t len,
                                struct ja_error *err)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_path(err, n < 0 ? errno : EIO, path);
        p += n;
        len -= (size_t)n;
    }
    return JA_OK;
}

/* The new file under its temporary name, complete and on disk. */
static enum ja_status write_temporary(int dirfd, const char *name, const struct stat *like, const char *path,
                                      const void *data, size_t len, struct ja_error *err)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum ja_status st;

    if (fd < 0)
        return fail_path(err, errno, path);
    st = write_all(fd, path, data, len, err);
    if (st == JA_OK && like->st_uid != (uid_t)-1 && fchown(fd, like->st_uid, like->st_gid) != 0)
        st = fail_path(err, errno, path);
    if (st == JA_OK && (fchmod(fd, like->st_mode & 07777) != 0 || fsync(fd) != 0))
        st = fail_path(err, errno, path);
    if (close(fd) != 0 && st == JA_OK)
        st = fail_path(err, errno, path);
    if (st != JA_OK)
        (void)unlinkat(dirfd, name, 0);
    return st;
}

static enum ja_status put_in_place(int dirfd, const char *temporary, const char *base,
                                   bool exclusive, const char *path, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    int rc = exclusive ? linkat(dirfd, temporary, dirfd, base, 0)
                       : renameat(dirfd, temporary, dirfd, base);

    if (rc != 0 && errno == EEXIST)
        st = ja_fail(err, JA_ERR_EXISTS, "file_exists", "%s exists already", path);
    else if (rc != 0)
        st = fail_path(err, errno, path);
    if (exclusive || st != JA_OK)
        (void)unlinkat(dirfd, temporary, 0); /* ignoring: after a rename there is none */
    if (st == JA_OK && fsync(dirfd) != 0)
        st = fail_path(err, errno, path);
    return st;
}

/* `like`: mode, and owner and group unless its owner is (uid_t)-1. */
static enum ja_status write_like(const char *path, const struct stat *like, bool exclusive, const void *data,
                                 size_t len, struct ja_error *err)
{
    char *dir = NULL, *base = NULL;
    char name[NAME_MAX + 1];
    uint64_t random = 0;
    int dirfd = -1;
    enum ja_status st = split(path, &dir, &base, err);

    if (st == JA_OK)
        st = ja_random(&random, sizeof random, err);
    if (st != JA_OK)
        goto out;
    (void)snprintf(name, sizeof name, ".%.200s.%016llx", base, (unsigned long long)random);
    dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0) {
        st = fail_path(err, errno, path);
        goto out;
    }
    st = write_temporary(dirfd, name, like, path, data, len, err);
    if (st == JA_OK)
        st = put_in_place(dirfd, name, base, exclusive, path, err);
out:
    if (dirfd >= 0)
        (void)close(dirfd);
    free(dir);
    free(base);
    return st;
}

enum ja_status ja_file_write(const char *path, mode_t mode, bool exclusive, const void *data,
                             size_t len, struct ja_error *err)
{
    const struct stat like = {.st_mode = mode, .st_uid = (uid_t)-1};

    return write_like(path, &like, exclusive, data, len, err);
}

enum ja_status ja_file_replace(const char *path, const void *data, size_t len, struct ja_error *err)
{
    struct stat there;

    if (lstat(path, &there) != 0)
        return fail_path(err, errno, path);
    return write_like(path, &there, false, data, len, err);
}
