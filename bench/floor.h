/* The bare work on a token, each library used in its fastest way: what our own code is measured against. */
#ifndef JA_BENCH_FLOOR_H
#define JA_BENCH_FLOOR_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <time.h>

enum floor_alg { FLOOR_ES256, FLOOR_EDDSA, FLOOR_RS256, FLOOR_HS256 };

struct floor_key {
    enum floor_alg alg;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *verify, *sign;
    EVP_MD *sha256;
    EVP_MAC_CTX *mac;
    unsigned char secret[128], ed_public[32], ed_secret[64];
    size_t secret_len;
};

/* From a JWK with its private part or without; false: not understood. */
bool floor_load(struct floor_key *key, const json_t *jwk);
/* Split, base64, JSON of both parts, signature, iss, aud and exp. */
bool floor_verify(struct floor_key *key, const char *token, size_t len, const char *iss, const char *aud,
                  time_t now, json_t **ret);
/* JSON, base64, signature; malloc'd. */
char *floor_sign(struct floor_key *key, const char *kid, const json_t *claims);

#endif
