#include "common/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ja_status_text(enum ja_status status)
{
    switch (status) {
    case JA_OK: return "done";
    case JA_ERR_INVALID: return "invalid input";
    case JA_ERR_POLICY: return "against policy";
    case JA_ERR_NOT_FOUND: return "not found";
    case JA_ERR_EXISTS: return "exists already";
    case JA_ERR_CONFLICT: return "conflict";
    case JA_ERR_DENIED: return "denied";
    case JA_ERR_FORBIDDEN: return "not permitted";
    case JA_ERR_THROTTLED: return "too many attempts, try again later";
    case JA_ERR_BUSY: return "busy, try again later";
    case JA_ERR_UNAVAILABLE: return "not available, try again later";
    case JA_ERR_NOMEM: return "out of memory";
    case JA_ERR_IO: return "input/output error";
    case JA_ERR_FULL: return "disk full";
    case JA_ERR_UNSAFE: return "unsafe file";
    case JA_ERR_CONFIG: return "configuration error";
    case JA_ERR_CORRUPT: return "damaged store";
    case JA_ERR_VERSION: return "store of a newer version";
    case JA_ERR_CRYPTO: return "cryptographic failure";
    case JA_ERR_UNSUPPORTED: return "not supported by this build";
    case JA_ERR_INTERNAL: return "internal error";
    }
    return "unknown status";
}

enum ja_status ja_fail(struct ja_error *err, enum ja_status status, const char *code,
                       const char *fmt, ...)
{
    if (err) {
        va_list ap;
        err->status = status;
        err->retry_after = 0;
        (void)snprintf(err->code, sizeof err->code, "%s", code);
        va_start(ap, fmt);
        (void)vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
    }
    return status;
}

enum ja_status ja_fail_nomem(struct ja_error *err)
{
    return ja_fail(err, JA_ERR_NOMEM, "out_of_memory", "out of memory");
}

enum ja_status ja_fail_errno(struct ja_error *err, int errnum, const char *what)
{
    char text[128];
    const char *reason = strerror_r(errnum, text, sizeof text);

    switch (errnum) {
    case ENOMEM: return ja_fail_nomem(err);
    case ENOSPC:
    case EDQUOT: return ja_fail(err, JA_ERR_FULL, "disk_full", "%s: %s", what, reason);
    default: return ja_fail(err, JA_ERR_IO, "io_error", "%s: %s", what, reason);
    }
}
