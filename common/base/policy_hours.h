/* Hours of the week as policy rules write them: "mon-fri 08:00-18:00", "sat", "22:00-06:00".
 *
 * An end before its start is of the next day; the end itself does not belong to it. 24:00 is an end only.
 * Threads: no shared state.
 */
#ifndef JA_BASE_POLICY_HOURS_H
#define JA_BASE_POLICY_HOURS_H

#include <stdbool.h>
#include <stddef.h>

#define JA_WEEK_MINUTES (7 * 24 * 60)

struct ja_hours {
    unsigned days; /* bit 0: Monday */
    int from, to;  /* minutes of the day; to > 1440: of the next day */
};

bool ja_hours_parse(const char *text, struct ja_hours *ret);
bool ja_hours_contain(const struct ja_hours *h, int weekday, int minute);
#define JA_HOURS_TEXT 48
/* What ja_hours_parse would take back. */
void ja_hours_format(const struct ja_hours *h, char out[JA_HOURS_TEXT]);

#endif
