#include "common/base/text.h"

#include "common/base/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Own tables instead of <ctype.h>: that one follows the locale of the calling process. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* One character (RFC 3629): its length in bytes and code point, or 0 when malformed, overlong, a surrogate or
 * beyond U+10FFFF. */
static size_t utf8_next(const unsigned char *s, size_t len, uint32_t *ret_cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
             : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
    uint32_t cp;

    if (n == 0 || n > len)
        return 0;
    cp = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (s[i] & 0x3fu);
    }
    if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    *ret_cp = cp;
    return n;
}

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f);
}

/* Line breaks and direction marks of Unicode: they move text on a terminal (CVE-2021-42574). */
static bool is_disguise(uint32_t cp)
{
    return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

bool ja_username_valid(const char *s)
{
    size_t n = 0;

    if (!s || !(is_lower(s[0]) || s[0] == '_'))
        return false;
    while (n <= JA_USERNAME_MAX && (is_lower(s[n]) || is_digit(s[n]) || s[n] == '_' || s[n] == '-'))
        n++;
    return s[n] == 0 && n <= JA_USERNAME_MAX;
}

bool ja_utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t cp;

    for (size_t n; len > 0; p += n, len -= n) {
        n = utf8_next(p, len, &cp);
        if (n == 0)
            return false;
    }
    return true;
}

bool ja_text_valid(const char *s, size_t max)
{
    size_t len = strnlen(s, max + 1);
    const unsigned char *p = (const unsigned char *)s;
    uint32_t cp;

    if (len > max)
        return false;
    for (size_t n; len > 0; p += n, len -= n) {
        n = utf8_next(p, len, &cp);
        if (n == 0 || is_control(cp))
            return false;
    }
    return true;
}

/* atext of RFC 5322 section 3.2.3 without the backquote, and dots between other characters. A leading
 * hyphen could be taken for an option by a mail program (CVE-2016-10033). */
static bool local_part_valid(const char *s, size_t len)
{
    if (len == 0 || len > 64 || s[0] == '.' || s[0] == '-' || s[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.' && s[i - 1] == '.')
            return false;
        if (!is_lower(s[i]) && !is_digit(s[i]) && !strchr(".!#$%&'*+-/=?^_{|}~", s[i]))
            return false;
    }
    return true;
}

static bool domain_valid(const char *s)
{
    size_t label = 0;

    for (;; s++) {
        if (*s == '.' || *s == 0) {
            if (label == 0 || label > 63 || s[-1] == '-')
                return false;
            if (*s == 0)
                return true;
            label = 0;
        } else if (is_lower(*s) || is_digit(*s) || (*s == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool ja_email_normalize(const char *s, char out[JA_EMAIL_MAX + 1])
{
    char text[JA_EMAIL_MAX + 1];
    const char *at;
    size_t len;

    while (is_blank(*s))
        s++;
    len = strlen(s);
    while (len > 0 && is_blank(s[len - 1]))
        len--;
    if (len > JA_EMAIL_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        text[i] = lower(s[i]);
    text[len] = 0;
    at = strchr(text, '@');
    if (!at || !local_part_valid(text, (size_t)(at - text)) || !domain_valid(at + 1))
        return false;
    memcpy(out, text, len + 1);
    return true;
}

bool ja_phone_normalize(const char *s, char out[JA_PHONE_MAX + 1])
{
    char text[JA_PHONE_MAX + 1];
    size_t n = 0;

    for (; *s; s++) {
        if (strchr(" \t.-()[]", *s))
            continue;
        if (!(is_digit(*s) || (n == 0 && *s == '+')) || n == JA_PHONE_MAX)
            return false;
        text[n++] = *s;
    }
    /* E.164: no country code begins with 0 */
    if (n < 9 || text[0] != '+' || text[1] == '0')
        return false;
    text[n] = 0;
    memcpy(out, text, n + 1);
    return true;
}

/* Appends the escaped form of n bytes, whole or not at all. */
static bool escape_bytes(const unsigned char *p, size_t n, char *out, size_t size, size_t *used)
{
    for (size_t i = 0; i < n; i++) {
        if (*used + 4 >= size)
            return false;
        (void)snprintf(out + *used, 5, "\\x%02x", p[i]);
        *used += 4;
    }
    return true;
}

bool ja_text_escape_n(const char *s, size_t len, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t used = 0, n;
    uint32_t cp = 0;
    bool whole = true;

    if (size == 0)
        return false;
    for (; whole && len > 0; p += n, len -= n) {
        n = utf8_next(p, len, &cp);
        if (n == 0 || is_control(cp) || is_disguise(cp)) {
            n = n ? n : 1;
            whole = escape_bytes(p, n, out, size, &used);
        } else if (cp == '\\') {
            whole = used + 2 < size;
            if (whole)
                memcpy(out + used, "\\\\", 2), used += 2;
        } else {
            whole = used + n < size;
            if (whole)
                memcpy(out + used, p, n), used += n;
        }
    }
    out[used] = 0;
    return whole;
}

bool ja_text_escape(const char *s, char *out, size_t size)
{
    return ja_text_escape_n(s, strlen(s), out, size);
}

void ja_b64_encode(const void *bin, size_t len, char *out, size_t size)
{
    if (size == 0)
        return;
    out[0] = 0;
    /* libsodium aborts the process on a short buffer: an empty text is ours instead */
    if (size >= sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING))
        (void)sodium_bin2base64(out, size, bin, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool ja_ascii_only(const char *s, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++)
        all |= (unsigned char)s[i];
    return all < 0x80;
}

/* libsodium 1.0.18 takes any byte from 0x80 on for the last character of its alphabet. */
bool ja_b64_decode(const char *s, size_t slen, void *out, size_t size, size_t *ret_len)
{
    size_t len = 0;

    if (!ja_ascii_only(s, slen))
        return false;
    if (sodium_base642bin(out, size, s, slen, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    *ret_len = len;
    return true;
}

void ja_text_digest(const void *data, size_t len, char out[JA_DIGEST_LEN + 1])
{
    unsigned char hash[16] = {0};

    if (crypto_generichash(hash, sizeof hash, data, len, NULL, 0) != 0)
        memset(hash, 0, sizeof hash);
    ja_b64_encode(hash, sizeof hash, out, JA_DIGEST_LEN + 1);
}

enum ja_status ja_uuid_new(int64_t now_ms, char out[JA_UUID_LEN + 1], struct ja_error *err)
{
    unsigned char b[16];
    char hex[33];
    enum ja_status st = ja_random(b, sizeof b, err);

    if (st != JA_OK)
        return st;
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)((uint64_t)now_ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    (void)sodium_bin2hex(hex, sizeof hex, b, sizeof b);
    (void)snprintf(out, JA_UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    return JA_OK;
}

bool ja_uuid_valid(const char *s)
{
    for (int i = 0; i < JA_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !(is_digit(s[i]) || (s[i] >= 'a' && s[i] <= 'f')))
            return false;
    }
    return s[JA_UUID_LEN] == 0;
}
