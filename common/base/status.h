/* Status codes and error records.
 *
 * Purpose: every fallible function returns an enum ja_status; values leave through `ret_`
 * parameters, which are written on JA_OK only.  A struct ja_error carries the stable code and the one
 * line for the person.  Its memory is the caller's; no function keeps a pointer to it; a NULL
 * `err` is accepted everywhere.  No message holds a secret.
 * Threads: no shared state.
 */
#ifndef JA_BASE_STATUS_H
#define JA_BASE_STATUS_H

#include <stddef.h>
#include <stdint.h>

enum ja_status {
    JA_OK = 0,
    JA_ERR_INVALID,     /* malformed input */
    JA_ERR_POLICY,      /* well-formed, but against policy */
    JA_ERR_NOT_FOUND,   /* no such user, key, session ... */
    JA_ERR_EXISTS,      /* exists already */
    JA_ERR_CONFLICT,    /* in conflict with what exists */
    JA_ERR_DENIED,      /* wrong credentials, invalid token: the answer is no */
    JA_ERR_FORBIDDEN,   /* this caller may not do this */
    JA_ERR_THROTTLED,   /* too many attempts; ja_error.retry_after says when */
    JA_ERR_BUSY,        /* a lock or a hashing slot was not had in time */
    JA_ERR_UNAVAILABLE, /* a provider or the daemon is not there */
    JA_ERR_NOMEM,
    JA_ERR_IO,
    JA_ERR_FULL,        /* disk full */
    JA_ERR_UNSAFE,      /* a file's owner, mode or kind is not safe */
    JA_ERR_CONFIG,      /* configuration error */
    JA_ERR_CORRUPT,     /* the store, or a sealed value in it, is damaged */
    JA_ERR_VERSION,     /* the store is newer than this program */
    JA_ERR_CRYPTO,      /* a library refused, or the master key is wrong */
    JA_ERR_UNSUPPORTED, /* built without it */
    JA_ERR_INTERNAL,
};

struct ja_error {
    enum ja_status status;
    unsigned retry_after; /* seconds; with JA_ERR_THROTTLED and JA_ERR_BUSY */
    char code[48];        /* stable snake_case: "email_taken" */
    char message[1024];   /* lower case, cause first, no final stop */
};

/* The general text of a status: "not found". Never NULL. */
const char *ja_status_text(enum ja_status status);

/* Fills `err` (may be NULL) and returns `status`, so that callers write `return ja_fail(...)`. */
enum ja_status ja_fail(struct ja_error *err, enum ja_status status, const char *code,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Shorthand for the two failures that need no words of their own. */
enum ja_status ja_fail_nomem(struct ja_error *err);
/* From errno: ENOSPC and EDQUOT become JA_ERR_FULL, ENOMEM JA_ERR_NOMEM, else JA_ERR_IO. */
enum ja_status ja_fail_errno(struct ja_error *err, int errnum, const char *what);

#endif
