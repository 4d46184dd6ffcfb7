/* Any bytes as a JWKS document: what is taken prints as a set that reads back to the same keys. */
#include "common/domain/jwk.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static void demand_kids(const struct ja_keyset *set)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    FUZZ_DEMAND(set->len <= 256);
    for (size_t i = 0; i < set->len; i++) {
        const char *kid = ja_key_kid(set->keys[i]);

        FUZZ_DEMAND(*kid && strlen(kid) <= 64 && strspn(kid, allowed) == strlen(kid));
        FUZZ_DEMAND(ja_keyset_find(set, kid) == set->keys[i]); /* no two of the same name */
    }
}

static char *print(const struct ja_keyset *set, size_t *ret_public)
{
    json_t *keys = json_array(), *doc = json_pack("{s:o}", "keys", keys);
    char *text;

    for (size_t i = 0; i < set->len; i++) {
        json_t *jwk = NULL;
        enum ja_status st = ja_key_public_jwk(set->keys[i], &jwk, NULL);

        FUZZ_DEMAND(st == JA_OK || (st == JA_ERR_UNSUPPORTED && ja_key_alg(set->keys[i]) == JA_ALG_HS256));
        if (st == JA_OK)
            FUZZ_DEMAND(!json_object_get(jwk, "d") && json_array_append_new(keys, jwk) == 0);
    }
    *ret_public = json_array_size(keys);
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    FUZZ_DEMAND(text != NULL);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ja_keyset set = {0}, again = {0};
    struct ja_error err = {0};
    unsigned char sig[64] = {0};
    size_t expected = 0;
    char *text;

    if (ja_keyset_parse(data, size, &set, &err) != JA_OK) {
        FUZZ_DEMAND(!set.keys && !set.len && err.status == JA_ERR_INVALID);
        return 0;
    }
    demand_kids(&set);
    for (size_t i = 0; i < set.len; i++)
        FUZZ_DEMAND(ja_key_verify(set.keys[i], "x", 1, sig, sizeof sig, NULL) == JA_ERR_DENIED); /* CVE-2022-21449 */
    text = print(&set, &expected);
    FUZZ_DEMAND(ja_keyset_parse(text, strlen(text), &again, NULL) == JA_OK && again.len == expected);
    for (size_t i = 0; i < again.len; i++)
        FUZZ_DEMAND(ja_keyset_find(&set, ja_key_kid(again.keys[i])));
    free(text);
    ja_keyset_clear(&set);
    ja_keyset_clear(&again);
    return 0;
}
