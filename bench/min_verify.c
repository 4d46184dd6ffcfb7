/* min_verify JWKS ISSUER AUDIENCE <TOKEN: the least that can be done for authctl token verify --jwks. */
#include "bench/floor.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char token[8193];
    size_t len;
    json_t *set, *keys, *claims = NULL;
    struct floor_key key;

    if (argc != 4 || sodium_init() < 0)
        return 2;
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    set = json_load_file(argv[1], JSON_REJECT_DUPLICATES, NULL);
    keys = json_object_get(set, "keys");
    len = fread(token, 1, sizeof token, stdin);
    while (len > 0 && token[len - 1] == '\n')
        len--;
    for (size_t i = 0; i < json_array_size(keys); i++)
        if (floor_load(&key, json_array_get(keys, i)) &&
            floor_verify(&key, token, len, argv[2], argv[3], time(NULL), &claims))
            return json_dumpf(claims, stdout, JSON_INDENT(2)) == 0 ? 0 : 1;
    return 1;
}
