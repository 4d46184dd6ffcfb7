#include "common/notify/mail_header.h"

#include "common/base/text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORD_BYTES 42 /* 56 characters of base64 and 12 around it: below 75 (RFC 2047 section 2) */

enum ja_status ja_mail_date(int64_t t, char out[JA_MAIL_DATE], struct ja_error *err)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t when = (time_t)t;
    struct tm tm;

    if (!gmtime_r(&when, &tm) || tm.tm_year > 8099)
        return ja_fail(err, JA_ERR_INTERNAL, "internal", "the clock is beyond the year 9999");
    (void)snprintf(out, JA_MAIL_DATE, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
                   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return JA_OK;
}

/* At most WORD_BYTES bytes, whole characters (RFC 2047 section 5). */
static size_t whole_characters(const char *s, size_t len)
{
    size_t n = len > WORD_BYTES ? WORD_BYTES : len;

    while (n < len && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static enum ja_status encode(const char *text, char *out, size_t size, struct ja_error *err)
{
    size_t used = 0;

    for (size_t left = strlen(text); left > 0;) {
        char word[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];
        size_t n = whole_characters(text, left);
        int len;

        (void)sodium_bin2base64(word, sizeof word, (const unsigned char *)text, n, sodium_base64_VARIANT_ORIGINAL);
        len = snprintf(out + used, size - used, "%s=?UTF-8?B?%s?=", used > 0 ? "\r\n " : "", word);
        if (n == 0 || len < 0 || (size_t)len >= size - used)
            return ja_fail(err, JA_ERR_INVALID, "bad_subject", "the subject is too long");
        used += (size_t)len;
        text += n;
        left -= n;
    }
    return JA_OK;
}

enum ja_status ja_mail_subject(const char *text, char *out, size_t size, struct ja_error *err)
{
    bool plain = strlen(text) <= 60 && !strstr(text, "=?") && text[0] != ' ';

    if (!ja_text_valid(text, size))
        return ja_fail(err, JA_ERR_INVALID, "bad_subject", "the subject holds control characters");
    for (const char *p = text; *p; p++)
        plain = plain && (unsigned char)*p < 0x7f;
    if (!plain)
        return encode(text, out, size, err);
    (void)snprintf(out, size, "%s", text);
    return JA_OK;
}
