#include "cli/token_cache.h"

#include "common/domain/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "jwtauth"
#define PREFIX "token-"
#define WAIT_MS 60000
#define STEP_MS 10
#define PRUNE_AFTER 3600 /* seconds: a clock that is a little off costs nobody a token */

/* ---- the folder ---- */

static int open_folder(int at, const char *path)
{
    return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Ours, and with no more mode bits than these. */
static bool is_own(int fd, mode_t forbidden)
{
    struct stat s;

    return fstat(fd, &s) == 0 && s.st_uid == geteuid() && (s.st_mode & forbidden) == 0;
}

/* `sub` in the folder `base`, made where it is missing; -1: not there, or not safe. Takes base over. */
static int enter(int base, const char *sub, mode_t forbidden)
{
    int fd = -1;

    if (base >= 0 && is_own(base, 022)) {
        (void)mkdirat(base, sub, 0700);
        fd = open_folder(base, sub);
    }
    if (base >= 0)
        (void)close(base);
    if (fd >= 0 && !is_own(fd, forbidden)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int enter_path(const char *path)
{
    return path && path[0] == '/' ? enter(open_folder(AT_FDCWD, path), FOLDER, 077) : -1;
}

/* The home folder may be a link (home on another disk); what is in it is looked at as closely as elsewhere. */
static int enter_home(void)
{
    const char *home = secure_getenv("HOME");
    char buf[4096];
    struct passwd pw, *found = NULL;

    if (!home || home[0] != '/') {
        if (getpwuid_r(geteuid(), &pw, buf, sizeof buf, &found) != 0 || !found)
            return -1;
        home = found->pw_dir;
    }
    return enter(enter(open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ".cache", 022), FOLDER, 077);
}

static int find_folder(void)
{
    char run[64];
    int fd = enter_path(secure_getenv("XDG_RUNTIME_DIR"));

    (void)snprintf(run, sizeof run, "/run/user/%lu", (unsigned long)geteuid());
    if (fd < 0)
        fd = enter_path(run);
    if (fd < 0)
        fd = enter_path(secure_getenv("XDG_CACHE_HOME"));
    return fd < 0 ? enter_home() : fd;
}

/* ---- the file ---- */

static enum ja_status no_cache(const char *why, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_UNAVAILABLE, "no_cache",
                   "the token is not kept: %s; XDG_RUNTIME_DIR may name a folder of your own with mode 0700", why);
}

static enum ja_status open_file(struct token_cache *c, struct ja_error *err)
{
    struct stat s;

    c->file = openat(c->folder, c->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (c->file < 0)
        return no_cache("its file cannot be opened", err);
    if (fstat(c->file, &s) != 0 || !S_ISREG(s.st_mode) || s.st_nlink > 1 || !is_own(c->file, 077))
        return no_cache("its file is not only yours", err);
    return JA_OK;
}

enum ja_status token_cache_open(const void *id, size_t len, struct token_cache *ret, struct ja_error *err)
{
    struct token_cache c = TOKEN_CACHE_NONE;
    char hash[JA_HASH_TEXT];
    enum ja_status st = JA_OK;

    ja_token_hash(id, len, hash);
    (void)snprintf(c.name, sizeof c.name, PREFIX "%s", hash);
    c.folder = find_folder();
    st = c.folder < 0 ? no_cache("there is no folder that only you may write", err) : open_file(&c, err);
    if (st == JA_OK)
        *ret = c;
    else
        token_cache_close(&c);
    return st;
}

void token_cache_close(struct token_cache *c)
{
    if (c->file >= 0)
        (void)close(c->file); /* the lock with it */
    if (c->folder >= 0)
        (void)close(c->folder);
    *c = (struct token_cache)TOKEN_CACHE_NONE;
}

/* Somebody may have taken the file away (prune) between open and lock: then the lock is on nothing. */
static bool is_named(const struct token_cache *c)
{
    struct stat file, name;

    return fstat(c->file, &file) == 0 && fstatat(c->folder, c->name, &name, AT_SYMLINK_NOFOLLOW) == 0 &&
           file.st_ino == name.st_ino && file.st_dev == name.st_dev;
}

enum ja_status token_cache_lock(struct token_cache *c, bool exclusive, struct ja_error *err)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    enum ja_status st = JA_OK;

    for (int waited = 0; st == JA_OK && waited < WAIT_MS; waited += STEP_MS) {
        if (flock(c->file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) {
            if (is_named(c))
                return JA_OK;
            (void)close(c->file);
            c->file = -1;
            st = open_file(c, err);
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            return no_cache("its file cannot be locked", err);
        } else {
            (void)nanosleep(&step, NULL);
        }
    }
    return st == JA_OK ? ja_fail(err, JA_ERR_BUSY, "cache_busy", "another call of yours is getting this token for a minute")
                       : st;
}

enum ja_status token_cache_read(const struct token_cache *c, size_t max, struct ja_secret *ret, struct ja_error *err)
{
    struct ja_secret s = {0};
    ssize_t n = 1;
    enum ja_status st = ja_secret_init(&s, max + 1, err);

    while (st == JA_OK && n > 0 && s.len < s.cap) {
        n = pread(c->file, s.data + s.len, s.cap - s.len, (off_t)s.len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            st = ja_fail_errno(err, errno, "the kept token");
        else
            s.len += (size_t)n;
    }
    /* the newline is written last: without it the writer was cut short by a full disk or a crash */
    s.len = st == JA_OK && s.len > 0 && s.data[s.len - 1] == '\n' ? s.len - 1 : 0;
    if (s.data)
        s.data[s.len] = 0;
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}

static enum ja_status write_all(int fd, const char *data, size_t len, struct ja_error *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, data + done, len - done, (off_t)done);

        if (n < 0 && errno != EINTR)
            return ja_fail_errno(err, errno, "the file of the kept token");
        done += n > 0 ? (size_t)n : 0;
    }
    return JA_OK;
}

enum ja_status token_cache_write(const struct token_cache *c, const struct ja_secret *token, int64_t end,
                                 struct ja_error *err)
{
    const struct timespec times[] = {{.tv_sec = (time_t)end}, {.tv_sec = (time_t)end}};
    struct ja_secret line = {0};
    enum ja_status st = ja_secret_init(&line, token->len + 1, err);

    if (st == JA_OK)
        st = ja_secret_append(&line, token->data, token->len, err);
    if (st == JA_OK)
        st = ja_secret_append(&line, "\n", 1, err);
    if (st == JA_OK && ftruncate(c->file, 0) != 0)
        st = ja_fail_errno(err, errno, "the file of the kept token");
    if (st == JA_OK)
        st = write_all(c->file, (const char *)line.data, line.len, err);
    ja_secret_clear(&line);
    if (st == JA_OK && futimens(c->file, times) != 0) /* its time is the token's end: pruning need not read it */
        st = ja_fail_errno(err, errno, "the file of the kept token");
    return st;
}

void token_cache_prune(const struct token_cache *c, int64_t now)
{
    int fd = openat(c->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    struct stat s;

    if (!dir) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((e = readdir(dir)))
        if (strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) == 0 && strcmp(e->d_name, c->name) != 0 &&
            fstatat(fd, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(s.st_mode) &&
            (int64_t)s.st_mtime < now - PRUNE_AFTER)
            (void)unlinkat(fd, e->d_name, 0);
    (void)closedir(dir);
}
