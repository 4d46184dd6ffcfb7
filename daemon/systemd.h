/* Socket activation and readiness, where systemd started us: sd_listen_fds(3), sd_notify(3). Without libsystemd, or
 * started by something else, these do nothing. */
#ifndef JA_DAEMON_SYSTEMD_H
#define JA_DAEMON_SYSTEMD_H

#include "common/base/status.h"

/* *ret_n descriptors from *ret_first on; 0: none were passed. */
enum ja_status systemd_sockets(int *ret_first, int *ret_n, struct ja_error *err);
/* "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=..." */
void systemd_notify(const char *state);

#endif
