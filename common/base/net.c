#include "common/base/net.h"

#include "common/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static unsigned width(const struct ja_addr *a)
{
    return a->family == AF_INET ? 32 : 128;
}

/* Returns true when it was an IPv4-mapped address and is an IPv4 one now. */
static bool unmap(struct ja_addr *a)
{
    if (a->family != AF_INET6 || memcmp(a->bytes, mapped, sizeof mapped) != 0)
        return false;
    a->family = AF_INET;
    memmove(a->bytes, a->bytes + sizeof mapped, 4);
    memset(a->bytes + 4, 0, 12);
    return true;
}

static bool parse_plain(const char *s, struct ja_addr *ret)
{
    struct ja_addr a = {0};

    if (inet_pton(AF_INET, s, a.bytes) == 1)
        a.family = AF_INET;
    else if (inet_pton(AF_INET6, s, a.bytes) == 1)
        a.family = AF_INET6;
    else
        return false;
    *ret = a;
    return true;
}

/* An interface's name or number: IFNAMSIZ less the NUL, nothing exotic. */
static bool zone_valid(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return n >= 1 && n <= 15 && s[n] == 0;
}

bool ja_addr_parse(const char *s, struct ja_addr *ret)
{
    char text[INET6_ADDRSTRLEN];
    const char *zone;
    size_t len;
    struct ja_addr a = {0};

    if (!s)
        return false;
    zone = strchr(s, '%');
    len = zone ? (size_t)(zone - s) : strlen(s);
    if (len >= sizeof text || (zone && !zone_valid(zone + 1)))
        return false;
    memcpy(text, s, len);
    text[len] = 0;
    if (!parse_plain(text, &a) || (zone && a.family != AF_INET6))
        return false;
    (void)unmap(&a);
    *ret = a;
    return true;
}

static void mask(struct ja_addr *a, unsigned prefix)
{
    for (unsigned i = 0; i < width(a) / 8; i++) {
        unsigned keep = prefix > i * 8 ? prefix - i * 8 : 0;
        if (keep < 8)
            a->bytes[i] &= (unsigned char)(0xff00u >> keep);
    }
}

bool ja_net_parse(const char *s, struct ja_net *ret)
{
    char text[INET6_ADDRSTRLEN];
    const char *slash = strchr(s, '/');
    size_t len = slash ? (size_t)(slash - s) : strlen(s);
    struct ja_net net = {0};
    struct ja_addr bare;
    int64_t prefix;

    if (len >= sizeof text)
        return false;
    memcpy(text, s, len);
    text[len] = 0;
    if (!parse_plain(text, &net.addr))
        return false;
    prefix = width(&net.addr);
    if (slash && !ja_parse_i64(slash + 1, 0, prefix, &prefix))
        return false;
    bare = net.addr;
    mask(&bare, (unsigned)prefix);
    if (memcmp(&bare.bytes, &net.addr.bytes, sizeof bare.bytes) != 0)
        return false;
    /* A net of mapped addresses is one of IPv4; masking above has shown that the prefix covers ::ffff. */
    if (unmap(&net.addr))
        prefix -= 96;
    net.prefix = (unsigned)prefix;
    *ret = net;
    return true;
}

bool ja_net_contains(const struct ja_net *net, const struct ja_addr *addr)
{
    struct ja_addr a = *addr;

    if (a.family == 0 || a.family != net->addr.family)
        return false;
    mask(&a, net->prefix);
    return memcmp(a.bytes, net->addr.bytes, width(&a) / 8) == 0;
}

void ja_net_bucket(const struct ja_addr *addr, unsigned v4_prefix, unsigned v6_prefix,
                   char out[JA_NET_TEXT])
{
    struct ja_addr a = *addr;
    unsigned prefix = a.family == AF_INET ? v4_prefix : v6_prefix;
    char text[INET6_ADDRSTRLEN];

    if (a.family == 0) {
        (void)snprintf(out, JA_NET_TEXT, "local");
        return;
    }
    prefix = prefix > width(&a) ? width(&a) : prefix;
    mask(&a, prefix);
    if (!inet_ntop(a.family, a.bytes, text, sizeof text))
        text[0] = 0;
    (void)snprintf(out, JA_NET_TEXT, "%s/%u", text, prefix);
}
