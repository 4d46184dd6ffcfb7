#include "common/domain/ssh_key_point.h"

#include "common/domain/jwk_impl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

static const struct {
    int bits;
    const char *group;
    size_t len;
} curves[] = {
    {256, "prime256v1", 1 + 2 * 32},
    {384, "secp384r1", 1 + 2 * 48},
    {521, "secp521r1", 1 + 2 * 66},
};

static bool on_curve(const char *group, const unsigned char *point, size_t len)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *check = NULL;
    EVP_PKEY *pkey = NULL;
    bool good = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;

    if (good) {
        check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
        good = check && EVP_PKEY_public_check(check) == 1;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

bool ja_ssh_point_valid(int bits, const unsigned char *point, size_t len)
{
    ja_openssl_init();
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (curves[i].bits == bits)
            return len == curves[i].len && point[0] == POINT_CONVERSION_UNCOMPRESSED &&
                   on_curve(curves[i].group, point, len);
    return false;
}
