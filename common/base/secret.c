#include "common/base/secret.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum ja_status ja_crypto_init(struct ja_error *err)
{
    if (sodium_init() < 0)
        return ja_fail(err, JA_ERR_CRYPTO, "crypto_init", "libsodium could not be initialised");
    return JA_OK;
}

enum ja_status ja_secret_init(struct ja_secret *s, size_t cap, struct ja_error *err)
{
    unsigned char *data = sodium_malloc(cap + 1);

    *s = (struct ja_secret){0};
    if (!data)
        return ja_fail_nomem(err);
    data[0] = 0;
    s->data = data;
    s->cap = cap;
    return JA_OK;
}

enum ja_status ja_secret_from(struct ja_secret *s, const void *data, size_t len,
                              struct ja_error *err)
{
    enum ja_status st = ja_secret_init(s, len, err);

    return st == JA_OK ? ja_secret_append(s, data, len, err) : st;
}

enum ja_status ja_secret_append(struct ja_secret *s, const void *data, size_t len,
                                struct ja_error *err)
{
    if (len > s->cap - s->len)
        return ja_fail(err, JA_ERR_INVALID, "too_long", "input is longer than %zu bytes", s->cap);
    if (len > 0)
        memcpy(s->data + s->len, data, len);
    s->len += len;
    s->data[s->len] = 0;
    return JA_OK;
}

void ja_secret_clear(struct ja_secret *s)
{
    if (!s)
        return;
    sodium_free(s->data); /* wipes; accepts NULL */
    *s = (struct ja_secret){0};
}

bool ja_secret_equal(const struct ja_secret *a, const void *data, size_t len)
{
    return a->len == len && sodium_memcmp(a->data, data, len) == 0;
}

enum ja_status ja_random(void *buf, size_t len, struct ja_error *err)
{
    unsigned char *p = buf;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ja_fail(err, JA_ERR_CRYPTO, "no_randomness",
                           "the kernel gave no random bytes");
        p += n;
        len -= (size_t)n;
    }
    return JA_OK;
}

void ja_stack_wipe(void)
{
    sodium_stackzero(JA_STACK_WIPE);
}

void ja_wipe_free(char *s)
{
    if (!s)
        return;
    sodium_memzero(s, strlen(s));
    free(s);
}
