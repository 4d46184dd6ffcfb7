/* Libraries loaded late: what a command or a login does not use costs it nothing (LIMITS.md).
 *
 * Called like systemd's dlopen helpers: a table of symbols filled at first use and kept until the process
 * ends.  Only fixed sonames, looked up by the dynamic loader's own rules (in AT_SECURE processes
 * it ignores LD_LIBRARY_PATH).
 * A library that could not be loaded is not tried again by this process; sonames are literals.
 * Threads: may be called by several at once, and by each before it uses a slot: it costs one load then.
 */
#ifndef JA_BASE_DYNLOAD_H
#define JA_BASE_DYNLOAD_H

#include "common/base/status.h"

struct ja_dl_symbol {
    const char *name;
    void **slot; /* where the address goes; written only when every symbol was found */
};

/* JA_ERR_UNSUPPORTED "library_missing" names the soname; all or nothing. At least one symbol. */
enum ja_status ja_dl_load(const char *soname, const struct ja_dl_symbol *symbols, size_t count,
                          struct ja_error *err);

#endif
