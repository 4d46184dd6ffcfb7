#include "common/base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;

    /* Cannot fail for these two clocks; a zero time would refuse every token (fail closed). */
    if (clock_gettime(id, &ts) != 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *arg)
{
    (void)arg;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *arg)
{
    (void)arg;
    return read_ms(CLOCK_MONOTONIC);
}

static void system_sleep_ms(void *arg, unsigned ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)arg;
    (void)nanosleep(&ts, NULL); /* ignoring an early wake-up: the waiter looks again */
}

const struct ja_clock ja_clock_system = {system_wall_ms, system_mono_ms, system_sleep_ms, NULL};
