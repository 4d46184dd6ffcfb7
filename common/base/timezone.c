#include "common/base/timezone.h"

#include "common/base/file_guard.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400
#define FILE_MAX ((size_t)1 << 18)
#define HEADER 44
#define FOOTER_MAX 128

/* ---- calendar (proleptic Gregorian, days since 1970-01-01) ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t first_day_of(int64_t year)
{
    int64_t y = year - 1;

    return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + floor_div(day, day < 0 ? 365 : 366);

    while (first_day_of(year + 1) <= day)
        year++;
    return year;
}

static int days_in(int month, int64_t year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month] + (month == 1 && is_leap(year));
}

/* ---- the footer: POSIX TZ as in "CET-1CEST,M3.5.0,M10.5.0/3" (RFC 8536 section 3.3) ---- */

struct change {
    char kind; /* M, J, n */
    int64_t month, week, day, time;
};

struct rule {
    int64_t standard, summer; /* seconds east */
    bool has_summer;
    struct change start, end;
};

static bool number(const char **s, int64_t max, int64_t *ret)
{
    int64_t n = 0;

    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        n = n * 10 + (**s - '0');
        if (n > max)
            return false;
    }
    *ret = n;
    return true;
}

/* "<-03>" or letters. */
static bool skip_name(const char **s)
{
    const char *p = *s;

    if (*p == '<') {
        p += strcspn(p, ">");
        if (!*p)
            return false;
        *s = p + 1;
        return true;
    }
    while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
        p++;
    if (p - *s < 3)
        return false;
    *s = p;
    return true;
}

/* [+-]hh[:mm[:ss]]; hours to 167 in a change's time (RFC 8536 section 3.3.1). */
static bool clock_time(const char **s, int64_t max_hours, int64_t *ret)
{
    int64_t sign = **s == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;

    if (**s == '-' || **s == '+')
        (*s)++;
    if (!number(s, max_hours, &hours))
        return false;
    if (**s == ':' && ((*s)++, !number(s, 59, &minutes)))
        return false;
    if (**s == ':' && ((*s)++, !number(s, 59, &seconds)))
        return false;
    *ret = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool change(const char **s, struct change *c)
{
    c->time = 2 * 3600;
    c->kind = 'n';
    if (**s == 'M' || **s == 'J')
        c->kind = *(*s)++;
    if (c->kind == 'M') {
        if (!number(s, 12, &c->month) || c->month < 1 || !take(s, '.') || !number(s, 5, &c->week) ||
            c->week < 1 || !take(s, '.') || !number(s, 6, &c->day))
            return false;
    } else if (!number(s, 365, &c->day) || (c->kind == 'J' && c->day < 1)) {
        return false;
    }
    return **s != '/' || ((*s)++, clock_time(s, 167, &c->time));
}

static bool parse_rule(const char *s, struct rule *r)
{
    if (!skip_name(&s) || !clock_time(&s, 24, &r->standard))
        return false;
    r->standard = -r->standard; /* POSIX counts west */
    r->summer = r->standard + 3600;
    if (!*s)
        return true;
    r->has_summer = true;
    if (!skip_name(&s))
        return false;
    if (*s != ',') {
        if (!clock_time(&s, 24, &r->summer))
            return false;
        r->summer = -r->summer;
    }
    return take(&s, ',') && change(&s, &r->start) && take(&s, ',') && change(&s, &r->end) && !*s;
}

/* Seconds since 1970 on the wall clock that shows before the change. */
static int64_t moment(const struct change *c, int64_t year)
{
    int64_t day = first_day_of(year), weekday;

    if (c->kind == 'n')
        return (day + c->day) * DAY + c->time;
    if (c->kind == 'J') /* 29 February is never counted */
        return (day + c->day - 1 + (is_leap(year) && c->day >= 60)) * DAY + c->time;
    for (int m = 0; m < c->month - 1; m++)
        day += days_in(m, year);
    weekday = (day + 4) % 7 < 0 ? (day + 4) % 7 + 7 : (day + 4) % 7; /* 0: Sunday */
    weekday = (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
    while (weekday >= days_in((int)c->month - 1, year))
        weekday -= 7;
    return (day + weekday) * DAY + c->time;
}

static int64_t by_rule(const struct rule *r, int64_t t)
{
    int64_t year, start, end;
    bool summer;

    if (!r->has_summer)
        return r->standard;
    year = year_of(floor_div(t + r->standard, DAY));
    start = moment(&r->start, year) - r->standard;
    end = moment(&r->end, year) - r->summer;
    summer = start < end ? t >= start && t < end : t >= start || t < end; /* south of the equator */
    return summer ? r->summer : r->standard;
}

/* ---- the file ---- */

struct block {
    const unsigned char *at;
    size_t width; /* of a time: 4 or 8 */
    size_t times, types, chars, leaps, std, ut;
};

static int64_t big_endian(const unsigned char *p, size_t width)
{
    uint64_t n = p[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < width; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

static size_t size_of(const struct block *b)
{
    return b->times * (b->width + 1) + b->types * 6 + b->chars + b->leaps * (b->width + 4) + b->std + b->ut;
}

/* The header at p and whether its data fits in. */
static bool read_header(const unsigned char *p, size_t left, size_t width, struct block *b)
{
    size_t count[6];

    if (left < HEADER || p[0] != 'T' || p[1] != 'Z' || p[2] != 'i' || p[3] != 'f')
        return false;
    for (int i = 0; i < 6; i++) {
        int64_t n = big_endian(p + 20 + 4 * i, 4);

        if (n < 0 || n > (int64_t)FILE_MAX)
            return false;
        count[i] = (size_t)n;
    }
    *b = (struct block){p + HEADER, width, count[3], count[4], count[5], count[2], count[1], count[0]};
    return b->types > 0 && size_of(b) <= left - HEADER;
}

static bool type_offset(const struct block *b, size_t type, int64_t *ret)
{
    if (type >= b->types)
        return false;
    *ret = big_endian(b->at + b->times * (b->width + 1) + type * 6, 4);
    return *ret > -2 * DAY && *ret < 2 * DAY;
}

/* The last change that is not after t; `times` when there is none. */
static size_t last_change(const struct block *b, int64_t t)
{
    size_t low = 0, high = b->times;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (big_endian(b->at + mid * b->width, b->width) <= t)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 ? low - 1 : b->times;
}

static bool by_table(const struct block *b, const char *footer, int64_t t, int64_t *ret)
{
    size_t i = last_change(b, t);
    struct rule r = {0};

    if (*footer && (b->times == 0 || i == b->times - 1)) {
        if (!parse_rule(footer, &r))
            return false;
        *ret = by_rule(&r, t);
        return true;
    }
    return type_offset(b, i == b->times ? 0 : b->at[b->times * b->width + i], ret);
}

/* "\nTEXT\n" at the end. */
static bool read_footer(const unsigned char *p, size_t left, char out[FOOTER_MAX])
{
    const unsigned char *end = left > 1 ? memchr(p + 1, '\n', left - 1) : NULL;

    if (!end || p[0] != '\n' || (size_t)(end - p) > FOOTER_MAX || memchr(p, 0, (size_t)(end - p)))
        return false;
    memcpy(out, p + 1, (size_t)(end - p - 1));
    out[end - p - 1] = 0;
    return true;
}

enum ja_status ja_tz_offset(const void *file, size_t len, int64_t t, int64_t *ret, struct ja_error *err)
{
    const unsigned char *p = file;
    char footer[FOOTER_MAX] = "";
    struct block b = {0};
    bool good = read_header(p, len, 4, &b);
    int64_t offset = 0;

    if (good && p[4] >= '2') {
        size_t skip = HEADER + size_of(&b);

        good = read_header(p + skip, len - skip, 8, &b);
        skip += good ? HEADER + size_of(&b) : 0;
        good = good && read_footer(p + skip, len - skip, footer);
    }
    if (!good || !by_table(&b, footer, t, &offset))
        return ja_fail(err, JA_ERR_CORRUPT, "invalid_timezone",
                       "the host's time zone file is no time zone: set it with 'timedatectl set-timezone'");
    *ret = offset;
    return JA_OK;
}

static enum ja_status read_zone(const char *path, struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_file_rule rule = {.max_mode = 0644, .max_size = FILE_MAX};
    char *real = realpath(path, NULL);
    enum ja_status st;

    if (!real && errno == ENOMEM)
        return ja_fail_nomem(err);
    if (!real && errno != ENOENT)
        return ja_fail(err, JA_ERR_UNSAFE, "invalid_timezone", "%s cannot be followed", path);
    st = real ? ja_file_read(real, &rule, ret, err) : JA_ERR_NOT_FOUND;
    free(real);
    return st;
}

enum ja_status ja_local_time(const char *path, int64_t t, struct ja_local_time *ret, struct ja_error *err)
{
    struct ja_secret file = {0};
    int64_t offset = 0, day;
    enum ja_status st = read_zone(path, &file, err);

    if (st == JA_OK)
        st = ja_tz_offset(file.data, file.len, t, &offset, err);
    else if (st == JA_ERR_NOT_FOUND)
        st = JA_OK;
    ja_secret_clear(&file);
    if (st != JA_OK)
        return st;
    day = floor_div(t + offset, DAY);
    *ret = (struct ja_local_time){
        .weekday = (int)((day % 7 + 7 + 3) % 7), /* 1970-01-01 was a Thursday */
        .minute = (int)((t + offset - day * DAY) / 60),
    };
    return JA_OK;
}
