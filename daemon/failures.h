/* Credentials that were refused, counted per source in the memory of this process ([throttle] token_failures).
 *
 * Only refusals are counted and only refusals are throttled: who shows a good token passes whatever others of the same
 * network do.  The table is bounded; where a new source finds no place, the one whose window began first gives way.
 * Threads: any.
 */
#ifndef JA_DAEMON_FAILURES_H
#define JA_DAEMON_FAILURES_H

#include "common/base/config.h"
#include "common/base/net.h"

#define FAILURES_SOURCES 4096

struct failures;

enum ja_status failures_new(struct failures **ret, struct ja_error *err);
void failures_free(struct failures *f); /* NULL accepted */
/* Books one refusal of the source (a network's text) at `now` (seconds, monotonic). True: there were more than the rate
 * allows; *ret_wait seconds (at least 1) until the window ends. */
bool failures_book(struct failures *f, const char *source, const struct ja_rate *rate, int64_t now, unsigned *ret_wait);

/* Looks only: seconds until the source is below the rate again; 0: it is. */
unsigned failures_wait(struct failures *f, const char *source, const struct ja_rate *rate, int64_t now);

#endif
