#include "common/domain/ssh_key_line.h"

#include "common/base/text.h"
#include "common/domain/ssh_key_point.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT_BITS 64 /* what OpenSSL takes with long moduli */

static enum ja_status malformed(struct ja_error *err, const char *what)
{
    return ja_fail(err, JA_ERR_INVALID, "invalid_ssh_key", "not a public ssh key: %s", what);
}

/* ---- RFC 4251 section 5: strings with a length in front ---- */

struct wire {
    const unsigned char *at;
    size_t left;
};

static bool take(struct wire *w, const unsigned char **ret, size_t *ret_len)
{
    size_t len;

    if (w->left < 4)
        return false;
    len = (size_t)w->at[0] << 24 | (size_t)w->at[1] << 16 | (size_t)w->at[2] << 8 | w->at[3];
    if (len > w->left - 4)
        return false;
    *ret = w->at + 4;
    *ret_len = len;
    w->at += 4 + len;
    w->left -= 4 + len;
    return true;
}

static bool take_text(struct wire *w, const char *expected)
{
    const unsigned char *s = NULL;
    size_t len = 0;

    return take(w, &s, &len) && len == strlen(expected) && sodium_memcmp(s, expected, len) == 0;
}

/* A positive mpint in its shortest form. */
static bool take_number(struct wire *w, const unsigned char **ret, size_t *ret_len)
{
    const unsigned char *s = NULL;
    size_t len = 0;

    if (!take(w, &s, &len) || len == 0 || s[0] & 0x80 || (s[0] == 0 && (len == 1 || !(s[1] & 0x80))))
        return false;
    *ret = s[0] ? s : s + 1;
    *ret_len = s[0] ? len : len - 1;
    return true;
}

static int bits_of(const unsigned char *s, size_t len)
{
    int bits = (int)len * 8;

    for (unsigned top = s[0]; !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

/* ---- the types ---- */

struct key_type {
    const char *name, *curve; /* curve: of ECDSA */
    bool hardware;            /* sk-: the application follows */
    enum ja_status (*read)(struct wire *w, const struct key_type *type, int *ret_bits, struct ja_error *err);
    int bits;
};

static enum ja_status read_ed25519(struct wire *w, const struct key_type *type, int *ret_bits, struct ja_error *err)
{
    const unsigned char *key = NULL;
    size_t len = 0;

    if (!take(w, &key, &len) || len != crypto_core_ed25519_BYTES)
        return malformed(err, "an Ed25519 key has 32 bytes");
    if (crypto_core_ed25519_is_valid_point(key) != 1)
        return malformed(err, "no point of the curve that is good for a key");
    *ret_bits = type->bits;
    return JA_OK;
}

static enum ja_status read_ecdsa(struct wire *w, const struct key_type *type, int *ret_bits, struct ja_error *err)
{
    const unsigned char *point = NULL;
    size_t len = 0;

    if (!take_text(w, type->curve))
        return malformed(err, "the curve inside is another one");
    if (!take(w, &point, &len))
        return malformed(err, "it is cut short");
    if (!ja_ssh_point_valid(type->bits, point, len))
        return malformed(err, "no point of the curve");
    *ret_bits = type->bits;
    return JA_OK;
}

static enum ja_status read_rsa(struct wire *w, const struct key_type *type, int *ret_bits, struct ja_error *err)
{
    const unsigned char *e = NULL, *n = NULL;
    size_t e_len = 0, n_len = 0;
    int bits;

    (void)type;
    if (!take_number(w, &e, &e_len) || !take_number(w, &n, &n_len))
        return malformed(err, "a number is missing or not in its shortest form");
    bits = bits_of(n, n_len);
    if (bits < JA_SSH_RSA_MIN || bits > JA_SSH_RSA_MAX)
        return ja_fail(err, JA_ERR_POLICY, "ssh_key_refused", "an RSA key of %d bits: %d to %d are taken", bits,
                       JA_SSH_RSA_MIN, JA_SSH_RSA_MAX);
    if (!(n[n_len - 1] & 1) || !(e[e_len - 1] & 1) || bits_of(e, e_len) < 2 || bits_of(e, e_len) > EXPONENT_BITS)
        return malformed(err, "no RSA key has these numbers");
    *ret_bits = bits;
    return JA_OK;
}

static const struct key_type types[] = {
    {"ssh-ed25519", NULL, false, read_ed25519, 256},
    {"sk-ssh-ed25519@openssh.com", NULL, true, read_ed25519, 256},
    {"ecdsa-sha2-nistp256", "nistp256", false, read_ecdsa, 256},
    {"ecdsa-sha2-nistp384", "nistp384", false, read_ecdsa, 384},
    {"ecdsa-sha2-nistp521", "nistp521", false, read_ecdsa, 521},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", true, read_ecdsa, 256},
    {"ssh-rsa", NULL, false, read_rsa, 0},
};

static const struct key_type *find_type(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].name) == len && sodium_memcmp(types[i].name, name, len) == 0)
            return &types[i];
    return NULL;
}

static bool printable(const unsigned char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] < 0x21 || s[i] > 0x7e)
            return false;
    return len > 0;
}

static enum ja_status read_blob(const unsigned char *bin, size_t len, const struct key_type *type, int *ret_bits,
                                struct ja_error *err)
{
    struct wire w = {bin, len};
    const unsigned char *application = NULL;
    size_t application_len = 0;
    int bits = 0;
    enum ja_status st;

    if (!take_text(&w, type->name))
        return malformed(err, "the type inside is another one");
    st = type->read(&w, type, &bits, err);
    if (st == JA_OK && type->hardware &&
        (!take(&w, &application, &application_len) || !printable(application, application_len)))
        st = malformed(err, "the application of the security key is missing");
    if (st == JA_OK && w.left != 0)
        st = malformed(err, "there is more behind the key");
    if (st == JA_OK)
        *ret_bits = bits;
    return st;
}

/* ---- the line ---- */

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t word(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && !blank(s[n]))
        n++;
    return n;
}

static void skip_blanks(const char **s, size_t *len)
{
    for (; *len && blank(**s); (*s)++)
        (*len)--;
}

static void fingerprint(const unsigned char *bin, size_t len, char out[JA_SSH_FINGERPRINT_SIZE])
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256(hash, bin, len);
    (void)snprintf(out, JA_SSH_FINGERPRINT_SIZE, "SHA256:");
    (void)sodium_bin2base64(out + strlen("SHA256:"), JA_SSH_FINGERPRINT_SIZE - strlen("SHA256:"), hash, sizeof hash,
                            sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

static size_t trimmed(const char *s, size_t len)
{
    while (len && (blank(s[len - 1]) || s[len - 1] == '\r'))
        len--;
    return len;
}

/* Any bytes become UTF-8 (old keys have Latin-1 there), cut between characters. */
static void keep_comment(const char *s, size_t len, char out[JA_SSH_COMMENT_MAX + 1])
{
    if (ja_utf8_valid(s, len)) {
        if (len > JA_SSH_COMMENT_MAX)
            for (len = JA_SSH_COMMENT_MAX; len && ((unsigned char)s[len] & 0xc0) == 0x80;)
                len--;
        (void)snprintf(out, JA_SSH_COMMENT_MAX + 1, "%.*s", (int)len, s);
    } else {
        (void)ja_text_escape_n(s, len, out, JA_SSH_COMMENT_MAX + 1);
    }
    out[trimmed(out, strlen(out))] = 0;
}

static bool starts(const char *s, size_t len, const char *with)
{
    return len >= strlen(with) && strncmp(s, with, strlen(with)) == 0;
}

static enum ja_status unknown_type(const char *s, size_t len, struct ja_error *err)
{
    static const char known[] = "ssh-ed25519, ecdsa-sha2-nistp256, -nistp384 and -nistp521, "
                                "sk-ssh-ed25519@openssh.com, sk-ecdsa-sha2-nistp256@openssh.com, ssh-rsa";

    if (starts(s, len, "ssh-") || starts(s, len, "ecdsa-") || starts(s, len, "sk-"))
        return ja_fail(err, JA_ERR_POLICY, "ssh_key_refused", "keys of this type are not taken, these are: %s", known);
    return malformed(err, "a line starts with the key's type (options in front are not taken)");
}

enum ja_status ja_ssh_line_parse(const char *line, size_t len, struct ja_ssh_line *ret, struct ja_error *err)
{
    struct ja_ssh_line key = {0};
    unsigned char bin[JA_SSH_BLOB_MAX];
    const struct key_type *type;
    const char *end = NULL;
    size_t n, bin_len = 0;
    enum ja_status st;

    skip_blanks(&line, &len);
    len = trimmed(line, len);
    if (memchr(line, 0, len))
        return malformed(err, "it has a NUL byte");
    n = word(line, len);
    type = find_type(line, n);
    if (!type && starts(line, len, "-----BEGIN ") && memmem(line, len, "PRIVATE KEY", 11))
        return malformed(err, "this is the private one, which stays where it is; the public one is in the file with .pub");
    if (!type)
        return unknown_type(line, n, err);
    line += n;
    len -= n;
    skip_blanks(&line, &len);
    n = word(line, len);
    if (n == 0 || n >= sizeof key.blob)
        return malformed(err, n ? "it is too long" : "the key itself is missing");
    /* libsodium takes some bytes above 0x7f for digits */
    if (!ja_ascii_only(line, n) ||
        sodium_base642bin(bin, sizeof bin, line, n, NULL, &bin_len, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != line + n)
        return malformed(err, "this is no base64");
    st = read_blob(bin, bin_len, type, &key.bits, err);
    if (st != JA_OK)
        return st;
    (void)snprintf(key.type, sizeof key.type, "%s", type->name);
    (void)snprintf(key.blob, sizeof key.blob, "%.*s", (int)n, line);
    fingerprint(bin, bin_len, key.fingerprint);
    line += n;
    len -= n;
    skip_blanks(&line, &len);
    keep_comment(line, len, key.comment);
    *ret = key;
    return JA_OK;
}
