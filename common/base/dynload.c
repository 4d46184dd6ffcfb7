#include "common/base/dynload.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <stdbool.h>

/* One thread fills; the last slot, stored last, tells the others that all are there. */
static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER;

static bool filled(const struct ja_dl_symbol *symbols, size_t count)
{
    return __atomic_load_n(symbols[count - 1].slot, __ATOMIC_ACQUIRE) != NULL;
}

/* glibc 2.36: when dlopen(3) runs out of memory half-way, the next one finds the library loaded and hands out functions
 * that were never relocated. So a library that failed once is not tried again in this process. */
static const char *failed[16];

static bool failed_before(const char *soname)
{
    for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
        if (failed[i] && strcmp(failed[i], soname) == 0)
            return true;
    return failed[sizeof failed / sizeof *failed - 1] != NULL; /* full: nothing is loaded any more */
}

static void note_failed(const char *soname)
{
    for (size_t i = 0; i < sizeof failed / sizeof *failed && !failed_before(soname); i++)
        if (!failed[i])
            failed[i] = soname;
}

static enum ja_status fill(const char *soname, const struct ja_dl_symbol *symbols, size_t count,
                           struct ja_error *err)
{
    void *found[64];
    void *lib;

    if (count > sizeof found / sizeof found[0])
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "too many symbols");
    /* The handle is kept on purpose: libraries such as libpwquality hold state. */
    lib = failed_before(soname) ? NULL : dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!lib) {
        note_failed(soname);
        return ja_fail(err, JA_ERR_UNSUPPORTED, "library_missing",
                       "%s could not be loaded: install its package", soname);
    }
    for (size_t i = 0; i < count; i++) {
        found[i] = dlsym(lib, symbols[i].name);
        if (!found[i]) {
            (void)dlclose(lib);
            return ja_fail(err, JA_ERR_UNSUPPORTED, "library_missing", "%s lacks %s", soname,
                           symbols[i].name);
        }
    }
    for (size_t i = 0; i < count; i++)
        __atomic_store_n(symbols[i].slot, found[i], __ATOMIC_RELEASE);
    (void)dlclose(lib);
    return JA_OK;
}

enum ja_status ja_dl_load(const char *soname, const struct ja_dl_symbol *symbols, size_t count,
                          struct ja_error *err)
{
    enum ja_status st = JA_OK;

    if (filled(symbols, count))
        return JA_OK;
    if (pthread_mutex_lock(&filling) != 0)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "the libraries cannot be locked");
    if (!filled(symbols, count))
        st = fill(soname, symbols, count, err);
    (void)pthread_mutex_unlock(&filling);
    return st;
}
