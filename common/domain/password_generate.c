#include "common/domain/password_policy.h"

#include <sodium.h>
#include <string.h>

/* 56 letters and digits that are not mistaken for each other: 5.8 bits each. */
#define ALPHABET "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
#define GROUP 5
#define GROUPS_LEAST 4 /* 20 characters: 116 bits */
#define TRIES 64

/* One character, evenly: bytes beyond the last whole multiple are drawn again. */
static enum ja_status draw(char *ret, struct ja_error *err)
{
    const unsigned n = sizeof ALPHABET - 1;
    unsigned char byte = 0;
    enum ja_status st;

    do {
        st = ja_random(&byte, 1, err);
    } while (st == JA_OK && byte >= 256 / n * n);
    if (st == JA_OK)
        *ret = ALPHABET[byte % n];
    sodium_memzero(&byte, sizeof byte);
    return st;
}

/* "xxxxx-xxxxx-...": hyphens are the special character where one is demanded. */
static enum ja_status fill(struct ja_secret *s, size_t groups, struct ja_error *err)
{
    char c = 0;
    enum ja_status st = JA_OK;

    s->len = 0;
    for (size_t i = 0; st == JA_OK && i < groups * GROUP; i++) {
        if (i > 0 && i % GROUP == 0)
            st = ja_secret_append(s, "-", 1, err);
        if (st == JA_OK)
            st = draw(&c, err);
        if (st == JA_OK)
            st = ja_secret_append(s, &c, 1, err);
    }
    sodium_memzero(&c, sizeof c);
    return st;
}

enum ja_status ja_password_generate(struct ja_ctx *ctx, struct ja_secret *ret, struct ja_error *err)
{
    const struct ja_policy_subject nobody = {0};
    size_t groups = GROUPS_LEAST;
    struct ja_secret s = {0};
    enum ja_status st;

    while ((int64_t)(groups * (GROUP + 1) - 1) < ctx->cfg->password.min_length)
        groups++;
    st = ja_secret_init(&s, groups * (GROUP + 1), err);
    if (st != JA_OK)
        return st;
    for (int i = 0; i < TRIES; i++) {
        st = fill(&s, groups, err);
        if (st == JA_OK)
            st = ja_password_policy_check(ctx, &nobody, s.data, s.len, NULL, err);
        if (st != JA_ERR_POLICY)
            break;
    }
    if (st == JA_OK)
        *ret = s;
    else
        ja_secret_clear(&s);
    return st;
}
