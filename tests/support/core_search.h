/* Looks through the whole memory of another process for what must not be there (SECURITY R29, CVE-2024-10041).
 *
 * A needle is found by any eight bytes of it in a row (sixteen of its codings): malloc overwrites the first sixteen of what
 * is freed, and a stack frame most of what was there.  So every needle has to be random over its
 * whole length.
 */
#ifndef JA_TEST_CORE_SEARCH_H
#define JA_TEST_CORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CORE_WINDOW 8 /* bytes */

struct core_window { uint64_t bytes, last; size_t run; const char *name; };
struct core_search {
    struct core_window *windows;
    size_t count, size;
    unsigned char *filter;
};

/* Text as it stands, in lower case, both backwards (cracklib), in hexadecimal and in base64url. `name` is borrowed. */
void core_add_text(struct core_search *s, const char *name, const char *text);
/* Bytes as they stand, last first (OpenSSL's numbers), in hexadecimal and in base64url. */
void core_add_bytes(struct core_search *s, const char *name, const void *data, size_t len);
void core_clear(struct core_search *s);

struct core_finding {
    long hits;
    size_t bytes;       /* searched */
    char text[4096];    /* "password in [heap] (3)\n..." */
};
/* Memory behind `mem` (an open /proc/PID/mem), mapped as /proc/PID/maps says. */
void core_look(struct core_search *s, pid_t pid, int mem, struct core_finding *ret);

#endif
