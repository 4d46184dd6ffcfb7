/* Inside of request.h: one request from its first line to its answer, and what its parts share.
 *
 * Ownership: libmicrohttpd's con_cls, freed when the request is completed. Threads: the loop's; while progress is WORKING
 * the call, job and err are the worker's that runs it.
 */
#ifndef JA_DAEMON_REQUEST_IMPL_H
#define JA_DAEMON_REQUEST_IMPL_H

#include "daemon/http.h"
#include "daemon/loop.h"
#include "daemon/pool.h"

#include <microhttpd.h>

enum progress { READING, WORKING, DONE };

struct request {
    struct http_call call;
    struct pool_job job;
    struct loop *loop;
    struct conn *conn;
    struct MHD_Connection *mhd;
    char *body;
    size_t len, cap, skipped;
    int64_t announced; /* Content-Length; -1: none */
    enum progress progress;
    struct ja_error err;   /* status JA_OK: none */
    int64_t started_us;
};

/* JA_ERR_INVALID into r->err, with this HTTP status. */
enum ja_status request_refuse(struct request *r, int status, const char *code, const char *message);
/* What follows may be the rest of this request to whoever sent it: it is not read. */
enum ja_status request_refuse_and_close(struct request *r, int status, const char *code, const char *message);

/* request_head.c: head, route and query. What is wrong is in r->err; call.answered: the answer is complete. */
enum ja_status request_read_head(struct request *r, const char *version, const char *method, const char *url);

/* request_body.c: what has come; past HTTP_BODY_MAX it is only counted. */
void request_take_body(struct request *r, const char *data, size_t len);
void request_drop_body(struct request *r); /* wiped: passwords are in it */
/* The whole of it into the call; drops it. */
enum ja_status request_parse_body(struct request *r);

#endif
