#include "common/domain/hash_slots.h"

#include "common/base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_FIRST_MS 2
#define WAIT_MOST_MS 50

static enum ja_status fail_file(const char *path, struct ja_error *err)
{
    return ja_fail(err, JA_ERR_UNSAFE, "unsafe_file", "%s must be a regular file of root with mode 0600: rm '%s'", path,
                   path);
}

/* The lock file holds no bytes: only ranges of it are locked. */
static enum ja_status check(int fd, const char *path, struct ja_error *err)
{
    struct stat sb;

    if (fstat(fd, &sb) != 0)
        return ja_fail_errno(err, errno, path);
    if (!S_ISREG(sb.st_mode) || (sb.st_uid != 0 && sb.st_uid != geteuid()) || (sb.st_mode & 0077))
        return fail_file(path, err);
    return JA_OK;
}

static enum ja_status open_slots(struct ja_ctx *ctx, int *ret_fd, struct ja_error *err)
{
    char *path = NULL;
    int fd = -1;
    enum ja_status st = ja_dir_make(ctx->cfg->paths.run, 0755, err);

    if (st != JA_OK)
        return st;
    if (asprintf(&path, "%s/hash-slots", ctx->cfg->paths.run) < 0)
        return ja_fail_nomem(err);
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO)) /* a link, a folder, a socket */
        st = fail_file(path, err);
    else
        st = fd < 0 ? ja_fail_errno(err, errno, path) : check(fd, path, err);
    free(path);
    if (st == JA_OK)
        *ret_fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return st;
}

/* JA_ERR_BUSY: each slot has a holder. */
static enum ja_status try_slots(struct ja_ctx *ctx, int fd, struct ja_error *err)
{
    for (int64_t i = 0; i < ctx->cfg->password.parallel_hashes; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};

        if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
            return JA_OK;
        if (errno != EAGAIN && errno != EACCES)
            return ja_fail_errno(err, errno, "locking a hashing slot");
    }
    return ja_fail(err, JA_ERR_BUSY, "busy",
                   "too many passwords are being checked at the same time: try again");
}

enum ja_status ja_hash_slot_take(struct ja_ctx *ctx, int *ret_slot_fd, struct ja_error *err)
{
    const struct ja_clock *clock = &ctx->clock;
    int64_t end = clock->mono_ms(clock->arg) + ctx->cfg->password.hash_wait * 1000;
    int64_t pause = WAIT_FIRST_MS, left;
    int fd = -1;
    enum ja_status st = open_slots(ctx, &fd, err);

    if (st != JA_OK)
        return st;
    for (;;) {
        st = try_slots(ctx, fd, err);
        left = end - clock->mono_ms(clock->arg);
        if (st != JA_ERR_BUSY || left <= 0)
            break;
        clock->sleep_ms(clock->arg, (unsigned)(pause < left ? pause : left));
        pause = pause * 2 < WAIT_MOST_MS ? pause * 2 : WAIT_MOST_MS;
    }
    if (st == JA_OK)
        *ret_slot_fd = fd;
    else
        (void)close(fd);
    return st;
}

void ja_hash_slot_release(int slot_fd)
{
    /* The lock is the descriptor's and goes with it. */
    if (slot_fd >= 0)
        (void)close(slot_fd);
}

enum ja_status ja_hash_slots_held(struct ja_ctx *ctx, size_t *ret, struct ja_error *err)
{
    size_t held = 0;
    int fd = -1;
    enum ja_status st = open_slots(ctx, &fd, err);

    for (int64_t i = 0; st == JA_OK && i < ctx->cfg->password.parallel_hashes; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};

        /* fcntl(2): asks whether the lock could be had, and takes nothing */
        if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
            st = ja_fail_errno(err, errno, "looking at a hashing slot");
        held += lock.l_type != F_UNLCK;
    }
    if (fd >= 0)
        (void)close(fd);
    if (st == JA_OK)
        *ret = held;
    return st;
}
