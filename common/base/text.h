/* Strict parsing and bounded printing of the small things: numbers, times, names, addresses.
 *
 * All parsers take whole C strings and refuse anything left over; none reads the locale or resolves
 * a name.  Nothing here allocates unless it says so.
 * Threads: no shared state.
 */
#ifndef JA_BASE_TEXT_H
#define JA_BASE_TEXT_H

#include "common/base/status.h"

#include <stdbool.h>

#define JA_USERNAME_MAX 32
#define JA_EMAIL_MAX 254
#define JA_PHONE_MAX 16 /* '+' and 15 digits, E.164 */
#define JA_TEXT_MAX 256 /* full name, company, ... in bytes */
#define JA_UUID_LEN 36
#define JA_TIME_LEN 20  /* 2026-01-02T03:04:05Z */

/* [a-z_][a-z0-9_-]{0,31}, compared as bytes, no folding (SECURITY R5). */
bool ja_username_valid(const char *s);
/* Free text for people: valid UTF-8, no control characters (C0, DEL, C1), at most `max` bytes. */
bool ja_text_valid(const char *s, size_t max);
bool ja_utf8_valid(const char *s, size_t len);
/* No byte above 0x7f. */
bool ja_ascii_only(const char *s, size_t len);

/* Trims ASCII blanks and lower-cases ASCII into out; false when it is no plain address
 * (local@domain, no control characters, blanks, quotes or angle brackets). */
bool ja_email_normalize(const char *s, char out[JA_EMAIL_MAX + 1]);
/* Drops blanks, dots, hyphens and brackets; false when the rest is not + and 8 to 15 digits. */
bool ja_phone_normalize(const char *s, char out[JA_PHONE_MAX + 1]);

bool ja_parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret);
/* "90s" "15m" "2h" "7d"; a bare number is refused except "0". Seconds. */
bool ja_parse_duration(const char *s, int64_t *ret_seconds);
/* "64M" "65536K" "1G", bare bytes. */
bool ja_parse_size(const char *s, int64_t *ret_bytes);
/* A duration from `now`, or RFC 3339 (any offset). Seconds since the epoch. */
bool ja_parse_when(const char *s, int64_t now, int64_t *ret_time);
/* RFC 3339 UTC with seconds. */
void ja_time_format(int64_t t, char out[JA_TIME_LEN + 1]);
/* The shortest of 90s 15m 2h 7d. */
void ja_duration_format(int64_t seconds, char *out, size_t size);

/* Escapes control characters (C0, DEL, C1), invalid UTF-8 and backslash as \xNN / \\ for
 * terminals and log lines.  Always terminates; returns false when cut. */
bool ja_text_escape(const char *s, char *out, size_t size);
bool ja_text_escape_n(const char *s, size_t len, char *out, size_t size);

/* Base64url without padding (RFC 7515 section 2) through libsodium, constant time. `out` of
 * JA_B64_SIZE(len). Decoding is strict: canonical, nothing left over. */
#define JA_B64_SIZE(len) (((len) * 4 + 2) / 3 + 1)
void ja_b64_encode(const void *bin, size_t len, char *out, size_t size);
bool ja_b64_decode(const char *s, size_t slen, void *out, size_t size, size_t *ret_len);

/* A short name for contents (BLAKE2b, base64url): the same bytes have the same one. For caches, not a secret. */
#define JA_DIGEST_LEN 22
void ja_text_digest(const void *data, size_t len, char out[JA_DIGEST_LEN + 1]);

/* UUIDv7 (RFC 9562 section 5.7). */
enum ja_status ja_uuid_new(int64_t now_ms, char out[JA_UUID_LEN + 1], struct ja_error *err);
bool ja_uuid_valid(const char *s);

#endif
