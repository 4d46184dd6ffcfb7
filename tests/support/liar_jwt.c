/* A libjwt that says what a test wants, under libjwt's own name: who asks for it by name gets this one. */
#include <jwt.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

extern int liar_accepts; /* the next tokens: one bit each, lowest first */
extern jwt_alg_t liar_alg;
EXPORT int liar_accepts;
EXPORT jwt_alg_t liar_alg;

static int token;

EXPORT int jwt_decode(jwt_t **jwt, const char *text, const unsigned char *key, int key_len)
{
    int accepted = liar_accepts & 1;

    (void)text, (void)key, (void)key_len;
    liar_accepts >>= 1;
    *jwt = accepted ? (jwt_t *)(void *)&token : NULL;
    return accepted ? 0 : 22;
}

EXPORT void jwt_free(jwt_t *jwt)
{
    (void)jwt;
}

EXPORT jwt_alg_t jwt_get_alg(jwt_t *jwt)
{
    (void)jwt;
    return liar_alg;
}

EXPORT const char *jwt_get_grant(jwt_t *jwt, const char *name)
{
    (void)jwt, (void)name;
    return "jwtauth";
}
