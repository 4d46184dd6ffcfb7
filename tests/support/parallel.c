#include "tests/support/parallel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void ja_parallel(int count, int (*fn)(void *arg, int number), void *arg, int *results)
{
    pid_t pids[JA_PARALLEL_MAX];
    int gate[2] = {-1, -1};
    char go = 0;

    if (count > JA_PARALLEL_MAX || pipe2(gate, O_CLOEXEC) != 0)
        exit(99);
    (void)fflush(NULL);
    for (int i = 0; i < count; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            exit(99);
        if (pids[i] == 0) {
            (void)close(gate[1]);
            /* a failed assertion ends the process: it must not go on with the parent's tests */
            (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
            if (read(gate[0], &go, 1) < 0) /* the end of the file opens the gate */
                _exit(255);
            _exit(fn(arg, i));
        }
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    for (int i = 0; i < count; i++) {
        int status = 0;

        results[i] = 255;
        if (waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status))
            results[i] = WEXITSTATUS(status);
    }
}
