/* Inside of jwk.h: a key and the functions of its algorithm (one file per algorithm). */
#ifndef JA_DOMAIN_JWK_IMPL_H
#define JA_DOMAIN_JWK_IMPL_H

#include "common/domain/jwk.h"

#include <openssl/evp.h>

#define JA_RSA_BITS_MIN 2048
#define JA_RSA_BITS_MAX 4096
#define JA_RSA_BITS_NEW 3072 /* 128 bits of strength (ASVS 11.2.3) */
#define JA_HMAC_MIN 32
#define JA_HMAC_MAX 128
#define JA_ED_PUBLIC 32
#define JA_ED_SECRET 64 /* libsodium: seed || public */

struct ja_key;

struct ja_key_ops {
    enum ja_alg alg;
    const char *kty, *crv; /* crv NULL: none */
    enum ja_status (*generate)(struct ja_key *key, struct ja_error *err);
    enum ja_status (*from_jwk)(struct ja_key *key, const json_t *jwk, struct ja_error *err);
    /* A key that PEM gave; takes a reference of its own. NULL: the algorithm has no PEM form. */
    enum ja_status (*from_pkey)(struct ja_key *key, EVP_PKEY *pkey, struct ja_error *err);
    enum ja_status (*from_stored)(struct ja_key *key, const void *pub, size_t pub_len,
                                  const void *priv, size_t priv_len, struct ja_error *err);
    enum ja_status (*to_stored)(const struct ja_key *key, unsigned char **ret_pub, size_t *ret_pub_len,
                                struct ja_secret *ret_priv, struct ja_error *err);
    /* The members of RFC 7638 (public), or all with `private_too`; without kid, alg, use. */
    enum ja_status (*to_jwk)(const struct ja_key *key, bool private_too, json_t **ret,
                             struct ja_error *err);
    enum ja_status (*sign)(struct ja_key *key, const void *data, size_t len,
                           unsigned char sig[JA_SIG_MAX], size_t *ret_len, struct ja_error *err);
    enum ja_status (*verify)(struct ja_key *key, const void *data, size_t len,
                             const unsigned char *sig, size_t sig_len, struct ja_error *err);
};

struct ja_key {
    const struct ja_key_ops *ops;
    char kid[65];
    bool has_private;
    EVP_PKEY *pkey;                  /* RSA and EC; Ed25519 only for PEM and the cross-check */
    EVP_PKEY_CTX *sign_ctx, *verify_ctx; /* made at first use, kept */
    EVP_MD *sha256;
    EVP_MAC_CTX *mac;                /* HMAC, keyed once */
    struct ja_secret secret;         /* HMAC secret; Ed25519 secret key */
    unsigned char ed_public[JA_ED_PUBLIC];
};

extern const struct ja_key_ops ja_key_es256, ja_key_eddsa, ja_key_rs256, ja_key_hs256;

const struct ja_key_ops *ja_key_ops_of(enum ja_alg alg);
enum ja_status ja_key_new(enum ja_alg alg, struct ja_key **ret, struct ja_error *err);
/* kid = thumbprint unless one is set; the last step of every constructor. */
enum ja_status ja_key_finish(struct ja_key *key, struct ja_error *err);

/* libcrypto without its configuration file: OPENSSL_CONF must decide nothing (SECURITY R23). */
void ja_openssl_init(void);
enum ja_status ja_fail_openssl(struct ja_error *err, const char *what); /* clears the error queue */
/* A signature that OpenSSL did not accept: "bad_signature", but out of memory is no verdict. */
enum ja_status ja_fail_signature(struct ja_error *err);
/* The context of one operation (EVP_PKEY_sign_init, EVP_PKEY_verify_init), made at its first use and kept
 * only when it is whole: half set up, RSA would check signatures without their DigestInfo. */
enum ja_status ja_key_operation(struct ja_key *key, EVP_PKEY_CTX **ctx, int (*init)(EVP_PKEY_CTX *),
                                int (*set_up)(EVP_PKEY_CTX *, const struct ja_key *),
                                struct ja_error *err);
enum ja_status ja_key_sha256(struct ja_key *key, const void *data, size_t len,
                             unsigned char hash[32], struct ja_error *err);
bool ja_kid_valid(const char *kid);

/* Members of a JWK: strict base64url. A missing or malformed one is JA_ERR_INVALID "invalid_key". */
enum ja_status ja_jwk_bytes(const json_t *jwk, const char *name, struct ja_secret *ret,
                            struct ja_error *err);
enum ja_status ja_jwk_set_bytes(json_t *jwk, const char *name, const void *bytes, size_t len,
                                struct ja_error *err);
/* A number of an EVP_PKEY as a member, `width` bytes (0: shortest, RFC 7518 section 6.3.1.1). */
enum ja_status ja_jwk_set_bn(json_t *jwk, const char *name, const EVP_PKEY *pkey, const char *param,
                             size_t width, struct ja_error *err);
/* The private part as it is stored: PKCS#1 (RFC 8017 A.1.2) or SEC1 (RFC 5915). */
enum ja_status ja_pkey_private_der(const EVP_PKEY *pkey, struct ja_secret *ret, struct ja_error *err);
enum ja_status ja_key_damaged(struct ja_error *err);

/* And back, in place: OpenSSL's decoders leave copies of the private key in memory that they freed, which in a
 * PAM application is not ours to have wiped (SECURITY R29). ASN1_get_object reads the headers. */
struct ja_der { const unsigned char *at; size_t left; };
/* Into the one element with this header (V_ASN1_SEQUENCE, or a context tag), which must be all of `outer`. */
bool ja_der_enter(struct ja_der outer, int tag, int class, struct ja_der *ret);
/* The next element, which must have this tag and class; `ret` is its contents. */
bool ja_der_next(struct ja_der *der, int tag, int class, struct ja_der *ret);

#endif
