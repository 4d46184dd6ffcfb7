/* The host's local time, whatever the environment says: TZ is the caller's to set (sudo keeps it), and localtime(3)
 * obeys it.  Reads the time zone file (tzfile(5), RFC 8536) itself, each time anew.
 *
 * Threads: no shared state.
 */
#ifndef JA_BASE_TIMEZONE_H
#define JA_BASE_TIMEZONE_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define JA_LOCALTIME_PATH "/etc/localtime"

/* Seconds east of UTC at time t by the time zone file's bytes; JA_ERR_CORRUPT "invalid_timezone". */
enum ja_status ja_tz_offset(const void *file, size_t len, int64_t t, int64_t *ret, struct ja_error *err);

struct ja_local_time {
    int weekday; /* 0: Monday */
    int minute;  /* of the day */
};
/* By the file `path` (a link to it is followed; JA_LOCALTIME_PATH). An absent one means UTC, as for every other
 * program of the host. */
enum ja_status ja_local_time(const char *path, int64_t t, struct ja_local_time *ret, struct ja_error *err);

#endif
