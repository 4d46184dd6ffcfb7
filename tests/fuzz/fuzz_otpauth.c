/* The otpauth:// URI of any secret, label and name, read back by a strict parser: exactly our parameters, each once,
 * with the values that went in, whatever the label holds.
 *
 * Input: a byte for algorithm and digits, twenty bytes of secret, the label up to a zero byte, the name.
 */
#include "common/domain/totp.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_DEMAND(ja_crypto_init(NULL) == JA_OK);
    return 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986: unreserved characters and %XX only, up to `end`. */
static const char *demand_part(const char *p, const char *wanted, char end)
{
    for (; *p != end; wanted++) {
        int c = (unsigned char)*p;

        if (c == '%') {
            FUZZ_DEMAND(hex(p[1]) >= 0 && hex(p[2]) >= 0);
            c = hex(p[1]) << 4 | hex(p[2]);
            p += 3;
        } else {
            FUZZ_DEMAND((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c));
            FUZZ_DEMAND(c != 0);
            p++;
        }
        FUZZ_DEMAND(c == (unsigned char)*wanted && c != 0);
    }
    FUZZ_DEMAND(*wanted == 0);
    return p + (end != 0);
}

static const char *demand_text(const char *p, const char *text)
{
    FUZZ_DEMAND(strncmp(p, text, strlen(text)) == 0);
    return p + strlen(text);
}

/* RFC 4648 section 6 without padding. */
static const char *demand_base32(const char *p, const unsigned char *secret, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned bits = 0, have = 0;
    size_t n = 0;

    for (; *p && *p != '&'; p++) {
        const char *digit = strchr(alphabet, *p);

        FUZZ_DEMAND(digit != NULL);
        bits = bits << 5 | (unsigned)(digit - alphabet);
        have += 5;
        if (have >= 8) {
            have -= 8;
            FUZZ_DEMAND(n < len && secret[n++] == (bits >> have & 0xff));
        }
    }
    FUZZ_DEMAND(n == len && have < 5 && (bits & ((1u << have) - 1)) == 0);
    return p;
}

static void demand_uri(const char *uri, const struct ja_totp *t, const char *label, const char *name)
{
    static const char *const algorithms[] = {"SHA1", "SHA256", "SHA512"};
    const char *p = demand_text(uri, "otpauth://totp/");
    char tail[64];

    p = demand_part(p, label, ':');
    p = demand_part(p, name, '?');
    p = demand_text(p, "secret=");
    p = demand_base32(p, t->secret.data, t->secret.len);
    p = demand_text(p, "&issuer=");
    p = demand_part(p, label, '&');
    (void)snprintf(tail, sizeof tail, "algorithm=%s&digits=%d&period=30", algorithms[t->algorithm], t->digits);
    FUZZ_DEMAND(strcmp(p, tail) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes in = {data, size};
    uint8_t choice = fuzz_byte(&in);
    struct ja_totp t = {.algorithm = (enum ja_totp_algorithm)(choice % 3), .digits = choice & 4 ? 8 : 6, .period = 30};
    unsigned char secret[20] = {0};
    struct ja_secret uri = {0}, base32 = {0};
    char *label, *name;

    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = fuzz_byte(&in);
    label = fuzz_text(&in, 0);
    name = fuzz_text(&in, 0);
    FUZZ_DEMAND(ja_secret_from(&t.secret, secret, sizeof secret, NULL) == JA_OK);
    FUZZ_DEMAND(ja_totp_uri(&t, label, name, &uri, NULL) == JA_OK);
    FUZZ_DEMAND(strlen((const char *)uri.data) == uri.len);
    demand_uri((const char *)uri.data, &t, label, name);
    FUZZ_DEMAND(ja_totp_base32(&t, &base32, NULL) == JA_OK);
    FUZZ_DEMAND(*demand_base32((const char *)base32.data, secret, sizeof secret) == 0);
    ja_secret_clear(&base32);
    ja_secret_clear(&uri);
    ja_totp_clear(&t);
    free(label);
    free(name);
    return 0;
}
