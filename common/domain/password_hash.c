#include "common/domain/password_hash.h"

#include "common/domain/hash_slots.h"
#include "common/domain/password_scheme.h"

#include <sodium.h>
#include <string.h>

static const struct ja_hash_scheme *find_scheme(const char *stored)
{
    const struct ja_hash_scheme *s = &ja_scheme_argon2id;

    if (!stored)
        return NULL;
    if (strncmp(stored, s->prefix, strlen(s->prefix)) == 0)
        return s;
    for (s = ja_schemes_crypt; s->name; s++) {
        if (strncmp(stored, s->prefix, strlen(s->prefix)) == 0)
            return s;
    }
    return NULL;
}

const char *ja_password_scheme(const char *stored)
{
    const struct ja_hash_scheme *s = find_scheme(stored);

    return s ? s->name : NULL;
}

/* What can be no password at all is refused before any work, whoever the user is. */
static enum ja_status check_input(const void *pw, size_t len, struct ja_error *err)
{
    if (!pw || len == 0)
        return ja_fail(err, JA_ERR_INVALID, "password_empty", "the password is empty");
    if (len > JA_PASSWORD_MAX)
        return ja_fail(err, JA_ERR_INVALID, "password_too_long",
                       "the password is longer than %d bytes", JA_PASSWORD_MAX);
    if (memchr(pw, 0, len))
        return ja_fail(err, JA_ERR_INVALID, "password_has_nul",
                       "the password has a zero byte in it");
    return JA_OK;
}

static enum ja_status check_stored(const char *stored, const struct ja_hash_scheme **ret,
                                   struct ja_error *err)
{
    const struct ja_hash_scheme *s = find_scheme(stored);
    enum ja_status st;

    if (!s || strlen(stored) >= JA_HASH_STRING_MAX)
        return ja_fail(err, JA_ERR_CORRUPT, "unknown_hash",
                       "the stored password hash is of no known scheme: set a new password");
    st = s->check(stored, err);
    if (st == JA_OK)
        *ret = s;
    return st;
}

enum ja_status ja_password_hash_check(const char *stored, struct ja_error *err)
{
    const struct ja_hash_scheme *s;
    struct ja_error why = {0};

    if (!stored || check_stored(stored, &s, &why) != JA_OK)
        return ja_fail(err, JA_ERR_INVALID, "invalid_hash", "%s",
                       stored ? why.message : "there is no hash");
    return JA_OK;
}

enum ja_status ja_password_hash(struct ja_ctx *ctx, const void *pw, size_t len,
                                char ret[JA_HASH_STRING_MAX], struct ja_error *err)
{
    struct ja_argon2 a = {.mem_bytes = ctx->cfg->password.hash_memory,
                          .ops = ctx->cfg->password.hash_ops};
    char text[JA_HASH_STRING_MAX];
    int slot = -1;
    enum ja_status st = check_input(pw, len, err);

    if (st == JA_OK)
        st = ja_random(a.salt, sizeof a.salt, err);
    if (st == JA_OK)
        st = ja_hash_slot_take(ctx, &slot, err);
    if (st == JA_OK)
        st = ja_argon2_compute(&a, pw, len, err);
    ja_hash_slot_release(slot);
    if (st == JA_OK)
        st = ja_argon2_format(&a, text, err);
    if (st == JA_OK)
        memcpy(ret, text, strlen(text) + 1);
    sodium_memzero(&a, sizeof a);
    sodium_memzero(text, sizeof text);
    return st;
}

/* One hash with the current parameters, whose result counts for nothing. */
static enum ja_status dummy(struct ja_ctx *ctx, const void *pw, size_t len, struct ja_error *err)
{
    struct ja_argon2 a = {.mem_bytes = ctx->cfg->password.hash_memory,
                          .ops = ctx->cfg->password.hash_ops};
    enum ja_status st = ja_argon2_compute(&a, pw, len, err);

    sodium_memzero(&a, sizeof a);
    return st == JA_OK ? ja_fail(err, JA_ERR_DENIED, "wrong_password", "wrong password") : st;
}

static bool outdated(const struct ja_ctx *ctx, const struct ja_hash_scheme *s, const char *stored)
{
    struct ja_argon2 a;
    bool same;

    if (s != &ja_scheme_argon2id || ja_argon2_parse(stored, &a, NULL) != JA_OK)
        return true;
    same = a.mem_bytes == ctx->cfg->password.hash_memory / 1024 * 1024 &&
           a.ops == ctx->cfg->password.hash_ops;
    sodium_memzero(&a, sizeof a);
    return !same;
}

enum ja_status ja_password_verify(struct ja_ctx *ctx, const char *stored, const void *pw,
                                  size_t len, bool *ret_rehash, struct ja_error *err)
{
    const struct ja_hash_scheme *s = NULL;
    int slot = -1;
    enum ja_status st = check_input(pw, len, err);

    if (st == JA_OK && stored)
        st = check_stored(stored, &s, err);
    if (st == JA_OK)
        st = ja_hash_slot_take(ctx, &slot, err);
    if (st != JA_OK)
        return st;
    /* A password that bcrypt would cut is never compared; it costs the same work as an unknown
     * user. */
    if (!s || (s->max_len && len > s->max_len))
        st = dummy(ctx, pw, len, err);
    else
        st = s->verify(stored, pw, len, err);
    ja_hash_slot_release(slot);
    if (st == JA_OK && ret_rehash)
        *ret_rehash = outdated(ctx, s, stored);
    return st;
}

enum ja_status ja_password_hash_measure(int64_t mem_bytes, int64_t ops,
                                        const struct ja_clock *clock, int64_t *ret_ms,
                                        struct ja_error *err)
{
    static const char sample[] = "a password of usual length";
    struct ja_argon2 a = {.mem_bytes = mem_bytes, .ops = ops};
    int64_t start = clock->mono_ms(clock->arg);
    enum ja_status st = ja_argon2_compute(&a, sample, sizeof sample - 1, err);

    if (st == JA_OK)
        *ret_ms = clock->mono_ms(clock->arg) - start;
    return st;
}
