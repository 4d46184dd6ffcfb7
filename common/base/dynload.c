#include "common/base/dynload.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

/* One thread fills; the last slot, stored last, tells the others that all are there. */
static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER;

static bool filled(const struct ja_dl_symbol *symbols, size_t count)
{
    return __atomic_load_n(symbols[count - 1].slot, __ATOMIC_ACQUIRE) != NULL;
}

static enum ja_status fill(const char *soname, const struct ja_dl_symbol *symbols, size_t count,
                           struct ja_error *err)
{
    void *found[64];
    void *lib;

    if (count > sizeof found / sizeof found[0])
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "too many symbols");
    /* The handle is kept on purpose: libraries such as libpwquality hold state. */
    lib = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!lib)
        return ja_fail(err, JA_ERR_UNSUPPORTED, "library_missing",
                       "%s could not be loaded: install its package", soname);
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
