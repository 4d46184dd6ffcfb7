/* Compact JWS (RFC 7515 section 7.1) with a strict parser (SECURITY R13, R14, R16).
 *
 * Parsing refuses before any copy or crypto: more than 8 KiB, not exactly three canonical base64url
 * segments, anything trailing; header: duplicate members, NUL, bad UTF-8, depth over 16, wrong types, an alg other than the
 * four, crit, jwk, jku, x5u, x5c, zip, b64, cty, kid not 1-64 of [A-Za-z0-9_-].
 * err->code: token_too_large, malformed, unsupported_header, unsupported_alg, unknown_key, alg_mismatch,
 * bad_signature.
 * There is no call that returns claims of an unverified token without saying so in its name.
 */
#ifndef JA_DOMAIN_JWS_H
#define JA_DOMAIN_JWS_H

#include "common/domain/jwk.h"

#define JA_TOKEN_MAX 8192

struct ja_jws {
    enum ja_alg alg;
    char kid[65];           /* "" when the header has none */
    char typ[32];           /* "" when none */
    json_t *header;
    unsigned char *payload; /* decoded bytes; payload[payload_len] is 0 */
    size_t payload_len;
    unsigned char sig[JA_SIG_MAX];
    size_t sig_len;
    const char *signing_input; /* borrowed from the token text */
    size_t signing_len;
};

enum ja_status ja_jws_parse_unverified(const char *token, size_t len, struct ja_jws *ret,
                                       struct ja_error *err);
void ja_jws_clear(struct ja_jws *jws);
/* The key must be of the header's alg (R13: alg is the key's, compared before crypto). */
enum ja_status ja_jws_check_signature(const struct ja_jws *jws, struct ja_key *key,
                                      struct ja_error *err);
/* The payload as a JSON object: duplicates, NUL, bad UTF-8, depth > 16 and trailing text refused. */
enum ja_status ja_jws_claims_unverified(const struct ja_jws *jws, json_t **ret, struct ja_error *err);
/* Strict JSON object parser used for both, also for JWKS and JWK files. */
enum ja_status ja_json_parse_strict(const void *text, size_t len, json_t **ret, struct ja_error *err);

/* header: alg, kid, typ; claims serialised compactly. *ret is malloc'd; wipe with ja_wipe_free. */
enum ja_status ja_jws_sign(struct ja_key *key, const char *typ, const json_t *claims, char **ret,
                           struct ja_error *err);

#endif
