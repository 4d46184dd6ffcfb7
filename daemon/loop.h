/* One event loop: an epoll of its own over listeners, libmicrohttpd and a wake-up, with one context (thread.h).
 *
 * The HTTP library runs inside our loop (MHD_run), so that accepting, deadlines and draining are ours.
 * Threads: loop_wake from any; everything else inside the loop's own.
 */
#ifndef JA_DAEMON_LOOP_H
#define JA_DAEMON_LOOP_H

#include "daemon/gate.h"
#include "daemon/server.h"

#include <microhttpd.h>

struct loop {
    struct server *server;
    struct http_thread thread;
    struct conn_table conns;
    struct MHD_Daemon *mhd;
    struct gate *gate;
    int epoll, wake;
    bool listening;
    int64_t ticked_ms;
};

enum ja_status loop_init(struct loop *loop, struct server *server, struct ja_config *cfg, struct ja_error *err);
enum ja_status loop_start(struct loop *loop, struct ja_error *err);
void loop_wake(struct loop *loop);
void loop_join(struct loop *loop);
void loop_clear(struct loop *loop);
int64_t loop_now_ms(void); /* monotonic */

#endif
