/* Addresses and networks from hostile text (PAM_RHOST, X-Forwarded-For) and from the configuration. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/base/net.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct ja_addr addr(const char *s)
{
    struct ja_addr a = {0};

    if (!ja_addr_parse(s, &a))
        fail_msg("refused: '%s'", s);
    return a;
}

static struct ja_net net(const char *s)
{
    struct ja_net n = {0};

    if (!ja_net_parse(s, &n))
        fail_msg("refused: '%s'", s);
    return n;
}

static bool in(const char *n, const char *a)
{
    struct ja_net network = net(n);
    struct ja_addr address = addr(a);

    return ja_net_contains(&network, &address);
}

static void addresses(void **state)
{
    struct ja_addr a;

    (void)state;
    a = addr("192.0.2.1");
    assert_int_equal(a.family, AF_INET);
    assert_memory_equal(a.bytes, "\xc0\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    a = addr("2001:db8::1");
    assert_int_equal(a.family, AF_INET6);
    assert_int_equal(a.bytes[15], 1);
}

/* CVE-2021-29921: leading zeros were octal for some; names are never resolved. */
static void only_numeric_addresses_count(void **state)
{
    const char *bad[] = {"", " ", "localhost", "example.org", "192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.01",
                         "010.0.0.1", "0x7f.0.0.1", "2130706433", "192.0.2.1 ", " 192.0.2.1", "192.0.2.1\n", "192.0.2.1/24", "1.2.3.4%eth0",
                         "[::1]", "::1]", ":::", "1::2::3", "::g", "12345::", "fe80::1%", "fe80::1%a/b", "fe80::1%a b", "fe80::1%\x1b[31m",
                         "fe80::1%abcdefghijklmnop", "fe80::1%a%b", "192.0.2.1,10.0.0.1", "::ffff:192.0.2.256", "-1.0.0.0", "UNKNOWN",
                         "1.2.3.4;id", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"};
    struct ja_addr a = {.family = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ja_addr_parse(bad[i], &a))
            fail_msg("taken: '%s'", bad[i]);
        assert_int_equal(a.family, 77);
    }
    assert_false(ja_addr_parse(NULL, &a));
}

static void mapped_addresses_are_ipv4(void **state)
{
    struct ja_addr a = addr("::ffff:192.0.2.1"), b = addr("192.0.2.1"), c = addr("::ffff:c000:201");

    (void)state;
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(&c, &b, sizeof c);
    assert_int_equal(addr("::192.0.2.1").family, AF_INET6); /* "compatible" is not mapped */
}

static void zones_are_dropped(void **state)
{
    struct ja_addr a = addr("fe80::1%eth0.100"), b = addr("fe80::1");

    (void)state;
    assert_memory_equal(&a, &b, sizeof a);
}

static void networks(void **state)
{
    const char *bad[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.0/8 ",
                         "10.0.0.1/8", "10.0.0.0/8/8", "2001:db8::/129", "2001:db8::1/32", "10.0.0.0/255.0.0.0", "host/8",
                         "fe80::%eth0/64", "::ffff:10.0.0.0/90", "10/8", "192.0.2.128/24", "192.0.2.1/31"};
    struct ja_net n = {.prefix = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ja_net_parse(bad[i], &n))
            fail_msg("taken: '%s'", bad[i]);
        assert_int_equal(n.prefix, 77);
    }
    assert_int_equal(net("192.0.2.1").prefix, 32);
    assert_int_equal(net("::1").prefix, 128);
    assert_int_equal(net("0.0.0.0/0").prefix, 0);
    assert_int_equal(net("::ffff:10.0.0.0/104").prefix, 8);
    assert_int_equal(net("::ffff:10.0.0.0/104").addr.family, AF_INET);
}

static void membership(void **state)
{
    struct ja_net all = net("0.0.0.0/0"), nothing = {0};
    struct ja_addr none = {0};

    (void)state;
    assert_true(in("10.0.0.0/8", "10.255.255.255"));
    assert_false(in("10.0.0.0/8", "11.0.0.0"));
    assert_true(in("192.0.2.128/25", "192.0.2.128"));
    assert_false(in("192.0.2.128/25", "192.0.2.127"));
    assert_true(in("192.0.2.2/31", "192.0.2.3"));
    assert_false(in("192.0.2.2/31", "192.0.2.4"));
    assert_true(in("192.0.2.1", "192.0.2.1"));
    assert_false(in("192.0.2.1", "192.0.2.0"));
    assert_true(in("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(in("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_true(in("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(in("2001:db8::/33", "2001:db8:8000::1"));
    assert_false(in("0.0.0.0/0", "::1"));
    assert_false(in("::/0", "10.0.0.1"));
    assert_false(ja_net_contains(&all, &none)); /* no address is in no network */
    assert_false(ja_net_contains(&nothing, &none));
}

static void buckets(void **state)
{
    const struct { const char *a; unsigned p4, p6; const char *out; } rows[] = {
        {"192.0.2.77", 24, 56, "192.0.2.0/24"}, {"192.0.2.77", 32, 56, "192.0.2.77/32"}, {"192.0.2.77", 0, 56, "0.0.0.0/0"},
        {"192.0.2.77", 26, 56, "192.0.2.64/26"}, {"192.0.2.77", 99, 56, "192.0.2.77/32"}, {"::ffff:192.0.2.77", 24, 56, "192.0.2.0/24"},
        {"2001:db8:1:2ff::1", 24, 56, "2001:db8:1:200::/56"}, {"2001:db8::1", 24, 128, "2001:db8::1/128"}};
    char out[JA_NET_TEXT];
    struct ja_addr none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ja_addr a = addr(rows[i].a);
        ja_net_bucket(&a, rows[i].p4, rows[i].p6, out);
        assert_string_equal(out, rows[i].out);
    }
    ja_net_bucket(&none, 24, 56, out);
    assert_string_equal(out, "local");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(only_numeric_addresses_count),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(zones_are_dropped),
        cmocka_unit_test(networks),
        cmocka_unit_test(membership),
        cmocka_unit_test(buckets),
    };

    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
