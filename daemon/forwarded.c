#include "daemon/forwarded.h"

#include "common/base/net.h"

#include <string.h>

#define BLANKS " \t" /* RFC 9110 section 5.6.3 */

static bool ours(const struct ja_netlist *trusted, const struct ja_addr *addr)
{
    for (size_t i = 0; i < trusted->len; i++)
        if (ja_net_contains(&trusted->items[i], addr))
            return true;
    return false;
}

/* One item of a list without the blanks around it. */
static bool take_item(const char *start, const char *end, char ret[FORWARDED_MAX])
{
    while (start < end && strchr(BLANKS, *start))
        start++;
    while (start < end && strchr(BLANKS, end[-1]))
        end--;
    if ((size_t)(end - start) >= FORWARDED_MAX)
        return false;
    memset(ret, 0, FORWARDED_MAX);
    memcpy(ret, start, (size_t)(end - start));
    return true;
}

/* Proxies append: what the client itself put there stands further left than what a proxy saw. */
bool forwarded_client(const struct ja_netlist *trusted, const char *chain, char ret[FORWARDED_MAX])
{
    const char *end = chain + strlen(chain), *start;
    bool found = false;

    for (;; end = start - 1) {
        char text[FORWARDED_MAX];
        struct ja_addr addr;

        for (start = end; start > chain && start[-1] != ','; start--)
            ;
        if (!take_item(start, end, text) || !ja_addr_parse(text, &addr))
            return found;
        memcpy(ret, text, FORWARDED_MAX);
        found = true;
        if (start == chain || !ours(trusted, &addr))
            return true;
    }
}
