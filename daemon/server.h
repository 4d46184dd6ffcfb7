/* The running daemon: loops, workers, listeners, and what they share.
 *
 * Loops ([http] threads) own connections and answer what is quick; `work` has two threads for what writes; `hash` as
 * many as cores (at most [password] parallel_hashes) for what hashes passwords; `outside` two for what waits for another
 * server.
 */
#ifndef JA_DAEMON_SERVER_H
#define JA_DAEMON_SERVER_H

#include "daemon/chores.h"
#include "daemon/conn.h"
#include "daemon/failures.h"
#include "daemon/metrics.h"
#include "daemon/pool.h"

struct loop;

#define LISTENERS_MAX 4

struct server {
    struct ja_log log;
    struct conn_counts counts;
    struct metrics *metrics;
    struct failures *failures, *captchas;
    struct pool *hash, *work, *outside;
    struct http_thread *hashers, *workers, *askers, chorists[CHORE_THREADS];
    size_t nhashers, nworkers, naskers;
    struct chores *chores;
    struct loop *loops;
    size_t nloops;
    int listeners[LISTENERS_MAX];
    size_t nlisteners;
    bool unlink_socket;      /* ours to remove at the end: systemd's stay */
    atomic_bool draining;
};

/* Opens sockets, gives up privileges, opens the store, starts every thread. `path` and allow_own as ja_config_load; cfg is borrowed. On failure
 * server_stop cleans up. */
enum ja_status server_start(struct server *server, const char *path, bool allow_own, const struct ja_config *cfg,
                            struct ja_error *err);
/* A new configuration for every thread; all of it or nothing. Listeners and numbers of threads stay as they are. */
enum ja_status server_reload(struct server *server, const char *path, bool allow_own, struct ja_error *err);
/* Answers what has been asked, then ends. */
void server_stop(struct server *server, const struct ja_config *cfg);

#endif
