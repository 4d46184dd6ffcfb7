/* One call to jwtauthd over its Unix socket: JSON in, the envelope's data or its error out (HTTP.md).
 *
 * The daemon has to be root's, or our own (tests): socket and folders are checked before anything is sent.  No proxy,
 * no redirect, nothing of the environment; 1 MiB of answer at most.
 * Errors are those of the call's own code and message with the status that makes the exit code what it would be
 * without a daemon: 400 JA_ERR_INVALID, 401 JA_ERR_DENIED, 403 JA_ERR_FORBIDDEN, 404 JA_ERR_NOT_FOUND,
 * 409 JA_ERR_CONFLICT, 429 JA_ERR_THROTTLED, 503 JA_ERR_BUSY (both with retry_after), 500 JA_ERR_INTERNAL.
 * JA_ERR_UNAVAILABLE "daemon_unavailable": nobody answers; JA_ERR_UNSAFE "unsafe_socket"; JA_ERR_CORRUPT
 * "invalid_answer": no answer of jwtauthd.
 * Threads: no shared state.
 */
#ifndef JA_CLIENT_CLIENT_H
#define JA_CLIENT_CLIENT_H

#include "common/base/status.h"

#include <jansson.h>
#include <stdbool.h>

struct ja_client_call {
    const char *socket; /* absolute path */
    const char *method; /* "GET", "POST", ... */
    const char *path;   /* "/api/v1/token", with its query */
    const json_t *body; /* NULL: none */
    long seconds;       /* the whole call at most; 0: 60 */
    bool plain;         /* the answer has no envelope: data is all of it */
    const char *bearer; /* API key or access token; NULL: the kernel's word for our uid is the identity */
};

/* *ret_data: a new reference to data; NULL when there is none. */
enum ja_status ja_client_run(const struct ja_client_call *call, json_t **ret_data, struct ja_error *err);

#endif
