/* crypt(3) hashes that people bring along: verified, not made (the next login makes argon2id of
 * them), but for a password of the moment that pam_unix is tried with.
 *
 * Forms and costs are crypt(5)'s, taken narrowly: what libxcrypt itself would generate. */
#include "common/base/dynload.h"
#include "common/base/text.h"
#include "common/domain/password_scheme.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITOA64 "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BCRYPT_COST_MIN 4
#define BCRYPT_COST_MAX 14
#define BCRYPT_LEN_MAX 72 /* the rest would be cut: CVE-2025-22228 and its like */
#define SHA_ROUNDS_MIN 1000
#define SHA_ROUNDS_MAX 1000000

_Static_assert(JA_PASSWORD_MAX < CRYPT_MAX_PASSPHRASE_SIZE,
               "libcrypt takes every password of ours");

static struct { __typeof__(crypt_r) *crypt_r; } lib;

static enum ja_status load(struct ja_error *err)
{
    static const struct ja_dl_symbol symbols[] = {{"crypt_r", (void **)&lib.crypt_r}};

    return ja_dl_load("libcrypt.so.1", symbols, 1, err);
}

static enum ja_status malformed(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_CORRUPT, "invalid_hash", "the stored crypt(3) hash is malformed");
}

static enum ja_status too_costly(struct ja_error *err, const char *limit)
{
    return ja_fail(err, JA_ERR_CORRUPT, "hash_cost", "the stored hash costs more than allowed (%s)",
                   limit);
}

/* A run of min..max characters of crypt(3)'s alphabet, then `end`. */
static bool run(const char **p, size_t min, size_t max, char end)
{
    size_t n = strspn(*p, ITOA64);

    if (n < min || n > max || (*p)[n] != end)
        return false;
    *p += n + 1;
    return true;
}

static enum ja_status bcrypt_check(const char *stored, struct ja_error *err)
{
    const char *p = stored + 4; /* after $2b$ */
    int cost;

    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9' || p[2] != '$')
        return malformed(err);
    cost = (p[0] - '0') * 10 + (p[1] - '0');
    p += 3;
    if (!run(&p, 22 + 31, 22 + 31, 0))
        return malformed(err);
    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return too_costly(err, "bcrypt cost 4 to 14");
    return JA_OK;
}

static enum ja_status sha_check(const char *stored, size_t hash_len, struct ja_error *err)
{
    const char *p = stored + 3; /* after $6$ */
    int64_t rounds = 5000;

    if (strncmp(p, "rounds=", 7) == 0) {
        p += 7;
        if (*p == '0')
            return malformed(err);
        for (rounds = 0; *p >= '0' && *p <= '9'; p++) {
            rounds = rounds * 10 + (*p - '0');
            if (rounds > SHA_ROUNDS_MAX)
                return too_costly(err, "1,000,000 rounds");
        }
        if (*p++ != '$')
            return malformed(err);
    }
    if (rounds < SHA_ROUNDS_MIN || !run(&p, 1, 16, '$') || !run(&p, hash_len, hash_len, 0))
        return malformed(err);
    return JA_OK;
}

static enum ja_status sha256_check(const char *stored, struct ja_error *err)
{
    return sha_check(stored, 43, err);
}

static enum ja_status sha512_check(const char *stored, struct ja_error *err)
{
    return sha_check(stored, 86, err);
}

/* $y$jNr$salt$hash: 'j' are yescrypt's default flags, N = 2^(index + 1), r = index + 1, and 128 r N
 * bytes are used. */
static enum ja_status yescrypt_check(const char *stored, struct ja_error *err)
{
    const char *p = stored + 3; /* after $y$ */
    const char *n, *r;

    if (p[0] != 'j' || !p[1] || !p[2] || p[3] != '$')
        return malformed(err);
    n = strchr(ITOA64, p[1]);
    r = strchr(ITOA64, p[2]);
    if (!n || !r)
        return malformed(err);
    p += 4;
    if (!run(&p, 1, 86, '$') || !run(&p, 43, 43, 0))
        return malformed(err);
    if (n - ITOA64 + 1 > 20 || r - ITOA64 + 1 > 32 ||
        (INT64_C(128) * (r - ITOA64 + 1)) << (n - ITOA64 + 1) > JA_HASH_MEM_MAX)
        return too_costly(err, "256 MiB of yescrypt");
    return JA_OK;
}

static enum ja_status compute(struct crypt_data *data, const char *stored, const char *phrase,
                              struct ja_error *err)
{
    const char *out;
    size_t n = strlen(stored);

    errno = 0;
    out = lib.crypt_r(phrase, stored, data);
    if (!out || out[0] == '*') /* crypt(3): a failure token starts with '*' */
        return errno == ENOMEM ? ja_fail_nomem(err)
                               : ja_fail(err, JA_ERR_CRYPTO, "hash_failed",
                                         "libcrypt could not hash: no memory, or the stored hash's "
                                         "scheme is switched off");
    if (strlen(out) != n || sodium_memcmp(out, stored, n) != 0)
        return ja_fail(err, JA_ERR_DENIED, "wrong_password", "wrong password");
    return JA_OK;
}

static enum ja_status verify(const char *stored, const void *pw, size_t len, struct ja_error *err)
{
    struct crypt_data *data = NULL; /* 32 KiB: not for a PAM application's stack */
    char phrase[JA_PASSWORD_MAX + 1] = "";
    enum ja_status st = load(err);

    if (st != JA_OK)
        return st;
    if (len > JA_PASSWORD_MAX)
        return ja_fail(err, JA_ERR_INVALID, "password_too_long", "the password is too long");
    data = calloc(1, sizeof *data);
    if (!data)
        return ja_fail_nomem(err);
    memcpy(phrase, pw, len);
    phrase[len] = 0;
    st = compute(data, stored, phrase, err);
    sodium_memzero(phrase, sizeof phrase);
    sodium_memzero(data, sizeof *data);
    free(data);
    return st;
}

/* 16 characters of salt; rounds as few as crypt(5) has them, since the password is random and of the moment. */
enum ja_status ja_password_crypt_passing(const char *pw, char ret[JA_HASH_STRING_MAX], struct ja_error *err)
{
    unsigned char salt[12];
    char setting[64], text[JA_B64_SIZE(sizeof salt)];
    struct crypt_data *data = NULL;
    const char *out = NULL;
    enum ja_status st = load(err);

    if (st == JA_OK)
        st = ja_random(salt, sizeof salt, err);
    if (st != JA_OK)
        return st;
    ja_b64_encode(salt, sizeof salt, text, sizeof text);
    for (char *p = text; *p; p++)
        *p = *p == '-' ? '.' : *p == '_' ? '/' : *p;
    (void)snprintf(setting, sizeof setting, "$6$rounds=%d$%s$", SHA_ROUNDS_MIN, text);
    data = calloc(1, sizeof *data);
    if (!data)
        return ja_fail_nomem(err);
    out = lib.crypt_r(pw, setting, data);
    if (out && out[0] == '$' && strlen(out) < JA_HASH_STRING_MAX)
        (void)snprintf(ret, JA_HASH_STRING_MAX, "%s", out);
    else
        st = ja_fail(err, JA_ERR_CRYPTO, "hash_failed", "libcrypt could not hash");
    sodium_memzero(data, sizeof *data);
    free(data);
    return st;
}

const struct ja_hash_scheme ja_schemes_crypt[] = {
    {"bcrypt", "$2b$", BCRYPT_LEN_MAX, bcrypt_check, verify},
    {"bcrypt", "$2y$", BCRYPT_LEN_MAX, bcrypt_check, verify},
    {"sha512crypt", "$6$", 0, sha512_check, verify},
    {"sha256crypt", "$5$", 0, sha256_check, verify},
    {"yescrypt", "$y$", 0, yescrypt_check, verify},
    {NULL, NULL, 0, NULL, NULL},
};
