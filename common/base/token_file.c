#include "common/base/token_file.h"

#include "common/base/file_guard.h"
#include "common/base/text.h"

#include <dirent.h>
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

static bool name_first(int folder)
{
    return renameat(folder, TEMPORARY, folder, "token") == 0;
}

/* Only over a token that is there: one that close_session has removed must not come back. */
static bool name_again(int folder)
{
    return renameat2(folder, TEMPORARY, folder, "token", RENAME_EXCHANGE) == 0 &&
           unlinkat(folder, TEMPORARY, 0) == 0;
}

/* Complete and the user's before it gets its name. */
static enum ja_status put(int folder, const char *token, uid_t uid, gid_t gid, bool (*name)(int folder),
                          struct ja_error *err)
{
    enum ja_status st = JA_OK;
    int fd;

    if (unlinkat(folder, TEMPORARY, 0) != 0 && errno != ENOENT)
        return ja_fail_errno(err, errno, "a left-over token file cannot be removed");
    fd = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ja_fail_errno(err, errno, "the token file cannot be made");
    if (fchmod(fd, 0600) != 0 || !write_all(fd, token, strlen(token)) ||
        fchown(fd, uid, gid) != 0 || !name(folder))
        st = ja_fail_errno(err, errno, "the token file cannot be written");
    close_fd(fd);
    if (st != JA_OK)
        (void)unlinkat(folder, TEMPORARY, 0);
    return st;
}

static enum ja_status check_owner(int64_t uid, int64_t gid, struct ja_error *err)
{
    if (uid > 0 && uid < UINT32_MAX && gid > 0 && gid < UINT32_MAX)
        return JA_OK;
    return ja_fail(err, JA_ERR_INVALID, "uid_out_of_range", "the user has no uid and gid of its own");
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
    st = check_owner(uid, gid, err);
    if (st != JA_OK)
        return st;
    n = snprintf(path, sizeof path, "%s/sessions/%s/token", run, id);
    if (n < 0 || (size_t)n >= sizeof path)
        return ja_fail(err, JA_ERR_CONFIG, "path_too_long", "the run folder's name is too long");
    st = open_session_folder(run, id, &folder, err);
    if (st == JA_OK)
        st = put(folder, token, (uid_t)uid, (gid_t)gid, name_first, err);
    close_fd(folder);
    if (st != JA_OK)
        (void)ja_token_file_remove(run, id, NULL);
    else
        memcpy(ret_path, path, sizeof path);
    return st;
}

/* *ret_fd: the folder that holds the sessions' folders. JA_ERR_NOT_FOUND: no session has ever had a token. */
static enum ja_status open_sessions(const char *run, int *ret_fd, struct ja_error *err)
{
    int run_fd = -1, fd;
    enum ja_status st = open_run(run, false, &run_fd, err);

    if (st != JA_OK)
        return st;
    fd = openat(run_fd, "sessions", FOLDER_FLAGS);
    if (fd < 0)
        st = errno == ENOENT ? ja_fail(err, JA_ERR_NOT_FOUND, "no_token_file", "no session has a token file")
                             : ja_fail_errno(err, errno, "the folder of the tokens cannot be opened");
    close_fd(run_fd);
    if (st == JA_OK)
        *ret_fd = fd;
    return st;
}

/* The folder of a session that has a token. */
static enum ja_status open_held(const char *run, const char *id, int *ret_fd, struct ja_error *err)
{
    struct stat sb;
    int sessions = -1, fd;
    enum ja_status st = check_id(id, err);

    if (st == JA_OK)
        st = open_sessions(run, &sessions, err);
    if (st != JA_OK)
        return st;
    fd = openat(sessions, id, FOLDER_FLAGS);
    if (fd < 0 || fstatat(fd, "token", &sb, AT_SYMLINK_NOFOLLOW) != 0)
        st = errno == ENOENT ? ja_fail(err, JA_ERR_NOT_FOUND, "no_token_file", "the session has no token file")
                             : ja_fail_errno(err, errno, "the session's folder cannot be opened");
    close_fd(sessions);
    if (st == JA_OK)
        *ret_fd = fd;
    else
        close_fd(fd);
    return st;
}

enum ja_status ja_token_file_held(const char *run, const char *id, struct ja_error *err)
{
    int folder = -1;
    enum ja_status st = open_held(run, id, &folder, err);

    close_fd(folder);
    return st;
}

enum ja_status ja_token_file_renew(const char *run, const char *id, const char *token, int64_t uid,
                                   int64_t gid, struct ja_error *err)
{
    int folder = -1;
    enum ja_status st = check_owner(uid, gid, err);

    if (st == JA_OK)
        st = open_held(run, id, &folder, err);
    if (st == JA_OK)
        st = put(folder, token, (uid_t)uid, (gid_t)gid, name_again, err);
    close_fd(folder);
    return st;
}

static bool gone(int rc)
{
    return rc == 0 || errno == ENOENT;
}

/* Again where jwtauthd was renewing meanwhile: it makes one file at most before it sees that "token" is gone. */
#define TRIES 3

static enum ja_status remove_folder(int sessions, const char *id, struct ja_error *err)
{
    int folder = openat(sessions, id, FOLDER_FLAGS);
    bool ok = false;

    if (folder < 0)
        return errno == ENOENT ? JA_OK
                               : ja_fail_errno(err, errno, "the session's folder cannot be opened");
    for (int i = 0; !ok && i < TRIES; i++)
        ok = gone(unlinkat(folder, "token", 0)) && gone(unlinkat(folder, TEMPORARY, 0)) &&
             gone(unlinkat(sessions, id, AT_REMOVEDIR));
    close_fd(folder);
    return ok ? JA_OK : ja_fail_errno(err, errno, "the token file cannot be removed");
}

enum ja_status ja_token_file_remove(const char *run, const char *id, struct ja_error *err)
{
    int sessions = -1;
    enum ja_status st = check_id(id, err);

    if (st == JA_OK)
        st = open_sessions(run, &sessions, err);
    if (st == JA_ERR_NOT_FOUND)
        return JA_OK;
    if (st == JA_OK)
        st = remove_folder(sessions, id, err);
    close_fd(sessions);
    return st;
}

enum ja_status ja_token_file_each(const char *run, ja_token_file_fn fn, void *arg, struct ja_error *err)
{
    const struct dirent *e;
    DIR *dir = NULL;
    int fd = -1;
    enum ja_status st = open_sessions(run, &fd, err);

    if (st == JA_ERR_NOT_FOUND)
        return JA_OK;
    if (st != JA_OK)
        return st;
    dir = fdopendir(fd);
    if (!dir) {
        st = ja_fail_errno(err, errno, "the folder of the tokens cannot be read");
        close_fd(fd);
        return st;
    }
    while (st == JA_OK && (e = readdir(dir)))
        if (ja_uuid_valid(e->d_name))
            st = fn(arg, e->d_name);
    (void)closedir(dir);
    return st;
}
