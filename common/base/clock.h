/* Wall and monotonic time behind a table, so that tests inject their own.
 *
 * Units: milliseconds; wall time since the epoch (UTC).
 * Threads: ja_clock_system is stateless; an injected clock is its owner's business.
 */
#ifndef JA_BASE_CLOCK_H
#define JA_BASE_CLOCK_H

#include <stdint.h>

struct ja_clock {
    int64_t (*wall_ms)(void *arg);
    int64_t (*mono_ms)(void *arg);
    void (*sleep_ms)(void *arg, unsigned ms); /* used only while waiting for a hashing slot */
    void *arg;
};

extern const struct ja_clock ja_clock_system;

static inline int64_t ja_now_ms(const struct ja_clock *c) { return c->wall_ms(c->arg); }
static inline int64_t ja_now(const struct ja_clock *c) { return c->wall_ms(c->arg) / 1000; }

#endif
