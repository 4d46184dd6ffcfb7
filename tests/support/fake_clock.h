/* A clock that stands still until a test moves it. */
#ifndef JA_TEST_FAKE_CLOCK_H
#define JA_TEST_FAKE_CLOCK_H

#include "common/base/clock.h"

#define JA_TEST_EPOCH INT64_C(1780000000) /* seconds */

struct ja_fake_clock { int64_t wall_ms, mono_ms; };

struct ja_clock ja_fake_clock_table(struct ja_fake_clock *c); /* starts it at JA_TEST_EPOCH */
void ja_fake_clock_advance(struct ja_fake_clock *c, int64_t seconds); /* may be negative */

#endif
