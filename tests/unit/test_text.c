/* Names, texts, numbers and times: what is taken, what is refused, what reaches a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/base/secret.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* R5: ^[a-z_][a-z0-9_-]{0,31}$, no folding */
static void r5_user_names_are_exact(void **state)
{
    const char *good[] = {"a", "_", "alice", "_apt", "a-b_c9", "abcdefghijklmnopqrstuvwxyz012345"};
    const char *bad[] = {"", "A", "Alice", "9a", "-a", "a.b", "a b", "a:b", "a\n", "a/b", "r\xc3\xb6t", "a$",
                         "abcdefghijklmnopqrstuvwxyz0123456", " a", "a ", "../x", "a@b", "a`", "a{"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!ja_username_valid(good[i]))
            fail_msg("refused: '%s'", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ja_username_valid(bad[i]))
            fail_msg("taken: '%s'", bad[i]);
    assert_false(ja_username_valid(NULL));
}

static void r5_every_single_character(void **state)
{
    char first[] = "?", second[] = "a?";

    (void)state;
    for (int c = 1; c < 256; c++) {
        bool lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        first[0] = (char)c;
        second[1] = (char)c;
        assert_int_equal(ja_username_valid(first), lower || c == '_');
        assert_int_equal(ja_username_valid(second), lower || digit || c == '_' || c == '-');
    }
}

static void utf8_edges(void **state)
{
    const struct { const char *s; bool ok; } rows[] = {
        {"", true}, {"abc", true}, {"\xc3\xa9", true}, {"\xe2\x82\xac", true}, {"\xf0\x9f\x98\x80", true},
        {"\xc2\x80", true}, {"\xdf\xbf", true}, {"\xe0\xa0\x80", true}, {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true}, {"\xed\x9f\xbf", true}, {"\xee\x80\x80", true},
        {"\x80", false}, {"\xbf", false}, {"\xc3", false}, {"\xc3(", false}, {"\xe2\x82", false}, {"\xf0\x9f\x98", false},
        {"\xc0\x80", false}, {"\xc1\xbf", false}, {"\xe0\x9f\xbf", false}, {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xed\xa0\x80", false}, {"\xed\xbf\xbf", false},                                      /* surrogates */
        {"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false}, {"\xf8\x88\x80\x80\x80", false}, {"\xff", false},
        {"\xfe", false}, {"ok\xc3", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ja_utf8_valid(rows[i].s, strlen(rows[i].s)) != rows[i].ok)
            fail_msg("row %zu", i);
    assert_true(ja_utf8_valid("a\0b", 3));
    assert_false(ja_utf8_valid("\xc3\xa9", 1)); /* cut in the middle */
}

static void texts_have_no_controls(void **state)
{
    char longest[300];

    (void)state;
    assert_true(ja_text_valid("Jos\xc3\xa9 \"Q\" <x> \\", 256));
    assert_true(ja_text_valid("", 256));
    assert_false(ja_text_valid("a\tb", 256));
    assert_false(ja_text_valid("a\x1b[31m", 256));
    assert_false(ja_text_valid("a\x7f", 256));
    assert_false(ja_text_valid("a\xc2\x9b" "31m", 256)); /* CSI of C1 */
    assert_false(ja_text_valid("a\xc2\x80", 256));
    assert_false(ja_text_valid("a\xc2\x9f", 256));
    assert_false(ja_text_valid("a\x1f", 256));
    assert_true(ja_text_valid("a\xc2\xa0", 256));
    assert_false(ja_text_valid("\xff", 256));
    memset(longest, 'x', sizeof longest);
    longest[256] = 0;
    assert_true(ja_text_valid(longest, 256));
    longest[256] = 'x';
    longest[257] = 0;
    assert_false(ja_text_valid(longest, 256));
}

static void emails(void **state)
{
    const char *bad[] = {"", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "\"a\"@b", "<a@b>", "a@b>", "a@b\n.c",
                         "a@-b", "a@b-", "a@b..c", "a@.b", "a@b.", "a..b@c", ".a@b", "a.@b", "-f@b", "a,b@c",
                         "a;b@c", "a:b@c", "a(b)@c", "a[b]@c", "a\\b@c", "a`b@c", "a@b_c", "a@[127.0.0.1]",
                         "a\r\nBcc: x@y", "\xc3\xa9@b", "a@\xc3\xa9", "a@b\x01"};
    char out[JA_EMAIL_MAX + 1] = "untouched", text[400], label[80];

    (void)state;
    assert_true(ja_email_normalize("  Alice.B+x@Example.ORG \t", out));
    assert_string_equal(out, "alice.b+x@example.org");
    assert_true(ja_email_normalize("o'brien@localhost", out));
    assert_string_equal(out, "o'brien@localhost");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        strcpy(out, "untouched");
        if (ja_email_normalize(bad[i], out))
            fail_msg("taken: '%s'", bad[i]);
        assert_string_equal(out, "untouched");
    }
    memset(label, 'x', 64);
    label[64] = 0;
    (void)snprintf(text, sizeof text, "%s@b", label);
    assert_true(ja_email_normalize(text, out));
    (void)snprintf(text, sizeof text, "y%s@b", label);
    assert_false(ja_email_normalize(text, out));
    label[63] = 0;
    (void)snprintf(text, sizeof text, "%s@%s.%s.%.61s", label, label, label, label);
    assert_int_equal(strlen(text), 253);
    assert_true(ja_email_normalize(text, out));
    (void)snprintf(text, sizeof text, "%s@%s.%s.%s", label, label, label, label);
    assert_false(ja_email_normalize(text, out)); /* 255 */
    label[63] = 'x';
    (void)snprintf(text, sizeof text, "a@%s", label);
    assert_false(ja_email_normalize(text, out)); /* a label of 64 */
}

static void phones(void **state)
{
    const char *bad[] = {"", "+", "15551234567", "+1555123", "+1234567890123456", "+1555x234567", "1+5551234567",
                         "+ 0555 1234567", "++15551234567", "+1555\n1234567", "+1555,1234567"};
    char out[JA_PHONE_MAX + 1] = "untouched";

    (void)state;
    assert_true(ja_phone_normalize("+1 (555) 123-45.67", out));
    assert_string_equal(out, "+15551234567");
    assert_true(ja_phone_normalize("+12345678", out));
    assert_true(ja_phone_normalize("+123456789012345", out));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        strcpy(out, "untouched");
        if (ja_phone_normalize(bad[i], out))
            fail_msg("taken: '%s'", bad[i]);
        assert_string_equal(out, "untouched");
    }
}

static void whole_numbers(void **state)
{
    const char *bad[] = {"", " 1", "1 ", "+1", "1x", "0x10", "01", "-", "--1", "1.0", "1e3", "9223372036854775808",
                         "99999999999999999999999", "\n1", "11", "-6"};
    int64_t v = 77;

    (void)state;
    assert_true(ja_parse_i64("0", -5, 10, &v) && v == 0);
    assert_true(ja_parse_i64("10", -5, 10, &v) && v == 10);
    assert_true(ja_parse_i64("-5", -5, 10, &v) && v == -5);
    assert_true(ja_parse_i64("9223372036854775807", 0, INT64_MAX, &v) && v == INT64_MAX);
    v = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ja_parse_i64(bad[i], -5, 10, &v))
            fail_msg("taken: '%s'", bad[i]);
        assert_int_equal(v, 77);
    }
}

static void durations(void **state)
{
    const struct { const char *s; int64_t v; } good[] = {
        {"0", 0}, {"0s", 0}, {"1s", 1}, {"90s", 90}, {"15m", 900}, {"2h", 7200}, {"7d", 604800}, {"36500d", 3153600000}};
    const char *bad[] = {"", "5", "00", "1w", "1S", "1 s", " 1s", "1s ", "-1s", "+1s", "1h30m", "s", "1.5h", "36501d",
                         "9223372036854775807d", "9223372036854775807s", "153722867280912931m", "99999999999999999999s", "01m"};
    int64_t v = 77;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!ja_parse_duration(good[i].s, &v) || v != good[i].v)
            fail_msg("'%s'", good[i].s);
    }
    v = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ja_parse_duration(bad[i], &v))
            fail_msg("taken: '%s'", bad[i]);
        assert_int_equal(v, 77);
    }
}

static void durations_are_shown_as_they_parse(void **state)
{
    const struct { int64_t v; const char *s; } rows[] = {
        {0, "0"}, {1, "1s"}, {59, "59s"}, {60, "1m"}, {90, "90s"}, {3600, "1h"}, {5400, "90m"}, {86400, "1d"}, {90000, "25h"}};
    char text[32];
    int64_t v;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ja_duration_format(rows[i].v, text, sizeof text);
        assert_string_equal(text, rows[i].s);
        assert_true(ja_parse_duration(text, &v));
        assert_int_equal(v, rows[i].v);
    }
}

static void sizes(void **state)
{
    const char *bad[] = {"", "M", "1T", "1m", "1 M", "1MB", "-1M", "0x1", "9007199254740992K", "9223372036854775807G", "1.5M"};
    int64_t v = 77;

    (void)state;
    assert_true(ja_parse_size("64M", &v) && v == 67108864);
    assert_true(ja_parse_size("65536K", &v) && v == 67108864);
    assert_true(ja_parse_size("1G", &v) && v == 1073741824);
    assert_true(ja_parse_size("12345", &v) && v == 12345);
    v = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ja_parse_size(bad[i], &v))
            fail_msg("taken: '%s'", bad[i]);
        assert_int_equal(v, 77);
    }
}

static void rfc3339(void **state)
{
    const struct { const char *s; int64_t v; } good[] = {
        {"1970-01-01T00:00:00Z", 0}, {"2026-01-02T03:04:05Z", 1767323045}, {"2026-01-02t03:04:05z", 1767323045},
        {"2026-01-02 03:04:05Z", 1767323045}, {"2026-01-02T03:04:05.999999Z", 1767323045},
        {"2026-01-02T05:04:05+02:00", 1767323045}, {"2026-01-01T21:34:05-05:30", 1767323045},
        {"2024-02-29T00:00:00Z", 1709164800}, {"2000-02-29T12:00:00Z", 951825600}, {"1969-12-31T23:59:59Z", -1},
        {"2016-12-31T23:59:60Z", 1483228800}, {"2017-01-01T01:59:60+02:00", 1483228800},
        {"9999-12-31T23:59:59Z", 253402300799}, {"0001-01-01T00:00:00Z", -62135596800}, {"15m", 1900}, {"0", 1000}};
    const char *bad[] = {"", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04Z", "2026-13-01T00:00:00Z",
                         "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
                         "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
                         "2026-01-01T12:00:60Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0200",
                         "2026-01-01T00:00:00+02:60", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
                         "2026-1-1T00:00:00Z", " 2026-01-01T00:00:00Z", "+2026-01-01T00:00:00Z", "20260101T000000Z",
                         "2026-01-01T00:00:00 Z", "-5m", "2026/01/01T00:00:00Z"};
    int64_t v;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!ja_parse_when(good[i].s, 1000, &v) || v != good[i].v)
            fail_msg("'%s' is %lld", good[i].s, (long long)v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ja_parse_when(bad[i], 1000, &v))
            fail_msg("taken: '%s'", bad[i]);
    assert_false(ja_parse_when("1s", INT64_MAX, &v));
}

/* Against the C library, day by day for 800 years, and back. */
static void times_agree_with_the_c_library(void **state)
{
    char text[JA_TIME_LEN + 1], expected[64];
    int64_t v;

    (void)state;
    for (int64_t t = -12219292800; t < 13000000000; t += 86399) {
        time_t raw = (time_t)t;
        struct tm tm;

        assert_non_null(gmtime_r(&raw, &tm));
        assert_int_equal(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm), 20);
        ja_time_format(t, text);
        assert_string_equal(text, expected);
        assert_true(ja_parse_when(text, 0, &v));
        assert_int_equal(v, t);
    }
    ja_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    ja_time_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

/* R27, CVE-2021-42574: what would move the cursor, forge a line or turn text around is shown as \xNN. */
static void r27_escapes(void **state)
{
    const struct { const char *in, *out; } rows[] = {
        {"plain \xc3\xa9", "plain \xc3\xa9"}, {"a\\b", "a\\\\b"}, {"a\nb\r\t", "a\\x0ab\\x0d\\x09"},
        {"\x1b]0;x\x07", "\\x1b]0;x\\x07"}, {"\x7f", "\\x7f"}, {"\xc2\x9b" "2J", "\\xc2\\x9b2J"},
        {"\xff\xc3", "\\xff\\xc3"}, {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, {"\xe2\x80\xaegnp", "\\xe2\\x80\\xaegnp"},
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9"}, {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
        {"\xe2\x80\x8f", "\\xe2\\x80\\x8f"}, {"\xe2\x80\x8d", "\xe2\x80\x8d"}, {"\xc2\xa0", "\xc2\xa0"}};
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(ja_text_escape(rows[i].in, out, sizeof out));
        assert_string_equal(out, rows[i].out);
    }
    assert_true(ja_text_escape_n("a\0b", 3, out, sizeof out));
    assert_string_equal(out, "a\\x00b");
}

/* At every buffer size: terminated, a prefix, nothing cut in two. */
static void escapes_are_cut_whole(void **state)
{
    const char *in = "ab\x1b\xc3\xa9\\z";
    const char *cuts[] = {"", "a", "ab", "ab", "ab", "ab", "ab\\x1b", "ab\\x1b", "ab\\x1b\xc3\xa9", "ab\\x1b\xc3\xa9",
                          "ab\\x1b\xc3\xa9\\\\", "ab\\x1b\xc3\xa9\\\\z"};
    char out[32];

    (void)state;
    for (size_t size = 1; size <= 12; size++) {
        memset(out, '#', sizeof out);
        assert_int_equal(ja_text_escape(in, out, size), size == 12);
        assert_string_equal(out, cuts[size - 1]);
        assert_int_equal(out[size], '#');
    }
    assert_false(ja_text_escape(in, out, 0));
}

static void base64url_is_strict(void **state)
{
    const char *bad[] = {"A", "AAAAA", "AB", "AAB", "AA=", "AA==", "A+A", "A/A", "AA A", " AAA", "AAA\n", "AA.A", "\xc3\xa9"};
    unsigned char bin[16];
    char text[JA_B64_SIZE(4)];
    size_t len = 77;

    (void)state;
    ja_b64_encode("\xff\xfe\xfd", 3, text, sizeof text);
    assert_string_equal(text, "__79");
    ja_b64_encode("f", 1, text, sizeof text);
    assert_string_equal(text, "Zg");
    ja_b64_encode("", 0, text, sizeof text);
    assert_string_equal(text, "");
    ja_b64_encode("four", 4, text, 6); /* one too small: empty, not an abort */
    assert_string_equal(text, "");
    assert_true(ja_b64_decode("Zm9vYmE", 7, bin, sizeof bin, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(bin, "fooba", 5);
    assert_true(ja_b64_decode("", 0, bin, sizeof bin, &len) && len == 0);
    len = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ja_b64_decode(bad[i], strlen(bad[i]), bin, sizeof bin, &len))
            fail_msg("taken: '%s'", bad[i]);
        assert_int_equal(len, 77);
    }
    assert_false(ja_b64_decode("AA\0A", 4, bin, sizeof bin, &len));
    /* R16: one text for one value; libsodium 1.0.18 by itself takes every one of these for '_' */
    for (int c = 0x80; c <= 0xff; c++)
        assert_false(ja_b64_decode((char[]){'A', 'A', 'A', (char)c}, 4, bin, sizeof bin, &len));
    assert_true(ja_b64_decode("AAA_", 4, bin, sizeof bin, &len));
    assert_false(ja_b64_decode("AAAA", 4, bin, 2, &len)); /* does not fit */
}

static void uuids_are_version_7_and_sort_by_time(void **state)
{
    char a[JA_UUID_LEN + 1], b[JA_UUID_LEN + 1], bad[JA_UUID_LEN + 2];

    (void)state;
    assert_int_equal(ja_uuid_new(INT64_C(0x0123456789ab), a, NULL), JA_OK);
    assert_int_equal(ja_uuid_new(INT64_C(0x0123456789ac), b, NULL), JA_OK);
    assert_memory_equal(a, "01234567-89ab-7", 15);
    assert_non_null(strchr("89ab", a[19]));
    assert_true(strcmp(a, b) < 0);
    assert_true(ja_uuid_valid(a));
    assert_int_equal(ja_uuid_new(INT64_C(0x0123456789ab), b, NULL), JA_OK);
    assert_string_not_equal(a, b);
    for (int i = 0; i < JA_UUID_LEN; i++) {
        memcpy(bad, a, sizeof a);
        bad[i] = bad[i] == '-' ? 'a' : 'G';
        assert_false(ja_uuid_valid(bad));
        bad[i] = 0;
        assert_false(ja_uuid_valid(bad));
    }
    (void)snprintf(bad, sizeof bad, "%s0", a);
    assert_false(ja_uuid_valid(bad));
    assert_false(ja_uuid_valid("01234567-89AB-7000-8000-000000000000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r5_user_names_are_exact),
        cmocka_unit_test(r5_every_single_character),
        cmocka_unit_test(utf8_edges),
        cmocka_unit_test(texts_have_no_controls),
        cmocka_unit_test(emails),
        cmocka_unit_test(phones),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(durations),
        cmocka_unit_test(durations_are_shown_as_they_parse),
        cmocka_unit_test(sizes),
        cmocka_unit_test(rfc3339),
        cmocka_unit_test(times_agree_with_the_c_library),
        cmocka_unit_test(r27_escapes),
        cmocka_unit_test(escapes_are_cut_whole),
        cmocka_unit_test(base64url_is_strict),
        cmocka_unit_test(uuids_are_version_7_and_sort_by_time),
    };

    if (ja_crypto_init(NULL) != JA_OK)
        return 99;
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
