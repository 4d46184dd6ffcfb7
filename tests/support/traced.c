#include "tests/support/traced.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(99);
}

static void become(const struct traced *t, const char *const argv[], int in)
{
    if (dup2(in, 0) < 0 || dup2(t->out, 1) < 0 || dup2(t->err, 2) < 0 || setsid() < 0 ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(97);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(96);
}

void traced_start(struct traced *t, const char *const argv[], const void *input, size_t len)
{
    int in = memfd_create("in", MFD_CLOEXEC);
    char path[64];

    *t = (struct traced){.out = memfd_create("out", MFD_CLOEXEC), .err = memfd_create("err", MFD_CLOEXEC)};
    must(in >= 0 && t->out >= 0 && t->err >= 0, "memfd_create");
    must(len == 0 || pwrite(in, input, len, 0) == (ssize_t)len, "input");
    t->pid = fork();
    must(t->pid >= 0, "fork");
    if (t->pid == 0)
        become(t, argv, in);
    (void)close(in);
    must(waitpid(t->pid, &t->status, 0) == t->pid && WIFSTOPPED(t->status) && WSTOPSIG(t->status) == SIGTRAP,
         argv[0]);
    must(ptrace(PTRACE_SETOPTIONS, t->pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) == 0, "ptrace");
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)t->pid);
    t->mem = open(path, O_RDONLY | O_CLOEXEC);
    must(t->mem >= 0, path);
}

enum traced_event traced_next(struct traced *t)
{
    int pass = 0;

    for (;;) {
        must(ptrace(PTRACE_CONT, t->pid, NULL, (void *)(intptr_t)pass) == 0, "PTRACE_CONT");
        must(waitpid(t->pid, &t->status, 0) == t->pid, "waitpid");
        if (!WIFSTOPPED(t->status)) {
            t->pid = 0;
            return TRACED_GONE;
        }
        if (t->status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
            return TRACED_EXITING;
        pass = WSTOPSIG(t->status);
        if (pass == SIGSTOP)
            return TRACED_STOPPED;
    }
}

static char *whole(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);

    must(text != NULL && pread(fd, text, (size_t)size, 0) == size, "output");
    return text;
}

char *traced_output(const struct traced *t)
{
    return whole(t->out);
}

char *traced_errors(const struct traced *t)
{
    return whole(t->err);
}

void traced_end(struct traced *t)
{
    if (t->pid > 0) {
        (void)kill(t->pid, SIGKILL);
        (void)waitpid(t->pid, &t->status, 0);
    }
    (void)close(t->mem);
    (void)close(t->out);
    (void)close(t->err);
    *t = (struct traced){0};
}
