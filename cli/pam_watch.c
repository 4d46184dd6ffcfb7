#include "cli/pam_watch.h"

#include "common/base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define SYSTEMD_RUN "/usr/bin/systemd-run"
#define LOOK_MS 1000 /* how soon a confirmation ends the wait */

/* ---- waiting ---- */

/* Nobody is there to be told otherwise. */
static enum ja_status take_back(const char *service, struct ja_error *err)
{
    bool taken = false;
    enum ja_status st = ja_pam_take_back_due(service, &taken, err);

    if (st == JA_ERR_BUSY)
        return JA_OK;
    if (st != JA_OK)
        syslog(LOG_AUTHPRIV | LOG_ERR, "authctl: /etc/pam.d/%s was not confirmed and cannot be taken back: see 'authctl "
                                       "pam status'", service);
    else if (taken)
        syslog(LOG_AUTHPRIV | LOG_WARNING, "authctl: /etc/pam.d/%s was not confirmed: taken back", service);
    return st;
}

static void nap(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

enum ja_status cli_pam_watch(const struct ja_pam_change *c, struct ja_error *err)
{
    struct ja_pam_change now = *c;
    enum ja_status st = JA_OK;

    while (st == JA_OK && ja_pam_pending(&now) && strcmp(now.id, c->id) == 0) {
        int64_t left = ja_pam_left_ms(&now);

        if (left > 0)
            nap(left < LOOK_MS ? left : LOOK_MS);
        else
            st = take_back(c->service, err);
        if (st == JA_OK)
            st = ja_pam_record(c->service, &now, err);
    }
    return st;
}

/* ---- in a process of its own ---- */

/* Nothing of the caller's: neither terminal nor files nor signals. */
static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        (void)dup2(null, fd);
    (void)close_range(3, ~0U, 0);
}

static void stay_behind(const struct ja_pam_change *c, int ready)
{
    pid_t pid;

    if (setsid() < 0 || chdir("/") != 0)
        _exit(1);
    pid = fork(); /* no leader of the session: it never gets a terminal */
    if (pid != 0)
        _exit(pid < 0);
    (void)prctl(PR_SET_NAME, "authctl-pam");
    if (write(ready, "", 1) != 1)
        _exit(1);
    let_go();
    _exit(cli_pam_watch(c, NULL) == JA_OK ? 0 : 1);
}

static enum ja_status start_process(const struct ja_pam_change *c, struct ja_error *err)
{
    int ready[2];
    char byte;
    ssize_t n;
    pid_t pid;

    if (pipe2(ready, O_CLOEXEC) != 0)
        return ja_fail_errno(err, errno, "pipe");
    pid = fork();
    if (pid == 0) {
        (void)close(ready[0]);
        stay_behind(c, ready[1]);
    }
    (void)close(ready[1]);
    do
        n = read(ready[0], &byte, 1);
    while (n < 0 && errno == EINTR);
    (void)close(ready[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n != 1)
        return ja_fail(err, JA_ERR_UNAVAILABLE, "pam_not_watched",
                       "nobody could be left behind to take the change back: nothing is changed");
    return JA_OK;
}

/* ---- as a unit ---- */

/* What logind ends with the login session (KillUserProcesses) is what is in its scope: a unit is not. */
static enum ja_status start_unit(const struct ja_pam_change *c, struct ja_error *err)
{
    char self[512] = "", unit[128];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *const args[] = {"--quiet",   "--collect", "--service-type=exec", unit,  "--", self, "--quiet", "pam",
                                "rollback", "--wait",    "--service",           c->service, NULL};
    const struct ja_subprocess run = {.path = SYSTEMD_RUN, .args = args, .input = "", .seconds = 15};

    if (n <= 0)
        return ja_fail_errno(err, errno, "/proc/self/exe");
    (void)snprintf(unit, sizeof unit, "--unit=jwtauth-pam-%s", c->id);
    return ja_subprocess_run(&run, err);
}

enum ja_status cli_pam_watch_start(const struct ja_pam_change *c, struct ja_error *err)
{
    struct stat sb;

    /* sd_booted(3) */
    if (lstat("/run/systemd/system", &sb) == 0 && S_ISDIR(sb.st_mode) && start_unit(c, NULL) == JA_OK)
        return JA_OK;
    return start_process(c, err);
}
