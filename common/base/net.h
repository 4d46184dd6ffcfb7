/* Numeric addresses and networks; nothing here resolves a name.
 *
 * PAM_RHOST and X-Forwarded-For are hostile text: only a text that inet_pton takes counts.
 * IPv4-mapped IPv6 counts as IPv4; a zone id (%eth0) is dropped.
 */
#ifndef JA_BASE_NET_H
#define JA_BASE_NET_H

#include <stdbool.h>
#include <stddef.h>

struct ja_addr {
    int family; /* AF_INET, AF_INET6, 0: none */
    unsigned char bytes[16];
};

struct ja_net {
    struct ja_addr addr;
    unsigned prefix;
};

#define JA_NET_TEXT 64

bool ja_addr_parse(const char *s, struct ja_addr *ret);
/* "10.0.0.0/8", "2001:db8::/32", or a bare address; host bits must be zero. */
bool ja_net_parse(const char *s, struct ja_net *ret);
bool ja_net_contains(const struct ja_net *net, const struct ja_addr *addr);
/* The source bucket of an address: "192.0.2.0/24", "2001:db8::/56"; "local" for family 0. */
void ja_net_bucket(const struct ja_addr *addr, unsigned v4_prefix, unsigned v6_prefix,
                   char out[JA_NET_TEXT]);

#endif
