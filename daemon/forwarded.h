/* Whose request a trusted proxy passes on: the X-Forwarded-For that it made. */
#ifndef JA_DAEMON_FORWARDED_H
#define JA_DAEMON_FORWARDED_H

#include "common/base/config.h"

#include <stdbool.h>

#define FORWARDED_MAX 64 /* a numeric address as text, with its NUL */

/* The rightmost address of the chain that is not one of the trusted proxies; all are: the leftmost. An item that is no
 * address ends the search: what was found before it counts. False: none was found, ret is untouched. */
bool forwarded_client(const struct ja_netlist *trusted, const char *chain, char ret[FORWARDED_MAX]);

#endif
