#include "common/base/subprocess.h"

#include "common/base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOT_RUN 127
#define POLL_MS 20
#define ARGS_MAX 16

/* ---- the child ---- */

static void default_signals(void)
{
    struct sigaction dfl;
    sigset_t none;

    memset(&dfl, 0, sizeof dfl);
    dfl.sa_handler = SIG_DFL;
    for (int s = 1; s < NSIG; s++)
        (void)sigaction(s, &dfl, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int drop_rights(const struct ja_subprocess *p)
{
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(p->gid, p->gid, p->gid) != 0 ||
                           setresuid(p->uid, p->uid, p->uid) != 0))
        return -1;
    /* for good */
    if (p->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void child(const struct ja_subprocess *p, int input)
{
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C.UTF-8";
    char *env[] = {path, lang, NULL};
    char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t)p->path};
    int null = open("/dev/null", O_RDWR);

    for (size_t i = 0; p->args && p->args[i]; i++) {
        if (i == ARGS_MAX)
            _exit(NOT_RUN);
        argv[i + 1] = (char *)(uintptr_t)p->args[i];
    }
    default_signals();
    (void)umask(077);
    if (null < 0 || setsid() < 0 || chdir("/") != 0 || dup2(input, 0) != 0 || dup2(null, 1) != 1 ||
        dup2(null, 2) != 2 || close_range(3, ~0U, 0) != 0 || drop_rights(p) != 0)
        _exit(NOT_RUN);
    execve(p->path, argv, env);
    _exit(NOT_RUN);
}

/* ---- the parent ---- */

static int64_t mono_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A program that does not read all of it is no error: its exit status counts. A socket and MSG_NOSIGNAL, because a
 * pipe would raise SIGPIPE in a process whose signals are not ours. */
static void feed(int *fd, const struct ja_subprocess *p, size_t *done)
{
    ssize_t n = send(*fd, (const char *)p->input + *done, p->input_len - *done, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n > 0)
        *done += (size_t)n;
    if (*done == p->input_len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        (void)close(*fd);
        *fd = -1;
    }
}

static enum ja_status judge(const struct ja_subprocess *p, int status, struct ja_error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return JA_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_RUN)
        return ja_fail(err, JA_ERR_UNAVAILABLE, "command_not_run", "%s could not be run (or exited with %d)", p->path,
                       NOT_RUN);
    if (WIFEXITED(status))
        return ja_fail(err, JA_ERR_UNAVAILABLE, "command_failed", "%s exited with %d", p->path, WEXITSTATUS(status));
    return ja_fail(err, JA_ERR_UNAVAILABLE, "command_killed", "%s was killed by signal %d", p->path,
                   WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static enum ja_status wait_for(const struct ja_subprocess *p, pid_t pid, int *fd, struct ja_error *err)
{
    int64_t end = mono_ms() + (int64_t)p->seconds * 1000;
    size_t done = 0;
    int status = 0;

    for (;;) {
        struct pollfd io = {.fd = *fd, .events = POLLOUT};
        pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid)
            return judge(p, status, err);
        if (got < 0 && errno != EINTR)
            return ja_fail_errno(err, errno, "waitpid");
        if (mono_ms() >= end)
            break;
        if (*fd >= 0 && poll(&io, 1, POLL_MS) > 0)
            feed(fd, p, &done);
        else if (*fd < 0)
            (void)poll(NULL, 0, POLL_MS);
    }
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL); /* if it has no session of its own yet */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return ja_fail(err, JA_ERR_UNAVAILABLE, "command_timeout", "%s took longer than %u seconds", p->path, p->seconds);
}

enum ja_status ja_subprocess_run(const struct ja_subprocess *p, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0755, .max_size = SIZE_MAX};
    int pair[2] = {-1, -1};
    pid_t pid;
    enum ja_status st;

    if (p->path[0] != '/')
        return ja_fail(err, JA_ERR_INVALID, "bad_path", "%s is no absolute path", p->path);
    st = ja_file_check(p->path, &rule, err);
    if (st != JA_OK)
        return st;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return ja_fail_errno(err, errno, "socketpair");
    pid = fork();
    if (pid == 0)
        child(p, pair[1]);
    (void)close(pair[1]);
    st = pid < 0 ? ja_fail_errno(err, errno, "fork") : wait_for(p, pid, &pair[0], err);
    if (pair[0] >= 0)
        (void)close(pair[0]);
    return st;
}
