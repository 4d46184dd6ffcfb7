/* A set of keys (RFC 7517 section 5). */
#include "common/domain/jwk_impl.h"
#include "common/domain/jws.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 256

/* Section 5: keys of unknown kty, alg or use are skipped; so are kids that no token of ours to check
 * can name. */
static bool to_be_skipped(const json_t *jwk)
{
    static const char *const ktys[] = {"EC", "RSA", "OKP", "oct"};
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *alg = json_string_value(json_object_get(jwk, "alg"));
    const char *use = json_string_value(json_object_get(jwk, "use"));
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    bool known = false;

    for (size_t i = 0; kty && i < sizeof ktys / sizeof *ktys; i++)
        known = known || strcmp(kty, ktys[i]) == 0;
    if (kty && !known)
        return true;
    if ((alg && ja_alg_parse(alg) == JA_ALG_NONE) || (use && strcmp(use, "sig") != 0))
        return true;
    if (kty && crv && strcmp(kty, "EC") == 0 && strcmp(crv, "P-256") != 0)
        return true;
    if (kty && crv && strcmp(kty, "OKP") == 0 && strcmp(crv, "Ed25519") != 0)
        return true;
    return kid && !ja_kid_valid(kid);
}

static enum ja_status add(struct ja_keyset *set, const json_t *jwk, struct ja_error *err)
{
    struct ja_key *key = NULL;
    enum ja_status st;

    if (!json_is_object(jwk))
        return ja_fail(err, JA_ERR_INVALID, "invalid_jwks", "a member of the key set is no object");
    if (to_be_skipped(jwk))
        return JA_OK;
    st = ja_key_from_jwk(jwk, JA_ALG_NONE, &key, err);
    if (st != JA_OK)
        return st;
    if (ja_keyset_find(set, ja_key_kid(key))) {
        ja_key_free(key);
        return ja_fail(err, JA_ERR_INVALID, "invalid_jwks", "two keys of the set have the same kid");
    }
    set->keys[set->len++] = key;
    return JA_OK;
}

enum ja_status ja_keyset_parse(const void *text, size_t len, struct ja_keyset *ret,
                               struct ja_error *err)
{
    struct ja_keyset set = {0};
    json_t *doc = NULL;
    const json_t *keys;
    enum ja_status st = ja_json_parse_strict(text, len, &doc, err);

    if (st != JA_OK)
        return ja_fail(err, JA_ERR_INVALID, "invalid_jwks", "the key set is no JSON object");
    keys = json_object_get(doc, "keys");
    if (!json_is_array(keys) || json_array_size(keys) > KEYS_MAX)
        st = ja_fail(err, JA_ERR_INVALID, "invalid_jwks",
                     "the key set has no array \"keys\" of at most %d", KEYS_MAX);
    if (st == JA_OK && !(set.keys = calloc(json_array_size(keys) + 1, sizeof *set.keys)))
        st = ja_fail_nomem(err);
    for (size_t i = 0; st == JA_OK && i < json_array_size(keys); i++)
        st = add(&set, json_array_get(keys, i), err);
    json_decref(doc);
    if (st != JA_OK)
        ja_keyset_clear(&set);
    else
        *ret = set;
    return st;
}

void ja_keyset_clear(struct ja_keyset *set)
{
    for (size_t i = 0; i < set->len; i++)
        ja_key_free(set->keys[i]);
    free(set->keys);
    *set = (struct ja_keyset){0};
}

struct ja_key *ja_keyset_find(const struct ja_keyset *set, const char *kid)
{
    for (size_t i = 0; i < set->len; i++)
        if (strcmp(ja_key_kid(set->keys[i]), kid) == 0)
            return set->keys[i];
    return NULL;
}
