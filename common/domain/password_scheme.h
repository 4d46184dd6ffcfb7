/* One hash scheme each: how its stored strings look, what they may cost, how they are verified.
 *
 * `check` is run before `verify`, so that no string over the caps is ever hashed (SECURITY F10,
 * R21). Threads: no shared state besides the loaded libcrypt.
 */
#ifndef JA_DOMAIN_PASSWORD_SCHEME_H
#define JA_DOMAIN_PASSWORD_SCHEME_H

#include "common/domain/password_hash.h"

/* Caps on stored costs (R21). */
#define JA_HASH_MEM_MAX (INT64_C(256) << 20)
#define JA_HASH_OPS_MAX 10

struct ja_hash_scheme {
    const char *name;   /* "argon2id" */
    const char *prefix; /* "$argon2id$" */
    size_t max_len;     /* longer passwords cannot match: the scheme would cut them; 0: no limit */
    /* Form and cost. JA_ERR_CORRUPT with the reason; never the string itself. */
    enum ja_status (*check)(const char *stored, struct ja_error *err);
    /* JA_ERR_DENIED: mismatch. */
    enum ja_status (*verify)(const char *stored, const void *pw, size_t len, struct ja_error *err);
};

extern const struct ja_hash_scheme ja_scheme_argon2id;
/* bcrypt, sha512crypt, sha256crypt, yescrypt; ends with a NULL name. */
extern const struct ja_hash_scheme ja_schemes_crypt[];

/* ---- argon2id ---- */
struct ja_argon2 {
    int64_t mem_bytes, ops;
    unsigned char salt[16], hash[32];
};
enum ja_status ja_argon2_parse(const char *stored, struct ja_argon2 *ret, struct ja_error *err);
/* Fills a->hash from mem_bytes, ops and salt. JA_ERR_NOMEM is told apart (F9). */
enum ja_status ja_argon2_compute(struct ja_argon2 *a, const void *pw, size_t len,
                                 struct ja_error *err);
enum ja_status ja_argon2_format(const struct ja_argon2 *a, char ret[JA_HASH_STRING_MAX],
                                struct ja_error *err);

#endif
