#include "common/domain/wipe_freed.h"

#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(void *p)
{
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *plain_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return malloc(n);
}

static void wiping_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    wipe_and_free(p);
}

/* realloc(3) may move, and leaves what was there. */
static void *wiping_realloc(void *p, size_t n, const char *file, int line)
{
    size_t old = malloc_usable_size(p);
    void *moved;

    (void)file, (void)line;
    if (!p || n == 0) {
        wipe_and_free(p);
        return n == 0 ? NULL : malloc(n);
    }
    moved = malloc(n);
    if (!moved)
        return NULL;
    memcpy(moved, p, old < n ? old : n);
    wipe_and_free(p);
    return moved;
}

bool ja_wipe_freed(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
    return CRYPTO_set_mem_functions(plain_malloc, wiping_realloc, wiping_free) == 1;
}
