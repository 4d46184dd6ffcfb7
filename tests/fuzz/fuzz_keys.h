/* Fixed keys of all four algorithms, and tokens genuinely signed with them. */
#ifndef JA_TEST_FUZZ_KEYS_H
#define JA_TEST_FUZZ_KEYS_H

#include "common/domain/jwk.h"

#define FUZZ_KEYS 4
#define FUZZ_NOW INT64_C(1780000000)
#define FUZZ_ISSUER "https://auth.example.org"
#define FUZZ_AUDIENCE "host.example.org"

/* ES256, EdDSA, RS256, HS256; kids "es", "ed", "rs", "hs". Made once; never freed. */
struct ja_key *fuzz_key(size_t i);
/* The same key under its thumbprint, as the store wants it. The caller's. */
struct ja_key *fuzz_key_for_store(size_t i);
/* The four as one set, for ja_token_verify_keyset. */
const struct ja_keyset *fuzz_keyset(void);
/* Signs any header and payload, as the key's owner could. malloc'd. */
char *fuzz_sign(struct ja_key *key, const char *header, const void *payload, size_t payload_len);

#endif
