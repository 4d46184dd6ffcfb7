/* $argon2id$v=19$m=KIB,t=OPS,p=1$SALT$HASH, read by rules of our own: crypto_pwhash_str_verify
 * answers the same for a wrong password and for no memory (SECURITY F9). */
#include "common/base/text.h"
#include "common/domain/password_scheme.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "$argon2id$v=19$m="
#define B64 sodium_base64_VARIANT_ORIGINAL_NO_PADDING

_Static_assert(crypto_pwhash_SALTBYTES == sizeof((struct ja_argon2){0}.salt), "salt size");

static enum ja_status malformed(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "invalid_hash", "the stored argon2id hash is malformed");
}

/* Digits up to `end`, no sign, no leading zero, at most 9 of them. */
static bool number(const char **p, char end, int64_t *ret)
{
    const char *s = *p;
    int64_t n = 0;
    int digits = 0;

    if (*s == '0')
        return false;
    for (; *s >= '0' && *s <= '9'; s++, digits++) {
        if (digits == 9)
            return false;
        n = n * 10 + (*s - '0');
    }
    if (digits == 0 || *s != end)
        return false;
    *p = s + 1;
    *ret = n;
    return true;
}

/* Exactly `size` bytes, canonical (libsodium refuses stray bits and padding), up to `end`. */
static bool bytes(const char **p, char end, unsigned char *out, size_t size)
{
    size_t chars = sodium_base64_encoded_len(size, B64) - 1, len = 0;
    const char *stop = NULL;

    /* libsodium's decoder takes bytes above ASCII for a character of its own (text.c) */
    if (strnlen(*p, chars) != chars || (*p)[chars] != end || !ja_ascii_only(*p, chars))
        return false;
    if (sodium_base642bin(out, size, *p, chars, NULL, &len, &stop, B64) != 0 || len != size ||
        stop != *p + chars)
        return false;
    *p += chars + 1;
    return true;
}

enum ja_status ja_argon2_parse(const char *stored, struct ja_argon2 *ret, struct ja_error *err)
{
    struct ja_argon2 a = {0};
    const char *p = stored;
    int64_t kib = 0, lanes = 0;
    enum ja_status st = JA_OK;

    if (strncmp(p, PREFIX, sizeof PREFIX - 1) != 0)
        return malformed(err);
    p += sizeof PREFIX - 1;
    if (!number(&p, ',', &kib) || strncmp(p, "t=", 2) != 0)
        return malformed(err);
    p += 2;
    if (!number(&p, ',', &a.ops) || strncmp(p, "p=", 2) != 0)
        return malformed(err);
    p += 2;
    if (!number(&p, '$', &lanes) || !bytes(&p, '$', a.salt, sizeof a.salt) ||
        !bytes(&p, 0, a.hash, sizeof a.hash))
        return malformed(err);
    if (kib < 8 || kib > JA_HASH_MEM_MAX / 1024 || a.ops > JA_HASH_OPS_MAX || lanes != 1)
        st = ja_fail(err, JA_ERR_CORRUPT, "hash_cost",
                     "the stored argon2id hash costs more than allowed (256 MiB, t=10, p=1)");
    a.mem_bytes = kib * 1024;
    if (st == JA_OK)
        *ret = a;
    sodium_memzero(&a, sizeof a);
    return st;
}

enum ja_status ja_argon2_compute(struct ja_argon2 *a, const void *pw, size_t len,
                                 struct ja_error *err)
{
    errno = 0;
    if (crypto_pwhash(a->hash, sizeof a->hash, pw, len, a->salt, (unsigned long long)a->ops,
                      (size_t)a->mem_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0)
        return JA_OK;
    if (errno == ENOMEM)
        return ja_fail(err, JA_ERR_NOMEM, "no_memory",
                       "not enough memory for one password hash (%lld MiB)",
                       (long long)(a->mem_bytes >> 20));
    return ja_fail(err, JA_ERR_CRYPTO, "hash_failed", "libsodium could not hash the password");
}

enum ja_status ja_argon2_format(const struct ja_argon2 *a, char ret[JA_HASH_STRING_MAX],
                                struct ja_error *err)
{
    char salt[32], hash[64];
    int n;

    (void)sodium_bin2base64(salt, sizeof salt, a->salt, sizeof a->salt, B64);
    (void)sodium_bin2base64(hash, sizeof hash, a->hash, sizeof a->hash, B64);
    n = snprintf(ret, JA_HASH_STRING_MAX, PREFIX "%lld,t=%lld,p=1$%s$%s",
                 (long long)(a->mem_bytes / 1024), (long long)a->ops, salt, hash);
    sodium_memzero(hash, sizeof hash);
    if (n < 0 || n >= JA_HASH_STRING_MAX)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "a password hash does not fit");
    return JA_OK;
}

static enum ja_status check(const char *stored, struct ja_error *err)
{
    struct ja_argon2 a;
    enum ja_status st = ja_argon2_parse(stored, &a, err);

    if (st == JA_OK)
        sodium_memzero(&a, sizeof a);
    return st;
}

static enum ja_status verify(const char *stored, const void *pw, size_t len, struct ja_error *err)
{
    struct ja_argon2 want = {0}, got;
    enum ja_status st = ja_argon2_parse(stored, &want, err);

    if (st != JA_OK)
        return st;
    got = want;
    sodium_memzero(got.hash, sizeof got.hash);
    st = ja_argon2_compute(&got, pw, len, err);
    if (st == JA_OK && sodium_memcmp(got.hash, want.hash, sizeof want.hash) != 0)
        st = ja_fail(err, JA_ERR_DENIED, "wrong_password", "wrong password");
    sodium_memzero(&got, sizeof got);
    sodium_memzero(&want, sizeof want);
    return st;
}

const struct ja_hash_scheme ja_scheme_argon2id = {"argon2id", "$argon2id$", 0, check, verify};
