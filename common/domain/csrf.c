#include "common/domain/csrf.h"

#include "common/domain/seal.h"

#include <sodium.h>
#include <string.h>

enum ja_status ja_csrf_token(struct ja_ctx *ctx, const char *session_id, char ret[JA_CSRF_TEXT], struct ja_error *err)
{
    unsigned char hash[32];
    enum ja_status st = ja_keyed_hash(ctx, "jacsrftk", session_id, strlen(session_id), hash, err);

    if (st == JA_OK)
        (void)sodium_bin2base64(ret, JA_CSRF_TEXT, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(hash, sizeof hash);
    return st;
}

enum ja_status ja_csrf_check(struct ja_ctx *ctx, const char *session_id, const char *given, struct ja_error *err)
{
    char right[JA_CSRF_TEXT] = "";
    bool same;
    enum ja_status st = ja_csrf_token(ctx, session_id, right, err);

    if (st != JA_OK)
        return st;
    same = given && strlen(given) == sizeof right - 1 && sodium_memcmp(given, right, sizeof right - 1) == 0;
    sodium_memzero(right, sizeof right);
    if (same)
        return JA_OK;
    return ja_fail(err, JA_ERR_FORBIDDEN, "csrf_failed",
                   "a request with cookies takes the session's csrf_token in the header X-CSRF-Token");
}
