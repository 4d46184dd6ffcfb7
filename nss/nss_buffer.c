#include "nss/nss_buffer.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Where configure was told that the cache folder is; the configuration is not read here. */
#define SNAPSHOT JA_NSS_CACHEDIR "/" JA_NSS_SNAPSHOT_NAME

char **nss_buffer_pointers(struct nss_buffer *b, size_t n)
{
    size_t pad = -(uintptr_t)b->at % _Alignof(char *);
    char **ret;

    if (b->left < pad || n > (b->left - pad) / sizeof *ret) {
        b->full = true;
        return NULL;
    }
    ret = (char **)(void *)(b->at + pad);
    b->at += pad + n * sizeof *ret;
    b->left -= pad + n * sizeof *ret;
    return ret;
}

char *nss_buffer_text(struct nss_buffer *b, const char *text, size_t len)
{
    char *ret = b->at;

    if (len >= b->left) {
        b->full = true;
        return NULL;
    }
    memcpy(ret, text, len);
    ret[len] = 0;
    b->at += len + 1;
    b->left -= len + 1;
    return ret;
}

bool nss_open(struct ja_nss_file *ret)
{
    return ja_nss_open(SNAPSHOT, 0, ret) == JA_NSS_FOUND;
}

enum nss_status nss_answer(enum ja_nss_result r, bool full, int *errnop)
{
    if (full) {
        *errnop = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    if (r == JA_NSS_FOUND)
        return NSS_STATUS_SUCCESS;
    *errnop = ENOENT;
    return r == JA_NSS_NONE ? NSS_STATUS_NOTFOUND : NSS_STATUS_UNAVAIL;
}
