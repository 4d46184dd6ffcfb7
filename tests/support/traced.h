/* A program run under ptrace(2), so that its memory can be read where it stops itself and right before it is gone
 * (PTRACE_O_TRACEEXIT: after exit handlers and destructors, its memory is still there).
 *
 * /proc/PID/mem is opened before the program runs: what it does to PR_SET_DUMPABLE does not matter.
 */
#ifndef JA_TEST_TRACED_H
#define JA_TEST_TRACED_H

#include <stddef.h>
#include <sys/types.h>

struct traced {
    pid_t pid;
    int mem;      /* /proc/PID/mem */
    int out, err; /* files with what it wrote */
    int status;   /* as waitpid has it, once it is gone */
};
enum traced_event { TRACED_STOPPED /* by its own SIGSTOP */, TRACED_EXITING, TRACED_GONE };

/* `input` is its standard input. Environment: this process's. */
void traced_start(struct traced *t, const char *const argv[], const void *input, size_t len);
enum traced_event traced_next(struct traced *t);
/* What it wrote to standard output, malloc'd. */
char *traced_output(const struct traced *t);
char *traced_errors(const struct traced *t);
void traced_end(struct traced *t); /* kills what still runs */

#endif
