/* Inside of ssh_key_snapshot.h: what writer and reader have to agree on. */
#ifndef JA_DOMAIN_SSH_KEY_SNAPSHOT_FORMAT_H
#define JA_DOMAIN_SSH_KEY_SNAPSHOT_FORMAT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_NAME "jwtauth-ssh-keys 1 "
#define SNAPSHOT_HEAD SNAPSHOT_NAME "%020" PRId64 " %012zu " /* and its check */
#define SNAPSHOT_HEAD_LEN (sizeof SNAPSHOT_NAME - 1 + 20 + 1 + 12 + 1)
#define SNAPSHOT_FIRST (SNAPSHOT_HEAD_LEN + SNAPSHOT_CHECK + 1) /* where the lines begin */
#define SNAPSHOT_END "end\n"
#define SNAPSHOT_END_LEN (sizeof SNAPSHOT_END - 1)
#define SNAPSHOT_LINE_MAX 4096
#define SNAPSHOT_CHECK 32 /* hex digits */

/* Of the head, or of the first `len` bytes of a line, the blank before the check included. */
bool ja_ssh_snapshot_sum(const char *line, size_t len, char out[SNAPSHOT_CHECK + 1]);

#endif
