#include "tests/support/process_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

__attribute__((format(printf, 2, 3)))
static void add(struct process_state *s, const char *fmt, ...)
{
    size_t used = strlen(s->text);
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(s->text + used, sizeof s->text - used, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof s->text - used)
        exit(99);
}

static void add_files(struct process_state *s)
{
    for (int fd = 0; fd < 1024; fd++) {
        char path[64], target[512] = "";
        int flags = fcntl(fd, F_GETFD);

        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (flags != -1 && readlink(path, target, sizeof target - 1) >= 0)
            add(s, "descriptor %d %s %d\n", fd, target, flags);
    }
}

static void add_signals(struct process_state *s)
{
    struct sigaction sa;
    sigset_t blocked, pending;

    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    (void)sigpending(&pending);
    for (int sig = 1; sig < NSIG; sig++)
        if (sigaction(sig, NULL, &sa) == 0)
            add(s, "signal %d %lx %x%s%s\n", sig, (unsigned long)sa.sa_handler, (unsigned)sa.sa_flags,
                sigismember(&blocked, sig) == 1 ? " blocked" : "", sigismember(&pending, sig) == 1 ? " pending" : "");
}

static void add_limits(struct process_state *s)
{
    struct rlimit limit;

    for (int i = 0; i < (int)RLIM_NLIMITS; i++)
        if (getrlimit((__rlimit_resource_t)i, &limit) == 0)
            add(s, "limit %d %llx %llx\n", i, (unsigned long long)limit.rlim_cur,
                (unsigned long long)limit.rlim_max);
    add(s, "dumpable %d, no new privileges %d, nice %d\n", prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
        getpriority(PRIO_PROCESS, 0));
}

static void add_identity(struct process_state *s)
{
    gid_t groups[256];
    uid_t r, e, v;
    gid_t rg, eg, vg;
    int n = getgroups(256, groups);

    (void)getresuid(&r, &e, &v);
    (void)getresgid(&rg, &eg, &vg);
    add(s, "uids %u %u %u gids %u %u %u group %d session %d\n", r, e, v, rg, eg, vg, (int)getpgrp(), (int)getsid(0));
    for (int i = 0; i < n; i++)
        add(s, "group %u\n", groups[i]);
}

static void add_threads(struct process_state *s)
{
    DIR *d = opendir("/proc/self/task");
    int n = -2; /* . and .. */

    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    add(s, "threads %d\n", n);
}

void process_state_take(struct process_state *ret)
{
    static const int categories[] = {LC_CTYPE, LC_NUMERIC, LC_TIME, LC_COLLATE, LC_MONETARY, LC_MESSAGES};
    char cwd[512] = "";
    struct itimerval timer;
    stack_t alternative;
    mode_t mask = umask(0);

    (void)umask(mask);
    ret->text[0] = 0;
    add(ret, "umask %o\ncwd %s\n", (unsigned)mask, getcwd(cwd, sizeof cwd) ? cwd : "?");
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        add(ret, "locale %s\n", setlocale(categories[i], NULL));
    add_files(ret);
    add_signals(ret);
    add_limits(ret);
    add_identity(ret);
    add_threads(ret);
    for (int i = ITIMER_REAL; i <= ITIMER_PROF; i++)
        if (getitimer((__itimer_which_t)i, &timer) == 0)
            add(ret, "timer %d %ld %ld\n", i, (long)timer.it_interval.tv_sec, (long)timer.it_value.tv_sec);
    if (sigaltstack(NULL, &alternative) == 0)
        add(ret, "signal stack %lx\n", (unsigned long)alternative.ss_sp);
    for (char **e = environ; *e; e++)
        add(ret, "variable %s\n", *e);
}

const char *process_state_differs(const struct process_state *before, const struct process_state *after)
{
    static char said[2048];
    const char *a = before->text, *b = after->text;

    while (*a || *b) {
        size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");

        if (la != lb || memcmp(a, b, la) != 0) {
            (void)snprintf(said, sizeof said, "before: %.*s, after: %.*s", (int)la, a, (int)lb, b);
            return said;
        }
        a += la + 1;
        b += lb + 1;
    }
    return NULL;
}

long process_resident_kb(void)
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
        exit(99);
    (void)fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int process_mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    int c, n = 0;

    if (!f)
        exit(99);
    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    (void)fclose(f);
    return n;
}
