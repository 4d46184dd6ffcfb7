/* The small parsers: names, addresses, numbers, times, base64url, networks, escaping. */
#include "common/base/net.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>

static void check_escape(const char *s, size_t len, size_t size)
{
    char *out = malloc(size ? size : 1); /* exact: a byte too many is seen */
    bool whole;

    FUZZ_DEMAND(out != NULL);
    whole = ja_text_escape_n(s, len, out, size);
    if (size > 0) {
        FUZZ_DEMAND(memchr(out, 0, size) != NULL);
        FUZZ_DEMAND(ja_text_valid(out, size)); /* UTF-8 without control characters */
        FUZZ_DEMAND(!strstr(out, "\xe2\x80\xa8") && !strstr(out, "\xe2\x80\xae")); /* CVE-2021-42574 */
    }
    FUZZ_DEMAND(whole || size < len * 4 + 1);
    free(out);
}

static void check_names(const char *s)
{
    char email[JA_EMAIL_MAX + 1], phone[JA_PHONE_MAX + 1], again[JA_EMAIL_MAX + 1];

    if (ja_username_valid(s))
        FUZZ_DEMAND(strlen(s) >= 1 && strlen(s) <= 32 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(s) && s[0] != '-');
    if (ja_email_normalize(s, email)) {
        const char *at = strchr(email, '@');

        FUZZ_DEMAND(at && at > email && at[1] && !strchr(at + 1, '@') && email[0] != '-');
        FUZZ_DEMAND(!strpbrk(email, " \t\r\n<>\"(),:;\\[]") && ja_text_valid(email, JA_EMAIL_MAX));
        FUZZ_DEMAND(ja_email_normalize(email, again) && strcmp(email, again) == 0);
    }
    if (ja_phone_normalize(s, phone)) {
        FUZZ_DEMAND(phone[0] == '+' && strlen(phone) <= 16 && strspn(phone + 1, "0123456789") == strlen(phone) - 1);
        FUZZ_DEMAND(ja_phone_normalize(phone, again) && strcmp(phone, again) == 0);
    }
    if (ja_uuid_valid(s))
        FUZZ_DEMAND(strlen(s) == JA_UUID_LEN && strspn(s, "0123456789abcdef-") == JA_UUID_LEN);
    if (ja_text_valid(s, JA_TEXT_MAX))
        FUZZ_DEMAND(strlen(s) <= JA_TEXT_MAX && ja_utf8_valid(s, strlen(s)) && !strpbrk(s, "\n\r\t\x1b\x7f"));
}

static void check_numbers(const char *s)
{
    int64_t n = 0, again = 0;
    char out[64];

    if (ja_parse_i64(s, -1000, INT64_MAX, &n)) {
        FUZZ_DEMAND(n >= -1000);
        (void)snprintf(out, sizeof out, "%lld", (long long)n);
        FUZZ_DEMAND(ja_parse_i64(out, n, n, &again) && again == n);
    }
    if (ja_parse_duration(s, &n)) {
        FUZZ_DEMAND(n >= 0);
        ja_duration_format(n, out, sizeof out);
        FUZZ_DEMAND(ja_parse_duration(out, &again) && again == n);
    }
    if (ja_parse_size(s, &n))
        FUZZ_DEMAND(n >= 0);
    if (ja_parse_when(s, 1780000000, &n)) {
        char time[JA_TIME_LEN + 1] = "";

        ja_time_format(n, time);
        if (n >= -INT64_C(62135596800) && n <= INT64_C(253402300799)) /* years 1 to 9999 */
            FUZZ_DEMAND(ja_parse_when(time, 0, &again) && again == n);
    }
}

static void check_base64(const char *s, size_t len)
{
    unsigned char *bin = malloc(len + 1);
    char *text = malloc(JA_B64_SIZE(len));
    size_t bin_len = 0;

    FUZZ_DEMAND(bin && text);
    if (ja_b64_decode(s, len, bin, len, &bin_len)) {
        FUZZ_DEMAND(bin_len <= len);
        ja_b64_encode(bin, bin_len, text, JA_B64_SIZE(len));
        FUZZ_DEMAND(strlen(text) == len && memcmp(text, s, len) == 0); /* one text for one value */
    }
    ja_b64_encode(s, len, text, JA_B64_SIZE(len));
    FUZZ_DEMAND(ja_b64_decode(text, strlen(text), bin, len, &bin_len));
    FUZZ_DEMAND(bin_len == len && memcmp(bin, s, len) == 0);
    free(text);
    free(bin);
}

static void check_bucket(const struct ja_addr *addr)
{
    char out[JA_NET_TEXT] = "";
    struct ja_net net = {0};

    ja_net_bucket(addr, 24, 56, out);
    FUZZ_DEMAND(ja_net_parse(out, &net) && ja_net_contains(&net, addr));
    FUZZ_DEMAND(net.prefix == (addr->family == AF_INET ? 24 : 56));
}

static void check_nets(const char *s)
{
    struct ja_addr addr = {0}, again = {0};
    struct ja_net net = {0};
    char text[INET6_ADDRSTRLEN], cidr[INET6_ADDRSTRLEN + 8];

    if (ja_addr_parse(s, &addr)) {
        FUZZ_DEMAND(addr.family == AF_INET || addr.family == AF_INET6);
        FUZZ_DEMAND(inet_ntop(addr.family, addr.bytes, text, sizeof text));
        FUZZ_DEMAND(ja_addr_parse(text, &again) && memcmp(&addr, &again, sizeof addr) == 0);
        check_bucket(&addr);
    }
    if (ja_net_parse(s, &net)) {
        FUZZ_DEMAND(net.prefix <= (net.addr.family == AF_INET ? 32u : 128u));
        FUZZ_DEMAND(ja_net_contains(&net, &net.addr));
        FUZZ_DEMAND(inet_ntop(net.addr.family, net.addr.bytes, text, sizeof text));
        (void)snprintf(cidr, sizeof cidr, "%s/%u", text, net.prefix);
        FUZZ_DEMAND(ja_net_parse(cidr, &net));
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    char *s = fuzz_text(&in, 0);

    check_escape((const char *)data, size, size * 4 + 1);
    check_escape((const char *)data, size, size ? data[0] % (size + 1) : 0);
    check_base64((const char *)data, size);
    check_names(s);
    check_numbers(s);
    check_nets(s);
    free(s);
    return 0;
}
