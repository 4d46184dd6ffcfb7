#include "pam/token_file.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define TEMPORARY ".token.new"

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

static enum ja_status check_id(const char *id, struct ja_error *err)
{
    if (ja_uuid_valid(id))
        return JA_OK;
    return ja_fail(err, JA_ERR_INVALID, "invalid_session_id", "not a session id");
}

/* A folder of root's with exactly this mode, made where it is missing. */
static enum ja_status enter(int parent, const char *name, mode_t mode, int *ret_fd,
                            struct ja_error *err)
{
    struct stat sb;
    int fd;

    if (mkdirat(parent, name, mode) != 0 && errno != EEXIST)
        return ja_fail_errno(err, errno, "a folder for the token cannot be made");
    fd = openat(parent, name, FOLDER_FLAGS);
    if (fd < 0)
        return ja_fail_errno(err, errno, "the folder of the tokens cannot be opened");
    if (fstat(fd, &sb) != 0 || sb.st_uid != 0 ||
        ((sb.st_mode & 07777) != mode && fchmod(fd, mode) != 0)) {
        close_fd(fd);
        return ja_fail(err, JA_ERR_UNSAFE, "unsafe_folder",
                       "a folder for tokens under the run folder is not root's: chown root it");
    }
    *ret_fd = fd;
    return JA_OK;
}

static enum ja_status open_run(const char *run, bool make, int *ret_fd, struct ja_error *err)
{
    enum ja_status st = make ? ja_dir_make(run, 0755, err) : ja_dir_check(run, 0755, false, err);
    int fd;

    if (st != JA_OK)
        return st;
    fd = open(run, FOLDER_FLAGS);
    if (fd < 0)
        return ja_fail_errno(err, errno, "the run folder cannot be opened");
    *ret_fd = fd;
    return JA_OK;
}

static enum ja_status open_session_folder(const char *run, const char *id, int *ret_fd,
                                          struct ja_error *err)
{
    int run_fd = -1, sessions = -1;
    enum ja_status st = open_run(run, true, &run_fd, err);

    if (st == JA_OK)
        st = enter(run_fd, "sessions", 0711, &sessions, err);
    if (st == JA_OK)
        st = enter(sessions, id, 0711, ret_fd, err);
    close_fd(sessions);
    close_fd(run_fd);
    return st;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Complete and the user's before it gets its name. */
static enum ja_status put(int folder, const char *token, uid_t uid, gid_t gid, struct ja_error *err)
{
    enum ja_status st = JA_OK;
    int fd;

    if (unlinkat(folder, TEMPORARY, 0) != 0 && errno != ENOENT)
        return ja_fail_errno(err, errno, "a left-over token file cannot be removed");
    fd = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ja_fail_errno(err, errno, "the token file cannot be made");
    if (fchmod(fd, 0600) != 0 || !write_all(fd, token, strlen(token)) ||
        fchown(fd, uid, gid) != 0 || renameat(folder, TEMPORARY, folder, "token") != 0)
        st = ja_fail_errno(err, errno, "the token file cannot be written");
    close_fd(fd);
    if (st != JA_OK)
        (void)unlinkat(folder, TEMPORARY, 0);
    return st;
}

enum ja_status ja_token_file_write(const char *run, const char *id, const char *token, int64_t uid,
                                   int64_t gid, char ret_path[JA_TOKEN_PATH_MAX],
                                   struct ja_error *err)
{
    char path[JA_TOKEN_PATH_MAX];
    int folder = -1, n;
    enum ja_status st = check_id(id, err);

    if (st != JA_OK)
        return st;
    if (uid <= 0 || uid >= UINT32_MAX || gid <= 0 || gid >= UINT32_MAX)
        return ja_fail(err, JA_ERR_INVALID, "uid_out_of_range", "the user has no uid and gid of its own");
    n = snprintf(path, sizeof path, "%s/sessions/%s/token", run, id);
    if (n < 0 || (size_t)n >= sizeof path)
        return ja_fail(err, JA_ERR_CONFIG, "path_too_long", "the run folder's name is too long");
    st = open_session_folder(run, id, &folder, err);
    if (st == JA_OK)
        st = put(folder, token, (uid_t)uid, (gid_t)gid, err);
    close_fd(folder);
    if (st != JA_OK)
        (void)ja_token_file_remove(run, id, NULL);
    else
        memcpy(ret_path, path, sizeof path);
    return st;
}

static bool gone(int rc)
{
    return rc == 0 || errno == ENOENT;
}

static enum ja_status remove_folder(int sessions, const char *id, struct ja_error *err)
{
    int folder = openat(sessions, id, FOLDER_FLAGS);
    bool ok;

    if (folder < 0)
        return errno == ENOENT ? JA_OK
                               : ja_fail_errno(err, errno, "the session's folder cannot be opened");
    ok = gone(unlinkat(folder, "token", 0)) && gone(unlinkat(folder, TEMPORARY, 0)) &&
         gone(unlinkat(sessions, id, AT_REMOVEDIR));
    close_fd(folder);
    return ok ? JA_OK : ja_fail_errno(err, errno, "the token file cannot be removed");
}

enum ja_status ja_token_file_remove(const char *run, const char *id, struct ja_error *err)
{
    int run_fd = -1, sessions = -1;
    enum ja_status st = check_id(id, err);

    if (st == JA_OK)
        st = open_run(run, false, &run_fd, err);
    if (st == JA_ERR_NOT_FOUND)
        return JA_OK;
    if (st != JA_OK)
        return st;
    sessions = openat(run_fd, "sessions", FOLDER_FLAGS);
    if (sessions >= 0)
        st = remove_folder(sessions, id, err);
    else if (errno != ENOENT)
        st = ja_fail_errno(err, errno, "the folder of the tokens cannot be opened");
    close_fd(sessions);
    close_fd(run_fd);
    return st;
}
