/* Any text as a stored password hash: costs over the caps are refused before any hashing (SECURITY F10,
 * CVE-2026-11790), and nobody gets in by a damaged one.
 *
 * Only strings that are cheap by what is read from them here are really hashed.
 */
#include "common/domain/password_scheme.h"
#include "tests/fuzz/fuzz.h"

#define CHEAP_MEM (1 << 20)
static const char password[] = "a password that no hash of the corpus is of";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static void demand_argon2(const char *stored)
{
    struct ja_argon2 a = {0};
    long long mem = 0, ops = 0, lanes = 0;
    char text[JA_HASH_STRING_MAX] = "";
    enum ja_status st;

    FUZZ_DEMAND(sscanf(stored, "$argon2id$v=19$m=%lld,t=%lld,p=%lld$", &mem, &ops, &lanes) == 3);
    FUZZ_DEMAND(mem >= 8 && mem <= 256 * 1024 && ops >= 1 && ops <= 10 && lanes == 1);
    FUZZ_DEMAND(ja_argon2_parse(stored, &a, NULL) == JA_OK);
    FUZZ_DEMAND(a.mem_bytes == mem * 1024 && a.ops == ops);
    FUZZ_DEMAND(ja_argon2_format(&a, text, NULL) == JA_OK && strcmp(text, stored) == 0); /* one text, one hash */
    if (a.mem_bytes > CHEAP_MEM || ops > 1)
        return;
    st = ja_scheme_argon2id.verify(stored, password, sizeof password - 1, NULL);
    FUZZ_DEMAND(st == JA_ERR_DENIED);
}

static bool demand_sha_rounds(const char *stored)
{
    long long rounds = 5000;

    if (strncmp(stored + 3, "rounds=", 7) == 0)
        FUZZ_DEMAND(sscanf(stored + 10, "%lld$", &rounds) == 1);
    FUZZ_DEMAND(rounds >= 1000 && rounds <= 1000000);
    return rounds == 1000;
}

static bool demand_bcrypt_cost(const char *stored)
{
    int cost = 0;

    FUZZ_DEMAND(sscanf(stored + 4, "%2d$", &cost) == 1 && cost >= 4 && cost <= 14 && strlen(stored) == 60);
    return cost == 4;
}

static bool demand_yescrypt_cost(const char *stored)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *n = strchr(digits, stored[4]), *r = strchr(digits, stored[5]);
    int bits = n ? (int)(n - digits) + 1 : 99;

    FUZZ_DEMAND(stored[3] == 'j' && n && r && stored[6] == '$' && bits <= 20 && r - digits < 32);
    FUZZ_DEMAND((128LL * (r - digits + 1)) << bits <= 256LL << 20);
    return (128LL * (r - digits + 1)) << bits <= CHEAP_MEM / 8;
}

static const struct ja_hash_scheme *crypt_scheme(const char *stored)
{
    for (const struct ja_hash_scheme *s = ja_schemes_crypt; s->name; s++)
        if (strncmp(stored, s->prefix, strlen(s->prefix)) == 0)
            return s;
    return NULL;
}

static void demand_crypt(const char *stored)
{
    const struct ja_hash_scheme *s = crypt_scheme(stored);
    enum ja_status st;
    bool cheap;

    FUZZ_DEMAND(s != NULL);
    cheap = strcmp(s->name, "bcrypt") == 0     ? demand_bcrypt_cost(stored)
            : strcmp(s->name, "yescrypt") == 0 ? demand_yescrypt_cost(stored)
                                               : demand_sha_rounds(stored);
    if (!cheap)
        return;
    st = s->verify(stored, password, sizeof password - 1, NULL);
    /* CRYPTO: a form that libcrypt itself does not take */
    FUZZ_DEMAND(st == JA_ERR_DENIED || st == JA_ERR_CRYPTO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    char *stored = fuzz_text(&in, 0);
    struct ja_error err = {0};
    enum ja_status st = ja_password_hash_check(stored, &err);

    FUZZ_DEMAND(st == JA_OK || (st == JA_ERR_INVALID && strcmp(err.code, "invalid_hash") == 0));
    if (st == JA_OK) {
        FUZZ_DEMAND(strlen(stored) < JA_HASH_STRING_MAX && stored[0] == '$' && ja_password_scheme(stored));
        if (strncmp(stored, "$argon2id$", 10) == 0)
            demand_argon2(stored);
        else
            demand_crypt(stored);
    }
    free(stored);
    return 0;
}
