#include "common/domain/snapshot_lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_TRIES 500 /* of 10 ms */

int ja_snapshot_lock(const char *snapshot)
{
    static const struct timespec pause = {.tv_nsec = 10000000};
    char *path = NULL;
    int fd = -1;

    if (asprintf(&path, "%s.lock", snapshot) < 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    free(path);
    for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
        (void)nanosleep(&pause, NULL);
    return fd;
}
