#include "common/base/dynload.h"

#include <dlfcn.h>

enum ja_status ja_dl_load(const char *soname, const struct ja_dl_symbol *symbols, size_t count,
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
        *symbols[i].slot = found[i];
    (void)dlclose(lib);
    return JA_OK;
}
