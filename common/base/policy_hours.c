#include "common/base/policy_hours.h"

#include <stdio.h>
#include <string.h>

#define DAY (24 * 60)

static const char names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_of(const char *s)
{
    for (int i = 0; i < 7; i++)
        if (strncmp(s, names[i], 3) == 0)
            return i;
    return -1;
}

/* "mon" or "fri-mon", which goes over the end of the week. */
static bool take_days(const char **s, unsigned *ret)
{
    int first = day_of(*s), last = first;

    if (first < 0)
        return false;
    *s += 3;
    if (**s == '-') {
        last = day_of(*s + 1);
        if (last < 0)
            return false;
        *s += 4;
    }
    *ret = 1u << first;
    for (int d = first; d != last;) {
        d = (d + 1) % 7;
        *ret |= 1u << d;
    }
    return true;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "08:00": always five characters. */
static bool take_time(const char **s, int *ret)
{
    const char *p = *s;
    int hour, minute;

    if (!digit(p[0]) || !digit(p[1]) || p[2] != ':' || !digit(p[3]) || !digit(p[4]))
        return false;
    hour = (p[0] - '0') * 10 + p[1] - '0';
    minute = (p[3] - '0') * 10 + p[4] - '0';
    if (minute > 59 || hour > 24 || (hour == 24 && minute != 0))
        return false;
    *ret = hour * 60 + minute;
    *s = p + 5;
    return true;
}

bool ja_hours_parse(const char *text, struct ja_hours *ret)
{
    struct ja_hours h = {.days = 0x7f, .from = 0, .to = DAY};
    const char *s = text;

    if (!digit(*s)) {
        if (!take_days(&s, &h.days))
            return false;
        if (!*s) {
            *ret = h;
            return true;
        }
        if (*s != ' ' && *s != '\t')
            return false;
        s += strspn(s, " \t");
    }
    if (!take_time(&s, &h.from) || *s++ != '-' || !take_time(&s, &h.to) || *s || h.from == h.to || h.from == DAY)
        return false;
    if (h.to < h.from)
        h.to += DAY;
    *ret = h;
    return true;
}

bool ja_hours_contain(const struct ja_hours *h, int weekday, int minute)
{
    int before = (weekday + 6) % 7;

    return ((h->days >> weekday & 1) && minute >= h->from && minute < h->to) ||
           ((h->days >> before & 1) && minute + DAY < h->to);
}

/* The days as one range; what was parsed always is one. */
static void print_days(unsigned days, char out[8])
{
    int first = 0, last;

    while (first < 6 && !((days >> first & 1) && !(days >> (first + 6) % 7 & 1)))
        first++;
    last = first;
    while ((days >> (last + 1) % 7 & 1) && (last + 1) % 7 != first)
        last = (last + 1) % 7;
    (void)snprintf(out, 8, "%s%s%s", names[first], last != first ? "-" : "", last != first ? names[last] : "");
}

void ja_hours_format(const struct ja_hours *h, char out[JA_HOURS_TEXT])
{
    char days[8] = "";
    int to = h->to > DAY ? h->to - DAY : h->to;

    if (h->days != 0x7f)
        print_days(h->days, days);
    if (h->days != 0x7f && h->from == 0 && h->to == DAY)
        (void)snprintf(out, JA_HOURS_TEXT, "%s", days);
    else
        (void)snprintf(out, JA_HOURS_TEXT, "%s%s%02d:%02d-%02d:%02d", days, days[0] ? " " : "", h->from / 60,
                       h->from % 60, to / 60, to % 60);
}
