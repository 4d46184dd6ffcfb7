/* Guarded memory for secrets (libsodium's sodium_malloc: guard pages, locked, wiped on free).
 *
 * Ownership: a struct ja_secret is the caller's; the buffer is its own and ends with
 * ja_secret_clear, which accepts an all-zero struct.  The capacity is fixed at init: it never grows
 * by realloc.  There is no print function.  data[len] is always 0, so data is a C string when the
 * secret has no NUL (capacity is one byte more than asked for that).
 * Threads: one thread at a time per struct.
 */
#ifndef JA_BASE_SECRET_H
#define JA_BASE_SECRET_H

#include "common/base/status.h"

#include <stdbool.h>

/* PAM's response limit (PAM_MAX_RESP_SIZE is 512 with the NUL). */
#define JA_PASSWORD_MAX 511

struct ja_secret {
    unsigned char *data;
    size_t len;
    size_t cap; /* without the final 0 */
};

/* Must be called once per process before any other call here; cheap when repeated; thread-safe. */
enum ja_status ja_crypto_init(struct ja_error *err);

enum ja_status ja_secret_init(struct ja_secret *s, size_t cap, struct ja_error *err);
/* init + copy */
enum ja_status ja_secret_from(struct ja_secret *s, const void *data, size_t len,
                              struct ja_error *err);
/* Appends; JA_ERR_INVALID when it does not fit. */
enum ja_status ja_secret_append(struct ja_secret *s, const void *data, size_t len,
                                struct ja_error *err);
void ja_secret_clear(struct ja_secret *s);
/* Constant time in the contents, not in the lengths. */
bool ja_secret_equal(const struct ja_secret *a, const void *data, size_t len);

/* Fills from the kernel's generator (getrandom); a failure is an error, never a weaker source. */
enum ja_status ja_random(void *buf, size_t len, struct ja_error *err);

/* Wipes the stack below the caller's frame, as deep as this code and its libraries go: they leave words of
 * keys in frames that are gone (libsodium's BLAKE2b of the master key, OpenSSL's numbers). */
#define JA_STACK_WIPE ((size_t)48 * 1024)
void ja_stack_wipe(void);

/* Wipes a C string in ordinary memory and frees it; NULL is accepted. */
void ja_wipe_free(char *s);

#endif
