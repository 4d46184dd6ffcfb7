/* Numbers and times.  No strtol, gmtime or timegm: the first skips blanks and takes signs, the other
 * two read TZ and /etc/localtime in glibc, which a PAM module must not do (SECURITY R23). */
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400
/* A century: no sum of a time and a duration can overflow. */
#define DURATION_MAX ((int64_t)36500 * DAY)

/* Digits at s, without leading zeros; returns how many, 0 when none or too large. */
static size_t digits(const char *s, int64_t *ret)
{
    int64_t v = 0;
    size_t n = 0;

    for (; s[n] >= '0' && s[n] <= '9'; n++)
        if ((n == 1 && s[0] == '0') || __builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_add_overflow(v, (int64_t)(s[n] - '0'), &v))
            return 0;
    *ret = v;
    return n;
}

bool ja_parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    bool minus = s[0] == '-';
    int64_t v = 0;
    size_t n = digits(s + minus, &v);

    if (n == 0 || s[minus + n] != 0)
        return false;
    if (minus)
        v = -v;
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

bool ja_parse_duration(const char *s, int64_t *ret_seconds)
{
    static const struct { char unit; int64_t seconds; } units[] = {
        {'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY}};
    int64_t v = 0;
    size_t n = digits(s, &v);

    if (strcmp(s, "0") == 0) {
        *ret_seconds = 0;
        return true;
    }
    if (n == 0 || s[n] == 0 || s[n + 1] != 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (s[n] == units[i].unit && v <= DURATION_MAX / units[i].seconds) {
            *ret_seconds = v * units[i].seconds;
            return true;
        }
    }
    return false;
}

bool ja_parse_size(const char *s, int64_t *ret_bytes)
{
    static const char units[] = "KMG";
    int64_t v = 0;
    size_t n = digits(s, &v);
    const char *unit;

    if (n == 0)
        return false;
    if (s[n] != 0) {
        unit = strchr(units, s[n]);
        if (!unit || s[n + 1] != 0 ||
            __builtin_mul_overflow(v, (int64_t)1 << (10 * (unit - units + 1)), &v))
            return false;
    }
    *ret_bytes = v;
    return true;
}

/* Exactly n digits, leading zeros allowed; -1 otherwise. */
static int fixed(const char *s, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; years count from March, so that the leap
 * day is the last of its year. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Z" or "+02:00" and nothing after it. */
static bool parse_offset(const char *s, int64_t *ret)
{
    int h, m;

    if ((s[0] == 'Z' || s[0] == 'z') && s[1] == 0) {
        *ret = 0;
        return true;
    }
    if ((s[0] != '+' && s[0] != '-') || (h = fixed(s + 1, 2)) < 0 || h > 23 || s[3] != ':' ||
        (m = fixed(s + 4, 2)) < 0 || m > 59 || s[6] != 0)
        return false;
    *ret = (s[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
    return true;
}

/* RFC 3339 section 5.6; a fraction is dropped. */
static bool parse_rfc3339(const char *s, int64_t *ret)
{
    int year, month, day, hour, minute, second;
    int64_t offset = 0, t;

    if ((year = fixed(s, 4)) < 0 || s[4] != '-' || (month = fixed(s + 5, 2)) < 1 || month > 12 ||
        s[7] != '-' || (day = fixed(s + 8, 2)) < 1 || day > month_days(year, month) ||
        !(s[10] == 'T' || s[10] == 't' || s[10] == ' ') || (hour = fixed(s + 11, 2)) < 0 ||
        hour > 23 || s[13] != ':' || (minute = fixed(s + 14, 2)) < 0 || minute > 59 ||
        s[16] != ':' || (second = fixed(s + 17, 2)) < 0 || second > 60)
        return false;
    s += 19;
    if (*s == '.') {
        if (fixed(s + 1, 1) < 0)
            return false;
        for (s++; *s >= '0' && *s <= '9'; s++)
            ;
    }
    if (!parse_offset(s, &offset))
        return false;
    t = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    if (second == 60 && t % DAY != 0) /* a leap second ends a day of UTC */
        return false;
    *ret = t;
    return true;
}

bool ja_parse_when(const char *s, int64_t now, int64_t *ret_time)
{
    int64_t seconds;

    if (ja_parse_duration(s, &seconds))
        return !__builtin_add_overflow(now, seconds, ret_time);
    return parse_rfc3339(s, ret_time);
}

void ja_time_format(int64_t t, char out[JA_TIME_LEN + 1])
{
    int64_t last = days_of(9999, 12, 31) * DAY + DAY - 1, first = days_of(0, 1, 1) * DAY;
    int64_t days, of_era, era;
    int year, yday, month, second;

    t = t > last ? last : t < first ? first : t;
    days = t / DAY - (t % DAY < 0);
    second = (int)(t - days * DAY);
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    of_era = days - era * 146097;
    year = (int)((of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365);
    yday = (int)(of_era - (365 * (int64_t)year + year / 4 - year / 100));
    year += (int)(era * 400);
    month = (5 * yday + 2) / 153; /* counted from March */
    (void)snprintf(out, JA_TIME_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                   (unsigned)(year + (month >= 10)) % 10000, (unsigned)(month < 10 ? month + 3 : month - 9) % 100,
                   (unsigned)(yday - (153 * month + 2) / 5 + 1) % 100, (unsigned)second / 3600 % 24,
                   (unsigned)second / 60 % 60, (unsigned)second % 60);
}

void ja_duration_format(int64_t seconds, char *out, size_t size)
{
    if (seconds == 0)
        (void)snprintf(out, size, "0");
    else if (seconds % DAY == 0)
        (void)snprintf(out, size, "%lldd", (long long)(seconds / DAY));
    else if (seconds % 3600 == 0)
        (void)snprintf(out, size, "%lldh", (long long)(seconds / 3600));
    else if (seconds % 60 == 0)
        (void)snprintf(out, size, "%lldm", (long long)(seconds / 60));
    else
        (void)snprintf(out, size, "%llds", (long long)seconds);
}
