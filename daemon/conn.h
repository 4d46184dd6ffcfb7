/* Connections: who may have how many, and how long a request may take to arrive and an answer to leave (R25).
 *
 * libmicrohttpd's own timeout is one of inactivity, which a byte a second outlives; deadlines here are total.
 * Threads: a table belongs to one loop; the counts are shared by all loops.
 */
#ifndef JA_DAEMON_CONN_H
#define JA_DAEMON_CONN_H

#include "common/base/status.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#define CONN_MAX 1024
#define CONN_UID_MAX 256
#define CONN_RECEIVE_MS 10000 /* from accept, or the end of the last answer, to the end of the next request */
#define CONN_SEND_MS 20000

/* Shared by the loops. */
struct conn_counts {
    atomic_size_t open;
    pthread_mutex_t lock;
    struct { uid_t uid; size_t n; } uids[CONN_MAX]; /* of the Unix socket's peers; n 0: free */
};

enum conn_state { CONN_RECEIVING, CONN_WORKING, CONN_SENDING };

struct conn {
    int fd;
    enum conn_state state;
    int64_t deadline_ms;   /* CONN_WORKING has none: the work is bounded itself */
    bool on_unix, closing;
    bool begun;            /* the head of a request is here, its answer is not */
    bool served;           /* a request has been answered */
    uid_t uid;             /* on_unix: SO_PEERCRED at accept */
    pid_t pid;
    char address[64];      /* numeric, TCP */
    char client[64];       /* of the current request: what trusted proxies say */
    struct conn *next, *prev;
};

struct conn_table {
    struct conn *first;
    struct conn **by_fd;   /* CONN_FDS pointers */
    struct conn_counts *counts;
};
#define CONN_FDS 4096

void conn_counts_init(struct conn_counts *c);
enum ja_status conn_table_init(struct conn_table *t, struct conn_counts *counts, struct ja_error *err);
void conn_table_clear(struct conn_table *t);

/* Takes an accepted descriptor in. NULL: too many of this uid, or no memory; the descriptor is closed then. */
struct conn *conn_add(struct conn_table *t, int fd, const struct sockaddr_storage *addr, int64_t now_ms);
void conn_remove(struct conn_table *t, struct conn *c); /* does not close the descriptor */
void conn_state(struct conn *c, enum conn_state state, int64_t now_ms);
/* Shuts down what is past its deadline or will not ask any more, and with `crowded` whatever idles; the HTTP library
 * then closes it. */
void conn_expire(struct conn_table *t, int64_t now_ms, bool crowded);
/* At the end: shuts down every connection that has no request under way. `patient`: who has just connected, or is
 * sending a body, may still ask. True: none is left at all. */
bool conn_drain(struct conn_table *t, bool patient);
bool conn_full(const struct conn_counts *c);

#endif
