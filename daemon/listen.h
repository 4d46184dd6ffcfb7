/* The sockets that jwtauthd listens on: systemd's (sd_listen_fds(3)), or its own: [http] socket and listen. */
#ifndef JA_DAEMON_LISTEN_H
#define JA_DAEMON_LISTEN_H

#include "daemon/server.h"

/* Fills server->listeners, non-blocking. A stale socket file is replaced, one that answers is JA_ERR_EXISTS
 * "already_running"; "listen" on anything but loopback is a configuration error already. */
enum ja_status listen_open(struct server *server, const struct ja_config *cfg, struct ja_error *err);
/* Closes; removes a socket file of ours. */
void listen_close(struct server *server, const struct ja_config *cfg);

#endif
