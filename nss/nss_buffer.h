/* Inside of libnss_jwtauth: the caller's buffer, and the answers of nsswitch. */
#ifndef JA_NSS_BUFFER_H
#define JA_NSS_BUFFER_H

#include "common/base/nss_snapshot.h"

#include <nss.h>
#include <stdatomic.h>

/* Hands out the caller's buffer piece by piece; `full` once something did not fit. */
struct nss_buffer {
    char *at;
    size_t left;
    bool full;
};

/* Aligned room for pointers. */
char **nss_buffer_pointers(struct nss_buffer *b, size_t n);
/* A copy with a NUL. */
char *nss_buffer_text(struct nss_buffer *b, const char *text, size_t len);

bool nss_open(struct ja_nss_file *ret);
/* TRYAGAIN with ERANGE, UNAVAIL and NOTFOUND with ENOENT; *errnop is set but for SUCCESS. */
enum nss_status nss_answer(enum ja_nss_result r, bool full, int *errnop);
/* Whether the local files have the name, and with which uid (nss_local.c). false: cannot be told. */
bool nss_local_uid(const char *name, bool *ret_there, uint32_t *ret_uid);

/* How far a walk through all entries has come: the last id in the low half, its row in the high one. */
typedef _Atomic uint64_t nss_cursor;

#endif
