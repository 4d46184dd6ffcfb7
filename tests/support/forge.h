/* Builds tokens as an attacker would: any header, any payload, any signature. malloc'd; fails the test. */
#ifndef JA_TEST_FORGE_H
#define JA_TEST_FORGE_H

#include "common/domain/jwk.h"

/* The first two parts. */
char *forge_input(const char *header, const char *payload);
/* Lengths of their own, for texts with NUL. */
char *forge_input_n(const void *header, size_t header_len, const void *payload, size_t payload_len);
/* Takes `input` over and appends ".signature". */
char *forge_finish(char *input, const void *sig, size_t sig_len);
/* Signed by `key`, whatever the header says. */
char *forge_token(struct ja_key *key, const char *header, const char *payload);
/* HMAC over any bytes as secret; `digest` "SHA256", "SHA384", "SHA512". */
char *forge_hmac(const char *header, const char *payload, const void *secret, size_t len,
                 const char *digest);
/* {"alg":ALG,"kid":KID,"typ":"at+jwt"} of the key. */
char *forge_header(const struct ja_key *key);
struct ja_key *forge_key(const char *jwk);

#endif
