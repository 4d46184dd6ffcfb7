/* libmicrohttpd's sockets, connections and responses, and the daemon's other threads, played by one thread for
 * fuzz_http: request.c and all behind it calls these as it calls the real ones.
 */
#ifndef JA_TEST_FUZZ_HTTP_WIRE_H
#define JA_TEST_FUZZ_HTTP_WIRE_H

#include "daemon/request.h"

#define WIRE_HEADERS_MAX 40

struct MHD_Response {
    char *text;
    size_t len;
    MHD_ContentReaderFreeCallback free_text;
    struct { char *name, *value; } headers[WIRE_HEADERS_MAX];
    size_t nheaders;
    unsigned refs;
};

/* The one connection there is. */
struct wire {
    struct { char *name, *value; } headers[WIRE_HEADERS_MAX];
    size_t nheaders;
    char *query;            /* NULL: none */
    union MHD_ConnectionInfo info;
    bool suspended;
    struct MHD_Response *answer;
    unsigned status, answers;
};
extern struct wire wire;

struct MHD_Connection *wire_connection(void);
/* The job that was given to a worker, once; NULL: none. */
struct pool_job *wire_take_job(void);

#endif
