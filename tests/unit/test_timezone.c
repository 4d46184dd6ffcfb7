/* The local time: compared with the C library's, which reads the same zones its own way. */
#include "common/base/timezone.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

struct file { unsigned char bytes[1024]; size_t len; };

static void put(struct file *f, int64_t n, int width)
{
    for (int i = width - 1; i >= 0; i--)
        f->bytes[f->len++] = (unsigned char)((uint64_t)n >> (8 * i));
}

static void header(struct file *f, int64_t times, int64_t types, int64_t chars)
{
    memcpy(f->bytes + f->len, "TZif2", 5);
    f->len += 20;
    put(f, 0, 4), put(f, 0, 4), put(f, 0, 4), put(f, times, 4), put(f, types, 4), put(f, chars, 4);
}

static void type(struct file *f, int64_t offset)
{
    put(f, offset, 4), put(f, 0, 1), put(f, 0, 1);
}

/* A zone of an empty first block, one change at `at` from `before` to `after`, and the footer. */
static struct file zone(int64_t before, int64_t at, int64_t after, const char *footer)
{
    struct file f = {0};

    header(&f, 0, 1, 1);
    type(&f, 0), put(&f, 0, 1);
    header(&f, 1, 2, 1);
    put(&f, at, 8), put(&f, 1, 1);
    type(&f, before), type(&f, after), put(&f, 0, 1);
    f.len += (size_t)sprintf((char *)f.bytes + f.len, "\n%s\n", footer);
    return f;
}

static int64_t offset_of(const struct file *f, int64_t t)
{
    int64_t ret = INT64_MIN;

    assert_int_equal(ja_tz_offset(f->bytes, f->len, t, &ret, NULL), JA_OK);
    return ret;
}

static void rules_are_those_of_the_c_library(void **state)
{
    static const char *const rules[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "AAA3BBB,J60/2,J300", "AAA3BBB,59,299/1:30",
        "IST-5:30", "UTC0", "<-12>12",
    };

    (void)state;
    for (size_t i = 0; i < LEN(rules); i++) {
        struct file f = zone(0, -2000000000000, 0, rules[i]);

        assert_int_equal(setenv("TZ", rules[i], 1), 0);
        tzset();
        for (int64_t t = 0; t < 4102444800; t += 86400 * 3 + 3607) { /* to 2100 */
            time_t tt = (time_t)t;
            struct tm tm;

            assert_non_null(localtime_r(&tt, &tm));
            if (offset_of(&f, t) != tm.tm_gmtoff)
                fail_msg("%s at %lld: %lld, not %ld", rules[i], (long long)t, (long long)offset_of(&f, t), tm.tm_gmtoff);
        }
    }
    (void)unsetenv("TZ");
    tzset();
}

/* To the second: 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC. */
static void changes_are_to_the_second(void **state)
{
    struct file f = zone(0, -2000000000000, 0, "CET-1CEST,M3.5.0,M10.5.0/3");

    (void)state;
    assert_int_equal(offset_of(&f, 1774746000 - 1), 3600);
    assert_int_equal(offset_of(&f, 1774746000), 7200);
    assert_int_equal(offset_of(&f, 1792890000 - 1), 7200);
    assert_int_equal(offset_of(&f, 1792890000), 3600);
}

static void the_table_comes_before_the_rule(void **state)
{
    struct file f = zone(-3600, 1000, 7200, "");

    (void)state;
    assert_int_equal(offset_of(&f, 999), -3600);
    assert_int_equal(offset_of(&f, 1000), 7200);
    f = zone(-3600, 1000, 7200, "XXX-5");
    assert_int_equal(offset_of(&f, 999), -3600);
    assert_int_equal(offset_of(&f, 1000), 18000);
}

static void damaged_files_are_errors(void **state)
{
    static const char *const footers[] = {"CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M1.1.0",
                                          "CET-1CEST,M3.6.0,M1.1.0", "CET-1CEST,M3.5.0,M10.5.0/3x", "C-1", "<x-1",
                                          "CET-99", "AAA3BBB,J0,J5", "AAA3BBB,J366,J5", "AAA3BBB;J1,J5"};
    struct file f = zone(0, 1000, 3600, "CET-1CEST,M3.5.0,M10.5.0/3");
    int64_t ret;

    (void)state;
    for (size_t len = 0; len < f.len; len++)
        assert_int_equal(ja_tz_offset(f.bytes, len, 5000, &ret, NULL), JA_ERR_CORRUPT);
    for (size_t i = 0; i < LEN(footers); i++) {
        struct file bad = zone(0, 1000, 3600, footers[i]);

        if (ja_tz_offset(bad.bytes, bad.len, 5000, &ret, NULL) != JA_ERR_CORRUPT)
            fail_msg("%s is taken", footers[i]);
    }
    f.bytes[0] = 'X';
    assert_int_equal(ja_tz_offset(f.bytes, f.len, 5000, &ret, NULL), JA_ERR_CORRUPT);
    f = zone(0, 1000, 3600, "");
    f.bytes[51 + 44 + 8] = 2; /* a type that is not there */
    assert_int_equal(ja_tz_offset(f.bytes, f.len, 5000, &ret, NULL), JA_ERR_CORRUPT);
    f = zone(0, 1000, 864000, "");
    assert_int_equal(ja_tz_offset(f.bytes, f.len, 5000, &ret, NULL), JA_ERR_CORRUPT);
}

/* R23: the environment's TZ is the user's to set, and changes nothing; a link is followed, an absent file is UTC. */
static void r23_the_file_counts_not_the_environment(void **state)
{
    char dir[] = "/tmp/jwtauth-tz-XXXXXX", path[64], link[64];
    struct file f = zone(0, -2000000000000, 0, "XXX-5:30");
    struct ja_local_time now = {0};
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/zone", dir);
    (void)snprintf(link, sizeof link, "%s/localtime", dir);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(setenv("TZ", "XXX8", 1), 0);
    tzset();
    /* 1970-01-01 was a Thursday */
    assert_int_equal(ja_local_time(link, 0, &now, NULL), JA_OK);
    assert_int_equal(now.weekday, 3);
    assert_int_equal(now.minute, 0);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f.bytes, f.len), (ssize_t)f.len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(ja_local_time(link, 1780000000, &now, NULL), JA_OK); /* Thursday, 20:26:40 UTC */
    assert_int_equal(now.weekday, 4);
    assert_int_equal(now.minute, 60 + 56);
    assert_int_equal(ja_local_time(link, -1, &now, NULL), JA_OK);
    assert_int_equal(now.weekday, 3);
    assert_int_equal(now.minute, 5 * 60 + 29);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(ja_local_time(link, 0, &now, NULL), JA_ERR_UNSAFE);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(ja_local_time(link, 0, &now, NULL), JA_ERR_CORRUPT);
    (void)unsetenv("TZ");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_those_of_the_c_library),
        cmocka_unit_test(changes_are_to_the_second),
        cmocka_unit_test(the_table_comes_before_the_rule),
        cmocka_unit_test(damaged_files_are_errors),
        cmocka_unit_test(r23_the_file_counts_not_the_environment),
    };

    return cmocka_run_group_tests_name("timezone", tests, NULL, NULL);
}
