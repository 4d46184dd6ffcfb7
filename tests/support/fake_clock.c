#include "tests/support/fake_clock.h"

static int64_t wall(void *arg) { return ((struct ja_fake_clock *)arg)->wall_ms; }
static int64_t mono(void *arg) { return ((struct ja_fake_clock *)arg)->mono_ms; }
static void doze(void *arg, unsigned ms)
{
    struct ja_fake_clock *c = arg;

    c->wall_ms += ms;
    c->mono_ms += ms;
}

struct ja_clock ja_fake_clock_table(struct ja_fake_clock *c)
{
    c->wall_ms = JA_TEST_EPOCH * 1000;
    c->mono_ms = 1000;
    return (struct ja_clock){wall, mono, doze, c};
}

void ja_fake_clock_advance(struct ja_fake_clock *c, int64_t seconds)
{
    c->wall_ms += seconds * 1000;
    if (seconds > 0)
        c->mono_ms += seconds * 1000;
}
